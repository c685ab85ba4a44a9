//! Segments: the files of a drive, and what they say about themselves.
//!
//! ```text
//! 0      4096   8192                                        len - footer         len
//! | head | head | group | group | ... | not yet written ... | table | 0 | trailer |
//! head    = magic | version | state | len | no | life | generation | drive | crc32
//! trailer = magic | version | count | life | no | end | crc32 of the table | crc32
//! entry   = blob | index | kind | payload at | at | payload len | sequence        40 bytes
//! ```
//!
//! Invariants
//! - S1: `life` is drawn anew whenever a segment is put to use, and its head is durable
//!   before any frame; bytes of an earlier life never parse as a frame of this one.
//! - S2: the two heads are written one after the other, each durable before the next,
//!   so that a power cut spoils at most one; the higher generation counts.
//! - S3: a footer is written once everything that it lists is durable. It is a
//!   shortcut: without it a scan finds the same.
//! - S4: groups of frames begin and end at blocks; the blocks of a group are
//!   written once in a life, so that a torn write never touches older frames.
//!
//! Not here: frames (`frame`), when segments are made, sealed and recycled
//! (`prepare`, `writer`, `clean`).

use holdfast_base::checksum::crc32;
use holdfast_base::limits::{BLOCK_BYTES, SHARD_BYTES_MAX};
use holdfast_base::{BlobId, ByteCount, DriveId, ShardId, ShardIndex};
use holdfast_io::disk::{Buf, FileName};

use super::frame::{Kind, ROOM_MAX, SECTOR};

/// The version of the head and footer format that is written.
pub const VERSION: u16 = 1;

/// Where the first group of frames begins. [bytes]
pub const FIRST_GROUP: u64 = 2 * BLOCK_BYTES as u64;

/// The smallest segment that this program accepts. [bytes]
pub const LEN_MIN: u64 = 64 << 10;

const HEAD_MAGIC: &[u8; 8] = b"hfSEGMT\0";
const TRAILER_MAGIC: &[u8; 8] = b"hfFOOTR\0";
const TRAILER: usize = 64;
const ENTRY: usize = 40;

/// A segment of one drive: the number in its file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentNo(pub u32);

/// What a segment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Use {
    /// Holds nothing; waits to be written.
    Spare = 1,
    /// Holds frames of `life`.
    Frames = 2,
}

/// A segment's first block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// What it is for.
    pub state: Use,
    /// Its number, as in its name.
    pub no: SegmentNo,
    /// Its length. [bytes]
    pub len: u64,
    /// The random number of its present life.
    pub life: u64,
    /// Grows with every head written.
    pub generation: u64,
    /// The drive that it belongs to.
    pub drive: DriveId,
}

/// Where one frame lies in its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Of which shard.
    pub shard: ShardId,
    /// What it says.
    pub kind: Kind,
    /// Its sequence number.
    pub sequence: u64,
    /// Where it begins. [bytes]
    pub at: u64,
    /// Where its payload begins, from there. [bytes]
    pub payload_at: usize,
    /// Length of the payload. [bytes]
    pub payload_len: usize,
}

/// A segment's last bytes, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// The life that the footer was written in.
    pub life: u64,
    /// The segment's number.
    pub no: SegmentNo,
    /// Number of entries in the table.
    pub count: usize,
    table_crc: u32,
}

impl SegmentNo {
    /// `segment-<16 hex>`.
    pub fn file_name(self) -> FileName {
        FileName::new(&format!("segment-{:016x}", self.0)).expect("letters, digits and a dash")
    }

    /// The number in a segment's name; `None` for any other name.
    pub fn of_file(name: &FileName) -> Option<Self> {
        let digits = name.as_str().strip_prefix("segment-")?;
        let no = u64::from_str_radix(digits, 16).ok().and_then(|no| u32::try_from(no).ok())?;
        // Only the name that `file_name` gives: no upper case, no missing zeros, and
        // never the last number, which stands for "nowhere" in the index.
        (no != u32::MAX && Self(no).file_name() == *name).then_some(Self(no))
    }
}

/// The length of a drive's segments: about 1/256 of its share of the free space,
/// a power of two from 16 MiB to 256 MiB. [bytes]
pub fn len_for(free: ByteCount, drives_on_device: u32) -> u64 {
    let share = free.0 / u64::from(drives_on_device.max(1)) / 256;
    let floor = if share == 0 { 1 } else { 1 << share.ilog2() };
    floor.clamp(16 * ByteCount::MIB, 256 * ByteCount::MIB)
}

/// What the footer of `count` entries takes. [bytes]
pub const fn footer_bytes(count: usize) -> u64 {
    ((count * ENTRY + TRAILER) as u64).next_multiple_of(BLOCK_BYTES as u64)
}

