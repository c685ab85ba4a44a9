//! Against tables, and against a transliteration of MySQL's reader that takes one
//! character after the other and puts back what it did not want.

use holdfast_io::rng::SeededRng;

use super::*;

type Lines = Vec<(Vec<Option<Vec<u8>>>, bool)>;

fn csv() -> Format {
    Format {
        field_end: b",".to_vec(),
        enclosed: Some(b'"'),
        escaped: Some(b'\\'),
        line_start: Vec::new(),
        line_end: b"\n".to_vec(),
        skip: 0,
    }
}

fn tabs() -> Format {
    Format { field_end: b"\t".to_vec(), enclosed: None, ..csv() }
}

/// Reads `pieces` one after the other, taking lines as soon as they are there.
fn read(format: &Format, columns: usize, pieces: &[&[u8]]) -> Lines {
    let mut splitter = Splitter::new(format.clone(), columns);
    let mut lines = Vec::new();
    let mut drain = |splitter: &mut Splitter| {
        while let Some(line) = splitter.next_line() {
            let fields = (0..line.len()).map(|at| line.field(at).map(<[u8]>::to_vec)).collect();
            lines.push((fields, line.is_cut));
        }
    };
    for piece in pieces {
        splitter.push(piece);
        drain(&mut splitter);
    }
    splitter.finish();
    drain(&mut splitter);
    lines
}

/// `[a][NULL]` for each line, `+` where it was cut.
fn shown(lines: &Lines) -> String {
    let field = |field: &Option<Vec<u8>>| match field {
        Some(bytes) if bytes == b"NULL" => "['NULL']".to_owned(),
        Some(bytes) => format!("[{}]", bytes.escape_ascii()),
        None => "[NULL]".to_owned(),
    };
    let line = |(fields, is_cut): &(Vec<Option<Vec<u8>>>, bool)| {
        let fields: String = fields.iter().map(field).collect();
        fields + if *is_cut { "+" } else { "" }
    };
    lines.iter().map(line).collect::<Vec<_>>().join(" ")
}

/// Whole, cut at every byte, and byte by byte (F1).
#[track_caller]
fn check(format: &Format, columns: usize, input: &str, want: &str) {
    let input = input.as_bytes();
    let lines = read(format, columns, &[input]);
    assert_eq!(shown(&lines), want, "{:?}", input.escape_ascii().to_string());
    for at in 0..=input.len() {
        let (left, right) = input.split_at(at);
        assert_eq!(read(format, columns, &[left, right]), lines, "F1: cut at byte {at}");
    }
    let bytes: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(read(format, columns, &bytes), lines, "F1: byte by byte");
    assert_eq!(model(format, columns, input), lines, "MySQL's reader");
}

#[test]
fn the_default_format() {
    check(&tabs(), 2, "1\tone\n2\ttwo\n", "[1][one] [2][two]");
    check(&tabs(), 2, "1\tone\n2\ttwo", "[1][one] [2][two]");
    check(&tabs(), 2, "", "");
    check(&tabs(), 2, "\n\n", "[] []");
    check(&tabs(), 2, "1\n2\tb\tc\n3\tc\t\n", "[1] [2][b]+ [3][c]");
    check(&tabs(), 2, "1\ta\tb", "[1][a]");
    check(&tabs(), 2, "\\N\tNULL\nx\\N\t\\\\N\n", "[NULL]['NULL'] [xN][\\\\N]");
}

#[test]
fn escapes() {
    let want = "[\\x00\\x08\\n\\r\\t\\x1aq][a\\nb]";
    check(&tabs(), 2, "\\0\\b\\n\\r\\t\\Z\\q\ta\\\nb\n", want);
    check(&tabs(), 2, "a\\\tb\tc\n", "[a\\tb][c]");
    check(&tabs(), 1, "a\\", "[a\\\\]");
    let none = Format { escaped: None, ..tabs() };
    check(&none, 1, "\\N\n", "[\\\\N]");
    // Skipped text is read with its escapes.
    check(&tabs(), 1, "a\tb\\\nc\nd\n", "[a]+ [d]");
}

