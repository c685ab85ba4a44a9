//! Is what a drive gave back what was written? Bottom-up, to the metadata.
//!
//! ```text
//! bytes --leaf hash--> leaves --root--> header's roots --seal--> metadata's record
//! ```
//!
//! Invariants
//! - O3: nothing leaves here that is not covered by the seal.
//! - Y1: what comes from a drive is checked, never asserted: lengths and counts too.
//!
//! Not here: what is done about a bad shard (`gather`, `report`, `heal`).

use bytes::Bytes;
use holdfast_api::blob::BlobRecord;
use holdfast_api::drive::{ShardBytes, ShardHead, ShardRange};
use holdfast_base::checksum::{leaf, leaf_count, root, seal};
use holdfast_base::limits::LEAF_BYTES;

/// Bytes of a shard, proved.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The shard's header; its roots are proved, its owner is as the drive said.
    pub head: ShardHead,
    /// Where in the payload `bytes` begins.
    pub from: usize,
    /// Whole leaves.
    pub bytes: Bytes,
}

impl Verified {
    /// The bytes `from..to` of the payload, if they are here.
    pub fn slice(&self, from: usize, to: usize) -> Option<Bytes> {
        let start = from.checked_sub(self.from)?;
        let end = to.checked_sub(self.from)?;
        (start <= end && end <= self.bytes.len()).then(|| self.bytes.slice(start..end))
    }
}

/// Checks a record that came from the metadata before anything relies on its shape.
pub fn record_is_legal(record: &BlobRecord) -> bool {
    let shards = record.layout.geometry.shards();
    record.layout.is_legal()
        && record.drives.len() == shards
        && record.missing.iter().all(|&shard| usize::from(shard) < shards)
}

/// Proves `found` to be bytes `range` of the shard, by the blob's `record`.
///
/// # Errors
/// What is wrong, in words.
pub fn verify(
    record: &BlobRecord,
    range: ShardRange,
    found: ShardBytes,
) -> Result<Verified, &'static str> {
    let shard_bytes = record.layout.shard_bytes();
    let ShardBytes { head, leaves, first_leaf, bytes } = found;
    if head.shard != range.shard || head.layout != record.layout {
        return Err("the header is another shard's");
    }
    if head.roots.len() != record.layout.geometry.shards()
        || leaves.len() != leaf_count(shard_bytes as u64)
    {
        return Err("the header has another shape");
    }
    if seal(range.shard.blob, &head.roots) != record.seal {
        return Err("the roots are not those of the metadata");
    }
    if head.roots[usize::from(range.shard.index.0)] != root(range.shard, &leaves) {
        return Err("the leaves are not those of the root");
    }
    let from = first_leaf.saturating_mul(LEAF_BYTES);
    let end = from.saturating_add(bytes.len());
    let whole = end == shard_bytes || end.is_multiple_of(LEAF_BYTES);
    if from > range.from || end < range.to || end > shard_bytes || !whole {
        return Err("other bytes than those asked for");
    }
    for (index, bytes) in bytes.chunks(LEAF_BYTES).enumerate() {
        if leaf(range.shard, first_leaf + index, bytes) != leaves[first_leaf + index] {
            return Err("the bytes are not those of the leaf");
        }
    }
    Ok(Verified { head, from, bytes })
}
