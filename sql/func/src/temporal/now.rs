//! The statement's moment: NOW, CURDATE, CURTIME, UTC_TIMESTAMP.
//!
//! SYSDATE is NOW: within one statement there is one moment.

use holdfast_value::{Context, SqlType, Value, ValueError};

use super::calendar::{self, DAY};
use crate::function::{Arg, Function, Out, function};
use crate::infer;
use crate::input::In;

pub(crate) const FUNCTIONS: &[Function] = &[
    function!("now", 0, 1, Stable, Own, moment_type, |x: &mut In<'_>| moment(x, true)),
    function!("sysdate", 0, 1, Stable, Own, moment_type, |x: &mut In<'_>| moment(x, true)),
    function!("utc_timestamp", 0, 1, Stable, Own, moment_type, |x: &mut In<'_>| moment(x, false)),
    function!("curdate", 0, 0, Stable, Own, infer::date, |x: &mut In<'_>| day(x, true)),
    function!("utc_date", 0, 0, Stable, Own, infer::date, |x: &mut In<'_>| day(x, false)),
    function!("curtime", 0, 1, Stable, Own, time_type, |x: &mut In<'_>| time(x, true)),
    function!("utc_time", 0, 1, Stable, Own, time_type, |x: &mut In<'_>| time(x, false)),
];

fn digits(args: &[Arg<'_>]) -> Result<u8, ValueError> {
    let digits = if args.is_empty() { 0 } else { infer::constant(args, 0).unwrap_or(0) };
    u8::try_from(digits).ok().filter(|digits| *digits <= 6).ok_or_else(|| ValueError::Other {
        code: 1426,
        state: "42000",
        message: format!("Too-big precision {digits} specified for 'now'. Maximum is 6."),
    })
}

fn moment_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    Ok(SqlType::DateTime(digits(args)?))
}

fn time_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    Ok(SqlType::Time(digits(args)?))
}

fn micros(x: &In<'_>, is_local: bool) -> i64 {
    let now = if is_local { x.ctx.zone.from_utc(x.ctx.now) } else { x.ctx.now };
    calendar::checked_micros(i128::from(now)).unwrap_or(0)
}

fn moment(x: &mut In<'_>, is_local: bool) -> Out {
    let micros = micros(x, is_local);
    Ok(Value::DateTime(calendar::cut(micros, infer::fsp(x.call.result))))
}

fn day(x: &mut In<'_>, is_local: bool) -> Out {
    Ok(Value::Date(calendar::days_of_micros(micros(x, is_local))))
}

fn time(x: &mut In<'_>, is_local: bool) -> Out {
    let micros = micros(x, is_local).rem_euclid(DAY);
    Ok(Value::Time(calendar::cut(micros, infer::fsp(x.call.result))))
}
