"""The texts, and what is known about their results.

One text serves all engines: the specification's, with its validation parameters and its numbers of rows
(LIMIT). Query 15 is three statements with a view. Query 11's fraction is 0.0001 / scale, as the
specification has it.
"""

import re
from decimal import Decimal
from pathlib import Path

HERE = Path(__file__).parent / "queries"
NUMBERS = range(1, 23)

# Columns by which a query's rows are ordered; rows that tie may come in any order.
ORDER: dict[int, list[int]] = {
    1: [0, 1], 2: [0, 2, 1, 3], 3: [1, 2], 4: [0], 5: [1], 6: [], 7: [0, 1, 2], 8: [0], 9: [0, 1], 10: [2],
    11: [1], 12: [0], 13: [1, 0], 14: [], 15: [0], 16: [3, 0, 1, 2], 17: [], 18: [4, 3], 19: [], 20: [0],
    21: [1, 0], 22: [0],
}

# Averages and quotients: column -> digits after the point in MySQL, which are those of the dividend and four more
# (AVG of DECIMAL(15,2) has 6). DuckDB and DataFusion compute them otherwise, so these columns are compared
# within one unit of that last digit; all others exactly.
QUOTIENTS: dict[int, dict[int, int]] = {1: {6: 6, 7: 6, 8: 6}, 8: {1: 8}, 14: {0: 10}, 17: {0: 6}}


def statements(number: int, scale: float) -> list[str]:
    """The statements of one query, in order; one of them gives rows."""
    text = (HERE / f"{number:02}.sql").read_text()
    fraction = format((Decimal("0.0001") / Decimal(f"{scale:g}")).normalize(), "f")
    return [part.strip() for part in text.replace("{fraction}", fraction).split(";") if part.strip()]


def limit(number: int) -> int | None:
    """At most how many rows the query gives."""
    found = re.search(r"^limit (\d+);", (HERE / f"{number:02}.sql").read_text(), re.M)
    return int(found[1]) if found else None


def unlimited(parts: list[str]) -> list[str]:
    """The same query with all of its rows."""
    return [re.sub(r"\nlimit \d+$", "", part) for part in parts]
