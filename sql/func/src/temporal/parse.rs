//! Reading a date or a time by a pattern, as STR_TO_DATE does.
//!
//! Not here: reading without one (`holdfast_value::temporal`).

use holdfast_value::{SqlType, temporal};

use super::calendar::{self, HOUR, MINUTE, SECOND};
use super::make::full_year;
use super::parts::{MONTHS, WEEKDAYS};

/// What a text gave.
pub(crate) struct Given {
    /// Days since 1970-01-01; `None` unless year, month and day make a date.
    pub days: Option<i32>,
    /// The time of day. [microseconds]
    pub time: i64,
    /// Something follows what the pattern reads.
    pub has_rest: bool,
}

/// The type of what a pattern reads.
pub(crate) fn type_of(pattern: &str) -> SqlType {
    let (mut has_date, mut has_time, mut fsp) = (false, false, 0);
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            continue;
        }
        match letters.next() {
            Some('f') => (has_time, fsp) = (true, 6),
            Some('H' | 'k' | 'h' | 'I' | 'l' | 'i' | 'S' | 's' | 'p' | 'r' | 'T') => {
                has_time = true;
            }
            Some(
                'a' | 'b' | 'c' | 'D' | 'd' | 'e' | 'j' | 'M' | 'm' | 'U' | 'u' | 'V' | 'v' | 'W'
                | 'w' | 'X' | 'x' | 'Y' | 'y',
            ) => has_date = true,
            _ => {}
        }
    }
    match (has_date, has_time) {
        (false, true) => SqlType::Time(fsp),
        (true, false) => SqlType::Date,
        _ => SqlType::DateTime(fsp),
    }
}

/// Reads `text` by `pattern`; `None` where it does not match or makes no sense.
pub(crate) fn read(text: &str, pattern: &str) -> Option<Given> {
    let mut reader = Reader { rest: text, found: Found::default() };
    reader.follow(pattern)?;
    let has_rest = !reader.rest.trim_start().is_empty();
    let time = reader.found.time()?;
    Some(Given { days: reader.found.days()?, time, has_rest })
}

#[derive(Default)]
struct Found {
    year: Option<i64>,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    is_twelve: bool,
    is_afternoon: Option<bool>,
    day_of_year: Option<i64>,
    /// From 1 for Monday to 7.
    weekday: Option<i64>,
    week: Option<i64>,
    week_year: Option<i64>,
    monday_first: bool,
    is_strict_week: bool,
}

struct Reader<'t> {
    rest: &'t str,
    found: Found,
}

