"""TEMPORARY tables: of one session, in the way of others' names, gone at its end."""

import pymysql
import pytest

from tests.sql.conftest import connect, runner


def test_they_stand_before_a_table_of_the_same_name_and_nobody_else_sees_them(server, run):
    run("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    run("INSERT INTO t VALUES (1, 1)")
    run("CREATE TEMPORARY TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT, KEY (v))")
    run("INSERT INTO t (v) VALUES (10), (20)")
    assert run("SELECT * FROM t ORDER BY id") == [(1, 10), (2, 20)]
    assert "CREATE TEMPORARY TABLE `t`" in run("SHOW CREATE TABLE t")[0][1]
    other = runner(connect(server, database=run.database))
    assert other("SELECT * FROM t") == [(1, 1)]
    run("DROP TEMPORARY TABLE t")
    assert run("SELECT * FROM t") == [(1, 1)]
    other.connection.close()


def test_they_are_not_listed(run):
    run("CREATE TEMPORARY TABLE u (id INT)")
    assert run("SHOW TABLES") == []
    assert run("SELECT table_name FROM information_schema.tables"
               " WHERE table_schema = DATABASE()") == []


def test_their_rows_are_the_transactions_and_they_are_not(run):
    run("CREATE TABLE t (id INT PRIMARY KEY)")
    run("BEGIN")
    run("INSERT INTO t VALUES (1)")
    run("CREATE TEMPORARY TABLE u AS SELECT id FROM t")
    assert run("SELECT * FROM u") == [(1,)]
    run("ROLLBACK")
    assert run("SELECT * FROM u") == []
    assert run("SELECT * FROM t") == []


def test_a_drop_within_a_transaction_leaves_the_rest_to_be_committed(run):
    run("CREATE TABLE t (id INT PRIMARY KEY)")
    run("CREATE TEMPORARY TABLE u (id INT PRIMARY KEY)")
    run("BEGIN")
    run("INSERT INTO t VALUES (1)")
    run("INSERT INTO u VALUES (1)")
    run("DROP TEMPORARY TABLE u")
    run("COMMIT")
    assert run("SELECT * FROM t") == [(1,)]
    with pytest.raises(pymysql.err.ProgrammingError) as error:
        run("SELECT * FROM u")
    assert error.value.args[0] == 1146


def test_alter_and_truncate_mean_them(run):
    run("CREATE TABLE t (id INT PRIMARY KEY)")
    run("INSERT INTO t VALUES (1)")
    run("CREATE TEMPORARY TABLE t (id INT PRIMARY KEY)")
    run("INSERT INTO t VALUES (5)")
    run("ALTER TABLE t ADD c INT DEFAULT 7")
    assert run("SELECT * FROM t") == [(5, 7)]
    run("TRUNCATE TABLE t")
    assert run("SELECT * FROM t") == []
    run("DROP TABLE t")
    assert run("SELECT * FROM t") == [(1,)]


def test_they_end_with_their_session(server, run):
    mine = runner(connect(server, database=run.database))
    mine("CREATE TEMPORARY TABLE u (id INT)")
    mine("INSERT INTO u VALUES (1)")
    mine.connection.close()
    mine = runner(connect(server, database=run.database))
    with pytest.raises(pymysql.err.ProgrammingError) as error:
        mine("SELECT * FROM u")
    assert error.value.args[0] == 1146
    mine.connection.close()
