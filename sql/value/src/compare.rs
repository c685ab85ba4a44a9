//! How values of two types compare.

use crate::{Collation, Context, SqlType, Value, ValueError};
use std::cmp::Ordering;

/// As what two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named for what they are")]
pub enum Comparison {
    Int,
    Decimal,
    Double,
    Date,
    DateTime,
    Time,
    Text(Collation),
    Bytes,
    Json,
}

impl Comparison {
    /// How values of these types compare.
    pub fn of(left: &SqlType, right: &SqlType) -> Self {
        let _ = (left, right);
        Self::Double
    }
    /// The order; `None` where one is NULL.
    ///
    /// # Errors
    /// A text that is no date (1525).
    pub fn compare(
        &self,
        left: &Value,
        right: &Value,
        context: &mut Context,
    ) -> Result<Option<Ordering>, ValueError> {
        let _ = (left, right, context);
        Ok(None)
    }
}

/// The total order of the values of one column, NULL first.
pub fn order(left: &Value, right: &Value, of: &SqlType) -> Ordering {
    let _ = (left, right, of);
    Ordering::Equal
}
