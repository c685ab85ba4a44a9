use super::*;
use crate::types::IntWidth;
use crate::{Collation, LobSize, SqlType};

fn text(it: &str) -> Value {
    Value::text(it)
}

const TEXT: SqlType = SqlType::Text(LobSize::Normal, Collation::Uca0900AiCi);

/// The result as text, and the first warning.
#[track_caller]
fn check(value: Value, from: &SqlType, to: &SqlType, want: &str) {
    let mut context = Context::default();
    let got = match convert(value.clone(), from, to, &mut context) {
        Ok(Value::Null) => "NULL".to_owned(),
        Ok(value) => {
            let mut out = Vec::new();
            show::write(&value, to, &mut out);
            String::from_utf8_lossy(&out).into_owned()
        }
        Err(trouble) => format!("error {}", trouble.code()),
    };
    let warning = context.warnings.first().map_or(String::new(), |it| format!(" | {it}"));
    assert_eq!(got + &warning, want, "{value:?} to {to:?}");
}

#[test]
fn texts_become_numbers() {
    let big = &SqlType::BIGINT;
    let decimal = &SqlType::Decimal { precision: 5, scale: 2, unsigned: false };
    check(text("12"), &TEXT, big, "12");
    check(text(" 12abc"), &TEXT, big, "12 | Truncated incorrect INTEGER value: ' 12abc'");
    check(text("12.7"), &TEXT, big, "12 | Truncated incorrect INTEGER value: '12.7'");
    check(text("abc"), &TEXT, big, "0 | Truncated incorrect INTEGER value: 'abc'");
    check(
        text("1.5e1x"),
        &TEXT,
        &SqlType::DOUBLE,
        "15 | Truncated incorrect DOUBLE value: '1.5e1x'",
    );
    check(
        text("1e999"),
        &TEXT,
        &SqlType::DOUBLE,
        "1.7976931348623157e308 | Truncated incorrect DOUBLE value: '1e999'",
    );
    check(text("1.005"), &TEXT, decimal, "1.01");
    check(text(""), &TEXT, decimal, "0.00 | Truncated incorrect DECIMAL value: ''");
    check(text("-1"), &TEXT, &SqlType::BIGINT_UNSIGNED, "18446744073709551615");
    check(Value::UInt(u64::MAX), &SqlType::BIGINT_UNSIGNED, big, "-1");
    check(Value::Double(2.5), &SqlType::DOUBLE, big, "2");
    check(
        Value::Double(1e30),
        &SqlType::DOUBLE,
        big,
        "9223372036854775807 | Truncated incorrect INTEGER value: '1000000000000000019884624838656'",
    );
    check(
        Value::Decimal(Decimal::parse("-1.5").unwrap().0),
        decimal,
        &SqlType::BIGINT_UNSIGNED,
        "0 | Truncated incorrect INTEGER value: '-2'",
    );
    check(
        Value::Int(1000),
        big,
        decimal,
        "999.99 | Out of range value for column 'CAST(1000 AS DECIMAL(5,2))' at row 1",
    );
    let tiny = &SqlType::Int { width: IntWidth::Tiny, unsigned: false, display: None };
    check(Value::Int(1000), big, tiny, "127 | Truncated incorrect INTEGER value: '1000'");
}

#[test]
fn moments_become_numbers_and_back() {
    let at = Value::DateTime(1_577_934_245_500_000);
    let stamp = &SqlType::DateTime(1);
    check(at.clone(), stamp, &SqlType::BIGINT, "20200102030406");
    let decimal = &SqlType::Decimal { precision: 20, scale: 1, unsigned: false };
    check(at.clone(), stamp, decimal, "20200102030405.5");
    check(at.clone(), stamp, &SqlType::DateTime(0), "2020-01-02 03:04:06");
    check(at.clone(), stamp, &SqlType::Date, "2020-01-02");
    check(at.clone(), stamp, &SqlType::Time(1), "03:04:05.5");
    check(at, stamp, &SqlType::Json, "\"2020-01-02 03:04:05.500000\"");
    check(Value::Int(20_200_102), &SqlType::BIGINT, &SqlType::Date, "2020-01-02");
    check(Value::Int(-1112), &SqlType::BIGINT, &SqlType::Time(0), "-00:11:12");
    check(
        text("2020-02-30"),
        &TEXT,
        &SqlType::Date,
        "NULL | Incorrect datetime value: '2020-02-30'",
    );
    check(
        text("2020-01-02x"),
        &TEXT,
        &SqlType::Date,
        "2020-01-02 | Truncated incorrect datetime value: '2020-01-02x'",
    );
    check(text("2020-01-02 00:00:00+02:00"), &TEXT, &SqlType::DateTime(0), "2020-01-01 22:00:00");
    check(
        text("900:00:00"),
        &TEXT,
        &SqlType::Time(0),
        "838:59:59 | Truncated incorrect time value: '900:00:00'",
    );
    check(text("12"), &TEXT, &SqlType::Year, "2012");
}

#[test]
fn texts_and_bytes_are_cut() {
    let char3 = &SqlType::Char(3, Collation::Bin);
    check(text("éabc"), &TEXT, char3, "éab | Truncated incorrect CHAR(3) value: 'éabc'");
    check(text("éab"), &TEXT, char3, "éab");
    check(text("ab"), &TEXT, &SqlType::Binary(3), "ab\0");
    check(
        Value::Bytes(Bytes::from_static(b"\xff")),
        &SqlType::VarBinary(3),
        char3,
        "NULL | Invalid utf8mb4 character string: 'FF'",
    );
    check(text("{\"b\":1}"), &TEXT, &SqlType::Json, "{\"b\": 1}");
    check(text("{"), &TEXT, &SqlType::Json, "error 3141");
    check(Value::Double(0.1f32.into()), &SqlType::Float { unsigned: false }, &TEXT, "0.1");
}

#[test]
fn what_is_cut_in_a_strict_change_is_an_error() {
    let mut context = Context { is_change: true, ..Context::default() };
    let trouble = to_f64(&text("1x"), &mut context).unwrap_err();
    assert_eq!(trouble.code(), 1292);
    context.mode.strict = false;
    assert_eq!(to_f64(&text("1x"), &mut context), Ok(Some(1.0)));
}

#[test]
fn truth_is_what_is_not_zero() {
    let mut context = Context::default();
    for (value, want) in [
        (Value::Null, None),
        (Value::Double(0.5), Some(true)),
        (text("0.0"), Some(false)),
        (text("a"), Some(false)),
        (Value::Decimal(Decimal::parse("0.00").unwrap().0), Some(false)),
    ] {
        assert_eq!(to_bool(&value, &mut context), Ok(want), "{value:?}");
    }
}
