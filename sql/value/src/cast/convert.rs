//! `CAST(value AS type)`.

use bytes::Bytes;

use super::{clip, text_of, to_decimal, to_f64, to_i128, truncated, utf8};
use crate::temporal::{self, DAY};
use crate::types::IntWidth;
use crate::{Context, Decimal, SqlType, Value, ValueError, json};

/// `CAST(value AS to)`. Integers wrap between signed and unsigned, texts are cut to
/// their length with a warning, moments are rounded to their digits.
///
/// # Errors
/// As [`super::to_i64`]; 3141 for a text that is no JSON.
pub fn convert(
    value: Value,
    from: &SqlType,
    to: &SqlType,
    context: &mut Context,
) -> Result<Value, ValueError> {
    if value.is_null() || (from == to && !matches!(to, SqlType::Binary(_))) {
        return Ok(value);
    }
    match to {
        SqlType::Null => Ok(Value::Null),
        SqlType::Int { width, unsigned, .. } => integer(&value, *width, *unsigned, context),
        SqlType::Bit(_) => Ok(number(super::to_u64(&value, context)?, Value::UInt)),
        SqlType::Decimal { precision, scale, .. } => {
            let Some(it) = to_decimal(&value, context)? else { return Ok(Value::Null) };
            decimal(&it, *precision, *scale, context)
        }
        SqlType::Float { .. } => {
            let Some(it) = to_f64(&value, context)? else { return Ok(Value::Null) };
            let narrow = it as f32;
            if !narrow.is_finite() {
                let expression = it.to_string();
                return Err(ValueError::OutOfRange { kind: "FLOAT", expression });
            }
            Ok(Value::Double(f64::from(narrow)))
        }
        SqlType::Double { .. } => Ok(number(to_f64(&value, context)?, Value::Double)),
        SqlType::Char(chars, _) | SqlType::VarChar(chars, _) => {
            text(&value, from, Some(*chars), context)
        }
        SqlType::Text(..) | SqlType::Enum(..) | SqlType::Set(..) => {
            text(&value, from, None, context)
        }
        SqlType::Binary(len) => bytes(&value, from, Some((*len, true)), context),
        SqlType::VarBinary(len) => bytes(&value, from, Some((*len, false)), context),
        SqlType::Blob(_) => bytes(&value, from, None, context),
        SqlType::Date => Ok(number(super::to_date(&value, context)?, Value::Date)),
        SqlType::DateTime(fsp) | SqlType::Timestamp(fsp) => datetime(&value, *fsp, context),
        SqlType::Time(fsp) => {
            let rounded = |it| temporal::round(it, *fsp);
            let limited = |it: i64| it.clamp(-temporal::TIME_MAX, temporal::TIME_MAX);
            Ok(number(super::to_time(&value, context)?.map(rounded).map(limited), Value::Time))
        }
        SqlType::Year => year(&value, context),
        SqlType::Json => document(&value, from),
    }
}

fn number<T>(it: Option<T>, make: fn(T) -> Value) -> Value {
    it.map_or(Value::Null, make)
}

fn integer(
    value: &Value,
    width: IntWidth,
    unsigned: bool,
    context: &mut Context,
) -> Result<Value, ValueError> {
    let Some(it) = to_i128(value, context)? else { return Ok(Value::Null) };
    let (low, high) = crate::store::integer_range(width, unsigned);
    // Texts and integers of 64 bits keep their bits, other numbers are clamped.
    let keeps_bits = matches!(width, IntWidth::Big)
        && (!matches!(value, Value::Decimal(_))
            && it >= i128::from(i64::MIN)
            && it <= i128::from(u64::MAX));
    let it = match (keeps_bits, unsigned) {
        (true, true) => it as u64 as i128,
        (true, false) if !matches!(value, Value::Double(_)) => i128::from(it as i64),
        _ => {
            if (it < low || it > high) && it != i128::MIN && it != i128::MAX {
                truncated("INTEGER", &it.to_string(), context)?;
            }
            it.clamp(low, high)
        }
    };
    Ok(if unsigned { Value::UInt(it as u64) } else { Value::Int(it as i64) })
}

fn decimal(
    it: &Decimal,
    precision: u8,
    scale: u8,
    context: &mut Context,
) -> Result<Value, ValueError> {
    if it.fits(precision, scale) {
        return Ok(Value::Decimal(it.rescale(scale).unwrap_or(*it)));
    }
    let column = format!("CAST({it} AS DECIMAL({precision},{scale}))");
    context.warn_or_refuse(ValueError::ColumnRange { column, row: 1 })?;
    Ok(Value::Decimal(Decimal::nines(precision, scale, it.is_negative())))
}

fn text(
    value: &Value,
    from: &SqlType,
    chars: Option<u32>,
    context: &mut Context,
) -> Result<Value, ValueError> {
    let shown = match text_of(value, from) {
        Ok(Some(shown)) => shown,
        Ok(None) => return Ok(Value::Null),
        Err(trouble) => {
            context.warn_or_refuse(trouble)?;
            return Ok(Value::Null);
        }
    };
    let limit = chars.map_or(usize::MAX, |it| it as usize);
    // No text has more characters than bytes.
    if shown.len() > limit
        && let Some((end, _)) = shown.char_indices().nth(limit)
    {
        let trouble = ValueError::Other {
            code: 1292,
            state: "22007",
            message: format!("Truncated incorrect CHAR({limit}) value: '{}'", clip(&shown)),
        };
        context.warn_or_refuse(trouble)?;
        return Ok(Value::text(&shown[..end]));
    }
    Ok(Value::text(shown))
}

