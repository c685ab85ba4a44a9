//! Token changes before `sqlparser` reads a query: what its tree cannot hold is
//! taken out, what it spells otherwise is respelled.
//!
//! - `USE | FORCE | IGNORE INDEX ... (...)` goes away.
//! - `LOCK IN SHARE MODE` becomes `FOR SHARE`.
//! - `INTO @a, @b` outside of parentheses goes away and is returned.
//! - `SQL_CACHE` goes away.
//!
//! Not here: whether the rest parses.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Span, Token, TokenWithSpan, Word};

use crate::words::is_reserved;

/// What an INTO names.
pub(super) enum Into {
    /// Variables, without `@`.
    Variables(Vec<String>),
    /// OUTFILE or DUMPFILE.
    File,
}

fn word(token: Option<&TokenWithSpan>) -> Option<&Word> {
    match token {
        Some(TokenWithSpan { token: Token::Word(word), .. }) if word.quote_style.is_none() => {
            Some(word)
        }
        _ => None,
    }
}

fn is(token: Option<&TokenWithSpan>, text: &str) -> bool {
    word(token).is_some_and(|word| word.value.eq_ignore_ascii_case(text))
}

/// See the module.
pub(super) fn rewrite(tokens: &mut Vec<TokenWithSpan>) -> Into {
    let concerned = tokens.iter().any(|token| match &token.token {
        Token::Word(word) => {
            matches!(
                word.keyword,
                Keyword::USE | Keyword::FORCE | Keyword::IGNORE | Keyword::LOCK | Keyword::INTO
            ) || word.value.eq_ignore_ascii_case("SQL_CACHE")
        }
        _ => false,
    });
    if !concerned || is(tokens.first(), "SET") || is(tokens.first(), "LOAD") {
        return Into::Variables(Vec::new());
    }
    let mut into = Vec::new();
    let mut depth = 0_usize;
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at].token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            Token::Word(found) if found.quote_style.is_none() => match found.keyword {
                Keyword::USE | Keyword::FORCE | Keyword::IGNORE => {
                    if let Some(end) = hint_end(tokens, at) {
                        tokens.drain(at..end);
                        // `USE INDEX (a), USE INDEX (b)`
                        continue;
                    }
                }
                Keyword::LOCK
                    if is(tokens.get(at + 1), "IN") && is(tokens.get(at + 2), "SHARE") =>
                {
                    tokens.drain(at + 2..(at + 4).min(tokens.len()));
                    set_word(&mut tokens[at], "FOR", Keyword::FOR);
                    set_word(&mut tokens[at + 1], "SHARE", Keyword::SHARE);
                }
                Keyword::INTO if depth == 0 && at > 0 => {
                    if is(tokens.get(at + 1), "OUTFILE") || is(tokens.get(at + 1), "DUMPFILE") {
                        return Into::File;
                    }
                    let end = take_variables(tokens, at, &mut into);
                    if end > at {
                        tokens.drain(at..end);
                        continue;
                    }
                }
                Keyword::NoKeyword
                    if found.value.eq_ignore_ascii_case("SQL_CACHE")
                        && at > 0
                        && is(tokens.get(at - 1), "SELECT") =>
                {
                    tokens.remove(at);
                    continue;
                }
                _ => {}
            },
            _ => {}
        }
        at += 1;
    }
    Into::Variables(into)
}

/// Where a clause begins right after FROM or JOIN: `sqlparser` would take its
/// word for a table's name.
pub(super) fn clause_for_table(tokens: &[TokenWithSpan]) -> Option<Span> {
    tokens.windows(2).find_map(|pair| {
        let first = word(pair.first())?.keyword;
        let second = word(pair.get(1))?.keyword;
        let clause = matches!(
            second,
            Keyword::WHERE
                | Keyword::GROUP
                | Keyword::ORDER
                | Keyword::HAVING
                | Keyword::LIMIT
                | Keyword::ON
                | Keyword::FROM
                | Keyword::JOIN
                | Keyword::SET
                | Keyword::UNION
                | Keyword::SELECT
                | Keyword::AS
        );
        let table_next = matches!(first, Keyword::FROM | Keyword::JOIN);
        (table_next && clause).then(|| pair[1].span)
    })
}

/// Where a period does not stand between two names. `sqlparser` takes any expression
/// before and behind it and tries twice: `(a).(a).( ...` would take twice as long with
/// each step.
pub(super) fn stray_period(tokens: &[TokenWithSpan]) -> Option<Span> {
    let is_name = |token: &TokenWithSpan| matches!(token.token, Token::Word(_) | Token::Mul);
    let is_period = |at: usize| tokens.get(at).is_some_and(|token| token.token == Token::Period);
    // `TRUE.a`; behind a period any word is a name.
    let is_value = |at: usize| {
        let reserved = word(tokens.get(at)).is_some_and(|word| is_reserved(word.keyword));
        reserved && !(at > 0 && is_period(at - 1))
    };
    let stray = tokens.iter().enumerate().find(|(at, token)| match (&token.token, *at) {
        (Token::Period, 0) => true,
        (Token::Period, at) => !is_name(&tokens[at - 1]) || is_value(at - 1),
        (_, 0) => false,
        (_, at) => is_period(at - 1) && !is_name(token),
    });
    stray.map(|(_, token)| token.span)
}

fn set_word(token: &mut TokenWithSpan, value: &str, keyword: Keyword) {
    token.token = Token::Word(Word { value: value.to_owned(), quote_style: None, keyword });
}

/// The token after the index hint that starts at `at`, if one does.
fn hint_end(tokens: &[TokenWithSpan], at: usize) -> Option<usize> {
    if !is(tokens.get(at + 1), "INDEX") && !is(tokens.get(at + 1), "KEY") {
        return None;
    }
    let mut next = at + 2;
    if is(tokens.get(next), "FOR") {
        next += if is(tokens.get(next + 1), "JOIN") { 2 } else { 3 };
    }
    if tokens.get(next).map(|token| &token.token) != Some(&Token::LParen) {
        return None;
    }
    let length = tokens[next..].iter().position(|token| token.token == Token::RParen)?;
    let mut end = next + length + 1;
    // Hints of one table may be separated by commas.
    let another = |at| {
        is(tokens.get(at), "USE") || is(tokens.get(at), "FORCE") || is(tokens.get(at), "IGNORE")
    };
    if tokens.get(end).map(|token| &token.token) == Some(&Token::Comma) && another(end + 1) {
        end += 1;
    }
    Some(end)
}

/// Collects `@a, @b` after the INTO at `at`; the token after them, or `at` if there are none.
fn take_variables(tokens: &[TokenWithSpan], at: usize, into: &mut Vec<String>) -> usize {
    let mut next = at + 1;
    let mut end = at;
    while let Some(found) = word(tokens.get(next)) {
        if !found.value.starts_with('@') || found.value.starts_with("@@") {
            break;
        }
        into.push(found.value[1..].to_owned());
        end = next + 1;
        if tokens.get(end).map(|token| &token.token) != Some(&Token::Comma) {
            break;
        }
        next = end + 1;
    }
    end
}
