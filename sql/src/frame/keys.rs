//! What texts are compared by (F3).
//!
//! ```text
//! binary               the text
//! utf8mb4_bin          the text without trailing spaces (PAD SPACE)
//! *_ci                 its weights, bytes
//! ENUM, SET in order   the member's number, the members' bits
//! ```
//!
//! A text that differs from another by a trailing space against a control character
//! below it orders after it; MySQL's padding has it before.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryViewBuilder, StringViewArray, StringViewBuilder, UInt64Array,
};
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::Expr;
use holdfast_tail::columns::value_at;
use holdfast_value::key::{KeyPart, encode_part};
use holdfast_value::{Collation, SqlType, collate};

use super::kernel::{Kernel, column};
use super::trouble::wrap;

/// What equal values have in common, and nothing else has.
pub(super) fn equal(value: Expr, of: &SqlType) -> Expr {
    if of.is_text() { by(value, of.collation()) } else { value }
}

/// True where [`equal`] is not the value itself.
pub(super) fn is_keyed(of: &SqlType) -> bool {
    of.is_text() && of.collation() != Collation::Binary
}

/// What orders as the values do.
pub(super) fn order(value: Expr, of: &SqlType) -> Expr {
    match of {
        SqlType::Enum(names, _) | SqlType::Set(names, _) => {
            let is_set = matches!(of, SqlType::Set(..));
            let (names, settings) = (Arc::clone(names), format!("{of:?}"));
            Kernel::pure("members", &settings, DataType::UInt64, move |args, rows| {
                let texts = column(args, 0, rows)?;
                let texts = views(&texts)?;
                let number =
                    |text: &str| if is_set { bits(text, &names) } else { place(text, &names) };
                let numbers: UInt64Array = texts.iter().map(|text| text.map(number)).collect();
                Ok(Arc::new(numbers) as ArrayRef)
            })
            .call(vec![value])
        }
        _ => equal(value, of),
    }
}

fn place(text: &str, names: &[String]) -> u64 {
    names.iter().position(|name| name == text).map_or(0, |at| at as u64 + 1)
}

fn bits(text: &str, names: &[String]) -> u64 {
    text.split(',').map(|part| 1u64.checked_shl(place(part, names) as u32).unwrap_or(0) >> 1).sum()
}

/// What a collation compares of a text.
pub(super) fn by(value: Expr, collation: Collation) -> Expr {
    match (collation, value) {
        (Collation::Binary, value) => value,
        (Collation::Bin, Expr::Literal(ScalarValue::Utf8View(Some(text)), meta)) => {
            Expr::Literal(ScalarValue::Utf8View(Some(text.trim_end_matches(' ').to_owned())), meta)
        }
        (_, Expr::Literal(ScalarValue::Utf8View(Some(text)), meta)) => {
            let mut weights = Vec::with_capacity(text.len() * 2);
            collate::weights(&text, collation, &mut weights);
            Expr::Literal(ScalarValue::BinaryView(Some(weights)), meta)
        }
        (Collation::Bin, value) => {
            Kernel::pure("pad", "", DataType::Utf8View, |args, rows| pad(column(args, 0, rows)?))
                .call(vec![value])
        }
        (_, value) => {
            let settings = format!("{collation:?}");
            Kernel::pure("weights", &settings, DataType::BinaryView, move |args, rows| {
                weigh(&column(args, 0, rows)?, collation)
            })
            .call(vec![value])
        }
    }
}

/// Whether [`order`] makes bytes of it.
pub(super) fn is_bytes(of: &SqlType) -> bool {
    of.is_bytes()
        || (of.is_text()
            && !matches!(of, SqlType::Enum(..) | SqlType::Set(..))
            && of.collation() != Collation::Bin)
}

