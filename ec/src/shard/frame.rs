//! Frames: one shard, or the mark that one was deleted, as it lies in a segment.
//!
//! ```text
//! 0       8         10     11      12         16           20           24            28
//! | magic | version | kind | index | head len | leaf count | payload at | payload len | crc32 |
//! 32         40     48   56     76  80                       payload_at
//! | sequence | life | at | blob | 0 | ShardHead | leaves | 0 | payload | 0 to a multiple of 512 |
//! ```
//!
//! All numbers are little-endian; the exact table is in `docs/formats.md`.
//!
//! Invariants
//! - F1: a frame begins and ends at a multiple of `SECTOR`; its payload begins at one.
//! - F2: the checksum covers every byte of the header, the life of its segment and
//!   its own position included: bytes of an earlier life, of another place or of a
//!   payload do not parse as a frame.
//! - F3: whatever the bytes, [`Header::parse`] answers; it never panics.
//!
//! Not here: where frames go (`writer`), how they are found again (`scan`).

use holdfast_api::drive::ShardHead;
use holdfast_base::checksum::{crc32, leaf_count};
use holdfast_base::limits::{LEAF_BYTES, SHARD_BYTES_MAX};
use holdfast_base::{BlobId, Hash, ShardId, ShardIndex};

/// The unit of a frame's position: what a disk writes or loses as a whole. [bytes]
pub const SECTOR: usize = 512;

/// The version of the frame format that is written.
pub const VERSION: u16 = 1;

/// The most that a header may take, its padding included. [bytes]
pub const ROOM_MAX: usize = 64 << 10;

const MAGIC: &[u8; 8] = b"hfFRAME\0";
const FIXED: usize = 80;
const CRC_AT: usize = 28;

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Here is a shard.
    Shard = 1,
    /// Every frame of this shard with a lower sequence number is dead.
    Tombstone = 2,
}

/// Where a frame is and when it was written: what the writer knows last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The random number of the segment's present life.
    pub life: u64,
    /// Grows with every frame of the drive, see [`sequence`].
    pub sequence: u64,
    /// Where the frame begins in its segment. [bytes]
    pub at: u64,
}

/// The sequence number of the `count`-th frame that was asked of a drive. The low 16
/// bits count how often the frame was moved since: a copy is newer than its
/// original, and older than whatever was asked for later.
pub const fn sequence(count: u64) -> u64 {
    count << 16
}

/// The sequence number of a copy; `None` for a frame that was moved too often.
pub const fn moved(sequence: u64) -> Option<u64> {
    if sequence & 0xffff == 0xffff { None } else { Some(sequence + 1) }
}

/// The fixed part of a frame's header, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What it says.
    pub kind: Kind,
    /// Of which shard.
    pub shard: ShardId,
    /// Where and when.
    pub stamp: Stamp,
    /// Where the payload begins, from the frame's begin. [bytes]
    pub payload_at: usize,
    /// Length of the payload. [bytes]
    pub payload_len: usize,
    head_len: usize,
    leaf_count: usize,
}

/// Bytes that are not a frame here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAFrame {
    /// No magic: free space, or payload.
    #[error("there is no frame header")]
    Nothing,
    /// More bytes are needed to tell; this many from the frame's begin.
    #[error("the frame header is cut off at {0} bytes")]
    Short(usize),
    /// A header of a version that this program does not know.
    #[error("the frame has format version {0}")]
    Version(u16),
    /// Its lengths contradict one another, or its checksum.
    #[error("the frame header's checksum is {found:#010x}, it says {expected:#010x}")]
    Checksum {
        /// What it says.
        expected: u32,
        /// What it is.
        found: u32,
    },
    /// Its lengths cannot be.
    #[error("the frame header's lengths cannot be")]
    Lengths,
    /// It belongs to an earlier life of the segment or to another place.
    #[error("the frame was written for another life of the segment, or for another place")]
    Elsewhere,
    /// The parts behind the fixed one do not decode, though the checksum holds.
    #[error("the frame header does not decode")]
    Undecodable,
}

/// The head room that a [`holdfast_api::drive::ShardWrite`] must reserve so that its
/// frame is written in place: the payload then begins at this offset of the buffer. [bytes]
pub fn room(head: &ShardHead, leaf_count: usize) -> usize {
    let head_len = postcard::experimental::serialized_size(head).unwrap_or(ROOM_MAX);
    header_bytes(head_len, leaf_count).next_multiple_of(SECTOR)
}

