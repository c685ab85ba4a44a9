"""Random statements through PyMySQL, one worker a database.

A finding is an answer that is neither a result nor an error with a number of its own
(1105, words of a library), a statement beyond its deadline, a lost connection.
"""

import threading
import time
import warnings
from collections import Counter

import pymysql

from tests.harness.server import PASSWORD

from .findings import INTERNAL, Findings, minimised, shape
from .grammar import Grammar

DEADLINE_S = 15
# Statements until the schema is made anew.
ROUND = 400
# Errors of a client that has lost its server.
LOST = {2003, 2006, 2013, 2014, 0}


def connect(server, **more):
    options = dict(host="127.0.0.1", port=server.mysql_port, user="root", password=PASSWORD, autocommit=None,
                   charset="utf8mb4", connect_timeout=10, read_timeout=DEADLINE_S, write_timeout=DEADLINE_S)
    return pymysql.connect(**options | more)


def illness(server) -> str | None:
    """What a fresh connection says to SELECT 1 if it is not 1."""
    try:
        with connect(server) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            rows = cursor.fetchall()
            return None if rows == ((1,),) else repr(rows)
    except (pymysql.err.Error, OSError) as error:
        return repr(error)


def system_tables(server) -> list[str]:
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT table_schema, table_name FROM information_schema.tables "
                       "WHERE table_schema IN ('information_schema', 'mysql', 'performance_schema', 'sys')")
        return [f"{schema}.{name}" for schema, name in cursor.fetchall()]


def verdict(error: BaseException) -> tuple[str, int, str] | None:
    """What kind of finding an error is; `None` for one that a client may see."""
    number = error.args[0] if error.args and isinstance(error.args[0], int) else -1
    message = str(error.args[-1]) if error.args else repr(error)
    if not isinstance(error, pymysql.err.Error) or number == -1:
        return ("packet", -1, f"{type(error).__name__}: {message}")
    if number in LOST:
        late = "timed out" in message
        return ("deadline" if late else "connection lost", number, message)
    if number == 1105 or INTERNAL.search(message):
        return ("internal", number, message)
    return None


class Worker:
    """Runs statements in a database of its own."""

    def __init__(self, server, seed: int, database: str, system: list[str], log: Findings):
        self.server, self.log, self.connection = server, log, None
        self.grammar = Grammar(seed, database, system)
        self.answers, self.numbers = Counter(), Counter()

    def run(self, count: int, until: float, failed: threading.Event) -> None:
        for number in range(count):
            if failed.is_set() or time.monotonic() > until:
                return
            if number % ROUND == 0:
                self.fresh()
            statement = self.grammar.statement()
            found = self.execute(statement)
            if found:
                self.report(found, statement)
                if self.server.process.poll() is not None:
                    failed.set()
                    return
                self.connection = None
            if self.connection is None:
                if ill := illness(self.server):
                    self.log.add("no fresh connection", 0, ill, statement)
                    failed.set()
                    return
                self.reconnect()

    def fresh(self) -> None:
        """The schema as it began."""
        self.grammar.reset()
        self.reconnect()
        for statement in self.grammar.setup():
            self.execute(statement)

    def reconnect(self) -> None:
        if self.connection:
            self.connection._force_close()
        self.connection = connect(self.server)
        with self.connection.cursor() as cursor:
            cursor.execute("SET SESSION innodb_lock_wait_timeout = 1")
            try:
                cursor.execute(f"USE {self.grammar.database}")
            except pymysql.err.Error:
                pass  # It is not made yet, or was dropped.

    def execute(self, statement: str):
        """The finding, if it is one."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                with self.connection.cursor() as cursor:
                    cursor.execute(statement)
                    cursor.fetchall()
                self.answers["result"] += 1
                return None
            except UnicodeDecodeError:
                # SET NAMES asked for it. The driver leaves the rest of the rows unread.
                self.answers["result"] += 1
                self.connection._force_close()
                self.connection = None
                return None
            except Exception as error:  # Whatever a driver makes of bytes.
                found = verdict(error)
                self.answers["error" if found is None else found[0]] += 1
                if found is None:
                    self.numbers[error.args[0]] += 1
                    if error.args[0] in (1146, 1356):
                        self.grammar.forget(str(error.args[1]).split("'")[1].split(".")[-1])
                return found

    def report(self, found, statement: str) -> None:
        kind, number, message = found
        if self.log.add(kind, number, message, statement) and kind in ("internal", "connection lost", "packet"):
            key = (kind, number, next(reversed(self.log.first))[2])
            small = minimised(statement, lambda text: self.is_same(text, kind, message))
            self.log.first[key] = (message, small)

    def is_same(self, text: str, kind: str, message: str) -> bool:
        try:
            self.reconnect()
        except (pymysql.err.Error, OSError):
            return False
        found = self.execute(text)
        self.answers["minimising"] += 1
        return bool(found) and found[0] == kind and shape(found[2]) == shape(message)


def run(server, options, log: Findings) -> tuple[Counter, Counter]:
    """Statements over some connections at a time; answers by kind, errors by number."""
    system, failed = system_tables(server), threading.Event()
    count, until = options.statements // options.workers, time.monotonic() + (options.seconds or 1e9)
    crew = [Worker(server, options.seed * 1000 + at, f"fuzz{at}", system, log) for at in range(options.workers)]
    threads = [threading.Thread(target=worker.run, args=(count, until, failed)) for worker in crew]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum((worker.answers for worker in crew), Counter()), sum((worker.numbers for worker in crew), Counter())
