//! A value as a variable takes it.
//!
//! Not here: who may set what (`mod`), what follows from it (`typed`).

use holdfast_value::{Value, ValueError, Zone};

use super::charset;
use super::definition::{Access, Definition, Kind};
use super::mode::{self, SqlMode};
use crate::error::{Result, SqlError};

/// What a variable takes, and what was changed for it.
pub(super) type Taken = (Value, Option<ValueError>);

/// 1231.
pub(super) fn refused(name: &str, value: &Value) -> SqlError {
    let text = shown(value);
    SqlError::new(1231, format!("Variable '{name}' can't be set to the value of '{text}'"))
}

/// 1232.
fn wrong_type(name: &str) -> SqlError {
    SqlError::new(1232, format!("Incorrect argument type to variable '{name}'"))
}

/// A value as SHOW VARIABLES and messages have it; NULL too.
pub(super) fn shown(value: &Value) -> String {
    if value.is_null() {
        return "NULL".to_owned();
    }
    let mut out = Vec::new();
    holdfast_value::show::write_plain(value, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// `value` as `of` takes it. `before` is what it is now, `mode` the session's.
///
/// # Errors
/// 1231, 1232, and those of what is named: 1115, 1273, 1298.
pub(super) fn take(of: &Definition, value: &Value, before: &Value, mode: SqlMode) -> Result<Taken> {
    let plain = |value| Ok((value, None));
    let value = &without_bytes(value);
    let (taken, warning) = match of.kind {
        Kind::Flag => plain(Value::bool(flag(of, value)?)),
        Kind::Whole { min, max } => whole(of, value, (min, max), mode),
        Kind::Signed { min, max } => signed(of, value, (min, max), mode),
        Kind::Real { min, max } => real(of, value, (min, max)),
        Kind::Choice(choices) => plain(choice(of, value, choices)?),
        Kind::Text => match value {
            Value::Text(_) => plain(value.clone()),
            Value::Null => Err(refused(of.name, value)),
            _ => Err(wrong_type(of.name)),
        },
        Kind::Mode => plain(Value::text(sql_mode(of, value)?.to_string())),
        Kind::Charset => plain(charset_of(of, value)?),
        Kind::Collation => plain(collation_of(of, value)?),
        Kind::Zone => plain(zone(of, value)?),
        Kind::Switches => plain(switches(of, value, before)?),
    }?;
    if of.access == Access::Fixed && taken != *before {
        let what = format!("{} = {}", of.name, shown(value));
        return Err(SqlError::unsupported(what));
    }
    Ok((taken, warning))
}

/// Bytes that are a text are one: what a binary literal or a client's parameter brings.
fn without_bytes(value: &Value) -> Value {
    if let Value::Bytes(bytes) = value
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return Value::text(text);
    }
    value.clone()
}

fn text<'a>(of: &Definition, value: &'a Value) -> Result<&'a str> {
    match value {
        Value::Text(text) => Ok(text),
        Value::Null => Err(refused(of.name, value)),
        _ => Err(wrong_type(of.name)),
    }
}

fn flag(of: &Definition, value: &Value) -> Result<bool> {
    match value {
        Value::Int(0) | Value::UInt(0) => Ok(false),
        Value::Int(1) | Value::UInt(1) => Ok(true),
        Value::Text(text) if is_one_of(text, &["ON", "TRUE"]) => Ok(true),
        Value::Text(text) if is_one_of(text, &["OFF", "FALSE"]) => Ok(false),
        Value::Decimal(_) | Value::Double(_) => Err(wrong_type(of.name)),
        _ => Err(refused(of.name, value)),
    }
}

fn is_one_of(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// What was asked and what it became: a warning, or 1231 under STRICT_ALL_TABLES.
fn clamped(of: &Definition, value: &Value, taken: Value, mode: SqlMode) -> Result<Taken> {
    if mode.is_strict_all() {
        return Err(refused(of.name, value));
    }
    let warning = ValueError::Truncated { kind: of.name, value: shown(value) };
    Ok((taken, Some(warning)))
}

fn whole(of: &Definition, value: &Value, (min, max): (u64, u64), mode: SqlMode) -> Result<Taken> {
    let asked = match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::UInt(number) => Some(*number),
        Value::Null => return Err(wrong_type(of.name)),
        _ => return Err(wrong_type(of.name)),
    };
    match asked {
        Some(asked) if (min..=max).contains(&asked) => Ok((Value::UInt(asked), None)),
        Some(asked) => clamped(of, value, Value::UInt(asked.clamp(min, max)), mode),
        None => clamped(of, value, Value::UInt(min), mode),
    }
}

fn signed(of: &Definition, value: &Value, (min, max): (i64, i64), mode: SqlMode) -> Result<Taken> {
    let asked = match value {
        Value::Int(number) => *number,
        Value::UInt(number) => i64::try_from(*number).unwrap_or(i64::MAX),
        _ => return Err(wrong_type(of.name)),
    };
    if (min..=max).contains(&asked) {
        return Ok((Value::Int(asked), None));
    }
    clamped(of, value, Value::Int(asked.clamp(min, max)), mode)
}

