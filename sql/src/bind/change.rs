//! INSERT, UPDATE and DELETE: what is read, what is written.

use std::sync::Arc;

use holdfast_syntax::statement::{Delete, Insert, InsertSource, TableName, Update};
use holdfast_value::SqlType;
use sqlparser::ast;

use super::{Binder, Block, Phase, Scope, ScopeColumn, from};
use crate::algebra::{Order, Output, Query, Rel};
use crate::catalog::Table;
use crate::error::{Result, SqlError};
use crate::expr::{ColumnId, Typed, walk};

/// A bound INSERT or REPLACE.
#[derive(Clone, Debug)]
pub struct BoundInsert {
    /// Into which table.
    pub table: Arc<Table>,
    /// The columns that values are given for.
    pub columns: Vec<usize>,
    /// What goes in.
    pub source: BoundSource,
    /// REPLACE.
    pub replace: bool,
    /// IGNORE.
    pub ignore: bool,
    /// ON DUPLICATE KEY UPDATE: (column, expression) over the old row, then the new one.
    pub on_duplicate: Vec<(usize, Option<Typed>)>,
    /// The number of the table's first column, where it is the old row's.
    pub first: ColumnId,
    /// The same of the new row's.
    pub first_new: ColumnId,
}

/// What an INSERT puts in.
#[derive(Clone, Debug)]
pub enum BoundSource {
    /// Rows; `None` is DEFAULT. Expressions may name columns before them.
    Rows(Vec<Vec<Option<Typed>>>),
    /// A query.
    Query(Box<Query>),
}

/// A bound UPDATE or DELETE.
#[derive(Clone, Debug)]
pub struct BoundChange {
    /// Gives, for each target, its columns and its key; then what is computed.
    pub query: Query,
    /// The tables that change.
    pub targets: Vec<Target>,
    /// IGNORE.
    pub ignore: bool,
    /// One table, no joins: assignments see the ones before them.
    pub is_single: bool,
}

/// A table that changes.
#[derive(Clone, Debug)]
pub struct Target {
    /// The table.
    pub table: Arc<Table>,
    /// The number of its first column; its key follows its columns.
    pub first: ColumnId,
    /// What its columns become; none: the row is deleted. DEFAULT is `None`.
    pub assignments: Vec<(usize, Option<Typed>)>,
    /// The row is deleted.
    pub delete: bool,
}

