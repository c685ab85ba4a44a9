//! LIKE with a constant pattern.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::DataType;
use datafusion::logical_expr::Expr;
use holdfast_value::compare::Comparison;
use holdfast_value::{Collation, Value, collate};

use super::kernel::{Kernel, column};
use super::keys::views;
use super::lower::Lower;
use crate::error::Result;
use crate::expr::Typed;

/// `text LIKE pattern`; nothing where the library must do it.
pub(super) fn like(
    lower: &Lower,
    text: &Typed,
    pattern: &Typed,
    escape: &[Typed],
) -> Result<Option<Expr>> {
    let (true, Some(Value::Text(pattern_text))) = (text.of.is_text(), pattern.constant()) else {
        return Ok(None);
    };
    let Comparison::Text(collation) = Comparison::of(&text.of, &pattern.of) else {
        return Ok(None);
    };
    let escape = match escape {
        [] if lower.shared.settings().mode.no_backslash_escapes => None,
        [] => Some('\\'),
        [Typed { expr: crate::expr::Expr::Literal(Value::Text(escape)), .. }] => {
            escape.chars().next()
        }
        _ => return Ok(None),
    };
    let pattern = pattern_text.to_string();
    let settings = format!("{pattern:?} {escape:?} {collation:?}");
    let pieces = Pieces::of(&pattern, escape, collation);
    let kernel = Kernel::pure("like", &settings, DataType::Boolean, move |args, rows| {
        let texts = column(args, 0, rows)?;
        let texts = views(&texts)?;
        let mut scratch = Vec::new();
        let mut test = |text: &str| match &pieces {
            Some(pieces) if text.is_ascii() || !pieces.folds => pieces.find(text, &mut scratch),
            _ => collate::like(text, &pattern, escape, collation),
        };
        let found: BooleanArray = texts.iter().map(|text| text.map(&mut test)).collect();
        Ok(Arc::new(found) as ArrayRef)
    });
    Ok(Some(kernel.call(vec![lower.value(text)?])))
}

/// A pattern of constant pieces with `%` between them and without `_`.
struct Pieces {
    /// In lower case where `folds`.
    pieces: Vec<Vec<u8>>,
    /// Nothing before the first piece.
    from_start: bool,
    /// Nothing after the last piece.
    to_end: bool,
    /// Case does not count.
    folds: bool,
}

impl Pieces {
    fn of(pattern: &str, escape: Option<char>, collation: Collation) -> Option<Self> {
        let folds = !matches!(collation, Collation::Binary | Collation::Bin);
        let has_special = pattern.chars().any(|letter| letter == '_' || Some(letter) == escape);
        // Letters beyond ASCII, and controls that have no weight, are the library's.
        let is_plain = pattern.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if has_special || (folds && !is_plain) {
            return None;
        }
        let fold = |piece: &str| {
            let mut piece = piece.as_bytes().to_vec();
            if folds {
                piece.make_ascii_lowercase();
            }
            piece
        };
        let parts = pattern.split('%').filter(|piece| !piece.is_empty());
        Some(Self {
            pieces: parts.map(fold).collect(),
            from_start: !pattern.starts_with('%'),
            to_end: !pattern.ends_with('%'),
            folds,
        })
    }

    /// Greedy from the left: of pieces with `%` between them the first match is as good as any.
    fn find(&self, text: &str, scratch: &mut Vec<u8>) -> bool {
        let mut rest = text.as_bytes();
        if self.folds && rest.iter().any(u8::is_ascii_uppercase) {
            scratch.clear();
            scratch.extend_from_slice(rest);
            scratch.make_ascii_lowercase();
            rest = scratch;
        }
        let Some((last, others)) = self.pieces.split_last() else {
            // `%`, or the empty pattern, which only the empty text is like.
            return !self.from_start || !self.to_end || rest.is_empty();
        };
        for (at, piece) in others.iter().enumerate() {
            if at == 0 && self.from_start {
                match rest.strip_prefix(&piece[..]) {
                    Some(after) => rest = after,
                    None => return false,
                }
                continue;
            }
            match position(rest, piece) {
                Some(found) => rest = &rest[found + piece.len()..],
                None => return false,
            }
        }
        match (self.from_start && others.is_empty(), self.to_end) {
            (true, true) => rest == &last[..],
            (true, false) => rest.starts_with(last),
            (false, true) => rest.ends_with(last),
            (false, false) => position(rest, last).is_some(),
        }
    }
}

fn position(text: &[u8], piece: &[u8]) -> Option<usize> {
    let (first, size) = (*piece.first()?, piece.len());
    let last = text.len().checked_sub(size)?;
    let mut at = 0;
    while at <= last {
        at += text[at..=last].iter().position(|byte| *byte == first)?;
        if text[at..at + size] == *piece {
            return Some(at);
        }
        at += 1;
    }
    None
}
