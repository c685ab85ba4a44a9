//! One value of a row or an expression.
//!
//! Fewer kinds than types: a value is of the kind that computing needs, its
//! column's [`SqlType`](crate::SqlType) says the rest.
//!
//! | type | value |
//! |---|---|
//! | integers, YEAR, BOOL | `Int`; `UInt` where the type is unsigned (YEAR, BIT too) |
//! | DECIMAL | `Decimal`, at the type's scale |
//! | FLOAT, DOUBLE | `Double` (a FLOAT's is an `f32` widened) |
//! | CHAR, VARCHAR, TEXT, ENUM, SET | `Text` |
//! | BINARY, VARBINARY, BLOB | `Bytes` |
//! | DATE | `Date`: days since 1970-01-01 |
//! | DATETIME, TIMESTAMP | `DateTime`: microseconds since 1970-01-01 00:00; a TIMESTAMP's are UTC in a stored row, and of the session's time zone in an expression |
//! | TIME | `Time`: microseconds, may be negative |
//! | JSON | `Json`: as MySQL prints it |

use bytes::Bytes;

use crate::decimal::Decimal;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// A signed integer; what comparisons give (0 or 1).
    Int(i64),
    /// An unsigned integer.
    UInt(u64),
    /// An exact number.
    Decimal(Decimal),
    /// An approximate number; never NaN or infinite.
    Double(f64),
    /// A text.
    Text(Box<str>),
    /// Bytes.
    Bytes(Bytes),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01 00:00.
    DateTime(i64),
    /// Microseconds.
    Time(i64),
    /// A JSON document as MySQL prints it.
    Json(Box<str>),
}

impl Value {
    /// True for NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether a date, a moment or a time lies within what its type holds, so that
    /// counting with it does not overflow. True for everything else.
    pub(crate) fn is_in_range(&self) -> bool {
        use crate::temporal::{DATE_MAX, DATE_MIN, DATETIME_MAX, DATETIME_MIN, TIME_MAX};
        match self {
            Self::Date(it) => (DATE_MIN..=DATE_MAX).contains(it),
            Self::DateTime(it) => (DATETIME_MIN..=DATETIME_MAX).contains(it),
            Self::Time(it) => (-TIME_MAX..=TIME_MAX).contains(it),
            _ => true,
        }
    }

    /// A text.
    pub fn text(text: impl Into<Box<str>>) -> Self {
        Self::Text(text.into())
    }

    /// 1 or 0.
    pub fn bool(is_so: bool) -> Self {
        Self::Int(i64::from(is_so))
    }
}
