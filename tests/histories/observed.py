"""What a history says about versions, whatever its kind: the checker's middle.

`lists` and `registers` fill it: who wrote which version of which key, who read which,
and what is wrong without any graph.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

from .record import History, Op, Txn


@dataclass
class Problem:
    kind: str
    text: str


@dataclass
class Read:
    """Transaction `txn` read in `op` version `n` of `key`; `is_below`: a version before `n`.

    `is_own`: after own changes, so it shows the newest row under our lock."""

    txn: Txn
    op: Op
    key: int
    n: int
    is_below: bool = False
    is_absent: bool = False
    is_own: bool = False


@dataclass
class Observed:
    history: History
    versions: dict = field(default_factory=dict)  # key -> {position: transaction's id}
    reads: list[Read] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    seen: set = field(default_factory=set)  # unknown ones that have happened

    def __post_init__(self):
        self.txns = {txn.id: txn for txn in self.history.txns}

    def problem(self, kind: str, text: str) -> None:
        self.problems.append(Problem(kind, text))

    def happened(self, txn: Txn) -> bool:
        return txn.status == "ok" or txn.id in self.seen


class Keys:
    """All keys of a history, to know what a read has not found."""

    def __init__(self, history: History):
        found = set(history.initial)
        for txn in history.txns:
            for op in txn.ops:
                if op.key is not None:
                    found.add(op.key)
                found.update(op.keys or ())
                found.update(row[0] for row in op.rows or ())
        self.sorted = sorted(found)

    def asked(self, op: Op) -> list[int]:
        if op.keys is not None:
            return op.keys
        return self.sorted[bisect_left(self.sorted, op.span[0]):bisect_right(self.sorted, op.span[1])]


def effective(txn: Txn) -> tuple[list[Op], list[Op]]:
    """The changes of a transaction that count, and those that ROLLBACK TO undid."""
    kept, undone, mark = [], [], 0
    for op in txn.ops:
        if op.f in ("write", "delete") and op.changed != 0:
            kept.append(op)
        elif op.f == "savepoint":
            mark = len(kept)
        elif op.f == "undo":
            undone += kept[mark:]
            del kept[mark:]
    return kept, undone


@dataclass
class Writer:
    """Who wrote a value."""

    txn: Txn
    op: Op
    is_undone: bool
    is_last: bool  # of its transaction, for this key


def rows_by_key(seen: Observed, txn: Txn, op: Op) -> dict[int, list]:
    """What a read got; a statement gives each row once."""
    got = {row[0]: row for row in op.rows}
    if len(got) < len(op.rows):
        twice = sorted({row[0] for row in op.rows if sum(row[0] == other[0] for other in op.rows) > 1})
        seen.problem("torn", f"transaction {txn.id} reads rows twice, keys {twice}: {op.sql}")
    return got


def writers(history: History) -> dict[int, Writer]:
    """By unique value."""
    found = {}
    for txn in history.txns:
        kept, undone = effective(txn)
        last = {op.key: op for op in kept}
        for op in kept + undone:
            if op.f == "write":
                found[op.value] = Writer(txn, op, op in undone, last.get(op.key) is op)
    return found


def is_foreign_ok(seen: Observed, reader: Txn, value: int, key: int, by: dict[int, Writer]) -> bool:
    """Whether `reader` may have seen `value` of another transaction at all (G1a, garbage)."""
    writer = by.get(value)
    if writer is None or writer.op.key != key:
        seen.problem("garbage", f"transaction {reader.id} read {value} of key {key}, which nobody wrote there")
        return False
    if writer.txn.status == "aborted" or writer.is_undone:
        seen.problem("G1a", f"transaction {reader.id} read {value} of key {key}, which transaction {writer.txn.id} rolled back")
        return False
    if writer.txn.status == "unknown" and reader.id != writer.txn.id:
        seen.seen.add(writer.txn.id)
    return True
