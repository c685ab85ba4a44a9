//! DATE_ADD and DATE_SUB, a function for each unit; ADDDATE and SUBDATE of days.
//!
//! Not here: ADDTIME and SUBTIME (`difference`).

use ethnum::I256;
use holdfast_value::{Collation, Context, SqlType, Value, ValueError};

use super::calendar::{self, DAY, HOUR, MINUTE, SECOND};
use super::make::overflow;
use crate::function::{Arg, Function, Out, get, pure};
use crate::infer;
use crate::input::In;

/// A unit of intervals; those of two are written as texts: `'1:30' MINUTE_SECOND`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// So many months.
    Months(i64),
    /// So many microseconds.
    Micros(i64),
    /// Years and months.
    YearMonth,
    /// The sizes of its parts; the last may be a fraction of a second.
    Parts(&'static [i64]),
}

macro_rules! units {
    ($($name:literal => $unit:expr),* $(,)?) => {
        pub(crate) const FUNCTIONS: &[Function] = &[
            $(
                pure!(
                    concat!("date_add_", $name), 2, 2,
                    |args: &[Arg<'_>], ctx: &Context| result_type(args, ctx, $unit),
                    |x: &mut In<'_>| add(x, $unit, 1)
                ),
                pure!(
                    concat!("date_sub_", $name), 2, 2,
                    |args: &[Arg<'_>], ctx: &Context| result_type(args, ctx, $unit),
                    |x: &mut In<'_>| add(x, $unit, -1)
                ),
            )*
            pure!(
                "adddate", 2, 2,
                |args: &[Arg<'_>], ctx: &Context| result_type(args, ctx, Unit::Micros(DAY)),
                |x: &mut In<'_>| add(x, Unit::Micros(DAY), 1)
            ),
            pure!(
                "subdate", 2, 2,
                |args: &[Arg<'_>], ctx: &Context| result_type(args, ctx, Unit::Micros(DAY)),
                |x: &mut In<'_>| add(x, Unit::Micros(DAY), -1)
            ),
        ];
    };
}

units! {
    "microsecond" => Unit::Micros(1),
    "second" => Unit::Micros(SECOND),
    "minute" => Unit::Micros(MINUTE),
    "hour" => Unit::Micros(HOUR),
    "day" => Unit::Micros(DAY),
    "week" => Unit::Micros(7 * DAY),
    "month" => Unit::Months(1),
    "quarter" => Unit::Months(3),
    "year" => Unit::Months(12),
    "year_month" => Unit::YearMonth,
    "day_hour" => Unit::Parts(&[DAY, HOUR]),
    "day_minute" => Unit::Parts(&[DAY, HOUR, MINUTE]),
    "day_second" => Unit::Parts(&[DAY, HOUR, MINUTE, SECOND]),
    "day_microsecond" => Unit::Parts(&[DAY, HOUR, MINUTE, SECOND, 1]),
    "hour_minute" => Unit::Parts(&[HOUR, MINUTE]),
    "hour_second" => Unit::Parts(&[HOUR, MINUTE, SECOND]),
    "hour_microsecond" => Unit::Parts(&[HOUR, MINUTE, SECOND, 1]),
    "minute_second" => Unit::Parts(&[MINUTE, SECOND]),
    "minute_microsecond" => Unit::Parts(&[MINUTE, SECOND, 1]),
    "second_microsecond" => Unit::Parts(&[SECOND, 1]),
}

impl Unit {
    /// True if adding it to a date gives a date.
    fn is_of_dates(self) -> bool {
        match self {
            Self::Months(_) | Self::YearMonth => true,
            Self::Micros(unit) => unit >= DAY,
            Self::Parts(_) => false,
        }
    }

    /// Digits of fractions of a second that it may bring.
    fn fsp(self, amount: Option<&Arg<'_>>) -> u8 {
        match self {
            Self::Micros(1) => 6,
            Self::Micros(SECOND) => amount.map_or(0, infer::fsp_of),
            Self::Parts(parts) if parts.last() == Some(&1) => 6,
            _ => 0,
        }
    }
}

fn result_type(args: &[Arg<'_>], _: &Context, unit: Unit) -> Result<SqlType, ValueError> {
    let Some(first) = args.first() else { return Ok(SqlType::Null) };
    let fsp = infer::fsp(first.of).max(unit.fsp(args.get(1)));
    Ok(match first.of {
        SqlType::Date if unit.is_of_dates() => SqlType::Date,
        SqlType::Date => SqlType::DateTime(unit.fsp(args.get(1))),
        SqlType::DateTime(_) | SqlType::Timestamp(_) => SqlType::DateTime(fsp),
        SqlType::Time(_) if !unit.is_of_dates() => SqlType::Time(fsp),
        SqlType::Time(_) => SqlType::DateTime(fsp),
        _ => SqlType::VarChar(29, Collation::default()),
    })
}

/// What is added.
#[derive(Clone, Copy)]
enum Amount {
    Months(i64),
    Micros(i128),
}

/// The second argument in `unit`: `None` where it is NULL or has too many parts,
/// `Some(None)` where it is beyond anything.
fn amount(x: &mut In<'_>, unit: Unit) -> Result<Option<Option<Amount>>, ValueError> {
    Ok(Some(match unit {
        Unit::Months(each) => {
            let Some(count) = x.int(1)? else { return Ok(None) };
            count.checked_mul(each).map(Amount::Months)
        }
        Unit::Micros(SECOND) => {
            let Some(count) = x.decimal(1)? else { return Ok(None) };
            let micros = count.round(6).rescale(6).map(|count| count.digits);
            let limit = I256::from(i128::from(i64::MAX));
            micros.filter(|n| n.abs() < limit).map(|n| Amount::Micros(n.as_i128()))
        }
        Unit::Micros(each) => {
            let Some(count) = x.wide(1)? else { return Ok(None) };
            count.checked_mul(i128::from(each)).map(Amount::Micros)
        }
        Unit::YearMonth => {
            let Some(text) = x.text(1)? else { return Ok(None) };
            let Some((sign, [years, months])) = numbers::<2>(&text, 2) else { return Ok(None) };
            let total = years.checked_mul(12).and_then(|n| n.checked_add(months));
            total.map(|n| Amount::Months(n * sign))
        }
        Unit::Parts(parts) => {
            let Some(text) = x.text(1)? else { return Ok(None) };
            let Some(micros) = of_parts(&text, parts) else { return Ok(None) };
            Some(Amount::Micros(micros))
        }
    }))
}

fn of_parts(text: &str, parts: &[i64]) -> Option<i128> {
    let (sign, mut all) = numbers::<5>(text, parts.len())?;
    if parts.last() == Some(&1) {
        all[4] = fraction(text, all[4]);
    }
    let used = &all[5 - parts.len()..];
    let total: i128 =
        used.iter().zip(parts).map(|(n, size)| i128::from(*n) * i128::from(*size)).sum();
    Some(total * i128::from(sign))
}

/// The last number of a text as a fraction of a second: `.5` is 500000.
fn fraction(text: &str, last: i64) -> i64 {
    let digits = text.bytes().rev().skip_while(|b| !b.is_ascii_digit());
    let count = digits.take_while(u8::is_ascii_digit).count();
    match u32::try_from(6_usize.saturating_sub(count)) {
        Ok(missing) => last.saturating_mul(10_i64.pow(missing)),
        Err(_) => last,
    }
}

/// The numbers of a text, right aligned, and its sign; `None` if it has more than `most`.
fn numbers<const N: usize>(text: &str, most: usize) -> Option<(i64, [i64; N])> {
    let text = text.trim_start();
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let mut all = [0; N];
    let mut count = 0;
    for run in text.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty()) {
        if count == most.min(N) {
            return None;
        }
        all[count] = run.parse().unwrap_or(i64::MAX / 4096);
        count += 1;
    }
    if count < N {
        all.rotate_right(N - count);
    }
    Some((sign, all))
}

fn add(x: &mut In<'_>, unit: Unit, sign: i64) -> Out {
    let Some(amount) = get!(amount(x, unit)) else { return Ok(overflow(x)) };
    let amount = match amount {
        Amount::Months(n) => Amount::Months(n.saturating_mul(sign)),
        Amount::Micros(n) => Amount::Micros(n * i128::from(sign)),
    };
    if let (Value::Time(time), Amount::Micros(n)) = (x.value(0), amount)
        && matches!(x.call.result, SqlType::Time(_))
    {
        let sum = i64::try_from(i128::from(*time) + n).ok();
        return match sum.filter(|sum| sum.abs() <= calendar::TIME_MAX) {
            Some(sum) => Ok(Value::Time(sum)),
            None => Ok(overflow(x)),
        };
    }
    let is_date = match x.value(0) {
        Value::Date(_) => true,
        Value::DateTime(_) | Value::Time(_) => false,
        Value::Text(text) => !text.contains([':', 'T', ' ']) && text.len() <= 10,
        Value::Int(n) => *n < 100_000_000,
        _ => false,
    };
    let start = get!(x.datetime(0));
    let sum = match amount {
        Amount::Micros(n) => calendar::checked_micros(i128::from(start) + n),
        Amount::Months(n) => calendar::add_months(calendar::days_of_micros(start), n)
            .map(|days| i64::from(days) * DAY + start.rem_euclid(DAY)),
    };
    let Some(sum) = sum else { return Ok(overflow(x)) };
    give(x, sum, is_date && unit.is_of_dates())
}

/// A moment as the result's type has it.
fn give(x: &mut In<'_>, micros: i64, is_date: bool) -> Out {
    match x.call.result {
        SqlType::Date => Ok(Value::Date(calendar::days_of_micros(micros))),
        SqlType::DateTime(_) | SqlType::Timestamp(_) => Ok(Value::DateTime(micros)),
        _ => {
            let (value, of) = if is_date {
                (Value::Date(calendar::days_of_micros(micros)), SqlType::Date)
            } else {
                let fsp = if micros.rem_euclid(SECOND) == 0 { 0 } else { 6 };
                (Value::DateTime(micros), SqlType::DateTime(fsp))
            };
            let text = crate::input::text_of(&value, &of, x.ctx)?;
            Ok(text.map_or(Value::Null, Value::text))
        }
    }
}
