//! UNIX_TIMESTAMP, FROM_UNIXTIME, CONVERT_TZ.

use ethnum::I256;
use holdfast_value::{Context, Decimal, SqlType, Value, ValueError, Zone};

use super::calendar::{self, SECOND};
use crate::function::{Arg, Function, Out, function, get, pure};
use crate::infer;
use crate::input::In;

/// 3001-01-18 23:59:59 UTC, the last that MySQL counts. [seconds]
const LAST: i64 = 32_536_771_199;

pub(crate) const FUNCTIONS: &[Function] = &[
    function!("unix_timestamp", 0, 1, Stable, Strict, unix_type, unix_timestamp),
    pure!("from_unixtime", 1, 2, from_type, from_unixtime),
    pure!("convert_tz", 3, 3, convert_type, convert_tz),
];

fn unix_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    Ok(match args.first().map_or(0, infer::fsp_of) {
        0 => SqlType::BIGINT,
        scale => SqlType::Decimal { precision: 12 + scale, scale, unsigned: false },
    })
}

fn unix_timestamp(x: &mut In<'_>) -> Out {
    let micros = if x.len() == 0 {
        x.ctx.now
    } else {
        let local = get!(x.datetime(0));
        x.ctx.zone.to_utc(local)
    };
    let micros = if (0..=LAST * SECOND + SECOND - 1).contains(&micros) { micros } else { 0 };
    Ok(match x.call.result {
        SqlType::Decimal { scale, .. } => {
            let unit = 10_i64.pow(6 - u32::from((*scale).min(6)));
            Value::Decimal(Decimal { digits: I256::from(micros / unit), scale: (*scale).min(6) })
        }
        _ => Value::Int(micros / SECOND),
    })
}

fn from_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    match args.len() {
        2 => Ok(super::pattern::format_type(args, 1)),
        _ => Ok(SqlType::DateTime(args.first().map_or(0, infer::fsp_of))),
    }
}

fn from_unixtime(x: &mut In<'_>) -> Out {
    let micros = match x.value(0) {
        Value::Int(n) => i128::from(*n) * i128::from(SECOND),
        _ => {
            let number = get!(x.decimal(0)).round(6);
            let Some(number) = number.rescale(6) else { return Ok(Value::Null) };
            let limit = I256::from(i128::from(i64::MAX));
            number.digits.clamp(-limit, limit).as_i128()
        }
    };
    if !(0..=i128::from(LAST) * i128::from(SECOND) + 999_999).contains(&micros) {
        return Ok(Value::Null);
    }
    let micros = x.ctx.zone.from_utc(i64::try_from(micros).unwrap_or(0));
    if x.len() < 2 {
        return Ok(Value::DateTime(micros));
    }
    super::pattern::format_moment(x, micros, 1)
}

fn convert_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    Ok(SqlType::DateTime(args.first().map_or(0, infer::fsp_of)))
}

/// Moments beyond what TIMESTAMP counts stay as they are.
fn convert_tz(x: &mut In<'_>) -> Out {
    let local = get!(x.datetime(0));
    let (from, to) = (get!(x.text(1)), get!(x.text(2)));
    let (Some(from), Some(to)) = (Zone::parse(&from), Zone::parse(&to)) else {
        return Ok(Value::Null);
    };
    let utc = from.to_utc(local);
    if !(1..=LAST * SECOND).contains(&utc) {
        return Ok(Value::DateTime(local));
    }
    let there = to.from_utc(utc);
    Ok(calendar::checked_micros(i128::from(there)).map_or(Value::Null, Value::DateTime))
}
