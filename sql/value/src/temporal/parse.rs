//! Reads dates and times as leniently as MySQL does.
//!
//! ```text
//! 2020-1-2          any punctuation between parts, one digit or two
//! 20200102  200102  digits alone: 4 digits of a year where there are 4, 8 or 14
//! 2020-01-02T03:04:05.678+02:00
//! 1 10:00:00  11:12  1112  -838:59:59     a TIME
//! ```
//!
//! Two digits of a year are 1970 to 2069.

use super::{DATETIME_MAX, DAY, Parts, SECOND, TIME_MAX, date_of, micros_of};

/// What a text gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parsed<T> {
    /// The value.
    pub value: T,
    /// Something was left over, cut off, or clamped to the longest time.
    pub truncated: bool,
    /// `+02:00`: how far east of UTC the value is meant. [seconds]
    pub offset: Option<i32>,
}

/// Why a text gives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemporalTrouble {
    /// It is no date or time.
    Malformed,
    /// `0000-00-00`, `2020-00-00`.
    Zero,
    /// Beyond what the type holds.
    Range,
}

/// Reads a DATE, a time that follows is dropped and not truncation. [days]
///
/// # Errors
/// [`TemporalTrouble`].
pub fn parse_date(text: &str) -> Result<Parsed<i32>, TemporalTrouble> {
    let Parsed { value, truncated, offset } = parse_datetime(text, 6)?;
    Ok(Parsed { value: value.div_euclid(DAY) as i32, truncated, offset })
}

/// Reads a DATETIME, rounded to `fsp` digits. The offset is reported, not applied.
/// [microseconds]
///
/// # Errors
/// [`TemporalTrouble`].
pub fn parse_datetime(text: &str, fsp: u8) -> Result<Parsed<i64>, TemporalTrouble> {
    let bytes = trimmed(text.as_bytes());
    let mut read = Reader { bytes, at: 0 };
    let digits = bytes.iter().take_while(|b| b.is_ascii_digit() || **b == b'T').count();
    if !bytes.first().is_some_and(u8::is_ascii_digit) {
        return Err(TemporalTrouble::Malformed);
    }
    let is_compact = matches!(bytes.get(digits), None | Some(b'.'))
        && !(digits < 6 && bytes.get(digits) == Some(&b'.'));
    let (fields, count, year_digits) = if is_compact {
        let year = if matches!(digits, 4 | 8) || digits >= 14 { 4 } else { 2 };
        read.compact(year)
    } else {
        read.delimited()
    };
    if count < 3 {
        return Err(TemporalTrouble::Malformed);
    }
    // A fraction follows seconds only.
    let fraction = if count == 6 { read.fraction() } else { 0 };
    let offset = if count >= 5 { read.offset() } else { None };
    let truncated = read.at < bytes.len();
    let [year, month, day, hour, minute, second] = fields;
    let year = if year_digits <= 2 { century(year) } else { year };
    if month == 0 || day == 0 {
        return Err(TemporalTrouble::Zero);
    }
    let small = |number: i64| u8::try_from(number).map_err(|_| TemporalTrouble::Malformed);
    let parts = Parts {
        year: i32::try_from(year).map_err(|_| TemporalTrouble::Malformed)?,
        month: small(month)?,
        day: small(day)?,
        hour: small(hour)?,
        minute: small(minute)?,
        second: small(second)?,
        micro: 0,
    };
    let whole = micros_of(&parts).ok_or(TemporalTrouble::Malformed)?;
    let value = round_nanos(whole, fraction, fsp);
    if value > DATETIME_MAX {
        return Err(TemporalTrouble::Range);
    }
    Ok(Parsed { value, truncated, offset })
}

