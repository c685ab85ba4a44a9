//! How MySQL's types lie in arrow columns: in the tail's chunks, in objects, and
//! in between.
//!
//! | type | column |
//! |---|---|
//! | TINYINT to BIGINT | `Int8/16/32/32/64`, `UInt8/16/32/32/64` |
//! | YEAR | `UInt16` |
//! | BIT | `UInt64` |
//! | DECIMAL(p, s) | `Decimal128(p, s)` up to 38 digits, else `Decimal256(p, s)` |
//! | FLOAT, DOUBLE | `Float32`, `Float64` |
//! | CHAR, VARCHAR, TEXT, ENUM, SET, JSON | `Utf8View` |
//! | BINARY, VARBINARY, BLOB | `BinaryView` |
//! | DATE | `Date32` |
//! | DATETIME, TIMESTAMP | `Timestamp(Microsecond, no zone)`; a TIMESTAMP stays UTC, as it is stored |
//! | TIME | `Int64`, microseconds (signed, beyond a day) |
//! | bare NULL | `Null` |
//!
//! Views rather than `Utf8`: it is what a Parquet reader gives by default, so that a
//! union of objects and tail needs no cast, and a filter copies 16 bytes a value
//! instead of the text. What shrinks a chunk must therefore compact its views
//! (`gather::compact`), or the texts of dropped rows stay.
//!
//! Not here: names and nullability of a table's columns (the catalog).

mod build;
mod read;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, TimeUnit};
use holdfast_value::{IntWidth, SqlType, Value, ValueError};

pub use build::Builder;
pub(crate) use build::Column;
pub use read::value_at;

/// The column type of a type.
pub fn data_type(of: &SqlType) -> DataType {
    match of {
        SqlType::Null => DataType::Null,
        SqlType::Int { width, unsigned, .. } => int_type(*width, *unsigned),
        // A precision is at most 65 and a scale at most 30, which `Decimal256` holds.
        SqlType::Decimal { precision, scale, .. } if *precision <= 38 => {
            DataType::Decimal128(*precision, *scale as i8)
        }
        SqlType::Decimal { precision, scale, .. } => DataType::Decimal256(*precision, *scale as i8),
        SqlType::Float { .. } => DataType::Float32,
        SqlType::Double { .. } => DataType::Float64,
        SqlType::Char(..)
        | SqlType::VarChar(..)
        | SqlType::Text(..)
        | SqlType::Enum(..)
        | SqlType::Set(..)
        | SqlType::Json => DataType::Utf8View,
        SqlType::Binary(_) | SqlType::VarBinary(_) | SqlType::Blob(_) => DataType::BinaryView,
        SqlType::Date => DataType::Date32,
        SqlType::Time(_) => DataType::Int64,
        SqlType::DateTime(_) | SqlType::Timestamp(_) => {
            DataType::Timestamp(TimeUnit::Microsecond, None)
        }
        SqlType::Year => DataType::UInt16,
        SqlType::Bit(_) => DataType::UInt64,
    }
}

fn int_type(width: IntWidth, unsigned: bool) -> DataType {
    match (width, unsigned) {
        (IntWidth::Tiny, false) => DataType::Int8,
        (IntWidth::Small, false) => DataType::Int16,
        (IntWidth::Medium | IntWidth::Int, false) => DataType::Int32,
        (IntWidth::Big, false) => DataType::Int64,
        (IntWidth::Tiny, true) => DataType::UInt8,
        (IntWidth::Small, true) => DataType::UInt16,
        (IntWidth::Medium | IntWidth::Int, true) => DataType::UInt32,
        (IntWidth::Big, true) => DataType::UInt64,
    }
}

/// A column of a type.
pub fn field(name: &str, of: &SqlType, nullable: bool) -> Field {
    Field::new(name, data_type(of), nullable || matches!(of, SqlType::Null))
}

/// A column of one value.
///
/// # Errors
/// [`ValueError::Stored`] if the value is not one of the type.
pub fn one(of: &SqlType, value: &Value) -> Result<ArrayRef, ValueError> {
    repeat(of, value, 1)
}

/// A column of `count` times one value.
///
/// # Errors
/// As [`one`].
pub fn repeat(of: &SqlType, value: &Value, count: usize) -> Result<ArrayRef, ValueError> {
    let mut column = Column::new(of, count);
    for _ in 0..count {
        column.push(value, of)?;
    }
    Ok(column.finish())
}

#[cfg(test)]
mod tests;
