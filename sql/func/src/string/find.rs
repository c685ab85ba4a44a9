//! Where a string is in another: LOCATE, INSTR, POSITION.
//!
//! Texts are compared by their collation, character by character.

use std::cmp::Ordering;

use holdfast_value::{Collation, Value, collate};

use crate::function::{Function, Out, get, pure};
use crate::infer;
use crate::input::{In, Str, chars};

pub(crate) const FUNCTIONS: &[Function] = &[
    pure!("instr", 2, 2, infer::bigint, |x: &mut In<'_>| locate(x, 0, 1)),
    pure!("locate", 2, 3, infer::bigint, |x: &mut In<'_>| locate(x, 1, 0)),
];

/// Where `needle` begins. [bytes]
pub(crate) fn position(hay: &[u8], needle: &[u8]) -> Option<usize> {
    match needle {
        [] => Some(0),
        [one] => hay.iter().position(|byte| byte == one),
        [first, ..] => {
            let last = hay.len().checked_sub(needle.len())?;
            let starts = hay[..=last].iter().enumerate().filter(|(_, byte)| *byte == first);
            starts.map(|(at, _)| at).find(|at| hay[*at..*at + needle.len()] == *needle)
        }
    }
}

fn locate(x: &mut In<'_>, hay: usize, needle: usize) -> Out {
    let (of, what) = (get!(x.str(hay)), get!(x.str(needle)));
    let start = if x.len() > 2 { get!(x.wide(2)) } else { 1 };
    let is_text = of.is_text && what.is_text;
    let of = Str { is_text, ..of };
    let Ok(skip) = usize::try_from(start - 1) else { return Ok(Value::Int(0)) };
    if skip > of.count() {
        return Ok(Value::Int(0));
    }
    let from = of.offset(skip);
    let rest = Str { bytes: of.bytes[from..].into(), is_text };
    let found = match x.collation() {
        Collation::GeneralCi | Collation::Uca0900AiCi if is_text => {
            locate_folded(&rest.bytes, &what.bytes, x.collation())
        }
        _ => position(&rest.bytes, &what.bytes)
            .map(|at| if is_text { chars(&rest.bytes[..at]) } else { at }),
    };
    Ok(Value::Int(found.map_or(0, |at| i64::try_from(skip + at + 1).unwrap_or(i64::MAX))))
}

/// Where a text equal to `needle` begins. [characters]
fn locate_folded(hay: &[u8], needle: &[u8], collation: Collation) -> Option<usize> {
    if needle.is_empty() {
        return Some(0);
    }
    if hay.is_ascii() && needle.is_ascii() {
        return hay.windows(needle.len()).position(|part| part.eq_ignore_ascii_case(needle));
    }
    let (hay, needle) = (std::str::from_utf8(hay).ok()?, std::str::from_utf8(needle).ok()?);
    // As MySQL, a match has as many bytes as what is sought: `É` is `é`, but not `e`.
    hay.char_indices().position(|(at, _)| {
        let part = hay.get(at..at + needle.len());
        part.is_some_and(|part| collate::compare(part, needle, collation) == Ordering::Equal)
    })
}
