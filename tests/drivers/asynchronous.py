"""asyncmy and aiomysql, whose interfaces are the same: text protocol, parameters put in by the driver."""

import asyncio
import importlib
import sys

from tests.drivers.checks import BATCH, CREATE, INSERT, VALUES, Checks, code, equal, same

HOST, PORT, USER, PASSWORD, DATABASE, NAME = sys.argv[1:]
driver = importlib.import_module(NAME)
errors = importlib.import_module(f"{NAME}.errors" if NAME == "asyncmy" else "pymysql.err")
checks = Checks()


def connect():
    names = dict(password=PASSWORD, database=DATABASE) if NAME == "asyncmy" else dict(password=PASSWORD, db=DATABASE)
    return driver.connect(host=HOST, port=int(PORT), user=USER, charset="utf8mb4", **names)


async def run(connection, sql, *params):
    checks.statement = sql
    async with connection.cursor() as cursor:
        changed = await cursor.execute(sql, params or None)
        return list(await cursor.fetchall()) if cursor.description else changed


async def expect(number, connection, sql):
    try:
        await run(connection, sql)
    except errors.MySQLError as error:
        equal(code(error), number)
    else:
        raise AssertionError(f"no error, expected {number}")


async def types(connection):
    await run(connection, CREATE)
    await run(connection, INSERT, 1, *VALUES)
    await run(connection, INSERT, 2, *[None] * len(VALUES))
    rows = await run(connection, "SELECT * FROM every_type ORDER BY id")
    same(rows[0][1:])
    same(rows[1][1:], (None,) * len(VALUES))


async def batches(connection):
    await run(connection, "CREATE TABLE batch (id INT AUTO_INCREMENT PRIMARY KEY, n INT, v VARCHAR(20))")
    async with connection.cursor() as cursor:
        checks.statement = "INSERT INTO batch, many"
        equal(await cursor.executemany("INSERT INTO batch (n, v) VALUES (%s, %s)", [(n, f"v{n}") for n in range(BATCH)]), BATCH)
    await connection.commit()
    equal(await run(connection, "SELECT COUNT(*), MAX(n) FROM batch"), [(BATCH, BATCH - 1)])


async def transactions(connection):
    await run(connection, "CREATE TABLE acid (id INT PRIMARY KEY, n INT)")
    await run(connection, "INSERT INTO acid VALUES (1, 0), (2, 0)")
    await connection.commit()
    await connection.begin()
    await run(connection, "UPDATE acid SET n = 9")
    await connection.rollback()
    equal(await run(connection, "SELECT id, n FROM acid ORDER BY id"), [(1, 0), (2, 0)])
    await connection.commit()


async def duplicate(connection):
    await expect(1062, connection, "INSERT INTO acid VALUES (1, 5)")
    await expect(1146, connection, "SELECT * FROM nowhere")
    await connection.rollback()


async def deadlock(connection):
    other = await connect()
    await run(connection, "UPDATE acid SET n = n + 1 WHERE id = 1")
    await run(other, "UPDATE acid SET n = n + 1 WHERE id = 2")

    async def last(of, number):
        try:
            await run(of, f"UPDATE acid SET n = n + 1 WHERE id = {number}")
        except errors.MySQLError as error:
            return code(error)
        finally:
            await of.rollback()

    found = await asyncio.gather(last(connection, 2), last(other, 1))
    equal([one for one in found if one is not None], [1213])
    other.close()


async def pool(connection):
    del connection
    options = dict(host=HOST, port=int(PORT), user=USER, password=PASSWORD, minsize=1, maxsize=4, autocommit=True)
    several = await driver.create_pool(**options)
    async def one(number):
        async with several.acquire() as connection:
            return await run(connection, "SELECT %s + 1", number)
    equal(await asyncio.gather(*map(one, range(20))), [[(n + 1,)] for n in range(20)])
    several.close()
    await several.wait_closed()


async def main():
    for check in (types, batches, transactions, duplicate, deadlock, pool):
        shared = await connect()
        try:
            await check(shared)
        except Exception as error:
            checks.say(check.__name__, error)
        else:
            checks.say(check.__name__, None)
        shared.close()


asyncio.run(main())
checks.end()
