//! Point reads of a table that lies in objects, just after a start and once more.
//!
//! ```text
//! each turn    restart   read keys: nothing is cached (cold)   the same keys again (warm)
//! ```
//!
//! Both servers read their files past the system's cache, and MariaDB is told not to load what was in
//! its buffer pool.

#![allow(clippy::disallowed_methods, reason = "a load generator touches the world itself")]

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use serde::Serialize;

use super::servers::{Database, Peer, Setup, block_on, turns};
use crate::interleave::median;
use crate::plot::{Bars, Panel, page};
use crate::report::{Facts, Report, Table};
use crate::s3::load::Measured;

/// Command line of `holdfast-bench cold-reads`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    setup: Setup,
    #[command(flatten)]
    peer: Peer,
    /// Rows of the table, of some 200 bytes each.
    #[arg(long, default_value_t = 400_000)]
    rows: usize,
    /// Reads of one turn, each of another row.
    #[arg(long, default_value_t = 4_000)]
    reads: usize,
    /// Connections that read.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16])]
    connections: Vec<usize>,
    /// Turns of each server.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// One turn.
#[derive(Clone, Debug)]
struct Turn {
    reads: Measured,
    /// Of the server, for each read. [us]
    cpu_us: f64,
}

/// One figure: medians of the turns.
#[derive(Clone, Debug, Serialize)]
struct Row {
    connections: usize,
    state: &'static str,
    server: &'static str,
    reads_per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    cpu_us_per_read: f64,
    /// Of reads per CPU-second, to the peer's; none for the peer.
    ratio: Option<f64>,
}

const SCHEMA: &str = "cold";
/// Rows of one INSERT.
const BATCH: usize = 1000;
const STATES: [&str; 2] = ["cold", "warm"];

/// Runs all turns and writes the report.
pub fn run(args: &Args) -> Result<()> {
    ensure!(args.rounds > 0, "no rounds, no figures");
    ensure!(args.reads <= args.rows, "each read is of another row");
    let rows = block_on(compare(args))?;
    let table = table(&rows);
    println!("{}", table.text());
    let Some(out) = &args.setup.out else { return Ok(()) };
    let facts = Facts::gather_for(&args.setup.holdfast)?;
    Ok(report(args, &rows, (facts, table))?.write(out)?)
}

async fn compare(args: &Args) -> Result<Vec<Row>> {
    let mut place = args.setup.place()?;
    let mut databases = args.setup.both(&args.peer, &mut place).await?;
    for database in &databases {
        fill(args, database).await?;
    }
    let mut rows = Vec::new();
    for &connections in &args.connections {
        // By state and server.
        let mut rounds: [Vec<Vec<Turn>>; 2] = [vec![Vec::new(); 2], vec![Vec::new(); 2]];
        for round in 0..args.rounds {
            for nth in turns(round, databases.len()) {
                databases[nth].restart().await?;
                for turns in &mut rounds {
                    turns[nth].push(turn(args, &databases[nth], connections, round).await?);
                }
            }
        }
        for (state, turns) in STATES.iter().zip(&rounds) {
            for (nth, database) in databases.iter().enumerate() {
                let row = figure((connections, state), database.name, &turns[nth]);
                let ratio = (nth == 0).then(|| ratio(&turns[0], &turns[1]));
                rows.push(Row { ratio, ..row });
            }
        }
    }
    Ok(rows)
}

/// Makes the table; Holdfast's then lies in objects.
async fn fill(args: &Args, database: &Database) -> Result<()> {
    database.make(SCHEMA).await?;
    let mut connection = database.connect(Some(SCHEMA)).await?;
    let table = "CREATE TABLE t (id INT NOT NULL PRIMARY KEY, k INT NOT NULL, c CHAR(120) NOT NULL, pad CHAR(60) NOT NULL)";
    connection.query_drop(table).await?;
    let mut dice = 1_u64;
    for first in (0..args.rows).step_by(BATCH) {
        let row = |id: usize| {
            let (c, pad) = (text(&mut dice, 120), text(&mut dice, 60));
            format!("({id},{},'{c}','{pad}')", id % 997)
        };
        let rows: Vec<String> = (first..args.rows.min(first + BATCH)).map(row).collect();
        connection.query_drop(format!("INSERT INTO t VALUES {}", rows.join(","))).await?;
    }
    connection.query_drop("FLUSH TABLES").await?;
    Ok(connection.disconnect().await?)
}

/// Letters that do not compress much.
fn text(dice: &mut u64, len: usize) -> String {
    let letter = |_| {
        *dice ^= *dice << 13;
        *dice ^= *dice >> 7;
        *dice ^= *dice << 17;
        char::from(b'a' + (*dice % 26) as u8)
    };
    (0..len).map(letter).collect()
}

