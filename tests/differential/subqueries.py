"""Random queries whose subqueries are nested and correlated: in select lists, conditions, aggregates, LIMIT.

A query is a function of its seed. Left out is what MariaDB 10.11 was seen to answer wrongly, judged by hand: outer
joins on conditions of one side, unions with columns of an outer query, aggregates of an outer query without rows.
"""

import random

SETUP = [
    "CREATE TABLE o (id INT PRIMARY KEY, a INT, b INT)",
    "CREATE TABLE i (id INT PRIMARY KEY, x INT)",
    "CREATE TABLE n (c INT)",
    "INSERT INTO o VALUES (1, 1, 2), (2, 2, NULL), (3, 1, 5), (4, NULL, 3)",
    "INSERT INTO i VALUES (1, 1), (2, 2), (3, NULL), (5, 1)",
    "INSERT INTO n VALUES (1), (2), (3), (2), (NULL)",
    "SET sql_mode = 'NO_ENGINE_SUBSTITUTION'",
]

# What MariaDB 10.11 was seen to answer wrongly with.
PEER = ("SET optimizer_switch = 'semijoin=off,materialization=off,subquery_cache=off,derived_merge=off,exists_to_in=off,"
        "outer_join_with_cache=off,partial_match_rowid_merge=off,partial_match_table_scan=off'")

TABLES = {"o": ["id", "a", "b"], "i": ["id", "x"], "n": ["c"]}


class Query:
    """One query, `text`. A scope is the tables of a FROM: pairs of alias and columns."""

    def __init__(self, seed: int):
        self.random, self.tables = random.Random(seed), 0
        depth = self.random.choice([1, 2, 2, 3])
        tables, own = self.source([], 0)
        keys = [f"{alias}.{columns[0]}" for alias, columns in own]
        shown = self.random.choice([self.value, self.test])([own], depth)
        where = f" WHERE {self.test([own], depth)}" if self.chance(0.6) else ""
        self.text = f"SELECT {', '.join(keys)}, {shown} FROM {tables}{where}"

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def column(self, scopes: list) -> str:
        scope = scopes[-1] if self.chance(0.6) else self.random.choice(scopes)
        alias, columns = self.random.choice(scope)
        return f"{alias}.{self.random.choice(columns)}"

    def value(self, scopes: list, depth: int) -> str:
        kind = self.random.random()
        if depth and kind < 0.35:
            return self.scalar(scopes, depth - 1)
        if kind < 0.75:
            return self.column(scopes)
        if kind < 0.85:
            return self.random.choice(["NULL", "0", "1", "2", "3", "5"])
        if kind < 0.95:
            return f"({self.value(scopes, depth)} {self.random.choice('+-*')} {self.value(scopes, depth)})"
        return f"CASE WHEN {self.test(scopes, depth)} THEN {self.value(scopes, depth)} ELSE {self.value(scopes, depth)} END"

    def test(self, scopes: list, depth: int) -> str:
        kind = self.random.random()
        if depth and kind < 0.3:
            word = self.random.choice(["IN", "NOT IN"])
            return f"{self.value(scopes, depth)} {word} ({self.query(scopes, depth - 1)})"
        if depth and kind < 0.45:
            return f"{self.random.choice(['', 'NOT '])}EXISTS ({self.query(scopes, depth - 1)})"
        if kind < 0.85:
            word = self.random.choice(["=", "<", ">", "<>", "<=>", "<="])
            return f"{self.value(scopes, depth)} {word} {self.value(scopes, depth)}"
        if kind < 0.95:
            word = self.random.choice(["AND", "OR"])
            return f"({self.test(scopes, depth)} {word} {self.test(scopes, depth)})"
        return f"{self.value(scopes, depth)} IS {self.random.choice(['', 'NOT '])}NULL"

    def source(self, scopes: list, depth: int) -> tuple[str, list]:
        """FROM, and its scope."""
        text, own = "", []
        for _ in range(self.random.choice([1, 1, 1, 2])):
            table, alias = self.random.choice(list(TABLES)), f"t{self.tables}"
            self.tables += 1
            if depth and self.chance(0.1):
                item, columns = f"(SELECT {self.random.choice(TABLES[table])} AS q FROM {table}) AS {alias}", ["q"]
            else:
                item, columns = f"{table} AS {alias}", TABLES[table]
            own.append((alias, columns))
            if text:
                word = self.random.choice(["JOIN", "LEFT JOIN", "RIGHT JOIN"])
                on = f"{self.column([own[:1]])} {self.random.choice(['=', '<', '<=>'])} {self.column([own[1:]])}"
                text = f"{text} {word} {item} ON {on}"
            else:
                text = item
        return text, own

    def query(self, scopes: list, depth: int) -> str:
        """A query of one column and any number of rows."""
        tables, own = self.source(scopes, depth)
        inner = [*scopes, own]
        rest = f" FROM {tables}" + (f" WHERE {self.test(inner, depth)}" if self.chance(0.7) else "")
        kind = self.random.random()
        if kind < 0.25:
            return f"SELECT {self.aggregate(inner, depth)}{rest}"
        if kind < 0.4:
            key = self.column([own])
            return f"SELECT {self.random.choice([key, self.aggregate(inner, depth)])}{rest} GROUP BY {key}"
        if kind < 0.45:
            return f"SELECT DISTINCT {self.value(inner, depth)}{rest}"
        if kind < 0.5:
            word = self.random.choice(["UNION", "UNION ALL"])
            return f"SELECT {self.value(inner, depth)}{rest} {word} SELECT 2"
        return f"SELECT {self.value(inner, depth)}{rest}"

    def scalar(self, scopes: list, depth: int) -> str:
        """A query of one column and one row at most."""
        tables, own = self.source(scopes, depth)
        inner = [*scopes, own]
        where = f" WHERE {self.test(inner, depth)}" if self.chance(0.8) else ""
        if self.chance(0.7):
            return f"(SELECT {self.aggregate(inner, depth)} FROM {tables}{where})"
        return f"(SELECT {self.value(inner, depth)} AS v FROM {tables}{where} ORDER BY v LIMIT 1)"

    def aggregate(self, scopes: list, depth: int) -> str:
        """Names a column of the innermost scope, and so is an aggregate over it."""
        of = self.column(scopes[-1:])
        if self.chance(0.4):
            of = f"({of} {self.random.choice('+-*')} {self.value(scopes, depth)})"
        return self.random.choice(["MAX({})", "MIN({})", "COUNT({})", "COUNT(*)", "SUM({})", "COALESCE(MAX({}), 0)"]).format(of)
