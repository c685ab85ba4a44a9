//! ABS, SIGN, CEILING, FLOOR, ROUND, TRUNCATE.

use ethnum::I256;
use holdfast_value::{Context, SqlType, Value, ValueError};

use crate::function::{Arg, Function, Out, get, pure};
use crate::infer;
use crate::input::In;

pub(crate) const FUNCTIONS: &[Function] = &[
    pure!("abs", 1, 1, number_type, abs),
    pure!("sign", 1, 1, infer::int, sign),
    pure!("ceiling", 1, 1, whole_type, |x: &mut In<'_>| whole(x, true)),
    pure!("floor", 1, 1, whole_type, |x: &mut In<'_>| whole(x, false)),
    pure!("round", 1, 2, round_type, |x: &mut In<'_>| rounded(x, false)),
    pure!("truncate", 2, 2, round_type, |x: &mut In<'_>| rounded(x, true)),
];

/// Integers and decimals as they are, everything else as DOUBLE.
fn number_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    let of = args.first().map_or(&SqlType::Null, |arg| arg.of);
    Ok(match of {
        SqlType::Decimal { .. } => of.clone(),
        _ if of.is_integer() => integer(of),
        _ => SqlType::DOUBLE,
    })
}

fn integer(of: &SqlType) -> SqlType {
    if of.is_unsigned() { SqlType::BIGINT_UNSIGNED } else { SqlType::BIGINT }
}

fn whole_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    let of = args.first().map_or(&SqlType::Null, |arg| arg.of);
    Ok(match of {
        SqlType::Decimal { precision, scale, unsigned } => {
            let digits = (precision.saturating_sub(*scale) + 1).min(65);
            if digits <= 18 {
                integer(of)
            } else {
                SqlType::Decimal { precision: digits, scale: 0, unsigned: *unsigned }
            }
        }
        _ if of.is_integer() => integer(of),
        _ => SqlType::DOUBLE,
    })
}

fn round_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    let Some(first) = args.first() else { return Ok(SqlType::Null) };
    let digits = if args.len() > 1 { infer::constant(args, 1) } else { Some(0) };
    Ok(match first.of {
        SqlType::Decimal { precision, scale, unsigned } => {
            // A number of digits that differs from row to row keeps the scale.
            let wanted = digits.map_or(i64::from(*scale), |n| n.clamp(0, 30));
            let new = u8::try_from(wanted).unwrap_or(30);
            let whole = precision.saturating_sub(*scale).saturating_add(u8::from(new < *scale));
            let precision = whole.saturating_add(new).clamp(1, 65);
            SqlType::Decimal { precision, scale: new, unsigned: *unsigned }
        }
        of if of.is_integer() => integer(of),
        _ => SqlType::DOUBLE,
    })
}

fn abs(x: &mut In<'_>) -> Out {
    Ok(match x.value(0) {
        Value::Int(n) => match n.checked_abs() {
            Some(n) => Value::Int(n),
            None => {
                let expression = format!("abs({n})");
                return Err(ValueError::OutOfRange { kind: "BIGINT", expression });
            }
        },
        Value::UInt(n) => Value::UInt(*n),
        Value::Decimal(n) => Value::Decimal(n.abs()),
        _ => Value::Double(get!(x.double(0)).abs()),
    })
}

fn sign(x: &mut In<'_>) -> Out {
    Ok(Value::Int(match x.value(0) {
        Value::Int(n) => n.signum(),
        Value::UInt(n) => i64::from(*n > 0),
        Value::Decimal(n) => i64::from(n.digits > I256::ZERO) - i64::from(n.digits < I256::ZERO),
        _ => {
            let n = get!(x.double(0));
            i64::from(n > 0.0) - i64::from(n < 0.0)
        }
    }))
}

fn whole(x: &mut In<'_>, up: bool) -> Out {
    Ok(match x.value(0) {
        same @ (Value::Int(_) | Value::UInt(_)) => same.clone(),
        Value::Decimal(n) => {
            let n = if up { n.ceil() } else { n.floor() };
            match (x.call.result, n.to_i64(), n.to_u64()) {
                (SqlType::Int { unsigned: true, .. }, _, Some(n)) => Value::UInt(n),
                (SqlType::Int { .. }, Some(n), _) => Value::Int(n),
                _ => Value::Decimal(n),
            }
        }
        _ => {
            let n = get!(x.double(0));
            Value::Double(if up { n.ceil() } else { n.floor() })
        }
    })
}

fn rounded(x: &mut In<'_>, cut: bool) -> Out {
    let digits = if x.len() > 1 { get!(x.wide(1)) } else { 0 };
    let digits = i32::try_from(digits.clamp(-400, 400)).unwrap_or(0);
    Ok(match x.value(0) {
        Value::Int(n) => {
            let n = round_wide(i128::from(*n), digits, cut);
            Value::Int(i64::try_from(n).map_err(|_| too_large("BIGINT", x))?)
        }
        Value::UInt(n) => {
            let n = round_wide(i128::from(*n), digits, cut);
            Value::UInt(u64::try_from(n).map_err(|_| too_large("BIGINT UNSIGNED", x))?)
        }
        Value::Decimal(n) => {
            let digits = digits.clamp(-65, i32::from(n.scale));
            let n = if cut { n.truncate(digits) } else { n.round(digits) };
            let scale = match x.call.result {
                SqlType::Decimal { scale, .. } => *scale,
                _ => n.scale,
            };
            Value::Decimal(n.rescale(scale).unwrap_or(n))
        }
        _ => {
            let n = get!(x.double(0));
            Value::Double(if cut { cut_f64(n, digits) } else { round_f64(n, digits) })
        }
    })
}

fn too_large(kind: &'static str, x: &In<'_>) -> ValueError {
    let name = if x.len() > 1 { "round(..,..)" } else { "round(..)" };
    ValueError::OutOfRange { kind, expression: name.to_owned() }
}

/// A whole number at `digits` before the point, where these are negative.
fn round_wide(n: i128, digits: i32, cut: bool) -> i128 {
    if digits >= 0 {
        return n;
    }
    if digits < -20 {
        return 0;
    }
    let unit = 10_i128.pow(digits.unsigned_abs());
    let rest = n % unit;
    let base = n - rest;
    if !cut && rest.abs() * 2 >= unit { base + unit * n.signum() } else { base }
}

/// Rounds to the nearest, halves to the even neighbour, as MySQL rounds doubles.
pub(crate) fn round_f64(n: f64, digits: i32) -> f64 {
    scaled(n, digits, f64::round_ties_even)
}

fn cut_f64(n: f64, digits: i32) -> f64 {
    scaled(n, digits, f64::trunc)
}

fn scaled(n: f64, digits: i32, to_whole: fn(f64) -> f64) -> f64 {
    let unit = 10_f64.powi(digits.abs());
    if digits < 0 {
        if unit.is_infinite() { 0.0 } else { to_whole(n / unit) * unit }
    } else {
        let large = n * unit;
        if large.is_finite() { to_whole(large) / unit } else { n }
    }
}
