//! CAST, CONVERT USING, BINARY, COLLATE.
//!
//! Not here: the rules of conversion (`holdfast_value::cast`).

use bytes::Bytes;
use holdfast_value::{Collation, Context, SqlType, Value, ValueError, cast};

use crate::function::{Arg, Function, Out, function, get};
use crate::infer;
use crate::input::In;

pub(crate) const FUNCTIONS: &[Function] = &[
    // The caller sets the result's type; without one a cast changes nothing.
    function!("cast", 1, 1, Pure, Own, infer::first, convert),
    function!("binary", 1, 1, Pure, Own, binary_type, binary),
    function!("convert_using", 2, 2, Pure, Own, using_type, using),
    function!("collate", 2, 2, Pure, Own, collate_type, collate),
];

fn convert(x: &mut In<'_>) -> Out {
    cast::convert(x.value(0).clone(), x.of(0), x.call.result, x.ctx)
}

fn binary_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    Ok(args.first().map_or(SqlType::Null, |arg| {
        let each = if arg.of.is_text() { 4 } else { 1 };
        infer::bytes(infer::chars(arg.of).saturating_mul(each))
    }))
}

fn binary(x: &mut In<'_>) -> Out {
    Ok(Value::Bytes(Bytes::copy_from_slice(&get!(x.bytes(0)))))
}

fn using_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    let Some(name) = infer::constant_text(args, 1) else { return Ok(SqlType::Null) };
    let length = args.first().map_or(0, |arg| infer::chars(arg.of));
    match name.to_ascii_lowercase().as_str() {
        "binary" => Ok(infer::bytes(length.saturating_mul(4))),
        "utf8mb4" | "utf8mb3" | "utf8" | "ascii" | "latin1" | "us_ascii" => {
            Ok(infer::text(length, Collation::default()))
        }
        _ => Err(unknown(1115, format!("Unknown character set: '{name}'"))),
    }
}

fn using(x: &mut In<'_>) -> Out {
    let (of, name) = (get!(x.bytes(0)), get!(x.text(1)));
    let name = name.to_ascii_lowercase();
    if name == "binary" {
        return Ok(Value::Bytes(Bytes::copy_from_slice(&of)));
    }
    let is_latin = name == "latin1" && matches!(x.value(0), Value::Bytes(_));
    let text = if is_latin {
        of.iter().map(|byte| char::from(*byte)).collect()
    } else {
        match std::str::from_utf8(&of) {
            Ok(text) => text.to_owned(),
            Err(_) => {
                x.ctx.warn(invalid(&of));
                return Ok(Value::Null);
            }
        }
    };
    let most = match name.as_str() {
        "ascii" | "us_ascii" => '\u{7F}',
        "latin1" => '\u{FF}',
        "utf8" | "utf8mb3" => '\u{FFFF}',
        _ => char::MAX,
    };
    Ok(Value::text(text.chars().map(|c| if c > most { '?' } else { c }).collect::<String>()))
}

/// 1300: bytes that are no text.
fn invalid(bytes: &[u8]) -> ValueError {
    let valid = std::str::from_utf8(bytes).map_or_else(|broken| broken.valid_up_to(), str::len);
    let shown = hex::encode_upper(&bytes[valid..bytes.len().min(valid + 6)]);
    unknown(1300, format!("Invalid utf8mb4 character string: '{shown}'"))
}

fn collate_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    let [of, _] = args else { return Ok(SqlType::Null) };
    let Some(name) = infer::constant_text(args, 1) else { return Ok(of.of.clone()) };
    let collation = match name.to_ascii_lowercase().as_str() {
        "binary" => return Ok(infer::bytes(infer::chars(of.of).saturating_mul(4))),
        "utf8mb4_bin" | "utf8mb4_0900_bin" | "utf8mb4_0900_as_cs" | "utf8_bin" | "utf8mb3_bin" => {
            Collation::Bin
        }
        "utf8mb4_general_ci" | "utf8_general_ci" | "utf8mb3_general_ci" => Collation::GeneralCi,
        "utf8mb4_0900_ai_ci" | "utf8mb4_unicode_ci" | "utf8mb4_unicode_520_ci" => {
            Collation::Uca0900AiCi
        }
        _ => return Err(unknown(1273, format!("Unknown collation: '{name}'"))),
    };
    Ok(match of.of {
        SqlType::Char(length, _) => SqlType::Char(*length, collation),
        SqlType::VarChar(length, _) => SqlType::VarChar(*length, collation),
        SqlType::Text(size, _) => SqlType::Text(*size, collation),
        SqlType::Enum(names, _) => SqlType::Enum(names.clone(), collation),
        SqlType::Set(names, _) => SqlType::Set(names.clone(), collation),
        other => infer::text(infer::chars(other), collation),
    })
}

/// The type alone changes, unless the value is no text yet.
fn collate(x: &mut In<'_>) -> Out {
    let bytes = get!(x.bytes(0));
    x.give_part(&bytes)
}

fn unknown(code: u16, message: String) -> ValueError {
    ValueError::Other { code, state: "42000", message }
}
