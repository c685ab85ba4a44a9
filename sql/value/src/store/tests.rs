use std::slice::from_ref;
use std::sync::Arc;

use super::*;
use crate::testing::{Dice, all_types, seeds};
use crate::{Collation, LobSize, Zone};

const TEXT: SqlType = SqlType::Text(LobSize::Normal, Collation::Uca0900AiCi);

fn shown(value: &Value, of: &SqlType) -> String {
    let mut out = Vec::new();
    show::write(value, of, &mut out);
    if value.is_null() { "NULL".to_owned() } else { String::from_utf8_lossy(&out).into_owned() }
}

fn run(value: &Value, of: &SqlType, strict: bool) -> String {
    let mut context = Context::default();
    context.mode.strict = strict;
    let source = Source { of: &TEXT, row: 1, ignore: false };
    let target = Target { name: "c", of, nullable: true };
    match store(value.clone(), &source, &target, &mut context) {
        Ok(value) => {
            let codes: Vec<String> =
                context.warnings.iter().map(|it| format!(" | {}", it.code())).collect();
            shown(&value, of) + &codes.concat()
        }
        Err(trouble) => format!("{}: {trouble}", trouble.code()),
    }
}

/// What strict mode does, and what the other does.
#[track_caller]
fn check(value: Value, of: &SqlType, strict: &str, lenient: &str) {
    assert_eq!(run(&value, of, true), strict, "strict: {value:?} into {of:?}");
    assert_eq!(run(&value, of, false), lenient, "lenient: {value:?} into {of:?}");
}

#[track_caller]
fn fits(value: Value, of: &SqlType, want: &str) {
    check(value, of, want, want);
}

#[test]
fn numbers_are_checked_and_rounded() {
    let tiny = &SqlType::Int { width: IntWidth::Tiny, unsigned: false, display: None };
    let range = "1264: Out of range value for column 'c' at row 1";
    check(Value::Int(300), tiny, range, "127 | 1264");
    check(Value::Double(-1e30), tiny, range, "-128 | 1264");
    check(Value::text("12abc"), tiny, "1265: Data truncated for column 'c' at row 1", "12 | 1265");
    check(
        Value::text("abc"),
        tiny,
        "1366: Incorrect integer value: 'abc' for column 'c' at row 1",
        "0 | 1366",
    );
    fits(Value::text("1.5"), tiny, "2");
    fits(Value::text("1e2"), tiny, "100");
    fits(Value::Double(2.5), tiny, "2");
    check(Value::Int(-1), &SqlType::BIGINT_UNSIGNED, range, "0 | 1264");
    let decimal = &SqlType::Decimal { precision: 5, scale: 2, unsigned: false };
    check(Value::Int(99_999), decimal, range, "999.99 | 1264");
    check(Value::text("1e99"), decimal, range, "999.99 | 1264");
    fits(Value::text("1.005"), decimal, "1.01");
    check(
        Value::text("x"),
        decimal,
        "1366: Incorrect decimal value: 'x' for column 'c' at row 1",
        "0.00 | 1366",
    );
    let float = &SqlType::Float { unsigned: true };
    check(Value::Double(1e39), float, range, "3.40282e38 | 1264");
    check(Value::Double(-1.0), float, range, "0 | 1264");
    check(Value::Int(1800), &SqlType::Year, range, "0000 | 1264");
    fits(Value::text("0"), &SqlType::Year, "2000");
    fits(Value::Int(70), &SqlType::Year, "1970");
    let long = "1406: Data too long for column 'c' at row 1";
    check(Value::Int(16), &SqlType::Bit(4), long, "\u{f} | 1265");
}

#[test]
fn texts_and_bytes_are_cut_where_they_may_be() {
    let long = "1406: Data too long for column 'c' at row 1";
    let (char3, varchar3) =
        (&SqlType::Char(3, Collation::Bin), &SqlType::VarChar(3, Collation::Bin));
    check(Value::text("éabc"), varchar3, long, "éab | 1265");
    fits(Value::text("abc   "), varchar3, "abc");
    fits(Value::text("a  "), varchar3, "a  ");
    fits(Value::text("a  "), char3, "a");
    fits(Value::Int(12), varchar3, "12");
    let tiny = &SqlType::Text(LobSize::Tiny, Collation::Bin);
    check(Value::text("é".repeat(128)), tiny, long, &format!("{} | 1265", "é".repeat(127)));
    check(
        Value::Bytes(bytes::Bytes::from_static(b"a\xff")),
        varchar3,
        "1366: Incorrect string value: '\\xFF' for column 'c' at row 1",
        "a | 1366",
    );
    fits(Value::text("ab"), &SqlType::Binary(3), "ab\0");
    check(Value::text("abcd"), &SqlType::VarBinary(3), long, "abc | 1265");
}

