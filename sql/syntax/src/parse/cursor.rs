//! A place in a statement's tokens, with words compared as text.
//!
//! Words that only MySQL's own statements know are no keywords for `sqlparser`;
//! here they are compared without regard to case. A quoted name is never a word.
//!
//! Not here: what the words mean.

use sqlparser::ast::Expr;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, Word};

use crate::error::SyntaxError;
use crate::prefix::REFUSED;
use crate::statement::TableName;
use crate::words::is_reserved;

/// Why a statement does not parse.
#[derive(Debug)]
pub(crate) enum Fail {
    /// The next token does not fit.
    Here,
    /// What `sqlparser` says.
    Parser(ParserError),
    /// 1235.
    Refused(String),
}

impl From<ParserError> for Fail {
    fn from(error: ParserError) -> Self {
        match error {
            ParserError::ParserError(message) if message.starts_with(REFUSED) => {
                Fail::Refused(message[REFUSED.len()..].to_owned())
            }
            other => Fail::Parser(other),
        }
    }
}

pub(crate) type Res<T> = Result<T, Fail>;

/// See the module.
pub(crate) struct Cursor<'a> {
    pub(crate) parser: Parser<'a>,
    pub(crate) source: &'a [u8],
}

fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(found) if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
}

impl Cursor<'_> {
    // ---- words -----------------------------------------------------------

    pub(crate) fn peek(&self, word: &str) -> bool {
        is_word(&self.parser.peek_token_ref().token, word)
    }

    pub(crate) fn peek_at(&self, ahead: usize, word: &str) -> bool {
        is_word(&self.parser.peek_nth_token_ref(ahead).token, word)
    }

    pub(crate) fn peek_all(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(ahead, word)| self.peek_at(ahead, word))
    }

    /// Takes the word if it is next.
    pub(crate) fn eat(&mut self, word: &str) -> bool {
        let found = self.peek(word);
        if found {
            self.parser.advance_token();
        }
        found
    }

    /// Takes all of the words if they are next.
    pub(crate) fn eat_all(&mut self, words: &[&str]) -> bool {
        let found = self.peek_all(words);
        if found {
            words.iter().for_each(|_| self.parser.advance_token());
        }
        found
    }

    /// Takes whichever of the words is next.
    pub(crate) fn eat_any(&mut self, words: &[&'static str]) -> Option<&'static str> {
        words.iter().copied().find(|word| self.eat(word))
    }

    pub(crate) fn expect(&mut self, word: &str) -> Res<()> {
        if self.eat(word) { Ok(()) } else { Err(Fail::Here) }
    }

    pub(crate) fn expect_all(&mut self, words: &[&str]) -> Res<()> {
        words.iter().try_for_each(|word| self.expect(word))
    }

    // ---- other tokens ----------------------------------------------------

    pub(crate) fn token(&self) -> &Token {
        &self.parser.peek_token_ref().token
    }

    pub(crate) fn token_at(&self, ahead: usize) -> &Token {
        &self.parser.peek_nth_token_ref(ahead).token
    }

    pub(crate) fn skip(&mut self) {
        self.parser.advance_token();
    }

    pub(crate) fn take(&mut self, token: &Token) -> bool {
        self.parser.consume_token(token)
    }

    pub(crate) fn need(&mut self, token: &Token) -> Res<()> {
        if self.take(token) { Ok(()) } else { Err(Fail::Here) }
    }

    pub(crate) fn at_end(&self) -> bool {
        *self.token() == Token::EOF
    }

    pub(crate) fn rest_is_refused<T>(&mut self, what: &str) -> Res<T> {
        Err(Fail::Refused(what.to_owned()))
    }

    // ---- names and literals ----------------------------------------------

    /// A name: quoted, or a word that is not reserved.
    pub(crate) fn name(&mut self) -> Res<String> {
        match self.token() {
            Token::Word(word) if is_name(word) => {
                let value = word.value.clone();
                self.skip();
                Ok(value)
            }
            _ => Err(Fail::Here),
        }
    }

    /// A name or a text, as for engines, character sets and accounts.
    pub(crate) fn name_or_text(&mut self) -> Res<String> {
        match self.token() {
            Token::SingleQuotedString(_) => self.text(),
            // `binary` and `default` are reserved and yet names of character sets.
            Token::Word(word) if !word.value.starts_with('@') => {
                let value = word.value.clone();
                self.skip();
                Ok(value)
            }
            _ => Err(Fail::Here),
        }
    }

    pub(crate) fn table_name(&mut self) -> Res<TableName> {
        let first = self.name()?;
        if self.take(&Token::Period) {
            // Any word is a name after a period.
            let name = self.name_or_text()?;
            Ok(TableName { db: Some(first), name })
        } else {
            Ok(TableName { db: None, name: first })
        }
    }

    pub(crate) fn text(&mut self) -> Res<String> {
        match self.token() {
            Token::SingleQuotedString(text) => {
                let text = text.clone();
                self.skip();
                Ok(text)
            }
            _ => Err(Fail::Here),
        }
    }

    pub(crate) fn uint(&mut self) -> Res<u64> {
        match self.token() {
            Token::Number(text, _) => {
                let number = text.parse().map_err(|_| Fail::Here)?;
                self.skip();
                Ok(number)
            }
            _ => Err(Fail::Here),
        }
    }

    /// `@name`, without the `@`.
    pub(crate) fn variable(&mut self) -> Res<String> {
        match self.token() {
            Token::Word(word)
                if word.quote_style.is_none()
                    && word.value.starts_with('@')
                    && !word.value.starts_with("@@") =>
            {
                let name = word.value[1..].to_owned();
                self.skip();
                Ok(name)
            }
            _ => Err(Fail::Here),
        }
    }

    pub(crate) fn expr(&mut self) -> Res<Expr> {
        Ok(self.parser.parse_expr()?)
    }

    /// An expression in parentheses and its text, both without them.
    pub(crate) fn parenthesized_expr(&mut self) -> Res<(Expr, String)> {
        self.need(&Token::LParen)?;
        let start = self.offset();
        let expr = self.expr()?;
        let text = self.text_since(start);
        self.need(&Token::RParen)?;
        Ok((expr, text))
    }

    /// A comma-separated list.
    pub(crate) fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> Res<T>) -> Res<Vec<T>> {
        let mut all = vec![one(self)?];
        while self.take(&Token::Comma) {
            all.push(one(self)?);
        }
        Ok(all)
    }

    /// A comma-separated list in parentheses.
    pub(crate) fn in_parens<T>(&mut self, one: impl FnMut(&mut Self) -> Res<T>) -> Res<Vec<T>> {
        self.need(&Token::LParen)?;
        let all = self.list(one)?;
        self.need(&Token::RParen)?;
        Ok(all)
    }

    // ---- places ----------------------------------------------------------

    /// Where the next token starts, in bytes; the text's end at the end.
    pub(crate) fn offset(&self) -> usize {
        let next = self.parser.peek_token_ref();
        match next.span.start.column {
            0 => self.source.len(),
            column => usize::try_from(column - 1).unwrap_or(self.source.len()),
        }
    }

    /// Where the last token that was taken ends, in bytes.
    pub(crate) fn end_offset(&self) -> usize {
        let column = self.parser.get_current_token().span.end.column;
        usize::try_from(column.saturating_sub(1)).unwrap_or(self.source.len())
    }

    /// The text from byte `start` to the end of the last token that was taken.
    pub(crate) fn text_since(&self, start: usize) -> String {
        let bytes = self.source.get(start..self.end_offset()).unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// What `fail` is to a client.
    pub(crate) fn explain(&self, fail: Fail) -> SyntaxError {
        let message = match fail {
            Fail::Refused(what) => return SyntaxError::NotSupported(what),
            Fail::Parser(ParserError::RecursionLimitExceeded) => {
                return SyntaxError::TooDeep(super::RECURSION);
            }
            Fail::Parser(ParserError::ParserError(text) | ParserError::TokenizerError(text)) => {
                Some(text)
            }
            Fail::Here => None,
        };
        if let Some((line, at)) = message.as_deref().and_then(location) {
            return SyntaxError::near(self.source, at, line);
        }
        let next = self.parser.peek_token_ref();
        if next.span.start.column == 0 || message.is_some_and(|text| text.contains("found: EOF")) {
            let line = 1 + self.source.iter().filter(|&&byte| byte == b'\n').count() as u64;
            return SyntaxError::near(self.source, self.source.len(), line);
        }
        SyntaxError::near(self.source, self.offset(), next.span.start.line)
    }
}

/// `at Line: 1, Column: 8` at the end of a message: the line, and the byte.
fn location(message: &str) -> Option<(u64, usize)> {
    let (_, place) = message.rsplit_once(" at Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    let column: usize = column.trim().parse().ok()?;
    Some((line.trim().parse().ok()?, column.checked_sub(1)?))
}

fn is_name(word: &Word) -> bool {
    word.quote_style.is_some()
        || (!word.value.starts_with('@')
            && (word.keyword == Keyword::NoKeyword || !is_reserved(word.keyword)))
}
