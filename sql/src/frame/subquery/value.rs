//! A subquery that is a value: a column of a join.
//!
//! - Q2: ANY of DISTINCT, which the binder never makes, is the only value: 1242 where
//!   there are two.

use std::collections::BTreeSet;

use holdfast_value::{SqlType, Value};

use super::shape::free;
use super::strip::stripped;
use super::{Domain, JOINED_MAX, Map, Unnest, all_of, call, cross, empty_value, is_one_row};
use crate::algebra::{Aggregate, AggregateKind as K, JoinKind, Output, Query, Rel};
use crate::error::{Result, SqlError};
use crate::expr::{ColumnId, Expr, Typed, walk};

impl Unnest {
    pub(super) fn one(&mut self, input: Rel, typed: Typed) -> Result<(Rel, Typed)> {
        self.joined += 1;
        if self.joined > JOINED_MAX {
            return Err(SqlError::new(
                1473,
                format!(
                    "Too high level of nesting for select: more than {JOINED_MAX} subqueries that are values; use joins"
                ),
            ));
        }
        match typed.expr {
            Expr::Scalar(mut query) => {
                self.query(&mut query)?;
                self.scalar(input, *query)
            }
            Expr::Exists { mut query, negated } => {
                self.query(&mut query)?;
                let (input, found) = self.exists(input, *query)?;
                Ok((input, if negated { call("not", vec![found])? } else { found }))
            }
            Expr::InQuery { items, mut query, negated } => {
                self.query(&mut query)?;
                let mut input = input;
                let mut items = items;
                for item in &mut items {
                    input = self.expr(input, item)?;
                }
                self.contains(input, items, *query, negated)
            }
            expr => Ok((input, Typed { expr, ..typed })),
        }
    }

    fn scalar(&mut self, input: Rel, query: Query) -> Result<(Rel, Typed)> {
        let Some(output) = query.columns.first().cloned() else {
            return Err(SqlError::internal("a scalar subquery without a column"));
        };
        let outer = free(&query.rel);
        if outer.is_empty() {
            let rel = if is_one_row(&query.rel) {
                let id = self.fresh();
                let column = Typed::column(output.id, output.of.clone(), true);
                return Ok((
                    cross(input, Rel::Project(Box::new(query.rel), vec![(id, column)])),
                    Typed::column(id, output.of, true),
                ));
            } else {
                query.rel
            };
            let id = self.fresh();
            let calls = vec![(id, only(&output))];
            let rel =
                Rel::Aggregate { input: Box::new(rel), keys: Vec::new(), calls, rollup: false };
            return Ok((cross(input, rel), Typed::column(id, output.of, true)));
        }
        if let Some(joined) = self.by_equality(&input, &query, &outer, &output)? {
            return Ok(joined);
        }
        let is_unique = is_one_row(&query.rel);
        let domain = self.domain_of(&input, &outer)?;
        let (rel, map) = self.depend(query.rel, &domain)?;
        let id = self.fresh();
        let (rel, map) = if is_unique {
            let mut items = self.passed(&map, &domain);
            items.push((id, Typed::column(output.id, output.of.clone(), true)));
            (Rel::Project(Box::new(rel), items), map)
        } else {
            self.grouped(rel, &map, &domain, vec![(id, only(&output))])
        };
        let joined = self.match_domain(input, rel, &map, &domain)?;
        Ok((joined, Typed::column(id, output.of, true)))
    }

    fn exists(&mut self, input: Rel, query: Query) -> Result<(Rel, Typed)> {
        if free(&query.rel).is_empty() {
            let fetch = Some(Typed::int(1));
            let first = Rel::Limit { input: Box::new(query.rel), skip: None, fetch };
            let (input, found) = self.counted(input, first, vec![count_rows()])?;
            return Ok((input, all_of(found)));
        }
        let (input, found) = self.counted(input, query.rel, vec![count_rows()])?;
        Ok((input, all_of(found)))
    }

