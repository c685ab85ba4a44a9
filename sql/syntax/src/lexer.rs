//! Bytes to tokens, one statement at a time, by MySQL's rules.
//!
//! The tokens are `sqlparser`'s, so that its parser reads them; its tokenizer is
//! not used. A token's `Location` holds the line and, as `column`, the byte
//! offset plus one.
//!
//! Invariants
//! - L1: a text that is not UTF-8 becomes a hexadecimal literal of the same bytes.
//! - L2: what is inside an executable comment that applies is lexed as if the
//!   comment's marks were blanks.
//! - L3: no token chain or nesting gets past the bounds of `guard`.
//!
//! Not here: which tokens make a statement (`parse`).

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Word};

use crate::error::SyntaxError;
use crate::guard::Guard;
use crate::mode::ParseMode;
use crate::words::{is_reserved, keyword_of};

/// The tokens of one statement.
#[derive(Debug, Default)]
pub(crate) struct Raw {
    pub(crate) tokens: Vec<TokenWithSpan>,
    /// How many `?` there are.
    pub(crate) params: usize,
    /// True if the statement was ended by `;`.
    pub(crate) closed: bool,
}

/// Cuts a text into statements.
pub(crate) struct Lexer<'a> {
    pub(crate) source: &'a [u8],
    mode: &'a ParseMode,
    at: usize,
    line: u64,
    in_executable: bool,
    /// The last token is a text in quotes: another one right after joins it.
    after_text: bool,
    guard: Guard,
    raw: Raw,
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(source: &'a [u8], mode: &'a ParseMode) -> Self {
        Self {
            source,
            mode,
            at: 0,
            line: 1,
            in_executable: false,
            after_text: false,
            guard: Guard::default(),
            raw: Raw::default(),
        }
    }

    /// The next statement that has tokens; `None` at the end of the text.
    pub(crate) fn next_statement(&mut self) -> Result<Option<Raw>, SyntaxError> {
        loop {
            let mut raw = self.one_statement()?;
            if !raw.tokens.is_empty() {
                if raw.closed {
                    // Blanks and stray semicolons after the last statement are no statement.
                    self.skip_empty()?;
                }
                return Ok(Some(raw));
            }
            if !std::mem::take(&mut raw.closed) {
                return Ok(None);
            }
        }
    }

    /// True when nothing is left but blanks.
    pub(crate) fn is_done(&self) -> bool {
        self.at >= self.source.len()
    }

    /// The 1064 for what follows the last statement.
    pub(crate) fn error_here(&self) -> SyntaxError {
        SyntaxError::near(self.source, self.at, self.line)
    }

    fn skip_empty(&mut self) -> Result<(), SyntaxError> {
        loop {
            self.skip_blanks()?;
            if self.peek(0) == Some(b';') {
                self.at += 1;
            } else {
                return Ok(());
            }
        }
    }

    fn one_statement(&mut self) -> Result<Raw, SyntaxError> {
        // About one token in four bytes.
        let left = self.source.len() - self.at.min(self.source.len());
        self.raw = Raw { tokens: Vec::with_capacity((left / 4 + 4).min(256)), ..Raw::default() };
        self.after_text = false;
        self.guard = Guard::default();
        loop {
            self.skip_blanks()?;
            match self.peek(0) {
                None => break,
                Some(b';') => {
                    self.at += 1;
                    self.raw.closed = true;
                    break;
                }
                Some(byte) => self.token(byte)?,
            }
        }
        Ok(std::mem::take(&mut self.raw))
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.source.get(self.at + ahead).copied()
    }

    fn fail_at(&self, at: usize) -> SyntaxError {
        SyntaxError::near(self.source, at, self.line)
    }

    fn push(&mut self, token: Token, start: usize) -> Result<(), SyntaxError> {
        self.guard.see(&token)?;
        self.after_text = false;
        let location =
            |at: usize| Location { line: self.line, column: (at as u64).saturating_add(1) };
        let span = Span { start: location(start), end: location(self.at) };
        self.raw.tokens.push(TokenWithSpan { token, span });
        Ok(())
    }

    fn skip_blanks(&mut self) -> Result<(), SyntaxError> {
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\n' => {
                    self.line += 1;
                    self.at += 1;
                }
                b' ' | b'\t' | b'\r' | 0x0b | 0x0c => self.at += 1,
                b'#' => self.skip_line(),
                b'-' if self.peek(1) == Some(b'-')
                    && self.peek(2).is_none_or(|next| next <= b' ') =>
                {
                    self.skip_line();
                }
                b'/' if self.peek(1) == Some(b'*') => self.comment()?,
                b'*' if self.in_executable && self.peek(1) == Some(b'/') => {
                    self.in_executable = false;
                    self.at += 2;
                }
                _ => break,
            }
        }
        Ok(())
    }

    fn skip_line(&mut self) {
        let rest = &self.source[self.at..];
        self.at += rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
    }

    /// At `/*`: opens an executable comment that applies, skips every other.
    fn comment(&mut self) -> Result<(), SyntaxError> {
        if self.peek(2) == Some(b'!') && !self.in_executable {
            let digits: Vec<u8> = self.source[self.at + 3..]
                .iter()
                .copied()
                .take(6)
                .take_while(u8::is_ascii_digit)
                .collect();
            let version = digits
                .iter()
                .fold(0_u32, |sum, digit| sum.saturating_mul(10) + u32::from(digit - b'0'));
            let (length, applies) = match digits.len() {
                5 | 6 => (digits.len(), version <= self.mode.version),
                _ => (0, true),
            };
            if applies {
                self.in_executable = true;
                self.at += 3 + length;
                return Ok(());
            }
        }
        let start = self.at;
        let mut at = self.at + 2;
        loop {
            match (self.source.get(at), self.source.get(at + 1)) {
                (Some(b'*'), Some(b'/')) => break,
                (Some(b'\n'), _) => {
                    self.line += 1;
                    at += 1;
                }
                (Some(_), _) => at += 1,
                (None, _) => return Err(self.fail_at(start)),
            }
        }
        self.at = at + 2;
        Ok(())
    }

    fn token(&mut self, byte: u8) -> Result<(), SyntaxError> {
        match byte {
            b'\'' => self.text(b'\''),
            b'"' if !self.mode.ansi_quotes => self.text(b'"'),
            b'"' | b'`' => {
                let start = self.at;
                let name = self.quoted_name(byte)?;
                self.push(quoted(name), start)
            }
            b'@' => self.variable(),
            b'0'..=b'9' => self.number(),
            b'.' if self.peek(1).is_some_and(|next| next.is_ascii_digit()) && !self.touches() => {
                self.number()
            }
            b'x' | b'X' if self.peek(1) == Some(b'\'') => self.hex_text(),
            b'b' | b'B' if self.peek(1) == Some(b'\'') => self.bit_text(),
            b'n' | b'N' if self.peek(1) == Some(b'\'') => {
                self.at += 1;
                self.text(b'\'')
            }
            _ if is_word_byte(byte) => self.word(),
            _ => self.operator(byte),
        }
    }

    /// True if the byte before is the end of a name: `t.1` has no number in it.
    fn touches(&self) -> bool {
        self.raw.tokens.last().is_some_and(|last| {
            matches!(last.token, Token::Word(_)) && last.span.end.column == self.at as u64 + 1
        })
    }

    // ---- texts -----------------------------------------------------------

    fn text(&mut self, quote: u8) -> Result<(), SyntaxError> {
        let start = self.at;
        let joins = self.after_text;
        let bytes = self.quoted_bytes(quote)?;
        let token = match (joins, self.raw.tokens.last_mut()) {
            (true, Some(last)) => {
                let mut all = text_bytes(&last.token);
                all.extend_from_slice(&bytes);
                last.token = text_token(all);
                last.span.end.column = self.at as u64 + 1;
                return Ok(());
            }
            _ => text_token(bytes),
        };
        self.push(token, start)?;
        self.after_text = true;
        Ok(())
    }

    /// The bytes between quotes, escapes and doubled quotes resolved.
    fn quoted_bytes(&mut self, quote: u8) -> Result<Vec<u8>, SyntaxError> {
        let start = self.at;
        let first_line = self.line;
        let mut at = self.at + 1;
        let mut bytes = Vec::new();
        let mut from = at;
        loop {
            let Some(&byte) = self.source.get(at) else {
                return Err(SyntaxError::near(self.source, start, first_line));
            };
            if byte == quote {
                bytes.extend_from_slice(&self.source[from..at]);
                if self.source.get(at + 1) != Some(&quote) {
                    break;
                }
                bytes.push(quote);
                at += 2;
                from = at;
            } else if byte == b'\\' && !self.mode.no_backslash_escapes {
                bytes.extend_from_slice(&self.source[from..at]);
                let Some(&next) = self.source.get(at + 1) else {
                    return Err(SyntaxError::near(self.source, start, first_line));
                };
                escape(next, &mut bytes);
                self.line += u64::from(next == b'\n');
                at += 2;
                from = at;
            } else {
                self.line += u64::from(byte == b'\n');
                at += 1;
            }
        }
        self.at = at + 1;
        Ok(bytes)
    }

    fn quoted_name(&mut self, quote: u8) -> Result<String, SyntaxError> {
        let start = self.at;
        let mut name = Vec::new();
        let mut at = self.at + 1;
        loop {
            match (self.source.get(at), self.source.get(at + 1)) {
                (Some(&byte), Some(&next)) if byte == quote && next == quote => {
                    name.push(quote);
                    at += 2;
                }
                (Some(&byte), _) if byte == quote => break,
                (Some(&byte), _) => {
                    self.line += u64::from(byte == b'\n');
                    name.push(byte);
                    at += 1;
                }
                (None, _) => return Err(self.fail_at(start)),
            }
        }
        self.at = at + 1;
        utf8(&name)
    }

    fn hex_text(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        self.at += 1;
        let digits = self.quoted_bytes(b'\'')?;
        if digits.len() % 2 != 0 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(self.fail_at(start));
        }
        self.push(Token::HexStringLiteral(utf8(&digits)?), start)
    }

    fn bit_text(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        self.at += 1;
        let digits = self.quoted_bytes(b'\'')?;
        if !digits.iter().all(|digit| matches!(digit, b'0' | b'1')) {
            return Err(self.fail_at(start));
        }
        self.push(Token::HexStringLiteral(bits_to_hex(&digits)), start)
    }

    // ---- numbers, names, variables ---------------------------------------

    fn number(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        let run = |from: usize, accept: fn(&u8) -> bool| {
            self.source[from..].iter().take_while(|byte| accept(byte)).count()
        };
        let word_follows = |at: usize| self.source.get(at).is_some_and(|&byte| is_word_byte(byte));
        if self.source[start] == b'0' && matches!(self.peek(1), Some(b'x' | b'b')) {
            let is_hex = self.peek(1) == Some(b'x');
            let accept =
                if is_hex { u8::is_ascii_hexdigit } else { |b: &u8| matches!(b, b'0' | b'1') };
            let count = run(start + 2, accept);
            let end = start + 2 + count;
            if count > 0 && !word_follows(end) {
                let digits = &self.source[start + 2..end];
                let hex = if is_hex { even_hex(digits) } else { bits_to_hex(digits) };
                self.at = end;
                return self.push(Token::HexStringLiteral(hex), start);
            }
        }
        let digit: fn(&u8) -> bool = u8::is_ascii_digit;
        let mut end = start + run(start, digit);
        let whole = end;
        if self.source.get(end) == Some(&b'.') {
            end += 1 + run(end + 1, digit);
        }
        if matches!(self.source.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.source.get(end + 1), Some(b'+' | b'-')));
            let count = run(end + 1 + sign, digit);
            if count > 0 {
                end += 1 + sign + count;
            }
        }
        // `1a` is a name; `1.5a` is a number and a name.
        if end == whole && word_follows(end) {
            return self.word();
        }
        self.at = end;
        let text = utf8(&self.source[start..end])?;
        self.push(Token::Number(text, false), start)
    }

    fn word(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        let rest = &self.source[start..];
        let length = rest.iter().position(|&byte| !is_word_byte(byte)).unwrap_or(rest.len());
        self.at += length;
        let value = utf8(&rest[..length])?;
        let after_period =
            matches!(self.raw.tokens.last(), Some(TokenWithSpan { token: Token::Period, .. }));
        let keyword = if after_period { Keyword::NoKeyword } else { keyword_of(&value) };
        if !after_period && value.eq_ignore_ascii_case("MOD") && self.after_operand() {
            return self.push(Token::Mod, start);
        }
        self.push(Token::Word(Word { value, quote_style: None, keyword }), start)
    }

    /// True if the last token ends an operand, so that an operator comes next.
    fn after_operand(&self) -> bool {
        match self.raw.tokens.last().map(|last| &last.token) {
            // A statement's first word, `DO` among them, is no operand.
            Some(Token::Word(_)) if self.raw.tokens.len() == 1 => false,
            Some(Token::Word(word)) => word.quote_style.is_some() || !is_reserved(word.keyword),
            Some(Token::Number(..) | Token::SingleQuotedString(_) | Token::HexStringLiteral(_)) => {
                true
            }
            Some(Token::RParen | Token::Placeholder(_)) => true,
            _ => false,
        }
    }

    /// `@name`, `@'name'`, `@@name`, `@@scope.name`: one word that starts with `@`.
    fn variable(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        let mut value = String::from("@");
        self.at += 1;
        if self.peek(0) == Some(b'@') {
            value.push('@');
            self.at += 1;
        }
        loop {
            match self.peek(0) {
                Some(b'`') => value.push_str(&self.quoted_name(b'`')?),
                Some(quote @ (b'\'' | b'"')) if value == "@" => {
                    let bytes = self.quoted_bytes(quote)?;
                    value.push_str(&utf8(&bytes)?);
                }
                Some(byte) if is_word_byte(byte) || byte == b'.' => {
                    let rest = &self.source[self.at..];
                    let length = rest
                        .iter()
                        .position(|&byte| !is_word_byte(byte) && byte != b'.')
                        .unwrap_or(rest.len());
                    value.push_str(&utf8(&rest[..length])?);
                    self.at += length;
                    if value.starts_with("@@") && value.ends_with('.') {
                        continue;
                    }
                }
                // `@@`session`.x`
                Some(_) | None => {}
            }
            break;
        }
        if value.starts_with("@@") && value.len() == 2 {
            return Err(self.fail_at(start));
        }
        self.push(
            Token::Word(Word { value, quote_style: None, keyword: Keyword::NoKeyword }),
            start,
        )
    }

    fn operator(&mut self, byte: u8) -> Result<(), SyntaxError> {
        let start = self.at;
        let word = |value: &str, keyword| {
            Token::Word(Word { value: value.to_owned(), quote_style: None, keyword })
        };
        let next = self.peek(1);
        let (token, length) = match (byte, next) {
            (b'<', Some(b'=')) if self.peek(2) == Some(b'>') => (Token::Spaceship, 3),
            (b'-', Some(b'>')) if self.peek(2) == Some(b'>') => (Token::LongArrow, 3),
            (b'-', Some(b'>')) => (Token::Arrow, 2),
            (b'<', Some(b'=')) => (Token::LtEq, 2),
            (b'>', Some(b'=')) => (Token::GtEq, 2),
            (b'<', Some(b'>')) | (b'!', Some(b'=')) => (Token::Neq, 2),
            (b'<', Some(b'<')) => (Token::ShiftLeft, 2),
            (b'>', Some(b'>')) => (Token::ShiftRight, 2),
            (b':', Some(b'=')) => (Token::Assignment, 2),
            (b'&', Some(b'&')) => (word("AND", Keyword::AND), 2),
            (b'|', Some(b'|')) if self.mode.pipes_as_concat => (Token::StringConcat, 2),
            (b'|', Some(b'|')) => (word("OR", Keyword::OR), 2),
            (b',', _) => (Token::Comma, 1),
            (b'(', _) => (Token::LParen, 1),
            (b')', _) => (Token::RParen, 1),
            (b'=', _) => (Token::Eq, 1),
            (b'<', _) => (Token::Lt, 1),
            (b'>', _) => (Token::Gt, 1),
            (b'.', _) => (Token::Period, 1),
            (b'*', _) => (Token::Mul, 1),
            (b'+', _) => (Token::Plus, 1),
            (b'-', _) => (Token::Minus, 1),
            (b'/', _) => (Token::Div, 1),
            (b'%', _) => (Token::Mod, 1),
            (b'!', _) => (Token::ExclamationMark, 1),
            (b'~', _) => (Token::Tilde, 1),
            (b'^', _) => (Token::Caret, 1),
            (b'&', _) => (Token::Ampersand, 1),
            (b'|', _) => (Token::Pipe, 1),
            (b'{', _) => (Token::LBrace, 1),
            (b'}', _) => (Token::RBrace, 1),
            (b'?', _) => {
                // Numbered here: what a tree's order is does not matter then.
                let mark = format!("?{}", self.raw.params);
                self.raw.params += 1;
                (Token::Placeholder(mark), 1)
            }
            _ => return Err(self.fail_at(start)),
        };
        self.at += length;
        self.push(token, start)
    }
}

