//! `utf8mb4_general_ci`: one weight of 16 bits a character, case and accents folded.
//!
//! Characters from U+10000 on all weigh U+FFFD, as in MySQL.
//!
//! Not here: the table (`general_table`).

use std::cmp::Ordering;
use std::sync::LazyLock;

use super::general_table::RUNS;
use super::mark;

static TABLE: LazyLock<Box<[u16]>> = LazyLock::new(|| {
    let mut table: Box<[u16]> = (0..=u16::MAX).collect();
    for &(first, last, step, is_same, weight) in RUNS {
        for code in (first..=last).step_by(usize::from(step)) {
            let more = if is_same { 0 } else { code - first };
            table[usize::from(code)] = weight.wrapping_add(more);
        }
    }
    table
});

pub(super) fn weight(c: char) -> u16 {
    // ASCII needs no table: only its small letters fold.
    if c.is_ascii() {
        return c.to_ascii_uppercase() as u16;
    }
    TABLE.get(c as usize).copied().unwrap_or(0xfffd)
}

pub(super) fn weights(text: &str, out: &mut Vec<u8>) {
    let text = text.trim_end_matches(' ');
    out.reserve(text.len() * 2 + 4);
    let mut rest = text.chars();
    // The mark of the run of spaces that we are in.
    let mut run = None;
    while let Some(c) = rest.next() {
        let weight = weight(c);
        out.extend_from_slice(&weight.to_be_bytes());
        if c != ' ' {
            run = None;
            continue;
        }
        let next = || rest.as_str().trim_start_matches(' ').chars().next();
        let mark = *run.get_or_insert_with(|| mark(next().map(|c| u32::from(self::weight(c)))));
        out.extend_from_slice(&[0, mark]);
    }
    out.extend_from_slice(&[0, 0x20, 0, 2]);
}

pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.chars(), right.chars());
    loop {
        let (a, b) = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (a, b) => (a.unwrap_or(' '), b.unwrap_or(' ')),
        };
        if a != b {
            let order = weight(a).cmp(&weight(b));
            if order.is_ne() {
                return order;
            }
        }
    }
}
