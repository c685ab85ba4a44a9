//! A subquery over its domain: for all outer values at once.
//!
//! Each relation inside takes the domain's columns along; the innermost that names
//! none of them is joined with the domain.

use std::collections::BTreeSet;

use holdfast_value::{SqlType, Value};

use super::shape::{free, shapes};
use super::{Domain, Map, Unnest, all_of, call, cross, empty_value, is_one_row, put, replace};
use crate::algebra::{Aggregate, JoinKind, Output, Query, Rel, SetKind, Window, WindowKind};
use crate::error::{Result, SqlError};
use crate::expr::{ColumnId, Expr, Typed, walk};

/// The relation inside of one, itself perhaps, that gives the same values of these
/// columns: what earlier subqueries put around it needs no copies.
fn source_of<'a>(rel: &'a Rel, columns: &BTreeSet<ColumnId>) -> &'a Rel {
    let gives = |rel: &Rel| {
        let here: BTreeSet<ColumnId> = rel.ids().into_iter().collect();
        columns.is_subset(&here)
    };
    match rel {
        Rel::Join { kind: JoinKind::Left, left, .. } if gives(left) => source_of(left, columns),
        Rel::Join { kind: JoinKind::Inner, left, right, on: None }
            if is_one_row(right) && gives(left) =>
        {
            source_of(left, columns)
        }
        Rel::Window { input, .. } if gives(input) => source_of(input, columns),
        Rel::Distinct(input) | Rel::Sort(input, _) => source_of(input, columns),
        _ => rel,
    }
}

impl Unnest {
    /// The values of the outer columns that `input` has; others are of a query
    /// further out, whose turn comes.
    pub(super) fn domain_of(&mut self, input: &Rel, outer: &BTreeSet<ColumnId>) -> Result<Domain> {
        let mut types = Vec::new();
        shapes(input, &mut types);
        let here: BTreeSet<ColumnId> = input.ids().into_iter().collect();
        let mut columns = Vec::new();
        for id in outer.iter().filter(|id| here.contains(id)) {
            let of = types.iter().find(|(known, _)| known == id).map(|(_, of)| of.clone());
            let of = of.ok_or_else(|| SqlError::internal(format!("column {id} has no type")))?;
            columns.push(Typed::column(*id, of, true));
        }
        let needed = columns.iter().flat_map(walk::columns).collect();
        Ok(Domain { input: source_of(input, &needed).clone(), columns })
    }

    /// A copy of the domain, under names of its own.
    pub(super) fn domain(&mut self, domain: &Domain) -> Result<(Rel, Map)> {
        let mut input = Box::new(domain.input.clone());
        self.copied(&mut input)?;
        let mut map = Map::new();
        let mut keys = Vec::new();
        for column in &domain.columns {
            let id = self.fresh();
            if let Expr::Column(outer) = column.expr {
                map.push((outer, id));
            }
            keys.push((id, column.clone()));
        }
        Ok((Rel::Aggregate { input, keys, calls: Vec::new(), rollup: false }, map))
    }

    pub(super) fn passed(&self, map: &Map, domain: &Domain) -> Vec<(ColumnId, Typed)> {
        let own = |(at, (_, id)): (usize, &(ColumnId, ColumnId))| {
            (*id, Typed::column(*id, domain.columns[at].of.clone(), true))
        };
        map.iter().enumerate().map(own).collect()
    }

    pub(super) fn grouped(
        &mut self,
        rel: Rel,
        map: &Map,
        domain: &Domain,
        calls: Vec<(ColumnId, Aggregate)>,
    ) -> (Rel, Map) {
        let mut keys = Vec::new();
        let mut after = Map::new();
        for ((outer, _), (_, column)) in map.iter().zip(self.passed(map, domain)) {
            let id = self.fresh();
            keys.push((id, column));
            after.push((*outer, id));
        }
        (Rel::Aggregate { input: Box::new(rel), keys, calls, rollup: false }, after)
    }

