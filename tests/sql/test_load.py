"""LOAD DATA LOCAL INFILE, with PyMySQL and the `mariadb` client."""

import os
import shutil
import subprocess
import threading

import pymysql
import pytest

from tests.harness.server import PASSWORD
from tests.sql.conftest import connect, runner

CSV = """FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"'"""


class Loader:
    """A connection that may send files, in a database of its own."""

    def __init__(self, server, database, folder):
        self.server, self.name = server, database
        self.connection = connect(server, local_infile=True, database=database)
        self.run = runner(self.connection)
        self.folder = folder

    def file(self, data):
        path = self.folder / f"f{len(list(self.folder.iterdir()))}"
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def __call__(self, data, clause):
        """Loads; gives (affected, info)."""
        with self.connection.cursor() as cursor:
            affected = cursor.execute(f"LOAD DATA LOCAL INFILE '{self.file(data)}' {clause}")
            # PyMySQL leaves the length in front of the text.
            return affected, self.connection._result.message.decode()[1:]

    def warnings(self):
        return [row[1] for row in self.run("SHOW WARNINGS")]


@pytest.fixture
def load(server, database, tmp_path):
    loader = Loader(server, runner(database).database, tmp_path)
    yield loader
    loader.connection.close()


@pytest.fixture
def people(load):
    load.run("""CREATE TABLE people (id INT PRIMARY KEY, name VARCHAR(10) NOT NULL, n DECIMAL(6,2), d DATE,
                UNIQUE KEY by_name (name))""")
    return load


def info(records, deleted=0, skipped=0, warnings=0):
    return f"Records: {records}  Deleted: {deleted}  Skipped: {skipped}  Warnings: {warnings}"


def rows(load, what="*", table="people"):
    return load.run(f"SELECT {what} FROM {table} ORDER BY 1")


def test_the_default_format(people):
    assert people("1\tone\t1.5\t2020-01-02\n2\ttwo\t\\N\t\\N\n", "INTO TABLE people") == (2, info(2))
    assert rows(people, "id, name, CAST(n AS CHAR), CAST(d AS CHAR)") == [
        (1, "one", "1.50", "2020-01-02"), (2, "two", None, None)]


def test_separators_quotes_and_lines(people):
    data = 'id,name\r\n"1","a,""b","3","2020-01-01"\r\n2,"x\ny",4,2020-01-01\r\n3,a\\tb,5,2020-01-01'
    clause = f"INTO TABLE people {CSV} LINES TERMINATED BY '\\r\\n' IGNORE 1 LINES"
    assert people(data, clause) == (3, info(3))
    assert rows(people, "id, name") == [(1, 'a,"b'), (2, "x\ny"), (3, "a\tb")]


def test_keys_that_are_there(people):
    data = "1,one,2,2020-01-02\n1,uno,3,2020-01-03\n2,one,4,2020-01-04\n3,three,5,2020-01-05\n"
    assert people(data, f"INTO TABLE people {CSV}") == (2, info(4, skipped=2, warnings=2))
    assert people.warnings() == [1062, 1062]
    assert rows(people, "id, name") == [(1, "one"), (3, "three")]
    # Row 2 takes the place of the old row 1; row 3 that of row 2; "three" was there.
    assert people("1,x,1,2020-01-01\n4,three,1,2020-01-01\n", f"REPLACE INTO TABLE people {CSV}") == (4, info(2, deleted=2))
    assert rows(people, "id, name") == [(1, "x"), (4, "three")]
    assert people("4,y,1,2020-01-01\n", f"IGNORE INTO TABLE people {CSV}") == (0, info(1, skipped=1, warnings=1))


def test_too_few_and_too_many_fields(people):
    assert people("1,one\n2,two,3,2020-01-01,more\n", f"INTO TABLE people {CSV}") == (2, info(2, warnings=3))
    assert people.warnings() == [1261, 1261, 1262]
    assert rows(people, "id, n") == [(1, None), (2, 3)]
    people.run("CREATE TABLE f (id INT, a VARCHAR(9) DEFAULT 'x', b INT NOT NULL DEFAULT 7, c INT)")
    assert people("1\n", f"INTO TABLE f {CSV}") == (1, info(1, warnings=3))
    assert rows(people, table="f") == [(1, "", 0, None)], "not the defaults, as in MySQL"
    assert people("1\n", f"INTO TABLE f {CSV} (id)") == (1, info(1))
    assert people.run("SELECT * FROM f WHERE b = 7") == [(1, "x", 7, None)]


