//! Erasure codes and hashes, in GB/s of user data per second of CPU time of
//! one core, beside ISA-L and memcpy.
//!
//! Not here: one contest (`contest`), taking turns (`interleave`).

mod contest;
mod hashes;
#[cfg(feature = "isal")]
mod isal;

use std::path::PathBuf;

use holdfast_base::{ByteCount, Geometry};
use holdfast_ec::codec::ShapeError;
use serde_json::{Value, json};

use self::contest::{Shape, Work};
use crate::interleave::{Speeds, measure};
use crate::plot::{Bars, Lines, Panel, page};
use crate::report::{Facts, Report, Table};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
/// More than the caches of a core's share of a processor. [bytes]
const COLD: usize = 64 * MIB;

/// Command line of `holdfast-bench codec`.
#[derive(clap::Args)]
pub struct Args {
    /// Where the report goes; made if missing. Without it, only text is printed.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Turns that each contender takes.
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// Our codec refused what we handed in.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// A geometry of the bench is none.
    #[error(transparent)]
    Geometry(#[from] holdfast_base::geometry::BadGeometry),
    /// A contender made wrong bytes, so that its speed means nothing.
    #[error("{name} made wrong bytes")]
    Wrong {
        /// Who.
        name: &'static str,
    },
    /// The report was not written.
    #[error("the report: {0}")]
    Report(#[from] std::io::Error),
}

/// The speeds of one contest.
struct Outcome {
    label: String,
    work: String,
    facts: Value,
    speeds: Vec<Speeds>,
}

/// All that was measured.
struct Outcomes {
    codes: Vec<Outcome>,
    widths: Vec<Outcome>,
    halves: Vec<Outcome>,
    kernels: Vec<Outcome>,
    hashes: Vec<Outcome>,
}

/// Runs all contests, prints them, and writes the report.
pub fn run(args: &Args) -> Result<(), BenchError> {
    let rounds = usize::from(args.rounds);
    let all = Outcomes {
        codes: codes(rounds)?,
        widths: widths(rounds)?,
        halves: halves(rounds)?,
        kernels: kernels(rounds)?,
        hashes: hashes(rounds),
    };
    let facts = Facts::gather();
    let tables = all.tables();
    for table in &tables {
        println!("{}", table.text());
    }
    println!("{}", facts.line());
    let Some(out) = &args.out else { return Ok(()) };
    let report = Report {
        name: "codec",
        title: "Erasure codes and hashes",
        method: method(rounds),
        rows: all.rows(),
        tables,
        plot: page("Erasure codes and hashes", &facts.line(), &all.panels()),
        facts,
    };
    Ok(report.write(out)?)
}

impl Outcomes {
    fn tables(&self) -> Vec<Table> {
        vec![
            code_table("Codes [GB/s]", &self.codes),
            code_table("Codes by width, m = 4, units of 64 KiB [GB/s]", &self.widths),
            code_table("As much parity as data, units of 64 KiB [GB/s]", &self.halves),
            plain_table("Kernels of gf8, encode [GB/s]", &self.kernels),
            plain_table("Hashes [GB/s]", &self.hashes),
        ]
    }

    fn panels(&self) -> Vec<Panel> {
        let codes = |title: &str, work| {
            bars(&format!("{title} [GB/s of user data per core]"), &of(&self.codes, work))
        };
        let wide = |title: &str, work| {
            let title = format!("{title}, m = 4, 64 KiB [GB/s of user data per core]");
            lines(&title, &of(&self.widths, work))
        };
        vec![
            codes("Encode", "encode"),
            codes("Rebuild one lost data shard", "1 lost"),
            codes("Rebuild m lost data shards", "m lost"),
            wide("Encode by width", "encode"),
            wide("Rebuild 4 lost data shards by width", "m lost"),
            bars(
                "Encode with as much parity as data, 64 KiB [GB/s of user data per core]",
                &of(&self.halves, "encode"),
            ),
            bars("Hashes [GB/s per core]", &of(&self.hashes, "hash")),
        ]
    }

    fn rows(&self) -> Value {
        let all = [&self.codes, &self.widths, &self.halves, &self.kernels, &self.hashes];
        all.into_iter().flatten().flat_map(Outcome::rows).collect()
    }
}

fn method(rounds: usize) -> String {
    format!(
        "GB/s of user data (`k` units a stripe) per second of CPU time of one core. Contenders \
         take turns, {rounds} samples of at least 5 ms each; a speed is the median of the samples, \
         a ratio the median of the ratios of each turn. One stripe, hot in the caches, except \
         where `cold` stands: there the stripes of one contender span more than {} MiB. What a \
         contender rebuilds is compared with what was lost before it is timed. ISA-L's tables are \
         made ahead and not timed, ours are made within each rebuild. `memcpy` copies the user \
         data.",
        COLD / MIB
    )
}

/// Every geometry, unit and kind of work.
fn codes(rounds: usize) -> Result<Vec<Outcome>, BenchError> {
    let mut outcomes = Vec::new();
    for geometry in ["4+2", "8+4", "12+4"] {
        let geometry: Geometry = geometry.parse()?;
        for (unit, cold) in [(16 * KIB, false), (64 * KIB, false), (MIB, false), (64 * KIB, true)] {
            let stripes = if cold { COLD.div_ceil(unit * geometry.shards()) } else { 1 };
            let shape = Shape { geometry, unit, stripes };
            let name = if cold { "cold" } else { "" };
            let label = format!("{geometry}\n{} {name}", size(unit));
            for (work, name) in works(geometry) {
                let speeds = measure(&mut contest::contenders(shape, work)?, rounds);
                outcomes.push(Outcome::new(label.trim_end(), name, shape, speeds));
            }
        }
    }
    Ok(outcomes)
}

/// How width tells on each code, at constant parity.
fn widths(rounds: usize) -> Result<Vec<Outcome>, BenchError> {
    wide([4, 8, 12, 16, 20, 24, 28].map(|k| (k, 4)).as_slice(), rounds)
}

/// How parity tells on each code: as much of it as data.
fn halves(rounds: usize) -> Result<Vec<Outcome>, BenchError> {
    wide([4, 8, 12, 16].map(|k| (k, k)).as_slice(), rounds)
}

fn wide(geometries: &[(usize, usize)], rounds: usize) -> Result<Vec<Outcome>, BenchError> {
    let mut outcomes = Vec::new();
    for &(k, m) in geometries {
        let geometry = Geometry::new(k, m)?;
        let shape = Shape { geometry, unit: 64 * KIB, stripes: 1 };
        for (work, name) in works(geometry).into_iter().filter(|(_, name)| *name != "1 lost") {
            let mut contenders = contest::contenders(shape, work)?;
            contenders.retain(|contender| contender.name != "memcpy");
            let speeds = measure(&mut contenders, rounds);
            outcomes.push(Outcome::new(&geometry.to_string(), name, shape, speeds));
        }
    }
    Ok(outcomes)
}

fn works(geometry: Geometry) -> [(Work, &'static str); 3] {
    let m = geometry.m();
    [(Work::Encode, "encode"), (Work::Rebuild(1), "1 lost"), (Work::Rebuild(m), "m lost")]
}

fn kernels(rounds: usize) -> Result<Vec<Outcome>, BenchError> {
    let mut outcomes = Vec::new();
    for geometry in ["4+2", "8+4", "12+4"] {
        let shape = Shape { geometry: geometry.parse()?, unit: 64 * KIB, stripes: 1 };
        let speeds = measure(&mut contest::kernels(shape, Work::Encode)?, rounds);
        outcomes.push(Outcome::new(&format!("{geometry}\n64 KiB"), "kernels", shape, speeds));
    }
    Ok(outcomes)
}

fn hashes(rounds: usize) -> Vec<Outcome> {
    let of = |unit| Outcome {
        label: size(unit),
        work: "hash".into(),
        facts: json!({ "unit_bytes": unit }),
        speeds: measure(&mut hashes::contenders(unit), rounds),
    };
    [16 * KIB, 64 * KIB, MIB].map(of).into()
}

impl Outcome {
    fn new(label: &str, work: &str, shape: Shape, speeds: Vec<Speeds>) -> Self {
        let facts = json!({
            "geometry": shape.geometry.to_string(),
            "unit_bytes": shape.unit,
            "stripes": shape.stripes,
        });
        Self { label: label.into(), work: work.into(), facts, speeds }
    }

    fn find(&self, name: &str) -> Option<&Speeds> {
        self.speeds.iter().find(|speeds| speeds.name == name)
    }

    /// The median ratio of `ours` to `theirs`, where both ran.
    fn ratio(&self, ours: &str, theirs: &str) -> Option<f64> {
        Some(self.find(ours)?.median_ratio(self.find(theirs)?))
    }

    /// One JSON object for each contender.
    fn rows(&self) -> Vec<Value> {
        let row = |speeds: &Speeds| {
            let mut row = self.facts.clone();
            row["work"] = self.work.clone().into();
            row["contender"] = speeds.name.into();
            row["gb_per_s"] = round(speeds.median()).into();
            row["to_isal"] = self.ratio(speeds.name, "ISA-L").map(round).into();
            row["samples_gb_per_s"] = speeds.rounds.iter().copied().map(round).collect();
            row
        };
        self.speeds.iter().map(row).collect()
    }

    fn label(&self) -> String {
        self.label.replace('\n', ", ")
    }
}

fn of<'a>(outcomes: &'a [Outcome], work: &str) -> Vec<&'a Outcome> {
    outcomes.iter().filter(|outcome| outcome.work == work).collect()
}

/// A row for each contest, with the ratio that we have promised.
fn code_table(title: &str, outcomes: &[Outcome]) -> Table {
    let names: Vec<&str> = outcomes[0].speeds.iter().map(|speeds| speeds.name).collect();
    let header = ["stripe", "work"].into_iter().chain(names).chain(["gf8 / ISA-L"]);
    let row = |outcome: &Outcome| {
        let speeds = outcome.speeds.iter().map(|speeds| format!("{:.1}", speeds.median()));
        let ratio = outcome.ratio("gf8", "ISA-L").map_or("".into(), |ratio| format!("{ratio:.2}"));
        [outcome.label(), outcome.work.clone()].into_iter().chain(speeds).chain([ratio]).collect()
    };
    Table {
        title: title.into(),
        header: header.map(String::from).collect(),
        rows: outcomes.iter().map(row).collect(),
    }
}

fn plain_table(title: &str, outcomes: &[Outcome]) -> Table {
    let names = outcomes[0].speeds.iter().map(|speeds| speeds.name.to_string());
    let row = |outcome: &Outcome| {
        let speeds = outcome.speeds.iter().map(|speeds| format!("{:.2}", speeds.median()));
        [outcome.label()].into_iter().chain(speeds).collect()
    };
    Table {
        title: title.into(),
        header: ["of".into()].into_iter().chain(names).collect(),
        rows: outcomes.iter().map(row).collect(),
    }
}

/// A group for each contest, a bar for each contender.
fn bars(title: &str, outcomes: &[&Outcome]) -> Panel {
    let series = outcomes[0].speeds.iter().map(|speeds| {
        let value = |outcome: &&Outcome| outcome.find(speeds.name).map(Speeds::median);
        (speeds.name.to_string(), outcomes.iter().map(value).collect())
    });
    Panel::Bars(Bars {
        title: title.into(),
        groups: outcomes.iter().map(|outcome| outcome.label.clone()).collect(),
        series: series.collect(),
    })
}

/// A line for each contender, over the number of data shards.
fn lines(title: &str, outcomes: &[&Outcome]) -> Panel {
    let k = |outcome: &Outcome| outcome.label.split('+').next().and_then(|k| k.parse().ok());
    let series = outcomes[0].speeds.iter().map(|speeds| {
        let point = |outcome: &&Outcome| Some((k(outcome)?, outcome.find(speeds.name)?.median()));
        (speeds.name.to_string(), outcomes.iter().filter_map(point).collect())
    });
    Panel::Lines(Lines {
        title: title.into(),
        x_title: "data shards".into(),
        series: series.collect(),
    })
}

fn size(bytes: usize) -> String {
    ByteCount(bytes as u64).to_string().replace(".0 ", " ")
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
