//! The figures of TPC-C for people.

use anyhow::Result;

use super::{Args, Row};
use crate::plot::{Bars, Panel, page};
use crate::report::{Facts, Report, Table};

/// A table of servers, and one of types of transactions.
pub fn tables(rows: &[Row]) -> Vec<Table> {
    vec![servers(rows), latencies(rows)]
}

fn servers(rows: &[Row]) -> Table {
    let header = [
        "server",
        "tpmC",
        "new orders/CPU-s",
        "lowest to highest",
        "beside peer",
        "rolled back",
        "1213",
        "1205",
        "1020",
        "conditions that held",
    ];
    let cells = rows.iter().map(|row| {
        let (low, high) = row.new_orders_per_cpu_second_range;
        let again = |code| row.begun_again.get(&code).copied().unwrap_or(0).to_string();
        let held: Vec<String> = row.held.iter().map(u32::to_string).collect();
        vec![
            row.server.into(),
            format!("{:.0}", row.tpm_c),
            format!("{:.0}", row.new_orders_per_cpu_second),
            format!("{low:.0} to {high:.0}"),
            row.ratio.map_or(String::new(), |ratio| format!("{ratio:.2}x")),
            row.rolled_back.to_string(),
            again(1213),
            again(1205),
            again(1020),
            held.join(" "),
        ]
    });
    let header = header.map(String::from).into();
    Table { title: "Throughput".into(), header, rows: cells.collect() }
}

fn latencies(rows: &[Row]) -> Table {
    let header = ["transaction", "server", "committed", "p50 ms", "p99 ms"];
    let cell = |nth: usize, row: &Row| {
        let latency = &row.latencies[nth];
        vec![
            format!("{:?}", latency.kind),
            row.server.into(),
            latency.committed.to_string(),
            format!("{:.2}", latency.p50_ms),
            format!("{:.2}", latency.p99_ms),
        ]
    };
    let kinds = rows.first().map_or(0, |row| row.latencies.len());
    let cells = (0..kinds).flat_map(|nth| rows.iter().map(move |row| cell(nth, row)));
    let header = header.map(String::from).into();
    Table { title: "Latencies".into(), header, rows: cells.collect() }
}

/// The report of a run.
pub fn report(
    args: &Args,
    rows: &[Row],
    (facts, tables, versions): (Facts, Vec<Table>, String),
) -> Result<Report> {
    let title = "TPC-C's transactions beside MariaDB";
    let method = format!(
        "No audited TPC-C. {versions}; the same rows ({} warehouses, {} of the specification's customers, orders and items) and the same \
         inputs for each, {} turns of {} s in turn, {} connections without think times, the standard mix from shuffled decks of 23. Prepared \
         statements of mysql_async over TCP, the servers' default isolation (REPEATABLE READ), no foreign keys, Delivery not deferred. tpmC counts \
         New-Orders that committed, without the 1 % that the specification rolls back. Latencies are from the first attempt to the commit; \
         1213, 1205 and 1020 count attempts that were begun again. The conditions of clause 3.3.2 were checked after the load (1 to 12) and after \
         the run (all but 11, which no run keeps), and each was seen to find a doctored row. Both sync a COMMIT before they acknowledge it; the \
         client runs on the same processors.",
        args.warehouses, args.fraction, args.rounds, args.seconds, args.terminals
    );
    Ok(Report {
        name: "tpcc",
        title,
        method,
        rows: serde_json::to_value(rows)?,
        tables,
        plot: page(title, &facts.line(), &panels(rows)),
        facts,
    })
}

fn panels(rows: &[Row]) -> Vec<Panel> {
    let throughput = Bars {
        title: "New orders per server-CPU-second, and per second".into(),
        groups: vec!["per server-CPU-second".into(), "per second".into()],
        series: rows
            .iter()
            .map(|row| {
                let values = [row.new_orders_per_cpu_second, row.tpm_c / 60.0];
                (row.server.to_owned(), values.map(Some).into())
            })
            .collect(),
    };
    let kinds = rows.first().map(|row| row.latencies.as_slice()).unwrap_or_default();
    let latency = Bars {
        title: "p99 [ms]".into(),
        groups: kinds.iter().map(|latency| format!("{:?}", latency.kind)).collect(),
        series: rows
            .iter()
            .map(|row| {
                let p99 = row.latencies.iter().map(|latency| latency.p99_ms);
                (row.server.to_owned(), p99.map(|ms| ms.is_finite().then_some(ms)).collect())
            })
            .collect(),
    };
    vec![Panel::Bars(throughput), Panel::Bars(latency)]
}
