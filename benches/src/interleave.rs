//! Contenders take turns, so that a noisy machine is noisy for all of them.
//!
//! ```text
//! round 0   A B C      a sample is as many runs as last about SAMPLE
//! round 1   C B A      of CPU time of this thread
//! ...                  the verdict is the median of the rounds' ratios
//! ```
//!
//! Not here: what is run (`codec` and its neighbours).

use std::time::Duration;

/// The least CPU time of one sample.
const SAMPLE: Duration = Duration::from_millis(5);

/// Something to measure.
pub struct Contender<'a> {
    /// As in tables and legends.
    pub name: &'static str,
    /// User data per run. [bytes]
    pub bytes: usize,
    /// One run.
    pub run: Box<dyn FnMut() + 'a>,
}

/// The speeds of one contender, round by round. [GB/s of CPU time of one core]
#[derive(Clone, Debug)]
pub struct Speeds {
    /// Of whom.
    pub name: &'static str,
    /// One for each round.
    pub rounds: Vec<f64>,
}

impl Speeds {
    /// The middle of the rounds. [GB/s]
    pub fn median(&self) -> f64 {
        median(self.rounds.clone())
    }

    /// The middle of the ratios to `other`, round by round.
    pub fn median_ratio(&self, other: &Speeds) -> f64 {
        median(self.rounds.iter().zip(&other.rounds).map(|(ours, theirs)| ours / theirs).collect())
    }
}

/// Measures all `contenders` in turn, `rounds` times.
pub fn measure(contenders: &mut [Contender<'_>], rounds: usize) -> Vec<Speeds> {
    let runs: Vec<usize> = contenders.iter_mut().map(calibrate).collect();
    let mut speeds: Vec<Speeds> = contenders
        .iter()
        .map(|contender| Speeds { name: contender.name, rounds: Vec::with_capacity(rounds) })
        .collect();
    for round in 0..rounds {
        for turn in 0..contenders.len() {
            let nth = if round % 2 == 0 { turn } else { contenders.len() - 1 - turn };
            let spent = sample(&mut contenders[nth], runs[nth]);
            let bytes = (contenders[nth].bytes * runs[nth]) as f64;
            speeds[nth].rounds.push(bytes / 1e9 / spent.as_secs_f64());
        }
    }
    speeds
}

/// How many runs fill a sample.
fn calibrate(contender: &mut Contender<'_>) -> usize {
    let mut runs = 1;
    while sample(contender, runs) < SAMPLE {
        runs *= 2;
    }
    runs
}

fn sample(contender: &mut Contender<'_>, runs: usize) -> Duration {
    let begun = thread_time();
    for _ in 0..runs {
        (contender.run)();
    }
    thread_time() - begun
}

/// CPU time of this thread: what others do to the machine is not counted,
/// what they do to its caches is.
fn thread_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// The middle one; NaN of none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
