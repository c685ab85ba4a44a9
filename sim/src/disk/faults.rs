//! What goes wrong, and when.

use std::time::Duration;

use holdfast_io::disk::{OpKind, Site};
use holdfast_io::rng::SeededRng;

/// Something that a disk does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The power goes: before the operation, in its middle, or after it was done and before it answers.
    Crash,
    /// The operation errs. A write or a directory operation may have happened
    /// in part or in full; of what a sync was to settle an unknown part is lost.
    Eio,
    /// No space. Creations, replacements and writes.
    Full,
    /// A stored bit is not what it was. Reads (in what is read) and writes (in what was written).
    Flip,
    /// A write is acknowledged and never stored.
    Lost,
    /// A write is stored elsewhere in the same file.
    Misdirected,
    /// A sector cannot be read until it is written again. Reads and writes.
    Unreadable,
    /// The operation takes as long as [`Faults::stall`] says.
    Stall,
    /// A planted bug: a durable write or a sync is acknowledged, and nothing is settled.
    Forgotten,
    /// A pending sector that a power cut left unreadable. Counted, not asked
    /// for by a rule: see [`Faults::torn_one_in`].
    Torn,
}

/// When a [`Rule`] strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Every time.
    Always,
    /// Once in so many times, by the seed.
    OneIn(u64),
    /// Exactly once, at the n-th operation that the rule matches, from 1.
    Nth(u64),
}

impl When {
    /// Counts an operation that matches; whether it is struck.
    fn strikes(self, seen: &mut u64, rng: &SeededRng) -> bool {
        *seen += 1;
        match self {
            When::Always => true,
            When::OneIn(n) => n > 0 && rng.one_in(n),
            When::Nth(n) => *seen == n,
        }
    }
}

/// A fault, the operations that it may strike, and when.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What goes wrong.
    pub fault: Fault,
    /// Which operations; all that the fault applies to when absent.
    pub on: Option<OpKind>,
    /// Only files whose name begins so; all when absent.
    pub files: Option<String>,
    /// When.
    pub when: When,
}

/// A rule for one line of the callers' source.
#[derive(Clone, Debug)]
struct Sited {
    file: String,
    line: u32,
    fault: Fault,
    when: When,
}

/// A plan: rules, and what is not a matter of rules.
#[derive(Clone, Debug)]
pub struct Faults {
    rules: Vec<(Rule, u64)>,
    sited: Vec<(Sited, u64)>,
    /// The shortest and the longest time an operation takes. Tokio rounds up to milliseconds.
    pub latency: (Duration, Duration),
    /// How long [`Fault::Stall`] takes.
    pub stall: Duration,
    /// A power cut makes one in so many pending sectors unreadable; 0 for none.
    pub torn_one_in: u64,
}

impl Default for Faults {
    fn default() -> Self {
        Self::none()
    }
}

impl Faults {
    /// Nothing goes wrong by itself. (A power cut still tears one sector in 64.)
    pub fn none() -> Self {
        let latency = (Duration::ZERO, Duration::ZERO);
        Self {
            rules: Vec::new(),
            sited: Vec::new(),
            latency,
            stall: Duration::from_secs(30),
            torn_one_in: 64,
        }
    }

    /// Adds `rule`.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push((rule, 0));
        self
    }

    /// Adds a rule for every file.
    #[must_use]
    pub fn with(self, fault: Fault, on: OpKind, when: When) -> Self {
        self.rule(Rule { fault, on: Some(on), files: None, when })
    }

    /// The power goes at the n-th operation of this disk from now, from 1.
    #[must_use]
    pub fn crash_at(self, n: u64) -> Self {
        self.rule(Rule { fault: Fault::Crash, on: None, files: None, when: When::Nth(n) })
    }

    /// Strikes what is asked from one line of source, as [`Site`] names it.
    #[must_use]
    pub fn at_site(mut self, (file, line): (&str, u32), fault: Fault, when: When) -> Self {
        self.sited.push((Sited { file: file.to_owned(), line, fault, when }, 0));
        self
    }

    /// Sets how long operations take.
    #[must_use]
    pub fn latency(mut self, shortest: Duration, longest: Duration) -> Self {
        self.latency = (shortest, longest);
        self
    }

    /// Which faults strike the next operation.
    pub(super) fn strike(
        &mut self,
        on: OpKind,
        (file, site): (&str, Site),
        rng: &SeededRng,
    ) -> Vec<Fault> {
        let mut struck = Vec::new();
        for (rule, seen) in &mut self.rules {
            let matches = rule.on.is_none_or(|kind| kind == on)
                && rule.fault.applies_to(on)
                && rule.files.as_ref().is_none_or(|want| file.starts_with(want));
            if !matches {
                continue;
            }
            if rule.when.strikes(seen, rng) && !struck.contains(&rule.fault) {
                struck.push(rule.fault);
            }
        }
        for (rule, seen) in &mut self.sited {
            if site.file() != rule.file || site.line() != rule.line || !rule.fault.applies_to(on) {
                continue;
            }
            if rule.when.strikes(seen, rng) && !struck.contains(&rule.fault) {
                struck.push(rule.fault);
            }
        }
        struck
    }
}

impl Fault {
    /// Whether the fault means anything for `kind`.
    pub fn applies_to(self, kind: OpKind) -> bool {
        use OpKind as K;
        match self {
            Fault::Crash | Fault::Eio | Fault::Stall => true,
            Fault::Full => matches!(kind, K::Create | K::Replace | K::Write),
            Fault::Flip | Fault::Unreadable => matches!(kind, K::Read | K::Write),
            Fault::Lost | Fault::Misdirected => kind == K::Write,
            Fault::Forgotten => matches!(kind, K::Write | K::Sync),
            Fault::Torn => false,
        }
    }
}
