//! A value as a column's: what INSERT and UPDATE do to it.
//!
//! | what does not fit | strict | else, and with IGNORE: a warning, and |
//! |---|---|---|
//! | a number beyond the range | 1264 | the nearest one |
//! | a text that only starts with a number | 1265 | that number |
//! | a text that is no number | 1366 | 0 |
//! | a text or bytes too long | 1406 | cut (1265); spaces are cut without a word |
//! | bytes that are no UTF-8 | 1366 | cut before them |
//! | no member of an ENUM, SET | 1265 | '', the members among them |
//! | no date or time | 1292 | NULL, or 1292 where NULL may not be |
//! | NULL where it may not be | 1048 | the type's zero, with IGNORE only |
//! | a text that is no JSON | 3140 | 3140 |
//!
//! Invariants
//! - A1: what `store` gives is of the column's type and fits it.
//! - A2: a TIMESTAMP is given as UTC, as rows hold it; [`load`] gives back the
//!   session's time.
//!
//! MySQL stores `0000-00-00` for what is no date when it is not strict; that value
//! does not exist here, so NULL is stored.
//!
//! Not here: CAST (`cast`), defaults and generated columns (`sql`).

mod number;
mod text;

use crate::cast::{clip, in_zone};
use crate::temporal::{self, DAY, SECOND, TIME_MAX};
use crate::types::IntWidth;
use crate::{Context, Decimal, SqlType, Value, ValueError, json, show};

/// A column that a value goes into.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// For messages.
    pub name: &'a str,
    /// Its type.
    pub of: &'a SqlType,
    /// Whether NULL may be.
    pub nullable: bool,
}

/// Where a value comes from, and what happens to one that does not fit.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Its type.
    pub of: &'a SqlType,
    /// For messages, from 1.
    pub row: u64,
    /// INSERT IGNORE and the like.
    pub ignore: bool,
}

/// The last moment of a TIMESTAMP, 2038-01-19 03:14:07.999999 UTC. [microseconds]
const TIMESTAMP_MAX: i64 = ((1 << 31) - 1) * SECOND + SECOND - 1;

/// One assignment: who complains about what.
pub(crate) struct Store<'a> {
    source: &'a Source<'a>,
    target: &'a Target<'a>,
    context: &'a mut Context,
}

