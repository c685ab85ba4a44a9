//! MySQL's types, as columns and expressions have them.
//!
//! Not here: values (`value`), how a type is written in SQL (`syntax` parses,
//! `show` prints), how it travels (`wire`).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// How texts compare.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Collation {
    /// `binary`: bytes. The collation of everything that is no text.
    Binary,
    /// `utf8mb4_bin`: code points, trailing spaces do not count (PAD SPACE).
    Bin,
    /// `utf8mb4_general_ci`: simple case and accent folding, PAD SPACE.
    GeneralCi,
    /// `utf8mb4_0900_ai_ci`: primary weights of the Unicode collation algorithm,
    /// NO PAD. MySQL 8's default, and ours.
    #[default]
    Uca0900AiCi,
}

/// Width of an integer type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum IntWidth {
    /// TINYINT, 8 bits.
    Tiny,
    /// SMALLINT, 16 bits.
    Small,
    /// MEDIUMINT, 24 bits.
    Medium,
    /// INT, 32 bits.
    Int,
    /// BIGINT, 64 bits.
    Big,
}

/// Size class of TEXT and BLOB types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LobSize {
    /// 255 bytes.
    Tiny,
    /// 65,535 bytes.
    Normal,
    /// 16,777,215 bytes.
    Medium,
    /// 4,294,967,295 bytes.
    Long,
}

/// A MySQL type.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SqlType {
    /// The type of a bare `NULL`.
    Null,
    /// TINYINT to BIGINT. `BOOL` is `TINYINT(1)`: display 1.
    Int {
        /// How wide.
        width: IntWidth,
        /// Without negative numbers.
        unsigned: bool,
        /// Display width where one was given; changes nothing but `SHOW`.
        display: Option<u8>,
    },
    /// DECIMAL: `precision` digits (1 to 65), `scale` of them (0 to 30) after the point.
    Decimal {
        /// Digits in all.
        precision: u8,
        /// Digits after the point.
        scale: u8,
        /// Without negative numbers.
        unsigned: bool,
    },
    /// FLOAT, 32 bits.
    Float {
        /// Without negative numbers.
        unsigned: bool,
    },
    /// DOUBLE, 64 bits.
    Double {
        /// Without negative numbers.
        unsigned: bool,
    },
    /// CHAR of so many characters, trailing spaces are not kept.
    Char(u32, Collation),
    /// VARCHAR of at most so many characters.
    VarChar(u32, Collation),
    /// TINYTEXT to LONGTEXT.
    Text(LobSize, Collation),
    /// BINARY of so many bytes, filled with zeros.
    Binary(u32),
    /// VARBINARY of at most so many bytes.
    VarBinary(u32),
    /// TINYBLOB to LONGBLOB.
    Blob(LobSize),
    /// DATE.
    Date,
    /// TIME with so many digits of fractions of a second (0 to 6), up to +-838:59:59.
    Time(u8),
    /// DATETIME with so many digits of fractions of a second (0 to 6). No time zone.
    DateTime(u8),
    /// TIMESTAMP with so many digits of fractions of a second (0 to 6). Stored in UTC,
    /// shown in the session's time zone.
    Timestamp(u8),
    /// YEAR.
    Year,
    /// ENUM: one of these, or the empty string for what was wrong.
    Enum(Arc<[String]>, Collation),
    /// SET: some of these, at most 64.
    Set(Arc<[String]>, Collation),
    /// BIT of so many bits (1 to 64).
    Bit(u8),
    /// JSON.
    Json,
}

impl SqlType {
    /// BIGINT.
    pub const BIGINT: SqlType =
        SqlType::Int { width: IntWidth::Big, unsigned: false, display: None };
    /// BIGINT UNSIGNED.
    pub const BIGINT_UNSIGNED: SqlType =
        SqlType::Int { width: IntWidth::Big, unsigned: true, display: None };
    /// INT.
    pub const INT: SqlType = SqlType::Int { width: IntWidth::Int, unsigned: false, display: None };
    /// TINYINT(1), what `BOOL` is.
    pub const BOOL: SqlType =
        SqlType::Int { width: IntWidth::Tiny, unsigned: false, display: Some(1) };
    /// DOUBLE.
    pub const DOUBLE: SqlType = SqlType::Double { unsigned: false };

    /// The collation of a text type; `Binary` for everything else.
    pub fn collation(&self) -> Collation {
        match self {
            Self::Char(_, collation)
            | Self::VarChar(_, collation)
            | Self::Text(_, collation)
            | Self::Enum(_, collation)
            | Self::Set(_, collation) => *collation,
            _ => Collation::Binary,
        }
    }

    /// True for types whose values are texts (ENUM and SET included, JSON not).
    pub fn is_text(&self) -> bool {
        matches!(
            self,
            Self::Char(..) | Self::VarChar(..) | Self::Text(..) | Self::Enum(..) | Self::Set(..)
        )
    }

    /// True for BINARY, VARBINARY and the BLOBs.
    pub fn is_bytes(&self) -> bool {
        matches!(self, Self::Binary(_) | Self::VarBinary(_) | Self::Blob(_))
    }

    /// True for integers, YEAR and BIT.
    pub fn is_integer(&self) -> bool {
        matches!(self, Self::Int { .. } | Self::Year | Self::Bit(_))
    }

    /// True for everything that counts.
    pub fn is_number(&self) -> bool {
        self.is_integer()
            || matches!(self, Self::Decimal { .. } | Self::Float { .. } | Self::Double { .. })
    }

    /// True for DATE, TIME, DATETIME and TIMESTAMP.
    pub fn is_temporal(&self) -> bool {
        matches!(self, Self::Date | Self::Time(_) | Self::DateTime(_) | Self::Timestamp(_))
    }

    /// True for numbers that cannot be negative.
    pub fn is_unsigned(&self) -> bool {
        match self {
            Self::Int { unsigned, .. }
            | Self::Decimal { unsigned, .. }
            | Self::Float { unsigned }
            | Self::Double { unsigned } => *unsigned,
            Self::Year | Self::Bit(_) => true,
            _ => false,
        }
    }
}
