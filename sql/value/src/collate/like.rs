//! LIKE: `%` is any text, `_` any character.
//!
//! Characters match one by one, so 'ß' is not LIKE 'ss' though they are equal, as in
//! MySQL. Spaces at the end count. Only the last `%` is ever tried again, so the cost is
//! at most the product of the lengths, and there is no recursion.

use super::same_char;
use crate::types::Collation;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    /// `%`
    Any,
    /// `_`
    One,
    Char(char),
}

/// A pattern, read once for many texts.
#[derive(Clone, Debug)]
pub struct Pattern {
    tokens: Vec<Token>,
    collation: Collation,
}

impl Pattern {
    /// Reads a pattern. `escape` takes the meaning from a `%` or `_` that follows.
    pub fn new(pattern: &str, escape: Option<char>, collation: Collation) -> Self {
        let mut tokens = Vec::with_capacity(pattern.len());
        let mut rest = pattern.chars();
        while let Some(c) = rest.next() {
            let token = match c {
                _ if Some(c) == escape => Token::Char(rest.next().unwrap_or(c)),
                '%' => Token::Any,
                '_' => Token::One,
                _ => Token::Char(c),
            };
            if token != Token::Any || tokens.last() != Some(&Token::Any) {
                tokens.push(token);
            }
        }
        Self { tokens, collation }
    }

    /// The characters before the first `%` or `_`.
    pub fn prefix(&self) -> String {
        let literal = |token: &Token| match token {
            Token::Char(c) => Some(*c),
            Token::Any | Token::One => None,
        };
        self.tokens.iter().map_while(literal).collect()
    }

    /// Whether there is no `%` and no `_`.
    pub fn is_literal(&self) -> bool {
        self.tokens.iter().all(|token| matches!(token, Token::Char(_)))
    }

    /// Whether `text` is like the pattern.
    pub fn matches(&self, text: &str) -> bool {
        let (mut rest, mut at) = (text.chars(), 0);
        // Where to go on after a mismatch: behind the last `%`, one character later.
        let mut retry = None;
        loop {
            let mut ahead = rest.clone();
            let step = match (self.tokens.get(at), ahead.next()) {
                (Some(Token::Any), _) => {
                    at += 1;
                    if at == self.tokens.len() {
                        return true;
                    }
                    retry = Some((rest.clone(), at));
                    continue;
                }
                (None, None) => return true,
                (Some(Token::One), Some(_)) => true,
                (Some(Token::Char(p)), Some(c)) => same_char(*p, c, self.collation),
                (None, Some(_)) => false,
                (Some(_), None) => return false,
            };
            if step {
                (rest, at) = (ahead, at + 1);
                continue;
            }
            let Some((from, token)) = &mut retry else { return false };
            if from.next().is_none() {
                return false;
            }
            (rest, at) = (from.clone(), *token);
        }
    }
}

/// `text LIKE pattern ESCAPE escape`.
pub fn like(text: &str, pattern: &str, escape: Option<char>, collation: Collation) -> bool {
    Pattern::new(pattern, escape, collation).matches(text)
}

/// LIKE of bytes.
pub fn like_bytes(text: &[u8], pattern: &[u8], escape: Option<u8>) -> bool {
    let (mut t, mut p) = (0, 0);
    let mut retry = None;
    loop {
        let is_match = match pattern.get(p) {
            Some(b'%') if escape != Some(b'%') => {
                p += 1;
                retry = Some((t, p));
                continue;
            }
            Some(b'_') if escape != Some(b'_') && t < text.len() => Some(1),
            Some(b) if Some(*b) == escape && p + 1 < pattern.len() => {
                (text.get(t) == pattern.get(p + 1)).then_some(2)
            }
            Some(b) => (text.get(t) == Some(b)).then_some(1),
            None if t == text.len() => return true,
            None => None,
        };
        match (is_match, &mut retry) {
            (Some(used), _) => (t, p) = (t + 1, p + used),
            (None, Some((from, behind))) if *from < text.len() => {
                *from += 1;
                (t, p) = (*from, *behind);
            }
            (None, _) => return false,
        }
    }
}