/// Reads a TIME, rounded to `fsp` digits, clamped to 838:59:59. [microseconds]
///
/// # Errors
/// [`TemporalTrouble`].
pub fn parse_time(text: &str, fsp: u8) -> Result<Parsed<i64>, TemporalTrouble> {
    let bytes = trimmed(text.as_bytes());
    let is_negative = bytes.first() == Some(&b'-');
    let bytes = if is_negative { &bytes[1..] } else { bytes };
    if !bytes.first().is_some_and(|b| b.is_ascii_digit() || *b == b'.') {
        return Err(TemporalTrouble::Malformed);
    }
    // A moment, not a time: its parts are set apart, or it is digits alone.
    let is_moment = bytes.contains(&b' ') || bytes.contains(&b'T') || !bytes.contains(&b':');
    if bytes.len() >= 12
        && !is_negative
        && is_moment
        && let Ok(it) = parse_datetime(text, fsp)
    {
        return Ok(Parsed { value: it.value.rem_euclid(DAY), ..it });
    }
    let mut read = Reader { bytes, at: 0 };
    let (first, _) = read.number(20);
    let (seconds, has_fraction) = match read.peek() {
        Some(b' ') if read.bytes.get(read.at + 1).is_some_and(u8::is_ascii_digit) => {
            read.at += 1;
            let (hours, _) = read.number(20);
            let (rest, all) = read.clock()?;
            (
                first
                    .saturating_mul(24)
                    .saturating_add(hours)
                    .saturating_mul(3600)
                    .saturating_add(rest),
                all,
            )
        }
        Some(b':') => {
            let (rest, all) = read.clock()?;
            (first.saturating_mul(3600).saturating_add(rest), all)
        }
        _ => (compact_seconds(first)?, true),
    };
    let fraction = if has_fraction { read.fraction() } else { 0 };
    let truncated = read.at < bytes.len();
    let value = round_nanos(seconds.saturating_mul(SECOND), fraction, fsp);
    let clamped = value.min(TIME_MAX);
    let truncated = truncated || clamped < value;
    Ok(Parsed { value: if is_negative { -clamped } else { clamped }, truncated, offset: None })
}

/// `20200102030405`, `20200102`, `200102` as a DATETIME. [microseconds]
///
/// # Errors
/// [`TemporalTrouble`].
pub fn datetime_of_number(number: i64) -> Result<i64, TemporalTrouble> {
    use TemporalTrouble::{Malformed, Zero};
    let full = match number {
        0 => return Err(Zero),
        101..=691_231 => (number + 20_000_000) * 1_000_000,
        700_101..=991_231 => (number + 19_000_000) * 1_000_000,
        10_000_101..=99_991_231 => number * 1_000_000,
        101_000_000..=691_231_235_959 => number + 20_000_000_000_000,
        700_101_000_000..=991_231_235_959 => number + 19_000_000_000_000,
        10_000_101_000_000..=99_991_231_235_959 => number,
        _ => return Err(Malformed),
    };
    let (date, time) = (full / 1_000_000, full % 1_000_000);
    let (month, day) = ((date / 100 % 100) as u8, (date % 100) as u8);
    if month == 0 || day == 0 {
        return Err(Zero);
    }
    let days = date_of((date / 10_000) as i32, month, day).ok_or(Malformed)?;
    let (hour, minute, second) = (time / 10_000, time / 100 % 100, time % 100);
    if hour > 23 || minute > 59 || second > 59 {
        return Err(Malformed);
    }
    Ok(i64::from(days) * DAY + (hour * 3600 + minute * 60 + second) * SECOND)
}

/// `-123456` as -12:34:56, clamped to 838:59:59; a DATETIME's number gives its
/// time. The flag says that it was clamped. [microseconds]
///
/// # Errors
/// [`TemporalTrouble`].
pub fn time_of_number(number: i64) -> Result<(i64, bool), TemporalTrouble> {
    if number >= 10_000_000_000 {
        return Ok((datetime_of_number(number)?.rem_euclid(DAY), false));
    }
    let seconds = compact_seconds(number.saturating_abs())?;
    let micros = seconds.saturating_mul(SECOND);
    let clamped = micros.min(TIME_MAX);
    Ok((if number < 0 { -clamped } else { clamped }, clamped < micros))
}

fn compact_seconds(number: i64) -> Result<i64, TemporalTrouble> {
    let (hours, minutes, seconds) = (number / 10_000, number / 100 % 100, number % 100);
    if minutes > 59 || seconds > 59 {
        return Err(TemporalTrouble::Malformed);
    }
    Ok(hours.saturating_mul(3600).saturating_add(minutes * 60 + seconds))
}

