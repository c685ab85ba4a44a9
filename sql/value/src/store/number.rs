//! Numbers, YEAR and BIT.

use super::{Store, integer_range};
use crate::cast::{self, double_prefix, year_of_number};
use crate::types::IntWidth;
use crate::{Context, Decimal, Value, ValueError};

impl Store<'_> {
    /// The integer that the value is, rounded; clamped to 128 bits.
    fn whole(&mut self, value: &Value) -> Result<i128, ValueError> {
        Ok(match value {
            Value::Int(it) => i128::from(*it),
            Value::UInt(it) => i128::from(*it),
            // `as` clamps, and there is no NaN.
            Value::Double(it) => it.round_ties_even() as i128,
            Value::Text(_) | Value::Bytes(_) | Value::Json(_) => {
                let text = self.shown(value);
                clamped(&self.exact(&text, "integer")?)
            }
            Value::Null => 0,
            Value::DateTime(it) => {
                let at = crate::temporal::round_moment(*it, 0);
                i128::from(crate::temporal::datetime_number(at))
            }
            Value::Time(it) => {
                let at = crate::temporal::round(*it, 0);
                i128::from(crate::temporal::time_number(at))
            }
            Value::Decimal(_) | Value::Date(_) => {
                let it = cast::to_decimal(value, &mut Context::default())?;
                clamped(&it.unwrap_or(Decimal::ZERO))
            }
        })
    }

    /// The number that a text is, or starts with.
    fn exact(&mut self, text: &str, kind: &'static str) -> Result<Decimal, ValueError> {
        match Decimal::parse(text) {
            Some((it, true)) => Ok(it),
            Some((it, false)) => {
                self.truncated()?;
                Ok(it)
            }
            None => {
                self.incorrect(kind, text)?;
                Ok(Decimal::ZERO)
            }
        }
    }

    pub(super) fn integer(
        &mut self,
        value: &Value,
        width: IntWidth,
        unsigned: bool,
    ) -> Result<Value, ValueError> {
        let it = self.whole(value)?;
        let (low, high) = integer_range(width, unsigned);
        if it < low || it > high {
            self.out_of_range()?;
        }
        let it = it.clamp(low, high);
        Ok(if unsigned { Value::UInt(it as u64) } else { Value::Int(it as i64) })
    }

    pub(super) fn year(&mut self, value: &Value) -> Result<Value, ValueError> {
        let number = match value {
            Value::Date(_) | Value::DateTime(_) => {
                let days = cast::to_date(value, &mut Context::default())?.unwrap_or(0);
                i128::from(crate::temporal::civil_of(days).0)
            }
            _ => self.whole(value)?,
        };
        // '0' and '00' are 2000, the number 0 and '0000' are the year 0.
        if number == 0 && matches!(value, Value::Text(it) if (1..=3).contains(&it.trim().len())) {
            return Ok(Value::UInt(2000));
        }
        match i64::try_from(number).ok().and_then(year_of_number) {
            Some(year) => Ok(Value::UInt(year)),
            None => {
                self.out_of_range()?;
                Ok(Value::UInt(0))
            }
        }
    }

    /// A text's or bytes' bits are its bytes.
    pub(super) fn bits(&mut self, value: &Value, bits: u8) -> Result<Value, ValueError> {
        let max = u64::MAX >> (64 - u32::from(bits.clamp(1, 64)));
        let of_bytes = |bytes: &[u8]| {
            let kept = bytes.iter().position(|b| *b != 0).map_or(&[][..], |at| &bytes[at..]);
            let number = kept.iter().take(8).fold(0, |all, b| all << 8 | u64::from(*b));
            if kept.len() > 8 { None } else { Some(number) }
        };
        let number = match value {
            Value::Text(it) => of_bytes(it.as_bytes()),
            Value::Bytes(it) => of_bytes(it),
            Value::Int(it) => Some(*it as u64),
            _ => u64::try_from(self.whole(value)?).ok(),
        };
        match number {
            Some(number) if number <= max => Ok(Value::UInt(number)),
            _ => {
                self.too_long()?;
                Ok(Value::UInt(max))
            }
        }
    }

    pub(super) fn decimal(
        &mut self,
        value: &Value,
        (precision, scale): (u8, u8),
        unsigned: bool,
    ) -> Result<Value, ValueError> {
        let it = match value {
            Value::Decimal(it) => *it,
            Value::Text(_) | Value::Bytes(_) | Value::Json(_) => {
                let text = self.shown(value);
                self.exact(&text, "decimal")?
            }
            // Out of range for a double beyond 65 digits: nines are, too.
            _ => cast::to_decimal(value, &mut Context::default())?.unwrap_or(Decimal::ZERO),
        };
        let zero = Decimal { scale, ..Decimal::ZERO };
        if unsigned && it.is_negative() {
            self.out_of_range()?;
            return Ok(Value::Decimal(zero));
        }
        match it.rescale(scale) {
            Some(it) if it.fits(precision, scale) => Ok(Value::Decimal(it)),
            _ => {
                self.out_of_range()?;
                Ok(Value::Decimal(Decimal::nines(precision, scale, it.is_negative())))
            }
        }
    }

    /// `max` says whether it is a FLOAT.
    pub(super) fn double(
        &mut self,
        value: &Value,
        max: f64,
        unsigned: bool,
    ) -> Result<Value, ValueError> {
        let it = match value {
            Value::Double(it) => *it,
            Value::Text(_) | Value::Bytes(_) | Value::Json(_) => {
                let text = self.shown(value);
                let parsed = double_prefix(&text);
                if !parsed.is_some_and(|(_, whole)| whole) {
                    self.truncated()?;
                }
                parsed.map_or(0.0, |(it, _)| it)
            }
            _ => cast::to_f64(value, &mut Context::default())?.unwrap_or(0.0),
        };
        let low = if unsigned { 0.0 } else { -max };
        if it < low || it > max {
            self.out_of_range()?;
        }
        let it = it.clamp(low, max);
        Ok(Value::Double(if max < f64::MAX { f64::from(it as f32) } else { it }))
    }
}

fn clamped(it: &Decimal) -> i128 {
    let whole = it.round(0).digits;
    let edge = if whole.is_negative() { i128::MIN } else { i128::MAX };
    i128::try_from(whole).unwrap_or(edge)
}
