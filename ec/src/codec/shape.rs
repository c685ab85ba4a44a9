//! What the caller hands in: counts, indices and lengths, checked once.
//!
//! Invariants
//! - C1: nothing is written before everything is checked, so that a refused
//!   call leaves its outputs as they were.
//!
//! Not here: arithmetic.

use holdfast_base::limits::{GF8_MAX_SHARDS, MAX_SHARDS};
use holdfast_base::{CodecId, Geometry, Remedy};

/// Every shard's length is a multiple of this: a cache line. [bytes]
pub const ALIGN_BYTES: usize = 64;

/// Slices or indices that no erasure set has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// A geometry that the codec has no code for.
    #[error("{codec:?} has at most {most} shards, {geometry} has {}", geometry.shards())]
    TooWide {
        /// What was asked for.
        geometry: Geometry,
        /// Of which codec.
        codec: CodecId,
        /// Its bound.
        most: usize,
    },
    /// Too few shards are left: data is lost.
    #[error("{have} shards are left, {geometry} needs {}", geometry.k())]
    TooFew {
        /// What the shards belong to.
        geometry: Geometry,
        /// How many were given.
        have: usize,
    },
    /// The wrong number of slices.
    #[error("{have} slices of {what}, expected {want}")]
    Count {
        /// Which argument.
        what: &'static str,
        /// How many were given.
        have: usize,
        /// How many the geometry has.
        want: usize,
    },
    /// A slice that is not as long as the first.
    #[error("a slice of {what} has {have} bytes, the first slice has {want}")]
    Length {
        /// Which argument.
        what: &'static str,
        /// Its length. [bytes]
        have: usize,
        /// The length of the first slice. [bytes]
        want: usize,
    },
    /// A length that is not a multiple of [`ALIGN_BYTES`].
    #[error("slices of {bytes} bytes, expected a multiple of {ALIGN_BYTES}")]
    Ragged {
        /// The length. [bytes]
        bytes: usize,
    },
    /// An index beyond the geometry.
    #[error("shard {shard} of {geometry}")]
    NoSuchShard {
        /// What was asked about.
        geometry: Geometry,
        /// The index.
        shard: usize,
    },
    /// An index given twice, or both as present and as missing.
    #[error("shard {shard} is named twice")]
    Twice {
        /// The index.
        shard: usize,
    },
}

impl ShapeError {
    /// What the caller should do next.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::TooWide { .. } | Self::TooFew { .. } => Remedy::Refuse,
            Self::Count { .. }
            | Self::Length { .. }
            | Self::Ragged { .. }
            | Self::NoSuchShard { .. }
            | Self::Twice { .. } => Remedy::Stop,
        }
    }
}

/// Whether `codec` has a code for `geometry`.
pub fn check_width(geometry: Geometry, codec: CodecId) -> Result<(), ShapeError> {
    let most = match codec {
        CodecId::Gf8 => GF8_MAX_SHARDS,
        CodecId::Leopard => MAX_SHARDS,
    };
    if geometry.shards() > most {
        return Err(ShapeError::TooWide { geometry, codec, most });
    }
    Ok(())
}

/// The length of every slice of an encode. [bytes]
pub fn check_encode(
    geometry: Geometry,
    data: &[&[u8]],
    parity: &[&mut [u8]],
) -> Result<usize, ShapeError> {
    count("data", data.len(), geometry.k())?;
    count("parity", parity.len(), geometry.m())?;
    let bytes = data[0].len();
    lengths("data", data.iter().map(|slice| slice.len()), bytes)?;
    lengths("parity", parity.iter().map(|slice| slice.len()), bytes)?;
    aligned(bytes)
}

/// The length of every slice of a rebuild, 0 where there is nothing to do. [bytes]
pub fn check_rebuild(
    geometry: Geometry,
    present: &[(usize, &[u8])],
    missing: &[usize],
    out: &[&mut [u8]],
) -> Result<usize, ShapeError> {
    let mut named = [false; MAX_SHARDS];
    for shard in present.iter().map(|&(shard, _)| shard).chain(missing.iter().copied()) {
        if shard >= geometry.shards() {
            return Err(ShapeError::NoSuchShard { geometry, shard });
        }
        if std::mem::replace(&mut named[shard], true) {
            return Err(ShapeError::Twice { shard });
        }
    }
    count("out", out.len(), missing.len())?;
    if present.len() < geometry.k() {
        return Err(ShapeError::TooFew { geometry, have: present.len() });
    }
    let bytes = present[0].1.len();
    lengths("present", present.iter().map(|(_, slice)| slice.len()), bytes)?;
    lengths("out", out.iter().map(|slice| slice.len()), bytes)?;
    aligned(bytes)
}

fn count(what: &'static str, have: usize, want: usize) -> Result<(), ShapeError> {
    if have == want { Ok(()) } else { Err(ShapeError::Count { what, have, want }) }
}

fn lengths(
    what: &'static str,
    mut slices: impl Iterator<Item = usize>,
    want: usize,
) -> Result<(), ShapeError> {
    match slices.find(|&have| have != want) {
        Some(have) => Err(ShapeError::Length { what, have, want }),
        None => Ok(()),
    }
}

fn aligned(bytes: usize) -> Result<usize, ShapeError> {
    if bytes.is_multiple_of(ALIGN_BYTES) { Ok(bytes) } else { Err(ShapeError::Ragged { bytes }) }
}
