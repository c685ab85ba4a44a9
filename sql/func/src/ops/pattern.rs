//! LIKE and its negation.
//!
//! Not here: regular expressions (`regexp`).

use holdfast_value::{Collation, Value, ValueError, collate};

use crate::function::{Function, Out, get, pure};
use crate::infer;
use crate::input::In;

pub(crate) const FUNCTIONS: &[Function] = &[
    pure!("like", 2, 3, infer::boolean, |x: &mut In<'_>| like(x, true)),
    pure!("not_like", 2, 3, infer::boolean, |x: &mut In<'_>| like(x, false)),
];

/// The third argument is what follows ESCAPE.
fn like(x: &mut In<'_>, wanted: bool) -> Out {
    let escape = match x.len() {
        3 => one_character(&get!(x.text(2)))?,
        _ if x.ctx.mode.no_backslash_escapes => None,
        _ => Some('\\'),
    };
    let types = x.call.types.iter().take(2).map(|of| (of, true));
    let collation = crate::infer::collation(types).unwrap_or(Collation::Binary);
    let holds = if collation == Collation::Binary {
        let (of, pattern) = (get!(x.bytes(0)), get!(x.bytes(1)));
        // A character for each byte, so that `_` is one byte.
        let letters = |bytes: &[u8]| bytes.iter().map(|b| char::from(*b)).collect::<String>();
        collate::like(&letters(&of), &letters(&pattern), escape, Collation::Bin)
    } else {
        collate::like(&get!(x.text(0)), &get!(x.text(1)), escape, collation)
    };
    Ok(Value::bool(holds == wanted))
}

fn one_character(escape: &str) -> Result<Option<char>, ValueError> {
    let mut all = escape.chars();
    match (all.next(), all.next()) {
        (first, None) => Ok(first),
        _ => Err(ValueError::Arguments("ESCAPE".to_owned())),
    }
}
