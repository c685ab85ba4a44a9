//! What the rows of a table look like, by version of its definition.

use std::sync::Arc;

use holdfast_base::TableId;
use holdfast_value::{SqlType, Value};

use crate::TailError;

/// A version of a table's definition, as far as rows are concerned. A later version
/// has the slots of the one before and may add some; a slot is never reused.
#[derive(Clone, Debug)]
pub struct TableShape {
    /// The table or index.
    pub table: TableId,
    /// The type of each slot.
    pub slots: Vec<SqlType>,
    /// What rows have in a slot that was added after they were written.
    pub defaults: Vec<Value>,
    /// The version that log records name as `schema`.
    pub version: u32,
}

impl TableShape {
    /// Checks that it is whole, and that it continues `before`.
    pub(crate) fn check(&self, before: Option<&Arc<Self>>) -> Result<(), TailError> {
        let refuse =
            |what| Err(TailError::Shape { table: self.table, version: self.version, what });
        if self.slots.len() != self.defaults.len() {
            return refuse("it has not one default for each slot");
        }
        for (of, value) in self.slots.iter().zip(&self.defaults) {
            crate::columns::one(of, value)?;
        }
        let Some(before) = before else { return Ok(()) };
        if self.slots.len() < before.slots.len() || before.version > self.version {
            return refuse("it has fewer slots, or a lower version, than the one before");
        }
        let same = |(new, old): (&SqlType, &SqlType)| {
            crate::columns::data_type(new) == crate::columns::data_type(old)
        };
        if !self.slots.iter().zip(&before.slots).all(same) {
            return refuse("a slot's type changed in a way that its stored values do not follow");
        }
        Ok(())
    }

    /// The types and defaults of some slots.
    pub(crate) fn check_slots(&self, slots: &[usize]) -> Result<(), TailError> {
        match slots.iter().find(|slot| **slot >= self.slots.len()) {
            Some(&given) => {
                Err(TailError::Slot { table: self.table, slots: self.slots.len(), given })
            }
            None => Ok(()),
        }
    }
}
