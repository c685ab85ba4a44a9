//! Groups of few rows: the row engine's aggregates.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_value::decimal::Decimal;
use holdfast_value::{Context, SqlType, Value, cast, compare};

use super::rows::{Found, Reader, row_identity};
use crate::algebra::{Aggregate, AggregateKind};
use crate::error::{Result, SqlError};
use crate::expr::eval::{Layout, eval};
use crate::expr::{ColumnId, Typed, walk};

/// Whether this engine computes it.
pub fn is_known(call: &Aggregate) -> bool {
    use AggregateKind as K;
    let kind =
        matches!(call.kind, K::CountRows | K::Count | K::Sum | K::Avg | K::Min | K::Max | K::Any);
    kind && call.args.iter().all(|arg| !walk::has_subquery(arg))
}

/// One aggregate of one group so far.
struct State {
    count: i64,
    sum: Sum,
    best: Value,
    seen: BTreeSet<Vec<u8>>,
}

enum Sum {
    Exact(Decimal),
    Double(f64),
}

/// Groups rows; without keys there is one group, even of no rows.
pub fn run(
    reader: &mut Reader<'_, '_>,
    found: Found,
    keys: &[(ColumnId, Typed)],
    calls: &[(ColumnId, Aggregate)],
) -> Result<Option<Found>> {
    let layout = Layout::new(&found.ids);
    let types: Vec<SqlType> = keys.iter().map(|(_, key)| key.of.clone()).collect();
    let mut order: Vec<(Vec<Value>, Vec<State>)> = Vec::new();
    let mut groups: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    if keys.is_empty() {
        order.push((Vec::new(), calls.iter().map(|(_, call)| State::new(call)).collect()));
        groups.insert(Vec::new(), 0);
    }
    for row in &found.rows {
        let by = reader.with(&layout, row, |env| {
            keys.iter().map(|(_, key)| eval(key, env)).collect::<Result<Vec<_>>>()
        })?;
        let identity = row_identity(&by, &types)?;
        let at = *groups.entry(identity).or_insert_with(|| {
            order.push((by, calls.iter().map(|(_, call)| State::new(call)).collect()));
            order.len() - 1
        });
        for ((_, call), state) in calls.iter().zip(&mut order[at].1) {
            let args = reader.with(&layout, row, |env| {
                call.args.iter().map(|arg| eval(arg, env)).collect::<Result<Vec<_>>>()
            })?;
            reader.with(&layout, row, |env| state.take(call, args, env.context))?;
        }
    }
    let mut ids: Vec<ColumnId> = keys.iter().map(|(id, _)| *id).collect();
    ids.extend(calls.iter().map(|(id, _)| *id));
    let mut rows = Vec::with_capacity(order.len());
    for (mut row, states) in order {
        for ((_, call), state) in calls.iter().zip(states) {
            row.push(state.finish(call, reader)?);
        }
        rows.push(row);
    }
    Ok(Some(Found { ids, rows }))
}

impl State {
    fn new(call: &Aggregate) -> Self {
        let first = call.args.first().map(|arg| &arg.of);
        let is_exact =
            first.is_some_and(|of| of.is_integer() || matches!(of, SqlType::Decimal { .. }));
        let sum = if is_exact { Sum::Exact(Decimal::from_i64(0)) } else { Sum::Double(0.0) };
        Self { count: 0, sum, best: Value::Null, seen: BTreeSet::new() }
    }

    fn take(&mut self, call: &Aggregate, args: Vec<Value>, context: &mut Context) -> Result<()> {
        use AggregateKind as K;
        if call.kind == K::Any {
            if self.count == 0 {
                self.best = args.into_iter().next().unwrap_or(Value::Null);
            }
            self.count += 1;
            return Ok(());
        }
        if args.iter().any(Value::is_null) {
            return Ok(());
        }
        if call.distinct {
            let types: Vec<SqlType> = call.args.iter().map(|arg| arg.of.clone()).collect();
            if !self.seen.insert(row_identity(&args, &types)?) {
                return Ok(());
            }
        }
        self.count += 1;
        let Some(value) = args.into_iter().next() else { return Ok(()) };
        match call.kind {
            K::Sum | K::Avg => self.add(&value, context),
            K::Min | K::Max => {
                let of = &call.args[0].of;
                let order = compare::order(&value, &self.best, of);
                let is_better = if call.kind == K::Min { order.is_lt() } else { order.is_gt() };
                if self.best.is_null() || is_better {
                    self.best = value;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn add(&mut self, value: &Value, context: &mut Context) -> Result<()> {
        match &mut self.sum {
            Sum::Double(sum) => {
                *sum += cast::to_f64(value, context)?.unwrap_or(0.0);
                if !sum.is_finite() {
                    return Err(SqlError::new(1690, "DOUBLE value is out of range in 'sum'"));
                }
            }
            Sum::Exact(sum) => {
                let value = cast::to_decimal(value, context)?.unwrap_or(Decimal::from_i64(0));
                *sum = sum
                    .checked_add(&value)
                    .ok_or_else(|| SqlError::new(1690, "DECIMAL value is out of range in 'sum'"))?;
            }
        }
        Ok(())
    }

    fn finish(self, call: &Aggregate, reader: &mut Reader<'_, '_>) -> Result<Value> {
        use AggregateKind as K;
        Ok(match call.kind {
            K::CountRows | K::Count => Value::Int(self.count),
            K::Min | K::Max | K::Any => self.best,
            K::Sum | K::Avg if self.count == 0 => Value::Null,
            K::Sum => match self.sum {
                Sum::Exact(sum) => Value::Decimal(sum),
                Sum::Double(sum) => Value::Double(sum),
            },
            K::Avg => match self.sum {
                Sum::Double(sum) => Value::Double(sum / self.count as f64),
                Sum::Exact(sum) => {
                    let count = Decimal::from_i64(self.count);
                    let div_scale = reader.statement.context.div_scale;
                    match sum.div(&count, div_scale) {
                        Some(value) => Value::Decimal(value),
                        None => Value::Null,
                    }
                }
            },
            other => return Err(SqlError::internal(format!("{other:?} in the row engine"))),
        })
    }
}
