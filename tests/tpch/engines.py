"""Who answers: Holdfast over its MySQL port, DuckDB and DataFusion in this process.

DuckDB keeps the tables in a database file and is the reference. DataFusion reads Parquet that DuckDB wrote of
the same rows. Both are libraries: their CPU time is this process's; Holdfast's is its server's, from /proc.
"""

import contextlib
import os
import time
from pathlib import Path

import pymysql

from tests.harness.server import PASSWORD, Server

from .schema import TABLES, duckdb as create_duckdb


class Holdfast:
    """A connection to the server that may be restarted under it."""

    name = "holdfast"

    def __init__(self, server: Server, timeout_s: float):
        self.server, self.timeout_s = server, timeout_s
        self.connection = None

    def connect(self, database: str | None = "tpch") -> None:
        self.close()
        self.connection = pymysql.connect(
            host="127.0.0.1", port=self.server.mysql_port, user="root", password=PASSWORD, database=database,
            autocommit=True, charset="utf8mb4", local_infile=True, connect_timeout=10, read_timeout=self.timeout_s)

    def close(self) -> None:
        if self.connection:
            self.connection.close()
        self.connection = None

    def run(self, sql: str) -> list[tuple]:
        """Rows, if any. After a timeout the next call has a new connection."""
        if self.connection is None:
            self.connect()
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall()) if cursor.description else []
        except (pymysql.err.OperationalError, pymysql.err.InterfaceError) as error:
            if error.args[0] in (0, 2006, 2013):
                self.abandon()
            raise

    def abandon(self) -> None:
        """Ends a statement that takes too long, and forgets its connection."""
        thread, self.connection = self.connection.thread_id(), None
        with contextlib.suppress(pymysql.err.MySQLError, OSError):
            self.run(f"KILL {thread}")

    def cpu_s(self) -> float:
        """Of all threads since the server began; the kernel counts in steps of 1/CLK_TCK."""
        fields = Path(f"/proc/{self.server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self, what: str = "VmRSS") -> int:
        for line in Path(f"/proc/{self.server.process.pid}/status").read_text().splitlines():
            if line.startswith(what + ":"):
                return int(line.split()[1]) // 1024
        return 0


class DuckDB:
    """A database file in the run's directory."""

    name = "duckdb"

    def __init__(self, where: Path, files: dict[str, Path]):
        import duckdb

        self.connection = duckdb.connect(str(where / "reference.duckdb"))
        for table, columns in TABLES.items():
            self.connection.execute(create_duckdb(table))
            # A line ends with a delimiter: one empty column more, which is not loaded.
            names = {name: kind.removesuffix(" NOT NULL") for name, kind in columns.items()} | {"ending": "VARCHAR"}
            self.connection.execute(
                f"INSERT INTO {table} SELECT {', '.join(columns)} FROM read_csv(?, delim='|', header=false,"
                f" auto_detect=false, quote='', escape='', columns={names})", [str(files[table])])
        self.connection.execute("CHECKPOINT")

    def run(self, sql: str) -> list[tuple]:
        done = self.connection.execute(sql)
        return done.fetchall() if done.description else []

    def export(self, where: Path) -> dict[str, Path]:
        """Every table as a Parquet file."""
        where.mkdir(parents=True)
        for table in TABLES:
            self.connection.execute(f"COPY {table} TO '{where / table}.parquet' (FORMAT parquet, COMPRESSION zstd)")
        return {table: where / f"{table}.parquet" for table in TABLES}

    def cpu_s(self) -> float:
        return time.process_time()


class DataFusion:
    """The plain engine, as released, over Parquet."""

    name = "datafusion"

    def __init__(self, files: dict[str, Path]):
        from datafusion import SessionContext

        self.context = SessionContext()
        for table, path in files.items():
            self.context.register_parquet(table, str(path))

    def run(self, sql: str) -> list[tuple]:
        batches = self.context.sql(sql).collect()
        return [row for batch in batches for row in zip(*(column.to_pylist() for column in batch.columns))]

    def cpu_s(self) -> float:
        return time.process_time()


def answer(engine, statements: list[str]) -> list[tuple]:
    """The rows of the statement among these that gives some."""
    rows: list[tuple] = []
    try:
        for sql in statements:
            rows = engine.run(sql) or rows
    except Exception:
        # A view that a failed query left would fail the next round, too.
        if statements[-1].startswith("drop view"):
            with contextlib.suppress(Exception):
                engine.run(statements[-1].replace("drop view", "drop view if exists"))
        raise
    return rows
