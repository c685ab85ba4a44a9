//! Operators of numbers and what types they give.
//!
//! | | integers | with a DECIMAL | with a DOUBLE or text |
//! |---|---|---|---|
//! | `+ - *` | BIGINT, UNSIGNED where one is | DECIMAL | DOUBLE |
//! | `/` | DECIMAL of the left scale and 4 more digits | the same | DOUBLE |
//! | `DIV` | BIGINT, UNSIGNED where one is | the same | the same |
//! | `%` | BIGINT, UNSIGNED where the left is | DECIMAL | DOUBLE |
//! | `& \| ^ ~ << >>` | BIGINT UNSIGNED | the same | the same |
//!
//! Moments count as numbers (`20200102030405`), as DECIMAL where they have fractions of
//! a second. What does not fit is 1690; a division by zero is NULL with warning 1365.
//!
//! Not here: the numbers themselves (`decimal`), intervals (`func`).

use ethnum::I256;

use crate::types::IntWidth;
use crate::{Context, Decimal, SqlType, Value, ValueError, cast};

/// An operator of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named for what they are")]
pub enum Op {
    Add,
    Sub,
    Mul,
    Div,
    IntDiv,
    Rem,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
}

impl Op {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::IntDiv => "DIV",
            Self::Rem => "%",
            Self::BitAnd => "&",
            Self::BitOr => "|",
            Self::BitXor => "^",
            Self::ShiftLeft => "<<",
            Self::ShiftRight => ">>",
        }
    }
}

/// What a type counts as.
enum Class {
    Int { unsigned: bool, digits: u8 },
    Decimal { precision: u8, scale: u8 },
    Double,
}

impl Class {
    fn of(of: &SqlType) -> Self {
        let moment = |digits: u8, fsp: u8| match fsp {
            0 => Self::Int { unsigned: false, digits },
            scale => Self::Decimal { precision: digits + scale, scale },
        };
        match of {
            SqlType::Null => Self::Int { unsigned: false, digits: 1 },
            SqlType::Int { width, unsigned, .. } => {
                let digits = match width {
                    IntWidth::Tiny => 3,
                    IntWidth::Small => 5,
                    IntWidth::Medium => 8,
                    IntWidth::Int => 10,
                    IntWidth::Big if *unsigned => 20,
                    IntWidth::Big => 19,
                };
                Self::Int { unsigned: *unsigned, digits }
            }
            SqlType::Year => Self::Int { unsigned: true, digits: 4 },
            SqlType::Bit(_) => Self::Int { unsigned: true, digits: 20 },
            SqlType::Decimal { precision, scale, .. } => {
                Self::Decimal { precision: *precision, scale: *scale }
            }
            SqlType::Date => moment(8, 0),
            SqlType::Time(fsp) => moment(7, *fsp),
            SqlType::DateTime(fsp) | SqlType::Timestamp(fsp) => moment(14, *fsp),
            _ => Self::Double,
        }
    }

    /// Precision and scale; `None` for what is not exact.
    fn digits(&self) -> Option<(u8, u8)> {
        match self {
            Self::Int { digits, .. } => Some((*digits, 0)),
            Self::Decimal { precision, scale } => Some((*precision, *scale)),
            Self::Double => None,
        }
    }
}

fn decimal_type(precision: u32, scale: u32) -> SqlType {
    let scale = scale.min(30) as u8;
    let precision = (precision.min(65) as u8).max(scale).max(1);
    SqlType::Decimal { precision, scale, unsigned: false }
}

fn big(unsigned: bool) -> SqlType {
    SqlType::Int { width: IntWidth::Big, unsigned, display: None }
}

