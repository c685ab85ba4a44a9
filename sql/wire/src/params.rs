//! Parameters of COM_STMT_EXECUTE.
//!
//! ```text
//! null bitmap ((count + 7) / 8) | new types follow (1) | [type (1) flags (1)] per parameter
//!   | values of those neither NULL nor sent before with COM_STMT_SEND_LONG_DATA
//! ```
//!
//! Types stay bound from one execution to the next.

use std::collections::BTreeMap;

use bytes::Bytes;
use holdfast_value::{Decimal, Value};

use crate::error::WireError;
use crate::scan::Scan;
use crate::temporal::{scan_datetime, scan_time};

/// The type of a parameter, as the client bound it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParamType {
    /// MySQL's number of the type.
    pub code: u8,
    /// An integer without sign.
    pub is_unsigned: bool,
}

/// What COM_STMT_SEND_LONG_DATA brought for one statement.
#[derive(Clone, Debug, Default)]
pub struct LongData {
    sent: BTreeMap<u16, Vec<u8>>,
    /// Bytes in all.
    size: u64,
}

impl LongData {
    /// Appends to a parameter. False, and nothing is appended, beyond `limit` bytes in
    /// all: the execution that follows should say so (1153).
    #[must_use]
    pub fn append(&mut self, param: u16, data: &[u8], limit: u64) -> bool {
        let size = self.size.saturating_add(data.len() as u64);
        if size > limit {
            return false;
        }
        self.size = size;
        self.sent.entry(param).or_default().extend_from_slice(data);
        true
    }

    /// Forgets all: after an execution and with COM_STMT_RESET.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn get(&self, param: usize) -> Option<&[u8]> {
        self.sent.get(&u16::try_from(param).ok()?).map(Vec::as_slice)
    }
}

/// The `count` values of an execution. `bound` are the types of the execution before
/// (none at first) and are replaced where the client binds new ones.
///
/// # Errors
/// [`WireError::Malformed`]: the connection goes on. `bound` is as before then.
pub fn decode(
    body: &Bytes,
    count: usize,
    bound: &mut Vec<ParamType>,
    long: &LongData,
) -> Result<Vec<Value>, WireError> {
    let parsed = parse(body, count, bound, long);
    let (values, types) = parsed.ok_or(WireError::Malformed("parameters"))?;
    if let Some(types) = types {
        *bound = types;
    }
    Ok(values)
}

type Parsed = (Vec<Value>, Option<Vec<ParamType>>);

fn parse(body: &Bytes, count: usize, bound: &[ParamType], long: &LongData) -> Option<Parsed> {
    if count == 0 {
        return Some((Vec::new(), None));
    }
    let mut scan = Scan::new(body);
    let nulls = scan.take(count.div_ceil(8))?;
    let types = if scan.u8()? == 1 { Some(scan_types(&mut scan, count)?) } else { None };
    let bound = types.as_deref().unwrap_or(bound);
    if bound.len() != count {
        return None;
    }
    // A value has a byte at least, or a bit in `nulls`: `count` is no more than 8 x body.
    let mut values = Vec::with_capacity(count);
    for (at, of) in bound.iter().enumerate() {
        let is_null = nulls[at / 8] >> (at % 8) & 1 == 1;
        values.push(match long.get(at) {
            Some(sent) => character(of.code, body, sent),
            None if is_null => Value::Null,
            None => scan_value(&mut scan, *of, body)?,
        });
    }
    Some((values, types))
}

fn scan_types(scan: &mut Scan<'_>, count: usize) -> Option<Vec<ParamType>> {
    let pairs = scan.take(count.checked_mul(2)?)?;
    let of = |pair: &[u8]| ParamType { code: pair[0], is_unsigned: pair[1] & 0x80 != 0 };
    Some(pairs.chunks_exact(2).map(of).collect())
}

fn scan_value(scan: &mut Scan<'_>, of: ParamType, body: &Bytes) -> Option<Value> {
    let integer = |signed: i64, unsigned: u64| match of.is_unsigned {
        true => Value::UInt(unsigned),
        false => Value::Int(signed),
    };
    Some(match of.code {
        0x01 => scan.u8().map(|raw| integer(i64::from(raw as i8), u64::from(raw)))?,
        0x02 | 0x0d => scan.u16().map(|raw| integer(i64::from(raw as i16), u64::from(raw)))?,
        0x03 | 0x09 => scan.u32().map(|raw| integer(i64::from(raw as i32), u64::from(raw)))?,
        0x08 => scan.u64().map(|raw| integer(raw as i64, raw))?,
        0x04 => double(f64::from(f32::from_bits(scan.u32()?))),
        0x05 => double(f64::from_bits(scan.u64()?)),
        0x06 => Value::Null,
        0x07 | 0x0c | 0x11 | 0x12 => scan_datetime(scan, false)?,
        0x0a | 0x0e => scan_datetime(scan, true)?,
        0x0b | 0x13 => scan_time(scan)?,
        0x00 | 0xf6 => decimal(scan.string()?, body),
        0x0f | 0x10 | 0xf5 | 0xf7..=0xff => character(of.code, body, scan.string()?),
        _ => return None,
    })
}

