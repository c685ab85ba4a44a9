//! A small language for tests: literals and calls by name, evaluated through the
//! registry as a binder and an evaluator would.
//!
//! `substring('hello', 2, 3)`; operators in back quotes: `` `+`(1, 2) ``; literals
//! `1`, `1.5`, `1e0`, `'text'`, `bin'text'` (utf8mb4_bin), `x'00'`, `date'...'`,
//! `time'...'`, `timestamp'...'`, `json'...'`, `null`, `true`; `cast(x as signed)`.

use bytes::Bytes;
use holdfast_func::{Arg, Call, lookup};
use holdfast_value::{
    Collation, Context, Decimal, SqlType, Value, ValueError, json, show, temporal,
};

/// A value with what is known of it.
pub struct Typed {
    pub of: SqlType,
    pub value: Value,
    pub is_constant: bool,
}

/// Evaluates an expression.
pub fn evaluate(text: &str, ctx: &mut Context) -> Result<Typed, ValueError> {
    let mut parser = Parser { text, at: 0 };
    let typed = parser.expression(ctx)?;
    parser.spaces();
    assert_eq!(parser.at, text.len(), "something follows in {text}");
    Ok(typed)
}

/// As a client would see it; bytes in hexadecimal digits.
pub fn shown(typed: &Typed) -> String {
    match &typed.value {
        Value::Null => "NULL".to_owned(),
        Value::Bytes(bytes) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
            format!("0x{digits}")
        }
        value => {
            let mut out = Vec::new();
            show::write(value, &typed.of, &mut out);
            String::from_utf8(out).unwrap()
        }
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> char {
        self.text[self.at..].chars().next().unwrap_or('\0')
    }

    fn spaces(&mut self) {
        while self.peek() == ' ' {
            self.at += 1;
        }
    }

    fn take(&mut self, what: &str) -> bool {
        self.spaces();
        let is_next = self.text[self.at..].starts_with(what);
        self.at += if is_next { what.len() } else { 0 };
        is_next
    }

    fn word(&mut self) -> String {
        let rest = &self.text[self.at..];
        let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        self.at += word.len();
        word
    }

    fn quoted(&mut self, quote: char) -> String {
        let mut out = String::new();
        self.at += 1;
        loop {
            let c = self.peek();
            assert_ne!(c, '\0', "a quote is not closed in {}", self.text);
            self.at += c.len_utf8();
            if c == '\\' && quote == '\'' {
                let c = self.peek();
                self.at += c.len_utf8();
                out.push(match c {
                    'n' => '\n',
                    't' => '\t',
                    '0' => '\0',
                    other => other,
                });
            } else if c == quote {
                if self.peek() != quote {
                    return out;
                }
                self.at += 1;
                out.push(quote);
            } else {
                out.push(c);
            }
        }
    }

    fn expression(&mut self, ctx: &mut Context) -> Result<Typed, ValueError> {
        self.spaces();
        match self.peek() {
            '\'' => {
                let text = self.quoted('\'');
                Ok(text_literal(text, Collation::default()))
            }
            '`' => {
                let name = self.quoted('`');
                self.call(&name, ctx)
            }
            c if c.is_ascii_digit() || c == '-' || c == '.' => Ok(self.number()),
            _ => {
                let word = self.word();
                assert!(!word.is_empty(), "no expression at {} in {}", self.at, self.text);
                if self.peek() == '\'' {
                    let text = self.quoted('\'');
                    return Ok(literal(&word, text));
                }
                match word.as_str() {
                    "null" => Ok(constant(SqlType::Null, Value::Null)),
                    "true" => Ok(constant(SqlType::BOOL, Value::Int(1))),
                    "false" => Ok(constant(SqlType::BOOL, Value::Int(0))),
                    "cast" => self.cast(ctx),
                    _ => self.call(&word, ctx),
                }
            }
        }
    }

    fn number(&mut self) -> Typed {
        let rest = &self.text[self.at..];
        let end = rest
            .char_indices()
            .find(|(at, c)| {
                let is_sign = *c == '-' && (*at == 0 || rest[..*at].ends_with('e'));
                !(c.is_ascii_digit() || *c == '.' || *c == 'e' || is_sign)
            })
            .map_or(rest.len(), |(at, _)| at);
        let text = &rest[..end];
        self.at += end;
        if text.contains('e') {
            return constant(SqlType::DOUBLE, Value::Double(text.parse().unwrap()));
        }
        if let Ok(n) = text.parse::<i64>() {
            return constant(SqlType::BIGINT, Value::Int(n));
        }
        if let Ok(n) = text.parse::<u64>() {
            return constant(SqlType::BIGINT_UNSIGNED, Value::UInt(n));
        }
        let (n, _) = Decimal::parse(text).unwrap();
        let of = SqlType::Decimal { precision: n.precision(), scale: n.scale, unsigned: false };
        constant(of, Value::Decimal(n))
    }

    fn cast(&mut self, ctx: &mut Context) -> Result<Typed, ValueError> {
        assert!(self.take("("), "cast has parentheses");
        let from = self.expression(ctx)?;
        assert!(self.take("as "), "cast names a type");
        let close = self.text[self.at..].find("))").map_or_else(
            || self.text[self.at..].find(')').unwrap(),
            |at| at.min(self.text[self.at..].find(')').unwrap()),
        );
        let mut end = self.at + close;
        if self.text[self.at..end].contains('(') {
            end += 1;
        }
        let to = type_of(self.text[self.at..end].trim());
        self.at = end;
        assert!(self.take(")"), "cast ends in {}", self.text);
        let function = lookup("cast").unwrap();
        let types = [from.of];
        let call = Call { types: &types, result: &to };
        let value = function.call(ctx, &call, &[from.value])?;
        Ok(Typed { of: to, value, is_constant: from.is_constant })
    }

    fn call(&mut self, name: &str, ctx: &mut Context) -> Result<Typed, ValueError> {
        let function = lookup(name).unwrap_or_else(|| panic!("no function {name}"));
        assert!(self.take("("), "{name} has parentheses");
        let mut args = Vec::new();
        while !self.take(")") {
            args.push(self.expression(ctx)?);
            self.take(",");
        }
        let known: Vec<Arg<'_>> = args
            .iter()
            .map(|arg| Arg { of: &arg.of, constant: arg.is_constant.then_some(&arg.value) })
            .collect();
        let of = function.result(&known, ctx)?;
        let is_constant = args.iter().all(|arg| arg.is_constant);
        let (types, values): (Vec<_>, Vec<_>) =
            args.into_iter().map(|arg| (arg.of, arg.value)).unzip();
        let call = Call { types: &types, result: &of };
        let value = function.call(ctx, &call, &values)?;
        Ok(Typed { of, value, is_constant })
    }
}

