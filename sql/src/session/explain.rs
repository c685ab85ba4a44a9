//! EXPLAIN: which engine runs a query, and how.

use std::fmt::Write;

use super::run::Session;
use crate::algebra::{JoinKind, Query, Rel};
use crate::error::Result;
use crate::exec::path::{self, Which};
use crate::exec::vectors;
use crate::exec::workspace::Workspace;
use crate::expr::{Typed, walk};

/// The plan, a line for each step.
///
/// # Errors
/// MySQL's.
pub async fn plan(session: &mut Session, query: &Query) -> Result<String> {
    let mut out = String::new();
    if by_rows(session, &query.rel, &[], (0, &mut out))? {
        return Ok(format!("-> Rows (by key, without the optimizer)\n{out}"));
    }
    let ts = session.statement.engine.now().await?;
    let own = Workspace::default();
    let text = vectors::explain(&mut session.statement, &own, query, ts).await?;
    Ok(format!("-> Vectors (DataFusion)\n{text}"))
}

/// True where the row engine would run it, as far as can be told beforehand.
fn by_rows(
    session: &mut Session,
    rel: &Rel,
    conjuncts: &[Typed],
    (depth, out): (usize, &mut String),
) -> Result<bool> {
    let pad = "    ".repeat(depth + 1);
    let line = |out: &mut String, text: &str| {
        let _ = writeln!(out, "{pad}-> {text}");
    };
    match rel {
        Rel::One => line(out, "one row"),
        Rel::Scan(scan) => {
            let found = session.statement.with(|env| path::choose(scan, conjuncts, env))?;
            let Some(path) = found else { return Ok(false) };
            let key = match path.which {
                Which::Primary => "PRIMARY".to_owned(),
                Which::Index(at) => scan.table.indexes[at].name.to_string(),
            };
            let how = if path.is_point { "point lookup" } else { "range" };
            let count = path.ranges.len();
            let many = if count > 1 { format!(", {count} of them") } else { String::new() };
            line(out, &format!("{how} on {} using {key}{many}", scan.alias));
        }
        Rel::Filter(input, test) if !walk::has_subquery(test) => {
            line(out, "filter");
            let conjuncts = walk::conjuncts(test.clone());
            return by_rows(session, input, &conjuncts, (depth + 1, out));
        }
        Rel::Project(input, items) if items.iter().all(|(_, item)| !walk::has_subquery(item)) => {
            return by_rows(session, input, &[], (depth, out));
        }
        Rel::Sort(input, _) => {
            line(out, "sort");
            return by_rows(session, input, conjuncts, (depth + 1, out));
        }
        Rel::Limit { input, .. } => {
            line(out, "limit");
            return by_rows(session, input, &[], (depth + 1, out));
        }
        Rel::Distinct(input) => {
            line(out, "distinct");
            return by_rows(session, input, &[], (depth + 1, out));
        }
        Rel::Aggregate { input, rollup: false, .. } => {
            line(out, "aggregate");
            return by_rows(session, input, &[], (depth + 1, out));
        }
        Rel::Join { kind, left, right, on } => {
            let how = if *kind == JoinKind::Inner { "inner" } else { "outer" };
            line(out, &format!("nested loop, {how}"));
            let tests: Vec<Typed> = on.clone().map(walk::conjuncts).unwrap_or_default();
            let all = [conjuncts, &tests].concat();
            return Ok(by_rows(session, left, conjuncts, (depth + 1, out))?
                && by_rows(session, right, &all, (depth + 1, out))?);
        }
        _ => return Ok(false),
    }
    Ok(true)
}
