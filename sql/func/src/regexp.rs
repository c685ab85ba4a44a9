//! Regular expressions: REGEXP_LIKE, REGEXP_INSTR, REGEXP_SUBSTR, REGEXP_REPLACE.
//!
//! Matching takes time linear in the text. What that excludes (references back,
//! looking around) is refused as MySQL refuses what its library does not know.
//! A few compiled patterns are kept per thread, since most are constants.
//!
//! Not here: LIKE (`ops::pattern`).

use std::cell::RefCell;
use std::rc::Rc;

use holdfast_value::{Collation, Context, SqlType, Value, ValueError};
use regex::{Regex, RegexBuilder};

use crate::function::{Arg, Function, Out, get, pure};
use crate::infer;
use crate::input::In;

pub(crate) const FUNCTIONS: &[Function] = &[
    pure!("regexp", 2, 2, infer::boolean, |x: &mut In<'_>| regexp_like(x, true)),
    pure!("not_regexp", 2, 2, infer::boolean, |x: &mut In<'_>| regexp_like(x, false)),
    pure!("regexp_like", 2, 3, infer::boolean, |x: &mut In<'_>| regexp_like(x, true)),
    pure!("regexp_instr", 2, 6, infer::int, regexp_instr),
    pure!("regexp_substr", 2, 5, infer::as_first, regexp_substr),
    pure!("regexp_replace", 3, 6, replace_type, regexp_replace),
];

/// Patterns kept per thread.
const KEPT: usize = 16;
/// A compiled pattern's size at most. [bytes]
const COMPILED_MAX: usize = 1 << 20;

#[derive(Clone, Copy, PartialEq)]
struct Flags {
    any_case: bool,
    lines: bool,
    dot_all: bool,
}

/// Shared rather than cloned: what matching needs is kept with the pattern.
type Kept = (String, Flags, Rc<Regex>);

thread_local! {
    static COMPILED: RefCell<Vec<Kept>> = const { RefCell::new(Vec::new()) };
}

fn compiled(pattern: &str, flags: Flags) -> Result<Rc<Regex>, ValueError> {
    COMPILED.with_borrow_mut(|kept| {
        let is_it = |(text, other, _): &Kept| text == pattern && *other == flags;
        if let Some(at) = kept.iter().position(is_it) {
            kept[..=at].rotate_right(1);
            return Ok(Rc::clone(&kept[0].2));
        }
        let regex = Rc::new(compile(pattern, flags)?);
        kept.truncate(KEPT - 1);
        kept.insert(0, (pattern.to_owned(), flags, Rc::clone(&regex)));
        Ok(regex)
    })
}

fn compile(pattern: &str, flags: Flags) -> Result<Regex, ValueError> {
    if pattern.is_empty() {
        return Err(trouble(3685, "Illegal argument to a regular expression."));
    }
    let built = RegexBuilder::new(pattern)
        .case_insensitive(flags.any_case)
        .multi_line(flags.lines)
        .dot_matches_new_line(flags.dot_all)
        .size_limit(COMPILED_MAX)
        .dfa_size_limit(COMPILED_MAX)
        .nest_limit(100)
        .build();
    built.map_err(|refused| match &refused {
        regex::Error::Syntax(what) => syntax(what),
        _ => trouble(3700, "Pattern exceeds limits on size or complexity."),
    })
}

/// MySQL's number for what the pattern does wrong.
fn syntax(what: &str) -> ValueError {
    const KNOWN: &[(&str, u16, &str)] = &[
        (
            "look-around",
            3690,
            "The regular expression contains a feature that is not implemented in this library version.",
        ),
        (
            "backreferences",
            3690,
            "The regular expression contains a feature that is not implemented in this library version.",
        ),
        ("unclosed group", 3691, "Mismatched parenthesis in regular expression."),
        ("unopened group", 3691, "Mismatched parenthesis in regular expression."),
        (
            "unclosed character class",
            3696,
            "The regular expression contains an unclosed bracket expression.",
        ),
        (
            "invalid character class range",
            3697,
            "The regular expression contains an [x-y] character range where x comes after y.",
        ),
        (
            "the start must be <=",
            3693,
            "The maximum is less than the minumum in a {min,max} interval.",
        ),
        ("repetition quantifier", 3692, "Incorrect description of a {min,max} interval."),
        ("unrecognized escape", 3689, "Unrecognized escape sequence in regular expression."),
        ("exceeds the maximum", 3700, "Pattern exceeds limits on size or complexity."),
    ];
    let known = KNOWN.iter().find(|(part, ..)| what.contains(part));
    match known {
        Some((_, code, message)) => trouble(*code, message),
        None => trouble(3688, "Syntax error in regular expression."),
    }
}

fn trouble(code: u16, message: &str) -> ValueError {
    ValueError::Other { code, state: "HY000", message: message.to_owned() }
}

/// The pattern is the second argument; how it matches may be the one at `options`.
fn regex_of(x: &mut In<'_>, options: usize) -> Result<Option<Rc<Regex>>, ValueError> {
    let collation = infer::collation(x.call.types.iter().take(2).map(|of| (of, true)));
    let is_exact = matches!(collation, None | Some(Collation::Bin | Collation::Binary));
    let mut flags = Flags { any_case: !is_exact, lines: false, dot_all: false };
    if x.len() > options {
        let Some(letters) = x.text(options)? else { return Ok(None) };
        for letter in letters.chars() {
            match letter {
                'c' => flags.any_case = false,
                'i' => flags.any_case = true,
                'm' => flags.lines = true,
                'n' => flags.dot_all = true,
                'u' => {}
                _ => return Err(ValueError::Arguments("regexp_like".to_owned())),
            }
        }
    }
    match x.text(1)? {
        Some(pattern) => compiled(&pattern, flags).map(Some),
        None => Ok(None),
    }
}

fn regexp_like(x: &mut In<'_>, wanted: bool) -> Out {
    let regex = get!(regex_of(x, 2));
    Ok(Value::bool(regex.is_match(&get!(x.text(0))) == wanted))
}

/// Where searching begins: the argument at `at` counts characters from 1. [bytes]
fn start(x: &mut In<'_>, text: &str, at: usize) -> Result<Option<usize>, ValueError> {
    if x.len() <= at {
        return Ok(Some(0));
    }
    let Some(position) = x.int(at)? else { return Ok(None) };
    let skip = usize::try_from(position.saturating_sub(1)).ok();
    let ends = text.char_indices().map(|(offset, _)| offset).chain([text.len()]);
    let offset = skip.and_then(|skip| {
        let mut ends = ends;
        ends.nth(skip)
    });
    offset
        .map(Some)
        .ok_or_else(|| trouble(3686, "Index out of bounds in regular expression search."))
}

/// The occurrence that the argument at `at` names, from 1.
fn found<'t>(
    x: &mut In<'_>,
    regex: &Regex,
    text: &'t str,
    at: usize,
) -> Result<Option<regex::Match<'t>>, ValueError> {
    let Some(from) = start(x, text, at)? else { return Ok(None) };
    let wanted = if x.len() > at + 1 { x.int(at + 1)?.unwrap_or(1) } else { 1 };
    let mut next = from;
    for _ in 1..wanted.max(1) {
        let Some(one) = regex.find_at(text, next) else { return Ok(None) };
        let Some(after) = after(text, &one) else { return Ok(None) };
        next = after;
    }
    Ok(regex.find_at(text, next))
}

/// Where to look next: behind a match, one character behind an empty one.
fn after(text: &str, one: &regex::Match<'_>) -> Option<usize> {
    if !one.is_empty() {
        return Some(one.end());
    }
    Some(one.end() + text[one.end()..].chars().next()?.len_utf8())
}

fn regexp_instr(x: &mut In<'_>) -> Out {
    let regex = get!(regex_of(x, 5));
    let text = get!(x.text(0));
    let at_end = if x.len() > 4 { get!(x.int(4)) } else { 0 };
    if !(0..=1).contains(&at_end) {
        return Err(ValueError::Arguments(
            "regexp_instr: return_option must be 1 or 0.".to_owned(),
        ));
    }
    let one = found(x, &regex, &text, 2)?;
    let at = one.map(|one| if at_end == 1 { one.end() } else { one.start() });
    let position = at.map_or(0, |at| text[..at].chars().count() + 1);
    Ok(Value::Int(i64::try_from(position).unwrap_or(i64::MAX)))
}

fn regexp_substr(x: &mut In<'_>) -> Out {
    let regex = get!(regex_of(x, 4));
    let text = get!(x.text(0));
    match found(x, &regex, &text, 2)? {
        Some(one) => x.give_part(one.as_str().as_bytes()),
        None => Ok(Value::Null),
    }
}

fn replace_type(args: &[Arg<'_>], _: &Context) -> Result<SqlType, ValueError> {
    Ok(infer::string(args.get(..1).unwrap_or(args), u64::from(u32::MAX)))
}

/// An occurrence of 0 means all.
fn regexp_replace(x: &mut In<'_>) -> Out {
    let regex = get!(regex_of(x, 5));
    let (text, with) = (get!(x.text(0)), get!(x.text(2)));
    let mut next = get!(start(x, &text, 3));
    let wanted = if x.len() > 4 { get!(x.int(4)).max(0) } else { 0 };
    let (mut all, mut copied, mut count) = (String::new(), 0, 0);
    while let Some(groups) = regex.captures_at(&text, next) {
        let Some(one) = groups.get(0) else { break };
        count += 1;
        if wanted == 0 || wanted == count {
            all.push_str(&text[copied..one.start()]);
            expand(&with, &groups, &mut all)?;
            copied = one.end();
            if !x.fits((all.len() + text.len() - copied) as u64, "regexp_replace") {
                return Ok(Value::Null);
            }
            if wanted == count {
                break;
            }
        }
        let Some(after) = after(&text, &one) else { break };
        next = after;
    }
    all.push_str(&text[copied..]);
    x.give(all.into_bytes())
}

/// `$1` is a group, `\$` a dollar.
fn expand(with: &str, groups: &regex::Captures<'_>, out: &mut String) -> Result<(), ValueError> {
    let mut letters = with.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => out.extend(letters.next()),
            '$' => {
                let Some(digit) = letters.peek().and_then(|c| c.to_digit(10)) else {
                    return Err(trouble(3887, "A capture group has an invalid name."));
                };
                letters.next();
                let mut group = digit as usize;
                while let Some(digit) = letters.peek().and_then(|c| c.to_digit(10)) {
                    let longer = group * 10 + digit as usize;
                    if longer >= groups.len() {
                        break;
                    }
                    group = longer;
                    letters.next();
                }
                if group >= groups.len() {
                    return Err(trouble(3686, "Index out of bounds in regular expression search."));
                }
                out.push_str(groups.get(group).map_or("", |part| part.as_str()));
            }
            other => out.push(other),
        }
    }
    Ok(())
}
