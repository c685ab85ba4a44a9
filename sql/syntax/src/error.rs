//! What can be wrong with a statement's text, as MySQL numbers it.
//!
//! Not here: names that do not resolve and types that do not fit (`sql`).

/// A text that is no statement, or none that this server runs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    /// 1064. `near` is the text from the first token that does not fit, at most 80 characters.
    #[error(
        "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use near '{near}' at line {line}"
    )]
    Near {
        /// The text from where parsing stopped.
        near: String,
        /// The line of it, from 1.
        line: u64,
    },
    /// 1065: nothing but blanks and comments.
    #[error("Query was empty")]
    Empty,
    /// 1300: bytes outside of a literal that are not UTF-8.
    #[error("Invalid utf8mb4 character string: '{0}'")]
    Encoding(String),
    /// 1436: nested deeper, or chained longer, than a parser's stack allows.
    #[error("Thread stack overrun: the statement nests or chains more than {0} levels")]
    TooDeep(usize),
    /// 1235: known to MySQL, not to us.
    #[error("This version of Holdfast doesn't yet support '{0}'")]
    NotSupported(String),
    /// Anything else, with its number and SQLSTATE.
    #[error("{message}")]
    Other {
        /// MySQL's number.
        code: u16,
        /// Its SQLSTATE.
        state: &'static str,
        /// Its text.
        message: String,
    },
}

impl SyntaxError {
    /// MySQL's error number.
    pub fn code(&self) -> u16 {
        match self {
            Self::Near { .. } => 1064,
            Self::Empty => 1065,
            Self::Encoding(_) => 1300,
            Self::TooDeep(_) => 1436,
            Self::NotSupported(_) => 1235,
            Self::Other { code, .. } => *code,
        }
    }

    /// The SQLSTATE of [`SyntaxError::code`].
    pub fn state(&self) -> &'static str {
        match self {
            Self::Near { .. } | Self::Empty | Self::NotSupported(_) => "42000",
            Self::Encoding(_) | Self::TooDeep(_) => "HY000",
            Self::Other { state, .. } => state,
        }
    }

    /// The 1064 for byte `at` of `source`, which lies on `line`.
    pub(crate) fn near(source: &[u8], at: usize, line: u64) -> Self {
        let rest = source.get(at..).unwrap_or_default();
        let rest = &rest[..rest.len().min(80 * 4)];
        let near: String = String::from_utf8_lossy(rest).chars().take(80).collect();
        Self::Near { near, line: line.max(1) }
    }
}
