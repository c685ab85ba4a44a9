//! Which conditions hold for the rows of a table, so that its source may leave out
//! what they leave out. The conditions are tested again by the plan.

use std::collections::BTreeMap;

use crate::algebra::{JoinKind, Query, Rel};
use crate::expr::{ColumnId, Expr, Typed, walk};

/// Conditions by the number of a scan's first column.
pub(super) type Hints = BTreeMap<ColumnId, Vec<Typed>>;

/// The hints of a whole query, its joins' subqueries included.
pub(super) fn of(query: &mut Query) -> Hints {
    let mut hints = Hints::new();
    down(&mut query.rel, Vec::new(), &mut hints);
    hints
}

fn down(rel: &mut Rel, mut tests: Vec<Typed>, hints: &mut Hints) {
    match rel {
        Rel::Scan(scan) => {
            let own: Vec<ColumnId> = scan.ids().collect();
            tests.retain(|test| {
                let named = walk::columns(test);
                let is_steady = !walk::any(test, &mut is_drawn);
                is_steady && !named.is_empty() && named.iter().all(|id| own.contains(id))
            });
            hints.entry(scan.first).or_default().extend(tests);
        }
        Rel::Filter(input, test) => {
            inside(std::iter::once(&mut *test), hints);
            let mine = walk::conjuncts(test.clone());
            tests.extend(mine.into_iter().filter(|test| !walk::has_subquery(test)));
            down(input, tests, hints);
        }
        Rel::Join { kind, left, right, on } => {
            inside(on.iter_mut(), hints);
            let on = on.clone().map(walk::conjuncts).unwrap_or_default();
            let both: Vec<Typed> = tests.iter().cloned().chain(on.iter().cloned()).collect();
            // Of an outer join, what is above holds for the kept side, ON for the other.
            let (to_left, to_right) = match kind {
                JoinKind::Inner => (both.clone(), both),
                JoinKind::Left => (tests, on),
                JoinKind::Right => (on, tests),
            };
            down(left, to_left, hints);
            down(right, to_right, hints);
        }
        Rel::Project(input, items) => {
            inside(items.iter_mut().map(|(_, item)| item), hints);
            let through = tests.into_iter().filter_map(|test| renamed(test, items)).collect();
            down(input, through, hints);
        }
        Rel::Sort(input, _) | Rel::Distinct(input) => down(input, tests, hints),
        Rel::Aggregate { input, .. } | Rel::Limit { input, .. } | Rel::Window { input, .. } => {
            down(input, Vec::new(), hints);
        }
        Rel::Set { left, right, .. } => {
            down(&mut left.rel, Vec::new(), hints);
            down(&mut right.rel, Vec::new(), hints);
        }
        Rel::Recursive { base, step, .. } => {
            down(&mut base.rel, Vec::new(), hints);
            down(&mut step.rel, Vec::new(), hints);
        }
        Rel::One
        | Rel::Nothing(_)
        | Rel::Virtual { .. }
        | Rel::Values { .. }
        | Rel::Working { .. } => {}
    }
}

/// What is another one each time cannot be tested twice.
fn is_drawn(expr: &Expr) -> bool {
    match expr {
        Expr::Call(function, _) => function.kind == holdfast_func::Kind::Volatile,
        Expr::Session(_) | Expr::Assign(..) => true,
        _ => false,
    }
}

fn inside<'a>(items: impl Iterator<Item = &'a mut Typed>, hints: &mut Hints) {
    let mut queries = Vec::new();
    for item in items {
        walk::subqueries_mut(item, &mut queries);
    }
    for query in queries {
        down(&mut query.rel, Vec::new(), hints);
    }
}

/// A condition below a projection; nothing where it names what the projection computes.
fn renamed(mut test: Typed, items: &[(ColumnId, Typed)]) -> Option<Typed> {
    let mut fits = true;
    walk::each_mut(&mut test, &mut |item| {
        if let Expr::Column(id) = item.expr {
            match items.iter().find(|(known, _)| *known == id) {
                Some((_, inner)) if matches!(inner.expr, Expr::Column(_)) => *item = inner.clone(),
                _ => fits = false,
            }
            return false;
        }
        true
    });
    fits.then_some(test)
}
