//! SHOW.
//!
//! ```text
//! what -> rows, as the account sees them (`seen`) -> LIKE or WHERE -> Shown
//! ```
//!
//! - L1: LIKE is about the first column, in any case, and is part of that column's
//!   name where MySQL has it so (`Tables_in_d (t%)`).
//!
//! Not here: definitions' texts (`create`, `grants`), `information_schema`.

mod objects;
mod server;

pub(crate) use objects::{auto_next, key_parts};
pub(crate) use server::{ENGINE, PLUGINS, processes};

use std::sync::Arc;

use holdfast_syntax::{Show, ShowFilter, ShowWhat};
use holdfast_value::collate::Pattern;
use holdfast_value::{Collation, LobSize, SqlType, Value};

use super::seen::Seen;
use crate::bind::{Binder, Scope, ScopeColumn, Setting};
use crate::error::Result;
use crate::exec::Statement;
use crate::expr::eval::{Layout, is_true};

/// An answer: columns, and rows by column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shown {
    /// Names and types.
    pub columns: Vec<(String, SqlType)>,
    /// Values.
    pub rows: Vec<Vec<Value>>,
}

impl Shown {
    fn new(columns: &[(&str, SqlType)]) -> Self {
        let columns = columns.iter().map(|(name, of)| ((*name).to_owned(), of.clone()));
        Self { columns: columns.collect(), rows: Vec::new() }
    }

    fn with(mut self, rows: Vec<Vec<Value>>) -> Self {
        self.rows = rows;
        self
    }
}

/// A text column of so many characters.
const fn name(length: u32) -> SqlType {
    SqlType::VarChar(length, Collation::GeneralCi)
}

/// A text column that may be long.
const LONG: SqlType = SqlType::Text(LobSize::Long, Collation::GeneralCi);
const COUNT: SqlType = SqlType::BIGINT_UNSIGNED;

fn text(value: impl AsRef<str>) -> Value {
    Value::text(value.as_ref())
}

fn or_null(value: Option<impl AsRef<str>>) -> Value {
    value.map_or(Value::Null, text)
}

/// Answers a SHOW.
///
/// # Errors
/// MySQL's: what is not there, what may not be seen, a WHERE that does not bind.
pub fn show(statement: &mut Statement, show: &Show) -> Result<Shown> {
    let pattern = match &show.filter {
        Some(ShowFilter::Like(pattern)) => Some(pattern.as_str()),
        _ => None,
    };
    let mut shown = answer(&Seen::of(statement), &show.what, pattern)?;
    if let Some(ShowFilter::Where(test)) = &show.filter {
        keep(statement, &mut shown, test)?;
    }
    Ok(shown)
}

/// The answer, LIKE applied.
pub(crate) fn answer(seen: &Seen<'_>, what: &ShowWhat, like: Option<&str>) -> Result<Shown> {
    let mut shown = rows_of(seen, what)?;
    let Some(like) = like else { return Ok(shown) };
    if matches!(what, ShowWhat::Databases | ShowWhat::Tables { .. })
        && let Some((title, _)) = shown.columns.first_mut()
    {
        *title = format!("{title} ({like})");
    }
    let at = usize::from(matches!(
        what,
        ShowWhat::OpenTables { .. }
            | ShowWhat::Procedures
            | ShowWhat::Functions
            | ShowWhat::Events { .. }
    ));
    let pattern = Pattern::new(like, Some('\\'), Collation::GeneralCi);
    shown.rows.retain(|row| match row.get(at) {
        Some(Value::Text(text)) => pattern.matches(text),
        _ => false,
    });
    Ok(shown)
}

