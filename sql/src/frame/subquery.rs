//! Subqueries become joins.
//!
//! ```text
//! WHERE ... AND [NOT] EXISTS q, x [NOT] IN q      stays; `plan` makes a semi or anti join
//! a scalar q with `inner = outer` only            aggregate by inner, left join on it
//! x IN q as a value, q names nothing outer        left join on the distinct values of q
//! everything else                                 q over the domain: the distinct outer
//!                                                 values that it names, then left join
//! ```
//!
//! The domain is Neumann and Kemper's (Unnesting Arbitrary Queries, 2015): every
//! relation inside `q` carries the outer values along, so that it depends on the
//! outer query no more.
//!
//! - Q1: what comes out names no column that its own relations do not have.

mod depend;
mod shape;
mod strip;
mod value;

use std::collections::BTreeSet;

use holdfast_value::{SqlType, Value};

use crate::algebra::{AggregateKind as K, JoinKind, Query, Rel};
use crate::error::{Result, SqlError};
use crate::expr::{ColumnId, Expr, Typed, walk};

use shape::{defined, depth};
pub(super) use shape::{every, free, shapes};
pub(super) use strip::stripped;

/// Outer columns and what stands for them inside.
type Map = Vec<(ColumnId, ColumnId)>;

/// The outer values that a subquery depends on.
struct Domain {
    input: Rel,
    columns: Vec<Typed>,
}

/// Relations that a statement's plan may have more of than the statement, as copies of
/// others. Nested subqueries that are each correlated double it with every level, and
/// nothing ends a plan while it is made.
const COPIES_MAX: usize = 2_000;

/// Subqueries that one statement may have joined. Each join has the columns of all before
/// it: planning 100 takes seconds, and its time grows with the cube of their number.
const JOINED_MAX: usize = 100;

/// Relations inside of one another: plans are walked by recursion. 850 joins in a row were
/// seen to be planned with the stack of the server's workers (`server/src/main.rs`).
const DEPTH_MAX: usize = 500;

/// Rewrites one statement.
pub(super) struct Unnest {
    next: ColumnId,
    /// Relations that are copies of others so far.
    copies: usize,
    /// Subqueries that were joined so far.
    joined: usize,
}

/// Makes joins of the subqueries of a query.
///
/// # Errors
/// 1235 for a correlation that goes into a recursive common table expression; 1473 for
/// more subqueries, or more deeply nested ones, than a plan is made of.
pub(super) fn unnest(query: &mut Query) -> Result<()> {
    let mut most = 0;
    let mut ids = BTreeSet::new();
    defined(&query.rel, &mut ids);
    most = ids.last().copied().unwrap_or(0).max(most);
    most = query.columns.iter().map(|column| column.id).max().unwrap_or(0).max(most);
    // Lists of columns that stand for nothing yet may have been numbered, too.
    let mut unnest = Unnest { next: most + 1, copies: 0, joined: 0 };
    let rel = std::mem::replace(&mut query.rel, Rel::One);
    query.rel = unnest.rel(rel)?;
    if depth(&mut query.rel) > DEPTH_MAX {
        return Err(crate::bind::too_deep());
    }
    Ok(())
}

impl Unnest {
    fn fresh(&mut self) -> ColumnId {
        self.next += 1;
        self.next - 1
    }

    /// Counts the relations of a copy.
    fn copied(&mut self, copy: &mut Rel) -> Result<()> {
        every(copy, &mut |_| self.copies += 1);
        if self.copies > COPIES_MAX {
            return Err(SqlError::new(
                1473,
                "Too high level of nesting for select: its correlated subqueries, planned, are too many; use joins",
            ));
        }
        Ok(())
    }

