//! Texts of statements: any bytes, and statements of clients cut up and put together anew.
//!
//! ```text
//! input = mode (1): bits of ParseMode | text
//! ```
//!
//! - S1: no text makes the parser panic or overflow its stack.
//! - S2: what an error quotes lies in the text, and so does the line that it names.
//! - S3: the text of a parsed statement is a part of the whole, and has its placeholders.
//! - S4: what parsed parses alone, too, to the same statement.
//! - S5: a printed expression that parses prints the same again.
//!
//! Not here: how texts are mutated (`tokens`).

#![no_main]

mod tokens;

use holdfast_syntax::ast::{Expr, SelectItem, SetExpr};
use holdfast_syntax::{ParseMode, Parsed, Statement, SyntaxError, parse, print};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|data: &[u8]| {
    let Some((&bits, text)) = data.split_first() else { return };
    let mode = mode(bits);
    match parse(text, &mode) {
        Ok(all) => {
            assert!(!all.is_empty(), "an empty text is an error");
            for one in &all {
                look(one, text, &mode);
            }
        }
        Err(error) => lies_within(&error, text),
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed.is_multiple_of(4) || size < 2 {
        return fuzzer_mutate(data, size, max_size);
    }
    let made = tokens::mutated(&data[1..size], seed, max_size - 1);
    data[1..=made.len()].copy_from_slice(&made);
    1 + made.len()
});

fn mode(bits: u8) -> ParseMode {
    ParseMode {
        ansi_quotes: bits & 1 != 0,
        no_backslash_escapes: bits & 2 != 0,
        pipes_as_concat: bits & 4 != 0,
        multi: bits & 8 == 0,
        ..ParseMode::default()
    }
}

fn look(one: &Parsed, text: &[u8], mode: &ParseMode) {
    if let Statement::Invalid(error) = &one.statement {
        return lies_within(error, text);
    }
    let whole = String::from_utf8_lossy(text);
    if std::str::from_utf8(text).is_ok() {
        assert!(whole.contains(&one.text), "S3: {:?} is not in {whole:?}", one.text);
        let marks = one.text.bytes().filter(|byte| *byte == b'?').count();
        assert!(one.params <= marks, "S3: {} of {:?}", one.params, one.text);
    }
    // A comment that applies by version may begin before its statement or end behind it.
    if !matches!(one.statement, Statement::Refused(_))
        && !one.text.contains("/*")
        && !one.text.contains("*/")
    {
        match parse(one.text.as_bytes(), mode) {
            Ok(again) => assert_eq!(again[0].params, one.params, "S4: {:?}", one.text),
            Err(error) if whole.len() == text.len() && std::str::from_utf8(text).is_ok() => {
                panic!("S4: {:?}: {error}", one.text)
            }
            Err(_) => {}
        }
    }
    match &one.statement {
        Statement::Do(list) => list.iter().for_each(prints_alike),
        Statement::Query(select) => {
            if let SetExpr::Select(select) = &*select.query.body {
                for item in &select.projection {
                    if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } =
                        item
                    {
                        prints_alike(expr);
                    }
                }
            }
        }
        _ => {}
    }
}

fn prints_alike(expr: &Expr) {
    let printed = print::expr(expr);
    // No stored expression has a variable; their names are printed without quotes.
    if printed.contains('@') {
        return;
    }
    let text = format!("DO {printed}");
    // Forms without a rule of their own are not MySQL's when printed, and printing
    // adds parentheses, of which there is a bound.
    let Ok(again) = parse(text.as_bytes(), &ParseMode::default()) else { return };
    let [Parsed { statement: Statement::Do(list), .. }] = &again[..] else {
        panic!("S5: {text} is something else");
    };
    let [expr] = &list[..] else { panic!("S5: {text} is a list") };
    assert_eq!(print::expr(expr), printed, "S5");
}

fn lies_within(error: &SyntaxError, text: &[u8]) {
    if let SyntaxError::Near { near, line } = error {
        let lines = 1 + text.iter().filter(|byte| **byte == b'\n').count() as u64;
        assert!((1..=lines).contains(line), "S2: line {line} of {lines}");
        if let Ok(whole) = std::str::from_utf8(text) {
            // A cut within a character shows as a replacement.
            let near = near.trim_end_matches('\u{fffd}');
            assert!(whole.contains(near), "S2: {near:?} is not in {whole:?}");
        }
    }
    assert!(error.state().len() == 5 && error.code() >= 1000, "{error}");
}
