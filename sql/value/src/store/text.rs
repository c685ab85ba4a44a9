//! Texts, bytes, ENUM and SET.

use bytes::Bytes;

use super::Store;
use crate::collate;
use crate::key::set_of_bits;
use crate::types::LobSize;
use crate::{Collation, SqlType, Value, ValueError, show};

/// The most bytes of a TEXT or BLOB.
pub fn lob_bytes(size: LobSize) -> u64 {
    match size {
        LobSize::Tiny => 255,
        LobSize::Normal => 65_535,
        LobSize::Medium => 16_777_215,
        LobSize::Long => 4_294_967_295,
    }
}

impl Store<'_> {
    /// As text, in the form that the source's type gives it.
    fn plain(&mut self, value: Value) -> Result<Box<str>, ValueError> {
        let bytes = match value {
            Value::Text(it) | Value::Json(it) => return Ok(it),
            Value::Bytes(it) => it,
            _ => return Ok(self.shown(&value).into()),
        };
        match std::str::from_utf8(&bytes) {
            Ok(it) => Ok(it.into()),
            Err(trouble) => {
                let (good, bad) = bytes.split_at(trouble.valid_up_to());
                let shown: String = bad.iter().take(6).map(|b| format!("\\x{b:02X}")).collect();
                self.incorrect("string", &shown)?;
                Ok(String::from_utf8_lossy(good).into())
            }
        }
    }

    pub(super) fn text(&mut self, value: Value) -> Result<Value, ValueError> {
        let it = self.plain(value)?;
        let end = match self.target.of {
            SqlType::Char(chars, _) | SqlType::VarChar(chars, _) if it.len() > *chars as usize => {
                it.char_indices().nth(*chars as usize).map(|(end, _)| end)
            }
            SqlType::Text(size, _) if it.len() as u64 > lob_bytes(*size) => {
                Some(it.floor_char_boundary(lob_bytes(*size) as usize))
            }
            _ => None,
        };
        let mut kept = &*it;
        if let Some(end) = end {
            let only_spaces = it[end..].bytes().all(|b| b == b' ');
            if !only_spaces || matches!(self.target.of, SqlType::Text(..)) {
                self.too_long()?;
            }
            kept = &it[..end];
        }
        if matches!(self.target.of, SqlType::Char(..)) {
            kept = kept.trim_end_matches(' ');
        }
        if kept.len() == it.len() {
            return Ok(Value::Text(it));
        }
        Ok(Value::text(kept))
    }

    pub(super) fn bytes(&mut self, value: Value) -> Result<Value, ValueError> {
        let it = match value {
            Value::Bytes(it) => it,
            Value::Text(it) | Value::Json(it) => Bytes::from(it.into_boxed_bytes().into_vec()),
            _ => {
                let mut out = Vec::new();
                show::write(&value, self.source.of, &mut out);
                Bytes::from(out)
            }
        };
        let max = match self.target.of {
            SqlType::Binary(len) | SqlType::VarBinary(len) => u64::from(*len),
            SqlType::Blob(size) => lob_bytes(*size),
            _ => u64::MAX,
        };
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        if it.len() > max {
            self.too_long()?;
            return Ok(Value::Bytes(it.slice(..max)));
        }
        if matches!(self.target.of, SqlType::Binary(_)) && it.len() < max {
            let mut filled = it.to_vec();
            filled.resize(max, 0);
            return Ok(Value::Bytes(filled.into()));
        }
        Ok(Value::Bytes(it))
    }

    /// The number that a value is meant as: a number's, or a text's of digits alone.
    fn ordinal(value: &Value, text: &str) -> Option<u64> {
        match value {
            Value::Text(_) | Value::Bytes(_) | Value::Json(_) => text.trim().parse().ok(),
            Value::Int(it) => u64::try_from(*it).ok(),
            Value::UInt(it) => Some(*it),
            Value::Decimal(it) => it.to_u64(),
            Value::Double(it) if *it >= 0.0 => Some(it.round_ties_even() as u64),
            _ => None,
        }
    }

    pub(super) fn member(
        &mut self,
        value: &Value,
        items: &[String],
        collation: Collation,
    ) -> Result<Value, ValueError> {
        let text = self.plain(value.clone())?;
        let is_number =
            matches!(value, Value::Int(_) | Value::UInt(_) | Value::Decimal(_) | Value::Double(_));
        let trimmed = text.trim_end_matches(' ');
        if !is_number && let Some(found) = find(trimmed, items, collation) {
            return Ok(Value::text(items[found].as_str()));
        }
        let ordinal = Self::ordinal(value, &text).filter(|it| *it > 0);
        let by_number = ordinal.and_then(|it| items.get(usize::try_from(it).ok()? - 1));
        match by_number {
            Some(item) => Ok(Value::text(item.as_str())),
            None => {
                self.truncated()?;
                Ok(Value::text(""))
            }
        }
    }

    pub(super) fn members(
        &mut self,
        value: &Value,
        items: &[String],
        collation: Collation,
    ) -> Result<Value, ValueError> {
        let text = self.plain(value.clone())?;
        let is_text = matches!(value, Value::Text(_) | Value::Bytes(_) | Value::Json(_));
        let all = u64::MAX.checked_shr(64 - items.len().clamp(1, 64) as u32).unwrap_or(0);
        let mut bits = 0;
        let mut is_whole = true;
        if is_text {
            for part in text.split(',').filter(|_| !text.is_empty()) {
                match find(part.trim_end_matches(' '), items, collation) {
                    Some(at) => bits |= 1 << at,
                    None => is_whole = false,
                }
            }
        }
        if !is_text || !is_whole {
            match Self::ordinal(value, &text) {
                Some(number) => (bits, is_whole) = (number & all, number <= all),
                None => is_whole = false,
            }
        }
        if !is_whole {
            self.truncated()?;
        }
        Ok(Value::text(set_of_bits(bits, items)))
    }
}

/// The place of an item that is equal to `text`; of the first 64, for a SET's bits,
/// where there are no more.
fn find(text: &str, items: &[String], collation: Collation) -> Option<usize> {
    let same = items.iter().position(|item| *item == text);
    same.or_else(|| items.iter().position(|item| collate::compare(item, text, collation).is_eq()))
}
