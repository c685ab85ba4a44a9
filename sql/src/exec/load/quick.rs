//! The short way for texts that are plainly a column's values.
//!
//! - Q1: what is given here is what [`store`](holdfast_value::store::store) gives, which
//!   would have nothing to warn of. Everything else is left to it.

use holdfast_value::store::integer_range;
use holdfast_value::temporal::{DAY, SECOND, date_of};
use holdfast_value::{Decimal, SqlType, Value};

/// Digits that fit an `i64` whatever they are.
const DIGITS_MAX: usize = 18;

/// A column's value, where the text needs no thought (Q1).
pub fn value(text: &str, of: &SqlType) -> Option<Value> {
    match of {
        SqlType::Int { width, unsigned, .. } => {
            let number = whole(text.as_bytes())?;
            let (low, high) = integer_range(*width, *unsigned);
            if !(low..=high).contains(&i128::from(number)) {
                return None;
            }
            Some(if *unsigned { Value::UInt(number as u64) } else { Value::Int(number) })
        }
        SqlType::Decimal { precision, scale, unsigned } => {
            decimal(text.as_bytes(), (*precision, *scale), *unsigned)
        }
        SqlType::Double { unsigned: false } => double(text),
        SqlType::Date => date(text.as_bytes()).map(Value::Date),
        SqlType::DateTime(_) => datetime(text.as_bytes()).map(Value::DateTime),
        // So many bytes are at most so many characters.
        SqlType::VarChar(chars, _) if text.len() <= *chars as usize => Some(Value::text(text)),
        SqlType::Char(chars, _) if text.len() <= *chars as usize && !text.ends_with(' ') => {
            Some(Value::text(text))
        }
        SqlType::Text(..) if text.len() <= usize::from(u8::MAX) => Some(Value::text(text)),
        _ => None,
    }
}

/// A sign and what follows.
fn signed(text: &[u8]) -> (bool, &[u8]) {
    match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, text),
    }
}

/// Digits alone, one at least.
fn digits(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > DIGITS_MAX {
        return None;
    }
    text.iter().try_fold(0, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit <= 9).then(|| number * 10 + i64::from(digit))
    })
}

fn whole(text: &[u8]) -> Option<i64> {
    let (is_negative, text) = signed(text);
    let number = digits(text)?;
    Some(if is_negative { -number } else { number })
}

fn decimal(text: &[u8], (precision, scale): (u8, u8), unsigned: bool) -> Option<Value> {
    let (is_negative, text) = signed(text);
    let (before, after) = match text.iter().position(|byte| *byte == b'.') {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &text[..0]),
    };
    let missing = usize::from(scale).checked_sub(after.len())?;
    if (is_negative && unsigned) || before.len() + usize::from(scale) > DIGITS_MAX {
        return None;
    }
    let mut number = digits(before)?;
    if !after.is_empty() {
        number = number * 10_i64.pow(after.len() as u32) + digits(after)?;
    }
    number *= 10_i64.pow(missing as u32);
    if u32::from(precision) < DIGITS_MAX as u32 && number >= 10_i64.pow(u32::from(precision)) {
        return None;
    }
    let number = if is_negative { -number } else { number };
    Some(Value::Decimal(Decimal { scale, ..Decimal::from_i64(number) }))
}

/// Digits with at most one point between them.
fn double(text: &str) -> Option<Value> {
    let (_, plain) = signed(text.as_bytes());
    let points = plain.iter().filter(|byte| **byte == b'.').count();
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let is_plain = plain.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
        && points <= 1
        && plain.len() <= DIGITS_MAX
        && is_digit(plain.first())
        && is_digit(plain.last());
    if !is_plain {
        return None;
    }
    text.parse().ok().map(Value::Double)
}

