//! The character set of a file: bytes become texts.

use std::borrow::Cow;

use bytes::Bytes;
use holdfast_value::Value;

use crate::error::{Result, SqlError};

/// A character set that files are read in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileCharset {
    /// UTF-8, and ASCII as a part of it.
    Utf8,
    /// MySQL's latin1, which is Windows' 1252.
    Latin1,
    /// Bytes.
    Binary,
}

/// 0x80 to 0x9f in latin1; the five that Windows leaves open are control characters.
const LATIN1_80: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}',
    '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}',
    '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}',
    '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
];

impl FileCharset {
    /// By name; UTF-8 where none is given.
    ///
    /// # Errors
    /// 1115.
    pub fn named(name: Option<&str>) -> Result<Self> {
        match name {
            None | Some("utf8" | "utf8mb3" | "utf8mb4" | "ascii") => Ok(Self::Utf8),
            Some("latin1") => Ok(Self::Latin1),
            Some("binary") => Ok(Self::Binary),
            Some(name) => Err(SqlError::new(1115, format!("Unknown character set: '{name}'"))),
        }
    }

    /// A field; bytes that are no text of the set stay bytes, so that storing them
    /// in a text column is refused or cut as always.
    pub fn value(self, bytes: &[u8]) -> Value {
        match self.text(bytes) {
            Some(text) => Value::Text(text.into()),
            None => Value::Bytes(Bytes::copy_from_slice(bytes)),
        }
    }

    /// A field as text, if it is one.
    pub fn text(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        match self {
            Self::Utf8 => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Self::Latin1 if bytes.is_ascii() => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Self::Latin1 => Some(Cow::Owned(bytes.iter().map(|byte| latin1(*byte)).collect())),
            Self::Binary => None,
        }
    }

    /// A separator as the file has it.
    pub fn encode(self, text: &str) -> Vec<u8> {
        let one = |c: char| {
            let at = LATIN1_80.iter().position(|known| *known == c);
            at.map(|at| 0x80 + at as u8).or_else(|| u8::try_from(c).ok())
        };
        match self {
            Self::Latin1 => text.chars().map(one).collect::<Option<_>>(),
            Self::Utf8 | Self::Binary => None,
        }
        .unwrap_or_else(|| text.as_bytes().to_vec())
    }
}

fn latin1(byte: u8) -> char {
    match byte {
        0x80..=0x9f => LATIN1_80[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_latin1_is_a_character_and_back() {
        for byte in 0..=255 {
            let text = FileCharset::Latin1.text(&[byte]).unwrap().into_owned();
            assert_eq!(FileCharset::Latin1.encode(&text), [byte], "{byte:#x} is {text:?}");
        }
        assert_eq!(FileCharset::Latin1.text(b"\x80 \xe4").as_deref(), Some("\u{20ac} \u{e4}"));
    }

    #[test]
    fn what_is_no_text_stays_bytes() {
        assert_eq!(FileCharset::Utf8.value(b"a\xff"), Value::Bytes(Bytes::from_static(b"a\xff")));
        assert_eq!(FileCharset::Binary.value(b"a"), Value::Bytes(Bytes::from_static(b"a")));
        assert_eq!(FileCharset::Utf8.value("ä".as_bytes()), Value::text("ä"));
        assert_eq!(FileCharset::named(Some("utf16")).unwrap_err().code, 1115);
    }
}
