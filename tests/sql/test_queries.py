"""Queries whose answers once differed from MySQL's."""

import pymysql
import pytest


@pytest.fixture
def staff(run):
    run("CREATE TABLE e (id INT PRIMARY KEY, d INT, sal INT, KEY (d))")
    run("CREATE TABLE d (id INT PRIMARY KEY, b INT)")
    run("INSERT INTO d VALUES (1, 5), (2, 6)")
    run("INSERT INTO e VALUES (1, 1, 1), (2, 1, 2), (3, 2, 3)")
    return run


def test_tables_with_commas_join_by_what_where_says(staff):
    query = "SELECT e.id, d.b FROM e, d WHERE e.d = d.id AND d.id = 1 ORDER BY 1"
    assert staff(query) == [(1, 5), (2, 5)]
    assert staff("UPDATE e, d SET e.sal = d.b WHERE e.d = d.id AND d.id = 1") == 2
    assert staff("SELECT sal FROM e ORDER BY id") == [(5,), (5,), (3,)]


def test_a_limit_takes_no_room_before_there_are_rows(staff):
    for limit in (10**12, 2**64 - 1):
        query = f"(SELECT DISTINCT d FROM e ORDER BY 1 DESC LIMIT {limit}) UNION ALL SELECT 9"
        assert sorted(staff(query)) == [(1,), (2,), (9,)]


@pytest.mark.parametrize("query, shown, found", [
    ("SELECT SQL_CALC_FOUND_ROWS id FROM e WHERE id < 3 ORDER BY sal DESC LIMIT 1", [(2,)], 2),
    ("SELECT SQL_CALC_FOUND_ROWS id FROM e ORDER BY id LIMIT 1, 5", [(2,), (3,)], 3),
    ("SELECT SQL_CALC_FOUND_ROWS DISTINCT d FROM e ORDER BY d LIMIT 0", [], 2),
    ("SELECT SQL_CALC_FOUND_ROWS d, COUNT(*) FROM e GROUP BY d ORDER BY d LIMIT 1", [(1, 2)], 2),
    ("SELECT SQL_CALC_FOUND_ROWS d FROM e UNION ALL SELECT 9 ORDER BY 1 LIMIT 1", [(1,)], 4),
    ("SELECT SQL_CALC_FOUND_ROWS id FROM e WHERE id = 3", [(3,)], 1),
    ("SELECT id FROM e ORDER BY id LIMIT 2", [(1,), (2,)], 2),
])
def test_the_rows_without_a_limit_are_counted_where_the_query_says_so(staff, query, shown, found):
    assert staff(query) == shown
    assert staff("SELECT FOUND_ROWS()") == [(found,)]
    staff("SET @asked = 1")
    staff(f"PREPARE counted FROM '{query}'")
    for _ in range(2):
        assert staff("EXECUTE counted") == shown
        assert staff("SELECT FOUND_ROWS()") == [(found,)]


def test_a_limit_of_the_query_counts_before_the_one_of_the_session(staff):
    staff("SET sql_select_limit = 1")
    assert staff("SELECT id FROM e ORDER BY id") == [(1,)]
    assert staff("SELECT id FROM e ORDER BY sal DESC LIMIT 2") == [(3,), (2,)]
    assert staff("SELECT SQL_CALC_FOUND_ROWS id FROM e ORDER BY id") == [(1,)]
    assert staff("SELECT FOUND_ROWS()") == [(3,)]


def test_totals_of_rollup_follow_their_groups(staff):
    assert staff("SELECT d, SUM(sal) FROM e GROUP BY d WITH ROLLUP") == [
        (1, 3), (2, 3), (None, 6)]
    assert staff("SELECT d, id, COUNT(*) FROM e GROUP BY d, id WITH ROLLUP") == [
        (1, 1, 1), (1, 2, 1), (1, None, 2), (2, 3, 1), (2, None, 1), (None, None, 3)]


@pytest.mark.parametrize("call, result", [
    ("JSON_ARRAY(TRUE, 1 = 1, NOT 1, NULL = 1, 1 IN (2), (FALSE), EXISTS (SELECT 1), 'a' LIKE 'b', TRUE + 1, COALESCE(1, 0))",
     "[true, true, false, null, false, false, true, false, 2, 1]"),
    ("JSON_SET('{\"a\": 1}', '$.a', TRUE, '$.b', 2 > 3)", '{"a": true, "b": false}'),
    ("JSON_OBJECT('k', FALSE, TRUE, 1)", '{"1": 1, "k": false}'),
    ("JSON_EXTRACT(JSON_ARRAY(TRUE), '$[0]') = TRUE", 1),
    ("JSON_ARRAYAGG(2 > 1)", "[true]"),
    ("CAST(TRUE AS JSON)", "true"),
    ("TRIM('  a ')", "a"),
    ("TRIM(LEADING 'x' FROM 'xxax')", "ax"),
    ("TRIM(TRAILING 'x' FROM 'xaxx')", "xa"),
    ("TRIM(BOTH 'x' FROM 'xax')", "a"),
    ("CASE JSON_EXTRACT('{\"a\": null}', '$.a') WHEN 'null' THEN 'none' ELSE 'some' END", "none"),
    ("JSON_EXTRACT('{\"a\": true}', '$.a') = true", 1),
])
def test_calls(run, call, result):
    assert run("SELECT " + call) == [(result,)]


def test_columns_without_names_are_called_by_their_texts(database):
    with database.cursor() as cursor:
        cursor.execute("SELECT 1+1, count( * ) , concat('a','b') UNION SELECT 1, 2, 3")
        assert [column[0] for column in cursor.description] == [
            "1+1", "count( * )", "concat('a','b')"]


def test_parameters_go_where_they_stand(staff):
    staff("PREPARE s FROM 'SELECT id FROM e WHERE sal > ? AND id IN (?, ?) ORDER BY id LIMIT ?'")
    staff("SET @low = 1, @a = 2, @b = 3, @most = 5")
    assert staff("EXECUTE s USING @low, @a, @b, @most") == [(2,), (3,)]
    with pytest.raises(pymysql.err.ProgrammingError) as error:
        staff("SELECT ?")
    assert error.value.args[0] == 1064


def test_chains_of_operators_may_be_long_and_end_with_an_error(staff):
    assert staff("SELECT " + "+".join(["1"] * 128)) == [(128,)]
    assert staff("SELECT SUM(" + "+".join(["sal"] * 128) + ") FROM e, d") == [(128 * 12,)]
    with pytest.raises(pymysql.err.MySQLError) as error:
        staff("SELECT " + "+".join(["1"] * 200))
    assert error.value.args[0] == 1436


def test_an_enum_is_its_number_where_it_counts(run):
    run("CREATE TABLE size (id INT PRIMARY KEY, s ENUM('small', 'large', 'huge'))")
    run("INSERT INTO size VALUES (1, 'large'), (2, NULL), (3, 'small')")
    assert run("SELECT s, s + 0, s * 2 FROM size ORDER BY id") == [("large", 2, 4), (None, None, None), ("small", 1, 2)]
    assert run("SELECT id FROM size WHERE s = 2") == [(1,)]
    assert run("SELECT id FROM size WHERE s = 'small'") == [(3,)]
    assert run("SELECT id, SUM(s + 0) OVER (ORDER BY id) FROM size ORDER BY s") == [(2, 2), (3, 3), (1, 2)]
