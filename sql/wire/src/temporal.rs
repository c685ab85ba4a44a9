//! Dates and times as the binary protocol has them.
//!
//! ```text
//! date, datetime: length (0, 4, 7, 11) | year (2) month day | hour minute second | micros (4)
//! time:           length (0, 8, 12)    | negative | days (4) hour minute second | micros (4)
//! ```

use holdfast_value::Value;
use holdfast_value::temporal::{civil_of, date_of};

use crate::scan::Scan;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Appends a DATE.
pub(crate) fn put_date(days: i32, out: &mut Vec<u8>) {
    let (year, month, day) = civil_of(days);
    out.push(4);
    out.extend_from_slice(&(year as u16).to_le_bytes());
    out.extend_from_slice(&[month, day]);
}

/// Appends a DATETIME, as short as it can be.
pub(crate) fn put_datetime(micros: i64, out: &mut Vec<u8>) {
    // Days of an `i64` of microseconds fit an `i32`.
    let (year, month, day) = civil_of(micros.div_euclid(DAY) as i32);
    let in_day = micros.rem_euclid(DAY);
    let (seconds, micros) = (in_day / SECOND, (in_day % SECOND) as u32);
    let length = match (micros, seconds) {
        (0, 0) => 4,
        (0, _) => 7,
        _ => 11,
    };
    out.push(length);
    out.extend_from_slice(&(year as u16).to_le_bytes());
    out.extend_from_slice(&[month, day]);
    if length > 4 {
        out.extend_from_slice(&clock(seconds));
    }
    if length > 7 {
        out.extend_from_slice(&micros.to_le_bytes());
    }
}

/// Appends a TIME, as short as it can be.
pub(crate) fn put_time(time: i64, out: &mut Vec<u8>) {
    let all = time.unsigned_abs();
    let (seconds, micros) = ((all / SECOND as u64) as i64, (all % SECOND as u64) as u32);
    if all == 0 {
        out.push(0);
        return;
    }
    out.push(if micros == 0 { 8 } else { 12 });
    out.push(u8::from(time < 0));
    out.extend_from_slice(&((seconds / 86_400) as u32).to_le_bytes());
    out.extend_from_slice(&clock(seconds % 86_400));
    if micros != 0 {
        out.extend_from_slice(&micros.to_le_bytes());
    }
}

fn clock(seconds: i64) -> [u8; 3] {
    [(seconds / 3600) as u8, (seconds / 60 % 60) as u8, (seconds % 60) as u8]
}

/// Reads a DATE or DATETIME. What is no legal moment (`0000-00-00`, a month 13)
/// becomes a text, for the session's `sql_mode` to judge.
pub(crate) fn scan_datetime(scan: &mut Scan<'_>, is_date: bool) -> Option<Value> {
    let length = scan.u8()?;
    let mut scan = Scan::new(scan.take(usize::from(length))?);
    if !matches!(length, 0 | 4 | 7 | 11 | 13) {
        return None;
    }
    let (mut date, mut clock, mut micros) = ((0, 0, 0), (0, 0, 0), 0);
    if length >= 4 {
        date = (scan.u16()?, scan.u8()?, scan.u8()?);
    }
    if length >= 7 {
        clock = (scan.u8()?, scan.u8()?, scan.u8()?);
    }
    if length >= 11 {
        micros = scan.u32()?;
    }
    let offset = if length == 13 { Some(scan.u16()? as i16) } else { None };
    let (hour, minute, second) = clock;
    let is_legal = hour < 24 && minute < 60 && second < 60 && micros < 1_000_000;
    match date_of(i32::from(date.0), date.1, date.2) {
        Some(days) if is_date => Some(Value::Date(days)),
        Some(days) if is_legal && offset.is_none() => {
            Some(Value::DateTime(i64::from(days) * DAY + clock_micros(clock) + i64::from(micros)))
        }
        _ => Some(Value::text(datetime_text(date, is_date, clock, (micros, offset)))),
    }
}

fn clock_micros((hour, minute, second): (u8, u8, u8)) -> i64 {
    (i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second)) * SECOND
}