/// `2020-01-02`. [days]
fn date(text: &[u8]) -> Option<i32> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let year = digits(&[*y1, *y2, *y3, *y4])?;
    let (month, day) = (digits(&[*m1, *m2])?, digits(&[*d1, *d2])?);
    if year < 1000 || month == 0 || day == 0 {
        return None;
    }
    date_of(year as i32, month as u8, day as u8)
}

/// `2020-01-02 03:04:05`. [microseconds]
fn datetime(text: &[u8]) -> Option<i64> {
    let (day, time) = text.split_at_checked(10)?;
    let [b' ', h1, h2, b':', m1, m2, b':', s1, s2] = time else { return None };
    let hour = digits(&[*h1, *h2])?;
    let (minute, second) = (digits(&[*m1, *m2])?, digits(&[*s1, *s2])?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = hour * 3600 + minute * 60 + second;
    Some(i64::from(date(day)?) * DAY + seconds * SECOND)
}

#[cfg(test)]
mod tests {
    use holdfast_value::types::IntWidth;
    use holdfast_value::{Collation, Context, LobSize, store};

    use super::*;

    const TEXTS: [&str; 48] = [
        "",
        "0",
        "-0",
        "1",
        "-1",
        "127",
        "128",
        "-128",
        "-129",
        "255",
        "256",
        "65536",
        "007",
        "999999999999999999",
        "9223372036854775807",
        "9223372036854775808",
        "1.5",
        "-1.5",
        "1.005",
        "1.",
        ".5",
        "-.5",
        "12345.67",
        "99999.99",
        "100000",
        "-99999.999",
        "1e3",
        " 1",
        "1 ",
        "+1",
        "--1",
        "1.2.3",
        "abc",
        "a ",
        "äöü",
        "ääääää",
        "2020-02-29",
        "2021-02-29",
        "0999-01-01",
        "2020-1-2",
        "2020-00-10",
        "9999-12-31",
        "2020-01-02 03:04:05",
        "2020-01-02 24:00:00",
        "2020-01-02 03:04:05.5",
        "2020-01-02T03:04:05",
        "0.1",
        "123456789012345678901234567890",
    ];

    #[test]
    fn q1_it_gives_what_storing_gives() {
        let text = Collation::Uca0900AiCi;
        let int = |width, unsigned| SqlType::Int { width, unsigned, display: None };
        let decimal = |precision, scale, unsigned| SqlType::Decimal { precision, scale, unsigned };
        let types = [
            int(IntWidth::Tiny, false),
            int(IntWidth::Tiny, true),
            int(IntWidth::Medium, false),
            int(IntWidth::Big, false),
            int(IntWidth::Big, true),
            decimal(7, 2, false),
            decimal(7, 2, true),
            decimal(18, 0, false),
            decimal(30, 2, false),
            decimal(65, 30, false),
            SqlType::Double { unsigned: false },
            SqlType::Double { unsigned: true },
            SqlType::Float { unsigned: false },
            SqlType::Date,
            SqlType::DateTime(0),
            SqlType::DateTime(6),
            SqlType::Timestamp(0),
            SqlType::Time(0),
            SqlType::VarChar(5, text),
            SqlType::Char(5, text),
            SqlType::Text(LobSize::Tiny, text),
            SqlType::VarBinary(5),
            SqlType::Year,
        ];
        let mut quick = 0;
        for of in &types {
            for given in TEXTS {
                let Some(got) = value(given, of) else { continue };
                quick += 1;
                let mut context = Context::default();
                let source =
                    store::Source { of: &SqlType::VarChar(99, text), row: 1, ignore: false };
                let target = store::Target { name: "c", of, nullable: false };
                let want = store::store(Value::text(given), &source, &target, &mut context);
                assert_eq!(Ok(&got), want.as_ref(), "Q1: {given:?} as {of:?}");
                assert_eq!(context.warning_count, 0, "Q1: {given:?} as {of:?}");
            }
        }
        assert!(quick > 150, "the short way is taken, {quick} times");
    }
}
