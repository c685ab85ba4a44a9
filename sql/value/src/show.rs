//! Values and types as text.
//!
//! Approximate numbers are written as MySQL's `my_gcvt` does: a DOUBLE in the fewest
//! digits that read back, a FLOAT in 6 digits, with an exponent (`1e20`, `1.5e-16`)
//! where the point would lie more than 15 digits to the right or 14 zeros to the left.
//!
//! Not here: the binary protocol (`wire`), how JSON is printed (`json`).

use std::io::Write as _;

use crate::temporal;
use crate::types::{IntWidth, LobSize};
use crate::{SqlType, Value};

/// Appends the text form of a value as the text protocol has it; nothing for NULL.
/// BIT is written as bytes.
pub fn write(value: &Value, of: &SqlType, out: &mut Vec<u8>) {
    match (value, of) {
        (Value::Decimal(it), SqlType::Decimal { scale, .. }) if it.scale != *scale => {
            it.rescale(*scale).unwrap_or(*it).write(out);
        }
        (Value::Double(it), SqlType::Float { .. }) => write_f32(*it as f32, out),
        (Value::Int(_) | Value::UInt(_), SqlType::Bit(bits)) => {
            let number = match value {
                Value::Int(it) => *it as u64,
                Value::UInt(it) => *it,
                _ => 0,
            };
            let bytes = usize::from(bits.div_ceil(8)).clamp(1, 8);
            out.extend_from_slice(&number.to_be_bytes()[8 - bytes..]);
        }
        (Value::UInt(it), SqlType::Year) => infallible(write!(out, "{it:04}")),
        (Value::Int(it), SqlType::Year) => infallible(write!(out, "{it:04}")),
        (Value::DateTime(it), SqlType::DateTime(fsp) | SqlType::Timestamp(fsp)) => {
            temporal::write_datetime(*it, *fsp, out);
        }
        (Value::Time(it), SqlType::Time(fsp)) => temporal::write_time(*it, *fsp, out),
        _ => write_plain(value, out),
    }
}

/// Appends the text form of a value of no particular type: fractions of a second in
/// 6 digits unless there are none. Nothing for NULL.
pub fn write_plain(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => {}
        Value::Int(it) => write_i64(*it, out),
        Value::UInt(it) => write_u64(*it, out),
        Value::Decimal(it) => it.write(out),
        Value::Double(it) => write_f64(*it, out),
        Value::Text(it) | Value::Json(it) => out.extend_from_slice(it.as_bytes()),
        Value::Bytes(it) => out.extend_from_slice(it),
        Value::Date(it) => temporal::write_date(*it, out),
        Value::DateTime(it) => temporal::write_datetime(*it, natural_fsp(*it), out),
        Value::Time(it) => temporal::write_time(*it, natural_fsp(*it), out),
    }
}

pub(crate) fn natural_fsp(micros: i64) -> u8 {
    if micros % temporal::SECOND == 0 { 0 } else { 6 }
}

/// Writing into a `Vec` cannot be refused.
fn infallible(done: std::io::Result<()>) {
    debug_assert!(done.is_ok());
}

/// Appends an integer.
pub fn write_i64(value: i64, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    write_u64(value.unsigned_abs(), out);
}

