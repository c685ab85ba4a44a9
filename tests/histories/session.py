"""One client: runs transactions on its connection and records what it is told.

What an answer means: 1213 is a promise that nothing happened; after 1205, 3572 and 1062 the
client rolls back; a connection that breaks before COMMIT was sent leaves nothing, after it
the outcome is unknown, as after 1180. Any other error is a finding.
"""

import time

import pymysql

from tests.harness.server import PASSWORD

from .record import Op, Txn

REFUSALS = (1213, 1205, 3572, 1062)
LOST = (0, 2003, 2006, 2013, 2014, 2055)
UNKNOWN = 1180


def connect(port: int, **more):
    options = dict(host="127.0.0.1", port=port, user="root", password=PASSWORD, autocommit=True,
                   charset="utf8mb4", connect_timeout=10, read_timeout=60)
    return pymysql.connect(**options | more)


class Rollback(Exception):
    """The client changes its mind."""


class Session:
    """`level` as in a transaction's record."""

    def __init__(self, port: int, database: str, level: str):
        self.connection = connect(port, database=database)
        self.cursor = self.connection.cursor()
        self.level = level
        self.ask(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
        self.ask("SET SESSION innodb_lock_wait_timeout = 2")

    def ask(self, sql: str):
        changed = self.cursor.execute(sql)
        return self.cursor.fetchall() if self.cursor.description else changed

    def close(self) -> None:
        try:
            self.connection.close()
        except (pymysql.err.MySQLError, OSError):
            pass

    def transaction(self, txn: Txn, begin: str, body) -> str | None:
        """Runs `body(txn, run)` and ends it; an error that has no place here comes back as text."""
        try:
            if begin:
                sent = now()
                self.ask(begin)
                if "SNAPSHOT" in begin:
                    txn.snapshot = [sent, now()]
            body(txn, lambda op, *sql: self.run(txn, op, *sql))
            if begin:
                txn.end = [now(), 0]
                self.ask("COMMIT")
                txn.end[1] = now()
        except Rollback:
            return self.roll_back(txn, "intent")
        except (pymysql.err.MySQLError, OSError) as error:
            return self.failed(txn, error)
        return None

    def run(self, txn: Txn, op: Op, *statements: str) -> Op:
        """Records the operation, then runs its statements; the last one's answer counts."""
        txn.ops.append(op)
        op.sql, op.began = "; ".join(statements), now()
        for sql in statements:
            answer = self.ask(sql)
        if op.f == "read":
            op.rows = [list(row) for row in answer]
        elif op.f in ("write", "delete"):
            op.changed = answer
        op.ended = now()
        return op

    def failed(self, txn: Txn, error: Exception) -> str | None:
        code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        was_sent = txn.auto or txn.end is not None
        if code in LOST or isinstance(error, OSError):
            txn.status, txn.reason = ("unknown" if was_sent else "aborted"), "connection"
            self.close()
            raise ConnectionError from error
        if code == UNKNOWN and was_sent:
            txn.status, txn.reason = "unknown", str(code)
            return None
        txn.end = None
        told = None if code in REFUSALS else f"transaction {txn.id}: {error!r}"
        return self.roll_back(txn, str(code)) or told

    def roll_back(self, txn: Txn, reason: str) -> str | None:
        txn.status, txn.reason = "aborted", reason
        try:
            if not txn.auto:
                self.ask("ROLLBACK")
        except (pymysql.err.MySQLError, OSError) as error:
            self.close()
            raise ConnectionError from error
        return None


def now() -> int:
    return time.monotonic_ns()
