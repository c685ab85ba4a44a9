//! SELECT: one query block.

use std::sync::Arc;

use sqlparser::ast::{self, SelectItem};

use super::aggregate::Groups;
use super::query::{Tail, position};
use super::{Binder, Block, Phase, Scope, ScopeColumn, from};
use crate::algebra::{Order, Output, Query, Rel, Source};
use crate::error::{Result, SqlError};
use crate::expr::{ColumnId, Expr, Typed, walk};

/// An item of the select list.
struct Item {
    typed: Typed,
    name: Arc<str>,
    alias: Option<String>,
    source: Option<Source>,
}

impl Binder<'_> {
    pub(crate) fn select(&mut self, select: &ast::Select, tail: Tail<'_>) -> Result<Query> {
        refuse_strange(select)?;
        let windows = named_windows(select)?;
        self.blocks.push(Block {
            phase: Phase::Rows,
            scopes_from: self.scopes.len(),
            aggregates: Vec::new(),
            windows: Vec::new(),
            named_windows: windows,
        });
        let depth = self.scopes.len();
        let bound = self.select_in_block(select, tail);
        self.scopes.truncate(depth);
        self.blocks.pop();
        bound
    }

    fn select_in_block(&mut self, select: &ast::Select, tail: Tail<'_>) -> Result<Query> {
        let (mut rel, scope) = self.from(&select.from)?;
        self.scopes.push(scope);
        if let Some(test) = &select.selection {
            let test = self.expr(test)?;
            rel = Rel::Filter(Box::new(rel), test);
        }
        self.set_phase(Phase::Groups);
        let mut items = self.items(&select.projection)?;
        let (keys, rollup) = self.group_keys(select, &items)?;
        let mut having = match &select.having {
            Some(having) => {
                Some(self.with_aliases(&items, Some(&keys), |binder| binder.expr(having))?)
            }
            None => None,
        };
        let mut order = self.order_keys(tail.keys()?, &items)?;
        let is_grouped = !keys.is_empty()
            || self.blocks.last().is_some_and(|block| !block.aggregates.is_empty());
        if is_grouped {
            let names = self.scope_names();
            let mut groups = Groups::new(keys.clone(), &rel, names);
            groups.rollup = rollup;
            for item in &mut items {
                self.over_groups(&mut item.typed, &groups)?;
                if from::is_column(&item.typed).is_some() && !groups.keys.is_empty() {
                    // A key is still the column that it was.
                } else {
                    item.source = None;
                }
            }
            for typed in having.iter_mut().chain(order.iter_mut().map(|key| &mut key.by)) {
                self.over_groups(typed, &groups)?;
            }
            self.group_windows(&groups)?;
            let calls = self.blocks.last_mut().map(|block| std::mem::take(&mut block.aggregates));
            let calls = calls.unwrap_or_default();
            rel = Rel::Aggregate { input: Box::new(rel), keys, calls, rollup };
        }
        if let Some(having) = having {
            rel = Rel::Filter(Box::new(rel), having);
        }
        let windows = self.blocks.last_mut().map(|block| std::mem::take(&mut block.windows));
        if let Some(calls) = windows.filter(|calls| !calls.is_empty()) {
            rel = Rel::Window { input: Box::new(rel), calls };
        }
        self.finish(rel, (items, order), select.distinct.as_ref(), tail)
    }

    /// Projection, DISTINCT, ORDER BY, LIMIT.
    fn finish(
        &mut self,
        rel: Rel,
        (items, order): (Vec<Item>, Vec<Order>),
        distinct: Option<&ast::Distinct>,
        tail: Tail<'_>,
    ) -> Result<Query> {
        let mut columns = Vec::with_capacity(items.len());
        let mut projection: Vec<(ColumnId, Typed)> = Vec::with_capacity(items.len());
        for item in items {
            let id = self.fresh();
            let (of, nullable) = (item.typed.of.clone(), item.typed.nullable);
            columns.push(Output { id, name: item.name, of, nullable, source: item.source });
            projection.push((id, item.typed));
        }
        let shown = projection.len();
        let mut keys = Vec::with_capacity(order.len());
        for key in order {
            let known = projection.iter().find(|(_, item)| *item == key.by);
            let by = match known {
                Some((id, item)) => Typed::column(*id, item.of.clone(), item.nullable),
                None => {
                    let id = self.fresh();
                    let by = Typed::column(id, key.by.of.clone(), key.by.nullable);
                    projection.push((id, key.by));
                    by
                }
            };
            keys.push(Order { by, desc: key.desc });
        }
        let mut rel = Rel::Project(Box::new(rel), projection.clone());
        match distinct {
            None | Some(ast::Distinct::All) => {}
            Some(ast::Distinct::Distinct) if projection.len() > shown => {
                return Err(SqlError::new(
                    3065,
                    "Expression #1 of ORDER BY clause is not in SELECT list, references column which is not in SELECT list; this is incompatible with DISTINCT",
                ));
            }
            Some(ast::Distinct::Distinct) => rel = Rel::Distinct(Box::new(rel)),
            Some(other) => return Err(SqlError::unsupported(other)),
        }
        if !keys.is_empty() {
            rel = Rel::Sort(Box::new(rel), keys);
        }
        rel = self.limited(rel, tail)?;
        if projection.len() > shown {
            let visible = projection.into_iter().take(shown);
            let visible =
                visible.map(|(id, item)| (id, Typed::column(id, item.of, item.nullable))).collect();
            rel = Rel::Project(Box::new(rel), visible);
        }
        Ok(Query { rel, columns })
    }

    fn items(&mut self, projection: &[SelectItem]) -> Result<Vec<Item>> {
        let mut items = Vec::with_capacity(projection.len());
        for item in projection {
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    let typed = self.expr(expr)?;
                    let (name, source) = self.item_name(expr, &typed);
                    items.push(Item { typed, name, alias: None, source });
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    let typed = self.expr(expr)?;
                    let (_, source) = self.item_name(expr, &typed);
                    let name = alias.value.as_str().into();
                    items.push(Item { typed, name, alias: Some(alias.value.clone()), source });
                }
                SelectItem::Wildcard(_) => self.star(None, &mut items)?,
                SelectItem::QualifiedWildcard(kind, _) => {
                    let ast::SelectItemQualifiedWildcardKind::ObjectName(name) = kind else {
                        return Err(SqlError::unsupported(item));
                    };
                    let parts = from::name_parts(name)?;
                    self.star(Some(&parts), &mut items)?;
                }
                other => return Err(SqlError::unsupported(other)),
            }
        }
        Ok(items)
    }

    fn star(&mut self, qualifier: Option<&[String]>, items: &mut Vec<Item>) -> Result<()> {
        let scope = self.scopes.last().cloned().unwrap_or_default();
        let fits = |column: &&ScopeColumn| match qualifier {
            None => !column.is_hidden,
            Some([alias]) => *column.alias == **alias,
            Some([database, alias]) => {
                *column.alias == **alias && column.database.as_deref() == Some(database.as_str())
            }
            Some(_) => false,
        };
        let before = items.len();
        for column in scope.columns.iter().filter(fits) {
            items.push(Item {
                typed: Typed::column(column.id, column.of.clone(), column.nullable),
                name: Arc::clone(&column.name),
                alias: None,
                source: column.source.clone(),
            });
        }
        if items.len() > before {
            return Ok(());
        }
        match qualifier {
            None => Err(SqlError::new(1096, "No tables used")),
            Some(parts) => Err(SqlError::new(1051, format!("Unknown table '{}'", parts.join(".")))),
        }
    }

    /// What an item without an alias is called: a column's name, or its text.
    fn item_name(&self, expr: &ast::Expr, typed: &Typed) -> (Arc<str>, Option<Source>) {
        if let Some(id) = from::is_column(typed) {
            let columns = self.scopes.iter().rev().flat_map(|scope| &scope.columns);
            for column in columns {
                let is_named =
                    matches!(expr, ast::Expr::Identifier(_) | ast::Expr::CompoundIdentifier(_));
                if column.id == id && is_named {
                    return (Arc::clone(&column.name), column.source.clone());
                }
            }
        }
        let text = match expr {
            ast::Expr::Value(value) => match &value.value {
                ast::Value::SingleQuotedString(text) | ast::Value::DoubleQuotedString(text) => {
                    text.clone()
                }
                other => other.to_string(),
            },
            other => other.to_string(),
        };
        (text.into(), None)
    }

    fn group_keys(
        &mut self,
        select: &ast::Select,
        items: &[Item],
    ) -> Result<(Vec<(ColumnId, Typed)>, bool)> {
        let (exprs, modifiers) = match &select.group_by {
            ast::GroupByExpr::Expressions(exprs, modifiers) => (exprs, modifiers),
            ast::GroupByExpr::All(_) => return Err(SqlError::unsupported("GROUP BY ALL")),
        };
        let mut rollup = false;
        for modifier in modifiers {
            match modifier {
                ast::GroupByWithModifier::Rollup => rollup = true,
                other => return Err(SqlError::unsupported(other)),
            }
        }
        let mut keys: Vec<(ColumnId, Typed)> = Vec::new();
        for expr in exprs {
            let typed = match position(expr) {
                Some(at) => {
                    let item = at.checked_sub(1).and_then(|at| items.get(at));
                    let item =
                        item.ok_or_else(|| SqlError::unknown_column(at, "group statement"))?;
                    item.typed.clone()
                }
                None => self.group_key(expr, items)?,
            };
            let aggregated = self.blocks.last().is_some_and(|block| {
                walk::columns(&typed).iter().any(|id| {
                    block.aggregates.iter().any(|(known, _)| known == id)
                        || block.windows.iter().any(|(known, _)| known == id)
                })
            });
            if aggregated {
                return Err(SqlError::new(1056, format!("Can't group on '{expr}'")));
            }
            if keys.iter().all(|(_, key)| *key != typed) {
                let id = self.fresh();
                keys.push((id, typed));
            }
        }
        Ok((keys, rollup))
    }

    /// A column of FROM, else an alias, else an expression over columns.
    fn group_key(&mut self, expr: &ast::Expr, items: &[Item]) -> Result<Typed> {
        if let ast::Expr::Identifier(name) = expr {
            let here = self.scopes.last().map(|scope| scope.find(&[], &name.value));
            if matches!(here, Some(Ok(None)))
                && let Some(item) = by_alias(items, &name.value)
            {
                return Ok(item.typed.clone());
            }
        }
        self.set_phase(Phase::Rows);
        let bound = self.expr(expr);
        self.set_phase(Phase::Groups);
        bound
    }

    fn order_keys(&mut self, keys: &[ast::OrderByExpr], items: &[Item]) -> Result<Vec<Order>> {
        let mut order = Vec::with_capacity(keys.len());
        for key in keys {
            let by = match (position(&key.expr), super::expr::unnested(&key.expr)) {
                (Some(at), _) => {
                    let item = at.checked_sub(1).and_then(|at| items.get(at));
                    let item = item.ok_or_else(|| SqlError::unknown_column(at, "order clause"))?;
                    item.typed.clone()
                }
                (None, ast::Expr::Identifier(name)) if by_alias(items, &name.value).is_some() => {
                    match by_alias(items, &name.value) {
                        Some(item) => item.typed.clone(),
                        None => self.expr(&key.expr)?,
                    }
                }
                (None, _) => self.with_aliases(items, None, |binder| binder.expr(&key.expr))?,
            };
            // A constant orders nothing.
            if by.constant().is_none() {
                order.push(Order { by, desc: key.options.asc == Some(false) });
            }
        }
        Ok(order)
    }

    /// Names that FROM does not have may be aliases of the select list. HAVING gives its
    /// `keys`: there an alias comes before a column of FROM that is no key, but not in the
    /// arguments of aggregates.
    fn with_aliases(
        &mut self,
        items: &[Item],
        keys: Option<&[(ColumnId, Typed)]>,
        work: impl FnOnce(&mut Self) -> Result<Typed>,
    ) -> Result<Typed> {
        let known = self.scopes.last().cloned().unwrap_or_default();
        let mut replaced: Vec<(ColumnId, Typed)> = Vec::new();
        let mut hidden: Vec<(ColumnId, Typed)> = Vec::new();
        let mut scope = known.clone();
        for item in items {
            let Some(alias) = &item.alias else { continue };
            let id = match (known.find(&[], alias), keys) {
                (Ok(None), _) => self.fresh(),
                (Ok(Some(column)), Some(keys)) if !is_key(keys, column.id) => {
                    let id = self.fresh();
                    let of_from = scope.columns.iter_mut().filter(|other| other.id == column.id);
                    of_from.for_each(|other| other.is_hidden = true);
                    let typed = Typed::column(column.id, column.of.clone(), column.nullable);
                    hidden.push((id, typed));
                    id
                }
                _ => continue,
            };
            replaced.push((id, item.typed.clone()));
            scope.columns.push(ScopeColumn {
                id,
                name: alias.as_str().into(),
                of: item.typed.of.clone(),
                nullable: item.typed.nullable,
                alias: "".into(),
                database: None,
                source: None,
                is_hidden: false,
            });
        }
        if let Some(last) = self.scopes.last_mut() {
            *last = scope;
        }
        let bound = work(self);
        if let Some(last) = self.scopes.last_mut() {
            *last = known;
        }
        let mut bound = bound?;
        let put = |item: &mut Typed, what: &[(ColumnId, Typed)]| {
            if let Expr::Column(id) = item.expr
                && let Some((_, typed)) = what.iter().find(|(known, _)| *known == id)
            {
                *item = typed.clone();
                return false;
            }
            true
        };
        walk::each_mut(&mut bound, &mut |item| put(item, &replaced));
        // Arguments of aggregates may name aliases, too.
        let put_in = &mut |item: &mut Typed| put(item, &hidden) && put(item, &replaced);
        if let Some(block) = self.blocks.last_mut() {
            block
                .aggregates
                .iter_mut()
                .for_each(|(_, call)| walk::each_in_aggregate_mut(call, put_in));
            block.windows.iter_mut().for_each(|(_, call)| walk::each_in_window_mut(call, put_in));
        }
        Ok(bound)
    }

    /// Windows stand over groups, where there are groups.
    fn group_windows(&mut self, groups: &Groups) -> Result<()> {
        let taken = self.blocks.last_mut().map(|block| std::mem::take(&mut block.windows));
        let mut windows = taken.unwrap_or_default();
        for (_, call) in &mut windows {
            let mut trouble = Ok(());
            let parts = call.args.iter_mut().chain(&mut call.partition);
            for part in parts.chain(call.order.iter_mut().map(|key| &mut key.by)) {
                trouble = trouble.and_then(|()| self.over_groups(part, groups));
            }
            trouble?;
        }
        if let Some(block) = self.blocks.last_mut() {
            block.windows = windows;
        }
        Ok(())
    }

    fn scope_names(&self) -> Vec<(ColumnId, String)> {
        let columns = self.scopes.last().map_or(&[][..], |scope: &Scope| &scope.columns);
        let name = |column: &ScopeColumn| {
            let database = column.database.as_deref().map(|name| format!("{name}."));
            (column.id, format!("{}{}.{}", database.unwrap_or_default(), column.alias, column.name))
        };
        columns.iter().map(name).collect()
    }
}

