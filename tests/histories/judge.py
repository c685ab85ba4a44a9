"""Judges a history: what its level forbids is a violation, what it permits is counted.

Every transaction is up to two kinds of points on one line of time:

    S  where its plain reads are: one for all under REPEATABLE READ, one for each statement under READ COMMITTED
    C  where it commits; its changes and locking reads are there, for locks are held until then

    W.C -wr-> reader's S or C -rw-> next writer's C;  W.C -ww-> next writer's C;
    S -po-> C of one transaction;  X -rt-> Y if X was over before Y began

Both levels promise that such a line exists, so a cycle among points is a violation, named
by its edges. A cycle among whole transactions that is none among points is what
the levels permit (docs/transactions.md); those are counted, by pairs.

- READ COMMITTED locks rows that it found, not what is not there: absence under a lock, and a list
  that is a range of rows, are points of their own.
- Of an aborted transaction only the plain reads count.
"""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

from . import lists, registers
from .graph import Graph
from .observed import Observed, Problem, Read
from .record import LISTS, History, Txn

FOREVER = 1 << 62


@dataclass
class Verdict:
    problems: list[Problem] = field(default_factory=list)
    permitted: Counter = field(default_factory=Counter)
    edges: Counter = field(default_factory=Counter)


def judge(history: History) -> Verdict:
    seen = (lists if history.kind in LISTS else registers).observe(history)
    points = Points(seen)
    verdict = Verdict(seen.problems)
    verdict.edges = Counter(label for out in points.graph.out.values() for labels in out.values() for label in labels)
    points.real_time()
    verdict.problems += cycles(points.graph, seen)
    verdict.permitted = permitted(seen)
    return verdict


class Points:
    """The graph of S and C points, with the moments between which each lies."""

    def __init__(self, seen: Observed):
        self.seen, self.graph, self.span = seen, Graph(), {}
        for txn in seen.history.txns:
            self.place(txn)
        for versions in seen.versions.values():
            order = [versions[n] for n in sorted(versions)]
            for before, after in zip(order, order[1:]):
                self.graph.add(("C", before), ("C", after), "ww")
        for read in seen.reads:
            point = self.point(read)
            if point is not None:
                add_read(self.graph, seen, (read, point, lambda txn: ("C", txn)))

    def place(self, txn: Txn) -> None:
        is_plain = [op for op in txn.ops if op.f == "read" and not op.lock]
        commit = None
        if self.seen.happened(txn):
            commit = ("C", txn.id)
            began, ended = (txn.ops[0].began, txn.ops[-1].ended) if txn.auto else txn.end
            self.span[commit] = (began, ended if ended and txn.status == "ok" else FOREVER)
        if txn.level == "REPEATABLE READ" and is_plain:
            began, ended = txn.snapshot or (is_plain[0].began, is_plain[0].ended)
            self.add(("S", txn.id), (began, ended or FOREVER), commit)
        elif is_plain:
            for op in is_plain:
                self.add(("S", txn.id, txn.ops.index(op)), (op.began, op.ended or FOREVER), commit)

    def add(self, point: tuple, span: tuple, commit: tuple | None) -> None:
        self.span[point] = span
        if commit:
            self.graph.add(point, commit, "po")

    def point(self, read: Read) -> tuple | None:
        """Where a read is on the line; None where nothing is promised."""
        txn, op = read.txn, read.op
        if not op.lock and op.f == "read" and not read.is_own:
            return ("S", txn.id) if txn.level == "REPEATABLE READ" else ("S", txn.id, txn.ops.index(op))
        if not self.seen.happened(txn):
            return None
        is_range = read.is_absent or read.is_below or self.seen.history.kind == "append-rows"
        if txn.level == "REPEATABLE READ" or not is_range:
            return ("C", txn.id)
        point = ("S", txn.id, txn.ops.index(op), read.key)
        if point not in self.span:
            self.add(point, (op.began, op.ended), ("C", txn.id))
        return point

    def real_time(self) -> None:
        """Edges by a chain of moments: few, and as good as one for each pair."""
        moments = sorted({ended for _, ended in self.span.values() if ended < FOREVER})
        for at in range(1, len(moments)):
            self.graph.add(("T", at - 1), ("T", at), "rt")
        for point, (began, ended) in self.span.items():
            if ended < FOREVER:
                self.graph.add(point, ("T", bisect_left(moments, ended)), "rt")
            at = bisect_left(moments, began) - 1
            if at >= 0:
                self.graph.add(("T", at), point, "rt")


