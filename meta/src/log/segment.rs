//! Segments: files that hold groups of frames, one after the other.
//!
//! ```text
//! header   0 magic u32 | crc32 u32 | format u32 | zeros u32
//!         16 life u64 | number u64 | first_seq u64 | previous_end u64
//!         48 oldest u64 | purged: there u8, zeros 7 | index u64 | term u64 | node u64
//! ```
//! `previous_end` is where the frames of the segment before end; `oldest` is the
//! number of the oldest segment that is needed; `purged` as it was.

use bytes::Bytes;
use holdfast_base::checksum::crc32;
use holdfast_io::disk::{Buf, File, FileName};

use super::error::LogStoreError;
use super::frame::{self, Home, Position, Record};
use super::sector::{self, BLOCK_DATA};

const MAGIC: u32 = u32::from_le_bytes(*b"hfls");

/// The format of segments and frames.
pub const FORMAT: u32 = 2;

/// Where frames begin: after a block. [bytes, as `sector` counts them]
pub const FRAMES_AT: u64 = BLOCK_DATA;

/// What a segment's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHead {
    /// Which segment.
    pub home: Home,
    /// The number of its first frame.
    pub first_seq: u64,
    /// Where the frames of the segment before it end. [bytes]
    pub previous_end: u64,
    /// The oldest segment that is needed.
    pub oldest: u64,
    /// Entries up to it were purged.
    pub purged: Option<Position>,
}

/// A segment file that is open.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Its name.
    pub name: FileName,
    /// To read and write.
    pub file: File,
    /// Its header.
    pub head: SegmentHead,
}

/// Where a frame is.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its segment.
    pub segment: Segment,
    /// Its first byte.
    pub offset: u64,
    /// Its payload's length.
    pub len: u32,
    /// Its number.
    pub seq: u64,
}

/// What the first block of a segment file turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FirstBlock {
    /// A header.
    Head(SegmentHead),
    /// Zeros: never begun.
    Blank,
    /// A header of another format.
    Format(u32),
    /// Something else: torn or rotten.
    Bad,
}

impl SegmentHead {
    /// The first block of the file.
    pub fn encode(&self) -> Buf {
        let mut bytes = vec![0; 88];
        bytes[..4].copy_from_slice(&MAGIC.to_le_bytes());
        bytes[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        let at = self.purged.unwrap_or_default();
        let flag = u64::from(self.purged.is_some());
        let longs = [
            self.home.life,
            self.home.number,
            self.first_seq,
            self.previous_end,
            self.oldest,
            flag,
            at.index,
            at.term,
            at.node,
        ];
        for (slot, long) in bytes[16..88].chunks_exact_mut(8).zip(longs) {
            slot.copy_from_slice(&long.to_le_bytes());
        }
        let crc = crc32(&[&bytes[8..]]);
        bytes[4..8].copy_from_slice(&crc.to_le_bytes());
        Buf::padded(&bytes)
    }

    /// The inverse.
    pub fn decode(block: &[u8]) -> FirstBlock {
        let word = |at: usize| {
            block.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes)
        };
        let long = |at: usize| {
            block.get(at..at + 8).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes)
        };
        if block.iter().all(|&byte| byte == 0) {
            return FirstBlock::Blank;
        }
        let sealed = block.get(8..88).is_some_and(|rest| word(4) == Some(crc32(&[rest])));
        if word(0) != Some(MAGIC) || !sealed {
            return FirstBlock::Bad;
        }
        if word(8) != Some(FORMAT) {
            return FirstBlock::Format(word(8).unwrap_or(0));
        }
        let read = || {
            let at = Position { index: long(64)?, term: long(72)?, node: long(80)? };
            Some(Self {
                home: Home { life: long(16)?, number: long(24)? },
                first_seq: long(32)?,
                previous_end: long(40)?,
                oldest: long(48)?,
                purged: (long(56)? == 1).then_some(at),
            })
        };
        read().map_or(FirstBlock::Bad, FirstBlock::Head)
    }
}

/// Reads one frame again, verified.
///
/// # Errors
/// Rot, or the disk.
pub async fn read_frame(place: &Place) -> Result<Record, LogStoreError> {
    let end = place.offset + frame::frame_bytes(place.len as usize) as u64;
    let from = sector::block_of(place.offset);
    let to = sector::block_of(end.next_multiple_of(BLOCK_DATA));
    let buf = place.segment.file.read(from, Buf::dirty((to - from) as usize)).await?;
    let unsealed = sector::unseal(&buf);
    let bytes = &unsealed[(place.offset % BLOCK_DATA) as usize..];
    match frame::get(bytes, place.segment.head.home, place.offset) {
        Some((head, payload)) if head.seq == place.seq => {
            Ok(Record { at: head.at, kind: head.kind, payload: Bytes::copy_from_slice(payload) })
        }
        Some(_) | None => Err(LogStoreError::Rot {
            file: place.segment.name.to_string(),
            at: place.offset,
            why: format!("frame {} does not verify", place.seq),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_back_and_nothing_else_is() {
        let head = SegmentHead {
            home: Home { life: 77, number: 5 },
            first_seq: 1000,
            previous_end: 65536,
            oldest: 3,
            purged: Some(Position { term: 1, node: 2, index: 900 }),
        };
        let block = head.encode();
        assert_eq!(SegmentHead::decode(&block), FirstBlock::Head(head));
        for at in 0..88 {
            let mut flipped = block.to_vec();
            flipped[at] ^= 1;
            assert_ne!(SegmentHead::decode(&flipped), FirstBlock::Head(head), "byte {at}");
        }
        assert_eq!(SegmentHead::decode(&[0; 4096]), FirstBlock::Blank);
    }
}
