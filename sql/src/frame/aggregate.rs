//! Aggregate functions, of groups and over windows.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::functions_aggregate::{bit_and_or_xor, count, min_max, stddev, sum, variance};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{AggregateUDF, Expr, cast, lit};
use holdfast_tail::columns::data_type;
use holdfast_value::SqlType;

use super::collect::{Collect, What};
use super::convert::int_digits;
use super::keys;
use super::lower::Lower;
use super::total::Total;
use crate::algebra::{Aggregate, AggregateKind as K};
use crate::error::{Result, SqlError};
use crate::expr::Typed;

/// An aggregate as DataFusion has it: what is computed, and what is made of that.
pub(super) struct Made {
    pub function: Arc<AggregateUDF>,
    pub args: Vec<Expr>,
    pub distinct: bool,
    pub after: After,
}

/// What is made of an aggregate's own result.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum After {
    Nothing,
    /// Another column type.
    Cast,
    /// This where there are no values.
    Or(u64),
}

impl After {
    pub fn apply(&self, value: Expr, of: &SqlType) -> Expr {
        match self {
            Self::Nothing => value,
            Self::Cast => cast(value, data_type(of)),
            Self::Or(number) => {
                let otherwise = Expr::Literal(ScalarValue::UInt64(Some(*number)), None);
                let when = vec![(Box::new(value.clone().is_not_null()), Box::new(value))];
                let case =
                    datafusion::logical_expr::Case::new(None, when, Some(Box::new(otherwise)));
                Expr::Case(case)
            }
        }
    }
}

impl Made {
    fn new(function: Arc<AggregateUDF>, args: Vec<Expr>) -> Self {
        Self { function, args, distinct: false, after: After::Nothing }
    }

    /// As an expression of an aggregation.
    pub fn expr(self) -> Expr {
        let call = AggregateFunction::new_udf(
            self.function,
            self.args,
            self.distinct,
            None,
            Vec::new(),
            None,
        );
        Expr::AggregateFunction(call)
    }
}

/// Any call but GROUPING.
pub(super) fn make(lower: &Lower, call: &Aggregate) -> Result<Made> {
    let first = call.args.first();
    let need = || first.ok_or_else(|| SqlError::internal("an aggregate of nothing"));
    match call.kind {
        K::CountRows => Ok(Made::new(count::count_udaf(), vec![lit(1i64)])),
        K::Count => counted(lower, call),
        K::Sum | K::Avg => totalled(lower, call, need()?),
        K::Min | K::Max => extreme(lower, call, need()?),
        // The only value of a scalar subquery (`subquery`, Q2).
        K::Any if call.distinct => {
            let once = Aggregate { distinct: false, ..call.clone() };
            collected(lower, What::Single, &once)
        }
        K::Any => {
            // Any value will do, and the least is found fastest.
            let value = lower.value(need()?)?;
            Ok(Made::new(min_max::min_udaf(), vec![value]))
        }
        K::BitAnd | K::BitOr | K::BitXor => {
            let (function, empty) = match call.kind {
                K::BitAnd => (bit_and_or_xor::bit_and_udaf(), u64::MAX),
                K::BitOr => (bit_and_or_xor::bit_or_udaf(), 0),
                _ => (bit_and_or_xor::bit_xor_udaf(), 0),
            };
            let value = lower.converted(need()?, &SqlType::BIGINT_UNSIGNED)?;
            let made = Made::new(function, vec![value]);
            Ok(Made { after: After::Or(empty), distinct: false, ..made })
        }
        K::StdPop | K::StdSamp | K::VarPop | K::VarSamp => {
            let function = match call.kind {
                K::StdPop => stddev::stddev_pop_udaf(),
                K::StdSamp => stddev::stddev_udaf(),
                K::VarPop => variance::var_pop_udaf(),
                _ => variance::var_samp_udaf(),
            };
            Ok(Made::new(function, vec![lower.converted(need()?, &SqlType::DOUBLE)?]))
        }
        K::GroupConcat => concatenated(lower, call),
        K::JsonArray => collected(lower, What::JsonArray, call),
        K::JsonObject => collected(lower, What::JsonObject, call),
        K::Grouping => Err(SqlError::new(1111, "Invalid use of group function")),
    }
}

