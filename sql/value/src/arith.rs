//! Operators of numbers and what types they give.

use crate::{Context, SqlType, Value, ValueError};

/// An operator of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named for what they are")]
pub enum Op {
    Add,
    Sub,
    Mul,
    Div,
    IntDiv,
    Rem,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
}

/// The type of `left op right`.
pub fn result_type(op: Op, left: &SqlType, right: &SqlType, div_scale: u8) -> SqlType {
    let _ = (op, left, right, div_scale);
    SqlType::DOUBLE
}

/// The type of `-of`.
pub fn negate_type(of: &SqlType) -> SqlType {
    of.clone()
}

/// `left op right`, of the type that [`result_type`] gives.
///
/// # Errors
/// [`ValueError::OutOfRange`].
pub fn apply(
    op: Op,
    left: &Value,
    right: &Value,
    context: &mut Context,
) -> Result<Value, ValueError> {
    let _ = (op, left, right, context);
    Err(ValueError::NotSupported("arithmetic".into()))
}

/// `-value`.
///
/// # Errors
/// [`ValueError::OutOfRange`].
pub fn negate(value: &Value, context: &mut Context) -> Result<Value, ValueError> {
    apply(Op::Sub, &Value::Int(0), value, context)
}

/// `~value`.
///
/// # Errors
/// As [`crate::cast::to_u64`].
pub fn invert(value: &Value, context: &mut Context) -> Result<Value, ValueError> {
    Ok(match crate::cast::to_i64(value, context)? {
        None => Value::Null,
        Some(v) => Value::UInt(!v as u64),
    })
}
