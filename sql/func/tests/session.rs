//! What a session's settings change: time zone, `sql_mode`, the length of values.

#![allow(clippy::unwrap_used, reason = "a test")]

mod expression;

use holdfast_value::{Context, Mode, Zone, show};

/// 2026-03-14 15:09:26.535897 UTC.
const NOW: i64 = 1_773_500_966_535_897;

fn check(mut ctx: Context, text: &str, expected: &str) {
    let given = match expression::evaluate(text, &mut ctx) {
        Ok(typed) => expression::shown(&typed),
        Err(refused) => format!("error {}", refused.code()),
    };
    let codes: Vec<u16> = ctx.warnings.iter().map(|one| one.code()).collect();
    let given = if codes.is_empty() { given } else { format!("{given} ! {codes:?}") };
    assert_eq!(given, expected, "{text}");
}

fn in_zone(name: &str) -> Context {
    Context { now: NOW, zone: Zone::parse(name).unwrap(), ..Context::default() }
}

#[test]
fn moments_are_shown_in_the_session_s_zone() {
    for (zone, text, expected) in [
        ("+02:00", "now()", "2026-03-14 17:09:26"),
        ("+02:00", "utc_timestamp()", "2026-03-14 15:09:26"),
        ("+10:00", "curdate()", "2026-03-15"),
        ("-16:00", "utc_date()", "2026-03-14"),
        ("Asia/Tokyo", "curtime()", "00:09:26"),
        ("Europe/Berlin", "from_unixtime(0)", "1970-01-01 01:00:00"),
        ("Europe/Berlin", "unix_timestamp('2024-07-01 02:00:00')", "1719792000"),
        ("Europe/Berlin", "from_unixtime(1719792000)", "2024-07-01 02:00:00"),
        ("Europe/Berlin", "unix_timestamp()", "1773500966"),
    ] {
        if let Some(zone) = Zone::parse(zone) {
            check(Context { zone, ..in_zone("UTC") }, text, expected);
        }
    }
}

#[test]
fn a_strict_change_refuses_what_a_query_warns_of() {
    let change = || Context { is_change: true, ..Context::default() };
    for (text, query, refused) in [
        ("`/`(1, 0)", "NULL ! [1365]", "error 1365"),
        ("ln(-1)", "NULL ! [3020]", "error 3020"),
        ("str_to_date('x', '%Y')", "NULL ! [1411]", "error 1411"),
        ("`+`('1a', 1)", "2 ! [1292]", "error 1292"),
    ] {
        check(Context::default(), text, query);
        check(change(), text, refused);
    }
}

#[test]
fn without_backslash_escapes_a_backslash_is_a_letter() {
    let mode = Mode { no_backslash_escapes: true, ..Mode::default() };
    let plain = || Context { mode, ..Context::default() };
    check(Context::default(), "like('a_', 'a\\\\_')", "1");
    check(plain(), "like('a_', 'a\\\\_')", "0");
    check(plain(), "like('a\\\\b', 'a\\\\_')", "1");
}

#[test]
fn a_result_longer_than_a_packet_is_null_with_a_warning() {
    for text in [
        "concat('abcdef', 'ghijkl')",
        "concat_ws('-', 'abcdef', 'ghijkl')",
        "repeat('ab', 6)",
        "repeat('ab', 9223372036854775807)",
        "space(11)",
        "lpad('a', 11, 'x')",
        "rpad('a', 9223372036854775807, 'x')",
        "replace('aaaaaa', 'a', 'bb')",
        "insert('abcdef', 2, 0, 'ghijkl')",
        "hex('abcdef')",
        "to_base64('abcdefghij')",
        "make_set(3, 'abcdef', 'ghijkl')",
        "export_set(1, 'Y', 'N', ',', 64)",
        "regexp_replace('aaaaaa', 'a', 'bb')",
        "quote('abcdefghi')",
        "date_format('2020-01-01', '%W %M %Y')",
    ] {
        check(Context { bytes_max: 10, ..Context::default() }, text, "NULL ! [1301]");
    }
}

#[test]
fn types_are_known_before_values() {
    for (line, row) in include_str!("golden/types.txt").lines().enumerate() {
        let (text, expected) = row.rsplit_once(" => ").unwrap();
        let mut ctx = in_zone("UTC");
        let typed = expression::evaluate(text, &mut ctx).unwrap();
        assert_eq!(show::type_name(&typed.of), expected, "row {}: {text}", line + 1);
    }
}
