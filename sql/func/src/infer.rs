//! Types of results: what the tables of functions share.
//!
//! Not here: arithmetic's types (`holdfast_value::arith`).

use holdfast_value::{Collation, Context, IntWidth, LobSize, SqlType, Value, ValueError};

use crate::function::Arg;

type Inferred = Result<SqlType, ValueError>;

/// A type of text that holds so many characters.
pub(crate) fn text(chars: u64, collation: Collation) -> SqlType {
    match u32::try_from(chars) {
        Ok(chars) if chars <= 16_383 => SqlType::VarChar(chars, collation),
        Ok(chars) if chars <= 4_194_303 => SqlType::Text(LobSize::Medium, collation),
        _ => SqlType::Text(LobSize::Long, collation),
    }
}

/// A type of bytes that holds so many.
pub(crate) fn bytes(count: u64) -> SqlType {
    match u32::try_from(count) {
        Ok(count) if count <= 65_535 => SqlType::VarBinary(count),
        Ok(count) if count <= 16_777_215 => SqlType::Blob(LobSize::Medium),
        _ => SqlType::Blob(LobSize::Long),
    }
}

/// The longest value of a type when shown. [characters; bytes of bytes]
pub(crate) fn chars(of: &SqlType) -> u64 {
    let fraction = |digits: &u8| if *digits == 0 { 0 } else { u64::from(*digits) + 1 };
    match of {
        SqlType::Null => 0,
        SqlType::Int { width, unsigned, .. } => match (width, unsigned) {
            (IntWidth::Tiny, true) => 3,
            (IntWidth::Tiny, false) => 4,
            (IntWidth::Small, true) => 5,
            (IntWidth::Small, false) => 6,
            (IntWidth::Medium, _) => 8,
            (IntWidth::Int, true) => 10,
            (IntWidth::Int, false) => 11,
            (IntWidth::Big, _) => 20,
        },
        SqlType::Decimal { precision, scale, .. } => {
            u64::from(*precision) + 1 + u64::from(*scale > 0) + u64::from(precision == scale)
        }
        SqlType::Float { .. } => 12,
        SqlType::Double { .. } => 23,
        SqlType::Char(count, _) | SqlType::VarChar(count, _) => u64::from(*count),
        SqlType::Binary(count) | SqlType::VarBinary(count) => u64::from(*count),
        SqlType::Text(size, _) | SqlType::Blob(size) => match size {
            LobSize::Tiny => 255,
            LobSize::Normal => 65_535,
            LobSize::Medium => 16_777_215,
            LobSize::Long => 4_294_967_295,
        },
        SqlType::Date => 10,
        SqlType::Time(digits) => 10 + fraction(digits),
        SqlType::DateTime(digits) | SqlType::Timestamp(digits) => 19 + fraction(digits),
        SqlType::Year => 4,
        SqlType::Enum(names, _) => {
            names.iter().map(|name| name.chars().count() as u64).max().unwrap_or(0)
        }
        SqlType::Set(names, _) => {
            names.iter().map(|name| name.chars().count() as u64 + 1).sum::<u64>().saturating_sub(1)
        }
        SqlType::Bit(bits) => u64::from(*bits).div_ceil(8),
        SqlType::Json => 4_294_967_295,
    }
}

/// The collation of texts together; `None` where some are of bytes. A column's
/// weighs more than a constant's, and `utf8mb4_bin` more than others; what is no
/// text at all has no say.
pub(crate) fn collation<'a>(args: impl Iterator<Item = (&'a SqlType, bool)>) -> Option<Collation> {
    let mut best: Option<(bool, Collation)> = None;
    for (of, is_column) in args {
        if of.is_bytes() {
            return None;
        }
        let own = match of {
            SqlType::Json => Collation::Bin,
            _ if of.is_text() => of.collation(),
            _ => continue,
        };
        best = Some(match best {
            None => (is_column, own),
            Some((false, _)) if is_column => (true, own),
            Some((true, other)) if !is_column => (true, other),
            Some((_, Collation::Bin)) => (is_column, Collation::Bin),
            Some((_, _)) if own == Collation::Bin => (is_column, Collation::Bin),
            Some(other) => other,
        });
    }
    Some(best.map_or(Collation::default(), |(_, collation)| collation))
}

