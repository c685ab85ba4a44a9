//! A value as another kind.
//!
//! The `to_*` functions convert a value whose type is not at hand, as operators and
//! functions need it; [`convert`] is `CAST`. A text that only starts with a number
//! gives that number and warning 1292, or an error where a strict change evaluates.
//!
//! Not here: assigning to a column (`store`), how values print (`show`).

mod convert;

use std::borrow::Cow;

use bytes::Bytes;

use crate::temporal::{self, DAY, Parsed, SECOND, TemporalTrouble};
use crate::{Context, Decimal, Value, ValueError, show};

pub use convert::{convert, year_of_number};

/// Notes that a text was only partly used.
pub(crate) fn truncated(
    kind: &'static str,
    value: &str,
    context: &mut Context,
) -> Result<(), ValueError> {
    context.warn_or_refuse(ValueError::Truncated { kind, value: clip(value) })
}

/// As much of a text as a message shows: 128 characters.
pub(crate) fn clip(text: &str) -> String {
    text.chars().take(128).collect()
}

fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// The integer that a text starts with, as 128 bits hold it, and whether that is all.
pub(crate) fn integer_prefix(text: &str) -> (i128, bool) {
    let bytes = text.trim_start().as_bytes();
    let is_negative = bytes.first() == Some(&b'-');
    let start = usize::from(matches!(bytes.first(), Some(b'-' | b'+')));
    let len = bytes[start..].iter().take_while(|b| b.is_ascii_digit()).count();
    let number = bytes[start..start + len]
        .iter()
        .fold(0i128, |all, b| all.saturating_mul(10).saturating_add(i128::from(b - b'0')));
    let whole = len > 0 && bytes[start + len..].iter().all(u8::is_ascii_whitespace);
    (if is_negative { -number } else { number }, whole)
}

fn integer_of_text(text: &str, context: &mut Context) -> Result<i128, ValueError> {
    let (number, whole) = integer_prefix(text);
    if !whole || number > i128::from(u64::MAX) || number < i128::from(i64::MIN) {
        truncated("INTEGER", text, context)?;
    }
    // As MySQL's parser of integers: what is beyond 64 bits is their edge.
    Ok(number.clamp(i128::from(i64::MIN), i128::from(u64::MAX)))
}

/// Rounded, not yet clamped to 64 bits; `None` for NULL.
fn to_i128(value: &Value, context: &mut Context) -> Result<Option<i128>, ValueError> {
    let rounded = |micros: i64| temporal::round(micros, 0);
    Ok(Some(match value {
        Value::Null => return Ok(None),
        Value::Int(it) => i128::from(*it),
        Value::UInt(it) => i128::from(*it),
        Value::Decimal(it) => {
            let whole = it.round(0);
            match (whole.to_i64(), whole.to_u64()) {
                (Some(it), _) => i128::from(it),
                (None, Some(it)) => i128::from(it),
                (None, None) => {
                    truncated("DECIMAL", &it.to_string(), context)?;
                    if it.is_negative() { i128::MIN } else { i128::MAX }
                }
            }
        }
        // `as` clamps, and there is no NaN.
        Value::Double(it) => it.round_ties_even() as i128,
        Value::Text(it) => integer_of_text(it, context)?,
        Value::Bytes(it) => integer_of_text(&lossy(it), context)?,
        Value::Json(it) => match to_f64_of_json(it, context)? {
            it if it.fract() == 0.0 && it.abs() < 9e15 => it as i128,
            _ => integer_of_text(it.trim_matches('"'), context)?,
        },
        Value::Date(it) => i128::from(temporal::date_number(*it)),
        Value::DateTime(it) => {
            i128::from(temporal::datetime_number(temporal::round_moment(*it, 0)))
        }
        Value::Time(it) => i128::from(temporal::time_number(rounded(*it))),
    }))
}

/// As a signed integer, clamped.
///
/// # Errors
/// In a strict change, what is a warning elsewhere.
pub fn to_i64(value: &Value, context: &mut Context) -> Result<Option<i64>, ValueError> {
    if let Value::Int(it) = value {
        return Ok(Some(*it));
    }
    let clamped = |it: i128| it.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64;
    Ok(to_i128(value, context)?.map(clamped))
}

