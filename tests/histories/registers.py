"""Observes histories of rows with a counter of changes: register, bank, set.

`n` is a version's position. Where the client knows it (it read the row under a lock, or the
row is new) the write carries it; else any read of the value tells. Versions that nobody
saw are gaps, over which the order still holds.
A row that was deleted never comes back under its key (`replace` is one change).
"""

from .observed import Keys, Observed, Problem, Read, effective, is_foreign_ok, rows_by_key, writers
from .record import ALL, History, Txn


def observe(history: History) -> Observed:
    seen = Observed(history)
    table = Table(seen)
    for txn in history.txns:
        walk(table, txn)
    table.close()
    resolve(table)
    counts(table)
    totals(seen)
    return seen


class Table:
    """Positions, values and deleters while they become known."""

    def __init__(self, seen: Observed):
        self.seen, self.history = seen, seen.history
        self.keys, self.by = Keys(seen.history), writers(seen.history)
        self.place: dict[tuple, int] = {}  # (key, n) -> value
        self.absent: list[tuple] = []  # (transaction, operation, key)
        self.last: dict[int, list] = {}  # what the final read got
        self.deleters: dict[int, tuple] = {}  # key -> (transaction, operation)
        for row in self.history.initial.values():
            self.place[row[0], row[1]] = row[2]

    def found(self, txn: Txn, row: list) -> None:
        """`txn` saw this version, or made it."""
        key, n, value = row[:3]
        other = self.place.setdefault((key, n), value)
        if other != value:
            self.seen.problem("order", f"version {n} of key {key} is {value} (transaction {txn.id}) and {other}")

    def close(self) -> None:
        """All reads are known: the versions that count, and who deleted what."""
        for txn in self.history.txns:
            if txn.final:
                self.last = {row[0]: row for op in txn.ops for row in op.rows or ()}
        for txn in self.history.txns:
            if self.seen.happened(txn):
                for op in effective(txn)[0]:
                    if op.f == "write" and op.n is not None:
                        self.found(txn, [op.key, op.n, op.value])
            for op in effective(txn)[0]:
                is_likely = txn.status == "unknown" and op.key not in self.last and self.was_there(op.key)
                if op.f == "delete" and (self.seen.happened(txn) or is_likely and op.key not in self.deleters):
                    if op.key in self.deleters and self.deleters[op.key][0].status == "ok":
                        self.seen.problem("order", f"key {op.key} was deleted twice, by {self.deleters[op.key][0].id} and {txn.id}")
                    self.deleters[op.key] = (txn, op)
        for key, (txn, op) in self.deleters.items():
            if txn.status == "unknown":
                self.seen.seen.add(txn.id)
            self.seen.versions.setdefault(key, {})[op.n] = txn.id
        for (key, n), value in self.place.items():
            writer = self.by.get(value)
            if writer and self.seen.happened(writer.txn) and not writer.is_undone:
                self.seen.versions.setdefault(key, {}).setdefault(n, writer.txn.id)

    def was_there(self, key: int) -> bool:
        return any(at in self.place for at in ((key, 1), (key, 2)))


def walk(table: Table, txn: Txn) -> None:
    """The reads of a transaction; what it changed itself it must see as it left it."""
    seen, own, mark = table.seen, {}, {}
    for op in txn.ops:
        if op.f == "savepoint":
            mark = dict(own)
        elif op.f == "undo":
            own = dict(mark)
        elif op.f in ("write", "delete") and op.ended:
            if op.changed:
                own[op.key] = op.value if op.f == "write" else None
            elif own.get(op.key) is not None:
                seen.problem("internal", f"transaction {txn.id} does not find its {own[op.key]} of key {op.key} to change it")
            elif op.key not in own:
                table.absent.append((txn, op, op.key))
        elif op.f == "read" and op.ended:
            got = rows_by_key(seen, txn, op)
            for key in table.keys.asked(op):
                row = got.get(key)
                if key in own:
                    if op.floor <= 1 or row is not None:
                        own_read(table, txn, (own[key], row, key))
                elif row is not None:
                    foreign_read(table, txn, (op, row))
                else:
                    table.absent.append((txn, op, key))


def own_read(table: Table, txn: Txn, what: tuple) -> None:
    value, row, key = what
    if (row[2] if row else None) != value:
        table.seen.problem("internal", f"transaction {txn.id} reads {row} in key {key}, after its own {value}")
    elif row and txn.status == "ok" and not table.by[value].is_undone:
        table.found(txn, row)


