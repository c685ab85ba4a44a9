//! Window functions.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::functions_window::{cume_dist, lead_lag, nth_value, ntile, rank, row_number};
use datafusion::logical_expr::expr::{Sort, WindowFunction};
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, WindowFrame, WindowFrameBound, WindowFrameUnits,
    WindowFunctionDefinition as Definition,
};
use holdfast_tail::columns::data_type;
use holdfast_value::{SqlType, Value, cast};

use super::aggregate::{After, make};
use super::keys;
use super::lower::{Lower, name, named};
use super::plan::{sorts, strange};
use crate::algebra::{Aggregate, Bound, Frame, Window, WindowKind as K};
use crate::error::{Result, SqlError};
use crate::expr::{ColumnId, Typed};

/// The calls over `input`, whose columns stay.
pub(super) fn plan(
    lower: &Lower,
    input: LogicalPlan,
    calls: &[(ColumnId, Window)],
) -> Result<LogicalPlan> {
    let columns: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
    let mut outputs = columns;
    let mut seen: Vec<Expr> = Vec::with_capacity(calls.len());
    for (id, call) in calls {
        let (definition, args, after) = function(lower, call)?;
        let mut made = WindowFunction::new(definition, args);
        made.params.partition_by = call
            .partition
            .iter()
            .map(|by| Ok(keys::equal(lower.value(by)?, &by.of)))
            .collect::<Result<_>>()?;
        made.params.order_by = sorts(lower, &call.order)?;
        made.params.window_frame = frame(lower, call)?;
        if made.params.window_frame.units == WindowFrameUnits::Range {
            // DataFusion has no ranges of bytes, but of texts.
            for (sort, key) in made.params.order_by.iter_mut().zip(&call.order) {
                if keys::is_bytes(&key.by.of) {
                    sort.expr = keys::spelled(std::mem::take(&mut sort.expr));
                }
            }
        }
        let sorted = &mut made.params.order_by;
        made.params.window_frame.regularize_order_bys(sorted).map_err(strange)?;
        // A window expression takes no name but its own; the same one twice is one.
        let made = Expr::WindowFunction(Box::new(made));
        let own = named(made.schema_name().to_string());
        if !seen.contains(&made) {
            seen.push(made);
        }
        let value = match after {
            After::Nothing => own,
            after => after.apply(own, &call.of),
        };
        outputs.push(value.alias(name(*id)));
    }
    let mut plan = LogicalPlanBuilder::window_plan(input, seen).map_err(strange)?;
    plan = LogicalPlanBuilder::from(plan)
        .project(outputs)
        .and_then(LogicalPlanBuilder::build)
        .map_err(strange)?;
    Ok(plan)
}

fn function(lower: &Lower, call: &Window) -> Result<(Definition, Vec<Expr>, After)> {
    let udwf = match call.kind {
        K::RowNumber => row_number::row_number_udwf(),
        K::Rank => rank::rank_udwf(),
        K::DenseRank => rank::dense_rank_udwf(),
        K::PercentRank => rank::percent_rank_udwf(),
        K::CumeDist => cume_dist::cume_dist_udwf(),
        K::Ntile => ntile::ntile_udwf(),
        K::Lag => lead_lag::lag_udwf(),
        K::Lead => lead_lag::lead_udwf(),
        K::FirstValue => nth_value::first_value_udwf(),
        K::LastValue => nth_value::last_value_udwf(),
        K::NthValue => nth_value::nth_value_udwf(),
        K::Aggregate(kind) => {
            let call = Aggregate {
                kind,
                args: call.args.clone(),
                distinct: false,
                order: Vec::new(),
                separator: ",".into(),
                of: call.of.clone(),
            };
            let made = make(lower, &call)?;
            return Ok((Definition::AggregateUDF(made.function), made.args, made.after));
        }
    };
    let mut args = Vec::with_capacity(call.args.len());
    for (at, arg) in call.args.iter().enumerate() {
        let is_number = match call.kind {
            K::Lag | K::Lead | K::NthValue => at == 1,
            K::Ntile => true,
            _ => false,
        };
        if is_number {
            let count = i64::try_from(count(lower, arg)?).unwrap_or(i64::MAX);
            if count == 0 && matches!(call.kind, K::Ntile | K::NthValue) {
                return Err(wrong_number());
            }
            args.push(Expr::Literal(ScalarValue::Int64(Some(count)), None));
        } else {
            args.push(lower.converted(arg, &call.of)?);
        }
    }
    if let (K::Lag | K::Lead, [_, _, default]) = (call.kind, &args[..])
        && !matches!(default, Expr::Literal(..))
    {
        return Err(SqlError::unsupported("LAG or LEAD with a default that is not constant"));
    }
    Ok((Definition::WindowUDF(udwf), args, After::Nothing))
}