/// As an unsigned integer: its 64 bits where it is negative, as bit operators have it.
///
/// # Errors
/// As [`to_i64`].
pub fn to_u64(value: &Value, context: &mut Context) -> Result<Option<u64>, ValueError> {
    let wrapped = |it: i128| match it {
        ..0 => it.max(i128::from(i64::MIN)) as i64 as u64,
        _ => it.min(i128::from(u64::MAX)) as u64,
    };
    Ok(to_i128(value, context)?.map(wrapped))
}

/// As an exact number.
///
/// # Errors
/// As [`to_i64`].
pub fn to_decimal(value: &Value, context: &mut Context) -> Result<Option<Decimal>, ValueError> {
    let of_text = |text: &str, context: &mut Context| {
        let parsed = Decimal::parse(text);
        if !parsed.is_some_and(|(_, whole)| whole) {
            truncated("DECIMAL", text, context)?;
        }
        Ok(parsed.map_or(Decimal::ZERO, |(it, _)| it))
    };
    let with_fraction = |number: i64, micros: i64| {
        let fraction = micros % SECOND;
        if fraction == 0 {
            return Decimal::from_i64(number);
        }
        let sign = if micros < 0 { -1 } else { 1 };
        let digits = i128::from(number).abs() * i128::from(SECOND) + i128::from(fraction.abs());
        Decimal { digits: ethnum::I256::from(digits * sign), scale: 6 }
    };
    Ok(Some(match value {
        Value::Null => return Ok(None),
        Value::Int(it) => Decimal::from_i64(*it),
        Value::UInt(it) => Decimal::from_u64(*it),
        Value::Decimal(it) => *it,
        Value::Double(it) => match Decimal::from_f64(*it) {
            Some(it) => it,
            None => {
                truncated("DECIMAL", &it.to_string(), context)?;
                Decimal::nines(65, 0, *it < 0.0)
            }
        },
        Value::Text(it) => of_text(it, context)?,
        Value::Bytes(it) => of_text(&lossy(it), context)?,
        Value::Json(it) => of_text(json_number(it), context)?,
        Value::Date(it) => Decimal::from_i64(temporal::date_number(*it)),
        Value::DateTime(it) => {
            let day = it.div_euclid(DAY) * DAY;
            let number = temporal::date_number(it.div_euclid(DAY) as i32) * 1_000_000
                + temporal::time_number(it - day);
            with_fraction(number, it - day)
        }
        Value::Time(it) => with_fraction(temporal::time_number(*it), *it),
    }))
}

/// What a JSON value counts as: a string as its text, `true` as 1.
fn json_number(text: &str) -> &str {
    match text {
        "true" => "1",
        "false" => "0",
        text => text.trim_matches('"'),
    }
}

fn to_f64_of_json(text: &str, context: &mut Context) -> Result<f64, ValueError> {
    double_of_text(json_number(text), context)
}

/// The double that a text starts with, and whether that is all; `None` where there is none.
pub fn double_prefix(text: &str) -> Option<(f64, bool)> {
    let text = text.trim_start();
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = usize::from(matches!(bytes.first(), Some(b'-' | b'+')));
    let whole = digits(at);
    at += whole;
    let mut fraction = 0;
    if bytes.get(at) == Some(&b'.') {
        fraction = digits(at + 1);
        at += 1 + fraction;
    }
    if whole + fraction == 0 {
        return None;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'-' | b'+')));
        let exponent = digits((at + 1 + sign).min(bytes.len()));
        if exponent > 0 {
            at += 1 + sign + exponent;
        }
    }
    let value: f64 = text[..at].parse().ok()?;
    let rest = bytes[at..].iter().all(u8::is_ascii_whitespace);
    Some((value.clamp(-f64::MAX, f64::MAX), rest && value.is_finite()))
}

fn double_of_text(text: &str, context: &mut Context) -> Result<f64, ValueError> {
    let parsed = double_prefix(text);
    if !parsed.is_some_and(|(_, whole)| whole) {
        truncated("DOUBLE", text, context)?;
    }
    Ok(parsed.map_or(0.0, |(it, _)| it))
}

