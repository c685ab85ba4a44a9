//! The metadata service: one replicated state machine for everything durable
//! that is not bulk bytes, and the transaction log inside it.
//!
//! ```text
//! execute -> service::queue -> service::propose -> raft -> log (durable on a quorum)
//!                                                    `--> state::apply -> outcome
//! query   -> service::read (new enough?) -> state::query
//! ```

mod log;
mod raft;
mod service;
mod state;

pub use service::{Ground, Meta, MetaConfig, OpenError, Place};

/// What the Raft library calls itself in logs, for log filters.
pub const RAFT_LOG_TARGET: &str = "openraft";
