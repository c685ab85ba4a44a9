//! What the tail refuses.

use arrow::error::ArrowError;
use holdfast_base::{Remedy, TableId, Ts};
use holdfast_value::ValueError;

/// Why the tail did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum TailError {
    /// L1.
    #[error("a record of {given} came after one of {applied}")]
    OutOfOrder { given: Ts, applied: Ts },
    /// L3.
    #[error("a snapshot at {given} is below the horizon {horizon}")]
    TooOld { given: Ts, horizon: Ts },
    /// A flush of what is not there yet.
    #[error("{given} is not applied yet, {applied} is")]
    NotApplied { given: Ts, applied: Ts },
    /// A flush that does not follow the one before, or covers its own record.
    #[error("a flush of table {table} up to {upto} at {at} does not follow the last one")]
    Flush { table: TableId, upto: Ts, at: Ts },
    /// The table's columns are not known yet (L4).
    #[error("table {0} is not defined in the tail yet")]
    Undefined(TableId),
    /// A definition that does not continue the one before.
    #[error("table {table} version {version}: {what}")]
    Shape { table: TableId, version: u32, what: &'static str },
    /// A slot that the table has not.
    #[error("table {table} has {slots} slots, {given} was asked for")]
    Slot { table: TableId, slots: usize, given: usize },
    /// A stored row that does not parse, or a value that is not of its column's type.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// Columns that arrow refuses to put together.
    #[error("could not put columns together")]
    Columns(#[from] ArrowError),
}

impl TailError {
    /// What the caller should do next.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::TooOld { .. } | Self::NotApplied { .. } | Self::Undefined(_) => Remedy::RetryHere,
            Self::OutOfOrder { .. } | Self::Flush { .. } | Self::Value(_) | Self::Columns(_) => {
                Remedy::Stop
            }
            Self::Shape { .. } | Self::Slot { .. } => Remedy::Refuse,
        }
    }
}
