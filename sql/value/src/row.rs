//! Rows as bytes.
//!
//! ```text
//! | version = 1 | slots n (varint) | NULL bits, ceil(n/8) bytes | value | value | ... |
//! value = | tag | length (varint), if the tag says 15 | bytes |
//! tag   = kind in the high 4 bits, length 0 to 14 in the low 4, or 15
//!
//! kind  0 integer below 0: -1 - it | 1 integer: little endian, no zeros at its end
//!       2 decimal: scale, then two's complement, little endian, as short as it can be
//!       3 double: 8 bytes, or 4 where it is a float's
//!       4 text  5 bytes  6 DATE  7 DATETIME  8 TIME (zigzag, as 1)  9 JSON
//! ```
//!
//! Slot `i`'s NULL bit is bit `i % 8` of byte `i / 8`; a NULL has no value behind.
//!
//! Invariants
//! - R1: what is encoded is read back, whatever the type of its column became
//!   among the types of the same kind.
//! - R2: no bytes make a reader panic; what does not parse is [`ValueError::Stored`].
//! - R3: a slot beyond those that the row has is absent, not NULL.
//!
//! Not here: which column has which slot (the catalog), keys (`key`).

use bytes::Bytes;
use ethnum::I256;

use crate::{Decimal, SqlType, Value, ValueError};

const VERSION: u8 = 1;
/// A row has at most so many slots, MySQL's limit.
pub const SLOTS_MAX: usize = 4096;
const LONG: u8 = 15;

const NEGATIVE: u8 = 0;
const INTEGER: u8 = 1;
const DECIMAL: u8 = 2;
const DOUBLE: u8 = 3;
const TEXT: u8 = 4;
const BYTES: u8 = 5;
const DATE: u8 = 6;
const DATETIME: u8 = 7;
const TIME: u8 = 8;
const JSON: u8 = 9;

/// Appends a row whose slot `i` holds `values[i]`.
///
/// # Errors
/// 1117 for more than [`SLOTS_MAX`] slots.
pub fn encode(values: &[Value], out: &mut Vec<u8>) -> Result<(), ValueError> {
    if values.len() > SLOTS_MAX {
        let message = "Too many columns".to_owned();
        return Err(ValueError::Other { code: 1117, state: "HY000", message });
    }
    out.push(VERSION);
    varint(values.len() as u64, out);
    let bits = out.len();
    out.resize(bits + values.len().div_ceil(8), 0);
    for (slot, value) in values.iter().enumerate() {
        match value {
            Value::Null => out[bits + slot / 8] |= 1 << (slot % 8),
            Value::Int(it) if *it < 0 => short(NEGATIVE, !*it as u64, out),
            Value::Int(it) => short(INTEGER, *it as u64, out),
            Value::UInt(it) => short(INTEGER, *it, out),
            Value::Decimal(it) => decimal(it, out),
            Value::Double(it) => double(*it, out),
            Value::Text(it) => long(TEXT, it.as_bytes(), out),
            Value::Bytes(it) => long(BYTES, it, out),
            Value::Date(it) => short(DATE, zigzag(i64::from(*it)), out),
            Value::DateTime(it) => short(DATETIME, zigzag(*it), out),
            Value::Time(it) => short(TIME, zigzag(*it), out),
            Value::Json(it) => long(JSON, it.as_bytes(), out),
        }
    }
    Ok(())
}

fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn short(kind: u8, number: u64, out: &mut Vec<u8>) {
    let len = 8 - number.leading_zeros() / 8;
    out.push(kind << 4 | len as u8);
    out.extend_from_slice(&number.to_le_bytes()[..len as usize]);
}

fn long(kind: u8, bytes: &[u8], out: &mut Vec<u8>) {
    if bytes.len() < usize::from(LONG) {
        out.push(kind << 4 | bytes.len() as u8);
    } else {
        out.push(kind << 4 | LONG);
        varint(bytes.len() as u64, out);
    }
    out.extend_from_slice(bytes);
}

