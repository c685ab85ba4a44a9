//! Statements: a variant for each kind that a client may send.
//!
//! Expressions and queries are `sqlparser`'s trees (see `prefix` for their
//! shapes); everything around them is ours.
//!
//! Not here: tables' definitions (`table`), accounts and grants (`account`).

use sqlparser::ast::{Assignment, Expr, Ident, OrderByExpr, Query, TableWithJoins, With};

use crate::account::{AccountName, AlterUser, CreateUser, Grant};
use crate::show::Show;
use crate::table::{AlterTable, CreateIndex, CreateTable, CreateView, DatabaseOptions};

/// A table's (or view's) name as written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// The database where one was named.
    pub db: Option<String>,
    /// The table.
    pub name: String,
}

impl std::fmt::Display for TableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(db) = &self.db {
            write!(f, "{}.", crate::print::quote_identifier(db))?;
        }
        write!(f, "{}", crate::print::quote_identifier(&self.name))
    }
}

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// SELECT, TABLE, VALUES, and what WITH and UNION make of them.
    Query(Select),
    /// INSERT and REPLACE.
    Insert(Box<Insert>),
    /// UPDATE of one table or of several.
    Update(Box<Update>),
    /// DELETE from one table or from several.
    Delete(Box<Delete>),
    /// LOAD DATA.
    LoadData(Box<LoadData>),
    /// DO.
    Do(Vec<Expr>),
    /// SET, but for the next three.
    Set(Vec<SetItem>),
    /// USE.
    Use(String),
    /// SHOW, and DESCRIBE of a table.
    Show(Show),
    /// EXPLAIN of a statement.
    Explain {
        /// EXPLAIN ANALYZE.
        analyze: bool,
        /// `FORMAT=`, upper case.
        format: Option<String>,
        /// What is explained.
        statement: Box<Statement>,
    },
    /// EXPLAIN FOR CONNECTION.
    ExplainConnection(u64),
    /// BEGIN and START TRANSACTION.
    Begin {
        /// WITH CONSISTENT SNAPSHOT.
        snapshot: bool,
        /// READ ONLY is true, READ WRITE is false.
        read_only: Option<bool>,
    },
    /// COMMIT.
    Commit(Completion),
    /// ROLLBACK without TO.
    Rollback(Completion),
    /// SAVEPOINT.
    Savepoint(String),
    /// ROLLBACK TO.
    RollbackTo(String),
    /// RELEASE SAVEPOINT.
    ReleaseSavepoint(String),
    /// LOCK TABLES.
    LockTables(Vec<LockTable>),
    /// UNLOCK TABLES.
    UnlockTables,
    /// CREATE DATABASE.
    CreateDatabase {
        /// Its name.
        name: String,
        /// IF NOT EXISTS.
        if_not_exists: bool,
        /// Its options.
        options: DatabaseOptions,
    },
    /// ALTER DATABASE.
    AlterDatabase {
        /// Its name; the current one if none.
        name: Option<String>,
        /// Its options.
        options: DatabaseOptions,
    },
    /// DROP DATABASE.
    DropDatabase {
        /// Its name.
        name: String,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// CREATE TABLE.
    CreateTable(Box<CreateTable>),
    /// ALTER TABLE.
    AlterTable(Box<AlterTable>),
    /// DROP TABLE.
    DropTable {
        /// The tables.
        tables: Vec<TableName>,
        /// IF EXISTS.
        if_exists: bool,
        /// TEMPORARY.
        temporary: bool,
    },
    /// RENAME TABLE, in order.
    RenameTable(Vec<(TableName, TableName)>),
    /// TRUNCATE.
    Truncate(TableName),
    /// CREATE INDEX.
    CreateIndex(Box<CreateIndex>),
    /// DROP INDEX.
    DropIndex {
        /// The index.
        name: String,
        /// Its table.
        table: TableName,
    },
    /// CREATE VIEW and ALTER VIEW.
    CreateView(Box<CreateView>),
    /// DROP VIEW.
    DropView {
        /// The views.
        views: Vec<TableName>,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// CREATE USER.
    CreateUser(CreateUser),
    /// ALTER USER.
    AlterUser(AlterUser),
    /// DROP USER.
    DropUser {
        /// The accounts.
        users: Vec<AccountName>,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// RENAME USER, in order.
    RenameUser(Vec<(AccountName, AccountName)>),
    /// GRANT.
    Grant(Grant),
    /// REVOKE.
    Revoke(Grant),
    /// FLUSH: what, upper case (`PRIVILEGES`, `TABLES`, `TABLES WITH READ LOCK` ...).
    Flush(Vec<String>),
    /// RESET: what, upper case.
    Reset(Vec<String>),
    /// KILL.
    Kill {
        /// KILL QUERY: the statement only.
        query: bool,
        /// The connection.
        id: Box<Expr>,
    },
    /// PREPARE.
    Prepare {
        /// Its name.
        name: String,
        /// The text, or a variable that holds it.
        source: PrepareSource,
    },
    /// EXECUTE.
    Execute {
        /// Its name.
        name: String,
        /// The variables of USING, without `@`.
        using: Vec<String>,
    },
    /// DEALLOCATE PREPARE and DROP PREPARE.
    Deallocate(String),
    /// ANALYZE, OPTIMIZE, CHECK, REPAIR and CHECKSUM TABLE.
    Maintain {
        /// Which.
        kind: Maintenance,
        /// The tables.
        tables: Vec<TableName>,
    },
    /// Known to MySQL, refused here with 1235: what it is about.
    Refused(String),
    /// The text from here on does not parse; what came before it does, and runs first.
    Invalid(crate::SyntaxError),
}

/// A query and what its tree has no place for.
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    /// The texts of the select list's items, for those without a name; empty: not known.
    pub items: Vec<String>,
    /// The query. `Query::locks` has FOR UPDATE and FOR SHARE, and what was LOCK IN
    /// SHARE MODE; `SelectModifiers` has SQL_CALC_FOUND_ROWS. Index hints are gone.
    pub query: Box<Query>,
    /// `INTO @a, @b`: names without `@`.
    pub into: Vec<String>,
}

/// INSERT and REPLACE.
#[derive(Clone, Debug, PartialEq)]
pub struct Insert {
    /// REPLACE.
    pub replace: bool,
    /// IGNORE.
    pub ignore: bool,
    /// The table.
    pub table: TableName,
    /// The columns as listed; empty if there is no list, or an empty one.
    pub columns: Vec<Ident>,
    /// What goes in.
    pub source: InsertSource,
    /// `AS new(a, b)`: the name of the new row, and of its columns.
    pub alias: Option<(Ident, Vec<Ident>)>,
    /// ON DUPLICATE KEY UPDATE.
    pub on_duplicate: Vec<Assignment>,
    /// RETURNING, which MySQL does not have.
    pub returning: bool,
}

/// What an INSERT puts in.
#[derive(Clone, Debug, PartialEq)]
pub enum InsertSource {
    /// VALUES and SET (then `columns` has the names): `DEFAULT` is an identifier.
    Values(Vec<Vec<Expr>>),
    /// SELECT, TABLE, VALUES ROW, WITH.
    Query(Box<Query>),
}

/// UPDATE.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// WITH.
    pub with: Option<With>,
    /// IGNORE.
    pub ignore: bool,
    /// The tables.
    pub tables: Vec<TableWithJoins>,
    /// SET, in order.
    pub assignments: Vec<Assignment>,
    /// WHERE.
    pub selection: Option<Expr>,
    /// ORDER BY.
    pub order_by: Vec<OrderByExpr>,
    /// LIMIT.
    pub limit: Option<Expr>,
}

