//! Dates and times without time zones.
//!
//! A DATE is days, a DATETIME microseconds since 1970-01-01 00:00, a TIME
//! microseconds. Years go from 0 to 9999, times to +-838:59:59.
//!
//! Invariants
//! - T1: `civil_of` and `days_of` are each other's inverse over all legal days.
//! - T2: what `write_*` writes, `parse_*` reads back.
//!
//! Dates that are none (`0000-00-00`, `2020-00-10`) have no value here, whatever
//! `sql_mode` says: they are [`TemporalTrouble::Zero`].
//!
//! Day numbers after Howard Hinnant, "chrono-Compatible Low-Level Date
//! Algorithms", 2013.
//!
//! Not here: reading texts (`parse`), time zones (`zone`).

mod parse;

pub use parse::{
    Parsed, TemporalTrouble, datetime_of_number, parse_date, parse_datetime, parse_time,
    time_of_number,
};

/// A second. [microseconds]
pub const SECOND: i64 = 1_000_000;
/// A day. [microseconds]
pub const DAY: i64 = 86_400 * SECOND;
/// 838:59:59, the longest TIME. [microseconds]
pub const TIME_MAX: i64 = (838 * 3600 + 59 * 60 + 59) * SECOND;
/// 0000-01-01. [days]
pub const DATE_MIN: i32 = -719_528;
/// 9999-12-31. [days]
pub const DATE_MAX: i32 = 2_932_896;
/// 0000-01-01 00:00. [microseconds]
pub const DATETIME_MIN: i64 = DATE_MIN as i64 * DAY;
/// The last microsecond of 9999. [microseconds]
pub const DATETIME_MAX: i64 = (DATE_MAX as i64 + 1) * DAY - 1;

/// A moment in parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "named for what they are")]
pub struct Parts {
    pub year: i32,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub micro: u32,
}

/// Days since 1970-01-01. `month` is 1 to 12; `day` may lie outside of the month,
/// and counts on from it.
pub fn days_of(year: i32, month: u8, day: u8) -> i32 {
    let (month, day) = (i32::from(month), i32::from(day));
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day.
pub fn civil_of(days: i32) -> (i32, u8, u8) {
    let shifted = i64::from(days) + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as i32, month as u8, day as u8)
}

/// Whether February has 29 days.
pub fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month; 31 for what is no month.
pub fn month_days(year: i32, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// The days of a legal date of the years 0 to 9999.
pub fn date_of(year: i32, month: u8, day: u8) -> Option<i32> {
    let is_legal = (0..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=month_days(year, month)).contains(&day);
    is_legal.then(|| days_of(year, month, day))
}

/// A DATETIME in parts.
pub fn parts_of(micros: i64) -> Parts {
    let (year, month, day) = civil_of(micros.div_euclid(DAY) as i32);
    let rest = micros.rem_euclid(DAY);
    let seconds = rest / SECOND;
    Parts {
        year,
        month,
        day,
        hour: (seconds / 3600) as u8,
        minute: (seconds / 60 % 60) as u8,
        second: (seconds % 60) as u8,
        micro: (rest % SECOND) as u32,
    }
}

/// Parts as a DATETIME; `None` unless legal.
pub fn micros_of(parts: &Parts) -> Option<i64> {
    if parts.hour > 23 || parts.minute > 59 || parts.second > 59 || parts.micro > 999_999 {
        return None;
    }
    let days = date_of(parts.year, parts.month, parts.day)?;
    let seconds =
        i64::from(parts.hour) * 3600 + i64::from(parts.minute) * 60 + i64::from(parts.second);
    Some(i64::from(days) * DAY + seconds * SECOND + i64::from(parts.micro))
}

/// Rounds to `fsp` digits of a second, half away from zero.
pub fn round(micros: i64, fsp: u8) -> i64 {
    let unit = 10i64.pow(6 - u32::from(fsp.min(6)));
    let rest = micros % unit;
    let whole = micros - rest;
    if rest.abs() * 2 >= unit { whole.saturating_add(unit * rest.signum()) } else { whole }
}

/// Rounds a DATETIME to `fsp` digits of a second: half up, before 1970, too.
pub fn round_moment(micros: i64, fsp: u8) -> i64 {
    let unit = 10i64.pow(6 - u32::from(fsp.min(6)));
    let rest = micros.rem_euclid(unit);
    let whole = micros - rest;
    if rest * 2 >= unit { whole.saturating_add(unit) } else { whole }
}

/// Cuts to `fsp` digits of a second.
pub fn truncate(micros: i64, fsp: u8) -> i64 {
    let unit = 10i64.pow(6 - u32::from(fsp.min(6)));
    micros - micros.rem_euclid(unit)
}

fn two(number: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'0' + number / 10 % 10, b'0' + number % 10]);
}

fn write_fraction(micro: u32, fsp: u8, out: &mut Vec<u8>) {
    if fsp > 0 {
        out.push(b'.');
        let mut unit = 100_000;
        for _ in 0..fsp.min(6) {
            out.push(b'0' + (micro / unit % 10) as u8);
            unit /= 10;
        }
    }
}

/// Appends `2020-01-02`.
pub fn write_date(days: i32, out: &mut Vec<u8>) {
    let (year, month, day) = civil_of(days);
    two((year / 100 % 100) as u8, out);
    two((year % 100) as u8, out);
    out.push(b'-');
    two(month, out);
    out.push(b'-');
    two(day, out);
}

/// Appends `2020-01-02 03:04:05.678`; further digits are cut off.
pub fn write_datetime(micros: i64, fsp: u8, out: &mut Vec<u8>) {
    write_date(micros.div_euclid(DAY) as i32, out);
    out.push(b' ');
    write_time(micros.rem_euclid(DAY), fsp, out);
}

/// Appends `-12:34:56.789`; further digits are cut off.
pub fn write_time(micros: i64, fsp: u8, out: &mut Vec<u8>) {
    if micros < 0 {
        out.push(b'-');
    }
    let micros = micros.unsigned_abs();
    let seconds = micros / SECOND as u64;
    let hours = seconds / 3600;
    if hours >= 100 {
        out.extend_from_slice(hours.to_string().as_bytes());
    } else {
        two(hours as u8, out);
    }
    out.push(b':');
    two((seconds / 60 % 60) as u8, out);
    out.push(b':');
    two((seconds % 60) as u8, out);
    write_fraction((micros % SECOND as u64) as u32, fsp, out);
}

/// `20200102030405`, a DATETIME as a number. The fraction is left out.
pub fn datetime_number(micros: i64) -> i64 {
    date_number(micros.div_euclid(DAY) as i32) * 1_000_000 + time_number(micros.rem_euclid(DAY))
}

/// `20200102`.
pub fn date_number(days: i32) -> i64 {
    let (year, month, day) = civil_of(days);
    i64::from(year) * 10_000 + i64::from(month) * 100 + i64::from(day)
}

/// `-123456` for -12:34:56. The fraction is left out.
pub fn time_number(micros: i64) -> i64 {
    let seconds = (micros / SECOND).abs();
    let number = seconds / 3600 * 10_000 + seconds / 60 % 60 * 100 + seconds % 60;
    if micros < 0 { -number } else { number }
}

#[cfg(test)]
mod tests;