    /// `items IN query` as a value: 1 where a row is equal, else NULL where one might
    /// be, else 0.
    fn contains(
        &mut self,
        input: Rel,
        items: Vec<Typed>,
        query: Query,
        negated: bool,
    ) -> Result<(Rel, Typed)> {
        if let ([item], [output]) = (&items[..], &query.columns[..])
            && !matches!(input, Rel::One)
            && are_alike(&item.of, &output.of)
            && free(&query.rel).is_empty()
        {
            return self.found(input, item, &query, negated);
        }
        let mut equal = Vec::new();
        let mut possible = Vec::new();
        for (item, output) in items.iter().zip(&query.columns) {
            let column = Typed::column(output.id, output.of.clone(), output.nullable);
            let same = call("=", vec![item.clone(), column])?;
            let falsely = call("is_false", vec![same.clone()])?;
            possible.push(call("not", vec![falsely])?);
            equal.push(same);
        }
        let rows = Rel::Filter(Box::new(query.rel), all_of(possible));
        let whens = vec![(all_of(equal), Typed::int(1))];
        let equal = Typed::new(Expr::Case { whens, otherwise: None }, SqlType::BIGINT, true);
        let id = self.fresh();
        let rows = Rel::Project(Box::new(rows), vec![(id, equal)]);
        let equal = Typed::column(id, SqlType::BIGINT, true);
        let equal = Aggregate { kind: K::Count, args: vec![equal], ..count_rows() };
        let (input, counts) = self.counted(input, rows, vec![equal, count_rows()])?;
        let (yes, no) = if negated { (0, 1) } else { (1, 0) };
        let values = [Typed::int(yes), Typed::literal(Value::Null, SqlType::BIGINT)];
        let whens = counts.into_iter().zip(values).collect();
        let case = Expr::Case { whens, otherwise: Some(Box::new(Typed::int(no))) };
        Ok((input, Typed::new(case, SqlType::BIGINT, true)))
    }

    /// `item IN query` as a value, by equality: a left join on the query's distinct values,
    /// of which one is equal at most. Where NULLs are possible its rows are counted, too.
    fn found(
        &mut self,
        input: Rel,
        item: &Typed,
        query: &Query,
        negated: bool,
    ) -> Result<(Rel, Typed)> {
        let Some(output) = query.columns.first() else {
            return Err(SqlError::internal("IN of a query without a column"));
        };
        let value = Typed::column(output.id, output.of.clone(), output.nullable);
        let (id, mark) = (self.fresh(), self.fresh());
        let own = Typed::column(id, output.of.clone(), output.nullable);
        let on = call("=", vec![item.clone(), own.clone()])?;
        let distinct = Rel::Aggregate {
            input: Box::new(query.rel.clone()),
            keys: vec![(id, value.clone())],
            calls: Vec::new(),
            rollup: false,
        };
        let marked = Rel::Project(Box::new(distinct), vec![(id, own), (mark, Typed::int(1))]);
        let kind = JoinKind::Left;
        let joined = Rel::Join { kind, left: input.into(), right: marked.into(), on: Some(on) };
        let missing = call("is_null", vec![Typed::column(mark, SqlType::BIGINT, true)])?;
        let found = call("not", vec![missing.clone()])?;
        if !item.nullable && !output.nullable {
            return Ok((joined, if negated { missing } else { found }));
        }
        let mut rows = query.rel.clone();
        self.copied(&mut rows)?;
        let (all, values) = (self.fresh(), self.fresh());
        let not_null = Aggregate { kind: K::Count, args: vec![value], ..count_rows() };
        let calls = vec![(all, count_rows()), (values, not_null)];
        let counts = Rel::Aggregate { input: rows.into(), keys: Vec::new(), calls, rollup: false };
        let [all, values] = [all, values].map(|id| Typed::column(id, SqlType::BIGINT, false));
        let (yes, no) = if negated { (0, 1) } else { (1, 0) };
        let null = Typed::literal(Value::Null, SqlType::BIGINT);
        let whens = vec![
            (found, Typed::int(yes)),
            (call("=", vec![all.clone(), Typed::int(0)])?, Typed::int(no)),
            (call("is_null", vec![item.clone()])?, null.clone()),
            (call("<>", vec![all, values])?, null),
        ];
        let case = Expr::Case { whens, otherwise: Some(Box::new(Typed::int(no))) };
        Ok((cross(joined, counts), Typed::new(case, SqlType::BIGINT, true)))
    }

