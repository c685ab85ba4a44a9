//! Statements about definitions and accounts, as a session runs them: who may, and what
//! the client is told.
//!
//! Not here: what they do (`ddl`).

use holdfast_syntax::Statement as Ast;
use holdfast_syntax::statement::TableName;

use super::grants::{self, privilege};
use super::run::{Answer, Outcome, Session};
use crate::algebra::Output;
use crate::ddl;
use crate::error::{Result, SqlError};

/// Runs one.
///
/// # Errors
/// MySQL's.
pub async fn run(session: &mut Session, statement: &Ast) -> Result<Answer> {
    session.may_define(statement)?;
    match session.stored_names(statement)? {
        Some(stored) => finish(session, &stored).await,
        None => finish(session, statement).await,
    }
}

/// Runs one that the account may run.
///
/// # Errors
/// MySQL's.
pub(super) async fn finish(session: &mut Session, statement: &Ast) -> Result<Answer> {
    let done = ddl::run(&mut session.statement, statement).await?;
    if let Some(dropped) = &done.database_dropped
        && session.statement.facts.database.as_ref() == Some(dropped)
    {
        session.statement.facts.database = None;
        session.known.doing.lock().database = None;
        session.statement.variables.use_database(None);
    }
    if let Some(shown) = done.rows {
        let output = |(at, (name, of)): (usize, (&str, holdfast_value::SqlType))| Output {
            id: at as u32,
            name: name.into(),
            of,
            nullable: true,
            source: None,
        };
        let columns = shown.columns.into_iter().enumerate().map(output).collect();
        return Ok(Answer::Rows(columns, shown.rows));
    }
    Ok(Answer::Done(Outcome { affected: done.affected, info: done.info, ..Outcome::default() }))
}

impl Session {
    fn may_table(&self, name: &TableName, need: u64) -> Result<()> {
        let database = name.db.as_deref().or(self.statement.facts.database.as_deref());
        let database = database.ok_or_else(SqlError::no_database_selected)?;
        if crate::catalog::temporary::is_hidden(&name.name) {
            return Err(SqlError::new(1103, format!("Incorrect table name '{}'", name.name)));
        }
        if self.statement.temporary.hidden(database, &name.name).is_some() {
            return Ok(());
        }
        if super::seen::system_database(database).is_some() {
            return Err(SqlError::new(1044, format!("Access denied to database '{database}'")));
        }
        grants::check_table(&self.account, database, &name.name, need)
    }

    fn may_database(&self, name: &str, need: u64) -> Result<()> {
        if super::seen::system_database(name).is_some() {
            return Err(SqlError::new(1044, format!("Access denied to database '{name}'")));
        }
        grants::check_database(&self.account, name, need)
    }

    fn may_define(&self, statement: &Ast) -> Result<()> {
        match statement {
            Ast::CreateDatabase { name, .. } => self.may_database(name, privilege::CREATE),
            Ast::DropDatabase { name, .. } => self.may_database(name, privilege::DROP),
            Ast::AlterDatabase { name, .. } => {
                let name = name.as_deref().or(self.statement.facts.database.as_deref());
                let name = name.ok_or_else(SqlError::no_database_selected)?;
                self.may_database(name, privilege::ALTER)
            }
            Ast::CreateTable(create) => {
                self.may_table(&create.name, privilege::CREATE)?;
                create.like.as_ref().map_or(Ok(()), |like| self.may_table(like, privilege::SELECT))
            }
            Ast::AlterTable(alter) => self.may_table(&alter.name, privilege::ALTER),
            Ast::DropTable { tables, .. } => {
                each(tables, |name| self.may_table(name, privilege::DROP))
            }
            Ast::RenameTable(pairs) => each(pairs, |(from, to)| {
                self.may_table(from, privilege::ALTER | privilege::DROP)?;
                self.may_table(to, privilege::CREATE | privilege::INSERT)
            }),
            Ast::Truncate(name) => self.may_table(name, privilege::DROP),
            Ast::CreateIndex(create) => self.may_table(&create.table, privilege::INDEX),
            Ast::DropIndex { table, .. } => self.may_table(table, privilege::INDEX),
            Ast::CreateView(create) => {
                let drops = if create.or_replace { privilege::DROP } else { 0 };
                self.may_table(&create.name, privilege::CREATE_VIEW | drops)
            }
            Ast::DropView { views, .. } => {
                each(views, |name| self.may_table(name, privilege::DROP))
            }
            Ast::Maintain { tables, .. } => {
                each(tables, |name| self.may_table(name, privilege::SELECT))
            }
            Ast::CreateUser(_) | Ast::AlterUser(_) | Ast::DropUser { .. } | Ast::RenameUser(_) => {
                self.check_global(privilege::CREATE_USER)
            }
            Ast::Grant(grant) | Ast::Revoke(grant) => {
                grants::may_grant(&self.account, grant, self.statement.facts.database.as_deref())
            }
            other if ddl::is_mine(other) => Ok(()),
            other => Err(SqlError::unsupported(
                format!("{other:?}").chars().take(60).collect::<String>(),
            )),
        }
    }
}

fn each<T>(items: &[T], check: impl Fn(&T) -> Result<()>) -> Result<()> {
    items.iter().try_for_each(check)
}
