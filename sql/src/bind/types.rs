//! Types of casts and of choices.

use holdfast_value::{Collation, IntWidth, LobSize, SqlType};
use sqlparser::ast::{self, DataType as D};

use crate::error::{Result, SqlError};

/// The target of a CAST.
///
/// # Errors
/// 1235 for what MySQL does not cast to.
pub fn cast_type(of: &D, collation: Collation) -> Result<SqlType> {
    Ok(match of {
        D::Signed | D::SignedInteger | D::BigInt(_) | D::Int(_) | D::Integer(_) => SqlType::BIGINT,
        D::Unsigned | D::UnsignedInteger | D::BigIntUnsigned(_) | D::IntUnsigned(_) => {
            SqlType::BIGINT_UNSIGNED
        }
        D::Char(length) | D::Character(length) => match length {
            Some(ast::CharacterLength::IntegerLength { length, .. }) => {
                SqlType::VarChar(u32::try_from(*length).unwrap_or(u32::MAX), collation)
            }
            _ => SqlType::Text(LobSize::Long, collation),
        },
        D::Binary(length) => match length {
            Some(length) => SqlType::Binary(u32::try_from(*length).unwrap_or(u32::MAX)),
            None => SqlType::Blob(LobSize::Long),
        },
        D::Date => SqlType::Date,
        D::Time(fsp, _) => SqlType::Time(digits(*fsp)?),
        D::Datetime(fsp) | D::Timestamp(fsp, _) => SqlType::DateTime(digits(*fsp)?),
        D::Decimal(info) | D::Dec(info) | D::Numeric(info) => decimal(info)?,
        D::Float(_) | D::Real => SqlType::Float { unsigned: false },
        D::Double(_) | D::DoublePrecision => SqlType::DOUBLE,
        D::JSON => SqlType::Json,
        D::Custom(name, _) if name.to_string().eq_ignore_ascii_case("year") => SqlType::Year,
        other => return Err(SqlError::unsupported(format!("CAST AS {other}"))),
    })
}

fn digits(fsp: Option<u64>) -> Result<u8> {
    match fsp.unwrap_or(0) {
        fsp @ 0..=6 => Ok(fsp as u8),
        other => Err(SqlError::new(
            1426,
            format!("Too-big precision {other} specified for 'CAST'. Maximum is 6."),
        )),
    }
}

fn decimal(info: &ast::ExactNumberInfo) -> Result<SqlType> {
    let (precision, scale) = match info {
        ast::ExactNumberInfo::None => (10, 0),
        ast::ExactNumberInfo::Precision(precision) => (*precision, 0),
        ast::ExactNumberInfo::PrecisionAndScale(precision, scale) => (*precision, *scale as u64),
    };
    let precision = if precision == 0 { 10 } else { precision };
    if precision > 65 || scale > 30 || scale > precision {
        return Err(SqlError::new(
            1426,
            format!("Too-big precision {precision} specified for 'CAST'. Maximum is 65."),
        ));
    }
    Ok(SqlType::Decimal { precision: precision as u8, scale: scale as u8, unsigned: false })
}

/// The type that all of these fit into: CASE, COALESCE, UNION.
pub fn common<'a>(types: impl Iterator<Item = &'a SqlType>) -> SqlType {
    types.fold(SqlType::Null, |left, right| wider(&left, right))
}

fn wider(a: &SqlType, b: &SqlType) -> SqlType {
    use SqlType as T;
    if a == b {
        return a.clone();
    }
    match (a, b) {
        (T::Null, other) | (other, T::Null) => other.clone(),
        (T::Int { width: w, unsigned: u, .. }, T::Int { width: x, unsigned: v, .. }) => {
            let display = None;
            if u == v {
                return T::Int { width: *w.max(x), unsigned: *u, display };
            }
            let unsigned_width = if *u { w } else { x };
            match unsigned_width {
                IntWidth::Big => T::Decimal { precision: 20, scale: 0, unsigned: false },
                IntWidth::Int => T::BIGINT,
                _ => T::Int { width: (*w.max(x)).max(IntWidth::Int), unsigned: false, display },
            }
        }
        _ if a.is_number() && b.is_number() => number(a, b),
        (T::Date, T::DateTime(fsp) | T::Timestamp(fsp))
        | (T::DateTime(fsp) | T::Timestamp(fsp), T::Date) => T::DateTime(*fsp),
        (T::DateTime(x) | T::Timestamp(x), T::DateTime(y) | T::Timestamp(y)) => {
            T::DateTime(*x.max(y))
        }
        (T::Time(x), T::Time(y)) => T::Time(*x.max(y)),
        (T::Json, T::Json) => T::Json,
        _ => {
            let length = char_length(a).max(char_length(b));
            if a.is_bytes() || b.is_bytes() {
                return bytes_type(length.saturating_mul(if a.is_bytes() && b.is_bytes() {
                    1
                } else {
                    4
                }));
            }
            let collation = match (a.is_text(), b.is_text()) {
                (true, _) => a.collation(),
                (false, true) => b.collation(),
                _ => Collation::default(),
            };
            text_type(length, collation)
        }
    }
}

