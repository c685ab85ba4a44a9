//! Going through expressions and queries.
//!
//! Subqueries are gone through, too: they may name the columns around them.

use super::{ColumnId, Expr, Typed};
use crate::algebra::{Aggregate, Bound, Order, Query, Rel, Window};

/// Calls `act` on `typed` and everything inside, outermost first; where it
/// answers false, what is inside is left alone.
pub fn each_mut(typed: &mut Typed, act: &mut dyn FnMut(&mut Typed) -> bool) {
    if !act(typed) {
        return;
    }
    match &mut typed.expr {
        Expr::Literal(_)
        | Expr::Column(_)
        | Expr::Param(_)
        | Expr::Variable(_)
        | Expr::Session(_) => {}
        Expr::Call(_, items) | Expr::And(items) | Expr::Or(items) | Expr::Coalesce(items) => {
            items.iter_mut().for_each(|item| each_mut(item, act));
        }
        Expr::Case { whens, otherwise } => {
            for (test, result) in whens {
                each_mut(test, act);
                each_mut(result, act);
            }
            if let Some(otherwise) = otherwise {
                each_mut(otherwise, act);
            }
        }
        Expr::In { item, list, .. } => {
            each_mut(item, act);
            list.iter_mut().for_each(|item| each_mut(item, act));
        }
        Expr::InQuery { items, query, .. } => {
            items.iter_mut().for_each(|item| each_mut(item, act));
            each_in_rel_mut(&mut query.rel, act);
        }
        Expr::Scalar(query) | Expr::Exists { query, .. } => each_in_rel_mut(&mut query.rel, act),
        Expr::Assign(_, value) => each_mut(value, act),
    }
}

/// Calls `act` on every expression of a relation and everything inside.
pub fn each_in_rel_mut(rel: &mut Rel, act: &mut dyn FnMut(&mut Typed) -> bool) {
    match rel {
        Rel::One | Rel::Nothing(_) | Rel::Scan(_) | Rel::Virtual { .. } | Rel::Working { .. } => {}
        Rel::Values { rows, .. } => {
            rows.iter_mut().flatten().for_each(|item| each_mut(item, act));
        }
        Rel::Join { left, right, on, .. } => {
            each_in_rel_mut(left, act);
            each_in_rel_mut(right, act);
            if let Some(on) = on {
                each_mut(on, act);
            }
        }
        Rel::Filter(input, test) => {
            each_in_rel_mut(input, act);
            each_mut(test, act);
        }
        Rel::Project(input, items) => {
            each_in_rel_mut(input, act);
            items.iter_mut().for_each(|(_, item)| each_mut(item, act));
        }
        Rel::Aggregate { input, keys, calls, .. } => {
            each_in_rel_mut(input, act);
            keys.iter_mut().for_each(|(_, key)| each_mut(key, act));
            calls.iter_mut().for_each(|(_, call)| each_in_aggregate_mut(call, act));
        }
        Rel::Window { input, calls } => {
            each_in_rel_mut(input, act);
            calls.iter_mut().for_each(|(_, call)| each_in_window_mut(call, act));
        }
        Rel::Distinct(input) => each_in_rel_mut(input, act),
        Rel::Sort(input, keys) => {
            each_in_rel_mut(input, act);
            each_in_order_mut(keys, act);
        }
        Rel::Limit { input, skip, fetch } => {
            each_in_rel_mut(input, act);
            for count in [skip, fetch].into_iter().flatten() {
                each_mut(count, act);
            }
        }
        Rel::Set { left, right, .. } => {
            each_in_rel_mut(&mut left.rel, act);
            each_in_rel_mut(&mut right.rel, act);
        }
        Rel::Recursive { base, step, .. } => {
            each_in_rel_mut(&mut base.rel, act);
            each_in_rel_mut(&mut step.rel, act);
        }
    }
}

fn each_in_order_mut(keys: &mut [Order], act: &mut dyn FnMut(&mut Typed) -> bool) {
    keys.iter_mut().for_each(|key| each_mut(&mut key.by, act));
}

