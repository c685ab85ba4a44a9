//! Runs bound statements.
//!
//! ```text
//! SELECT   rows (few rows, by key) or frame (DataFusion)
//! change   compute at a timestamp -> workspace + locks -> lock -> changed meanwhile? again
//! COMMIT   transaction::commit -> TxnService
//! ```

pub mod aggregate;
pub mod change;
pub mod load;
pub mod path;
pub mod rows;
pub mod rules;
pub mod scan;
pub mod select;
pub mod sequence;
pub mod transaction;
pub mod vectors;
pub mod view;
pub mod workspace;

use std::sync::Arc;

use holdfast_value::{Context, SqlType, Value};

use crate::catalog::temporary::Temporary;
use crate::catalog::{Catalog, Table};
use crate::engine::Engine;
use crate::error::Result;
use crate::expr::eval::{Env, Layout};
use crate::session::seen::Diagnostics;
use crate::session::variables::Variables;

pub use crate::expr::eval::Facts;

/// What a running statement knows: the session's part of it stays from one to the next.
pub struct Statement {
    /// The server.
    pub engine: Arc<Engine>,
    /// The catalog that it was bound by.
    pub catalog: Arc<Catalog>,
    /// Settings of evaluation, and the warnings so far.
    pub context: Context,
    /// The session.
    pub facts: Facts,
    /// The session's system variables.
    pub variables: Variables,
    /// The parameters.
    pub params: Vec<Value>,
    /// IGNORE: what does not fit is made to fit.
    pub ignores: bool,
    /// What the statement before had to say: SHOW WARNINGS.
    pub before: Diagnostics,
    /// CLIENT_FOUND_ROWS: affected rows are those found.
    pub found_rows: bool,
    /// The session's temporary tables.
    pub temporary: Temporary,
    /// CREATE TABLE AS makes the table only: its rows come from the session.
    pub fills_later: bool,
}

impl Statement {
    /// For a new session.
    pub fn new(engine: &Arc<Engine>, catalog: Arc<Catalog>, facts: Facts) -> Self {
        Self {
            engine: Arc::clone(engine),
            catalog,
            context: Context::default(),
            facts,
            variables: Variables::new(&engine.globals),
            params: Vec::new(),
            ignores: false,
            before: Diagnostics::default(),
            found_rows: false,
            temporary: Temporary::default(),
            fills_later: false,
        }
    }

    /// Looks at the newest catalog, with the session's temporary tables.
    ///
    /// # Errors
    /// The catalog does not load.
    pub fn look(&mut self) -> Result<()> {
        self.catalog = self.temporary.over(&self.engine.catalog()?)?;
        Ok(())
    }

    /// What the statement before had to say.
    pub fn diagnostics(&self) -> &Diagnostics {
        &self.before
    }

    /// Evaluates over a row.
    ///
    /// # Errors
    /// What `work` gives.
    pub fn with_row<T>(
        &mut self,
        layout: &Layout,
        row: &[Value],
        work: impl FnOnce(&mut Env<'_>) -> Result<T>,
    ) -> Result<T> {
        let Self { engine, context, facts, variables, params, .. } = self;
        let system = |name: &str, global: bool| variables.get(name, global);
        work(&mut Env { row, layout, params, facts, system: &system, rng: &*engine.rng, context })
    }

    /// Evaluates without a row.
    ///
    /// # Errors
    /// What `work` gives.
    pub fn with<T>(&mut self, work: impl FnOnce(&mut Env<'_>) -> Result<T>) -> Result<T> {
        self.with_row(&Layout::default(), &[], work)
    }

    /// TIMESTAMPs of a stored row become the session's.
    pub fn localize(&self, table: &Table, values: &mut [Value]) {
        for at in &table.timestamps {
            if let Value::DateTime(micros) = &mut values[*at] {
                *micros = self.context.zone.from_utc(*micros);
            }
        }
    }

    /// TIMESTAMPs of the session become a stored row's.
    pub fn globalize(&self, table: &Table, values: &mut [Value]) {
        for at in &table.timestamps {
            if let Value::DateTime(micros) = &mut values[*at] {
                *micros = self.context.zone.to_utc(*micros);
            }
        }
    }
}

/// The type of a value that has none: what a user variable or a parameter brings.
pub fn natural_type(value: &Value) -> SqlType {
    use holdfast_value::{Collation, LobSize};
    match value {
        Value::Null => SqlType::Null,
        Value::Int(_) => SqlType::BIGINT,
        Value::UInt(_) => SqlType::BIGINT_UNSIGNED,
        Value::Decimal(value) => SqlType::Decimal {
            precision: value.precision().max(value.scale).max(1),
            scale: value.scale,
            unsigned: false,
        },
        Value::Double(_) => SqlType::DOUBLE,
        Value::Text(text) => {
            let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
            crate::bind::text_type(length, Collation::default())
        }
        Value::Bytes(bytes) => match u32::try_from(bytes.len()) {
            Ok(length) if length < 65_536 => SqlType::VarBinary(length),
            _ => SqlType::Blob(LobSize::Long),
        },
        Value::Date(_) => SqlType::Date,
        Value::DateTime(_) => SqlType::DateTime(6),
        Value::Time(_) => SqlType::Time(6),
        Value::Json(_) => SqlType::Json,
    }
}
