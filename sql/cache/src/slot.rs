//! A slot: a part of a block of an object, and what it must hash to.
//!
//! ```text
//! file   | slot 0 | slot 1 | ...                          FILE_SLOTS slots, all of one size
//! slot   | header 4096 | bytes `from .. from + len` of the block | whatever was there |
//! header | magic 8 | version 4 | crc32 4 | block 4 | from 4 | len 4 | name's length 4
//!        | leaves 8 x 32 | name | zeros |
//! ```
//!
//! The crc32 is over the header without itself. Leaf `i` is the hash of the i-th eighth of
//! a block's length, counted from the part's first byte, under the key
//! `object 16 | block 4 | from 4 | len 4 | i 4` (all little-endian).
//!
//! - L1: no bytes of another object, block or place, and none of an earlier content of the
//!   slot, hash to what the header says.

use std::ops::Range;

use holdfast_base::checksum::crc32;
use holdfast_base::limits::BLOCK_BYTES as SECTOR;
use holdfast_io::disk::Buf;

use crate::key::{BlockKey, ObjectKey, Span};

/// The unit of caching. [bytes]
pub(crate) const BLOCK: usize = if cfg!(test) { 16 << 10 } else { 128 << 10 };
/// Hashes of a slot.
pub(crate) const LEAVES: usize = 8;
/// What a hash covers: the least that a read verifies. [bytes]
const LEAF: usize = BLOCK / LEAVES;
/// Of a slot's header. [bytes]
pub(crate) const HEADER: usize = SECTOR;
/// Of a slot. [bytes]
pub(crate) const SLOT: usize = HEADER + BLOCK;
/// Slots of a file: few enough that making one takes about a second.
pub(crate) const FILE_SLOTS: u32 = if cfg!(test) { 8 } else { 4096 };
/// The size of one file, the step in which a cache grows. [bytes]
pub const FILE_BYTES: u64 = FILE_SLOTS as u64 * SLOT as u64;
/// Objects with longer names are not cached. [bytes]
pub(crate) const NAME_MAX: usize = 1024;

const MAGIC: &[u8; 8] = b"HFcache\n";
const VERSION: u32 = 1;
/// Where the name begins in a header.
const NAME_AT: usize = 32 + LEAVES * 32;

const _: () = assert!(NAME_AT + NAME_MAX <= HEADER, "a header holds the longest name");
const _: () = assert!(BLOCK.is_multiple_of(SECTOR), "direct I/O");

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub name: String,
    pub block: u32,
    pub span: Span,
    leaves: [[u8; 32]; LEAVES],
}

/// How many bytes of a slot are to be read for so much of its part. [bytes]
pub(crate) fn read_bytes(span: Span, wanted: Span) -> usize {
    let end = (wanted.end() - span.from) as usize;
    HEADER + end.next_multiple_of(LEAF).min(span.len as usize).next_multiple_of(SECTOR)
}

/// The slot of a part, as long as it has to be.
pub(crate) fn encode((name, block): (&str, u32), span: Span, bytes: &[u8]) -> Buf {
    debug_assert!(bytes.len() == span.len as usize && span.end() as usize <= BLOCK);
    let mut buf = Buf::dirty(HEADER + bytes.len().next_multiple_of(SECTOR));
    let (header, body) = buf.split_at_mut(HEADER);
    body[..bytes.len()].copy_from_slice(bytes);
    body[bytes.len()..].fill(0);
    header.fill(0);
    header[..8].copy_from_slice(MAGIC);
    let mut put = |at: usize, value: u32| header[at..at + 4].copy_from_slice(&value.to_le_bytes());
    put(8, VERSION);
    put(16, block);
    put(20, span.from);
    put(24, span.len);
    put(28, name.len() as u32);
    let key = ObjectKey::of(name).block(block);
    for (at, leaf) in bytes.chunks(LEAF).enumerate() {
        let hash = hash(key, span, at, leaf);
        header[32 + at * 32..][..32].copy_from_slice(&hash);
    }
    header[NAME_AT..NAME_AT + name.len()].copy_from_slice(name.as_bytes());
    let sum = sum(header);
    header[12..16].copy_from_slice(&sum.to_le_bytes());
    buf
}

