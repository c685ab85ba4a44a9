//! What can be wrong with a value, as MySQL numbers it.

use crate::types::SqlType;

/// A value that cannot be what it should be. `code` gives MySQL's number; as a
/// warning it has the same number and text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum ValueError {
    /// 1292
    #[error("Truncated incorrect {kind} value: '{value}'")]
    Truncated { kind: &'static str, value: String },
    /// 1292
    #[error("Incorrect {kind} value: '{value}'")]
    Incorrect { kind: &'static str, value: String },
    /// 1690
    #[error("{kind} value is out of range in '{expression}'")]
    OutOfRange { kind: &'static str, expression: String },
    /// 1365
    #[error("Division by 0")]
    DivisionByZero,
    /// 1264: storing into a column.
    #[error("Out of range value for column '{column}' at row {row}")]
    ColumnRange { column: String, row: u64 },
    /// 1406
    #[error("Data too long for column '{column}' at row {row}")]
    ColumnTooLong { column: String, row: u64 },
    /// 1265
    #[error("Data truncated for column '{column}' at row {row}")]
    ColumnTruncated { column: String, row: u64 },
    /// 1366 (numbers and texts), 1292 (temporal)
    #[error("Incorrect {kind} value: '{value}' for column '{column}' at row {row}")]
    ColumnIncorrect { kind: &'static str, value: String, column: String, row: u64 },
    /// 1048
    #[error("Column '{column}' cannot be null")]
    ColumnNull { column: String },
    /// 3140
    #[error("Invalid JSON text: {what} at position {at} in value for column '{column}'.")]
    Json { what: String, at: usize, column: String },
    /// 1582
    #[error("Incorrect parameter count in the call to native function '{0}'")]
    ParameterCount(String),
    /// 1210
    #[error("Incorrect arguments to {0}")]
    Arguments(String),
    /// 3685 and other errors of regular expressions.
    #[error("{0}")]
    Regex(String),
    /// 1153, 1301: a result that is longer than `max_allowed_packet`.
    #[error("Result of {0}() was larger than max_allowed_packet ({1}) - truncated")]
    TooLong(String, u64),
    /// 1235: known to MySQL, not to us.
    #[error("This version of Holdfast doesn't yet support '{0}'")]
    NotSupported(String),
    /// Anything else, with its number and SQLSTATE.
    #[error("{message}")]
    Other { code: u16, state: &'static str, message: String },
    /// A stored row or key that does not parse: never guessed at.
    #[error("a stored {what} of type {of:?} does not parse")]
    Stored { what: &'static str, of: SqlType },
}

impl ValueError {
    /// MySQL's error number.
    pub fn code(&self) -> u16 {
        match self {
            Self::Truncated { .. } | Self::Incorrect { .. } => 1292,
            Self::OutOfRange { .. } => 1690,
            Self::DivisionByZero => 1365,
            Self::ColumnRange { .. } => 1264,
            Self::ColumnTooLong { .. } => 1406,
            Self::ColumnTruncated { .. } => 1265,
            Self::ColumnIncorrect { kind, .. } => match *kind {
                "date" | "time" | "datetime" | "timestamp" => 1292,
                _ => 1366,
            },
            Self::ColumnNull { .. } => 1048,
            Self::Json { .. } => 3140,
            Self::ParameterCount(_) => 1582,
            Self::Arguments(_) => 1210,
            Self::Regex(_) => 3685,
            Self::TooLong(..) => 1301,
            Self::NotSupported(_) => 1235,
            Self::Other { code, .. } => *code,
            Self::Stored { .. } => 1712,
        }
    }

    /// The SQLSTATE of [`ValueError::code`].
    pub fn state(&self) -> &'static str {
        match self {
            Self::Other { state, .. } => state,
            _ => match self.code() {
                1690 | 1264 => "22003",
                1365 => "22012",
                1406 => "22001",
                1265 => "01000",
                1292 => "22007",
                1048 => "23000",
                3140 => "22032",
                1582 | 1235 => "42000",
                _ => "HY000",
            },
        }
    }
}
