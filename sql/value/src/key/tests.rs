use std::cmp::Ordering;

use super::*;
use crate::compare::order;
use crate::testing::{Dice, all_types, seeds};

fn key(values: &[Value], types: &[SqlType]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(values, types, &mut out).unwrap();
    out
}

#[test]
fn the_bytes_of_a_key_stay_what_they_are() {
    let d = Decimal::parse("-1.5").unwrap().0;
    let decimal = SqlType::Decimal { precision: 10, scale: 2, unsigned: false };
    for (value, of, want) in [
        (Value::Null, SqlType::INT, &[0][..]),
        (Value::Int(0), SqlType::INT, &[0x80]),
        (Value::Int(300), SqlType::INT, &[0x82, 1, 44]),
        (Value::UInt(300), SqlType::BIGINT_UNSIGNED, &[0x82, 1, 44]),
        (Value::Int(-1), SqlType::INT, &[0x7f]),
        (Value::Int(-300), SqlType::INT, &[0x7d, 0xfe, 0xd4]),
        (Value::Decimal(d), decimal, &[0x7e, 0x6a]),
        (Value::Double(-0.0), SqlType::DOUBLE, &[1, 0x80, 0, 0, 0, 0, 0, 0, 0]),
        (Value::text("a b "), SqlType::VarChar(9, Collation::Bin), b"\x01a \x03b \x02\0\0"),
        (
            Value::text("é"),
            SqlType::VarChar(9, Collation::GeneralCi),
            b"\x01\0\xffE\0\xff \0\xff\x02\0\0",
        ),
        (Value::Bytes(Bytes::from_static(b"a\0")), SqlType::VarBinary(9), b"\x01a\0\xff\0\0"),
    ] {
        assert_eq!(key(std::slice::from_ref(&value), &[of]), want, "{value:?}");
    }
}

#[test]
fn keys_order_as_values_do() {
    for of in all_types() {
        for seed in seeds(24) {
            let mut dice = Dice::new(seed);
            for _ in 0..60 {
                let (a, b) = (dice.value(&of), dice.value(&of));
                let types = [of.clone(), SqlType::BIGINT];
                let (tail_a, tail_b) = (Value::Int(dice.i64()), Value::Int(dice.i64()));
                let want = order(&a, &b, &of);
                let both = want.then_with(|| order(&tail_a, &tail_b, &SqlType::BIGINT));
                let left = key(&[a.clone(), tail_a], &types);
                let right = key(&[b.clone(), tail_b], &types);
                assert_eq!(left.cmp(&right), both, "K1: seed {seed}, {a:?} and {b:?} of {of:?}");
                let part = KeyPart { of: of.clone(), descending: true, prefix: None };
                let (mut down_a, mut down_b) = (Vec::new(), Vec::new());
                encode_part(&a, &part, &mut down_a).unwrap();
                encode_part(&b, &part, &mut down_b).unwrap();
                assert_eq!(down_a.cmp(&down_b), want.reverse(), "K1 descending: {a:?} {b:?}");
            }
        }
    }
}

#[test]
fn keys_are_read_back() {
    for seed in seeds(64) {
        let mut dice = Dice::new(seed);
        let parts: Vec<KeyPart> = all_types()
            .into_iter()
            .map(|of| KeyPart { of, descending: dice.below(2) == 0, prefix: None })
            .collect();
        let mut out = Vec::new();
        let values: Vec<Value> = parts.iter().map(|part| dice.value(&part.of)).collect();
        for (value, part) in values.iter().zip(&parts) {
            encode_part(value, part, &mut out).unwrap();
        }
        assert_eq!(length(&out, &parts).unwrap(), out.len());
        let got = decode(&out, &parts).unwrap();
        for ((want, part), got) in values.iter().zip(&parts).zip(&got) {
            match got {
                Some(got) => {
                    let is_same = order(want, got, &part.of) == Ordering::Equal;
                    assert!(is_same, "K2: seed {seed}, {want:?} {got:?} of {:?}", part.of);
                }
                None => assert!(part.of.is_text(), "{:?}", part.of),
            }
        }
        // What is malformed is refused or read, never a panic.
        for _ in 0..50 {
            let mut bad = out.clone();
            let at = dice.below(bad.len() as u64) as usize;
            bad[at] = dice.next() as u8;
            bad.truncate(dice.below(bad.len() as u64 + 1) as usize);
            let _ = decode(&bad, &parts);
        }
    }
}

#[test]
fn prefixes_count_characters() {
    let part =
        KeyPart { prefix: Some(2), ..KeyPart::new(SqlType::VarChar(9, Collation::Uca0900AiCi)) };
    let key = |text: &str| {
        let mut out = Vec::new();
        encode_part(&Value::text(text), &part, &mut out).unwrap();
        out
    };
    assert_eq!(key("éab"), key("EA"));
    assert_ne!(key("e"), key("EA"));
    assert_eq!(decode(&key("ab"), std::slice::from_ref(&part)).unwrap(), [None]);
}

#[test]
fn a_text_prefix_starts_all_keys_in_its_range() {
    for collation in [Collation::Bin, Collation::GeneralCi, Collation::Uca0900AiCi] {
        let mut prefix = Vec::new();
        encode_text_prefix("a b", collation, &mut prefix);
        let of = SqlType::VarChar(9, collation);
        for (text, want) in [("a b", true), ("a bc", true), ("a c", false), ("a", false)] {
            let is_within =
                key(&[Value::text(text)], std::slice::from_ref(&of)).starts_with(&prefix);
            assert_eq!(is_within, want, "{text} {collation:?}");
        }
    }
    assert_eq!(prefix_end(&[1, 0xff]), Some(vec![2]));
    assert_eq!(prefix_end(&[0xff, 0xff]), None);
    assert_eq!(prefix_end(&[]), None);
}
