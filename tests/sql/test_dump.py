"""`mariadb-dump` out of MariaDB into Holdfast and back, with the `mariadb` client: the same rows, the same tables."""

import re
import shutil
import subprocess

import pytest

from tests.harness.mariadb import MariaDB
from tests.harness.server import PASSWORD

from .conftest import connect

TOOLS = [tool for tool in ("mariadb", "mariadb-dump", "mariadbd") if not shutil.which(tool)]
pytestmark = pytest.mark.skipif(bool(TOOLS), reason=f"no {', '.join(TOOLS)} (apt-get install mariadb-server)")

TABLES = """
CREATE TABLE kinds (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  tiny TINYINT DEFAULT -1, small SMALLINT UNSIGNED, medium MEDIUMINT, whole INT NOT NULL DEFAULT 7, flag TINYINT(1),
  exact DECIMAL(30, 10), wide DECIMAL(65, 0), single FLOAT, twice DOUBLE,
  fixed CHAR(10), line VARCHAR(200) COLLATE utf8mb4_bin COMMENT 'it''s a "comment"', long_text MEDIUMTEXT,
  raw BINARY(4), bytes VARBINARY(300), large LONGBLOB,
  day DATE, moment TIME(3), stamp DATETIME(6), at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP, born YEAR,
  choice ENUM('a', 'b''c', 'ü') DEFAULT 'a', doc JSON,
  UNIQUE KEY by_small (small), KEY by_two (whole, line), KEY (day),
  CONSTRAINT positive CHECK (whole > 0)
) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='every kind';
CREATE TABLE parent (a INT, b VARCHAR(10), note TEXT, PRIMARY KEY (a, b)) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE TABLE child (
  id INT AUTO_INCREMENT PRIMARY KEY, a INT, b VARCHAR(10),
  KEY ab (a, b), CONSTRAINT of_parent FOREIGN KEY (a, b) REFERENCES parent (a, b) ON DELETE CASCADE ON UPDATE SET NULL
) AUTO_INCREMENT=500 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE TABLE `odd ``name` (`a b` INT, `select` INT) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE TABLE many (n INT PRIMARY KEY, t VARCHAR(100)) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
CREATE VIEW totals AS SELECT a, COUNT(*) AS children FROM child GROUP BY a;
"""

NAMES = ["kinds", "parent", "child", "odd `name", "many", "totals"]


def fill(cursor):
    rows = [
        (None, -128, 65535, -8388608, 1, 1, "-12345678901234567890.0123456789", "9" * 65, 1.5, 2.5e-300, "x", "Ünïcode 🐟",
         "line\nbreak\tand \\ and ' and \"", b"\0\1\2\3", bytes(range(256)), b"\r\n\x1a\0'\"\\" * 100,
         "9999-12-31", "-838:59:58.999", "2024-02-29 23:59:59.999999", "2038-01-19 03:14:07", 1901, "b'c",
         '{"a": [1, 2.5, null, true, "ü"], "b": {}}'),
        (None, None, None, None, 2, 0, None, None, None, None, "", "", "", None, b"", b"", "1000-01-01", "00:00:00.001",
         "1000-01-01 00:00:00", "1970-01-01 00:00:01", 2155, "ü", "[]"),
    ]
    marks = ", ".join(["%s"] * len(rows[0]))
    cursor.executemany(f"INSERT INTO kinds VALUES ({marks})", rows)
    cursor.execute("INSERT INTO parent VALUES (1, 'x', NULL), (1, 'y', 'why'), (2, 'x', '')")
    cursor.execute("INSERT INTO child (a, b) VALUES (1, 'x'), (1, 'y'), (NULL, 'z'), (2, 'x')")
    cursor.execute("INSERT INTO `odd ``name` VALUES (1, NULL), (1, NULL), (NULL, 3)")
    cursor.executemany("INSERT INTO many VALUES (%s, %s)", [(n, f"row {n} " + "x" * (n % 90)) for n in range(5_000)])


def rows(connection, database, name):
    """The rows in order, and what the columns are."""
    connection.select_db(database)
    quoted = name.replace("`", "``")
    with connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+00:00'")
        cursor.execute(f"SELECT * FROM `{quoted}`")
        found = sorted(cursor.fetchall(), key=repr)
        cursor.execute(
            # MySQL 8 says DEFAULT_GENERATED where MariaDB says nothing.
            "SELECT column_name, column_key, is_nullable, REPLACE(extra, 'DEFAULT_GENERATED', ''), column_comment, numeric_precision, numeric_scale, datetime_precision "
            "FROM information_schema.columns WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position", (database, name))
        return found, cursor.fetchall()


def keys(connection, database):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, non_unique, index_name, seq_in_index, column_name FROM information_schema.statistics "
            "WHERE table_schema = %s ORDER BY table_name, index_name, seq_in_index", (database,))
        found = list(cursor.fetchall())
        cursor.execute(
            "SELECT constraint_name, referenced_table_name, update_rule, delete_rule "
            "FROM information_schema.referential_constraints WHERE constraint_schema = %s", (database,))
        found += list(cursor.fetchall())
        cursor.execute(f"SHOW CREATE TABLE {database}.child")
        return found, re.search(r"AUTO_INCREMENT=(\d+)", cursor.fetchone()[1])[1]


def dump(port, password, *what):
    command = ["mariadb-dump", "--no-defaults", "-h127.0.0.1", f"-P{port}", "-uroot", *password, *what]
    done = subprocess.run(command, capture_output=True, timeout=120)
    assert done.returncode == 0, f"{' '.join(what)}: {done.stderr.decode()[-2000:]}"
    return done.stdout


def load(port, password, database, text):
    command = ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{port}", "-uroot", *password, database]
    done = subprocess.run(command, input=text, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()[-2000:]


@pytest.fixture(scope="module")
def mariadb(tmp_path_factory):
    with MariaDB(tmp_path_factory.mktemp("mariadb")) as running:
        connection = running.connect()
        with connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE original DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_general_ci")
            connection.select_db("original")
            cursor.execute("SET time_zone = '+00:00'")
            for statement in TABLES.split(";\n"):
                if statement.strip():
                    cursor.execute(statement)
            fill(cursor)
        yield running, connection


WAYS = {
    "plain": [],
    "single-transaction": ["--single-transaction", "--quick"],
    "a row a statement": ["--skip-extended-insert", "--complete-insert", "--hex-blob"],
    "with the database": ["--routines", "--events", "--triggers", "--databases"],
}


@pytest.mark.parametrize("way", WAYS)
def test_out_of_mariadb_and_back(server, run, mariadb, way):
    theirs, original = mariadb
    password = [f"-p{PASSWORD}"]
    here = run.database
    into_named = "--databases" in WAYS[way]
    if into_named:
        here = "original"
        run("DROP DATABASE IF EXISTS original")

    text = dump(theirs.port, [], *WAYS[way], "original")
    load(server.mysql_port, password, "information_schema" if into_named else here, text)
    ours = connect(server)
    for name in NAMES:
        got, want = rows(ours, here, name), rows(original, "original", name)
        assert got == want, name
    assert keys(ours, here) == keys(original, "original")

    with original.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS again")
        cursor.execute("CREATE DATABASE again DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_general_ci")
    text = dump(server.mysql_port, password, *[flag for flag in WAYS[way] if flag != "--databases"], here)
    load(theirs.port, [], "again", text)
    for name in NAMES:
        got, want = rows(original, "again", name), rows(original, "original", name)
        assert got == want, name
    assert keys(original, "again") == keys(original, "original")
    if into_named:
        run("DROP DATABASE original")
    ours.close()
