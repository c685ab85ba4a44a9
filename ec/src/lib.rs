//! The storage engine.
//!
//! ```text
//! PUT   object::put -> object::stripe -> codec -> shard (every drive) -> acknowledge -> metadata
//! GET   object::get -> shard -> verify, decode if short -> bytes
//! ```
//!
//! - `codec`: Reed-Solomon, by SIMD
//! - `shard`: the shards of one drive: segments, frames, group commit, index, recovery
//! - `object`: bodies over many drives: stripes, placement, acknowledgement, reads, heal, collection

pub mod codec;
pub mod object;
pub mod shard;
