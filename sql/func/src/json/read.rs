//! What a document has: JSON_EXTRACT, JSON_LENGTH, JSON_KEYS, JSON_TYPE and their like.

use holdfast_value::{Collation, Context, SqlType, Value, ValueError};
use serde_json::Value as Json;

use super::doc::{self, document, give};
use super::path::Path;
use crate::function::{Arg, Function, Out, function, get, pure};
use crate::infer;
use crate::input::In;

pub(crate) const FUNCTIONS: &[Function] = &[
    pure!("json_valid", 1, 1, infer::boolean, valid),
    pure!("json_extract", 2, usize::MAX, infer::json, extract),
    pure!("json_unquote", 1, 1, infer::long_text, unquote),
    pure!("json_unquote_extract", 2, 2, infer::long_text, unquote_extract),
    pure!("->>", 2, 2, infer::long_text, unquote_extract),
    function!("json_value", 2, 2, Pure, Own, value_type, value),
    pure!("json_type", 1, 1, infer::text_n::<51>, type_of),
    pure!("json_length", 1, 2, infer::bigint, length),
    pure!("json_depth", 1, 1, infer::bigint, depth),
    pure!("json_keys", 1, 2, infer::json, keys),
    pure!("json_pretty", 1, 1, infer::long_text, pretty),
];

pub(crate) fn path(x: &mut In<'_>, at: usize) -> Result<Option<Path>, ValueError> {
    match x.text(at)? {
        Some(text) => Path::parse(&text).map(Some),
        None => Ok(None),
    }
}

fn valid(x: &mut In<'_>) -> Out {
    Ok(Value::bool(match x.value(0) {
        Value::Json(_) => true,
        Value::Text(text) => doc::parse(text).is_ok(),
        _ => false,
    }))
}

/// Every part that the paths from the second argument on name, as one document.
fn extracted(x: &mut In<'_>) -> Result<Option<Json>, ValueError> {
    let Some(document) = document(x, 0, "json_extract")? else { return Ok(None) };
    let (mut found, mut is_one) = (Vec::new(), x.len() == 2);
    for at in 1..x.len() {
        let Some(path) = path(x, at)? else { return Ok(None) };
        is_one &= !path.is_wild();
        found.extend(path.find(&document).into_iter().cloned());
    }
    Ok(match found.len() {
        0 => None,
        _ if is_one => found.pop(),
        _ => Some(Json::Array(found)),
    })
}

fn extract(x: &mut In<'_>) -> Out {
    let whole = get!(extracted(x));
    give(x, &whole)
}

fn unquoted(json: &Json) -> Value {
    let mut out = String::new();
    match json {
        Json::String(text) => out.push_str(text),
        other => doc::write(other, &mut out),
    }
    Value::text(out)
}

fn unquote_extract(x: &mut In<'_>) -> Out {
    Ok(unquoted(&get!(extracted(x))))
}

fn unquote(x: &mut In<'_>) -> Out {
    let text = get!(x.text(0));
    let is_quoted = text.len() > 1 && text.starts_with('"') && text.ends_with('"');
    if !is_quoted {
        return Ok(Value::text(text));
    }
    match serde_json::from_str::<String>(&text) {
        Ok(inner) => Ok(Value::text(inner)),
        Err(broken) => {
            let message = format!(
                "Invalid JSON text in argument 1 to function json_unquote: \"Invalid value.\" at position {}.",
                broken.column().saturating_sub(1)
            );
            Err(doc::trouble(3141, "22032", message))
        }
    }
}

fn value_type(_: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    Ok(infer::text(512, Collation::default()))
}

/// Without RETURNING, ON EMPTY and ON ERROR: NULL on both.
fn value(x: &mut In<'_>) -> Out {
    let Some(Value::Json(text) | Value::Text(text)) = x.values.first() else {
        return Ok(Value::Null);
    };
    let Ok(document) = doc::parse(text) else { return Ok(Value::Null) };
    let path = get!(path(x, 1)).exact()?;
    Ok(match path.find(&document).first() {
        None | Some(Json::Null | Json::Array(_) | Json::Object(_)) => Value::Null,
        Some(one) => unquoted(one),
    })
}

fn type_of(x: &mut In<'_>) -> Out {
    Ok(Value::text(match get!(document(x, 0, "json_type")) {
        Json::Null => "NULL",
        Json::Bool(_) => "BOOLEAN",
        Json::Number(n) if n.is_i64() => "INTEGER",
        Json::Number(n) if n.is_u64() => "UNSIGNED INTEGER",
        Json::Number(_) => "DOUBLE",
        Json::String(_) => "STRING",
        Json::Array(_) => "ARRAY",
        Json::Object(_) => "OBJECT",
    }))
}

/// The part that the optional second argument names.
fn part<'d>(x: &mut In<'_>, document: &'d Json) -> Result<Option<&'d Json>, ValueError> {
    if x.len() < 2 {
        return Ok(Some(document));
    }
    let Some(path) = path(x, 1)? else { return Ok(None) };
    Ok(path.exact()?.find(document).first().copied())
}

fn length(x: &mut In<'_>) -> Out {
    let document = get!(document(x, 0, "json_length"));
    let count = match get!(part(x, &document)) {
        Json::Array(all) => all.len(),
        Json::Object(all) => all.len(),
        _ => 1,
    };
    Ok(Value::Int(i64::try_from(count).unwrap_or(i64::MAX)))
}

fn depth(x: &mut In<'_>) -> Out {
    let document = get!(document(x, 0, "json_depth"));
    Ok(Value::Int(i64::try_from(doc::depth(&document)).unwrap_or(i64::MAX)))
}

fn keys(x: &mut In<'_>) -> Out {
    let document = get!(document(x, 0, "json_keys"));
    let Json::Object(map) = get!(part(x, &document)) else { return Ok(Value::Null) };
    let keys = doc::members(map).into_iter().map(|(key, _)| Json::from(key.as_str()));
    let whole: Json = keys.collect();
    give(x, &whole)
}

fn pretty(x: &mut In<'_>) -> Out {
    let document = get!(document(x, 0, "json_pretty"));
    let mut out = String::new();
    doc::write_pretty(&document, 0, &mut out);
    if !x.fits(out.len() as u64, "json_pretty") {
        return Ok(Value::Null);
    }
    Ok(Value::text(out))
}