/// DELETE.
#[derive(Clone, Debug, PartialEq)]
pub struct Delete {
    /// WITH.
    pub with: Option<With>,
    /// IGNORE.
    pub ignore: bool,
    /// The tables that rows are deleted from, by name or alias; empty for the
    /// form with one table, which is then all of `from`.
    pub targets: Vec<TableName>,
    /// The tables that are read.
    pub from: Vec<TableWithJoins>,
    /// WHERE.
    pub selection: Option<Expr>,
    /// ORDER BY.
    pub order_by: Vec<OrderByExpr>,
    /// LIMIT.
    pub limit: Option<Expr>,
}

/// LOAD DATA.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadData {
    /// LOCAL: the file is the client's.
    pub local: bool,
    /// The file's name.
    pub file: String,
    /// What happens to rows that are there.
    pub duplicates: Duplicates,
    /// The table.
    pub table: TableName,
    /// CHARACTER SET.
    pub charset: Option<String>,
    /// FIELDS TERMINATED BY.
    pub field_end: String,
    /// FIELDS [OPTIONALLY] ENCLOSED BY.
    pub enclosed: String,
    /// OPTIONALLY.
    pub optionally: bool,
    /// FIELDS ESCAPED BY; a backslash where none is given, unless NO_BACKSLASH_ESCAPES.
    pub escaped: Option<String>,
    /// LINES STARTING BY.
    pub line_start: String,
    /// LINES TERMINATED BY.
    pub line_end: String,
    /// IGNORE n LINES.
    pub skip: u64,
    /// Columns, and variables with their `@`, that the fields go to.
    pub columns: Vec<Ident>,
    /// SET.
    pub assignments: Vec<Assignment>,
}