    /// Which of these counts over a subquery's rows are more than 0.
    fn counted(
        &mut self,
        input: Rel,
        rel: Rel,
        counts: Vec<Aggregate>,
    ) -> Result<(Rel, Vec<Typed>)> {
        let calls: Vec<_> = counts.into_iter().map(|count| (self.fresh(), count)).collect();
        let ids: Vec<ColumnId> = calls.iter().map(|(id, _)| *id).collect();
        let outer = free(&rel);
        if outer.is_empty() {
            let rel =
                Rel::Aggregate { input: Box::new(rel), keys: Vec::new(), calls, rollup: false };
            let some =
                |id| call("<>", vec![Typed::column(id, SqlType::BIGINT, false), Typed::int(0)]);
            let some = ids.into_iter().map(some).collect::<Result<_>>()?;
            return Ok((cross(input, rel), some));
        }
        let domain = self.domain_of(&input, &outer)?;
        let (rel, map) = self.depend(rel, &domain)?;
        let (rel, map) = self.grouped(rel, &map, &domain, calls);
        let joined = self.match_domain(input, rel, &map, &domain)?;
        // Without columns of its own the domain has a group where there are no rows.
        let some = |id| {
            let count = Typed::column(id, SqlType::BIGINT, true);
            let missing = call("is_null", vec![count.clone()])?;
            let some = call("<>", vec![count, Typed::int(0)])?;
            Ok(all_of(vec![call("not", vec![missing])?, some]))
        };
        let some = ids.into_iter().map(some).collect::<Result<_>>()?;
        Ok((joined, some))
    }

    /// An aggregate whose rows name the outer query in `inner = outer` alone: it is
    /// grouped by what is inner.
    fn by_equality(
        &mut self,
        input: &Rel,
        query: &Query,
        outer: &BTreeSet<ColumnId>,
        output: &Output,
    ) -> Result<Option<(Rel, Typed)>> {
        let Rel::Project(inner, items) = &query.rel else { return Ok(None) };
        let Rel::Aggregate { input: rows, keys, calls, rollup: false } = &**inner else {
            return Ok(None);
        };
        let names_outer = |typed: &Typed| walk::columns(typed).iter().any(|id| outer.contains(id));
        let args = calls.iter().flat_map(|(_, call)| &call.args);
        if !keys.is_empty()
            || args.chain(items.iter().map(|(_, item)| item)).any(names_outer)
            || calls.iter().any(|(_, call)| call.order.iter().any(|key| names_outer(&key.by)))
        {
            return Ok(None);
        }
        let here: BTreeSet<ColumnId> = input.ids().into_iter().collect();
        let Some((rows, tests)) = stripped((**rows).clone(), outer) else { return Ok(None) };
        let mut groups = Vec::new();
        let mut on = Vec::new();
        for test in tests {
            let Expr::Call(function, args) = test.expr else { return Ok(None) };
            let ("=", [a, b]) = (function.name, &args[..]) else { return Ok(None) };
            let side = |typed: &Typed| {
                let named = walk::columns(typed);
                let inside = named.iter().filter(|id| outer.contains(id)).count();
                (named.len(), inside)
            };
            let (own, other) = match (side(a), side(b)) {
                ((all, within), (_, 0)) if all == within => (b, a),
                ((_, 0), (all, within)) if all == within => (a, b),
                _ => return Ok(None),
            };
            if !walk::columns(other).iter().all(|id| here.contains(id)) {
                return Ok(None);
            }
            let id = self.fresh();
            on.push(call(
                "=",
                vec![other.clone(), Typed::column(id, own.of.clone(), own.nullable)],
            )?);
            groups.push((id, own.clone()));
        }
        let (value_id, mark) = (self.fresh(), self.fresh());
        let Some((_, item)) = items.iter().find(|(id, _)| *id == output.id) else {
            return Ok(None);
        };
        let mut outputs: Vec<(ColumnId, Typed)> = groups
            .iter()
            .map(|(id, key)| (*id, Typed::column(*id, key.of.clone(), key.nullable)))
            .collect();
        outputs.push((value_id, item.clone()));
        outputs.push((mark, Typed::int(1)));
        let empty = without_rows(item, calls);
        let rel = Rel::Aggregate {
            input: Box::new(rows),
            keys: groups,
            calls: calls.clone(),
            rollup: false,
        };
        let right = Rel::Project(Box::new(rel), outputs);
        let joined = Rel::Join {
            kind: JoinKind::Left,
            left: Box::new(input.clone()),
            right: Box::new(right),
            on: Some(all_of(on)),
        };
        let value = Typed::column(value_id, output.of.clone(), true);
        let constant = crate::expr::eval::constant(&empty);
        if matches!(constant, Ok(Value::Null)) {
            return Ok(Some((joined, value)));
        }
        let missing = call("is_null", vec![Typed::column(mark, SqlType::BIGINT, true)])?;
        let case = Expr::Case { whens: vec![(missing, empty)], otherwise: Some(Box::new(value)) };
        Ok(Some((joined, Typed::new(case, output.of.clone(), true))))
    }

