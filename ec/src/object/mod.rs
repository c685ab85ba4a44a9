//! Bodies over many drives.
//!
//! ```text
//! PUT   put -> stripe (copy, code, hash) -> placement -> spread (write, replace, sync) <- acknowledge
//! GET   get -> fetch (verify) <- gather, hedge
//! keep  report -> heal (rebuild) ; collect (garbage, orphans) <- lease, claim
//! ```
//!
//! `acknowledge`, `placement` and `gather` are pure: events in, decisions out.
//! `store` is what the house sees.
//!
//! Not here: one drive's shards (`shard`), the arithmetic (`codec`), what is
//! visible to whom (the metadata).

mod acknowledge;
mod budget;
mod claim;
mod drives;
mod fetch;
mod gather;
mod get;
mod hedge;
mod lease;
mod placement;
mod put;
mod rebuild;
mod report;
mod spread;
mod store;
mod stripe;
mod verify;

pub use store::{Config, Store, WRITE_BYTES_MAX};
