//! FROM: tables, views, common table expressions, derived tables, joins.

use std::sync::Arc;

use sqlparser::ast::{self, JoinConstraint, JoinOperator, TableFactor};

use super::{Binder, Phase, Scope, ScopeColumn, expr};
use crate::algebra::{JoinKind, Query, Rel, Scan, Source};
use crate::catalog::{Entry, View};
use crate::error::{Result, SqlError};
use crate::expr::{ColumnId, Expr, Typed};

/// A common table expression that can be named here.
#[derive(Clone)]
pub(crate) struct Cte {
    pub name: String,
    pub columns: Vec<String>,
    pub is_recursive: bool,
    /// How many of the others it may name: those before it.
    pub sees: usize,
    pub query: Arc<ast::Query>,
    /// While its own step is bound: the rows made last.
    pub working: Option<(u32, Vec<super::query::Shape>)>,
}

impl Binder<'_> {
    /// All of FROM; its columns are the scope.
    pub(crate) fn from(&mut self, from: &[ast::TableWithJoins]) -> Result<(Rel, Scope)> {
        if from.iter().map(joined_tables).sum::<usize>() > super::JOINED_MAX {
            return Err(SqlError::new(
                1116,
                format!(
                    "Too many tables; MySQL can only use {} tables in a join",
                    super::JOINED_MAX
                ),
            ));
        }
        let mut all: Option<(Rel, Scope)> = None;
        for item in from {
            let (rel, scope) = self.joined(item)?;
            all = Some(match all {
                None => (rel, scope),
                Some((left, mut columns)) => {
                    columns.columns.extend(scope.columns);
                    (join(JoinKind::Inner, left, rel, None), columns)
                }
            });
        }
        let (rel, scope) = all.unwrap_or((Rel::One, Scope::default()));
        unique_names(&scope)?;
        Ok((rel, scope))
    }

    fn joined(&mut self, item: &ast::TableWithJoins) -> Result<(Rel, Scope)> {
        let (mut rel, mut scope) = self.factor(&item.relation)?;
        for step in &item.joins {
            let (right, right_scope) = self.factor(&step.relation)?;
            (rel, scope) = self.join((rel, scope), (right, right_scope), &step.join_operator)?;
        }
        Ok((rel, scope))
    }

    fn join(
        &mut self,
        (left, mut left_scope): (Rel, Scope),
        (right, mut right_scope): (Rel, Scope),
        operator: &JoinOperator,
    ) -> Result<(Rel, Scope)> {
        use JoinOperator as J;
        let (kind, constraint) = match operator {
            J::Join(on) | J::Inner(on) | J::CrossJoin(on) | J::StraightJoin(on) => {
                (JoinKind::Inner, on)
            }
            J::Left(on) | J::LeftOuter(on) => (JoinKind::Left, on),
            J::Right(on) | J::RightOuter(on) => (JoinKind::Right, on),
            other => return Err(SqlError::unsupported(format!("{other:?}"))),
        };
        let shared = match constraint {
            JoinConstraint::Using(names) => {
                names.iter().map(|name| name.to_string().trim_matches('`').to_owned()).collect()
            }
            JoinConstraint::Natural => common_names(&left_scope, &right_scope),
            _ => Vec::new(),
        };
        let on = match constraint {
            JoinConstraint::On(on) => {
                let mut both = left_scope.clone();
                both.columns.extend(right_scope.columns.iter().cloned());
                self.scopes.push(both);
                let phase = self.blocks.last().map(|block| block.phase);
                self.set_phase(Phase::Rows);
                let bound = self.expr(on);
                self.scopes.pop();
                if let Some(phase) = phase {
                    self.set_phase(phase);
                }
                Some(bound?)
            }
            _ => self.using(&shared, &left_scope, &right_scope)?,
        };
        match kind {
            JoinKind::Left => right_scope.make_nullable(),
            JoinKind::Right => left_scope.make_nullable(),
            JoinKind::Inner => {}
        }
        let scope = merge(kind, left_scope, right_scope, &shared);
        Ok((join(kind, left, right, on), scope))
    }

    fn using(&mut self, shared: &[String], left: &Scope, right: &Scope) -> Result<Option<Typed>> {
        let mut all = Vec::new();
        for name in shared {
            let side = |scope: &Scope| {
                scope
                    .find(&[], name)?
                    .cloned()
                    .ok_or_else(|| SqlError::unknown_column(name, "from clause"))
            };
            let (a, b) = (side(left)?, side(right)?);
            let a = Typed::column(a.id, a.of, a.nullable);
            let b = Typed::column(b.id, b.of, b.nullable);
            all.push(self.call("=", vec![a, b])?);
        }
        Ok(if all.is_empty() { None } else { Some(expr::all_of(all)) })
    }

    fn factor(&mut self, factor: &TableFactor) -> Result<(Rel, Scope)> {
        self.named += 1;
        if self.named > super::NAMED_MAX {
            return Err(SqlError::new(
                1116,
                format!(
                    "Too many tables; a statement can only use {}, with those of its views and of common table expressions as often as they are named",
                    super::NAMED_MAX
                ),
            ));
        }
        match factor {
            TableFactor::Table { name, alias, args: None, .. } => {
                let parts = name_parts(name)?;
                self.named(&parts, alias.as_ref())
            }
            TableFactor::Derived { lateral: false, subquery, alias, .. } => {
                let Some(alias) = alias else {
                    return Err(SqlError::new(1248, "Every derived table must have its own alias"));
                };
                let query = self.apart(|binder| binder.query(subquery))?;
                let names = alias.columns.iter().map(|column| column.name.value.clone()).collect();
                self.of_query(query, &alias.name.value, None, names)
            }
            TableFactor::Derived { lateral: true, .. } => Err(SqlError::unsupported("LATERAL")),
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                self.joined(table_with_joins)
            }
            TableFactor::JsonTable { .. } => Err(SqlError::unsupported("JSON_TABLE")),
            other => Err(SqlError::unsupported(other)),
        }
    }

    /// Binds with nothing of the current query block in the way.
    fn apart<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.deeper(work)
    }

    fn named(&mut self, parts: &[String], alias: Option<&ast::TableAlias>) -> Result<(Rel, Scope)> {
        if let [name] = parts
            && let Some(at) = self.ctes.iter().rposition(|cte| cte.name.eq_ignore_ascii_case(name))
        {
            return self.common(at, alias);
        }
        let (database, name) = match parts {
            [name] => {
                (self.setting.database.ok_or_else(SqlError::no_database_selected)?, name.as_str())
            }
            [database, name] => (database.as_str(), name.as_str()),
            _ => return Err(SqlError::syntax(format!("'{}' is not a table", parts.join(".")))),
        };
        let shown = alias.map_or(name, |alias| alias.name.value.as_str());
        if name.eq_ignore_ascii_case("dual") && parts.len() == 1 {
            return Ok((Rel::One, Scope::default()));
        }
        if let Some(table) = crate::session::schema::find(database, name) {
            return Ok(self.computed(table, shown));
        }
        let alias: Arc<str> = shown.into();
        match self.catalog.entry(database, name)? {
            Entry::Table(table) => {
                self.tables.insert(table.id, Arc::clone(&table));
                let first = self.fresh_run(table.columns.len() + 1);
                let scope = Scope::of_table(&table, &alias, first);
                Ok((Rel::Scan(Scan { table, first, alias, key: false }), scope))
            }
            Entry::View(view) => self.view(&view, &alias),
        }
    }

    fn computed(
        &mut self,
        table: &'static crate::session::schema::VirtualTable,
        alias: &str,
    ) -> (Rel, Scope) {
        self.is_personal = true;
        let alias: Arc<str> = alias.into();
        let first = self.fresh_run(table.columns.len());
        let ids: Vec<ColumnId> = (first..first + table.columns.len() as u32).collect();
        let (database, name): (Arc<str>, Arc<str>) = (table.database.into(), table.name.into());
        let column = |(at, column): (usize, &crate::session::schema::VirtualColumn)| ScopeColumn {
            id: first + at as u32,
            name: column.name.into(),
            of: column.of.clone(),
            nullable: true,
            alias: Arc::clone(&alias),
            database: Some(Arc::clone(&database)),
            source: Some(Source {
                database: Arc::clone(&database),
                alias: Arc::clone(&alias),
                table: None,
                table_name: Arc::clone(&name),
                column: at as u16,
                name: column.name.into(),
            }),
            is_hidden: false,
        };
        let columns = table.columns.iter().enumerate().map(column).collect();
        (Rel::Virtual { table, ids }, Scope { columns })
    }

    fn view(&mut self, view: &View, alias: &Arc<str>) -> Result<(Rel, Scope)> {
        let mode = holdfast_syntax::ParseMode {
            ansi_quotes: view.body.ansi_quotes,
            ..holdfast_syntax::ParseMode::default()
        };
        let query = crate::parse::query(&view.body.select, &mode)?;
        let setting = self.setting.clone();
        let (database, collation) = (Some(&*view.body.database), view.body.collation);
        let inner = super::Setting { database, collation, ..setting };
        let (scopes, blocks, ctes) = (
            std::mem::take(&mut self.scopes),
            std::mem::take(&mut self.blocks),
            std::mem::take(&mut self.ctes),
        );
        // A view's names are its own: it is bound as if it stood alone.
        let mut alone = Binder::new(self.catalog, inner, self.context.clone());
        alone.next = self.next;
        alone.next_number = self.next_number;
        alone.depth = self.depth + 1;
        alone.named = self.named;
        alone.chained = self.chained;
        let bound = if alone.depth > super::DEPTH_MAX {
            Err(SqlError::new(
                1462,
                format!("`{}`.`{}` contains view recursion", view.database, view.name),
            ))
        } else {
            alone.query(&query)
        };
        self.next = alone.next;
        self.next_number = alone.next_number;
        self.named = alone.named;
        self.is_personal |= alone.is_personal;
        let tables = std::mem::take(&mut alone.tables);
        drop(alone);
        self.tables.extend(tables);
        (self.scopes, self.blocks, self.ctes) = (scopes, blocks, ctes);
        let database = Some(Arc::clone(&view.database));
        let bound = bound.map_err(|error| match error.code {
            1146 | 1054 | 1305 | 1049 => SqlError::new(
                1356,
                format!(
                    "View '{}.{}' references invalid table(s) or column(s) or function(s) or definer/invoker of view lack rights to use them",
                    view.database, view.name
                ),
            ),
            _ => error,
        })?;
        self.of_query(bound, alias, database, view.body.columns.clone())
    }

    /// A query as a relation with a name.
    pub(crate) fn of_query(
        &mut self,
        query: Query,
        alias: &str,
        database: Option<Arc<str>>,
        names: Vec<String>,
    ) -> Result<(Rel, Scope)> {
        if !names.is_empty() && names.len() != query.columns.len() {
            return Err(SqlError::new(
                1353,
                "In definition of view, derived table or common table expression, SELECT list and column names list have different column counts",
            ));
        }
        let alias: Arc<str> = alias.into();
        let mut columns: Vec<ScopeColumn> = Vec::with_capacity(query.columns.len());
        let mut items = Vec::with_capacity(query.columns.len());
        for (at, output) in query.columns.iter().enumerate() {
            let name: Arc<str> = match names.get(at) {
                Some(name) => name.as_str().into(),
                None => Arc::clone(&output.name),
            };
            if columns.iter().any(|column| column.name.eq_ignore_ascii_case(&name)) {
                return Err(SqlError::new(1060, format!("Duplicate column name '{name}'")));
            }
            let id = self.fresh();
            items.push((id, Typed::column(output.id, output.of.clone(), output.nullable)));
            columns.push(ScopeColumn {
                id,
                source: Some(Source {
                    database: database.clone().unwrap_or_else(|| "".into()),
                    alias: Arc::clone(&alias),
                    table: None,
                    table_name: Arc::clone(&alias),
                    column: at as u16,
                    name: Arc::clone(&name),
                }),
                name,
                of: output.of.clone(),
                nullable: output.nullable,
                alias: Arc::clone(&alias),
                database: database.clone(),
                is_hidden: false,
            });
        }
        Ok((Rel::Project(Box::new(query.rel), items), Scope { columns }))
    }

    fn common(&mut self, at: usize, alias: Option<&ast::TableAlias>) -> Result<(Rel, Scope)> {
        let cte = self.ctes[at].clone();
        let shown = alias.map_or(cte.name.as_str(), |alias| alias.name.value.as_str()).to_owned();
        if let Some((number, shapes)) = &cte.working {
            return Ok(self.working(*number, shapes, &shown));
        }
        // It sees those before it, not those after.
        let later = self.ctes.split_off(cte.sees);
        let query = self.deeper(|binder| {
            if cte.is_recursive { binder.recursive(&cte) } else { binder.query(&cte.query) }
        });
        self.ctes.truncate(cte.sees);
        self.ctes.extend(later);
        self.of_query(query?, &shown, None, cte.columns)
    }

    fn working(
        &mut self,
        number: u32,
        shapes: &[super::query::Shape],
        alias: &str,
    ) -> (Rel, Scope) {
        let alias: Arc<str> = alias.into();
        let mut ids = Vec::new();
        let columns = shapes
            .iter()
            .map(|shape| {
                let id = self.fresh();
                ids.push((id, shape.of.clone()));
                ScopeColumn {
                    id,
                    name: Arc::clone(&shape.name),
                    of: shape.of.clone(),
                    nullable: true,
                    alias: Arc::clone(&alias),
                    database: None,
                    source: None,
                    is_hidden: false,
                }
            })
            .collect();
        (Rel::Working { number, ids }, Scope { columns })
    }
}

