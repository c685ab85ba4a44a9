"""A bank under crashes: transfers with a ledger, counters, batches that are too large for
one record of the log, all over MySQL connections, while tables are flushed and merged.

After a crash, of every worker:

- lost: a transaction whose COMMIT was answered is not there
- torn: a balance is not what the ledger's rows make it, money was made or lost, or a
  batch is there in part
- wrong: a row that nobody sent, an index that disagrees with its table, a counter
  that was moved by more or fewer than the acknowledged and unanswered statements
"""

import random
import threading

import pymysql

from tests.harness.server import PASSWORD

ACCOUNTS, MONEY = 16, 1000
# A batch is larger than a record of the log: its rows go into objects.
BATCH_ROWS, BATCH_TEXT = 700, "bulk " * 300


def connect(server, **more):
    options = dict(host="127.0.0.1", port=server.mysql_port, user="root", password=PASSWORD,
                   autocommit=True, connect_timeout=10, read_timeout=60)
    return pymysql.connect(**options | more)


def ask(connection, sql, *params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)
        return cursor.fetchall()


class Ledger:
    """What was sent, and what became of it."""

    def __init__(self, workers: int = 3):
        self.workers = workers
        self.lock = threading.Lock()
        self.acked: dict[int, tuple] = {}
        self.unknown: dict[int, tuple] = {}
        self.sent = [0] * workers
        self.counter_acked = [0] * workers
        self.counter_unknown = [0] * workers
        self.batches_acked: set[int] = set()
        self.batches_unknown: set[int] = set()
        self.counts = {"acked": 0, "unknown": 0, "refused": 0, "lost": 0, "torn": 0, "wrong": 0,
                       "batches": 0, "flushes": 0, "merges": 0}

    def count(self, what: str, by: int = 1) -> None:
        with self.lock:
            self.counts[what] += by


def prepare(server, ledger: Ledger) -> None:
    connection = connect(server)
    for sql in (
        "CREATE DATABASE bank",
        "CREATE TABLE bank.account (id INT PRIMARY KEY, money INT NOT NULL)",
        "CREATE TABLE bank.ledger (id BIGINT PRIMARY KEY, worker INT NOT NULL, source INT NOT NULL,"
        " target INT NOT NULL, amount INT NOT NULL, KEY by_worker (worker))",
        "CREATE TABLE bank.counter (worker INT PRIMARY KEY, n INT NOT NULL)",
        "CREATE TABLE bank.bulk (batch INT, n INT, text VARCHAR(2000), PRIMARY KEY (batch, n), KEY by_n (n))",
        "INSERT INTO bank.account VALUES " + ", ".join(f"({n}, {MONEY})" for n in range(ACCOUNTS)),
        "INSERT INTO bank.counter VALUES " + ", ".join(f"({n}, 0)" for n in range(ledger.workers)),
    ):
        ask(connection, sql)
    connection.close()


class Load:
    """Workers with a connection each, until `halt`."""

    def __init__(self, server, ledger: Ledger, seed: str):
        self.server, self.ledger, self.seed = server, ledger, seed
        self.halted = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(n,), daemon=True) for n in range(ledger.workers)]
        self.threads.append(threading.Thread(target=self.move, daemon=True))

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def halt(self) -> None:
        self.halted.set()
        for thread in self.threads:
            thread.join(90)

    def work(self, number: int) -> None:
        dice = random.Random(f"sql/{self.seed}/{number}")
        connection = None
        while not self.halted.is_set():
            try:
                connection = connection or connect(self.server, database="bank")
                what = dice.random()
                if what < 0.3:
                    self.bump(connection, number)
                elif what < 0.32:
                    self.batch(connection, number)
                else:
                    self.transfer(connection, number, dice)
            except (pymysql.err.MySQLError, OSError):
                connection = None
                self.halted.wait(0.02)

    def move(self) -> None:
        """Rows into objects, objects into fewer ones, all the time."""
        dice = random.Random(f"sql/{self.seed}/move")
        connection = None
        while not self.halted.is_set():
            try:
                connection = connection or connect(self.server, database="bank")
                if dice.random() < 0.6:
                    ask(connection, "FLUSH TABLES")
                    self.ledger.count("flushes")
                else:
                    table = dice.choice(["account", "ledger", "counter", "bulk"])
                    if ask(connection, f"OPTIMIZE TABLE {table}")[0][3] == "OK":
                        self.ledger.count("merges")
            except (pymysql.err.MySQLError, OSError):
                connection = None
            self.halted.wait(dice.uniform(0, 0.15))

    def batch(self, connection, number: int) -> None:
        ledger = self.ledger
        ledger.sent[number] += 1
        batch = number * 1_000_000 + ledger.sent[number]
        ledger.batches_unknown.add(batch)
        rows = ", ".join(f"({batch}, {n}, '{BATCH_TEXT}')" for n in range(BATCH_ROWS))
        try:
            ask(connection, "INSERT INTO bulk VALUES " + rows)
        except pymysql.err.OperationalError as error:
            if error.args[0] in (1205, 1213):
                ledger.batches_unknown.discard(batch)
                ledger.count("refused")
                return
            ledger.count("unknown")
            raise
        ledger.batches_unknown.discard(batch)
        ledger.batches_acked.add(batch)
        ledger.count("batches")
        ledger.count("acked")

    def bump(self, connection, number: int) -> None:
        ledger = self.ledger
        with ledger.lock:
            ledger.counter_unknown[number] += 1
        try:
            ask(connection, "UPDATE counter SET n = n + 1 WHERE worker = %s", number)
        except pymysql.err.OperationalError as error:
            if error.args[0] in (1205, 1213):  # a promise that nothing happened
                with ledger.lock:
                    ledger.counter_unknown[number] -= 1
                ledger.count("refused")
                return
            ledger.count("unknown")
            raise
        with ledger.lock:
            ledger.counter_unknown[number] -= 1
            ledger.counter_acked[number] += 1
        ledger.count("acked")

    def transfer(self, connection, number: int, dice: random.Random) -> None:
        ledger = self.ledger
        ledger.sent[number] += 1
        key = number * 1_000_000_000 + ledger.sent[number]
        source, target = dice.sample(range(ACCOUNTS), 2)
        row = (number, source, target, dice.randint(1, 9))
        try:
            ask(connection, "BEGIN")
            ask(connection, "UPDATE account SET money = money - %s WHERE id = %s", row[3], source)
            ask(connection, "UPDATE account SET money = money + %s WHERE id = %s", row[3], target)
            ask(connection, "INSERT INTO ledger VALUES (%s, %s, %s, %s, %s)", key, *row)
        except pymysql.err.OperationalError as error:
            if error.args[0] == 1205:
                ask(connection, "ROLLBACK")
            ledger.count("refused")
            if error.args[0] in (1205, 1213):
                return
            raise
        ledger.unknown[key] = row
        try:
            ask(connection, "COMMIT")
        except pymysql.err.OperationalError as error:
            if error.args[0] == 1213:
                del ledger.unknown[key]
                ledger.count("refused")
                return
            ledger.count("unknown")
            raise
        ledger.acked[key] = ledger.unknown.pop(key)
        ledger.count("acked")


