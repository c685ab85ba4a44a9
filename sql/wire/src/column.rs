//! Columns as result sets describe them, the way MySQL 8 does: drivers decide by these
//! numbers what a value becomes in their language.

use std::sync::Arc;

use holdfast_value::{Collation, IntWidth, LobSize, SqlType};

use crate::put;

const NOT_NULL: u16 = 1;
const PRIMARY: u16 = 1 << 1;
const UNIQUE: u16 = 1 << 2;
const MULTIPLE: u16 = 1 << 3;
const BLOB: u16 = 1 << 4;
const UNSIGNED: u16 = 1 << 5;
const ZEROFILL: u16 = 1 << 6;
const BINARY: u16 = 1 << 7;
const ENUM: u16 = 1 << 8;
const AUTO_INCREMENT: u16 = 1 << 9;
const TIMESTAMP: u16 = 1 << 10;
const SET: u16 = 1 << 11;
const NO_DEFAULT: u16 = 1 << 12;
const ON_UPDATE_NOW: u16 = 1 << 13;
const PART_OF_KEY: u16 = 1 << 14;

/// `DECIMALS_NOT_SPECIFIED`: a FLOAT or DOUBLE without fixed digits.
const FLOATING: u8 = 31;
/// Bytes of the widest character of utf8mb4.
const CHARACTER: u32 = 4;
/// The character set of what is no text.
const BINARY_SET: u16 = 63;

/// One column of a result set.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the first five are MySQL's own names, the flags say what they are")]
pub struct ColumnMeta {
    /// Database; empty for an expression, as the next three.
    pub schema: Arc<str>,
    /// Alias of the table.
    pub table: Arc<str>,
    /// Table.
    pub org_table: Arc<str>,
    /// Alias of the column.
    pub name: Arc<str>,
    /// Column.
    pub org_name: Arc<str>,
    /// Its type.
    pub of: SqlType,
    pub not_null: bool,
    pub primary: bool,
    pub unique: bool,
    pub multiple_key: bool,
    pub auto_increment: bool,
    pub no_default: bool,
    pub on_update_now: bool,
    /// A function of the values, not a column of a table: numbers have the flag BINARY.
    pub computed: bool,
}

/// What goes over the wire of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    code: u8,
    set: u16,
    length: u32,
    decimals: u8,
    flags: u16,
}

impl ColumnMeta {
    /// An expression: a name and a type.
    pub fn expression(name: impl Into<Arc<str>>, of: SqlType) -> Self {
        let none: Arc<str> = Arc::from("");
        Self {
            schema: Arc::clone(&none),
            table: Arc::clone(&none),
            org_table: Arc::clone(&none),
            name: name.into(),
            org_name: none,
            of,
            not_null: false,
            primary: false,
            unique: false,
            multiple_key: false,
            auto_increment: false,
            no_default: false,
            on_update_now: false,
            computed: true,
        }
    }

    /// Appends the description.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        put::string(b"def", out);
        for name in [&self.schema, &self.table, &self.org_table, &self.name, &self.org_name] {
            put::string(name.as_bytes(), out);
        }
        let shape = Shape::of(&self.of);
        out.push(12);
        out.extend_from_slice(&shape.set.to_le_bytes());
        out.extend_from_slice(&shape.length.to_le_bytes());
        out.push(shape.code);
        out.extend_from_slice(&(shape.flags | self.flags()).to_le_bytes());
        out.push(shape.decimals);
        out.extend_from_slice(&[0, 0]);
    }

    fn flags(&self) -> u16 {
        let is_key = self.primary || self.unique || self.multiple_key;
        [
            (self.not_null, NOT_NULL),
            (self.primary, PRIMARY),
            (self.unique, UNIQUE),
            (self.multiple_key, MULTIPLE),
            (is_key, PART_OF_KEY),
            (self.auto_increment, AUTO_INCREMENT),
            (self.no_default, NO_DEFAULT),
            (self.on_update_now, ON_UPDATE_NOW),
            (self.computed && self.of.is_number(), BINARY),
        ]
        .into_iter()
        .fold(0, |all, (is_set, flag)| if is_set { all | flag } else { all })
    }
}