def test_what_does_not_fit_is_a_warning_and_with_replace_an_error(people):
    data = "1,\\N,3,2020-01-01\nabc,waytoolongname,99999,2020-01-01\n"
    assert people(data, f"INTO TABLE people {CSV}") == (2, info(2, warnings=4))
    assert people.warnings() == [1263, 1366, 1265, 1264]
    assert [(i, n, float(x)) for i, n, x in rows(people, "id, name, n")] == [(0, "waytoolong", 9999.99), (1, "", 3.0)]
    for data, number in [("5,\\N,3,2020-01-01\n", 1263), ("abc,b,3,2020-01-01\n", 1366), ("5,b\n", 1261),
                         ("5,b,3,2020-01-01,more\n", 1262)]:
        with pytest.raises(pymysql.MySQLError) as error:
            people(data, f"REPLACE INTO TABLE people {CSV}")
        assert error.value.args[0] == number, data
    assert len(rows(people)) == 2


def test_columns_variables_and_set(people):
    clause = f"INTO TABLE people {CSV} (id, @v, n, @nothing) SET name = CONCAT(UPPER(@v), id), d = '2001-02-03', n = n * 2"
    assert people("1,a,3,junk\n2,b,4\n", clause) == (2, info(2))
    assert rows(people, "id, name, n, CAST(d AS CHAR)") == [(1, "A1", 6, "2001-02-03"), (2, "B2", 8, "2001-02-03")]
    assert people.run("SELECT @v, @nothing") == [("b", None)]
    for clause, number in [("(id, nope)", 1054), ("(id) SET nope = 1", 1054),
                           ("(id) SET n = (SELECT 1)", 1235)]:
        with pytest.raises(pymysql.MySQLError) as error:
            people("1\n", f"INTO TABLE people {CSV} {clause}")
        assert error.value.args[0] == number, clause


def test_numbers_defaults_and_hidden_keys(load):
    load.run("""CREATE TABLE a (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(10) DEFAULT 'dflt',
                n INT NOT NULL DEFAULT 7, twice INT AS (n * 2) STORED)""")
    load.run("CREATE TABLE b (x INT, y INT)")
    assert load("a\nb\n", f"INTO TABLE a {CSV} (name)") == (2, info(2))
    assert load.run("SELECT LAST_INSERT_ID()") == [(1,)]
    assert load("\\N,c\n0,d\n9,e\n", f"INTO TABLE a {CSV} (id, name)") == (3, info(3))
    assert load("f\n", f"INTO TABLE a {CSV} (name) SET n = DEFAULT") == (1, info(1))
    assert rows(load, table="a") == [(1, "a", 7, 14), (2, "b", 7, 14), (3, "c", 7, 14), (4, "d", 7, 14),
                                     (9, "e", 7, 14), (10, "f", 7, 14)]
    # A generated column is computed, whatever the file says of it.
    assert load("11,g,5,999\n", f"INTO TABLE a {CSV}") == (1, info(1))
    assert load.run("SELECT twice FROM a WHERE id = 11") == [(10,)]
    assert load("1,2\n1,2\n", f"INTO TABLE b {CSV}") == (2, info(2))
    assert load.run("SELECT COUNT(*) FROM b") == [(2,)]


def test_character_sets(load):
    load.run("CREATE TABLE c (id INT PRIMARY KEY, v VARCHAR(20), b VARBINARY(20))")
    assert load("1,äö,x\n".encode(), f"INTO TABLE c CHARACTER SET utf8mb4 {CSV}") == (1, info(1))
    assert load("2,äö€,x\n".encode("cp1252"), f"INTO TABLE c CHARACTER SET latin1 {CSV}") == (1, info(1))
    assert load(b"3,ok,\xff\xfe\n", f"INTO TABLE c CHARACTER SET binary {CSV}") == (1, info(1))
    assert load(b"4,a\xff,x\n", f"INTO TABLE c {CSV}") == (1, info(1, warnings=1))
    assert load.warnings() == [1366]
    assert rows(load, table="c") == [(1, "äö", b"x"), (2, "äö€", b"x"), (3, "ok", b"\xff\xfe"), (4, "a", b"x")]
    with pytest.raises(pymysql.MySQLError) as error:
        load("1\n", f"INTO TABLE c CHARACTER SET klingon {CSV}")
    assert error.value.args[0] == 1115


