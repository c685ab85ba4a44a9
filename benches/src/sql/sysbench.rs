//! sysbench's OLTP workloads on both databases: the same tables, the same seeds, turn by turn.
//!
//! ```text
//! for each workload and number of connections
//!     round 0    holdfast  mariadb
//!     round 1    mariadb   holdfast     the figure is the median of the rounds,
//!     ...                               the ratio the median of the rounds' ratios
//! ```
//!
//! Not here: what sysbench prints (`output`).

mod output;
mod report;

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use super::servers::{Database, Peer, Setup, block_on, turns};
use crate::interleave::median;
use crate::report::Facts;
use output::Outcome;

/// Command line of `holdfast-bench sysbench`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    setup: Setup,
    #[command(flatten)]
    peer: Peer,
    #[command(flatten)]
    tables: Tables,
    /// Workloads, as sysbench names them.
    #[arg(long, value_delimiter = ',', default_values = ["oltp_point_select", "oltp_read_only", "oltp_write_only", "oltp_read_write"])]
    workloads: Vec<String>,
    /// Connections.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16])]
    connections: Vec<usize>,
    /// Length of one turn. [s]
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Turns of each server for each figure.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// What sysbench prepares.
#[derive(Debug, clap::Args)]
pub struct Tables {
    /// The sysbench command.
    #[arg(long, default_value = "sysbench")]
    sysbench: PathBuf,
    /// Tables.
    #[arg(long, default_value_t = 2)]
    tables: usize,
    /// Rows of each.
    #[arg(long, default_value_t = 50_000)]
    table_size: usize,
}

/// One turn.
#[derive(Clone, Copy, Debug)]
struct Turn {
    outcome: Outcome,
    /// Of the server. [s]
    cpu: f64,
}

/// One figure: a workload, a number of connections, a server.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    workload: String,
    connections: usize,
    server: &'static str,
    queries_per_cpu_second: f64,
    /// The lowest and the highest round.
    queries_per_cpu_second_range: (f64, f64),
    queries_per_second: f64,
    p99_ms: f64,
    /// The latency is a transaction's, the other figures are queries'.
    queries_per_transaction: f64,
    /// Transactions that sysbench began again, of all rounds.
    begun_again: u64,
    /// Of queries per CPU-second, to the peer's; none for the peer.
    ratio: Option<f64>,
}

const SCHEMA: &str = "sbtest";

/// Runs all workloads and writes the report.
pub fn run(args: &Args) -> Result<()> {
    ensure!(args.rounds > 0, "no rounds, no figures");
    let (rows, versions) = block_on(compare(args))?;
    let table = report::table(&rows);
    println!("{}", table.text());
    let Some(out) = &args.setup.out else { return Ok(()) };
    let facts = Facts::gather_for(&args.setup.holdfast)?;
    Ok(report::report(args, &rows, (facts, table, versions))?.write(out)?)
}

async fn compare(args: &Args) -> Result<(Vec<Row>, String)> {
    let mut place = args.setup.place()?;
    let databases = args.setup.both(&args.peer, &mut place).await?;
    let mut versions = Vec::new();
    for database in &databases {
        args.tables.prepare(database).await?;
        versions.push(format!("{} {}", database.name, database.version().await?));
    }
    let mut rows = Vec::new();
    for workload in &args.workloads {
        for &connections in &args.connections {
            let figures = duel(args, &databases, workload, connections)?;
            figures.iter().for_each(|row| eprintln!("{}", report::line(row)));
            rows.extend(figures);
        }
    }
    Ok((rows, versions.join(", ")))
}

fn duel(
    args: &Args,
    databases: &[Database],
    workload: &str,
    connections: usize,
) -> Result<Vec<Row>> {
    let mut rounds: Vec<Vec<Turn>> = vec![Vec::new(); databases.len()];
    for round in 0..args.rounds {
        for nth in turns(round, databases.len()) {
            let database = &databases[nth];
            let mut command = args.tables.command(database, workload);
            command.arg(format!("--threads={connections}"));
            command.arg(format!("--time={}", args.seconds));
            command.arg(format!("--rand-seed={}", round + 1));
            let before = database.usage()?;
            let outcome = output::parse(&printed(command.arg("run"))?)?;
            let cpu = database.usage()?.cpu.saturating_sub(before.cpu).as_secs_f64();
            rounds[nth].push(Turn { outcome, cpu });
        }
    }
    let peer = rounds.last().cloned().unwrap_or_default();
    let figures = databases.iter().zip(&rounds).enumerate().map(|(nth, (database, turns))| {
        let ratio = (nth + 1 < databases.len()).then(|| ratio(turns, &peer));
        Row { ratio, ..figure((workload, connections), database.name, turns) }
    });
    Ok(figures.collect())
}

impl Turn {
    fn per_cpu_second(&self) -> f64 {
        // The clock of CPU time ticks every 10 ms.
        self.outcome.queries as f64 / self.cpu.max(0.01)
    }
}

fn figure((workload, connections): (&str, usize), server: &'static str, turns: &[Turn]) -> Row {
    let middle = |of: fn(&Turn) -> f64| median(turns.iter().map(of).collect());
    let per_cpu = || turns.iter().map(Turn::per_cpu_second);
    Row {
        workload: workload.into(),
        connections,
        server,
        queries_per_cpu_second: middle(Turn::per_cpu_second),
        queries_per_cpu_second_range: (
            per_cpu().fold(f64::INFINITY, f64::min),
            per_cpu().fold(0.0, f64::max),
        ),
        queries_per_second: middle(|turn| turn.outcome.queries as f64 / turn.outcome.seconds),
        p99_ms: middle(|turn| turn.outcome.p99_ms),
        queries_per_transaction: middle(|turn| {
            turn.outcome.queries as f64 / turn.outcome.transactions.max(1) as f64
        }),
        begun_again: turns.iter().map(|turn| turn.outcome.ignored).sum(),
        ratio: None,
    }
}

fn ratio(ours: &[Turn], theirs: &[Turn]) -> f64 {
    let ratios = ours.iter().zip(theirs).map(|(a, b)| a.per_cpu_second() / b.per_cpu_second());
    median(ratios.collect())
}

impl Tables {
    /// Makes the tables in a new schema.
    pub async fn prepare(&self, database: &Database) -> Result<()> {
        database.make(SCHEMA).await?;
        let mut command = self.command(database, "oltp_read_write");
        printed(command.args(["--rand-seed=1", "prepare"])).map(|_| ())
    }

    /// sysbench on `database`, but for what it shall do.
    pub fn command(&self, database: &Database, workload: &str) -> Command {
        let mut command = Command::new(&self.sysbench);
        command.args([workload, "--db-driver=mysql", "--mysql-host=127.0.0.1"]);
        command.args(["--mysql-user=root", "--db-ps-mode=auto", "--percentile=99"]);
        command.arg(format!("--mysql-port={}", database.port));
        command.arg(format!("--mysql-password={}", database.password));
        command.arg(format!("--mysql-db={SCHEMA}"));
        command.arg(format!("--tables={}", self.tables));
        command.arg(format!("--table-size={}", self.table_size));
        command.stdin(Stdio::null());
        command
    }
}

/// What `command` prints; refuses one that fails.
fn printed(command: &mut Command) -> Result<String> {
    text(command.output().with_context(|| format!("could not run {command:?}"))?)
}

fn text(output: Output) -> Result<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "sysbench: {}\n{text}\n{errors}", output.status);
    Ok(text)
}

/// What a run that has ended did.
pub fn outcome(output: Output) -> Result<Outcome> {
    output::parse(&text(output)?)
}