def foreign_read(table: Table, txn: Txn, what: tuple) -> None:
    op, row = what
    key, n, value, seen = *row[:3], table.seen
    start = table.history.initial.get(key)
    if start and start[2] == value:
        if row != start:
            seen.problem("garbage", f"transaction {txn.id} reads {row}, it began as {start}")
    elif is_foreign_ok(seen, txn, value, key, table.by):
        writer = table.by[value]
        if not writer.is_last and writer.txn is not txn:
            seen.problem("G1b", f"transaction {txn.id} read {value} of key {key}, between two changes of transaction {writer.txn.id}")
        if writer.op.n not in (None, n) or writer.op.money is not None and row[3:] != [writer.op.money]:
            seen.problem("garbage", f"transaction {txn.id} reads {row}, transaction {writer.txn.id} wrote {writer.op.n}, {writer.op.money}")
    else:
        return
    table.found(txn, row)
    seen.reads.append(Read(txn, op, key, n))


def resolve(table: Table) -> None:
    """A row that is not there: not yet, or not any more. Where the times leave both, nothing follows."""
    born = {}
    for key, versions in table.seen.versions.items():
        first = min(versions)
        born[key] = None if key in table.history.initial else table.seen.txns[versions[first]]
    for txn, op, key in table.absent:
        deleter = table.deleters.get(key)
        if op.floor > 1 and deleter is None:
            table.seen.reads.append(Read(txn, op, key, op.floor, is_below=True))
            continue
        if op.floor > 1:
            continue
        if deleter is None:
            table.seen.reads.append(Read(txn, op, key, 0, is_absent=True))
            continue
        began, ended = reach(txn, op)
        creator = born.get(key)
        may_be_early = key not in table.history.initial and not (creator and creator.status == "ok" and acked(creator) < began)
        may_be_late = sent(deleter[0]) < ended
        if may_be_early != may_be_late:
            n = 0 if may_be_early else deleter[1].n
            table.seen.reads.append(Read(txn, op, key, n, is_absent=True))
        elif not may_be_early:
            table.seen.problem("lost", f"transaction {txn.id} does not see key {key}, acknowledged before and not deleted yet")


def reach(txn: Txn, op) -> tuple[int, int]:
    """When the read that `op` did may have been: from the transaction's first moment to the operation's last."""
    return (txn.snapshot or [txn.ops[0].began])[0], op.ended


def sent(txn: Txn) -> int:
    return txn.ops[0].began if txn.auto else txn.end[0]


def acked(txn: Txn) -> int:
    return txn.ops[-1].ended if txn.auto else txn.end[1]


def counts(table: Table) -> None:
    """In the end every acknowledged change has counted once, and a deleted row is away."""
    surely, perhaps = {}, {}
    for txn in table.history.txns:
        into = surely if table.seen.happened(txn) else perhaps if txn.status == "unknown" else None
        for op in effective(txn)[0] if into is not None else ():
            if op.f == "write":
                into[op.key] = into.get(op.key, 0) + 1
            elif txn.status == "unknown":
                perhaps[op.key] = perhaps.get(op.key, 0)
    for key in table.keys.sorted:
        base = table.history.initial.get(key, [0, 0])[1]
        low = base + surely.get(key, 0)
        high = low + perhaps.get(key, 0)
        n = table.last.get(key, [0, 0])[1]
        deleter = table.deleters.get(key)
        if deleter:
            if n and deleter[0].status == "ok":
                table.seen.problem("lost", f"key {key} is there, transaction {deleter[0].id} deleted it")
        elif n < low:
            table.seen.problem("lost", f"key {key} was changed {n} times, {low} were acknowledged")
        elif n > high:
            table.seen.problem("order", f"key {key} was changed {n} times, {high} were sent")


def totals(seen: Observed) -> None:
    """In a bank every read of all accounts gives the same sum, money never less than nothing.

    A snapshot with own changes in it is none: those rows are as of now, the others as of then."""
    if seen.history.kind != "bank":
        return
    due = sum(row[3] for row in seen.history.initial.values())
    for txn in seen.history.txns:
        is_mixed = False
        for op in txn.ops:
            if op.f in ("write", "delete"):
                is_mixed = txn.level == "REPEATABLE READ"
            if op.f != "read" or not op.ended:
                continue
            if op.value == ALL and not (is_mixed and not op.lock):
                total = sum(row[3] for row in op.rows)
                if total != due:
                    seen.problem("total", f"transaction {txn.id} counts {total}, {due} is there")
            seen.problems += [Problem("total", f"transaction {txn.id} reads {row}") for row in op.rows if row[3] < 0]
