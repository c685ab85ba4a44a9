//! What a store costs that holds a million objects, and what one long upload costs:
//!
//! ```text
//! fill      N objects of 100 bytes, 32 connections
//! list      every key, pages of 1,000, one connection        -> keys/s, keys per server-CPU-second
//! start     the process begins -> the first page of a LIST   -> s, after a stop and after kill -9
//! memory    one body of 2 GiB in, then out                   -> peak resident memory
//! ```
//!
//! Not here: requests per second (`mod`), peers (their LIST is not compared).

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

use super::BUCKET;
use super::http::Connection;
use super::load::{EMPTY_SHA256, Load, Operation, amz_date, once_each, random_bytes};
use super::servers::Server;
use super::sign::UNSIGNED;
use crate::plot::{Bars, Panel, page};
use crate::process::existing;
use crate::report::{Facts, Report, Table};

/// Command line of `holdfast-bench scale`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the report goes; made if missing. Without it, only text is printed.
    #[arg(long)]
    out: Option<PathBuf>,
    /// The holdfast binary.
    #[arg(long, default_value = "target/release/holdfast")]
    holdfast: PathBuf,
    /// Its data lies in a new directory of this one.
    #[arg(long, default_value = "/tmp")]
    folder: PathBuf,
    /// Objects to list and to start with.
    #[arg(long, default_value_t = 1_000_000)]
    objects: u64,
    /// The long upload. [bytes]
    #[arg(long, default_value_t = 2 << 30)]
    upload: u64,
    /// Listings, and starts of each kind; the median counts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// One figure.
#[derive(Debug, Serialize)]
struct Row {
    what: String,
    value: f64,
    unit: &'static str,
}

const CONNECTIONS: usize = 32;
const OBJECT_BYTES: usize = 100;
const PIECE_BYTES: usize = 1 << 20;

/// Runs all of it.
pub fn run(args: &Args) -> Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let folder = args.folder.join(format!("holdfast-bench-scale-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let folder = existing(&folder)?;
    let rows = runtime.block_on(measure(args, &folder))?;
    std::fs::remove_dir_all(&folder)?;
    let table = table(&rows);
    println!("{}", table.text());
    let Some(out) = &args.out else { return Ok(()) };
    let facts = Facts::gather_for(&args.holdfast)?;
    Ok(report(args, &rows, (facts, table)).write(out)?)
}

fn report(args: &Args, rows: &[Row], (facts, table): (Facts, Table)) -> Report {
    let title = "A million objects, and one long upload";
    let panel = |unit: &str, title: &str| {
        let of: Vec<&Row> = rows.iter().filter(|row| row.unit == unit).collect();
        Panel::Bars(Bars {
            title: title.into(),
            groups: of.iter().map(|row| row.what.replacen(", ", "\n", 1)).collect(),
            series: vec![("holdfast".into(), of.iter().map(|row| Some(row.value)).collect())],
        })
    };
    let panels = [
        panel("keys/s", "Keys listed, per second and per server-CPU-second"),
        panel("s", "Start-up: from the process to the first page of a LIST [s]"),
        panel("MiB", "Peak resident memory [MiB]"),
    ];
    let method = format!(
        "One Holdfast process, six drive directories, 4+2, every PUT synced. {} objects of {OBJECT_BYTES} bytes are put over \
         {CONNECTIONS} connections; one lean client lists all of them in pages of 1,000 (ListObjectsV2, continuation tokens), \
         {} times; the median counts. CPU time is the whole server process's. A start is measured from the start of the process \
         to the whole answer of one LIST page, after a stop by SIGTERM and after kill -9 (the file system's cache is warm). Memory \
         is the high-water mark of a fresh process over which one body of {} bytes streams in and out.",
        args.objects, args.rounds, args.upload
    );
    Report {
        name: "scale",
        title,
        method,
        rows: serde_json::json!(rows),
        tables: vec![table],
        plot: page(title, &facts.line(), &panels),
        facts,
    }
}

fn table(rows: &[Row]) -> Table {
    let cells = |row: &Row| {
        let digits = if row.value < 10.0 { 3 } else { 0 };
        vec![row.what.clone(), format!("{:.digits$}", row.value), row.unit.into()]
    };
    Table {
        title: "Figures".into(),
        header: ["what", "figure", "unit"].map(String::from).into(),
        rows: rows.iter().map(cells).collect(),
    }
}

async fn measure(args: &Args, folder: &Path) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let many = folder.join("many");
    std::fs::create_dir_all(&many)?;
    let mut server = Server::holdfast(&args.holdfast, &many)?;
    server.make_bucket(BUCKET).await?;
    fill(args, &server, &mut rows).await?;
    listings(args, &server, &mut rows).await?;
    starts(args, &many, server, &mut rows).await?;
    std::fs::remove_dir_all(&many)?;
    upload(args, &folder.join("long"), &mut rows).await?;
    Ok(rows)
}

async fn fill(args: &Args, server: &Server, rows: &mut Vec<Row>) -> Result<()> {
    let load = Load {
        signer: server.signer.clone(),
        bucket: BUCKET.into(),
        operation: Operation::Put,
        size: OBJECT_BYTES,
        presigned: true,
        connections: CONNECTIONS,
        duration: Duration::ZERO,
        keys: args.objects,
    };
    let (began, before) = (Instant::now(), server.usage()?);
    once_each(&load).await?;
    let (wall, after) = (began.elapsed().as_secs_f64(), server.usage()?);
    let cpu = after.cpu.saturating_sub(before.cpu).as_secs_f64();
    note(rows, "PUT of 100 bytes, per second", args.objects as f64 / wall, "requests/s");
    note(rows, "PUT of 100 bytes, CPU", cpu * 1e3 / args.objects as f64, "ms/request");
    note(rows, "Peak memory, with the objects put", mib(after.peak), "MiB");
    Ok(())
}

