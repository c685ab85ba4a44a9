//! How a blob is cut, and what the metadata remembers of it.
//!
//! ```text
//! blob      | stripe 0: unit 0 | unit 1 | .. unit k-1 | stripe 1: ... | last stripe, shorter units |
//! shard i   | unit i of stripe 0 | unit i of stripe 1 | ... |     i < k; parity shards i >= k alike
//! ```
//!
//! Every unit of a stripe has one length: `UNIT_BYTES`, in the last stripe
//! the least multiple of `UNIT_ALIGN` that holds what is left. The tail of the last
//! data unit is padded with zeros that are stored, hashed and coded.
//!
//! Invariants
//! - L1: every shard of a blob has the same length, `shard_bytes()`, a multiple of `UNIT_ALIGN`.
//! - L2: `1 <= len <= blob_bytes_max(geometry)`: an empty object has no blob.

use holdfast_base::limits::{BLOB_BYTES_MAX, SHARD_BYTES_MAX, UNIT_BYTES};
use holdfast_base::{CodecId, DriveNo, Geometry, Hash};
use serde::{Deserialize, Serialize};

/// Lengths of units are multiples of it: the codecs' vector width. [bytes]
pub const UNIT_ALIGN: usize = 64;

/// The cut of one blob; fixed at its birth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobLayout {
    /// Data and parity shards.
    pub geometry: Geometry,
    /// What made the parity.
    pub codec: CodecId,
    /// Bytes of user data, without padding.
    pub len: u32,
}

/// Where one stripe lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stripe {
    /// Its first byte in the blob. [bytes]
    pub blob_at: usize,
    /// Where its units begin in every shard. [bytes]
    pub shard_at: usize,
    /// The length of each of its units. [bytes]
    pub unit: usize,
}

/// What the metadata remembers of one blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobRecord {
    /// Where its first byte lies in the body: blobs of one body may differ in length. [bytes]
    pub at: u64,
    /// How it is cut.
    pub layout: BlobLayout,
    /// BLAKE3 over the roots of all shards (`base::checksum::seal`).
    pub seal: Hash,
    /// The drive of each shard, data first; `geometry.shards()` of them.
    pub drives: Vec<DriveNo>,
    /// Shards (by index) that were not durable when it was committed, or were
    /// found bad since: what the heal queue owes it. Empty for a whole blob.
    pub missing: Vec<u8>,
}

impl BlobLayout {
    /// The cut of `len` bytes. L2 is the caller's to keep.
    pub fn new(geometry: Geometry, len: usize) -> Self {
        debug_assert!((1..=blob_bytes_max(geometry)).contains(&len), "L2: {len} at {geometry}");
        Self { geometry, codec: geometry.codec(), len: len as u32 }
    }

    /// True where L2 holds: check it on what comes from a disk or a network.
    pub fn is_legal(&self) -> bool {
        (1..=blob_bytes_max(self.geometry)).contains(&(self.len as usize))
    }

    /// Bytes of user data in a full stripe.
    pub fn stripe_bytes(&self) -> usize {
        self.geometry.k() * UNIT_BYTES
    }

    /// Number of stripes.
    pub fn stripes(&self) -> usize {
        (self.len as usize).div_ceil(self.stripe_bytes())
    }

    /// Stripe number `index`, from 0.
    pub fn stripe(&self, index: usize) -> Stripe {
        let blob_at = index * self.stripe_bytes();
        let left = (self.len as usize).saturating_sub(blob_at);
        let unit = if left >= self.stripe_bytes() {
            UNIT_BYTES
        } else {
            left.div_ceil(self.geometry.k()).next_multiple_of(UNIT_ALIGN)
        };
        Stripe { blob_at, shard_at: index * UNIT_BYTES, unit }
    }

    /// L1: the length of every shard's payload. [bytes]
    pub fn shard_bytes(&self) -> usize {
        let last = self.stripe(self.stripes() - 1);
        last.shard_at + last.unit
    }
}

/// The most bytes that a blob of this geometry holds: whole stripes.
pub fn blob_bytes_max(geometry: Geometry) -> usize {
    let stripe = geometry.k() * UNIT_BYTES;
    (geometry.k() * SHARD_BYTES_MAX).min(BLOB_BYTES_MAX) / stripe * stripe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stripes_cover_the_blob_and_units_the_shard() {
        for geometry in ["1+0", "2+1", "4+2", "12+4", "48+16"] {
            let geometry: Geometry = geometry.parse().unwrap();
            let max = blob_bytes_max(geometry);
            for len in [1, 63, 4097, 65_536, 262_144, 262_145, max - 1, max] {
                let layout = BlobLayout::new(geometry, len);
                let mut shard_at = 0;
                for index in 0..layout.stripes() {
                    let stripe = layout.stripe(index);
                    assert_eq!(stripe.shard_at, shard_at, "{geometry} {len}");
                    assert_eq!(stripe.unit % UNIT_ALIGN, 0, "L1 {geometry} {len}");
                    shard_at += stripe.unit;
                }
                assert_eq!(shard_at, layout.shard_bytes());
                assert!(shard_at * geometry.k() >= len && shard_at <= SHARD_BYTES_MAX);
            }
        }
    }
}
