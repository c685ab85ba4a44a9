//! Bytes become lines of fields, as MySQL reads a file.
//!
//! ```text
//! push  --> |consumed| unfinished line ...|        next: one line, or more is wanted
//!                     ^at                          finish: what is left is a line, too
//! ```
//!
//! - F1: where the input is cut makes no difference: a line is taken when its end, or
//!   the input's, is there.
//! - F2: a line is looked at again only when there is twice as much of it, so that a
//!   long one costs what its length is.
//! - F3: fields that hold no escape are not copied.
//!
//! What is odd is MySQL's (`READ_INFO` of its `sql_load.cc`) and kept: text after the
//! last column is skipped up to a line's end without regard to quotes, an enclosed
//! field ends only where a terminator or the end follows its quote, and a quote that
//! is open at the end of the file is a part of the text.
//!
//! Not here: what a field means (`charset`, `fill`).

use super::format::Format;

/// Below this a line is looked at again whenever more of it is there. [bytes]
const SMALL: usize = 64 << 10;

/// Reads lines from pieces of a file.
#[derive(Debug)]
pub struct Splitter {
    format: Format,
    /// Fields that are wanted of each line.
    columns: usize,
    /// Bytes that a run of text ends at, to be looked at.
    special: [bool; 256],
    skip: u64,
    buffer: Vec<u8>,
    /// `buffer[..at]` is done with.
    at: usize,
    /// F2: so much must be there.
    wanted: usize,
    unfinished: usize,
    is_last: bool,
    is_over: bool,
    parts: Vec<Part>,
    /// Fields that are not in the buffer as they are.
    copied: Vec<u8>,
    is_cut: bool,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    from: usize,
    to: usize,
    is_copied: bool,
    is_null: bool,
}

/// A line.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    parts: &'a [Part],
    buffer: &'a [u8],
    copied: &'a [u8],
    /// There is more on the line than columns.
    pub is_cut: bool,
}

impl<'a> Line<'a> {
    /// How many fields it has, at least one.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// The length of its fields. [bytes]
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.to - part.from + 1).sum()
    }

    /// A field; `None` is NULL.
    pub fn field(&self, at: usize) -> Option<&'a [u8]> {
        let part = &self.parts[at];
        let bytes = if part.is_copied { self.copied } else { self.buffer };
        (!part.is_null).then(|| &bytes[part.from..part.to])
    }
}

/// The line goes on beyond what is there.
struct More;

impl Splitter {
    /// Of a file whose lines have `columns` fields that matter, one at least.
    pub fn new(format: Format, columns: usize) -> Self {
        let mut special = [false; 256];
        let ends = [format.field_end.first(), format.line_end.first()];
        let singles = [format.enclosed.as_ref(), format.escaped.as_ref()];
        for byte in ends.into_iter().chain(singles).flatten() {
            special[usize::from(*byte)] = true;
        }
        let skip = format.skip;
        Self {
            format,
            columns,
            special,
            skip,
            buffer: Vec::new(),
            at: 0,
            wanted: 0,
            unfinished: 0,
            is_last: false,
            is_over: false,
            parts: Vec::new(),
            copied: Vec::new(),
            is_cut: false,
        }
    }

    /// More of the file.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The file has ended.
    pub fn finish(&mut self) {
        self.is_last = true;
    }

    /// How much there is of a line that has no end yet. [bytes]
    pub fn unfinished(&self) -> usize {
        self.unfinished
    }