/// The type of `left op right`.
pub fn result_type(op: Op, left: &SqlType, right: &SqlType, div_scale: u8) -> SqlType {
    let (left, right) = (Class::of(left), Class::of(right));
    let is_unsigned = |class: &Class| matches!(class, Class::Int { unsigned: true, .. });
    match op {
        Op::BitAnd | Op::BitOr | Op::BitXor | Op::ShiftLeft | Op::ShiftRight => {
            return SqlType::BIGINT_UNSIGNED;
        }
        Op::IntDiv => return big(is_unsigned(&left) || is_unsigned(&right)),
        Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Rem => {}
    }
    let (Some((p1, s1)), Some((p2, s2))) = (left.digits(), right.digits()) else {
        return SqlType::DOUBLE;
    };
    let [p1, s1, p2, s2] = [p1, s1, p2, s2].map(u32::from);
    if op == Op::Div {
        let more = u32::from(div_scale);
        return decimal_type(p1 + s2 + more, s1 + more);
    }
    if let (Class::Int { .. }, Class::Int { .. }) = (&left, &right) {
        return big(is_unsigned(&left) || (op != Op::Rem && is_unsigned(&right)));
    }
    let whole = (p1 - s1.min(p1)).max(p2 - s2.min(p2));
    match op {
        Op::Mul => decimal_type(p1 + p2, s1 + s2),
        Op::Rem => decimal_type(whole + s1.max(s2), s1.max(s2)),
        _ => decimal_type(whole + s1.max(s2) + 1, s1.max(s2)),
    }
}

/// The type of `-of`.
pub fn negate_type(of: &SqlType) -> SqlType {
    match Class::of(of) {
        Class::Int { .. } => SqlType::BIGINT,
        Class::Decimal { precision, scale } => decimal_type(precision.into(), scale.into()),
        Class::Double => SqlType::DOUBLE,
    }
}

/// A value as what it counts as.
enum Number {
    Int { value: i128, unsigned: bool },
    Decimal(Decimal),
    Double(f64),
}

impl Number {
    /// `None` for NULL.
    fn of(value: &Value, context: &mut Context) -> Result<Option<Self>, ValueError> {
        Ok(Some(match value {
            Value::Null => return Ok(None),
            Value::Int(it) => Self::Int { value: i128::from(*it), unsigned: false },
            Value::UInt(it) => Self::Int { value: i128::from(*it), unsigned: true },
            Value::Decimal(it) => Self::Decimal(*it),
            Value::Double(it) => Self::Double(*it),
            Value::Text(_) | Value::Bytes(_) | Value::Json(_) => {
                Self::Double(cast::to_f64(value, context)?.unwrap_or(0.0))
            }
            Value::Date(_) | Value::DateTime(_) | Value::Time(_) => {
                let it = cast::to_decimal(value, context)?.unwrap_or(Decimal::ZERO);
                match (it.scale, it.to_i64()) {
                    (0, Some(it)) => Self::Int { value: i128::from(it), unsigned: false },
                    _ => Self::Decimal(it),
                }
            }
        }))
    }

    fn double(&self) -> f64 {
        match self {
            Self::Int { value, .. } => *value as f64,
            Self::Decimal(it) => it.to_f64(),
            Self::Double(it) => *it,
        }
    }

    /// `None` for a double beyond 65 digits.
    fn decimal(&self) -> Option<Decimal> {
        match self {
            Self::Int { value, .. } => Some(Decimal { digits: I256::from(*value), scale: 0 }),
            Self::Decimal(it) => Some(*it),
            Self::Double(it) => Decimal::from_f64(*it),
        }
    }

    fn is_zero(&self) -> bool {
        match self {
            Self::Int { value, .. } => *value == 0,
            Self::Decimal(it) => it.is_zero(),
            Self::Double(it) => *it == 0.0,
        }
    }

    fn is_unsigned(&self) -> bool {
        matches!(self, Self::Int { unsigned: true, .. })
    }
}

fn out_of_range(kind: &'static str, op: Op, left: &Value, right: &Value) -> ValueError {
    let shown = |value: &Value| {
        let mut out = Vec::new();
        match value {
            Value::Null => out.extend_from_slice(b"NULL"),
            _ => crate::show::write_plain(value, &mut out),
        }
        cast::clip(&String::from_utf8_lossy(&out))
    };
    let expression = format!("({} {} {})", shown(left), op.symbol(), shown(right));
    ValueError::OutOfRange { kind, expression }
}

