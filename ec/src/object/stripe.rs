//! One blob while it fills: bytes go straight into the shards' frames, each
//! stripe is coded and hashed as soon as it is whole, while it is in the cache.
//!
//! ```text
//! frame of shard i   | room: the drive's header | unit of stripe 0 | unit of stripe 1 | ... | padding |
//! push   user bytes -> units 0..k of the current stripe, one copy
//! code   k units -> m parity units, leaf hashes of all k + m
//! ```
//!
//! The cut of the last stripe depends on the blob's length. `new` is told the
//! length that is expected; if less comes, `seal` cuts the last stripe anew
//! and moves the payload up to the smaller header (rare: S3 clients announce it).
//!
//! Invariants
//! - S1: bytes of a stripe that were coded never change.
//! - S2: padding, in units and in frames, is zeros; it is coded and hashed.
//!
//! Not here: when a blob begins and ends (`put`), the arithmetic (`codec`),
//! the cut itself (`api::blob`).

use std::sync::Arc;

use bytes::Bytes;
use holdfast_api::blob::{BlobLayout, BlobRecord, Stripe};
use holdfast_api::drive::{Owner, ShardHead, ShardWrite};
use holdfast_base::checksum::{leaf, leaf_count, root, seal};
use holdfast_base::limits::{BLOCK_BYTES, LEAF_BYTES};
use holdfast_base::{BlobId, DriveNo, Hash};
use holdfast_io::disk::Buf;

use super::budget::Share;
use crate::codec::Codec;
use crate::shard::frame::room;

/// What a blob is, before its bytes.
#[derive(Clone, Debug)]
pub struct Birth {
    /// Its id.
    pub blob: BlobId,
    /// Where it begins in its body. [bytes]
    pub at: u64,
    /// Its cut, for the length that is expected.
    pub layout: BlobLayout,
    /// Whose it is.
    pub owner: Owner,
}

/// A blob that takes bytes.
pub struct Filling {
    birth: Birth,
    codec: Arc<Codec>,
    room: usize,
    frames: Vec<Buf>,
    leaves: Vec<Vec<Hash>>,
    filled: usize,
    coded: usize,
    share: Share,
}

/// A blob that is coded and hashed, ready for its drives.
pub struct Sealed {
    /// What it is; the layout is final.
    pub birth: Birth,
    /// The hash over all roots.
    pub seal: Hash,
    /// Its shards, data first.
    pub writes: Vec<ShardWrite>,
    /// The budget that its frames take.
    pub share: Share,
}

/// What a shard of this blob needs before its payload, and its whole frame. [bytes]
pub fn frame_bytes(birth: &Birth) -> (usize, usize) {
    let head = head(birth, 0, vec![Hash([0; 32]); birth.layout.geometry.shards()]);
    let room = room(&head, leaf_count(birth.layout.shard_bytes() as u64));
    (room, (room + birth.layout.shard_bytes()).next_multiple_of(BLOCK_BYTES))
}

/// A shard's header.
pub fn head(birth: &Birth, shard: usize, roots: Vec<Hash>) -> ShardHead {
    ShardHead {
        shard: birth.blob.shard(shard),
        layout: birth.layout,
        roots,
        owner: birth.owner.clone(),
    }
}

impl Filling {
    /// An empty blob; `share` covers the frames of all its shards.
    pub fn new(birth: Birth, codec: Arc<Codec>, share: Share) -> Self {
        let (room, frame) = frame_bytes(&birth);
        let shards = birth.layout.geometry.shards();
        let count = leaf_count(birth.layout.shard_bytes() as u64);
        Self {
            codec,
            room,
            frames: (0..shards).map(|_| Buf::dirty(frame)).collect(),
            leaves: (0..shards).map(|_| Vec::with_capacity(count)).collect(),
            filled: 0,
            coded: 0,
            share,
            birth,
        }
    }

    /// Bytes that it has.
    pub fn len(&self) -> usize {
        self.filled
    }

    /// What it takes of the budget. [bytes]
    pub fn share_bytes(&self) -> usize {
        self.share.bytes()
    }

    /// True once it has the length that was expected.
    pub fn is_full(&self) -> bool {
        self.filled == self.birth.layout.len as usize
    }

