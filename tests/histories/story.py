"""Histories in words, for tests of the checker.

    a r 1=5,6 2=-     a plain read of two keys; `-`: not there. Also s (FOR SHARE), u (FOR UPDATE)
    a r 1<3           a read of rows with n >= 3 that has not found key 1
    a r 1=2:105:40    in a register history: n, value, and money in a bank
    a w 1 7           appends or writes 7; `a w 1 7 3`: as version 3; `a w 1 7 3 60`: with money
    a d 1 2           deletes, which is version 2
    a save, undo, commit, rollback, lost (COMMIT without an answer)
    final 1=5,6       the last read

Each line takes a moment of its own, so what stands below began after what stands above ended.
"""

from .record import ALL, History, Op, Txn

LOCKS = {"r": "", "all": "", "s": "share", "u": "update"}


def tell(kind: str, level: str, text: str, initial: dict | None = None) -> History:
    history, open_, at = History(kind, level, "story", initial or {}), {}, 0
    for line in filter(None, map(str.strip, text.splitlines())):
        at += 10
        name, *words = line.split()
        if name == "final":
            words = ["r", *words]
        if name not in open_:
            open_[name] = Txn(len(open_) + 1, len(open_), level, status="aborted", reason="open", final=name == "final")
            history.txns.append(open_[name])
        act(open_[name], words, at)
        if name == "final":
            act(open_[name], ["commit"], at + 6)
    return history


def act(txn: Txn, words: list[str], at: int) -> None:
    what, *rest = words
    if what in ("commit", "rollback", "lost"):
        txn.status = {"commit": "ok", "rollback": "aborted", "lost": "unknown"}[what]
        txn.end = [at, 0 if what == "lost" else at + 2]
        return
    op = Op({"w": "write", "d": "delete", "save": "savepoint", "undo": "undo"}.get(what, "read"), at, at + 5)
    if what == "w":
        op.key, op.value, op.n, op.money = [*map(int, rest), None, None][:4]
        op.changed = 1
    elif what == "d":
        op.key, op.n, op.changed = int(rest[0]), int(rest[1]), 1
    elif op.f == "read":
        op.lock, op.keys, op.rows = LOCKS[what], [], []
        op.value = ALL if what == "all" else None
        for part in rest:
            found(op, part)
    txn.ops.append(op)


def found(op: Op, part: str) -> None:
    if "<" in part:
        key, floor = part.split("<")
        op.keys.append(int(key))
        op.floor = int(floor)
        return
    key, got = part.split("=")
    op.keys.append(int(key))
    if ":" in got:
        op.rows.append([int(key), *map(int, got.split(":"))])
    elif got != "-":
        elements = [int(element) for element in got.split(",")]
        op.rows.append([int(key), len(elements), elements])
