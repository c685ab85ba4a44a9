//! COMMIT of single-row updates while objects of 16 KiB are put into the same log, beside the same without them.
//!
//! ```text
//! round 0   quiet  storm      each with 1 connection, then with 16
//! round 1   storm  quiet      the ratio is the median of the rounds' ratios of p99
//! ```
//!
//! Each connection has rows of its own, so that nobody waits for a lock. What is measured is COMMIT alone.

#![allow(clippy::disallowed_methods, reason = "a load generator touches the world itself")]

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use serde::Serialize;

use super::servers::{Database, Setup, block_on, conflict, turns};
use crate::interleave::median;
use crate::plot::{Bars, Panel, page};
use crate::report::{Facts, Report, Table};
use crate::s3::load::{self, Load, Measured, Operation};
use crate::s3::servers::try_bucket;

/// Command line of `holdfast-bench commit-storm`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    setup: Setup,
    /// Connections that commit.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16])]
    connections: Vec<usize>,
    /// Connections that put objects.
    #[arg(long, default_value_t = 16)]
    putters: usize,
    /// Size of an object. [bytes]
    #[arg(long, default_value_t = 16_384)]
    size: usize,
    /// Length of one turn. [s]
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Turns with and without the storm.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// One figure: medians of the turns.
#[derive(Clone, Debug, Serialize)]
struct Row {
    connections: usize,
    storm: bool,
    commits_per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// The lowest and the highest round.
    p99_ms_range: (f64, f64),
    /// Transactions that were refused with 1213, 1205 or 1020, of all rounds.
    refused: u64,
    /// Of p99, to that without the storm.
    ratio: Option<f64>,
    puts_per_second: f64,
    put_p99_ms: f64,
}

/// One turn: the commits' latencies, and the storm's PUTs.
#[derive(Clone, Debug, Default)]
struct Turn {
    commits: Measured,
    puts: Option<Measured>,
}

const SCHEMA: &str = "storm";
const BUCKET: &str = "storm";
/// Rows of each connection.
const ROWS: usize = 64;
/// How long a storm rages before commits are measured.
const RISE: Duration = Duration::from_millis(500);

/// Runs all turns and writes the report.
pub fn run(args: &Args) -> Result<()> {
    ensure!(args.rounds > 0, "no rounds, no figures");
    let rows = block_on(measure(args))?;
    let table = table(&rows);
    println!("{}", table.text());
    let Some(out) = &args.setup.out else { return Ok(()) };
    let facts = Facts::gather_for(&args.setup.holdfast)?;
    Ok(report(args, &rows, (facts, table))?.write(out)?)
}

async fn measure(args: &Args) -> Result<Vec<Row>> {
    let mut place = args.setup.place()?;
    let mut database = Database::holdfast(&args.setup.holdfast, &mut place)?;
    database.until_ready().await?;
    database.make(SCHEMA).await?;
    let signer = database.signer.as_ref().context("no S3 port")?;
    let status = try_bucket(signer, BUCKET).await?;
    ensure!(status == 200, "the bucket was answered with {status}");
    let mut connection = database.connect(Some(SCHEMA)).await?;
    connection.query_drop("CREATE TABLE t (id INT NOT NULL PRIMARY KEY, v INT NOT NULL)").await?;
    let most = args.connections.iter().copied().max().unwrap_or(1);
    let values: Vec<String> = (0..most * ROWS).map(|id| format!("({id},0)")).collect();
    connection.query_drop(format!("INSERT INTO t VALUES {}", values.join(","))).await?;
    connection.disconnect().await?;
    let mut rows = Vec::new();
    for &connections in &args.connections {
        let mut rounds: [Vec<Turn>; 2] = [Vec::new(), Vec::new()];
        for round in 0..args.rounds {
            for nth in turns(round, 2) {
                rounds[nth].push(turn(args, &database, connections, nth == 1).await?);
            }
        }
        let [quiet, storm] = &rounds;
        let ratios = storm.iter().zip(quiet).map(|(storm, quiet)| {
            storm.commits.quantile_ms(0.99) / quiet.commits.quantile_ms(0.99)
        });
        let ratio = Some(median(ratios.collect()));
        rows.push(figure(connections, quiet));
        rows.push(Row { storm: true, ratio, ..figure(connections, storm) });
    }
    Ok(rows)
}

async fn turn(args: &Args, database: &Database, connections: usize, storm: bool) -> Result<Turn> {
    let length = Duration::from_secs(args.seconds);
    let signer = database.signer.clone().context("no S3 port")?;
    let putting = storm.then(|| {
        let load = Load {
            signer,
            bucket: BUCKET.into(),
            operation: Operation::Put,
            size: args.size,
            presigned: true,
            connections: args.putters,
            duration: length + RISE,
            keys: 4096,
        };
        tokio::spawn(async move { load::run(&load).await })
    });
    tokio::time::sleep(RISE).await;
    let began = Instant::now();
    let mut workers = Vec::new();
    for nth in 0..connections {
        let connection = database.connect(Some(SCHEMA)).await?;
        workers.push(tokio::spawn(commits(connection, nth * ROWS, began + length)));
    }
    let mut commits = Measured::default();
    for worker in workers {
        let (latencies, refused) = worker.await??;
        commits.latencies.extend(latencies);
        commits.errors += refused;
    }
    commits.latencies.sort_unstable();
    commits.requests = commits.latencies.len() as u64;
    commits.wall = began.elapsed();
    ensure!(commits.requests > 0, "nothing was committed");
    let puts = match putting {
        Some(putting) => Some(putting.await??),
        None => None,
    };
    Ok(Turn { commits, puts })
}

