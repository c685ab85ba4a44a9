//! JSON as MySQL prints it: keys sorted by length, then bytes, the last of equal keys
//! kept; `", "` and `": "` between.
//!
//! Not here: functions over JSON (`func`).

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::CharIndices;

/// Arrays and objects lie within each other at most so deep.
pub const DEPTH_MAX: u32 = 100;

/// A text that is no JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonTrouble {
    /// What is wrong, in MySQL's words, quoted.
    pub what: String,
    /// Where. [bytes from the start]
    pub at: usize,
}

/// A key, ordered as MySQL orders keys.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key(usize, String);

/// Checks `text` and prints it as MySQL does.
///
/// # Errors
/// [`JsonTrouble`].
pub fn normalise(text: &str) -> Result<String, JsonTrouble> {
    let mut reader = Reader { text, rest: text.char_indices().peekable() };
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    reader.skip_spaces();
    if reader.rest.peek().is_none() {
        return Err(reader.trouble("The document is empty."));
    }
    reader.value(0, &mut out)?;
    reader.skip_spaces();
    match reader.rest.peek() {
        None => Ok(out),
        Some(_) => Err(reader.trouble("The document root must not be followed by other values.")),
    }
}

/// Appends a text as a JSON string.
pub fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Appends a double as MySQL's JSON has it: 1 is `1.0`.
pub fn write_double(value: f64, out: &mut String) {
    let mut bytes = Vec::new();
    crate::show::write_f64(value, &mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    out.push_str(&text);
    if !text.contains(['.', 'e']) {
        out.push_str(".0");
    }
}

struct Reader<'a> {
    text: &'a str,
    rest: Peekable<CharIndices<'a>>,
}