fn real(of: &Definition, value: &Value, (min, max): (f64, f64)) -> Result<Taken> {
    let asked = match value {
        Value::Int(number) => *number as f64,
        Value::UInt(number) => *number as f64,
        Value::Double(number) => *number,
        Value::Decimal(_) => shown(value).parse().map_err(|_| wrong_type(of.name))?,
        _ => return Err(wrong_type(of.name)),
    };
    if (min..=max).contains(&asked) {
        return Ok((Value::Double(asked), None));
    }
    if of.name == "timestamp" {
        return Err(refused(of.name, value));
    }
    let warning = ValueError::Truncated { kind: of.name, value: shown(value) };
    Ok((Value::Double(asked.clamp(min, max)), Some(warning)))
}

fn choice(of: &Definition, value: &Value, choices: &[&'static str]) -> Result<Value> {
    let found = match value {
        Value::Text(text) => choices.iter().find(|one| one.eq_ignore_ascii_case(text)),
        Value::Int(at) => usize::try_from(*at).ok().and_then(|at| choices.get(at)),
        Value::UInt(at) => usize::try_from(*at).ok().and_then(|at| choices.get(at)),
        Value::Decimal(_) | Value::Double(_) => return Err(wrong_type(of.name)),
        _ => None,
    };
    if let Some(found) = found {
        return Ok(Value::text(*found));
    }
    match (of.name, value) {
        ("default_storage_engine" | "default_tmp_storage_engine", Value::Text(text)) => {
            Err(SqlError::new(1286, format!("Unknown storage engine '{text}'")))
        }
        ("lc_time_names", Value::Text(_)) => {
            Err(SqlError::unsupported(format!("{} = {}", of.name, shown(value))))
        }
        _ => Err(refused(of.name, value)),
    }
}

fn sql_mode(of: &Definition, value: &Value) -> Result<SqlMode> {
    let bits = match value {
        Value::Int(bits) => u64::try_from(*bits).ok().and_then(SqlMode::of_bits),
        Value::UInt(bits) => SqlMode::of_bits(*bits),
        Value::Text(text) => {
            return SqlMode::parse(text).map_err(|wrong| match mode::is_refused(&wrong) {
                true => SqlError::unsupported(format!("sql_mode = {wrong}")),
                false => refused(of.name, &Value::text(wrong)),
            });
        }
        Value::Null => return Err(refused(of.name, value)),
        _ => return Err(wrong_type(of.name)),
    };
    bits.ok_or_else(|| refused(of.name, value))
}

fn charset_of(of: &Definition, value: &Value) -> Result<Value> {
    if value.is_null() && of.name == "character_set_results" {
        return Ok(Value::Null);
    }
    Ok(Value::text(charset::charset_named(text(of, value)?)?.name))
}

fn collation_of(of: &Definition, value: &Value) -> Result<Value> {
    let by_number = match value {
        Value::Int(id) => u16::try_from(*id).ok().and_then(charset::collation_numbered),
        Value::UInt(id) => u16::try_from(*id).ok().and_then(charset::collation_numbered),
        _ => return Ok(Value::text(charset::collation_named(text(of, value)?)?.name)),
    };
    let unknown = || SqlError::new(1273, format!("Unknown collation: '{}'", shown(value)));
    Ok(Value::text(by_number.ok_or_else(unknown)?.name))
}

fn zone(of: &Definition, value: &Value) -> Result<Value> {
    let text = text(of, value)?;
    let unknown = || SqlError::new(1298, format!("Unknown or incorrect time zone: '{text}'"));
    let zone = Zone::parse(text).ok_or_else(unknown)?;
    // An offset is shown as `+02:00` however it was written, a name as it was.
    let is_offset = text.starts_with(['+', '-']);
    Ok(match (is_offset, text.eq_ignore_ascii_case("SYSTEM")) {
        (true, _) => Value::text(zone.to_string()),
        (_, true) => Value::text("SYSTEM"),
        _ => Value::text(text),
    })
}

/// `a=on,b=default`: names that are known, in the order in which they are shown.
fn switches(of: &Definition, value: &Value, before: &Value) -> Result<Value> {
    let (Value::Text(before), super::definition::Initial::Text(initial)) = (before, of.initial)
    else {
        return Err(wrong_type(of.name));
    };
    let wanted = text(of, value)?;
    let split = |text: &str| -> Vec<(String, String)> {
        let parts = text.split(',').filter_map(|part| part.split_once('='));
        parts.map(|(name, is)| (name.trim().to_owned(), is.trim().to_owned())).collect()
    };
    let (mut all, first) = (split(before), split(initial));
    for part in wanted.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        if part.eq_ignore_ascii_case("default") {
            all.clone_from(&first);
            continue;
        }
        let wrong = || refused(of.name, &Value::text(part));
        let (name, is) = part.split_once('=').ok_or_else(wrong)?;
        let at = all.iter().position(|(known, _)| known.eq_ignore_ascii_case(name.trim()));
        let at = at.ok_or_else(wrong)?;
        all[at].1 = match is.trim().to_ascii_lowercase().as_str() {
            "default" => first[at].1.clone(),
            "on" => "on".to_owned(),
            "off" => "off".to_owned(),
            _ => return Err(wrong()),
        };
    }
    let parts: Vec<String> = all.into_iter().map(|(name, is)| format!("{name}={is}")).collect();
    Ok(Value::text(parts.join(",")))
}