impl Head {
    /// One block.
    pub fn encode(&self) -> Buf {
        let mut block = Buf::zeroed(BLOCK_BYTES);
        block[..8].copy_from_slice(HEAD_MAGIC);
        block[8..10].copy_from_slice(&VERSION.to_le_bytes());
        block[10] = self.state as u8;
        block[16..24].copy_from_slice(&self.len.to_le_bytes());
        block[24..32].copy_from_slice(&u64::from(self.no.0).to_le_bytes());
        block[32..40].copy_from_slice(&self.life.to_le_bytes());
        block[40..48].copy_from_slice(&self.generation.to_le_bytes());
        block[48..64].copy_from_slice(&self.drive.0);
        let crc = crc32(&[&block[..64]]);
        block[64..68].copy_from_slice(&crc.to_le_bytes());
        block
    }

    /// The head in `block`, if it is one.
    pub fn decode(block: &[u8]) -> Option<Self> {
        let fixed = block.get(..68)?;
        let sound = &fixed[..8] == HEAD_MAGIC
            && fixed[8..10] == VERSION.to_le_bytes()
            && fixed[64..68] == crc32(&[&fixed[..64]]).to_le_bytes();
        let state = match fixed[10] {
            1 => Use::Spare,
            2 => Use::Frames,
            _ => return None,
        };
        let mut drive = [0; 16];
        drive.copy_from_slice(&fixed[48..64]);
        sound.then_some(())?;
        Some(Self {
            state,
            no: SegmentNo(u32::try_from(u64_at(fixed, 24)).ok()?),
            len: u64_at(fixed, 16),
            life: u64_at(fixed, 32),
            generation: u64_at(fixed, 40),
            drive: DriveId(drive),
        })
    }
}

/// The footer of a segment: table, zeros, trailer; whole blocks.
pub fn encode_footer(no: SegmentNo, life: u64, entries: &[Entry]) -> Buf {
    let mut footer = Buf::zeroed(footer_bytes(entries.len()) as usize);
    for (entry, into) in entries.iter().zip(footer.chunks_exact_mut(ENTRY)) {
        into[..20].copy_from_slice(&entry.shard.blob.to_bytes());
        into[20] = entry.shard.index.0;
        into[21] = entry.kind as u8;
        into[22..24].copy_from_slice(&((entry.payload_at / SECTOR) as u16).to_le_bytes());
        into[24..28].copy_from_slice(&((entry.at / SECTOR as u64) as u32).to_le_bytes());
        into[28..32].copy_from_slice(&(entry.payload_len as u32).to_le_bytes());
        into[32..40].copy_from_slice(&entry.sequence.to_le_bytes());
    }
    let table_crc = crc32(&[&footer[..entries.len() * ENTRY]]);
    let from = footer.len() - TRAILER;
    let trailer = &mut footer[from..];
    trailer[..8].copy_from_slice(TRAILER_MAGIC);
    trailer[8..10].copy_from_slice(&VERSION.to_le_bytes());
    trailer[16..20].copy_from_slice(&(entries.len() as u32).to_le_bytes());
    trailer[24..32].copy_from_slice(&life.to_le_bytes());
    trailer[32..40].copy_from_slice(&u64::from(no.0).to_le_bytes());
    trailer[48..52].copy_from_slice(&table_crc.to_le_bytes());
    let crc = crc32(&[&trailer[..60]]);
    trailer[60..].copy_from_slice(&crc.to_le_bytes());
    footer
}

impl Trailer {
    /// The trailer at the end of `bytes`, if there is one.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let trailer = bytes.last_chunk::<TRAILER>()?;
        let sound = &trailer[..8] == TRAILER_MAGIC
            && trailer[8..10] == VERSION.to_le_bytes()
            && trailer[60..] == crc32(&[&trailer[..60]]).to_le_bytes();
        sound.then_some(())?;
        Some(Self {
            life: u64_at(trailer, 24),
            no: SegmentNo(u32::try_from(u64_at(trailer, 32)).ok()?),
            count: u32_at(trailer, 16) as usize,
            table_crc: u32_at(trailer, 48),
        })
    }

    /// The entries of `footer`, which ends with this trailer, of a segment of `len` bytes.
    /// `None` if the table is not the one that was written.
    pub fn entries(&self, footer: &[u8], len: u64) -> Option<Vec<Entry>> {
        let table = footer.get(..self.count.checked_mul(ENTRY)?)?;
        if crc32(&[table]) != self.table_crc {
            return None;
        }
        table.chunks_exact(ENTRY).map(|bytes| Entry::decode(bytes, len)).collect()
    }
}

