//! Bodies over many drives.
//!
//! ```text
//! PUT   put -> seat, stripe (copy, code, hash) -> placement -> spread (write, replace, sync) <- acknowledge
//! GET   get -> fetch (verify) <- gather, hedge
//! keep  report -> heal (rebuild) ; collect (garbage, orphans) <- lease, claim
//! ```
//!
//! `acknowledge`, `placement` and `gather` are pure: events in, decisions out.
//! `store` is what the house sees; `background` runs what the store does for itself.
//!
//! Not here: one drive's shards (`shard`), the arithmetic (`codec`), what is
//! visible to whom (the metadata).

mod acknowledge;
mod background;
mod budget;
mod census;
mod claim;
mod collect;
mod drives;
mod fetch;
mod gather;
mod get;
mod heal;
mod hedge;
mod lease;
mod pace;
mod placement;
mod put;
mod rebuild;
mod report;
mod scrub;
mod seat;
mod spread;
mod store;
mod stripe;
mod verify;

#[cfg(test)]
mod tests;

pub use collect::Collected;
pub use heal::Healed;
pub use scrub::Scrubbed;
pub use store::{Config, Store, WRITE_BYTES_MAX};