/// A number that is none has no place in SQL.
fn double(value: f64) -> Value {
    if value.is_finite() { Value::Double(value) } else { Value::Null }
}

/// A DECIMAL; a text where it is none, for the engine to judge.
fn decimal(text: &[u8], body: &Bytes) -> Value {
    let parsed = std::str::from_utf8(text).ok().and_then(Decimal::parse);
    match parsed {
        Some((decimal, true)) => Value::Decimal(decimal),
        _ => character(0xfd, body, text),
    }
}

/// A text or bytes, by the type and by what it is. Bytes share the packet's buffer
/// where they lie in it.
fn character(code: u8, body: &Bytes, data: &[u8]) -> Value {
    let is_binary = matches!(code, 0x10 | 0xf9..=0xfc | 0xff);
    match std::str::from_utf8(data) {
        Ok(text) if !is_binary => Value::text(text),
        _ if body.as_ptr_range().contains(&data.as_ptr()) => Value::Bytes(body.slice_ref(data)),
        _ => Value::Bytes(Bytes::copy_from_slice(data)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(code: u8, flags: u8, value: &[u8]) -> Result<Value, WireError> {
        let body = [&[0, 1, code, flags][..], value].concat();
        let mut values = decode(&body.into(), 1, &mut Vec::new(), &LongData::default())?;
        Ok(values.remove(0))
    }

    #[test]
    fn every_type_is_understood() {
        let check = |code, flags, bytes: &[u8], want: Value| {
            assert_eq!(one(code, flags, bytes).ok(), Some(want), "type {code}");
        };
        let decimal = |text| Value::Decimal(Decimal::parse(text).unwrap().0);
        check(1, 0, &[0xff], Value::Int(-1));
        check(1, 0x80, &[0xff], Value::UInt(255));
        check(2, 0, &[0, 0x80], Value::Int(-32_768));
        check(13, 0x80, &[0xe8, 7], Value::UInt(2024));
        check(3, 0, &[0xff; 4], Value::Int(-1));
        check(9, 0x80, &[0xff; 4], Value::UInt(u64::from(u32::MAX)));
        check(8, 0, &[0xff; 8], Value::Int(-1));
        check(8, 0x80, &[0xff; 8], Value::UInt(u64::MAX));
        check(4, 0, &1.5_f32.to_le_bytes(), Value::Double(1.5));
        check(5, 0, &(-0.1_f64).to_le_bytes(), Value::Double(-0.1));
        check(5, 0, &f64::NAN.to_le_bytes(), Value::Null);
        check(6, 0, b"", Value::Null);
        check(246, 0, b"\x05-1.50", decimal("-1.50"));
        check(246, 0, b"\x03abc", Value::text("abc"));
        check(253, 0, b"\x03\xc3\xa9x", Value::text("\u{e9}x"));
        check(253, 0, b"\x02\xff\xfe", Value::Bytes(Bytes::from_static(b"\xff\xfe")));
        check(252, 0, b"\x01a", Value::Bytes(Bytes::from_static(b"a")));
        check(245, 0, b"\x02{}", Value::text("{}"));
        check(10, 0, &[4, 0xb2, 7, 1, 2], Value::Date(1));
        check(12, 0, &[4, 0xb2, 7, 1, 2], Value::DateTime(86_400_000_000));
        check(7, 0, &[7, 0xb2, 7, 1, 1, 0, 0, 1], Value::DateTime(1_000_000));
        check(11, 0, &[8, 1, 0, 0, 0, 0, 0, 0, 2], Value::Time(-2_000_000));
        assert!(one(99, 0, b"\x01a").is_err());
        assert!(one(3, 0, &[1, 2, 3]).is_err());
        assert!(one(253, 0, b"\x03ab").is_err());
    }

    #[test]
    fn types_stay_bound_and_long_data_takes_a_place() {
        let (mut bound, mut long) = (Vec::new(), LongData::default());
        let none = decode(&Bytes::from_static(b"\0\0\x05"), 1, &mut bound, &long);
        assert!(none.is_err(), "nothing was bound yet");
        let first = Bytes::from_static(b"\x02\x01\x01\0\xfd\0\x05");
        let values = decode(&first, 2, &mut bound, &long).unwrap();
        assert_eq!(values, [Value::Int(5), Value::Null]);
        let second = Bytes::from_static(b"\0\0\x06\x01z");
        let values = decode(&second, 2, &mut bound, &long).unwrap();
        assert_eq!(values, [Value::Int(6), Value::text("z")]);
        assert!(long.append(1, b"lo", 4) && long.append(1, b"ng", 4));
        assert!(!long.append(1, b"er", 4), "beyond its limit");
        let third = Bytes::from_static(b"\0\0\x07");
        let values = decode(&third, 2, &mut bound, &long).unwrap();
        assert_eq!(values, [Value::Int(7), Value::text("long")]);
        let none = decode(&third, 3, &mut bound, &long);
        assert!(none.is_err() && bound.len() == 2, "another count than was bound");
    }
}
