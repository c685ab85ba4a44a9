"""Random operations of the five kinds, in SQL.

    append-text  a list in a column: INSERT .. ON DUPLICATE KEY UPDATE, UPDATE .. CONCAT
    append-rows  a list as rows of a child table: INSERT .. SELECT MAX(position) + 1
    register     unique values overwrite each other; rows are made, deleted and made again
    set          rows are made and deleted once each, ranges are scanned
    bank         transfers under FOR UPDATE, accounts opened and closed

Keys are few at a time, so that transactions meet, and retire, so that lists stay short.
Reads go by key, by range and by the secondary index (grp, n); plain, FOR SHARE, FOR UPDATE.
"""

import random
import threading

from .record import ALL, Op

GROUP = 4  # keys that share a `grp`
TABLE = ("CREATE TABLE item (id INT PRIMARY KEY, grp INT NOT NULL, n INT NOT NULL, value BIGINT NOT NULL,"
         " money INT NOT NULL DEFAULT 0, KEY by_n (grp, n), UNIQUE KEY by_value (value))")
LOCKS = {"": "", "share": " FOR SHARE", "update": " FOR UPDATE"}
FAR = 1 << 30


class Workload:
    """Shared by the clients of a history: keys and values."""

    tables: list[str] = []
    keys_alive, uses = 8, 20

    def __init__(self):
        self.lock = threading.Lock()
        self.last = 0
        self.alive = {key: 0 for key in range(self.keys_alive)}
        self.top = self.keys_alive

    def value(self) -> int:
        with self.lock:
            self.last += 1
            return self.last

    def pick(self, dice: random.Random, is_write: bool) -> int:
        """A key that is alive; the one that was written often makes place for a new one."""
        with self.lock:
            key = dice.choice(list(self.alive))
            if is_write:
                self.alive[key] += 1
                if self.alive[key] > self.uses:
                    del self.alive[key]
                    self.alive[self.top] = 0
                    self.top += 1
            return key

    def initial(self) -> dict:
        return {}

    def step(self, dice: random.Random, run) -> None:
        """One random operation."""
        self.write(dice, run) if dice.random() < 0.45 else self.read(dice, run)

    def read(self, dice: random.Random, run) -> Op:
        key, lock = self.pick(dice, False), choice(dice, {"": 6, "share": 1, "update": 1})
        way = choice(dice, {"key": 5, "range": 2, "index": 2})
        op = Op("read", lock=lock)
        if way == "key":
            op.keys, where = [key], f"id = {key}"
        elif way == "range":
            op.span = [key - dice.randint(0, 3), key + dice.randint(0, 3)]
            where = f"id BETWEEN {op.span[0]} AND {op.span[1]}"
        else:
            grp, op.floor = key // GROUP, dice.randint(1, 8)
            op.span = [grp * GROUP, grp * GROUP + GROUP - 1]
            where = f"grp = {grp} AND n >= {op.floor}"
        return self.rows(run(op, f"SELECT {self.columns} FROM item WHERE {where}{tail(dice, lock)}"))

    columns = "id, n, value"

    def rows(self, op: Op) -> Op:
        return op

    def write(self, dice: random.Random, run) -> None:
        raise NotImplementedError


class AppendText(Workload):
    tables = ["CREATE TABLE item (id INT PRIMARY KEY, grp INT NOT NULL, n INT NOT NULL,"
              " elements VARCHAR(2000) NOT NULL, KEY by_n (grp, n))"]
    columns = "id, n, elements"

    def rows(self, op: Op) -> Op:
        op.rows = [[key, n, [int(element) for element in elements.split(",")]] for key, n, elements in op.rows]
        return op

    def write(self, dice: random.Random, run) -> None:
        key, value = self.pick(dice, True), self.value()
        change = f"elements = CONCAT(elements, ',{value}'), n = n + 1"
        way = choice(dice, {"upsert": 5, "key": 3, "index": 1})
        run(Op("write", key=key, value=value), {
            "upsert": f"INSERT INTO item VALUES ({key}, {key // GROUP}, 1, '{value}') ON DUPLICATE KEY UPDATE {change}",
            "key": f"UPDATE item SET {change} WHERE id = {key}",
            "index": f"UPDATE item SET {change} WHERE grp = {key // GROUP} AND n >= 1 AND id = {key}"}[way])