fn wrong_number() -> SqlError {
    SqlError::new(1210, "Incorrect arguments to window function")
}

/// A constant count.
fn count(lower: &Lower, typed: &Typed) -> Result<u64> {
    match typed.constant() {
        Some(Value::Null) | None => Err(wrong_number()),
        Some(value) => {
            let number = lower.shared.with(|context| cast::to_i64(value, context))?;
            number.and_then(|number| u64::try_from(number).ok()).ok_or_else(wrong_number)
        }
    }
}

fn frame(lower: &Lower, call: &Window) -> Result<WindowFrame> {
    let Some(frame) = &call.frame else {
        return Ok(WindowFrame::new((!call.order.is_empty()).then_some(false)));
    };
    check(frame)?;
    let units = if frame.rows { WindowFrameUnits::Rows } else { WindowFrameUnits::Range };
    let key = call.order.first().map(|key| &key.by.of);
    let distance = |by: &Option<Typed>| -> Result<ScalarValue> {
        match (by, frame.rows, key) {
            (None, true, _) => Ok(ScalarValue::UInt64(None)),
            (None, false, Some(of)) => ScalarValue::try_from(&data_type(of)).map_err(strange),
            (None, false, None) => Ok(ScalarValue::Null),
            (Some(by), true, _) => Ok(ScalarValue::UInt64(Some(count(lower, by)?))),
            (Some(by), false, Some(of)) if of.is_number() && call.order.len() == 1 => {
                range(lower, by, of)
            }
            (Some(_), false, _) => Err(SqlError::new(
                3587,
                "Window with RANGE N PRECEDING/FOLLOWING frame requires exactly one ORDER BY expression, of numeric or temporal type",
            )),
        }
    };
    let (from, to) = (
        match &frame.from {
            Bound::Current => WindowFrameBound::CurrentRow,
            Bound::Before(by) => WindowFrameBound::Preceding(distance(by)?),
            Bound::After(by) => WindowFrameBound::Following(distance(by)?),
        },
        match &frame.to {
            Bound::Current => WindowFrameBound::CurrentRow,
            Bound::Before(by) => WindowFrameBound::Preceding(distance(by)?),
            Bound::After(by) => WindowFrameBound::Following(distance(by)?),
        },
    );
    Ok(WindowFrame::new_bounds(units, from, to))
}

/// A frame begins before it ends.
fn check(frame: &Frame) -> Result<()> {
    let (code, what) = match (&frame.from, &frame.to) {
        (Bound::After(None), _) => (3584, "frame start cannot be UNBOUNDED FOLLOWING."),
        (_, Bound::Before(None)) => (3585, "frame end cannot be UNBOUNDED PRECEDING."),
        (Bound::Current | Bound::After(_), Bound::Before(_))
        | (Bound::After(_), Bound::Current) => {
            (3586, "frame start or end is negative, NULL or of non-integral type")
        }
        (Bound::Before(Some(from)), Bound::Before(Some(to))) if is_less(from, to) => {
            return Err(SqlError::unsupported("a window frame without rows"));
        }
        (Bound::After(Some(from)), Bound::After(Some(to))) if is_less(to, from) => {
            return Err(SqlError::unsupported("a window frame without rows"));
        }
        _ => return Ok(()),
    };
    Err(SqlError::new(code, format!("Window '<unnamed window>': {what}")))
}

/// Two constants, compared as the numbers that they are.
fn is_less(a: &Typed, b: &Typed) -> bool {
    match (a.constant(), b.constant()) {
        (Some(a), Some(b)) => holdfast_value::compare::order(a, b, &SqlType::BIGINT).is_lt(),
        _ => false,
    }
}

fn range(lower: &Lower, by: &Typed, of: &SqlType) -> Result<ScalarValue> {
    match lower.converted(by, of)? {
        Expr::Literal(value, _) => Ok(value),
        _ => Err(wrong_number()),
    }
}

/// The number of each row among those with the same columns.
pub(super) fn numbered(
    input: LogicalPlan,
    partition: Vec<Expr>,
    order: Vec<Sort>,
    own: &str,
) -> Result<LogicalPlan> {
    let mut call = WindowFunction::new(
        Definition::WindowUDF(Arc::clone(&row_number::row_number_udwf())),
        Vec::new(),
    );
    call.params.partition_by = partition;
    call.params.window_frame = WindowFrame::new((!order.is_empty()).then_some(false));
    call.params.order_by = order;
    let call = Expr::WindowFunction(Box::new(call));
    let mut outputs: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
    outputs.push(named(call.schema_name().to_string()).alias(own));
    LogicalPlanBuilder::window_plan(input, vec![call])
        .and_then(|plan| LogicalPlanBuilder::from(plan).project(outputs))
        .and_then(LogicalPlanBuilder::build)
        .map_err(strange)
}
