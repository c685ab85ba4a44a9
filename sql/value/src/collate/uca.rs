//! `utf8mb4_0900_ai_ci`: primary weights of the Unicode collation algorithm, by ICU.
//!
//! ICU has CLDR's root order of a newer Unicode than MySQL's 9.0. Compared with a
//! server's weights of the plain Unicode table (14.0): the order of all pairs of letters
//! and digits below U+0600 is the same; of the 63,488 code points below U+10000 1,044
//! are in a class of equals that differs in some member. Looked at were 27 of these:
//! marks that count for nothing here and are unknown there (one such member changes the
//! whole class), and circled Hangul, which equals its letters here. Symbols and
//! punctuation may lie in another order among themselves (not compared).
//!
//! A sort key leaves out the first byte of a weight that repeats its predecessor's
//! (for scripts whose weights share it), and marks where that ends. ASCII texts are
//! written the same way from a table of 128 weights, which ICU gives at the start.

use std::cmp::Ordering;
use std::sync::LazyLock;

use icu_collator::options::{AlternateHandling, CollatorOptions, Strength};
use icu_collator::{Collator, CollatorBorrowed};

struct Uca {
    collator: CollatorBorrowed<'static>,
    /// Weights of ASCII, bytes from the left, 0 for those that do not count.
    ascii: [u32; 128],
    /// By first byte: whether weights leave it out after one with the same.
    shared: [bool; 256],
}

/// Closes a run of weights with a shared first byte before a smaller weight.
const RUN_LOW: u8 = 0x03;
/// As `RUN_LOW`, before a larger one.
const RUN_HIGH: u8 = 0xff;

static UCA: LazyLock<Uca> = LazyLock::new(|| {
    let mut options = CollatorOptions::default();
    options.strength = Some(Strength::Primary);
    options.alternate_handling = Some(AlternateHandling::NonIgnorable);
    let collator = Collator::try_new(Default::default(), options)
        .expect("the root collation is compiled in, which the tests of this module load");
    let mut uca = Uca { collator, ascii: [0; 128], shared: [false; 256] };
    for code in 0..128u8 {
        let mut key = Vec::new();
        let c = char::from(code);
        key_of(&uca.collator, c.encode_utf8(&mut [0; 4]), &mut key);
        let mut weight = [0; 4];
        weight.iter_mut().zip(&key).for_each(|(to, from)| *to = *from);
        uca.ascii[usize::from(code)] = u32::from_be_bytes(weight);
        let mut twice = Vec::new();
        key_of(&uca.collator, &format!("{c}{c}"), &mut twice);
        if let Some(first) = key.first() {
            uca.shared[usize::from(*first)] |= twice.len() < 2 * key.len();
        }
    }
    uca
});

fn key_of(collator: &CollatorBorrowed<'static>, text: &str, out: &mut Vec<u8>) {
    let Ok(()) = collator.write_sort_key_to(text, out);
}

pub(super) fn weights(text: &str, out: &mut Vec<u8>) {
    if text.is_ascii() { ascii_weights(text, out) } else { key_of(&UCA.collator, text, out) }
}

/// The long way, for texts of any kind.
#[cfg(test)]
pub(super) fn long_weights(text: &str, out: &mut Vec<u8>) {
    key_of(&UCA.collator, text, out);
}

fn ascii_weights(text: &str, out: &mut Vec<u8>) {
    let uca = &*UCA;
    out.reserve(text.len() * 2);
    let mut previous = 0;
    for byte in text.bytes() {
        let weight = uca.ascii[usize::from(byte & 0x7f)];
        if weight == 0 {
            continue;
        }
        let bytes = weight.to_be_bytes();
        let is_shared = uca.shared[usize::from(bytes[0])];
        if !is_shared || weight >> 24 != previous >> 24 {
            if previous != 0 {
                out.push(if weight < previous { RUN_LOW } else { RUN_HIGH });
            }
            out.push(bytes[0]);
            previous = if is_shared { weight } else { 0 };
        }
        out.extend(bytes[1..].iter().take_while(|b| **b != 0));
    }
}

pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let uca = &*UCA;
    ascii_compare(&uca.ascii, left.as_bytes(), right.as_bytes())
        .unwrap_or_else(|| uca.collator.compare(left, right))
}

/// The order of two texts, if what decides it is ASCII: a byte that is not may belong to the
/// character before it.
fn ascii_compare(weights: &[u32; 128], left: &[u8], right: &[u8]) -> Option<Ordering> {
    // The next weight (0 at the end) and where it ends; none: something that is not ASCII.
    let next = |bytes: &[u8], mut at: usize| -> Option<(u32, usize)> {
        while let Some(byte) = bytes.get(at) {
            at += 1;
            let weight = *weights.get(usize::from(*byte))?;
            if weight != 0 {
                return Some((weight, at));
            }
        }
        Some((0, at))
    };
    let (mut i, mut j) = (0, 0);
    loop {
        let (a, after_a) = next(left, i)?;
        let (b, after_b) = next(right, j)?;
        if a != b || a == 0 {
            let is_ascii = |bytes: &[u8], at: usize| bytes.get(at).is_none_or(u8::is_ascii);
            return (is_ascii(left, after_a) && is_ascii(right, after_b)).then(|| a.cmp(&b));
        }
        (i, j) = (after_a, after_b);
    }
}

pub(super) fn same_char(left: char, right: char) -> bool {
    if left.is_ascii() && right.is_ascii() {
        return UCA.ascii[left as usize] == UCA.ascii[right as usize];
    }
    let (mut a, mut b) = ([0; 4], [0; 4]);
    UCA.collator.compare(left.encode_utf8(&mut a), right.encode_utf8(&mut b)).is_eq()
}
