//! How texts compare.
//!
//! | collation | weight of a text | end of a text |
//! |---|---|---|
//! | `Binary` | its bytes | NO PAD |
//! | `Bin` | its bytes (UTF-8 orders as code points do) | PAD SPACE |
//! | `GeneralCi` | 2 bytes a character, see `general` | PAD SPACE |
//! | `Uca0900AiCi` | primary weights, see `uca` | NO PAD |
//!
//! PAD SPACE compares as if spaces without end followed both texts. In weights each
//! space is followed by a mark that says what ends its run, and a text, without the
//! spaces that it ends with, is followed by one more space:
//!
//! ```text
//! mark: 1 less than a space follows | 2 the end follows | 3 more than a space follows
//! "a"     a 20 2      "a\t"   a 09 20 2     "a  b"  a 20 3 20 3 b 20 2
//! ```
//!
//! Invariants
//! - C1: the order of weights is the order that `compare` gives, equality too.
//! - C2: the short way for ASCII texts gives the same bytes as the long way.
//!
//! Not here: LIKE (`like`), keys that hold weights (`key`).

mod general;
mod general_table;
mod like;
mod uca;

use std::cmp::Ordering;

use crate::types::Collation;

pub use like::{Pattern, like, like_bytes};

/// Appends the weights of `text`: their bytes order and equal as the texts do.
pub fn weights(text: &str, collation: Collation, out: &mut Vec<u8>) {
    match collation {
        Collation::Binary => out.extend_from_slice(text.as_bytes()),
        Collation::Bin => bin_weights(text, out),
        Collation::GeneralCi => general::weights(text, out),
        Collation::Uca0900AiCi => uca::weights(text, out),
    }
}

/// Appends what the weights of every text start with that starts with `prefix`, or
/// with what compares equal to it: the low end of `LIKE 'prefix%'`. May be shorter
/// than it could be, as characters may change when others follow.
pub fn weights_of_prefix(prefix: &str, collation: Collation, out: &mut Vec<u8>) {
    match collation {
        Collation::Binary => out.extend_from_slice(prefix.as_bytes()),
        // Which mark a space at the end has is not known yet.
        Collation::Bin | Collation::GeneralCi => {
            let start = out.len();
            weights(prefix, collation, out);
            let end = if collation == Collation::Bin { 2 } else { 4 };
            out.truncate((out.len() - end).max(start));
        }
        Collation::Uca0900AiCi => {
            let ascii = prefix.bytes().take_while(u8::is_ascii).count();
            uca::weights(&prefix[..ascii], out);
        }
    }
}

/// The order of two texts.
pub fn compare(left: &str, right: &str, collation: Collation) -> Ordering {
    match collation {
        Collation::Binary => left.cmp(right),
        Collation::Bin => bin_compare(left.as_bytes(), right.as_bytes()),
        Collation::GeneralCi => general::compare(left, right),
        Collation::Uca0900AiCi => uca::compare(left, right),
    }
}

/// Whether two characters are the same to LIKE.
fn same_char(left: char, right: char, collation: Collation) -> bool {
    left == right
        || match collation {
            Collation::Binary | Collation::Bin => false,
            Collation::GeneralCi => general::weight(left) == general::weight(right),
            Collation::Uca0900AiCi => uca::same_char(left, right),
        }
}

/// `utf8mb4_0900_ai_ci`.
pub fn name(collation: Collation) -> &'static str {
    match collation {
        Collation::Binary => "binary",
        Collation::Bin => "utf8mb4_bin",
        Collation::GeneralCi => "utf8mb4_general_ci",
        Collation::Uca0900AiCi => "utf8mb4_0900_ai_ci",
    }
}

/// The collation of this name, in any case.
pub fn named(text: &str) -> Option<Collation> {
    const ALL: [Collation; 4] =
        [Collation::Binary, Collation::Bin, Collation::GeneralCi, Collation::Uca0900AiCi];
    ALL.into_iter().find(|it| name(*it).eq_ignore_ascii_case(text))
}

/// Less than a space follows, the end, more than a space.
fn mark(next: Option<u32>) -> u8 {
    match next {
        None => 2,
        Some(next) if next < 0x20 => 1,
        Some(_) => 3,
    }
}

fn bin_weights(text: &str, out: &mut Vec<u8>) {
    let bytes = text.trim_end_matches(' ').as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let word = bytes[at..].iter().position(|b| *b == b' ').unwrap_or(bytes.len() - at);
        out.extend_from_slice(&bytes[at..at + word]);
        at += word;
        let spaces = bytes[at..].iter().take_while(|b| **b == b' ').count();
        let next = bytes.get(at + spaces).map(|b| u32::from(*b));
        for _ in 0..spaces {
            out.extend_from_slice(&[b' ', mark(next)]);
        }
        at += spaces;
    }
    out.extend_from_slice(&[b' ', 2]);
}

fn bin_compare(left: &[u8], right: &[u8]) -> Ordering {
    let shorter = left.len().min(right.len());
    let padded =
        |rest: &[u8]| rest.iter().find(|b| **b != b' ').map_or(Ordering::Equal, |b| b.cmp(&b' '));
    left[..shorter]
        .cmp(&right[..shorter])
        .then_with(|| padded(&left[shorter..]))
        .then_with(|| padded(&right[shorter..]).reverse())
}

#[cfg(test)]
mod tests;