impl Store<'_> {
    /// An error where strict, else a warning.
    fn refuse(&mut self, trouble: ValueError) -> Result<(), ValueError> {
        if self.context.mode.strict && !self.source.ignore {
            return Err(trouble);
        }
        self.context.warn(trouble);
        Ok(())
    }

    fn column(&self) -> String {
        self.target.name.to_owned()
    }

    fn out_of_range(&mut self) -> Result<(), ValueError> {
        let trouble = ValueError::ColumnRange { column: self.column(), row: self.source.row };
        self.refuse(trouble)
    }

    fn truncated(&mut self) -> Result<(), ValueError> {
        let trouble = ValueError::ColumnTruncated { column: self.column(), row: self.source.row };
        self.refuse(trouble)
    }

    /// Too long: 1406 as an error, 1265 as a warning.
    fn too_long(&mut self) -> Result<(), ValueError> {
        if self.context.mode.strict && !self.source.ignore {
            let column = self.column();
            return Err(ValueError::ColumnTooLong { column, row: self.source.row });
        }
        self.truncated()
    }

    fn incorrect(&mut self, kind: &'static str, value: &str) -> Result<(), ValueError> {
        let trouble = self.incorrect_trouble(kind, value);
        self.refuse(trouble)
    }

    fn incorrect_trouble(&self, kind: &'static str, value: &str) -> ValueError {
        let (column, row) = (self.column(), self.source.row);
        ValueError::ColumnIncorrect { kind, value: clip(value), column, row }
    }

    /// The value in words, for messages.
    fn shown(&self, value: &Value) -> String {
        let mut out = Vec::new();
        show::write(value, self.source.of, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    fn json(&mut self, value: &Value) -> Result<Value, ValueError> {
        let column = self.column();
        match value {
            Value::Json(_) => Ok(value.clone()),
            Value::Text(it) => match json::normalise(it) {
                Ok(it) => Ok(Value::Json(it.into())),
                Err(it) => Err(ValueError::Json { what: it.what, at: it.at, column }),
            },
            Value::Bytes(_) => {
                let message =
                    "Cannot create a JSON value from a string with CHARACTER SET 'binary'.".into();
                Err(ValueError::Other { code: 3144, state: "22032", message })
            }
            _ => {
                let what = "\"not a JSON text, may need CAST\"".to_owned();
                Err(ValueError::Json { what, at: 0, column })
            }
        }
    }

    /// The moment in the session's time zone, not yet rounded.
    fn moment(&mut self, value: &Value, kind: &'static str) -> Result<Option<i64>, ValueError> {
        let number = |value: &Value| {
            let mut quiet = Context { zone: self.context.zone, ..Context::default() };
            crate::cast::to_datetime(value, &mut quiet).ok().flatten()
        };
        let at = match value {
            Value::Text(_) | Value::Bytes(_) | Value::Json(_) => {
                let text = self.shown(value);
                let parsed = temporal::parse_datetime(text.trim_matches('"'), 6);
                parsed.ok().and_then(|it| {
                    // What follows a moment is refused where strict.
                    let is_refused =
                        it.truncated && self.context.mode.strict && !self.source.ignore;
                    (!is_refused).then(|| (in_zone(&it, self.context), it.truncated))
                })
            }
            Value::Time(_) => crate::cast::to_datetime(value, self.context)?.map(|it| (it, false)),
            _ => number(value).map(|it| (it, false)),
        };
        match at {
            Some((at, is_cut)) => {
                if is_cut {
                    self.truncated()?;
                }
                Ok(Some(at))
            }
            None => self.no_moment(value, kind),
        }
    }

    /// NULL with a warning where that may be.
    fn no_moment(&mut self, value: &Value, kind: &'static str) -> Result<Option<i64>, ValueError> {
        let text = self.shown(value);
        if !self.target.nullable {
            return Err(self.incorrect_trouble(kind, &text));
        }
        self.incorrect(kind, &text)?;
        Ok(None)
    }

    fn datetime(&mut self, value: &Value, fsp: u8, is_stamp: bool) -> Result<Value, ValueError> {
        let Some(at) = self.moment(value, "datetime")? else { return Ok(Value::Null) };
        let rounded = temporal::round_moment(at, fsp);
        let (stored, range) = if is_stamp {
            (self.context.zone.to_utc(rounded), SECOND..=TIMESTAMP_MAX)
        } else {
            (rounded, temporal::DATETIME_MIN..=temporal::DATETIME_MAX)
        };
        if !range.contains(&stored) {
            let none = self.no_moment(value, "datetime")?;
            return Ok(none.map_or(Value::Null, Value::DateTime));
        }
        Ok(Value::DateTime(stored))
    }

    fn time(&mut self, value: &Value, fsp: u8) -> Result<Value, ValueError> {
        let (at, is_cut) = match value {
            Value::Time(it) => (Some(*it), false),
            Value::DateTime(it) => (Some(it.rem_euclid(DAY)), false),
            Value::Date(_) => (Some(0), false),
            Value::Text(_) | Value::Bytes(_) | Value::Json(_) => {
                let text = self.shown(value);
                match temporal::parse_time(text.trim_matches('"'), fsp) {
                    Ok(it) => (Some(it.value), it.truncated),
                    Err(_) => (None, false),
                }
            }
            _ => {
                let mut quiet = Context::default();
                let at = crate::cast::to_time(value, &mut quiet)?;
                (at, quiet.warning_count > 0 && at.is_some())
            }
        };
        let Some(at) = at else {
            return Ok(self.no_moment(value, "time")?.map_or(Value::Null, Value::Time));
        };
        if is_cut {
            let text = self.shown(value);
            self.incorrect("time", &text)?;
        }
        Ok(Value::Time(temporal::round(at, fsp).clamp(-TIME_MAX, TIME_MAX)))
    }

    fn convert(&mut self, value: Value) -> Result<Value, ValueError> {
        match self.target.of {
            SqlType::Null => Ok(Value::Null),
            SqlType::Int { width, unsigned, .. } => self.integer(&value, *width, *unsigned),
            SqlType::Year => self.year(&value),
            SqlType::Bit(bits) => self.bits(&value, *bits),
            SqlType::Decimal { precision, scale, unsigned } => {
                self.decimal(&value, (*precision, *scale), *unsigned)
            }
            SqlType::Float { unsigned } => self.double(&value, f64::from(f32::MAX), *unsigned),
            SqlType::Double { unsigned } => self.double(&value, f64::MAX, *unsigned),
            SqlType::Char(..) | SqlType::VarChar(..) | SqlType::Text(..) => self.text(value),
            SqlType::Binary(_) | SqlType::VarBinary(_) | SqlType::Blob(_) => self.bytes(value),
            SqlType::Enum(items, collation) => self.member(&value, items, *collation),
            SqlType::Set(items, collation) => self.members(&value, items, *collation),
            SqlType::Date => {
                let at = self.moment(&value, "date")?;
                Ok(at.map_or(Value::Null, |at| Value::Date(at.div_euclid(DAY) as i32)))
            }
            SqlType::DateTime(fsp) => self.datetime(&value, *fsp, false),
            SqlType::Timestamp(fsp) => self.datetime(&value, *fsp, true),
            SqlType::Time(fsp) => self.time(&value, *fsp),
            SqlType::Json => self.json(&value),
        }
    }
}

/// `value`, of an expression, as a row holds it in the column (A1, A2).
///
/// # Errors
/// What does not fit, unless `ignore` or not strict.
pub fn store(
    value: Value,
    source: &Source<'_>,
    target: &Target<'_>,
    context: &mut Context,
) -> Result<Value, ValueError> {
    if value.is_null() {
        if target.nullable {
            return Ok(value);
        }
        let trouble = ValueError::ColumnNull { column: target.name.to_owned() };
        if !source.ignore {
            return Err(trouble);
        }
        context.warn(trouble);
        return Ok(zero(target.of));
    }
    // The short way for what fits as it is.
    match (&value, target.of) {
        (Value::Int(it), SqlType::Int { width, unsigned: false, .. }) => {
            let (low, high) = integer_range(*width, false);
            if (low..=high).contains(&i128::from(*it)) {
                return Ok(value);
            }
        }
        (Value::Text(it), SqlType::VarChar(chars, _)) if it.len() <= *chars as usize => {
            return Ok(value);
        }
        _ => {}
    }
    Store { source, target, context }.convert(value)
}

/// A stored value as expressions have it: a TIMESTAMP in the session's time zone.
pub fn load(value: Value, of: &SqlType, context: &Context) -> Value {
    match (value, of) {
        (Value::DateTime(it), SqlType::Timestamp(_)) => Value::DateTime(context.zone.from_utc(it)),
        (value, _) => value,
    }
}

/// What a column that has no default holds where nothing was given and NULL may not
/// be. A date's is 1970-01-01, as there is no zero date; an ENUM's its first member.
pub fn zero(of: &SqlType) -> Value {
    match of {
        SqlType::Null => Value::Null,
        SqlType::Int { unsigned: false, .. } => Value::Int(0),
        SqlType::Int { .. } | SqlType::Year | SqlType::Bit(_) => Value::UInt(0),
        SqlType::Decimal { scale, .. } => {
            Value::Decimal(Decimal { scale: *scale, ..Decimal::ZERO })
        }
        SqlType::Float { .. } | SqlType::Double { .. } => Value::Double(0.0),
        SqlType::Char(..) | SqlType::VarChar(..) | SqlType::Text(..) | SqlType::Set(..) => {
            Value::text("")
        }
        SqlType::Enum(items, _) => Value::text(items.first().map_or("", String::as_str)),
        SqlType::Binary(len) => Value::Bytes(vec![0; *len as usize].into()),
        SqlType::VarBinary(_) | SqlType::Blob(_) => Value::Bytes(bytes::Bytes::new()),
        SqlType::Date => Value::Date(0),
        SqlType::Time(_) => Value::Time(0),
        SqlType::DateTime(_) => Value::DateTime(0),
        SqlType::Timestamp(_) => Value::DateTime(SECOND),
        SqlType::Json => Value::Json("null".into()),
    }
}

/// The least and the largest of an integer type.
pub fn integer_range(width: IntWidth, unsigned: bool) -> (i128, i128) {
    let bits = match width {
        IntWidth::Tiny => 8,
        IntWidth::Small => 16,
        IntWidth::Medium => 24,
        IntWidth::Int => 32,
        IntWidth::Big => 64,
    };
    if unsigned { (0, (1 << bits) - 1) } else { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) }
}

#[cfg(test)]
mod tests;
