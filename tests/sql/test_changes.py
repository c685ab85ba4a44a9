"""INSERT, UPDATE, DELETE, REPLACE: rows, counts, keys, errors."""

import decimal

import pymysql
import pytest

from tests.sql.conftest import connect, runner


def code(error):
    return error.value.args[0]


@pytest.fixture
def people(run):
    run("""CREATE TABLE people (
        id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(40) NOT NULL, age INT,
        city VARCHAR(40) DEFAULT 'Paris', UNIQUE KEY by_name (name), KEY by_city (city, age))""")
    return run


def test_rows_come_back_as_they_were_put(people):
    assert people("INSERT INTO people (name, age) VALUES ('Ada', 36), ('Bob', NULL)") == 2
    assert people("SELECT * FROM people ORDER BY id") == [(1, "Ada", 36, "Paris"), (2, "Bob", None, "Paris")]
    assert people("SELECT name FROM people WHERE id = %s", 2) == [("Bob",)]
    assert people("SELECT id FROM people WHERE name = 'ada'") == [(1,)], "the collation ignores case"
    assert people("SELECT LAST_INSERT_ID()") == [(1,)]


def test_update_counts_what_it_changes(people):
    people("INSERT INTO people (name, age, city) VALUES ('a', 1, 'x'), ('b', 2, 'x'), ('c', 3, 'y')")
    assert people("UPDATE people SET age = age + 10 WHERE city = 'x'") == 2
    assert people("UPDATE people SET age = 11 WHERE name = 'a'") == 0
    assert people("SELECT name, age FROM people ORDER BY name") == [("a", 11), ("b", 12), ("c", 3)]
    assert people("SELECT name FROM people WHERE city = 'x' AND age > 11") == [("b",)]
    assert people("UPDATE people SET city = 'z' ORDER BY age DESC LIMIT 1") == 1
    assert people("SELECT name FROM people WHERE city = 'z'") == [("b",)]


def test_delete_takes_index_entries_along(people):
    people("INSERT INTO people (name, age, city) VALUES ('a', 1, 'x'), ('b', 2, 'x')")
    assert people("DELETE FROM people WHERE name = 'a'") == 1
    assert people("SELECT name FROM people WHERE city = 'x'") == [("b",)]
    assert people("INSERT INTO people (name, city) VALUES ('a', 'x')") == 1
    assert people("DELETE FROM people WHERE id IN (SELECT id FROM (SELECT id FROM people WHERE age IS NULL) s)") == 1
    assert people("SELECT COUNT(*) FROM people") == [(1,)]


def test_unique_keys_hold(people):
    people("INSERT INTO people (id, name) VALUES (5, 'a')")
    with pytest.raises(pymysql.err.IntegrityError) as error:
        people("INSERT INTO people (name) VALUES ('A')")
    assert code(error) == 1062 and "people.by_name" in error.value.args[1]
    with pytest.raises(pymysql.err.IntegrityError) as error:
        people("INSERT INTO people (id, name) VALUES (5, 'b')")
    assert code(error) == 1062 and "people.PRIMARY" in error.value.args[1]
    assert people("INSERT IGNORE INTO people (name) VALUES ('a'), ('c')") == 1
    assert people("REPLACE INTO people (id, name) VALUES (5, 'd')") == 2
    assert people("INSERT INTO people (id, name) VALUES (5, 'x') ON DUPLICATE KEY UPDATE name = CONCAT(name, VALUES(name))") == 2
    assert people("SELECT name FROM people WHERE id = 5") == [("dx",)]


def test_a_statement_that_errs_changes_nothing(people):
    with pytest.raises(pymysql.err.IntegrityError):
        people("INSERT INTO people (name) VALUES ('one'), ('two'), ('one')")
    assert people("SELECT COUNT(*) FROM people") == [(0,)]
    with pytest.raises(pymysql.err.IntegrityError) as error:
        people("INSERT INTO people (name) VALUES (NULL)")
    assert code(error) == 1048
    with pytest.raises(pymysql.err.DataError) as error:
        people("INSERT INTO people (name) VALUES (REPEAT('x', 41))")
    assert code(error) == 1406
    with pytest.raises(pymysql.err.DataError) as error:
        people("INSERT INTO people (name, age) VALUES ('z', 3000000000)")
    assert code(error) == 1264


def test_foreign_keys_hold_and_cascade(run):
    run("CREATE TABLE parent (id INT PRIMARY KEY)")
    run("""CREATE TABLE child (id INT PRIMARY KEY, parent INT,
        CONSTRAINT fk FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE)""")
    run("INSERT INTO parent VALUES (1), (2)")
    run("INSERT INTO child VALUES (10, 1), (11, 1), (12, 2), (13, NULL)")
    with pytest.raises(pymysql.err.IntegrityError) as error:
        run("INSERT INTO child VALUES (14, 9)")
    assert code(error) == 1452
    assert run("DELETE FROM parent WHERE id = 1") == 1
    assert run("SELECT id FROM child ORDER BY id") == [(12,), (13,)]


def test_numbers_are_mysqls(run):
    assert run("SELECT 1/2, 7 DIV 2, 7 % 3, 1 + '2'") == [(decimal.Decimal("0.5000"), 3, 1, 3.0)]
    with pytest.raises(pymysql.err.MySQLError) as error:
        run("SELECT 9223372036854775807 + 1")
    assert code(error) == 1690
    run("CREATE TABLE d (v DECIMAL(65, 30))")
    run("INSERT INTO d VALUES ('12345678901234567890123456789012345.123456789012345678901234567890')")
    assert run("SELECT v FROM d") == [(decimal.Decimal("12345678901234567890123456789012345.123456789012345678901234567890"),)]


def test_a_table_without_a_key_keeps_equal_rows_apart(run):
    run("CREATE TABLE bag (v INT)")
    run("INSERT INTO bag VALUES (1), (1), (2)")
    assert run("SELECT v, COUNT(*) FROM bag GROUP BY v ORDER BY v") == [(1, 2), (2, 1)]
    assert run("DELETE FROM bag WHERE v = 1 LIMIT 1") == 1
    assert run("SELECT COUNT(*) FROM bag") == [(2,)]


def test_what_was_committed_is_there_after_kill_and_restart(server, people):
    people("INSERT INTO people (name, age) VALUES ('kept', 1)")
    name = people.database
    other = runner(connect(server, autocommit=False, database=name))
    other("INSERT INTO people (name, age) VALUES ('not committed', 1)")
    server.kill()
    server.start()
    again = runner(connect(server, database=name))
    assert again("SELECT name FROM people") == [("kept",)]
    people.connection.connect()


def test_subqueries_stand_where_values_do(run):
    run("CREATE TABLE made (id INT PRIMARY KEY, n INT)")
    run("INSERT INTO made VALUES (1, (SELECT 7)), (2, 5 + (SELECT COUNT(*) FROM (SELECT 1) one))")
    run("INSERT INTO made VALUES (3, (SELECT MAX(n) FROM made WHERE id < 0))")
    assert run("SELECT id, n FROM made ORDER BY id") == [(1, 7), (2, 6), (3, None)]
