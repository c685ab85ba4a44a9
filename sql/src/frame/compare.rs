//! Comparisons: both sides made one column type that compares as MySQL compares them.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use holdfast_tail::columns::data_type;
use holdfast_value::compare::Comparison;
use holdfast_value::{SqlType, Value};

use super::convert::int_digits;
use super::lower::Lower;
use super::{keys, present};
use crate::error::Result;
use crate::expr::Typed;

/// `a op b`; nothing where only the library knows.
pub(super) fn binary(lower: &Lower, op: Operator, a: &Typed, b: &Typed) -> Result<Option<Expr>> {
    Ok(pair(lower, a, b)?
        .map(|(a, b)| Expr::BinaryExpr(BinaryExpr::new(Box::new(a), op, Box::new(b)))))
}

/// `a <=> b` of what [`pair`] made of the two.
pub(super) fn same((left, right): (Expr, Expr), (a, b): (&Typed, &Typed)) -> Expr {
    if a.constant().is_some() || b.constant().is_some() {
        let op = Operator::IsNotDistinctFrom;
        return Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)));
    }
    present::same(left, right)
}

/// Two values as columns of the same type.
pub(super) fn pair(lower: &Lower, a: &Typed, b: &Typed) -> Result<Option<(Expr, Expr)>> {
    if is_null(a) || is_null(b) {
        let of = if is_null(a) { &b.of } else { &a.of };
        return Ok(Some((lower.converted(a, of)?, lower.converted(b, of)?)));
    }
    Ok(match Comparison::of(&a.of, &b.of) {
        Comparison::Int => Some(both(lower, a, b, &common_int(a, b))?),
        Comparison::Decimal => match common_decimal(a, b) {
            Some(of) => Some(both(lower, a, b, &of)?),
            None => None,
        },
        Comparison::Double => Some(both(lower, a, b, &SqlType::DOUBLE)?),
        Comparison::Date | Comparison::DateTime => moments(lower, a, b)?,
        Comparison::Time => match (&a.of, &b.of) {
            (SqlType::Time(_), SqlType::Time(_)) => Some((lower.value(a)?, lower.value(b)?)),
            _ => None,
        },
        Comparison::Text(collation) => {
            if !a.of.is_text() || !b.of.is_text() {
                return Ok(None);
            }
            let (a, b) = (lower.value(a)?, lower.value(b)?);
            Some((keys::by(a, collation), keys::by(b, collation)))
        }
        Comparison::Bytes if a.of.is_bytes() && b.of.is_bytes() => {
            Some((lower.value(a)?, lower.value(b)?))
        }
        Comparison::Bytes | Comparison::Json => None,
    })
}

fn is_null(typed: &Typed) -> bool {
    typed.of == SqlType::Null || typed.constant().is_some_and(Value::is_null)
}

fn both(lower: &Lower, a: &Typed, b: &Typed, of: &SqlType) -> Result<(Expr, Expr)> {
    Ok((lower.converted(a, of)?, lower.converted(b, of)?))
}

/// A constant takes the column's type where it fits: the column then needs no cast.
fn common_int(a: &Typed, b: &Typed) -> SqlType {
    for (constant, other) in [(a, b), (b, a)] {
        if let Some(value) = constant.constant()
            && matches!(other.of, SqlType::Int { .. })
            && holdfast_tail::columns::one(&other.of, value).is_ok()
        {
            return other.of.clone();
        }
    }
    if a.of == b.of {
        return a.of.clone();
    }
    let is_wide = |of: &SqlType| data_type(of) == data_type(&SqlType::BIGINT_UNSIGNED);
    match (is_wide(&a.of), is_wide(&b.of)) {
        (false, false) => SqlType::BIGINT,
        (true, true) => SqlType::BIGINT_UNSIGNED,
        (true, false) if b.of.is_unsigned() => SqlType::BIGINT_UNSIGNED,
        (false, true) if a.of.is_unsigned() => SqlType::BIGINT_UNSIGNED,
        _ => SqlType::Decimal { precision: 20, scale: 0, unsigned: false },
    }
}

fn common_decimal(a: &Typed, b: &Typed) -> Option<SqlType> {
    for (constant, other) in [(a, b), (b, a)] {
        if let SqlType::Decimal { precision, scale, .. } = other.of
            && let Some(value) = constant.constant()
        {
            let number = match value {
                Value::Decimal(number) => *number,
                Value::Int(number) => holdfast_value::Decimal::from_i64(*number),
                Value::UInt(number) => holdfast_value::Decimal::from_u64(*number),
                _ => continue,
            };
            let is_exact = number
                .rescale(scale)
                .is_some_and(|same| same.compare(&number).is_eq() && same.fits(precision, scale));
            if is_exact {
                return Some(other.of.clone());
            }
        }
    }
    let (before, after) = shape(&a.of)?;
    let (other_before, other_after) = shape(&b.of)?;
    let scale = after.max(other_after);
    let precision = before.max(other_before) + scale;
    // 76 digits are all that a column holds.
    (precision <= 76).then_some(SqlType::Decimal { precision, scale, unsigned: false })
}

