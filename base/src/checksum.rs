//! Checksums: CRC32 for headers and frames, keyed BLAKE3 for shard bytes.
//!
//! ```text
//! payload of a shard   | leaf 0 16 KiB | leaf 1 | ... | leaf n, may be short |
//! leaf hash i          BLAKE3(key = shard id and i, bytes)     \
//! root of the shard    BLAKE3(key = shard id, all leaf hashes)  > checked bottom-up
//! seal of the blob     BLAKE3(key = blob id, all roots)        /
//! ```
//!
//! Invariants
//! - H1: every hash is keyed by what it belongs to, so that a lost or
//!   misdirected write cannot pass as another shard's bytes.
//! - H2: a leaf's position is part of its key. (In the key, not in the input:
//!   16 KiB are exactly 16 chunks of BLAKE3, which its SIMD wants.)
//!
//! The seal lives in the metadata, the roots in every shard's header, the
//! leaves beside the payload: a 4 KiB read verifies one leaf, not a megabyte.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{BlobId, ShardId};
use crate::limits::LEAF_BYTES;

/// A BLAKE3 hash, 256 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hash(pub [u8; 32]);

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..", hex::encode(&self.0[..6]))
    }
}

/// CRC32 (IEEE) over `parts` as if they were one.
pub fn crc32(parts: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize()
}

/// Number of leaves that cover `payload_bytes`; 0 for an empty payload.
pub const fn leaf_count(payload_bytes: u64) -> usize {
    payload_bytes.div_ceil(LEAF_BYTES as u64) as usize
}

/// The hash of leaf number `index` of a shard.
pub fn leaf(shard: ShardId, index: usize, bytes: &[u8]) -> Hash {
    debug_assert!(bytes.len() <= LEAF_BYTES, "H2: a leaf is at most {LEAF_BYTES} bytes");
    hash(&key(Kind::Leaf, shard.blob, shard.index.0, index as u32), bytes)
}

/// The hashes of all leaves of a shard's whole payload.
pub fn leaves(shard: ShardId, payload: &[u8]) -> Vec<Hash> {
    payload.chunks(LEAF_BYTES).enumerate().map(|(i, bytes)| leaf(shard, i, bytes)).collect()
}

/// The root over a shard's leaf hashes.
pub fn root(shard: ShardId, leaves: &[Hash]) -> Hash {
    let bytes: Vec<u8> = leaves.iter().flat_map(|leaf| leaf.0).collect();
    hash(&key(Kind::Root, shard.blob, shard.index.0, leaves.len() as u32), &bytes)
}

/// The seal over the roots of all `k + m` shards of a blob.
pub fn seal(blob: BlobId, roots: &[Hash]) -> Hash {
    let bytes: Vec<u8> = roots.iter().flat_map(|root| root.0).collect();
    hash(&key(Kind::Seal, blob, 0, roots.len() as u32), &bytes)
}

#[derive(Clone, Copy)]
enum Kind {
    Leaf = 1,
    Root = 2,
    Seal = 3,
}

/// `blob 20 | "hf" | kind | shard | number 4 | zeros 4`.
fn key(kind: Kind, blob: BlobId, shard: u8, number: u32) -> [u8; 32] {
    let mut key = [0; 32];
    key[..20].copy_from_slice(&blob.to_bytes());
    key[20..22].copy_from_slice(b"hf");
    key[22] = kind as u8;
    key[23] = shard;
    key[24..28].copy_from_slice(&number.to_le_bytes());
    key
}

fn hash(key: &[u8; 32], bytes: &[u8]) -> Hash {
    Hash(*blake3::keyed_hash(key, bytes).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::BodyId;

    #[test]
    fn equal_bytes_elsewhere_have_another_hash() {
        let blob = BodyId { born: 1, nonce: 2 }.blob(0);
        let bytes = [7; 100];
        let here = leaf(blob.shard(0), 0, &bytes);
        assert_ne!(here, leaf(blob.shard(1), 0, &bytes), "H1: another shard");
        assert_ne!(here, leaf(blob.shard(0), 1, &bytes), "H2: another position");
        assert_ne!(here, leaf(BodyId { born: 1, nonce: 2 }.blob(1).shard(0), 0, &bytes));
        assert_ne!(root(blob.shard(0), &[here]), seal(blob, &[here]));
    }

    #[test]
    fn crc_over_parts_is_crc_over_the_whole() {
        assert_eq!(crc32(&[b"123", b"456789"]), 0xcbf4_3926);
    }
}
