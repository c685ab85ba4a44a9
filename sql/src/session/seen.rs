//! What SHOW and the computed tables look at: the catalog as one account sees it, and
//! facts of the server.
//!
//! - I1: what an account has no privilege on is as if it were not there.
//!
//! Not here: how it is laid out (`show`, `information`).

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_value::{Context, Zone};

use super::grants;
use super::variables::Variables;
use crate::algebra::Output;
use crate::bind::{Binder, Setting};
use crate::catalog::{AccountRow, Catalog, Entry, Table, View};
use crate::error::{Result, SqlError};
use crate::exec::Statement;

/// Facts that only the running server knows.
pub trait Server {
    /// The sessions.
    fn processes(&self) -> Vec<ProcessRow>;
    /// About a table's rows.
    fn table_facts(&self, table: &Table) -> TableFacts;
    /// Counts by name, as SHOW STATUS has them; of one session, or of all.
    fn counts(&self, session: Option<u64>) -> BTreeMap<&'static str, u64>;
}

/// A session, as SHOW PROCESSLIST has it.
#[derive(Clone, Debug, Default)]
pub struct ProcessRow {
    /// The connection.
    pub id: u64,
    /// The user.
    pub user: String,
    /// `host:port`.
    pub host: String,
    /// The current database.
    pub database: Option<String>,
    /// `Query`, `Sleep`.
    pub command: &'static str,
    /// How long it has been at it. [s]
    pub seconds: u64,
    /// `executing`, or nothing.
    pub state: &'static str,
    /// The statement's text.
    pub info: Option<String>,
    /// Of its transaction, where it has one: when it began. [microseconds since 1970 UTC]
    pub transaction_since: Option<i64>,
}

/// About a table's rows; estimates are enough.
#[derive(Clone, Copy, Debug, Default)]
pub struct TableFacts {
    /// Rows.
    pub rows: u64,
    /// Their size. [bytes]
    pub data_bytes: u64,
    /// The indexes' size. [bytes]
    pub index_bytes: u64,
    /// The next AUTO_INCREMENT value, where there is a counter.
    pub auto_next: Option<u64>,
}

/// How bad a [`Diagnostic`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// `Note`
    Note,
    /// `Warning`
    Warning,
    /// `Error`
    Error,
}

/// A line of SHOW WARNINGS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad.
    pub level: Level,
    /// MySQL's number.
    pub code: u16,
    /// What happened.
    pub message: String,
}

/// What the statement before had to say.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    /// At most `max_error_count` of them.
    pub lines: Vec<Diagnostic>,
    /// How many there were.
    pub count: u64,
}

/// What one account sees.
pub struct Seen<'a> {
    /// Everything that has a name.
    pub catalog: &'a Arc<Catalog>,
    /// The account; none: it is gone, and sees nothing.
    pub account: Option<Arc<AccountRow>>,
    /// `CURRENT_USER()`.
    pub user: &'a str,
    /// The current database.
    pub database: Option<&'a str>,
    /// The session's variables.
    pub variables: &'a Variables,
    /// The session's time zone.
    pub zone: Zone,
    /// The session.
    pub connection_id: u64,
    /// The server.
    pub server: &'a dyn Server,
    /// Of the statement before.
    pub diagnostics: &'a Diagnostics,
}

/// Databases that are computed, and what they are called.
pub const SYSTEM_DATABASES: [&str; 3] = ["information_schema", "mysql", "performance_schema"];

impl<'a> Seen<'a> {
    /// What a statement's account sees.
    pub fn of(statement: &'a Statement) -> Self {
        let user = statement.facts.current_user.as_str();
        let (name, host) = grants::split_account(user);
        let account = statement.catalog.accounts.get(&(name.to_owned(), host.to_owned()));
        Self {
            catalog: &statement.catalog,
            account: account.cloned(),
            user,
            database: statement.facts.database.as_deref(),
            variables: &statement.variables,
            zone: statement.context.zone,
            connection_id: statement.facts.connection_id,
            server: &*statement.engine,
            diagnostics: statement.diagnostics(),
        }
    }

