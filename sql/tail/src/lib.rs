//! The tail of the log in memory: versions of rows that are not yet, or only
//! just, in immutable objects.
//!
//! ```text
//! log -> Tail::apply -> table: index   key -> versions (ts, chunk, row | deleted)
//!                              chunks  [sealed: arrow columns] ... [raw] [open: row bytes]
//!                              floors  (upto, at): objects hold what is <= upto, for readers at >= at
//!
//! a reader at S sees, of each key, the newest version with floor(S) < ts <= S;
//! where there is one it hides the key's row in objects, where there is none the
//! objects decide
//! ```
//!
//! Invariants
//! - L1: records are applied in log order by one caller; `applied` moves only
//!   after the whole record is in. A reader at S waits for `applied >= S`.
//! - L2: what a reader at S sees never changes: versions carry the half-open span
//!   of timestamps in which they are the newest, and only ends in the future move.
//! - L3: nothing that a snapshot at or above the horizon sees is freed; below the
//!   horizon reading is refused ([`TailError::TooOld`]), never answered wrong.
//! - L4: a row of a table, or of a version of its definition, that is not known yet
//!   stays as bytes until it is.
//! - L5: a flush whose record has timestamp `at` and whose objects hold everything
//!   up to `upto` changes nothing for readers below `at` (they go on with the
//!   tail), and hides the entries up to `upto` from readers at or above `at` (they
//!   have the objects). The entries go once the horizon has passed `at`.
//!   A caller makes the objects known *before* it calls
//!   [`Tail::drop_through`], and both before the flush's own record is applied.
//!   In the order of this sentence a reader sees a row twice (harmless: the tail's
//!   entry hides the same row in the object), and never not at all.
//! - L6: a reader copies what it needs under a table's lock and works outside; the
//!   applier waits for at most one such copy, or one bounded step of `prune`.
//!
//! Not here: objects and manifests, merging (`sql`), the log itself (`api::log`),
//! row and key bytes (`value`).

mod chain;
mod chunk;
pub mod columns;
mod error;
mod gather;
mod horizon;
mod key;
mod limits;
mod shape;
pub mod table;
mod tail;
mod wait;

pub use error::TailError;
pub use horizon::Pin;
pub use key::Key;
pub use limits::Limits;
pub use shape::TableShape;
pub use table::{
    ChunkView, Direction, Frozen, FrozenBatch, KeyRange, Lookup, RangeCursor, RangeEntry, RowRef,
    Scan, TableStatus, TableTail,
};
pub use tail::Tail;
pub use wait::WaitFor;

#[cfg(test)]
mod tests;
