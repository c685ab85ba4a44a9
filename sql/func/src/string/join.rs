//! Strings made of strings: CONCAT, REPEAT, LPAD, REPLACE, INSERT and their like.

use holdfast_value::{Collation, SqlType, Value};

use crate::function::{Arg, Function, Out, function, get, pure};
use crate::infer;
use crate::input::{In, Str};

pub(crate) const FUNCTIONS: &[Function] = &[
    pure!("concat", 1, usize::MAX, infer::as_all, concat),
    function!("concat_ws", 2, usize::MAX, Pure, Own, ws_type, concat_ws),
    pure!("repeat", 2, 2, repeat_type, repeat),
    pure!("space", 1, 1, space_type, space),
    pure!("reverse", 1, 1, infer::as_first, reverse),
    pure!("lpad", 3, 3, pad_type, |x: &mut In<'_>| pad(x, "lpad")),
    pure!("rpad", 3, 3, pad_type, |x: &mut In<'_>| pad(x, "rpad")),
    pure!("replace", 3, 3, replace_type, replace),
    pure!("insert", 4, 4, insert_type, insert),
];

type Inferred = Result<SqlType, holdfast_value::ValueError>;

fn ws_type(args: &[Arg<'_>], _: &holdfast_value::Context) -> Inferred {
    let separator = args.first().map_or(0, |arg| infer::chars(arg.of));
    let rest: u64 = args.iter().skip(1).map(|arg| infer::chars(arg.of)).sum();
    let gaps = args.len().saturating_sub(2) as u64;
    Ok(infer::string(args, rest.saturating_add(separator.saturating_mul(gaps))))
}

fn repeat_type(args: &[Arg<'_>], _: &holdfast_value::Context) -> Inferred {
    let one = args.first().map_or(0, |arg| infer::chars(arg.of));
    let times = infer::constant(args, 1).map_or(u64::from(u32::MAX), |n| n.max(0).unsigned_abs());
    Ok(infer::string(&args[..1], one.saturating_mul(times)))
}

fn space_type(args: &[Arg<'_>], _: &holdfast_value::Context) -> Inferred {
    let times = infer::constant(args, 0).map_or(u64::from(u32::MAX), |n| n.max(0).unsigned_abs());
    Ok(infer::text(times, Collation::default()))
}

fn pad_type(args: &[Arg<'_>], _: &holdfast_value::Context) -> Inferred {
    let length = infer::constant(args, 1).map_or(u64::from(u32::MAX), |n| n.max(0).unsigned_abs());
    let strings: Vec<Arg<'_>> = args.iter().step_by(2).copied().collect();
    Ok(infer::string(&strings, length))
}

fn replace_type(args: &[Arg<'_>], _: &holdfast_value::Context) -> Inferred {
    let of = |at: usize| args.get(at).map_or(0, |arg| infer::chars(arg.of));
    Ok(infer::string(args, of(0).saturating_mul(of(2).max(1))))
}

fn insert_type(args: &[Arg<'_>], _: &holdfast_value::Context) -> Inferred {
    let strings: Vec<Arg<'_>> = args.iter().step_by(3).copied().collect();
    let total = strings.iter().map(|arg| infer::chars(arg.of)).sum();
    Ok(infer::string(&strings, total))
}

fn concat(x: &mut In<'_>) -> Out {
    let mut whole = Vec::new();
    for at in 0..x.len() {
        let part = get!(x.bytes(at));
        if !x.fits((whole.len() + part.len()) as u64, "concat") {
            return Ok(Value::Null);
        }
        whole.extend_from_slice(&part);
    }
    x.give(whole)
}

fn concat_ws(x: &mut In<'_>) -> Out {
    let separator = get!(x.bytes(0));
    let mut whole = Vec::new();
    let mut is_first = true;
    for at in 1..x.len() {
        let Some(part) = x.bytes(at)? else { continue };
        if !x.fits((whole.len() + separator.len() + part.len()) as u64, "concat_ws") {
            return Ok(Value::Null);
        }
        if !is_first {
            whole.extend_from_slice(&separator);
        }
        is_first = false;
        whole.extend_from_slice(&part);
    }
    x.give(whole)
}

fn repeat(x: &mut In<'_>) -> Out {
    let (one, times) = (get!(x.bytes(0)), get!(times(x, 1)));
    if !x.fits((one.len() as u64).saturating_mul(times), "repeat") {
        return Ok(Value::Null);
    }
    // Within `bytes_max`, unless nothing is repeated.
    let times = if one.is_empty() { 0 } else { usize::try_from(times).unwrap_or(0) };
    x.give(one.repeat(times))
}

fn space(x: &mut In<'_>) -> Out {
    let times = get!(times(x, 0));
    if !x.fits(times, "space") {
        return Ok(Value::Null);
    }
    x.give(vec![b' '; usize::try_from(times).unwrap_or(0)])
}

/// A count, of which negative ones are 0.
fn times(x: &mut In<'_>, at: usize) -> Result<Option<u64>, holdfast_value::ValueError> {
    Ok(x.wide(at)?.map(|n| u64::try_from(n.max(0)).unwrap_or(u64::MAX)))
}

fn reverse(x: &mut In<'_>) -> Out {
    let of = get!(x.str(0));
    let mut turned = Vec::with_capacity(of.bytes.len());
    let mut end = of.bytes.len();
    for start in (0..of.bytes.len()).rev() {
        if !of.is_text || of.bytes[start] & 0xC0 != 0x80 {
            turned.extend_from_slice(&of.bytes[start..end]);
            end = start;
        }
    }
    x.give(turned)
}

fn pad(x: &mut In<'_>, name: &'static str) -> Out {
    let (of, length, with) = (get!(x.str(0)), get!(x.wide(1)), get!(x.str(2)));
    if length < 0 {
        return Ok(Value::Null);
    }
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    let have = of.count() as u64;
    if length <= have {
        let end = of.offset(usize::try_from(length).unwrap_or(usize::MAX));
        return x.give_part(&of.bytes[..end]);
    }
    // As MySQL: the longest that so many characters could be must fit.
    let widest = if of.is_text { length.saturating_mul(4) } else { length };
    if !x.fits(widest.min(padded_bytes(&of, &with, length)), name) {
        return Ok(Value::Null);
    }
    let unit = with.count() as u64;
    if unit == 0 {
        // Nothing to pad with: MySQL 8 gives the empty string.
        return x.give(Vec::new());
    }
    let missing = length - have;
    let mut filler = with.bytes.repeat(usize::try_from(missing / unit).unwrap_or(0));
    let rest = usize::try_from(missing % unit).unwrap_or(0);
    filler.extend_from_slice(&with.bytes[..with.offset(rest)]);
    if name == "lpad" {
        filler.extend_from_slice(&of.bytes);
        return x.give(filler);
    }
    let mut whole = of.bytes.into_owned();
    whole.extend_from_slice(&filler);
    x.give(whole)
}

fn padded_bytes(of: &Str<'_>, with: &Str<'_>, length: u64) -> u64 {
    let unit = (with.count() as u64).max(1);
    let missing = length.saturating_sub(of.count() as u64);
    let repeats = missing / unit + 1;
    repeats.saturating_mul(with.bytes.len() as u64).saturating_add(of.bytes.len() as u64)
}

fn replace(x: &mut In<'_>) -> Out {
    let (of, from, to) = (get!(x.bytes(0)), get!(x.bytes(1)), get!(x.bytes(2)));
    if from.is_empty() || of.len() < from.len() {
        return x.give_part(&of);
    }
    let mut whole = Vec::with_capacity(of.len());
    let mut at = 0;
    // Valid UTF-8 within valid UTF-8 begins at a character.
    while let Some(offset) = super::find::position(&of[at..], &from) {
        whole.extend_from_slice(&of[at..at + offset]);
        whole.extend_from_slice(&to);
        at += offset + from.len();
        if !x.fits((whole.len() + of.len() - at) as u64, "replace") {
            return Ok(Value::Null);
        }
    }
    whole.extend_from_slice(&of[at..]);
    x.give(whole)
}

fn insert(x: &mut In<'_>) -> Out {
    let (of, start) = (get!(x.str(0)), get!(x.wide(1)));
    let (length, new) = (get!(x.wide(2)), get!(x.bytes(3)));
    let count = of.count() as i128;
    if start < 1 || start > count {
        return x.give_part(&of.bytes);
    }
    let left = count - start + 1;
    let length = if length < 0 || length > left { left } else { length };
    // Both lie within 0..=count, a usize.
    let from = of.offset(usize::try_from(start - 1).unwrap_or(0));
    let upto = of.offset(usize::try_from(start - 1 + length).unwrap_or(0));
    if !x.fits((of.bytes.len() - (upto - from) + new.len()) as u64, "insert") {
        return Ok(Value::Null);
    }
    let whole = [&of.bytes[..from], &new, &of.bytes[upto..]].concat();
    x.give(whole)
}
