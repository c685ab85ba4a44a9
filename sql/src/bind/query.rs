//! Queries: WITH, set operations, ORDER BY and LIMIT over them.

use std::sync::Arc;

use holdfast_value::SqlType;
use sqlparser::ast::{self, SetExpr, SetOperator, SetQuantifier};

use super::from::Cte;
use super::{Binder, types};
use crate::algebra::{Order, Output, Query, Rel, SetKind};
use crate::error::{Result, SqlError};
use crate::expr::{ColumnId, Typed};

/// A column's name and type, without a number.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub name: Arc<str>,
    pub of: SqlType,
}

/// ORDER BY and LIMIT.
#[derive(Clone, Copy, Default)]
pub(crate) struct Tail<'a> {
    pub order: Option<&'a ast::OrderBy>,
    pub limit: Option<&'a ast::LimitClause>,
}

impl<'a> Tail<'a> {
    pub fn keys(&self) -> Result<&'a [ast::OrderByExpr]> {
        match self.order.map(|order| &order.kind) {
            None => Ok(&[]),
            Some(ast::OrderByKind::Expressions(keys)) => Ok(keys),
            Some(other) => Err(SqlError::unsupported(format!("ORDER BY {other:?}"))),
        }
    }

    fn is_empty(&self) -> bool {
        self.order.is_none() && self.limit.is_none()
    }
}