    /// Takes bytes, to the end of the current stripe at most; codes the stripe when
    /// that makes it whole. That is the most that it computes: about k * 64 KiB.
    pub fn push(&mut self, bytes: &mut Bytes) {
        let layout = self.birth.layout;
        let stripe = layout.stripe(self.coded);
        let end = (stripe.blob_at + stripe.unit * layout.geometry.k()).min(layout.len as usize);
        while self.filled < end && !bytes.is_empty() {
            let within = self.filled - stripe.blob_at;
            let (unit, offset) = (within / stripe.unit, within % stripe.unit);
            let count = bytes.len().min(stripe.unit - offset).min(end - self.filled);
            let at = self.room + stripe.shard_at + offset;
            self.frames[unit][at..at + count].copy_from_slice(&bytes.split_to(count));
            self.filled += count;
        }
        if self.filled == end && !self.is_coded() {
            self.code(stripe);
        }
    }

    /// No more bytes come: codes what is left and computes roots and seal.
    /// L2: at least one byte was pushed.
    pub fn seal(mut self) -> Sealed {
        if !self.is_full() {
            self.shorten();
        }
        let birth = self.birth;
        let shards = birth.layout.geometry.shards();
        let roots: Vec<Hash> =
            (0..shards).map(|i| root(birth.blob.shard(i), &self.leaves[i])).collect();
        let seal = seal(birth.blob, &roots);
        let end = self.room + birth.layout.shard_bytes();
        let mut writes = Vec::with_capacity(shards);
        for (index, (mut buf, leaves)) in self.frames.into_iter().zip(self.leaves).enumerate() {
            buf[end..].fill(0); // S2
            let head = head(&birth, index, roots.clone());
            writes.push(ShardWrite { head, leaves, buf, room: self.room });
        }
        Sealed { birth, seal, writes, share: self.share }
    }

    fn is_coded(&self) -> bool {
        self.coded == self.birth.layout.stripes()
    }

    /// Pads, codes and hashes the stripe `self.coded`, whose user bytes are in place.
    fn code(&mut self, stripe: Stripe) {
        let k = self.birth.layout.geometry.k();
        let units = self.room + stripe.shard_at..self.room + stripe.shard_at + stripe.unit;
        let within = self.filled - stripe.blob_at;
        for unit in 0..k {
            let used = within.saturating_sub(unit * stripe.unit).min(stripe.unit);
            self.frames[unit][units.clone()][used..].fill(0); // S2
        }
        let (data, parity) = self.frames.split_at_mut(k);
        let data: Vec<&[u8]> = data.iter().map(|frame| &frame[units.clone()]).collect();
        let mut parity: Vec<&mut [u8]> =
            parity.iter_mut().map(|frame| &mut frame[units.clone()]).collect();
        self.codec
            .encode(&data, &mut parity)
            .expect("the layout's units are of one length and whole cache lines");
        for (index, frame) in self.frames.iter().enumerate() {
            let shard = self.birth.blob.shard(index);
            for bytes in frame[units.clone()].chunks(LEAF_BYTES) {
                let hash = leaf(shard, self.leaves[index].len(), bytes);
                self.leaves[index].push(hash);
            }
        }
        self.coded += 1;
    }

    /// Fewer bytes came than were expected: cuts the last stripe anew, moves
    /// the payload to the room of the smaller header, and codes what is left.
    fn shorten(&mut self) {
        let old = self.birth.layout.stripe(self.coded);
        let mut rest = Vec::with_capacity(self.filled - old.blob_at);
        while rest.len() < self.filled - old.blob_at {
            let unit = rest.len() / old.unit;
            let count = old.unit.min(self.filled - old.blob_at - rest.len());
            let at = self.room + old.shard_at;
            rest.extend_from_slice(&self.frames[unit][at..at + count]);
        }
        let coded_end = self.room + old.shard_at;
        self.birth.layout = BlobLayout::new(self.birth.layout.geometry, self.filled);
        let (room, frame_len) = frame_bytes(&self.birth);
        for frame in &mut self.frames {
            frame.copy_within(self.room..coded_end, room);
            frame.truncate(frame_len);
        }
        self.room = room;
        if self.is_coded() {
            return;
        }
        self.filled = old.blob_at;
        let mut rest = Bytes::from(rest);
        self.push(&mut rest);
    }
}