/// `left op right`, of the type that [`result_type`] gives for their types.
///
/// # Errors
/// [`ValueError::OutOfRange`]; a division by zero in a strict change.
pub fn apply(
    op: Op,
    left: &Value,
    right: &Value,
    context: &mut Context,
) -> Result<Value, ValueError> {
    // The short way: two signed integers that do not overflow.
    if let (Value::Int(a), Value::Int(b)) = (left, right) {
        let short = match op {
            Op::Add => a.checked_add(*b),
            Op::Sub => a.checked_sub(*b),
            Op::Mul => a.checked_mul(*b),
            _ => None,
        };
        if let Some(it) = short {
            return Ok(Value::Int(it));
        }
    }
    match op {
        Op::BitAnd | Op::BitOr | Op::BitXor | Op::ShiftLeft | Op::ShiftRight => {
            return bits(op, left, right, context);
        }
        _ => {}
    }
    let Some(a) = Number::of(left, context)? else { return Ok(Value::Null) };
    let Some(b) = Number::of(right, context)? else { return Ok(Value::Null) };
    if matches!(op, Op::Div | Op::IntDiv | Op::Rem) && b.is_zero() {
        if context.mode.division_by_zero {
            context.warn_or_refuse(ValueError::DivisionByZero)?;
        }
        return Ok(Value::Null);
    }
    let result = match op {
        Op::IntDiv => int_div(&a, &b, context),
        Op::Div => quotient(&a, &b, context.div_scale),
        _ => match (&a, &b) {
            (Number::Double(_), _) | (_, Number::Double(_)) => doubles(op, a.double(), b.double()),
            (Number::Int { .. }, Number::Int { .. }) => integers(op, &a, &b, context),
            _ => decimals(op, &a, &b),
        },
    };
    result.map_err(|kind| out_of_range(kind, op, left, right))
}

/// `Err` names the type that the result is out of, here and below.
fn integers(op: Op, a: &Number, b: &Number, context: &Context) -> Result<Value, &'static str> {
    let (Number::Int { value: left, .. }, Number::Int { value: right, .. }) = (a, b) else {
        return Err("BIGINT");
    };
    let mut unsigned = a.is_unsigned() || (op != Op::Rem && b.is_unsigned());
    // Operands have 64 bits, so 128 hold every result but a product beyond both types.
    let value = match op {
        Op::Add => left + right,
        Op::Sub => {
            unsigned &= !context.mode.no_unsigned_subtraction;
            left - right
        }
        Op::Mul => left.saturating_mul(*right),
        _ => left % right,
    };
    fit(value, unsigned)
}

fn fit(value: i128, unsigned: bool) -> Result<Value, &'static str> {
    if unsigned {
        u64::try_from(value).map(Value::UInt).map_err(|_| "BIGINT UNSIGNED")
    } else {
        i64::try_from(value).map(Value::Int).map_err(|_| "BIGINT")
    }
}

fn doubles(op: Op, a: f64, b: f64) -> Result<Value, &'static str> {
    let value = match op {
        Op::Add => a + b,
        Op::Sub => a - b,
        Op::Mul => a * b,
        Op::Div => a / b,
        _ => a % b,
    };
    if value.is_finite() { Ok(Value::Double(value)) } else { Err("DOUBLE") }
}

fn decimals(op: Op, a: &Number, b: &Number) -> Result<Value, &'static str> {
    let (Some(a), Some(b)) = (a.decimal(), b.decimal()) else { return Err("DECIMAL") };
    let value = match op {
        Op::Add => a.checked_add(&b),
        Op::Sub => a.checked_sub(&b),
        Op::Mul => a.checked_mul(&b),
        _ => a.rem(&b),
    };
    value.map(Value::Decimal).ok_or("DECIMAL")
}

fn quotient(a: &Number, b: &Number, div_scale: u8) -> Result<Value, &'static str> {
    if matches!(a, Number::Double(_)) || matches!(b, Number::Double(_)) {
        return doubles(Op::Div, a.double(), b.double());
    }
    let (Some(a), Some(b)) = (a.decimal(), b.decimal()) else { return Err("DECIMAL") };
    a.div(&b, div_scale).map(Value::Decimal).ok_or("DECIMAL")
}

fn int_div(a: &Number, b: &Number, _context: &Context) -> Result<Value, &'static str> {
    let unsigned = a.is_unsigned() || b.is_unsigned();
    let kind = if unsigned { "BIGINT UNSIGNED" } else { "BIGINT" };
    if let (Number::Int { value: left, .. }, Number::Int { value: right, .. }) = (a, b) {
        return fit(left / right, unsigned);
    }
    let (Some(a), Some(b)) = (a.decimal(), b.decimal()) else { return Err(kind) };
    let whole = a.int_div(&b).ok_or(kind)?;
    if unsigned {
        whole.to_u64().map(Value::UInt).ok_or(kind)
    } else {
        whole.to_i64().map(Value::Int).ok_or(kind)
    }
}