fn datetime_text(
    (year, month, day): (u16, u8, u8),
    is_date: bool,
    (hour, minute, second): (u8, u8, u8),
    (micros, offset): (u32, Option<i16>),
) -> String {
    let date = format!("{year:04}-{month:02}-{day:02}");
    if is_date {
        return date;
    }
    let mut text = format!("{date} {hour:02}:{minute:02}:{second:02}");
    if micros != 0 {
        text.push_str(&format!(".{micros:06}"));
    }
    if let Some(offset) = offset {
        let (sign, offset) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
        text.push_str(&format!("{sign}{:02}:{:02}", offset / 60, offset % 60));
    }
    text
}

/// Reads a TIME. What is beyond TIME's range becomes a text.
pub(crate) fn scan_time(scan: &mut Scan<'_>) -> Option<Value> {
    let length = scan.u8()?;
    let mut scan = Scan::new(scan.take(usize::from(length))?);
    if length == 0 {
        return Some(Value::Time(0));
    }
    if !matches!(length, 8 | 12) {
        return None;
    }
    let is_negative = scan.u8()? != 0;
    let days = scan.u32()?;
    let (hour, minute, second) = (scan.u8()?, scan.u8()?, scan.u8()?);
    let micros = if length == 12 { scan.u32()? } else { 0 };
    let hours = u64::from(days) * 24 + u64::from(hour);
    if hours <= 838 && minute < 60 && second < 60 && micros < 1_000_000 {
        let clock = clock_micros((0, minute, second));
        let time = hours as i64 * 3600 * SECOND + clock + i64::from(micros);
        return Some(Value::Time(if is_negative { -time } else { time }));
    }
    let sign = if is_negative { "-" } else { "" };
    Some(Value::text(format!("{sign}{hours}:{minute:02}:{second:02}.{micros:06}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_there_and_back() {
        let check = |value: Value, put: fn(&Value, &mut Vec<u8>), bytes: &[u8]| {
            let mut out = Vec::new();
            put(&value, &mut out);
            assert_eq!(out, bytes);
            let mut scan = Scan::new(bytes);
            let back = match value {
                Value::Time(_) => scan_time(&mut scan),
                Value::Date(_) => scan_datetime(&mut scan, true),
                _ => scan_datetime(&mut scan, false),
            };
            assert_eq!(back, Some(value));
        };
        let put = |value: &Value, out: &mut Vec<u8>| match value {
            Value::Date(days) => put_date(*days, out),
            Value::DateTime(micros) => put_datetime(*micros, out),
            Value::Time(micros) => put_time(*micros, out),
            _ => unreachable!(),
        };
        check(Value::Date(19_782), put, &[4, 0xe8, 7, 2, 29]);
        check(Value::DateTime(0), put, &[4, 0xb2, 7, 1, 1]);
        check(Value::DateTime(-1), put, &[11, 0xb1, 7, 12, 31, 23, 59, 59, 0x3f, 0x42, 0x0f, 0]);
        check(Value::DateTime(61 * SECOND), put, &[7, 0xb2, 7, 1, 1, 0, 1, 1]);
        check(Value::Time(0), put, &[0]);
        check(Value::Time(-DAY - SECOND), put, &[8, 1, 1, 0, 0, 0, 0, 0, 1]);
        check(Value::Time(1), put, &[12, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    }

    #[test]
    fn what_is_no_moment_becomes_a_text() {
        let check = |bytes: &[u8], want: &str| {
            let got = scan_datetime(&mut Scan::new(bytes), false);
            assert_eq!(got, Some(Value::text(want)));
        };
        check(&[0], "0000-00-00 00:00:00");
        check(&[4, 0xe7, 7, 2, 29], "2023-02-29 00:00:00");
        check(&[7, 0xe8, 7, 2, 29, 25, 0, 0], "2024-02-29 25:00:00");
        let with_zone = [13, 0xe8, 7, 2, 29, 1, 2, 3, 4, 0, 0, 0, 0x88, 0xff];
        check(&with_zone, "2024-02-29 01:02:03.000004-02:00");
        let long = scan_time(&mut Scan::new(&[8, 1, 255, 255, 255, 255, 0, 0, 0]));
        assert_eq!(long, Some(Value::text("-103079215080:00:00.000000")));
        assert_eq!(scan_datetime(&mut Scan::new(&[5, 0, 0, 0, 0, 0]), true), None);
        assert_eq!(scan_time(&mut Scan::new(&[8, 0])), None);
    }
}