fn shape(of: &SqlType) -> Option<(u8, u8)> {
    match of {
        SqlType::Decimal { precision, scale, .. } => Some((precision - scale, *scale)),
        SqlType::Int { .. } | SqlType::Year => Some((int_digits(of), 0)),
        _ => None,
    }
}

/// Dates and times; a text is read as one, where it is constant.
fn moments(lower: &Lower, a: &Typed, b: &Typed) -> Result<Option<(Expr, Expr)>> {
    let is_moment =
        |of: &SqlType| matches!(of, SqlType::Date | SqlType::DateTime(_) | SqlType::Timestamp(_));
    let (Some(a), Some(b)) = (read(lower, a, &is_moment)?, read(lower, b, &is_moment)?) else {
        return Ok(None);
    };
    let day = 86_400_000_000;
    // A constant midnight is a date, so that a date's column needs no cast.
    let at_midnight = |typed: &Typed| match typed.constant() {
        Some(Value::DateTime(micros)) if micros % day == 0 => {
            i32::try_from(micros.div_euclid(day)).ok()
        }
        _ => None,
    };
    let mut sides = [a, b];
    for at in [0, 1] {
        if sides[1 - at].of == SqlType::Date
            && let Some(days) = at_midnight(&sides[at])
        {
            sides[at] = Typed::literal(Value::Date(days), SqlType::Date);
        }
    }
    let of = if sides.iter().all(|side| side.of == SqlType::Date) {
        SqlType::Date
    } else {
        SqlType::DateTime(6)
    };
    Ok(Some(both(lower, &sides[0], &sides[1], &of)?))
}

fn read(
    lower: &Lower,
    typed: &Typed,
    is_moment: &dyn Fn(&SqlType) -> bool,
) -> Result<Option<Typed>> {
    if is_moment(&typed.of) {
        return Ok(Some(typed.clone()));
    }
    let Some(Value::Text(_)) = typed.constant() else { return Ok(None) };
    let Some(value) = typed.constant() else { return Ok(None) };
    // What does not read well is left to the library, which knows what to say of it.
    let mut context = lower.shared.settings().clone();
    let read = holdfast_value::cast::to_datetime(value, &mut context);
    Ok(match read {
        Ok(Some(micros)) if context.warning_count == 0 => {
            Some(Typed::literal(Value::DateTime(micros), SqlType::DateTime(6)))
        }
        _ => None,
    })
}

/// `item IN (list)`.
pub(super) fn in_list(lower: &Lower, item: &Typed, list: &[Typed]) -> Result<Expr> {
    let mut any: Option<Expr> = None;
    let mut same: Option<(Expr, Vec<Expr>)> = None;
    for entry in list {
        match pair(lower, item, entry)? {
            Some((a, b @ Expr::Literal(..))) => match &mut same {
                None => same = Some((a, vec![b])),
                Some((first, all)) if *first == a => all.push(b),
                Some(_) => any = Some(or(any, equal(a, b))),
            },
            Some((a, b)) => any = Some(or(any, equal(a, b))),
            None => any = Some(or(any, by_library(lower, item, entry)?)),
        }
    }
    if let Some((item, list)) = same {
        let listed = match <[Expr; 1]>::try_from(list) {
            Ok([only]) => equal(item, only),
            Err(list) => Expr::InList(InList::new(Box::new(item), list, false)),
        };
        any = Some(or(any, listed));
    }
    Ok(any.unwrap_or(Expr::Literal(ScalarValue::Boolean(Some(false)), None)))
}

fn or(any: Option<Expr>, more: Expr) -> Expr {
    match any {
        Some(any) => any.or(more),
        None => more,
    }
}

fn equal(a: Expr, b: Expr) -> Expr {
    a.eq(b)
}

fn by_library(lower: &Lower, a: &Typed, b: &Typed) -> Result<Expr> {
    let function = holdfast_func::lookup("=")
        .ok_or_else(|| crate::error::SqlError::internal("there is no '='"))?;
    let types = vec![a.of.clone(), b.of.clone()];
    let args = vec![lower.value(a)?, lower.value(b)?];
    let found = super::row::call(function, (types, args), &SqlType::BIGINT, &lower.shared);
    Ok(found.not_eq(datafusion::logical_expr::lit(0i64)))
}
