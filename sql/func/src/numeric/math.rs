//! Roots, powers, logarithms, angles: all DOUBLE, and never NaN or infinite.

use holdfast_value::{Value, ValueError};

use crate::function::{Function, Out, get, pure};
use crate::infer;
use crate::input::In;

macro_rules! of_one {
    ($name:expr, $apply:expr) => {
        pure!($name, 1, 1, infer::double, |x: &mut In<'_>| {
            let apply: fn(f64) -> f64 = $apply;
            let n = get!(x.double(0));
            finite(apply(n), || format!("{}({n})", $name))
        })
    };
}

pub(crate) const FUNCTIONS: &[Function] = &[
    of_one!("exp", f64::exp),
    of_one!("sin", f64::sin),
    of_one!("cos", f64::cos),
    of_one!("tan", f64::tan),
    of_one!("cot", |n| 1.0 / n.tan()),
    of_one!("degrees", f64::to_degrees),
    of_one!("radians", f64::to_radians),
    pure!("sqrt", 1, 1, infer::double, |x: &mut In<'_>| within(x, |n| n >= 0.0, f64::sqrt)),
    pure!("asin", 1, 1, infer::double, |x: &mut In<'_>| within(x, |n| n.abs() <= 1.0, f64::asin)),
    pure!("acos", 1, 1, infer::double, |x: &mut In<'_>| within(x, |n| n.abs() <= 1.0, f64::acos)),
    pure!("atan", 1, 2, infer::double, atan),
    pure!("pow", 2, 2, infer::double, pow),
    pure!("ln", 1, 1, infer::double, |x: &mut In<'_>| logarithm(x, f64::ln)),
    pure!("log", 1, 2, infer::double, log),
    pure!("log2", 1, 1, infer::double, |x: &mut In<'_>| logarithm(x, f64::log2)),
    pure!("log10", 1, 1, infer::double, |x: &mut In<'_>| logarithm(x, f64::log10)),
    pure!("pi", 0, 0, infer::double, |_: &mut In<'_>| Ok(Value::Double(std::f64::consts::PI))),
];

fn finite(n: f64, expression: impl FnOnce() -> String) -> Out {
    if n.is_finite() {
        return Ok(Value::Double(n));
    }
    Err(ValueError::OutOfRange { kind: "DOUBLE", expression: expression() })
}

/// NULL outside of where the function is defined.
fn within(x: &mut In<'_>, is_defined: fn(f64) -> bool, apply: fn(f64) -> f64) -> Out {
    let n = get!(x.double(0));
    Ok(if is_defined(n) { Value::Double(apply(n)) } else { Value::Null })
}

fn atan(x: &mut In<'_>) -> Out {
    let y = get!(x.double(0));
    if x.len() < 2 {
        return Ok(Value::Double(y.atan()));
    }
    Ok(Value::Double(y.atan2(get!(x.double(1)))))
}

fn pow(x: &mut In<'_>) -> Out {
    let (base, exponent) = (get!(x.double(0)), get!(x.double(1)));
    finite(base.powf(exponent), || format!("pow({base},{exponent})"))
}

fn logarithm(x: &mut In<'_>, apply: fn(f64) -> f64) -> Out {
    let n = get!(x.double(0));
    if n <= 0.0 {
        return refused(x);
    }
    Ok(Value::Double(apply(n)))
}

fn log(x: &mut In<'_>) -> Out {
    if x.len() < 2 {
        return logarithm(x, f64::ln);
    }
    let (base, n) = (get!(x.double(0)), get!(x.double(1)));
    if base <= 0.0 || base == 1.0 || n <= 0.0 {
        return refused(x);
    }
    finite(n.ln() / base.ln(), || format!("log({base},{n})"))
}

/// 3020: NULL with a warning.
fn refused(x: &mut In<'_>) -> Out {
    let message = "Invalid argument for logarithm".to_owned();
    x.ctx.warn_or_refuse(ValueError::Other { code: 3020, state: "2201E", message })?;
    Ok(Value::Null)
}