fn counted(lower: &Lower, call: &Aggregate) -> Result<Made> {
    let values = call.args.iter().map(|arg| lower.value(arg)).collect::<Result<Vec<_>>>()?;
    let types: Vec<SqlType> = call.args.iter().map(|arg| arg.of.clone()).collect();
    let arg = match (&values[..], &types[..]) {
        ([value], [of]) if call.distinct => keys::equal(value.clone(), of),
        ([value], _) => value.clone(),
        _ => keys::tuple(values, types),
    };
    let made = Made::new(count::count_udaf(), vec![arg]);
    Ok(Made { distinct: call.distinct, ..made })
}

fn totalled(lower: &Lower, call: &Aggregate, arg: &Typed) -> Result<Made> {
    let is_average = call.kind == K::Avg;
    if call.distinct {
        let what = if is_average { What::Average } else { What::Sum };
        return collected(lower, what, call);
    }
    if let SqlType::Decimal { .. } = call.of {
        let shape = match &arg.of {
            SqlType::Decimal { precision, scale, .. } => (*precision, *scale),
            SqlType::Int { .. } | SqlType::Year => (int_digits(&arg.of), 0),
            _ => (20, 0),
        };
        let value = match arg.of {
            SqlType::Bit(_) => lower.converted(arg, &SqlType::BIGINT_UNSIGNED)?,
            SqlType::Null => lower.converted(arg, &SqlType::BIGINT)?,
            _ => lower.value(arg)?,
        };
        let total = Total::new(is_average, shape, data_type(&call.of));
        return Ok(Made::new(Arc::new(AggregateUDF::new_from_impl(total)), vec![value]));
    }
    let value = lower.converted(arg, &SqlType::DOUBLE)?;
    let function = if is_average {
        datafusion::functions_aggregate::average::avg_udaf()
    } else {
        sum::sum_udaf()
    };
    let made = Made::new(function, vec![value]);
    Ok(Made { after: if is_double(&call.of) { After::Nothing } else { After::Cast }, ..made })
}

fn is_double(of: &SqlType) -> bool {
    matches!(of, SqlType::Double { .. })
}

fn extreme(lower: &Lower, call: &Aggregate, arg: &Typed) -> Result<Made> {
    let is_least = call.kind == K::Min;
    if keys::is_keyed(&arg.of)
        || matches!(arg.of, SqlType::Enum(..) | SqlType::Set(..) | SqlType::Json)
    {
        // Of ENUM and SET the texts count here, not their numbers.
        let mut as_text = call.clone();
        if let [Typed { of: of @ (SqlType::Enum(..) | SqlType::Set(..)), .. }] =
            &mut as_text.args[..]
        {
            *of = SqlType::VarChar(255, of.collation());
        }
        return collected(lower, if is_least { What::Least } else { What::Greatest }, &as_text);
    }
    let function = if is_least { min_max::min_udaf() } else { min_max::max_udaf() };
    Ok(Made::new(function, vec![lower.value(arg)?]))
}

/// All values of a group at once.
pub(super) fn collected(lower: &Lower, what: What, call: &Aggregate) -> Result<Made> {
    let args = call.args.iter().map(|arg| lower.value(arg)).collect::<Result<Vec<_>>>()?;
    let types = call.args.iter().map(|arg| arg.of.clone()).collect();
    let of = match &call.of {
        SqlType::Null => SqlType::Null,
        of => of.clone(),
    };
    let collect = Collect::new(what, call.distinct, (types, of), &lower.shared);
    Ok(Made::new(Arc::new(AggregateUDF::new_from_impl(collect)), args))
}

fn concatenated(lower: &Lower, call: &Aggregate) -> Result<Made> {
    let what = What::Concat {
        separator: call.separator.clone(),
        order: call.order.iter().map(|key| key.desc).collect(),
    };
    let mut with_order = call.clone();
    with_order.args.extend(call.order.iter().map(|key| key.by.clone()));
    collected(lower, what, &with_order)
}