impl Sealed {
    /// What the metadata remembers of it, on these drives.
    pub fn record(birth: &Birth, seal: Hash, drives: Vec<DriveNo>) -> BlobRecord {
        BlobRecord { at: birth.at, layout: birth.layout, seal, drives, missing: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use holdfast_api::blob::blob_bytes_max;
    use holdfast_base::{BodyId, BucketId, Geometry, VersionId};
    use holdfast_io::rng::{Rng, SeededRng};

    use super::super::budget::Budget;
    use super::*;

    fn filling(geometry: &str, expected: usize) -> Filling {
        let geometry: Geometry = geometry.parse().unwrap();
        let layout = BlobLayout::new(geometry, expected);
        let birth = Birth {
            blob: BodyId { born: 3, nonce: 4 }.blob(5),
            at: 0,
            layout,
            owner: Owner {
                bucket: BucketId(1),
                key: Bytes::from_static(b"key"),
                version: VersionId([1; 16]),
            },
        };
        let codec = Arc::new(Codec::new(geometry, layout.codec).unwrap());
        Filling::new(birth, codec, Budget::new(1 << 30).try_take(1, 0).unwrap())
    }

    fn fill(mut filling: Filling, bytes: &[u8], rng: &SeededRng) -> Sealed {
        let mut at = 0;
        while at < bytes.len() {
            let end = (at + rng.between(1, 300_000) as usize).min(bytes.len());
            let mut piece = Bytes::copy_from_slice(&bytes[at..end]);
            while !piece.is_empty() {
                filling.push(&mut piece);
            }
            at = end;
        }
        filling.seal()
    }

    /// The user's bytes, read back out of the data shards by the layout.
    fn read_back(sealed: &Sealed) -> Vec<u8> {
        let layout = sealed.birth.layout;
        let mut bytes = Vec::new();
        for index in 0..layout.stripes() {
            let stripe = layout.stripe(index);
            for write in &sealed.writes[..layout.geometry.k()] {
                let at = write.room + stripe.shard_at;
                bytes.extend_from_slice(&write.buf[at..at + stripe.unit]);
            }
        }
        assert!(bytes[layout.len as usize..].iter().all(|&byte| byte == 0), "S2");
        bytes.truncate(layout.len as usize);
        bytes
    }

    #[test]
    fn shards_hold_the_bytes_whatever_length_was_expected() {
        let rng = SeededRng::new(1);
        for geometry in ["1+0", "2+1", "4+2", "3+2", "8+4"] {
            let max = blob_bytes_max(geometry.parse().unwrap());
            let k = geometry.parse::<Geometry>().unwrap().k();
            let stripe = k * (64 << 10);
            for len in [1, 65, 5000, stripe - 1, stripe, stripe + 1, 3 * stripe, 3 * stripe + 70] {
                let mut bytes = vec![0; len];
                rng.fill(&mut bytes);
                let exact = fill(filling(geometry, len), &bytes, &rng);
                assert_eq!(read_back(&exact), bytes, "{geometry} {len}");
                let short = fill(filling(geometry, max), &bytes, &rng);
                assert_eq!(read_back(&short), bytes, "{geometry} {len} of {max}");
                assert_eq!(exact.seal, short.seal, "the cut depends on the length alone");
                for (a, b) in exact.writes.iter().zip(&short.writes) {
                    assert_eq!((a.room, &a.buf[a.room..]), (b.room, &b.buf[b.room..]));
                    assert_eq!((&a.leaves, &a.head), (&b.leaves, &b.head));
                    assert_eq!(a.buf.len() % BLOCK_BYTES, 0);
                }
            }
        }
    }

    #[test]
    fn hashes_and_parity_are_those_of_the_whole_payload() {
        let rng = SeededRng::new(2);
        let len = 4 * (64 << 10) * 2 + 12_345;
        let mut bytes = vec![0; len];
        rng.fill(&mut bytes);
        let sealed = fill(filling("4+2", len), &bytes, &rng);
        let shard_bytes = sealed.birth.layout.shard_bytes();
        let payload = |i: usize| {
            let write = &sealed.writes[i];
            &write.buf[write.room..write.room + shard_bytes]
        };
        for (i, write) in sealed.writes.iter().enumerate() {
            let want = holdfast_base::checksum::leaves(write.head.shard, payload(i));
            assert_eq!(write.leaves, want);
            assert_eq!(write.head.roots[i], root(write.head.shard, &want));
        }
        let codec = Codec::new("4+2".parse().unwrap(), sealed.birth.layout.codec).unwrap();
        let mut again = vec![0; shard_bytes];
        let present: Vec<_> = [1, 2, 4, 5].map(|i| (i, payload(i))).into();
        codec.rebuild(&present, &[3], &mut [&mut again]).unwrap();
        assert_eq!(again, payload(3), "parity of whole shards is parity of their stripes");
    }
}