fn quoted(value: String) -> Token {
    Token::Word(Word { value, quote_style: Some('`'), keyword: Keyword::NoKeyword })
}

fn escape(byte: u8, bytes: &mut Vec<u8>) {
    match byte {
        b'0' => bytes.push(0),
        b'b' => bytes.push(8),
        b'n' => bytes.push(b'\n'),
        b'r' => bytes.push(b'\r'),
        b't' => bytes.push(b'\t'),
        b'Z' => bytes.push(26),
        // For LIKE: the backslash stays.
        b'%' | b'_' => bytes.extend_from_slice(&[b'\\', byte]),
        other => bytes.push(other),
    }
}

/// L1.
fn text_token(bytes: Vec<u8>) -> Token {
    match String::from_utf8(bytes) {
        Ok(text) => Token::SingleQuotedString(text),
        Err(not_text) => Token::HexStringLiteral(to_hex(not_text.as_bytes())),
    }
}

fn text_bytes(token: &Token) -> Vec<u8> {
    match token {
        Token::SingleQuotedString(text) => text.as_bytes().to_vec(),
        Token::HexStringLiteral(hex) => from_hex(hex),
        _ => Vec::new(),
    }
}

fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut hex = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        hex.push(char::from(DIGITS[usize::from(byte >> 4)]));
        hex.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    hex
}

/// The bytes of hexadecimal digits.
pub(crate) fn from_hex(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as u8;
    hex.as_bytes()
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |sum, &byte| sum << 4 | digit(byte)))
        .collect()
}

fn even_hex(digits: &[u8]) -> String {
    let zero = if digits.len() % 2 == 1 { "0" } else { "" };
    format!("{zero}{}", String::from_utf8_lossy(digits))
}

fn bits_to_hex(digits: &[u8]) -> String {
    let bytes: Vec<u8> = digits
        .rchunks(8)
        .rev()
        .map(|chunk| chunk.iter().fold(0, |sum, digit| sum << 1 | (digit - b'0')))
        .collect();
    to_hex(&bytes)
}

fn utf8(bytes: &[u8]) -> Result<String, SyntaxError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(wrong) => {
            let rest = &bytes[wrong.valid_up_to()..];
            let shown: String = rest.iter().take(6).map(|byte| format!("\\x{byte:02X}")).collect();
            Err(SyntaxError::Encoding(shown))
        }
    }
}
