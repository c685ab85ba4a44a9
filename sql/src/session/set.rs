//! SET, LOCK TABLES.

use std::time::Duration;

use holdfast_api::txn::{LockWait, Lockable};
use holdfast_syntax::ast;
use holdfast_syntax::statement::{LockTable, Scope, SetItem, SetValue};
use holdfast_value::Value;

use super::grants;
use super::run::{Answer, Session, done};
use crate::error::{Result, SqlError};
use crate::exec::transaction::Locks;

impl Session {
    pub(super) async fn set(&mut self, items: &[SetItem]) -> Result<Answer> {
        for item in items {
            self.set_item(item).await?;
        }
        Ok(done())
    }

    async fn set_item(&mut self, item: &SetItem) -> Result<()> {
        match item {
            SetItem::User { name, value } => {
                let mut value = value.clone();
                self.settle_late_expr(&mut value).await?;
                let (value, of) = self.value_of(&value).await?;
                let name = name.to_ascii_lowercase();
                self.statement.facts.variables.insert(name, (value, of));
                Ok(())
            }
            SetItem::Variable { scope, name, value } => {
                self.set_variable(*scope, name, value).await
            }
            SetItem::Names { charset, collation } => {
                self.statement.variables.set_names(charset.as_deref(), collation.as_deref())
            }
            SetItem::CharacterSet(charset) => {
                self.statement.variables.set_character_set(charset.as_deref())
            }
            SetItem::Transaction { scope, isolation, read_only } => {
                if *scope == Scope::Global {
                    grants::check_set_global(&self.account)?;
                }
                if *scope == Scope::Next && self.in_transaction() {
                    return Err(SqlError::new(
                        1568,
                        "Transaction characteristics can't be changed while a transaction is in progress",
                    ));
                }
                self.statement.variables.set_transaction(*scope, *isolation, *read_only)
            }
            SetItem::Password { user, password } => {
                self.set_password(user.as_ref(), password).await
            }
        }
    }

    async fn set_variable(&mut self, scope: Scope, name: &str, value: &SetValue) -> Result<()> {
        if matches!(scope, Scope::Global | Scope::Persist | Scope::PersistOnly) {
            grants::check_set_global(&self.account)?;
        }
        let was_autocommit = self.autocommit();
        let effect = match value {
            SetValue::Default => self.statement.variables.set_default(scope, name)?,
            SetValue::Expr(expr) => {
                let value = match word(expr) {
                    Some(word) => Value::text(word),
                    None => self.value_of(expr).await?.0,
                };
                self.statement.variables.set(scope, name, &value)?
            }
        };
        if let Some(warning) = effect.warning {
            self.statement.context.warn(warning);
        }
        match effect.name {
            "last_insert_id" | "identity" => {
                let id = self.statement.variables.moment.last_insert_id;
                self.statement.facts.last_insert_id = id;
            }
            // Turning autocommit on ends what is open, as in MySQL.
            "autocommit" if !was_autocommit && self.autocommit() => self.commit_open().await?,
            _ => {}
        }
        Ok(())
    }

    /// LOCK TABLES: whole tables, until UNLOCK TABLES or the transaction's end.
    pub(super) async fn lock_tables(&mut self, tables: &[LockTable]) -> Result<Answer> {
        self.commit_open().await?;
        let database = self.statement.facts.database.clone();
        let catalog = self.statement.engine.catalog()?;
        let mut locks = Locks::default();
        for lock in tables {
            let name = lock.table.db.as_deref().or(database.as_deref());
            let name = name.ok_or_else(SqlError::no_database_selected)?;
            if super::schema::find(name, &lock.table.name).is_some() {
                continue;
            }
            let entry = catalog.entry(name, &lock.table.name)?;
            let lockable = Lockable::Table(entry.id());
            match lock.write {
                true => locks.exclusive(lockable),
                false => locks.shared(lockable),
            }
        }
        let wait =
            LockWait::For(Duration::from_secs(self.statement.variables.settings().lock_wait_s));
        let engine = self.statement.engine.clone();
        let transaction = self.open(false).await?;
        let ts = engine.now().await?;
        transaction.lock(&engine, &locks, ts, wait).await?;
        self.has_locked_tables = true;
        Ok(done())
    }

    pub(super) async fn unlock_tables(&mut self) -> Result<Answer> {
        if std::mem::take(&mut self.has_locked_tables) {
            self.commit_open().await?;
        }
        Ok(done())
    }
}

/// `ON`, `utf8mb4`: a bare word is a text.
fn word(expr: &ast::Expr) -> Option<&str> {
    match expr {
        ast::Expr::Identifier(name) if !name.value.starts_with('@') => Some(&name.value),
        _ => None,
    }
}