fn bytes(
    value: &Value,
    from: &SqlType,
    limit: Option<(u32, bool)>,
    context: &mut Context,
) -> Result<Value, ValueError> {
    let shown = match value {
        Value::Bytes(it) => it.clone(),
        _ => {
            let mut out = Vec::new();
            crate::show::write(value, from, &mut out);
            Bytes::from(out)
        }
    };
    let Some((limit, is_filled)) = limit else { return Ok(Value::Bytes(shown)) };
    let len = limit as usize;
    if shown.len() > len {
        let shown_text = clip(&String::from_utf8_lossy(&shown));
        let message = format!("Truncated incorrect BINARY({limit}) value: '{shown_text}'");
        context.warn_or_refuse(ValueError::Other { code: 1292, state: "22007", message })?;
        return Ok(Value::Bytes(shown.slice(..len)));
    }
    if is_filled && shown.len() < len {
        if u64::from(limit) > context.bytes_max {
            context.warn(ValueError::TooLong("cast_as_binary".into(), context.bytes_max));
            return Ok(Value::Null);
        }
        let mut filled = shown.to_vec();
        filled.resize(len, 0);
        return Ok(Value::Bytes(filled.into()));
    }
    Ok(Value::Bytes(shown))
}

fn datetime(value: &Value, fsp: u8, context: &mut Context) -> Result<Value, ValueError> {
    let Some(it) = super::to_datetime(value, context)? else { return Ok(Value::Null) };
    let rounded = temporal::round_moment(it, fsp);
    if !(temporal::DATETIME_MIN..=temporal::DATETIME_MAX).contains(&rounded) {
        let mut shown = Vec::new();
        temporal::write_datetime(
            it.clamp(temporal::DATETIME_MIN, temporal::DATETIME_MAX),
            6,
            &mut shown,
        );
        let value = String::from_utf8_lossy(&shown).into_owned();
        context.warn_or_refuse(ValueError::Incorrect { kind: "datetime", value })?;
        return Ok(Value::Null);
    }
    Ok(Value::DateTime(rounded))
}

/// 0 as it is, 1 to 69 as 2001 to 2069, 70 to 99 as 1970 to 1999, 1901 to 2155 as they
/// are; `None` else.
pub fn year_of_number(number: i64) -> Option<u64> {
    match number {
        0 | 1901..=2155 => Some(number as u64),
        1..=69 => Some(number as u64 + 2000),
        70..=99 => Some(number as u64 + 1900),
        _ => None,
    }
}

fn year(value: &Value, context: &mut Context) -> Result<Value, ValueError> {
    let number = match value {
        Value::Date(it) => i64::from(temporal::civil_of(*it).0),
        Value::DateTime(it) => i64::from(temporal::parts_of(*it).year),
        Value::Time(_) => {
            let now = context.zone.from_utc(context.now).div_euclid(DAY);
            i64::from(temporal::civil_of(now as i32).0)
        }
        _ => match super::to_i64(value, context)? {
            None => return Ok(Value::Null),
            Some(it) => it,
        },
    };
    let is_short_text = matches!(value, Value::Text(it) if it.trim().len() < 4);
    let year = if number == 0 && is_short_text { Some(2000) } else { year_of_number(number) };
    match year {
        Some(year) => Ok(Value::UInt(year)),
        None => {
            truncated("YEAR", &number.to_string(), context)?;
            Ok(Value::Null)
        }
    }
}

fn document(value: &Value, from: &SqlType) -> Result<Value, ValueError> {
    let shown = match value {
        Value::Text(it) => {
            let refused = |it: json::JsonTrouble| ValueError::Other {
                code: 3141,
                state: "22032",
                message: format!(
                    "Invalid JSON text in argument 1 to function cast_as_json: {} at position {}.",
                    it.what, it.at
                ),
            };
            json::normalise(it).map_err(refused)?
        }
        Value::Double(it) => {
            let mut out = String::new();
            json::write_double(*it, &mut out);
            out
        }
        Value::Bytes(_) => {
            let message =
                "Cannot create a JSON value from a string with CHARACTER SET 'binary'.".to_owned();
            return Err(ValueError::Other { code: 3144, state: "22032", message });
        }
        Value::Date(_) | Value::DateTime(_) | Value::Time(_) => {
            let mut out = Vec::new();
            match value {
                // A moment within JSON has all of its digits.
                Value::DateTime(it) => temporal::write_datetime(*it, 6, &mut out),
                Value::Time(it) => temporal::write_time(*it, 6, &mut out),
                _ => crate::show::write(value, from, &mut out),
            }
            let mut quoted = String::new();
            json::write_string(utf8(&out)?, &mut quoted);
            quoted
        }
        _ => text_of(value, from)?.unwrap_or_default().into_owned(),
    };
    Ok(Value::Json(shown.into()))
}
