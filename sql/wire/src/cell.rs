//! One value of a row, as text or in binary. Nothing is allocated beyond the output.

use holdfast_value::{IntWidth, SqlType, Value, show};

use crate::error::WireError;
use crate::put;
use crate::temporal::{put_date, put_datetime, put_time};

/// Appends a value of the text protocol.
pub(crate) fn put_text(value: &Value, of: &SqlType, out: &mut Vec<u8>) {
    match (value, of) {
        (Value::Null, _) => out.push(0xfb),
        (Value::Int(value), SqlType::Int { .. }) => {
            put::measured(out, |out| put::signed(*value, out));
        }
        (Value::UInt(value), SqlType::Int { .. }) => {
            put::measured(out, |out| put::digits(*value, out));
        }
        (Value::Text(text) | Value::Json(text), _) => put::string(text.as_bytes(), out),
        (Value::Bytes(bytes), _) => put::string(bytes, out),
        (Value::UInt(value), SqlType::Bit(bits)) => put_bits(*value, *bits, out),
        _ => put::measured(out, |out| show::write(value, of, out)),
    }
}

/// Appends a value of the binary protocol that is not NULL.
pub(crate) fn put_binary(value: &Value, of: &SqlType, out: &mut Vec<u8>) -> Result<(), WireError> {
    match (of, value) {
        (SqlType::Int { width, .. }, Value::Int(_) | Value::UInt(_)) => {
            let width = match width {
                IntWidth::Tiny => 1,
                IntWidth::Small => 2,
                IntWidth::Medium | IntWidth::Int => 4,
                IntWidth::Big => 8,
            };
            out.extend_from_slice(&integer(value).to_le_bytes()[..width]);
        }
        (SqlType::Year, Value::Int(_) | Value::UInt(_)) => {
            out.extend_from_slice(&integer(value).to_le_bytes()[..2]);
        }
        (SqlType::Bit(bits), Value::Int(_) | Value::UInt(_)) => {
            put_bits(integer(value), *bits, out);
        }
        (SqlType::Double { .. }, Value::Double(_) | Value::Int(_) | Value::UInt(_)) => {
            out.extend_from_slice(&approximate(value).to_le_bytes());
        }
        (SqlType::Float { .. }, Value::Double(_) | Value::Int(_) | Value::UInt(_)) => {
            out.extend_from_slice(&(approximate(value) as f32).to_le_bytes());
        }
        (SqlType::Date, Value::Date(days)) => put_date(*days, out),
        (SqlType::DateTime(_) | SqlType::Timestamp(_), Value::DateTime(micros)) => {
            put_datetime(*micros, out);
        }
        (SqlType::DateTime(_) | SqlType::Timestamp(_), Value::Date(days)) => put_date(*days, out),
        (SqlType::Time(_), Value::Time(micros)) => put_time(*micros, out),
        _ if has_binary_form(of) => return Err(mismatch(value, of)),
        _ => put_text(value, of, out),
    }
    Ok(())
}

/// True for types whose binary form is not a string with its length before it.
fn has_binary_form(of: &SqlType) -> bool {
    match of {
        SqlType::Decimal { .. } | SqlType::Bit(_) => false,
        of => of.is_number() || of.is_temporal(),
    }
}

fn integer(value: &Value) -> u64 {
    match value {
        Value::Int(value) => *value as u64,
        Value::UInt(value) => *value,
        _ => 0,
    }
}

fn approximate(value: &Value) -> f64 {
    match value {
        Value::Double(value) => *value,
        Value::Int(value) => *value as f64,
        Value::UInt(value) => *value as f64,
        _ => 0.0,
    }
}

/// Bits travel as bytes, the highest first.
fn put_bits(value: u64, bits: u8, out: &mut Vec<u8>) {
    let count = usize::from(bits.clamp(1, 64)).div_ceil(8);
    put::string(&value.to_be_bytes()[8 - count..], out);
}

