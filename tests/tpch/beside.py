"""Small transactions beside large queries: what does the one cost the other, in one server?

    python -m tests.tpch.beside --scale 1 --record

TPC-H's tables are loaded and flushed. Then, in turns of some seconds: transactions alone (connections that read and
change single rows, and one that logs in again and again), queries alone (connections that ask TPC-H's in order), and
both at once. All clients are processes of their own on the same processors, as sysbench's are.
"""

import argparse
import functools
import multiprocessing
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

import pymysql

from tests.harness import results
from tests.harness.server import PASSWORD, Server

from . import data, flushed, queries
from .engines import Holdfast
from .load import load

ROWS = 10_000
KINDS = ("read", "change", "login")


def connect(port: int):
    return pymysql.connect(host="127.0.0.1", port=port, user="root", password=PASSWORD, database="tpch",
                           autocommit=True, connect_timeout=60, read_timeout=600)


def transactions(port: int, until: float, seed: int, out) -> None:
    """Reads and changes of single rows, alternately; the milliseconds of each."""
    times, random_ = {"read": [], "change": []}, random.Random(seed)
    with connect(port) as connection, connection.cursor() as cursor:
        while time.monotonic() < until:
            for kind, sql in (("read", "SELECT v FROM small WHERE id = %s"), ("change", "UPDATE small SET v = v + 1 WHERE id = %s")):
                began = time.monotonic()
                cursor.execute(sql, [random_.randrange(ROWS)])
                cursor.fetchall()
                times[kind].append((time.monotonic() - began) * 1000)
    out.put(times)


def logins(port: int, until: float, _: int, out) -> None:
    times = []
    while time.monotonic() < until:
        began = time.monotonic()
        connect(port).close()
        times.append((time.monotonic() - began) * 1000)
        time.sleep(0.05)
    out.put({"login": times})


def analysts(scale: float, port: int, until: float, seed: int, out) -> None:
    """TPC-H's queries in order, each connection from another on; how many ended."""
    count, at = 0, seed * 7
    connection = connect(port)
    with connection, connection.cursor() as cursor:
        while True:
            at = at % len(queries.NUMBERS) + 1
            for sql in queries.statements(at, scale):
                cursor.execute(sql)
                cursor.fetchall()
            if time.monotonic() > until:
                break
            count += 1
    out.put({"queries": count})


def turn(port: int, seconds: float, who: list) -> dict[str, list]:
    """Runs clients at once for so long; their figures, together."""
    out, until = multiprocessing.Queue(), time.monotonic() + seconds
    clients = [multiprocessing.Process(target=client, args=(port, until, seed, out), daemon=True) for seed, client in enumerate(who)]
    for client in clients:
        client.start()
    found: dict[str, list] = {}
    for _ in clients:
        for name, values in out.get(timeout=seconds + 600).items():
            found.setdefault(name, []).extend(values if isinstance(values, list) else [values])
    for client in clients:
        client.join(60)
    return found


def shown(found: dict[str, list], seconds: float) -> dict:
    """p50, p99 and the longest of each kind, and how many there were."""
    row = {}
    for kind in (kind for kind in KINDS if kind in found):
        cuts = statistics.quantiles(found[kind], n=100, method="inclusive")
        row[kind] = {"count": len(found[kind]), "p50_ms": round(cuts[49], 2), "p99_ms": round(cuts[98], 2),
                     "max_ms": round(max(found[kind]), 1)}
    if "queries" in found:
        row["queries_per_minute"] = round(sum(found["queries"]) * 60 / seconds, 1)
    return row


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tpch.beside", description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1, help="1 is 6 million rows in lineitem")
    parser.add_argument("--seconds", type=float, default=20, help="of a turn")
    parser.add_argument("--transactions", type=int, default=4, help="connections of small transactions")
    parser.add_argument("--analysts", type=int, default=2, help="connections of large queries")
    parser.add_argument("--dir", help="where data goes; a temporary directory otherwise")
    parser.add_argument("--record", action="store_true", help="append to docs/results/beside.jsonl")
    given = parser.parse_args()
    small, large = [transactions] * given.transactions + [logins], [functools.partial(analysts, given.scale)] * given.analysts
    turns = {"transactions alone": small, "queries alone": large, "both": small + large}
    rows = {}
    print(f"holdfast {results.build()}; {results.machine()}")
    with tempfile.TemporaryDirectory(prefix="holdfast-beside.", dir=given.dir) as where:
        server = Server(Path(where) / "data", mysql=True)
        holdfast = Holdfast(server, 600)
        server.start()
        try:
            load(holdfast, data.tables(given.scale), "data", {"references": False, "collation": None})
            holdfast.run("CREATE TABLE small (id INT PRIMARY KEY, v INT NOT NULL)")
            holdfast.run(f"INSERT INTO small VALUES {','.join(f'({id}, 0)' for id in range(ROWS))}")
            flushed.flush(holdfast)
            for name, who in turns.items():
                rows[name] = shown(turn(server.mysql_port, given.seconds, who), given.seconds)
                print(f"{name}: {rows[name]}", flush=True)
        finally:
            holdfast.close()
            server.kill()
    if given.record:
        options = {"scale": given.scale, "seconds": given.seconds, "transactions": given.transactions, "analysts": given.analysts}
        results.append("beside", options | {"turns": rows})
    return 0


if __name__ == "__main__":
    sys.exit(main())
