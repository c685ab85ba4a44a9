//! The shape of an erasure set: `k` data and `m` parity shards.
//!
//! Invariants
//! - G1: `1 <= k`, `k + m <= MAX_SHARDS`.
//! - G2: fewer healthy drives shrink `k`, never `m`: what a PUT survives does
//!   not depend on what had failed before it.
//!
//! Not here: which drive gets which shard (`ec::object::placement`), the
//! arithmetic (`ec::codec`).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits::{MAX_SHARDS, MAX_SHARDS_BY_DEFAULT};

/// `k` data shards and `m` parity shards, written `k+m`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "(u8, u8)", into = "(u8, u8)")]
pub struct Geometry {
    k: u8,
    m: u8,
}

/// Which erasure code made a blob's parity. Stored with every blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum CodecId {
    /// Cauchy Reed-Solomon over GF(2^8), polynomial 0x11d. Up to 32 shards.
    Gf8 = 1,
    /// Leopard over GF(2^16), for wider sets.
    Leopard = 2,
}

/// A geometry that breaks G1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{given:?} is not a geometry: write K+M, at least 1 data shard and at most {MAX_SHARDS} in all, as in 4+2"
)]
pub struct BadGeometry {
    /// What was given.
    pub given: String,
}

impl Geometry {
    /// `k` data and `m` parity shards.
    ///
    /// # Errors
    /// [`BadGeometry`] where G1 does not hold.
    pub fn new(k: usize, m: usize) -> Result<Self, BadGeometry> {
        if k == 0 || k + m > MAX_SHARDS {
            return Err(BadGeometry { given: format!("{k}+{m}") });
        }
        Ok(Self { k: k as u8, m: m as u8 })
    }

    /// The default for `drives` drives: no parity on one, 1 on 2 or 3, 2 on 4
    /// to 7, 3 on 8 to 11, 4 from 12 on; sets wider than 16 only when asked for.
    ///
    /// # Errors
    /// [`BadGeometry`] for no drives at all.
    pub fn for_drives(drives: usize) -> Result<Self, BadGeometry> {
        let width = drives.min(MAX_SHARDS_BY_DEFAULT);
        let m = match width {
            0 | 1 => 0,
            2..=3 => 1,
            4..=7 => 2,
            8..=11 => 3,
            _ => 4,
        };
        Self::new(width.saturating_sub(m), m)
    }

    /// The geometry for a new blob while only `healthy` drives take writes:
    /// `m` stays, `k` shrinks (G2). `None` when fewer than `m + 1` are left.
    pub fn fit(self, healthy: usize) -> Option<Self> {
        let k = healthy.checked_sub(self.m())?.min(self.k());
        Self::new(k, self.m()).ok()
    }

    /// Data shards.
    pub const fn k(self) -> usize {
        self.k as usize
    }

    /// Parity shards.
    pub const fn m(self) -> usize {
        self.m as usize
    }

    /// All shards, `k + m`.
    pub const fn shards(self) -> usize {
        self.k() + self.m()
    }

    /// The fewest durable shards with which a PUT may be acknowledged where no
    /// spare drive is left: `k + ceil(m / 2)`, and more than `k` where there is
    /// any parity at all.
    pub const fn write_quorum(self) -> usize {
        self.k() + self.m().div_ceil(2)
    }

    /// The codec that a new blob of this geometry uses.
    pub const fn codec(self) -> CodecId {
        if self.shards() <= crate::limits::GF8_MAX_SHARDS { CodecId::Gf8 } else { CodecId::Leopard }
    }
}

impl fmt::Display for Geometry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.k, self.m)
    }
}

impl fmt::Debug for Geometry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Geometry {
    type Err = BadGeometry;
    fn from_str(text: &str) -> Result<Self, BadGeometry> {
        let bad = || BadGeometry { given: text.into() };
        let (k, m) = text.split_once('+').ok_or_else(bad)?;
        let number = |part: &str| part.trim().parse::<usize>().map_err(|_| bad());
        Self::new(number(k)?, number(m)?).map_err(|_| bad())
    }
}

impl TryFrom<(u8, u8)> for Geometry {
    type Error = BadGeometry;
    fn try_from((k, m): (u8, u8)) -> Result<Self, BadGeometry> {
        Self::new(k.into(), m.into())
    }
}

impl From<Geometry> for (u8, u8) {
    fn from(geometry: Geometry) -> Self {
        (geometry.k, geometry.m)
    }
}

impl CodecId {
    /// The codec with this stored number, if we know it.
    pub const fn from_stored(stored: u8) -> Option<Self> {
        match stored {
            1 => Some(Self::Gf8),
            2 => Some(Self::Leopard),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_follow_the_number_of_drives() {
        let table = [
            (1, "1+0"),
            (2, "1+1"),
            (3, "2+1"),
            (4, "2+2"),
            (6, "4+2"),
            (7, "5+2"),
            (8, "5+3"),
            (11, "8+3"),
            (12, "8+4"),
            (16, "12+4"),
            (40, "12+4"),
        ];
        for (drives, want) in table {
            assert_eq!(Geometry::for_drives(drives).map(|g| g.to_string()), Ok(want.into()));
        }
        assert!(Geometry::for_drives(0).is_err());
    }

    #[test]
    fn fewer_healthy_drives_shrink_k_and_keep_m() {
        let full: Geometry = "4+2".parse().unwrap();
        for (healthy, want) in
            [(9, Some("4+2")), (5, Some("3+2")), (4, Some("2+2")), (3, Some("1+2")), (2, None)]
        {
            assert_eq!(
                full.fit(healthy).map(|g| g.to_string()).as_deref(),
                want,
                "{healthy} healthy"
            );
        }
    }

    #[test]
    fn a_write_quorum_is_more_than_k_where_there_is_parity() {
        for (geometry, want) in [("1+0", 1), ("2+1", 3), ("4+2", 5), ("8+3", 10), ("8+4", 10)] {
            assert_eq!(geometry.parse::<Geometry>().unwrap().write_quorum(), want, "{geometry}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "4", "0+2", "4-2", "300+1", "+", "a+b"] {
            assert!(text.parse::<Geometry>().is_err(), "{text:?}");
        }
    }
}
