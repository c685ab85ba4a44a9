"""One state: every query in every engine, compared and timed, engines taking turns."""

import statistics
import time
from dataclasses import dataclass, field

from . import compare, queries
from .engines import answer


@dataclass
class Cost:
    """Of one query in one engine: every round's wall and CPU time, how many rows, and what was wrong with its answer."""

    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    rows: int = 0
    wrong: str | None = None

    def wall(self) -> float:
        return statistics.median(self.wall_s) if self.wall_s else float("nan")

    def cpu(self) -> float:
        return statistics.mean(self.cpu_s) if self.cpu_s else float("nan")


def whole_results(duckdb, scale: float) -> dict[int, list[tuple]]:
    """What every query gives without its LIMIT, by DuckDB: what the others are compared with."""
    return {number: answer(duckdb, queries.unlimited(queries.statements(number, scale))) for number in queries.NUMBERS}


def measure(engines: list, whole: dict, scale: float, rounds: int) -> dict[str, dict[int, Cost]]:
    """engine -> query -> cost. A query that fails or differs is not tried again in that engine."""
    costs = {engine.name: {number: Cost() for number in queries.NUMBERS} for engine in engines}
    for _ in range(rounds):
        for number in queries.NUMBERS:
            parts = queries.statements(number, scale)
            for engine in engines:
                cost = costs[engine.name][number]
                if cost.wrong is None:
                    once(engine, number, parts, whole[number], cost)
    return costs


def once(engine, number: int, parts: list[str], whole: list[tuple], cost: Cost) -> None:
    cpu, began = engine.cpu_s(), time.monotonic()
    try:
        rows = answer(engine, parts)
    except Exception as error:
        # Whatever a driver or an engine raises is this query's result.
        cost.wrong = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        return
    cost.wall_s.append(time.monotonic() - began)
    cost.cpu_s.append(engine.cpu_s() - cpu)
    cost.rows = len(rows)
    cost.wrong = compare.difference(number, rows, whole, scaled=engine.name == "holdfast")
