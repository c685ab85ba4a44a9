//! The figures of sysbench for people.

use anyhow::Result;

use super::{Args, Row};
use crate::plot::{Bars, Panel, page};
use crate::report::{Facts, Report, Table};

/// A row for the terminal.
pub fn line(row: &Row) -> String {
    let ratio = row.ratio.map_or(String::new(), |ratio| format!("  {ratio:.2}x"));
    format!(
        "{:18} {:2} {:9} {:9.0} queries/CPU-s {:9.0}/s  p99 {:7.2} ms  begun again {}{ratio}",
        row.workload,
        row.connections,
        row.server,
        row.queries_per_cpu_second,
        row.queries_per_second,
        row.p99_ms,
        row.begun_again
    )
}

/// All rows.
pub fn table(rows: &[Row]) -> Table {
    let header = [
        "workload",
        "connections",
        "server",
        "queries/CPU-s",
        "lowest to highest",
        "CPU us/query",
        "queries/s",
        "p99 ms",
        "begun again",
        "queries/CPU-s beside peer",
    ];
    let cells = rows.iter().map(|row| {
        let (low, high) = row.queries_per_cpu_second_range;
        vec![
            row.workload.clone(),
            row.connections.to_string(),
            row.server.into(),
            format!("{:.0}", row.queries_per_cpu_second),
            format!("{low:.0} to {high:.0}"),
            format!("{:.1}", 1e6 / row.queries_per_cpu_second),
            format!("{:.0}", row.queries_per_second),
            format!("{:.2}", row.p99_ms),
            row.begun_again.to_string(),
            row.ratio.map_or(String::new(), |ratio| format!("{ratio:.2}x")),
        ]
    });
    Table {
        title: "sysbench".into(),
        header: header.map(String::from).into(),
        rows: cells.collect(),
    }
}

/// The report of a run.
pub fn report(
    args: &Args,
    rows: &[Row],
    (facts, table, versions): (Facts, Table, String),
) -> Result<Report> {
    let title = "sysbench's OLTP workloads beside MariaDB";
    let method = format!(
        "Both servers ({versions}) run at once, their data on one disk; they take {} turns of {} s each under the same sysbench command \
         (`--tables={} --table-size={} --db-ps-mode=auto`, one seed a round). A figure is the median of the turns, a ratio the median of the \
         rounds' ratios. CPU time is the whole server process's (user and system). p99 is of a transaction. Holdfast codes 4+2 over six drive \
         directories and keeps its log in one; MariaDB has its defaults but for a buffer pool of 1 GiB, no binary log, and \
         `innodb_flush_log_at_trx_commit=1`. Both sync a COMMIT before they acknowledge it. sysbench runs on the same processors.",
        args.rounds, args.seconds, args.tables.tables, args.tables.table_size
    );
    Ok(Report {
        name: "sysbench",
        title,
        method,
        rows: serde_json::to_value(rows)?,
        tables: vec![table],
        plot: page(title, &facts.line(), &panels(rows)),
        facts,
    })
}

fn panels(rows: &[Row]) -> Vec<Panel> {
    type Figure = (&'static str, fn(&Row) -> f64);
    let figures: [Figure; 3] = [
        ("Queries per server-CPU-second, thousands", |row| row.queries_per_cpu_second / 1e3),
        ("Queries per second, thousands", |row| row.queries_per_second / 1e3),
        ("p99 of a transaction [ms]", |row| row.p99_ms),
    ];
    let of = |name: &str| rows.iter().filter(move |row| row.server == name).collect::<Vec<_>>();
    let groups: Vec<String> = of("holdfast")
        .iter()
        .map(|row| format!("{}\n{} connections", row.workload, row.connections))
        .collect();
    let bars = figures.map(|(title, figure)| {
        let series = |name: &str| {
            (name.to_owned(), of(name).into_iter().map(|row| Some(figure(row))).collect())
        };
        Panel::Bars(Bars {
            title: title.into(),
            groups: groups.clone(),
            series: vec![series("holdfast"), series("mariadb")],
        })
    });
    bars.into()
}
