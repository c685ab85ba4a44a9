//! Changed documents: JSON_SET, JSON_INSERT, JSON_REPLACE, JSON_REMOVE,
//! JSON_ARRAY_APPEND, JSON_ARRAY_INSERT.

use holdfast_value::{Context, SqlType, ValueError};
use serde_json::Value as Json;

use super::doc::{self, document, element, give};
use super::path::{Leg, Path};
use super::read::path;
use crate::function::{Arg, Function, Out, function, get, pure};
use crate::infer;
use crate::input::In;

#[derive(Clone, Copy, PartialEq)]
enum How {
    Set,
    Insert,
    Replace,
    Append,
    InsertCell,
}

pub(crate) const FUNCTIONS: &[Function] = &[
    function!("json_set", 3, usize::MAX, Pure, Own, pairs, |x: &mut In<'_>| change(x, How::Set)),
    function!("json_insert", 3, usize::MAX, Pure, Own, pairs, |x: &mut In<'_>| {
        change(x, How::Insert)
    }),
    function!("json_replace", 3, usize::MAX, Pure, Own, pairs, |x: &mut In<'_>| {
        change(x, How::Replace)
    }),
    function!("json_array_append", 3, usize::MAX, Pure, Own, pairs, |x: &mut In<'_>| {
        change(x, How::Append)
    }),
    function!("json_array_insert", 3, usize::MAX, Pure, Own, pairs, |x: &mut In<'_>| {
        change(x, How::InsertCell)
    }),
    pure!("json_remove", 2, usize::MAX, infer::json, remove),
];

impl How {
    fn name(self) -> &'static str {
        match self {
            Self::Set => "json_set",
            Self::Insert => "json_insert",
            Self::Replace => "json_replace",
            Self::Append => "json_array_append",
            Self::InsertCell => "json_array_insert",
        }
    }
}

/// A document, then pairs of a path and a value.
fn pairs(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    match args.len() % 2 {
        1 => Ok(SqlType::Json),
        _ => Err(ValueError::ParameterCount("json_set".to_owned())),
    }
}

fn change(x: &mut In<'_>, how: How) -> Out {
    if x.len().is_multiple_of(2) {
        return Err(ValueError::ParameterCount(how.name().to_owned()));
    }
    let mut document = get!(document(x, 0, how.name()));
    for at in (1..x.len()).step_by(2) {
        let path = get!(path(x, at)).exact()?;
        let new = element(x, at + 1)?;
        match how {
            How::Set | How::Insert | How::Replace => put(&mut document, &path, new, how),
            How::Append => append(&mut document, &path, new),
            How::InsertCell => insert_cell(&mut document, &path, new)?,
        }
    }
    give(x, &document)
}

fn put(document: &mut Json, path: &Path, new: Json, how: How) {
    let (may_insert, may_replace) = (how != How::Replace, how != How::Insert);
    if let Some(old) = Path::find_mut(&path.legs, document) {
        if may_replace {
            *old = new;
        }
        return;
    }
    let Some((last, parents)) = path.legs.split_last() else { return };
    let Some(parent) = Path::find_mut(parents, document).filter(|_| may_insert) else { return };
    match (last, parent) {
        (Leg::Key(key), Json::Object(map)) => {
            map.insert(key.clone(), new);
        }
        (Leg::Cell(cell), Json::Array(all)) => match cell.resolve(all.len()) {
            Some(_) => all.push(new),
            None => all.insert(0, new),
        },
        (Leg::Cell(cell), other) if !matches!(other, Json::Array(_)) => {
            let old = other.take();
            let is_before = cell.resolve(1).is_none();
            *other = Json::Array(if is_before { vec![new, old] } else { vec![old, new] });
        }
        _ => {}
    }
}

fn append(document: &mut Json, path: &Path, new: Json) {
    match Path::find_mut(&path.legs, document) {
        Some(Json::Array(all)) => all.push(new),
        Some(other) => *other = Json::Array(vec![other.take(), new]),
        None => {}
    }
}

fn insert_cell(document: &mut Json, path: &Path, new: Json) -> Result<(), ValueError> {
    let Some((Leg::Cell(cell), parents)) = path.legs.split_last() else {
        let message = "A path expression is not a path to a cell in an array.".to_owned();
        return Err(doc::trouble(3165, "42000", message));
    };
    if let Some(Json::Array(all)) = Path::find_mut(parents, document) {
        let at = cell.resolve(all.len()).unwrap_or(0).min(all.len());
        all.insert(at, new);
    }
    Ok(())
}

fn remove(x: &mut In<'_>) -> Out {
    let mut document = get!(document(x, 0, "json_remove"));
    for at in 1..x.len() {
        let path = get!(path(x, at)).exact()?;
        let Some((last, parents)) = path.legs.split_last() else {
            let message = "The path expression '$' is not allowed in this context.".to_owned();
            return Err(doc::trouble(3153, "42000", message));
        };
        match (last, Path::find_mut(parents, &mut document)) {
            (Leg::Key(key), Some(Json::Object(map))) => {
                map.remove(key);
            }
            (Leg::Cell(cell), Some(Json::Array(all))) => {
                if let Some(at) = cell.resolve(all.len()).filter(|at| *at < all.len()) {
                    all.remove(at);
                }
            }
            _ => {}
        }
    }
    give(x, &document)
}
