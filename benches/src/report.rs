//! A report: what was measured, on what, of which commit, by which command.
//!
//! ```text
//! DIR/NAME.json    facts and rows, for machines
//! DIR/NAME.svg     the plot
//! DIR/README.md    facts, plot and tables, for people
//! ```
//!
//! Not here: drawing (`plot`), measuring.

use std::path::Path;
use std::process::Command;

use holdfast_base::ByteCount;
use holdfast_io::clock::{Clock, SystemClock};
use holdfast_io::host;
use serde::Serialize;
use serde_json::{Value, json};

/// Where and of what a run was.
#[derive(Clone, Debug, Serialize)]
pub struct Facts {
    /// What was measured: short hash; `+` where the tree has changes besides results, `-dirty`
    /// where a server says that its sources had.
    pub commit: String,
    /// The same of the benchmark, where a server was built from something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub benchmark: Option<String>,
    /// UTC, as `2026-01-31`.
    pub date: String,
    /// What was typed.
    pub command: String,
    /// The processor.
    pub cpu: String,
    /// Processors that this process may use.
    pub cores: usize,
    /// Installed memory.
    pub memory: String,
    /// The kernel's release.
    pub kernel: String,
    /// Processes that wanted a processor, over the last minute of the run.
    pub load: String,
}

/// Rows of text under a heading.
pub struct Table {
    /// What it shows.
    pub title: String,
    /// A word for each column; the unit where there is one.
    pub header: Vec<String>,
    /// As many cells each as the header.
    pub rows: Vec<Vec<String>>,
}

/// All that a run leaves behind.
pub struct Report {
    /// Names the files.
    pub name: &'static str,
    /// The heading.
    pub title: &'static str,
    /// How it was measured and what the columns mean, in whole sentences.
    pub method: String,
    /// Machine and commit.
    pub facts: Facts,
    /// Every figure.
    pub rows: Value,
    /// The same for people.
    pub tables: Vec<Table>,
    /// The plot, as SVG.
    pub plot: String,
}

impl Facts {
    /// Of this machine and this working directory, now.
    pub fn gather() -> Self {
        let status = ["status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/results"];
        let changed = if git(&status).is_empty() { "" } else { "+" };
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let memory = field("/proc/meminfo", "MemTotal");
        let kib = memory.split(' ').next().and_then(|kib| kib.parse().ok()).unwrap_or(0u64);
        Self {
            commit: git(&["rev-parse", "--short=12", "HEAD"]) + changed,
            benchmark: None,
            date: date(SystemClock.wall().0 / 1000 / 86_400),
            command: format!("holdfast-bench {}", arguments.join(" ")),
            cpu: field("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory: ByteCount(kib * 1024).to_string(),
            kernel: text("/proc/sys/kernel/osrelease").trim().into(),
            load: text("/proc/loadavg").split(' ').next().unwrap_or_default().into(),
        }
    }

    /// The same, of a run that measures the server `binary`.
    pub fn gather_for(binary: &Path) -> std::io::Result<Self> {
        let asked = Command::new(binary).arg("--version").output()?;
        Ok(Self::gather().of(built_from(&String::from_utf8_lossy(&asked.stdout))))
    }

    fn of(self, commit: String) -> Self {
        let benchmark = (commit != self.commit).then_some(self.commit);
        Self { commit, benchmark, ..self }
    }

    /// One line for the plot and for people.
    pub fn line(&self) -> String {
        let Self { commit, date, cpu, cores, memory, kernel, load, .. } = self;
        let machine = format!("{cpu}, {cores} cores, {memory}, Linux {kernel}, load {load}");
        let benchmark = self.benchmark.as_ref().map(|own| format!(" (benchmark {own})"));
        format!("{machine}; commit {commit}{}, {date}", benchmark.unwrap_or_default())
    }
}

impl Report {
    /// Writes the files; makes `into` where it is missing.
    pub fn write(&self, into: &Path) -> std::io::Result<()> {
        host::create_directories(into)?;
        let json = json!({ "facts": self.facts, "method": self.method, "rows": self.rows });
        let json = serde_json::to_vec_pretty(&json)?;
        host::replace_small(&into.join(format!("{}.json", self.name)), &json)?;
        host::replace_small(&into.join(format!("{}.svg", self.name)), self.plot.as_bytes())?;
        host::replace_small(&into.join("README.md"), self.markdown().as_bytes())
    }

