//! Resident memory of the server while sysbench's read_write runs, and whether it stays flat.
//!
//! Memory goes up and down: tails grow until they are flushed, and what is remembered of transactions fills
//! bounded tables. What must not rise is the peak: that of the second half after the warm-up beside that of
//! the first half. A rise beyond the bound makes the run a failed one, after its report was written.

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
    #[arg(long, default_value_t = 22.0)]
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
    /// The rise of the peak that still counts as flat. [percent]
    #[arg(long, default_value_t = 5.0)]
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
    let peaks =
        peaks(&samples, args.warm_up_minutes).context("too few samples after the warm-up")?;
    let table = table(&samples);
    println!("{}", table.text());
    println!("{transactions} transactions; {}", peaks.said());
    if let Some(out) = &args.setup.out {
        let facts = Facts::gather_for(&args.setup.holdfast)?;
        report(args, &samples, (&peaks, transactions), (facts, table))?.write(out)?;
    }
    ensure!(peaks.rise() <= args.bound, "{}: over the bound of {} %", peaks.said(), args.bound);
    Ok(())
}

/// The highest samples of two halves. [MiB]
#[derive(Clone, Copy, Debug)]
struct Peaks {
    first: f64,
    second: f64,
}

impl Peaks {
    /// [percent]
    fn rise(&self) -> f64 {
        (self.second / self.first - 1.0) * 100.0
    }

    fn said(&self) -> String {
        let Self { first, second } = self;
        let rise = self.rise();
        format!(
            "at most {first:.0} MiB in the first half after the warm-up, {second:.0} MiB in the second ({rise:+.1} %)"
        )
    }
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

/// Of what came after the warm-up; `None` where a half has no sample.
fn peaks(samples: &[Sample], warm_up_minutes: f64) -> Option<Peaks> {
    let end = samples.last()?.minutes;
    let middle = (warm_up_minutes + end) / 2.0;
    let peak = |from: f64, to: f64| {
        let within = samples.iter().filter(|sample| sample.minutes >= from && sample.minutes < to);
        within.map(|sample| sample.resident_mib).reduce(f64::max)
    };
    Some(Peaks { first: peak(warm_up_minutes, middle)?, second: peak(middle, f64::INFINITY)? })
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
    (peaks, transactions): (&Peaks, u64),
    (facts, table): (Facts, Table),
) -> Result<Report> {
    let title = "Resident memory under sysbench's read_write";
    let method = format!(
        "One Holdfast process under sysbench's oltp_read_write over {} connections for {} minutes: {transactions} transactions. VmRSS every \
         {} s; the table has one a minute. After a warm-up of {} minutes: {}; a rise of up to {} % counts as flat.",
        args.connections,
        args.minutes,
        args.every,
        args.warm_up_minutes,
        peaks.said(),
        args.bound
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
    fn the_peaks_of_both_halves_are_compared_without_the_warm_up() {
        let sample = |(at, resident_mib): (usize, &f64)| Sample {
            minutes: at as f64,
            resident_mib: *resident_mib,
            cpu: 0.0,
        };
        let of = |all: &[f64]| peaks(&all.iter().enumerate().map(sample).collect::<Vec<_>>(), 2.0);
        let saw = of(&[900.0, 900.0, 100.0, 200.0, 100.0, 200.0, 100.0]).unwrap();
        assert_eq!((saw.first, saw.second), (200.0, 200.0));
        let leak = of(&[0.0, 0.0, 100.0, 200.0, 110.0, 220.0, 120.0]).unwrap();
        assert!((leak.rise() - 10.0).abs() < 1e-9);
        assert!(of(&[1.0, 1.0]).is_none());
    }

    #[test]
    fn the_last_sample_is_kept() {
        let sample = |minutes| Sample { minutes, resident_mib: 0.0, cpu: 0.0 };
        let samples: Vec<Sample> = (0..30).map(|nth| sample(f64::from(nth) / 12.0)).collect();
        let kept: Vec<f64> = thinned(&samples).iter().map(|sample| sample.minutes).collect();
        assert_eq!(kept, [0.0, 1.0, 2.0, 29.0 / 12.0]);
    }
}