/// See [`each_in_rel_mut`].
pub fn each_in_aggregate_mut(call: &mut Aggregate, act: &mut dyn FnMut(&mut Typed) -> bool) {
    call.args.iter_mut().for_each(|arg| each_mut(arg, act));
    each_in_order_mut(&mut call.order, act);
}

/// See [`each_in_rel_mut`].
pub fn each_in_window_mut(call: &mut Window, act: &mut dyn FnMut(&mut Typed) -> bool) {
    call.args.iter_mut().for_each(|arg| each_mut(arg, act));
    call.partition.iter_mut().for_each(|arg| each_mut(arg, act));
    each_in_order_mut(&mut call.order, act);
    if let Some(frame) = &mut call.frame {
        for bound in [&mut frame.from, &mut frame.to] {
            if let Bound::Before(Some(by)) | Bound::After(Some(by)) = bound {
                each_mut(by, act);
            }
        }
    }
}

/// Every column that an expression names, those of subqueries' inner relations included.
pub fn columns(typed: &Typed) -> Vec<ColumnId> {
    let mut found = Vec::new();
    let mut copy = typed.clone();
    each_mut(&mut copy, &mut |item| {
        if let Expr::Column(id) = item.expr {
            found.push(id);
        }
        true
    });
    found
}

/// True where something inside satisfies `test`.
pub fn any(typed: &Typed, test: &mut dyn FnMut(&Expr) -> bool) -> bool {
    if test(&typed.expr) {
        return true;
    }
    match &typed.expr {
        Expr::Literal(_)
        | Expr::Column(_)
        | Expr::Param(_)
        | Expr::Variable(_)
        | Expr::Session(_)
        | Expr::Scalar(_)
        | Expr::Exists { .. } => false,
        Expr::Call(_, items) | Expr::And(items) | Expr::Or(items) | Expr::Coalesce(items) => {
            items.iter().any(|item| any(item, test))
        }
        Expr::Case { whens, otherwise } => {
            whens.iter().any(|(when, then)| any(when, test) || any(then, test))
                || otherwise.as_ref().is_some_and(|otherwise| any(otherwise, test))
        }
        Expr::In { item, list, .. } => any(item, test) || list.iter().any(|item| any(item, test)),
        Expr::InQuery { items, .. } => items.iter().any(|item| any(item, test)),
        Expr::Assign(_, value) => any(value, test),
    }
}

/// True where an expression holds a subquery.
pub fn has_subquery(typed: &Typed) -> bool {
    any(typed, &mut |expr| {
        matches!(expr, Expr::Scalar(_) | Expr::Exists { .. } | Expr::InQuery { .. })
    })
}

/// A conjunction's parts.
pub fn conjuncts(typed: Typed) -> Vec<Typed> {
    match typed.expr {
        Expr::And(items) => items.into_iter().flat_map(conjuncts).collect(),
        _ => vec![typed],
    }
}
/// Every query inside an expression, those directly in it.
pub fn subqueries_mut<'a>(typed: &'a mut Typed, found: &mut Vec<&'a mut Query>) {
    match &mut typed.expr {
        Expr::Literal(_)
        | Expr::Column(_)
        | Expr::Param(_)
        | Expr::Variable(_)
        | Expr::Session(_) => {}
        Expr::Call(_, items) | Expr::And(items) | Expr::Or(items) | Expr::Coalesce(items) => {
            items.iter_mut().for_each(|item| subqueries_mut(item, found));
        }
        Expr::Case { whens, otherwise } => {
            for (test, result) in whens {
                subqueries_mut(test, found);
                subqueries_mut(result, found);
            }
            if let Some(otherwise) = otherwise {
                subqueries_mut(otherwise, found);
            }
        }
        Expr::In { item, list, .. } => {
            subqueries_mut(item, found);
            list.iter_mut().for_each(|item| subqueries_mut(item, found));
        }
        Expr::InQuery { items, query, .. } => {
            items.iter_mut().for_each(|item| subqueries_mut(item, found));
            found.push(query);
        }
        Expr::Scalar(query) | Expr::Exists { query, .. } => found.push(query),
        Expr::Assign(_, value) => subqueries_mut(value, found),
    }
}
