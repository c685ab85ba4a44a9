//! Queries for DataFusion, and rows back.
//!
//! Not here: the rows that it reads (`scan`).

use std::sync::Arc;

use futures_util::StreamExt;
use holdfast_base::Ts;
use holdfast_value::Value;

use super::Statement;
use super::scan::Tables;
use super::workspace::Workspace;
use crate::algebra::{Query, Rel};
use crate::error::Result;
use crate::expr::Typed;
use crate::frame::{self, Rows, Sources};

/// Every row of a query.
///
/// # Errors
/// MySQL's.
pub async fn all(
    statement: &mut Statement,
    own: &Workspace,
    query: &Query,
    ts: Ts,
) -> Result<Vec<Vec<Value>>> {
    let mut rows = begin(statement, own, query, ts).await?;
    let mut found = Vec::new();
    while let Some(batch) = rows.next().await {
        found.extend(frame::rows_of(&batch?, &query.columns)?);
    }
    take_warnings(statement, &rows);
    Ok(found)
}

/// Begins a query; its rows come as they are computed.
///
/// # Errors
/// MySQL's.
pub async fn begin(
    statement: &mut Statement,
    own: &Workspace,
    query: &Query,
    ts: Ts,
) -> Result<Rows> {
    let (query, sources) = prepare(statement, own, query, ts)?;
    let concat_max = statement.variables.settings().group_concat_max as usize;
    let engine = statement.engine.clone();
    engine.frame.run(&query, &sources, &statement.context, concat_max).await
}

/// The plan of a query, as text.
///
/// # Errors
/// MySQL's.
pub async fn explain(
    statement: &mut Statement,
    own: &Workspace,
    query: &Query,
    ts: Ts,
) -> Result<String> {
    let (query, sources) = prepare(statement, own, query, ts)?;
    let engine = statement.engine.clone();
    engine.frame.explain(&query, &sources, &statement.context).await
}

fn prepare(
    statement: &mut Statement,
    own: &Workspace,
    query: &Query,
    ts: Ts,
) -> Result<(Query, Arc<dyn Sources>)> {
    let mut query = query.clone();
    statement.with(|env| frame::resolve(&mut query, env))?;
    let mut tables = Tables::new(statement.engine.clone(), ts, statement.context.zone)?;
    let mut trouble = Ok(());
    every_leaf(&mut query.rel, &mut |rel| match rel {
        Rel::Scan(scan) => tables.add_own(scan.table.id, own),
        Rel::Virtual { table, .. } if trouble.is_ok() => match (table.rows)(statement) {
            Ok(rows) => {
                tables.add_computed(table, rows);
            }
            Err(error) => trouble = Err(error),
        },
        _ => {}
    });
    trouble?;
    Ok((query, Arc::new(tables)))
}

/// What a query warned of becomes the statement's.
pub fn take_warnings(statement: &mut Statement, rows: &Rows) {
    let (warnings, count) = rows.take_warnings();
    let kept = warnings.len() as u64;
    for warning in warnings {
        statement.context.warn(warning);
    }
    statement.context.warning_count += count.saturating_sub(kept);
}

/// Calls `act` for every leaf, those of subqueries in expressions included.
fn every_leaf(rel: &mut Rel, act: &mut dyn FnMut(&Rel)) {
    match rel {
        Rel::Scan(_) | Rel::Virtual { .. } => act(rel),
        Rel::One | Rel::Nothing(_) | Rel::Values { .. } | Rel::Working { .. } => {}
        Rel::Join { left, right, .. } => {
            every_leaf(left, act);
            every_leaf(right, act);
        }
        Rel::Filter(input, _)
        | Rel::Project(input, _)
        | Rel::Aggregate { input, .. }
        | Rel::Window { input, .. }
        | Rel::Distinct(input)
        | Rel::Sort(input, _)
        | Rel::Limit { input, .. } => every_leaf(input, act),
        Rel::Set { left, right, .. } => {
            every_leaf(&mut left.rel, act);
            every_leaf(&mut right.rel, act);
        }
        Rel::Recursive { base, step, .. } => {
            every_leaf(&mut base.rel, act);
            every_leaf(&mut step.rel, act);
        }
    }
    subqueries(rel, act);
}

/// The leaves of queries in the expressions of one relation (not of those below it).
fn subqueries(rel: &mut Rel, act: &mut dyn FnMut(&Rel)) {
    let mut typed: Vec<&mut Typed> = Vec::new();
    match rel {
        Rel::Values { rows, .. } => typed.extend(rows.iter_mut().flatten()),
        Rel::Join { on: Some(on), .. } => typed.push(on),
        Rel::Filter(_, test) => typed.push(test),
        Rel::Project(_, items) => typed.extend(items.iter_mut().map(|(_, item)| item)),
        Rel::Aggregate { keys, calls, .. } => {
            typed.extend(keys.iter_mut().map(|(_, key)| key));
            typed.extend(calls.iter_mut().flat_map(|(_, call)| &mut call.args));
        }
        Rel::Window { calls, .. } => {
            for (_, call) in calls {
                typed.extend(&mut call.args);
                typed.extend(&mut call.partition);
                typed.extend(call.order.iter_mut().map(|key| &mut key.by));
            }
        }
        Rel::Sort(_, keys) => typed.extend(keys.iter_mut().map(|key| &mut key.by)),
        Rel::Limit { skip, fetch, .. } => typed.extend([skip, fetch].into_iter().flatten()),
        _ => {}
    }
    for typed in typed {
        let mut found = Vec::new();
        crate::expr::walk::subqueries_mut(typed, &mut found);
        for query in found {
            every_leaf(&mut query.rel, act);
        }
    }
}
