//! Golden rows: expressions with what MySQL 8 gives for them, one file per area.
//!
//! A row is `expression => value`, with ` ! 1292,1292` for its warnings, or
//! `expression => error 1690`. Values are of MySQL's manual and of a MariaDB server,
//! where it agrees with MySQL; the rest (most of JSON's errors, UUIDs, ICU's regular
//! expressions, what NO_ZERO_DATE refuses) is by hand, and so are the warnings.

#![allow(clippy::unwrap_used, reason = "a test")]

mod expression;

use holdfast_value::Context;

/// 2026-03-14 15:09:26.535897 UTC.
const NOW: i64 = 1_773_500_966_535_897;

fn context() -> Context {
    Context { now: NOW, bytes_max: 1 << 20, ..Context::default() }
}

/// What an expression gives, as a golden row has it.
fn given(text: &str) -> String {
    let mut ctx = context();
    match expression::evaluate(text, &mut ctx) {
        Err(refused) => format!("error {}", refused.code()),
        Ok(typed) => {
            let codes: Vec<String> =
                ctx.warnings.iter().map(|one| one.code().to_string()).collect();
            let shown = expression::shown(&typed).replace('\n', "\\n");
            if codes.is_empty() { shown } else { format!("{shown} ! {}", codes.join(",")) }
        }
    }
}

fn check(area: &str, rows: &str) {
    let mut wrong = Vec::new();
    for (line, row) in rows.lines().enumerate() {
        if row.is_empty() || row.starts_with('#') {
            continue;
        }
        let (text, expected) = row.rsplit_once(" => ").unwrap_or((row, ""));
        let given = given(text);
        if given != expected {
            wrong.push(format!(
                "{area}:{}: {text}\n  gives    {given}\n  expected {expected}",
                line + 1
            ));
        }
    }
    assert!(wrong.is_empty(), "{} rows differ\n{}", wrong.len(), wrong.join("\n"));
}

macro_rules! areas {
    ($($test:ident => $file:literal),* $(,)?) => {
        $(
            #[test]
            fn $test() {
                check($file, include_str!(concat!("golden/", $file)));
            }
        )*
    };
}

areas! {
    control_gives_what_mysql_gives => "control.txt",
    operators_give_what_mysql_gives => "operators.txt",
    strings_give_what_mysql_gives => "string.txt",
    regular_expressions_give_what_mysql_gives => "regexp.txt",
    numbers_give_what_mysql_gives => "numeric.txt",
    times_give_what_mysql_gives => "temporal.txt",
    documents_give_what_mysql_gives => "json.txt",
    random_calls_give_what_a_server_gives => "compared.txt",
    digests_and_addresses_give_what_mysql_gives => "misc.txt",
}
