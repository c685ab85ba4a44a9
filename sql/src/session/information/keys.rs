//! Keys and constraints.

use holdfast_value::Value;

use super::{
    COUNT, LONG, MIDDLE, NAME, NOTHING, NUMBER, Rows, SHORT, WORD, computed, count, def, text,
    yes_no,
};
use crate::catalog::{Entry, ForeignRow, Key, Table};
use crate::error::Result;
use crate::session::create::{in_order, reaction};
use crate::session::schema::VirtualTable;
use crate::session::seen::Seen;
use crate::session::show::key_parts;

pub(super) static STATISTICS: VirtualTable = computed!(
    "information_schema",
    "STATISTICS",
    statistics,
    [
        ("TABLE_CATALOG", NAME),
        ("TABLE_SCHEMA", NAME),
        ("TABLE_NAME", NAME),
        ("NON_UNIQUE", NUMBER),
        ("INDEX_SCHEMA", NAME),
        ("INDEX_NAME", WORD),
        ("SEQ_IN_INDEX", COUNT),
        ("COLUMN_NAME", WORD),
        ("COLLATION", SHORT),
        ("CARDINALITY", NUMBER),
        ("SUB_PART", NUMBER),
        ("PACKED", NOTHING),
        ("NULLABLE", SHORT),
        ("INDEX_TYPE", SHORT),
        ("COMMENT", SHORT),
        ("INDEX_COMMENT", MIDDLE),
        ("IS_VISIBLE", SHORT),
        ("EXPRESSION", LONG),
    ]
);

