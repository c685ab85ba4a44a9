//! Functions of strings.
//!
//! Positions count from 1 and count characters of texts, bytes of bytes.
//!
//! Not here: LIKE (`ops`), regular expressions (`regexp`).

pub(crate) mod code;
pub(crate) mod cut;
pub(crate) mod find;
pub(crate) mod join;
pub(crate) mod letter;
pub(crate) mod list;
pub(crate) mod number;
