//! Patterns: DATE_FORMAT, TIME_FORMAT, GET_FORMAT, and the function STR_TO_DATE.
//!
//! Not here: reading by a pattern (`parse`).

use std::fmt::Write;

use holdfast_value::{Collation, Context, SqlType, Value, ValueError, temporal};

use super::calendar::{self, DAY, HOUR, MINUTE, SECOND, WeekMode};
use super::parse::{self, Given};
use super::parts::{MONTHS, WEEKDAYS};
use crate::function::{Arg, Function, Out, get, pure};
use crate::infer;
use crate::input::In;

pub(crate) const FUNCTIONS: &[Function] = &[
    pure!("date_format", 2, 2, date_format_type, date_format),
    pure!("time_format", 2, 2, date_format_type, time_format),
    pure!("get_format", 2, 2, infer::text_n::<17>, get_format),
    pure!("str_to_date", 2, 2, str_to_date_type, str_to_date),
];

/// The length that a pattern may give: a name is at most 9 letters.
pub(crate) fn format_type(args: &[Arg<'_>], at: usize) -> SqlType {
    let pattern = args.get(at).map_or(0, |arg| infer::chars(arg.of));
    infer::text(pattern.saturating_mul(10), Collation::default())
}

fn date_format_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    Ok(format_type(args, 1))
}

/// What a pattern shows: a day, if there is one, and a time.
struct Moment {
    days: Option<i32>,
    /// Without its sign.
    time: i64,
    is_negative: bool,
}

fn date_format(x: &mut In<'_>) -> Out {
    let micros = get!(x.datetime(0));
    format_moment(x, micros, 1)
}

/// A DATETIME by the pattern in the argument `at`.
pub(crate) fn format_moment(x: &mut In<'_>, micros: i64, at: usize) -> Out {
    let pattern = get!(x.text(at));
    let days = Some(calendar::days_of_micros(micros));
    let moment = Moment { days, time: micros.rem_euclid(DAY), is_negative: false };
    shown(x, &moment, &pattern)
}

fn time_format(x: &mut In<'_>) -> Out {
    let (micros, pattern) = (get!(x.time(0)), get!(x.text(1)));
    let moment = Moment { days: None, time: micros.abs(), is_negative: micros < 0 };
    shown(x, &moment, &pattern)
}

fn shown(x: &mut In<'_>, moment: &Moment, pattern: &str) -> Out {
    let mut out = String::with_capacity(pattern.len() * 2);
    if pattern.is_empty() || (moment.is_negative && write!(out, "-").is_err()) {
        return Ok(Value::Null);
    }
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        let Some(which) = letters.next() else {
            out.push('%');
            break;
        };
        let known = match moment.days {
            Some(days) => write_day(days, which, &mut out),
            None => write_no_day(which, &mut out),
        };
        match known {
            Some(true) => {}
            None => return Ok(Value::Null),
            Some(false) => {
                if !write_time(moment.time, which, &mut out) {
                    out.push(which);
                }
            }
        }
    }
    if !x.fits(out.len() as u64, "date_format") {
        return Ok(Value::Null);
    }
    Ok(Value::text(out))
}

/// `Some(true)` if `which` is of a day and written.
fn write_day(days: i32, which: char, out: &mut String) -> Option<bool> {
    let (year, month, day) = temporal::civil_of(days);
    let weekday = usize::try_from(calendar::weekday(days)).unwrap_or(0);
    let week = |mode: i64| calendar::week(days, WeekMode::of(mode));
    let name = |names: &[&'static str], at: usize, length: usize| {
        names.get(at).map(|name| &name[..name.len().min(length)])
    };
    let month_at = usize::from(month).wrapping_sub(1);
    let written = match which {
        'a' => write!(out, "{}", name(&WEEKDAYS, weekday, 3)?),
        'W' => write!(out, "{}", name(&WEEKDAYS, weekday, 9)?),
        'b' => write!(out, "{}", name(&MONTHS, month_at, 3)?),
        'M' => write!(out, "{}", name(&MONTHS, month_at, 9)?),
        'c' => write!(out, "{month}"),
        'm' => write!(out, "{month:02}"),
        'D' => write!(out, "{day}{}", ordinal(day)),
        'd' => write!(out, "{day:02}"),
        'e' => write!(out, "{day}"),
        'j' => write!(out, "{:03}", calendar::day_of_year(days)),
        'U' => write!(out, "{:02}", week(0).1),
        'u' => write!(out, "{:02}", week(1).1),
        'V' => write!(out, "{:02}", week(2).1),
        'v' => write!(out, "{:02}", week(3).1),
        'w' => write!(out, "{}", (weekday + 1) % 7),
        'X' => write!(out, "{:04}", week(2).0),
        'x' => write!(out, "{:04}", week(3).0),
        'Y' => write!(out, "{year:04}"),
        'y' => write!(out, "{:02}", year % 100),
        _ => return Some(false),
    };
    written.is_ok().then_some(true)
}

