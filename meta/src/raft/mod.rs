//! Raft: openraft over our log, our store and a network inside the process.
//!
//! ```text
//! node     one replica: its drive, log, store and Raft, opened and fenced together
//! types    what openraft is told about our types
//! journal  openraft's log storage over `crate::log`
//! machine  openraft's state machine over `crate::state`
//! network  calls between the replicas of this process
//! ```
//!
//! `Raft<Types, Machine>` is compiled in `node` and nowhere else: it is a minute's
//! work for the compiler.
//!
//! Not here: batching and sessions (`crate::service`).

pub mod journal;
pub mod machine;
pub mod network;
pub mod node;
pub mod snapshot;
pub mod types;

#[cfg(test)]
mod tests;
