//! `sql_mode`: a set of names, some of which stand for several.
//!
//! Not here: what the modes do (`value`, `syntax`, `bind`).

use holdfast_syntax::ParseMode;
use holdfast_value::Mode;

/// A set of modes, a bit each, as MySQL numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqlMode(u64);

const NAMES: [(u32, &str); 20] = [
    (0, "REAL_AS_FLOAT"),
    (1, "PIPES_AS_CONCAT"),
    (2, "ANSI_QUOTES"),
    (3, "IGNORE_SPACE"),
    (5, "ONLY_FULL_GROUP_BY"),
    (6, "NO_UNSIGNED_SUBTRACTION"),
    (7, "NO_DIR_IN_CREATE"),
    (18, "ANSI"),
    (19, "NO_AUTO_VALUE_ON_ZERO"),
    (20, "NO_BACKSLASH_ESCAPES"),
    (21, "STRICT_TRANS_TABLES"),
    (22, "STRICT_ALL_TABLES"),
    (23, "NO_ZERO_IN_DATE"),
    (24, "NO_ZERO_DATE"),
    (25, "ALLOW_INVALID_DATES"),
    (26, "ERROR_FOR_DIVISION_BY_ZERO"),
    (27, "TRADITIONAL"),
    (29, "HIGH_NOT_PRECEDENCE"),
    (30, "NO_ENGINE_SUBSTITUTION"),
    (31, "PAD_CHAR_TO_FULL_LENGTH"),
];
/// Of MySQL's, refused: they change results in ways that nothing here follows.
const TIME_TRUNCATE: &str = "TIME_TRUNCATE_FRACTIONAL";

const ANSI: u64 = 1 << 18 | 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 5;
const TRADITIONAL: u64 = 1 << 27 | 1 << 21 | 1 << 22 | 1 << 23 | 1 << 24 | 1 << 26 | 1 << 30;

impl Default for SqlMode {
    /// MySQL 8.0's.
    fn default() -> Self {
        Self(1 << 5 | 1 << 21 | 1 << 23 | 1 << 24 | 1 << 26 | 1 << 30)
    }
}

impl SqlMode {
    /// Names with commas between; empty ones do not count.
    ///
    /// # Errors
    /// The first name that is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut bits = 0;
        for part in text.split(',') {
            let part = part.trim();
            if part.is_empty() {
                continue;
            }
            let named = NAMES.iter().find(|(_, name)| name.eq_ignore_ascii_case(part));
            let Some((bit, _)) = named else { return Err(part.to_owned()) };
            bits |= 1 << bit;
        }
        Ok(Self(bits).spread())
    }

    /// The set of these bits, if all of them are modes.
    pub fn of_bits(bits: u64) -> Option<Self> {
        let all = NAMES.iter().fold(0, |all, (bit, _)| all | 1 << bit);
        (bits & !all == 0).then_some(Self(bits).spread())
    }

    /// Names for several bring those along.
    fn spread(self) -> Self {
        let mut bits = self.0;
        if bits & 1 << 18 != 0 {
            bits |= ANSI;
        }
        if bits & 1 << 27 != 0 {
            bits |= TRADITIONAL;
        }
        Self(bits)
    }

    fn has(self, bit: u32) -> bool {
        self.0 & 1 << bit != 0
    }

    /// STRICT_TRANS_TABLES or STRICT_ALL_TABLES.
    pub fn is_strict(self) -> bool {
        self.has(21) || self.has(22)
    }

    /// STRICT_ALL_TABLES.
    pub fn is_strict_all(self) -> bool {
        self.has(22)
    }

    /// ONLY_FULL_GROUP_BY.
    pub fn full_group_by(self) -> bool {
        self.has(5)
    }

    /// NO_AUTO_VALUE_ON_ZERO.
    pub fn no_auto_value_on_zero(self) -> bool {
        self.has(19)
    }

    /// ANSI_QUOTES.
    pub fn ansi_quotes(self) -> bool {
        self.has(2)
    }

    /// PIPES_AS_CONCAT.
    pub fn pipes_as_concat(self) -> bool {
        self.has(1)
    }

    /// NO_BACKSLASH_ESCAPES.
    pub fn no_backslash_escapes(self) -> bool {
        self.has(20)
    }

    /// What values depend on.
    pub fn values(self) -> Mode {
        Mode {
            strict: self.is_strict(),
            no_zero_date: self.has(24),
            no_zero_in_date: self.has(23),
            division_by_zero: self.has(26),
            no_unsigned_subtraction: self.has(6),
            pad_char: self.has(31),
            no_backslash_escapes: self.has(20),
        }
    }

    /// What parsing depends on; `multi` and `version` are not of the mode.
    pub fn parsing(self) -> ParseMode {
        ParseMode {
            ansi_quotes: self.ansi_quotes(),
            no_backslash_escapes: self.no_backslash_escapes(),
            pipes_as_concat: self.pipes_as_concat(),
            ..ParseMode::default()
        }
    }
}

impl std::fmt::Display for SqlMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut between = "";
        for (bit, name) in NAMES {
            if self.has(bit) {
                write!(f, "{between}{name}")?;
                between = ",";
            }
        }
        Ok(())
    }
}

/// Whether a name is a mode of MySQL's that is not obeyed here.
pub(super) fn is_refused(name: &str) -> bool {
    name.eq_ignore_ascii_case(TIME_TRUNCATE)
}
