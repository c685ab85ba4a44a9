//! What of a session decides how text becomes tokens.

/// The parts of `sql_mode` and of the connection that parsing depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseMode {
    /// `ANSI_QUOTES`: `"x"` is a name, not a text.
    pub ansi_quotes: bool,
    /// `NO_BACKSLASH_ESCAPES`: a backslash is a backslash.
    pub no_backslash_escapes: bool,
    /// `PIPES_AS_CONCAT`: `||` joins texts instead of meaning OR.
    pub pipes_as_concat: bool,
    /// Several statements in one text (`CLIENT_MULTI_STATEMENTS`); a second one is 1064 without.
    pub multi: bool,
    /// The version that `/*!NNNNN ... */` is compared with: 80039 is 8.0.39.
    pub version: u32,
}

impl Default for ParseMode {
    fn default() -> Self {
        Self {
            ansi_quotes: false,
            no_backslash_escapes: false,
            pipes_as_concat: false,
            multi: false,
            version: 80039,
        }
    }
}
