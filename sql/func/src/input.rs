//! Reading the arguments of a call as what the function needs, and giving back
//! what the call's type says.
//!
//! Every reader answers `None` for NULL and for an argument that was not given.
//!
//! Not here: the rules of conversion (`holdfast_value::cast`).

use std::borrow::Cow;

use bytes::Bytes;
use holdfast_value::{Collation, Context, Decimal, SqlType, Value, ValueError, cast};

use crate::function::{Call, Out};

/// A call in progress.
pub(crate) struct In<'a> {
    pub ctx: &'a mut Context,
    pub call: &'a Call<'a>,
    pub values: &'a [Value],
}

/// A text or bytes, one behind the other's back: bytes count one by one, texts
/// by characters. `bytes` is valid UTF-8 where `is_text` says so.
pub(crate) struct Str<'a> {
    pub bytes: Cow<'a, [u8]>,
    pub is_text: bool,
}

type Read<T> = Result<Option<T>, ValueError>;

impl<'a> In<'a> {
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// The argument itself; NULL if it was not given.
    pub fn value(&self, at: usize) -> &'a Value {
        self.values.get(at).unwrap_or(&Value::Null)
    }

    pub fn of(&self, at: usize) -> &'a SqlType {
        self.call.types.get(at).unwrap_or(&SqlType::Null)
    }

    pub fn int(&mut self, at: usize) -> Read<i64> {
        match self.value(at) {
            Value::Null => Ok(None),
            Value::Int(n) => Ok(Some(*n)),
            Value::UInt(n) => Ok(Some(i64::try_from(*n).unwrap_or(i64::MAX))),
            other => cast::to_i64(other, self.ctx),
        }
    }

    pub fn uint(&mut self, at: usize) -> Read<u64> {
        match self.value(at) {
            Value::Null => Ok(None),
            Value::Int(n) => Ok(Some(n.cast_unsigned())),
            Value::UInt(n) => Ok(Some(*n)),
            other => cast::to_u64(other, self.ctx),
        }
    }

    /// The whole number meant, signed or not, without wrapping.
    pub fn wide(&mut self, at: usize) -> Read<i128> {
        match self.value(at) {
            Value::UInt(n) => Ok(Some(i128::from(*n))),
            _ => Ok(self.int(at)?.map(i128::from)),
        }
    }

    pub fn double(&mut self, at: usize) -> Read<f64> {
        match self.value(at) {
            Value::Null => Ok(None),
            Value::Double(n) => Ok(Some(*n)),
            other => cast::to_f64(other, self.ctx),
        }
    }

    pub fn decimal(&mut self, at: usize) -> Read<Decimal> {
        cast::to_decimal(self.value(at), self.ctx)
    }

    pub fn truth(&mut self, at: usize) -> Read<bool> {
        match self.value(at) {
            Value::Null => Ok(None),
            Value::Int(n) => Ok(Some(*n != 0)),
            other => cast::to_bool(other, self.ctx),
        }
    }

    pub fn text(&mut self, at: usize) -> Read<Cow<'a, str>> {
        text_of(self.value(at), self.of(at), self.ctx)
    }

    pub fn bytes(&mut self, at: usize) -> Read<Cow<'a, [u8]>> {
        Ok(match self.value(at) {
            Value::Null => None,
            Value::Bytes(bytes) => Some(Cow::Borrowed(bytes)),
            _ => match self.text(at)? {
                None => None,
                Some(Cow::Borrowed(text)) => Some(Cow::Borrowed(text.as_bytes())),
                Some(Cow::Owned(text)) => Some(Cow::Owned(text.into_bytes())),
            },
        })
    }

    /// As text, unless the argument is of bytes or the result shall be.
    pub fn str(&mut self, at: usize) -> Read<Str<'a>> {
        let is_text = !matches!(self.value(at), Value::Bytes(_)) && !self.gives_bytes();
        Ok(self.bytes(at)?.map(|bytes| Str { bytes, is_text }))
    }

    /// True if the result is of bytes.
    pub fn gives_bytes(&self) -> bool {
        self.call.result.is_bytes()
    }

    /// The result as text or bytes, as the call's type says.
    pub fn give(&mut self, bytes: Vec<u8>) -> Out {
        if self.gives_bytes() {
            return Ok(Value::Bytes(Bytes::from(bytes)));
        }
        Ok(match String::from_utf8(bytes) {
            Ok(text) => Value::Text(text.into_boxed_str()),
            // Only bytes that were not declared as such come here.
            Err(broken) => Value::Bytes(Bytes::from(broken.into_bytes())),
        })
    }

    /// As [`give`](Self::give), for a part of an argument.
    pub fn give_part(&mut self, part: &[u8]) -> Out {
        if !self.gives_bytes()
            && let Ok(text) = std::str::from_utf8(part)
        {
            return Ok(Value::text(text));
        }
        Ok(Value::Bytes(Bytes::copy_from_slice(part)))
    }

    /// False, with a warning, if a result of so many bytes is too long: NULL then.
    pub fn fits(&mut self, bytes: u64, function: &str) -> bool {
        let max = self.ctx.bytes_max;
        if bytes > max {
            self.ctx.warn(ValueError::TooLong(function.to_owned(), max));
        }
        bytes <= max
    }

    /// The collation that comparing these arguments takes.
    pub fn collation(&self) -> Collation {
        let all = self.call.types.iter().map(|of| (of, true));
        crate::infer::collation(all).unwrap_or(Collation::Binary)
    }
}

