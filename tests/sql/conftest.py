"""One server with its MySQL port for the whole module tree, and connections to it."""

import pymysql
import pytest

from tests.harness.server import PASSWORD, Server


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("sql") / "data", mysql=True) as running:
        yield running


def connect(server, **more):
    """A connection as root; `autocommit` is the server's default, on."""
    options = dict(host="127.0.0.1", port=server.mysql_port, user="root", password=PASSWORD,
                   autocommit=True, charset="utf8mb4", connect_timeout=10, read_timeout=60)
    return pymysql.connect(**options | more)


@pytest.fixture
def database(server):
    """A fresh database, and a connection that uses it."""
    database.count = getattr(database, "count", 0) + 1
    name = f"t{database.count}"
    connection = connect(server)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    connection.select_db(name)
    yield connection
    connection.rollback()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name}")
    connection.close()


@pytest.fixture
def run(database):
    """Runs a statement; gives its rows, or how many it changed."""
    return runner(database)


class runner:
    """Runs statements on a connection; gives rows, or how many were changed."""

    def __init__(self, connection):
        self.connection = connection

    def __call__(self, sql, *params):
        with self.connection.cursor() as cursor:
            changed = cursor.execute(sql, params or None)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else changed

    @property
    def database(self):
        return self("SELECT DATABASE()")[0][0]
