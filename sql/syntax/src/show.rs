//! SHOW and DESCRIBE.

use sqlparser::ast::Expr;

use crate::account::AccountName;
use crate::statement::TableName;

/// SHOW something.
#[derive(Clone, Debug, PartialEq)]
pub struct Show {
    /// What.
    pub what: ShowWhat,
    /// LIKE or WHERE.
    pub filter: Option<ShowFilter>,
}

/// What limits a SHOW.
#[derive(Clone, Debug, PartialEq)]
pub enum ShowFilter {
    /// LIKE: the pattern.
    Like(String),
    /// WHERE.
    Where(Box<Expr>),
}

/// What is shown. `db: None` is the current database.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum ShowWhat {
    /// DATABASES, SCHEMAS.
    Databases,
    /// TABLES.
    Tables { db: Option<String>, full: bool },
    /// OPEN TABLES.
    OpenTables { db: Option<String> },
    /// TABLE STATUS.
    TableStatus { db: Option<String> },
    /// COLUMNS, FIELDS, and DESCRIBE.
    Columns { table: TableName, full: bool },
    /// INDEX, INDEXES, KEYS.
    Indexes { table: TableName },
    /// CREATE TABLE.
    CreateTable(TableName),
    /// CREATE VIEW.
    CreateView(TableName),
    /// CREATE DATABASE.
    CreateDatabase { name: String, if_not_exists: bool },
    /// CREATE USER.
    CreateUser(AccountName),
    /// CREATE PROCEDURE, FUNCTION, TRIGGER, EVENT: the kind, upper case, and the name.
    CreateRoutine { kind: String, name: TableName },
    /// VARIABLES.
    Variables { global: bool },
    /// STATUS.
    Status { global: bool },
    /// WARNINGS, at most so many from an offset.
    Warnings { offset: u64, limit: Option<u64> },
    /// ERRORS.
    Errors { offset: u64, limit: Option<u64> },
    /// COUNT(*) WARNINGS.
    CountWarnings,
    /// COUNT(*) ERRORS.
    CountErrors,
    /// ENGINES.
    Engines,
    /// ENGINE name STATUS: the engine, and STATUS, LOGS or MUTEX.
    Engine { name: String, what: String },
    /// PLUGINS.
    Plugins,
    /// CHARACTER SET, CHARSET.
    Charsets,
    /// COLLATION.
    Collations,
    /// GRANTS [FOR].
    Grants(Option<AccountName>),
    /// PRIVILEGES.
    Privileges,
    /// PROCESSLIST.
    Processlist { full: bool },
    /// TRIGGERS.
    Triggers { db: Option<String> },
    /// EVENTS.
    Events { db: Option<String> },
    /// PROCEDURE STATUS.
    Procedures,
    /// FUNCTION STATUS.
    Functions,
    /// PACKAGE STATUS and PACKAGE BODY STATUS, which MariaDB's tools ask for.
    Packages,
    /// MASTER STATUS, BINARY LOG STATUS.
    MasterStatus,
    /// REPLICA STATUS, SLAVE STATUS.
    ReplicaStatus,
    /// REPLICAS, SLAVE HOSTS.
    Replicas,
    /// BINARY LOGS, MASTER LOGS.
    BinaryLogs,
    /// PROFILES.
    Profiles,
}
