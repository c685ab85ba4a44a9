//! Dates and times without time zones.

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

/// What a text gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parsed<T> {
    /// The value.
    pub value: T,
    /// Something was left over or cut off.
    pub truncated: bool,
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

/// Days since 1970-01-01 of a legal date.
pub fn days_of(year: i32, month: u8, day: u8) -> i32 {
    let _ = (year, month, day);
    0
}
/// Year, month and day.
pub fn civil_of(days: i32) -> (i32, u8, u8) {
    let _ = days;
    (1970, 1, 1)
}
/// A DATETIME in parts.
pub fn parts_of(micros: i64) -> Parts {
    let _ = micros;
    Parts::default()
}
/// Parts as a DATETIME; `None` unless legal.
pub fn micros_of(parts: &Parts) -> Option<i64> {
    let _ = parts;
    None
}
/// Days of a month.
pub fn month_days(year: i32, month: u8) -> u8 {
    let _ = (year, month);
    31
}
/// Reads a DATE. [days]
///
/// # Errors
/// [`TemporalTrouble`].
pub fn parse_date(text: &str) -> Result<Parsed<i32>, TemporalTrouble> {
    let _ = text;
    Err(TemporalTrouble::Malformed)
}
/// Reads a DATETIME, rounded to `fsp` digits. [microseconds]
///
/// # Errors
/// [`TemporalTrouble`].
pub fn parse_datetime(text: &str, fsp: u8) -> Result<Parsed<i64>, TemporalTrouble> {
    let _ = (text, fsp);
    Err(TemporalTrouble::Malformed)
}
/// Reads a TIME, rounded to `fsp` digits. [microseconds]
///
/// # Errors
/// [`TemporalTrouble`].
pub fn parse_time(text: &str, fsp: u8) -> Result<Parsed<i64>, TemporalTrouble> {
    let _ = (text, fsp);
    Err(TemporalTrouble::Malformed)
}
/// Rounds to `fsp` digits, half away from zero.
pub fn round(micros: i64, fsp: u8) -> i64 {
    let _ = fsp;
    micros
}
/// Appends `2020-01-02`.
pub fn write_date(days: i32, out: &mut Vec<u8>) {
    let _ = (days, out);
}
/// Appends `2020-01-02 03:04:05.678`.
pub fn write_datetime(micros: i64, fsp: u8, out: &mut Vec<u8>) {
    let _ = (micros, fsp, out);
}
/// Appends `-12:34:56.789`.
pub fn write_time(micros: i64, fsp: u8, out: &mut Vec<u8>) {
    let _ = (micros, fsp, out);
}