fn by_alias<'a>(items: &'a [Item], name: &str) -> Option<&'a Item> {
    items
        .iter()
        .find(|item| item.alias.as_ref().is_some_and(|alias| alias.eq_ignore_ascii_case(name)))
}

fn named_windows(select: &ast::Select) -> Result<Vec<(String, ast::WindowSpec)>> {
    let one = |definition: &ast::NamedWindowDefinition| {
        let spec = match &definition.1 {
            ast::NamedWindowExpr::WindowSpec(spec) => spec.clone(),
            ast::NamedWindowExpr::NamedWindow(name) => ast::WindowSpec {
                window_name: Some(name.clone()),
                partition_by: Vec::new(),
                order_by: Vec::new(),
                window_frame: None,
            },
        };
        Ok((definition.0.value.clone(), spec))
    };
    select.named_window.iter().map(one).collect()
}

fn refuse_strange(select: &ast::Select) -> Result<()> {
    let strange = select.top.is_some()
        || select.prewhere.is_some()
        || !select.lateral_views.is_empty()
        || !select.cluster_by.is_empty()
        || !select.distribute_by.is_empty()
        || !select.sort_by.is_empty()
        || select.qualify.is_some()
        || !select.connect_by.is_empty();
    if strange {
        return Err(SqlError::syntax(format!("near '{select}'")));
    }
    Ok(())
}

/// Whether a column is a key of GROUP BY.
fn is_key(keys: &[(ColumnId, Typed)], id: ColumnId) -> bool {
    keys.iter().any(|(_, key)| matches!(key.expr, Expr::Column(key) if key == id))
}
