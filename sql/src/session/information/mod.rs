//! Computed tables: `information_schema`, and what of `mysql` and `performance_schema`
//! clients read.
//!
//! - I2: columns' names, order and types are MySQL 8.0's. Enumerations are texts here,
//!   and moments are DATETIMEs of the session's time zone.
//! - I3: a row says nothing that the account may not see (`seen`, I1).
//!
//! Not here: how they are read (`schema`), SHOW.

mod accounts;
mod columns;
mod keys;
mod performance;
mod routines;
mod server;
mod tables;

use holdfast_value::{Collation, LobSize, SqlType, Value};

use super::schema::VirtualTable;
use crate::catalog::{Entry, Table};

/// All of them.
pub static TABLES: &[&VirtualTable] = &[
    &server::CHARACTER_SETS,
    &keys::CHECK_CONSTRAINTS,
    &server::COLLATIONS,
    &server::COLLATION_CHARACTER_SET_APPLICABILITY,
    &columns::COLUMNS,
    &accounts::COLUMN_PRIVILEGES,
    &columns::COLUMN_STATISTICS,
    &server::ENGINES,
    &routines::EVENTS,
    &tables::FILES,
    &server::INNODB_TRX,
    &keys::KEY_COLUMN_USAGE,
    &server::KEYWORDS,
    &routines::PARAMETERS,
    &tables::PARTITIONS,
    &server::PLUGINS,
    &server::PROCESSLIST,
    &keys::REFERENTIAL_CONSTRAINTS,
    &routines::ROUTINES,
    &tables::SCHEMATA,
    &accounts::SCHEMA_PRIVILEGES,
    &keys::STATISTICS,
    &tables::TABLES,
    &keys::TABLE_CONSTRAINTS,
    &accounts::TABLE_PRIVILEGES,
    &routines::TRIGGERS,
    &accounts::USER_PRIVILEGES,
    &tables::VIEWS,
    &accounts::MYSQL_DB,
    &accounts::MYSQL_TABLES_PRIV,
    &accounts::MYSQL_USER,
    &performance::GLOBAL_STATUS,
    &performance::GLOBAL_VARIABLES,
    &performance::SESSION_STATUS,
    &performance::SESSION_VARIABLES,
];

type Rows = Vec<Vec<Value>>;

/// A computed table; its rows are those that an account sees.
macro_rules! computed {
    ($database:literal, $name:literal, $rows:path, [$(($column:literal, $of:expr)),* $(,)?]) => {
        $crate::session::schema::VirtualTable {
            database: $database,
            name: $name,
            columns: &[$($crate::session::schema::VirtualColumn { name: $column, of: $of }),*],
            rows: |statement| $rows(&$crate::session::seen::Seen::of(statement)),
        }
    };
}
use computed;

/// Names of databases, tables and constraints: letters' case counts.
const NAME: SqlType = SqlType::VarChar(64, Collation::Bin);
/// Names of columns and everything else that is short: it does not.
const WORD: SqlType = SqlType::VarChar(64, Collation::GeneralCi);
const SHORT: SqlType = SqlType::VarChar(11, Collation::GeneralCi);
const MIDDLE: SqlType = SqlType::VarChar(512, Collation::GeneralCi);
const LONG: SqlType = SqlType::Text(LobSize::Long, Collation::GeneralCi);
const NUMBER: SqlType = SqlType::BIGINT;
const COUNT: SqlType = SqlType::BIGINT_UNSIGNED;
const MOMENT: SqlType = SqlType::DateTime(0);
/// A column that is always NULL.
const NOTHING: SqlType = SqlType::Binary(0);

fn text(value: impl AsRef<str>) -> Value {
    Value::text(value.as_ref())
}

fn or_null(value: Option<impl AsRef<str>>) -> Value {
    value.map_or(Value::Null, text)
}

fn count(number: impl Into<u64>) -> Value {
    Value::UInt(number.into())
}

fn yes_no(is_so: bool) -> Value {
    text(if is_so { "YES" } else { "NO" })
}

/// The name of the one catalog.
fn def() -> Value {
    text("def")
}

/// `TABLE_TYPE` of a computed table.
pub fn kind_of(table: &VirtualTable) -> &'static str {
    match table.database {
        "information_schema" => "SYSTEM VIEW",
        _ => "BASE TABLE",
    }
}

/// `TABLE_TYPE` of a stored one.
pub fn entry_kind(entry: &Entry) -> &'static str {
    match entry {
        Entry::Table(_) => "BASE TABLE",
        Entry::View(_) => "VIEW",
    }
}

/// `Dynamic`, or what was asked for.
pub fn row_format(table: &Table) -> String {
    let Some(asked) = &table.body.row_format else { return "Dynamic".to_owned() };
    let lower = asked.to_ascii_lowercase();
    match lower.as_str() {
        "default" => "Dynamic".to_owned(),
        _ => lower[..1].to_ascii_uppercase() + &lower[1..],
    }
}

/// Options that SHOW TABLE STATUS repeats.
pub fn create_options(table: &Table) -> String {
    match &table.body.row_format {
        Some(format) => format!("row_format={}", format.to_ascii_uppercase()),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests;