    /// The names of the databases, in order.
    pub fn databases(&self) -> Vec<&'a str> {
        let Some(account) = &self.account else { return vec![SYSTEM_DATABASES[0]] };
        let mut names: Vec<&str> = self.catalog.databases.keys().map(String::as_str).collect();
        names.extend(SYSTEM_DATABASES);
        names.retain(|name| grants::sees_database(account, name));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Tables and views that are stored, by database and name.
    pub fn entries(&self) -> impl Iterator<Item = (&'a str, &'a Entry)> + '_ {
        let seen = |((database, name), entry): &(&'a (String, String), &'a Entry)| {
            entry.is_listed() && self.sees(database, name)
        };
        let all = self.catalog.entries.iter().filter(seen);
        all.map(|((database, _), entry)| (database.as_str(), entry))
    }

    /// Tables that are stored, by database and name.
    pub fn tables(&self) -> impl Iterator<Item = &'a Arc<Table>> + '_ {
        self.entries().filter_map(|(_, entry)| match entry {
            Entry::Table(table) => Some(table),
            Entry::View(_) => None,
        })
    }

    /// I1.
    pub fn sees(&self, database: &str, name: &str) -> bool {
        self.account.as_ref().is_some_and(|account| grants::sees_table(account, database, name))
    }

    /// Whether the account has one of these privileges on everything.
    pub fn has_global(&self, any_of: u64) -> bool {
        self.account.as_ref().is_some_and(|account| account.global.0 & any_of != 0)
    }

    /// The database that a SHOW is about.
    ///
    /// # Errors
    /// 1046, 1049, 1044.
    pub fn database_or<'b>(&'b self, named: Option<&'b str>) -> Result<&'b str> {
        let name = named.or(self.database).ok_or_else(SqlError::no_database_selected)?;
        if let Some(system) = system_database(name) {
            return Ok(system);
        }
        self.catalog.database(name)?;
        match &self.account {
            Some(account) => grants::check_use(account, name)?,
            None => return Err(SqlError::no_database(name)),
        }
        Ok(name)
    }

    /// The table or view that a SHOW is about.
    ///
    /// # Errors
    /// 1046, 1049, 1146, 1142.
    pub fn entry(&self, database: Option<&str>, name: &str) -> Result<Entry> {
        let database = database.or(self.database).ok_or_else(SqlError::no_database_selected)?;
        let entry = self.catalog.entry(database, name)?;
        let is_own = matches!(&entry, Entry::Table(table) if table.is_temporary);
        if is_own || self.sees(database, name) {
            return Ok(entry);
        }
        match &self.account {
            Some(account) => {
                grants::check_table(account, database, name, grants::privilege::SELECT)?;
                Ok(entry)
            }
            None => Err(SqlError::no_table(database, name)),
        }
    }

    /// The columns of a view.
    ///
    /// # Errors
    /// 1356: what it selects from is gone.
    pub fn view_columns(&self, view: &View) -> Result<Vec<Output>> {
        let mode = holdfast_syntax::ParseMode {
            ansi_quotes: view.body.ansi_quotes,
            ..holdfast_syntax::ParseMode::default()
        };
        let query = crate::parse::query(&view.body.select, &mode)?;
        let variables = BTreeMap::new();
        let settings = self.variables.settings();
        let setting = Setting {
            database: Some(&view.body.database),
            collation: view.body.collation,
            full_group_by: false,
            pipes_as_concat: settings.mode.pipes_as_concat(),
            params: &[],
            variables: &variables,
            system: super::variables::type_of,
        };
        let bound = Binder::new(self.catalog, setting, Context::default()).query(&query);
        let mut columns = bound.map_err(|_| broken_view(view))?.columns;
        for (column, name) in columns.iter_mut().zip(&view.body.columns) {
            column.name = name.as_str().into();
        }
        Ok(columns)
    }
}

/// The name of a computed database, whatever the case.
pub fn system_database(name: &str) -> Option<&'static str> {
    SYSTEM_DATABASES.into_iter().find(|one| one.eq_ignore_ascii_case(name))
}

fn broken_view(view: &View) -> SqlError {
    SqlError::new(
        1356,
        format!(
            "View '{}.{}' references invalid table(s) or column(s) or function(s) or definer/invoker \
             of view lack rights to use them",
            view.database, view.name
        ),
    )
}

impl Level {
    /// `Warning`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "Note",
            Self::Warning => "Warning",
            Self::Error => "Error",
        }
    }
}
