"""Who may log in, and what they may do then."""

import pymysql
import pytest

from tests.sql.conftest import connect, runner


@pytest.fixture
def guest(server, run):
    """A second account's name, without any privilege."""
    run("CREATE TABLE open_table (id INT PRIMARY KEY)")
    run("CREATE USER 'guest'@'%' IDENTIFIED BY 'guest-secret'")
    yield dict(user="guest", password="guest-secret")
    run("DROP USER 'guest'@'%'")


def refused(code, work):
    with pytest.raises(pymysql.err.MySQLError) as error:
        work()
    assert error.value.args[0] == code, error.value


def test_a_wrong_password_and_an_unknown_user_look_the_same(server, guest):
    refused(1045, lambda: connect(server, user="guest", password="wrong"))
    refused(1045, lambda: connect(server, user="nobody", password="wrong"))
    refused(1045, lambda: connect(server, password=""))


def test_privileges_count_from_the_next_statement_on(server, run, guest):
    database = run.database
    refused(1044, lambda: connect(server, database=database, **guest))
    session = runner(connect(server, **guest))
    refused(1142, lambda: session(f"SELECT * FROM {database}.open_table"))
    run(f"GRANT SELECT ON {database}.open_table TO 'guest'@'%'")
    assert session(f"SELECT * FROM {database}.open_table") == []
    refused(1142, lambda: session(f"INSERT INTO {database}.open_table VALUES (1)"))
    run(f"GRANT ALL ON {database}.* TO 'guest'@'%'")
    assert session(f"INSERT INTO {database}.open_table VALUES (1)") == 1
    run(f"REVOKE ALL ON {database}.* FROM 'guest'@'%'")
    refused(1142, lambda: session(f"DELETE FROM {database}.open_table"))
    refused(1227, lambda: session("CREATE USER 'more'@'%'"))


def test_a_password_can_be_changed_and_both_plugins_work(server, run, guest):
    run("ALTER USER 'guest'@'%' IDENTIFIED BY 'second-secret'")
    refused(1045, lambda: connect(server, **guest))
    assert runner(connect(server, user="guest", password="second-secret"))("SELECT CURRENT_USER()") == [("guest@%",)]
    run("ALTER USER 'guest'@'%' IDENTIFIED WITH mysql_native_password BY 'third-secret'")
    assert runner(connect(server, user="guest", password="third-secret"))("SELECT 1") == [(1,)]
    run("ALTER USER 'guest'@'%' ACCOUNT LOCK")
    refused(3118, lambda: connect(server, user="guest", password="third-secret"))


def test_a_statement_with_a_password_is_not_shown_to_others(server, run, guest):
    watcher, slow = runner(connect(server)), runner(connect(server))
    slow("SET long_query_time = 0")
    slow("SELECT 'a text that may be seen'")
    slow("ALTER USER 'guest'@'%' IDENTIFIED BY 'a-new-secret'")
    log = server.log.read_text()
    assert "a text that may be seen" in log, "the slow log is on"
    assert "a-new-secret" not in log
    assert "a-new-secret" not in str(watcher("SHOW FULL PROCESSLIST"))