    /// Goes through a relation, innermost first.
    fn rel(&mut self, rel: Rel) -> Result<Rel> {
        Ok(match rel {
            Rel::One
            | Rel::Nothing(_)
            | Rel::Scan(_)
            | Rel::Virtual { .. }
            | Rel::Working { .. } => rel,
            Rel::Values { mut rows, ids } => {
                if !rows.iter().flatten().any(walk::has_subquery) {
                    return Ok(Rel::Values { rows, ids });
                }
                let Some(row) = rows.pop().filter(|_| rows.is_empty()) else {
                    return Err(SqlError::unsupported("subqueries in several rows of VALUES"));
                };
                let items = ids.into_iter().map(|(id, _)| id).zip(row).collect();
                return self.rel(Rel::Project(Box::new(Rel::One), items));
            }
            Rel::Filter(input, test) => {
                let input = self.rel(*input)?;
                self.filtered(input, test)?
            }
            Rel::Join { kind, left, right, on } => {
                let (left, right) = (self.rel(*left)?, self.rel(*right)?);
                match on {
                    Some(on) if walk::has_subquery(&on) => self.joined(kind, left, right, on)?,
                    on => Rel::Join { kind, left: left.into(), right: right.into(), on },
                }
            }
            Rel::Project(input, mut items) => {
                let mut input = self.rel(*input)?;
                for (_, item) in &mut items {
                    input = self.expr(input, item)?;
                }
                Rel::Project(Box::new(input), items)
            }
            Rel::Aggregate { input, mut keys, mut calls, rollup } => {
                let mut input = self.rel(*input)?;
                for (_, key) in &mut keys {
                    input = self.expr(input, key)?;
                }
                for (_, call) in &mut calls {
                    for arg in &mut call.args {
                        input = self.expr(input, arg)?;
                    }
                    for key in &mut call.order {
                        input = self.expr(input, &mut key.by)?;
                    }
                }
                Rel::Aggregate { input: Box::new(input), keys, calls, rollup }
            }
            Rel::Window { input, mut calls } => {
                let mut input = self.rel(*input)?;
                for (_, call) in &mut calls {
                    let parts = call.args.iter_mut().chain(&mut call.partition);
                    for part in parts.chain(call.order.iter_mut().map(|key| &mut key.by)) {
                        input = self.expr(input, part)?;
                    }
                }
                Rel::Window { input: Box::new(input), calls }
            }
            Rel::Distinct(input) => Rel::Distinct(Box::new(self.rel(*input)?)),
            Rel::Sort(input, mut keys) => {
                let mut input = self.rel(*input)?;
                for key in &mut keys {
                    input = self.expr(input, &mut key.by)?;
                }
                Rel::Sort(Box::new(input), keys)
            }
            Rel::Limit { input, skip, fetch } => {
                Rel::Limit { input: Box::new(self.rel(*input)?), skip, fetch }
            }
            Rel::Set { kind, all, mut left, mut right, ids } => {
                self.query(&mut left)?;
                self.query(&mut right)?;
                Rel::Set { kind, all, left, right, ids }
            }
            Rel::Recursive { number, mut base, mut step, all, ids } => {
                self.query(&mut base)?;
                self.query(&mut step)?;
                Rel::Recursive { number, base, step, all, ids }
            }
        })
    }

    /// A join whose condition has subqueries. Of an outer join, what names the optional
    /// side alone decides which of its rows there are; what names the other side becomes
    /// columns of it.
    fn joined(&mut self, kind: JoinKind, left: Rel, right: Rel, on: Typed) -> Result<Rel> {
        let (mut kept, mut optional) = match kind {
            JoinKind::Inner => {
                let both = Rel::Join { kind, left: left.into(), right: right.into(), on: None };
                return self.filtered(both, on);
            }
            JoinKind::Left => (left, right),
            JoinKind::Right => (right, left),
        };
        let (of_kept, of_optional) = (kept.ids(), optional.ids());
        let (mut tests, mut optional_tests) = (Vec::new(), Vec::new());
        for mut test in walk::conjuncts(on) {
            let named = walk::columns(&test);
            let names = |ids: &[ColumnId]| ids.iter().any(|id| named.contains(id));
            if !walk::has_subquery(&test) {
                tests.push(test);
                continue;
            }
            match (names(&of_kept), names(&of_optional)) {
                (false, _) => optional_tests.push(test),
                (true, false) => {
                    kept = self.expr(kept, &mut test)?;
                    tests.push(test);
                }
                (true, true) => {
                    return Err(SqlError::unsupported(
                        "a subquery in the ON of an outer join that names columns of both sides",
                    ));
                }
            }
        }
        if !optional_tests.is_empty() {
            optional = self.filtered(optional, all_of(optional_tests))?;
        }
        let (left, right) = match kind {
            JoinKind::Right => (optional, kept),
            _ => (kept, optional),
        };
        let on = if tests.is_empty() { Typed::int(1) } else { all_of(tests) };
        Ok(Rel::Join { kind, left: left.into(), right: right.into(), on: Some(on) })
    }