/// Updates rows from `first` on, one a transaction; how long each COMMIT took [ns], and how many
/// transactions were refused.
async fn commits(mut connection: Conn, first: usize, until: Instant) -> Result<(Vec<u64>, u64)> {
    let (mut latencies, mut refused) = (Vec::new(), 0);
    while Instant::now() < until {
        match commit(&mut connection, first + latencies.len() % ROWS).await {
            Ok(ns) => latencies.push(ns),
            Err(error) => {
                let error = anyhow::Error::from(error);
                if conflict(&error).is_none() {
                    return Err(error);
                }
                refused += 1;
                connection.query_drop("ROLLBACK").await?;
            }
        }
    }
    connection.disconnect().await?;
    Ok((latencies, refused))
}

async fn commit(connection: &mut Conn, row: usize) -> mysql_async::Result<u64> {
    connection.query_drop("START TRANSACTION").await?;
    connection.exec_drop("UPDATE t SET v = v + 1 WHERE id = ?", (row,)).await?;
    let began = Instant::now();
    connection.query_drop("COMMIT").await?;
    Ok(began.elapsed().as_nanos() as u64)
}

fn figure(connections: usize, turns: &[Turn]) -> Row {
    let middle = |of: &dyn Fn(&Turn) -> f64| median(turns.iter().map(of).collect());
    let p99 = || turns.iter().map(|turn| turn.commits.quantile_ms(0.99));
    let put = |of: fn(&Measured) -> f64| middle(&|turn| turn.puts.as_ref().map_or(0.0, of));
    Row {
        connections,
        storm: false,
        commits_per_second: middle(&|turn| turn.commits.per_second()),
        p50_ms: middle(&|turn| turn.commits.quantile_ms(0.5)),
        p99_ms: median(p99().collect()),
        p99_ms_range: (p99().fold(f64::INFINITY, f64::min), p99().fold(0.0, f64::max)),
        refused: turns.iter().map(|turn| turn.commits.errors).sum(),
        ratio: None,
        puts_per_second: put(Measured::per_second),
        put_p99_ms: put(|puts| puts.quantile_ms(0.99)),
    }
}

fn table(rows: &[Row]) -> Table {
    let header = [
        "connections",
        "PUT storm",
        "commits/s",
        "p50 ms",
        "p99 ms",
        "lowest to highest",
        "p99 beside quiet",
        "refused",
        "PUT/s",
        "PUT p99 ms",
    ];
    let cells = rows.iter().map(|row| {
        let (low, high) = row.p99_ms_range;
        let put = |value: f64| if row.storm { format!("{value:.1}") } else { String::new() };
        vec![
            row.connections.to_string(),
            if row.storm { "yes" } else { "no" }.into(),
            format!("{:.0}", row.commits_per_second),
            format!("{:.2}", row.p50_ms),
            format!("{:.2}", row.p99_ms),
            format!("{low:.2} to {high:.2}"),
            row.ratio.map_or(String::new(), |ratio| format!("{ratio:.2}x")),
            row.refused.to_string(),
            put(row.puts_per_second),
            put(row.put_p99_ms),
        ]
    });
    let header = header.map(String::from).into();
    Table { title: "COMMIT".into(), header, rows: cells.collect() }
}

fn report(args: &Args, rows: &[Row], (facts, table): (Facts, Table)) -> Result<Report> {
    let title = "COMMIT beside a storm of PUTs on the same log";
    let method = format!(
        "One Holdfast process, six drive directories, 4+2. Each connection updates one row of its own by primary key and commits, {} s a turn; \
         the time of the COMMIT alone counts. In every other turn {} further connections PUT objects of {} bytes over S3 at the same time. \
         Figures are medians of {} turns, the ratio is the median of the rounds' ratios. All clients run on the same processors.",
        args.seconds, args.putters, args.size, args.rounds
    );
    let series = |storm: bool, name: &str| {
        let of = rows.iter().filter(|row| row.storm == storm);
        (name.to_owned(), of.map(|row| Some(row.p99_ms)).collect())
    };
    let panel = Panel::Bars(Bars {
        title: "p99 of COMMIT [ms]".into(),
        groups: args.connections.iter().map(|count| format!("{count} connections")).collect(),
        series: vec![series(false, "quiet"), series(true, "PUT storm")],
    });
    Ok(Report {
        name: "commit-storm",
        title,
        method,
        rows: serde_json::to_value(rows)?,
        tables: vec![table],
        plot: page(title, &facts.line(), &[panel]),
        facts,
    })
}