async fn turn(args: &Args, database: &Database, connections: usize, round: usize) -> Result<Turn> {
    let mut workers = Vec::new();
    for _ in 0..connections {
        workers.push(database.connect(Some(SCHEMA)).await?);
    }
    let (before, began) = (database.usage()?.cpu, Instant::now());
    let mut running = Vec::new();
    for (nth, connection) in workers.into_iter().enumerate() {
        // A step that shares no factor with the rows visits each once.
        let step =
            (args.rows * 618 / 1000..).find(|step| is_coprime(*step, args.rows)).unwrap_or(1);
        let numbers = (nth..args.reads).step_by(connections);
        let ids: Vec<usize> =
            numbers.map(|number| (number + round * args.reads) * step % args.rows).collect();
        running.push(tokio::spawn(read(connection, ids)));
    }
    let mut reads = Measured::default();
    for worker in running {
        reads.latencies.extend(worker.await??);
    }
    reads.wall = began.elapsed();
    let cpu: Duration = database.usage()?.cpu.saturating_sub(before);
    reads.latencies.sort_unstable();
    reads.requests = reads.latencies.len() as u64;
    Ok(Turn { cpu_us: cpu.as_secs_f64() * 1e6 / reads.requests.max(1) as f64, reads })
}

fn is_coprime(mut a: usize, mut b: usize) -> bool {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a == 1
}

/// How long each read took. [ns]
async fn read(mut connection: Conn, ids: Vec<usize>) -> Result<Vec<u64>> {
    let mut latencies = Vec::with_capacity(ids.len());
    for id in ids {
        let began = Instant::now();
        let found: Option<(String, i64)> =
            connection.exec_first("SELECT c, k FROM t WHERE id = ?", (id,)).await?;
        latencies.push(began.elapsed().as_nanos() as u64);
        let is_right = found.is_some_and(|(c, k)| c.len() == 120 && k == (id % 997) as i64);
        ensure!(is_right, "row {id} is not what was put in");
    }
    connection.disconnect().await?;
    Ok(latencies)
}

fn figure(
    (connections, state): (usize, &'static str),
    server: &'static str,
    turns: &[Turn],
) -> Row {
    let middle = |of: fn(&Turn) -> f64| median(turns.iter().map(of).collect());
    Row {
        connections,
        state,
        server,
        reads_per_second: middle(|turn| turn.reads.per_second()),
        p50_ms: middle(|turn| turn.reads.quantile_ms(0.5)),
        p99_ms: middle(|turn| turn.reads.quantile_ms(0.99)),
        cpu_us_per_read: middle(|turn| turn.cpu_us),
        ratio: None,
    }
}

fn ratio(ours: &[Turn], theirs: &[Turn]) -> f64 {
    // The clock of CPU time ticks every 10 ms.
    let per_read = |turn: &Turn| turn.cpu_us.max(0.01);
    median(ours.iter().zip(theirs).map(|(a, b)| per_read(b) / per_read(a)).collect())
}

fn table(rows: &[Row]) -> Table {
    let header = [
        "connections",
        "state",
        "server",
        "reads/s",
        "p50 ms",
        "p99 ms",
        "CPU us/read",
        "reads/CPU-s beside peer",
    ];
    let cells = rows.iter().map(|row| {
        vec![
            row.connections.to_string(),
            row.state.into(),
            row.server.into(),
            format!("{:.0}", row.reads_per_second),
            format!("{:.2}", row.p50_ms),
            format!("{:.2}", row.p99_ms),
            format!("{:.0}", row.cpu_us_per_read),
            row.ratio.map_or(String::new(), |ratio| format!("{ratio:.2}x")),
        ]
    });
    let header = header.map(String::from).into();
    Table { title: "Point reads".into(), header, rows: cells.collect() }
}

fn report(args: &Args, rows: &[Row], (facts, table): (Facts, Table)) -> Result<Report> {
    let title = "Cold point reads from objects, beside MariaDB";
    let method = format!(
        "A table of {} rows of some 200 bytes, all of it in objects (`FLUSH TABLES`). Before each turn the server is ended and started, so that nothing \
         is cached; then {} rows are read by primary key through prepared statements, no two near one another (cold), and the same ones once more \
         (warm). CPU time is the whole server process's, p50 and p99 are of a statement. Figures are medians of {} turns, a ratio the median of the \
         rounds' ratios. Holdfast codes 4+2 over six drive directories of one disk; MariaDB has its defaults (O_DIRECT), a buffer pool of 1 GiB \
         and does not load it at the start.",
        args.rows, args.reads, args.rounds
    );
    let series = |server: &str| {
        let of = rows.iter().filter(|row| row.server == server);
        (server.to_owned(), of.map(|row| Some(row.p50_ms)).collect())
    };
    let groups = rows.iter().filter(|row| row.ratio.is_some());
    let panel = Panel::Bars(Bars {
        title: "p50 of a read [ms]".into(),
        groups: groups
            .map(|row| format!("{}, {} connections", row.state, row.connections))
            .collect(),
        series: vec![series("holdfast"), series("mariadb")],
    });
    Ok(Report {
        name: "cold-reads",
        title,
        method,
        rows: serde_json::to_value(rows)?,
        tables: vec![table],
        plot: page(title, &facts.line(), &[panel]),
        facts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_visits_each_row_once() {
        assert!(is_coprime(618, 1001) && !is_coprime(618, 1000));
        let seen: std::collections::BTreeSet<usize> = (0..1001).map(|n| n * 618 % 1001).collect();
        assert_eq!(seen.len(), 1001);
    }
}
