"""Observes list histories: a list is the order of the versions that made it.

Every list that is read must be a prefix of the longest one of its key. In `append-rows`
a plain read after own appends may have a hole before the own ones (the snapshot, then
what we wrote); without the own ones it is a prefix again.
"""

from .observed import Keys, Observed, Read, effective, is_foreign_ok, rows_by_key, writers
from .record import History


def observe(history: History) -> Observed:
    seen = Observed(history)
    keys, by = Keys(history), writers(history)
    found = []  # (Read, the list without own ones)
    for txn in history.txns:
        found += strip(seen, keys, txn)
    order: dict[int, list] = {}
    for read, part in found:
        if len(part) > len(order.get(read.key, [])):
            order[read.key] = part
    for key, elements in order.items():
        if len(set(elements)) < len(elements):
            seen.problem("order", f"key {key} has an element twice: {elements}")
    for read, part in found:
        judge(seen, by, order, (read, part))
    for key, elements in order.items():
        seen.versions[key] = {
            at + 1: by[element].txn.id for at, element in enumerate(elements)
            if element in by and seen.happened(by[element].txn) and not by[element].is_undone}
    seen.reads = [read for read, _ in found]
    lost(seen, order)
    return seen


def strip(seen: Observed, keys: Keys, txn) -> list:
    """The reads of a transaction without its own appends, which it must see at the end."""
    found, own, mark = [], {}, {}
    for op in txn.ops:
        if op.f == "savepoint":
            mark = {key: list(mine) for key, mine in own.items()}
        elif op.f == "undo":
            own = {key: list(mine) for key, mine in mark.items()}
        elif op.f == "write" and op.ended:
            if op.changed:
                own.setdefault(op.key, []).append(op.value)
            elif not own.get(op.key):
                found.append((Read(txn, op, op.key, 0, is_absent=True), []))
        elif op.f == "read" and op.ended:
            got = rows_by_key(seen, txn, op)
            for key in keys.asked(op):
                mine, row = own.get(key, []), got.get(key)
                if row is None:
                    if mine and op.floor <= 1:
                        seen.problem("internal", f"transaction {txn.id} does not see its {mine} in key {key}")
                    elif op.floor > 1:
                        found.append((Read(txn, op, key, op.floor, is_below=True), []))
                    elif not mine:
                        found.append((Read(txn, op, key, 0, is_absent=True), []))
                    continue
                part = row[2][:len(row[2]) - len(mine)]
                if row[2][len(part):] != mine:
                    seen.problem("internal", f"transaction {txn.id} reads {row[2]} in key {key}, after its own {mine}")
                    continue
                may_have_hole = bool(mine) and not op.lock and seen.history.kind == "append-rows"
                if row[1] != len(row[2]) and not may_have_hole:
                    seen.problem("torn", f"transaction {txn.id} reads {row[2]} in key {key} and {row[1]} for its length")
                is_own = bool(mine) and seen.history.kind == "append-text"
                found.append((Read(txn, op, key, len(part), is_absent=not part, is_own=is_own), part))
    return found


def judge(seen: Observed, by: dict, order: dict, pair: tuple) -> None:
    read, part = pair
    whole = order.get(read.key, [])
    if part != whole[:len(part)]:
        seen.problem("order", f"transaction {read.txn.id} reads {part} in key {read.key}, others {whole}")
    is_ok = [is_foreign_ok(seen, read.txn, element, read.key, by) for element in part]
    if part and is_ok[-1] and not by[part[-1]].is_last and by[part[-1]].txn is not read.txn:
        seen.problem("G1b", f"transaction {read.txn.id} read {part[-1]} of key {read.key}, between two changes of transaction {by[part[-1]].txn.id}")


def lost(seen: Observed, order: dict) -> None:
    """What was acknowledged, or seen of an unknown transaction, is in the last read."""
    last = {}
    for txn in seen.history.txns:
        if txn.final:
            last = {row[0]: row[2] for op in txn.ops for row in op.rows or ()}
    for txn in seen.history.txns:
        if seen.happened(txn):
            for op in effective(txn)[0]:
                if op.value not in last.get(op.key, []):
                    seen.problem("lost", f"{op.value} of key {op.key}, transaction {txn.id}, {txn.status}")
