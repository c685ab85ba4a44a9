"""Subqueries: the same answers as MariaDB for random queries, and bounds for those that would never be planned."""

import pymysql
import pytest

from tests.differential.compare import compare, prepare
from tests.harness.mariadb import MariaDB

from .conftest import connect

QUERIES = 150


@pytest.mark.skipif(not MariaDB.is_installed(), reason="no mariadbd (apt-get install mariadb-server)")
def test_random_subqueries_have_the_answers_of_mariadb(server, tmp_path):
    kinds, odd = {}, []
    with MariaDB(tmp_path) as peer, connect(server) as connection:
        cursors = prepare(connection, peer.connect())
        for seed in range(QUERIES):
            result = compare(seed, *cursors)
            kinds[result.kind] = kinds.get(result.kind, 0) + 1
            if result.kind in ("different", "refused by us"):
                odd.append(f"{seed}: {result}")
        cursors[0].execute("DROP DATABASE differential")
    assert not odd, "\n".join(odd)
    assert kinds["same"] >= QUERIES * 0.9, kinds


def test_large_plans_are_made_or_refused(run):
    run("CREATE TABLE n (a INT, b INT)")
    run("INSERT INTO n VALUES (1, 1), (2, NULL), (3, 3)")
    one = "(SELECT MAX(x.b) FROM n x WHERE x.a < n.a)"
    assert run(f"SELECT {', '.join([one] * 100)} FROM n WHERE a = 3") == [(1,) * 100]
    found = "b IN (SELECT x.b FROM n x WHERE x.a < n.a)"
    assert run(f"SELECT a, {' OR '.join([found] * 60)} FROM n ORDER BY a") == [(1, 0), (2, None), (3, None)]
    tables = "n x0"
    for level in range(1, 9):
        joins = " ".join(f"LEFT JOIN n y{level}_{at} ON y{level}_{at}.a = x{level - 1}.a" for at in range(50))
        tables = f"(SELECT x{level - 1}.a FROM {tables} {joins}) x{level}"
    assert run(f"SELECT COUNT(*) FROM {tables}") == [(3,)]
    assert run(f"SELECT SUM(a) FROM ({' UNION ALL '.join(['SELECT a FROM n'] * 500)}) x") == [(3000,)]
    refused = {
        1473: f"SELECT {', '.join([one] * 101)} FROM n",
        1116: "SELECT 1 FROM " + ", ".join(f"n n{at}" for at in range(62)),
    }
    for code, sql in refused.items():
        with pytest.raises(pymysql.err.MySQLError) as error:
            run(sql)
        assert error.value.args[0] == code, error.value
