//! Lists of strings: ELT, FIELD, FIND_IN_SET, MAKE_SET, EXPORT_SET.

use std::cmp::Ordering;

use holdfast_value::{Collation, Comparison, Context, SqlType, Value, ValueError, collate};

use crate::function::{Arg, Function, Out, function, get, pure};
use crate::infer;
use crate::input::In;

pub(crate) const FUNCTIONS: &[Function] = &[
    function!("elt", 2, usize::MAX, Pure, Own, elt_type, elt),
    function!("field", 2, usize::MAX, Pure, Own, infer::int, field),
    pure!("find_in_set", 2, 2, infer::int, find_in_set),
    function!("make_set", 2, usize::MAX, Pure, Own, make_set_type, make_set),
    pure!("export_set", 3, 5, export_set_type, export_set),
];

fn elt_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    let rest = args.get(1..).unwrap_or(&[]);
    Ok(infer::string(rest, rest.iter().map(|arg| infer::chars(arg.of)).max().unwrap_or(0)))
}

fn elt(x: &mut In<'_>) -> Out {
    let at = get!(x.int(0));
    match usize::try_from(at) {
        Ok(at) if (1..x.len()).contains(&at) => {
            let part = get!(x.bytes(at));
            x.give_part(&part)
        }
        _ => Ok(Value::Null),
    }
}

fn field(x: &mut In<'_>) -> Out {
    let types = x.call.types.iter().filter(|of| **of != SqlType::Null);
    let comparison = if types.clone().all(|of| of.is_text() || of.is_bytes()) {
        match x.collation() {
            Collation::Binary => Comparison::Bytes,
            collation => Comparison::Text(collation),
        }
    } else if types.clone().all(SqlType::is_integer) {
        Comparison::Int
    } else if types.clone().all(|of| of.is_integer() || matches!(of, SqlType::Decimal { .. })) {
        Comparison::Decimal
    } else {
        Comparison::Double
    };
    for at in 1..x.len() {
        let order = comparison.compare(x.value(0), x.value(at), x.ctx)?;
        if order == Some(Ordering::Equal) {
            return Ok(Value::Int(i64::try_from(at).unwrap_or(i64::MAX)));
        }
    }
    Ok(Value::Int(0))
}

fn find_in_set(x: &mut In<'_>) -> Out {
    let collation = x.collation();
    let (what, list) = (get!(x.text(0)), get!(x.text(1)));
    if list.is_empty() {
        return Ok(Value::Int(0));
    }
    let is_equal = |part: &str| match collation {
        Collation::Binary => part == what,
        _ => collate::compare(part, &what, collation) == Ordering::Equal,
    };
    let at = list.split(',').position(is_equal);
    Ok(Value::Int(at.map_or(0, |at| i64::try_from(at + 1).unwrap_or(i64::MAX))))
}

fn make_set_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    let rest = args.get(1..).unwrap_or(&[]);
    let total: u64 = rest.iter().map(|arg| infer::chars(arg.of).saturating_add(1)).sum();
    Ok(infer::string(rest, total))
}

fn make_set(x: &mut In<'_>) -> Out {
    let bits = get!(x.uint(0));
    let mut all = Vec::new();
    let mut is_first = true;
    for at in (1..x.len()).take(64) {
        if bits >> (at - 1) & 1 == 0 {
            continue;
        }
        let Some(part) = x.bytes(at)? else { continue };
        if !x.fits((all.len() + part.len() + 1) as u64, "make_set") {
            return Ok(Value::Null);
        }
        if !is_first {
            all.push(b',');
        }
        is_first = false;
        all.extend_from_slice(&part);
    }
    x.give(all)
}

fn export_set_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    let longest = args.iter().skip(1).take(2).map(|arg| infer::chars(arg.of)).max().unwrap_or(0);
    let gap = args.get(3).map_or(1, |arg| infer::chars(arg.of));
    Ok(infer::string(args.get(1..3).unwrap_or(&[]), longest.saturating_add(gap).saturating_mul(64)))
}

fn export_set(x: &mut In<'_>) -> Out {
    let bits = get!(x.uint(0));
    let (on, off) = (get!(x.bytes(1)), get!(x.bytes(2)));
    let gap = if x.len() > 3 { get!(x.bytes(3)) } else { std::borrow::Cow::Borrowed(&b","[..]) };
    let count = if x.len() > 4 { get!(x.int(4)) } else { 64 };
    let count = if (0..=64).contains(&count) { count } else { 64 };
    let each = on.len().max(off.len()) + gap.len();
    if !x.fits(each as u64 * 64, "export_set") {
        return Ok(Value::Null);
    }
    let mut all = Vec::new();
    for bit in 0..count {
        if bit > 0 {
            all.extend_from_slice(&gap);
        }
        all.extend_from_slice(if bits >> bit & 1 == 1 { &on } else { &off });
    }
    x.give(all)
}
