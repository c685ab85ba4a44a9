//! The transaction node: timestamps, locks, conflicts, commits.
//!
//! ```text
//! TxnService --> node (waits, time) --> core (decisions) --> appender --> LogService
//!                                                                          ^
//!                         the tail of the same process --> cache ----------+
//! ```
//!
//! - [`TxnNode`] is `api::txn` over any `api::log`
//! - [`TailedLog`] is a log that answers its followers from memory
//!
//! A COMMIT goes `node` -> `core::commit` (validate, stamp) -> `appender` (batch) ->
//! the log (the commit point) -> `core::commit` (accept) -> locks go, the answer.

mod appender;
mod cache;
mod config;
mod core;
mod lease;
mod node;
mod recover;
#[cfg(test)]
mod tests;

pub use cache::TailedLog;
pub use config::{TxnConfig, TxnLimits};
pub use node::TxnNode;
