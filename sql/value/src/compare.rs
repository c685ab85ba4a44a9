//! How values of two types compare.
//!
//! | | integer | DECIMAL | FLOAT, DOUBLE | text | bytes | temporal | JSON |
//! |---|---|---|---|---|---|---|---|
//! | integer | exact | exact | double | double | double | moment | JSON |
//! | DECIMAL | | exact | double | double | double | moment | JSON |
//! | FLOAT, DOUBLE | | | double | double | double | moment | JSON |
//! | text | | | | collation | bytes | moment | JSON |
//! | bytes | | | | | bytes | moment | JSON |
//!
//! "Moment" is TIME where the temporal side is one, else DATETIME; two DATEs are
//! days. A text that is no moment is refused (1525), as MySQL 8 refuses constants; a
//! number that is none compares as a number.
//!
//! An ENUM or SET compares with a number as its text does: its place in the list is
//! not known here. JSON is ordered by kind, then number or text; arrays and objects
//! by their print.
//!
//! Not here: the order of keys in bytes (`key`, which agrees with [`order`]).

use std::cmp::Ordering;

use crate::cast::{self, clip, in_zone};
use crate::collate;
use crate::key::{enum_number, set_bits};
use crate::temporal::{self, DAY};
use crate::{Collation, Context, Decimal, SqlType, Value, ValueError};

/// As what two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named for what they are")]
pub enum Comparison {
    Int,
    Decimal,
    Double,
    Date,
    DateTime,
    Time,
    Text(Collation),
    Bytes,
    Json,
}

/// The collation in which two texts compare: an equal one, or the column's before a
/// literal's, or `utf8mb4_bin` before others.
///
/// # Errors
/// 1267 where both are columns (or both literals) and differ.
pub fn collation_of(
    (left, left_is_literal): (Collation, bool),
    (right, right_is_literal): (Collation, bool),
) -> Result<Collation, ValueError> {
    use Collation::{Bin, Binary};
    if left == right || (right_is_literal && !left_is_literal) {
        return Ok(left);
    }
    if left_is_literal && !right_is_literal {
        return Ok(right);
    }
    match (left, right) {
        (Binary, _) | (_, Binary) => Ok(Binary),
        (Bin, _) | (_, Bin) => Ok(Bin),
        _ => {
            let kind = if left_is_literal { "COERCIBLE" } else { "IMPLICIT" };
            let (left, right) = (collate::name(left), collate::name(right));
            let message = format!(
                "Illegal mix of collations ({left},{kind}) and ({right},{kind}) for operation '='"
            );
            Err(ValueError::Other { code: 1267, state: "HY000", message })
        }
    }
}

impl Comparison {
    /// How values of these types compare. Texts of two collations that do not mix
    /// compare as `utf8mb4_bin`; [`collation_of`] refuses them.
    pub fn of(left: &SqlType, right: &SqlType) -> Self {
        use SqlType::{Json, Null};
        match (left, right) {
            (Null, Null) => Self::Int,
            (Null, of) | (of, Null) => Self::of(of, of),
            (Json, _) | (_, Json) => Self::Json,
            _ if left.is_temporal() || right.is_temporal() => Self::of_moments(left, right),
            _ if left.is_number() || right.is_number() => Self::of_numbers(left, right),
            _ if left.is_text() && right.is_text() => {
                let sides = ((left.collation(), false), (right.collation(), false));
                Self::Text(collation_of(sides.0, sides.1).unwrap_or(Collation::Bin))
            }
            _ => Self::Bytes,
        }
    }

    fn of_moments(left: &SqlType, right: &SqlType) -> Self {
        let is_time = |of: &SqlType| matches!(of, SqlType::Time(_));
        match (left, right) {
            (SqlType::Date, SqlType::Date) => Self::Date,
            _ if is_time(left) && (is_time(right) || !right.is_temporal()) => Self::Time,
            _ if is_time(right) && !left.is_temporal() => Self::Time,
            _ => Self::DateTime,
        }
    }

