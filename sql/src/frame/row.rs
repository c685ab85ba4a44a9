//! The function library over columns, row by row (F4).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use datafusion::logical_expr::{ColumnarValue, Expr, Volatility};
use holdfast_func::{Call, Function, Kind, Nulls};
use holdfast_tail::columns::{self, Builder, value_at};
use holdfast_value::{Context, Decimal, SqlType, Value, ValueError, cast};

use super::kernel::Kernel;
use super::shared::Shared;
use super::trouble::wrap;
use crate::expr::Typed;
use crate::expr::eval::{Env, Facts, Layout, eval};

/// A call of `function` over expressions.
pub(super) fn call(
    function: &'static Function,
    (types, args): (Vec<SqlType>, Vec<Expr>),
    result: &SqlType,
    shared: &Arc<Shared>,
) -> Expr {
    let volatility = match function.kind {
        Kind::Pure => Volatility::Immutable,
        Kind::Stable => Volatility::Stable,
        Kind::Volatile => Volatility::Volatile,
    };
    let settings = format!("{types:?}->{result:?}");
    let returns = columns::data_type(result);
    let is_strict = function.nulls == Nulls::Strict;
    let (to, shared) = (result.clone(), Arc::clone(shared));
    let body = move |args: &[ColumnarValue], rows: usize| {
        each(args, (&types, &to), rows, &shared, &mut |context, values| {
            if is_strict && values.iter().any(Value::is_null) {
                return Ok(Value::Null);
            }
            (function.eval)(context, &Call { types: &types, result: &to }, values)
        })
        .map_err(wrap)
    };
    Kernel::new((function.name, &settings), returns, volatility, Arc::new(body)).call(args)
}

/// `CAST` without its words: an implicit conversion.
pub(super) fn convert(arg: Expr, from: &SqlType, to: &SqlType, shared: &Arc<Shared>) -> Expr {
    let settings = format!("{from:?}->{to:?}");
    let returns = columns::data_type(to);
    let (from, to, shared) = (from.clone(), to.clone(), Arc::clone(shared));
    let types = vec![from.clone()];
    Kernel::pure("convert", &settings, returns, move |args, rows| {
        each(args, (&types, &to), rows, &shared, &mut |context, values| {
            if values[0].is_null() {
                return Ok(Value::Null);
            }
            cast::convert(values[0].clone(), &from, &to, context)
        })
        .map_err(wrap)
    })
    .call(vec![arg])
}

/// `UUID()` and `RAND()`: another one for each row.
pub(super) fn drawn(typed: &Typed, shared: &Arc<Shared>) -> Expr {
    let (shared, to, typed) = (Arc::clone(shared), typed.of.clone(), typed.clone());
    let (settings, returns) = (format!("{:?}", typed.expr), columns::data_type(&to));
    let body = move |_: &[ColumnarValue], rows: usize| {
        let one = &mut |context: &mut Context, _: &[Value]| {
            let mut env = Env {
                row: &[],
                layout: &Layout::default(),
                params: &[],
                facts: &mut Facts::default(),
                system: &|_, _| None,
                rng: &*shared.rng,
                context,
            };
            // It draws some bytes and refuses nothing.
            Ok(eval(&typed, &mut env).unwrap_or(Value::Null))
        };
        each(&[], (&[], &to), rows, &shared, one).map_err(wrap)
    };
    Kernel::new(("drawn", &settings), returns, Volatility::Volatile, Arc::new(body))
        .call(Vec::new())
}

/// Evaluates one row after the other.
pub(super) type Each<'a> = &'a mut dyn FnMut(&mut Context, &[Value]) -> Result<Value, ValueError>;

