//! Definitions as the catalog's rows hold them: JSON, versioned.
//!
//! ```text
//! system table   key                       row
//! databases (1)  database id               DatabaseRow
//! tables    (2)  table id                  TableRow (tables and views)
//! names     (3)  database id, name         {"id": ..}, so that a name is taken once
//! accounts  (4)  user, host                AccountRow
//! counters  (5)  name                      CounterRow
//! manifests (6)  table id                  what excludes two edits of its manifest (`store`)
//! ```
//!
//! - C1: a statement that uses a table checks its row of `tables` when it commits,
//!   so that no row is written by a definition that has changed.
//! - C2: ids come from a counter and are never reused.
//! - C3: a column's *slot* is its place in stored rows; it is never reused, so that
//!   rows written before ADD or DROP COLUMN keep their meaning.
//!
//! Not here: what is computed from a definition (`table`), who reads the rows (`load`).

use holdfast_base::TableId;
use holdfast_value::{Collation, SqlType};
use serde::{Deserialize, Serialize};

/// System tables; user tables start at [`FIRST_TABLE`].
pub const DATABASES: TableId = TableId(1);
/// See the header.
pub const TABLES: TableId = TableId(2);
/// See the header.
pub const NAMES: TableId = TableId(3);
/// See the header.
pub const ACCOUNTS: TableId = TableId(4);
/// See the header.
pub const COUNTERS: TableId = TableId(5);
/// See the header.
pub const MANIFESTS: TableId = TableId(6);
/// The first id of a user's table.
pub const FIRST_TABLE: u64 = 1024;

/// The version of the rows that are written.
pub const ROW_VERSION: u32 = 1;

/// A database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseRow {
    /// [`ROW_VERSION`] when it was written.
    pub v: u32,
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// For tables that name none.
    pub collation: Collation,
}

/// A table or view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRow {
    /// [`ROW_VERSION`] when it was written.
    pub v: u32,
    /// Its id.
    pub id: TableId,
    /// The database's id.
    pub database: u64,
    /// Its name.
    pub name: String,
    /// Grows with every change of the definition.
    pub version: u32,
    /// Creation, seconds since 1970.
    pub created: i64,
    /// The comment.
    pub comment: String,
    /// Table or view.
    pub kind: TableKind,
}

/// What a name in a database is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TableKind {
    /// A table.
    Table(TableBody),
    /// A view: a SELECT by name.
    View(ViewBody),
}

/// A view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewBody {
    /// The SELECT, as it was written.
    pub select: String,
    /// Names of its columns where they were given.
    pub columns: Vec<String>,
    /// The database that names in it mean.
    pub database: String,
    /// `user@host` of its maker.
    pub definer: String,
    /// `sql_mode` flags that change how the text reads.
    pub ansi_quotes: bool,
    /// Its maker's `collation_connection`: what its texts compare by.
    #[serde(default)]
    pub collation: Collation,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableBody {
    /// Columns in order.
    pub columns: Vec<ColumnRow>,
    /// Every slot that stored rows may have, dropped columns' included (C3).
    pub slots: Vec<SqlType>,
    /// The primary key's columns; empty: a hidden row number.
    pub primary: Vec<KeyPart>,
    /// Secondary and unique indexes.
    pub indexes: Vec<IndexRow>,
    /// Foreign keys that this table has.
    pub foreign: Vec<ForeignRow>,
    /// CHECK constraints.
    pub checks: Vec<CheckRow>,
    /// For columns that name none.
    pub collation: Collation,
    /// As given; changes nothing.
    pub row_format: Option<String>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnRow {
    /// Its name.
    pub name: String,
    /// Its slot (C3).
    pub slot: u16,
    /// Its type.
    pub of: SqlType,
    /// May be NULL.
    pub nullable: bool,
    /// DEFAULT, as SQL; `None`: none was given.
    pub default: Option<DefaultRow>,
    /// `ON UPDATE CURRENT_TIMESTAMP`.
    pub on_update: bool,
    /// AUTO_INCREMENT.
    pub auto: bool,
    /// The comment.
    pub comment: String,
    /// What rows that lack the slot have, as a SQL literal (ADD COLUMN).
    pub fill: Option<String>,
    /// A generated column's expression, and whether it is stored.
    pub generated: Option<(String, bool)>,
}

/// A DEFAULT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DefaultRow {
    /// A literal; its SQL.
    Literal(String),
    /// `CURRENT_TIMESTAMP(fsp)`.
    Now(u8),
    /// `(expression)`; its SQL.
    Expression(String),
}

/// One column of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPart {
    /// Position of the column in `columns`.
    pub column: u16,
    /// Only so many characters (bytes, for binary types) of it.
    pub prefix: Option<u32>,
    /// Descending.
    pub desc: bool,
}

/// A secondary index: a hidden table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexRow {
    /// The hidden table.
    pub id: TableId,
    /// Its name.
    pub name: String,
    /// UNIQUE.
    pub unique: bool,
    /// Its columns.
    pub parts: Vec<KeyPart>,
    /// The comment.
    pub comment: String,
}

/// What happens to children.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// RESTRICT, NO ACTION: refused.
    Restrict,
    /// CASCADE.
    Cascade,
    /// SET NULL.
    SetNull,
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignRow {
    /// The constraint's name.
    pub name: String,
    /// Positions of the child's columns.
    pub columns: Vec<u16>,
    /// The parent's database, by name.
    pub parent_database: String,
    /// The parent, by name: it may be made later while `foreign_key_checks` is 0.
    pub parent: String,
    /// The parent's columns, by name.
    pub parent_columns: Vec<String>,
    /// ON DELETE.
    pub on_delete: Action,
    /// ON UPDATE.
    pub on_update: Action,
    /// How they were written, for SHOW (NO ACTION is not RESTRICT there).
    pub written: (Option<String>, Option<String>),
}

/// A CHECK.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRow {
    /// The constraint's name.
    pub name: String,
    /// Its expression, as SQL.
    pub expression: String,
    /// ENFORCED.
    pub enforced: bool,
}

/// A counter: the next id, or the next AUTO_INCREMENT value that was not leased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterRow {
    /// [`ROW_VERSION`] when it was written.
    pub v: u32,
    /// The next number that nobody has been given.
    pub next: u64,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    /// [`ROW_VERSION`] when it was written.
    pub v: u32,
    /// The user.
    pub user: String,
    /// The host pattern, `%` for any.
    pub host: String,
    /// `caching_sha2_password` or `mysql_native_password`.
    pub plugin: String,
    /// The verifier, as MySQL writes it. Never a password.
    pub auth: String,
    /// ACCOUNT LOCK.
    pub locked: bool,
    /// REQUIRE SSL.
    pub require_tls: bool,
    /// Privileges on everything.
    pub global: Privileges,
    /// Privileges on databases, by name or pattern.
    pub databases: Vec<(String, Privileges)>,
    /// Privileges on tables, by database and name.
    pub tables: Vec<(String, String, Privileges)>,
}

/// A set of privileges; a bit each ([`crate::session::grants`] names them).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Privileges(pub u64);