fn signed(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

pub(super) fn statistics(seen: &Seen<'_>) -> Result<Rows> {
    let mut rows = Vec::new();
    for table in seen.tables() {
        for part in key_parts(seen, table) {
            rows.push(vec![
                def(),
                text(&table.database),
                text(&table.name),
                Value::bool(!part.unique),
                text(&table.database),
                text(part.index),
                count(part.place),
                text(part.column),
                text(if part.desc { "D" } else { "A" }),
                signed(part.cardinality),
                part.prefix.map_or(Value::Null, |length| Value::Int(length.into())),
                Value::Null,
                text(if part.nullable { "YES" } else { "" }),
                text("BTREE"),
                text(""),
                text(part.comment),
                text("YES"),
                Value::Null,
            ]);
        }
    }
    Ok(rows)
}

pub(super) static KEY_COLUMN_USAGE: VirtualTable = computed!(
    "information_schema",
    "KEY_COLUMN_USAGE",
    key_column_usage,
    [
        ("CONSTRAINT_CATALOG", NAME),
        ("CONSTRAINT_SCHEMA", NAME),
        ("CONSTRAINT_NAME", WORD),
        ("TABLE_CATALOG", NAME),
        ("TABLE_SCHEMA", NAME),
        ("TABLE_NAME", NAME),
        ("COLUMN_NAME", WORD),
        ("ORDINAL_POSITION", COUNT),
        ("POSITION_IN_UNIQUE_CONSTRAINT", COUNT),
        ("REFERENCED_TABLE_SCHEMA", NAME),
        ("REFERENCED_TABLE_NAME", NAME),
        ("REFERENCED_COLUMN_NAME", WORD),
    ]
);

/// The keys that are constraints: their names and columns.
fn unique_keys(table: &Table) -> Vec<(&str, &Key)> {
    let mut keys = Vec::new();
    if !table.is_keyless() {
        keys.push(("PRIMARY", &table.primary));
    }
    let unique = in_order(table).into_iter().filter(|index| index.unique);
    keys.extend(unique.map(|index| (&*index.name, &index.key)));
    keys
}

pub(super) fn key_column_usage(seen: &Seen<'_>) -> Result<Rows> {
    let mut rows = Vec::new();
    for table in seen.tables() {
        let head = |name: &str, column: usize, place: usize| {
            vec![
                def(),
                text(&table.database),
                text(name),
                def(),
                text(&table.database),
                text(&table.name),
                text(&table.columns[column].name),
                count(place as u64 + 1),
            ]
        };
        for (name, key) in unique_keys(table) {
            for (place, column) in key.columns().enumerate() {
                let mut row = head(name, column, place);
                row.resize(12, Value::Null);
                rows.push(row);
            }
        }
        for foreign in &table.body.foreign {
            let pairs = foreign.columns.iter().zip(&foreign.parent_columns).enumerate();
            for (place, (column, parent)) in pairs {
                let mut row = head(&foreign.name, usize::from(*column), place);
                row.push(count(place as u64 + 1));
                row.push(text(&foreign.parent_database));
                row.push(text(&foreign.parent));
                row.push(text(parent));
                rows.push(row);
            }
        }
    }
    Ok(rows)
}

pub(super) static TABLE_CONSTRAINTS: VirtualTable = computed!(
    "information_schema",
    "TABLE_CONSTRAINTS",
    table_constraints,
    [
        ("CONSTRAINT_CATALOG", NAME),
        ("CONSTRAINT_SCHEMA", NAME),
        ("CONSTRAINT_NAME", WORD),
        ("TABLE_SCHEMA", NAME),
        ("TABLE_NAME", NAME),
        ("CONSTRAINT_TYPE", SHORT),
        ("ENFORCED", SHORT),
    ]
);

pub(super) fn table_constraints(seen: &Seen<'_>) -> Result<Rows> {
    let mut rows = Vec::new();
    for table in seen.tables() {
        let mut push = |name: &str, kind: &str, enforced: bool| {
            rows.push(vec![
                def(),
                text(&table.database),
                text(name),
                text(&table.database),
                text(&table.name),
                text(kind),
                yes_no(enforced),
            ]);
        };
        for (name, _) in unique_keys(table) {
            push(name, if name == "PRIMARY" { "PRIMARY KEY" } else { "UNIQUE" }, true);
        }
        for foreign in &table.body.foreign {
            push(&foreign.name, "FOREIGN KEY", true);
        }
        for check in &table.body.checks {
            push(&check.name, "CHECK", check.enforced);
        }
    }
    Ok(rows)
}

pub(super) static REFERENTIAL_CONSTRAINTS: VirtualTable = computed!(
    "information_schema",
    "REFERENTIAL_CONSTRAINTS",
    referential_constraints,
    [
        ("CONSTRAINT_CATALOG", NAME),
        ("CONSTRAINT_SCHEMA", NAME),
        ("CONSTRAINT_NAME", WORD),
        ("UNIQUE_CONSTRAINT_CATALOG", NAME),
        ("UNIQUE_CONSTRAINT_SCHEMA", NAME),
        ("UNIQUE_CONSTRAINT_NAME", WORD),
        ("MATCH_OPTION", SHORT),
        ("UPDATE_RULE", SHORT),
        ("DELETE_RULE", SHORT),
        ("TABLE_NAME", NAME),
        ("REFERENCED_TABLE_NAME", NAME),
    ]
);

/// The parent's key that a foreign key refers to.
fn parent_key(seen: &Seen<'_>, foreign: &ForeignRow) -> Option<String> {
    let Some(Entry::Table(parent)) = seen.catalog.find(&foreign.parent_database, &foreign.parent)
    else {
        return None;
    };
    let keys = unique_keys(&parent);
    let found = keys.into_iter().find(|(_, key)| {
        let names = key.columns().map(|at| &*parent.columns[at].name);
        key.parts.len() >= foreign.parent_columns.len()
            && names.zip(&foreign.parent_columns).all(|(a, b)| a.eq_ignore_ascii_case(b))
    });
    found.map(|(name, _)| name.to_owned())
}

pub(super) fn referential_constraints(seen: &Seen<'_>) -> Result<Rows> {
    let mut rows = Vec::new();
    for table in seen.tables() {
        for foreign in &table.body.foreign {
            let rule = |written: &Option<String>, action| {
                text(reaction(written.as_deref(), action).unwrap_or("NO ACTION"))
            };
            rows.push(vec![
                def(),
                text(&table.database),
                text(&foreign.name),
                def(),
                text(&foreign.parent_database),
                parent_key(seen, foreign).map_or(Value::Null, text),
                text("NONE"),
                rule(&foreign.written.1, foreign.on_update),
                rule(&foreign.written.0, foreign.on_delete),
                text(&table.name),
                text(&foreign.parent),
            ]);
        }
    }
    Ok(rows)
}

pub(super) static CHECK_CONSTRAINTS: VirtualTable = computed!(
    "information_schema",
    "CHECK_CONSTRAINTS",
    check_constraints,
    [
        ("CONSTRAINT_CATALOG", NAME),
        ("CONSTRAINT_SCHEMA", NAME),
        ("CONSTRAINT_NAME", WORD),
        ("CHECK_CLAUSE", LONG),
    ]
);

pub(super) fn check_constraints(seen: &Seen<'_>) -> Result<Rows> {
    let mut rows = Vec::new();
    for table in seen.tables() {
        for check in &table.body.checks {
            let clause = crate::session::columns::expression(&check.expression);
            rows.push(vec![def(), text(&table.database), text(&check.name), text(clause)]);
        }
    }
    Ok(rows)
}