    fn of_numbers(left: &SqlType, right: &SqlType) -> Self {
        let is_exact = |of: &SqlType| of.is_integer() || matches!(of, SqlType::Decimal { .. });
        match (left, right) {
            _ if left.is_integer() && right.is_integer() => Self::Int,
            _ if is_exact(left) && is_exact(right) => Self::Decimal,
            _ => Self::Double,
        }
    }

    /// The order; `None` where one is NULL.
    ///
    /// # Errors
    /// A text that is no moment (1525).
    pub fn compare(
        &self,
        left: &Value,
        right: &Value,
        context: &mut Context,
    ) -> Result<Option<Ordering>, ValueError> {
        if left.is_null() || right.is_null() {
            return Ok(None);
        }
        Ok(Some(match self {
            Self::Int => match (left, right) {
                (Value::Int(left), Value::Int(right)) => left.cmp(right),
                (Value::UInt(left), Value::UInt(right)) => left.cmp(right),
                _ => match (integer(left), integer(right)) {
                    (Some(left), Some(right)) => left.cmp(&right),
                    _ => doubles(left, right, context)?,
                },
            },
            Self::Decimal => {
                let (a, b) = (cast::to_decimal(left, context)?, cast::to_decimal(right, context)?);
                a.unwrap_or(Decimal::ZERO).compare(&b.unwrap_or(Decimal::ZERO))
            }
            Self::Double => doubles(left, right, context)?,
            Self::Date => match (left, right) {
                (Value::Date(left), Value::Date(right)) => left.cmp(right),
                _ => moments(left, right, context)?,
            },
            Self::DateTime => moments(left, right, context)?,
            Self::Time => times(left, right, context)?,
            Self::Text(collation) => match (left, right) {
                (Value::Text(left), Value::Text(right)) => {
                    collate::compare(left, right, *collation)
                }
                _ => {
                    let a = cast::to_text(left, context)?.unwrap_or_default();
                    let b = cast::to_text(right, context)?.unwrap_or_default();
                    collate::compare(&a, &b, *collation)
                }
            },
            Self::Bytes => match (plain_bytes(left), plain_bytes(right)) {
                (Some(left), Some(right)) => left.cmp(right),
                _ => cast::to_bytes(left).cmp(&cast::to_bytes(right)),
            },
            Self::Json => documents(left, right),
        }))
    }
}

fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Int(it) => Some(i128::from(*it)),
        Value::UInt(it) => Some(i128::from(*it)),
        _ => None,
    }
}

fn plain_bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::Text(it) => Some(it.as_bytes()),
        Value::Bytes(it) => Some(it),
        _ => None,
    }
}

fn doubles(left: &Value, right: &Value, context: &mut Context) -> Result<Ordering, ValueError> {
    let a = cast::to_f64(left, context)?.unwrap_or(0.0);
    let b = cast::to_f64(right, context)?.unwrap_or(0.0);
    Ok(a.partial_cmp(&b).unwrap_or(Ordering::Equal))
}

/// The moment that a side is; `None` for a number that is none.
fn moment(value: &Value, context: &mut Context) -> Result<Option<i64>, ValueError> {
    let text = match value {
        Value::DateTime(it) => return Ok(Some(*it)),
        Value::Date(it) => return Ok(Some(i64::from(*it) * DAY)),
        Value::Text(it) => it,
        Value::Bytes(it) => &*String::from_utf8_lossy(it),
        Value::Time(_) => return cast::to_datetime(value, context),
        _ => {
            // A number that is no moment is no trouble: it compares as a number.
            let mut quiet = Context { warnings: Vec::new(), is_change: false, ..*context };
            return cast::to_datetime(value, &mut quiet);
        }
    };
    match temporal::parse_datetime(text, 6) {
        Ok(parsed) => {
            if parsed.truncated {
                cast::truncated("datetime", text, context)?;
            }
            Ok(Some(in_zone(&parsed, context)))
        }
        Err(_) => Err(refused("DATETIME", text)),
    }
}

