"""What a run prints, and what it records."""

from . import queries
from .measure import Cost

Costs = dict[str, dict[int, Cost]]


def show(state: str, costs: Costs) -> None:
    """The table of one state: milliseconds, wall and CPU, beside each other."""
    names = list(costs)
    print(f"\n== {state}: milliseconds, wall / CPU")
    print("query " + "".join(f"{name:>20}" for name in names) + "   rows  holdfast's answer")
    for number in queries.NUMBERS:
        cells = "".join(cell(costs[name][number].wall(), costs[name][number].cpu()) for name in names)
        print(f"{number:5} {cells} {costs['duckdb'][number].rows:6}  {costs['holdfast'][number].wrong or 'equal'}")
    print("  all " + "".join(cell(*totals(costs[name])) for name in names) +
          f"  {equal(costs['holdfast'])} of {len(queries.NUMBERS)} equal")
    for name in names:
        for number, cost in costs[name].items():
            if name != "holdfast" and cost.wrong:
                print(f"{name}, query {number}: {cost.wrong}")


def cell(wall_s: float, cpu_s: float) -> str:
    return f"{wall_s * 1e3:11.1f} /{cpu_s * 1e3:7.0f}"


def totals(costs: dict[int, Cost]) -> tuple[float, float]:
    """Over the queries that gave rows."""
    given = [cost for cost in costs.values() if cost.wall_s]
    return sum(cost.wall() for cost in given), sum(cost.cpu() for cost in given)


def equal(costs: dict[int, Cost]) -> int:
    return sum(cost.wrong is None for cost in costs.values())


def row(costs: Costs) -> dict:
    """One state for the record: counts, totals in seconds, and each query's wall milliseconds."""
    wrong = {number: cost.wrong for number, cost in costs["holdfast"].items() if cost.wrong}
    found = {"equal": equal(costs["holdfast"]), "of": len(queries.NUMBERS)} | ({"wrong": wrong} if wrong else {})
    for name, by_query in costs.items():
        wall, cpu = totals(by_query)
        found[name] = {"wall_s": round(wall, 3), "cpu_s": round(cpu, 3),
                       "queries_ms": [round(cost.wall() * 1e3, 1) if cost.wall_s else None for cost in by_query.values()]}
    found["rows"] = [cost.rows for cost in costs["duckdb"].values()]
    return found
