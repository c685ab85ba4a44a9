//! Sectors: what a power cut leaves whole, and so the unit in which a torn write is
//! told from rot. Pure.
//!
//! ```text
//! sector   504 bytes of a segment | life, low half, u32 | crc32 u32      512 bytes
//! ```
//! The crc is over the life, the sector's place in the file, and the 504 bytes. A
//! power cut leaves each sector of a write old, new or unreadable (`io::disk`, D2):
//! old ones are zeros or verify under another life. A sector that does neither was
//! written, and is not what was written: it is rotten.
//!
//! Offsets and lengths in a segment count the 504 bytes only, everywhere but here.
//!
//! - X1: a sector that a power cut leaves is never broken.

use holdfast_base::checksum::crc32;
use holdfast_base::limits::BLOCK_BYTES;
use holdfast_io::disk::Buf;

/// Bytes of a sector.
const SECTOR: usize = 512;

/// Bytes of a segment in a sector.
const DATA: usize = SECTOR - 8;

/// Bytes of a segment in a block.
pub const BLOCK_DATA: u64 = (BLOCK_BYTES / SECTOR * DATA) as u64;

/// What a sector turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sector {
    /// Written in this life.
    Ours,
    /// Not written in this life: zeros, or of another one.
    Old,
    /// The disk could not read it.
    Unreadable,
    /// None of these: rot.
    Broken,
}

/// Bytes of a segment in a file of `file_bytes`.
pub fn capacity(file_bytes: u64) -> u64 {
    file_bytes / SECTOR as u64 * DATA as u64
}

/// Where in the file the block with byte `at` of a segment begins.
pub fn block_of(at: u64) -> u64 {
    at / BLOCK_DATA * BLOCK_BYTES as u64
}

/// The number of the sector with byte `at` of a segment.
pub fn number_of(at: u64) -> usize {
    (at / DATA as u64) as usize
}

fn check(life: u32, number: u64, data: &[u8]) -> u32 {
    crc32(&[&life.to_le_bytes(), &number.to_le_bytes(), data])
}

/// The blocks that hold `bytes`, which begin at byte `at` of a segment, where a block begins.
pub fn seal(bytes: &[u8], life: u64, at: u64) -> Buf {
    let life = life as u32;
    let blocks = (bytes.len() as u64).div_ceil(BLOCK_DATA) as usize;
    let mut sealed = Vec::with_capacity(blocks * BLOCK_BYTES);
    let mut rest = bytes;
    for number in (at / DATA as u64..).take(blocks * (BLOCK_BYTES / SECTOR)) {
        let (data, after) = rest.split_at(rest.len().min(DATA));
        let begin = sealed.len();
        sealed.extend_from_slice(data);
        sealed.resize(begin + DATA, 0);
        let crc = check(life, number, &sealed[begin..]);
        sealed.extend_from_slice(&life.to_le_bytes());
        sealed.extend_from_slice(&crc.to_le_bytes());
        rest = after;
    }
    Buf::padded(&sealed)
}

/// The bytes of a segment in `blocks`, which begin at byte `at` of it.
pub fn unseal(blocks: &[u8]) -> Vec<u8> {
    blocks.chunks_exact(SECTOR).flat_map(|sector| &sector[..DATA]).copied().collect()
}

/// What each sector of `blocks` is, in the life `life` of a segment in which they begin at
/// byte `at`.
pub fn judge(blocks: &[u8], life: u64, at: u64) -> Vec<Sector> {
    let numbers = at / DATA as u64..;
    blocks
        .chunks_exact(SECTOR)
        .zip(numbers)
        .map(|(bytes, number)| one(bytes, life, number))
        .collect()
}

fn one(bytes: &[u8], life: u64, number: u64) -> Sector {
    let word =
        |at: usize| bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    let (Some(stamp), Some(crc)) = (word(DATA), word(DATA + 4)) else { return Sector::Broken };
    if bytes.iter().all(|&byte| byte == 0) {
        return Sector::Old;
    }
    match (crc == check(stamp, number, &bytes[..DATA]), stamp == life as u32) {
        (true, true) => Sector::Ours,
        (true, false) => Sector::Old,
        (false, _) => Sector::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sector_is_ours_old_or_broken_whatever_bit_flips() {
        let bytes: Vec<u8> = (0..3000).map(|n| (n * 7) as u8 | 1).collect();
        let sealed = seal(&bytes, 0xaaaa_bbbb_cccc, BLOCK_DATA);
        assert_eq!(sealed.len(), BLOCK_BYTES);
        assert_eq!(unseal(&sealed)[..3000], bytes);
        let life = |life| judge(&sealed, life, BLOCK_DATA);
        assert_eq!(life(0xaaaa_bbbb_cccc), [Sector::Ours; 8]);
        assert_eq!(life(7), [Sector::Old; 8], "another life");
        assert_eq!(judge(&sealed, 0xaaaa_bbbb_cccc, 0), [Sector::Broken; 8], "elsewhere");
        assert_eq!(judge(&[0; 512], 7, 0), [Sector::Old], "never written");
        for at in 0..512 {
            let mut flipped = sealed.to_vec();
            flipped[at] ^= 4;
            let judged = judge(&flipped, 0xaaaa_bbbb_cccc, BLOCK_DATA);
            assert_eq!((judged[0], judged[1]), (Sector::Broken, Sector::Ours), "byte {at}");
        }
    }
}