fn collation_of(args: &[Arg<'_>]) -> Option<Collation> {
    collation(args.iter().map(|arg| (arg.of, arg.constant.is_none())))
}

/// Text or bytes of so many, as the arguments with these numbers are.
pub(crate) fn string(args: &[Arg<'_>], chars: u64) -> SqlType {
    match collation_of(args) {
        Some(collation) => text(chars, collation),
        None => bytes(chars.saturating_mul(4)),
    }
}

/// A constant argument as a whole number.
pub(crate) fn constant(args: &[Arg<'_>], at: usize) -> Option<i64> {
    match args.get(at)?.constant? {
        Value::Int(n) => Some(*n),
        Value::UInt(n) => Some(i64::try_from(*n).unwrap_or(i64::MAX)),
        Value::Text(text) => text.trim().parse().ok(),
        Value::Double(n) => Some(n.round() as i64),
        _ => None,
    }
}

/// A constant argument as text.
pub(crate) fn constant_text<'a>(args: &[Arg<'a>], at: usize) -> Option<&'a str> {
    match args.get(at)?.constant? {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Digits of fractions of a second: as a temporal type has, 6 of others' texts and doubles.
pub(crate) fn fsp(of: &SqlType) -> u8 {
    match of {
        SqlType::Time(digits) | SqlType::DateTime(digits) | SqlType::Timestamp(digits) => *digits,
        SqlType::Decimal { scale, .. } => (*scale).min(6),
        SqlType::Date | SqlType::Null => 0,
        _ if of.is_integer() => 0,
        _ => 6,
    }
}

/// As [`fsp`], but a constant text has as many digits as it shows.
pub(crate) fn fsp_of(arg: &Arg<'_>) -> u8 {
    match arg.constant {
        Some(Value::Text(text)) => fraction_digits(text),
        _ => fsp(arg.of),
    }
}

/// Digits after the last point of a text, at most 6.
pub(crate) fn fraction_digits(text: &str) -> u8 {
    let Some((_, tail)) = text.rsplit_once('.') else { return 0 };
    let count = tail.bytes().take_while(u8::is_ascii_digit).count();
    u8::try_from(count.min(6)).unwrap_or(6)
}

/// The type that IF, COALESCE, CASE, LEAST and UNION give of several.
pub(crate) fn merged<'a>(types: impl Iterator<Item = &'a SqlType> + Clone) -> SqlType {
    let mut known = types.clone().filter(|of| **of != SqlType::Null);
    let Some(first) = known.next() else { return SqlType::Null };
    if known.clone().all(|of| of == first) {
        return first.clone();
    }
    let known = || types.clone().filter(|of| **of != SqlType::Null);
    if known().all(SqlType::is_number) {
        return merged_number(known());
    }
    if known().all(SqlType::is_temporal) {
        return merged_temporal(known());
    }
    let longest = known().map(chars).max().unwrap_or(0);
    match collation(known().map(|of| (of, true))) {
        Some(collation) => text(longest, collation),
        None => bytes(known().map(byte_length).max().unwrap_or(longest)),
    }
}

fn byte_length(of: &SqlType) -> u64 {
    if of.is_text() { chars(of).saturating_mul(4) } else { chars(of) }
}

fn merged_temporal<'a>(types: impl Iterator<Item = &'a SqlType> + Clone) -> SqlType {
    let digits = types.clone().map(fsp).max().unwrap_or(0);
    let is_time = |of: &SqlType| matches!(of, SqlType::Time(_));
    let is_stamp = |of: &SqlType| matches!(of, SqlType::Timestamp(_));
    if types.clone().all(is_time) {
        SqlType::Time(digits)
    } else if types.clone().all(is_stamp) {
        SqlType::Timestamp(digits)
    } else {
        SqlType::DateTime(digits)
    }
}

