//! The shards of one drive.
//!
//! ```text
//! drive.json                  whose drive this is                       identity
//! segment-0000000000000001    | heads | group | group | ... | footer |  segment
//! group                       | frame | frame | ...    to whole blocks | one write
//! frame                       | header, leaf hashes | payload |         frame
//! ```
//!
//! A write goes `store -> writer -> disk -> index`, a read `store -> index -> disk`.
//! `prepare` fills segments with zeros ahead of use, `clean` gives space back, `watch`
//! looks whether the drive is still there, `health` ends it all when it is not.
//! At start `recover` reads footers, and scans (`scan`) what has none.
//!
//! The invariants are in the files, with their letters: C scan, D read, F frame, I index,
//! K clean, L health, P prepare, R recover, S segment, W writer.
//!
//! Not here: which drive gets which shard, what counts as enough (`object`).

mod clean;
pub mod frame;
mod group;
mod health;
pub mod identity;
mod index;
mod prepare;
mod read;
mod recover;
mod scan;
mod segment;
mod shared;
mod store;
mod watch;
mod writer;

#[cfg(test)]
mod tests;

pub use frame::room;
pub use identity::{Identity, IdentityError};
pub use shared::{Options, World};
pub use store::{OpenError, ShardStore};
