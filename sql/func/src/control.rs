//! Choosing among values: IF, CASE, COALESCE, NULLIF, GREATEST, LEAST, INTERVAL.
//!
//! Not here: evaluating only what is chosen, which whoever evaluates does.

use std::cmp::Ordering;

use holdfast_value::{Comparison, Context, SqlType, Value, ValueError, cast};

use crate::function::{Arg, Function, Out, function, get, pure};
use crate::infer;
use crate::input::In;

pub(crate) const FUNCTIONS: &[Function] = &[
    function!("if", 3, 3, Pure, Own, rest_type, if_else),
    function!("ifnull", 2, 2, Pure, Own, all_type, coalesce),
    function!("nullif", 2, 2, Pure, Own, infer::first, nullif),
    function!("coalesce", 1, usize::MAX, Pure, Own, all_type, coalesce),
    function!("case", 2, usize::MAX, Pure, Own, case_type, case),
    function!("isnull", 1, 1, Pure, Own, infer::boolean, is_null),
    pure!("greatest", 2, usize::MAX, all_type, |x: &mut In<'_>| extreme(x, Ordering::Greater)),
    pure!("least", 2, usize::MAX, all_type, |x: &mut In<'_>| extreme(x, Ordering::Less)),
    function!("interval", 2, usize::MAX, Pure, Own, infer::int, interval),
    function!("any_value", 1, 1, Pure, Own, infer::first, |x: &mut In<'_>| Ok(x.value(0).clone())),
    function!("name_const", 2, 2, Pure, Own, second_type, |x: &mut In<'_>| Ok(x.value(1).clone())),
];

fn all_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    Ok(infer::merged(args.iter().map(|arg| arg.of)))
}

fn rest_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    Ok(infer::merged(args.iter().skip(1).map(|arg| arg.of)))
}

fn second_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    Ok(args.get(1).map_or(SqlType::Null, |arg| arg.of.clone()))
}

/// Arguments are pairs of a condition and a value, then perhaps what else holds.
fn case_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    let count = args.len();
    let is_value = move |at: usize| at % 2 == 1 || at + 1 == count;
    Ok(infer::merged((0..count).filter(|at| is_value(*at)).map(|at| args[at].of)))
}

/// The argument as a value of the result's type.
fn chosen(x: &mut In<'_>, at: usize) -> Out {
    let (value, from, to) = (x.value(at), x.of(at), x.call.result);
    if value.is_null() || from == to || fits(value, to) {
        return Ok(value.clone());
    }
    match to {
        SqlType::Int { .. } if matches!(value, Value::Int(_) | Value::UInt(_)) => Ok(value.clone()),
        SqlType::Date | SqlType::Time(_) | SqlType::DateTime(_) | SqlType::Timestamp(_) => {
            cast::convert(value.clone(), from, to, x.ctx)
        }
        _ if to.is_text() => Ok(x.text(at)?.map_or(Value::Null, Value::text)),
        _ if to.is_bytes() => {
            let bytes = get!(x.bytes(at));
            x.give_part(&bytes)
        }
        SqlType::Double { .. } | SqlType::Float { .. } => {
            Ok(x.double(at)?.map_or(Value::Null, Value::Double))
        }
        SqlType::Decimal { scale, .. } => {
            let number = get!(x.decimal(at));
            Ok(Value::Decimal(number.rescale(*scale).unwrap_or(number)))
        }
        _ => Ok(value.clone()),
    }
}

/// True where the kind of value says all.
fn fits(value: &Value, to: &SqlType) -> bool {
    match value {
        Value::Text(_) => to.is_text(),
        Value::Bytes(_) => to.is_bytes(),
        Value::Double(_) => matches!(to, SqlType::Double { .. }),
        Value::Json(_) => *to == SqlType::Json,
        Value::Int(_) => matches!(to, SqlType::Int { unsigned: false, .. }),
        _ => false,
    }
}

fn if_else(x: &mut In<'_>) -> Out {
    let at = if x.truth(0)? == Some(true) { 1 } else { 2 };
    chosen(x, at)
}

fn coalesce(x: &mut In<'_>) -> Out {
    match (0..x.len()).find(|at| !x.value(*at).is_null()) {
        Some(at) => chosen(x, at),
        None => Ok(Value::Null),
    }
}

fn case(x: &mut In<'_>) -> Out {
    let pairs = x.len() / 2;
    for pair in 0..pairs {
        if x.truth(pair * 2)? == Some(true) {
            return chosen(x, pair * 2 + 1);
        }
    }
    if x.len() % 2 == 1 { chosen(x, x.len() - 1) } else { Ok(Value::Null) }
}

fn nullif(x: &mut In<'_>) -> Out {
    let comparison = Comparison::of(x.of(0), x.of(1));
    let order = comparison.compare(x.value(0), x.value(1), x.ctx)?;
    Ok(if order == Some(Ordering::Equal) { Value::Null } else { x.value(0).clone() })
}

fn is_null(x: &mut In<'_>) -> Out {
    Ok(Value::bool(x.value(0).is_null()))
}

fn extreme(x: &mut In<'_>, wanted: Ordering) -> Out {
    let comparison = Comparison::of(x.call.result, x.call.result);
    let mut best = chosen(x, 0)?;
    for at in 1..x.len() {
        let other = chosen(x, at)?;
        if best.is_null() || other.is_null() {
            return Ok(Value::Null);
        }
        if comparison.compare(&other, &best, x.ctx)? == Some(wanted) {
            best = other;
        }
    }
    Ok(best)
}

/// How many of the sorted bounds are not above the first argument.
fn interval(x: &mut In<'_>) -> Out {
    if x.value(0).is_null() {
        return Ok(Value::Int(-1));
    }
    let is_exact = x
        .call
        .types
        .iter()
        .all(|of| of.is_integer() || matches!(of, SqlType::Decimal { .. } | SqlType::Null));
    let comparison = if is_exact { Comparison::Decimal } else { Comparison::Double };
    for at in 1..x.len() {
        if comparison.compare(x.value(0), x.value(at), x.ctx)? == Some(Ordering::Less) {
            return Ok(Value::Int(i64::try_from(at - 1).unwrap_or(i64::MAX)));
        }
    }
    Ok(Value::Int(i64::try_from(x.len() - 1).unwrap_or(i64::MAX)))
}
