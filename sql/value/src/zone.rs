//! Time zones.

use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeZone};

/// A session's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// `+02:00`. [seconds east of UTC]
    Fixed(i32),
    /// `Europe/Berlin`.
    Named(chrono_tz::Tz),
}

impl Default for Zone {
    fn default() -> Self {
        Self::Fixed(0)
    }
}

impl Zone {
    /// `SYSTEM` (UTC here), `+HH:MM` from -13:59 to +14:00, or a name of the IANA database.
    pub fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("SYSTEM") || text.eq_ignore_ascii_case("UTC") {
            return Some(Self::Fixed(0));
        }
        if let Some(sign) = text.chars().next().filter(|c| *c == '+' || *c == '-') {
            let (hours, minutes) = text[1..].split_once(':')?;
            let fits = |part: &str| (1..=2).contains(&part.len());
            let (hours, minutes) = (
                hours.parse::<u8>().ok().filter(|_| fits(hours))?,
                minutes.parse::<u8>().ok().filter(|_| fits(minutes))?,
            );
            let seconds = i32::from(hours) * 3600 + i32::from(minutes) * 60;
            let seconds = if sign == '-' { -seconds } else { seconds };
            let is_legal = minutes < 60 && (-13 * 3600 - 59 * 60..=14 * 3600).contains(&seconds);
            return is_legal.then_some(Self::Fixed(seconds));
        }
        let of = |tz: &&chrono_tz::Tz| tz.name().eq_ignore_ascii_case(text);
        chrono_tz::TZ_VARIANTS.iter().find(of).map(|tz| Self::Named(*tz))
    }

    /// UTC to this zone. [microseconds since 1970-01-01 00:00, both]
    pub fn from_utc(self, micros: i64) -> i64 {
        match self {
            Self::Fixed(seconds) => micros.saturating_add(i64::from(seconds) * 1_000_000),
            Self::Named(tz) => match DateTime::from_timestamp_micros(micros) {
                Some(at) => {
                    let offset = tz.offset_from_utc_datetime(&at.naive_utc()).fix();
                    micros.saturating_add(i64::from(offset.local_minus_utc()) * 1_000_000)
                }
                None => micros,
            },
        }
    }

    /// This zone to UTC. A time that the clocks skip becomes the moment of the
    /// skip; of one that they repeat the first is meant.
    pub fn to_utc(self, micros: i64) -> i64 {
        match self {
            Self::Fixed(seconds) => micros.saturating_sub(i64::from(seconds) * 1_000_000),
            Self::Named(tz) => {
                let Some(at) = DateTime::from_timestamp_micros(micros) else { return micros };
                resolve(tz, at.naive_utc()).unwrap_or(micros)
            }
        }
    }
}

fn resolve(tz: chrono_tz::Tz, local: NaiveDateTime) -> Option<i64> {
    match tz.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.timestamp_micros()),
        // In a gap: the first moment after it, found from an hour before and after.
        // In a gap: the first quarter of an hour after it is near enough to find its offset.
        LocalResult::None => (1..=24 * 4).find_map(|quarters| {
            let later = local.checked_add_signed(chrono::Duration::minutes(15 * quarters))?;
            Some(tz.from_local_datetime(&later).earliest()?.timestamp_micros())
        }),
    }
}

impl std::fmt::Display for Zone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(tz) => f.write_str(tz.name()),
            Self::Fixed(seconds) => {
                let sign = if *seconds < 0 { '-' } else { '+' };
                let minutes = seconds.abs() / 60;
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}