impl Binder<'_> {
    /// Binds an INSERT.
    ///
    /// # Errors
    /// MySQL's.
    pub fn insert(&mut self, insert: &Insert) -> Result<BoundInsert> {
        let table = self.target_table(&insert.table)?;
        let columns = self.insert_columns(&table, &insert.columns, &insert.source)?;
        let first = self.fresh_run(table.columns.len());
        let own = Scope::of_table(&table, &table.name, first);
        let source = match &insert.source {
            InsertSource::Values(rows) => self.insert_rows(&columns, rows, &own)?,
            InsertSource::Query(query) => {
                let query = self.query(query)?;
                if query.columns.len() != columns.len() {
                    return Err(count_mismatch(1));
                }
                BoundSource::Query(Box::new(query))
            }
        };
        let new_first = self.fresh_run(table.columns.len());
        let on_duplicate = self.on_duplicate(insert, &table, own, new_first)?;
        let (replace, ignore) = (insert.replace, insert.ignore);
        let first_new = new_first;
        Ok(BoundInsert { table, columns, source, replace, ignore, on_duplicate, first, first_new })
    }

    pub(super) fn target_table(&mut self, name: &TableName) -> Result<Arc<Table>> {
        let database = match &name.db {
            Some(database) => database.as_str(),
            None => self.setting.database.ok_or_else(SqlError::no_database_selected)?,
        };
        if crate::session::schema::find(database, &name.name).is_some() {
            return Err(SqlError::new(1044, format!("Access denied to database '{database}'")));
        }
        let table = match self.catalog.entry(database, &name.name)? {
            crate::catalog::Entry::Table(table) => table,
            crate::catalog::Entry::View(_) => {
                return Err(SqlError::unsupported("changes through a view"));
            }
        };
        self.tables.insert(table.id, Arc::clone(&table));
        Ok(table)
    }

    fn insert_columns(
        &self,
        table: &Table,
        names: &[ast::Ident],
        source: &InsertSource,
    ) -> Result<Vec<usize>> {
        let is_empty_row =
            matches!(source, InsertSource::Values(rows) if rows.iter().all(Vec::is_empty));
        if names.is_empty() {
            let count = if is_empty_row { 0 } else { table.columns.len() };
            return Ok((0..count).collect());
        }
        let mut columns = Vec::with_capacity(names.len());
        for name in names {
            let at = table.column(&name.value);
            let at = at.ok_or_else(|| SqlError::unknown_column(&name.value, "field list"))?;
            if columns.contains(&at) {
                return Err(SqlError::new(
                    1110,
                    format!("Column '{}' specified twice", name.value),
                ));
            }
            columns.push(at);
        }
        Ok(columns)
    }

    fn insert_rows(
        &mut self,
        columns: &[usize],
        rows: &[Vec<ast::Expr>],
        own: &Scope,
    ) -> Result<BoundSource> {
        let mut bound = Vec::with_capacity(rows.len());
        self.scopes.push(own.clone());
        for (at, row) in rows.iter().enumerate() {
            if row.len() != columns.len() {
                self.scopes.pop();
                return Err(count_mismatch(at + 1));
            }
            let row = row.iter().map(|value| self.given(value)).collect::<Result<Vec<_>>>();
            match row {
                Ok(row) => bound.push(row),
                Err(error) => {
                    self.scopes.pop();
                    return Err(error);
                }
            }
        }
        self.scopes.pop();
        Ok(BoundSource::Rows(bound))
    }

    /// A value; `None` is DEFAULT.
    fn given(&mut self, value: &ast::Expr) -> Result<Option<Typed>> {
        match value {
            ast::Expr::Identifier(name)
                if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("default") =>
            {
                Ok(None)
            }
            other => self.expr(other).map(Some),
        }
    }

    fn on_duplicate(
        &mut self,
        insert: &Insert,
        table: &Arc<Table>,
        mut scope: Scope,
        new_first: ColumnId,
    ) -> Result<Vec<(usize, Option<Typed>)>> {
        if insert.on_duplicate.is_empty() {
            return Ok(Vec::new());
        }
        let values: Arc<str> = "values".into();
        let mut add = |alias: &Arc<str>, names: Option<&[ast::Ident]>| {
            for (at, column) in table.columns.iter().enumerate() {
                let name = match names.and_then(|names| names.get(at)) {
                    Some(name) => name.value.as_str().into(),
                    None => Arc::clone(&column.name),
                };
                scope.columns.push(ScopeColumn {
                    id: new_first + at as u32,
                    name,
                    of: column.of.clone(),
                    nullable: true,
                    alias: Arc::clone(alias),
                    database: None,
                    source: None,
                    is_hidden: true,
                });
            }
        };
        add(&values, None);
        if let Some((alias, names)) = &insert.alias {
            let names = (!names.is_empty()).then_some(&names[..]);
            add(&alias.value.as_str().into(), names);
        }
        // Columns of the query around it may be named, too: those of its select list.
        self.scopes.push(scope);
        let mut assignments = Vec::new();
        for assignment in &insert.on_duplicate {
            let bound = self.assignment(assignment, table);
            match bound {
                Ok(bound) => assignments.push(bound),
                Err(error) => {
                    self.scopes.pop();
                    return Err(error);
                }
            }
        }
        self.scopes.pop();
        Ok(assignments)
    }

    pub(super) fn assignment(
        &mut self,
        assignment: &ast::Assignment,
        table: &Table,
    ) -> Result<(usize, Option<Typed>)> {
        let parts = assigned(assignment)?;
        let name = parts.last().map(String::as_str).unwrap_or_default();
        let at = table.column(name);
        let at = at.ok_or_else(|| SqlError::unknown_column(parts.join("."), "field list"))?;
        Ok((at, self.given(&assignment.value)?))
    }

    /// Binds an UPDATE.
    ///
    /// # Errors
    /// MySQL's.
    pub fn update(&mut self, update: &Update) -> Result<BoundChange> {
        let known = self.ctes.len();
        self.with_clause(update.with.as_ref());
        let bound = self.in_block(|binder| {
            let (mut rel, scope) = binder.from(&update.tables)?;
            binder.scopes.push(scope);
            let mut targets: Vec<Target> = Vec::new();
            for assignment in &update.assignments {
                let (first, table, column) = binder.assigned_column(assignment)?;
                let value = binder.given(&assignment.value)?;
                match targets.iter_mut().find(|target| target.first == first) {
                    Some(target) => target.assignments.push((column, value)),
                    None => targets.push(Target {
                        table,
                        first,
                        assignments: vec![(column, value)],
                        delete: false,
                    }),
                }
            }
            rel = binder.where_clause(rel, update.selection.as_ref())?;
            binder.change(rel, targets, (&update.order_by, update.limit.as_ref()), update.ignore)
        });
        self.ctes.truncate(known);
        bound
    }

    /// Binds a DELETE.
    ///
    /// # Errors
    /// MySQL's.
    pub fn delete(&mut self, delete: &Delete) -> Result<BoundChange> {
        let known = self.ctes.len();
        self.with_clause(delete.with.as_ref());
        let bound = self.in_block(|binder| {
            let (mut rel, scope) = binder.from(&delete.from)?;
            let targets = delete_targets(&scope, &delete.targets)?;
            binder.scopes.push(scope);
            rel = binder.where_clause(rel, delete.selection.as_ref())?;
            binder.change(rel, targets, (&delete.order_by, delete.limit.as_ref()), delete.ignore)
        });
        self.ctes.truncate(known);
        bound
    }

    fn with_clause(&mut self, with: Option<&ast::With>) {
        if let Some(with) = with {
            for cte in &with.cte_tables {
                self.add_cte(cte, with.recursive);
            }
        }
    }

    fn in_block<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.blocks.push(Block {
            phase: Phase::Rows,
            scopes_from: self.scopes.len(),
            aggregates: Vec::new(),
            windows: Vec::new(),
            named_windows: Vec::new(),
        });
        let depth = self.scopes.len();
        let result = work(self);
        self.scopes.truncate(depth);
        self.blocks.pop();
        result
    }

    fn where_clause(&mut self, rel: Rel, test: Option<&ast::Expr>) -> Result<Rel> {
        Ok(match test {
            Some(test) => Rel::Filter(Box::new(rel), self.expr(test)?),
            None => rel,
        })
    }

    fn assigned_column(
        &mut self,
        assignment: &ast::Assignment,
    ) -> Result<(ColumnId, Arc<Table>, usize)> {
        let parts = assigned(assignment)?;
        let names: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (name, qualifier) =
            names.split_last().ok_or_else(|| SqlError::internal("an assignment to nothing"))?;
        let scope = self.scopes.last().cloned().unwrap_or_default();
        let found = scope.find(qualifier, name)?;
        let column =
            found.ok_or_else(|| SqlError::unknown_column(parts.join("."), "field list"))?;
        let source = column.source.as_ref();
        match source.and_then(|source| source.table.clone().map(|table| (source.column, table))) {
            Some((at, table)) => Ok((column.id - ColumnId::from(at), table, usize::from(at))),
            None => Err(SqlError::new(
                1288,
                format!("The target table {} of the UPDATE is not updatable", column.alias),
            )),
        }
    }

    /// The query that a change reads: each target's columns and key, then whatever
    /// of the assignments only a query can compute.
    fn change(
        &mut self,
        mut rel: Rel,
        mut targets: Vec<Target>,
        (order, limit): (&[ast::OrderByExpr], Option<&ast::Expr>),
        ignore: bool,
    ) -> Result<BoundChange> {
        let is_single = matches!(base(&rel), Rel::Scan(_));
        if !is_single && (!order.is_empty() || limit.is_some()) {
            let what = if order.is_empty() { "LIMIT" } else { "ORDER BY" };
            return Err(SqlError::new(1221, format!("Incorrect usage of UPDATE and {what}")));
        }
        for target in &targets {
            with_key(&mut rel, target.first);
        }
        let mut keys = Vec::new();
        for key in order {
            let by = self.expr(&key.expr)?;
            keys.push(Order { by, desc: key.options.asc == Some(false) });
        }
        if !keys.is_empty() {
            rel = Rel::Sort(Box::new(rel), keys);
        }
        if let Some(limit) = limit {
            let fetch = Some(self.expr(limit)?);
            rel = Rel::Limit { input: Box::new(rel), skip: None, fetch };
        }
        let mut columns = Vec::new();
        let mut items = Vec::new();
        for target in &mut targets {
            for (at, column) in target.table.columns.iter().enumerate() {
                let id = target.first + at as u32;
                columns.push(output(id, &column.name, &column.of));
                items.push((id, Typed::column(id, column.of.clone(), true)));
            }
            let id = target.first + target.table.columns.len() as u32;
            let of = SqlType::VarBinary(u32::MAX);
            columns.push(output(id, &"key".into(), &of));
            items.push((id, Typed::column(id, of, true)));
            for (_, value) in &mut target.assignments {
                let Some(value) = value else { continue };
                if !is_single || walk::has_subquery(value) {
                    let id = self.fresh();
                    let column = Typed::column(id, value.of.clone(), true);
                    columns.push(output(id, &"value".into(), &value.of));
                    items.push((id, std::mem::replace(value, column)));
                }
            }
        }
        let query = Query { rel: Rel::Project(Box::new(rel), items), columns };
        Ok(BoundChange { query, targets, ignore, is_single })
    }
}

