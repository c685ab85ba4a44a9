//! `+ - * / div % neg` and the operators of bits.
//!
//! Not here: the rules (`holdfast_value::arith`).

use holdfast_value::arith::{self, Op};
use holdfast_value::{Context, SqlType, Value, ValueError};

use crate::function::{Arg, Function, Out, pure};
use crate::infer;
use crate::input::In;

macro_rules! binary {
    ($name:expr, $op:ident) => {
        pure!(
            $name,
            2,
            2,
            |args: &[Arg<'_>], ctx: &Context| typed(Op::$op, args, ctx),
            |x: &mut In<'_>| arith::apply(Op::$op, x.value(0), x.value(1), x.ctx)
        )
    };
}

pub(crate) const FUNCTIONS: &[Function] = &[
    binary!("+", Add),
    binary!("-", Sub),
    binary!("*", Mul),
    binary!("/", Div),
    binary!("div", IntDiv),
    binary!("%", Rem),
    binary!("&", BitAnd),
    binary!("|", BitOr),
    binary!("^", BitXor),
    binary!("<<", ShiftLeft),
    binary!(">>", ShiftRight),
    pure!("neg", 1, 1, negated, |x: &mut In<'_>| arith::negate(x.value(0), x.ctx)),
    pure!("~", 1, 1, inverted, invert),
];

fn typed(op: Op, args: &[Arg<'_>], ctx: &Context) -> Result<SqlType, ValueError> {
    let [left, right] = args else { return Ok(SqlType::DOUBLE) };
    Ok(arith::result_type(op, left.of, right.of, ctx.div_scale))
}

fn negated(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    Ok(args.first().map_or(SqlType::DOUBLE, |arg| arith::negate_type(arg.of)))
}

fn inverted(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    Ok(match args.first() {
        Some(arg) if arg.of.is_bytes() => infer::bytes(infer::chars(arg.of)),
        _ => SqlType::BIGINT_UNSIGNED,
    })
}

fn invert(x: &mut In<'_>) -> Out {
    match x.value(0) {
        Value::Bytes(bytes) => Ok(Value::Bytes(bytes.iter().map(|byte| !byte).collect())),
        value => arith::invert(value, x.ctx),
    }
}
