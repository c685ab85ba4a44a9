use super::*;
use crate::LobSize;

const TEXT: SqlType = SqlType::Text(LobSize::Normal, Collation::Uca0900AiCi);

fn d(text: &str) -> Value {
    Value::Decimal(Decimal::parse(text).unwrap().0)
}

#[track_caller]
fn check(left: (Value, &SqlType), right: (Value, &SqlType), want: Ordering) {
    let mut context = Context::default();
    let how = Comparison::of(left.1, right.1);
    let got = how.compare(&left.0, &right.0, &mut context);
    assert_eq!(got, Ok(Some(want)), "{left:?} {right:?} as {how:?}");
    let back = Comparison::of(right.1, left.1).compare(&right.0, &left.0, &mut context);
    assert_eq!(back, Ok(Some(want.reverse())), "{right:?} {left:?}");
}

#[test]
fn values_compare_as_their_types_say() {
    use Ordering::{Equal, Greater, Less};
    let (int, uint) = (&SqlType::BIGINT, &SqlType::BIGINT_UNSIGNED);
    let decimal = &SqlType::Decimal { precision: 10, scale: 2, unsigned: false };
    let (date, time, stamp) = (&SqlType::Date, &SqlType::Time(0), &SqlType::DateTime(0));
    check((Value::Int(-1), int), (Value::UInt(u64::MAX), uint), Less);
    check((Value::Int(i64::MAX), int), (Value::UInt(i64::MAX as u64), uint), Equal);
    check((Value::Int(1), int), (d("1.00"), decimal), Equal);
    check((d("0.10"), decimal), (Value::Double(0.1), &SqlType::DOUBLE), Equal);
    check((Value::Int(2), int), (Value::text("10"), &TEXT), Less);
    check((Value::Int(0), int), (Value::text("abc"), &TEXT), Equal);
    check((Value::text("é"), &TEXT), (Value::text("E"), &TEXT), Equal);
    let bytes = Value::Bytes(bytes::Bytes::from_static(b"a"));
    check((Value::text("A"), &TEXT), (bytes, &SqlType::VarBinary(3)), Less);
    check((Value::Date(0), date), (Value::text("1970-1-1"), &TEXT), Equal);
    check((Value::Date(0), date), (Value::text("1970-01-01 00:00:01"), &TEXT), Less);
    check((Value::Date(0), date), (Value::DateTime(1), stamp), Less);
    check((Value::Date(0), date), (Value::Int(19_700_101), int), Equal);
    check((Value::DateTime(0), stamp), (Value::Int(5), int), Greater);
    check((Value::Time(11 * 60_000_000), time), (Value::text("0:11"), &TEXT), Equal);
    check((Value::Json("1.0".into()), &SqlType::Json), (Value::Int(1), int), Equal);
    check((Value::Json("\"a\"".into()), &SqlType::Json), (Value::text("a"), &TEXT), Equal);
}

#[test]
fn null_compares_with_nothing_and_wrong_moments_are_refused() {
    let mut context = Context::default();
    let how = Comparison::of(&SqlType::Null, &SqlType::BIGINT);
    assert_eq!(how.compare(&Value::Null, &Value::Int(1), &mut context), Ok(None));
    let how = Comparison::of(&SqlType::Date, &TEXT);
    let trouble = how.compare(&Value::Date(0), &Value::text("abc"), &mut context).unwrap_err();
    assert_eq!(
        (trouble.code(), trouble.to_string().as_str()),
        (1525, "Incorrect DATETIME value: 'abc'")
    );
    let how = Comparison::of(&SqlType::Time(0), &SqlType::VarBinary(9));
    let trouble = how.compare(&Value::Time(0), &Value::Bytes(b"xy"[..].into()), &mut context);
    assert_eq!(trouble.unwrap_err().to_string(), "Incorrect TIME value: 'xy'");
}

#[test]
fn columns_decide_over_literals() {
    use Collation::{Bin, GeneralCi, Uca0900AiCi as Uca};
    assert_eq!(collation_of((GeneralCi, false), (Uca, true)), Ok(GeneralCi));
    assert_eq!(collation_of((Uca, true), (GeneralCi, false)), Ok(GeneralCi));
    assert_eq!(collation_of((Bin, false), (GeneralCi, false)), Ok(Bin));
    let trouble = collation_of((Uca, false), (GeneralCi, false)).unwrap_err();
    assert_eq!(
        trouble.to_string(),
        "Illegal mix of collations (utf8mb4_0900_ai_ci,IMPLICIT) and (utf8mb4_general_ci,IMPLICIT) for operation '='"
    );
}
