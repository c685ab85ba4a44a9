//! LOAD DATA LOCAL, as a session runs it: in steps, since its client sends the file
//! in between.
//!
//! ```text
//! begin_load -> Answer::Load -> load_more, load_more ... -> end_load
//!                                       errs or is dropped: undo_load
//! ```
//!
//! - Under autocommit the load is a transaction of its own; it is not tried again, as
//!   its file is gone.
//!
//! Not here: the rows (`exec::load`), the packets (`serve`).

use std::sync::Arc;

use holdfast_syntax::statement::{Duplicates, LoadData};
use holdfast_value::Value;

use super::grants::{self, privilege};
use super::run::{Answer, Outcome, Session};
use crate::bind::load::variable_of;
use crate::error::{Result, SqlError};
use crate::exec::load::Load;

impl Session {
    /// Checks and binds; the file is wanted from then on.
    pub(super) async fn begin_load(&mut self, load: &LoadData) -> Result<Answer> {
        self.check_source(load)?;
        // SET is bound by what the fields will be.
        for name in load.columns.iter().filter_map(variable_of) {
            let text = holdfast_value::SqlType::Text(
                holdfast_value::LobSize::Long,
                self.statement.variables.settings().collation,
            );
            self.statement.facts.variables.insert(name, (Value::Null, text));
        }
        let bound = self.bind(|binder| binder.load(load))?;
        let table = Arc::clone(&bound.insert.table);
        let need = match load.duplicates {
            Duplicates::Replace => privilege::INSERT | privilege::DELETE,
            Duplicates::Ignore | Duplicates::Fail => privilege::INSERT,
        };
        if !table.is_temporary {
            grants::check_table(&self.account, &table.database, &table.name, need)?;
        }
        let is_implicit = self.transaction.is_none() && self.autocommit();
        self.open(is_implicit).await?;
        let Self { statement, transaction, .. } = self;
        let Some(open) = transaction else { return Err(SqlError::internal("no transaction")) };
        match Load::begin(statement, open, (load, bound)) {
            Ok(load) => Ok(Answer::Load(Box::new(load))),
            Err(error) => {
                if is_implicit {
                    self.rollback();
                }
                Err(error)
            }
        }
    }

    /// Only clients have files, and only where both sides agree.
    fn check_source(&self, load: &LoadData) -> Result<()> {
        if !load.local {
            return Err(SqlError::new(
                1290,
                "The server is running with the --secure-file-priv option (NULL: it reads no files of its own) so it cannot execute this statement; use LOAD DATA LOCAL INFILE",
            ));
        }
        let is_on = self.statement.variables.get("local_infile", true);
        if !self.sends_files || !matches!(is_on, Some(Value::Int(1))) {
            return Err(SqlError::new(
                3948,
                "Loading local data is disabled; this must be enabled on both the client and server sides",
            ));
        }
        Ok(())
    }

    /// More of the file.
    ///
    /// # Errors
    /// MySQL's; the load is to be undone.
    pub(super) async fn load_more(&mut self, load: &mut Load, bytes: &[u8]) -> Result<()> {
        let Self { statement, transaction, .. } = self;
        let Some(open) = transaction else { return Err(SqlError::internal("no transaction")) };
        load.take(statement, open, bytes).await
    }

    /// The file has ended.
    ///
    /// # Errors
    /// As [`Session::load_more`].
    pub(super) async fn end_load(&mut self, load: &mut Load) -> Result<Outcome> {
        let Self { statement, transaction, .. } = self;
        let Some(open) = transaction else { return Err(SqlError::internal("no transaction")) };
        let done = load.finish(statement, open).await?;
        if open.is_implicit {
            self.commit_open().await?;
        }
        let info = format!(
            "Records: {}  Deleted: {}  Skipped: {}  Warnings: {}",
            done.records,
            done.deleted,
            done.records - done.copied,
            self.warnings()
        );
        let affected = done.copied + done.deleted;
        let outcome = Outcome { affected, info, ..Outcome::default() };
        self.note(&Ok(Answer::Done(outcome.clone())));
        if let Some(first) = done.last_insert_id {
            self.statement.facts.last_insert_id = first;
        }
        Ok(outcome)
    }

    /// Undoes a load that erred, and keeps what it had to say.
    pub(super) fn undo_load(&mut self, load: &Load, error: SqlError) -> SqlError {
        if let Some(open) = &mut self.transaction {
            load.undo(open);
            if open.is_implicit || error.ends_transaction() {
                self.rollback();
            }
        }
        let answer = Err(error.clone());
        self.note(&answer);
        error
    }
}
