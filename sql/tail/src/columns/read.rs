//! Values out of columns.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    Date32Type, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use bytes::Bytes;
use ethnum::I256;
use holdfast_value::{Decimal, IntWidth, SqlType, Value, ValueError};

/// The value at `index` of a column of that type (`data_type`).
///
/// # Errors
/// [`ValueError::Stored`] if the column is not of that type, or has no such row.
pub fn value_at(array: &dyn Array, index: usize, of: &SqlType) -> Result<Value, ValueError> {
    if index >= array.len() {
        return Err(ValueError::Stored { what: "column", of: of.clone() });
    }
    if array.is_null(index) || matches!(of, SqlType::Null) {
        return Ok(Value::Null);
    }
    read(array, index, of).ok_or_else(|| ValueError::Stored { what: "column", of: of.clone() })
}

fn read(array: &dyn Array, index: usize, of: &SqlType) -> Option<Value> {
    macro_rules! primitive {
        ($of:ty) => {
            array.as_primitive_opt::<$of>()?.value(index)
        };
    }
    Some(match of {
        SqlType::Null => Value::Null,
        SqlType::Int { width, unsigned: false, .. } => Value::Int(match width {
            IntWidth::Tiny => primitive!(Int8Type).into(),
            IntWidth::Small => primitive!(Int16Type).into(),
            IntWidth::Medium | IntWidth::Int => primitive!(Int32Type).into(),
            IntWidth::Big => primitive!(Int64Type),
        }),
        SqlType::Int { width, .. } => Value::UInt(match width {
            IntWidth::Tiny => primitive!(UInt8Type).into(),
            IntWidth::Small => primitive!(UInt16Type).into(),
            IntWidth::Medium | IntWidth::Int => primitive!(UInt32Type).into(),
            IntWidth::Big => primitive!(UInt64Type),
        }),
        SqlType::Decimal { precision, scale, .. } => Value::Decimal(Decimal {
            digits: if *precision <= 38 {
                I256::from(primitive!(Decimal128Type))
            } else {
                I256::from_le_bytes(primitive!(Decimal256Type).to_le_bytes())
            },
            scale: *scale,
        }),
        SqlType::Float { .. } => Value::Double(primitive!(Float32Type).into()),
        SqlType::Double { .. } => Value::Double(primitive!(Float64Type)),
        SqlType::Char(..)
        | SqlType::VarChar(..)
        | SqlType::Text(..)
        | SqlType::Enum(..)
        | SqlType::Set(..) => Value::text(array.as_string_view_opt()?.value(index)),
        SqlType::Json => Value::Json(array.as_string_view_opt()?.value(index).into()),
        SqlType::Binary(_) | SqlType::VarBinary(_) | SqlType::Blob(_) => {
            Value::Bytes(Bytes::copy_from_slice(array.as_binary_view_opt()?.value(index)))
        }
        SqlType::Date => Value::Date(primitive!(Date32Type)),
        SqlType::Time(_) => Value::Time(primitive!(Int64Type)),
        SqlType::DateTime(_) | SqlType::Timestamp(_) => {
            Value::DateTime(primitive!(TimestampMicrosecondType))
        }
        SqlType::Year => Value::UInt(primitive!(UInt16Type).into()),
        SqlType::Bit(_) => Value::UInt(primitive!(UInt64Type)),
    })
}