fn bits(op: Op, left: &Value, right: &Value, context: &mut Context) -> Result<Value, ValueError> {
    let Some(a) = cast::to_u64(left, context)? else { return Ok(Value::Null) };
    let Some(b) = cast::to_u64(right, context)? else { return Ok(Value::Null) };
    let by = u32::try_from(b).unwrap_or(u32::MAX);
    Ok(Value::UInt(match op {
        Op::BitAnd => a & b,
        Op::BitOr => a | b,
        Op::BitXor => a ^ b,
        Op::ShiftLeft => a.checked_shl(by).unwrap_or(0),
        _ => a.checked_shr(by).unwrap_or(0),
    }))
}

/// `-value`, of the type that [`negate_type`] gives.
///
/// # Errors
/// [`ValueError::OutOfRange`].
pub fn negate(value: &Value, context: &mut Context) -> Result<Value, ValueError> {
    Ok(match Number::of(value, context)? {
        None => Value::Null,
        Some(Number::Int { value: it, .. }) => match i64::try_from(-it) {
            Ok(it) => Value::Int(it),
            Err(_) => {
                let expression = format!("-({it})");
                return Err(ValueError::OutOfRange { kind: "BIGINT", expression });
            }
        },
        Some(Number::Decimal(it)) => Value::Decimal(it.neg()),
        Some(Number::Double(it)) => Value::Double(-it),
    })
}