/// What a frame of a shard takes, padding included. [bytes]
pub const fn frame_bytes(payload_at: usize, payload_len: usize) -> usize {
    (payload_at + payload_len).next_multiple_of(SECTOR)
}

const fn header_bytes(head_len: usize, leaf_count: usize) -> usize {
    FIXED + head_len + leaf_count * 32
}

/// A shard's header to be, and the bytes that go with it.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The header proper.
    pub head: &'a ShardHead,
    /// The hashes of its leaves.
    pub leaves: &'a [Hash],
    /// Length of the payload. [bytes]
    pub payload_len: usize,
}

/// Writes all of a shard's header but its stamp and checksum into `frame[..payload_at]`.
/// False if it does not fit there, or is larger than any reader would accept.
pub fn fill(frame: &mut [u8], payload_at: usize, parts: Parts<'_>) -> bool {
    let Ok(head) = postcard::to_allocvec(parts.head) else { return false };
    let used = header_bytes(head.len(), parts.leaves.len());
    let legal = used <= payload_at
        && payload_at <= ROOM_MAX
        && payload_at.is_multiple_of(SECTOR)
        && payload_at <= frame.len();
    if !legal {
        return false;
    }
    fill_fixed(frame, Kind::Shard, parts.head.shard);
    put_u32(frame, 12, head.len() as u32);
    put_u32(frame, 16, parts.leaves.len() as u32);
    put_u32(frame, 20, payload_at as u32);
    put_u32(frame, 24, parts.payload_len as u32);
    frame[FIXED..FIXED + head.len()].copy_from_slice(&head);
    let leaves_at = FIXED + head.len();
    for (leaf, into) in parts.leaves.iter().zip(frame[leaves_at..].chunks_exact_mut(32)) {
        into.copy_from_slice(&leaf.0);
    }
    frame[used..payload_at].fill(0);
    true
}

/// Writes all of a tombstone but its stamp and checksum into `frame[..SECTOR]`.
pub fn fill_tombstone(frame: &mut [u8], shard: ShardId) {
    fill_fixed(frame, Kind::Tombstone, shard);
    put_u32(frame, 12, 0);
    put_u32(frame, 16, 0);
    put_u32(frame, 20, SECTOR as u32);
    put_u32(frame, 24, 0);
    frame[FIXED..SECTOR].fill(0);
}

fn fill_fixed(frame: &mut [u8], kind: Kind, shard: ShardId) {
    frame[..8].copy_from_slice(MAGIC);
    frame[8..10].copy_from_slice(&VERSION.to_le_bytes());
    frame[10] = kind as u8;
    frame[11] = shard.index.0;
    frame[56..76].copy_from_slice(&shard.blob.to_bytes());
    put_u32(frame, 76, 0);
}

/// Completes a header that [`fill`] or [`fill_tombstone`] wrote, or moves one that was read.
pub fn stamp(frame: &mut [u8], stamp: Stamp) {
    frame[32..40].copy_from_slice(&stamp.sequence.to_le_bytes());
    frame[40..48].copy_from_slice(&stamp.life.to_le_bytes());
    frame[48..56].copy_from_slice(&stamp.at.to_le_bytes());
    let payload_at = get_u32(frame, 20) as usize;
    let crc = checksum(&frame[..payload_at]);
    put_u32(frame, CRC_AT, crc);
}

