//! Definitions of tables, indexes, views and databases.
//!
//! A type's collation is unresolved while it is text: the type inside has the
//! default one, and `ColumnDef::charset` and `collation` have the names as written.
//!
//! Not here: whether names exist and what defaults a table inherits (`sql`).

use holdfast_value::SqlType;
use sqlparser::ast::{Expr, Query};

use crate::account::AccountName;
use crate::statement::TableName;

/// CREATE TABLE.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTable {
    /// The table.
    pub name: TableName,
    /// TEMPORARY.
    pub temporary: bool,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// LIKE: nothing else is set then.
    pub like: Option<TableName>,
    /// The columns.
    pub columns: Vec<ColumnDef>,
    /// Keys of the table and of its columns, in the order in which they are written.
    pub keys: Vec<KeyDef>,
    /// Foreign keys, of columns too.
    pub foreign_keys: Vec<ForeignKeyDef>,
    /// CHECKs, of columns too.
    pub checks: Vec<CheckDef>,
    /// Options.
    pub options: TableOptions,
    /// PARTITION BY ..., as text.
    pub partition_by: Option<String>,
    /// AS SELECT.
    pub query: Option<Box<Query>>,
    /// IGNORE or REPLACE before the query.
    pub duplicates: Option<crate::statement::Duplicates>,
}

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDef {
    /// Its name.
    pub name: String,
    /// Its type.
    pub of: SqlType,
    /// CHARACTER SET, lower case.
    pub charset: Option<String>,
    /// COLLATE, lower case. BINARY after a text type is `binary` here.
    pub collation: Option<String>,
    /// NOT NULL is false, NULL is true; not said is none.
    pub nullable: Option<bool>,
    /// DEFAULT.
    pub default: Option<DefaultDef>,
    /// ON UPDATE CURRENT_TIMESTAMP(n).
    pub on_update: Option<u8>,
    /// AUTO_INCREMENT.
    pub auto_increment: bool,
    /// COMMENT.
    pub comment: Option<String>,
    /// GENERATED ALWAYS AS.
    pub generated: Option<GeneratedDef>,
    /// ZEROFILL, which has no effect here.
    pub zerofill: bool,
    /// INVISIBLE.
    pub invisible: bool,
    /// SERIAL: `BIGINT UNSIGNED NOT NULL AUTO_INCREMENT UNIQUE`, already spelled out.
    pub serial: bool,
}

/// DEFAULT.
#[derive(Clone, Debug, PartialEq)]
pub enum DefaultDef {
    /// A literal, signs and introducers included.
    Literal(Expr),
    /// `(expression)`, without its parentheses, and its text.
    Expr(Expr, String),
    /// CURRENT_TIMESTAMP(n).
    Now(u8),
}

/// GENERATED ALWAYS AS.
#[derive(Clone, Debug, PartialEq)]
pub struct GeneratedDef {
    /// What it computes.
    pub expr: Expr,
    /// Its text.
    pub text: String,
    /// STORED, else VIRTUAL.
    pub stored: bool,
}

/// Kinds of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// PRIMARY KEY.
    Primary,
    /// UNIQUE.
    Unique,
    /// INDEX, KEY.
    Plain,
    /// FULLTEXT.
    Fulltext,
    /// SPATIAL.
    Spatial,
}

/// A key.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyDef {
    /// What kind.
    pub kind: KeyKind,
    /// The index's name, else the constraint's.
    pub name: Option<String>,
    /// Its parts.
    pub parts: Vec<KeyPart>,
    /// COMMENT.
    pub comment: Option<String>,
    /// INVISIBLE.
    pub invisible: bool,
}

/// A part of a key.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyPart {
    /// What is indexed.
    pub of: KeyPartOf,
    /// How many characters of it.
    pub length: Option<u32>,
    /// DESC.
    pub descending: bool,
}

/// What a part of a key is.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyPartOf {
    /// A column.
    Column(String),
    /// `(expression)` and its text.
    Expr(Box<Expr>, String),
}

/// FOREIGN KEY.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignKeyDef {
    /// The constraint's name, else the index's.
    pub name: Option<String>,
    /// Columns.
    pub columns: Vec<String>,
    /// The other table.
    pub table: TableName,
    /// Its columns.
    pub references: Vec<String>,
    /// ON DELETE.
    pub on_delete: Option<Reaction>,
    /// ON UPDATE.
    pub on_update: Option<Reaction>,
    /// Written as `REFERENCES` of a column, which MySQL 8.0 reads and forgets.
    pub inline: bool,
}

/// What a foreign key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// RESTRICT.
    Restrict,
    /// CASCADE.
    Cascade,
    /// SET NULL.
    SetNull,
    /// NO ACTION.
    NoAction,
    /// SET DEFAULT.
    SetDefault,
}

