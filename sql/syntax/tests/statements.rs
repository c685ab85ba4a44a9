//! What statements become, and what they do not: golden tables.

use holdfast_syntax::{ParseMode, Statement, parse};

const CORPUS: &str = include_str!("corpus.sql");

fn mode() -> ParseMode {
    ParseMode { multi: true, ..ParseMode::default() }
}

fn kind(statement: &Statement) -> String {
    let debug = format!("{statement:?}");
    debug.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}

fn corpus() -> Vec<(&'static str, &'static str)> {
    CORPUS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("-- "))
        .map(|line| line.split_once(": ").expect("kind: statement"))
        .collect()
}

#[test]
fn statements_of_clients_parse_to_their_kind() {
    let mut wrong = Vec::new();
    for (expected, sql) in corpus() {
        let found = match parse(sql.as_bytes(), &mode()) {
            Ok(all) => kind(&all[0].statement),
            Err(error) => error.code().to_string(),
        };
        if found != expected {
            wrong.push(format!("{expected}, not {found}: {sql}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The query or expression as `sqlparser` prints it, parentheses and all.
fn check(sql: &str, expected: &str) {
    let all = parse(sql.as_bytes(), &mode()).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let found = match &all[0].statement {
        Statement::Do(list) => holdfast_syntax::print::expr(&list[0]),
        Statement::Query(select) => format!("{} into {:?}", select.query, select.into),
        other => format!("{other:?}"),
    };
    assert_eq!(found, expected, "{sql}");
}

#[test]
fn operators_bind_as_in_mysql() {
    check("DO 5 DIV 2 + 1", "((5 DIV 2) + 1)");
    check("DO 1 | 2 ^ 3 & 4", "(1 | ((2 ^ 3) & 4))");
    check("DO -a ^ 2 * 3", "((-`a` ^ 2) * 3)");
    check("DO a = b XOR c AND d", "((`a` = `b`) xor (`c` and `d`))");
    check("DO NOT a = b", "(not((`a` = `b`)))");
    check("DO - -a", "-(-`a`)");
    check("DO -(-a)", "-(-`a`)");
    check("DO ! a + b", "((not(`a`)) + `b`)");
    check("DO a = b LIKE c", "(`a` = (`b` like `c`))");
    check("DO a BETWEEN 1 AND 2 AND b", "((`a` between 1 and 2) and `b`)");
    check("DO a || b && c", "(`a` or (`b` and `c`))");
    check("DO a = b IS NULL", "((`a` = `b`) is null)");
    check("DO @a := @b := 1", "(@a := (@b := 1))");
    check("DO 7 MOD 4 - 1", "((7 % 4) - 1)");
    check("DO mod(7, 4)", "mod(7,4)");
    check("DO (1, 2) IN ((1, 2), (3, 4))", "((1,2) in ((1,2),(3,4)))");
    check("DO doc->'$.a' = 1", "((`doc` -> '$.a') = 1)");
    check("DO 1 << 2 + 3", "(1 << (2 + 3))");
}

#[test]
fn literals_keep_their_bytes() {
    check(r"DO 'a\'b\n\%\_\q'", r"'a''b\n\\%\\_q'");
    check("DO 'a' 'b' \"c\"", "'abc'");
    check("DO 'it''s'", "'it''s'");
    check("DO 0x1", "0x01");
    check("DO b'101'", "0x05");
    check("DO 0b100000001", "0x0101");
    check("DO x'4D'", "0x4D");
    check("DO N'x'", "'x'");
    let raw = parse(b"DO '\xff\xfe\x00\\0'", &mode()).expect("bytes");
    let Statement::Do(list) = &raw[0].statement else { panic!("DO") };
    assert_eq!(holdfast_syntax::print::expr(&list[0]), "0xFFFE0000");
}

#[test]
fn comments_apply_by_version() {
    check("DO 1 /*!40100 + 2 */ /*!99999 + 3 */ /* + 4 */ # + 5", "(1 + 2)");
    check("DO 1 /*M!100100 + 2 */ -- + 3", "1");
    check("DO 1 /*! + 2 */", "(1 + 2)");
}

#[test]
fn what_the_tree_cannot_hold_is_beside_it() {
    check(
        "SELECT a, b FROM t USE INDEX (i) FORCE INDEX FOR ORDER BY (j) WHERE c = 1 INTO @x, @y",
        r#"SELECT a, b FROM t WHERE c = 1 into ["x", "y"]"#,
    );
    check("SELECT a FROM t LOCK IN SHARE MODE", "SELECT a FROM t FOR SHARE into []");
    check(
        "SELECT a FROM t FOR UPDATE SKIP LOCKED",
        "SELECT a FROM t FOR UPDATE SKIP LOCKED into []",
    );
}

#[test]
fn errors_are_mysqls() {
    let fails = |sql: &str| parse(sql.as_bytes(), &mode()).expect_err(sql);
    assert!(
        fails("SELECT 1\nFROM WHERE a").to_string().ends_with("to use near 'WHERE a' at line 2"),
        "{}",
        fails("SELECT 1\nFROM WHERE a")
    );
    assert!(fails("SELEC 1").to_string().ends_with("to use near 'SELEC 1' at line 1"));
    assert!(fails("SELECT (a).b").to_string().ends_with("to use near '.b' at line 1"));
    assert!(fails("SELECT ROW(1)").to_string().ends_with("to use near ')' at line 1"));
    assert!(fails("SELECT 1 +").to_string().ends_with("to use near '' at line 1"));
    assert_eq!(fails("  /* x */ ;; ").code(), 1065);
    assert_eq!(parse(b"SELECT \xff", &mode()).expect_err("bytes").code(), 1300);
    let one = ParseMode::default();
    assert_eq!(parse(b"SELECT 1; SELECT 2", &one).expect_err("two").code(), 1064);
    assert_eq!(parse(b"SELECT 1;", &one).expect("one").len(), 1);
}

#[test]
fn statements_before_an_error_come_out() {
    let all = parse(b"SET a = 1; SELECT 'x;y' ; FROM", &mode()).expect("two are good");
    assert_eq!(all.len(), 3);
    assert_eq!(all[1].text, "SELECT 'x;y'");
    assert_eq!(kind(&all[2].statement), "Invalid");
}

#[test]
fn depth_is_an_error_and_no_overflow() {
    let deep = [
        format!("SELECT {}1{}", "(".repeat(100_000), ")".repeat(100_000)),
        format!("SELECT {}1", "NOT ".repeat(1900)),
        format!("SELECT {}1", "- ".repeat(1900)),
        format!("SELECT 1{}", " + 1".repeat(100_000)),
        format!("SELECT {}1{}", "CASE WHEN 1 THEN ".repeat(5000), " END".repeat(5000)),
        format!("SELECT 1{}", " UNION SELECT 1".repeat(50_000)),
        format!("{}SELECT 1{}", "SELECT * FROM ((".repeat(60), ") a) ".repeat(60)),
        format!("DO {}", "(a).b.( ".repeat(60)),
        format!("DO {}", "TRUE.f(TRUE.".repeat(22)),
        format!("DO (a).f({}1 +{}", "(a).f(".repeat(60), ")".repeat(61)),
        format!("SELECT 1 IN {}1{}", "((SELECT 1 IN ".repeat(60), ")+1)".repeat(60)),
    ];
    for sql in deep {
        assert!(parse(sql.as_bytes(), &mode()).is_err(), "{}", &sql[..60]);
    }
    let wide = format!("SELECT * FROM t WHERE {}", vec!["a = 1"; 900].join(" OR "));
    assert!(parse(wide.as_bytes(), &mode()).is_ok());
}

#[test]
fn edited_statements_never_panic_or_hang() {
    let corpus = corpus();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    for _ in 0..20_000 {
        let (_, sql) = corpus[random(corpus.len())];
        let mut bytes = sql.as_bytes().to_vec();
        for _ in 0..=random(4) {
            let at = random(bytes.len());
            match random(5) {
                0 => bytes.truncate(at),
                1 => drop(bytes.splice(at..at, [b"()'`\"@.,;?*!\\/-+"[random(16)]])),
                2 if at < bytes.len() => bytes[at] = random(256) as u8,
                3 if at < bytes.len() => drop(bytes.remove(at)),
                _ => {
                    let (_, other) = corpus[random(corpus.len())];
                    let from = random(other.len());
                    bytes.extend_from_slice(&other.as_bytes()[from..]);
                }
            }
        }
        let _ = parse(&bytes, &mode());
    }
}
