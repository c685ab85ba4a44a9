// What the programs for Node share: columns of all types, their values, and how a check is told.
"use strict";
const assert = require("node:assert/strict");

// column, type, what is sent, what comes back (with dateStrings, supportBigNumbers, bigNumberStrings: false)
const TYPES = [
  ["ti", "TINYINT", -128], ["tu", "TINYINT UNSIGNED", 255], ["si", "SMALLINT", -32768], ["mi", "MEDIUMINT", -8388608],
  ["i", "INT", -2147483648], ["iu", "INT UNSIGNED", 4294967295], ["bi", "BIGINT", "-9223372036854775808"],
  ["bu", "BIGINT UNSIGNED", "18446744073709551615"], ["bo", "BOOLEAN", 1], ["f", "FLOAT", 1.5], ["d", "DOUBLE", -1.25e300],
  ["de", "DECIMAL(65,30)", "-12345678901234567890123456789012345.123456789012345678901234567890"],
  ["c", "CHAR(10)", "abc"], ["v", "VARCHAR(100)", "na\u00efve \u{1f600} '\\ \n"], ["t", "LONGTEXT", "long ".repeat(20000)],
  ["bn", "BINARY(4)", Buffer.from([0, 1, 255, 0])], ["vb", "VARBINARY(10)", Buffer.from([0, 39, 92, 255])],
  ["bl", "LONGBLOB", Buffer.from(Array.from({ length: 76800 }, (_, at) => at % 256))],
  ["da", "DATE", "2024-02-29"], ["tm", "TIME(6)", "-838:59:58.000001"], ["dt", "DATETIME(6)", "9999-12-31 23:59:59.999999"],
  ["ts", "TIMESTAMP(3) NULL", "2024-02-29 12:00:00.123"], ["y", "YEAR", 2155], ["e", "ENUM('small', 'large')", "large"],
  ["j", "JSON", '{"a":[1,null,"b"]}', { a: [1, null, "b"] }],
];
const CREATE = `CREATE TABLE every_type (id INT PRIMARY KEY, ${TYPES.map(([name, kind]) => `${name} ${kind}`).join(", ")})`;
const SENT = TYPES.map(([, , value]) => value);
const EXPECTED = TYPES.map(([, , value, back]) => (back === undefined ? value : back));
const NULLS = TYPES.map(() => null);

const checks = { statement: "", failed: 0 };

function same(row, expected) {
  const wrong = [];
  TYPES.forEach(([name, kind], at) => {
    try {
      assert.deepEqual(row[name], expected[at]);
    } catch {
      wrong.push(`${name} ${kind}: ${String(row[name]).slice(0, 80)}, expected ${String(expected[at]).slice(0, 80)}`);
    }
  });
  if (wrong.length) throw new Error(wrong.join("; "));
}

async function refused(number, work) {
  try {
    await work();
  } catch (error) {
    if (error.errno === number) return;
    throw error;
  }
  throw new Error(`no error, expected ${number}`);
}

// Two transactions that wait for each other: exactly one of them is told.
async function deadlock(first, second) {
  const told = await Promise.all([first, second].map((work) => work().then(() => null, (error) => error.errno)));
  assert.deepEqual(told.filter((errno) => errno !== null), [1213]);
}

async function all(named) {
  for (const [name, check] of Object.entries(named)) {
    try {
      await check();
      console.log(`ok ${name}`);
    } catch (error) {
      checks.failed += 1;
      console.log(`FAIL ${name}: ${checks.statement.slice(0, 200)}: ${error.code || error.name}: ${error.message}`);
    }
  }
  process.exitCode = checks.failed ? 1 : 0;
}

module.exports = { TYPES, CREATE, SENT, EXPECTED, NULLS, checks, same, refused, deadlock, all, assert };
