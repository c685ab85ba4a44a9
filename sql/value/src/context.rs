//! What evaluating an expression knows of the session, and what it says back.

use crate::error::ValueError;
use crate::zone::Zone;

/// The parts of `sql_mode` that change what values become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// STRICT_TRANS_TABLES or STRICT_ALL_TABLES: what does not fit a column is an error.
    pub strict: bool,
    /// NO_ZERO_DATE.
    pub no_zero_date: bool,
    /// NO_ZERO_IN_DATE.
    pub no_zero_in_date: bool,
    /// ERROR_FOR_DIVISION_BY_ZERO.
    pub division_by_zero: bool,
    /// NO_UNSIGNED_SUBTRACTION.
    pub no_unsigned_subtraction: bool,
    /// PAD_CHAR_TO_FULL_LENGTH.
    pub pad_char: bool,
    /// NO_BACKSLASH_ESCAPES.
    pub no_backslash_escapes: bool,
}

impl Default for Mode {
    /// MySQL 8's default.
    fn default() -> Self {
        Self {
            strict: true,
            no_zero_date: true,
            no_zero_in_date: true,
            division_by_zero: true,
            no_unsigned_subtraction: false,
            pad_char: false,
            no_backslash_escapes: false,
        }
    }
}

/// What an evaluation knows and collects. One per statement.
#[derive(Clone, Debug)]
pub struct Context {
    /// The session's time zone.
    pub zone: Zone,
    /// The session's `sql_mode`.
    pub mode: Mode,
    /// The statement's start, microseconds since 1970-01-01 00:00 UTC: what `NOW()` says.
    pub now: i64,
    /// `max_allowed_packet`, the longest value. [bytes]
    pub bytes_max: u64,
    /// `div_precision_increment`.
    pub div_scale: u8,
    /// True while an INSERT, UPDATE or DELETE in strict mode evaluates: what would
    /// be a warning elsewhere (a truncated number, a division by zero) is an error.
    pub is_change: bool,
    /// Warnings, at most [`WARNINGS_MAX`](Self::WARNINGS_MAX) are kept.
    pub warnings: Vec<ValueError>,
    /// Warnings in all.
    pub warning_count: u64,
}

impl Default for Context {
    fn default() -> Self {
        Self {
            zone: Zone::default(),
            mode: Mode::default(),
            now: 0,
            bytes_max: 64 << 20,
            div_scale: 4,
            is_change: false,
            warnings: Vec::new(),
            warning_count: 0,
        }
    }
}

impl Context {
    /// As MySQL's `max_error_count`.
    pub const WARNINGS_MAX: usize = 1024;

    /// Notes a warning.
    pub fn warn(&mut self, warning: ValueError) {
        self.warning_count += 1;
        if self.warnings.len() < Self::WARNINGS_MAX {
            self.warnings.push(warning);
        }
    }

    /// A warning, or an error where a change is made in strict mode.
    ///
    /// # Errors
    /// `trouble`.
    pub fn warn_or_refuse(&mut self, trouble: ValueError) -> Result<(), ValueError> {
        if self.is_change && self.mode.strict {
            return Err(trouble);
        }
        self.warn(trouble);
        Ok(())
    }
}
