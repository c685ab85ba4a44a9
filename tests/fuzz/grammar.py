"""Random statements over a small schema that themselves change it.

Most are valid; those that are not must be refused in good order. Everything is drawn
from one generator of random numbers: the same seed gives the same statements.
"""

import random

from .expressions import COLLATIONS, Expressions

TABLES = {
    "ints": ["id BIGINT PRIMARY KEY AUTO_INCREMENT", "a TINYINT", "b SMALLINT UNSIGNED", "c MEDIUMINT", "d INT UNSIGNED",
             "e BIGINT UNSIGNED", "f BOOL", "y YEAR", "k INT", "KEY (k)", "UNIQUE KEY uk (a, b)"],
    "texts": ["id INT PRIMARY KEY", "a CHAR(5)", "b VARCHAR(50) COLLATE utf8mb4_bin", "c TEXT", "d VARBINARY(20)", "e BLOB",
              "f ENUM('x', 'y', 'Z')", "s SET('p', 'q', 'r')", "j JSON", "g VARCHAR(20) COLLATE utf8mb4_general_ci",
              "KEY (b)", "KEY pre (g(3))"],
    "moments": ["a DATE", "b DATETIME(6)", "c TIMESTAMP NULL", "d TIME(3)", "e DATETIME DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP",
                "id INT NOT NULL", "y YEAR", "PRIMARY KEY (id)", "KEY (a, d)"],
    "numbers": ["id INT PRIMARY KEY", "a DECIMAL(10,2)", "b DECIMAL(65,30)", "c FLOAT", "d DOUBLE", "e BIT(10)",
                "g INT GENERATED ALWAYS AS (id * 2) VIRTUAL", "h VARCHAR(40) AS (CONCAT(id, '-')) STORED", "CHECK (id > -1000)"],
    "nokey": ["a INT", "b VARCHAR(10)", "c DOUBLE"],
    "child": ["id INT PRIMARY KEY", "p BIGINT", "FOREIGN KEY (p) REFERENCES ints (id) ON DELETE CASCADE"],
}
TYPES = ["TINYINT", "INT", "BIGINT UNSIGNED", "DECIMAL(20,5)", "FLOAT", "DOUBLE", "BIT(64)", "CHAR(255)", "VARCHAR(10)",
         "VARCHAR(16383)", "TEXT", "LONGTEXT", "BINARY(3)", "VARBINARY(100)", "BLOB", "DATE", "DATETIME(3)", "TIMESTAMP(6)",
         "TIME", "YEAR", "ENUM('a','b')", "SET('a','b','c')", "JSON", "MEDIUMBLOB", "NUMERIC(3)", "REAL", "SERIAL", "GEOMETRY"]
