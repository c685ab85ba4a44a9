"""Transactions as two or three clients see them: the scenarios of Hermitage
(Martin Kleppmann, 2014), with what each level here permits."""

import threading
import time

import pymysql
import pytest

from tests.sql.conftest import connect, runner


@pytest.fixture
def pair(server, database):
    """Three sessions over a table with two rows, as functions."""
    setup = runner(database)
    setup("CREATE TABLE test (id INT PRIMARY KEY, value INT)")
    setup("INSERT INTO test (id, value) VALUES (1, 10), (2, 20)")
    name = setup.database
    sessions = [runner(connect(server, database=name)) for _ in range(3)]
    yield sessions
    for session in sessions:
        session.connection.close()


def begin(sessions, level):
    for session in sessions:
        session(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
        session("BEGIN")


def later(work):
    """Runs `work` in a thread; `join` gives its result or raises."""
    box = {}

    def body():
        try:
            box["value"] = work()
        except Exception as error:  # noqa: BLE001: raised again by whoever joins
            box["error"] = error
    thread = threading.Thread(target=body, daemon=True)
    thread.start()

    def join(limit=30):
        thread.join(limit)
        assert not thread.is_alive(), "it still waits"
        if "error" in box:
            raise box["error"]
        return box["value"]
    join.is_waiting = thread.is_alive
    return join


def waits(join):
    time.sleep(0.3)
    return join.is_waiting()


LEVELS = ["READ COMMITTED", "REPEATABLE READ"]


@pytest.mark.parametrize("level", LEVELS)
def test_g0_dirty_writes_do_not_interleave(pair, level):
    a, b, _ = pair
    begin([a, b], level)
    a("UPDATE test SET value = 11 WHERE id = 1")
    blocked = later(lambda: b("UPDATE test SET value = 12 WHERE id = 1"))
    assert waits(blocked)
    a("UPDATE test SET value = 21 WHERE id = 2")
    a("COMMIT")
    blocked()
    b("UPDATE test SET value = 22 WHERE id = 2")
    b("COMMIT")
    assert a("SELECT * FROM test ORDER BY id") == [(1, 12), (2, 22)]


@pytest.mark.parametrize("level", LEVELS)
def test_g1a_aborted_changes_are_never_read(pair, level):
    a, b, _ = pair
    begin([a, b], level)
    a("UPDATE test SET value = 101 WHERE id = 1")
    assert b("SELECT value FROM test WHERE id = 1") == [(10,)]
    a("ROLLBACK")
    assert b("SELECT value FROM test WHERE id = 1") == [(10,)]


@pytest.mark.parametrize("level", LEVELS)
def test_g1b_intermediate_values_are_never_read(pair, level):
    a, b, _ = pair
    begin([a, b], level)
    a("UPDATE test SET value = 101 WHERE id = 1")
    assert b("SELECT value FROM test WHERE id = 1") == [(10,)]
    a("UPDATE test SET value = 11 WHERE id = 1")
    a("COMMIT")
    assert b("SELECT value FROM test WHERE id = 1") == [(11 if level == "READ COMMITTED" else 10,)]


@pytest.mark.parametrize("level", LEVELS)
def test_g1c_circular_information_flow_does_not_happen(pair, level):
    a, b, _ = pair
    begin([a, b], level)
    a("UPDATE test SET value = 11 WHERE id = 1")
    b("UPDATE test SET value = 22 WHERE id = 2")
    assert a("SELECT value FROM test WHERE id = 2") == [(20,)]
    assert b("SELECT value FROM test WHERE id = 1") == [(10,)]
    a("COMMIT")
    b("COMMIT")


def test_pmp_a_snapshot_has_no_phantoms_and_read_committed_has(pair):
    a, b, c = pair
    begin([a], "REPEATABLE READ")
    begin([b], "READ COMMITTED")
    assert a("SELECT id FROM test WHERE value = 30") == []
    assert b("SELECT id FROM test WHERE value = 30") == []
    c("INSERT INTO test VALUES (3, 30)")
    assert a("SELECT id FROM test WHERE value % 3 = 0") == []
    assert b("SELECT id FROM test WHERE value % 3 = 0") == [(3,)]


@pytest.mark.parametrize("level", LEVELS)
def test_p4_an_update_is_not_lost_where_it_reads_for_update(pair, level):
    a, b, _ = pair
    begin([a, b], level)
    assert a("SELECT value FROM test WHERE id = 1 FOR UPDATE") == [(10,)]
    blocked = later(lambda: b("SELECT value FROM test WHERE id = 1 FOR UPDATE"))
    assert waits(blocked)
    a("UPDATE test SET value = 11 WHERE id = 1")
    a("COMMIT")
    assert blocked() == [(11,)], "a locking read sees the newest row"
    b("UPDATE test SET value = value + 1 WHERE id = 1")
    b("COMMIT")
    assert a("SELECT value FROM test WHERE id = 1") == [(12,)]


def test_p4_repeatable_read_updates_the_newest_row_as_mysql_does(pair):
    a, b, _ = pair
    begin([a, b], "REPEATABLE READ")
    assert a("SELECT value FROM test WHERE id = 1") == [(10,)]
    b("UPDATE test SET value = 11 WHERE id = 1")
    b("COMMIT")
    assert a("SELECT value FROM test WHERE id = 1") == [(10,)]
    a("UPDATE test SET value = value + 1 WHERE id = 1")
    assert a("SELECT value FROM test WHERE id = 1") == [(12,)]
    a("COMMIT")


def test_g_single_a_snapshot_does_not_skew(pair):
    a, b, _ = pair
    begin([a, b], "REPEATABLE READ")
    assert a("SELECT value FROM test WHERE id = 1") == [(10,)]
    b("UPDATE test SET value = 12 WHERE id = 1")
    b("UPDATE test SET value = 18 WHERE id = 2")
    b("COMMIT")
    assert a("SELECT value FROM test WHERE id = 2") == [(20,)]


@pytest.mark.parametrize("change, rows", [
    ("DELETE FROM entry WHERE id = 1", []),
    ("UPDATE entry SET n = n + 1 WHERE id = 1", [(1, 12, 0)]),
    ("UPDATE entry SET other = 7 WHERE id = 1", [(1, 11, 7)]),
])
def test_own_changes_are_seen_once_through_an_index_in_an_older_snapshot(pair, change, rows):
    a, b, _ = pair
    a("CREATE TABLE entry (id INT PRIMARY KEY, n INT NOT NULL, other INT NOT NULL, KEY by_n (n))")
    a("INSERT INTO entry VALUES (1, 10, 0)")
    begin([a], "REPEATABLE READ")
    a("SELECT * FROM entry")
    b("UPDATE entry SET n = n + 1 WHERE id = 1")
    a(change)
    by_equality = [row for n in (10, 11, 12) for row in a("SELECT * FROM entry WHERE n = %s", n)]
    assert a("SELECT * FROM entry WHERE n >= 0") == by_equality == rows
    a("COMMIT")


def test_g2_item_write_skew_is_permitted_without_locks_and_not_with_them(pair):
    a, b, _ = pair
    begin([a, b], "REPEATABLE READ")
    a("SELECT * FROM test WHERE id IN (1, 2)")
    b("SELECT * FROM test WHERE id IN (1, 2)")
    a("UPDATE test SET value = 11 WHERE id = 1")
    b("UPDATE test SET value = 21 WHERE id = 2")
    a("COMMIT")
    b("COMMIT")
    begin([a, b], "REPEATABLE READ")
    a("SELECT * FROM test WHERE id IN (1, 2) FOR SHARE")
    b("SELECT * FROM test WHERE id IN (1, 2) FOR SHARE")
    blocked = later(lambda: a("UPDATE test SET value = 12 WHERE id = 1"))
    assert waits(blocked)
    with pytest.raises(pymysql.err.OperationalError) as error:
        b("UPDATE test SET value = 22 WHERE id = 2")
    assert error.value.args[0] == 1213
    blocked()
    a("COMMIT")


def test_a_locking_range_read_keeps_phantoms_out(pair):
    a, b, outside = pair
    begin([a], "REPEATABLE READ")
    assert a("SELECT id FROM test WHERE id BETWEEN 1 AND 10 FOR UPDATE") == [(1,), (2,)]
    blocked = later(lambda: b("INSERT INTO test VALUES (5, 50)"))
    assert waits(blocked)
    assert outside("INSERT INTO test VALUES (11, 110)") == 1
    a("COMMIT")
    assert blocked() == 1


def test_lock_waits_end_with_1205_and_nowait_with_3572(pair):
    a, b, _ = pair
    a("BEGIN")
    a("UPDATE test SET value = 11 WHERE id = 1")
    b("SET innodb_lock_wait_timeout = 1")
    with pytest.raises(pymysql.err.OperationalError) as error:
        b("UPDATE test SET value = 12 WHERE id = 1")
    assert error.value.args[0] == 1205
    with pytest.raises(pymysql.err.MySQLError) as error:
        b("SELECT * FROM test WHERE id = 1 FOR UPDATE NOWAIT")
    assert error.value.args[0] == 3572
    assert b("SELECT id FROM test ORDER BY id FOR UPDATE SKIP LOCKED") == [(2,)]
    a("ROLLBACK")


def test_savepoints(pair):
    a, b, _ = pair
    a("BEGIN")
    a("INSERT INTO test VALUES (3, 30)")
    a("SAVEPOINT s")
    a("INSERT INTO test VALUES (4, 40)")
    a("UPDATE test SET value = 0 WHERE id = 1")
    a("ROLLBACK TO s")
    assert a("SELECT * FROM test ORDER BY id") == [(1, 10), (2, 20), (3, 30)]
    a("RELEASE SAVEPOINT s")
    with pytest.raises(pymysql.err.OperationalError) as error:
        a("ROLLBACK TO s")
    assert error.value.args[0] == 1305
    a("COMMIT")
    assert b("SELECT COUNT(*) FROM test") == [(3,)]


def test_what_a_session_variable_reports_is_what_runs(pair):
    a, _, _ = pair
    assert a("SELECT @@transaction_isolation") == [("REPEATABLE-READ",)]
    a("SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED")
    assert a("SELECT @@transaction_isolation") == [("READ-COMMITTED",)]
    with pytest.raises(pymysql.err.MySQLError) as error:
        a("SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE")
    assert error.value.args[0] == 1235


def test_money_is_neither_made_nor_lost(server, pair):
    setup = pair[0]
    setup("CREATE TABLE bank (id INT PRIMARY KEY, money INT)")
    setup("INSERT INTO bank VALUES " + ", ".join(f"({n}, 100)" for n in range(8)))
    done, conflicts, name = [], [], setup.database

    def transfer(seed):
        session = runner(connect(server, database=name))
        for step in range(25):
            left, right = (seed * 7 + step * 3) % 8, (seed * 5 + step * 11 + 1) % 8
            if left == right:
                continue
            try:
                session("BEGIN")
                session("UPDATE bank SET money = money - 7 WHERE id = %s", left)
                session("UPDATE bank SET money = money + 7 WHERE id = %s", right)
                session("COMMIT")
                done.append(1)
            except pymysql.err.OperationalError as error:
                assert error.args[0] == 1213, error
                conflicts.append(1)
                session("ROLLBACK")
    for join in [later(lambda seed=seed: transfer(seed)) for seed in range(4)]:
        join(120)
    assert setup("SELECT SUM(money) FROM bank") == [(800,)]
    assert len(done) >= 50, f"{len(done)} transfers, {len(conflicts)} conflicts"