/// A time has zeros for its day; names it has none.
fn write_no_day(which: char, out: &mut String) -> Option<bool> {
    let zeros = match which {
        'Y' => "0000",
        'y' | 'm' | 'd' => "00",
        'c' | 'e' => "0",
        'a' | 'W' | 'b' | 'M' | 'D' | 'j' | 'U' | 'u' | 'V' | 'v' | 'w' | 'X' | 'x' => return None,
        _ => return Some(false),
    };
    out.push_str(zeros);
    Some(true)
}

fn write_time(time: i64, which: char, out: &mut String) -> bool {
    let (hour, minute, second) = (time / HOUR, time / MINUTE % 60, time / SECOND % 60);
    let twelve = (hour % 24 + 11) % 12 + 1;
    let half = if hour % 24 < 12 { "AM" } else { "PM" };
    let written = match which {
        'f' => write!(out, "{:06}", time % SECOND),
        'H' => write!(out, "{hour:02}"),
        'k' => write!(out, "{hour}"),
        'h' | 'I' => write!(out, "{twelve:02}"),
        'l' => write!(out, "{twelve}"),
        'i' => write!(out, "{minute:02}"),
        'S' | 's' => write!(out, "{second:02}"),
        'p' => write!(out, "{half}"),
        'r' => write!(out, "{twelve:02}:{minute:02}:{second:02} {half}"),
        'T' => write!(out, "{hour:02}:{minute:02}:{second:02}"),
        _ => return false,
    };
    written.is_ok()
}

fn ordinal(day: u8) -> &'static str {
    match (day / 10, day % 10) {
        (1, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    }
}

fn get_format(x: &mut In<'_>) -> Out {
    let (kind, place) = (get!(x.text(0)), get!(x.text(1)));
    let kind = match kind.to_ascii_uppercase().as_str() {
        "DATE" => 0,
        "TIME" => 1,
        "DATETIME" | "TIMESTAMP" => 2,
        _ => return Ok(Value::Null),
    };
    let patterns = match place.to_ascii_uppercase().as_str() {
        "USA" => ["%m.%d.%Y", "%h:%i:%s %p", "%Y-%m-%d %H.%i.%s"],
        "JIS" | "ISO" => ["%Y-%m-%d", "%H:%i:%s", "%Y-%m-%d %H:%i:%s"],
        "EUR" => ["%d.%m.%Y", "%H.%i.%s", "%Y-%m-%d %H.%i.%s"],
        "INTERNAL" => ["%Y%m%d", "%H%i%s", "%Y%m%d%H%i%s"],
        _ => return Ok(Value::Null),
    };
    Ok(Value::text(patterns[kind]))
}

fn str_to_date_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    Ok(match infer::constant_text(args, 1) {
        Some(pattern) => parse::type_of(pattern),
        None => SqlType::DateTime(6),
    })
}

fn str_to_date(x: &mut In<'_>) -> Out {
    let (text, pattern) = (get!(x.text(0)), get!(x.text(1)));
    let kind = match x.call.result {
        SqlType::Date => "date",
        SqlType::Time(_) => "time",
        _ => "datetime",
    };
    let given = parse::read(&text, &pattern);
    let value = given.as_ref().and_then(|given| typed(given, x.call.result));
    let Some(value) = value else {
        let kind = if kind == "date" { "datetime" } else { kind };
        x.ctx.warn_or_refuse(crate::string::code::bad_value(kind, &text, "str_to_date"))?;
        return Ok(Value::Null);
    };
    if given.is_some_and(|given| given.has_rest) {
        x.ctx.warn_or_refuse(ValueError::Truncated { kind, value: text.into_owned() })?;
    }
    Ok(value)
}

fn typed(given: &Given, of: &SqlType) -> Option<Value> {
    match of {
        SqlType::Time(_) => Some(Value::Time(given.time)),
        SqlType::Date => given.days.map(Value::Date),
        _ => {
            let micros = i64::from(given.days?) * DAY + given.time;
            calendar::checked_micros(i128::from(micros)).map(Value::DateTime)
        }
    }
}