/// A header; nothing: these are not the bytes of one.
pub(crate) fn parse(header: &[u8]) -> Option<Header> {
    let word = |at: usize| {
        let bytes: [u8; 4] = header.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_le_bytes(bytes))
    };
    if header.len() != HEADER || header[..8] != *MAGIC || word(8)? != VERSION {
        return None;
    }
    if word(12)? != sum(header) {
        return None;
    }
    let span = Span { from: word(20)?, len: word(24)? };
    let end = span.from.checked_add(span.len)?;
    if span.len == 0 || end as usize > BLOCK || word(28)? as usize > NAME_MAX {
        return None;
    }
    let name = std::str::from_utf8(&header[NAME_AT..NAME_AT + word(28)? as usize]).ok()?;
    let mut leaves = [[0; 32]; LEAVES];
    for (at, leaf) in leaves.iter_mut().enumerate() {
        leaf.copy_from_slice(&header[32 + at * 32..][..32]);
    }
    Some(Header { name: name.into(), block: word(16)?, span, leaves })
}

/// Where the wanted bytes are in `slot`, which has [`read_bytes`]; nothing: they are not
/// what was written there (L1).
pub(crate) fn verify(
    slot: &[u8],
    (name, block): (&str, u32),
    span: Span,
    wanted: Span,
) -> Option<Range<usize>> {
    let header = parse(slot.get(..HEADER)?)?;
    if header.name != name || header.block != block || header.span != span {
        return None;
    }
    let key = ObjectKey::of(name).block(block);
    let from = (wanted.from - span.from) as usize;
    let to = from + wanted.len as usize;
    let body = &slot[HEADER..];
    for at in from / LEAF..to.div_ceil(LEAF) {
        let end = ((at + 1) * LEAF).min(span.len as usize);
        if hash(key, span, at, body.get(at * LEAF..end)?) != header.leaves[at] {
            return None;
        }
    }
    Some(HEADER + from..HEADER + to)
}

fn sum(header: &[u8]) -> u32 {
    crc32(&[&header[..12], &header[16..]])
}

fn hash(key: BlockKey, span: Span, leaf: usize, bytes: &[u8]) -> [u8; 32] {
    let mut under = [0; 32];
    under[..16].copy_from_slice(&key.object.0);
    let words = [key.block, span.from, span.len, leaf as u32];
    for (at, word) in words.into_iter().enumerate() {
        under[16 + at * 4..][..4].copy_from_slice(&word.to_le_bytes());
    }
    *blake3::keyed_hash(&under, bytes).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { from: 100, len: 5000 };

    fn bytes() -> Vec<u8> {
        (0..SPAN.len).map(|at| (at * 7 % 251) as u8).collect()
    }

    #[test]
    fn a_slot_has_golden_bytes() {
        let slot = encode(("rows/a", 3), SPAN, &bytes());
        assert_eq!(slot.len(), HEADER + 8192);
        assert_eq!(slot[..8], *b"HFcache\n");
        let digest = blake3::hash(&slot).to_hex();
        assert_eq!(&digest[..16], "719d195fa21720d8", "the format changed: raise VERSION");
    }

    #[test]
    fn what_was_written_is_read_and_nothing_else_passes() {
        let slot = encode(("rows/a", 3), SPAN, &bytes());
        let wanted = Span { from: 2500, len: 800 };
        let read = read_bytes(SPAN, wanted);
        assert_eq!(read, HEADER + SECTOR, "leaves 1 and 2 of 2048 bytes end at 4096 or less");
        let at = verify(&slot[..read], ("rows/a", 3), SPAN, wanted).unwrap();
        assert_eq!(slot[at], bytes()[2400..3200]);
        assert_eq!(verify(&slot, ("rows/b", 3), SPAN, wanted), None, "L1: another object");
        assert_eq!(verify(&slot, ("rows/a", 2), SPAN, wanted), None, "L1: another block");
        for at in (0..HEADER).chain(HEADER + 2048..HEADER + 4096).step_by(5) {
            let mut bad = slot.to_vec();
            bad[at] ^= 4;
            assert_eq!(verify(&bad, ("rows/a", 3), SPAN, wanted), None, "byte {at}");
        }
    }

    #[test]
    fn bytes_of_an_earlier_content_do_not_pass_under_a_newer_header() {
        let (old, new) = (vec![1; 5000], vec![2; 5000]);
        let old = encode(("rows/a", 3), SPAN, &old);
        let mut torn = encode(("rows/a", 4), SPAN, &new).to_vec();
        torn[HEADER..].copy_from_slice(&old[HEADER..]);
        assert_eq!(verify(&torn, ("rows/a", 4), SPAN, SPAN), None, "L1");
    }
}
