//! Every function with random arguments of random types: none panics (F2), none
//! gives more than `bytes_max`, and pure ones give the same twice (F1).

#![allow(clippy::unwrap_used, reason = "a test")]

use bytes::Bytes;
use holdfast_func::{Arg, Call, Function, Kind, names};
use holdfast_value::{Collation, Context, Decimal, SqlType, Value, json, temporal};

const BYTES_MAX: u64 = 1 << 16;

/// SplitMix64 (Steele, Lea and Flood 2014): the seed alone decides.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[usize::try_from(self.below(items.len() as u64)).unwrap()]
    }
}

const TEXTS: &[&str] = &[
    "",
    "a",
    "abc",
    "ÄÖü",
    "日本語テキスト",
    "🦀🦀",
    "12",
    "-1",
    "1.5e3",
    "99999999999999999999",
    "2020-02-29",
    "2020-02-29 23:59:59.999999",
    "-838:59:59",
    "10:11:12",
    "0000-00-00",
    "9999-12-31",
    "[1, 2, {\"a\": [3, null]}]",
    "{\"a\": {\"b\": [1, 2]}, \"c d\": \"x\"}",
    "\"x\"",
    "$",
    "$.a",
    "$[0]",
    "$**.b",
    "$[last-1]",
    "$[1 to 9]",
    "one",
    "all",
    "%Y-%m-%d %H:%i:%s",
    "%M %D %j %U %X%V %W",
    "%",
    "a%_",
    "^(a|b)*c$",
    "(",
    "[a-z]+",
    "$1",
    "\\",
    "\\1",
    "UTC",
    "Europe/Berlin",
    "+14:00",
    "::1",
    "1.2.3.4",
    "6ccd780c-baba-1026-9564-5b8c656024db",
    "de_DE",
    "a,b,,c",
    " padded ",
    "1 1:1:1.5",
    "\u{0}\u{1}",
];
const INTS: &[i64] =
    &[0, 1, -1, 2, 3, 7, 16, 36, 64, 65, 255, 10_000, 200_801, i64::MAX, i64::MIN, 1 << 32, -400];
const DOUBLES: &[f64] = &[0.0, -0.0, 0.5, 2.5, -1.5, 1e15, 1e300, -1e300, 1e-300, f64::MAX];

fn argument(random: &mut Random) -> (SqlType, Value) {
    let any = i64::from_ne_bytes(random.next().to_ne_bytes());
    match random.below(12) {
        0 => (SqlType::Null, Value::Null),
        1 => (SqlType::BIGINT, Value::Int(*random.pick(INTS))),
        2 => (SqlType::BIGINT, Value::Int(any)),
        3 => (SqlType::BIGINT_UNSIGNED, Value::UInt(*random.pick(&[0, 1, u64::MAX, 1 << 63]))),
        4 => (SqlType::DOUBLE, Value::Double(*random.pick(DOUBLES))),
        5 => {
            let text = *random.pick(&[
                "0",
                "1.50",
                "-99999999999999999999.999",
                "0.000001",
                "12345678901234567890123456789012345.678",
            ]);
            let (number, _) = Decimal::parse(text).unwrap();
            let of = SqlType::Decimal { precision: 65, scale: number.scale, unsigned: false };
            (of, Value::Decimal(number))
        }
        6 => {
            let collation =
                *random.pick(&[Collation::Bin, Collation::GeneralCi, Collation::Uca0900AiCi]);
            (SqlType::VarChar(50, collation), Value::text(*random.pick(TEXTS)))
        }
        7 => {
            let length = usize::try_from(random.below(20)).unwrap();
            let bytes: Vec<u8> = (0..length).map(|_| random.next().to_ne_bytes()[0]).collect();
            (SqlType::VarBinary(20), Value::Bytes(Bytes::from(bytes)))
        }
        8 => {
            let days = temporal::days_of(0, 1, 1) + i32::try_from(random.below(3_652_424)).unwrap();
            (SqlType::Date, Value::Date(days))
        }
        9 => {
            let days = i64::from(temporal::days_of(0, 1, 1));
            let micros = i64::try_from(random.below(3_652_424 * 86_400_000_000)).unwrap();
            (SqlType::DateTime(6), Value::DateTime(days * 86_400_000_000 + micros))
        }
        10 => {
            let most = 3_020_399_000_000;
            let micros =
                i64::try_from(random.below(2 * most)).unwrap() - i64::try_from(most).unwrap();
            (SqlType::Time(6), Value::Time(micros))
        }
        _ => {
            let texts = [
                "null",
                "1",
                "[1, [2, 3], {\"a\": \"x\"}]",
                "{\"a\": {\"b\": 1}}",
                "\"2020-01-01\"",
                "1e10",
            ];
            let text = *random.pick::<&str>(&texts);
            let text = json::normalise(text).unwrap();
            (SqlType::Json, Value::Json(text.into()))
        }
    }
}

fn context() -> Context {
    Context { now: 1_773_500_966_535_897, bytes_max: BYTES_MAX, ..Context::default() }
}

fn check(name: &str, function: &Function, random: &mut Random) {
    let most = function.max.min(function.min + 3);
    let count = function.min as u64 + random.below((most - function.min) as u64 + 1);
    let args: Vec<(SqlType, Value)> = (0..count).map(|_| argument(random)).collect();
    let is_constant = random.below(2) == 0;
    let known: Vec<Arg<'_>> =
        args.iter().map(|(of, value)| Arg { of, constant: is_constant.then_some(value) }).collect();
    let Ok(result) = function.result(&known, &context()) else { return };
    let (types, values): (Vec<SqlType>, Vec<Value>) = args.iter().cloned().unzip();
    let call = Call { types: &types, result: &result };
    let (mut first, mut second) = (context(), context());
    let once = (function.eval)(&mut first, &call, &values);
    let again = (function.eval)(&mut second, &call, &values);
    if function.kind == Kind::Pure {
        assert_eq!(once, again, "F1: {name} {values:?}");
        assert_eq!(first.warnings, second.warnings, "F1: {name} {values:?}");
    }
    match once {
        Ok(Value::Text(text)) => assert!(text.len() as u64 <= BYTES_MAX * 4, "{name} {values:?}"),
        Ok(Value::Bytes(bytes)) => assert!(bytes.len() as u64 <= BYTES_MAX, "{name} {values:?}"),
        Ok(Value::Double(number)) => assert!(number.is_finite(), "{name} {values:?}"),
        _ => {}
    }
}

#[test]
fn no_argument_makes_a_function_panic_and_pure_ones_repeat() {
    for (at, (name, function)) in names().enumerate() {
        for round in 0..300 {
            check(name, function, &mut Random(at as u64 * 1_000_003 + round));
        }
    }
}

#[test]
fn names_are_found_in_any_case_and_refuse_a_wrong_number_of_arguments() {
    let mut count = 0;
    for (name, function) in names() {
        let found = holdfast_func::lookup(&name.to_uppercase()).unwrap();
        assert_eq!(found.name, function.name);
        let mut ctx = context();
        let call = Call { types: &[], result: &SqlType::Null };
        if function.min > 0 {
            assert_eq!(function.call(&mut ctx, &call, &[]).unwrap_err().code(), 1582, "{name}");
        }
        count += 1;
    }
    assert!(count > 300, "{count} functions");
    assert!(holdfast_func::lookup("no_such_function").is_none());
    assert!(holdfast_func::lookup(&"x".repeat(1000)).is_none());
}
