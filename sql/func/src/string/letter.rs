//! What strings consist of: lengths, letters, codes, their order.

use std::cmp::Ordering;

use bytes::Bytes;
use holdfast_value::{Collation, Context, SqlType, Value, ValueError, collate};

use crate::function::{Arg, Function, Out, function, get, pure};
use crate::infer;
use crate::input::{In, chars};

pub(crate) const FUNCTIONS: &[Function] = &[
    pure!("length", 1, 1, infer::int, length),
    pure!("char_length", 1, 1, infer::int, char_length),
    pure!("bit_length", 1, 1, infer::bigint, bit_length),
    pure!("lower", 1, 1, infer::as_first, |x: &mut In<'_>| cased(x, false)),
    pure!("upper", 1, 1, infer::as_first, |x: &mut In<'_>| cased(x, true)),
    pure!("ascii", 1, 1, infer::int, ascii),
    pure!("ord", 1, 1, infer::bigint, ord),
    function!("char", 1, usize::MAX, Pure, Own, char_type, char),
    pure!("strcmp", 2, 2, infer::int, strcmp),
    pure!("soundex", 1, 1, infer::as_first, soundex),
    function!("quote", 1, 1, Pure, Own, quote_type, quote),
    function!("charset", 1, 1, Pure, Own, infer::text_n::<64>, charset),
    function!("collation", 1, 1, Pure, Own, infer::text_n::<64>, collation),
    pure!("weight_string", 1, 1, weight_type, weight_string),
];

fn whole(count: usize) -> Out {
    Ok(Value::Int(i64::try_from(count).unwrap_or(i64::MAX)))
}

fn length(x: &mut In<'_>) -> Out {
    whole(get!(x.bytes(0)).len())
}

fn bit_length(x: &mut In<'_>) -> Out {
    whole(get!(x.bytes(0)).len().saturating_mul(8))
}

fn char_length(x: &mut In<'_>) -> Out {
    let is_text = !matches!(x.value(0), Value::Bytes(_));
    let bytes = get!(x.bytes(0));
    whole(if is_text { chars(&bytes) } else { bytes.len() })
}

/// One character becomes one: what Unicode maps to several stays in upper case.
fn cased(x: &mut In<'_>, upper: bool) -> Out {
    if x.gives_bytes() || matches!(x.value(0), Value::Bytes(_)) {
        let same = get!(x.bytes(0));
        return x.give_part(&same);
    }
    let text = get!(x.text(0));
    if text.is_ascii() {
        let text = if upper { text.to_ascii_uppercase() } else { text.to_ascii_lowercase() };
        return Ok(Value::text(text));
    }
    let one = |c: char| {
        if upper {
            let mut all = c.to_uppercase();
            if all.len() == 1 { all.next().unwrap_or(c) } else { c }
        } else {
            c.to_lowercase().next().unwrap_or(c)
        }
    };
    Ok(Value::text(text.chars().map(one).collect::<String>()))
}

fn ascii(x: &mut In<'_>) -> Out {
    Ok(Value::Int(get!(x.bytes(0)).first().map_or(0, |byte| i64::from(*byte))))
}

fn ord(x: &mut In<'_>) -> Out {
    let of = get!(x.str(0));
    let is_text = of.is_text && !matches!(x.value(0), Value::Bytes(_));
    let end = if is_text && !of.bytes.is_empty() { of.step(0) } else { of.bytes.len().min(1) };
    Ok(Value::Int(of.bytes[..end].iter().fold(0, |code, byte| code << 8 | i64::from(*byte))))
}

fn char_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    Ok(infer::bytes(args.len() as u64 * 4))
}

fn char(x: &mut In<'_>) -> Out {
    let mut all = Vec::with_capacity(x.len());
    for at in 0..x.len() {
        let Some(code) = x.int(at)? else { continue };
        let code = (code as u32).to_be_bytes(); // as MySQL, the low 32 bits
        let zeros = code.iter().take(3).take_while(|byte| **byte == 0).count();
        all.extend_from_slice(&code[zeros..]);
    }
    Ok(Value::Bytes(Bytes::from(all)))
}

fn strcmp(x: &mut In<'_>) -> Out {
    let order = match x.collation() {
        Collation::Binary => get!(x.bytes(0)).cmp(&get!(x.bytes(1))),
        collation => collate::compare(&get!(x.text(0)), &get!(x.text(1)), collation),
    };
    Ok(Value::Int(match order {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }))
}

/// As Odell and Russell had it: vowels go first, then what repeats.
fn soundex(x: &mut In<'_>) -> Out {
    const CODES: &[u8; 26] = b"01230120022455012623010202";
    let code = |c: char| match c.to_ascii_uppercase() {
        c @ 'A'..='Z' => CODES[c as usize - 'A' as usize],
        _ => b'0',
    };
    let text = get!(x.text(0));
    let mut letters = text.chars().filter(|c| c.is_alphabetic());
    let Some(first) = letters.next() else { return x.give(Vec::new()) };
    let mut last = code(first);
    let mut all: String = first.to_uppercase().take(1).collect();
    for c in letters {
        let code = code(c);
        if code != b'0' && code != last {
            all.push(char::from(code));
            last = code;
        }
    }
    while all.chars().count() < 4 {
        all.push('0');
    }
    x.give(all.into_bytes())
}

fn quote_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    let length = args.first().map_or(0, |arg| infer::chars(arg.of));
    Ok(infer::string(args, length.saturating_mul(2).saturating_add(2)))
}

fn quote(x: &mut In<'_>) -> Out {
    let Some(of) = x.bytes(0)? else { return x.give(b"NULL".to_vec()) };
    let mut all = Vec::with_capacity(of.len() + 2);
    all.push(b'\'');
    for byte in of.iter() {
        match byte {
            b'\\' | b'\'' => all.extend_from_slice(&[b'\\', *byte]),
            0 => all.extend_from_slice(b"\\0"),
            0x1A => all.extend_from_slice(b"\\Z"),
            _ => all.push(*byte),
        }
    }
    all.push(b'\'');
    if !x.fits(all.len() as u64, "quote") {
        return Ok(Value::Null);
    }
    x.give(all)
}

fn charset(x: &mut In<'_>) -> Out {
    let is_text = x.of(0).is_text() || matches!(x.of(0), SqlType::Json);
    Ok(Value::text(if is_text { "utf8mb4" } else { "binary" }))
}

fn collation(x: &mut In<'_>) -> Out {
    let of = match x.of(0) {
        SqlType::Json => Collation::Bin,
        of => of.collation(),
    };
    Ok(Value::text(match of {
        Collation::Binary => "binary",
        Collation::Bin => "utf8mb4_bin",
        Collation::GeneralCi => "utf8mb4_general_ci",
        Collation::Uca0900AiCi => "utf8mb4_0900_ai_ci",
    }))
}

fn weight_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    let length = args.first().map_or(0, |arg| infer::chars(arg.of));
    Ok(infer::bytes(length.saturating_mul(8)))
}

fn weight_string(x: &mut In<'_>) -> Out {
    let mut weights = Vec::new();
    match (x.value(0), x.of(0).collation()) {
        (Value::Text(text), collation) if collation != Collation::Binary => {
            collate::weights(text, collation, &mut weights);
        }
        (Value::Text(_) | Value::Bytes(_), _) => weights.extend_from_slice(&get!(x.bytes(0))),
        _ => return Ok(Value::Null),
    }
    Ok(Value::Bytes(Bytes::from(weights)))
}