/// CHECK.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckDef {
    /// The constraint's name.
    pub name: Option<String>,
    /// What must not be false.
    pub expr: Expr,
    /// Its text, without the parentheses.
    pub text: String,
    /// NOT ENFORCED is false.
    pub enforced: bool,
}

/// Options of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// ENGINE.
    pub engine: Option<String>,
    /// CHARACTER SET, lower case.
    pub charset: Option<String>,
    /// COLLATE, lower case.
    pub collation: Option<String>,
    /// AUTO_INCREMENT.
    pub auto_increment: Option<u64>,
    /// COMMENT.
    pub comment: Option<String>,
    /// ROW_FORMAT, upper case.
    pub row_format: Option<String>,
    /// Every other option: its name, upper case, and its value as written.
    pub other: Vec<(String, String)>,
}

/// Options of a database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatabaseOptions {
    /// CHARACTER SET, lower case.
    pub charset: Option<String>,
    /// COLLATE, lower case.
    pub collation: Option<String>,
    /// READ ONLY.
    pub read_only: Option<bool>,
}

/// CREATE INDEX.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateIndex {
    /// The table.
    pub table: TableName,
    /// The index; it has a name.
    pub key: KeyDef,
}

/// CREATE VIEW and ALTER VIEW.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateView {
    /// The view.
    pub name: TableName,
    /// OR REPLACE.
    pub or_replace: bool,
    /// ALTER VIEW: it has to exist.
    pub alter: bool,
    /// Its columns where listed.
    pub columns: Vec<String>,
    /// What it selects.
    pub query: Box<Query>,
    /// The text of the query.
    pub text: String,
    /// DEFINER.
    pub definer: Option<AccountName>,
    /// SQL SECURITY INVOKER, else DEFINER.
    pub invoker: bool,
    /// ALGORITHM, upper case.
    pub algorithm: Option<String>,
    /// WITH CHECK OPTION: LOCAL or CASCADED.
    pub check_option: Option<String>,
}

/// ALTER TABLE.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterTable {
    /// The table.
    pub name: TableName,
    /// What happens to it, in order. ALGORITHM, LOCK and ORDER BY are read and dropped.
    pub changes: Vec<AlterChange>,
}

/// Where a column goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// At the end; for MODIFY and CHANGE, where it is.
    Unsaid,
    /// FIRST.
    First,
    /// AFTER a column.
    After(String),
}

/// Keys, foreign keys and checks that a column's definition brings along.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extras {
    /// Keys.
    pub keys: Vec<KeyDef>,
    /// Foreign keys.
    pub foreign_keys: Vec<ForeignKeyDef>,
    /// Checks.
    pub checks: Vec<CheckDef>,
}

/// One change of an ALTER TABLE.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum AlterChange {
    /// ADD COLUMN.
    AddColumn { column: Box<ColumnDef>, place: Place, extras: Extras },
    /// DROP COLUMN.
    DropColumn(String),
    /// MODIFY COLUMN: the column of that name.
    ModifyColumn { column: Box<ColumnDef>, place: Place, extras: Extras },
    /// CHANGE COLUMN.
    ChangeColumn { old: String, column: Box<ColumnDef>, place: Place, extras: Extras },
    /// RENAME COLUMN.
    RenameColumn { old: String, new: String },
    /// ALTER COLUMN SET DEFAULT; `None` is DROP DEFAULT.
    SetDefault { column: String, default: Option<DefaultDef> },
    /// ALTER COLUMN SET VISIBLE or INVISIBLE.
    SetVisible { column: String, visible: bool },
    /// ADD INDEX, KEY, UNIQUE, PRIMARY KEY.
    AddKey(KeyDef),
    /// DROP INDEX, DROP KEY.
    DropKey(String),
    /// DROP PRIMARY KEY.
    DropPrimaryKey,
    /// RENAME INDEX, RENAME KEY.
    RenameKey { old: String, new: String },
    /// ALTER INDEX VISIBLE or INVISIBLE.
    SetKeyVisible { key: String, visible: bool },
    /// ADD FOREIGN KEY.
    AddForeignKey(ForeignKeyDef),
    /// DROP FOREIGN KEY.
    DropForeignKey(String),
    /// ADD CHECK.
    AddCheck(CheckDef),
    /// DROP CHECK.
    DropCheck(String),
    /// ALTER CHECK [NOT] ENFORCED.
    EnforceCheck { name: String, enforced: bool },
    /// DROP CONSTRAINT: of whatever kind.
    DropConstraint(String),
    /// RENAME TO.
    Rename(TableName),
    /// CONVERT TO CHARACTER SET; `None` is DEFAULT.
    Convert { charset: Option<String>, collation: Option<String> },
    /// Options.
    Options(TableOptions),
    /// ENABLE KEYS is true, DISABLE KEYS is false: nothing here.
    Keys(bool),
    /// FORCE: nothing here.
    Force,
}