impl Header {
    /// Reads the fixed part of the frame that begins with `bytes`, after checking
    /// the whole header. `bytes` may go on behind it.
    ///
    /// # Errors
    /// [`NotAFrame`]; of these `Short` asks for more bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotAFrame> {
        if bytes.len() < 8 || &bytes[..8] != MAGIC {
            return Err(NotAFrame::Nothing);
        }
        if bytes.len() < FIXED {
            return Err(NotAFrame::Short(FIXED));
        }
        let version = u16::from_le_bytes([bytes[8], bytes[9]]);
        if version != VERSION {
            return Err(NotAFrame::Version(version));
        }
        let length = |at| get_u32(bytes, at) as usize;
        let (head_len, leaf_count) = (length(12), length(16));
        let (payload_at, payload_len) = (length(20), length(24));
        if !lengths_are_legal(payload_at, payload_len, (head_len, leaf_count)) {
            return Err(NotAFrame::Lengths);
        }
        let header = bytes.get(..payload_at).ok_or(NotAFrame::Short(payload_at))?;
        let (expected, found) = (get_u32(header, CRC_AT), checksum(header));
        if expected != found {
            return Err(NotAFrame::Checksum { expected, found });
        }
        let kind = match header[10] {
            1 => Kind::Shard,
            2 => Kind::Tombstone,
            _ => return Err(NotAFrame::Undecodable),
        };
        let mut blob = [0; 20];
        blob.copy_from_slice(&header[56..76]);
        let shard = ShardId { blob: BlobId::from_bytes(blob), index: ShardIndex(header[11]) };
        let stamp = Stamp {
            sequence: get_u64(header, 32),
            life: get_u64(header, 40),
            at: get_u64(header, 48),
        };
        Ok(Self { kind, shard, stamp, payload_at, payload_len, head_len, leaf_count })
    }

    /// As [`Header::parse`], and the frame must be the one of `life` at `at`.
    ///
    /// # Errors
    /// [`NotAFrame`].
    pub fn parse_at(bytes: &[u8], life: u64, at: u64) -> Result<Self, NotAFrame> {
        let header = Self::parse(bytes)?;
        if header.stamp.life == life && header.stamp.at == at {
            Ok(header)
        } else {
            Err(NotAFrame::Elsewhere)
        }
    }

    /// What the frame takes, padding included. [bytes]
    pub fn frame_bytes(&self) -> usize {
        frame_bytes(self.payload_at, self.payload_len)
    }

    /// The header proper and the leaf hashes. `bytes` is what was parsed.
    ///
    /// # Errors
    /// [`NotAFrame::Undecodable`] if they do not decode, or belong to another shard
    /// or to a payload of another length.
    pub fn decode(&self, bytes: &[u8]) -> Result<(ShardHead, Vec<Hash>), NotAFrame> {
        let leaves_at = FIXED + self.head_len;
        let end = leaves_at + self.leaf_count * 32;
        let (head, leaves) = bytes
            .get(FIXED..end)
            .map(|both| both.split_at(self.head_len))
            .ok_or(NotAFrame::Undecodable)?;
        let head: ShardHead = postcard::from_bytes(head).map_err(|_| NotAFrame::Undecodable)?;
        let agrees = head.shard == self.shard
            && head.layout.is_legal()
            && head.layout.shard_bytes() == self.payload_len
            && leaf_count(self.payload_len as u64) == self.leaf_count;
        if !agrees {
            return Err(NotAFrame::Undecodable);
        }
        let hash = |bytes: &[u8]| {
            let mut hash = [0; 32];
            hash.copy_from_slice(bytes);
            Hash(hash)
        };
        Ok((head, leaves.chunks_exact(32).map(hash).collect()))
    }
}

fn lengths_are_legal(payload_at: usize, payload_len: usize, inner: (usize, usize)) -> bool {
    let (head_len, leaves) = inner;
    payload_at.is_multiple_of(SECTOR)
        && payload_at <= ROOM_MAX
        && payload_len <= SHARD_BYTES_MAX
        && head_len <= payload_at
        && leaves <= SHARD_BYTES_MAX / LEAF_BYTES
        && header_bytes(head_len, leaves) <= payload_at
}

/// F2: over all of the header but the checksum itself.
fn checksum(header: &[u8]) -> u32 {
    crc32(&[&header[..CRC_AT], &header[CRC_AT + 4..]])
}

fn put_u32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn get_u32(bytes: &[u8], at: usize) -> u32 {
    let mut value = [0; 4];
    value.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(value)
}