class AppendRows(Workload):
    tables = ["CREATE TABLE element (list INT NOT NULL, position INT NOT NULL, value INT NOT NULL, grp INT NOT NULL,"
              " PRIMARY KEY (list, position), KEY by_grp (grp))"]

    def read(self, dice: random.Random, run) -> Op:
        key, lock = self.pick(dice, False), choice(dice, {"": 6, "share": 1, "update": 1})
        way, op = choice(dice, {"key": 5, "range": 2, "index": 2}), Op("read", lock=lock)
        if way == "key":
            op.keys, where = [key], f"list = {key}"
        elif way == "range":
            op.span = [key - dice.randint(0, 3), key + dice.randint(0, 3)]
            where = f"list BETWEEN {op.span[0]} AND {op.span[1]}"
        else:
            grp = key // GROUP
            op.span, where = [grp * GROUP, grp * GROUP + GROUP - 1], f"grp = {grp}"
        run(op, f"SELECT list, position, value FROM element WHERE {where}{tail(dice, lock)}")
        lists: dict[int, list] = {}
        for key, position, value in sorted(op.rows):
            row = lists.setdefault(key, [key, 0, []])
            row[1] = position
            row[2].append(value)
        op.rows = list(lists.values())
        return op

    def write(self, dice: random.Random, run) -> None:
        key, value = self.pick(dice, True), self.value()
        run(Op("write", key=key, value=value),
            f"INSERT INTO element SELECT {key}, COALESCE(MAX(position), 0) + 1, {value}, {key // GROUP} FROM element WHERE list = {key}")


class Register(Workload):
    tables = [TABLE]

    def write(self, dice: random.Random, run) -> None:
        key, value = self.pick(dice, True), self.value()
        way = choice(dice, {"upsert": 3, "key": 4, "index": 1, "replace": 2})
        op, change = Op("write", key=key, value=value), f"value = {value}, n = n + 1"
        if way == "replace":
            read = run(Op("read", lock="update", keys=[key]), f"SELECT id, n, value FROM item WHERE id = {key} FOR UPDATE")
            if read.rows:
                op.n = read.rows[0][1] + 1
                run(op, f"DELETE FROM item WHERE id = {key}",
                    f"INSERT INTO item (id, grp, n, value) VALUES ({key}, {key // GROUP}, {op.n}, {value})")
            return
        run(op, {
            "upsert": f"INSERT INTO item (id, grp, n, value) VALUES ({key}, {key // GROUP}, 1, {value}) ON DUPLICATE KEY UPDATE {change}",
            "key": f"UPDATE item SET {change} WHERE id = {key}",
            "index": f"UPDATE item SET {change} WHERE grp = {key // GROUP} AND n >= 1 AND id = {key}"}[way])
        if dice.random() < 0.4:
            run(Op("read", keys=[key]), f"SELECT id, n, value FROM item WHERE id = {key}")


class Set(Workload):
    """A key of the workload is a bucket here; its rows are WIDTH ids, taken in random order."""

    tables = [TABLE]
    keys_alive, uses, width = 4, 24, 32

    def __init__(self):
        super().__init__()
        self.free: dict[int, list] = {}
        self.used: dict[int, list] = {}

    def take(self, dice: random.Random, bucket: int) -> int | None:
        with self.lock:
            if bucket not in self.free:
                self.free[bucket] = dice.sample(range(bucket * self.width, (bucket + 1) * self.width), self.width)
            return self.free[bucket].pop() if self.free[bucket] else None

    def read(self, dice: random.Random, run) -> None:
        bucket, lock = self.pick(dice, False), choice(dice, {"": 8, "share": 1, "update": 1})
        low, high = bucket * self.width, (bucket + 1) * self.width - 1
        where = {"range": f"id BETWEEN {low} AND {high}", "index": f"grp = {bucket}"}
        if dice.random() < 0.3:
            low += dice.randrange(self.width)
            where = {"range": f"id >= {low} AND id <= {high}", "index": f"grp = {bucket} AND id >= {low}"}
        way = choice(dice, {"range": 2, "index": 1})
        run(Op("read", lock=lock, span=[low, high]), f"SELECT id, n, value FROM item WHERE {where[way]}{tail(dice, lock)}")

    def write(self, dice: random.Random, run) -> None:
        bucket = self.pick(dice, True)
        if dice.random() < 0.3 and self.used.get(bucket):
            key = dice.choice(self.used[bucket])
            run(Op("delete", key=key, n=2), f"DELETE FROM item WHERE id = {key}")
            return
        key, value = self.take(dice, bucket), self.value()
        if key is not None:
            self.used.setdefault(bucket, []).append(key)
            run(Op("write", key=key, value=value, n=1), f"INSERT INTO item (id, grp, n, value) VALUES ({key}, {bucket}, 1, {value})")


