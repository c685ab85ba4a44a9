//! Expressions as another type: arrow's casts where they mean the same as MySQL's.

use std::sync::Arc;

use datafusion::logical_expr::{Expr, cast};
use holdfast_tail::columns::data_type;
use holdfast_value::{IntWidth, SqlType};

use super::row;
use super::shared::Shared;

/// `value`, which is a `from`, as a `to`.
pub(super) fn convert(value: Expr, from: &SqlType, to: &SqlType, shared: &Arc<Shared>) -> Expr {
    if from == to || is_same(from, to) {
        return value;
    }
    if *from == SqlType::Null || is_exact(from, to) {
        return cast(value, data_type(to));
    }
    row::convert(value, from, to, shared)
}

/// True where a column of one is a column of the other.
fn is_same(from: &SqlType, to: &SqlType) -> bool {
    let is_moment = |of: &SqlType| matches!(of, SqlType::DateTime(_) | SqlType::Timestamp(_));
    data_type(from) == data_type(to)
        && ((from.is_text() && to.is_text())
            || (from.is_bytes() && to.is_bytes())
            || (is_moment(from) && is_moment(to))
            || (matches!(from, SqlType::Time(_)) && matches!(to, SqlType::Time(_)))
            || (is_plain_int(from) && is_plain_int(to))
            || (matches!(from, SqlType::Decimal { .. }) && matches!(to, SqlType::Decimal { .. }))
            || (matches!(from, SqlType::Double { .. }) && matches!(to, SqlType::Double { .. })))
}

fn is_plain_int(of: &SqlType) -> bool {
    matches!(of, SqlType::Int { .. })
}

/// True where arrow's cast loses nothing and means the same.
pub(super) fn is_exact(from: &SqlType, to: &SqlType) -> bool {
    use SqlType as T;
    match (from, to) {
        (T::Int { width, unsigned, .. }, T::Int { width: wide, unsigned: positive, .. }) => {
            match (unsigned, positive) {
                (false, true) => false,
                (true, false) => bits(*wide) > bits(*width),
                _ => bits(*wide) >= bits(*width),
            }
        }
        (T::Year, T::Int { width, .. }) => bits(*width) >= 32,
        (T::Int { .. } | T::Year, T::Decimal { precision, scale, .. }) => {
            int_digits(from) <= precision - scale
        }
        (T::Int { .. } | T::Year | T::Float { .. } | T::Decimal { .. }, T::Double { .. }) => true,
        (T::Decimal { precision: p, scale: s, .. }, T::Decimal { precision: q, scale: t, .. }) => {
            t >= s && q - t >= p - s
        }
        (T::Date, T::DateTime(_)) => true,
        _ => false,
    }
}

fn bits(width: IntWidth) -> u8 {
    match width {
        IntWidth::Tiny => 8,
        IntWidth::Small => 16,
        IntWidth::Medium | IntWidth::Int => 32,
        IntWidth::Big => 64,
    }
}

/// The most digits of an integer type.
pub(super) fn int_digits(of: &SqlType) -> u8 {
    match of {
        SqlType::Int { width, .. } => match width {
            IntWidth::Tiny => 3,
            IntWidth::Small => 5,
            IntWidth::Medium => 8,
            IntWidth::Int => 10,
            IntWidth::Big => 20,
        },
        SqlType::Year => 4,
        _ => 20,
    }
}
