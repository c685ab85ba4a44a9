//! Looking into documents: JSON_CONTAINS, JSON_CONTAINS_PATH, JSON_SEARCH,
//! JSON_OVERLAPS, MEMBER OF.

use std::collections::BTreeSet;

use holdfast_value::{Collation, Value, ValueError, collate};
use serde_json::Value as Json;

use super::doc::{self, document, element, equal, give};
use super::path::Path;
use super::read::path;
use crate::function::{Function, Out, function, get, pure};
use crate::infer;
use crate::input::In;

pub(crate) const FUNCTIONS: &[Function] = &[
    pure!("json_contains", 2, 3, infer::boolean, json_contains),
    pure!("json_contains_path", 3, usize::MAX, infer::boolean, contains_path),
    pure!("json_overlaps", 2, 2, infer::boolean, json_overlaps),
    pure!("member_of", 2, 2, infer::boolean, member_of),
    function!("json_search", 3, usize::MAX, Pure, Own, infer::json, json_search),
];

fn json_contains(x: &mut In<'_>) -> Out {
    let target = get!(document(x, 0, "json_contains"));
    let candidate = get!(document(x, 1, "json_contains"));
    let target = if x.len() > 2 {
        let path = get!(path(x, 2)).exact()?;
        match path.find(&target).first() {
            Some(part) => (*part).clone(),
            None => return Ok(Value::Null),
        }
    } else {
        target
    };
    Ok(Value::bool(contains(&target, &candidate)))
}

fn contains(target: &Json, candidate: &Json) -> bool {
    match (target, candidate) {
        (Json::Array(all), Json::Array(wanted)) => {
            wanted.iter().all(|wanted| all.iter().any(|one| contains(one, wanted)))
        }
        (Json::Array(all), wanted) => all.iter().any(|one| contains(one, wanted)),
        (Json::Object(all), Json::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| all.get(key).is_some_and(|one| contains(one, wanted)))
        }
        (one, wanted) => equal(one, wanted),
    }
}

/// True for `all`, false for `one`.
fn wants_all(x: &mut In<'_>, function: &str) -> Result<Option<bool>, ValueError> {
    let Some(word) = x.text(1)? else { return Ok(None) };
    match word.to_ascii_lowercase().as_str() {
        "all" => Ok(Some(true)),
        "one" => Ok(Some(false)),
        _ => {
            let message = format!(
                "The oneOrAll argument to {function} may take these values: 'one' or 'all'."
            );
            Err(doc::trouble(3154, "42000", message))
        }
    }
}

fn contains_path(x: &mut In<'_>) -> Out {
    let document = get!(document(x, 0, "json_contains_path"));
    let all = get!(wants_all(x, "json_contains_path"));
    for at in 2..x.len() {
        let has = !get!(path(x, at)).find(&document).is_empty();
        if has != all {
            return Ok(Value::bool(has));
        }
    }
    Ok(Value::bool(all))
}

fn json_overlaps(x: &mut In<'_>) -> Out {
    let (a, b) = (get!(document(x, 0, "json_overlaps")), get!(document(x, 1, "json_overlaps")));
    Ok(Value::bool(overlaps(&a, &b)))
}

fn overlaps(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Array(a), Json::Array(b)) => a.iter().any(|a| b.iter().any(|b| equal(a, b))),
        (Json::Array(all), one) | (one, Json::Array(all)) => all.iter().any(|a| equal(a, one)),
        (Json::Object(a), Json::Object(b)) => {
            a.iter().any(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        (a, b) => equal(a, b),
    }
}

fn member_of(x: &mut In<'_>) -> Out {
    let one = element(x, 0)?;
    Ok(Value::bool(match get!(document(x, 1, "member of")) {
        Json::Array(all) => all.iter().any(|other| equal(&one, other)),
        other => equal(&one, &other),
    }))
}

struct Search<'a> {
    pattern: &'a str,
    escape: Option<char>,
    all: bool,
    found: Vec<String>,
}

fn json_search(x: &mut In<'_>) -> Out {
    let document = get!(document(x, 0, "json_search"));
    let all = get!(wants_all(x, "json_search"));
    let pattern = get!(x.text(2));
    let escape = if x.len() > 3 { x.text(3)? } else { None };
    let escape = match escape.as_deref().map(|text| (text.chars().next(), text.chars().count())) {
        None | Some((None, _)) => Some('\\'),
        Some((one, 1)) => one,
        Some(_) => return Err(ValueError::Arguments("ESCAPE".to_owned())),
    };
    let mut search = Search { pattern: &pattern, escape, all, found: Vec::new() };
    if x.len() <= 4 {
        search.walk(&document, &mut "$".to_owned());
    }
    for at in 4..x.len() {
        let path = get!(path(x, at));
        search.within(&document, &path);
    }
    let mut seen = BTreeSet::new();
    let mut found = search.found;
    found.retain(|text| seen.insert(text.clone()));
    let found: Vec<Json> = found.into_iter().map(Json::from).collect();
    match found.len() {
        0 => Ok(Value::Null),
        1 => give(x, &found[0]),
        _ => {
            let whole = Json::Array(found);
            give(x, &whole)
        }
    }
}

impl Search<'_> {
    fn is_done(&self) -> bool {
        !self.all && !self.found.is_empty()
    }

    /// Looks below what the path names: the path's parts are found by walking all.
    fn within(&mut self, document: &Json, path: &Path) {
        let roots = path.find(document).into_iter().map(address).collect();
        let mut at = "$".to_owned();
        self.descend(document, &roots, &mut at);
    }

    fn descend(&mut self, one: &Json, roots: &BTreeSet<usize>, at: &mut String) {
        if self.is_done() {
            return;
        }
        if roots.contains(&address(one)) {
            return self.walk(one, at);
        }
        each(one, at, &mut |part, at| self.descend(part, roots, at));
    }

    fn walk(&mut self, one: &Json, at: &mut String) {
        if self.is_done() {
            return;
        }
        if let Json::String(text) = one
            && collate::like(text, self.pattern, self.escape, Collation::Bin)
        {
            self.found.push(at.clone());
        }
        each(one, at, &mut |part, at| self.walk(part, at));
    }
}

/// Tells parts of one document apart.
fn address(one: &Json) -> usize {
    std::ptr::from_ref(one).addr()
}

/// Calls for each part with the path to it.
fn each(one: &Json, at: &mut String, call: &mut dyn FnMut(&Json, &mut String)) {
    let length = at.len();
    match one {
        Json::Array(all) => {
            for (cell, part) in all.iter().enumerate() {
                at.push_str(&format!("[{cell}]"));
                call(part, at);
                at.truncate(length);
            }
        }
        Json::Object(map) => {
            for (key, part) in doc::members(map) {
                at.push('.');
                let is_word = key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$')
                    && key.chars().next().is_some_and(|c| !c.is_numeric());
                if is_word {
                    at.push_str(key);
                } else {
                    doc::write_string(key, at);
                }
                call(part, at);
                at.truncate(length);
            }
        }
        _ => {}
    }
}
