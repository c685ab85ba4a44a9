//! TPC-C's transactions on both databases, turn by turn, and the consistency conditions before and after.
//!
//! ```text
//! load   check, doctored rows   turns ...   check, doctored rows
//! ```
//!
//! A violated condition, or one that does not see a doctored row, makes the run a failed one.
//! It is no audited TPC-C: no think times, no terminals, no foreign keys, Delivery is not deferred.

mod check;
mod drive;
mod input;
mod load;
mod random;
mod report;
mod schema;
mod transactions;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde::Serialize;

use super::servers::{Database, Peer, Setup, block_on, turns};
use crate::interleave::median;
use crate::report::Facts;
use drive::Tally;
use input::{KINDS, Kind};
use schema::Scale;

/// Command line of `holdfast-bench tpcc`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    setup: Setup,
    #[command(flatten)]
    peer: Peer,
    /// Warehouses.
    #[arg(long, default_value_t = 1)]
    warehouses: u64,
    /// Of the specification's customers, orders and items; below 1 for small runs.
    #[arg(long, default_value_t = 1.0)]
    fraction: f64,
    /// Connections, each with a transaction under way at all times.
    #[arg(long, default_value_t = 8)]
    terminals: usize,
    /// Length of one turn. [s]
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Turns of each server.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Measure Holdfast alone.
    #[arg(long)]
    alone: bool,
}

/// One server's figures; medians of its turns, latencies of all turns.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    server: &'static str,
    /// Committed New-Orders per minute.
    tpm_c: f64,
    new_orders_per_cpu_second: f64,
    /// The lowest and the highest round.
    new_orders_per_cpu_second_range: (f64, f64),
    /// Of New-Orders per CPU-second, to the peer's; none for the peer.
    ratio: Option<f64>,
    rolled_back: u64,
    /// Attempts begun again, by error number.
    begun_again: BTreeMap<u16, u64>,
    latencies: Vec<Latency>,
    /// Conditions of 3.3.2 that held in the end.
    held: Vec<u32>,
}

/// Of one type of transaction.
#[derive(Clone, Debug, Serialize)]
struct Latency {
    kind: Kind,
    committed: u64,
    p50_ms: f64,
    p99_ms: f64,
}

/// A turn, and what it cost the server. [s]
type Turn = (Tally, f64);

const SCHEMA: &str = "tpcc";

/// Runs all of it and writes the report.
pub fn run(args: &Args) -> Result<()> {
    ensure!(args.rounds > 0 && args.terminals > 0, "nobody works");
    let (rows, versions) = block_on(compare(args))?;
    let tables = report::tables(&rows);
    tables.iter().for_each(|table| println!("{}", table.text()));
    let Some(out) = &args.setup.out else { return Ok(()) };
    let facts = Facts::gather_for(&args.setup.holdfast)?;
    Ok(report::report(args, &rows, (facts, tables, versions))?.write(out)?)
}

async fn compare(args: &Args) -> Result<(Vec<Row>, String)> {
    let scale = Scale::new(args.warehouses, args.fraction);
    let mut place = args.setup.place()?;
    let databases = if args.alone {
        let mut database = Database::holdfast(&args.setup.holdfast, &mut place)?;
        database.until_ready().await?;
        vec![database]
    } else {
        args.setup.both(&args.peer, &mut place).await?
    };
    let mut versions = Vec::new();
    for database in &databases {
        database.make(SCHEMA).await?;
        let mut connection = database.connect(Some(SCHEMA)).await?;
        load::load(&mut connection, scale).await?;
        connection.disconnect().await?;
        consistent(database, "after the load", true).await?;
        versions.push(format!("{} {}", database.name, database.version().await?));
    }
    let mut rounds: Vec<Vec<Turn>> = databases.iter().map(|_| Vec::new()).collect();
    let length = Duration::from_secs(args.seconds);
    for round in 0..args.rounds {
        for nth in turns(round, databases.len()) {
            let database = &databases[nth];
            let before = database.usage()?.cpu;
            let tally =
                drive::turn(database, scale, (args.terminals, length), round as u64 + 1).await?;
            let cpu = database.usage()?.cpu.saturating_sub(before).as_secs_f64();
            rounds[nth].push((tally, cpu));
        }
    }
    let mut rows = Vec::new();
    for (nth, database) in databases.iter().enumerate() {
        let held = consistent(database, "after the run", false).await?;
        let peer = (nth + 1 < databases.len()).then(|| rounds[databases.len() - 1].as_slice());
        rows.push(figure((database.name, held), &rounds[nth], peer));
    }
    Ok((rows, versions.join(", ")))
}

/// The conditions that hold; refuses a database where one does not, or hides a doctored row.
async fn consistent(database: &Database, when: &str, fresh: bool) -> Result<Vec<u32>> {
    let mut connection = database.connect(Some(SCHEMA)).await?;
    let before = check::check(&mut connection, fresh).await?;
    let proof = check::prove(&mut connection, fresh).await?;
    let after = check::check(&mut connection, fresh).await?;
    connection.disconnect().await?;
    let violations = [before.violations, proof.violations, after.violations.clone()].concat();
    if !violations.is_empty() {
        bail!("{} {when}:\n{}", database.name, violations.join("\n"));
    }
    eprintln!("{} {when}: conditions {:?} hold, and see a doctored row", database.name, after.held);
    Ok(after.held)
}

fn per_cpu_second((tally, cpu): &Turn) -> f64 {
    tally.count(Kind::NewOrder) as f64 / cpu.max(0.01)
}

fn figure((server, held): (&'static str, Vec<u32>), turns: &[Turn], peer: Option<&[Turn]>) -> Row {
    let per_cpu = || turns.iter().map(per_cpu_second);
    let per_minute =
        |turn: &Turn| turn.0.count(Kind::NewOrder) as f64 * 60.0 / turn.0.wall.as_secs_f64();
    let ratio = peer.map(|peer| {
        median(per_cpu().zip(peer).map(|(ours, peer)| ours / per_cpu_second(peer)).collect())
    });
    let mut sum = Tally::default();
    turns.iter().for_each(|(tally, _)| sum.add(tally.clone()));
    let latency = |kind| Latency {
        kind,
        committed: sum.count(kind),
        p50_ms: sum.quantile_ms(kind, 0.5),
        p99_ms: sum.quantile_ms(kind, 0.99),
    };
    Row {
        server,
        tpm_c: median(turns.iter().map(per_minute).collect()),
        new_orders_per_cpu_second: median(per_cpu().collect()),
        new_orders_per_cpu_second_range: (
            per_cpu().fold(f64::INFINITY, f64::min),
            per_cpu().fold(0.0, f64::max),
        ),
        ratio,
        rolled_back: sum.rolled_back,
        latencies: KINDS.map(latency).into(),
        begun_again: sum.begun_again,
        held,
    }
}
