//! Sizes and times, with the unit in the type.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A number of bytes: not an offset, not a block count, not a shard index.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct ByteCount(pub u64);

/// Log time: milliseconds that the metadata leader has counted since the
/// cluster was born. Advances only by entries in the log, so every replica
/// agrees on it; stands still while there is no leader.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Tick(pub u64);

/// Milliseconds since 1970 on a machine's wall clock. For people and headers
/// (`Last-Modified`), never for decisions about safety.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct WallMs(pub u64);

impl ByteCount {
    /// 1,024 bytes.
    pub const KIB: u64 = 1 << 10;
    /// 1,024 KiB.
    pub const MIB: u64 = 1 << 20;
    /// 1,024 MiB.
    pub const GIB: u64 = 1 << 30;

    /// Pieces of size `unit` that cover `self`; the last one may be partial.
    pub const fn pieces(self, unit: ByteCount) -> u64 {
        assert!(unit.0 > 0, "a unit has a size");
        self.0.div_ceil(unit.0)
    }
}

impl Tick {
    /// `self` and `ms` more milliseconds of log time.
    #[must_use]
    pub const fn after(self, ms: u64) -> Tick {
        Tick(self.0.saturating_add(ms))
    }
}

impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
        if self.0 < 1024 {
            return write!(f, "{} B", self.0);
        }
        let mut value = self.0 as f64;
        let mut unit = "B";
        for next in UNITS {
            if value < 1024.0 {
                break;
            }
            value /= 1024.0;
            unit = next;
        }
        write!(f, "{value:.1} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_counts_read_well() {
        for (bytes, text) in [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (1 << 40, "1.0 TiB")]
        {
            assert_eq!(ByteCount(bytes).to_string(), text);
        }
    }

    #[test]
    fn pieces_cover() {
        assert_eq!(ByteCount(0).pieces(ByteCount(64)), 0);
        assert_eq!(ByteCount(65).pieces(ByteCount(64)), 2);
    }
}