async fn listings(args: &Args, server: &Server, rows: &mut Vec<Row>) -> Result<()> {
    let (mut walls, mut cpus) = (Vec::new(), Vec::new());
    for _ in 0..args.rounds.max(1) {
        let (began, before) = (Instant::now(), server.usage()?);
        let keys = list_all(server).await?;
        ensure!(keys == args.objects, "{keys} of {} keys were listed", args.objects);
        let cpu = server.usage()?.cpu.saturating_sub(before.cpu).as_secs_f64();
        walls.push(keys as f64 / began.elapsed().as_secs_f64());
        cpus.push(keys as f64 / cpu);
    }
    note(rows, "LIST, per second", median(walls), "keys/s");
    note(rows, "LIST, per server-CPU-second", median(cpus), "keys/s");
    Ok(())
}

/// Walks through every page; returns the number of keys.
async fn list_all(server: &Server) -> Result<u64> {
    let mut connection = Connection::open(&server.signer.host).await?;
    let (mut keys, mut token) = (0, None);
    loop {
        let page = list_page(server, &mut connection, token.as_deref()).await?;
        keys += page.matches("<Contents>").count() as u64;
        let next = page.split_once("<NextContinuationToken>");
        match next.and_then(|(_, rest)| rest.split_once('<')) {
            Some((next, _)) => token = Some(next.to_owned()),
            None => return Ok(keys),
        }
    }
}

async fn list_page(
    server: &Server,
    connection: &mut Connection,
    token: Option<&str>,
) -> Result<String> {
    let token = token.map_or(String::new(), |token| {
        let escaped: String = token.bytes().map(escape).collect();
        format!("continuation-token={escaped}&")
    });
    let target = format!("/{BUCKET}?{token}list-type=2&max-keys=1000");
    let headers = server.signer.headers("GET", &target, EMPTY_SHA256, &amz_date());
    let head = format!("GET {target} HTTP/1.1\r\n{headers}content-length: 0\r\n\r\n");
    let response = connection.send(&head, &[], usize::MAX).await?;
    let text = String::from_utf8(response.kept).context("a listing is not UTF-8")?;
    ensure!(response.status == 200, "LIST: {} {text}", response.status);
    Ok(text)
}

fn escape(byte: u8) -> String {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    }
}

async fn starts(args: &Args, data: &Path, server: Server, rows: &mut Vec<Row>) -> Result<()> {
    let mut running = server;
    for (what, kill) in [("Start-up, after a stop", false), ("Start-up, after kill -9", true)] {
        let mut seconds = Vec::new();
        for _ in 0..args.rounds.max(1) {
            match kill {
                true => drop(running),
                false => running.stop()?,
            }
            let began = Instant::now();
            running = Server::holdfast(&args.holdfast, data)?;
            until_it_lists(&running).await?;
            seconds.push(began.elapsed().as_secs_f64());
        }
        note(rows, what, median(seconds), "s");
    }
    let usage = running.usage()?;
    note(rows, "Peak memory, after a start", mib(usage.peak), "MiB");
    running.stop()
}

async fn until_it_lists(server: &Server) -> Result<()> {
    let began = Instant::now();
    let mut last = String::new();
    while began.elapsed() < Duration::from_secs(120) {
        let page = match Connection::open(&server.signer.host).await {
            Ok(mut connection) => list_page(server, &mut connection, None).await,
            Err(error) => Err(error.into()),
        };
        match page {
            Ok(_) => return Ok(()),
            Err(error) => last = error.to_string(),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bail!("no listing within two minutes: {last}")
}

async fn upload(args: &Args, folder: &Path, rows: &mut Vec<Row>) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut server = Server::holdfast(&args.holdfast, folder)?;
    server.make_bucket(BUCKET).await?;
    note(rows, "Peak memory, idle", mib(server.usage()?.peak), "MiB");
    let piece = random_bytes(PIECE_BYTES);
    let mut connection = Connection::open(&server.signer.host).await?;
    let (path, len) = (format!("/{BUCKET}/long"), args.upload);
    let headers = server.signer.headers("PUT", &path, UNSIGNED, &amz_date());
    let head = format!("PUT {path} HTTP/1.1\r\n{headers}content-length: {len}\r\n\r\n");
    let began = Instant::now();
    let put = connection.stream(&head, &piece, len).await?;
    ensure!(put.status == 200, "PUT: {} {}", put.status, String::from_utf8_lossy(&put.kept));
    let speed = len as f64 / 1e6 / began.elapsed().as_secs_f64();
    note(rows, "PUT of one long body, speed", speed, "MB/s");
    note(rows, "Peak memory, one long body in", mib(server.usage()?.peak), "MiB");
    let headers = server.signer.headers("GET", &path, EMPTY_SHA256, &amz_date());
    let head = format!("GET {path} HTTP/1.1\r\n{headers}content-length: 0\r\n\r\n");
    let began = Instant::now();
    let got = connection.send(&head, &[], 512).await?;
    ensure!(got.status == 200 && got.bytes == len, "GET: {} with {} bytes", got.status, got.bytes);
    let speed = len as f64 / 1e6 / began.elapsed().as_secs_f64();
    note(rows, "GET of one long body, speed", speed, "MB/s");
    note(rows, "Peak memory, one long body in and out", mib(server.usage()?.peak), "MiB");
    server.stop()
}

fn note(rows: &mut Vec<Row>, what: &str, value: f64, unit: &'static str) {
    eprintln!("{what}: {value:.3} {unit}");
    rows.push(Row { what: what.into(), value, unit });
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