/// `~value`, a BIGINT UNSIGNED.
///
/// # Errors
/// As [`cast::to_u64`].
pub fn invert(value: &Value, context: &mut Context) -> Result<Value, ValueError> {
    Ok(cast::to_u64(value, context)?.map_or(Value::Null, |it| Value::UInt(!it)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Dice, seeds};

    fn d(text: &str) -> Value {
        Value::Decimal(Decimal::parse(text).unwrap().0)
    }

    #[track_caller]
    fn check(left: Value, op: Op, right: Value, want: &str) {
        let mut context = Context::default();
        let got = match apply(op, &left, &right, &mut context) {
            Ok(Value::Null) => "NULL".to_owned(),
            Ok(value) => {
                let mut out = Vec::new();
                crate::show::write_plain(&value, &mut out);
                String::from_utf8_lossy(&out).into_owned()
            }
            Err(trouble) => trouble.to_string(),
        };
        let warning = context.warnings.first().map_or(String::new(), |it| format!(" | {it}"));
        assert_eq!(got + &warning, want, "{left:?} {op:?} {right:?}");
    }

    #[test]
    fn operators_give_what_mysql_gives() {
        let (int, uint) = (Value::Int, Value::UInt);
        check(int(1), Op::Add, int(2), "3");
        check(
            int(i64::MAX),
            Op::Add,
            int(1),
            "BIGINT value is out of range in '(9223372036854775807 + 1)'",
        );
        check(uint(1), Op::Sub, int(2), "BIGINT UNSIGNED value is out of range in '(1 - 2)'");
        check(
            uint(u64::MAX),
            Op::Mul,
            uint(u64::MAX),
            "BIGINT UNSIGNED value is out of range in '(18446744073709551615 * 18446744073709551615)'",
        );
        check(uint(u64::MAX), Op::Add, int(-1), "18446744073709551614");
        check(
            uint(u64::MAX),
            Op::Mul,
            uint(u64::MAX),
            "BIGINT UNSIGNED value is out of range in '(18446744073709551615 * 18446744073709551615)'",
        );
        check(
            int(i64::MIN),
            Op::Mul,
            int(-1),
            "BIGINT value is out of range in '(-9223372036854775808 * -1)'",
        );
        check(int(1), Op::Div, int(3), "0.3333");
        check(int(2), Op::Div, d("3.00"), "0.6667");
        check(d("1.50"), Op::Div, int(2), "0.750000");
        check(int(1), Op::Div, Value::Double(4.0), "0.25");
        check(int(1), Op::Div, int(0), "NULL | Division by 0");
        check(int(5), Op::IntDiv, int(2), "2");
        check(int(-5), Op::IntDiv, int(2), "-2");
        check(d("5.5"), Op::IntDiv, d("0.5"), "11");
        check(
            int(i64::MIN),
            Op::IntDiv,
            int(-1),
            "BIGINT value is out of range in '(-9223372036854775808 DIV -1)'",
        );
        check(int(-7), Op::Rem, int(3), "-1");
        check(int(i64::MIN), Op::Rem, int(-1), "0");
        check(d("7.5"), Op::Rem, int(2), "1.5");
        check(Value::Double(7.5), Op::Rem, int(2), "1.5");
        check(int(7), Op::Rem, int(0), "NULL | Division by 0");
        check(Value::text("2x"), Op::Add, int(1), "3 | Truncated incorrect DOUBLE value: '2x'");
        check(d("1.10"), Op::Mul, d("1.1"), "1.210");
        check(
            Value::Double(1e308),
            Op::Mul,
            int(10),
            "DOUBLE value is out of range in '(1e308 * 10)'",
        );
        check(Value::Date(0), Op::Add, int(1), "19700102");
        check(int(-1), Op::BitAnd, int(255), "255");
        check(int(1), Op::ShiftLeft, int(64), "0");
        check(int(1), Op::ShiftLeft, int(63), "9223372036854775808");
        check(d("2.5"), Op::BitOr, int(4), "7");
        check(Value::Null, Op::Add, int(1), "NULL");
        let mut context = Context::default();
        assert_eq!(negate(&uint(1 << 63), &mut context), Ok(int(i64::MIN)));
        assert!(negate(&int(i64::MIN), &mut context).is_err());
        assert_eq!(invert(&int(0), &mut context), Ok(uint(u64::MAX)));
        context.mode.no_unsigned_subtraction = true;
        assert_eq!(apply(Op::Sub, &uint(1), &int(2), &mut context), Ok(int(-1)));
        context.is_change = true;
        assert_eq!(apply(Op::Div, &int(1), &int(0), &mut context), Err(ValueError::DivisionByZero));
    }

    #[test]
    fn types_are_derived_as_in_mysql() {
        let decimal = |precision, scale| SqlType::Decimal { precision, scale, unsigned: false };
        let int = SqlType::INT;
        for (left, op, right, want) in [
            (int.clone(), Op::Add, int.clone(), SqlType::BIGINT),
            (int.clone(), Op::Mul, SqlType::BIGINT_UNSIGNED, SqlType::BIGINT_UNSIGNED),
            (int.clone(), Op::Rem, SqlType::BIGINT_UNSIGNED, SqlType::BIGINT),
            (int.clone(), Op::Div, int.clone(), decimal(14, 4)),
            (decimal(10, 2), Op::Add, decimal(5, 4), decimal(13, 4)),
            (decimal(15, 2), Op::Mul, decimal(15, 2), decimal(30, 4)),
            (decimal(65, 30), Op::Mul, decimal(65, 30), decimal(65, 30)),
            (decimal(15, 2), Op::Div, decimal(15, 2), decimal(21, 6)),
            (int.clone(), Op::Add, SqlType::DOUBLE, SqlType::DOUBLE),
            (SqlType::DateTime(0), Op::Add, int.clone(), SqlType::BIGINT),
            (int.clone(), Op::BitXor, int.clone(), SqlType::BIGINT_UNSIGNED),
        ] {
            assert_eq!(result_type(op, &left, &right, 4), want, "{left:?} {op:?} {right:?}");
        }
    }

    /// Subject: `apply` on integers. Model: 128 bits.
    #[test]
    fn integers_agree_with_wider_ones() {
        for seed in seeds(64) {
            let mut dice = Dice::new(seed);
            for _ in 0..100 {
                let (a, b) = (dice.i64(), dice.i64());
                for (op, want) in [
                    (Op::Add, i128::from(a) + i128::from(b)),
                    (Op::Sub, i128::from(a) - i128::from(b)),
                    (Op::Mul, i128::from(a) * i128::from(b)),
                ] {
                    let got = apply(op, &Value::Int(a), &Value::Int(b), &mut Context::default());
                    match i64::try_from(want) {
                        Ok(want) => assert_eq!(got, Ok(Value::Int(want)), "{a} {op:?} {b}"),
                        Err(_) => {
                            assert_eq!(got.map_err(|it| it.code()), Err(1690), "{a} {op:?} {b}")
                        }
                    }
                }
            }
        }
    }
}
