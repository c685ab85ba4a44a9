// knex: its schema builder, its migrations, and its query builder, over mysql2.
"use strict";
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { checks, refused, deadlock, all, assert } = require("./checks");

const [host, port, user, password, database] = process.argv.slice(2);
const knex = require("knex")({
  client: "mysql2", connection: { host, port, user, password, database }, pool: { min: 0, max: 4 },
});
knex.on("query", ({ sql }) => { checks.statement = sql; });

async function schema() {
  await knex.schema.createTable("people", (table) => {
    table.increments("id");
    table.string("name", 50).notNullable().unique();
    table.integer("age").unsigned().defaultTo(0);
    table.decimal("money", 12, 2);
    table.json("more");
    table.enum("size", ["small", "large"]);
    table.boolean("is_here").notNullable().defaultTo(true);
    table.binary("bytes");
    table.uuid("token");
    table.timestamps(true, true);
    table.index(["age", "name"], "by_age");
  });
  await knex.schema.createTable("pets", (table) => {
    table.bigIncrements("id");
    table.integer("owner").unsigned().references("id").inTable("people").onDelete("CASCADE");
    table.text("name").comment("what it is called");
  });
  await knex.schema.alterTable("people", (table) => {
    table.string("city").after("name");
    table.dropIndex(["age", "name"], "by_age");
    table.string("name", 80).notNullable().alter();
    table.renameColumn("age", "years");
  });
  assert.equal(await knex.schema.hasTable("people"), true);
  assert.equal(await knex.schema.hasColumn("people", "city"), true);
  const columns = await knex("people").columnInfo();
  assert.equal(columns.name.maxLength, 80);
  assert.equal(columns.years.defaultValue, "0");
  await knex.schema.renameTable("pets", "animals");
}

async function rows() {
  const [id] = await knex("people").insert({ name: "a", years: 5, money: "1.50", more: JSON.stringify({ x: [1] }), size: "large" });
  assert.equal(id, 1);
  await knex.batchInsert("people", Array.from({ length: 500 }, (_, at) => ({ name: `n${at}`, years: at % 50 })), 100);
  const [found] = await knex("people").where({ name: "a" });
  assert.deepEqual([found.money, found.size, found.is_here, found.more], ["1.50", "large", 1, { x: [1] }]);
  const groups = await knex("people").select("years").count("* as n").groupBy("years").having("n", ">", 10).orderBy("years");
  assert.equal(groups.length, 1);
  assert.equal((await knex("people").whereIn("years", [1, 2]).update({ city: "x" })), 20);
  await knex("people").insert({ name: "a", years: 7 }).onConflict("name").merge();
  assert.equal((await knex("people").where("name", "a").first()).years, 7);
  await knex("people").insert({ name: "a", years: 8 }).onConflict("name").ignore();
  await knex("animals").insert({ owner: 1, name: "cat" });
  const joined = await knex("people as p").join("animals as a", "a.owner", "p.id").select("p.name", knex.raw("?? as pet", ["a.name"]));
  assert.deepEqual(joined.map((row) => ({ ...row })), [{ name: "a", pet: "cat" }]);
  await knex("people").where("id", 1).del();
  assert.equal((await knex("animals").count("* as n").first()).n, 0);
}

async function transactions() {
  await assert.rejects(knex.transaction(async (trx) => {
    await trx("people").where("name", "n1").update({ years: 99 });
    throw new Error("stop");
  }), /stop/);
  assert.equal((await knex("people").where("name", "n1").first()).years, 1);
  await knex.transaction(async (trx) => {
    await trx("people").where("name", "n1").forUpdate().first();
    await assert.rejects(trx.transaction(async (inner) => {
      await inner("people").where("name", "n1").update({ years: 98 });
      throw new Error("stop");
    }), /stop/);
    await trx("people").where("name", "n1").increment("years", 1);
  }, { isolationLevel: "read committed" });
  assert.equal((await knex("people").where("name", "n1").first()).years, 2);
}

async function errors() {
  await refused(1062, () => knex("people").insert({ name: "n1" }));
  await refused(1048, () => knex("people").insert({ name: null }));
  await refused(1146, () => knex("nowhere").select());
}

async function deadlocks() {
  const [one, two] = [await knex.transaction(), await knex.transaction()];
  await one("people").where("name", "n1").update({ years: 1 });
  await two("people").where("name", "n2").update({ years: 1 });
  const last = (trx, name) => () => trx("people").where("name", name).update({ years: 2 }).finally(() => trx.rollback().catch(() => {}));
  await deadlock(last(one, "n2"), last(two, "n1"));
}

async function migrations() {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-knex."));
  fs.writeFileSync(path.join(directory, "1_first.js"), `
    exports.up = (knex) => knex.schema.createTable("migrated", (table) => table.increments());
    exports.down = (knex) => knex.schema.dropTable("migrated");`);
  try {
    const [, names] = await knex.migrate.latest({ directory });
    assert.deepEqual(names, ["1_first.js"]);
    assert.equal(await knex.schema.hasTable("migrated"), true);
    await knex.migrate.rollback({ directory });
    assert.equal(await knex.schema.hasTable("migrated"), false);
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

all({ schema, rows, transactions, errors, deadlocks, migrations }).finally(() => knex.destroy());
