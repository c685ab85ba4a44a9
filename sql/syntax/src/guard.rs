//! Bounds on how deep a statement nests and how long its chains are, kept while
//! lexing.
//!
//! A chain `1 + 1 + 1 ...` is a loop for the parser and yet a tree as deep as the
//! chain is long, for whoever walks or drops it. `((SELECT` is tried first as a
//! subquery and then as a join, so the cost of nesting it is a product.
//!
//! Invariants
//! - G1: no more than `MAX_DEPTH` parentheses and CASEs are open at once.
//! - G2: no more than `MAX_CHAIN` operators follow each other without a comma.
//! - G3: the product of the parentheses before each nested SELECT is at most `MAX_RETRIES`.
//! - G4: a statement has at most `MAX_SETS` UNIONs.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

use crate::error::SyntaxError;

/// Parentheses and CASEs open at once.
pub(crate) const MAX_DEPTH: usize = 200;
/// Operators in one chain.
pub(crate) const MAX_CHAIN: usize = 2000;
/// How often the parser may read the same text.
const MAX_RETRIES: u64 = 4096;
/// UNION, EXCEPT and INTERSECT in one statement.
pub(crate) const MAX_SETS: usize = 500;

#[derive(Debug, Clone, Copy)]
struct Level {
    is_case: bool,
    chain: usize,
    retries: u64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Guard {
    levels: Vec<Level>,
    /// `(` right before the next token.
    opened: u64,
    sets: usize,
}

impl Default for Guard {
    fn default() -> Self {
        let ground = Level { is_case: false, chain: 0, retries: 1 };
        Self { levels: vec![ground], opened: 0, sets: 0 }
    }
}

impl Guard {
    /// Takes the next token into account.
    pub(crate) fn see(&mut self, token: &Token) -> Result<(), SyntaxError> {
        match token {
            Token::LParen => {
                self.opened += 1;
                return self.open(false);
            }
            Token::RParen => self.close(),
            Token::Comma => self.restart(),
            Token::Word(word) => self.word(word.keyword)?,
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::HexStringLiteral(_)
            | Token::Placeholder(_)
            | Token::Period => {}
            _ => self.chain(1)?,
        }
        self.opened = 0;
        Ok(())
    }

    fn word(&mut self, keyword: Keyword) -> Result<(), SyntaxError> {
        match keyword {
            Keyword::CASE => self.open(true),
            Keyword::END => {
                if self.levels.len() > 1 && self.levels.last().is_some_and(|top| top.is_case) {
                    self.levels.pop();
                }
                Ok(())
            }
            Keyword::WHEN | Keyword::THEN | Keyword::ELSE | Keyword::ON => {
                self.restart();
                Ok(())
            }
            Keyword::SELECT | Keyword::WITH | Keyword::VALUES => self.retry(),
            Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT => {
                self.sets += 1;
                if self.sets > MAX_SETS {
                    return Err(SyntaxError::TooDeep(MAX_SETS));
                }
                self.chain(1)
            }
            Keyword::AND
            | Keyword::OR
            | Keyword::XOR
            | Keyword::NOT
            | Keyword::IS
            | Keyword::IN
            | Keyword::LIKE
            | Keyword::RLIKE
            | Keyword::REGEXP
            | Keyword::BETWEEN
            | Keyword::COLLATE
            | Keyword::BINARY
            | Keyword::MEMBER => self.chain(1),
            // Its left side is copied.
            Keyword::DIV => self.chain(20),
            _ => Ok(()),
        }
    }

    fn open(&mut self, is_case: bool) -> Result<(), SyntaxError> {
        let retries = self.levels.last().map_or(1, |top| top.retries);
        self.levels.push(Level { is_case, chain: 0, retries });
        if self.levels.len() > MAX_DEPTH { Err(SyntaxError::TooDeep(MAX_DEPTH)) } else { Ok(()) }
    }

    fn close(&mut self) {
        while self.levels.len() > 1 {
            match self.levels.pop() {
                Some(level) if level.is_case => {}
                _ => break,
            }
        }
    }

    fn restart(&mut self) {
        if let Some(top) = self.levels.last_mut() {
            top.chain = 0;
        }
    }

    fn chain(&mut self, weight: usize) -> Result<(), SyntaxError> {
        let Some(top) = self.levels.last_mut() else { return Ok(()) };
        top.chain += weight;
        if top.chain > MAX_CHAIN { Err(SyntaxError::TooDeep(MAX_CHAIN)) } else { Ok(()) }
    }

    fn retry(&mut self) -> Result<(), SyntaxError> {
        let Some(top) = self.levels.last_mut() else { return Ok(()) };
        top.retries = top.retries.saturating_mul(self.opened.max(1));
        if top.retries > MAX_RETRIES { Err(SyntaxError::TooDeep(MAX_DEPTH)) } else { Ok(()) }
    }
}