/// As an approximate number.
///
/// # Errors
/// As [`to_i64`].
pub fn to_f64(value: &Value, context: &mut Context) -> Result<Option<f64>, ValueError> {
    Ok(Some(match value {
        Value::Null => return Ok(None),
        Value::Int(it) => *it as f64,
        Value::UInt(it) => *it as f64,
        Value::Double(it) => *it,
        Value::Text(it) => double_of_text(it, context)?,
        Value::Bytes(it) => double_of_text(&lossy(it), context)?,
        Value::Json(it) => to_f64_of_json(it, context)?,
        Value::Decimal(_) | Value::Date(_) | Value::DateTime(_) | Value::Time(_) => {
            to_decimal(value, context)?.map_or(0.0, |it| it.to_f64())
        }
    }))
}

/// Whether it counts as true: not 0.
///
/// # Errors
/// As [`to_i64`].
pub fn to_bool(value: &Value, context: &mut Context) -> Result<Option<bool>, ValueError> {
    Ok(match value {
        Value::Null => None,
        Value::Int(it) => Some(*it != 0),
        Value::UInt(it) => Some(*it != 0),
        Value::Decimal(it) => Some(!it.is_zero()),
        Value::Date(_) => Some(true),
        _ => to_f64(value, context)?.map(|it| it != 0.0),
    })
}

/// As a text, in the form of [`show::write_plain`]. Where the type is known,
/// [`text_of`] keeps a FLOAT's digits and fractions of a second.
///
/// # Errors
/// 1300 for bytes that are no UTF-8.
pub fn to_text<'a>(
    value: &'a Value,
    _context: &mut Context,
) -> Result<Option<Cow<'a, str>>, ValueError> {
    Ok(match value {
        Value::Null => None,
        Value::Text(it) | Value::Json(it) => Some(Cow::Borrowed(it)),
        Value::Bytes(it) => Some(Cow::Borrowed(utf8(it)?)),
        _ => {
            let mut out = Vec::with_capacity(24);
            show::write_plain(value, &mut out);
            Some(Cow::Owned(String::from_utf8_lossy(&out).into_owned()))
        }
    })
}

/// As a text, in the form that its type gives it.
///
/// # Errors
/// 1300 for bytes that are no UTF-8.
pub fn text_of<'a>(
    value: &'a Value,
    of: &crate::SqlType,
) -> Result<Option<Cow<'a, str>>, ValueError> {
    Ok(match value {
        Value::Null => None,
        Value::Text(it) | Value::Json(it) => Some(Cow::Borrowed(it)),
        Value::Bytes(it) => Some(Cow::Borrowed(utf8(it)?)),
        _ => {
            let mut out = Vec::with_capacity(24);
            show::write(value, of, &mut out);
            Some(Cow::Owned(utf8(&out)?.to_owned()))
        }
    })
}

pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, ValueError> {
    std::str::from_utf8(bytes).map_err(|trouble| {
        let hex: String =
            bytes[trouble.valid_up_to()..].iter().take(6).map(|b| format!("{b:02X}")).collect();
        let message = format!("Invalid utf8mb4 character string: '{hex}'");
        ValueError::Other { code: 1300, state: "HY000", message }
    })
}

/// As bytes: those of its text. `None` for NULL.
pub fn to_bytes(value: &Value) -> Option<Bytes> {
    match value {
        Value::Null => None,
        Value::Bytes(it) => Some(it.clone()),
        _ => {
            let mut out = Vec::with_capacity(24);
            show::write_plain(value, &mut out);
            Some(out.into())
        }
    }
}

/// A text's moment, in the session's time zone; `None` with a warning where there is none.
fn moment(
    text: &str,
    kind: &'static str,
    context: &mut Context,
) -> Result<Option<i64>, ValueError> {
    match temporal::parse_datetime(text, 6) {
        Ok(parsed) => {
            if parsed.truncated {
                truncated(kind, text, context)?;
            }
            Ok(Some(in_zone(&parsed, context)))
        }
        Err(_) => {
            context
                .warn_or_refuse(ValueError::Incorrect { kind: "datetime", value: clip(text) })?;
            Ok(None)
        }
    }
}

pub(crate) fn in_zone(parsed: &Parsed<i64>, context: &Context) -> i64 {
    match parsed.offset {
        None => parsed.value,
        Some(seconds) => context.zone.from_utc(parsed.value - i64::from(seconds) * SECOND),
    }
}