impl Shape {
    fn of(of: &SqlType) -> Self {
        let sign = if of.is_unsigned() { UNSIGNED } else { 0 };
        let number =
            |code, length, decimals| Self { code, set: BINARY_SET, length, decimals, flags: sign };
        match of {
            SqlType::Null => Self { flags: BINARY, ..number(6, 0, 0) },
            SqlType::Int { width, unsigned, display } => {
                let (code, signed, unsigned_length) = match width {
                    IntWidth::Tiny => (1, 4, 3),
                    IntWidth::Small => (2, 6, 5),
                    IntWidth::Medium => (9, 9, 8),
                    IntWidth::Int => (3, 11, 10),
                    IntWidth::Big => (8, 20, 20),
                };
                let length = if *unsigned { unsigned_length } else { signed };
                number(code, display.map_or(length, u32::from), 0)
            }
            SqlType::Year => Self { flags: UNSIGNED | ZEROFILL, ..number(13, 4, 0) },
            SqlType::Bit(bits) => number(16, u32::from(*bits), 0),
            SqlType::Decimal { precision, scale, unsigned } => {
                let signs = u32::from(*scale > 0) + u32::from(!*unsigned);
                number(246, u32::from(*precision) + signs, *scale)
            }
            SqlType::Float { .. } => number(4, 12, FLOATING),
            SqlType::Double { .. } => number(5, 22, FLOATING),
            SqlType::Date | SqlType::Time(_) | SqlType::DateTime(_) | SqlType::Timestamp(_) => {
                Self::of_moment(of)
            }
            SqlType::Json => Self { code: 245, flags: BLOB | BINARY, ..number(245, u32::MAX, 0) },
            SqlType::Binary(bytes) => Self { flags: BINARY, ..number(254, *bytes, 0) },
            SqlType::VarBinary(bytes) => Self { flags: BINARY, ..number(253, *bytes, 0) },
            SqlType::Blob(size) => {
                Self { flags: BLOB | BINARY, ..number(252, lob_length(*size), 0) }
            }
            _ => Self::of_text(of),
        }
    }

    fn of_moment(of: &SqlType) -> Self {
        let (code, length, fsp, flags) = match of {
            SqlType::Time(fsp) => (11, 10, *fsp, 0),
            SqlType::DateTime(fsp) => (12, 19, *fsp, 0),
            SqlType::Timestamp(fsp) => (7, 19, *fsp, TIMESTAMP),
            _ => (10, 10, 0, 0),
        };
        let fraction = if fsp == 0 { 0 } else { 1 + u32::from(fsp) };
        let (set, length) = (BINARY_SET, length + fraction);
        Self { code, set, length, decimals: fsp, flags: BINARY | flags }
    }

    fn of_text(of: &SqlType) -> Self {
        let collation = of.collation();
        let (set, flags) = match collation {
            Collation::Binary => (BINARY_SET, BINARY),
            Collation::Bin => (46, BINARY),
            Collation::GeneralCi => (45, 0),
            Collation::Uca0900AiCi => (255, 0),
        };
        let (code, count, more) = match of {
            SqlType::Char(count, _) => (254, *count, 0),
            SqlType::Text(size, _) => (252, lob_length(*size), BLOB),
            SqlType::Enum(texts, _) => (254, characters(texts).max().unwrap_or(0) as u32, ENUM),
            SqlType::Set(texts, _) => {
                let commas = texts.len().saturating_sub(1);
                (254, (characters(texts).sum::<usize>() + commas) as u32, SET)
            }
            SqlType::VarChar(count, _) => (253, *count, 0),
            _ => (253, 0, 0),
        };
        let width = if collation == Collation::Binary { 1 } else { CHARACTER };
        let length = count.saturating_mul(width);
        Self { code, set, length, decimals: 0, flags: flags | more }
    }
}

