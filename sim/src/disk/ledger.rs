//! What was asked of a simulated disk, what went wrong, and where.

use std::collections::BTreeMap;
use std::fmt;

use holdfast_io::disk::{OpKind, Site};

use super::Fault;

/// Counts over all lives of a disk. Sums over disks and seeds with [`Ledger::merge`].
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Operations that were begun.
    pub ops: BTreeMap<OpKind, u64>,
    /// Faults that really happened.
    pub faults: BTreeMap<Fault, u64>,
    /// Call sites of `io::disk` that asked. A file for blocking use counts as one
    /// site per method, in this crate's `blocking.rs`.
    pub sites: BTreeMap<Site, SiteCount>,
}

/// How often one call site asked, and how often it was struck.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SiteCount {
    /// Operations.
    pub seen: u64,
    /// Of those, struck by a power cut, at them or while they were under way.
    pub crashed: u64,
    /// Of those, struck by any other fault.
    pub failed: u64,
}

impl SiteCount {
    /// Operations that were struck by whatever.
    pub fn struck(&self) -> u64 {
        self.crashed + self.failed
    }
}

impl Ledger {
    /// Adds `other`.
    pub fn merge(&mut self, other: &Ledger) {
        for (kind, count) in &other.ops {
            *self.ops.entry(*kind).or_default() += count;
        }
        for (fault, count) in &other.faults {
            *self.faults.entry(*fault).or_default() += count;
        }
        for (site, count) in &other.sites {
            let sum = self.sites.entry(site).or_default();
            sum.seen += count.seen;
            sum.crashed += count.crashed;
            sum.failed += count.failed;
        }
    }

    /// How often `fault` happened.
    pub fn count(&self, fault: Fault) -> u64 {
        self.faults.get(&fault).copied().unwrap_or(0)
    }

    /// Call sites that were struck, and all that were seen.
    pub fn coverage(&self) -> (usize, usize) {
        let struck = self.sites.values().filter(|count| count.struck() > 0).count();
        (struck, self.sites.len())
    }

    /// Call sites that were never struck.
    pub fn spared(&self) -> impl Iterator<Item = Site> + '_ {
        self.sites.iter().filter(|(_, count)| count.struck() == 0).map(|(site, _)| *site)
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ops: u64 = self.ops.values().sum();
        let (struck, sites) = self.coverage();
        write!(f, "{ops} operations, {struck} of {sites} call sites struck")?;
        for (fault, count) in &self.faults {
            write!(f, ", {count} {fault:?}")?;
        }
        Ok(())
    }
}