    /// A filter over what was gone through already.
    fn filtered(&mut self, mut input: Rel, test: Typed) -> Result<Rel> {
        let mut tests = Vec::new();
        for mut test in walk::conjuncts(test) {
            input = self.items(input, &mut test)?;
            if !self.is_join(&mut test)? {
                input = self.expr(input, &mut test)?;
            }
            tests.push(test);
        }
        Ok(Rel::Filter(Box::new(input), all_of(tests)))
    }

    fn query(&mut self, query: &mut Query) -> Result<()> {
        let rel = std::mem::replace(&mut query.rel, Rel::One);
        query.rel = self.rel(rel)?;
        Ok(())
    }

    /// A condition that is asked whether it is a join: without NOT around it, and the
    /// subqueries on the left of IN joined.
    fn items(&mut self, mut input: Rel, test: &mut Typed) -> Result<Rel> {
        if let Expr::Call(function, args) = &mut test.expr
            && function.name == "not"
            && let [inner] = &mut args[..]
            && let Expr::Exists { negated, .. } | Expr::InQuery { negated, .. } = &mut inner.expr
        {
            *negated = !*negated;
            *test = inner.clone();
        }
        if let Expr::InQuery { items, .. } = &mut test.expr {
            for item in items {
                input = self.expr(input, item)?;
            }
        }
        Ok(input)
    }

    /// True where a condition can be a semi or anti join as it is; its query is then
    /// gone through, and in the form that [`stripped`] takes apart.
    fn is_join(&mut self, test: &mut Typed) -> Result<bool> {
        let (Expr::Exists { query, .. } | Expr::InQuery { query, .. }) = &mut test.expr else {
            return Ok(false);
        };
        self.query(query)?;
        Ok(stripped(query.rel.clone(), &free(&query.rel)).is_some())
    }

    /// Puts columns in the place of an expression's subqueries, and the joins that
    /// give them around `input`.
    fn expr(&mut self, mut input: Rel, typed: &mut Typed) -> Result<Rel> {
        if !walk::has_subquery(typed) {
            return Ok(input);
        }
        let mut trouble = Ok(());
        walk::each_mut(typed, &mut |item| {
            if trouble.is_err() {
                return false;
            }
            let is_query =
                matches!(item.expr, Expr::Scalar(_) | Expr::Exists { .. } | Expr::InQuery { .. });
            if is_query {
                let taken = std::mem::replace(item, Typed::null());
                match self.one(std::mem::replace(&mut input, Rel::One), taken) {
                    Ok((joined, put)) => {
                        input = joined;
                        *item = put;
                    }
                    Err(error) => trouble = Err(error),
                }
            }
            !is_query
        });
        trouble.map(|()| input)
    }
}

/// True where a relation has exactly one row.
fn is_one_row(rel: &Rel) -> bool {
    match rel {
        Rel::One => true,
        Rel::Aggregate { keys, rollup: false, .. } => keys.is_empty(),
        Rel::Project(input, _) | Rel::Sort(input, _) => is_one_row(input),
        _ => false,
    }
}

/// What an aggregate gives of no rows.
fn empty_value(kind: K) -> Value {
    match kind {
        K::Count | K::CountRows | K::Grouping => Value::Int(0),
        K::BitOr | K::BitXor => Value::UInt(0),
        K::BitAnd => Value::UInt(u64::MAX),
        _ => Value::Null,
    }
}

fn cross(left: Rel, right: Rel) -> Rel {
    if matches!(left, Rel::One) {
        return right;
    }
    let kind = JoinKind::Inner;
    Rel::Join { kind, left: Box::new(left), right: Box::new(right), on: None }
}

fn put(typed: &mut Typed, map: &Map) {
    walk::each_mut(typed, &mut |item| replace(item, map));
}

fn replace(item: &mut Typed, map: &Map) -> bool {
    if let Expr::Column(id) = &mut item.expr
        && let Some((_, inner)) = map.iter().find(|(outer, _)| outer == id)
    {
        *id = *inner;
    }
    true
}

/// A library call that is a condition.
pub(super) fn call(name: &str, args: Vec<Typed>) -> Result<Typed> {
    let function = holdfast_func::lookup(name)
        .ok_or_else(|| SqlError::internal(format!("there is no '{name}'")))?;
    Ok(Typed::new(Expr::Call(function, args), SqlType::BIGINT, true))
}

pub(super) fn all_of(mut all: Vec<Typed>) -> Typed {
    if all.len() == 1 {
        return all.remove(0);
    }
    Typed::new(Expr::And(all), SqlType::BIGINT, true)
}
