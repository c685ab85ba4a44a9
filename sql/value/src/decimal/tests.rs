use super::*;
use crate::testing::{Dice, seeds};

fn d(text: &str) -> Decimal {
    Decimal::parse(text).unwrap().0
}

#[track_caller]
fn check(why: &str, got: Option<Decimal>, want: &str) {
    assert_eq!(got.map_or("none".into(), |it| it.to_string()), want, "{why}");
}

#[test]
fn texts_are_read_as_mysql_reads_them() {
    for (text, want, whole) in [
        ("12.50", "12.50", true),
        (" -0.5 ", "-0.5", true),
        (".5", "0.5", true),
        ("5.", "5", true),
        ("1.5e3", "1500", true),
        ("1.5E-3x", "0.0015", false),
        ("12abc", "12", false),
        ("0.000", "0.000", true),
        ("-0.0", "0.0", true),
        ("1e", "1", false),
        ("0.1234567890123456789012345678905", "0.123456789012345678901234567891", true),
        ("1e-40", "0", true),
    ] {
        let (got, got_whole) = Decimal::parse(text).unwrap();
        assert_eq!((got.to_string().as_str(), got_whole), (want, whole), "{text}");
    }
    assert!(Decimal::parse("abc").is_none() && Decimal::parse("-.e").is_none());
    assert_eq!(d("1e70").to_string(), "9".repeat(65));
    assert_eq!(d(&"9".repeat(70)).to_string(), "9".repeat(65));
}

#[test]
fn arithmetic_gives_what_mysql_prints() {
    check("add", d("1.25").checked_add(&d("2.5")), "3.75");
    check("sub", d("1").checked_sub(&d("2.50")), "-1.50");
    check("mul", d("1.10").checked_mul(&d("1.1")), "1.210");
    check("div", d("1").div(&d("3"), 4), "0.3333");
    check("div rounds", d("2").div(&d("3"), 4), "0.6667");
    check("div keeps its scale", d("10.00").div(&d("4"), 4), "2.500000");
    check("div of a negative", d("-1").div(&d("8"), 2), "-0.13");
    check("div by zero", d("1").div(&d("0.00"), 4), "none");
    check("rem", d("-7.5").rem(&d("2")), "-1.5");
    check("rem by zero", d("7").rem(&d("0")), "none");
    check("int_div", d("7.5").int_div(&d("-2")), "-3");
    check("round", Some(d("-2.5").round(0)), "-3");
    check("round up a ten", Some(d("99.95").round(1)), "100.0");
    check("round before the point", Some(d("1550").round(-2)), "1600");
    check("truncate", Some(d("-2.59").truncate(1)), "-2.5");
    check("floor", Some(d("-2.1").floor()), "-3");
    check("ceil", Some(d("2.1").ceil()), "3");
    let nines = "9".repeat(65);
    check("sum overflows", d(&nines).checked_add(&d("1")), "none");
    check("product overflows", d(&nines).checked_mul(&d("2")), "none");
    check(
        "long operands divide",
        d(&nines).div(&d("3.000000000000000000000000000000"), 0),
        &"3".repeat(65),
    );
}

#[test]
fn conversions_hold_at_the_edges() {
    assert_eq!(d("9223372036854775807.4").to_i64(), Some(i64::MAX));
    assert_eq!(d("9223372036854775807.5").to_i64(), None);
    assert_eq!(d("-9223372036854775808").to_i64(), Some(i64::MIN));
    assert_eq!(d("18446744073709551615").to_u64(), Some(u64::MAX));
    assert_eq!(d("-0.4").to_u64(), Some(0));
    assert_eq!(d("-0.5").to_u64(), None);
    assert_eq!(Decimal::from_f64(0.1).unwrap().to_string(), "0.1");
    assert_eq!(Decimal::from_f64(1e66), None);
    assert_eq!(d("0.1").to_f64(), 0.1);
    assert_eq!(d("123456789012345678901234567890.5").to_f64(), 123456789012345678901234567890.5);
    assert!(d("99.95").fits(4, 2) && !d("99.95").fits(3, 1) && d("99.94").fits(3, 1));
    assert_eq!((d("0").precision(), d("0.001").precision(), d("123.4").precision()), (1, 3, 4));
    assert_eq!(Decimal::nines(65, 0, false).precision(), 65);
}

#[test]
fn wide_and_narrow_paths_agree() {
    for seed in seeds(64) {
        let mut dice = Dice::new(seed);
        for step in 0..200 {
            let (a, b) = (dice.decimal(18, 8), dice.decimal(18, 8));
            // 40 digits more force the path of 256 bits; they cancel out again.
            let big = Decimal { digits: pow10(40), scale: 0 };
            let sum = a.checked_add(&big).unwrap().checked_add(&b).unwrap();
            let sum = sum.checked_sub(&big).unwrap();
            assert_eq!(
                sum.compare(&a.checked_add(&b).unwrap()),
                Ordering::Equal,
                "D3: seed {seed}, step {step}: {a} + {b}"
            );
            if !b.is_zero() {
                let rest = a.rem(&b).unwrap();
                let back = a.int_div(&b).unwrap().checked_mul(&b).unwrap();
                assert_eq!(
                    back.checked_add(&rest).unwrap().compare(&a),
                    Ordering::Equal,
                    "seed {seed}, step {step}: {a} divided by {b}"
                );
            }
            assert_eq!(d(&a.to_string()), a, "seed {seed}, step {step}");
        }
    }
}