impl Binder<'_> {
    /// Binds a query.
    ///
    /// # Errors
    /// MySQL's.
    pub fn query(&mut self, query: &ast::Query) -> Result<Query> {
        let known = self.ctes.len();
        if let Some(with) = &query.with {
            for cte in &with.cte_tables {
                self.add_cte(cte, with.recursive);
            }
        }
        let tail = Tail { order: query.order_by.as_ref(), limit: query.limit_clause.as_ref() };
        let bound = self.deeper(|binder| binder.body(&query.body, tail));
        self.ctes.truncate(known);
        bound
    }

    pub(crate) fn add_cte(&mut self, cte: &ast::Cte, recursive: bool) {
        let name = cte.alias.name.value.clone();
        let is_recursive = recursive && names_itself(&cte.query, &name);
        let columns = cte.alias.columns.iter().map(|column| column.name.value.clone()).collect();
        let sees = self.ctes.len();
        let query = Arc::new((*cte.query).clone());
        self.ctes.push(Cte { name, columns, is_recursive, sees, query, working: None });
    }

    fn body(&mut self, body: &SetExpr, tail: Tail<'_>) -> Result<Query> {
        match body {
            SetExpr::Select(select) => self.select(select, tail),
            SetExpr::Query(inner) => {
                let inner = self.query(inner)?;
                self.ordered(inner, tail)
            }
            SetExpr::SetOperation { .. } => {
                let both = self.chain_of_sets(body)?;
                self.ordered(both, tail)
            }
            SetExpr::Values(values) => {
                let rows: Vec<&[ast::Expr]> = values.rows.iter().map(|row| &row[..]).collect();
                let bound = self.values(&rows)?;
                self.ordered(bound, tail)
            }
            SetExpr::Table(table) => {
                let name = table.table_name.clone().unwrap_or_default();
                let star = format!("SELECT * FROM {}", holdfast_syntax::quote_identifier(&name));
                let query = crate::parse::query(&star, &holdfast_syntax::ParseMode::default())?;
                let inner = self.query(&query)?;
                self.ordered(inner, tail)
            }
            other => Err(SqlError::unsupported(other)),
        }
    }

    /// Set operations from left to right. Unions in a row become one balanced tree, so
    /// that hundreds of them make no deep plan.
    fn chain_of_sets(&mut self, body: &SetExpr) -> Result<Query> {
        let mut steps = Vec::new();
        let mut first = body;
        while let SetExpr::SetOperation { left, op, set_quantifier, right } = first {
            let all = match set_quantifier {
                SetQuantifier::All => true,
                SetQuantifier::None | SetQuantifier::Distinct => false,
                other => return Err(SqlError::unsupported(other)),
            };
            let kind = match op {
                SetOperator::Union => SetKind::Union,
                SetOperator::Intersect => SetKind::Intersect,
                SetOperator::Except | SetOperator::Minus => SetKind::Except,
            };
            steps.push((kind, all, &**right));
            first = left;
        }
        let mut so_far = self.deeper(|binder| binder.body(first, Tail::default()))?;
        let mut union = Unions::default();
        let mut others = 0;
        for (kind, all, right) in steps.into_iter().rev() {
            let right = self.deeper(|binder| binder.body(right, Tail::default()))?;
            if kind == SetKind::Union {
                union.push(right, all);
                continue;
            }
            others += 1;
            if others > super::DEPTH_MAX {
                return Err(super::too_deep());
            }
            let left = self.union(so_far, std::mem::take(&mut union))?;
            so_far = self.set(kind, all, left, right)?;
        }
        self.union(so_far, union)
    }

    /// What comes before the last UNION without ALL loses its equal rows there anyway.
    fn union(&mut self, first: Query, unions: Unions) -> Result<Query> {
        let Unions { mut queries, distinct } = unions;
        let rest = queries.split_off(distinct);
        let mut so_far = first;
        for (queries, all) in [(queries, false), (rest, true)] {
            if !queries.is_empty() {
                let queries = std::iter::once(so_far).chain(queries).collect();
                so_far = self.balanced(queries, all)?;
            }
        }
        Ok(so_far)
    }

    fn balanced(&mut self, mut queries: Vec<Query>, all: bool) -> Result<Query> {
        let right = queries.split_off(queries.len() / 2);
        let mut sides = Vec::with_capacity(2);
        for mut side in [queries, right] {
            sides.push(match (side.pop(), side.is_empty()) {
                (None, _) => continue,
                (Some(only), true) => only,
                (Some(last), false) => {
                    side.push(last);
                    self.balanced(side, true)?
                }
            });
        }
        match (sides.pop(), sides.pop()) {
            (Some(right), Some(left)) => self.set(SetKind::Union, all, left, right),
            (Some(only), None) => Ok(only),
            _ => Err(SqlError::internal("a union of nothing")),
        }
    }

    /// Rows of expressions; columns are called `column_0` and so on.
    pub(crate) fn values(&mut self, rows: &[&[ast::Expr]]) -> Result<Query> {
        let mut bound = Vec::with_capacity(rows.len());
        let width = rows.first().map_or(0, |row| row.len());
        for (at, row) in rows.iter().enumerate() {
            if row.len() != width {
                return Err(SqlError::new(
                    1136,
                    format!("Column count doesn't match value count at row {}", at + 1),
                ));
            }
            bound.push(row.iter().map(|item| self.expr(item)).collect::<Result<Vec<_>>>()?);
        }
        let mut columns = Vec::new();
        for at in 0..width {
            let of = types::common(bound.iter().map(|row: &Vec<Typed>| &row[at].of));
            let nullable = bound.iter().any(|row| row[at].nullable);
            let id = self.fresh();
            let name = format!("column_{at}").into();
            columns.push(Output { id, name, of, nullable, source: None });
        }
        let ids = columns.iter().map(|column| (column.id, column.of.clone())).collect();
        Ok(Query { rel: Rel::Values { rows: bound, ids }, columns })
    }

    pub(crate) fn set(
        &mut self,
        kind: SetKind,
        all: bool,
        left: Query,
        right: Query,
    ) -> Result<Query> {
        if left.columns.len() != right.columns.len() {
            return Err(SqlError::new(
                1222,
                "The used SELECT statements have a different number of columns",
            ));
        }
        let mut columns = Vec::new();
        for (a, b) in left.columns.iter().zip(&right.columns) {
            let of = types::common([&a.of, &b.of].into_iter());
            let id = self.fresh();
            let name = Arc::clone(&a.name);
            columns.push(Output { id, name, of, nullable: a.nullable || b.nullable, source: None });
        }
        let ids = columns.iter().map(|column| (column.id, column.of.clone())).collect();
        let (left, right) = (Box::new(left), Box::new(right));
        Ok(Query { rel: Rel::Set { kind, all, left, right, ids }, columns })
    }

    /// ORDER BY names only what the query gives.
    fn ordered(&mut self, query: Query, tail: Tail<'_>) -> Result<Query> {
        if tail.is_empty() {
            return Ok(query);
        }
        let scope = super::Scope {
            columns: query
                .columns
                .iter()
                .map(|output| super::ScopeColumn {
                    id: output.id,
                    name: Arc::clone(&output.name),
                    of: output.of.clone(),
                    nullable: output.nullable,
                    alias: output.source.as_ref().map_or("".into(), |source| source.alias.clone()),
                    database: None,
                    source: output.source.clone(),
                    is_hidden: false,
                })
                .collect(),
        };
        let mut keys = Vec::new();
        self.scopes.push(scope);
        for key in tail.keys()? {
            let desc = key.options.asc == Some(false);
            match self.order_key(&key.expr, &query.columns) {
                Ok(by) => keys.push(Order { by, desc }),
                Err(error) => {
                    self.scopes.pop();
                    return Err(error);
                }
            }
        }
        self.scopes.pop();
        let Query { rel, columns } = query;
        let rel = if keys.is_empty() { rel } else { Rel::Sort(Box::new(rel), keys) };
        Ok(Query { rel: self.limited(rel, tail)?, columns })
    }

    fn order_key(&mut self, key: &ast::Expr, columns: &[Output]) -> Result<Typed> {
        match position(key) {
            None => self.expr(key),
            Some(at) => {
                let column = at
                    .checked_sub(1)
                    .and_then(|at| columns.get(at))
                    .ok_or_else(|| SqlError::unknown_column(at, "order clause"))?;
                Ok(Typed::column(column.id, column.of.clone(), column.nullable))
            }
        }
    }

    /// LIMIT.
    pub(crate) fn limited(&mut self, rel: Rel, tail: Tail<'_>) -> Result<Rel> {
        let (skip, fetch) = match tail.limit {
            None => return Ok(rel),
            Some(ast::LimitClause::LimitOffset { limit, offset, .. }) => {
                (offset.as_ref().map(|offset| &offset.value), limit.as_ref())
            }
            Some(ast::LimitClause::OffsetCommaLimit { offset, limit }) => {
                (Some(offset), Some(limit))
            }
        };
        let skip = skip.map(|skip| self.expr(skip)).transpose()?;
        let fetch = fetch.map(|fetch| self.expr(fetch)).transpose()?;
        Ok(Rel::Limit { input: Box::new(rel), skip, fetch })
    }

    /// `WITH RECURSIVE`: what does not name itself is the base, the rest the step.
    pub(crate) fn recursive(&mut self, cte: &Cte) -> Result<Query> {
        let SetExpr::SetOperation { left, op: SetOperator::Union, set_quantifier, right } =
            &*cte.query.body
        else {
            return Err(SqlError::new(
                3574,
                format!("Recursive Common Table Expression '{}' should contain a UNION", cte.name),
            ));
        };
        let all = *set_quantifier == SetQuantifier::All;
        let base = self.deeper(|binder| binder.body(left, Tail::default()))?;
        let shapes: Vec<Shape> = base
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| Shape {
                name: match cte.columns.get(at) {
                    Some(name) => name.as_str().into(),
                    None => Arc::clone(&column.name),
                },
                of: column.of.clone(),
            })
            .collect();
        let number = self.fresh_number();
        let sees = self.ctes.len();
        self.ctes.push(Cte { working: Some((number, shapes.clone())), ..cte.clone() });
        let step = self.deeper(|binder| binder.body(right, Tail::default()));
        self.ctes.truncate(sees);
        let step = step?;
        if step.columns.len() != base.columns.len() {
            return Err(SqlError::new(
                1222,
                "The used SELECT statements have a different number of columns",
            ));
        }
        let columns: Vec<Output> = shapes
            .iter()
            .map(|shape| Output {
                id: self.fresh(),
                name: Arc::clone(&shape.name),
                of: shape.of.clone(),
                nullable: true,
                source: None,
            })
            .collect();
        let ids: Vec<(ColumnId, SqlType)> =
            columns.iter().map(|column| (column.id, column.of.clone())).collect();
        let (base, step) = (Box::new(base), Box::new(step));
        Ok(Query { rel: Rel::Recursive { number, base, step, all, ids }, columns })
    }
}

/// `ORDER BY 2`, `GROUP BY 1`.
pub(crate) fn position(key: &ast::Expr) -> Option<usize> {
    match super::expr::unnested(key) {
        ast::Expr::Value(value) => match &value.value {
            ast::Value::Number(text, _) => text.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a query's text names a table; good enough to tell a recursion.
fn names_itself(query: &ast::Query, name: &str) -> bool {
    let SetExpr::SetOperation { right, .. } = &*query.body else { return false };
    let text = right.to_string().to_ascii_lowercase();
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    text.split(|c| !is_word(c)).any(|word| word == name.to_ascii_lowercase())
}

/// Unions in a row.
#[derive(Default)]
struct Unions {
    queries: Vec<Query>,
    /// Those up to the last without ALL.
    distinct: usize,
}

impl Unions {
    fn push(&mut self, query: Query, all: bool) {
        self.queries.push(query);
        if !all {
            self.distinct = self.queries.len();
        }
    }
}