fn number(a: &SqlType, b: &SqlType) -> SqlType {
    use SqlType as T;
    if matches!(a, T::Double { .. } | T::Float { .. })
        || matches!(b, T::Double { .. } | T::Float { .. })
    {
        return T::DOUBLE;
    }
    let shape = |of: &T| match of {
        T::Decimal { precision, scale, .. } => (precision - scale, *scale),
        T::Int { width, unsigned, .. } => (int_digits(*width, *unsigned), 0),
        _ => (20, 0),
    };
    let ((before, after), (other_before, other_after)) = (shape(a), shape(b));
    if after == 0 && other_after == 0 && a.is_integer() && b.is_integer() {
        return T::BIGINT;
    }
    let scale = after.max(other_after);
    let precision = (before.max(other_before) + scale).min(65);
    T::Decimal { precision, scale, unsigned: a.is_unsigned() && b.is_unsigned() }
}

fn int_digits(width: IntWidth, unsigned: bool) -> u8 {
    match width {
        IntWidth::Tiny => 3,
        IntWidth::Small => 5,
        IntWidth::Medium => 8,
        IntWidth::Int => 10,
        IntWidth::Big if unsigned => 20,
        IntWidth::Big => 19,
    }
}

/// The most characters that a value of this type shows.
pub fn char_length(of: &SqlType) -> u32 {
    match of {
        SqlType::Null => 0,
        SqlType::Int { width, unsigned, .. } => u32::from(int_digits(*width, *unsigned)) + 1,
        SqlType::Decimal { precision, .. } => u32::from(*precision) + 2,
        SqlType::Float { .. } => 12,
        SqlType::Double { .. } => 22,
        SqlType::Char(length, _) | SqlType::VarChar(length, _) => *length,
        SqlType::Binary(length) | SqlType::VarBinary(length) => *length,
        SqlType::Text(size, _) => lob(*size) / 4,
        SqlType::Blob(size) => lob(*size),
        SqlType::Date => 10,
        SqlType::Time(fsp) => 10 + fraction(*fsp),
        SqlType::DateTime(fsp) | SqlType::Timestamp(fsp) => 19 + fraction(*fsp),
        SqlType::Year => 4,
        SqlType::Enum(values, _) => {
            values.iter().map(|value| value.chars().count() as u32).max().unwrap_or(0)
        }
        SqlType::Set(values, _) => {
            values.iter().map(|value| value.chars().count() as u32 + 1).sum::<u32>()
        }
        SqlType::Bit(bits) => u32::from(*bits).div_ceil(8),
        SqlType::Json => u32::MAX / 4,
    }
}

fn fraction(fsp: u8) -> u32 {
    if fsp == 0 { 0 } else { u32::from(fsp) + 1 }
}

fn lob(size: LobSize) -> u32 {
    match size {
        LobSize::Tiny => 255,
        LobSize::Normal => 65_535,
        LobSize::Medium => 16_777_215,
        LobSize::Long => u32::MAX,
    }
}

/// A text type that holds so many characters.
pub fn text_type(length: u32, collation: Collation) -> SqlType {
    match length {
        0..=16_383 => SqlType::VarChar(length, collation),
        16_384..=4_194_303 => SqlType::Text(LobSize::Medium, collation),
        _ => SqlType::Text(LobSize::Long, collation),
    }
}

/// A bytes type that holds so many.
pub fn bytes_type(length: u32) -> SqlType {
    match length {
        0..=65_532 => SqlType::VarBinary(length),
        65_533..=16_777_215 => SqlType::Blob(LobSize::Medium),
        _ => SqlType::Blob(LobSize::Long),
    }
}