def add_read(graph: Graph, seen: Observed, what: tuple) -> None:
    """wr from the version's writer, rw to the next one's."""
    read, point, commit_of = what
    versions = seen.versions.get(read.key, {})
    if not read.is_below and read.n in versions:
        graph.add(commit_of(versions[read.n]), point, "wr")
    least = read.n if read.is_below else read.n + 1
    after = min((n for n in versions if n >= least), default=None)
    if after is not None:
        graph.add(point, commit_of(versions[after]), "prw" if read.is_below or read.is_absent else "rw")


def cycles(graph: Graph, seen: Observed) -> list[Problem]:
    """One problem for each component, by the strongest name that fits."""
    found, told = [], set()
    for is_timed in (False, True):
        more = {"rt"} if is_timed else set()
        for labels in ({"ww", "po"}, {"ww", "wr", "po"}, {"ww", "wr", "rw", "prw", "po"}):
            for part in graph.components(labels | more):
                if not told & set(part):
                    told |= {node for node in part if node[0] != "T"}
                    cycle = short(graph, part, labels | more)
                    found.append(Problem(name(graph, seen, cycle), tell(graph, cycle)))
    return found


def short(graph: Graph, part: list, labels: set) -> list:
    """A cycle with one rw edge if there is one, else a short one."""
    inside, weak = set(part), labels - {"rw", "prw"}
    best = None
    for node in part:
        for after, found in graph.out[node].items():
            if after in inside and found & {"rw", "prw"} and labels & {"rw"} and len(part) < 2000:
                path = graph.path(after, node, weak)
                if path and (best is None or len(path) < len(best)):
                    best = path
    return best or graph.cycle(part, labels)


def name(graph: Graph, seen: Observed, cycle: list) -> str:
    edges = list(zip(cycle, cycle[1:] + cycle[:1]))
    labels = [strongest(graph.out[source][target]) for source, target in edges]
    readers = [source for (source, _), label in zip(edges, labels) if label in ("rw", "prw")]
    base = "G0" if "wr" not in labels else "G1c"
    if len(readers) == 1:
        base = "G-single"
    elif readers:
        is_fork = all(source[0] == "S" for source in readers)
        base = "long fork" if is_fork else "G2" if "prw" in labels else "G2-item"
    return base + (" (real time)" if "rt" in labels else "")


def strongest(labels: set) -> str:
    return next(label for label in ("ww", "wr", "po", "rt", "rw", "prw") if label in labels)


def tell(graph: Graph, cycle: list) -> str:
    """The cycle in words, moments left out."""
    text = []
    for source, target in zip(cycle, cycle[1:] + cycle[:1]):
        if source[0] != "T":
            text.append(f"{source[0]}{'/'.join(map(str, source[1:]))}")
        label = strongest(graph.out[source][target])
        if not (source[0] == "T" and label == "rt"):
            text.append(f"-{label}->")
    return " ".join(text)


def permitted(seen: Observed) -> Counter:
    """Pairs of transactions that no serial order explains, by kind."""
    graph = Graph()
    for versions in seen.versions.values():
        order = [versions[n] for n in sorted(versions)]
        for before, after in zip(order, order[1:]):
            graph.add(before, after, "ww")
    for read in seen.reads:
        if seen.happened(read.txn):
            add_read(graph, seen, (read, read.txn.id, lambda txn: txn))
    counts = Counter(lost_update=lost_updates(seen))
    for source, targets in graph.out.items():
        for target, labels in targets.items():
            back = graph.out[target].get(source, set())
            if labels & {"rw", "prw"} and back & {"ww", "wr"}:
                counts["read_skew"] += 1
            if labels & {"rw", "prw"} and back & {"rw", "prw"} and source < target:
                counts["write_skew"] += 1
    counts["not_serializable"] = sum(len(part) for part in graph.components())
    return counts


def lost_updates(seen: Observed) -> int:
    """Plain reads of a row that the transaction then changed, with another's change between."""
    own: dict[tuple, int] = {}
    for key, versions in seen.versions.items():
        for n in sorted(versions, reverse=True):
            own[versions[n], key] = n
    lost = set()
    for read in seen.reads:
        at = own.get((read.txn.id, read.key))
        if at is not None and not read.is_below and read.n < at:
            if any(read.n < n < at for n in seen.versions[read.key]):
                lost.add((read.txn.id, read.key))
    return len(lost)