    /// `rel` for every value of the domain, whose columns it then has, too.
    pub(super) fn depend(&mut self, rel: Rel, domain: &Domain) -> Result<(Rel, Map)> {
        let outer: BTreeSet<ColumnId> = domain
            .columns
            .iter()
            .filter_map(|column| match column.expr {
                Expr::Column(id) => Some(id),
                _ => None,
            })
            .collect();
        let depends = |rel: &Rel| free(rel).iter().any(|id| outer.contains(id));
        if !depends(&rel) {
            let (own, map) = self.domain(domain)?;
            return Ok((cross(own, rel), map));
        }
        match rel {
            Rel::Filter(input, mut test) => {
                let (input, map) = self.depend(*input, domain)?;
                put(&mut test, &map);
                Ok((Rel::Filter(Box::new(input), test), map))
            }
            Rel::Project(input, mut items) => {
                let (input, map) = self.depend(*input, domain)?;
                items.iter_mut().for_each(|(_, item)| put(item, &map));
                items.extend(self.passed(&map, domain));
                Ok((Rel::Project(Box::new(input), items), map))
            }
            Rel::Join { kind, left, right, mut on } => {
                let (in_left, in_right) = (depends(&left), depends(&right));
                let only_left = !in_right && kind != JoinKind::Right;
                let only_right = !in_left && kind != JoinKind::Left;
                if only_left || only_right {
                    let (left, right, map) = if only_left {
                        let (left, map) = self.depend(*left, domain)?;
                        (left, *right, map)
                    } else {
                        let (right, map) = self.depend(*right, domain)?;
                        (*left, right, map)
                    };
                    on.iter_mut().for_each(|on| put(on, &map));
                    return Ok((
                        Rel::Join { kind, left: left.into(), right: right.into(), on },
                        map,
                    ));
                }
                let (left, map) = self.depend(*left, domain)?;
                let (right, other) = self.depend(*right, domain)?;
                let kept = if kind == JoinKind::Right { other.clone() } else { map.clone() };
                on.iter_mut().for_each(|on| put(on, &kept));
                let mut all: Vec<Typed> = on.into_iter().collect();
                for (a, b) in self.passed(&map, domain).into_iter().zip(self.passed(&other, domain))
                {
                    all.push(call("<=>", vec![a.1, b.1])?);
                }
                let on = Some(all_of(all));
                Ok((Rel::Join { kind, left: left.into(), right: right.into(), on }, kept))
            }
            Rel::Aggregate { input, keys, calls, rollup: false } => {
                self.depend_groups(*input, keys, calls, domain)
            }
            Rel::Distinct(input) => {
                let (input, map) = self.depend(*input, domain)?;
                Ok((Rel::Distinct(Box::new(input)), map))
            }
            Rel::Sort(input, _) => self.depend(*input, domain),
            Rel::Limit { input, skip, fetch } => self.depend_limit(*input, skip, fetch, domain),
            Rel::Window { input, mut calls } => {
                let (mut input, map) = self.depend(*input, domain)?;
                let by: Vec<Typed> =
                    self.passed(&map, domain).into_iter().map(|(_, column)| column).collect();
                for (_, call) in &mut calls {
                    walk::each_in_window_mut(call, &mut |item| replace(item, &map));
                    call.partition.extend(by.iter().cloned());
                }
                input = Rel::Window { input: Box::new(input), calls };
                Ok((input, map))
            }
            Rel::Set { kind, all, left, right, ids } => {
                self.depend_set((kind, all), *left, *right, (ids, domain))
            }
            Rel::Values { mut rows, ids } if rows.len() == 1 => {
                let row = rows.pop().unwrap_or_default();
                let items = ids.into_iter().map(|(id, _)| id).zip(row).collect();
                self.depend(Rel::Project(Box::new(Rel::One), items), domain)
            }
            _ => Err(SqlError::unsupported("a correlated subquery of this kind")),
        }
    }