/// The parts of a table's name.
pub(crate) fn name_parts(name: &ast::ObjectName) -> Result<Vec<String>> {
    name.0
        .iter()
        .map(|part| match part {
            ast::ObjectNamePart::Identifier(name) => Ok(name.value.clone()),
            other => Err(SqlError::unsupported(other)),
        })
        .collect()
}

fn join(kind: JoinKind, left: Rel, right: Rel, on: Option<Typed>) -> Rel {
    if kind == JoinKind::Inner && on.is_none() {
        match (&left, &right) {
            (Rel::One, _) => return right,
            (_, Rel::One) => return left,
            _ => {}
        }
    }
    Rel::Join { kind, left: Box::new(left), right: Box::new(right), on }
}

fn common_names(left: &Scope, right: &Scope) -> Vec<String> {
    let is_in_right = |name: &str| {
        right
            .columns
            .iter()
            .any(|column| !column.is_hidden && column.name.eq_ignore_ascii_case(name))
    };
    let names = left.columns.iter().filter(|column| !column.is_hidden);
    names.filter(|column| is_in_right(&column.name)).map(|column| column.name.to_string()).collect()
}

/// Shared columns come first and once; of an outer join the kept side's is meant.
fn merge(kind: JoinKind, left: Scope, right: Scope, shared: &[String]) -> Scope {
    let is_shared =
        |column: &ScopeColumn| shared.iter().any(|name| column.name.eq_ignore_ascii_case(name));
    if shared.is_empty() {
        let mut columns = left.columns;
        columns.extend(right.columns);
        return Scope { columns };
    }
    let (kept, other) = if kind == JoinKind::Right { (right, left) } else { (left, right) };
    let (mut columns, mut rest, mut hidden) = (Vec::new(), Vec::new(), Vec::new());
    let take = |column: ScopeColumn, columns: &mut Vec<_>, rest: &mut Vec<_>| {
        if !column.is_hidden && is_shared(&column) {
            columns.push(column)
        } else {
            rest.push(column)
        }
    };
    for column in kept.columns {
        take(column, &mut columns, &mut rest);
    }
    for mut column in other.columns {
        if !column.is_hidden && is_shared(&column) {
            column.is_hidden = true;
            hidden.push(column);
        } else {
            rest.push(column);
        }
    }
    columns.extend(rest);
    columns.extend(hidden);
    Scope { columns }
}

