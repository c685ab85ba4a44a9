//! Counting with days, weeks and months, and arguments as moments.
//!
//! Not here: days as year, month and day (`holdfast_value::temporal`).

use holdfast_value::{SqlType, Value, ValueError, cast, temporal};

use crate::input::In;

/// TO_DAYS of 1970-01-01.
pub(crate) const EPOCH_DAYS: i64 = 719_528;
pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;
/// 0000-01-01. [days since 1970-01-01]
pub(crate) const DAYS_MIN: i64 = -719_528;
/// 9999-12-31. [days since 1970-01-01]
pub(crate) const DAYS_MAX: i64 = 2_932_896;
/// 838:59:59.
pub(crate) const TIME_MAX: i64 = (838 * 3600 + 59 * 60 + 59) * SECOND;

/// Days, if they are within what a DATE holds.
pub(crate) fn checked_days(days: i64) -> Option<i32> {
    (DAYS_MIN..=DAYS_MAX).contains(&days).then(|| i32::try_from(days).ok()).flatten()
}

/// Microseconds, if they are within what a DATETIME holds.
pub(crate) fn checked_micros(micros: i128) -> Option<i64> {
    let micros = i64::try_from(micros).ok()?;
    checked_days(micros.div_euclid(DAY)).map(|_| micros)
}

/// Days of a DATETIME.
pub(crate) fn days_of_micros(micros: i64) -> i32 {
    // A DATETIME is within `DAYS_MIN..=DAYS_MAX`.
    i32::try_from(micros.div_euclid(DAY)).unwrap_or(0)
}

/// TO_DAYS, for which year 0 has 365 days: its January and February lie a day later.
pub(crate) fn day_number(days: i32) -> i64 {
    let number = i64::from(days) + EPOCH_DAYS;
    if number < 60 { number + 1 } else { number }
}

/// 0 for Monday.
pub(crate) fn weekday(days: i32) -> i64 {
    (i64::from(days) + 3).rem_euclid(7)
}

/// From 1.
pub(crate) fn day_of_year(days: i32) -> i64 {
    let (year, ..) = temporal::civil_of(days);
    i64::from(days) - i64::from(temporal::days_of(year, 1, 1)) + 1
}

fn year_days(year: i32) -> i64 {
    i64::from(temporal::days_of(year + 1, 1, 1)) - i64::from(temporal::days_of(year, 1, 1))
}

/// How weeks are counted: MySQL's modes of WEEK, 0 to 7.
#[derive(Clone, Copy)]
pub(crate) struct WeekMode {
    pub monday_first: bool,
    /// Weeks from 1 to 53 that may be of the year before or after.
    pub of_year: bool,
    /// Week 1 begins with the first Monday (or Sunday), else it is the first with 4 days.
    pub from_first: bool,
}

impl WeekMode {
    pub fn of(mode: i64) -> Self {
        let monday_first = mode & 1 != 0;
        let from_first = (mode & 4 != 0) == monday_first;
        Self { monday_first, of_year: mode & 2 != 0, from_first }
    }
}

/// The year and the week of a day.
pub(crate) fn week(days: i32, mode: WeekMode) -> (i32, i64) {
    let (mut year, month, day) = temporal::civil_of(days);
    let mut of_year = mode.of_year;
    let mut first = i64::from(temporal::days_of(year, 1, 1));
    let shift = if mode.monday_first { 3 } else { 4 };
    let mut first_weekday = (first + shift).rem_euclid(7);
    let is_late = |weekday: i64| if mode.from_first { weekday != 0 } else { weekday >= 4 };
    if month == 1 && i64::from(day) <= 7 - first_weekday {
        if !of_year && is_late(first_weekday) {
            return (year, 0);
        }
        of_year = true;
        year -= 1;
        let length = year_days(year);
        first -= length;
        first_weekday = (first_weekday + 53 * 7 - length) % 7;
    }
    let begin =
        if is_late(first_weekday) { first + 7 - first_weekday } else { first - first_weekday };
    let since = i64::from(days) - begin;
    if of_year && since >= 52 * 7 {
        let next = (first_weekday + year_days(year)) % 7;
        if !is_late(next) {
            return (year + 1, 1);
        }
    }
    (year, since / 7 + 1)
}

/// So many months later, on the last day of a month that is too short.
pub(crate) fn add_months(days: i32, months: i64) -> Option<i32> {
    let (year, month, day) = temporal::civil_of(days);
    let total = (i64::from(year) * 12 + i64::from(month) - 1).checked_add(months)?;
    let new_year = i32::try_from(total.div_euclid(12)).ok()?;
    if !(0..=9999).contains(&new_year) {
        return None;
    }
    let new_month = u8::try_from(total.rem_euclid(12) + 1).ok()?;
    let day = day.min(temporal::month_days(new_year, new_month));
    Some(temporal::days_of(new_year, new_month, day))
}

impl In<'_> {
    /// The argument as a DATE. [days]
    pub(crate) fn date(&mut self, at: usize) -> Result<Option<i32>, ValueError> {
        match self.value(at) {
            Value::Null => Ok(None),
            Value::Date(days) => Ok(Some(*days)),
            Value::DateTime(micros) => Ok(Some(days_of_micros(*micros))),
            other => cast::to_date(other, self.ctx),
        }
    }

    /// The argument as a DATETIME. [microseconds]
    pub(crate) fn datetime(&mut self, at: usize) -> Result<Option<i64>, ValueError> {
        match self.value(at) {
            Value::Null => Ok(None),
            Value::DateTime(micros) => Ok(Some(*micros)),
            Value::Date(days) => Ok(Some(i64::from(*days) * DAY)),
            other => cast::to_datetime(other, self.ctx),
        }
    }

    /// The argument as a TIME: of a DATETIME the time of day. [microseconds]
    pub(crate) fn time(&mut self, at: usize) -> Result<Option<i64>, ValueError> {
        match self.value(at) {
            Value::Null => Ok(None),
            Value::Time(micros) => Ok(Some(*micros)),
            Value::DateTime(micros) => Ok(Some(micros.rem_euclid(DAY))),
            Value::Date(_) => Ok(Some(0)),
            other => cast::to_time(other, self.ctx),
        }
    }

    /// True if the argument is a date, with or without a time, rather than a time.
    pub(crate) fn has_date(&self, at: usize) -> bool {
        match self.value(at) {
            Value::Date(_) | Value::DateTime(_) => true,
            Value::Text(text) => text_has_date(text),
            _ => {
                matches!(self.of(at), SqlType::Date | SqlType::DateTime(_) | SqlType::Timestamp(_))
            }
        }
    }
}

/// True for a text that is a date, perhaps with a time.
pub(crate) fn text_has_date(text: &str) -> bool {
    let text = text.trim_start();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    match text.as_bytes().get(digits) {
        Some(b'-' | b'/') => digits > 0,
        Some(b':') | None => digits == 8 || digits >= 12,
        Some(b'.') => digits >= 8 && text.len() > digits + 1 && digits != 7 && digits >= 12,
        _ => digits >= 8,
    }
}

/// Cut to so many digits of fractions of a second.
pub(crate) fn cut(micros: i64, fsp: u8) -> i64 {
    let unit = 10_i64.pow(u32::from(6_u8.saturating_sub(fsp)));
    micros - micros.rem_euclid(unit)
}
