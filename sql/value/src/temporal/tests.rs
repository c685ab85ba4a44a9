use super::*;
use crate::testing::{Dice, seeds};

fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

#[track_caller]
fn datetime(input: &str, want: &str) {
    let got = match parse_datetime(input, 6) {
        Ok(it) => {
            let mark = if it.truncated { " cut" } else { "" };
            let offset = it.offset.map_or(String::new(), |o| format!(" {o}"));
            text(|out| write_datetime(it.value, 6, out)) + &offset + mark
        }
        Err(trouble) => format!("{trouble:?}"),
    };
    assert_eq!(got.replace(".000000", ""), want, "{input}");
}

#[test]
fn datetimes_are_read_leniently() {
    datetime("2020-01-02 03:04:05", "2020-01-02 03:04:05");
    datetime("2020-1-2", "2020-01-02 00:00:00");
    datetime("20200102", "2020-01-02 00:00:00");
    datetime("200102", "2020-01-02 00:00:00");
    datetime("990102", "1999-01-02 00:00:00");
    datetime("2020-01-02T03:04:05.678", "2020-01-02 03:04:05.678000");
    datetime("2020.01.02 3:4", "2020-01-02 03:04:00");
    datetime("20200102030405", "2020-01-02 03:04:05");
    datetime("20200102030405.5", "2020-01-02 03:04:05.500000");
    datetime("20200102T030405", "2020-01-02 03:04:05");
    datetime("2020-01-02 03", "2020-01-02 03:00:00");
    datetime("70-1-1", "1970-01-01 00:00:00");
    datetime("69-1-1", "2069-01-01 00:00:00");
    datetime("2020-01-02 03:04:05+02:00", "2020-01-02 03:04:05 7200");
    datetime("2020-01-02 03:04:05.5-13:59", "2020-01-02 03:04:05.500000 -50340");
    datetime("2020-01-02 03:04:05abc", "2020-01-02 03:04:05 cut");
    datetime("2020-01-02abc", "2020-01-02 00:00:00 cut");
    datetime("  2020-01-02  ", "2020-01-02 00:00:00");
    datetime("2020-02-30", "Malformed");
    datetime("2020-13-01", "Malformed");
    datetime("2020-01-02 24:00:00", "Malformed");
    datetime("abc", "Malformed");
    datetime("", "Malformed");
    datetime("2020", "Malformed");
    datetime("0000-00-00", "Zero");
    datetime("2020-00-01", "Zero");
    datetime("9999-12-31 23:59:59.9999996", "Range");
    datetime("2020-01-02 23:59:59.9999996", "2020-01-03 00:00:00");
}

#[test]
fn times_are_read_leniently() {
    for (input, want) in [
        ("11:12", "11:12:00"),
        ("1 10:00:00", "34:00:00"),
        ("1 10", "34:00:00"),
        ("-12:34:56.5", "-12:34:56.500000"),
        ("123456", "12:34:56"),
        ("1112", "00:11:12"),
        ("12", "00:00:12"),
        ("12.5", "00:00:12.500000"),
        ("900:00:00", "838:59:59 cut"),
        ("-900:00:00", "-838:59:59 cut"),
        ("838:59:59", "838:59:59"),
        ("2020-01-02 03:04:05", "03:04:05"),
        ("11:12x", "11:12:00 cut"),
        ("11:60:00", "Malformed"),
        ("1160", "Malformed"),
        ("abc", "Malformed"),
    ] {
        let got = match parse_time(input, 6) {
            Ok(it) => {
                text(|out| write_time(it.value, 6, out)) + if it.truncated { " cut" } else { "" }
            }
            Err(trouble) => format!("{trouble:?}"),
        };
        assert_eq!(got.replace(".000000", ""), want, "{input}");
    }
}

#[test]
fn numbers_are_moments_too() {
    let show = |number| datetime_of_number(number).map(|it| text(|out| write_datetime(it, 0, out)));
    assert_eq!(show(20200102030405).unwrap(), "2020-01-02 03:04:05");
    assert_eq!(show(20200102).unwrap(), "2020-01-02 00:00:00");
    assert_eq!(show(200102).unwrap(), "2020-01-02 00:00:00");
    assert_eq!(show(700101).unwrap(), "1970-01-01 00:00:00");
    assert_eq!(show(0), Err(TemporalTrouble::Zero));
    assert_eq!(show(20201332), Err(TemporalTrouble::Malformed));
    assert_eq!(time_of_number(-123456), Ok((-45_296_000_000, false)));
    assert_eq!(time_of_number(9_000_000), Ok((TIME_MAX, true)));
    assert_eq!(time_of_number(1260), Err(TemporalTrouble::Malformed));
}

#[test]
fn days_and_civil_dates_are_inverse() {
    let mut want = (0, 1, 1);
    for days in DATE_MIN..=DATE_MAX {
        assert_eq!(civil_of(days), want, "T1: day {days}");
        assert_eq!(date_of(want.0, want.1, want.2), Some(days), "T1: day {days}");
        want = match want {
            (year, 12, 31) => (year + 1, 1, 1),
            (year, month, day) if day == month_days(year, month) => (year, month + 1, 1),
            (year, month, day) => (year, month, day + 1),
        };
    }
}

#[test]
fn what_is_written_is_read_back() {
    for seed in seeds(16) {
        let mut dice = Dice::new(seed);
        for _ in 0..200 {
            let span = (DATETIME_MAX - DATETIME_MIN) as u64;
            let at = DATETIME_MIN + dice.below(span) as i64;
            let shown = text(|out| write_datetime(at, 6, out));
            assert_eq!(parse_datetime(&shown, 6).map(|it| it.value), Ok(at), "T2: {shown}");
            assert_eq!(micros_of(&parts_of(at)), Some(at), "T2: {shown}");
            let time = dice.below(2 * TIME_MAX as u64) as i64 - TIME_MAX;
            let shown = text(|out| write_time(time, 6, out));
            assert_eq!(parse_time(&shown, 6).map(|it| it.value), Ok(time), "T2: {shown}");
        }
    }
}

#[test]
fn rounding_is_half_away_from_zero() {
    assert_eq!(round(1_500_000, 0), 2_000_000);
    assert_eq!(round(-1_500_000, 0), -2_000_000);
    assert_eq!(round(1_449_999, 1), 1_400_000);
    assert_eq!(truncate(-1, 0), -1_000_000);
}
