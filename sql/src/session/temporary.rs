//! CREATE TEMPORARY TABLE and what else treats tables of a session differently.
//!
//! - They do not commit what is open; with a transaction open, the rows of
//!   CREATE TEMPORARY TABLE AS are changes of that transaction.
//!
//! Not here: how their names are hidden (`catalog::temporary`).

use std::sync::Arc;

use holdfast_syntax::statement::{Insert, InsertSource, TableName};
use holdfast_syntax::{CreateTable, Duplicates, Statement as Ast};
use holdfast_value::ValueError;

use super::grants::{self, privilege};
use super::run::{Answer, Session, done};
use crate::catalog::temporary::is_hidden;
use crate::ddl;
use crate::engine::Engine;
use crate::error::{Result, SqlError};
use crate::exec::Statement;

impl Session {
    fn place(&self, name: &TableName) -> Result<(String, String)> {
        let current = self.statement.facts.database.as_deref();
        let database = name.db.as_deref().or(current).ok_or_else(SqlError::no_database_selected)?;
        Ok((database.to_owned(), name.name.clone()))
    }

    pub(super) async fn create_temporary(&mut self, create: &CreateTable) -> Result<Answer> {
        let (database, name) = self.place(&create.name)?;
        grants::check_database(&self.account, &database, privilege::CREATE_TEMPORARY)?;
        self.sweep().await?;
        if is_hidden(&name) {
            return Err(SqlError::new(1103, format!("Incorrect table name '{name}'")));
        }
        if !create.foreign_keys.is_empty() {
            return Err(SqlError::new(1215, "Cannot add foreign key constraint"));
        }
        if self.statement.temporary.hidden(&database, &name).is_some() {
            if !create.if_not_exists {
                return Err(ddl::taken(&name));
            }
            warn(&mut self.statement, &ddl::taken(&name));
            return Ok(done());
        }
        let hidden = self.statement.temporary.fresh(self.known.id);
        let mut stored = create.clone();
        stored.name = TableName { db: Some(database.clone()), name: hidden.clone() };
        stored.like = match &create.like {
            Some(like) => Some(self.stored_name(like)?),
            None => None,
        };
        let Some(query) = create.query.as_deref().filter(|_| self.transaction.is_some()) else {
            let answer = super::ddl::finish(self, &Ast::CreateTable(Box::new(stored))).await?;
            self.statement.temporary.add(&database, &name, hidden);
            return Ok(answer);
        };
        let insert = self.later_insert(create, query, (&database, &name))?;
        self.statement.fills_later = true;
        let made = super::ddl::finish(self, &Ast::CreateTable(Box::new(stored))).await;
        self.statement.fills_later = false;
        made?;
        self.statement.temporary.add(&database, &name, hidden);
        let inserted = self.insert(&insert).await;
        if inserted.is_err() {
            self.statement.temporary.doom(&database, &name);
        }
        inserted
    }

    /// The INSERT that fills a table which is made inside of a transaction.
    fn later_insert(
        &mut self,
        create: &CreateTable,
        query: &holdfast_syntax::ast::Query,
        (database, name): (&str, &str),
    ) -> Result<Insert> {
        let (columns, is_own) = self.bind(|binder| {
            let columns = binder.query(query)?.columns;
            let mut tables = binder.tables.values();
            Ok((columns, tables.any(|table| &*table.database == database && &*table.name == name)))
        })?;
        if is_own {
            return Err(SqlError::unsupported(
                "CREATE TEMPORARY TABLE AS a query of a table of the same name in a transaction",
            ));
        }
        let ident = |name: &str| holdfast_syntax::ast::Ident::with_quote('`', name);
        Ok(Insert {
            replace: create.duplicates == Some(Duplicates::Replace),
            ignore: create.duplicates == Some(Duplicates::Ignore),
            table: TableName { db: Some(database.to_owned()), name: name.to_owned() },
            columns: columns.iter().map(|column| ident(&column.name)).collect(),
            source: InsertSource::Query(Box::new(query.clone())),
            alias: None,
            on_duplicate: Vec::new(),
            returning: false,
        })
    }

