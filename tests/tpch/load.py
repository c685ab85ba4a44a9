"""Loads the .tbl files into Holdfast: LOAD DATA LOCAL INFILE, or many INSERTs for small scales."""

import time
from pathlib import Path

import pymysql

from . import data
from .engines import Holdfast
from .schema import TABLES, is_number, mysql

# One INSERT is one transaction, and a transaction must fit into one record of the log (docs/limits.md).
INSERT_BYTES = 256 << 10
# What a server answers that does not know LOAD DATA.
UNKNOWN = (1064, 1235, 1148, 3948)


def load(holdfast: Holdfast, files: dict[str, Path], how: str, create: dict) -> dict:
    """Creates and fills the tables; `how` is data, insert, or auto. Returns what it cost."""
    holdfast.connect(database=None)
    holdfast.run("CREATE DATABASE tpch")
    holdfast.connect()
    for table in TABLES:
        holdfast.run(mysql(table, **create))
    began, cpu, rows = time.monotonic(), holdfast.cpu_s(), 0
    for table in TABLES:
        if how != "insert":
            try:
                load_data(holdfast, table, files[table])
                how = "data"
            except pymysql.err.MySQLError as error:
                if how != "auto" or error.args[0] not in UNKNOWN:
                    raise
                print(f"LOAD DATA IS REFUSED ({error.args[0]}: {error.args[1]}): inserting instead", flush=True)
                how = "insert"
        if how == "insert":
            insert(holdfast, table, files[table])
        rows += count(holdfast, table, files[table])
    wall = time.monotonic() - began
    return {"how": how, "rows": rows, "wall_s": round(wall, 2), "cpu_s": round(holdfast.cpu_s() - cpu, 2),
            "memory_mib": holdfast.memory_mib()}


def load_data(holdfast: Holdfast, table: str, file: Path) -> None:
    holdfast.run(f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE {table} CHARACTER SET utf8mb4"
                 " FIELDS TERMINATED BY '|' LINES TERMINATED BY '|\\n'")


def insert(holdfast: Holdfast, table: str, file: Path) -> None:
    kinds = [is_number(kind) for kind in TABLES[table].values()]
    pending, size = [], 0
    for row in data.rows(file):
        text = "(" + ",".join(value if number else quoted(value) for value, number in zip(row, kinds)) + ")"
        pending.append(text)
        size += len(text)
        if size > INSERT_BYTES:
            holdfast.run(f"INSERT INTO {table} VALUES {','.join(pending)}")
            pending, size = [], 0
    if pending:
        holdfast.run(f"INSERT INTO {table} VALUES {','.join(pending)}")


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def count(holdfast: Holdfast, table: str, file: Path) -> int:
    """The table's rows, which must be as many as the file's."""
    with open(file, "rb") as lines:
        expected = sum(1 for _ in lines)
    found = holdfast.run(f"SELECT COUNT(*) FROM {table}")[0][0]
    if found != expected:
        raise SystemExit(f"{table}: {found} rows, the file has {expected}")
    return found