fn refused(kind: &str, text: &str) -> ValueError {
    let message = format!("Incorrect {kind} value: '{}'", clip(text));
    ValueError::Other { code: 1525, state: "HY000", message }
}

fn moments(left: &Value, right: &Value, context: &mut Context) -> Result<Ordering, ValueError> {
    match (moment(left, context)?, moment(right, context)?) {
        (Some(left), Some(right)) => Ok(left.cmp(&right)),
        _ => doubles(left, right, context),
    }
}

fn times(left: &Value, right: &Value, context: &mut Context) -> Result<Ordering, ValueError> {
    let mut time = |value: &Value| match value {
        Value::Time(it) => Ok(*it),
        Value::Text(text) => match temporal::parse_time(text, 6) {
            Ok(parsed) => Ok(parsed.value),
            Err(_) => Err(refused("TIME", text)),
        },
        _ => match cast::to_time(value, context)? {
            Some(it) => Ok(it),
            None => {
                let text = cast::to_text(value, context)?.unwrap_or_default();
                Err(refused("TIME", &text))
            }
        },
    };
    Ok(time(left)?.cmp(&time(right)?))
}

/// JSON's kinds, as MySQL ranks them.
fn json_rank(text: &str) -> u8 {
    match text.as_bytes().first() {
        Some(b'n') | None => 0,
        Some(b'"') => 2,
        Some(b'{') => 3,
        Some(b'[') => 4,
        Some(b't' | b'f') => 5,
        Some(_) => 1,
    }
}

fn documents(left: &Value, right: &Value) -> Ordering {
    let document = |value: &Value| {
        let mut text = String::new();
        match value {
            Value::Json(it) => text.push_str(it),
            Value::Int(_) | Value::UInt(_) | Value::Decimal(_) | Value::Double(_) => {
                let mut out = Vec::new();
                crate::show::write_plain(value, &mut out);
                text.push_str(&String::from_utf8_lossy(&out));
            }
            _ => {
                let bytes = cast::to_bytes(value).unwrap_or_default();
                crate::json::write_string(&String::from_utf8_lossy(&bytes), &mut text);
            }
        }
        text
    };
    let (left, right) = (document(left), document(right));
    let by_rank = json_rank(&left).cmp(&json_rank(&right));
    by_rank.then_with(|| {
        if json_rank(&left) == 1 {
            let exact = |text: &str| Decimal::parse(text).map(|(it, _)| it);
            if let (Some(left), Some(right)) = (exact(&left), exact(&right)) {
                return left.compare(&right);
            }
        }
        left.cmp(&right)
    })
}

/// The total order of the values of one column, NULL first; what [`crate::key`] orders
/// by. An ENUM's by place in its list, JSON by its print. Values of another kind than
/// the column's, which a column does not hold, are equal.
pub fn order(left: &Value, right: &Value, of: &SqlType) -> Ordering {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => right.is_null().cmp(&left.is_null()),
        (Value::Int(left), Value::Int(right)) => left.cmp(right),
        (Value::Decimal(left), Value::Decimal(right)) => left.compare(right),
        (Value::Double(left), Value::Double(right)) => {
            left.partial_cmp(right).unwrap_or(Ordering::Equal)
        }
        (Value::Text(left), Value::Text(right)) => match of {
            SqlType::Enum(items, _) => enum_number(left, items).cmp(&enum_number(right, items)),
            SqlType::Set(items, _) => set_bits(left, items).cmp(&set_bits(right, items)),
            _ => collate::compare(left, right, of.collation()),
        },
        (Value::Bytes(left), Value::Bytes(right)) => left.cmp(right),
        (Value::Date(left), Value::Date(right)) => left.cmp(right),
        (Value::DateTime(left), Value::DateTime(right)) => left.cmp(right),
        (Value::Time(left), Value::Time(right)) => left.cmp(right),
        (Value::Json(left), Value::Json(right)) => left.cmp(right),
        _ => match (integer(left), integer(right)) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => Ordering::Equal,
        },
    }
}

#[cfg(test)]
mod tests;
