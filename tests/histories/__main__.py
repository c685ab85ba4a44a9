"""Random histories through MySQL connections, judged by their dependency graphs.

    python -m tests.histories --transactions 20000                    # the gate
    python -m tests.histories --transactions 500000 --record          # a campaign, resumable
    python -m tests.histories --transactions 5000 --kills 1           # kill -9 in each history
    python -m tests.histories --check FILE                            # judges a history that was kept

A round is one history of every kind at every level, on a fresh server. What is judged a
violation and what is permitted: docs/transactions.md.
"""

import argparse
import shutil
import sys
import tempfile
import time
import uuid
from collections import Counter
from pathlib import Path

from tests.harness import results
from tests.harness.server import Server

from .judge import judge
from .record import KINDS, LEVELS, History
from .run import Maker, Plan

SIZE = 2000  # transactions of a history in a campaign
SIZE_MIN = 60  # a smaller one may well be void
PRINTED = 10


class Round:
    """Counts of one round."""

    def __init__(self, seed: str):
        self.seed, self.transactions = seed, 0
        self.by_kind: dict[str, Counter] = {}
        self.reasons, self.edges, self.operations = Counter(), Counter(), Counter()
        self.permitted = {level: Counter() for level in LEVELS}
        self.forbidden, self.violations, self.kills = Counter(), [], 0

    def take(self, made, verdict) -> None:
        history = made.history
        counts = self.by_kind.setdefault(history.kind, Counter())
        for txn in history.txns:
            counts[txn.status] += 1
            self.transactions += 1
            if txn.reason:
                self.reasons[txn.reason] += 1
            self.operations.update(op.f + ("+" + op.lock if op.lock else "") for op in txn.ops)
        counts["waits"] += waits(history)
        self.edges += verdict.edges
        self.permitted[history.level] += verdict.permitted
        self.forbidden.update(problem.kind for problem in verdict.problems)
        self.kills += made.kills
        where = f"{history.kind}, {history.level}"
        self.violations += [f"{where}: {problem.kind}: {problem.text}" for problem in verdict.problems[:PRINTED]]
        self.violations += [f"{where}: unexpected: {text}" for text in made.errors[:PRINTED]]
        if not counts["ok"]:
            self.violations.append(f"{where}: void, nothing was committed")

    def close(self) -> None:
        conflicts = sum(self.reasons[code] for code in ("1213", "1205", "3572", "1062"))
        if not conflicts + sum(counts["waits"] for counts in self.by_kind.values()):
            self.violations.append("void: no transaction ever met another")
        if not sum(map(Counter.total, self.permitted.values())):
            self.violations.append("void: not even what the levels permit was seen")

    def row(self) -> dict:
        total = sum(self.by_kind.values(), Counter())
        return {
            "seed": self.seed, "transactions": self.transactions, "committed": total["ok"], "aborted": total["aborted"],
            "unknown": total["unknown"], "waits": total["waits"], "kills": self.kills, "aborted_by": dict(self.reasons),
            "by_kind": {kind: dict(counts) for kind, counts in self.by_kind.items()}, "operations": dict(self.operations),
            "edges": dict(self.edges), "permitted": {level: dict(counts) for level, counts in self.permitted.items()},
            "forbidden": dict(self.forbidden), "violations": self.violations}


def waits(history: History) -> int:
    """Changes that began after another client's change of the key and ended after its COMMIT was sent, though they began before."""
    held: dict[int, list] = {}
    changes = [(op.ended, txn, op) for txn in history.txns for op in txn.ops if op.f in ("write", "delete") and op.ended]
    found = 0
    for _, txn, op in sorted(changes, key=lambda change: change[0]):
        end = txn.end[0] if txn.end else op.ended
        found += any(done < op.began < over < op.ended for done, over, who in held.get(op.key, ())[-8:] if who is not txn)
        held.setdefault(op.key, []).append((op.ended, end, txn))
    return found


def play(arguments, size: int, folder: Path) -> Round:
    """One round on a fresh server."""
    done = Round(arguments.seed or uuid.uuid4().hex[:12])
    server = Server(folder / "data", log=folder / "server.log", mysql=True)
    began = time.monotonic()
    try:
        server.start()
        for number, (kind, level) in enumerate((kind, level) for kind in arguments.kinds for level in arguments.levels):
            plan = Plan(kind, level, f"{done.seed}/{kind}/{level}", size, arguments.clients, arguments.kills, arguments.plant)
            made = Maker(server, plan, f"h{number}").make()
            verdict = judge(made.history)
            done.take(made, verdict)
            if verdict.problems or made.errors:
                kept = Path(arguments.keep) / f"history-{done.seed}-{kind}-{level.replace(' ', '-')}.jsonl"
                made.history.dump(kept)
                print(f"  kept: {kept}", flush=True)
            print(f"  {kind}, {level}: {len(made.history.txns)} transactions, {done.transactions} of the round in "
                  f"{time.monotonic() - began:.0f} s, {sum(done.forbidden.values())} violations", flush=True)
        server.stop()
    except BaseException:
        print(server.tail(60), file=sys.stderr)
        raise
    finally:
        server.kill()
    done.close()
    if done.kills < arguments.kills * len(arguments.kinds) * len(arguments.levels):
        done.violations.append("void: kills are missing")
    return done


def check(path: Path) -> int:
    """Judges a history that was kept."""
    verdict = judge(History.load(path))
    for problem in verdict.problems:
        print(f"{problem.kind}: {problem.text}")
    print(f"{len(verdict.problems)} violations, permitted: {dict(verdict.permitted)}, edges: {dict(verdict.edges)}")
    return 1 if verdict.problems else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transactions", type=int, default=20000, help="how many; with --record, how many shall be recorded in all")
    parser.add_argument("--record", action="store_true", help="append each round to docs/results/histories.jsonl")
    parser.add_argument("--kills", type=int, default=0, help="kill -9 and restart this often in each history")
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--levels", nargs="+", choices=LEVELS, default=LEVELS)
    parser.add_argument("--seed", default=None, help="the choices of a run's clients; how they interleave is not in it")
    parser.add_argument("--plant", choices=["stale", "drop", "ack"], default="", help="doctors what clients report: must fail")
    parser.add_argument("--keep", default=tempfile.gettempdir(), help="where histories with violations are written")
    parser.add_argument("--check", type=Path, help="judges this file and does nothing else")
    arguments = parser.parse_args()
    if arguments.check:
        return check(arguments.check)
    shapes = len(arguments.kinds) * len(arguments.levels)
    done = sum(row["transactions"] for row in results.rows("histories")) if arguments.record else 0
    failed = False
    while done < arguments.transactions and not failed:
        size = max(SIZE_MIN, min(SIZE, -(-(arguments.transactions - done) // shapes)))
        folder = Path(tempfile.mkdtemp(prefix="holdfast-histories-"))
        one = play(arguments, size, folder)
        row = one.row()
        print(row, flush=True)
        done += one.transactions
        failed |= bool(one.violations)
        if arguments.record:
            results.append("histories", row)
        if failed:
            print(f"server log kept: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
        print(f"{done} of {arguments.transactions} transactions, {len(one.violations)} violations", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
