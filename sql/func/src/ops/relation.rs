//! `= <=> <> < <= > >= between in`.
//!
//! Not here: how values of two types compare (`holdfast_value::compare`).

use std::cmp::Ordering;

use holdfast_value::{Comparison, Value, ValueError};

use crate::function::{Function, Out, function, pure};
use crate::infer;
use crate::input::In;

macro_rules! relation {
    ($name:expr, $holds:expr) => {
        pure!($name, 2, 2, infer::boolean, |x: &mut In<'_>| {
            let order = compare(x, 0, 1)?;
            let holds: fn(Ordering) -> bool = $holds;
            Ok(order.map_or(Value::Null, |order| Value::bool(holds(order))))
        })
    };
}

pub(crate) const FUNCTIONS: &[Function] = &[
    relation!("=", Ordering::is_eq),
    relation!("<>", Ordering::is_ne),
    relation!("<", Ordering::is_lt),
    relation!("<=", Ordering::is_le),
    relation!(">", Ordering::is_gt),
    relation!(">=", Ordering::is_ge),
    function!("<=>", 2, 2, Pure, Own, infer::boolean, same),
    function!("between", 3, 3, Pure, Own, infer::boolean, between),
    function!("in", 2, usize::MAX, Pure, Own, infer::boolean, is_in),
];

fn compare(x: &mut In<'_>, left: usize, right: usize) -> Result<Option<Ordering>, ValueError> {
    let (a, b) = (x.value(left), x.value(right));
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Ok(Some(a.cmp(b))),
        _ => Comparison::of(x.of(left), x.of(right)).compare(a, b, x.ctx),
    }
}

fn same(x: &mut In<'_>) -> Out {
    Ok(match (x.value(0).is_null(), x.value(1).is_null()) {
        (true, true) => Value::Int(1),
        (false, false) => Value::bool(compare(x, 0, 1)? == Some(Ordering::Equal)),
        _ => Value::Int(0),
    })
}

fn between(x: &mut In<'_>) -> Out {
    let above = compare(x, 0, 1)?.map(Ordering::is_ge);
    let below = compare(x, 0, 2)?.map(Ordering::is_le);
    Ok(match (above, below) {
        (Some(false), _) | (_, Some(false)) => Value::Int(0),
        (Some(true), Some(true)) => Value::Int(1),
        _ => Value::Null,
    })
}

fn is_in(x: &mut In<'_>) -> Out {
    if x.value(0).is_null() {
        return Ok(Value::Null);
    }
    let mut has_null = false;
    for at in 1..x.len() {
        match compare(x, 0, at)? {
            None => has_null = true,
            Some(Ordering::Equal) => return Ok(Value::Int(1)),
            Some(_) => {}
        }
    }
    Ok(if has_null { Value::Null } else { Value::Int(0) })
}
