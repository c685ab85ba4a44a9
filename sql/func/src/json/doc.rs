//! Documents: arguments as documents, documents as MySQL prints them.
//!
//! Not here: paths (`path`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use holdfast_value::{SqlType, Value, ValueError};
use serde_json::{Map, Number, Value as Json};

use crate::function::Out;
use crate::input::In;

/// How deep a document may be.
pub(crate) const DEPTH_MAX: usize = 100;

pub(crate) fn trouble(code: u16, state: &'static str, message: String) -> ValueError {
    ValueError::Other { code, state, message }
}

/// Reads a document; `Err` has what is wrong and where. [bytes]
pub(crate) fn parse(text: &str) -> Result<Json, (String, usize)> {
    let json: Json = serde_json::from_str(text).map_err(|broken| {
        let lines = text.split_inclusive('\n').take(broken.line().saturating_sub(1));
        let at = lines.map(str::len).sum::<usize>() + broken.column().saturating_sub(1);
        let what = match broken.classify() {
            serde_json::error::Category::Eof if text.trim().is_empty() => "The document is empty.",
            _ => "Invalid value.",
        };
        (what.to_owned(), at.min(text.len()))
    })?;
    if depth(&json) > DEPTH_MAX {
        return Err(("The document is too deep.".to_owned(), text.len()));
    }
    Ok(json)
}

/// 1 for what holds nothing.
pub(crate) fn depth(json: &Json) -> usize {
    match json {
        Json::Array(all) => 1 + all.iter().map(depth).max().unwrap_or(0),
        Json::Object(all) => 1 + all.values().map(depth).max().unwrap_or(0),
        _ => 1,
    }
}

/// The argument as a document; `None` for NULL.
pub(crate) fn document(
    x: &mut In<'_>,
    at: usize,
    function: &str,
) -> Result<Option<Json>, ValueError> {
    let text = match x.value(at) {
        Value::Null => return Ok(None),
        Value::Json(text) | Value::Text(text) => text,
        _ => {
            let message = format!(
                "Invalid data type for JSON data in argument {} to function {function}; \
                 a JSON string or JSON type is required.",
                at + 1
            );
            return Err(trouble(3146, "22032", message));
        }
    };
    parse(text).map(Some).map_err(|(what, position)| {
        let message = format!(
            "Invalid JSON text in argument {} to function {function}: \"{what}\" at position {position}.",
            at + 1
        );
        trouble(3141, "22032", message)
    })
}

/// The argument as a part of a document: a text is a string, NULL is null.
pub(crate) fn element(x: &mut In<'_>, at: usize) -> Result<Json, ValueError> {
    let is_bool = *x.of(at) == SqlType::BOOL;
    Ok(match x.value(at) {
        Value::Null => Json::Null,
        Value::Int(n) if is_bool => Json::Bool(*n != 0),
        Value::Int(n) => Json::from(*n),
        Value::UInt(n) => Json::from(*n),
        Value::Double(n) => Number::from_f64(*n).map_or(Json::Null, Json::Number),
        Value::Decimal(n) => match n.to_i64() {
            Some(whole) if n.scale == 0 => Json::from(whole),
            _ => Number::from_f64(n.to_f64()).map_or(Json::Null, Json::Number),
        },
        Value::Text(text) => Json::from(&**text),
        Value::Json(text) => parse(text).map_err(|(what, position)| ValueError::Json {
            what,
            at: position,
            column: String::new(),
        })?,
        Value::Bytes(bytes) => Json::from(format!("base64:type253:{}", STANDARD.encode(bytes))),
        value @ (Value::Date(_) | Value::DateTime(_) | Value::Time(_)) => {
            let six = match value {
                Value::DateTime(_) => SqlType::DateTime(6),
                Value::Time(_) => SqlType::Time(6),
                _ => SqlType::Date,
            };
            let text = crate::input::text_of(value, &six, x.ctx)?;
            text.map_or(Json::Null, |text| Json::from(text.into_owned()))
        }
    })
}

/// The document as a result.
pub(crate) fn give(x: &mut In<'_>, json: &Json) -> Out {
    if depth(json) > DEPTH_MAX {
        let message = "The JSON document exceeds the maximum depth.".to_owned();
        return Err(trouble(3157, "22032", message));
    }
    let mut out = String::new();
    write(json, &mut out);
    if out.len() as u64 > x.ctx.bytes_max {
        return Err(ValueError::TooLong("json_binary::serialize".to_owned(), x.ctx.bytes_max));
    }
    Ok(Value::Json(out.into_boxed_str()))
}

/// Members as MySQL orders them: shorter keys first, then by bytes.
pub(crate) fn members(map: &Map<String, Json>) -> Vec<(&String, &Json)> {
    let mut all: Vec<_> = map.iter().collect();
    all.sort_by(|(a, _), (b, _)| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    all
}

/// Appends the document as MySQL prints it.
pub(crate) fn write(json: &Json, out: &mut String) {
    match json {
        Json::Null | Json::Bool(_) | Json::Number(_) => out.push_str(&json.to_string()),
        Json::String(text) => write_string(text, out),
        Json::Array(all) => {
            out.push('[');
            for (at, one) in all.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write(one, out);
            }
            out.push(']');
        }
        Json::Object(map) => {
            out.push('{');
            for (at, (key, one)) in members(map).into_iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write_string(key, out);
                out.push_str(": ");
                write(one, out);
            }
            out.push('}');
        }
    }
}

/// Appends a string in quotes.
pub(crate) fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{C}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Appends the document with a line for each part, two spaces per level.
pub(crate) fn write_pretty(json: &Json, level: usize, out: &mut String) {
    let line = |out: &mut String, level: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', level * 2));
    };
    match json {
        Json::Array(all) if !all.is_empty() => {
            out.push('[');
            for (at, one) in all.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                line(out, level + 1);
                write_pretty(one, level + 1, out);
            }
            line(out, level);
            out.push(']');
        }
        Json::Object(map) if !map.is_empty() => {
            out.push('{');
            for (at, (key, one)) in members(map).into_iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                line(out, level + 1);
                write_string(key, out);
                out.push_str(": ");
                write_pretty(one, level + 1, out);
            }
            line(out, level);
            out.push('}');
        }
        other => write(other, out),
    }
}

/// True for equal documents; numbers are equal by what they count.
pub(crate) fn equal(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => match (wide(a), wide(b)) {
            (Some(a), Some(b)) => a == b,
            _ => a.as_f64() == b.as_f64(),
        },
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        _ => a == b,
    }
}

fn wide(n: &Number) -> Option<i128> {
    n.as_i64().map(i128::from).or_else(|| n.as_u64().map(i128::from))
}