#[test]
fn enclosed_fields() {
    check(&csv(), 2, "\"a,b\",\"c\nd\"\ne,f\n", "[a,b][c\\nd] [e][f]");
    check(&csv(), 2, "\"a\"\"b\",\"\"\"\"\n", "[a\\\"b][\\\"]");
    check(&csv(), 2, "\"a\"b\",c\n", "[a\\\"b][c]");
    check(&csv(), 2, "\"\",\"\"", "[][]");
    check(&csv(), 2, "a\"b\"\"c,d\n", "[a\\\"b\\\"\\\"c][d]");
    check(&csv(), 2, "NULL,\"NULL\"\n\"\\N\",\\N\n", "[NULL]['NULL'] [NULL][NULL]");
    // Open at the end of the file.
    check(&csv(), 2, "\"a,b\n", "[\\\"a,b\\n]");
    check(&csv(), 2, "\"a\\,b\n", "[\\\"a,b\\n]");
    // Quotes of text that nobody wants are not seen.
    check(&csv(), 1, "a,\"b\nc\",d\ne\n", "[a]+ [c\\\"]+ [e]");
    let doubled = Format { escaped: Some(b'"'), ..csv() };
    check(&doubled, 2, "\"fie\"\"ld1\",\"field2\"\n", "[fie\\\"ld1][field2]");
    check(&doubled, 2, "\"a\\n\",b\"c\n", "[a\\\\n][b\\\"c]");
}

#[test]
fn terminators_of_more_than_one_byte() {
    let format = Format {
        field_end: b"||".to_vec(),
        line_end: b"\r\n".to_vec(),
        line_start: b"xxx".to_vec(),
        ..csv()
    };
    check(&format, 2, "xxx1||2\r\n", "[1][2]");
    check(&format, 2, "xxx1|||2\r\nno start\r\nx xxxxa\r||b\n\r\n", "[1][|2] [xa\\r][b\\n]");
    check(&format, 2, "xxx\"a\"||\"b\"\r\nxxx\"c\"|||", "[a][b] [c][|]");
    check(&format, 2, "nothing\r\n", "");
}

#[test]
fn lines_that_are_skipped() {
    let format = Format { skip: 2, ..csv() };
    check(&format, 2, "head\n\"x\ny\",1\na,b\n", "[y\\\"][1] [a][b]");
    check(&format, 2, "head\nmore", "");
    check(&format, 2, "head\n", "");
}

#[test]
fn without_an_end_of_lines_rows_end_with_their_last_column() {
    let format = Format { line_end: Vec::new(), ..csv() };
    check(&format, 2, "1,2,3,4,5", "[1][2] [3][4] [5]");
    check(&format, 2, "1,2,", "[1][2]");
}

#[test]
fn a_long_line_is_looked_at_a_few_times_only() {
    let mut splitter = Splitter::new(csv(), 1);
    let piece = vec![b'x'; 16 << 10];
    let mut looks = 0;
    for _ in 0..512 {
        splitter.push(&piece);
        let before = splitter.unfinished();
        assert!(splitter.next_line().is_none());
        looks += usize::from(splitter.unfinished() > before && before >= SMALL);
    }
    // 64 KiB doubled until 8 MiB.
    assert!(looks <= 8, "F2: {looks} looks");
    splitter.finish();
    assert_eq!(splitter.next_line().unwrap().field(0).map(<[u8]>::len), Some(8 << 20));
}

#[test]
fn agrees_with_mysqls_reader() {
    let pick =
        |rng: &SeededRng, from: &[&[u8]]| from[rng.below(from.len() as u64) as usize].to_vec();
    for seed in holdfast_sim::seeds(3000) {
        let rng = SeededRng::new(seed);
        let mut format = Format {
            field_end: pick(&rng, &[b",", b",", b"ab", b"aab", b""]),
            enclosed: [None, Some(b'"'), Some(b'\\')][rng.below(3) as usize],
            escaped: [None, Some(b'\\'), Some(b'\\')][rng.below(3) as usize],
            line_start: pick(&rng, &[b"", b"", b"x"]),
            line_end: pick(&rng, &[b"\n", b"\n", b"\r\n", b",x", b""]),
            skip: rng.below(4).saturating_sub(2),
        };
        if format.line_end == format.field_end {
            format.line_end.clear();
        }
        if format.line_end.is_empty() {
            format.skip = 0;
        }
        let columns = 1 + rng.below(3) as usize;
        let length = rng.below(40) as usize;
        let alphabet = b",,\n\n\"\"\\\\abNx\r";
        let input: Vec<u8> =
            (0..length).map(|_| alphabet[rng.below(alphabet.len() as u64) as usize]).collect();
        let want = model(&format, columns, &input);
        let at = rng.below(length as u64 + 1) as usize;
        let (left, right) = input.split_at(at);
        for pieces in [vec![&input[..]], vec![left, right], input.chunks(1).collect()] {
            let got = read(&format, columns, &pieces);
            assert_eq!(
                shown(&got),
                shown(&want),
                "seed {seed}, {columns} columns of {format:?}\n{}",
                input.escape_ascii()
            );
        }
    }
}

/// MySQL's reader.
struct Reader<'a> {
    format: &'a Format,
    input: &'a [u8],
    at: usize,
    found_end_of_line: bool,
    eof: bool,
    start_of_line: bool,
    line_cut: bool,
}

