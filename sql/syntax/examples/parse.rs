//! Parses statements from standard input, separated by lines of `--`, and prints
//! those that fail; with `bench`, times a point SELECT instead.

use std::io::Read;

fn main() -> Result<(), std::io::Error> {
    let mode = holdfast_syntax::ParseMode { multi: true, ..Default::default() };
    if std::env::args().nth(1).as_deref() == Some("bench") {
        bench(&mode);
        return Ok(());
    }
    let verbose = std::env::args().nth(1).as_deref() == Some("verbose");
    let mut input = Vec::new();
    std::io::stdin().read_to_end(&mut input)?;
    let text = String::from_utf8_lossy(&input);
    let (mut good, mut bad) = (0, 0);
    for sql in text.split("\n--\n").filter(|sql| !sql.trim().is_empty()) {
        match holdfast_syntax::parse(sql.as_bytes(), &mode) {
            Ok(all) => {
                good += 1;
                if verbose {
                    println!("{sql}\n  {all:?}");
                }
            }
            Err(error) => {
                bad += 1;
                println!("{sql}\n  {error}");
            }
        }
    }
    println!("{good} parsed, {bad} did not");
    Ok(())
}

/// Times are in microseconds for each statement.
#[allow(clippy::disallowed_methods, reason = "a benchmark outside of the server")]
fn bench(mode: &holdfast_syntax::ParseMode) {
    const ROUNDS: u32 = 50_000;
    for sql in [
        "SELECT c FROM sbtest1 WHERE id=5013",
        "SELECT * FROM `t` WHERE `t`.`id` = ? LIMIT 1",
        "UPDATE sbtest1 SET k=k+1 WHERE id=5013",
        "INSERT INTO sbtest1 (id, k, c, pad) VALUES (1, 2, 'abc', 'def')",
        "COMMIT",
    ] {
        let start = std::time::Instant::now();
        for _ in 0..ROUNDS {
            std::hint::black_box(holdfast_syntax::parse(
                std::hint::black_box(sql.as_bytes()),
                mode,
            ))
            .ok();
        }
        println!("{:>7.2} us  {sql}", start.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS));
    }
}