impl Reader<'_> {
    fn at(&mut self) -> usize {
        self.rest.peek().map_or(self.text.len(), |(at, _)| *at)
    }

    fn trouble(&mut self, what: &str) -> JsonTrouble {
        JsonTrouble { what: format!("\"{what}\""), at: self.at() }
    }

    fn skip_spaces(&mut self) {
        while self.rest.next_if(|(_, c)| matches!(c, ' ' | '\t' | '\n' | '\r')).is_some() {}
    }

    fn take(&mut self, wanted: char) -> bool {
        self.rest.next_if(|(_, c)| *c == wanted).is_some()
    }

    fn value(&mut self, depth: u32, out: &mut String) -> Result<(), JsonTrouble> {
        if depth >= DEPTH_MAX {
            return Err(self.trouble("The JSON document exceeds the maximum depth."));
        }
        match self.rest.peek().map(|(_, c)| *c) {
            Some('{') => self.object(depth, out),
            Some('[') => self.array(depth, out),
            Some('"') => {
                let text = self.string()?;
                write_string(&text, out);
                Ok(())
            }
            Some('-' | '0'..='9') => self.number(out),
            Some('t') => self.word("true", out),
            Some('f') => self.word("false", out),
            Some('n') => self.word("null", out),
            _ => Err(self.trouble("Invalid value.")),
        }
    }

    fn word(&mut self, word: &str, out: &mut String) -> Result<(), JsonTrouble> {
        for wanted in word.chars() {
            if !self.take(wanted) {
                return Err(self.trouble("Invalid value."));
            }
        }
        out.push_str(word);
        Ok(())
    }

    fn object(&mut self, depth: u32, out: &mut String) -> Result<(), JsonTrouble> {
        self.rest.next();
        let mut members = BTreeMap::new();
        self.skip_spaces();
        let mut is_done = self.take('}');
        while !is_done {
            self.skip_spaces();
            if !matches!(self.rest.peek(), Some((_, '"'))) {
                return Err(self.trouble("Missing a name for object member."));
            }
            let key = self.string()?;
            self.skip_spaces();
            if !self.take(':') {
                return Err(self.trouble("Missing a colon after a name of object member."));
            }
            self.skip_spaces();
            let mut value = String::new();
            self.value(depth + 1, &mut value)?;
            members.insert(Key(key.len(), key), value);
            self.skip_spaces();
            is_done = self.take('}');
            if !is_done && !self.take(',') {
                return Err(self.trouble("Missing a comma or } after an object member."));
            }
        }
        out.push('{');
        for (i, (key, value)) in members.iter().enumerate() {
            out.push_str(if i > 0 { ", " } else { "" });
            write_string(&key.1, out);
            out.push_str(": ");
            out.push_str(value);
        }
        out.push('}');
        Ok(())
    }

    fn array(&mut self, depth: u32, out: &mut String) -> Result<(), JsonTrouble> {
        self.rest.next();
        out.push('[');
        self.skip_spaces();
        let mut is_done = self.take(']');
        while !is_done {
            self.skip_spaces();
            self.value(depth + 1, out)?;
            self.skip_spaces();
            is_done = self.take(']');
            if !is_done {
                if !self.take(',') {
                    return Err(self.trouble("Missing a comma or ] after an array element."));
                }
                out.push_str(", ");
            }
        }
        out.push(']');
        Ok(())
    }

    fn string(&mut self) -> Result<String, JsonTrouble> {
        self.rest.next();
        let mut out = String::new();
        loop {
            match self.rest.peek().map(|(_, c)| *c) {
                None => return Err(self.trouble("Missing a closing quotation mark in string.")),
                Some('"') => {
                    self.rest.next();
                    return Ok(out);
                }
                Some('\\') => {
                    self.rest.next();
                    out.push(self.escape()?);
                }
                Some(c) if u32::from(c) < 0x20 => {
                    return Err(self.trouble("Invalid encoding in string."));
                }
                Some(c) => {
                    self.rest.next();
                    out.push(c);
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonTrouble> {
        let c = self.rest.peek().map(|(_, c)| *c);
        let plain = match c {
            Some('"' | '\\' | '/') => c,
            Some('b') => Some('\u{8}'),
            Some('f') => Some('\u{c}'),
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some('u') => None,
            _ => return Err(self.trouble("Invalid escape character in string.")),
        };
        self.rest.next();
        if let Some(plain) = plain {
            return Ok(plain);
        }
        let high = self.hex()?;
        let code = if (0xd800..0xdc00).contains(&high) {
            if !(self.take('\\') && self.take('u')) {
                return Err(self.trouble("The surrogate pair in string is invalid."));
            }
            let low = self.hex()?;
            if !(0xdc00..0xe000).contains(&low) {
                return Err(self.trouble("The surrogate pair in string is invalid."));
            }
            0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)
        } else {
            high
        };
        char::from_u32(code).ok_or_else(|| self.trouble("The surrogate pair in string is invalid."))
    }

    fn hex(&mut self) -> Result<u32, JsonTrouble> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = self.rest.peek().and_then(|(_, c)| c.to_digit(16)) else {
                return Err(self.trouble("Incorrect hex digit after \\u escape in string."));
            };
            self.rest.next();
            code = code * 16 + digit;
        }
        Ok(code)
    }

    fn digits(&mut self) -> bool {
        let start = self.at();
        while self.rest.next_if(|(_, c)| c.is_ascii_digit()).is_some() {}
        self.at() > start
    }

    fn number(&mut self, out: &mut String) -> Result<(), JsonTrouble> {
        let start = self.at();
        self.take('-');
        let zero = self.take('0');
        if !zero && !self.digits() {
            return Err(self.trouble("Invalid value."));
        }
        let mut is_double = false;
        if self.take('.') {
            is_double = true;
            if !self.digits() {
                return Err(self.trouble("Miss fraction part in number."));
            }
        }
        if self.take('e') || self.take('E') {
            is_double = true;
            if !self.take('+') {
                self.take('-');
            }
            if !self.digits() {
                return Err(self.trouble("Miss exponent in number."));
            }
        }
        let end = self.at();
        let text = &self.text[start..end];
        if !is_double && (text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok()) {
            out.push_str(if text == "-0" { "0" } else { text });
            return Ok(());
        }
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => {
                write_double(value, out);
                Ok(())
            }
            _ => Err(self.trouble("Number too big to be stored in double.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &str) {
        let got = normalise(text).unwrap_or_else(|it| format!("{} at {}", it.what, it.at));
        assert_eq!(got, want, "{text}");
    }

    #[test]
    fn documents_are_printed_as_mysql_prints_them() {
        check(
            "{\"bb\":1,\"a\":[1,2.0,1e2,null ],\"c\":{}}",
            "{\"a\": [1, 2.0, 100.0, null], \"c\": {}, \"bb\": 1}",
        );
        check("{\"a\":1,\"a\":2}", "{\"a\": 2}");
        check(" \"x\\u00e9\\n\\ud83d\\ude00\\u0001\\/\" ", "\"xé\\n😀\\u0001/\"");
        check("18446744073709551615", "18446744073709551615");
        check("18446744073709551616", "1.8446744073709552e19");
        check("true", "true");
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_position() {
        check("", "\"The document is empty.\" at 0");
        check("{\"a\"}", "\"Missing a colon after a name of object member.\" at 4");
        check("[1 2]", "\"Missing a comma or ] after an array element.\" at 3");
        check("[1,]", "\"Invalid value.\" at 3");
        check("abc", "\"Invalid value.\" at 0");
        check("1 2", "\"The document root must not be followed by other values.\" at 2");
        check("\"\\ud800\"", "\"The surrogate pair in string is invalid.\" at 7");
        check("1e999", "\"Number too big to be stored in double.\" at 5");
        let deep = "[".repeat(100_000);
        check(&deep, "\"The JSON document exceeds the maximum depth.\" at 100");
    }
}
