//! What `sysbench ... run` prints, as numbers.

use anyhow::{Context, Result, ensure};

/// One run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    pub queries: u64,
    pub transactions: u64,
    /// Transactions that met a deadlock or the like and were begun again.
    pub ignored: u64,
    /// [s]
    pub seconds: f64,
    /// Of transactions.
    pub p99_ms: f64,
}

/// Reads the summary; refuses one without queries, or with reconnects.
pub fn parse(text: &str) -> Result<Outcome> {
    let number = |name: &str| -> Result<f64> {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name));
        let value = line.and_then(|rest| rest.split_whitespace().next());
        let value = value.and_then(|value| value.trim_end_matches('s').parse().ok());
        value.with_context(|| format!("sysbench printed no {name:?}:\n{text}"))
    };
    let outcome = Outcome {
        queries: number("queries:")? as u64,
        transactions: number("transactions:")? as u64,
        ignored: number("ignored errors:")? as u64,
        seconds: number("total time:")?,
        p99_ms: number("99th percentile:")?,
    };
    ensure!(outcome.queries > 0 && outcome.seconds > 0.0, "sysbench did nothing:\n{text}");
    ensure!(number("reconnects:")? == 0.0, "connections broke:\n{text}");
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "
SQL statistics:
    queries performed:
        read:                            0
        write:                           80861
        other:                           40431
        total:                           121292
    transactions:                        20215  (2018.56 per sec.)
    queries:                             121292 (12111.57 per sec.)
    ignored errors:                      1      (0.10 per sec.)
    reconnects:                          0      (0.00 per sec.)

General statistics:
    total time:                          10.0131s
    total number of events:              20215

Latency (ms):
         min:                                    1.52
         99th percentile:                       28.67
";

    #[test]
    fn a_summary_is_read() {
        let want = Outcome {
            queries: 121_292,
            transactions: 20_215,
            ignored: 1,
            seconds: 10.0131,
            p99_ms: 28.67,
        };
        assert_eq!(parse(PRINTED).unwrap(), want);
    }

    #[test]
    fn a_summary_that_lacks_a_figure_or_did_nothing_is_refused() {
        for (from, to, why) in [
            ("99th", "95th", "no \"99th percentile:\""),
            ("121292 (", "0 (", "did nothing"),
            ("reconnects:                          0", "reconnects: 3", "connections broke"),
            ("10.0131s", "soon", "no \"total time:\""),
        ] {
            let error = parse(&PRINTED.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(why), "{why}: {error}");
        }
    }
}