/// Appends an integer.
pub fn write_u64(mut value: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends a DOUBLE.
pub fn write_f64(value: f64, out: &mut Vec<u8>) {
    // Integers are the most common, and need no search for digits.
    if value.fract() == 0.0 && value.abs() < 1e15 && (value != 0.0 || value.is_sign_positive()) {
        return write_i64(value as i64, out);
    }
    layout(&format!("{value:e}"), out);
}

/// Appends a FLOAT.
pub fn write_f32(value: f32, out: &mut Vec<u8>) {
    layout(&format!("{value:.5e}"), out);
}

/// Lays out `-1.25e-7` as MySQL does.
fn layout(scientific: &str, out: &mut Vec<u8>) {
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return out.extend_from_slice(scientific.as_bytes()); // No number.
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = match mantissa.strip_prefix('-') {
        Some(rest) => {
            out.push(b'-');
            rest
        }
        None => mantissa,
    };
    let digits: Vec<u8> = digits.bytes().filter(u8::is_ascii_digit).collect();
    let kept = digits.iter().rposition(|b| *b != b'0').map_or(1, |last| last + 1);
    let digits = &digits[..kept];
    // The value is 0.digits * 10^point.
    let point = exponent + 1;
    if !(-14..=15).contains(&point) {
        out.push(digits[0]);
        if digits.len() > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        out.push(b'e');
        write_i64(i64::from(exponent), out);
    } else if point <= 0 {
        if digits == b"0" {
            return out.push(b'0');
        }
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', point.unsigned_abs() as usize));
        out.extend_from_slice(digits);
    } else {
        let whole = point as usize;
        let split = whole.min(digits.len());
        out.extend_from_slice(&digits[..split]);
        out.extend(std::iter::repeat_n(b'0', whole - split));
        if digits.len() > whole {
            out.push(b'.');
            out.extend_from_slice(&digits[whole..]);
        }
    }
}

/// `varchar(20)`: as SHOW CREATE TABLE of MySQL 8.0 has it, without the collation.
pub fn type_name(of: &SqlType) -> String {
    let name = data_type(of);
    let sign = if of.is_unsigned() && !matches!(of, SqlType::Year | SqlType::Bit(_)) {
        " unsigned"
    } else {
        ""
    };
    match of {
        // Of the display widths, 8.0.19 and later show that of BOOL only.
        SqlType::Int { width: IntWidth::Tiny, unsigned: false, display: Some(1) } => {
            "tinyint(1)".to_owned()
        }
        SqlType::Decimal { precision, scale, .. } => format!("{name}({precision},{scale}){sign}"),
        SqlType::Char(n, _)
        | SqlType::VarChar(n, _)
        | SqlType::Binary(n)
        | SqlType::VarBinary(n) => format!("{name}({n})"),
        SqlType::Time(fsp) | SqlType::DateTime(fsp) | SqlType::Timestamp(fsp) if *fsp > 0 => {
            format!("{name}({fsp})")
        }
        SqlType::Bit(bits) => format!("bit({bits})"),
        SqlType::Null => "binary(0)".to_owned(),
        SqlType::Enum(items, _) | SqlType::Set(items, _) => {
            let quoted: Vec<String> =
                items.iter().map(|item| format!("'{}'", item.replace('\'', "''"))).collect();
            format!("{name}({})", quoted.join(","))
        }
        _ => format!("{name}{sign}"),
    }
}

/// `varchar`.
pub fn data_type(of: &SqlType) -> &'static str {
    match of {
        SqlType::Null => "binary",
        SqlType::Int { width, .. } => match width {
            IntWidth::Tiny => "tinyint",
            IntWidth::Small => "smallint",
            IntWidth::Medium => "mediumint",
            IntWidth::Int => "int",
            IntWidth::Big => "bigint",
        },
        SqlType::Decimal { .. } => "decimal",
        SqlType::Float { .. } => "float",
        SqlType::Double { .. } => "double",
        SqlType::Char(..) => "char",
        SqlType::VarChar(..) => "varchar",
        SqlType::Text(size, _) => match size {
            LobSize::Tiny => "tinytext",
            LobSize::Normal => "text",
            LobSize::Medium => "mediumtext",
            LobSize::Long => "longtext",
        },
        SqlType::Binary(_) => "binary",
        SqlType::VarBinary(_) => "varbinary",
        SqlType::Blob(size) => match size {
            LobSize::Tiny => "tinyblob",
            LobSize::Normal => "blob",
            LobSize::Medium => "mediumblob",
            LobSize::Long => "longblob",
        },
        SqlType::Date => "date",
        SqlType::Time(_) => "time",
        SqlType::DateTime(_) => "datetime",
        SqlType::Timestamp(_) => "timestamp",
        SqlType::Year => "year",
        SqlType::Enum(..) => "enum",
        SqlType::Set(..) => "set",
        SqlType::Bit(_) => "bit",
        SqlType::Json => "json",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: Value, of: &SqlType, want: &str) {
        let mut out = Vec::new();
        write(&value, of, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), want, "{value:?} of {of:?}");
    }

    #[test]
    fn doubles_are_written_as_mysql_writes_them() {
        for (value, want) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-2.5, "-2.5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e14, "100000000000000"),
            (1e15, "1e15"),
            (1e20, "1e20"),
            (1e-7, "0.0000001"),
            (1e-15, "0.000000000000001"),
            (1e-16, "1e-16"),
            (1.5e300, "1.5e300"),
            (123456789012345680000.0, "1.2345678901234568e20"),
            (123456.789, "123456.789"),
            (999999999999999.9, "999999999999999.9"),
        ] {
            check(Value::Double(value), &SqlType::DOUBLE, want);
        }
    }

    #[test]
    fn floats_have_six_digits() {
        let float = SqlType::Float { unsigned: false };
        for (value, want) in [
            (16_777_216f32, "16777200"),
            (0.1, "0.1"),
            (123_456_789.0, "123457000"),
            (1e10, "10000000000"),
            (1e20, "1e20"),
            (1e-7, "0.0000001"),
            (1.5e-16, "1.5e-16"),
            (std::f32::consts::PI, "3.14159"),
            (1e15, "1e15"),
            (3.4028234e38, "3.40282e38"),
        ] {
            check(Value::Double(f64::from(value)), &float, want);
        }
    }

    #[test]
    fn other_values_follow_their_type() {
        check(Value::Int(i64::MIN), &SqlType::BIGINT, "-9223372036854775808");
        check(Value::UInt(7), &SqlType::Year, "0007");
        check(Value::UInt(0x4142), &SqlType::Bit(15), "AB");
        check(Value::DateTime(1_500_000), &SqlType::DateTime(3), "1970-01-01 00:00:01.500");
        check(Value::DateTime(1_500_000), &SqlType::DateTime(0), "1970-01-01 00:00:01");
        check(Value::Time(-1_500_000), &SqlType::Time(1), "-00:00:01.5");
        let decimal = SqlType::Decimal { precision: 5, scale: 2, unsigned: false };
        let half = crate::Decimal::parse("1.005").unwrap().0;
        check(Value::Decimal(half), &decimal, "1.01");
    }

    #[test]
    fn types_are_named_as_in_show_create_table() {
        let items: std::sync::Arc<[String]> = ["a", "it's"].map(String::from).into();
        let collation = crate::Collation::Bin;
        for (of, want) in [
            (SqlType::BOOL, "tinyint(1)"),
            (SqlType::INT, "int"),
            (SqlType::BIGINT_UNSIGNED, "bigint unsigned"),
            (
                SqlType::Decimal { precision: 10, scale: 2, unsigned: true },
                "decimal(10,2) unsigned",
            ),
            (SqlType::VarChar(20, collation), "varchar(20)"),
            (SqlType::Text(LobSize::Long, collation), "longtext"),
            (SqlType::DateTime(6), "datetime(6)"),
            (SqlType::Timestamp(0), "timestamp"),
            (SqlType::Year, "year"),
            (SqlType::Bit(1), "bit(1)"),
            (SqlType::Enum(items, collation), "enum('a','it''s')"),
        ] {
            assert_eq!(type_name(&of), want);
        }
    }
}
