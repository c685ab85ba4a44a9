//! Documents made of values, and of documents: JSON_OBJECT, JSON_ARRAY, JSON_QUOTE,
//! JSON_MERGE_PATCH, JSON_MERGE_PRESERVE.

use holdfast_value::{Collation, Context, SqlType, Value, ValueError};
use serde_json::{Map, Value as Json};

use super::doc::{self, document, element, give};
use crate::function::{Arg, Function, Out, function, get, pure};
use crate::infer;
use crate::input::In;

pub(crate) const FUNCTIONS: &[Function] = &[
    function!("json_object", 0, usize::MAX, Pure, Own, object_type, object),
    function!("json_array", 0, usize::MAX, Pure, Own, infer::json, array),
    pure!("json_quote", 1, 1, quote_type, quote),
    function!("json_merge_patch", 2, usize::MAX, Pure, Own, infer::json, merge_patch),
    pure!("json_merge_preserve", 2, usize::MAX, infer::json, merge_preserve),
    pure!("json_merge", 2, usize::MAX, infer::json, merge_preserve),
];

fn object_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    match args.len() % 2 {
        0 => Ok(SqlType::Json),
        _ => Err(ValueError::ParameterCount("json_object".to_owned())),
    }
}

fn object(x: &mut In<'_>) -> Out {
    if !x.len().is_multiple_of(2) {
        return Err(ValueError::ParameterCount("json_object".to_owned()));
    }
    let mut map = Map::new();
    for at in (0..x.len()).step_by(2) {
        let Some(key) = x.text(at)? else {
            let message = "JSON documents may not contain NULL member names.".to_owned();
            return Err(doc::trouble(3158, "22032", message));
        };
        let value = element(x, at + 1)?;
        map.insert(key.into_owned(), value);
    }
    let whole = Json::Object(map);
    give(x, &whole)
}

fn array(x: &mut In<'_>) -> Out {
    let all: Result<Vec<Json>, ValueError> = (0..x.len()).map(|at| element(x, at)).collect();
    let whole = Json::Array(all?);
    give(x, &whole)
}

fn quote_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    let length = args.first().map_or(0, |arg| infer::chars(arg.of));
    Ok(infer::text(length.saturating_mul(6).saturating_add(2), Collation::default()))
}

fn quote(x: &mut In<'_>) -> Out {
    let Value::Text(text) = x.value(0) else {
        let message = "Incorrect type for argument 1 in function json_quote.".to_owned();
        return Err(doc::trouble(3064, "HY000", message));
    };
    let mut out = String::with_capacity(text.len() + 2);
    doc::write_string(text, &mut out);
    Ok(Value::text(out))
}

/// As RFC 7396 (2014) has it. A NULL gives NULL unless a later argument is no object.
fn merge_patch(x: &mut In<'_>) -> Out {
    let mut merged = document(x, 0, "json_merge_patch")?;
    for at in 1..x.len() {
        let patch = document(x, at, "json_merge_patch")?;
        merged = match (merged, patch) {
            (_, None) => None,
            (Some(target), Some(patch)) => Some(patched(target, patch)),
            (None, Some(Json::Object(_))) => None,
            (None, patch) => patch,
        };
    }
    match merged {
        Some(whole) => give(x, &whole),
        None => Ok(Value::Null),
    }
}

fn patched(target: Json, patch: Json) -> Json {
    let Json::Object(changes) = patch else { return patch };
    let mut map = match target {
        Json::Object(map) => map,
        _ => Map::new(),
    };
    for (key, change) in changes {
        let old = map.remove(&key).unwrap_or(Json::Null);
        if !change.is_null() {
            map.insert(key, patched(old, change));
        }
    }
    Json::Object(map)
}

fn merge_preserve(x: &mut In<'_>) -> Out {
    let mut merged = get!(document(x, 0, "json_merge_preserve"));
    for at in 1..x.len() {
        merged = preserved(merged, get!(document(x, at, "json_merge_preserve")));
    }
    give(x, &merged)
}

fn preserved(a: Json, b: Json) -> Json {
    let cells = |json: Json| match json {
        Json::Array(all) => all,
        other => vec![other],
    };
    match (a, b) {
        (Json::Object(mut a), Json::Object(b)) => {
            for (key, new) in b {
                let both = match a.remove(&key) {
                    Some(old) => preserved(old, new),
                    None => new,
                };
                a.insert(key, both);
            }
            Json::Object(a)
        }
        (a, b) => {
            let mut all = cells(a);
            all.extend(cells(b));
            Json::Array(all)
        }
    }
}