fn output(id: ColumnId, name: &Arc<str>, of: &SqlType) -> Output {
    Output { id, name: Arc::clone(name), of: of.clone(), nullable: true, source: None }
}

fn count_mismatch(row: usize) -> SqlError {
    SqlError::new(1136, format!("Column count doesn't match value count at row {row}"))
}

fn assigned(assignment: &ast::Assignment) -> Result<Vec<String>> {
    match &assignment.target {
        ast::AssignmentTarget::ColumnName(name) => from::name_parts(name),
        other => Err(SqlError::unsupported(format!("SET {other:?}"))),
    }
}

/// What a relation's filters and limits stand on.
fn base(rel: &Rel) -> &Rel {
    match rel {
        Rel::Filter(input, _) | Rel::Sort(input, _) | Rel::Limit { input, .. } => base(input),
        other => other,
    }
}

/// Makes the key of the scan that begins at `first` one of its columns.
fn with_key(rel: &mut Rel, first: ColumnId) {
    match rel {
        Rel::Scan(scan) => scan.key |= scan.first == first,
        Rel::Join { left, right, .. } => {
            with_key(left, first);
            with_key(right, first);
        }
        Rel::Filter(input, _) | Rel::Sort(input, _) | Rel::Limit { input, .. } => {
            with_key(input, first);
        }
        _ => {}
    }
}

fn delete_targets(scope: &Scope, names: &[TableName]) -> Result<Vec<Target>> {
    let mut targets: Vec<Target> = Vec::new();
    for column in &scope.columns {
        let Some(source) = &column.source else { continue };
        let Some(table) = &source.table else { continue };
        let first = column.id - ColumnId::from(source.column);
        let is_named = names.is_empty()
            || names.iter().any(|name| {
                *name.name == *column.alias
                    && name
                        .db
                        .as_ref()
                        .is_none_or(|db| Some(db.as_str()) == column.database.as_deref())
            });
        if is_named && targets.iter().all(|target| target.first != first) {
            let table = Arc::clone(table);
            targets.push(Target { table, first, assignments: Vec::new(), delete: true });
        }
    }
    if targets.is_empty() || targets.len() < names.len() {
        let name = names.first().map_or("?", |name| name.name.as_str());
        return Err(SqlError::new(1109, format!("Unknown table '{name}' in MULTI DELETE")));
    }
    Ok(targets)
}