    /// The next line; `None`: more is wanted, or the file is over.
    pub fn next_line(&mut self) -> Option<Line<'_>> {
        loop {
            let there = self.buffer.len() - self.at;
            if self.is_over || (there < self.wanted && !self.is_last) {
                return None;
            }
            let is_skipped = self.skip > 0;
            let mut scan = Scan {
                format: &self.format,
                special: &self.special,
                bytes: &self.buffer[self.at..],
                is_last: self.is_last,
                pos: 0,
                line_is_over: false,
                is_over: false,
            };
            let (parts, copied) = (&mut self.parts, &mut self.copied);
            parts.clear();
            copied.clear();
            let read = match is_skipped {
                true => scan.rest_of_line(),
                false => scan.line(self.columns, (&mut *parts, copied)),
            };
            let Ok(is_cut) = read else {
                self.unfinished = there;
                self.wanted = if there < SMALL { there + 1 } else { there * 2 };
                return None;
            };
            let start = self.at;
            self.at += scan.pos;
            self.is_over = scan.is_over;
            (self.wanted, self.unfinished) = (0, 0);
            if is_skipped {
                self.skip -= 1;
                continue;
            }
            if parts.is_empty() {
                self.is_over = true;
                return None;
            }
            self.is_cut = is_cut;
            return Some(Line {
                parts: &self.parts,
                buffer: &self.buffer[start..],
                copied: &self.copied,
                is_cut,
            });
        }
    }
}

/// One look at a line, from its first byte on.
struct Scan<'a> {
    format: &'a Format,
    special: &'a [bool; 256],
    bytes: &'a [u8],
    is_last: bool,
    pos: usize,
    /// The last field ended with its line.
    line_is_over: bool,
    /// The file ended.
    is_over: bool,
}

