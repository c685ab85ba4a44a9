//! Calls that have a kernel; the function library does the others.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use arrow::compute::{DatePart, cast as arrow_cast, date_part};
use arrow::datatypes::DataType;
use datafusion::logical_expr::{ColumnarValue, Expr, Operator, Volatility};
use holdfast_func::Generator;
use holdfast_tail::columns::data_type;
use holdfast_value::SqlType;
use parking_lot::Mutex;

use super::kernel::{Kernel, column};
use super::lower::{Lower, not};
use super::{arith, compare, convert, like};
use crate::error::Result;
use crate::expr::Typed;

/// Calls that are conditions.
pub(super) fn test(lower: &Lower, name: &str, args: &[Typed]) -> Result<Option<Expr>> {
    let op = match name {
        "=" => Operator::Eq,
        "<>" => Operator::NotEq,
        "<" => Operator::Lt,
        "<=" => Operator::LtEq,
        ">" => Operator::Gt,
        ">=" => Operator::GtEq,
        "<=>" => {
            let [a, b] = args else { return Ok(None) };
            return Ok(compare::pair(lower, a, b)?.map(|sides| compare::same(sides, (a, b))));
        }
        _ => return other_test(lower, name, args),
    };
    match args {
        [a, b] => compare::binary(lower, op, a, b),
        _ => Ok(None),
    }
}

fn other_test(lower: &Lower, name: &str, args: &[Typed]) -> Result<Option<Expr>> {
    Ok(match (name, args) {
        ("not", [inner]) => Some(not(lower.test(inner)?)),
        ("is_null" | "isnull", [inner]) => Some(lower.value(inner)?.is_null()),
        ("is_true", [inner]) => Some(lower.test(inner)?.is_true()),
        ("is_false", [inner]) => Some(lower.test(inner)?.is_false()),
        ("like" | "not_like", [text, pattern, rest @ ..]) => {
            let found = like::like(lower, text, pattern, rest)?;
            found.map(|found| if name == "like" { found } else { not(found) })
        }
        ("xor", [a, b]) => {
            let (a, b) = (lower.test(a)?, lower.test(b)?);
            Some(a.not_eq(b))
        }
        _ => None,
    })
}

/// Calls that are values.
pub(super) fn value(
    lower: &Lower,
    name: &str,
    args: &[Typed],
    of: &SqlType,
) -> Result<Option<Expr>> {
    Ok(match (name, args) {
        ("+", [a, b]) => arith::call(lower, arith::Op::Add, (a, b), of)?,
        ("-", [a, b]) => arith::call(lower, arith::Op::Sub, (a, b), of)?,
        ("*", [a, b]) => arith::call(lower, arith::Op::Mul, (a, b), of)?,
        ("/", [a, b]) if is_double(of) => arith::call(lower, arith::Op::Div, (a, b), of)?,
        ("collate", [inner]) if inner.of.is_text() => Some(lower.value(inner)?),
        ("cast", [inner]) if is_widening(&inner.of, of) => {
            Some(convert::convert(lower.value(inner)?, &inner.of, of, &lower.shared))
        }
        ("year" | "extract_year", [inner]) => part(lower, inner, of, DatePart::Year)?,
        ("month" | "extract_month", [inner]) => part(lower, inner, of, DatePart::Month)?,
        ("dayofmonth" | "extract_day", [inner]) => part(lower, inner, of, DatePart::Day)?,
        ("quarter" | "extract_quarter", [inner]) => part(lower, inner, of, DatePart::Quarter)?,
        ("hour" | "extract_hour", [inner]) if inner.of != SqlType::Date => {
            part(lower, inner, of, DatePart::Hour)?
        }
        ("rand", [seed]) => rand(lower, seed)?,
        _ => None,
    })
}

/// `RAND(seed)` of a constant seed goes on from row to row; of another it begins anew
/// in each, which the library does.
fn rand(lower: &Lower, seed: &Typed) -> Result<Option<Expr>> {
    let Some(seed) = seed.constant() else { return Ok(None) };
    let seed = lower.shared.with(|context| holdfast_value::cast::to_i64(seed, context))?;
    let generator = Mutex::new(Generator::new(seed.unwrap_or(0) as u32));
    let body = move |_: &[ColumnarValue], rows: usize| {
        // Held for a batch; partitions take turns.
        let mut generator = generator.lock();
        let numbers: Float64Array = (0..rows).map(|_| Some(generator.advance())).collect();
        Ok(Arc::new(numbers) as ArrayRef)
    };
    let settings = format!("{seed:?}");
    let kernel =
        Kernel::new(("rand", &settings), DataType::Float64, Volatility::Volatile, Arc::new(body));
    Ok(Some(kernel.call(Vec::new())))
}

fn is_double(of: &SqlType) -> bool {
    matches!(of, SqlType::Double { .. })
}

/// Casts in which every value stays what it is.
fn is_widening(from: &SqlType, to: &SqlType) -> bool {
    let is_exact = |of: &SqlType| matches!(of, SqlType::Int { .. } | SqlType::Decimal { .. });
    is_exact(from)
        && !matches!((from, to), (_, SqlType::Float { .. }))
        && (is_exact(to) || is_double(to))
        && convert::is_exact(from, to)
}

fn part(lower: &Lower, inner: &Typed, of: &SqlType, part: DatePart) -> Result<Option<Expr>> {
    if !matches!(inner.of, SqlType::Date | SqlType::DateTime(_) | SqlType::Timestamp(_)) {
        return Ok(None);
    }
    let to = data_type(of);
    let returns = to.clone();
    let kernel = Kernel::pure("date_part", &format!("{part}"), returns, move |args, rows| {
        let parts = date_part(&column(args, 0, rows)?, part)?;
        let parts: ArrayRef = arrow_cast(&parts, &to)?;
        Ok(Arc::clone(&parts))
    });
    Ok(Some(kernel.call(vec![lower.value(inner)?])))
}
