//! Resident memory of the server while sysbench's read_write runs, and whether it stays flat.
//!
//! Flat means that the line of least squares through the samples after the warm-up rises by less than
//! the bound; otherwise the run is a failed one, after its report was written.

#![allow(clippy::disallowed_methods, reason = "a load generator touches the world itself")]

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use super::servers::{Database, Setup, block_on};
use super::sysbench::Tables;
use crate::plot::{Lines, Panel, page};
use crate::report::{Facts, Report, Table};

/// Command line of `holdfast-bench memory`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    setup: Setup,
    #[command(flatten)]
    tables: Tables,
    /// How long.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Samples before that are not judged.
    #[arg(long, default_value_t = 2.0)]
    warm_up_minutes: f64,
    /// Between samples. [s]
    #[arg(long, default_value_t = 5)]
    every: u64,
    /// sysbench's connections.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// The rise that still counts as flat. [MiB per minute]
    #[arg(long, default_value_t = 1.0)]
    bound: f64,
}

/// One sample.
#[derive(Clone, Copy, Debug, Serialize)]
struct Sample {
    minutes: f64,
    resident_mib: f64,
    /// Of the server, so far. [s]
    cpu: f64,
}

/// Runs it, writes the report and judges.
pub fn run(args: &Args) -> Result<()> {
    ensure!(args.warm_up_minutes < args.minutes, "nothing is left after the warm-up");
    let (samples, transactions) = block_on(measure(args))?;
    let judged: Vec<(f64, f64)> = samples
        .iter()
        .filter(|sample| sample.minutes >= args.warm_up_minutes)
        .map(|sample| (sample.minutes, sample.resident_mib))
        .collect();
    let slope = slope(&judged).context("too few samples after the warm-up")?;
    let table = table(&samples);
    println!("{}", table.text());
    println!(
        "{transactions} transactions; resident memory rises by {slope:.2} MiB per minute after the warm-up"
    );
    if let Some(out) = &args.setup.out {
        let facts = Facts::gather_for(&args.setup.holdfast)?;
        report(args, &samples, (slope, transactions), (facts, table))?.write(out)?;
    }
    ensure!(slope <= args.bound, "{slope:.2} MiB per minute is over the bound of {}", args.bound);
    Ok(())
}

async fn measure(args: &Args) -> Result<(Vec<Sample>, u64)> {
    let mut place = args.setup.place()?;
    let mut database = Database::holdfast(&args.setup.holdfast, &mut place)?;
    database.until_ready().await?;
    args.tables.prepare(&database).await?;
    let mut command = args.tables.command(&database, "oltp_read_write");
    command.arg(format!("--threads={}", args.connections));
    command.arg(format!("--time={}", (args.minutes * 60.0).ceil()));
    command.arg("run").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().context("could not run sysbench")?;
    let began = Instant::now();
    let mut samples = Vec::new();
    loop {
        let usage = database.usage()?;
        samples.push(Sample {
            minutes: began.elapsed().as_secs_f64() / 60.0,
            resident_mib: usage.resident as f64 / f64::from(1 << 20),
            cpu: usage.cpu.as_secs_f64(),
        });
        if running.try_wait()?.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_secs(args.every)).await;
    }
    let outcome = super::sysbench::outcome(running.wait_with_output()?)?;
    Ok((samples, outcome.transactions))
}

/// Of the line of least squares; `None` where the points make none.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let spread: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    let joint: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    (points.len() >= 3 && spread > 0.0).then(|| joint / spread)
}

/// One sample of each minute, and the last.
fn thinned(samples: &[Sample]) -> Vec<Sample> {
    let mut kept: Vec<Sample> = Vec::new();
    for (nth, sample) in samples.iter().enumerate() {
        let due = kept.last().is_none_or(|last| sample.minutes.floor() > last.minutes.floor());
        if due || nth + 1 == samples.len() {
            kept.push(*sample);
        }
    }
    kept
}

fn table(samples: &[Sample]) -> Table {
    let rows = thinned(samples).into_iter().map(|sample| {
        let Sample { minutes, resident_mib, cpu } = sample;
        vec![format!("{minutes:.1}"), format!("{resident_mib:.1}"), format!("{cpu:.1}")]
    });
    Table {
        title: "Resident memory".into(),
        header: ["minute", "MiB", "server CPU s"].map(String::from).into(),
        rows: rows.collect(),
    }
}

fn report(
    args: &Args,
    samples: &[Sample],
    (slope, transactions): (f64, u64),
    (facts, table): (Facts, Table),
) -> Result<Report> {
    let title = "Resident memory under sysbench's read_write";
    let method = format!(
        "One Holdfast process under sysbench's oltp_read_write over {} connections for {} minutes: {transactions} transactions. VmRSS every \
         {} s; the table has one a minute. After {} minutes the line of least squares rises by {slope:.2} MiB per minute; up to {} counts \
         as flat.",
        args.connections, args.minutes, args.every, args.warm_up_minutes, args.bound
    );
    let tenth = |value: f64| (value * 10.0).round() / 10.0;
    let points = thinned(samples).into_iter();
    let line = points.map(|sample| (tenth(sample.minutes), sample.resident_mib)).collect();
    let panel = Panel::Lines(Lines {
        title: "Resident memory [MiB]".into(),
        x_title: "minutes".into(),
        series: vec![("holdfast".into(), line)],
    });
    Ok(Report {
        name: "memory",
        title,
        method,
        rows: serde_json::to_value(samples)?,
        tables: vec![table],
        plot: page(title, &facts.line(), &[panel]),
        facts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slope_is_that_of_the_line_and_two_points_make_none() {
        let line: Vec<(f64, f64)> =
            (0..20).map(|x| (f64::from(x), 3.0 + 2.5 * f64::from(x))).collect();
        assert!((slope(&line).unwrap() - 2.5).abs() < 1e-9);
        let saw: Vec<(f64, f64)> = (0..1000).map(|x| (f64::from(x), f64::from(x % 2))).collect();
        assert!(slope(&saw).unwrap().abs() < 1e-3);
        assert_eq!((slope(&line[..2]), slope(&[(1.0, 1.0); 5])), (None, None));
    }

    #[test]
    fn the_last_sample_is_kept() {
        let sample = |minutes| Sample { minutes, resident_mib: 0.0, cpu: 0.0 };
        let samples: Vec<Sample> = (0..30).map(|nth| sample(f64::from(nth) / 12.0)).collect();
        let kept: Vec<f64> = thinned(&samples).iter().map(|sample| sample.minutes).collect();
        assert_eq!(kept, [0.0, 1.0, 2.0, 29.0 / 12.0]);
    }
}
