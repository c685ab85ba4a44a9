//! The state machine: rows in an ordered store, changed by entries of the log.
//!
//! ```text
//! entry bytes -> entry::decode -> apply (one family of commands each) -> txn -> store
//! question    -> query (a view of the rows)                           <- view <-'
//! ```
//!
//! Reading order: `tables` (what there is), `apply` (what changes it), then a family.
//!
//! Not here: Raft (`crate::raft`), batching, sessions' proposer side, deadlines (`crate::service`).

pub mod apply;
mod bodies;
mod buckets;
mod drives;
pub mod entry;
pub mod error;
mod heal;
mod keys;
mod objects;
pub mod pages;
pub mod query;
mod records;
pub mod rows;
mod sessions;
pub mod store;
pub mod tables;
pub mod txn;
mod uploads;

pub use entry::{Applied, Entry, Op};
pub use error::StateError;
pub use sessions::WINDOW_MAX;
pub use store::{Step, Store, View};

#[cfg(test)]
mod tests;