impl Scan<'_> {
    /// A line's fields; true where it has more than `columns`.
    fn line(
        &mut self,
        columns: usize,
        (parts, copied): (&mut Vec<Part>, &mut Vec<u8>),
    ) -> Result<bool, More> {
        if !self.format.line_start.is_empty() && !self.start()? {
            return Ok(false);
        }
        while parts.len() < columns && !self.line_is_over {
            match self.field(copied)? {
                Some(part) => parts.push(part),
                None => break,
            }
        }
        match self.line_is_over || parts.is_empty() {
            true => Ok(false),
            false => self.rest_of_line(),
        }
    }

    /// Passes over what stands before a line's start; false where there is none.
    fn start(&mut self) -> Result<bool, More> {
        let start = &self.format.line_start;
        loop {
            let rest = &self.bytes[self.pos..];
            match rest.iter().position(|byte| *byte == start[0]) {
                None => return self.end().map(|()| false),
                Some(at) => self.pos += at,
            }
            if self.has(start, self.pos)? {
                self.pos += start.len();
                return Ok(true);
            }
            self.pos += 1;
        }
    }

    /// The input ends here, or more of it is needed.
    fn end(&mut self) -> Result<(), More> {
        if !self.is_last {
            return Err(More);
        }
        self.pos = self.bytes.len();
        (self.is_over, self.line_is_over) = (true, true);
        Ok(())
    }

    /// The byte at `at`, `None` behind the last one.
    fn peek(&self, at: usize) -> Result<Option<u8>, More> {
        match self.bytes.get(at) {
            None if !self.is_last => Err(More),
            byte => Ok(byte.copied()),
        }
    }

    /// Whether a terminator stands at `at`; an empty one never does.
    fn has(&self, term: &[u8], at: usize) -> Result<bool, More> {
        let there = &self.bytes[at.min(self.bytes.len())..];
        if there.len() >= term.len() {
            return Ok(!term.is_empty() && there.starts_with(term));
        }
        match !self.is_last && term.starts_with(there) {
            true => Err(More),
            false => Ok(false),
        }
    }

    /// A field; none where the file ends instead.
    fn field(&mut self, copied: &mut Vec<u8>) -> Result<Option<Part>, More> {
        let Some(first) = self.peek(self.pos)? else {
            self.end()?;
            return Ok(None);
        };
        let quote = self.format.enclosed.filter(|quote| *quote == first);
        self.pos += usize::from(quote.is_some());
        let mut text = Run { from: self.pos, copy: None, copied, has_null: false };
        loop {
            let rest = &self.bytes[self.pos..];
            match rest.iter().position(|byte| self.special[usize::from(*byte)]) {
                Some(at) => self.pos += at,
                None => return self.open_end(text, quote).map(Some),
            }
            let byte = self.bytes[self.pos];
            if self.format.escaped == Some(byte) {
                match self.peek(self.pos + 1)? {
                    None => {
                        self.pos += 1;
                        return self.open_end(text, quote).map(Some);
                    }
                    // Escaped by what encloses: doubled, and nothing else.
                    Some(next) if self.format.enclosed != Some(byte) || next == byte => {
                        text.take(self.bytes, self.pos, unescape(next));
                        text.has_null |= next == b'N';
                        self.pos += 2;
                        text.from = self.pos;
                        continue;
                    }
                    Some(_) => {}
                }
            }
            let end = self.pos;
            match quote {
                Some(quote) if quote == byte => {
                    let next = self.peek(end + 1)?;
                    if next == Some(quote) {
                        text.take(self.bytes, end, quote);
                        self.pos += 2;
                        text.from = self.pos;
                    } else if next.is_none() || self.ends_at(end + 1)? {
                        self.line_is_over |= next.is_none();
                        self.pos = self.pos.max(end + 1);
                        return Ok(Some(self.part(text, end, true)));
                    } else {
                        self.pos += 1;
                    }
                }
                Some(_) => self.pos += 1,
                None if self.ends_at(end)? => return Ok(Some(self.part(text, end, false))),
                None => self.pos += 1,
            }
        }
    }

    /// Whether the field ends with a terminator at `at`, which is passed over then.
    fn ends_at(&mut self, at: usize) -> Result<bool, More> {
        let format = self.format;
        if self.has(&format.line_end, at)? {
            self.line_is_over = true;
            self.pos = at + format.line_end.len();
            return Ok(true);
        }
        let ends = self.has(&format.field_end, at)?;
        if ends {
            self.pos = at + format.field_end.len();
        }
        Ok(ends)
    }

    /// The file ends within a field.
    fn open_end(&mut self, mut text: Run<'_>, quote: Option<u8>) -> Result<Part, More> {
        self.end()?;
        if let Some(quote) = quote {
            match text.copy {
                Some(from) => text.copied.insert(from, quote),
                None => text.from -= 1,
            }
        }
        Ok(self.part(text, self.bytes.len(), false))
    }

    fn part(&self, text: Run<'_>, end: usize, is_enclosed: bool) -> Part {
        let has_null = text.has_null;
        let (from, to, is_copied) = match text.copy {
            Some(from) => {
                text.copied.extend_from_slice(&self.bytes[text.from..end]);
                (from, text.copied.len(), true)
            }
            None => (text.from, end, false),
        };
        let bytes = if is_copied { &text.copied[from..to] } else { &self.bytes[from..to] };
        let is_word = !is_enclosed && self.format.enclosed.is_some() && bytes == b"NULL";
        Part { from, to, is_copied, is_null: is_word || (has_null && to - from == 1) }
    }

    /// Passes over the rest of a line; true where there is any.
    fn rest_of_line(&mut self) -> Result<bool, More> {
        if self.format.line_end.is_empty() {
            return Ok(false);
        }
        let mut is_cut = false;
        loop {
            let Some(byte) = self.peek(self.pos)? else {
                self.end()?;
                return Ok(false);
            };
            if self.format.escaped == Some(byte) {
                self.peek(self.pos + 1)?;
                self.pos = (self.pos + 2).min(self.bytes.len());
            } else if self.has(&self.format.line_end, self.pos)? {
                self.pos += self.format.line_end.len();
                return Ok(is_cut);
            } else {
                self.pos += 1;
            }
            is_cut = true;
        }
    }
}

/// The text of a field so far.
struct Run<'a> {
    /// What was not looked at begins here.
    from: usize,
    /// It is copied, from here on (F3).
    copy: Option<usize>,
    copied: &'a mut Vec<u8>,
    /// `\N` was in it.
    has_null: bool,
}

impl Run<'_> {
    /// What was read up to `to`, and a byte in the place of what stands there.
    fn take(&mut self, bytes: &[u8], to: usize, byte: u8) {
        self.copy.get_or_insert(self.copied.len());
        self.copied.extend_from_slice(&bytes[self.from..to]);
        self.copied.push(byte);
    }
}

fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 8,
        b'0' => 0,
        b'Z' => 0x1a,
        other => other,
    }
}

#[cfg(test)]
mod tests;
