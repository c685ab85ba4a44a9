//! The segment engine of one drive beside fio, on the same directory: the same block
//! size, depth, pattern and sync, taking turns.
//!
//! The raw path: a frame (header, leaf hashes, payload) is as long as one of fio's blocks.
//! The rows `payload` show what the header costs besides: there the payload is one block
//! long, and a frame takes a sector or more on top. Hashing and coding are measured apart
//! (`codec`), and once more here in the row `with hashes`.
//!
//! Not here: drives together, the network (`s3`).

#![allow(clippy::disallowed_methods, reason = "a benchmark touches the world itself")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt};
use holdfast_api::blob::BlobLayout;
use holdfast_api::drive::{DriveService, Owner, ShardHead, ShardWrite};
use holdfast_base::{
    BodyId, BucketId, ClusterId, DriveId, DriveNo, Geometry, Hash, VersionId, checksum,
};
use holdfast_ec::shard::{Identity, Options, ShardStore, World, identity, room};
use holdfast_io::clock::SystemClock;
use holdfast_io::disk::{Backend, Buf, Durability, open};
use holdfast_io::rng::{Rng, SystemRng};
use serde::Serialize;

use crate::plot::{Bars, Panel, page};
use crate::report::{Facts, Report, Table};

/// Command line of `holdfast-bench disk`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the report goes; made if missing. Without it, only text is printed.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Both write below a new directory in it.
    #[arg(long, default_value = "/tmp")]
    folder: PathBuf,
    /// Turns of each contender; the median of the ratios counts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only the patterns whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Length of one turn. [s]
    #[arg(long, default_value_t = 4)]
    seconds: u64,
}

/// One pattern of writes.
#[derive(Clone, Copy, Debug, Serialize)]
struct Pattern {
    name: &'static str,
    /// What fio writes at once, and what is as long in the engine. [bytes]
    block: usize,
    whole: Whole,
    depth: usize,
    /// Every write durable by itself, or one sync at the end.
    durable: bool,
    /// Hash the payload's leaves in the turn.
    hashing: bool,
}

/// What is one block long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
enum Whole {
    Frame,
    Payload,
}

/// The engine's segments in this benchmark. [bytes]
const SEGMENT_BYTES: u64 = 3 << 30;
/// A turn ends within one prepared segment: with the next one, another is filled with zeros
/// beside it, once in its life. [bytes]
const TURN_BYTES: u64 = 2800 << 20;

const PATTERNS: [Pattern; 8] = [
    pattern("4 KiB, depth 1, each durable", 4 << 10, 1),
    pattern("4 KiB, depth 16, each durable", 4 << 10, 16),
    pattern("64 KiB, depth 16, each durable", 64 << 10, 16),
    Pattern { durable: false, ..pattern("1 MiB, depth 8, sync at the end", 1 << 20, 8) },
    Pattern { durable: false, ..pattern("2 MiB, depth 4, sync at the end", 2 << 20, 4) },
    Pattern { durable: false, hashing: true, ..pattern("2 MiB, depth 4, with hashes", 2 << 20, 4) },
    Pattern {
        whole: Whole::Payload,
        ..pattern("payload 4 KiB, depth 16, each durable", 4 << 10, 16)
    },
    Pattern {
        whole: Whole::Payload,
        ..pattern("payload 64 KiB, depth 16, each durable", 64 << 10, 16)
    },
];

/// Frames without hashing, each durable.
const fn pattern(name: &'static str, block: usize, depth: usize) -> Pattern {
    Pattern { name, block, whole: Whole::Frame, depth, durable: true, hashing: false }
}

impl Pattern {
    /// Of one write. [bytes]
    fn payload(&self, geometry: Geometry) -> usize {
        if self.whole == Whole::Payload {
            return self.block;
        }
        let mut payload = self.block;
        loop {
            let head = head(0, BlobLayout::new(geometry, payload));
            let room = room(&head, checksum::leaf_count(payload as u64));
            if room + payload <= self.block {
                return payload;
            }
            payload = self.block - room;
        }
    }
}

/// A pattern's figures: medians over the rounds.
#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    pattern: Pattern,
    ours_mb_s: f64,
    fio_mb_s: f64,
    /// The median of the rounds' ratios, ours over fio's.
    ratio: f64,
    ours_cpu_us_per_write: f64,
}

