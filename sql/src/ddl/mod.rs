//! Statements that change definitions and accounts: each one transaction over system tables.
//!
//! ```text
//! look at the catalog -> lock what is changed -> look again, until everything is locked
//!                     -> check, new rows of system tables (and of tables) -> commit
//! ```
//!
//! - L1: what a statement decides by is locked when it decides: names that it takes or
//!   gives up, definitions that it changes (alone) or relies on (shared), the rows of
//!   tables that it changes or drops.
//! - L2: all of a statement happens or nothing of it does.
//! - L3: an id that no definition names any more is never used again; the engine forgets
//!   its rows once nobody reads from before.
//!
//! Not here: the implicit commit before and privileges (`session`), SHOW (`session`).

mod account;
mod alter;
mod column;
mod create;
mod database;
mod draft;
mod drop;
mod fill;
mod foreign;
mod key;
mod maintain;
mod names;
mod rename;
mod view;
mod work;

#[cfg(test)]
pub(crate) mod tests;

use holdfast_syntax::{AlterTable, SetItem, Statement as Parsed};
use holdfast_value::{SqlType, Value};

use crate::error::{Result, SqlError};
use crate::exec::Statement;
pub use names::taken;
use work::Work;

/// What a statement did; warnings are in the statement's context.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DdlDone {
    /// Rows changed: what clients call affected.
    pub affected: u64,
    /// `Records: 3  Duplicates: 0  Warnings: 0`, or nothing.
    pub info: String,
    /// The database that is gone: whoever uses it uses none now.
    pub database_dropped: Option<String>,
    /// What ANALYZE TABLE and its like answer.
    pub rows: Option<Answer>,
}

/// A small result set.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Names and types.
    pub columns: Vec<(&'static str, SqlType)>,
    /// Values, by column.
    pub rows: Vec<Vec<Value>>,
}

/// How often a statement is tried against others.
const TRIES: usize = 8;

/// True for the statements that [`run`] runs.
pub fn is_mine(statement: &Parsed) -> bool {
    match statement {
        Parsed::CreateDatabase { .. }
        | Parsed::AlterDatabase { .. }
        | Parsed::DropDatabase { .. }
        | Parsed::CreateTable(_)
        | Parsed::AlterTable(_)
        | Parsed::DropTable { .. }
        | Parsed::RenameTable(_)
        | Parsed::Truncate(_)
        | Parsed::CreateIndex(_)
        | Parsed::DropIndex { .. }
        | Parsed::CreateView(_)
        | Parsed::DropView { .. }
        | Parsed::CreateUser(_)
        | Parsed::AlterUser(_)
        | Parsed::DropUser { .. }
        | Parsed::RenameUser(_)
        | Parsed::Grant(_)
        | Parsed::Revoke(_)
        | Parsed::Maintain { .. } => true,
        Parsed::Set(items) => matches!(&items[..], [SetItem::Password { .. }]),
        _ => false,
    }
}

/// Runs a statement of this module.
///
/// # Errors
/// MySQL's; nothing has happened then, unless it is 1180 (the outcome is not known).
pub async fn run(statement: &mut Statement, ddl: &Parsed) -> Result<DdlDone> {
    let warnings = (statement.context.warnings.len(), statement.context.warning_count);
    let known = statement.engine.sessions.find(statement.facts.connection_id);
    let mut tries = 0;
    loop {
        let mut work = Work::begin(statement).await?;
        let ended = match one(&mut work, ddl).await {
            Ok(done) => {
                // Not to be interrupted: the client learns the outcome.
                known.iter().for_each(|known| known.set_committing(true));
                let committed = work.commit().await;
                known.iter().for_each(|known| known.set_committing(false));
                committed.map(|()| done)
            }
            Err(error) => {
                work.abandon();
                Err(error)
            }
        };
        tries += 1;
        match ended {
            Err(error) if error.ends_transaction() && tries < TRIES => {
                statement.context.warnings.truncate(warnings.0);
                statement.context.warning_count = warnings.1;
            }
            ended => return ended,
        }
    }
}

/// One try; whoever calls commits.
async fn one(work: &mut Work<'_>, ddl: &Parsed) -> Result<DdlDone> {
    match ddl {
        Parsed::CreateDatabase { name, if_not_exists, options } => {
            database::create(work, name, *if_not_exists, options).await
        }
        Parsed::AlterDatabase { name, options } => {
            database::alter(work, name.as_deref(), options).await
        }
        Parsed::DropDatabase { name, if_exists } => database::remove(work, name, *if_exists).await,
        Parsed::CreateTable(create) => create::table(work, create).await,
        Parsed::AlterTable(alter) => alter::table(work, alter).await,
        Parsed::CreateIndex(create) => {
            let changes = vec![holdfast_syntax::AlterChange::AddKey(create.key.clone())];
            alter::table(work, &AlterTable { name: create.table.clone(), changes }).await
        }
        Parsed::DropIndex { name, table } => {
            let change = match name.eq_ignore_ascii_case("PRIMARY") {
                true => holdfast_syntax::AlterChange::DropPrimaryKey,
                false => holdfast_syntax::AlterChange::DropKey(name.clone()),
            };
            let changes = vec![change];
            alter::table(work, &AlterTable { name: table.clone(), changes }).await
        }
        Parsed::DropTable { tables, if_exists, temporary } => {
            drop::tables(work, tables, *if_exists, *temporary).await
        }
        Parsed::RenameTable(pairs) => rename::tables(work, pairs).await,
        Parsed::Truncate(name) => drop::truncate(work, name).await,
        Parsed::CreateView(create) => view::create(work, create).await,
        Parsed::DropView { views, if_exists } => view::remove(work, views, *if_exists).await,
        Parsed::CreateUser(create) => account::create(work, create).await,
        Parsed::AlterUser(alter) => account::alter(work, alter).await,
        Parsed::DropUser { users, if_exists } => account::remove(work, users, *if_exists).await,
        Parsed::RenameUser(pairs) => account::rename(work, pairs).await,
        Parsed::Grant(grant) => account::grant(work, grant, false).await,
        Parsed::Revoke(revoke) => account::grant(work, revoke, true).await,
        Parsed::Maintain { kind, tables } => maintain::run(work, *kind, tables).await,
        Parsed::Set(items) => match &items[..] {
            [SetItem::Password { user, password }] => {
                account::set_password(work, user.as_ref(), password).await
            }
            _ => Err(SqlError::internal("a SET that is no SET PASSWORD")),
        },
        _ => Err(SqlError::internal("a statement that changes no definition")),
    }
}