class Bank(Workload):
    tables = [TABLE]
    keys_alive, money = 12, 100
    columns = "id, n, value, money"

    def initial(self) -> dict:
        return {key: [key, 1, -1 - key, self.money] for key in range(self.keys_alive)}

    def pick(self, dice: random.Random, is_write: bool) -> int:
        with self.lock:
            return dice.choice(list(self.alive))

    def step(self, dice: random.Random, run) -> None:
        way = choice(dice, {"transfer": 10, "read": 6, "all": 5, "close": 1, "open": 1})
        {"transfer": self.transfer, "read": self.read, "all": self.all, "close": self.close, "open": self.open}[way](dice, run)

    def all(self, dice: random.Random, run) -> None:
        lock = choice(dice, {"": 12, "share": 1})
        where = choice(dice, {f"id BETWEEN 0 AND {FAR}": 1, "money >= 0": 1, "grp >= 0 AND n >= 0": 1})
        run(Op("read", lock=lock, span=[0, FAR], value=ALL), f"SELECT {self.columns} FROM item WHERE {where}{LOCKS[lock]}")

    def pair(self, dice: random.Random, run) -> list:
        keys = sorted({self.pick(dice, False), self.pick(dice, False)})
        dice.shuffle(keys)
        if dice.random() < 0.5:
            return run(Op("read", lock="update", keys=keys),
                       f"SELECT {self.columns} FROM item WHERE id IN ({', '.join(map(str, keys))}) FOR UPDATE").rows
        return [row for key in keys for row in run(
            Op("read", lock="update", keys=[key]), f"SELECT {self.columns} FROM item WHERE id = {key} FOR UPDATE").rows]

    def transfer(self, dice: random.Random, run) -> None:
        rows = self.pair(dice, run)
        if len(rows) == 2:
            source, target = rows
            amount = dice.randint(0, source[3])
            self.change(dice, run, (source, -amount))
            self.change(dice, run, (target, amount))

    def change(self, dice: random.Random, run, what: tuple) -> None:
        (key, n, _, money), amount = what
        op = Op("write", key=key, value=self.value(), n=n + 1, money=money + amount)
        values = choice(dice, {f"money = money + {amount}, n = n + 1": 1, f"money = {op.money}, n = {op.n}": 1})
        run(op, f"UPDATE item SET value = {op.value}, {values} WHERE id = {key}")

    def close(self, dice: random.Random, run) -> None:
        rows = self.pair(dice, run) if len(self.alive) > 6 else []
        if len(rows) == 2:
            closed, heir = rows
            self.change(dice, run, (heir, closed[3]))
            run(Op("delete", key=closed[0], n=closed[1] + 1), f"DELETE FROM item WHERE id = {closed[0]}")
            with self.lock:
                if len(self.alive) > 6:
                    self.alive.pop(closed[0], None)

    def open(self, dice: random.Random, run) -> None:
        with self.lock:
            if len(self.alive) >= 2 * self.keys_alive:
                return
            key, self.top = self.top, self.top + 1
            self.alive[key] = 0
        value = self.value()
        run(Op("write", key=key, value=value, n=1, money=0), f"INSERT INTO item VALUES ({key}, {key // GROUP}, 1, {value}, 0)")


WORKLOADS = {"append-text": AppendText, "append-rows": AppendRows, "register": Register, "bank": Bank, "set": Set}


def choice(dice: random.Random, weights: dict):
    return dice.choices(list(weights), weights.values())[0]


def tail(dice: random.Random, lock: str) -> str:
    """The locking clause, now and then one that does not wait."""
    return LOCKS[lock] + (" NOWAIT" if lock and dice.random() < 0.1 else "")
