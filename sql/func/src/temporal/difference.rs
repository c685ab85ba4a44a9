//! Between moments: DATEDIFF, TIMEDIFF, TIMESTAMPDIFF; ADDTIME, SUBTIME; periods.

use holdfast_value::{Collation, Context, SqlType, Value, ValueError, temporal};

use super::calendar::{self, DAY, HOUR, MINUTE, SECOND};
use super::make::{clipped, full_year, overflow};
use crate::function::{Arg, Function, Out, get, pure};
use crate::infer;
use crate::input::In;

macro_rules! in_units {
    ($name:literal, $size:expr) => {
        pure!(concat!("timestampdiff_", $name), 2, 2, infer::bigint, |x: &mut In<'_>| {
            let (from, upto) = (get!(x.datetime(0)), get!(x.datetime(1)));
            Ok(Value::Int((upto - from) / $size))
        })
    };
}

macro_rules! in_months {
    ($name:literal, $size:expr) => {
        pure!(concat!("timestampdiff_", $name), 2, 2, infer::bigint, |x: &mut In<'_>| {
            let (from, upto) = (get!(x.datetime(0)), get!(x.datetime(1)));
            Ok(Value::Int(months(from, upto) / $size))
        })
    };
}

pub(crate) const FUNCTIONS: &[Function] = &[
    pure!("datediff", 2, 2, infer::bigint, date_diff),
    pure!("timediff", 2, 2, time_diff_type, time_diff),
    in_units!("microsecond", 1),
    in_units!("second", SECOND),
    in_units!("minute", MINUTE),
    in_units!("hour", HOUR),
    in_units!("day", DAY),
    in_units!("week", 7 * DAY),
    in_months!("month", 1),
    in_months!("quarter", 3),
    in_months!("year", 12),
    pure!("addtime", 2, 2, add_time_type, |x: &mut In<'_>| add_time(x, 1)),
    pure!("subtime", 2, 2, add_time_type, |x: &mut In<'_>| add_time(x, -1)),
    pure!("period_add", 2, 2, infer::bigint, period_add),
    pure!("period_diff", 2, 2, infer::bigint, period_diff),
];

/// Whole months from one moment to another, negative if it is earlier.
fn months(from: i64, upto: i64) -> i64 {
    if upto < from {
        return -months(upto, from);
    }
    let split = |micros: i64| {
        let (year, month, day) = temporal::civil_of(calendar::days_of_micros(micros));
        (i64::from(year) * 12 + i64::from(month), day, micros.rem_euclid(DAY))
    };
    let ((a, a_day, a_time), (b, b_day, b_time)) = (split(from), split(upto));
    b - a - i64::from((b_day, b_time) < (a_day, a_time))
}

fn date_diff(x: &mut In<'_>) -> Out {
    let (from, upto) = (get!(x.date(0)), get!(x.date(1)));
    Ok(Value::Int(i64::from(from) - i64::from(upto)))
}

fn most_digits(args: &[Arg<'_>]) -> u8 {
    args.iter().map(infer::fsp_of).max().unwrap_or(0)
}

fn time_diff_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    Ok(SqlType::Time(most_digits(args)))
}

/// Of two times or of two dates; of one of each it is NULL.
fn time_diff(x: &mut In<'_>) -> Out {
    let (left, right) = match (x.has_date(0), x.has_date(1)) {
        (true, true) => (get!(x.datetime(0)), get!(x.datetime(1))),
        (false, false) => (get!(x.time(0)), get!(x.time(1))),
        _ => return Ok(Value::Null),
    };
    let micros = left - right;
    let shown = || {
        format!(
            "{}:{:02}:{:02}",
            micros / HOUR,
            (micros / MINUTE % 60).abs(),
            (micros / SECOND % 60).abs()
        )
    };
    Ok(clipped(x, i128::from(micros), shown))
}

fn add_time_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    Ok(match args.first().map(|arg| arg.of) {
        Some(SqlType::DateTime(_) | SqlType::Timestamp(_)) => SqlType::DateTime(most_digits(args)),
        Some(SqlType::Time(_) | SqlType::Date) => SqlType::Time(most_digits(args)),
        _ => SqlType::VarChar(29, Collation::default()),
    })
}

fn add_time(x: &mut In<'_>, sign: i64) -> Out {
    if x.has_date(1) {
        return Ok(Value::Null);
    }
    let change = i128::from(get!(x.time(1))) * i128::from(sign);
    let is_moment = match x.call.result {
        SqlType::DateTime(_) => true,
        SqlType::Time(_) => false,
        _ => x.has_date(0),
    };
    let value = if is_moment {
        let micros = i128::from(get!(x.datetime(0))) + change;
        match calendar::checked_micros(micros) {
            Some(micros) => Value::DateTime(micros),
            None => return Ok(overflow(x)),
        }
    } else {
        let micros = i128::from(get!(x.time(0))) + change;
        let shown = || format!("{}:00:00", micros / i128::from(HOUR));
        clipped(x, micros, shown)
    };
    if !x.call.result.is_text() {
        return Ok(value);
    }
    let fsp = match value {
        Value::DateTime(micros) | Value::Time(micros) if micros % SECOND != 0 => 6,
        _ => 0,
    };
    let of = if is_moment { SqlType::DateTime(fsp) } else { SqlType::Time(fsp) };
    let text = crate::input::text_of(&value, &of, x.ctx)?;
    Ok(text.map_or(Value::Null, Value::text))
}

/// Months since year 0 of a YYMM or YYYYMM.
fn period(x: &mut In<'_>, at: usize, function: &str) -> Result<Option<i64>, ValueError> {
    let Some(period) = x.int(at)? else { return Ok(None) };
    let (year, month) = (period / 100, period % 100);
    if period <= 0 || !(1..=12).contains(&month) || year > 9999 {
        return Err(ValueError::Arguments(function.to_owned()));
    }
    Ok(Some(full_year(year) * 12 + month - 1))
}

fn period_add(x: &mut In<'_>) -> Out {
    let months = get!(period(x, 0, "period_add")).saturating_add(get!(x.int(1)));
    let year = months.div_euclid(12);
    if !(0..=999_999).contains(&year) {
        return Ok(Value::Int(0));
    }
    Ok(Value::Int(full_year(year) * 100 + months.rem_euclid(12) + 1))
}

fn period_diff(x: &mut In<'_>) -> Out {
    let left = get!(period(x, 0, "period_diff"));
    Ok(Value::Int(left - get!(period(x, 1, "period_diff"))))
}