fn mismatch(value: &Value, of: &SqlType) -> WireError {
    let kind = match value {
        Value::Null => "null",
        Value::Int(_) => "int",
        Value::UInt(_) => "uint",
        Value::Decimal(_) => "decimal",
        Value::Double(_) => "double",
        Value::Text(_) => "text",
        Value::Bytes(_) => "bytes",
        Value::Date(_) => "date",
        Value::DateTime(_) => "datetime",
        Value::Time(_) => "time",
        Value::Json(_) => "json",
    };
    WireError::Mismatch { kind, type_name: format!("{of:?}") }
}

#[cfg(test)]
mod tests {
    use holdfast_value::{Collation, Decimal};

    use super::*;

    #[test]
    fn values_in_text_and_in_binary() {
        let check = |of: SqlType, value: Value, text: &[u8], binary: &[u8]| {
            let (mut as_text, mut as_binary) = (Vec::new(), Vec::new());
            put_text(&value, &of, &mut as_text);
            assert_eq!(as_text, text, "{value:?} as text");
            put_binary(&value, &of, &mut as_binary).unwrap();
            assert_eq!(as_binary, binary, "{value:?} in binary");
        };
        let int = |width, unsigned| SqlType::Int { width, unsigned, display: None };
        check(SqlType::BOOL, Value::Int(-1), b"\x02-1", &[0xff]);
        check(int(IntWidth::Small, false), Value::Int(258), b"\x03258", &[2, 1]);
        check(int(IntWidth::Medium, false), Value::Int(-2), b"\x02-2", &[0xfe, 255, 255, 255]);
        check(int(IntWidth::Int, true), Value::UInt(7), b"\x017", &[7, 0, 0, 0]);
        let most = u64::MAX;
        check(SqlType::BIGINT_UNSIGNED, Value::UInt(most), b"\x1418446744073709551615", &[255; 8]);
        check(SqlType::Year, Value::UInt(2024), b"\x042024", &[0xe8, 7]);
        check(SqlType::Bit(9), Value::UInt(257), &[2, 1, 1], &[2, 1, 1]);
        check(SqlType::DOUBLE, Value::Double(1.5), b"\x031.5", &1.5_f64.to_le_bytes());
        check(SqlType::DOUBLE, Value::Int(2), b"\x012", &2.0_f64.to_le_bytes());
        let float = SqlType::Float { unsigned: false };
        check(float, Value::Double(f64::from(0.1_f32)), b"\x030.1", &0.1_f32.to_le_bytes());
        let of = SqlType::Decimal { precision: 5, scale: 2, unsigned: false };
        let decimal = Value::Decimal(Decimal::parse("-1.50").unwrap().0);
        check(of, decimal, b"\x05-1.50", b"\x05-1.50");
        check(SqlType::Date, Value::Date(0), b"\x0a1970-01-01", &[4, 0xb2, 7, 1, 1]);
        let moment = Value::DateTime(1_500_000);
        let binary = [11, 0xb2, 7, 1, 1, 0, 0, 1, 0x20, 0xa1, 7, 0];
        check(SqlType::DateTime(1), moment, b"\x151970-01-01 00:00:01.5", &binary);
        let time = Value::Time(-1_000_000);
        check(SqlType::Time(0), time, b"\x09-00:00:01", &[8, 1, 0, 0, 0, 0, 0, 0, 1]);
        check(SqlType::VarChar(9, Collation::Bin), Value::text("ab"), b"\x02ab", b"\x02ab");
        check(SqlType::VarBinary(9), Value::Bytes(vec![0].into()), b"\x01\0", b"\x01\0");
        check(SqlType::Json, Value::Json("[]".into()), b"\x02[]", b"\x02[]");
    }

    #[test]
    fn a_value_of_another_kind_is_an_error_and_no_guess() {
        let mut out = Vec::new();
        for (of, value) in [
            (SqlType::INT, Value::text("1")),
            (SqlType::Date, Value::text("2024-01-01")),
            (SqlType::DOUBLE, Value::Time(1)),
        ] {
            assert!(put_binary(&value, &of, &mut out).is_err(), "{of:?}");
        }
    }
}