/// Runs all patterns.
pub fn run(args: &Args) -> Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let folder = args.folder.join(format!("holdfast-bench-disk-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("drive"))?;
    let mut rows = Vec::new();
    for pattern in PATTERNS.into_iter().filter(|pattern| pattern.name.contains(&args.only)) {
        rows.push(contest(args, &runtime, &folder, pattern)?);
        eprintln!("{:?}", rows.last());
    }
    std::fs::remove_dir_all(&folder)?;
    let table = table(&rows);
    println!("{}", table.text());
    let Some(out) = &args.out else { return Ok(()) };
    let facts = Facts::gather();
    let title = "The segment engine of one drive beside fio";
    let series = |figure: fn(&Row) -> f64| rows.iter().map(|row| Some(figure(row))).collect();
    let bars = Bars {
        title: "Blocks written [MB/s]".into(),
        groups: rows.iter().map(|row| row.pattern.name.replace(", ", "\n")).collect(),
        series: vec![
            ("holdfast".into(), series(|row| row.ours_mb_s)),
            ("fio".into(), series(|row| row.fio_mb_s)),
        ],
    };
    let method = format!(
        "fio writes with io_uring, direct I/O, over a file that was filled with zeros before, at the same block size and depth, \
         with `sync=dsync` where each write is durable and one fdatasync at the end otherwise. The engine appends frames \
         (header, leaf hashes, payload), as long as one of fio's blocks, to segments; in the rows `payload` the payload is as long, \
         and the frame longer. Either way one write counts as one block. {} turns each, of {} s or as much as a prepared segment \
         holds; the figure is the median, the ratio the median of the turns' ratios.",
        args.rounds, args.seconds
    );
    let report = Report {
        name: "disk",
        title,
        method,
        rows: serde_json::to_value(&rows)?,
        tables: vec![table],
        plot: page(title, &facts.line(), &[Panel::Bars(bars)]),
        facts,
    };
    Ok(report.write(out)?)
}

fn table(rows: &[Row]) -> Table {
    let header = ["pattern", "holdfast MB/s", "fio MB/s", "ratio", "CPU us/write"];
    let cells = rows.iter().map(|row| {
        vec![
            row.pattern.name.into(),
            format!("{:.0}", row.ours_mb_s),
            format!("{:.0}", row.fio_mb_s),
            format!("{:.2}", row.ratio),
            format!("{:.0}", row.ours_cpu_us_per_write),
        ]
    });
    Table { title: "Writes".into(), header: header.map(String::from).into(), rows: cells.collect() }
}

fn contest(
    args: &Args,
    runtime: &tokio::runtime::Runtime,
    folder: &Path,
    pattern: Pattern,
) -> Result<Row> {
    let duration = Duration::from_secs(args.seconds);
    let (mut ours, mut fios, mut ratios, mut cpus) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    fio(folder, pattern, Duration::from_secs(1))?; // Lays its file out.
    for _ in 0..args.rounds {
        // In a task, as a request of the server is: the thread of `block_on` is no worker.
        let turn = runtime.spawn(engine(folder.join("drive"), pattern, duration));
        let (speed, cpu) = runtime.block_on(turn)??;
        settle(folder)?;
        let peer = fio(folder, pattern, duration)?;
        ratios.push(speed / peer);
        ours.push(speed);
        fios.push(peer);
        cpus.push(cpu);
    }
    Ok(Row {
        pattern,
        ours_mb_s: median(ours),
        fio_mb_s: median(fios),
        ratio: median(ratios),
        ours_cpu_us_per_write: median(cpus),
    })
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// MB/s of blocks, and CPU microseconds per write.
async fn engine(path: PathBuf, pattern: Pattern, duration: Duration) -> Result<(f64, f64)> {
    std::fs::remove_dir_all(&path)?;
    std::fs::create_dir_all(&path)?;
    let drive = open(&path, Backend::Auto)?.drive;
    let world = World { clock: Arc::new(SystemClock), rng: Arc::new(SystemRng) };
    let wanted = Identity {
        cluster: ClusterId([1; 16]),
        drive: DriveId(SystemRng.id()),
        no: DriveNo(0),
        mount_point: false,
    };
    identity::format(&drive, &wanted).await?;
    let options = Options { segment_bytes: Some(SEGMENT_BYTES), ..Options::default() };
    let store = Arc::new(ShardStore::open(drive, wanted, world, options).await?);
    let geometry = Geometry::new(1, 0)?;
    let payload = Bytes::from(vec![0xa5; pattern.payload(geometry)]);
    let layout = BlobLayout::new(geometry, payload.len());
    // The first write opens a segment; then the next one is prepared.
    store.write(shard(0, layout, &payload, pattern.hashing), Durability::Durable).await?;
    prepared(&path).await?;
    settle(&path)?;

    let most = TURN_BYTES / (pattern.block + 4096) as u64;
    let mut frames = (1..most).map(|number| shard(number, layout, &payload, pattern.hashing));
    let (mut done, mut flights) = (0_u64, FuturesUnordered::new());
    let (began, cpu) = (Instant::now(), cpu_time()?);
    loop {
        while flights.len() < pattern.depth && began.elapsed() < duration {
            let Some(write) = frames.next() else { break };
            let durability = if pattern.durable { Durability::Durable } else { Durability::Later };
            flights.push(store.write(write, durability));
        }
        match flights.next().await {
            Some(result) => result?,
            None => break,
        }
        done += 1;
    }
    if !pattern.durable {
        store.sync().await?;
    }
    let (wall, cpu) = (began.elapsed(), cpu_time()?.saturating_sub(cpu));
    store.close().await;
    if done == 0 {
        bail!("{}: nothing was written", pattern.name);
    }
    let bytes = done as f64 * pattern.block as f64;
    Ok((bytes / 1e6 / wall.as_secs_f64(), cpu.as_secs_f64() * 1e6 / done as f64))
}

/// Waits for the open segment and its spare: a turn is about writing, not about filling
/// segments with zeros, which is done once in their life.
async fn prepared(drive: &Path) -> Result<()> {
    for _ in 0..600 {
        let names = std::fs::read_dir(drive)?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        if names.filter(|name| name.starts_with("segment-")).count() >= 2 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("no spare segment within a minute")
}

/// What filling and removing files left to the journal ends before the turn, not in it.
fn settle(folder: &Path) -> Result<()> {
    Ok(rustix::fs::syncfs(std::fs::File::open(folder)?)?)
}

fn shard_id(number: u64) -> holdfast_base::BlobId {
    BodyId { born: 1, nonce: number }.blob(0)
}

fn head(number: u64, layout: BlobLayout) -> ShardHead {
    let owner = Owner {
        bucket: BucketId(1),
        key: Bytes::from_static(b"bench"),
        version: VersionId([0; 16]),
    };
    ShardHead { shard: shard_id(number).shard(0), layout, roots: vec![Hash([0; 32])], owner }
}

fn shard(number: u64, layout: BlobLayout, payload: &[u8], hashing: bool) -> ShardWrite {
    let mut head = head(number, layout);
    let shard = head.shard;
    let count = checksum::leaf_count(payload.len() as u64);
    let room = room(&head, count);
    // Without hashing the payload is whatever the buffer held: fio fills its own once, too.
    let mut buf = Buf::dirty((room + payload.len()).next_multiple_of(4096));
    let mut leaves = vec![Hash([7; 32]); count];
    if hashing {
        buf[room..room + payload.len()].copy_from_slice(payload);
        leaves = checksum::leaves(shard, payload);
        head.roots = vec![checksum::root(shard, &leaves)];
    }
    ShardWrite { head, leaves, buf, room }
}

/// This process's, all threads.
fn cpu_time() -> Result<Duration> {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Ok(Duration::new(now.tv_sec.try_into()?, now.tv_nsec.try_into()?))
}

/// MB/s.
fn fio(folder: &Path, pattern: Pattern, duration: Duration) -> Result<f64> {
    let mut command = Command::new("fio");
    command.args([
        "--name=peer",
        "--ioengine=io_uring",
        "--direct=1",
        "--rw=write",
        "--size=1g",
        "--time_based",
    ]);
    command.args(["--overwrite=1", "--zero_buffers=0", "--output-format=json"]);
    command.arg(format!("--filename={}", folder.join("fio.bin").display()));
    command.arg(format!("--bs={}", pattern.block));
    command.arg(format!("--iodepth={}", pattern.depth));
    command.arg(format!("--runtime={}", duration.as_secs()));
    command.arg(if pattern.durable { "--sync=dsync" } else { "--end_fsync=1" });
    let output = command.output().context("fio is not installed")?;
    if !output.status.success() {
        bail!("fio: {}", String::from_utf8_lossy(&output.stderr));
    }
    let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let bytes_per_second =
        report["jobs"][0]["write"]["bw_bytes"].as_f64().context("fio told no bandwidth")?;
    Ok(bytes_per_second / 1e6)
}
