//! `and or xor not` and `is`, in three values.

use holdfast_value::Value;

use crate::function::{Function, Out, function, get, pure};
use crate::infer;
use crate::input::In;

pub(crate) const FUNCTIONS: &[Function] = &[
    function!("and", 2, usize::MAX, Pure, Own, infer::boolean, |x: &mut In<'_>| joined(x, false)),
    function!("or", 2, usize::MAX, Pure, Own, infer::boolean, |x: &mut In<'_>| joined(x, true)),
    pure!("xor", 2, 2, infer::boolean, xor),
    pure!("not", 1, 1, infer::boolean, not),
    function!("is_true", 1, 1, Pure, Own, infer::boolean, |x: &mut In<'_>| is(x, Some(true))),
    function!("is_false", 1, 1, Pure, Own, infer::boolean, |x: &mut In<'_>| is(x, Some(false))),
    function!("is_null", 1, 1, Pure, Own, infer::boolean, |x: &mut In<'_>| {
        Ok(Value::bool(x.value(0).is_null()))
    }),
    function!("is_not_null", 1, 1, Pure, Own, infer::boolean, |x: &mut In<'_>| {
        Ok(Value::bool(!x.value(0).is_null()))
    }),
];

/// `decides` is what one operand alone makes of the whole: false of AND, true of OR.
fn joined(x: &mut In<'_>, decides: bool) -> Out {
    let mut has_null = false;
    for at in 0..x.len() {
        match x.truth(at)? {
            None => has_null = true,
            Some(truth) if truth == decides => return Ok(Value::bool(decides)),
            Some(_) => {}
        }
    }
    Ok(if has_null { Value::Null } else { Value::bool(!decides) })
}

fn xor(x: &mut In<'_>) -> Out {
    let (left, right) = (get!(x.truth(0)), get!(x.truth(1)));
    Ok(Value::bool(left != right))
}

fn not(x: &mut In<'_>) -> Out {
    Ok(Value::bool(!get!(x.truth(0))))
}

fn is(x: &mut In<'_>, wanted: Option<bool>) -> Out {
    Ok(Value::bool(x.truth(0)? == wanted))
}
