"""Whether a result is right.

It is compared with DuckDB's *whole* result, without LIMIT:

- the columns by which it is ordered are the first N of the whole, in that order
- every row is one of the whole, and no more often than there

So rows that tie may come in any order, also at the LIMIT, and nothing else may differ. Numbers are compared
by value (1, 1.00), dates and texts as they are; quotients within one unit of MySQL's last digit.
"""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal

from . import queries

Row = tuple


def plain(value):
    """A value that is equal whichever engine it is from."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (int, Decimal)):
        return Decimal(value).normalize() + 0
    if isinstance(value, datetime):
        return value.date() if value == datetime.combine(value.date(), datetime.min.time()) else value
    return value


def difference(number: int, got: list[Row], whole: list[Row], scaled: bool = False) -> str | None:
    """What is wrong with `got`, or nothing. `scaled`: quotients have MySQL's digits after the point."""
    quotients = queries.QUOTIENTS.get(number, {})
    limit = queries.limit(number)
    wanted = len(whole) if limit is None else min(limit, len(whole))
    if len(got) != wanted:
        return f"{len(got)} rows, expected {wanted}"
    if scaled and (wrong := difference_of_scale(got, quotients)):
        return wrong
    got, whole = [tuple(map(plain, row)) for row in got], [tuple(map(plain, row)) for row in whole]
    order = queries.ORDER[number]
    for at, (row, other) in enumerate(zip(got, whole)):
        if [row[column] for column in order] != [other[column] for column in order]:
            return f"row {at}: {show(row)}, expected {show(other)}"
    left = defaultdict(list)
    for row in whole:
        left[exact(row, quotients)].append(row)
    for at, row in enumerate(got):
        candidates = left[exact(row, quotients)]
        found = next((other for other in candidates if is_close(row, other, quotients)), None)
        if found is None:
            return f"row {at}: {show(row)}, expected {[show(other) for other in candidates] or show(whole[at])}"
        candidates.remove(found)
    return None


def exact(row: Row, quotients: dict[int, int]) -> Row:
    """The columns that must be equal; with their types, since 'a' is no number."""
    return tuple((type(value).__name__, value) for column, value in enumerate(row) if column not in quotients)


def is_close(row: Row, other: Row, quotients: dict[int, int]) -> bool:
    for column, digits in quotients.items():
        one, two = row[column], other[column]
        if one is None or two is None:
            if one is not two:
                return False
        elif abs(Decimal(one) - Decimal(two)) > Decimal(1).scaleb(-digits) + abs(Decimal(two)) * Decimal("1e-13"):
            return False
    return True


def difference_of_scale(got: list[Row], quotients: dict[int, int]) -> str | None:
    """A quotient's digits after the point are MySQL's."""
    for row in got:
        for column, digits in quotients.items():
            value = row[column]
            if value is not None and (not isinstance(value, Decimal) or -value.as_tuple().exponent != digits):
                return f"column {column}: {value!r} is not a decimal with {digits} digits after the point"
    return None


def show(row: Row) -> str:
    return "(" + ", ".join(str(value) for value in row) + ")"
