//! `SQL_CALC_FOUND_ROWS`: how many rows there would be without LIMIT, for `FOUND_ROWS()`.
//!
//! They are counted by a second run of the query, unsorted and without its LIMIT, at the
//! same timestamp: nothing of it is kept in memory.

use futures_util::StreamExt;
use holdfast_base::Ts;
use holdfast_syntax::ast::SetExpr;
use holdfast_syntax::statement::Select;

use crate::algebra::{Query, Rel};
use crate::error::Result;
use crate::exec::Statement;
use crate::exec::vectors;
use crate::exec::workspace::Workspace;

/// What is to be counted; none: the rows that are sent are all.
pub(super) fn to_count(select: &Select, query: &Query) -> Option<Query> {
    if !is_asked(&select.query.body) {
        return None;
    }
    let limit = match &query.rel {
        // ORDER BY had columns that nobody sees.
        Rel::Project(input, _) if select.query.limit_clause.is_some() => input,
        rel => rel,
    };
    let Rel::Limit { input, .. } = limit else { return None };
    let unsorted = match &**input {
        Rel::Sort(input, _) => input,
        _ => input,
    };
    Some(Query { rel: (**unsorted).clone(), columns: query.columns.clone() })
}

/// The rows of `query` at `ts`.
///
/// # Errors
/// MySQL's.
pub(super) async fn count(
    statement: &mut Statement,
    own: &Workspace,
    query: &Query,
    ts: Ts,
) -> Result<i64> {
    let mut rows = vectors::begin(statement, own, query, ts).await?;
    let mut found = 0;
    while let Some(batch) = rows.next().await {
        found += i64::try_from(batch?.num_rows()).unwrap_or(i64::MAX);
    }
    Ok(found)
}

/// The first SELECT of a query has the word.
fn is_asked(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(select) => {
            select.select_modifiers.as_ref().is_some_and(|words| words.sql_calc_found_rows)
        }
        SetExpr::Query(inner) => is_asked(&inner.body),
        SetExpr::SetOperation { left, .. } => is_asked(left),
        _ => false,
    }
}