fn rows_of(seen: &Seen<'_>, what: &ShowWhat) -> Result<Shown> {
    match what {
        ShowWhat::Databases => Ok(objects::databases(seen)),
        ShowWhat::Tables { db, full } => objects::tables(seen, db.as_deref(), *full),
        ShowWhat::OpenTables { db } => objects::open_tables(seen, db.as_deref()),
        ShowWhat::TableStatus { db } => objects::table_status(seen, db.as_deref()),
        ShowWhat::Columns { table, full } => objects::columns(seen, table, *full),
        ShowWhat::Indexes { table } => objects::indexes(seen, table),
        ShowWhat::CreateTable(name) => objects::create_table(seen, name),
        ShowWhat::CreateView(name) => objects::create_view(seen, name),
        ShowWhat::CreateDatabase { name, if_not_exists } => {
            objects::create_database(seen, name, *if_not_exists)
        }
        ShowWhat::CreateUser(account) => server::create_user(seen, account),
        ShowWhat::CreateRoutine { kind, name } => Err(server::no_routine(kind, &name.name)),
        ShowWhat::Variables { global } => Ok(server::variables(seen, *global)),
        ShowWhat::Status { global } => Ok(server::status(seen, *global)),
        ShowWhat::Warnings { offset, limit } => {
            Ok(server::warnings(seen, false, (*offset, *limit)))
        }
        ShowWhat::Errors { offset, limit } => Ok(server::warnings(seen, true, (*offset, *limit))),
        ShowWhat::CountWarnings => Ok(server::count_warnings(seen, false)),
        ShowWhat::CountErrors => Ok(server::count_warnings(seen, true)),
        ShowWhat::Engines => Ok(server::engines()),
        ShowWhat::Engine { name, what } => server::engine(seen, name, what),
        ShowWhat::Plugins => Ok(server::plugins()),
        ShowWhat::Charsets => Ok(server::charsets()),
        ShowWhat::Collations => Ok(server::collations()),
        ShowWhat::Grants(account) => server::grants(seen, account.as_ref()),
        ShowWhat::Privileges => Ok(server::privileges()),
        ShowWhat::Processlist { full } => Ok(server::processlist(seen, *full)),
        ShowWhat::Triggers { db } => objects::triggers(seen, db.as_deref()),
        ShowWhat::Events { db } => objects::events(seen, db.as_deref()),
        ShowWhat::Procedures | ShowWhat::Functions | ShowWhat::Packages => Ok(objects::routines()),
        ShowWhat::MasterStatus => Ok(server::binary_log_status()),
        ShowWhat::ReplicaStatus => Ok(server::replica_status()),
        ShowWhat::Replicas => Ok(server::replicas()),
        ShowWhat::BinaryLogs => Err(server::no_binary_log()),
        ShowWhat::Profiles => Ok(server::profiles()),
    }
}

/// WHERE: over the answer's columns, by their names.
fn keep(statement: &mut Statement, shown: &mut Shown, test: &sqlparser::ast::Expr) -> Result<()> {
    let catalog = Arc::clone(&statement.catalog);
    let types = statement.facts.variables.iter();
    let types = types.map(|(name, (_, of))| (name.clone(), of.clone())).collect();
    let database = statement.facts.database.clone();
    let settings = *statement.variables.settings();
    let setting = Setting {
        database: database.as_deref(),
        collation: settings.collation,
        full_group_by: false,
        pipes_as_concat: settings.mode.pipes_as_concat(),
        params: &[],
        variables: &types,
        system: super::variables::type_of,
    };
    let column = |(at, (title, of)): (usize, &(String, SqlType))| ScopeColumn {
        id: at as u32,
        name: title.as_str().into(),
        of: of.clone(),
        nullable: true,
        alias: "".into(),
        database: None,
        source: None,
        is_hidden: false,
    };
    let scope = Scope { columns: shown.columns.iter().enumerate().map(column).collect() };
    let mut binder = Binder::new(&catalog, setting, statement.context.clone());
    let test = binder.alone(test, scope)?;
    let ids: Vec<u32> = (0..shown.columns.len() as u32).collect();
    let layout = Layout::new(&ids);
    let mut kept = Vec::with_capacity(shown.rows.len());
    for row in std::mem::take(&mut shown.rows) {
        if statement.with_row(&layout, &row, |env| is_true(&test, env))? {
            kept.push(row);
        }
    }
    shown.rows = kept;
    Ok(())
}

#[cfg(test)]
mod tests;
