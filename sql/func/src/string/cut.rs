//! Parts of strings: SUBSTRING, LEFT, RIGHT, TRIM, SUBSTRING_INDEX.

use crate::function::{Arg, Function, Out, get, pure};
use crate::infer;
use crate::input::In;

pub(crate) const FUNCTIONS: &[Function] = &[
    pure!("substring", 2, 3, substring_type, substring),
    pure!("substring_index", 3, 3, infer::as_first, substring_index),
    pure!("left", 2, 2, substring_type, left),
    pure!("right", 2, 2, substring_type, right),
    pure!("ltrim", 1, 1, infer::as_first, |x: &mut In<'_>| trim(x, true, false)),
    pure!("rtrim", 1, 1, infer::as_first, |x: &mut In<'_>| trim(x, false, true)),
    pure!("trim", 1, 2, infer::as_first, |x: &mut In<'_>| trim(x, true, true)),
    pure!("trim_both", 2, 2, infer::as_first, |x: &mut In<'_>| trim(x, true, true)),
    pure!("trim_leading", 1, 2, infer::as_first, |x: &mut In<'_>| trim(x, true, false)),
    pure!("trim_trailing", 1, 2, infer::as_first, |x: &mut In<'_>| trim(x, false, true)),
];

fn substring_type(
    args: &[Arg<'_>],
    _: &holdfast_value::Context,
) -> Result<holdfast_value::SqlType, holdfast_value::ValueError> {
    let whole = args.first().map_or(0, |arg| infer::chars(arg.of));
    let last = args.len().saturating_sub(1);
    // LEFT, RIGHT and the long form of SUBSTRING end with a length.
    let longest = match infer::constant(args, last) {
        Some(length) if args.len() == 3 || length >= 0 => length.max(0).unsigned_abs(),
        _ => whole,
    };
    let longest = if args.len() == 2 && whole == 0 { 0 } else { longest };
    Ok(infer::string(&args[..args.len().min(1)], whole.min(longest).max(whole.min(1))))
}

fn substring(x: &mut In<'_>) -> Out {
    let (of, start) = (get!(x.str(0)), get!(x.wide(1)));
    let length = if x.len() > 2 { get!(x.wide(2)) } else { i128::from(i64::MAX) };
    if start == 0 || length <= 0 {
        return x.give(Vec::new());
    }
    if start > 0 && of.bytes.len() as i128 >= start {
        // Without counting the rest of a long text.
        let from = usize::try_from(start - 1).unwrap_or(usize::MAX);
        let upto = usize::try_from(start - 1 + length).unwrap_or(usize::MAX);
        let (from, upto) = (of.offset(from), of.offset(upto));
        return x.give_part(&of.bytes[from..upto]);
    }
    let count = of.count() as i128;
    let start = if start < 0 { count + start } else { start - 1 };
    if start < 0 || start >= count {
        return x.give(Vec::new());
    }
    let upto = (start + length).min(count);
    let from = of.offset(usize::try_from(start).unwrap_or(0));
    let upto = of.offset(usize::try_from(upto).unwrap_or(0));
    x.give_part(&of.bytes[from..upto])
}

fn left(x: &mut In<'_>) -> Out {
    let (of, length) = (get!(x.str(0)), get!(x.wide(1)));
    let end = of.offset(usize::try_from(length.max(0)).unwrap_or(usize::MAX));
    x.give_part(&of.bytes[..end])
}

fn right(x: &mut In<'_>) -> Out {
    let (of, length) = (get!(x.str(0)), get!(x.wide(1)));
    let length = usize::try_from(length.max(0)).unwrap_or(usize::MAX);
    let start = of.offset(of.count().saturating_sub(length));
    x.give_part(&of.bytes[start..])
}

fn trim(x: &mut In<'_>, leading: bool, trailing: bool) -> Out {
    let of = get!(x.bytes(0));
    let what = if x.len() > 1 { get!(x.bytes(1)) } else { std::borrow::Cow::Borrowed(&b" "[..]) };
    let mut rest: &[u8] = &of;
    if what.is_empty() {
        return x.give_part(rest);
    }
    while leading && let Some(shorter) = rest.strip_prefix(&*what) {
        rest = shorter;
    }
    while trailing && let Some(shorter) = rest.strip_suffix(&*what) {
        rest = shorter;
    }
    x.give_part(rest)
}

fn substring_index(x: &mut In<'_>) -> Out {
    let (of, by, count) = (get!(x.bytes(0)), get!(x.bytes(1)), get!(x.wide(2)));
    if count == 0 || by.is_empty() || of.is_empty() {
        return x.give(Vec::new());
    }
    // From the end, texts are still searched from their start, as MySQL does: what
    // overlaps counts once.
    let skip = if count > 0 {
        count - 1
    } else if x.gives_bytes() {
        return last_parts(x, &of, &by, count.unsigned_abs());
    } else {
        occurrences(&of, &by) + count
    };
    if skip < 0 {
        return x.give_part(&of);
    }
    let (mut at, mut seen) = (0, 0);
    while let Some(offset) = super::find::position(&of[at..], &by) {
        let end = at + offset + by.len();
        if seen == skip {
            let part = if count > 0 { &of[..at + offset] } else { &of[end..] };
            return x.give_part(part);
        }
        seen += 1;
        at = end;
    }
    x.give_part(&of)
}

fn occurrences(of: &[u8], by: &[u8]) -> i128 {
    let (mut at, mut count) = (0, 0);
    while let Some(offset) = super::find::position(&of[at..], by) {
        at += offset + by.len();
        count += 1;
    }
    count
}

/// What follows the last `left` separators of bytes.
fn last_parts(x: &mut In<'_>, of: &[u8], by: &[u8], mut left: u128) -> Out {
    let mut end = of.len();
    while let Some(offset) = of[..end].windows(by.len()).rposition(|part| part == by) {
        left -= 1;
        if left == 0 {
            return x.give_part(&of[offset + by.len()..]);
        }
        end = offset;
    }
    x.give_part(of)
}