SHOWS = [
    "SHOW TABLES", "SHOW FULL TABLES", "SHOW TABLES LIKE {t}", "SHOW COLUMNS FROM {n}", "SHOW FULL COLUMNS FROM {n} LIKE '%a%'",
    "SHOW CREATE TABLE {n}", "SHOW CREATE VIEW v1", "SHOW CREATE DATABASE {db}", "SHOW INDEX FROM {n}", "SHOW KEYS FROM {n} WHERE Key_name = 'PRIMARY'",
    "SHOW TABLE STATUS", "SHOW TABLE STATUS LIKE {t}", "SHOW DATABASES", "SHOW VARIABLES", "SHOW GLOBAL VARIABLES LIKE '%size%'",
    "SHOW SESSION VARIABLES WHERE Value = 'ON'", "SHOW STATUS", "SHOW GLOBAL STATUS LIKE 'Com%'", "SHOW WARNINGS", "SHOW ERRORS LIMIT 1, 2",
    "SHOW COUNT(*) WARNINGS", "SHOW ENGINES", "SHOW ENGINE InnoDB STATUS", "SHOW PLUGINS", "SHOW CHARACTER SET", "SHOW COLLATION",
    "SHOW COLLATION WHERE Charset = 'utf8mb4'", "SHOW PRIVILEGES", "SHOW PROCESSLIST", "SHOW FULL PROCESSLIST", "SHOW GRANTS",
    "SHOW GRANTS FOR CURRENT_USER", "SHOW FUNCTION STATUS", "SHOW PROCEDURE STATUS", "SHOW TRIGGERS", "SHOW EVENTS", "SHOW OPEN TABLES",
    "SHOW MASTER STATUS", "SHOW REPLICA STATUS", "SHOW BINARY LOGS", "SHOW PROFILES", "DESCRIBE {n}", "DESC {n} a", "EXPLAIN {q}",
    "EXPLAIN FORMAT=TREE {q}", "EXPLAIN FORMAT=JSON {q}", "EXPLAIN ANALYZE {q}", "SHOW CREATE USER root", "HELP 'x'",
]
SESSION = [
    "BEGIN", "START TRANSACTION", "START TRANSACTION READ ONLY", "START TRANSACTION WITH CONSISTENT SNAPSHOT", "COMMIT", "ROLLBACK",
    "COMMIT AND CHAIN", "SAVEPOINT s1", "ROLLBACK TO s1", "RELEASE SAVEPOINT s1", "SET autocommit = {b}", "SET @u = {x}", "SET @v = {x}",
    "SET SESSION TRANSACTION ISOLATION LEVEL {iso}", "SET sql_mode = {mode}", "SET time_zone = {zone}", "SET NAMES {cs}", "SET NAMES utf8mb4",
    "SET SESSION {var} = {x}", "SET @@{var} = DEFAULT", "PREPARE p FROM {pq}", "EXECUTE p", "EXECUTE p USING @u", "EXECUTE p USING @u, @v",
    "DEALLOCATE PREPARE p", "LOCK TABLES {n} WRITE", "LOCK TABLES {n} READ, ints AS x READ", "UNLOCK TABLES", "FLUSH TABLES", "FLUSH PRIVILEGES",
    "ANALYZE TABLE {n}", "CHECK TABLE {n}", "OPTIMIZE TABLE {n}", "CHECKSUM TABLE {n}", "DO {x}", "KILL QUERY 999999", "USE {db}",
    "CREATE USER IF NOT EXISTS fuzz@localhost IDENTIFIED BY 'x'", "GRANT SELECT ON *.* TO fuzz@localhost", "REVOKE ALL ON {db}.* FROM fuzz@localhost",
    "DROP USER IF EXISTS fuzz@localhost", "ALTER USER fuzz@localhost ACCOUNT LOCK", "SET PASSWORD FOR fuzz@localhost = 'y'", "RESET QUERY CACHE",
    "HANDLER {n} OPEN", "CALL nothing()", "CREATE PROCEDURE pr() BEGIN SELECT 1; END", "XA START 'x'", "SIGNAL SQLSTATE '45000'",
    "GET DIAGNOSTICS @u = NUMBER", "RESIGNAL", "CREATE TRIGGER tr BEFORE INSERT ON {n} FOR EACH ROW SET @a = 1", "INSTALL PLUGIN x SONAME 'y'",
    "CREATE ROLE r1", "TABLE {n}", "VALUES ROW(1, {x}), ROW({x}, 2)",
]
VARIABLES = ["sort_buffer_size", "max_execution_time", "group_concat_max_len", "div_precision_increment", "lock_wait_timeout",
             "sql_select_limit", "wait_timeout", "cte_max_recursion_depth", "foreign_key_checks", "unique_checks", "sql_safe_updates",
             "character_set_client", "collation_connection", "timestamp", "insert_id", "last_insert_id", "rand_seed1", "optimizer_switch",
             "tx_isolation", "default_storage_engine", "net_write_timeout", "sql_auto_is_null", "big_tables", "nothing_like_this"]


