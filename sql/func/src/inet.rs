//! Addresses of the internet.

use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use holdfast_value::Value;

use crate::function::{Function, Out, function, get, pure};
use crate::infer;
use crate::input::In;
use crate::string::code::bad_value;

pub(crate) const FUNCTIONS: &[Function] = &[
    pure!("inet_aton", 1, 1, infer::unsigned, inet_aton),
    pure!("inet_ntoa", 1, 1, infer::text_n::<15>, inet_ntoa),
    pure!("inet6_aton", 1, 1, infer::bytes_n::<16>, inet6_aton),
    pure!("inet6_ntoa", 1, 1, infer::text_n::<39>, inet6_ntoa),
    function!("is_ipv4", 1, 1, Pure, Own, infer::boolean, |x: &mut In<'_>| {
        Ok(Value::bool(x.text(0)?.is_some_and(|text| parse4(&text).is_some())))
    }),
    function!("is_ipv6", 1, 1, Pure, Own, infer::boolean, |x: &mut In<'_>| {
        Ok(Value::bool(x.text(0)?.is_some_and(|text| text.parse::<Ipv6Addr>().is_ok())))
    }),
    function!("is_ipv4_compat", 1, 1, Pure, Own, infer::boolean, |x: &mut In<'_>| {
        is_kind(x, |parts| parts[..12] == [0; 12] && parts[12..] > [0, 0, 0, 1][..])
    }),
    function!("is_ipv4_mapped", 1, 1, Pure, Own, infer::boolean, |x: &mut In<'_>| {
        is_kind(x, |parts| parts[..10] == [0; 10] && parts[10..12] == [255; 2])
    }),
];

fn is_kind(x: &mut In<'_>, is_it: fn(&[u8; 16]) -> bool) -> Out {
    let bytes = x.bytes(0)?;
    let parts = bytes.and_then(|bytes| <[u8; 16]>::try_from(&*bytes).ok());
    Ok(Value::bool(parts.is_some_and(|parts| is_it(&parts))))
}

/// Four numbers of one to three digits.
fn parse4(text: &str) -> Option<[u8; 4]> {
    let mut all = [0; 4];
    let mut parts = text.split('.');
    for slot in &mut all {
        let part = parts.next()?;
        let is_number = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        *slot = part.parse().ok().filter(|_| is_number)?;
    }
    parts.next().is_none().then_some(all)
}

/// Two to four numbers count as MySQL has it: the first are the high bytes, the last the low.
fn inet_aton(x: &mut In<'_>) -> Out {
    let text = get!(x.text(0));
    let parts: Vec<&str> = text.split('.').collect();
    let numbers: Option<Vec<u64>> = parts
        .iter()
        .map(|part| {
            let is_number = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            part.parse::<u64>().ok().filter(|n| is_number && *n <= 255)
        })
        .collect();
    let number = match numbers.as_deref() {
        Some([d]) => Some(*d),
        Some([a, d]) => Some(a << 24 | d),
        Some([a, b, d]) => Some(a << 24 | b << 16 | d),
        Some([a, b, c, d]) => Some(a << 24 | b << 16 | c << 8 | d),
        _ => None,
    };
    match number {
        Some(number) => Ok(Value::UInt(number)),
        None => {
            x.ctx.warn(bad_value("string", &text, "inet_aton"));
            Ok(Value::Null)
        }
    }
}

fn inet_ntoa(x: &mut In<'_>) -> Out {
    let number = get!(x.wide(0));
    match u32::try_from(number) {
        Ok(number) => Ok(Value::text(Ipv4Addr::from(number).to_string())),
        Err(_) => {
            x.ctx.warn(bad_value("integer", &number.to_string(), "inet_ntoa"));
            Ok(Value::Null)
        }
    }
}

fn inet6_aton(x: &mut In<'_>) -> Out {
    let text = get!(x.text(0));
    if let Some(short) = parse4(&text) {
        return Ok(Value::Bytes(Bytes::copy_from_slice(&short)));
    }
    match text.parse::<Ipv6Addr>() {
        Ok(long) => Ok(Value::Bytes(Bytes::copy_from_slice(&long.octets()))),
        Err(_) => {
            x.ctx.warn(bad_value("string", &text, "inet6_aton"));
            Ok(Value::Null)
        }
    }
}

fn inet6_ntoa(x: &mut In<'_>) -> Out {
    let Value::Bytes(bytes) = x.value(0) else { return refused(x) };
    if let Ok(short) = <[u8; 4]>::try_from(&**bytes) {
        return Ok(Value::text(Ipv4Addr::from(short).to_string()));
    }
    let Ok(long) = <[u8; 16]>::try_from(&**bytes) else { return refused(x) };
    let is_compat = long[..12] == [0; 12] && long[12..14] != [0; 2];
    let text = if is_compat {
        format!("::{}.{}.{}.{}", long[12], long[13], long[14], long[15])
    } else {
        Ipv6Addr::from(long).to_string()
    };
    Ok(Value::text(text))
}

fn refused(x: &mut In<'_>) -> Out {
    let value = get!(x.text(0)).into_owned();
    x.ctx.warn(bad_value("string", &value, "inet6_ntoa"));
    Ok(Value::Null)
}