/// Calls `eval` for every row; `types` are those of the arguments, and the result's.
pub(super) fn each(
    args: &[ColumnarValue],
    (types, result): (&[SqlType], &SqlType),
    rows: usize,
    shared: &Shared,
    eval: Each<'_>,
) -> Result<ArrayRef, ValueError> {
    let mut values = vec![Value::Null; args.len()];
    let mut changing: Vec<(usize, &ArrayRef)> = Vec::with_capacity(args.len());
    for (at, arg) in args.iter().enumerate() {
        match arg {
            ColumnarValue::Array(array) => changing.push((at, array)),
            ColumnarValue::Scalar(one) => {
                let array = one.to_array_of_size(1).map_err(strange)?;
                values[at] = value_at(&array, 0, &types[at])?;
            }
        }
    }
    let mut builder = Builder::new([(0, result, &Value::Null)], rows);
    shared.with(|context| {
        for row in 0..rows {
            for (at, array) in &changing {
                values[*at] = value_at(array as &dyn Array, row, &types[*at])?;
            }
            let value = fit(eval(context, &values)?, result, context)?;
            builder.push_values(&[value])?;
        }
        Ok::<_, ValueError>(())
    })?;
    builder.finish().pop().ok_or_else(|| ValueError::NotSupported("a column of nothing".into()))
}

fn strange(error: datafusion::error::DataFusionError) -> ValueError {
    ValueError::Other { code: 1105, state: "HY000", message: error.to_string() }
}

/// A value as the column of its type takes it.
pub(super) fn fit(value: Value, to: &SqlType, context: &mut Context) -> Result<Value, ValueError> {
    let is_it = match (&value, to) {
        (Value::Null, _) => true,
        (Value::Decimal(number), SqlType::Decimal { scale, .. }) => number.scale == *scale,
        (Value::Int(number), SqlType::Int { unsigned, .. }) => !unsigned || *number >= 0,
        (Value::UInt(number), SqlType::Int { unsigned, .. }) => {
            *unsigned || i64::try_from(*number).is_ok()
        }
        (Value::Int(_) | Value::UInt(_), SqlType::Year | SqlType::Bit(_)) => true,
        (Value::Double(_), SqlType::Double { .. } | SqlType::Float { .. }) => true,
        (Value::Text(_), to) => to.is_text(),
        (Value::Json(_), SqlType::Json) => true,
        (Value::Bytes(_), to) => to.is_bytes(),
        (Value::Date(_), SqlType::Date) => true,
        (Value::DateTime(_), SqlType::DateTime(_) | SqlType::Timestamp(_)) => true,
        (Value::Time(_), SqlType::Time(_)) => true,
        _ => false,
    };
    if is_it {
        return Ok(value);
    }
    match (&value, to) {
        (Value::Decimal(number), SqlType::Decimal { scale, .. }) => {
            Ok(number.rescale(*scale).map_or(Value::Null, Value::Decimal))
        }
        (Value::Int(number), SqlType::Decimal { scale, .. }) => {
            Ok(Decimal::from_i64(*number).rescale(*scale).map_or(Value::Null, Value::Decimal))
        }
        (Value::Int(number), SqlType::Int { unsigned: true, .. }) => {
            Ok(Value::UInt(number.cast_unsigned()))
        }
        (Value::Text(text) | Value::Json(text), SqlType::Json) => Ok(Value::Json(text.clone())),
        (Value::Json(text), to) if to.is_text() => Ok(Value::Text(text.clone())),
        _ => {
            let from = kind_of(&value);
            cast::convert(value, &from, to, context)
        }
    }
}

/// A type whose values a value is one of.
fn kind_of(value: &Value) -> SqlType {
    match value {
        Value::Null => SqlType::Null,
        Value::Int(_) => SqlType::BIGINT,
        Value::UInt(_) => SqlType::BIGINT_UNSIGNED,
        Value::Decimal(number) => SqlType::Decimal {
            precision: number.precision().max(number.scale).max(1),
            scale: number.scale,
            unsigned: false,
        },
        Value::Double(_) => SqlType::DOUBLE,
        Value::Text(text) => {
            SqlType::VarChar(text.len() as u32, holdfast_value::Collation::default())
        }
        Value::Bytes(bytes) => SqlType::VarBinary(bytes.len() as u32),
        Value::Date(_) => SqlType::Date,
        Value::DateTime(_) => SqlType::DateTime(6),
        Value::Time(_) => SqlType::Time(6),
        Value::Json(_) => SqlType::Json,
    }
}