/// Bytes as a text of the same order: hexadecimal digits.
pub(super) fn spelled(bytes: Expr) -> Expr {
    Kernel::pure("spelled", "", DataType::Utf8View, |args, rows| {
        let array = column(args, 0, rows)?;
        let bytes = array
            .as_binary_view_opt()
            .ok_or_else(|| DataFusionError::Internal(format!("bytes as {}", array.data_type())))?;
        let mut texts = StringViewBuilder::with_capacity(bytes.len());
        let mut text = String::new();
        for bytes in bytes.iter() {
            text.clear();
            for byte in bytes.unwrap_or_default() {
                text.push(char::from(b"0123456789abcdef"[usize::from(byte >> 4)]));
                text.push(char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
            }
            texts.append_option(bytes.map(|_| &text));
        }
        Ok(Arc::new(texts.finish()))
    })
    .call(vec![bytes])
}

pub(super) fn views(array: &ArrayRef) -> Result<&StringViewArray> {
    array
        .as_string_view_opt()
        .ok_or_else(|| DataFusionError::Internal(format!("texts as {}", array.data_type())))
}

/// The array itself, unless something in it ends with a space.
fn pad(array: ArrayRef) -> Result<ArrayRef> {
    let texts = views(&array)?;
    if !texts.iter().flatten().any(|text| text.ends_with(' ')) {
        return Ok(array);
    }
    let mut cut = StringViewBuilder::with_capacity(texts.len());
    for text in texts.iter() {
        cut.append_option(text.map(|text| text.trim_end_matches(' ')));
    }
    Ok(Arc::new(cut.finish()))
}

/// Short texts are often the same few: their weights are kept, by what a view of a
/// text of at most 12 bytes is, which is all of it.
struct Known {
    slots: Vec<Option<(u128, Vec<u8>)>>,
}

impl Known {
    const SLOTS: usize = 64;

    /// Where the weights of the text with this view are kept.
    fn slot(&mut self, view: u128) -> &mut Option<(u128, Vec<u8>)> {
        let folded = (view as u64) ^ ((view >> 64) as u64);
        let mixed = folded.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        &mut self.slots[(mixed >> 58) as usize]
    }
}

fn weigh(array: &ArrayRef, collation: Collation) -> Result<ArrayRef> {
    let texts = views(array)?;
    let mut known = Known { slots: vec![None; Known::SLOTS] };
    let mut all = BinaryViewBuilder::with_capacity(texts.len());
    let mut weights = Vec::with_capacity(64);
    for (row, view) in texts.views().iter().enumerate() {
        if texts.is_null(row) {
            all.append_null();
            continue;
        }
        let is_short = *view as u32 <= 12;
        if is_short
            && let Some((text, weights)) = known.slot(*view)
            && text == view
        {
            all.append_value(&weights[..]);
            continue;
        }
        weights.clear();
        collate::weights(texts.value(row), collation, &mut weights);
        all.append_value(&weights);
        if is_short {
            *known.slot(*view) = Some((*view, weights.clone()));
        }
    }
    Ok(Arc::new(all.finish()))
}

/// Several values as one, NULL where one of them is: COUNT(DISTINCT a, b).
pub(super) fn tuple(values: Vec<Expr>, types: Vec<SqlType>) -> Expr {
    let settings = format!("{types:?}");
    Kernel::pure("tuple", &settings, DataType::BinaryView, move |args, rows| {
        let columns: Vec<ArrayRef> =
            (0..args.len()).map(|at| column(args, at, rows)).collect::<Result<_>>()?;
        let mut all = BinaryViewBuilder::with_capacity(rows);
        let mut key = Vec::with_capacity(64);
        for row in 0..rows {
            key.clear();
            let mut is_null = false;
            for (array, of) in columns.iter().zip(&types) {
                let value = value_at(array, row, of).map_err(wrap)?;
                is_null |= value.is_null();
                let part = KeyPart { of: of.clone(), descending: false, prefix: None };
                encode_part(&value, &part, &mut key).map_err(wrap)?;
            }
            if is_null { all.append_null() } else { all.append_value(&key) }
        }
        Ok(Arc::new(all.finish()) as ArrayRef)
    })
    .call(values)
}