    fn markdown(&self) -> String {
        let Self { name, title, method, facts, .. } = self;
        let facts = format!("Machine: {}.\n\nCommand: `{}`", facts.line(), facts.command);
        let tables: Vec<String> = self.tables.iter().map(Table::markdown).collect();
        let tables = tables.join("\n");
        format!("# {title}\n\n{method}\n\n{facts}\n\n![{title}]({name}.svg)\n\n{tables}")
    }
}

impl Table {
    /// In columns, for a terminal.
    pub fn text(&self) -> String {
        let width = |column: usize| {
            let cells =
                self.rows.iter().chain([&self.header]).map(|row| row[column].chars().count());
            cells.max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:>width$}"));
            cells.collect::<Vec<_>>().join("  ") + "\n"
        };
        let lines: String = [&self.header].into_iter().chain(&self.rows).map(line).collect();
        format!("{}\n{lines}", self.title)
    }

    fn markdown(&self) -> String {
        let line = |row: &Vec<String>| format!("| {} |\n", row.join(" | "));
        let rule = format!("|{}\n", "---|".repeat(self.header.len()));
        let rows: String = self.rows.iter().map(line).collect();
        format!("## {}\n\n{}{rule}{rows}", self.title, line(&self.header))
    }
}

/// The first value of `name` in a file of `name : value` lines.
fn field(path: &str, name: &str) -> String {
    let text = text(path);
    let value = text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_string())
    });
    value.unwrap_or_else(|| "unknown".into())
}

fn text(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn git(arguments: &[&str]) -> String {
    let output = Command::new("git").args(arguments).output();
    output.map_or(String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().into())
}

/// The commit in what `holdfast --version` prints: `holdfast 0.1.0 (4245b001c0de-dirty)`.
fn built_from(said: &str) -> String {
    let said = said.trim();
    let commit = said.split_once(" (").and_then(|(_, rest)| rest.strip_suffix(')'));
    commit.map_or_else(|| format!("unknown, {said}"), Into::into)
}

/// A day since 1970 in the calendar. (Hinnant, "chrono-Compatible Low-Level
/// Date Algorithms", `civil_from_days`; for days from 1970 on.)
pub fn date(days: u64) -> String {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        for (days, want) in
            [(0, "1970-01-01"), (59, "1970-03-01"), (11_016, "2000-02-29"), (20_819, "2027-01-01")]
        {
            assert_eq!(date(days), want);
        }
    }

    #[test]
    fn a_report_names_the_commit_of_the_server_that_was_measured() {
        let own = Facts { commit: "0123456789ab".into(), ..Facts::gather() };
        let same = own.clone().of(built_from("holdfast 0.1.0 (0123456789ab)\n"));
        assert_eq!((same.commit.as_str(), same.benchmark), ("0123456789ab", None));
        let other = own.clone().of(built_from("holdfast 0.1.0 (4245b001c0de-dirty)\n"));
        let want = "commit 4245b001c0de-dirty (benchmark 0123456789ab)";
        assert!(other.line().contains(want), "{}", other.line());
        let archive = own.of(built_from("holdfast 0.1.0\n"));
        assert!(archive.line().contains("commit unknown, holdfast 0.1.0 (benchmark"));
    }

    #[test]
    fn a_table_is_as_wide_as_its_widest_cells() {
        let table = Table {
            title: "T".into(),
            header: vec!["a".into(), "GB/s".into()],
            rows: vec![vec!["long".into(), "1".into()]],
        };
        assert_eq!(table.text(), "T\n   a  GB/s\nlong     1\n");
        assert_eq!(table.markdown(), "## T\n\n| a | GB/s |\n|---|---|\n| long | 1 |\n");
    }
}