fn constant(of: SqlType, value: Value) -> Typed {
    Typed { of, value, is_constant: true }
}

fn text_literal(text: String, collation: Collation) -> Typed {
    let length = u32::try_from(text.chars().count()).unwrap();
    constant(SqlType::VarChar(length, collation), Value::text(text))
}

fn literal(kind: &str, text: String) -> Typed {
    let fraction = text.rsplit_once('.').map_or(0, |(_, digits)| digits.len().min(6));
    let fsp = u8::try_from(fraction).unwrap();
    match kind {
        "bin" => text_literal(text, Collation::Bin),
        "general" => text_literal(text, Collation::GeneralCi),
        "x" => {
            let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
            let bytes: Vec<u8> = (0..text.len()).step_by(2).map(digit).collect();
            let length = u32::try_from(bytes.len()).unwrap();
            constant(SqlType::VarBinary(length), Value::Bytes(Bytes::from(bytes)))
        }
        "date" => constant(SqlType::Date, Value::Date(temporal::parse_date(&text).unwrap().value)),
        "time" => {
            let value = temporal::parse_time(&text, fsp).unwrap().value;
            constant(SqlType::Time(fsp), Value::Time(value))
        }
        "timestamp" => {
            let value = temporal::parse_datetime(&text, fsp).unwrap().value;
            constant(SqlType::DateTime(fsp), Value::DateTime(value))
        }
        "json" => constant(SqlType::Json, Value::Json(json::normalise(&text).unwrap().into())),
        _ => panic!("no literal {kind}"),
    }
}

fn type_of(name: &str) -> SqlType {
    let (word, inner) = name.trim_end_matches(')').split_once('(').unwrap_or((name, ""));
    let numbers: Vec<u8> = inner.split(',').filter_map(|n| n.trim().parse().ok()).collect();
    let first = numbers.first().copied().unwrap_or(0);
    match word {
        "signed" => SqlType::BIGINT,
        "unsigned" => SqlType::BIGINT_UNSIGNED,
        "double" => SqlType::DOUBLE,
        "char" => {
            SqlType::VarChar(if first == 0 { 255 } else { u32::from(first) }, Collation::default())
        }
        "binary" => SqlType::VarBinary(if first == 0 { 255 } else { u32::from(first) }),
        "date" => SqlType::Date,
        "time" => SqlType::Time(first),
        "datetime" => SqlType::DateTime(first),
        "year" => SqlType::Year,
        "json" => SqlType::Json,
        "decimal" => SqlType::Decimal {
            precision: if first == 0 { 10 } else { first },
            scale: numbers.get(1).copied().unwrap_or(0),
            unsigned: false,
        },
        _ => panic!("no type {name}"),
    }
}
