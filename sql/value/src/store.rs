//! A value as a column's.

use crate::{Context, SqlType, Value, ValueError};

/// A column that a value goes into.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// For messages.
    pub name: &'a str,
    /// Its type.
    pub of: &'a SqlType,
    /// Whether NULL may be.
    pub nullable: bool,
}

/// Where a value comes from, and what happens to one that does not fit.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Its type.
    pub of: &'a SqlType,
    /// For messages, from 1.
    pub row: u64,
    /// INSERT IGNORE and the like.
    pub ignore: bool,
}

/// `value` as the column has it.
///
/// # Errors
/// What does not fit, unless `ignore` or not strict.
pub fn store(
    value: Value,
    source: &Source<'_>,
    target: &Target<'_>,
    context: &mut Context,
) -> Result<Value, ValueError> {
    let _ = (source, target, context);
    Ok(value)
}