/// Tables of one part of FROM, those in parentheses included.
fn joined_tables(item: &ast::TableWithJoins) -> usize {
    let count = |factor: &TableFactor| match factor {
        TableFactor::NestedJoin { table_with_joins, .. } => joined_tables(table_with_joins),
        _ => 1,
    };
    count(&item.relation) + item.joins.iter().map(|step| count(&step.relation)).sum::<usize>()
}

/// No two tables of one FROM have the same name.
fn unique_names(scope: &Scope) -> Result<()> {
    let mut seen: Vec<(&str, Option<&str>, u32)> = Vec::new();
    let mut last: Option<(&str, Option<&str>)> = None;
    for column in &scope.columns {
        let name = (&*column.alias, column.database.as_deref());
        if last == Some(name) {
            // The same table goes on, unless the same column comes again.
            continue;
        }
        last = Some(name);
        seen.push((name.0, name.1, column.id));
    }
    for (at, (alias, database, _)) in seen.iter().enumerate() {
        let again = seen[..at].iter().any(|(other, other_database, _)| {
            other == alias && other_database == database && !alias.is_empty()
        });
        let repeated = again
            && scope.columns.iter().enumerate().any(|(here, column)| {
                scope.columns[..here].iter().any(|before| {
                    before.alias == column.alias
                        && before.database == column.database
                        && before.name == column.name
                        && *before.alias == **alias
                })
            });
        if repeated {
            return Err(SqlError::new(1066, format!("Not unique table/alias: '{alias}'")));
        }
    }
    Ok(())
}

/// True for an expression that is a column and nothing else.
pub(crate) fn is_column(typed: &Typed) -> Option<ColumnId> {
    match typed.expr {
        Expr::Column(id) => Some(id),
        _ => None,
    }
}