impl Reader<'_> {
    fn follow(&mut self, pattern: &str) -> Option<()> {
        let mut letters = pattern.chars();
        while let Some(letter) = letters.next() {
            self.rest = self.rest.trim_start();
            if self.rest.is_empty() {
                break;
            }
            if letter == '%' {
                match letters.next() {
                    Some(which) => self.part(which)?,
                    None => return None,
                }
            } else if !letter.is_whitespace() {
                self.rest = self.rest.strip_prefix(letter)?;
            }
        }
        Some(())
    }

    /// A number of at most so many digits.
    fn number(&mut self, most: usize) -> Option<i64> {
        let digits = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.rest.split_at(digits);
        let number = number.parse().ok()?;
        self.rest = rest;
        Some(number)
    }

    /// Which of the names comes next, from 1; by its first letters if `short`.
    fn name(&mut self, names: &[&str], short: bool) -> Option<i64> {
        let fits = |name: &&str| {
            let length = if short { 3 } else { name.len() };
            let next = self.rest.get(..length);
            next.is_some_and(|next| next.eq_ignore_ascii_case(&name[..length]))
        };
        let at = names.iter().position(fits)?;
        let length = if short { 3 } else { names[at].len() };
        self.rest = &self.rest[length..];
        i64::try_from(at + 1).ok()
    }

    fn part(&mut self, which: char) -> Option<()> {
        let found = &mut self.found;
        match which {
            'h' | 'I' | 'l' => found.is_twelve = true,
            'u' | 'v' => found.monday_first = true,
            _ => {}
        }
        match which {
            'Y' => {
                let length = self.rest.len();
                let year = self.number(4)?;
                let digits = length - self.rest.len();
                self.found.year = Some(if digits <= 2 { full_year(year) } else { year });
            }
            'y' => self.found.year = Some(full_year(self.number(2)?)),
            'm' | 'c' => self.found.month = self.number(2)?,
            'M' => self.found.month = self.name(&MONTHS, false)?,
            'b' => self.found.month = self.name(&MONTHS, true)?,
            'd' | 'e' => self.found.day = self.number(2)?,
            'D' => {
                self.found.day = self.number(2)?;
                self.rest = self.rest.get(2..)?;
            }
            'H' | 'k' | 'h' | 'I' | 'l' => self.found.hour = self.number(2)?,
            'i' => self.found.minute = self.number(2)?,
            's' | 'S' => self.found.second = self.number(2)?,
            'f' => self.fraction()?,
            'p' => self.half()?,
            'W' => self.found.weekday = Some(self.name(&WEEKDAYS, false)?),
            'a' => self.found.weekday = Some(self.name(&WEEKDAYS, true)?),
            'w' => {
                let day = self.number(1).filter(|day| *day < 7)?;
                self.found.weekday = Some(if day == 0 { 7 } else { day });
            }
            'j' => self.found.day_of_year = Some(self.number(3)?),
            'U' | 'u' => self.week(false)?,
            'V' | 'v' => self.week(true)?,
            'X' | 'x' => self.found.week_year = Some(self.number(4)?),
            'r' => self.follow("%I:%i:%S %p")?,
            'T' => self.follow("%H:%i:%S")?,
            '%' => self.rest = self.rest.strip_prefix('%')?,
            '.' => self.rest = self.rest.trim_start_matches(|c: char| c.is_ascii_punctuation()),
            '@' => self.rest = self.rest.trim_start_matches(char::is_alphabetic),
            '#' => self.rest = self.rest.trim_start_matches(|c: char| c.is_ascii_digit()),
            _ => return None,
        }
        Some(())
    }

    fn fraction(&mut self) -> Option<()> {
        let length = self.rest.len();
        let number = self.number(6)?;
        let digits = u32::try_from(length - self.rest.len()).ok()?;
        self.found.micros = number * 10_i64.pow(6 - digits.min(6));
        Some(())
    }

    fn half(&mut self) -> Option<()> {
        if !self.found.is_twelve {
            return None;
        }
        let half = self.name(&["AM", "PM"], false)?;
        self.found.is_afternoon = Some(half == 2);
        Some(())
    }

    fn week(&mut self, is_strict: bool) -> Option<()> {
        let week = self.number(2).filter(|week| *week <= 53 && !(is_strict && *week == 0))?;
        self.found.week = Some(week);
        self.found.is_strict_week = is_strict;
        Some(())
    }
}

impl Found {
    /// The time of day; `None` where there is none such.
    fn time(&self) -> Option<i64> {
        let mut hour = self.hour;
        if self.is_twelve {
            if !(1..=12).contains(&hour) {
                return None;
            }
            hour = hour % 12 + if self.is_afternoon == Some(true) { 12 } else { 0 };
        }
        let is_legal = hour < 24 && self.minute < 60 && self.second < 60;
        is_legal.then_some(hour * HOUR + self.minute * MINUTE + self.second * SECOND + self.micros)
    }

    /// `None` for what is wrong, `Some(None)` where no date was given.
    fn days(&self) -> Option<Option<i32>> {
        if self.month > 12 || self.day > 31 {
            return None;
        }
        if let Some(day) = self.day_of_year {
            let first = temporal::days_of(i32::try_from(self.year?).ok()?, 1, 1);
            let days = i64::from(first) + day - 1;
            return (day > 0).then_some(calendar::checked_days(days));
        }
        if let (Some(week), Some(weekday)) = (self.week, self.weekday) {
            return self.days_of_week(week, weekday).map(Some);
        }
        let Some(year) = self.year else { return Some(None) };
        let (year, month) = (i32::try_from(year).ok()?, u8::try_from(self.month).ok()?);
        let day = u8::try_from(self.day).ok()?;
        let is_legal = month > 0 && day > 0 && day <= temporal::month_days(year, month);
        if is_legal {
            return Some(Some(temporal::days_of(year, month, day)));
        }
        // A day that no month has is wrong; a zero is no date.
        if month > 0 && day > 0 { None } else { Some(None) }
    }

    fn days_of_week(&self, week: i64, weekday: i64) -> Option<i32> {
        let year = if self.is_strict_week { self.week_year? } else { self.year? };
        let first = i64::from(temporal::days_of(i32::try_from(year).ok()?, 1, 1));
        let shift = if self.monday_first { 3 } else { 4 };
        let first_weekday = (first + shift).rem_euclid(7);
        let days = if self.monday_first {
            let skip = if first_weekday <= 3 { 0 } else { 7 };
            first + skip - first_weekday + (week - 1) * 7 + weekday - 1
        } else {
            let skip = if first_weekday == 0 { 0 } else { 7 };
            first + skip - first_weekday + (week - 1) * 7 + weekday % 7
        };
        calendar::checked_days(days)
    }
}