fn number_moment(value: &Value, context: &mut Context) -> Result<Option<i64>, ValueError> {
    let Some(number) = to_decimal(value, context)? else { return Ok(None) };
    let whole = number.truncate(0).to_i64().ok_or(TemporalTrouble::Malformed);
    match whole.and_then(temporal::datetime_of_number) {
        Ok(at) => Ok(Some(at + micros_after_point(&number))),
        Err(_) => {
            let value = number.to_string();
            context.warn_or_refuse(ValueError::Incorrect { kind: "datetime", value })?;
            Ok(None)
        }
    }
}

fn micros_after_point(number: &Decimal) -> i64 {
    let whole = number.truncate(0);
    let rest = number.checked_sub(&whole).and_then(|it| it.rescale(6));
    rest.and_then(|it| i64::try_from(it.digits).ok()).unwrap_or(0)
}

/// Midnight of the day on which the statement began, in the session's time zone.
fn today(context: &Context) -> i64 {
    context.zone.from_utc(context.now).div_euclid(DAY) * DAY
}

/// As a date. [days since 1970-01-01]
///
/// # Errors
/// As [`to_i64`].
pub fn to_date(value: &Value, context: &mut Context) -> Result<Option<i32>, ValueError> {
    if let Value::Date(it) = value {
        return Ok(Some(*it));
    }
    Ok(to_datetime(value, context)?.map(|it| it.div_euclid(DAY) as i32))
}

/// As a date and time; a TIME is one of the current day. [microseconds since 1970-01-01]
///
/// # Errors
/// As [`to_i64`].
pub fn to_datetime(value: &Value, context: &mut Context) -> Result<Option<i64>, ValueError> {
    match value {
        Value::Null => Ok(None),
        Value::DateTime(it) => Ok(Some(*it)),
        Value::Date(it) => Ok(Some(i64::from(*it) * DAY)),
        Value::Time(it) => Ok(Some(today(context) + it)),
        Value::Text(it) => moment(it, "datetime", context),
        Value::Json(it) => moment(it.trim_matches('"'), "datetime", context),
        Value::Bytes(it) => moment(&lossy(it), "datetime", context),
        Value::Int(_) | Value::UInt(_) | Value::Decimal(_) | Value::Double(_) => {
            number_moment(value, context)
        }
    }
}

/// As a time. [microseconds]
///
/// # Errors
/// As [`to_i64`].
pub fn to_time(value: &Value, context: &mut Context) -> Result<Option<i64>, ValueError> {
    let of_text = |text: &str, context: &mut Context| match temporal::parse_time(text, 6) {
        Ok(parsed) => {
            if parsed.truncated {
                truncated("time", text, context)?;
            }
            Ok(Some(parsed.value))
        }
        Err(_) => {
            truncated("time", text, context)?;
            Ok(None)
        }
    };
    match value {
        Value::Null => Ok(None),
        Value::Time(it) => Ok(Some(*it)),
        Value::DateTime(it) => Ok(Some(it.rem_euclid(DAY))),
        Value::Date(_) => Ok(Some(0)),
        Value::Text(it) => of_text(it, context),
        Value::Json(it) => of_text(it.trim_matches('"'), context),
        Value::Bytes(it) => of_text(&lossy(it), context),
        Value::Int(_) | Value::UInt(_) | Value::Decimal(_) | Value::Double(_) => {
            number_time(value, context)
        }
    }
}

fn number_time(value: &Value, context: &mut Context) -> Result<Option<i64>, ValueError> {
    let Some(number) = to_decimal(value, context)? else { return Ok(None) };
    let whole = number.truncate(0).to_i64().ok_or(TemporalTrouble::Range);
    match whole.and_then(temporal::time_of_number) {
        Ok((at, is_clamped)) => {
            if is_clamped {
                truncated("time", &number.to_string(), context)?;
                return Ok(Some(at));
            }
            let limit = temporal::TIME_MAX;
            Ok(Some((at + micros_after_point(&number)).clamp(-limit, limit)))
        }
        Err(_) => {
            truncated("time", &number.to_string(), context)?;
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests;
