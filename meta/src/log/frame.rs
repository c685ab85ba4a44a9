//! Frames: how a record lies in a segment. Pure.
//!
//! ```text
//!  0 magic u32 | crc32 u32        the crc is over the rest of the header and the payload
//!  8 life u64                     drawn anew whenever a segment is begun
//! 16 segment u64                  the segment's number; grows by one
//! 24 seq u64                      the frame's number; grows by one, over all segments
//! 32 durable u64                  frames up to it were durable when this one was written
//! 40 index u64 | term u64 | node u64
//! 64 offset u32 | len u32         where the frame begins in its segment; payload bytes
//! 72 kind u8 | zeros 7
//! ```
//! All little-endian.
//!
//! - F1: bytes of another life, another place or a payload do not pass as a frame.

use bytes::Bytes;
use holdfast_base::checksum::crc32;

/// Bytes before the payload.
pub const FRAME_HEAD: usize = 80;

const MAGIC: u32 = u32::from_le_bytes(*b"hflg");

/// A position in the log: Raft's log id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The leader's term.
    pub term: u64,
    /// The leader.
    pub node: u64,
    /// The place, from 0.
    pub index: u64,
}

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// An entry of a new leader.
    Blank = 1,
    /// An entry of ours.
    Normal = 2,
    /// An entry with a membership.
    Membership = 3,
    /// Entries after this position are void.
    Truncate = 4,
    /// All entries are void, up from the purged ones.
    TruncateAll = 5,
    /// Entries up to this position are not needed; the payload names the oldest segment that is.
    Purge = 6,
    /// Nothing: says what was durable.
    Mark = 7,
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where.
    pub at: Position,
    /// `Blank`, `Normal` or `Membership`.
    pub kind: Kind,
    /// Opaque here.
    pub payload: Bytes,
}

/// Which segment, in which life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home {
    /// Its present life.
    pub life: u64,
    /// Its number.
    pub number: u64,
}

/// A frame besides its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The frame's number.
    pub seq: u64,
    /// Frames up to it were durable.
    pub durable: u64,
    /// The record's position.
    pub at: Position,
    /// What it is.
    pub kind: Kind,
    /// Payload bytes.
    pub len: u32,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        use Kind as K;
        [K::Blank, K::Normal, K::Membership, K::Truncate, K::TruncateAll, K::Purge, K::Mark]
            .into_iter()
            .find(|kind| *kind as u8 == byte)
    }

    /// True for what Raft calls an entry.
    pub fn is_entry(self) -> bool {
        matches!(self, Kind::Blank | Kind::Normal | Kind::Membership)
    }
}

/// Bytes that a frame with this payload takes.
pub fn frame_bytes(payload: usize) -> usize {
    (FRAME_HEAD + payload).next_multiple_of(8)
}

/// Writes a frame at `offset` of its segment to the end of `into`.
pub fn put(into: &mut Vec<u8>, home: Home, offset: u64, head: &Head, payload: &[u8]) {
    let mut bytes = [0; FRAME_HEAD];
    bytes[..4].copy_from_slice(&MAGIC.to_le_bytes());
    let longs =
        [home.life, home.number, head.seq, head.durable, head.at.index, head.at.term, head.at.node];
    for (slot, long) in bytes[8..64].chunks_exact_mut(8).zip(longs) {
        slot.copy_from_slice(&long.to_le_bytes());
    }
    bytes[64..68].copy_from_slice(&(offset as u32).to_le_bytes());
    bytes[68..72].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    bytes[72] = head.kind as u8;
    let crc = crc32(&[&bytes[8..], payload]);
    bytes[4..8].copy_from_slice(&crc.to_le_bytes());
    into.extend_from_slice(&bytes);
    into.extend_from_slice(payload);
    into.resize(into.len().next_multiple_of(8), 0);
}

/// The frame at the beginning of `bytes`, if there is one that belongs there (F1).
pub fn get(bytes: &[u8], home: Home, offset: u64) -> Option<(Head, &[u8])> {
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let long = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let here = (word(0)?, long(8)?, long(16)?, u64::from(word(64)?));
    if here != (MAGIC, home.life, home.number, offset) {
        return None;
    }
    let len = word(68)?;
    let payload = bytes.get(FRAME_HEAD..FRAME_HEAD.checked_add(len as usize)?)?;
    if word(4)? != crc32(&[bytes.get(8..FRAME_HEAD)?, payload]) {
        return None;
    }
    let at = Position { index: long(40)?, term: long(48)?, node: long(56)? };
    let kind = Kind::of(*bytes.get(72)?)?;
    Some((Head { seq: long(24)?, durable: long(32)?, at, kind, len }, payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: Home = Home { life: 7, number: 3 };

    #[test]
    fn a_frame_is_read_back_only_where_it_was_written() {
        let at = Position { term: 2, node: 1, index: 40 };
        let head = Head { seq: 9, durable: 8, at, kind: Kind::Normal, len: 5 };
        let mut bytes = Vec::new();
        put(&mut bytes, HOME, 4096, &head, b"hello");
        assert_eq!(bytes.len(), frame_bytes(5));
        assert_eq!(get(&bytes, HOME, 4096), Some((head, &b"hello"[..])));
        assert_eq!(get(&bytes, HOME, 8192), None, "F1: elsewhere");
        assert_eq!(get(&bytes, Home { life: 8, ..HOME }, 4096), None, "F1: another life");
        assert_eq!(get(&bytes, Home { number: 4, ..HOME }, 4096), None, "F1: another segment");
        for at in 0..FRAME_HEAD + 5 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x10;
            assert_eq!(get(&flipped, HOME, 4096), None, "byte {at}");
        }
        assert_eq!(get(&bytes[..84], HOME, 4096), None, "cut");
    }
}