def test_what_is_refused(server, load, people):
    with pytest.raises(pymysql.MySQLError) as error:
        people.run("LOAD DATA INFILE '/etc/hostname' INTO TABLE people")
    assert error.value.args[0] == 1290 and "LOCAL" in error.value.args[1]
    for clause, number in [("FIELDS TERMINATED BY ''", 1235), ("FIELDS ENCLOSED BY 'ab'", 1083)]:
        with pytest.raises(pymysql.MySQLError) as error:
            people("1\n", f"INTO TABLE people {clause}")
        assert error.value.args[0] == number
    people.run("SET GLOBAL local_infile = OFF")
    try:
        with pytest.raises(pymysql.MySQLError) as error:
            people("1\n", "INTO TABLE people")
        assert error.value.args[0] == 3948
    finally:
        people.run("SET GLOBAL local_infile = ON")
    other = connect(server)
    try:
        with pytest.raises(pymysql.MySQLError) as error:
            runner(other)("LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE mysql.user")
        assert error.value.args[0] == 3948, "this client did not say that it can"
    finally:
        other.close()
    assert rows(people) == []


def big(count, start=1):
    return "".join(f"{n},n{n},1,2020-01-01\n" for n in range(start, start + count))


def test_a_file_of_many_batches_and_an_error_in_its_middle(people):
    assert people(big(9_000), f"INTO TABLE people {CSV}") == (9_000, info(9_000))
    assert people.run("SELECT COUNT(*), SUM(id) FROM people") == [(9_000, 9_000 * 9_001 // 2)]
    people.run("DELETE FROM people WHERE id > 4500")
    people.run("DELETE FROM people")
    bad = big(5_000) + "oops,x,1,2020-01-01\n" + big(100_000, 10_000)
    for _ in range(2):
        with pytest.raises(pymysql.MySQLError) as error:
            people(bad, f"REPLACE INTO TABLE people {CSV}")
        assert error.value.args[0] == 1366, "at row 5001"
        # The rest of the file was read and forgotten, and nothing is left of it.
        assert people.run("SELECT COUNT(*) FROM people") == [(0,)]
    assert people("1,a,1,2020-01-01\n", f"INTO TABLE people {CSV}") == (1, info(1))


def test_in_a_transaction_the_statement_alone_is_undone(people):
    people.run("BEGIN")
    people.run("INSERT INTO people VALUES (1, 'kept', 1, NULL)")
    with pytest.raises(pymysql.MySQLError):
        people("2,b,1,2020-01-01\noops,x,1,2020-01-01\n", f"REPLACE INTO TABLE people {CSV}")
    assert rows(people, "id, name") == [(1, "kept")]
    assert people("3,c,1,2020-01-01\n", f"INTO TABLE people {CSV}") == (1, info(1))
    people.run("ROLLBACK")
    assert rows(people) == []


def test_a_file_that_is_not_there_loads_nothing_and_the_connection_goes_on(people):
    with pytest.raises(pymysql.MySQLError):
        people.run("LOAD DATA LOCAL INFILE '/no/such/file' INTO TABLE people")
    # PyMySQL ends the transfer and leaves the answer unread.
    people.connection.close()
    people.connection = connect(people.server, local_infile=True, database=people.name)
    people.run = runner(people.connection)
    assert rows(people) == []


def test_a_client_that_goes_in_the_middle_leaves_nothing(server, people):
    path = people.folder / "pipe"
    os.mkfifo(path)
    other = connect(server, local_infile=True, database=people.name)
    number = runner(other)("SELECT CONNECTION_ID()")[0][0]

    def feed():
        with open(path, "w") as pipe:
            pipe.write(big(20_000))
            pipe.flush()
            # The socket ends while the file does not.
            other._sock.shutdown(2)

    feeding = threading.Thread(target=feed)
    feeding.start()
    # PyMySQL itself stumbles over the socket that has gone.
    with pytest.raises((pymysql.MySQLError, AttributeError, OSError)):
        runner(other)(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE people {CSV}")
    feeding.join()
    deadline = 100
    while any(row[0] == number for row in people.run("SHOW PROCESSLIST")) and deadline:
        deadline -= 1
        people.run("SELECT SLEEP(0.1)")
    assert deadline, "the session has ended"
    assert rows(people) == []
    # Its locks are gone, too.
    assert people("1,a,1,2020-01-01\n", f"INTO TABLE people {CSV}") == (1, info(1))


def test_a_load_that_is_killed_is_undone_and_its_connection_goes_on(people):
    path = people.folder / "pipe"
    os.mkfifo(path)
    other = connect(people.server, local_infile=True, database=people.name)
    run = runner(other)
    number = run("SELECT CONNECTION_ID()")[0][0]

    def feed():
        with open(path, "w") as pipe:
            pipe.write(big(5_000))
            pipe.flush()
            people.run(f"KILL QUERY {number}")
            # What is sent from now on is read and forgotten.
            pipe.write(big(20_000, 5_001))

    feeding = threading.Thread(target=feed)
    feeding.start()
    with pytest.raises(pymysql.MySQLError) as error:
        run(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE people {CSV}")
    feeding.join()
    assert error.value.args[0] == 1317
    assert run("SELECT COUNT(*) FROM people") == [(0,)]
    other.close()


def test_others_wait_for_a_large_load_and_not_for_a_small_one(server, people):
    other = connect(server, database=people.name)
    run = runner(other)
    run("SET innodb_lock_wait_timeout = 1")
    try:
        people.run("BEGIN")
        people("1,a,1,2020-01-01\n", f"INTO TABLE people {CSV}")
        assert run("INSERT INTO people VALUES (2, 'b', 1, NULL)") == 1
        people.run("COMMIT")
        people.run("BEGIN")
        people(big(5_000, 10), f"INTO TABLE people {CSV}")
        with pytest.raises(pymysql.MySQLError) as error:
            run("INSERT INTO people VALUES (3, 'c', 1, NULL)")
        assert error.value.args[0] == 1205
        people.run("ROLLBACK")
        assert run("INSERT INTO people VALUES (3, 'c', 1, NULL)") == 1
    finally:
        other.close()


def test_parents_must_be_there(load):
    load.run("CREATE TABLE parent (id INT PRIMARY KEY)")
    load.run("CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id))")
    load.run("INSERT INTO parent VALUES (1), (2)")
    assert load("1,1\n2,9\n3,2\n", f"INTO TABLE child {CSV}") == (2, info(3, skipped=1, warnings=1))
    assert load.warnings() == [1452]
    many = "".join(f"{n},{1 + n % 2}\n" for n in range(10, 10_000))
    assert load(many, f"INTO TABLE child {CSV}") == (9_990, info(9_990))


def test_the_command_line_client(server, people):
    client = shutil.which("mariadb") or shutil.which("mysql")
    if client is None:
        pytest.skip("no client is installed")
    path = people.file(big(6_000))
    sql = f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE people {CSV}; SELECT COUNT(*) FROM people;"

    def cli(sql, *flags):
        command = [client, "--no-defaults", "-h127.0.0.1", f"-P{server.mysql_port}", "-uroot", f"-p{PASSWORD}",
                   "-vv", *flags, people.name, "-e", sql]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    done = cli(sql, "--local-infile=1")
    assert done.returncode == 0, done.stderr
    assert info(6_000) in done.stdout and "6000" in done.stdout.split("COUNT(*)")[-1]
    done = cli(sql, "--local-infile=0")
    assert done.returncode != 0 and "ERROR" in done.stderr
    done = cli("LOAD DATA LOCAL INFILE '/no/such/file' INTO TABLE people", "--local-infile=1")
    assert done.returncode != 0 and "/no/such/file" in done.stderr
    assert people.run("SELECT COUNT(*) FROM people") == [(6_000,)]