fn decimal(it: &Decimal, out: &mut Vec<u8>) {
    let mut bytes = [0; 33];
    bytes[0] = it.scale;
    bytes[1..].copy_from_slice(&it.digits.to_le_bytes());
    let fill = if it.is_negative() { 0xff } else { 0 };
    let mut len = 33;
    while len > 2 && bytes[len - 1] == fill && (bytes[len - 2] ^ fill) & 0x80 == 0 {
        len -= 1;
    }
    long(DECIMAL, &bytes[..len], out);
}

fn double(it: f64, out: &mut Vec<u8>) {
    let narrow = it as f32;
    if f64::from(narrow).to_bits() == it.to_bits() {
        out.push(DOUBLE << 4 | 4);
        out.extend_from_slice(&narrow.to_le_bytes());
    } else {
        out.push(DOUBLE << 4 | 8);
        out.extend_from_slice(&it.to_le_bytes());
    }
}

/// Reads a row.
#[derive(Clone, Copy, Debug)]
pub struct RowReader<'a> {
    slots: usize,
    nulls: &'a [u8],
    values: &'a [u8],
}

impl<'a> RowReader<'a> {
    /// Checks the head.
    ///
    /// # Errors
    /// [`ValueError::Stored`].
    pub fn new(bytes: &'a [u8]) -> Result<Self, ValueError> {
        let bad = || ValueError::Stored { what: "row", of: SqlType::Null };
        let (version, rest) = bytes.split_first().ok_or_else(bad)?;
        if *version != VERSION {
            return Err(bad());
        }
        let (slots, rest) = read_varint(rest).ok_or_else(bad)?;
        let slots = usize::try_from(slots).ok().filter(|it| *it <= SLOTS_MAX).ok_or_else(bad)?;
        let (nulls, values) = rest.split_at_checked(slots.div_ceil(8)).ok_or_else(bad)?;
        Ok(Self { slots, nulls, values })
    }

    /// How many slots the row has.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Slot `slot`; `None` if the row was written before there was one.
    ///
    /// # Errors
    /// [`ValueError::Stored`].
    pub fn get(&self, slot: usize, of: &SqlType) -> Result<Option<Value>, ValueError> {
        let mut cursor = Cursor { slot: 0, rest: self.values };
        self.seek(&mut cursor, slot, of)
    }

    /// Some slots in one pass, each as [`RowReader::get`] gives it, with its number.
    /// `slots` ascends; a step back is correct, too, but starts anew.
    ///
    /// # Errors
    /// [`ValueError::Stored`].
    pub fn each<'t>(
        &self,
        slots: impl IntoIterator<Item = (usize, &'t SqlType)>,
        mut take: impl FnMut(usize, Option<Value>),
    ) -> Result<(), ValueError> {
        let mut cursor = Cursor { slot: 0, rest: self.values };
        for (slot, of) in slots {
            if slot < cursor.slot {
                cursor = Cursor { slot: 0, rest: self.values };
            }
            take(slot, self.seek(&mut cursor, slot, of)?);
        }
        Ok(())
    }

    fn is_null(&self, slot: usize) -> bool {
        self.nulls.get(slot / 8).is_some_and(|bits| bits >> (slot % 8) & 1 == 1)
    }

    fn seek(
        &self,
        cursor: &mut Cursor<'a>,
        slot: usize,
        of: &SqlType,
    ) -> Result<Option<Value>, ValueError> {
        if slot >= self.slots {
            return Ok(None);
        }
        let bad = || ValueError::Stored { what: "row", of: of.clone() };
        while cursor.slot < slot {
            if !self.is_null(cursor.slot) {
                (_, _, cursor.rest) = read_item(cursor.rest).ok_or_else(bad)?;
            }
            cursor.slot += 1;
        }
        if self.is_null(slot) {
            return Ok(Some(Value::Null));
        }
        let (kind, bytes, _) = read_item(cursor.rest).ok_or_else(bad)?;
        value(kind, bytes, of).ok_or_else(bad).map(Some)
    }
}

