//! Paths into documents: `$.key`, `$."a key"`, `$[0]`, `$[last-1]`, `$[0 to 2]`,
//! `$.*`, `$[*]`, `$**.key`.
//!
//! What is no array counts as an array of itself where a path asks for a cell.

use std::collections::BTreeSet;

use holdfast_value::ValueError;
use serde_json::Value as Json;

use super::doc;

/// A cell of an array.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell {
    FromStart(usize),
    /// 0 is the last.
    FromEnd(usize),
}

/// A step of a path.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Leg {
    Key(String),
    AnyKey,
    Cell(Cell),
    Range(Cell, Cell),
    AnyCell,
    /// `**`: the document and everything in it.
    Deep,
}

/// A path.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Path {
    pub legs: Vec<Leg>,
}

impl Cell {
    /// Where it is in an array of so many; `None` before its start.
    pub fn resolve(self, len: usize) -> Option<usize> {
        match self {
            Self::FromStart(at) => Some(at),
            Self::FromEnd(back) => len.checked_sub(back.checked_add(1)?),
        }
    }
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// 3143.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let mut reader = Reader { text, at: 0 };
        reader.path().ok_or_else(|| {
            let position = text[..reader.at.min(text.len())].chars().count().max(1);
            let message = format!(
                "Invalid JSON path expression. The error is around character position {position}."
            );
            doc::trouble(3143, "42000", message)
        })
    }

    /// True if it may name more than one part.
    pub fn is_wild(&self) -> bool {
        self.legs.iter().any(|leg| !matches!(leg, Leg::Key(_) | Leg::Cell(_)))
    }

    /// Refuses a wild path where one part must be named.
    ///
    /// # Errors
    /// 3149.
    pub fn exact(self) -> Result<Self, ValueError> {
        if self.is_wild() {
            let message = "In this situation, path expressions may not contain the * and ** \
                           tokens or an array range.";
            return Err(doc::trouble(3149, "42000", message.to_owned()));
        }
        Ok(self)
    }

    /// The parts that it names, each once.
    pub fn find<'d>(&self, doc: &'d Json) -> Vec<&'d Json> {
        let mut found = vec![doc];
        for leg in &self.legs {
            let mut next = Vec::new();
            for one in found {
                step(one, leg, &mut next);
            }
            if *leg == Leg::Deep || self.is_wild() {
                let mut seen = BTreeSet::new();
                next.retain(|one| seen.insert(std::ptr::from_ref::<Json>(one).addr()));
            }
            found = next;
        }
        found
    }

    /// The one part that it names, to be changed.
    pub fn find_mut<'d>(legs: &[Leg], doc: &'d mut Json) -> Option<&'d mut Json> {
        let mut one = doc;
        for leg in legs {
            one = match (leg, one) {
                (Leg::Key(key), Json::Object(map)) => map.get_mut(key)?,
                (Leg::Cell(cell), Json::Array(all)) => {
                    let at = cell.resolve(all.len())?;
                    all.get_mut(at)?
                }
                (Leg::Cell(cell), other) if cell.resolve(1) == Some(0) => other,
                _ => return None,
            };
        }
        Some(one)
    }
}

fn step<'d>(one: &'d Json, leg: &Leg, out: &mut Vec<&'d Json>) {
    match (leg, one) {
        (Leg::Key(key), Json::Object(map)) => out.extend(map.get(key)),
        (Leg::AnyKey, Json::Object(map)) => {
            out.extend(doc::members(map).into_iter().map(|(_, one)| one));
        }
        (Leg::AnyCell, Json::Array(all)) => out.extend(all),
        (Leg::Cell(cell), Json::Array(all)) => {
            out.extend(cell.resolve(all.len()).and_then(|at| all.get(at)));
        }
        (Leg::Cell(cell), _) if cell.resolve(1) == Some(0) => out.push(one),
        (Leg::Range(from, upto), Json::Array(all)) => {
            let from = from.resolve(all.len()).unwrap_or(0);
            let Some(upto) = upto.resolve(all.len()) else { return };
            let count = upto.saturating_add(1).saturating_sub(from);
            out.extend(all.iter().skip(from).take(count));
        }
        (Leg::Range(from, upto), _)
            if from.resolve(1).unwrap_or(0) == 0 && upto.resolve(1).is_some() =>
        {
            out.push(one);
        }
        (Leg::Deep, _) => deep(one, out),
        _ => {}
    }
}

