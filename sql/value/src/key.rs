//! Values as bytes whose order is theirs.
//!
//! A key is one column after the other; no column's bytes are a prefix of another's
//! of the same type, so what follows never disturbs the order.
//!
//! ```text
//! NULL           00
//! integer >= 0   80+n  n bytes, big endian, no zeros in front     (n <= 8)
//! integer < 0    7f-n  n bytes of -1 - it, inverted
//! DECIMAL        its digits at the column's scale, as an integer  (n <= 28)
//! FLOAT, DOUBLE  01    8 bytes, sign flipped, all inverted below 0
//! text           01    weights, 00 as 00 ff, then 00 00
//! bytes, JSON    01    bytes, 00 as 00 ff, then 00 00
//! DATE, DATETIME, TIMESTAMP, TIME, YEAR, BIT: an integer
//! ENUM           its number as an integer, 0 for ''; SET: its bits
//! ```
//!
//! A descending column has all of its bytes inverted, so its NULLs come last.
//!
//! Invariants
//! - K1: `encode(a) < encode(b)` if and only if `order(a, b)` is less, and they are the
//!   same bytes if and only if it is equal. Integers of any width, signed or not, share
//!   one order, so a column may be widened in place.
//! - K2: what [`decode`] gives encodes to the same bytes.
//!
//! Not here: weights (`collate`), rows (`row`).

use bytes::Bytes;
use ethnum::I256;

use crate::collate::weights;
use crate::types::Collation;
use crate::{Decimal, SqlType, Value, ValueError};

const NULL: u8 = 0;
const PRESENT: u8 = 1;
const POSITIVE: u8 = 0x80;
const NEGATIVE: u8 = 0x7f;
/// Bytes of the largest magnitude of 65 digits.
const INTEGER_BYTES_MAX: usize = 28;

/// One column of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPart {
    /// The column's type.
    pub of: SqlType,
    /// Largest first.
    pub descending: bool,
    /// Only so many characters (of texts) or bytes count.
    pub prefix: Option<u32>,
}

impl KeyPart {
    /// All of an ascending column.
    pub fn new(of: SqlType) -> Self {
        Self { of, descending: false, prefix: None }
    }
}

/// Appends the key of `values`, all ascending and whole.
///
/// # Errors
/// A value that is not of its type.
pub fn encode(values: &[Value], types: &[SqlType], out: &mut Vec<u8>) -> Result<(), ValueError> {
    values.iter().zip(types).try_for_each(|(value, of)| encode_value(value, of, None, out))
}

/// Appends one column.
///
/// # Errors
/// As [`encode`].
pub fn encode_part(value: &Value, part: &KeyPart, out: &mut Vec<u8>) -> Result<(), ValueError> {
    let start = out.len();
    encode_value(value, &part.of, part.prefix, out)?;
    if part.descending {
        out[start..].iter_mut().for_each(|byte| *byte = !*byte);
    }
    Ok(())
}

/// Appends what the keys of all texts start with that start with `prefix` (see
/// [`crate::collate::weights_of_prefix`]), for an ascending text column.
pub fn encode_text_prefix(prefix: &str, collation: Collation, out: &mut Vec<u8>) {
    out.push(PRESENT);
    let start = out.len();
    crate::collate::weights_of_prefix(prefix, collation, out);
    escape_from(start, out);
}

