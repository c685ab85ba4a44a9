//! Strings as codes: HEX, BASE64, UUID.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use holdfast_value::{Collation, Context, SqlType, Value, ValueError};

use crate::function::{Arg, Function, Out, get, pure};
use crate::infer;
use crate::input::In;

pub(crate) const FUNCTIONS: &[Function] = &[
    pure!("hex", 1, 1, hex_type, hex_of),
    pure!("unhex", 1, 1, unhex_type, unhex),
    pure!("to_base64", 1, 1, to_base64_type, to_base64),
    pure!("from_base64", 1, 1, from_base64_type, from_base64),
    pure!("uuid_to_bin", 1, 2, infer::bytes_n::<16>, uuid_to_bin),
    pure!("bin_to_uuid", 1, 2, infer::text_n::<36>, bin_to_uuid),
    pure!("is_uuid", 1, 1, infer::boolean, is_uuid),
];

fn length(args: &[Arg<'_>]) -> u64 {
    args.first().map_or(0, |arg| {
        let each = if arg.of.is_text() { 4 } else { 1 };
        infer::chars(arg.of).saturating_mul(each)
    })
}

fn hex_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    let longest = if args.iter().all(|arg| arg.of.is_number()) { 16 } else { length(args) * 2 };
    Ok(infer::text(longest, Collation::default()))
}

fn unhex_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    Ok(infer::bytes(args.first().map_or(0, |arg| infer::chars(arg.of)).div_ceil(2)))
}

fn to_base64_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    let letters = length(args).div_ceil(3) * 4;
    Ok(infer::text(letters + letters / 76, Collation::default()))
}

fn from_base64_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    Ok(infer::bytes(length(args).div_ceil(4) * 3))
}

fn hex_of(x: &mut In<'_>) -> Out {
    let number = match x.value(0) {
        Value::Int(n) => n.cast_unsigned(),
        Value::UInt(n) => *n,
        Value::Decimal(_) | Value::Double(_) => {
            let n = get!(x.double(0)).round();
            if n < 0.0 { (n as i64).cast_unsigned() } else { n as u64 }
        }
        _ => {
            let bytes = get!(x.bytes(0));
            if !x.fits(bytes.len() as u64 * 2, "hex") {
                return Ok(Value::Null);
            }
            return Ok(Value::text(hex::encode_upper(&*bytes)));
        }
    };
    Ok(Value::text(format!("{number:X}")))
}

fn unhex(x: &mut In<'_>) -> Out {
    let of = get!(x.bytes(0));
    let padded = match of.len() % 2 {
        1 => [b"0", &*of].concat().into(),
        _ => of,
    };
    match hex::decode(&*padded) {
        Ok(bytes) => Ok(Value::Bytes(Bytes::from(bytes))),
        Err(_) => {
            let value = get!(x.text(0)).into_owned();
            x.ctx.warn(bad_value("string", &value, "unhex"));
            Ok(Value::Null)
        }
    }
}

/// 1411.
pub(crate) fn bad_value(kind: &str, value: &str, function: &str) -> ValueError {
    let message = format!("Incorrect {kind} value: '{value}' for function {function}");
    ValueError::Other { code: 1411, state: "HY000", message }
}

fn to_base64(x: &mut In<'_>) -> Out {
    let of = get!(x.bytes(0));
    let letters = (of.len() as u64).div_ceil(3) * 4;
    if !x.fits(letters + letters / 76, "to_base64") {
        return Ok(Value::Null);
    }
    let line = STANDARD.encode(&*of);
    let mut all = String::with_capacity(line.len() + line.len() / 76);
    for (at, c) in line.chars().enumerate() {
        if at > 0 && at % 76 == 0 {
            all.push('\n');
        }
        all.push(c);
    }
    Ok(Value::text(all))
}

fn from_base64(x: &mut In<'_>) -> Out {
    let of = get!(x.bytes(0));
    let dense: Vec<u8> = of.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    match STANDARD.decode(dense) {
        Ok(bytes) => Ok(Value::Bytes(Bytes::from(bytes))),
        Err(_) => {
            let value = String::from_utf8_lossy(&of).into_owned();
            x.ctx.warn(bad_value("base64", &value, "from_base64"));
            Ok(Value::Null)
        }
    }
}

/// Reads 32 digits, as one word, in groups of 8-4-4-4-12, and that in braces.
fn parse_uuid(text: &[u8]) -> Option<[u8; 16]> {
    let digits: Vec<u8> = match text {
        [b'{', inner @ .., b'}'] if inner.len() == 36 => grouped(inner)?,
        _ if text.len() == 36 => grouped(text)?,
        _ if text.len() == 32 => text.to_vec(),
        _ => return None,
    };
    let mut all = [0; 16];
    hex::decode_to_slice(digits, &mut all).ok()?;
    Some(all)
}

fn grouped(text: &[u8]) -> Option<Vec<u8>> {
    const DASHES: [usize; 4] = [8, 13, 18, 23];
    let fits = text.iter().enumerate().all(|(at, byte)| DASHES.contains(&at) == (*byte == b'-'));
    fits.then(|| text.iter().copied().filter(|byte| *byte != b'-').collect())
}

fn is_uuid(x: &mut In<'_>) -> Out {
    Ok(Value::bool(parse_uuid(&get!(x.bytes(0))).is_some()))
}

fn uuid_to_bin(x: &mut In<'_>) -> Out {
    let text = get!(x.bytes(0));
    let swap = if x.len() > 1 { get!(x.truth(1)) } else { false };
    let Some(id) = parse_uuid(&text) else {
        let value = String::from_utf8_lossy(&text).into_owned();
        return Err(bad_value("string", &value, "uuid_to_bin"));
    };
    let id = if swap { swapped(&id, [6, 7, 4, 5, 0, 1, 2, 3]) } else { id };
    Ok(Value::Bytes(Bytes::copy_from_slice(&id)))
}

fn bin_to_uuid(x: &mut In<'_>) -> Out {
    let bytes = get!(x.bytes(0));
    let swap = if x.len() > 1 { get!(x.truth(1)) } else { false };
    let Ok(id) = <[u8; 16]>::try_from(&*bytes) else {
        let value = String::from_utf8_lossy(&bytes).into_owned();
        return Err(bad_value("string", &value, "bin_to_uuid"));
    };
    let id = if swap { swapped(&id, [4, 5, 6, 7, 2, 3, 0, 1]) } else { id };
    let all = hex::encode(id);
    let parts = [&all[..8], &all[8..12], &all[12..16], &all[16..20], &all[20..]];
    Ok(Value::text(parts.join("-")))
}

/// The first eight bytes in another order: the parts of the time, highest first.
fn swapped(id: &[u8; 16], order: [usize; 8]) -> [u8; 16] {
    let mut all = *id;
    for (to, from) in order.into_iter().enumerate() {
        all[to] = id[from];
    }
    all
}
