//! The seam between the codes: one type, chosen by geometry and `CodecId`.
//!
//! Invariants
//! - C2: what `encode` makes, `rebuild` restores from any `k` shards, for
//!   ever: a `CodecId` is a format.
//!
//! Not here: the codes (`gf8`, `leopard`), the checks (`shape`).

use holdfast_base::{CodecId, Geometry};

use super::ShapeError;
use super::gf8::Gf8;
use super::kernel::Kernel;
use super::leopard::Leopard;
use super::shape;

/// The erasure code of a blob. Made once per geometry, used from any thread.
#[derive(Clone, Debug)]
pub struct Codec {
    geometry: Geometry,
    code: Code,
}

#[derive(Clone, Debug)]
enum Code {
    Gf8(Gf8),
    Leopard(Leopard),
}

impl Codec {
    /// The code `id` of `geometry`, both as stored with a blob.
    ///
    /// # Errors
    /// [`ShapeError::TooWide`].
    pub fn new(geometry: Geometry, id: CodecId) -> Result<Self, ShapeError> {
        Self::on(Kernel::best(), geometry, id)
    }

    /// As `new`, by a kernel other than the best one; for tests and benchmarks.
    ///
    /// # Errors
    /// [`ShapeError::TooWide`].
    pub fn on(kernel: Kernel, geometry: Geometry, id: CodecId) -> Result<Self, ShapeError> {
        shape::check_width(geometry, id)?;
        let code = match id {
            CodecId::Gf8 => Code::Gf8(Gf8::new(geometry, kernel)),
            CodecId::Leopard => Code::Leopard(Leopard::new(geometry)),
        };
        Ok(Self { geometry, code })
    }

    /// Which code this is.
    pub fn id(&self) -> CodecId {
        match self.code {
            Code::Gf8(_) => CodecId::Gf8,
            Code::Leopard(_) => CodecId::Leopard,
        }
    }

    /// Of which shape.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Fills `parity` from `data` for one stripe.
    ///
    /// Shapes: `data` is `k` slices, `parity` is `m`, all of one length, a
    /// multiple of 64 bytes.
    /// Cost: one core; `gf8` reads the data once for up to four rows of parity
    /// and allocates nothing.
    ///
    /// # Errors
    /// [`ShapeError`] if a bound above is broken; `parity` is then untouched.
    ///
    /// ```
    /// use holdfast_base::CodecId;
    /// use holdfast_ec::codec::Codec;
    ///
    /// let codec = Codec::new("2+1".parse()?, CodecId::Gf8)?;
    /// let (a, b, mut p) = ([1; 64], [2; 64], [0; 64]);
    /// codec.encode(&[&a, &b], &mut [&mut p])?;
    /// let mut again = [0; 64];
    /// codec.rebuild(&[(1, &b), (2, &p)], &[0], &mut [&mut again])?;
    /// assert_eq!(again, a);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn encode(&self, data: &[&[u8]], parity: &mut [&mut [u8]]) -> Result<(), ShapeError> {
        if shape::check_encode(self.geometry, data, parity)? == 0 {
            return Ok(());
        }
        match &self.code {
            Code::Gf8(code) => code.encode(data, parity),
            Code::Leopard(code) => code.encode(data, parity),
        }
        Ok(())
    }

    /// Fills `out` with the shards `missing`, from those `present`.
    ///
    /// Shapes: shards are numbered as they are stored, data from 0, parity
    /// from `k`. `present` is at least `k` of them in any order, `missing` any
    /// others, `out` a slice for each of those, all slices of one length, a
    /// multiple of 64 bytes. `present` need not be the complement of `missing`.
    /// Cost: as an encode of that many rows; one lost data shard with parity
    /// 0 at hand is an XOR.
    ///
    /// # Errors
    /// [`ShapeError`] if a bound above is broken; `out` is then untouched.
    pub fn rebuild(
        &self,
        present: &[(usize, &[u8])],
        missing: &[usize],
        out: &mut [&mut [u8]],
    ) -> Result<(), ShapeError> {
        let bytes = shape::check_rebuild(self.geometry, present, missing, out)?;
        if bytes == 0 || missing.is_empty() {
            return Ok(());
        }
        match &self.code {
            Code::Gf8(code) => code.rebuild(present, missing, out),
            Code::Leopard(code) => code.rebuild(present, missing, out),
        }
        Ok(())
    }
}