impl Entry {
    /// What the frame takes. [bytes]
    pub fn frame_bytes(&self) -> usize {
        super::frame::frame_bytes(self.payload_at, self.payload_len)
    }

    fn decode(bytes: &[u8], len: u64) -> Option<Self> {
        let mut blob = [0; 20];
        blob.copy_from_slice(&bytes[..20]);
        let entry = Self {
            shard: ShardId { blob: BlobId::from_bytes(blob), index: ShardIndex(bytes[20]) },
            kind: match bytes[21] {
                1 => Kind::Shard,
                2 => Kind::Tombstone,
                _ => return None,
            },
            sequence: u64_at(bytes, 32),
            at: u64::from(u32_at(bytes, 24)) * SECTOR as u64,
            payload_at: usize::from(u16::from_le_bytes([bytes[22], bytes[23]])) * SECTOR,
            payload_len: u32_at(bytes, 28) as usize,
        };
        let legal = entry.payload_at <= ROOM_MAX
            && entry.payload_len <= SHARD_BYTES_MAX
            && entry.at >= FIRST_GROUP
            && entry.at + entry.frame_bytes() as u64 <= len;
        legal.then_some(entry)
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_base::BodyId;

    const HEAD: Head = Head {
        state: Use::Frames,
        no: SegmentNo(7),
        len: 1 << 20,
        life: 0x1122_3344_5566_7788,
        generation: 3,
        drive: DriveId([0xd0; 16]),
    };

    fn entries(count: u32) -> Vec<Entry> {
        let blob = BodyId { born: 1, nonce: 2 };
        let entry = |i: u32| Entry {
            shard: blob.blob(i).shard(i as usize % 6),
            kind: if i.is_multiple_of(3) { Kind::Tombstone } else { Kind::Shard },
            sequence: 100 + u64::from(i),
            at: FIRST_GROUP + u64::from(i) * 1024,
            payload_at: 512,
            payload_len: (i as usize * 64) % 512,
        };
        (0..count).map(entry).collect()
    }

    #[test]
    fn heads_and_footers_are_these_bytes() {
        let footer = encode_footer(SegmentNo(7), HEAD.life, &entries(5));
        assert_eq!(footer.len(), 4096);
        let found = (crc32(&[&HEAD.encode()]), crc32(&[&footer]));
        assert_eq!(found, GOLDEN, "docs/formats.md: a new layout is a new version");
    }

    const GOLDEN: (u32, u32) = (3_904_390_781, 1_293_321_835);

    #[test]
    fn heads_and_footers_are_read_back_and_nothing_else_is() {
        assert_eq!(Head::decode(&HEAD.encode()), Some(HEAD));
        for bit in 0..68 * 8 {
            let mut bad = HEAD.encode();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Head::decode(&bad), None, "bit {bit}");
        }
        for count in [0, 1, 100, 101, 300] {
            let entries = entries(count);
            let footer = encode_footer(SegmentNo(7), 9, &entries);
            assert_eq!(footer.len() as u64, footer_bytes(entries.len()));
            let trailer = Trailer::decode(&footer).unwrap();
            assert_eq!((trailer.no, trailer.life), (SegmentNo(7), 9));
            assert_eq!(trailer.entries(&footer, 1 << 20), Some(entries));
            for bit in (0..footer.len() * 8).step_by(37) {
                let mut bad = Buf::padded(&footer);
                bad[bit / 8] ^= 1 << (bit % 8);
                let read = Trailer::decode(&bad).and_then(|t| t.entries(&bad, 1 << 20));
                let padding = Trailer::decode(&footer).unwrap().entries(&footer, 1 << 20);
                assert!(read.is_none() || read == padding, "S3: bit {bit} of {count}");
            }
        }
    }

    #[test]
    fn names_are_numbers_and_back() {
        for no in [0, 7, u32::MAX - 1] {
            assert_eq!(SegmentNo::of_file(&SegmentNo(no).file_name()), Some(SegmentNo(no)));
        }
        for name in
            ["segment-7", "segment-00000000ffffffff", "drive.json", "segment-1000000000000000"]
        {
            assert_eq!(SegmentNo::of_file(&FileName::new(name).unwrap()), None, "{name}");
        }
    }

    #[test]
    fn segments_fit_the_drive() {
        for (free_gib, drives, mib) in [(1, 6, 16), (100, 6, 64), (100, 1, 256), (4000, 1, 256)] {
            let len = len_for(ByteCount(free_gib * ByteCount::GIB), drives);
            assert_eq!(len, mib * ByteCount::MIB, "{free_gib} GiB, {drives} drives");
        }
    }
}
