"""mysql-connector-python: the driver of MySQL itself, in Python (`pure`) or by its part in C (`c`)."""

import sys
import threading

import mysql.connector

from tests.drivers.checks import BATCH, CREATE, INSERT, TYPES, VALUES, Checks, code, equal, same

HOST, PORT, USER, PASSWORD, DATABASE, KIND = sys.argv[1:]


def prepared_value(kind, value):
    """What this driver's binary protocol sends or reads otherwise, from whichever server."""
    # It sends -838:59:58.000001 as -841:00:01.999999.
    if kind.startswith("TIME("):
        return abs(value)
    # A JSON column has no character set (MySQL's, too): bytes.
    return value.encode() if kind == "JSON" else value


PREPARED = tuple(prepared_value(kind, value) for _, kind, value in TYPES)
# It cannot read a YEAR: "unpack requires a buffer of 4 bytes".
READABLE = ", ".join("y + 0" if kind == "YEAR" else name for name, kind, _ in TYPES)
checks = Checks()


def connect(**more):
    return mysql.connector.connect(host=HOST, port=int(PORT), user=USER, password=PASSWORD, database=DATABASE,
                                   use_pure=KIND == "pure", connection_timeout=20, **more)


def run(cursor, sql, *params):
    checks.statement = sql
    cursor.execute(sql, params)
    return cursor.fetchall() if cursor.with_rows else cursor.rowcount


def expect(number, cursor, sql, *params):
    try:
        run(cursor, sql, *params)
    except mysql.connector.Error as error:
        equal(code(error), number)
    else:
        raise AssertionError(f"no error, expected {number}")


def types(connection):
    plain = connection.cursor()
    run(plain, CREATE)
    equal(run(plain, INSERT, 1, *VALUES), 1)
    with connection.cursor(prepared=True) as prepared:
        equal(run(prepared, INSERT, 2, *PREPARED), 1)
        equal(run(prepared, INSERT, 3, *[None] * len(VALUES)), 1)
        for number, values in ((2, PREPARED), (3, (None,) * len(VALUES))):
            same(run(prepared, f"SELECT {READABLE} FROM every_type WHERE id = %s", number)[0], values)
    negative = next(at for at, (_, kind, _) in enumerate(TYPES) if kind.startswith("TIME("))
    second = tuple(PREPARED[negative] if at == negative else value for at, value in enumerate(VALUES))
    for number, values in ((1, VALUES), (2, second), (3, (None,) * len(VALUES))):
        same(run(plain, "SELECT * FROM every_type WHERE id = %s", number)[0][1:], values)


def batches(connection):
    cursor = connection.cursor()
    run(cursor, "CREATE TABLE batch (id INT AUTO_INCREMENT PRIMARY KEY, n INT, v VARCHAR(20))")
    checks.statement = "INSERT INTO batch (n, v) VALUES (%s, %s), many"
    cursor.executemany("INSERT INTO batch (n, v) VALUES (%s, %s)", [(n, f"v{n}") for n in range(BATCH)])
    equal(cursor.rowcount, BATCH)
    connection.commit()
    equal(run(cursor, "INSERT INTO batch (n) VALUES (1)"), 1)
    equal(run(cursor, "SELECT MAX(id) FROM batch"), [(cursor.lastrowid,)])
    with connection.cursor(prepared=True) as prepared:
        checks.statement = "INSERT INTO batch (n, v) VALUES (?, ?), many, prepared"
        prepared.executemany("INSERT INTO batch (n, v) VALUES (?, ?)", [(-1, "p"), (-2, None)])
        equal(run(prepared, "SELECT n, v FROM batch WHERE n < ? ORDER BY n", 0), [(-2, None), (-1, "p")])
    checks.statement = "SELECT 1; SELECT 2"
    several = connection.cursor()
    several.execute("SELECT 1; SELECT 2")
    found = [several.fetchall()]
    while several.nextset():
        found.append(several.fetchall())
    equal(found, [[(1,)], [(2,)]])
    connection.commit()


def transactions(connection):
    cursor = connection.cursor()
    run(cursor, "CREATE TABLE acid (id INT PRIMARY KEY, n INT)")
    connection.autocommit = False
    run(cursor, "INSERT INTO acid VALUES (1, 0), (2, 0)")
    connection.commit()
    run(cursor, "UPDATE acid SET n = 9")
    connection.rollback()
    run(cursor, "UPDATE acid SET n = 1 WHERE id = 1")
    run(cursor, "SAVEPOINT here")
    run(cursor, "UPDATE acid SET n = 2 WHERE id = 2")
    run(cursor, "ROLLBACK TO SAVEPOINT here")
    connection.commit()
    connection.start_transaction(isolation_level="READ COMMITTED", readonly=True)
    equal(run(cursor, "SELECT id, n FROM acid ORDER BY id"), [(1, 1), (2, 0)])
    expect(1792, cursor, "UPDATE acid SET n = 3")
    connection.rollback()


def duplicate(connection):
    cursor = connection.cursor()
    expect(1062, cursor, "INSERT INTO acid VALUES (1, 5)")
    expect(1146, cursor, "SELECT * FROM nowhere")
    expect(1064, cursor, "SELEC 1")
    equal(run(cursor, "INSERT INTO acid VALUES (1, 5) ON DUPLICATE KEY UPDATE n = n + 1"), 2)
    connection.commit()


def deadlock(connection):
    other = connect()
    one, two = connection.cursor(), other.cursor()
    run(one, "UPDATE acid SET n = n + 1 WHERE id = 1")
    run(two, "UPDATE acid SET n = n + 1 WHERE id = 2")
    found = []

    def wait():
        try:
            two.execute("UPDATE acid SET n = n + 1 WHERE id = 1")
        except mysql.connector.Error as error:
            found.append(code(error))
        other.rollback()

    waiting = threading.Thread(target=wait)
    waiting.start()
    try:
        run(one, "UPDATE acid SET n = n + 1 WHERE id = 2")
    except mysql.connector.Error as error:
        found.append(code(error))
    connection.rollback()
    waiting.join()
    equal(found, [1213])
    other.close()


def session(connection):
    connection.ping()
    cursor = connection.cursor()
    run(cursor, "SET @a = 5")
    connection.reset_session()
    equal(run(connection.cursor(), "SELECT @a, DATABASE()"), [(None, DATABASE)])
    checks.statement = "COM_CHANGE_USER"
    connection.cmd_change_user(USER, PASSWORD, DATABASE)
    equal(run(connection.cursor(), "SELECT DATABASE()"), [(DATABASE,)])
    for name, options in (("dict", {"dictionary": True}), ("buffered", {"buffered": True}), ("raw", {"raw": True})):
        with connection.cursor(**options) as cursor:
            checks.statement = f"SELECT 1 AS a, {name}"
            cursor.execute("SELECT 1 AS a")
            equal(cursor.fetchall(), {"dict": [{"a": 1}], "buffered": [(1,)], "raw": [(bytearray(b"1"),)]}[name])


for check in (types, batches, transactions, duplicate, deadlock, session):
    shared = connect()
    try:
        check(shared)
    except Exception as error:
        checks.say(check.__name__, error)
    else:
        checks.say(check.__name__, None)
    shared.close()
checks.end()
