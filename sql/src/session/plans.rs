//! Plans of prepared statements: what binding made of one, for as long as it would make
//! the same of it again.
//!
//! - P1: a plan is used only under the catalog, the settings, the current database and
//!   the parameters' types that it was made under.
//! - P2: rights and the transaction's snapshot are checked at each execution.
//!
//! Not here: what a statement without parameters that is sent as text costs: it is parsed
//! and bound each time.

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_base::TableId;
use holdfast_value::SqlType;
use parking_lot::Mutex;

use super::run::Session;
use super::variables::Settings;
use crate::algebra::Query;
use crate::catalog::{Catalog, Table};
use crate::error::Result;
use crate::exec::change::Change;

/// A prepared statement's plan; none: it was not executed yet, or cannot be kept.
pub type Slot = Arc<Mutex<Option<Arc<Plan>>>>;

/// The tables that a statement names.
pub type Tables = BTreeMap<TableId, Arc<Table>>;

/// A plan, and what it was made under (P1).
pub struct Plan {
    catalog: Arc<Catalog>,
    settings: Settings,
    database: Option<String>,
    types: Vec<SqlType>,
    /// The tables.
    pub tables: Tables,
    /// What binding made.
    pub bound: Bound,
}

/// What binding made.
pub enum Bound {
    /// A query.
    Query(Arc<Query>),
    /// A change, and the rights that it needs.
    Change(Box<Change>, Vec<(Arc<Table>, u64)>),
}

impl Session {
    /// The plan of the statement that runs, if it is still good.
    ///
    /// # Errors
    /// 1412: a table was changed after the transaction's snapshot.
    pub(super) fn plan(&mut self) -> Result<Option<Arc<Plan>>> {
        let Some(slot) = &self.slot else { return Ok(None) };
        let Some(plan) = slot.lock().clone() else { return Ok(None) };
        self.refresh()?;
        let statement = &self.statement;
        let types = statement.params.iter().map(crate::exec::natural_type);
        let is_good = Arc::ptr_eq(&plan.catalog, &statement.catalog)
            && plan.settings == *statement.variables.settings()
            && plan.database == statement.facts.database
            && statement.facts.variables.is_empty()
            && plan.types.iter().cloned().eq(types);
        if !is_good {
            return Ok(None);
        }
        self.check_snapshot(&plan.tables)?;
        Ok(Some(plan))
    }

    /// Keeps what binding made.
    pub(super) fn keep_plan(&self, bound: impl FnOnce() -> Bound, tables: &Tables) {
        let statement = &self.statement;
        // A user variable's type is whatever it was set to last.
        let Some(slot) = self.slot.as_ref().filter(|_| statement.facts.variables.is_empty()) else {
            return;
        };
        *slot.lock() = Some(Arc::new(Plan {
            catalog: Arc::clone(&statement.catalog),
            settings: *statement.variables.settings(),
            database: statement.facts.database.clone(),
            types: statement.params.iter().map(crate::exec::natural_type).collect(),
            tables: tables.clone(),
            bound: bound(),
        }));
    }
}