fn encode_value(
    value: &Value,
    of: &SqlType,
    prefix: Option<u32>,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    let wrong = || ValueError::Stored { what: "key", of: of.clone() };
    match value {
        Value::Null => out.push(NULL),
        Value::Int(it) if of.is_integer() => small_integer(*it < 0, magnitude(*it), out),
        Value::UInt(it) if of.is_integer() => small_integer(false, *it, out),
        Value::Date(it) if matches!(of, SqlType::Date) => {
            let it = i64::from(*it);
            small_integer(it < 0, magnitude(it), out);
        }
        Value::DateTime(it) if matches!(of, SqlType::DateTime(_) | SqlType::Timestamp(_)) => {
            small_integer(*it < 0, magnitude(*it), out);
        }
        Value::Time(it) if matches!(of, SqlType::Time(_)) => {
            small_integer(*it < 0, magnitude(*it), out);
        }
        Value::Decimal(it) => {
            let SqlType::Decimal { scale, .. } = of else { return Err(wrong()) };
            let it = it.rescale(*scale).ok_or_else(wrong)?;
            large_integer(it.digits, out);
        }
        Value::Double(it) if matches!(of, SqlType::Float { .. } | SqlType::Double { .. }) => {
            out.push(PRESENT);
            out.extend_from_slice(&ordered_bits(*it).to_be_bytes());
        }
        Value::Text(it) => match of {
            SqlType::Enum(items, _) => {
                let number = enum_number(it, items).ok_or_else(wrong)?;
                small_integer(false, number, out);
            }
            SqlType::Set(items, _) => {
                small_integer(false, set_bits(it, items).ok_or_else(wrong)?, out);
            }
            _ if of.is_text() => text(it, of, prefix, out),
            _ => return Err(wrong()),
        },
        Value::Bytes(it) if of.is_bytes() => {
            let kept = prefix.map_or(it.len(), |len| it.len().min(len as usize));
            long(&it[..kept], out);
        }
        Value::Json(it) if matches!(of, SqlType::Json) => long(it.as_bytes(), out),
        _ => return Err(wrong()),
    }
    Ok(())
}

/// The number of an ENUM's value, from 1; 0 for the empty one. `None` if it has none.
pub fn enum_number(text: &str, items: &[String]) -> Option<u64> {
    match items.iter().position(|item| **item == *text) {
        Some(at) => Some(at as u64 + 1),
        None => text.is_empty().then_some(0),
    }
}

/// The bits of a SET's value. `None` if it holds something else.
pub fn set_bits(text: &str, items: &[String]) -> Option<u64> {
    if text.is_empty() {
        return Some(0);
    }
    text.split(',').try_fold(0, |bits, member| {
        let at = items.iter().take(64).position(|item| *item == member)?;
        Some(bits | 1 << at)
    })
}

/// The SET's value that has these bits.
pub fn set_of_bits(bits: u64, items: &[String]) -> String {
    let chosen = items.iter().take(64).enumerate().filter(|(at, _)| bits >> at & 1 == 1);
    chosen.map(|(_, item)| item.as_str()).collect::<Vec<_>>().join(",")
}

fn magnitude(it: i64) -> u64 {
    if it < 0 { !it as u64 } else { it as u64 }
}

fn small_integer(is_negative: bool, magnitude: u64, out: &mut Vec<u8>) {
    let len = 8 - magnitude.leading_zeros() as usize / 8;
    if is_negative {
        out.push(NEGATIVE - len as u8);
        out.extend_from_slice(&(!magnitude).to_be_bytes()[8 - len..]);
    } else {
        out.push(POSITIVE + len as u8);
        out.extend_from_slice(&magnitude.to_be_bytes()[8 - len..]);
    }
}

fn large_integer(it: I256, out: &mut Vec<u8>) {
    let is_negative = it.is_negative();
    let magnitude = if is_negative { !it } else { it };
    let len = 32 - magnitude.leading_zeros() as usize / 8;
    // 65 digits have 216 bits, 27 bytes: headers never meet NULL's.
    debug_assert!(len <= INTEGER_BYTES_MAX, "D1: a decimal has at most 65 digits");
    out.push(if is_negative { NEGATIVE - len as u8 } else { POSITIVE + len as u8 });
    out.extend_from_slice(&it.to_be_bytes()[32 - len..]);
}

