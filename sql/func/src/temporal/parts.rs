//! Parts of dates and times: YEAR, WEEK, HOUR, EXTRACT and their like.

use holdfast_value::{Value, ValueError, temporal};

use super::calendar::{self, DAY, HOUR, MINUTE, SECOND, WeekMode};
use crate::function::{Function, Out, get, pure};
use crate::infer;
use crate::input::In;

pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// From Monday.
pub(crate) const WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

macro_rules! of_date {
    ($name:expr, $part:expr) => {
        pure!($name, 1, 1, infer::int, |x: &mut In<'_>| {
            let part: fn(i32) -> i64 = $part;
            Ok(Value::Int(part(get!(x.date(0)))))
        })
    };
}

macro_rules! of_time {
    ($name:expr, $part:expr) => {
        pure!($name, 1, 1, infer::int, |x: &mut In<'_>| {
            let part: fn(i64) -> i64 = $part;
            Ok(Value::Int(part(get!(x.time(0)).abs())))
        })
    };
}

/// EXTRACT of a part that only a date has.
macro_rules! extract_date {
    ($unit:expr, $part:expr) => {
        of_date!(concat!("extract_", $unit), $part)
    };
}

/// EXTRACT of parts of a time, negative as the time is; a date's day counts.
macro_rules! extract_time {
    ($unit:expr, $part:expr) => {
        pure!(concat!("extract_", $unit), 1, 1, infer::bigint, |x: &mut In<'_>| {
            let part: fn(&Clock) -> i64 = $part;
            let clock = get!(clock(x));
            Ok(Value::Int(part(&clock) * if clock.is_negative { -1 } else { 1 }))
        })
    };
}

pub(crate) const FUNCTIONS: &[Function] = &[
    of_date!("year", |days| i64::from(temporal::civil_of(days).0)),
    of_date!("quarter", quarter),
    of_date!("month", month),
    of_date!("dayofmonth", |days| i64::from(temporal::civil_of(days).2)),
    of_date!("dayofweek", |days| (calendar::weekday(days) + 1) % 7 + 1),
    of_date!("weekday", calendar::weekday),
    of_date!("dayofyear", calendar::day_of_year),
    of_date!("weekofyear", |days| calendar::week(days, WeekMode::of(3)).1),
    of_date!("to_days", calendar::day_number),
    pure!("to_seconds", 1, 1, infer::bigint, to_seconds),
    pure!("week", 1, 2, infer::int, week),
    pure!("yearweek", 1, 2, infer::int, year_week),
    pure!("monthname", 1, 1, infer::text_n::<9>, month_name),
    pure!("dayname", 1, 1, infer::text_n::<9>, day_name),
    of_time!("hour", |micros| micros / HOUR),
    of_time!("minute", |micros| micros / MINUTE % 60),
    of_time!("second", |micros| micros / SECOND % 60),
    of_time!("microsecond", |micros| micros % SECOND),
    pure!("time_to_sec", 1, 1, infer::bigint, |x: &mut In<'_>| {
        Ok(Value::Int(get!(x.time(0)) / SECOND))
    }),
    extract_date!("year", |days| i64::from(temporal::civil_of(days).0)),
    extract_date!("year_month", |days| {
        let (year, month, _) = temporal::civil_of(days);
        i64::from(year) * 100 + i64::from(month)
    }),
    extract_date!("quarter", quarter),
    extract_date!("month", month),
    extract_date!("week", |days| calendar::week(days, WeekMode::of(0)).1),
    extract_date!("day", |days| i64::from(temporal::civil_of(days).2)),
    extract_time!("hour", |clock| clock.hours),
    extract_time!("minute", |clock| clock.minutes),
    extract_time!("second", |clock| clock.seconds),
    extract_time!("microsecond", |clock| clock.micros),
    extract_time!("day_hour", |clock| clock.day * 100 + clock.hours),
    extract_time!("day_minute", |clock| clock.day * 10_000 + clock.hour_minute()),
    extract_time!("day_second", |clock| clock.day * 1_000_000 + clock.hour_second()),
    extract_time!("day_microsecond", |clock| {
        (clock.day * 1_000_000 + clock.hour_second()) * SECOND + clock.micros
    }),
    extract_time!("hour_minute", Clock::hour_minute),
    extract_time!("hour_second", Clock::hour_second),
    extract_time!("hour_microsecond", |clock| clock.hour_second() * SECOND + clock.micros),
    extract_time!("minute_second", |clock| clock.minutes * 100 + clock.seconds),
    extract_time!("minute_microsecond", |clock| {
        (clock.minutes * 100 + clock.seconds) * SECOND + clock.micros
    }),
    extract_time!("second_microsecond", |clock| clock.seconds * SECOND + clock.micros),
];

fn month(days: i32) -> i64 {
    i64::from(temporal::civil_of(days).1)
}

fn quarter(days: i32) -> i64 {
    (month(days) + 2) / 3
}

fn to_seconds(x: &mut In<'_>) -> Out {
    let micros = get!(x.datetime(0));
    let days = calendar::day_number(calendar::days_of_micros(micros));
    Ok(Value::Int(days * 86_400 + micros.rem_euclid(DAY) / SECOND))
}

fn mode(x: &mut In<'_>) -> Result<Option<i64>, ValueError> {
    if x.len() > 1 { x.int(1) } else { Ok(Some(0)) }
}

fn week(x: &mut In<'_>) -> Out {
    let days = get!(x.date(0));
    Ok(Value::Int(calendar::week(days, WeekMode::of(get!(mode(x)))).1))
}

fn year_week(x: &mut In<'_>) -> Out {
    let days = get!(x.date(0));
    let (year, week) = calendar::week(days, WeekMode::of(get!(mode(x)) | 2));
    Ok(Value::Int(i64::from(year) * 100 + week))
}

fn month_name(x: &mut In<'_>) -> Out {
    let (_, month, _) = temporal::civil_of(get!(x.date(0)));
    Ok(MONTHS
        .get(usize::from(month.wrapping_sub(1)))
        .map_or(Value::Null, |name| Value::text(*name)))
}

fn day_name(x: &mut In<'_>) -> Out {
    let at = usize::try_from(calendar::weekday(get!(x.date(0)))).unwrap_or(0);
    Ok(WEEKDAYS.get(at).map_or(Value::Null, |name| Value::text(*name)))
}

/// A time in parts, with the day of the month if there is a date.
struct Clock {
    is_negative: bool,
    day: i64,
    hours: i64,
    minutes: i64,
    seconds: i64,
    micros: i64,
}

impl Clock {
    fn hour_minute(&self) -> i64 {
        self.hours * 100 + self.minutes
    }

    fn hour_second(&self) -> i64 {
        self.hour_minute() * 100 + self.seconds
    }
}

fn clock(x: &mut In<'_>) -> Result<Option<Clock>, ValueError> {
    let (day, micros) = if x.has_date(0) {
        let Some(micros) = x.datetime(0)? else { return Ok(None) };
        let (.., day) = temporal::civil_of(calendar::days_of_micros(micros));
        (i64::from(day), micros.rem_euclid(DAY))
    } else {
        let Some(micros) = x.time(0)? else { return Ok(None) };
        (0, micros)
    };
    let size = micros.abs();
    Ok(Some(Clock {
        is_negative: micros < 0,
        day,
        hours: size / HOUR,
        minutes: size / MINUTE % 60,
        seconds: size / SECOND % 60,
        micros: size % SECOND,
    }))
}
