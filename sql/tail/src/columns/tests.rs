//! The mapping, type by type: what a column is, and that values come back.

use bytes::Bytes;
use ethnum::I256;
use holdfast_value::{Collation, Decimal, LobSize, SqlType, Value};

use super::*;

fn int(width: IntWidth, unsigned: bool) -> SqlType {
    SqlType::Int { width, unsigned, display: None }
}

fn decimal(precision: u8, scale: u8, digits: I256) -> (SqlType, Value) {
    (
        SqlType::Decimal { precision, scale, unsigned: false },
        Value::Decimal(Decimal { digits, scale }),
    )
}

#[track_caller]
fn check(of: SqlType, shown: &str, values: &[Value]) {
    assert_eq!(format!("{:?}", data_type(&of)), shown, "{of:?}");
    assert_eq!(field("c", &of, false).data_type(), &data_type(&of));
    let mut builder = Builder::new([(0, &of, &Value::Null)], values.len());
    for value in values {
        builder.push_values(std::slice::from_ref(value)).expect("the value is of the type");
    }
    builder.push_values(&[Value::Null]).expect("NULL is of every type");
    let column = builder.finish().remove(0);
    assert_eq!(column.data_type(), &data_type(&of));
    for (index, value) in values.iter().chain([&Value::Null]).enumerate() {
        assert_eq!(value_at(&column, index, &of).expect("it was put there"), *value, "{of:?}");
    }
    assert!(value_at(&column, values.len() + 1, &of).is_err());
}

#[test]
fn integers() {
    use IntWidth::{Big, Int, Medium, Small, Tiny};
    check(int(Tiny, false), "Int8", &[Value::Int(-128), Value::Int(127)]);
    check(int(Small, false), "Int16", &[Value::Int(-32768), Value::Int(32767)]);
    check(int(Medium, false), "Int32", &[Value::Int(-8_388_608), Value::Int(8_388_607)]);
    check(int(Int, false), "Int32", &[Value::Int(i32::MIN.into()), Value::Int(i32::MAX.into())]);
    check(int(Big, false), "Int64", &[Value::Int(i64::MIN), Value::Int(i64::MAX)]);
    check(int(Tiny, true), "UInt8", &[Value::UInt(0), Value::UInt(255)]);
    check(int(Small, true), "UInt16", &[Value::UInt(65535)]);
    check(int(Medium, true), "UInt32", &[Value::UInt(16_777_215)]);
    check(int(Int, true), "UInt32", &[Value::UInt(u32::MAX.into())]);
    check(int(Big, true), "UInt64", &[Value::UInt(u64::MAX)]);
    check(SqlType::BOOL, "Int8", &[Value::Int(1)]);
    check(SqlType::Year, "UInt16", &[Value::UInt(0), Value::UInt(2155)]);
    check(SqlType::Bit(64), "UInt64", &[Value::UInt(u64::MAX)]);
}

#[test]
fn numbers_with_fractions() {
    let (of, value) = decimal(38, 10, I256::from(-12_345_678_901_i64));
    check(of, "Decimal128(38, 10)", &[value]);
    let digits = I256::from(10).pow(65) - I256::ONE;
    let (of, value) = decimal(65, 30, -digits);
    check(of, "Decimal256(65, 30)", &[value, Value::Decimal(Decimal { digits, scale: 30 })]);
    check(SqlType::Float { unsigned: false }, "Float32", &[Value::Double(1.5)]);
    check(SqlType::DOUBLE, "Float64", &[Value::Double(0.1), Value::Double(f64::MIN)]);
}

#[test]
fn texts_bytes_and_documents() {
    let long = "väldigt lång ".repeat(5000);
    let texts = [Value::text(""), Value::text("short"), Value::text(long.as_str())];
    let names: std::sync::Arc<[String]> = ["a".to_string(), "b".to_string()].into();
    let collation = Collation::default();
    check(SqlType::Char(10, collation), "Utf8View", &texts);
    check(SqlType::VarChar(10, collation), "Utf8View", &texts);
    check(SqlType::Text(LobSize::Long, collation), "Utf8View", &texts);
    check(SqlType::Enum(names.clone(), collation), "Utf8View", &[Value::text("a")]);
    check(SqlType::Set(names, collation), "Utf8View", &[Value::text("a,b")]);
    check(SqlType::Json, "Utf8View", &[Value::Json("{\"a\": 1}".into())]);
    let bytes = [Value::Bytes(Bytes::from_static(b"")), Value::Bytes(vec![0xff; 70_000].into())];
    check(SqlType::Binary(4), "BinaryView", &bytes);
    check(SqlType::VarBinary(4), "BinaryView", &bytes);
    check(SqlType::Blob(LobSize::Normal), "BinaryView", &bytes);
}

#[test]
fn times() {
    check(SqlType::Date, "Date32", &[Value::Date(-719_528), Value::Date(2_932_896)]);
    let moments = [Value::DateTime(-62_167_219_200_000_000), Value::DateTime(i64::MAX)];
    check(SqlType::DateTime(6), "Timestamp(Microsecond, None)", &moments);
    check(SqlType::Timestamp(0), "Timestamp(Microsecond, None)", &moments);
    check(SqlType::Time(6), "Int64", &[Value::Time(-3_020_399_000_000)]);
    check(SqlType::Null, "Null", &[]);
}

#[test]
fn a_value_of_another_type_is_refused() {
    let refused = [
        (int(IntWidth::Tiny, false), Value::Int(128)),
        (int(IntWidth::Big, true), Value::Int(-1)),
        (SqlType::DOUBLE, Value::Int(1)),
        (SqlType::Date, Value::DateTime(1)),
        (SqlType::Json, Value::Bytes(Bytes::new())),
        (decimal(38, 0, I256::ONE).0, decimal(65, 0, I256::from(10).pow(60)).1),
        (decimal(5, 1, I256::ONE).0, decimal(5, 2, I256::from(123)).1),
    ];
    for (of, value) in refused {
        assert!(one(&of, &value).is_err(), "{of:?} {value:?}");
    }
    let rescaled = one(&decimal(5, 2, I256::ONE).0, &decimal(5, 1, I256::from(15)).1);
    let back = value_at(&rescaled.expect("1.5 is 1.50"), 0, &decimal(5, 2, I256::ONE).0);
    assert_eq!(back.expect("a decimal"), decimal(5, 2, I256::from(150)).1);
}
