//! How a file's bytes are rows and fields: FIELDS and LINES of LOAD DATA.

use holdfast_syntax::statement::LoadData;

use super::charset::FileCharset;
use crate::error::{Result, SqlError};

/// FIELDS and LINES.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// FIELDS TERMINATED BY; empty: a line is one field.
    pub field_end: Vec<u8>,
    /// FIELDS ENCLOSED BY.
    pub enclosed: Option<u8>,
    /// FIELDS ESCAPED BY.
    pub escaped: Option<u8>,
    /// LINES STARTING BY; empty: a line starts where the one before it ends.
    pub line_start: Vec<u8>,
    /// LINES TERMINATED BY; empty: a row ends where it has a field for every column.
    pub line_end: Vec<u8>,
    /// IGNORE n LINES.
    pub skip: u64,
}

impl Format {
    /// Of a statement.
    ///
    /// # Errors
    /// 1083: a quote or an escape of more than one byte. 1235: rows of fixed width.
    pub fn of(load: &LoadData, charset: FileCharset, no_backslash: bool) -> Result<Self> {
        if load.field_end.is_empty() && load.enclosed.is_empty() {
            return Err(SqlError::unsupported("LOAD DATA of fields without a separator"));
        }
        let escaped = match &load.escaped {
            Some(escaped) => one_byte(escaped)?,
            None => (!no_backslash).then_some(b'\\'),
        };
        let field_end = charset.encode(&load.field_end);
        let mut line_end = charset.encode(&load.line_end);
        // As in MySQL: what ends a field ends no line.
        if line_end == field_end {
            line_end.clear();
        }
        Ok(Self {
            field_end,
            enclosed: one_byte(&load.enclosed)?,
            escaped,
            line_start: charset.encode(&load.line_start),
            line_end,
            skip: if load.line_end.is_empty() { 0 } else { load.skip },
        })
    }
}

fn one_byte(text: &str) -> Result<Option<u8>> {
    match text.as_bytes() {
        [] => Ok(None),
        [byte] => Ok(Some(*byte)),
        _ => Err(SqlError::new(
            1083,
            "Field separator argument is not what is expected; check the manual",
        )),
    }
}