    fn match_domain(&mut self, input: Rel, rel: Rel, map: &Map, domain: &Domain) -> Result<Rel> {
        let mut on = Vec::new();
        for ((_, inner), column) in map.iter().zip(&domain.columns) {
            let inner = Typed::column(*inner, column.of.clone(), true);
            on.push(call("<=>", vec![column.clone(), inner])?);
        }
        let on = if on.is_empty() { None } else { Some(all_of(on)) };
        Ok(Rel::Join { kind: JoinKind::Left, left: input.into(), right: rel.into(), on })
    }
}

/// True for types whose equal values are one group of GROUP BY, too: a value of the one
/// is equal to one group of the other at most.
fn are_alike(a: &SqlType, b: &SqlType) -> bool {
    use SqlType as T;
    match (a, b) {
        (T::Int { .. } | T::Decimal { .. }, T::Int { .. } | T::Decimal { .. })
        | (T::Date, T::Date)
        | (T::DateTime(_), T::DateTime(_)) => true,
        (
            T::Char(_, one) | T::VarChar(_, one) | T::Text(_, one),
            T::Char(_, other) | T::VarChar(_, other) | T::Text(_, other),
        ) => one == other,
        _ => false,
    }
}

/// An expression over aggregates where there are no rows.
fn without_rows(item: &Typed, calls: &[(ColumnId, Aggregate)]) -> Typed {
    let mut item = item.clone();
    walk::each_mut(&mut item, &mut |inner| {
        if let Expr::Column(id) = inner.expr
            && let Some((_, call)) = calls.iter().find(|(known, _)| *known == id)
        {
            *inner = Typed::literal(empty_value(call.kind), call.of.clone());
            return false;
        }
        true
    });
    item
}

fn only(output: &Output) -> Aggregate {
    Aggregate {
        kind: K::Any,
        args: vec![Typed::column(output.id, output.of.clone(), output.nullable)],
        distinct: true,
        order: Vec::new(),
        separator: "".into(),
        of: output.of.clone(),
    }
}

fn count_rows() -> Aggregate {
    Aggregate {
        kind: K::CountRows,
        args: Vec::new(),
        distinct: false,
        order: Vec::new(),
        separator: "".into(),
        of: SqlType::BIGINT,
    }
}