fn century(year: i64) -> i64 {
    if year < 70 { year + 2000 } else { year + 1900 }
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii()
}

/// Adds a fraction of nanoseconds, so that rounding is done once.
fn round_nanos(whole: i64, nanos: i64, fsp: u8) -> i64 {
    let unit = 10i64.pow(9 - u32::from(fsp.min(6)));
    let rounded = (nanos + unit / 2) / unit * unit;
    whole.saturating_add(rounded / 1000)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// At most `max` digits, and how many there were.
    fn number(&mut self, max: usize) -> (i64, usize) {
        let start = self.at;
        let mut number = 0i64;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            if self.at - start == max {
                break;
            }
            number = number.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
            self.at += 1;
        }
        (number, self.at - start)
    }

    fn compact(&mut self, year_digits: usize) -> ([i64; 6], usize, usize) {
        let mut fields = [0; 6];
        for (i, field) in fields.iter_mut().enumerate() {
            if i == 3 && self.peek() == Some(b'T') {
                self.at += 1;
            }
            let (number, digits) = self.number(if i == 0 { year_digits } else { 2 });
            if digits == 0 {
                return (fields, i, year_digits);
            }
            *field = number;
        }
        (fields, 6, year_digits)
    }

    fn delimited(&mut self) -> ([i64; 6], usize, usize) {
        let mut fields = [0; 6];
        let mut year_digits = 4;
        for i in 0..6 {
            let before = self.at;
            if i > 0 {
                let is_separator = |b: u8| match i {
                    3 => b == b'T' || b == b' ' || b.is_ascii_punctuation(),
                    // A sign after minutes is an offset's.
                    5 => b.is_ascii_punctuation() && b != b'+' && b != b'-',
                    _ => b.is_ascii_punctuation(),
                };
                let mut any = false;
                while self.peek().is_some_and(is_separator) {
                    (self.at, any) = (self.at + 1, true);
                }
                if !any {
                    return (fields, i, year_digits);
                }
            }
            let (number, digits) = self.number(if i == 0 { 4 } else { 2 });
            if digits == 0 {
                self.at = before;
                return (fields, i, year_digits);
            }
            if i == 0 {
                year_digits = digits;
            }
            fields[i] = number;
        }
        (fields, 6, year_digits)
    }

    /// `:mm[:ss]` in seconds, and whether a fraction may follow. Stops at what is none.
    fn clock(&mut self) -> Result<(i64, bool), TemporalTrouble> {
        let mut seconds = 0;
        for unit in [60, 1] {
            if self.peek() != Some(b':') {
                return Ok((seconds, false));
            }
            self.at += 1;
            let (number, digits) = self.number(2);
            if digits == 0 {
                return Ok((seconds, false));
            }
            if number > 59 {
                return Err(TemporalTrouble::Malformed);
            }
            seconds += number * unit;
        }
        Ok((seconds, true))
    }

    /// `.678`; digits beyond nanoseconds are passed over. [nanoseconds]
    fn fraction(&mut self) -> i64 {
        if self.peek() != Some(b'.') {
            return 0;
        }
        self.at += 1;
        let (mut nanos, mut unit) = (0, 100_000_000);
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            nanos += i64::from(digit - b'0') * unit;
            unit /= 10;
            self.at += 1;
        }
        nanos
    }

    /// `+02:00` at the end, from -13:59 to +14:00. [seconds]
    fn offset(&mut self) -> Option<i32> {
        let rest = &self.bytes[self.at..];
        let &[sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] = rest else { return None };
        let all = [h1, h2, m1, m2];
        if !all.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let [h1, h2, m1, m2] = all.map(|b| i32::from(b - b'0'));
        let (hours, minutes) = (h1 * 10 + h2, m1 * 10 + m2);
        let seconds = (hours * 60 + minutes) * 60;
        let seconds = if sign == b'-' { -seconds } else { seconds };
        if minutes > 59 || !(-(13 * 60 + 59) * 60..=14 * 3600).contains(&seconds) {
            return None;
        }
        self.at = self.bytes.len();
        Some(seconds)
    }
}