struct Cursor<'a> {
    slot: usize,
    rest: &'a [u8],
}

fn read_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0u64;
    for (at, byte) in bytes.iter().enumerate().take(9) {
        number |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[at + 1..]));
        }
    }
    None
}

/// Kind, bytes, and what follows.
fn read_item(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (len, rest) = match tag & 15 {
        LONG => read_varint(rest)?,
        len => (u64::from(len), rest),
    };
    let (bytes, rest) = rest.split_at_checked(usize::try_from(len).ok()?)?;
    Some((tag >> 4, bytes, rest))
}

fn value(kind: u8, bytes: &[u8], of: &SqlType) -> Option<Value> {
    let is_plain = !of.is_integer() && !of.is_temporal() && !matches!(of, SqlType::Null);
    Some(match kind {
        NEGATIVE | INTEGER if is_plain => return None,
        NEGATIVE => Value::Int(!i64::try_from(number(bytes)?).ok()?),
        INTEGER if of.is_unsigned() => Value::UInt(number(bytes)?),
        INTEGER => match i64::try_from(number(bytes)?) {
            Ok(it) => Value::Int(it),
            Err(_) => Value::UInt(number(bytes)?),
        },
        DECIMAL => Value::Decimal(read_decimal(bytes)?),
        DOUBLE => Value::Double(match bytes.len() {
            4 => f64::from(f32::from_le_bytes(bytes.try_into().ok()?)),
            _ => f64::from_le_bytes(bytes.try_into().ok()?),
        }),
        TEXT => Value::Text(std::str::from_utf8(bytes).ok()?.into()),
        BYTES => Value::Bytes(Bytes::copy_from_slice(bytes)),
        DATE => Value::Date(i32::try_from(unzigzag(number(bytes)?)).ok()?),
        DATETIME => Value::DateTime(unzigzag(number(bytes)?)),
        TIME => Value::Time(unzigzag(number(bytes)?)),
        JSON => Value::Json(std::str::from_utf8(bytes).ok()?.into()),
        _ => return None,
    })
    .filter(|it| is_of(it, of))
}

/// Whether values of the column's type are of this kind.
fn is_of(value: &Value, of: &SqlType) -> bool {
    match value {
        Value::Null => true,
        Value::Int(_) | Value::UInt(_) => of.is_integer() || matches!(of, SqlType::Null),
        Value::Decimal(_) => matches!(of, SqlType::Decimal { .. }),
        Value::Double(it) => {
            matches!(of, SqlType::Float { .. } | SqlType::Double { .. }) && it.is_finite()
        }
        Value::Text(_) => of.is_text(),
        Value::Bytes(_) => of.is_bytes(),
        Value::Date(_) => matches!(of, SqlType::Date) && value.is_in_range(),
        Value::DateTime(_) => {
            matches!(of, SqlType::DateTime(_) | SqlType::Timestamp(_)) && value.is_in_range()
        }
        Value::Time(_) => matches!(of, SqlType::Time(_)) && value.is_in_range(),
        Value::Json(_) => matches!(of, SqlType::Json),
    }
}

fn number(bytes: &[u8]) -> Option<u64> {
    let mut all = [0; 8];
    all.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(u64::from_le_bytes(all))
}

fn read_decimal(bytes: &[u8]) -> Option<Decimal> {
    let (scale, rest) = bytes.split_first()?;
    let fill = if rest.last()? & 0x80 != 0 { 0xff } else { 0 };
    let mut all = [fill; 32];
    all.get_mut(..rest.len())?.copy_from_slice(rest);
    let it = Decimal { digits: I256::from_le_bytes(all), scale: *scale };
    let is_legal = *scale <= Decimal::SCALE_MAX
        && it.digits.checked_abs().is_some_and(|it| it < crate::decimal::pow10(65));
    is_legal.then_some(it)
}

#[cfg(test)]
mod tests;
