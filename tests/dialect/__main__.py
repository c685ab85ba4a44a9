"""SQLAlchemy's dialect suite against Holdfast and MariaDB under the same dialect URL (mysql+pymysql).

    python -m tests.dialect --record

Prints what passed in each, the quotient, and every test that MariaDB passes and Holdfast does not. Ends with 1
below the target, 75 % of what MariaDB passes.
"""

import argparse
import re
import sys
import tempfile
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import pymysql

from tests.harness import results
from tests.harness.server import PASSWORD, Server

from tests.harness.mariadb import MariaDB
from .suite import Outcome, run

TARGET = 0.75


def prepare(connection) -> None:
    """The two databases that SQLAlchemy's README.unittests asks for."""
    with connection, connection.cursor() as cursor:
        for name in ("test", "test_schema"):
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")


def holdfast(where: Path, timeout_s: float, only: str | None) -> Outcome:
    with Server(where / "data", mysql=True) as server:
        prepare(pymysql.connect(host="127.0.0.1", port=server.mysql_port, user="root", password=PASSWORD, autocommit=True))
        url = f"mysql+pymysql://root:{PASSWORD}@127.0.0.1:{server.mysql_port}/test?charset=utf8mb4"
        return run(url, where / "holdfast.xml", timeout_s, only)


def mariadb(where: Path, timeout_s: float, only: str | None) -> tuple[Outcome, str]:
    (where / "mariadb").mkdir()
    with MariaDB(where / "mariadb") as server:
        prepare(server.connect())
        return run(server.url, where / "mariadb.xml", timeout_s, only), server.version()


def show(ours: Outcome, theirs: Outcome) -> list[str]:
    """Prints the comparison; returns what MariaDB passes and Holdfast does not."""
    print(f"{'':10}" + "".join(f"{name:>9}" for name in ours.counts()))
    for name, outcome in (("holdfast", ours), ("mariadb", theirs)):
        print(f"{name:10}" + "".join(f"{count:9}" for count in outcome.counts().values()))
    behind = sorted(theirs.passed - ours.passed)
    left_out = Counter()
    for test in behind:
        if test in ours.failed or test in ours.errors:
            print(f"  {test}\n      {ours.text(test)}")
        else:
            left_out[test.split("::")[0]] += 1
    # What the dialect does not try with a server that does not call itself MariaDB: RETURNING, sequences, UUID.
    print(f"  skipped or not collected: {', '.join(f'{group} {count}' for group, count in left_out.items()) or 'none'}")
    for test in sorted((ours.failed | ours.errors).keys() - theirs.passed):
        print(f"  (not passed by MariaDB either: {theirs.text(test)[:80]}) {test}\n      {ours.text(test)}")
    return behind


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.dialect", description=__doc__.splitlines()[0])
    parser.add_argument("-k", dest="only", help="run a part only, as pytest's -k")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds for one server's run")
    parser.add_argument("--record", action="store_true", help="append to docs/results/dialect.jsonl")
    given = parser.parse_args()
    if not MariaDB.is_installed():
        print("SKIPPED: no mariadbd here (apt-get install mariadb-server), so there is nothing to compare with")
        return 1
    with tempfile.TemporaryDirectory(prefix="holdfast-dialect.") as temporary:
        where = Path(temporary)
        ours = holdfast(where, given.timeout, given.only)
        theirs, said = mariadb(where, given.timeout, given.only)
    behind = show(ours, theirs)
    if not theirs.passed:
        raise SystemExit("MariaDB passed nothing: this is no comparison")
    # Of what MariaDB passes; what only Holdfast passes does not count.
    share = 1 - len(behind) / len(theirs.passed)
    versions = {"sqlalchemy": version("sqlalchemy"), "pymysql": version("pymysql"),
                "mariadb": re.match(r"[\d.]+", said)[0]}
    print(f"{len(theirs.passed) - len(behind)} of {len(theirs.passed)} that MariaDB {versions['mariadb']} passes:"
          f" {share:.1%} (target {TARGET:.0%}); SQLAlchemy {versions['sqlalchemy']}")
    if given.record and not given.only:
        results.append("dialect", {"versions": versions, "holdfast": ours.counts(), "mariadb": theirs.counts(),
                                   "share": round(share, 4), "failed_here": {test: ours.text(test) for test in behind if test in ours.failed | ours.errors}})
    return 0 if share >= TARGET else 1


sys.exit(main())