fn ordered_bits(it: f64) -> u64 {
    // -0.0 is 0.0.
    let bits = if it == 0.0 { 0 } else { it.to_bits() };
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

fn text(it: &str, of: &SqlType, prefix: Option<u32>, out: &mut Vec<u8>) {
    out.push(PRESENT);
    let kept = match prefix.and_then(|chars| it.char_indices().nth(chars as usize)) {
        Some((end, _)) => &it[..end],
        None => it,
    };
    let start = out.len();
    weights(kept, of.collation(), out);
    escape_from(start, out);
    out.extend_from_slice(&[0, 0]);
}

/// Turns each 00 from `start` on into 00 ff. Most texts have none.
fn escape_from(start: usize, out: &mut Vec<u8>) {
    let zeros = out[start..].iter().filter(|b| **b == 0).count();
    if zeros == 0 {
        return;
    }
    let (mut from, mut to) = (out.len(), out.len() + zeros);
    out.resize(to, 0);
    while from < to {
        from -= 1;
        to -= 1;
        if out[from] == 0 {
            out[to] = 0xff;
            to -= 1;
        }
        out[to] = out[from];
    }
}

fn long(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(PRESENT);
    let start = out.len();
    out.extend_from_slice(bytes);
    escape_from(start, out);
    out.extend_from_slice(&[0, 0]);
}

/// The values back, `None` for a column whose value its bytes do not give: texts that
/// ignore case or spaces, and prefixes. A key may end after any whole column.
///
/// # Errors
/// [`ValueError::Stored`].
pub fn decode(key: &[u8], parts: &[KeyPart]) -> Result<Vec<Option<Value>>, ValueError> {
    let mut rest = key;
    let mut out = Vec::with_capacity(parts.len());
    for part in parts {
        if rest.is_empty() {
            break;
        }
        let bad = || ValueError::Stored { what: "key", of: part.of.clone() };
        let (value, used) = decode_part(rest, part).ok_or_else(bad)?;
        out.push(value);
        rest = &rest[used..];
    }
    Ok(out)
}

/// How many bytes the first columns of a key have: to cut a key after some of them.
///
/// # Errors
/// [`ValueError::Stored`].
pub fn length(key: &[u8], parts: &[KeyPart]) -> Result<usize, ValueError> {
    let mut at = 0;
    for part in parts {
        let bad = || ValueError::Stored { what: "key", of: part.of.clone() };
        at += item_len(key.get(at..).unwrap_or_default(), part).ok_or_else(bad)?;
    }
    Ok(at)
}

fn item_len(bytes: &[u8], part: &KeyPart) -> Option<usize> {
    let flip = if part.descending { 0xff } else { 0 };
    let len = match *bytes.first()? ^ flip {
        NULL => 1,
        PRESENT if matches!(part.of, SqlType::Float { .. } | SqlType::Double { .. }) => 9,
        PRESENT => return long_len(bytes, flip),
        head if head >= POSITIVE => 1 + usize::from(head - POSITIVE),
        head => 1 + usize::from(NEGATIVE - head),
    };
    (len <= bytes.len()).then_some(len)
}

fn long_len(bytes: &[u8], flip: u8) -> Option<usize> {
    let mut at = 1;
    loop {
        if *bytes.get(at)? ^ flip != 0 {
            at += 1;
            continue;
        }
        match bytes.get(at + 1)? ^ flip {
            0xff => at += 2,
            0 => return Some(at + 2),
            _ => return None,
        }
    }
}

fn decode_part(bytes: &[u8], part: &KeyPart) -> Option<(Option<Value>, usize)> {
    let len = item_len(bytes, part)?;
    let flip = if part.descending { 0xff } else { 0 };
    let item: Vec<u8> = bytes[..len].iter().map(|b| b ^ flip).collect();
    let (head, body) = item.split_first()?;
    let value = match (*head, &part.of) {
        (NULL, _) => Some(Value::Null),
        (PRESENT, SqlType::Float { .. } | SqlType::Double { .. }) => {
            let bits = u64::from_be_bytes(body.try_into().ok()?);
            let bits = if bits >> 63 == 1 { bits & !(1 << 63) } else { !bits };
            let it = f64::from_bits(bits);
            Some(Value::Double(it).filter(it.is_finite())?)
        }
        (PRESENT, of) => decode_long(body, of, part.prefix.is_some())?,
        (_, of) => Some(decode_integer(*head, body, of)?),
    };
    Some((value, len))
}

impl Value {
    fn filter(self, is_legal: bool) -> Option<Self> {
        is_legal.then_some(self)
    }
}

fn decode_long(body: &[u8], of: &SqlType, is_prefix: bool) -> Option<Option<Value>> {
    let is_whole = match of {
        SqlType::Binary(_) | SqlType::VarBinary(_) | SqlType::Blob(_) | SqlType::Json => true,
        SqlType::Char(_, Collation::Bin) => true,
        SqlType::Char(..) | SqlType::VarChar(..) | SqlType::Text(..) => {
            of.collation() == Collation::Binary
        }
        _ => return None,
    };
    if is_prefix || !is_whole {
        return Some(None);
    }
    let mut plain = Vec::with_capacity(body.len());
    let mut at = 0;
    let body = &body[..body.len() - 2];
    while at < body.len() {
        plain.push(body[at]);
        at += if body[at] == 0 { 2 } else { 1 };
    }
    if let SqlType::Char(_, Collation::Bin) = of {
        // A space is followed by its mark; the last one is the end's.
        let mut chars = Vec::with_capacity(plain.len());
        let mut at = 0;
        while at < plain.len() {
            chars.push(plain[at]);
            at += if plain[at] == b' ' { 2 } else { 1 };
        }
        chars.pop();
        plain = chars;
    }
    let text = |plain| String::from_utf8(plain).ok();
    Some(Some(match of {
        SqlType::Json => Value::Json(text(plain)?.into()),
        _ if of.is_text() => Value::Text(text(plain)?.into()),
        _ => Value::Bytes(Bytes::from(plain)),
    }))
}

fn decode_integer(head: u8, body: &[u8], of: &SqlType) -> Option<Value> {
    let is_negative = head < POSITIVE;
    let mut all = [if is_negative { 0xff } else { 0 }; 32];
    if body.len() > INTEGER_BYTES_MAX {
        return None;
    }
    all[32 - body.len()..].copy_from_slice(body);
    let number = I256::from_be_bytes(all);
    if let SqlType::Decimal { scale, .. } = of {
        let it = Decimal { digits: number, scale: *scale };
        return Value::Decimal(it).filter(number.abs() < crate::decimal::pow10(65));
    }
    let signed = i64::try_from(number).ok();
    let unsigned = u64::try_from(number).ok();
    let value = match of {
        _ if of.is_integer() && of.is_unsigned() => match unsigned {
            Some(it) => Value::UInt(it),
            None => Value::Int(signed?),
        },
        _ if of.is_integer() => match signed {
            Some(it) => Value::Int(it),
            None => Value::UInt(unsigned?),
        },
        SqlType::Date => Value::Date(i32::try_from(signed?).ok()?),
        SqlType::DateTime(_) | SqlType::Timestamp(_) => Value::DateTime(signed?),
        SqlType::Time(_) => Value::Time(signed?),
        SqlType::Enum(items, _) => match unsigned? {
            0 => Value::text(""),
            number => Value::text(items.get(usize::try_from(number).ok()? - 1)?.as_str()),
        },
        SqlType::Set(items, _) => Value::text(set_of_bits(unsigned?, items)),
        _ => return None,
    };
    let is_legal = value.is_in_range();
    value.filter(is_legal)
}

/// The first key after all that start with `prefix`; `None` if there is none.
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let kept = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut end = prefix[..=kept].to_vec();
    end[kept] += 1;
    Some(end)
}

#[cfg(test)]
mod tests;
