"""One run: a server, its tables, and the queries in one state after the other.

    loaded -> flushed -> restarted -> changed -> compacted
"""

import time
from dataclasses import dataclass
from pathlib import Path

from tests.harness.server import Server

from . import data, flushed, report
from .changes import change
from .engines import DataFusion, DuckDB, Holdfast
from .load import load
from .measure import measure, whole_results


@dataclass
class Options:
    """What a run may be told."""

    scale: float = 1
    load: str = "data"
    rounds: int = 1
    # What one statement changes, as a range of order keys: 20,000 are 5,000 orders, of which 250 change, and their 1,000 lines.
    keys_a_piece: int = 20_000
    references: bool = False
    collation: str | None = None
    timeout_s: float = 600
    explain: int = 0


class Run:
    """Counts and figures of one run, state by state."""

    def __init__(self, where: Path, options: Options):
        self.options, self.where = options, where
        self.server = Server(where / "data", mysql=True)
        self.holdfast = Holdfast(self.server, options.timeout_s)
        self.states: dict[str, dict] = {}
        self.figures: dict[str, object] = {}
        self.exports = 0

    def go(self) -> dict:
        """All states; the server is gone in the end."""
        files = data.tables(self.options.scale)
        self.server.start()
        try:
            self.figures["load"] = load(self.holdfast, files, self.options.load, {
                "references": self.options.references, "collation": self.options.collation})
            print(f"loaded: {self.figures['load']}", flush=True)
            self.duckdb = DuckDB(self.where, files)
            self.refer()
            self.state("loaded")
            flushed.flush(self.holdfast)
            self.state("flushed")
            self.restart()
            self.state("restarted")
            self.figures["change"] = change(self.holdfast, self.duckdb, self.options.keys_a_piece)
            print(f"changed: {self.figures['change']}", flush=True)
            self.refer()
            self.state("changed")
            flushed.flush(self.holdfast)
            flushed.compact(self.holdfast)
            self.state("compacted")
            self.figures["memory_mib"] = self.holdfast.memory_mib("VmHWM")
            print(f"\nserver's memory since its restart: {self.figures['memory_mib']} MiB at most")
            self.explain()
        finally:
            self.holdfast.close()
            self.server.kill()
        return self.figures | {"states": self.states}

    def refer(self) -> None:
        """The rows changed: new results to compare with, new files for DataFusion."""
        self.exports += 1
        self.datafusion = DataFusion(self.duckdb.export(self.where / f"parquet{self.exports}"))
        self.whole = whole_results(self.duckdb, self.options.scale)

    def state(self, name: str) -> None:
        engines = [self.holdfast, self.duckdb, self.datafusion]
        self.costs = measure(engines, self.whole, self.options.scale, self.options.rounds)
        report.show(name, self.costs)
        self.states[name] = report.row(self.costs)

    def restart(self) -> None:
        self.holdfast.close()
        self.server.stop(wait_s=600)
        self.figures["restart_s"] = round(self.server.start(wait_s=600), 2)
        print(f"\nready again after {self.figures['restart_s']} s", flush=True)
        began = time.monotonic()
        self.holdfast.connect()
        self.figures["connect_s"] = round(time.monotonic() - began, 2)

    def explain(self) -> None:
        """EXPLAIN of the slowest queries of the last state."""
        from . import queries

        slowest = sorted(self.costs["holdfast"].items(), key=lambda item: -max(item[1].wall_s, default=float("inf")))
        for number, _ in slowest[:self.options.explain]:
            for sql in queries.statements(number, self.options.scale):
                if not sql.startswith("select"):
                    self.holdfast.run(sql)
                    continue
                print(f"\n-- EXPLAIN of query {number}")
                for line in self.holdfast.run("EXPLAIN " + sql):
                    print(" | ".join("" if value is None else str(value) for value in line))


def is_right(result: dict) -> bool:
    """Whether every query was equal in every state that was entered."""
    return bool(result["states"]) and all(state["equal"] == state["of"] for state in result["states"].values())