def check(server, ledger: Ledger) -> list[str]:
    """Violations; what was unknown is known from here on."""
    connection = connect(server, database="bank")
    found = []

    def violation(kind: str, text: str) -> None:
        ledger.count(kind)
        found.append(f"sql {kind}: {text}")

    rows = {row[0]: row[1:] for row in ask(connection, "SELECT id, worker, source, target, amount FROM ledger")}
    for key, row in ledger.acked.items():
        if key not in rows:
            violation("lost", f"transfer {key}")
        elif rows[key] != row:
            violation("wrong", f"transfer {key} is {rows[key]}, {row} was sent")
    for key in rows.keys() - ledger.acked.keys():
        if rows[key] != ledger.unknown.get(key):
            violation("wrong", f"transfer {key} was not sent, or refused")
        ledger.acked[key] = rows[key]
    ledger.unknown.clear()
    due = dict.fromkeys(range(ACCOUNTS), MONEY)
    for _, source, target, amount in rows.values():
        due[source] -= amount
        due[target] += amount
    money = dict(ask(connection, "SELECT id, money FROM account"))
    for account in due:
        if money.get(account) != due[account]:
            violation("torn", f"account {account} has {money.get(account)}, the ledger makes it {due[account]}")
    for worker in range(ledger.workers):
        by_index = ask(connection, "SELECT COUNT(*) FROM ledger WHERE worker = %s", worker)[0][0]
        by_rows = sum(1 for row in rows.values() if row[0] == worker)
        if by_index != by_rows:
            violation("wrong", f"the index has {by_index} rows of worker {worker}, the table {by_rows}")
    for worker, n in ask(connection, "SELECT worker, n FROM counter"):
        low = ledger.counter_acked[worker]
        if not low <= n <= low + ledger.counter_unknown[worker]:
            violation("lost" if n < low else "wrong",
                      f"counter {worker} is {n}, {low} were acknowledged, {ledger.counter_unknown[worker]} unanswered")
        ledger.counter_acked[worker], ledger.counter_unknown[worker] = n, 0
    batches = {batch: (rows, length) for batch, rows, length in ask(
        connection, "SELECT batch, COUNT(*), SUM(LENGTH(text)) FROM bulk GROUP BY batch")}
    for batch in ledger.batches_acked - batches.keys():
        violation("lost", f"batch {batch}")
    for batch, (rows, length) in batches.items():
        if (rows, length) != (BATCH_ROWS, BATCH_ROWS * len(BATCH_TEXT)):
            violation("torn", f"batch {batch} has {rows} rows, {length} bytes")
        if batch not in ledger.batches_acked | ledger.batches_unknown:
            violation("wrong", f"batch {batch} was not sent, or refused")
    ledger.batches_acked, ledger.batches_unknown = set(batches), set()
    if batches:
        by_index = ask(connection, "SELECT COUNT(*) FROM bulk WHERE n = 3")[0][0]
        if by_index != len(batches):
            violation("wrong", f"the index has {by_index} rows of {len(batches)} batches")
    connection.close()
    return found