#[test]
fn members_are_found_by_name_and_number() {
    let items: Arc<[String]> = ["x", "y"].map(String::from).into();
    let list = &SqlType::Enum(items.clone(), Collation::Uca0900AiCi);
    let set = &SqlType::Set(items, Collation::Uca0900AiCi);
    let cut = "1265: Data truncated for column 'c' at row 1";
    fits(Value::text("X "), list, "x");
    fits(Value::Int(2), list, "y");
    fits(Value::text("2"), list, "y");
    check(Value::Int(3), list, cut, " | 1265");
    check(Value::text("z"), list, cut, " | 1265");
    fits(Value::text("y,x,Y"), set, "x,y");
    fits(Value::Int(3), set, "x,y");
    fits(Value::text(""), set, "");
    check(Value::text("x,z"), set, cut, "x | 1265");
    check(Value::Int(5), set, cut, "x | 1265");
}

#[test]
fn moments_are_read_and_rounded() {
    let wrong = "1292: Incorrect date value: 'abc' for column 'c' at row 1";
    check(Value::text("abc"), &SqlType::Date, wrong, "NULL | 1292");
    let cut = "1292: Incorrect date value: '2020-01-01x' for column 'c' at row 1";
    check(Value::text("2020-01-01x"), &SqlType::Date, cut, "2020-01-01 | 1265");
    fits(Value::text("2020-01-01 10:00:00"), &SqlType::Date, "2020-01-01");
    fits(Value::text("2020-01-01 10:00:00.56"), &SqlType::DateTime(1), "2020-01-01 10:00:00.6");
    fits(Value::Int(20_200_101), &SqlType::DateTime(0), "2020-01-01 00:00:00");
    let wrong = "1292: Incorrect time value: '900:00:00' for column 'c' at row 1";
    check(Value::text("900:00:00"), &SqlType::Time(0), wrong, "838:59:59 | 1292");
    let late = "1292: Incorrect datetime value: '2040-01-01' for column 'c' at row 1";
    check(Value::text("2040-01-01"), &SqlType::Timestamp(0), late, "NULL | 1292");
}

#[test]
fn a_timestamp_is_stored_as_utc() {
    let mut context = Context { zone: Zone::Fixed(7200), ..Context::default() };
    let of = SqlType::Timestamp(0);
    let source = Source { of: &TEXT, row: 1, ignore: false };
    let target = Target { name: "c", of: &of, nullable: true };
    let stored = store(Value::text("1970-01-01 03:00:00"), &source, &target, &mut context).unwrap();
    assert_eq!(stored, Value::DateTime(3600 * SECOND), "A2");
    assert_eq!(load(stored, &of, &context), Value::DateTime(3 * 3600 * SECOND), "A2");
}

#[test]
fn null_and_json_have_rules_of_their_own() {
    let mut context = Context::default();
    let target = Target { name: "c", of: &SqlType::BIGINT, nullable: false };
    let mut source = Source { of: &SqlType::Null, row: 1, ignore: false };
    let trouble = store(Value::Null, &source, &target, &mut context).unwrap_err();
    assert_eq!(trouble.to_string(), "Column 'c' cannot be null");
    source.ignore = true;
    assert_eq!(store(Value::Null, &source, &target, &mut context), Ok(Value::Int(0)));
    fits(Value::text("{\"bb\":1, \"a\":2}"), &SqlType::Json, "{\"a\": 2, \"bb\": 1}");
    let trouble =
        "3140: Invalid JSON text: \"Invalid value.\" at position 1 in value for column 'c'.";
    check(Value::text("[x]"), &SqlType::Json, trouble, trouble);
}

/// A1: whatever comes, what is stored has a key and comes back from a row.
#[test]
fn what_is_stored_fits_its_column() {
    let types = all_types();
    for seed in seeds(32) {
        let mut dice = Dice::new(seed);
        for from in &types {
            for to in &types {
                let value = dice.value(from);
                let mut context = Context::default();
                context.mode.strict = dice.below(2) == 0;
                let source = Source { of: from, row: 1, ignore: false };
                let target = Target { name: "c", of: to, nullable: true };
                let Ok(stored) = store(value.clone(), &source, &target, &mut context) else {
                    continue;
                };
                let mut key = Vec::new();
                let coded = crate::key::encode(from_ref(&stored), from_ref(to), &mut key);
                assert_eq!(coded, Ok(()), "A1: seed {seed}, {value:?} of {from:?} into {to:?}");
                let mut row = Vec::new();
                crate::row::encode(from_ref(&stored), &mut row).unwrap();
                let back = crate::row::RowReader::new(&row).unwrap().get(0, to);
                assert_eq!(back, Ok(Some(stored.clone())), "A1: {value:?} of {from:?} into {to:?}");
                let source = Source { of: to, row: 1, ignore: false };
                let again =
                    store(load(stored.clone(), to, &context), &source, &target, &mut context);
                assert_eq!(
                    again,
                    Ok(stored),
                    "A1: storing it again changes nothing, {from:?} {to:?}"
                );
            }
        }
    }
}
