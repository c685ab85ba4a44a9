//! Functions of JSON documents.
//!
//! Invariants
//! - J1: no document is deeper than [`doc::DEPTH_MAX`], so what walks one may recurse.
//!
//! Not here: JSON in a column (`holdfast_value`), JSON_TABLE (`sql`).

pub(crate) mod change;
pub(crate) mod doc;
pub(crate) mod make;
pub(crate) mod path;
pub(crate) mod read;
pub(crate) mod search;