fn characters(texts: &[String]) -> impl Iterator<Item = usize> {
    texts.iter().map(|text| text.chars().count())
}

fn lob_length(size: LobSize) -> u32 {
    match size {
        LobSize::Tiny => 0xff,
        LobSize::Normal => 0xffff,
        LobSize::Medium => 0xff_ffff,
        LobSize::Long => u32::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_travel_as_mysql_8_sends_them() {
        let check = |of: SqlType, code, set, length, (decimals, flags)| {
            assert_eq!(Shape::of(&of), Shape { code, set, length, decimals, flags }, "{of:?}");
        };
        let int = |width, unsigned| SqlType::Int { width, unsigned, display: None };
        check(SqlType::BOOL, 1, 63, 1, (0, 0));
        check(int(IntWidth::Tiny, false), 1, 63, 4, (0, 0));
        check(int(IntWidth::Int, true), 3, 63, 10, (0, UNSIGNED));
        check(int(IntWidth::Medium, false), 9, 63, 9, (0, 0));
        check(SqlType::BIGINT, 8, 63, 20, (0, 0));
        check(SqlType::Decimal { precision: 10, scale: 2, unsigned: false }, 246, 63, 12, (2, 0));
        check(
            SqlType::Decimal { precision: 5, scale: 0, unsigned: true },
            246,
            63,
            5,
            (0, UNSIGNED),
        );
        check(SqlType::DOUBLE, 5, 63, 22, (31, 0));
        check(SqlType::Float { unsigned: false }, 4, 63, 12, (31, 0));
        check(SqlType::Year, 13, 63, 4, (0, UNSIGNED | ZEROFILL));
        check(SqlType::Bit(1), 16, 63, 1, (0, UNSIGNED));
        check(SqlType::Date, 10, 63, 10, (0, BINARY));
        check(SqlType::Time(0), 11, 63, 10, (0, BINARY));
        check(SqlType::DateTime(6), 12, 63, 26, (6, BINARY));
        check(SqlType::Timestamp(0), 7, 63, 19, (0, BINARY | TIMESTAMP));
        let ai = Collation::Uca0900AiCi;
        check(SqlType::Char(3, Collation::Bin), 254, 46, 12, (0, BINARY));
        check(SqlType::VarChar(50, ai), 253, 255, 200, (0, 0));
        check(SqlType::VarChar(50, Collation::GeneralCi), 253, 45, 200, (0, 0));
        check(SqlType::Text(LobSize::Normal, ai), 252, 255, 262_140, (0, BLOB));
        check(SqlType::Text(LobSize::Long, ai), 252, 255, u32::MAX, (0, BLOB));
        check(SqlType::Blob(LobSize::Normal), 252, 63, 65_535, (0, BLOB | BINARY));
        check(SqlType::Binary(16), 254, 63, 16, (0, BINARY));
        check(SqlType::VarBinary(255), 253, 63, 255, (0, BINARY));
        check(SqlType::Json, 245, 63, u32::MAX, (0, BLOB | BINARY));
        let texts: Arc<[String]> = Arc::new(["a".to_owned(), "b\u{e9}c".to_owned()]);
        check(SqlType::Enum(Arc::clone(&texts), ai), 254, 255, 12, (0, ENUM));
        check(SqlType::Set(texts, ai), 254, 255, 20, (0, SET));
        check(SqlType::Null, 6, 63, 0, (0, BINARY));
    }

    #[test]
    fn a_description_is_golden() {
        let mut meta = ColumnMeta::expression("n", SqlType::INT);
        (meta.not_null, meta.primary, meta.computed) = (true, true, false);
        (meta.table, meta.org_name) = (Arc::from("t"), Arc::from("m"));
        let mut out = Vec::new();
        meta.put(&mut out);
        let want = b"\x03def\0\x01t\0\x01n\x01m\x0c\x3f\0\x0b\0\0\0\x03\x03\x40\0\0\0";
        assert_eq!(out, want);
    }
}