impl Reader<'_> {
    fn get(&mut self) -> Option<u8> {
        let byte = self.input.get(self.at).copied();
        self.at += usize::from(byte.is_some());
        byte
    }

    /// The first byte of `term` was read; reads the rest, or nothing.
    fn terminator(&mut self, term: &[u8]) -> bool {
        let is_there = self.input[self.at..].starts_with(&term[1..]);
        self.at += if is_there { term.len() - 1 } else { 0 };
        is_there
    }

    fn find_start(&mut self) -> bool {
        let start = &self.format.line_start;
        let rest = &self.input[self.at..];
        match rest.windows(start.len()).position(|window| window == &start[..]) {
            Some(at) => {
                self.at += at + start.len();
                true
            }
            None => {
                (self.found_end_of_line, self.eof) = (true, true);
                false
            }
        }
    }

    fn read_field(&mut self) -> Option<Option<Vec<u8>>> {
        if self.found_end_of_line {
            return None;
        }
        if std::mem::take(&mut self.start_of_line) && !self.find_start() {
            return None;
        }
        let Some(first) = self.get() else {
            (self.found_end_of_line, self.eof) = (true, true);
            return None;
        };
        let mut to = Vec::new();
        let mut quote = None;
        if self.format.enclosed == Some(first) {
            quote = Some(first);
            to.push(first);
        } else {
            self.at -= 1;
        }
        let mut found_null = false;
        let (line, field) = (self.format.line_end.clone(), self.format.field_end.clone());
        let done = |to: &[u8], enclosed: bool, found_null: bool| {
            let text = to[usize::from(enclosed)..].to_vec();
            let word = !enclosed && self.format.enclosed.is_some() && text == b"NULL";
            let is_null = word || (found_null && text.len() == 1);
            Some((!is_null).then_some(text))
        };
        while let Some(mut byte) = self.get() {
            if self.format.escaped == Some(byte) {
                match self.get() {
                    None => {
                        to.push(byte);
                        break;
                    }
                    Some(next) if self.format.enclosed != Some(byte) || next == byte => {
                        found_null |= next == b'N';
                        to.push(unescape(next));
                        continue;
                    }
                    Some(_) => {
                        self.at -= 1;
                        byte = self.format.escaped.unwrap();
                    }
                }
            }
            if quote.is_none() && line.first() == Some(&byte) && self.terminator(&line) {
                self.found_end_of_line = true;
                return done(&to, false, found_null);
            }
            if quote == Some(byte) {
                let next = self.get();
                if next == quote {
                    to.push(byte);
                    continue;
                }
                if next.is_none() || line.first().copied() == next && self.terminator(&line) {
                    self.found_end_of_line = true;
                    return done(&to, true, found_null);
                }
                if field.first().copied() == next && self.terminator(&field) {
                    return done(&to, true, found_null);
                }
                self.at -= 1;
            } else if quote.is_none() && field.first() == Some(&byte) && self.terminator(&field) {
                return done(&to, false, found_null);
            }
            to.push(byte);
        }
        (self.found_end_of_line, self.eof) = (true, true);
        done(&to, false, found_null)
    }

    /// True at the end of the file.
    fn next_line(&mut self) -> bool {
        self.line_cut = false;
        self.start_of_line = !self.format.line_start.is_empty();
        if self.found_end_of_line || self.eof {
            self.found_end_of_line = false;
            return self.eof;
        }
        let line = self.format.line_end.clone();
        if line.is_empty() {
            return false;
        }
        loop {
            let Some(byte) = self.get() else {
                self.eof = true;
                return true;
            };
            if self.format.escaped == Some(byte) {
                self.line_cut = true;
                if self.get().is_none() {
                    self.eof = true;
                    return true;
                }
                continue;
            }
            if line[0] == byte && self.terminator(&line) {
                return false;
            }
            self.line_cut = true;
        }
    }
}

fn model(format: &Format, columns: usize, input: &[u8]) -> Lines {
    let mut reader = Reader {
        format,
        input,
        at: 0,
        found_end_of_line: false,
        eof: false,
        start_of_line: !format.line_start.is_empty(),
        line_cut: false,
    };
    let mut lines = Vec::new();
    for _ in 0..format.skip {
        if reader.next_line() {
            return lines;
        }
    }
    loop {
        let mut fields = Vec::new();
        while fields.len() < columns {
            match reader.read_field() {
                Some(field) => fields.push(field),
                None => break,
            }
        }
        if fields.is_empty() {
            return lines;
        }
        let is_over = reader.next_line();
        lines.push((fields, !is_over && reader.line_cut));
        if is_over {
            return lines;
        }
    }
}
