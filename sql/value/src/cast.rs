//! A value as another kind.

use crate::{Context, Decimal, SqlType, Value, ValueError};
use bytes::Bytes;
use std::borrow::Cow;

/// As a signed integer.
///
/// # Errors
/// In a strict change, what is a warning elsewhere.
pub fn to_i64(value: &Value, context: &mut Context) -> Result<Option<i64>, ValueError> {
    let _ = context;
    Ok(match value {
        Value::Int(v) => Some(*v),
        _ => None,
    })
}
/// As an unsigned integer.
///
/// # Errors
/// As [`to_i64`].
pub fn to_u64(value: &Value, context: &mut Context) -> Result<Option<u64>, ValueError> {
    Ok(to_i64(value, context)?.map(|v| v as u64))
}
/// As an exact number.
///
/// # Errors
/// As [`to_i64`].
pub fn to_decimal(value: &Value, context: &mut Context) -> Result<Option<Decimal>, ValueError> {
    let _ = (value, context);
    Ok(None)
}
/// As an approximate number.
///
/// # Errors
/// As [`to_i64`].
pub fn to_f64(value: &Value, context: &mut Context) -> Result<Option<f64>, ValueError> {
    let _ = (value, context);
    Ok(None)
}
/// Whether it counts as true.
///
/// # Errors
/// As [`to_i64`].
pub fn to_bool(value: &Value, context: &mut Context) -> Result<Option<bool>, ValueError> {
    Ok(to_i64(value, context)?.map(|v| v != 0))
}
/// As a text.
///
/// # Errors
/// Bytes that are no UTF-8.
pub fn to_text<'a>(
    value: &'a Value,
    context: &mut Context,
) -> Result<Option<Cow<'a, str>>, ValueError> {
    let _ = context;
    Ok(match value {
        Value::Text(t) | Value::Json(t) => Some(Cow::Borrowed(t)),
        _ => None,
    })
}
/// As bytes.
pub fn to_bytes(value: &Value) -> Option<Bytes> {
    match value {
        Value::Bytes(b) => Some(b.clone()),
        _ => None,
    }
}
/// As a date. [days since 1970-01-01]
///
/// # Errors
/// As [`to_i64`].
pub fn to_date(value: &Value, context: &mut Context) -> Result<Option<i32>, ValueError> {
    let _ = (value, context);
    Ok(None)
}
/// As a date and time. [microseconds since 1970-01-01]
///
/// # Errors
/// As [`to_i64`].
pub fn to_datetime(value: &Value, context: &mut Context) -> Result<Option<i64>, ValueError> {
    let _ = (value, context);
    Ok(None)
}
/// As a time. [microseconds]
///
/// # Errors
/// As [`to_i64`].
pub fn to_time(value: &Value, context: &mut Context) -> Result<Option<i64>, ValueError> {
    let _ = (value, context);
    Ok(None)
}
/// `CAST(value AS to)`.
///
/// # Errors
/// As [`to_i64`].
pub fn convert(
    value: Value,
    from: &SqlType,
    to: &SqlType,
    context: &mut Context,
) -> Result<Value, ValueError> {
    let _ = (from, to, context);
    Ok(value)
}
