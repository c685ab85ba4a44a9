"""The cache of objects on disk (`--sql-cache-dir`), from outside: whatever becomes of its files, answers stay."""

import random
import time

from tests.harness.server import Server

from .conftest import connect

ROWS = 20_000


def fill(server):
    """A table whose rows lie in objects."""
    dice = random.Random(7)
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE d")
        cursor.execute("CREATE TABLE d.t (id INT PRIMARY KEY, n INT, c VARCHAR(200), KEY (n))")
        for first in range(0, ROWS, 1000):
            rows = [(id, dice.randrange(1000), dice.randbytes(90).hex()) for id in range(first, first + 1000)]
            cursor.executemany("INSERT INTO d.t VALUES (%s, %s, %s)", rows)
        cursor.execute("FLUSH TABLES")


def answers(server):
    """What a scan, an index and keys give."""
    asked = ["SELECT COUNT(*), SUM(n), SUM(LENGTH(c)), MAX(c) FROM d.t", "SELECT id, c FROM d.t WHERE n = 17 ORDER BY id"]
    asked += [f"SELECT * FROM d.t WHERE id = {id}" for id in range(0, ROWS, 997)]
    with connect(server) as connection, connection.cursor() as cursor:
        found = []
        for sql in asked:
            cursor.execute(sql)
            found.append(cursor.fetchall())
        return found


def settled(server):
    """The cache's figures, once it has a file and nothing waits to be written."""
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        cache = server.status()["cache"]
        if cache["queued"] == 0 and cache["file_bytes"]:
            return cache
        time.sleep(0.1)
    return server.status()["cache"]


def test_rows_come_from_the_cache_and_from_the_objects_where_it_is_wrong(tmp_path):
    place = tmp_path / "cache"
    server = Server(tmp_path / "data", "--sql-cache-dir", str(place), "--sql-cache-size", "1GiB", mysql=True)
    with server:
        fill(server)
        wanted = answers(server)
        assert wanted[0][0][0] == ROWS
        server.stop()

        # A file is made as long as it will be before anything is kept in it: two lives.
        for _ in range(2):
            server.start()
            assert answers(server) == wanted
            cache = settled(server)
            server.stop()

        server.start()
        assert answers(server) == wanted
        cache = server.status()["cache"]
        assert cache["off"] is None and cache["hits"] > 10, cache
        assert cache["corrupt"] == 0 and cache["errors"] == 0, cache
        server.stop()

        files = sorted(place.rglob("*.cache"))
        assert files, list(place.rglob("*"))
        for file in files:
            rot(file)
        server.start()
        assert answers(server) == wanted, "what rots is read from the objects"
        cache = server.status()["cache"]
        assert cache["corrupt"] > 0, cache


def rot(file):
    """A bit of each page that is not empty, but for the slots' heads, so that they are found."""
    with open(file, "r+b") as opened:
        page, at = opened.read(4096), 0
        while page:
            is_head = at % (132 << 10) == 0
            if not is_head and any(page):
                opened.seek(at + 100)
                opened.write(bytes([page[100] ^ 1]))
                opened.seek(at + 4096)
            at += 4096
            page = opened.read(4096)