impl Str<'_> {
    /// Characters, or bytes of bytes.
    pub fn count(&self) -> usize {
        if self.is_text { chars(&self.bytes) } else { self.bytes.len() }
    }

    /// Where the character with this number begins; the length if there is none.
    pub fn offset(&self, at: usize) -> usize {
        if !self.is_text || self.bytes.is_ascii() {
            return at.min(self.bytes.len());
        }
        let starts = self.bytes.iter().enumerate().filter(|(_, byte)| is_start(**byte));
        starts.map(|(offset, _)| offset).nth(at).unwrap_or(self.bytes.len())
    }

    /// Bytes of the character that begins at `offset`.
    pub fn step(&self, offset: usize) -> usize {
        if !self.is_text {
            return 1;
        }
        let rest = self.bytes.get(offset + 1..).unwrap_or(&[]);
        1 + rest.iter().take_while(|byte| !is_start(**byte)).count()
    }
}

/// Characters of valid UTF-8.
pub(crate) fn chars(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| is_start(**byte)).count()
}

fn is_start(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}

/// A value as text. `of` gives the digits of fractions that temporal values show.
pub(crate) fn text_of<'a>(value: &'a Value, of: &SqlType, ctx: &mut Context) -> Read<Cow<'a, str>> {
    match value {
        Value::Null => Ok(None),
        Value::Text(text) | Value::Json(text) => Ok(Some(Cow::Borrowed(text))),
        Value::Bytes(bytes) => Ok(Some(String::from_utf8_lossy(bytes))),
        other => shown(other, of, ctx),
    }
}

fn shown<'a>(value: &'a Value, of: &SqlType, ctx: &mut Context) -> Read<Cow<'a, str>> {
    let is_of = match value {
        Value::DateTime(_) => matches!(of, SqlType::DateTime(_) | SqlType::Timestamp(_)),
        Value::Time(_) => matches!(of, SqlType::Time(_)),
        Value::Double(_) => matches!(of, SqlType::Float { .. }),
        _ => false,
    };
    if !is_of {
        return cast::to_text(value, ctx);
    }
    let mut out = Vec::new();
    holdfast_value::show::write(value, of, &mut out);
    Ok(Some(Cow::Owned(String::from_utf8_lossy(&out).into_owned())))
}
