//! Conditions that name outer columns, taken out of a subquery.

use std::collections::BTreeSet;

use holdfast_value::Value;

use super::all_of;
use super::shape::{free, shapes};
use crate::algebra::{JoinKind, Rel};
use crate::expr::{ColumnId, Typed, walk};

/// Takes the conditions that name outer columns out of a relation that is asked only
/// whether it has rows; nothing where they do not come out.
pub(in crate::frame) fn stripped(
    rel: Rel,
    outer: &BTreeSet<ColumnId>,
) -> Option<(Rel, Vec<Typed>)> {
    let names_outer = |typed: &Typed| walk::columns(typed).iter().any(|id| outer.contains(id));
    if !free(&rel).iter().any(|id| outer.contains(id)) {
        return Some((rel, Vec::new()));
    }
    match rel {
        Rel::Filter(input, test) => {
            let (input, mut out) = stripped(*input, outer)?;
            let (outside, inside): (Vec<_>, Vec<_>) =
                walk::conjuncts(test).into_iter().partition(names_outer);
            if outside.iter().any(walk::has_subquery) {
                return None;
            }
            out.extend(outside);
            let rel = if inside.is_empty() {
                input
            } else {
                Rel::Filter(Box::new(input), all_of(inside))
            };
            Some((rel, out))
        }
        Rel::Project(input, mut items) => {
            if items.iter().any(|(_, item)| names_outer(item)) {
                return None;
            }
            let (input, out) = stripped(*input, outer)?;
            let mut types = Vec::new();
            shapes(&input, &mut types);
            for id in out.iter().flat_map(walk::columns) {
                if !outer.contains(&id) && items.iter().all(|(known, _)| *known != id) {
                    let of = types.iter().find(|(known, _)| *known == id)?.1.clone();
                    items.push((id, Typed::column(id, of, true)));
                }
            }
            Some((Rel::Project(Box::new(input), items), out))
        }
        Rel::Distinct(input) | Rel::Sort(input, _) => stripped(*input, outer),
        Rel::Limit { input, skip: None, fetch: Some(fetch) }
            if matches!(fetch.constant(), Some(Value::Int(1..))) =>
        {
            stripped(*input, outer)
        }
        Rel::Join { kind: JoinKind::Inner, left, right, on } => {
            let (left, mut out) = stripped(*left, outer)?;
            let (right, more) = stripped(*right, outer)?;
            out.extend(more);
            let on = on.map(walk::conjuncts).unwrap_or_default();
            let (outside, inside): (Vec<_>, Vec<_>) = on.into_iter().partition(names_outer);
            if outside.iter().any(walk::has_subquery) {
                return None;
            }
            out.extend(outside);
            let on = if inside.is_empty() { None } else { Some(all_of(inside)) };
            let kind = JoinKind::Inner;
            Some((Rel::Join { kind, left: left.into(), right: right.into(), on }, out))
        }
        Rel::Join { kind, left, right, on } => {
            if on.as_ref().is_some_and(names_outer) {
                return None;
            }
            let (kept, other) =
                if kind == JoinKind::Left { (&left, &right) } else { (&right, &left) };
            if free(other).iter().any(|id| outer.contains(id)) {
                return None;
            }
            let (kept, out) = stripped((**kept).clone(), outer)?;
            let (left, right) = if kind == JoinKind::Left {
                (Box::new(kept), right)
            } else {
                (left, Box::new(kept))
            };
            Some((Rel::Join { kind, left, right, on }, out))
        }
        _ => None,
    }
}
