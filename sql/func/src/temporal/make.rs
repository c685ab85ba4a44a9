//! Dates and times made of numbers and of each other: DATE, TIME, TIMESTAMP, MAKEDATE,
//! MAKETIME, SEC_TO_TIME, FROM_DAYS, LAST_DAY.

use ethnum::I256;
use holdfast_value::{Context, SqlType, Value, ValueError, temporal};

use super::calendar::{self, DAY, EPOCH_DAYS, HOUR, MINUTE, SECOND, TIME_MAX};
use crate::function::{Arg, Function, Out, get, pure};
use crate::infer;
use crate::input::In;

pub(crate) const FUNCTIONS: &[Function] = &[
    pure!("date", 1, 1, infer::date, |x: &mut In<'_>| Ok(Value::Date(get!(x.date(0))))),
    pure!("time", 1, 1, time_of_first, time),
    pure!("timestamp", 1, 2, timestamp_type, timestamp),
    pure!("makedate", 2, 2, infer::date, make_date),
    pure!("maketime", 3, 3, make_time_type, make_time),
    pure!("sec_to_time", 1, 1, time_of_first, sec_to_time),
    pure!("from_days", 1, 1, infer::date, from_days),
    pure!("last_day", 1, 1, infer::date, last_day),
];

fn time_of_first(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    Ok(SqlType::Time(args.first().map_or(0, infer::fsp_of)))
}

fn make_time_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    Ok(SqlType::Time(args.get(2).map_or(0, infer::fsp_of)))
}

fn timestamp_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    Ok(SqlType::DateTime(args.iter().map(infer::fsp_of).max().unwrap_or(0)))
}

fn time(x: &mut In<'_>) -> Out {
    Ok(Value::Time(get!(x.time(0))))
}

fn timestamp(x: &mut In<'_>) -> Out {
    let mut micros = i128::from(get!(x.datetime(0)));
    if x.len() > 1 {
        micros += i128::from(get!(x.time(1)));
    }
    match calendar::checked_micros(micros) {
        Some(micros) => Ok(Value::DateTime(micros)),
        None => Ok(overflow(x)),
    }
}

/// 1441: NULL with a warning.
pub(crate) fn overflow(x: &mut In<'_>) -> Value {
    let message = "Datetime function: datetime field overflow".to_owned();
    x.ctx.warn(ValueError::Other { code: 1441, state: "22008", message });
    Value::Null
}

/// Years of two digits are of 1970 to 2069.
pub(crate) fn full_year(year: i64) -> i64 {
    match year {
        0..70 => year + 2000,
        70..100 => year + 1900,
        _ => year,
    }
}

fn make_date(x: &mut In<'_>) -> Out {
    let (year, day) = (full_year(get!(x.int(0))), get!(x.int(1)));
    if !(0..=9999).contains(&year) || !(1..=4_000_000).contains(&day) {
        return Ok(Value::Null);
    }
    let first = temporal::days_of(i32::try_from(year).unwrap_or(0), 1, 1);
    let days = calendar::checked_days(i64::from(first) + day - 1);
    Ok(days.map_or(Value::Null, Value::Date))
}

/// Microseconds of so many seconds, exact if the number is.
fn seconds(x: &mut In<'_>, at: usize) -> Result<Option<i128>, ValueError> {
    Ok(match x.value(at) {
        Value::Int(n) => Some(i128::from(*n) * i128::from(SECOND)),
        Value::UInt(n) => Some(i128::from(*n) * i128::from(SECOND)),
        Value::Double(n) => Some((n * SECOND as f64).round() as i128),
        _ => {
            let Some(number) = x.decimal(at)? else { return Ok(None) };
            let micros = number.round(6).rescale(6).map(|number| number.digits);
            let limit = I256::from(i128::MAX);
            micros.map(|micros| micros.clamp(-limit, limit).as_i128())
        }
    })
}

/// A time, cut to the largest with a warning.
pub(crate) fn clipped(x: &mut In<'_>, micros: i128, shown: impl FnOnce() -> String) -> Value {
    match i64::try_from(micros) {
        Ok(micros) if micros.abs() <= TIME_MAX => Value::Time(micros),
        _ => {
            x.ctx.warn(ValueError::Truncated { kind: "time", value: shown() });
            Value::Time(if micros < 0 { -TIME_MAX } else { TIME_MAX })
        }
    }
}

fn make_time(x: &mut In<'_>) -> Out {
    let (hours, minutes) = (get!(x.int(0)), get!(x.int(1)));
    let seconds = get!(seconds(x, 2));
    let is_legal = (0..60).contains(&minutes) && (0..i128::from(MINUTE)).contains(&seconds);
    if !is_legal {
        return Ok(Value::Null);
    }
    let rest = i128::from(minutes * MINUTE) + seconds;
    let whole = i128::from(hours) * i128::from(HOUR);
    let micros = if hours < 0 { whole - rest } else { whole + rest };
    let shown = || format!("{hours}:{minutes:02}:{:02}", seconds / i128::from(SECOND));
    Ok(clipped(x, micros, shown))
}

fn sec_to_time(x: &mut In<'_>) -> Out {
    let micros = get!(seconds(x, 0));
    let text = get!(x.text(0)).into_owned();
    Ok(clipped(x, micros, || text))
}

fn from_days(x: &mut In<'_>) -> Out {
    let days = get!(x.int(0)).saturating_sub(EPOCH_DAYS);
    // As MySQL, there is no year 0 here.
    let is_legal = days >= -EPOCH_DAYS + 366;
    Ok(calendar::checked_days(days).filter(|_| is_legal).map_or(Value::Null, Value::Date))
}

fn last_day(x: &mut In<'_>) -> Out {
    let (year, month, _) = temporal::civil_of(get!(x.date(0)));
    let day = temporal::month_days(year, month);
    Ok(Value::Date(temporal::days_of(year, month, day)))
}

/// Hours, minutes and seconds never reach a day's length twice.
const _: () = assert!(TIME_MAX < 35 * DAY, "a TIME is below 35 days");