class Grammar:
    """Draws statements for a worker whose database is `database`."""

    def __init__(self, seed, database: str, system: list[str]):
        self.rng = random.Random(seed)
        self.database, self.system = database, system
        self.expressions = Expressions(self.rng, self.query)
        self.columns = {}
        self.reset()

    def reset(self) -> None:
        """The schema is what `setup` makes."""
        self.columns = {name: [part.split()[0] for part in parts if part.split()[0] not in ("PRIMARY", "KEY", "UNIQUE", "CHECK", "FOREIGN")]
                        for name, parts in TABLES.items()}
        self.columns["v1"] = ["id", "n"]

    def setup(self) -> list[str]:
        made = [f"DROP DATABASE IF EXISTS {self.database}", f"CREATE DATABASE {self.database}", f"USE {self.database}"]
        made += [f"CREATE TABLE {name} ({', '.join(parts)})" for name, parts in TABLES.items()]
        made.append("CREATE VIEW v1 AS SELECT id, count(*) AS n FROM ints GROUP BY id")
        made += ["INSERT INTO ints (a, b, c, d, e, k) VALUES (1, 2, 3, 4, 5, 6), (-128, 65535, -8388608, 4294967295, 18446744073709551615, 6), (NULL, 0, 0, 0, 0, NULL)",
                 "INSERT INTO texts VALUES (1, 'a', 'b', 'c', x'00ff', x'ff', 'x', 'p,q', '{\"a\": [1, 2]}', 'A'), (2, '', '\u00df', '\u6f22', '', '', 'Z', '', 'null', NULL)",
                 "INSERT INTO moments (a, b, c, d, id, y) VALUES ('2024-02-29', '9999-12-31 23:59:59.999999', '2001-01-01', '-838:59:59', 1, 1901), (NULL, '1000-01-01', NULL, '0:0:0.5', 2, 2155)",
                 "INSERT INTO numbers (id, a, b, c, d, e) VALUES (1, 1.25, -0.5, 1e38, 1e308, 1023), (2, -99999999.99, NULL, -0.0, 5e-324, 0)",
                 "INSERT INTO nokey VALUES (1, 'x', 0.5), (1, 'x', 0.5), (NULL, NULL, NULL)", "INSERT INTO child VALUES (1, 1), (2, 1), (3, NULL)"]
        return made

    def depth(self) -> int:
        """How deep an expression goes: the deeper, the surer it is refused."""
        return self.rng.choices([0, 1, 2, 3], [30, 35, 20, 15])[0]

    def forget(self, table: str) -> None:
        """A table or view that is not there."""
        if table not in TABLES:
            self.columns.pop(table, None)

    def name(self) -> str:
        if self.rng.random() < 0.02:
            return self.rng.choice(["missing", "`a``b`", "mysql.user", "other.t", "`\u6f22`", "information_schema.nothing"])
        return self.rng.choice(list(self.columns))

    def column(self, table: str) -> str:
        return self.rng.choice(self.columns.get(table, ["id"]) + ["id"])

    def source(self, depth: int, outer) -> tuple[str, list[str]]:
        """One table of FROM, and the columns that it brings."""
        rng, alias = self.rng, f"t{self.rng.randint(0, 99)}"
        kind = rng.random()
        if kind < 0.75 or depth <= 0:
            table = self.name()
            return f"{table} AS {alias}", [f"{alias}.{column}" for column in self.columns.get(table, ["id"])]
        if kind < 0.83 and self.system:
            return f"{rng.choice(self.system)} AS {alias}", [f"{alias}.{rng.choice(['TABLE_NAME', 'TABLE_SCHEMA', 'COLUMN_NAME', 'NAME', 'ID'])}"]
        if kind < 0.835:
            path = "COLUMNS (n FOR ORDINALITY, x INT PATH '$.a' DEFAULT '1' ON EMPTY, y JSON PATH '$')"
            return f"JSON_TABLE('[{{\"a\": 1}}, {{}}]', '$[*]' {path}) AS {alias}", [f"{alias}.n", f"{alias}.x"]
        width = rng.randint(1, 3)
        lateral = "LATERAL " if rng.random() < 0.1 else ""
        inner = self.query(depth - 1, outer if lateral else [], width)
        return f"{lateral}({inner}) AS {alias} ({', '.join(f'c{i}' for i in range(width))})", [f"{alias}.c{i}" for i in range(width)]

    def tables(self, depth: int, outer) -> tuple[str, list[str]]:
        text, columns = self.source(depth, outer)
        for _ in range(self.rng.choices([0, 1, 2, 4], [60, 25, 10, 5])[0]):
            more, brought = self.source(depth - 1, outer)
            join = self.rng.choice([", ", " JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " CROSS JOIN ", " STRAIGHT_JOIN ", " NATURAL JOIN "])
            columns = columns + brought
            text += join + more
            if "LEFT" in join or "RIGHT" in join or (join in (" JOIN ", " STRAIGHT_JOIN ") and self.rng.random() < 0.8):
                plain = f"{self.rng.choice(columns)} = {self.rng.choice(brought)}"
                text += " ON " + (plain if self.rng.random() < 0.7 else self.expressions.any(columns, 2))
        return text, columns

    def query(self, depth=2, outer=(), width=None) -> str:
        """A SELECT of `width` columns, which may name `outer` ones."""
        rng, make = self.rng, self.expressions
        if rng.random() < 0.05 and depth > 0 and not outer:
            return self.with_query(depth, width)
        width = width or rng.choices([1, 2, 3, 6], [40, 30, 20, 10])[0]
        if rng.random() < 0.08:
            return "SELECT " + ", ".join(make.any(list(outer), self.depth()) for _ in range(width))
        source, columns = self.tables(depth, outer)
        seen = columns + list(outer)[:4]
        where = f" WHERE {make.any(seen, self.depth())}" if rng.random() < 0.6 else ""
        tail = ""
        kind = rng.random()
        if kind < 0.25:
            keys = [make.any(columns, 1) for _ in range(rng.randint(0, 2))]
            items = [rng.choice([make.aggregate(columns), *(keys or ["count(*)"])]) for _ in range(width)]
            tail += (" GROUP BY " + ", ".join(keys) + rng.choice(["", "", " WITH ROLLUP"])) if keys else ""
            tail += f" HAVING {make.aggregate(columns)} {rng.choice(['>', '=', '<'])} {make.literal()}" if rng.random() < 0.3 else ""
        elif kind < 0.37:
            items = [make.window(columns) if rng.random() < 0.7 else make.any(columns, self.depth()) for _ in range(width)]
        else:
            items = [make.any(seen, self.depth()) for _ in range(width)]
        if rng.random() < 0.4:
            tail += " ORDER BY " + ", ".join(rng.choice([make.any(columns, 1), str(rng.randint(1, width))]) + rng.choice(["", " DESC"]) for _ in range(rng.randint(1, 2)))
        if rng.random() < 0.25 and not outer:
            tail += rng.choice([" LIMIT 1", " LIMIT 0", " LIMIT 2, 3", " LIMIT 5 OFFSET 1", " LIMIT 18446744073709551615"])
        head = rng.choice(["", "", "", "DISTINCT ", "SQL_CALC_FOUND_ROWS ", "ALL ", "STRAIGHT_JOIN "]) if depth > 1 else ""
        text = f"SELECT {head}{', '.join(items)} FROM {source}{where}{tail}"
        if rng.random() < 0.08 and depth > 0:
            text = f"({text}) {rng.choice(['UNION', 'UNION ALL', 'UNION DISTINCT', 'EXCEPT', 'INTERSECT'])} ({self.query(depth - 1, outer, width)})"
        return text

    def with_query(self, depth: int, width=None) -> str:
        width = width or 1
        names = ", ".join(f"c{i}" for i in range(width))
        if self.rng.random() < 0.5:
            step = self.expressions.any(["n"], 1)
            rest = ", ".join(["n"] + [self.expressions.any(["n"], 1) for _ in range(width - 1)])
            return f"WITH RECURSIVE w (n) AS (SELECT 1 UNION ALL SELECT {self.rng.choice(['n + 1', step])} FROM w WHERE n < {self.rng.choice([3, 50])}) SELECT {rest} FROM w"
        return f"WITH w ({names}) AS ({self.query(depth - 1, (), width)}) SELECT {names} FROM w, w AS w2 LIMIT 20"

    def change(self) -> str:
        """INSERT, UPDATE, DELETE and kin."""
        rng, make, table = self.rng, self.expressions, self.name()
        columns = self.columns.get(table, ["id"])
        some = rng.sample(columns, rng.randint(1, len(columns)))
        row = lambda: "(" + ", ".join(rng.choice([make.any([], 2), "DEFAULT", make.literal(), make.literal()]) for _ in some) + ")"
        ignore = rng.choice(["", "", "IGNORE "])
        match rng.randint(0, 9):
            case 0 | 1 | 2:
                rows = ", ".join(row() for _ in range(rng.randint(1, 4)))
                tail = rng.choice(["", f" ON DUPLICATE KEY UPDATE {self.column(table)} = {make.any(columns, self.depth())}",
                                   f" AS new ON DUPLICATE KEY UPDATE {some[0]} = new.{some[0]}", f" ON DUPLICATE KEY UPDATE {some[0]} = VALUES({some[0]})"])
                return f"INSERT {ignore}INTO {table} ({', '.join(some)}) VALUES {rows}{tail}"
            case 3:
                return f"REPLACE INTO {table} ({', '.join(some)}) VALUES {row()}"
            case 4:
                return f"INSERT {ignore}INTO {table} ({', '.join(some)}) {self.query(1, (), len(some))}"
            case 5 | 6:
                sets = ", ".join(f"{self.column(table)} = {make.any(columns, self.depth())}" for _ in range(rng.randint(1, 2)))
                return f"UPDATE {ignore}{table} SET {sets}{rng.choice(['', f' WHERE {make.any(columns, self.depth())}'])}{rng.choice(['', f' ORDER BY {self.column(table)} LIMIT 2'])}"
            case 7:
                return f"DELETE FROM {table} WHERE {make.any(columns, self.depth())}{rng.choice(['', ' LIMIT 1'])}"
            case 8:
                other = self.name()
                return rng.choice([f"UPDATE {table} AS x JOIN {other} AS y ON x.id = y.id SET x.{self.column(table)} = {make.any(['y.id', 'x.id'], 2)}",
                                   f"DELETE x FROM {table} AS x JOIN {other} AS y ON x.id = y.id WHERE {make.any(['y.id', 'x.id'], 2)}",
                                   f"INSERT INTO {table} SET {', '.join(f'{c} = {make.literal()}' for c in some)}"])
            case _:
                return f"SELECT {self.column(table)} FROM {table} WHERE {make.any(columns, 1)} {rng.choice(['FOR UPDATE', 'FOR SHARE', 'FOR UPDATE SKIP LOCKED', 'FOR UPDATE NOWAIT', 'LOCK IN SHARE MODE'])}"

    def definition(self) -> str:
        """DDL; what it makes is drawn from afterwards."""
        rng, make, table = self.rng, self.expressions, self.name()
        column = lambda name: f"{name} {rng.choice(TYPES)} {rng.choice(['', 'NOT NULL', 'NULL', f'DEFAULT {make.literal()}', f'DEFAULT ({make.any([], 2)})', 'UNIQUE', 'AUTO_INCREMENT', f'COLLATE {rng.choice(COLLATIONS)}', f'AS ({make.any([], 2)})', f'CHECK ({make.any([name], 1)})', 'COMMENT {}'.format(repr('c'))])}"
        old = self.column(table)
        match rng.randint(0, 9):
            case 0 | 1:
                name, count = f"n{rng.randint(0, 5)}", rng.randint(1, 5)
                self.columns[name] = [f"c{i}" for i in range(count)]
                body = ", ".join(column(f"c{i}") for i in range(count))
                keys = rng.choice(["", ", PRIMARY KEY (c0)", ", KEY (c0)", ", UNIQUE (c0 DESC)", ", KEY ((c0 + 1))", ", FULLTEXT (c0)", ", KEY (c0(4))"])
                return f"CREATE {rng.choice(['', '', 'TEMPORARY '])}TABLE {rng.choice(['', 'IF NOT EXISTS '])}{name} ({body}{keys}) {rng.choice(['', 'ENGINE=InnoDB', 'DEFAULT CHARSET=latin1', 'PARTITION BY HASH(c0)'])}"
            case 2:
                name = f"n{rng.randint(0, 5)}"
                self.columns[name] = ["c0"]
                return rng.choice([f"CREATE TABLE {name} AS {self.query(1, (), 1)}", f"CREATE TABLE {name} LIKE {table}"])
            case 3:
                name = f"w{rng.randint(0, 2)}"
                self.columns[name] = ["c0"]
                return f"CREATE OR REPLACE VIEW {name} (c0) AS {self.query(1, (), 1)}"
            case 4 | 5 | 6:
                new = f"x{rng.randint(0, 3)}"
                action = rng.choice([f"ADD COLUMN {column(new)}{rng.choice(['', ' FIRST', f' AFTER {old}'])}", f"DROP COLUMN {old}", f"MODIFY {column(old)}",
                                     f"CHANGE {old} {column(new)}", f"RENAME COLUMN {old} TO {new}", f"ADD INDEX ix ({old})", "DROP INDEX ix", "DROP PRIMARY KEY",
                                     f"ADD PRIMARY KEY ({old})", f"ALTER {old} SET DEFAULT {make.literal()}", f"ALTER {old} DROP DEFAULT", f"ADD CHECK ({make.any([old], 2)})",
                                     f"ADD UNIQUE u1 ({old})", "AUTO_INCREMENT = 100", "COMMENT 'x'", f"CONVERT TO CHARACTER SET utf8mb4 COLLATE {rng.choice(COLLATIONS)}",
                                     f"ADD FOREIGN KEY ({old}) REFERENCES ints (id)", "FORCE", f"RENAME INDEX ix TO iy"])
                return f"ALTER TABLE {table} {action}"
            case 7:
                return rng.choice([f"TRUNCATE TABLE {table}", f"DROP TABLE IF EXISTS n{rng.randint(0, 5)}", f"DROP VIEW IF EXISTS w{rng.randint(0, 2)}", f"RENAME TABLE n0 TO n{rng.randint(1, 5)}", f"DROP TABLE n{rng.randint(0, 5)}"])
            case 8:
                return rng.choice([f"CREATE INDEX i{rng.randint(0, 3)} ON {table} ({old})", f"CREATE UNIQUE INDEX i{rng.randint(0, 3)} ON {table} ({old}, id)", f"DROP INDEX i{rng.randint(0, 3)} ON {table}"])
            case _:
                return rng.choice([f"CREATE DATABASE IF NOT EXISTS {self.database}_b", f"DROP DATABASE IF EXISTS {self.database}_b", f"ALTER DATABASE {self.database} COLLATE {rng.choice(COLLATIONS)}"])

    def fill(self, template: str) -> str:
        rng, make = self.rng, self.expressions
        if "{" not in template:
            return template
        query = self.query(1) if "{q}" in template or "{pq}" in template else ""
        literal = "'" + query.replace("\\", "\\\\").replace("'", "''") + "'"
        return template.format(
            t="'%t%'", n=self.name(), db=self.database, q=query, pq=rng.choice([literal, "'SELECT ?, ? + 1'", "'SELECT a FROM ints WHERE id = ?'", "@u"]),
            b=rng.choice("01"), x=make.any([], 2), var=rng.choice(VARIABLES), cs=rng.choice(["utf8mb4", "latin1", "binary", "utf8"]),
            iso=rng.choice(["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE", "READ UNCOMMITTED"]), zone=rng.choice(["'+00:00'", "'-12:59'", "'SYSTEM'", "'Europe/Berlin'", "'x'"]),
            mode=rng.choice(["''", "DEFAULT", "'ANSI_QUOTES'", "'STRICT_ALL_TABLES,NO_ZERO_DATE'", "'TRADITIONAL'", "'PIPES_AS_CONCAT'", "'ONLY_FULL_GROUP_BY'", "'NO_BACKSLASH_ESCAPES'"]))

    def statement(self) -> str:
        rng = self.rng
        match rng.choices(range(6), [52, 18, 10, 7, 8, 5])[0]:
            case 0:
                return self.query()
            case 1:
                return self.change()
            case 2:
                return self.definition()
            case 3:
                return self.fill(rng.choice(SHOWS))
            case 4:
                return self.fill(rng.choice(SESSION))
            case _:
                if self.system and rng.random() < 0.5:
                    return f"SELECT * FROM {rng.choice(self.system)}{rng.choice(['', ' LIMIT 3', ' WHERE 1 = 0', ' ORDER BY 1'])}"
                return "SELECT " + self.expressions.any([], 5)
