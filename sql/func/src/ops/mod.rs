//! Operators, under the names that SQL gives them.

pub(crate) mod arithmetic;
pub(crate) mod convert;
pub(crate) mod logic;
pub(crate) mod pattern;
pub(crate) mod relation;
