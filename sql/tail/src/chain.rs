//! The versions of one key, oldest first: where each is, from when it holds.
//!
//! Most keys have one version; it lies in the index itself (16 bytes).

use holdfast_base::Ts;

/// Where a version's row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// In a chunk.
    Row,
    /// Nowhere: the row was deleted.
    Deleted,
}

/// One version. `chunk` and `row` mean nothing where it is a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub ts: Ts,
    pub chunk: u32,
    pub row: u16,
    pub kind: Kind,
}

/// All versions of a key that are still needed, at least one.
#[derive(Clone, Debug)]
pub(crate) enum Chain {
    One(Version),
    /// Ascending by `ts`. Boxed twice so that the common case stays small.
    #[allow(clippy::box_collection, reason = "a chain is 16 bytes in a million-key index")]
    Many(Box<Vec<Version>>),
}

impl Chain {
    pub fn newest(&self) -> Option<Version> {
        match self {
            Self::One(version) => Some(*version),
            Self::Many(versions) => versions.last().copied(),
        }
    }

    /// The newest version with a timestamp of at most `ts`.
    pub fn at(&self, ts: Ts) -> Option<Version> {
        match self {
            Self::One(version) => Some(*version).filter(|version| version.ts <= ts),
            Self::Many(versions) => {
                let newer = versions.partition_point(|version| version.ts <= ts);
                newer.checked_sub(1).map(|at| versions[at])
            }
        }
    }

    pub fn push(&mut self, version: Version) {
        match self {
            Self::One(first) => *self = Self::Many(Box::new(vec![*first, version])),
            Self::Many(versions) => versions.push(version),
        }
    }

    /// Takes out the versions that `goes` says, telling each to `freed`; false when
    /// none is left.
    pub fn take_out(
        &mut self,
        goes: impl Fn(usize, &Version) -> bool,
        mut freed: impl FnMut(Version),
    ) -> bool {
        match self {
            Self::One(version) => {
                if !goes(0, version) {
                    return true;
                }
                freed(*version);
                false
            }
            Self::Many(versions) => {
                let mut index = 0;
                versions.retain(|version| {
                    let gone = goes(index, version);
                    index += 1;
                    if gone {
                        freed(*version);
                    }
                    !gone
                });
                match versions.as_slice() {
                    [] => return false,
                    [one] => *self = Self::One(*one),
                    _ if versions.capacity() > 4 * versions.len() => versions.shrink_to_fit(),
                    _ => {}
                }
                true
            }
        }
    }

    /// Frees what no reader at or above `ts` sees: all before the newest that is
    /// not later than `ts`. That one stays, a deletion included: it hides objects.
    pub fn prune(&mut self, ts: Ts, freed: impl FnMut(Version)) {
        let Self::Many(versions) = self else { return };
        let keep_from = versions.partition_point(|version| version.ts <= ts).saturating_sub(1);
        self.take_out(|index, _| index < keep_from, freed);
    }

    pub fn heap_bytes(&self) -> usize {
        match self {
            Self::One(_) => 0,
            Self::Many(versions) => 24 + versions.capacity() * size_of::<Version>(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(ts: u64) -> Version {
        Version { ts: Ts(ts), chunk: 0, row: 0, kind: Kind::Row }
    }

    #[test]
    fn a_chain_is_small_and_finds_the_newest_not_later() {
        assert_eq!(size_of::<Chain>(), 16);
        let mut chain = Chain::One(version(10));
        chain.push(version(20));
        chain.push(version(30));
        let at = |chain: &Chain, ts| chain.at(Ts(ts)).map(|version| version.ts.0);
        assert_eq!(
            [9, 10, 19, 20, 35].map(|ts| at(&chain, ts)),
            [None, Some(10), Some(10), Some(20), Some(30)]
        );
        let mut freed = Vec::new();
        chain.prune(Ts(25), |version| freed.push(version.ts.0));
        assert_eq!((freed, at(&chain, 25), at(&chain, 15)), (vec![10], Some(20), None));
        assert!(chain.take_out(|_, version| version.ts <= Ts(20), |_| {}));
        assert!(matches!(chain, Chain::One(_)));
        assert!(!chain.take_out(|_, _| true, |_| {}));
    }
}
