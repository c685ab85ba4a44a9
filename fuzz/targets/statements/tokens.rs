//! Mutations that know what a token is: leave out, repeat, exchange, splice, nest.
//!
//! Tokens come from the statement itself and from the corpus of statements that clients
//! sent (`sql/syntax/tests/corpus.sql`). A mutation is a function of its seed.

use std::sync::LazyLock;

/// Statements of clients.
const CORPUS: &str = include_str!("../../../sql/syntax/tests/corpus.sql");

/// Texts that parsers trip over.
const ODD: &[&str] = &[
    "'",
    "\"",
    "`",
    "/*",
    "*/",
    "/*!",
    "/*!80000 ",
    "--",
    "-- ",
    "#",
    "\\",
    "\0",
    ";",
    "DELIMITER",
    "@",
    "@@",
    "@@global.",
    "?",
    ":=",
    "->",
    "->>",
    "{",
    "}",
    "{d '2020-01-01'}",
    "_utf8mb4",
    "N'x'",
    "x'0f'",
    "b'01'",
    "0x",
    "0b",
    "1e",
    ".5",
    "5.",
    "1.e3",
    "18446744073709551616",
    "INTERVAL",
    "NOT",
    "-",
    "!",
    "~",
    "(",
    ")",
    "((",
    "))",
    "CASE",
    "WHEN",
    "END",
    "SELECT",
    "UNION",
    "WITH RECURSIVE",
    "OVER",
    "ROWS BETWEEN",
    "VALUES ROW(1)",
    "LATERAL",
    "AS",
    "ON",
    "USING",
    ",",
    ".",
    "*",
    "\u{e9}",
    "\u{6f22}",
    "\u{feff}",
    "\u{a0}",
    "MEMBER OF",
    "SOUNDS LIKE",
    "COLLATE",
    "BINARY",
    "ESCAPE",
    "DIV",
    "<=>",
    "FOR UPDATE",
];

static STATEMENTS: LazyLock<Vec<Vec<&'static [u8]>>> = LazyLock::new(|| {
    let lines = CORPUS.lines().filter(|line| !line.starts_with("--"));
    lines
        .filter_map(|line| line.split_once(": "))
        .map(|(_, text)| tokens(text.as_bytes()))
        .collect()
});

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound.max(1) as u64) as usize
    }

    /// A run of up to `most` tokens out of `count`.
    fn run(&mut self, count: usize, most: usize) -> std::ops::Range<usize> {
        let from = self.below(count);
        from..(from + 1 + self.below(most)).min(count)
    }
}

/// Words, numbers, quoted texts with their quotes, blanks, single other bytes.
fn tokens(text: &[u8]) -> Vec<&[u8]> {
    let (mut all, mut rest) = (Vec::new(), text);
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..);
    while let Some(&first) = rest.first() {
        let size = match first {
            b'\'' | b'"' | b'`' => {
                let end = rest[1..].iter().position(|byte| *byte == first);
                end.map_or(rest.len(), |end| end + 2)
            }
            _ if is_word(&first) => rest.iter().take_while(|byte| is_word(byte)).count(),
            _ => 1,
        };
        let (token, later) = rest.split_at(size);
        all.push(token);
        rest = later;
    }
    all
}

/// A text like `text`, of at most `most` bytes.
pub fn mutated(text: &[u8], seed: u32, most: usize) -> Vec<u8> {
    let mut dice = Dice(u64::from(seed));
    let mut all = tokens(text);
    for _ in 0..=dice.below(4) {
        step(&mut all, &mut dice);
    }
    let mut made = all.concat();
    made.truncate(most);
    made
}

fn step<'a>(all: &mut Vec<&'a [u8]>, dice: &mut Dice) {
    let at = dice.below(all.len() + 1);
    let other = &STATEMENTS[dice.below(STATEMENTS.len())];
    match dice.below(9) {
        0 if !all.is_empty() => {
            let gone = dice.run(all.len(), 4);
            all.drain(gone);
        }
        1 if !all.is_empty() => {
            let again: Vec<_> = all[dice.run(all.len(), 12)].to_vec();
            let most = if dice.below(20) == 0 { 11 } else { 3 };
            let times = 1 << dice.below(most);
            all.splice(at..at, again.repeat(times).into_iter().take(20_000));
        }
        2 if !all.is_empty() => {
            let (at, with) = (at.min(all.len() - 1), dice.below(all.len()));
            all.swap(at, with);
        }
        3 => {
            all.insert(at, ODD[dice.below(ODD.len())].as_bytes());
            all.insert(at, b" ");
        }
        4 | 5 => {
            let part = other[dice.run(other.len(), 20)].to_vec();
            let end = (at + dice.below(6)).min(all.len());
            all.splice(at..end, part);
        }
        6 => {
            let end = (at + 1 + dice.below(12)).min(all.len());
            let (open, close) =
                [("(", ")"), ("(SELECT ", ")"), ("CASE WHEN ", " THEN 1 END"), ("/*!", "*/")]
                    [dice.below(4)];
            all.insert(end, close.as_bytes());
            all.insert(at, open.as_bytes());
        }
        7 => {
            all.push(b"; ");
            all.extend(other.iter().copied());
        }
        _ if !all.is_empty() => {
            let at = at.min(all.len() - 1);
            all[at] = other[dice.below(other.len())];
        }
        _ => all.extend(other.iter().copied()),
    }
}