fn deep<'d>(one: &'d Json, out: &mut Vec<&'d Json>) {
    out.push(one);
    match one {
        Json::Array(all) => all.iter().for_each(|one| deep(one, out)),
        Json::Object(map) => doc::members(map).into_iter().for_each(|(_, one)| deep(one, out)),
        _ => {}
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn spaces(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn take(&mut self, word: &str) -> bool {
        let is_next = self.text[self.at..].starts_with(word);
        self.at += if is_next { word.len() } else { 0 };
        is_next
    }

    fn path(&mut self) -> Option<Path> {
        let mut legs = Vec::new();
        self.spaces();
        if !self.take("$") {
            return None;
        }
        loop {
            self.spaces();
            let leg = match self.peek() {
                None => break,
                Some(b'.') => self.member()?,
                Some(b'[') => self.cell()?,
                Some(b'*') if self.take("**") => Leg::Deep,
                Some(_) => return None,
            };
            legs.push(leg);
            if legs.len() > doc::DEPTH_MAX {
                return None;
            }
        }
        (legs.last() != Some(&Leg::Deep)).then_some(Path { legs })
    }

    fn member(&mut self) -> Option<Leg> {
        self.at += 1;
        self.spaces();
        if self.take("*") {
            return Some(Leg::AnyKey);
        }
        let start = self.at;
        if self.take("\"") {
            let mut escaped = false;
            let rest = &self.text.as_bytes()[self.at..];
            let end = rest.iter().position(|byte| {
                let is_end = *byte == b'"' && !escaped;
                escaped = *byte == b'\\' && !escaped;
                is_end
            })?;
            self.at += end + 1;
            return serde_json::from_str(&self.text[start..self.at]).ok().map(Leg::Key);
        }
        let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        let name: String = self.text[start..].chars().take_while(|c| is_name(*c)).collect();
        self.at += name.len();
        let is_legal = name.chars().next().is_some_and(|c| !c.is_numeric());
        is_legal.then_some(Leg::Key(name))
    }

    fn cell(&mut self) -> Option<Leg> {
        self.at += 1;
        self.spaces();
        let leg = if self.take("*") {
            Leg::AnyCell
        } else {
            let from = self.position()?;
            self.spaces();
            if self.take("to") {
                self.spaces();
                let upto = self.position()?;
                let is_legal = match (from, upto) {
                    (Cell::FromStart(from), Cell::FromStart(upto)) => from <= upto,
                    (Cell::FromEnd(from), Cell::FromEnd(upto)) => from >= upto,
                    _ => true,
                };
                is_legal.then_some(Leg::Range(from, upto))?
            } else {
                Leg::Cell(from)
            }
        };
        self.spaces();
        self.take("]").then_some(leg)
    }

    fn position(&mut self) -> Option<Cell> {
        if !self.take("last") {
            return self.number().map(Cell::FromStart);
        }
        self.spaces();
        if !self.take("-") {
            return Some(Cell::FromEnd(0));
        }
        self.spaces();
        self.number().map(Cell::FromEnd)
    }

    fn number(&mut self) -> Option<usize> {
        let digits = self.text.as_bytes()[self.at..].iter().take_while(|b| b.is_ascii_digit());
        let end = self.at + digits.count();
        let number: u32 = self.text[self.at..end].parse().ok()?;
        self.at = end;
        usize::try_from(number).ok()
    }
}