fn merged_number<'a>(types: impl Iterator<Item = &'a SqlType> + Clone) -> SqlType {
    let is_approximate =
        |of: &SqlType| matches!(of, SqlType::Double { .. } | SqlType::Float { .. });
    if types.clone().any(is_approximate) {
        return SqlType::DOUBLE;
    }
    let unsigned = types.clone().all(SqlType::is_unsigned);
    let is_decimal = |of: &SqlType| matches!(of, SqlType::Decimal { .. });
    let is_mixed = !unsigned
        && types.clone().any(|of| {
            matches!(of, SqlType::Bit(_))
                || matches!(of, SqlType::Int { width: IntWidth::Big, unsigned: true, .. })
        });
    if is_mixed || types.clone().any(is_decimal) {
        let scale = types.clone().map(|of| shape(of).1).max().unwrap_or(0);
        let whole = types.map(|of| shape(of).0 - shape(of).1).max().unwrap_or(0);
        return SqlType::Decimal { precision: (whole + scale).clamp(1, 65), scale, unsigned };
    }
    let width = types.map(width).max().unwrap_or(IntWidth::Big);
    SqlType::Int { width, unsigned, display: None }
}

fn width(of: &SqlType) -> IntWidth {
    match of {
        SqlType::Int { width, unsigned: false, .. } => *width,
        SqlType::Int { width: IntWidth::Tiny, .. } => IntWidth::Small,
        SqlType::Int { width: IntWidth::Small, .. } => IntWidth::Medium,
        SqlType::Int { width: IntWidth::Medium, .. } => IntWidth::Int,
        SqlType::Year => IntWidth::Int,
        _ => IntWidth::Big,
    }
}

/// Digits in all and after the point of a number's type.
pub(crate) fn shape(of: &SqlType) -> (u8, u8) {
    match of {
        SqlType::Decimal { precision, scale, .. } => ((*precision).max(*scale), *scale),
        SqlType::Int { width, unsigned, .. } => match width {
            IntWidth::Tiny => (3, 0),
            IntWidth::Small => (5, 0),
            IntWidth::Medium => (8, 0),
            IntWidth::Int => (10, 0),
            IntWidth::Big if *unsigned => (20, 0),
            IntWidth::Big => (19, 0),
        },
        SqlType::Year => (4, 0),
        SqlType::Bit(_) => (20, 0),
        SqlType::Null => (0, 0),
        _ => (65, 30),
    }
}

// Types that do not depend on the arguments.

pub(crate) fn boolean(_: &[Arg<'_>], _: &Context) -> Inferred {
    Ok(SqlType::BOOL)
}

pub(crate) fn int(_: &[Arg<'_>], _: &Context) -> Inferred {
    Ok(SqlType::INT)
}

pub(crate) fn bigint(_: &[Arg<'_>], _: &Context) -> Inferred {
    Ok(SqlType::BIGINT)
}

pub(crate) fn unsigned(_: &[Arg<'_>], _: &Context) -> Inferred {
    Ok(SqlType::BIGINT_UNSIGNED)
}

pub(crate) fn double(_: &[Arg<'_>], _: &Context) -> Inferred {
    Ok(SqlType::DOUBLE)
}

pub(crate) fn date(_: &[Arg<'_>], _: &Context) -> Inferred {
    Ok(SqlType::Date)
}

pub(crate) fn json(_: &[Arg<'_>], _: &Context) -> Inferred {
    Ok(SqlType::Json)
}

/// Text of at most `N` characters.
pub(crate) fn text_n<const N: u64>(_: &[Arg<'_>], _: &Context) -> Inferred {
    Ok(text(N, Collation::default()))
}

/// Bytes, at most `N`.
pub(crate) fn bytes_n<const N: u64>(_: &[Arg<'_>], _: &Context) -> Inferred {
    Ok(bytes(N))
}

/// The type of the first argument.
pub(crate) fn first(args: &[Arg<'_>], _: &Context) -> Inferred {
    Ok(args.first().map_or(SqlType::Null, |arg| arg.of.clone()))
}

/// A string as long as the first argument.
pub(crate) fn as_first(args: &[Arg<'_>], _: &Context) -> Inferred {
    let Some(first) = args.first() else { return Ok(SqlType::Null) };
    Ok(string(&args[..1], chars(first.of)))
}

/// A string as long as all arguments together.
pub(crate) fn as_all(args: &[Arg<'_>], _: &Context) -> Inferred {
    Ok(string(args, args.iter().map(|arg| chars(arg.of)).sum()))
}

/// A text of any length.
pub(crate) fn long_text(_: &[Arg<'_>], _: &Context) -> Inferred {
    Ok(SqlType::Text(LobSize::Long, Collation::default()))
}