/// What LOAD DATA does with a row whose key is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// Fails (skips, if LOCAL).
    Fail,
    /// REPLACE.
    Replace,
    /// IGNORE.
    Ignore,
}

/// Whose variable is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// SESSION, LOCAL, `@@session.`, `@@local.`, or nothing.
    Session,
    /// GLOBAL.
    Global,
    /// PERSIST.
    Persist,
    /// PERSIST_ONLY.
    PersistOnly,
    /// `@@x` in SET: the next transaction only where that differs from the session.
    Next,
}

/// One part of a SET.
#[derive(Clone, Debug, PartialEq)]
pub enum SetItem {
    /// A system variable.
    Variable {
        /// Whose.
        scope: Scope,
        /// Its name, lower case.
        name: String,
        /// Its value. A bare word is an identifier: `ON`, `utf8mb4`.
        value: SetValue,
    },
    /// `@x := value`: the name without `@`.
    User {
        /// The name.
        name: String,
        /// The value.
        value: Box<Expr>,
    },
    /// SET NAMES; `None` is DEFAULT.
    Names {
        /// The character set.
        charset: Option<String>,
        /// COLLATE.
        collation: Option<String>,
    },
    /// SET CHARACTER SET; `None` is DEFAULT.
    CharacterSet(Option<String>),
    /// SET TRANSACTION.
    Transaction {
        /// Whose: `Next` without a word for it.
        scope: Scope,
        /// ISOLATION LEVEL.
        isolation: Option<Isolation>,
        /// READ ONLY is true, READ WRITE is false.
        read_only: Option<bool>,
    },
    /// SET PASSWORD.
    Password {
        /// FOR; the session's own account if none.
        user: Option<AccountName>,
        /// The new password.
        password: String,
    },
}

/// The right side of a SET.
#[derive(Clone, Debug, PartialEq)]
pub enum SetValue {
    /// DEFAULT.
    Default,
    /// A value.
    Expr(Box<Expr>),
}

/// ISOLATION LEVEL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// READ UNCOMMITTED.
    ReadUncommitted,
    /// READ COMMITTED.
    ReadCommitted,
    /// REPEATABLE READ.
    RepeatableRead,
    /// SERIALIZABLE.
    Serializable,
}

/// What follows COMMIT and ROLLBACK.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// AND CHAIN is true, AND NO CHAIN is false.
    pub chain: Option<bool>,
    /// RELEASE is true, NO RELEASE is false.
    pub release: Option<bool>,
}

/// One table of LOCK TABLES.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockTable {
    /// The table.
    pub table: TableName,
    /// AS.
    pub alias: Option<String>,
    /// WRITE, else READ.
    pub write: bool,
}

/// Where PREPARE takes its text from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrepareSource {
    /// A text.
    Text(String),
    /// A variable, without `@`.
    Variable(String),
}

/// Statements about tables as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maintenance {
    /// ANALYZE TABLE.
    Analyze,
    /// OPTIMIZE TABLE.
    Optimize,
    /// CHECK TABLE.
    Check,
    /// REPAIR TABLE.
    Repair,
    /// CHECKSUM TABLE.
    Checksum,
}