    fn depend_groups(
        &mut self,
        input: Rel,
        mut keys: Vec<(ColumnId, Typed)>,
        mut calls: Vec<(ColumnId, Aggregate)>,
        domain: &Domain,
    ) -> Result<(Rel, Map)> {
        let is_total = keys.is_empty();
        let (input, map) = self.depend(input, domain)?;
        keys.iter_mut().for_each(|(_, key)| put(key, &map));
        let mut after = Map::new();
        for ((outer, _), (_, column)) in map.iter().zip(self.passed(&map, domain)) {
            let id = self.fresh();
            keys.push((id, column));
            after.push((*outer, id));
        }
        for (_, call) in &mut calls {
            walk::each_in_aggregate_mut(call, &mut |item| replace(item, &map));
        }
        if !is_total {
            let rel = Rel::Aggregate { input: Box::new(input), keys, calls, rollup: false };
            return Ok((rel, after));
        }
        // Values of the domain without any row have a group, too.
        let mut items = Vec::new();
        for (id, call) in &mut calls {
            let own = self.fresh();
            let value = Typed::column(own, call.of.clone(), true);
            let item = match empty_value(call.kind) {
                Value::Null => value,
                empty => {
                    let empty = Typed::literal(empty, call.of.clone());
                    Typed::new(Expr::Coalesce(vec![value, empty]), call.of.clone(), false)
                }
            };
            items.push((*id, item));
            *id = own;
        }
        let groups = Rel::Aggregate { input: Box::new(input), keys, calls, rollup: false };
        let (own, own_map) = self.domain(domain)?;
        let mut on = Vec::new();
        for (a, b) in self.passed(&own_map, domain).into_iter().zip(self.passed(&after, domain)) {
            on.push(call("<=>", vec![a.1, b.1])?);
        }
        let on = if on.is_empty() { None } else { Some(all_of(on)) };
        let joined = Rel::Join { kind: JoinKind::Left, left: own.into(), right: groups.into(), on };
        items.extend(self.passed(&own_map, domain));
        Ok((Rel::Project(Box::new(joined), items), own_map))
    }

    fn depend_limit(
        &mut self,
        input: Rel,
        skip: Option<Typed>,
        fetch: Option<Typed>,
        domain: &Domain,
    ) -> Result<(Rel, Map)> {
        let (input, mut order) = match input {
            Rel::Sort(input, order) => (*input, order),
            other => (other, Vec::new()),
        };
        let (input, map) = self.depend(input, domain)?;
        order.iter_mut().for_each(|key| put(&mut key.by, &map));
        let id = self.fresh();
        let window = Window {
            kind: WindowKind::RowNumber,
            args: Vec::new(),
            partition: self.passed(&map, domain).into_iter().map(|(_, column)| column).collect(),
            order,
            frame: None,
            of: SqlType::BIGINT_UNSIGNED,
        };
        let numbered = Rel::Window { input: Box::new(input), calls: vec![(id, window)] };
        let number = || Typed::column(id, SqlType::BIGINT_UNSIGNED, false);
        let count = |typed: &Option<Typed>| match typed.as_ref().map(Typed::constant) {
            None => Ok(None),
            Some(Some(Value::Int(count))) => Ok(u64::try_from(*count).ok()),
            Some(Some(Value::UInt(count))) => Ok(Some(*count)),
            _ => Err(SqlError::unsupported("LIMIT that is not constant in a subquery")),
        };
        let first = count(&skip)?.unwrap_or(0);
        let unsigned = |count| Typed::literal(Value::UInt(count), SqlType::BIGINT_UNSIGNED);
        let mut tests = vec![call(">", vec![number(), unsigned(first)])?];
        if let Some(count) = count(&fetch)? {
            tests.push(call("<=", vec![number(), unsigned(first.saturating_add(count))])?);
        }
        Ok((Rel::Filter(Box::new(numbered), all_of(tests)), map))
    }

    fn depend_set(
        &mut self,
        (kind, all): (SetKind, bool),
        mut left: Query,
        mut right: Query,
        (mut ids, domain): (Vec<(ColumnId, SqlType)>, &Domain),
    ) -> Result<(Rel, Map)> {
        for side in [&mut left, &mut right] {
            let rel = std::mem::replace(&mut side.rel, Rel::One);
            let (rel, map) = self.depend(rel, domain)?;
            side.rel = rel;
            for (id, column) in self.passed(&map, domain) {
                let of = column.of;
                side.columns.push(Output { id, name: "".into(), of, nullable: true, source: None });
            }
        }
        let mut map = Map::new();
        for column in &domain.columns {
            let id = self.fresh();
            if let Expr::Column(outer) = column.expr {
                map.push((outer, id));
            }
            ids.push((id, column.of.clone()));
        }
        let (left, right) = (Box::new(left), Box::new(right));
        Ok((Rel::Set { kind, all, left, right, ids }, map))
    }
}