fn get_u64(bytes: &[u8], at: usize) -> u64 {
    let mut value = [0; 8];
    value.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use holdfast_api::blob::BlobLayout;
    use holdfast_api::drive::Owner;
    use holdfast_base::{BodyId, BucketId, VersionId, checksum};
    use holdfast_io::rng::{Rng, SeededRng};

    fn head(len: usize) -> ShardHead {
        let geometry = "1+1".parse().unwrap();
        ShardHead {
            shard: BodyId { born: 5, nonce: 6 }.blob(7).shard(1),
            layout: BlobLayout::new(geometry, len),
            roots: vec![Hash([1; 32]), Hash([2; 32])],
            owner: Owner {
                bucket: BucketId(3),
                key: Bytes::from_static(b"a/b"),
                version: VersionId([9; 16]),
            },
        }
    }

    /// A frame of `len` bytes of payload, and what it was made of.
    fn frame(len: usize, at: Stamp) -> (Vec<u8>, ShardHead, Vec<Hash>) {
        let head = head(len);
        let payload: Vec<u8> = (0..head.layout.shard_bytes()).map(|i| i as u8).collect();
        let leaves = checksum::leaves(head.shard, &payload);
        let room = room(&head, leaves.len());
        let mut bytes = vec![0xee; frame_bytes(room, payload.len())];
        assert!(fill(
            &mut bytes,
            room,
            Parts { head: &head, leaves: &leaves, payload_len: payload.len() }
        ));
        bytes[room..room + payload.len()].copy_from_slice(&payload);
        bytes[room + payload.len()..].fill(0);
        stamp(&mut bytes, at);
        (bytes, head, leaves)
    }

    const STAMP: Stamp = Stamp { life: 0x0123_4567_89ab_cdef, sequence: 42, at: 8192 };

    #[test]
    fn a_frame_is_read_back() {
        for len in [1, 64, 16_384, 16_385, 70_000] {
            let (bytes, head, leaves) = frame(len, STAMP);
            let header = Header::parse_at(&bytes, STAMP.life, STAMP.at).unwrap();
            assert_eq!(header.decode(&bytes), Ok((head, leaves)), "{len}");
            assert_eq!(header.frame_bytes(), bytes.len(), "F1 {len}");
            assert_eq!(header.stamp, STAMP);
        }
    }

    #[test]
    fn the_format_is_these_bytes() {
        let (bytes, ..) = frame(64, STAMP);
        assert_eq!(bytes.len(), 1024);
        assert_eq!(
            bytes[..80].iter().map(|b| format!("{b:02x}")).collect::<String>(),
            GOLDEN_FIXED,
            "docs/formats.md: a new layout is a new version"
        );
        let mut tombstone = vec![0xee; SECTOR];
        fill_tombstone(&mut tombstone, head(1).shard);
        stamp(&mut tombstone, STAMP);
        assert_eq!(
            (checksum::crc32(&[&bytes]), checksum::crc32(&[&tombstone])),
            (GOLDEN_FRAME, GOLDEN_TOMBSTONE)
        );
        assert_eq!(Header::parse(&tombstone).unwrap().kind, Kind::Tombstone);
    }

    #[test]
    fn a_frame_of_another_life_or_place_is_none() {
        let (bytes, ..) = frame(64, STAMP);
        for (life, at) in [(STAMP.life + 1, STAMP.at), (STAMP.life, STAMP.at + 512)] {
            assert_eq!(Header::parse_at(&bytes, life, at), Err(NotAFrame::Elsewhere), "F2");
        }
    }

    #[test]
    fn a_flipped_bit_in_a_header_is_no_frame() {
        let (bytes, ..) = frame(64, STAMP);
        for bit in 0..512 * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::parse(&bad).is_err(), "F2: bit {bit}");
        }
    }

    #[test]
    fn garbage_never_panics() {
        let rng = SeededRng::new(1);
        let (good, ..) = frame(20_000, STAMP);
        for _ in 0..20_000 {
            let mut bytes = good[..rng.below(good.len() as u64) as usize].to_vec();
            for _ in 0..rng.below(4) {
                let at = rng.below(bytes.len().min(160) as u64) as usize;
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = rng.next_u64() as u8;
                }
            }
            if let Ok(header) = Header::parse(&bytes) {
                assert_eq!(header.stamp, STAMP, "F2");
                let _ = header.decode(&bytes);
            }
        }
    }

    const GOLDEN_FIXED: &str = "68664652414d4500010001015e000000010000000002000040000000ebcfb98f2a00000000000000efcdab89674523010020000000000000000000000000000500000000000000060000000700000000";
    const GOLDEN_FRAME: u32 = 2_697_505_591;
    const GOLDEN_TOMBSTONE: u32 = 2_200_910_451;
}
