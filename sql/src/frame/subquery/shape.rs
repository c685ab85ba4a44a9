//! Which columns a relation has, gives and lacks.

use std::collections::BTreeSet;

use holdfast_value::SqlType;

use crate::algebra::Rel;
use crate::expr::{ColumnId, Expr, walk};

/// The columns that a relation names and none inside it has.
pub(in crate::frame) fn free(rel: &Rel) -> BTreeSet<ColumnId> {
    let mut named = BTreeSet::new();
    let mut copy = rel.clone();
    walk::each_in_rel_mut(&mut copy, &mut |item| {
        if let Expr::Column(id) = item.expr {
            named.insert(id);
        }
        true
    });
    let mut known = BTreeSet::new();
    defined(rel, &mut known);
    named.retain(|id| !known.contains(id));
    named
}

/// Every column that a relation or one inside it has.
pub(super) fn defined(rel: &Rel, known: &mut BTreeSet<ColumnId>) {
    let mut types = Vec::new();
    let mut copy = rel.clone();
    every(&mut copy, &mut |rel| own_shapes(rel, &mut types));
    known.extend(types.into_iter().map(|(id, _)| id));
}

/// Calls `act` for a relation and everything inside, subqueries of expressions included.
pub(in crate::frame) fn every(rel: &mut Rel, act: &mut dyn FnMut(&Rel)) {
    act(rel);
    inside(rel, &mut |rel| every(rel, act));
}

/// How many relations are inside of one another.
pub(super) fn depth(rel: &mut Rel) -> usize {
    let mut deepest = 0;
    inside(rel, &mut |rel| deepest = deepest.max(depth(rel)));
    deepest + 1
}

/// Calls `act` for the relations directly inside one, those of its expressions included.
fn inside(rel: &mut Rel, act: &mut dyn FnMut(&mut Rel)) {
    let mut queries = Vec::new();
    match rel {
        Rel::One | Rel::Nothing(_) | Rel::Scan(_) | Rel::Virtual { .. } | Rel::Working { .. } => {}
        Rel::Values { rows, .. } => {
            rows.iter_mut().flatten().for_each(|item| walk::subqueries_mut(item, &mut queries));
        }
        Rel::Join { left, right, on, .. } => {
            act(left);
            act(right);
            on.iter_mut().for_each(|on| walk::subqueries_mut(on, &mut queries));
        }
        Rel::Filter(input, test) => {
            act(input);
            walk::subqueries_mut(test, &mut queries);
        }
        Rel::Project(input, items) => {
            act(input);
            items.iter_mut().for_each(|(_, item)| walk::subqueries_mut(item, &mut queries));
        }
        Rel::Aggregate { input, keys, calls, .. } => {
            act(input);
            keys.iter_mut().for_each(|(_, key)| walk::subqueries_mut(key, &mut queries));
            for (_, call) in calls {
                call.args.iter_mut().for_each(|arg| walk::subqueries_mut(arg, &mut queries));
            }
        }
        Rel::Window { input, calls } => {
            act(input);
            for (_, call) in calls {
                call.args.iter_mut().for_each(|arg| walk::subqueries_mut(arg, &mut queries));
            }
        }
        Rel::Distinct(input) | Rel::Limit { input, .. } => act(input),
        Rel::Sort(input, keys) => {
            act(input);
            keys.iter_mut().for_each(|key| walk::subqueries_mut(&mut key.by, &mut queries));
        }
        Rel::Set { left, right, .. } => {
            act(&mut left.rel);
            act(&mut right.rel);
        }
        Rel::Recursive { base, step, .. } => {
            act(&mut base.rel);
            act(&mut step.rel);
        }
    }
    for query in queries {
        act(&mut query.rel);
    }
}

/// The columns that a relation gives, with their types.
pub(in crate::frame) fn shapes(rel: &Rel, found: &mut Vec<(ColumnId, SqlType)>) {
    match rel {
        Rel::Join { left, right, .. } => {
            shapes(left, found);
            shapes(right, found);
        }
        Rel::Filter(input, _)
        | Rel::Distinct(input)
        | Rel::Sort(input, _)
        | Rel::Limit { input, .. } => shapes(input, found),
        Rel::Window { input, .. } => {
            shapes(input, found);
            own_shapes(rel, found);
        }
        _ => own_shapes(rel, found),
    }
}

/// Those that it adds itself.
fn own_shapes(rel: &Rel, found: &mut Vec<(ColumnId, SqlType)>) {
    match rel {
        Rel::Scan(scan) => {
            let own = scan.table.columns.iter().enumerate();
            found.extend(own.map(|(at, column)| (scan.first + at as u32, column.of.clone())));
            if scan.key {
                found.push((scan.key_id(), SqlType::VarBinary(u32::MAX)));
            }
        }
        Rel::Virtual { table, ids } => {
            found
                .extend(ids.iter().zip(table.columns).map(|(id, column)| (*id, column.of.clone())));
        }
        Rel::Nothing(ids)
        | Rel::Values { ids, .. }
        | Rel::Set { ids, .. }
        | Rel::Recursive { ids, .. }
        | Rel::Working { ids, .. } => found.extend(ids.iter().cloned()),
        Rel::Project(_, items) => {
            found.extend(items.iter().map(|(id, item)| (*id, item.of.clone())));
        }
        Rel::Aggregate { keys, calls, .. } => {
            found.extend(keys.iter().map(|(id, key)| (*id, key.of.clone())));
            found.extend(calls.iter().map(|(id, call)| (*id, call.of.clone())));
        }
        Rel::Window { calls, .. } => {
            found.extend(calls.iter().map(|(id, call)| (*id, call.of.clone())));
        }
        Rel::One
        | Rel::Join { .. }
        | Rel::Filter(..)
        | Rel::Distinct(_)
        | Rel::Sort(..)
        | Rel::Limit { .. } => {}
    }
}
