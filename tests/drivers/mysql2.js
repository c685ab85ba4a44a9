// mysql2: text and prepared statements, streams, pools, transactions.
"use strict";
const mysql = require("mysql2/promise");
const { CREATE, SENT, EXPECTED, NULLS, checks, same, refused, deadlock, all, assert } = require("./checks");

const [host, port, user, password, database] = process.argv.slice(2);
const options = { host, port, user, password, database, dateStrings: true, supportBigNumbers: true, multipleStatements: true };
let connection;

async function run(of, sql, values) {
  checks.statement = sql;
  return (await of.query(sql, values))[0];
}

async function prepared(of, sql, values) {
  checks.statement = `${sql} (prepared)`;
  return (await of.execute(sql, values))[0];
}

async function types() {
  await run(connection, CREATE);
  const insert = `INSERT INTO every_type VALUES (${["?", ...SENT.map(() => "?")].join(", ")})`;
  assert.equal((await run(connection, insert, [1, ...SENT])).affectedRows, 1);
  assert.equal((await prepared(connection, insert, [2, ...SENT])).affectedRows, 1);
  await prepared(connection, insert, [3, ...NULLS]);
  for (const [id, expected] of [[1, EXPECTED], [2, EXPECTED], [3, NULLS]]) {
    same((await prepared(connection, "SELECT * FROM every_type WHERE id = ?", [id]))[0], expected);
    same((await run(connection, "SELECT * FROM every_type WHERE id = ?", [id]))[0], expected);
  }
}

async function batches() {
  await run(connection, "CREATE TABLE batch (id INT AUTO_INCREMENT PRIMARY KEY, n INT, v VARCHAR(20))");
  const rows = Array.from({ length: 2000 }, (_, at) => [at, `v${at}`]);
  assert.equal((await run(connection, "INSERT INTO batch (n, v) VALUES ?", [rows])).affectedRows, 2000);
  for (let at = 0; at < 200; at += 1) {
    const done = await prepared(connection, "INSERT INTO batch (n, v) VALUES (?, ?)", [-at, null]);
    assert.equal(done.affectedRows, 1);
    assert.ok(done.insertId > 2000);
  }
  const [, found] = await run(connection, "SELECT 1 AS a; SELECT COUNT(*) AS n FROM batch");
  assert.deepEqual(found.map((row) => row.n), [2200]);
  checks.statement = "SELECT n FROM batch, as a stream";
  let streamed = 0;
  for await (const row of connection.connection.query("SELECT n FROM batch").stream()) streamed += row.n >= 0 ? 1 : 0;
  assert.equal(streamed, 2001);
}

// Numbers go as DOUBLE, which MySQL refuses in a LIMIT; so the driver's users send texts.
async function limits() {
  const limited = await prepared(connection, "SELECT n FROM batch WHERE n >= ? ORDER BY n LIMIT ?", [5, "3"]);
  assert.deepEqual(limited.map((row) => row.n), [5, 6, 7]);
}

async function transactions() {
  await run(connection, "CREATE TABLE acid (id INT PRIMARY KEY, n INT)");
  await connection.beginTransaction();
  await prepared(connection, "INSERT INTO acid VALUES (?, ?), (?, ?)", [1, 0, 2, 0]);
  await connection.commit();
  await connection.beginTransaction();
  await run(connection, "UPDATE acid SET n = 9");
  await connection.rollback();
  assert.deepEqual((await run(connection, "SELECT n FROM acid")).map((row) => row.n), [0, 0]);
}

async function errors() {
  await refused(1062, () => prepared(connection, "INSERT INTO acid VALUES (?, ?)", [1, 5]));
  await refused(1146, () => run(connection, "SELECT * FROM nowhere"));
  await refused(1064, () => prepared(connection, "SELEC 1"));
}

async function deadlocks() {
  const other = await mysql.createConnection(options);
  await connection.beginTransaction();
  await other.beginTransaction();
  await run(connection, "UPDATE acid SET n = n + 1 WHERE id = 1");
  await run(other, "UPDATE acid SET n = n + 1 WHERE id = 2");
  const last = (of, id) => () => run(of, "UPDATE acid SET n = n + 1 WHERE id = ?", [id]).finally(() => of.rollback());
  await deadlock(last(connection, 2), last(other, 1));
  await other.end();
}

async function session() {
  await connection.ping();
  checks.statement = "COM_CHANGE_USER";
  await connection.changeUser({ user, password, database });
  assert.deepEqual(await run(connection, "SELECT DATABASE() AS d"), [{ d: database }]);
  const pool = mysql.createPool({ ...options, connectionLimit: 4 });
  const found = await Promise.all(Array.from({ length: 20 }, (_, at) => prepared(pool, "SELECT ? + 1 AS n", [at])));
  assert.deepEqual(found.map(([row]) => Number(row.n)), Array.from({ length: 20 }, (_, at) => at + 1));
  await pool.end();
}

(async () => {
  connection = await mysql.createConnection(options);
  await all({ types, batches, limits, transactions, errors, deadlocks, session });
  await connection.end();
})();
