"""One query on two servers, and what their answers have in common."""

from dataclasses import dataclass

import pymysql

from .subqueries import PEER, SETUP, Query

# 1436: nested deeper than Holdfast goes. 1473: a plan with more copies than Holdfast makes.
OUR_BOUNDS = (1436, 1473)


@dataclass
class Result:
    """`kind` is same, different, refused by both, bounded (by us, see OUR_BOUNDS), refused by us, by them."""

    kind: str
    query: str
    ours: object
    theirs: object

    def __str__(self) -> str:
        return f"{self.kind}\n  {self.query}\n  Holdfast: {self.ours}\n  MariaDB:  {self.theirs}"


def prepare(ours, theirs) -> tuple:
    """Cursors in databases with the same rows."""
    cursors = ours.cursor(), theirs.cursor()
    for cursor in cursors:
        for statement in ["CREATE DATABASE differential", "USE differential", *SETUP]:
            cursor.execute(statement)
    cursors[1].execute(PEER)
    return cursors


def compare(seed: int, ours, theirs) -> Result:
    query = Query(seed).text
    a, b = answer(ours, query), answer(theirs, query)
    refused = [isinstance(rows, pymysql.err.MySQLError) for rows in (a, b)]
    if all(refused):
        kind = "refused by both"
    elif refused[0]:
        kind = "bounded" if a.args[0] in OUR_BOUNDS else "refused by us"
    elif refused[1]:
        kind = "refused by them"
    else:
        kind = "same" if a == b else "different"
    return Result(kind, query, a, b)


def answer(cursor, query: str) -> object:
    """Rows, as numbers and in an order of their own, or the error."""
    try:
        cursor.execute(query)
    except pymysql.err.MySQLError as error:
        if error.args[0] in (0, 2006, 2013):
            raise
        return error
    rows = [tuple(None if value is None else float(value) for value in row) for row in cursor.fetchall()]
    return sorted(rows, key=lambda row: [(value is not None, value or 0) for value in row])