    /// DROP TABLE: of this session's tables first.
    pub(super) async fn drop_tables(
        &mut self,
        tables: &[TableName],
        if_exists: bool,
        temporary: bool,
    ) -> Result<Answer> {
        if !temporary {
            self.commit_open().await?;
        }
        let (mut own, mut others, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        for table in tables {
            let (database, name) = self.place(table)?;
            match self.statement.temporary.hidden(&database, &name) {
                Some(_) => own.push((database, name)),
                None => {
                    unknown.push(format!("{database}.{name}"));
                    others.push(table.clone());
                }
            }
        }
        if temporary && !unknown.is_empty() {
            let error = SqlError::new(1051, format!("Unknown table '{}'", unknown.join(",")));
            if !if_exists {
                return Err(error);
            }
            warn(&mut self.statement, &error);
        }
        if !temporary && !others.is_empty() {
            let rest = Ast::DropTable { tables: others, if_exists, temporary };
            super::ddl::run(self, &rest).await?;
        }
        for (database, name) in own {
            self.statement.temporary.doom(&database, &name);
        }
        self.sweep().await?;
        Ok(done())
    }

    /// Removes what was dropped, where no transaction is open (E2).
    ///
    /// # Errors
    /// The transaction node's; it is tried again later.
    pub(super) async fn sweep(&mut self) -> Result<()> {
        if self.transaction.is_some() || self.statement.temporary.doomed().is_empty() {
            return Ok(());
        }
        let drop = drop_of(self.statement.temporary.doomed());
        let kept = self.statement.context.clone();
        let dropped = ddl::run(&mut self.statement, &drop).await;
        // Nobody is to be told of it.
        self.statement.context = kept;
        dropped?;
        self.statement.temporary.forget_doomed();
        Ok(())
    }

    /// The session ends: so do its tables.
    pub(super) async fn end_temporary(&mut self) {
        self.statement.temporary.doom_all();
        if let Err(error) = self.sweep().await {
            tracing::warn!("temporary tables stay until the next start: {error}");
        }
    }

    /// The name under which a table is stored.
    fn stored_name(&self, name: &TableName) -> Result<TableName> {
        let (database, plain) = self.place(name)?;
        Ok(match self.statement.temporary.hidden(&database, &plain) {
            Some(hidden) => TableName { db: Some(database), name: hidden.to_owned() },
            None => name.clone(),
        })
    }

    /// A statement about definitions with the names under which tables are stored; none
    /// where it is as it was.
    ///
    /// # Errors
    /// 1046; 1235 for a temporary table that is to get another name.
    pub(super) fn stored_names(&self, statement: &Ast) -> Result<Option<Ast>> {
        let name = match statement {
            Ast::AlterTable(alter) => &alter.name,
            Ast::CreateIndex(create) => &create.table,
            Ast::DropIndex { table, .. } | Ast::Truncate(table) => table,
            Ast::CreateTable(create) => match &create.like {
                Some(like) => like,
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        let stored = self.stored_name(name)?;
        if stored == *name {
            return Ok(None);
        }
        let mut statement = statement.clone();
        match &mut statement {
            Ast::AlterTable(alter) => {
                let renames = |change: &holdfast_syntax::AlterChange| {
                    matches!(change, holdfast_syntax::AlterChange::Rename(..))
                };
                if alter.changes.iter().any(renames) {
                    return Err(SqlError::unsupported("another name for a temporary table"));
                }
                alter.name = stored;
            }
            Ast::CreateIndex(create) => create.table = stored,
            Ast::DropIndex { table, .. } | Ast::Truncate(table) => *table = stored,
            Ast::CreateTable(create) => create.like = Some(stored),
            _ => {}
        }
        Ok(Some(statement))
    }
}

fn warn(statement: &mut Statement, error: &SqlError) {
    let (code, state, message) = (error.code, error.state, error.message.clone());
    statement.context.warn(ValueError::Other { code, state, message });
}

fn drop_of(stored: &[(String, String)]) -> Ast {
    let name = |(database, hidden): &(String, String)| TableName {
        db: Some(database.clone()),
        name: hidden.clone(),
    };
    let tables = stored.iter().map(name).collect();
    Ast::DropTable { tables, if_exists: true, temporary: false }
}

/// Removes what sessions of a server that stopped have left.
///
/// # Errors
/// The transaction node's.
pub async fn clear(engine: &Arc<Engine>) -> Result<()> {
    let catalog = engine.catalog()?;
    let left: Vec<(String, String)> =
        catalog.entries.keys().filter(|(_, name)| is_hidden(name)).cloned().collect();
    if left.is_empty() {
        return Ok(());
    }
    let mut statement = Statement::new(engine, catalog, crate::exec::Facts::default());
    ddl::run(&mut statement, &drop_of(&left)).await?;
    Ok(())
}
