//! `leopard`: Reed-Solomon over GF(2^16) by additive FFT, for wide sets.
//!
//! The crate `reed-solomon-simd` 3.1 does the work; its layout of shards whose
//! length is a multiple of 64 bytes is the same in all its versions, and a
//! golden checksum in the tests pins it. Its decoder restores data only, so
//! that a lost parity shard costs an encode after the decode; and each decode
//! has a fixed cost of a quarter millisecond.
//!
//! Not here: checks (`shape`).

use holdfast_base::Geometry;
use reed_solomon_simd::{Error, ReedSolomonDecoder, ReedSolomonEncoder};

/// The code of one geometry.
#[derive(Clone, Debug)]
pub struct Leopard {
    k: usize,
    m: usize,
}

/// Why no error of the crate can reach us.
const CHECKED: &str = "counts, indices and lengths were checked by `shape`";

impl Leopard {
    pub fn new(geometry: Geometry) -> Self {
        Self { k: geometry.k(), m: geometry.m() }
    }

    /// Shapes as `shape::check_encode` has checked them, and not empty.
    pub fn encode(&self, data: &[&[u8]], parity: &mut [&mut [u8]]) {
        if self.m > 0 {
            let mut rows: Vec<_> =
                parity.iter_mut().enumerate().map(|(row, out)| (row, &mut **out)).collect();
            self.parity_rows(data, &mut rows).expect(CHECKED);
        }
    }

    /// Shapes as `shape::check_rebuild` has checked them, and not empty.
    pub fn rebuild(&self, present: &[(usize, &[u8])], missing: &[usize], out: &mut [&mut [u8]]) {
        let restored = self.restored(present).expect(CHECKED);
        let mut data: Vec<&[u8]> = restored.iter().map(Vec::as_slice).collect();
        for &(shard, bytes) in present.iter().filter(|&&(shard, _)| shard < self.k) {
            data[shard] = bytes;
        }
        let mut rows = Vec::new();
        for (&shard, out) in missing.iter().zip(out) {
            match shard.checked_sub(self.k) {
                None => out.copy_from_slice(data[shard]),
                Some(row) => rows.push((row, &mut **out)),
            }
        }
        if !rows.is_empty() {
            self.parity_rows(&data, &mut rows).expect(CHECKED);
        }
    }

    fn parity_rows(&self, data: &[&[u8]], rows: &mut [(usize, &mut [u8])]) -> Result<(), Error> {
        let mut encoder = ReedSolomonEncoder::new(self.k, self.m, data[0].len())?;
        for bytes in data {
            encoder.add_original_shard(bytes)?;
        }
        let encoded = encoder.encode()?;
        for (row, out) in rows {
            out.copy_from_slice(encoded.recovery(*row).expect(CHECKED));
        }
        Ok(())
    }

    /// The data shards that are not present; empty in place of those that are.
    fn restored(&self, present: &[(usize, &[u8])]) -> Result<Vec<Vec<u8>>, Error> {
        let mut restored = vec![Vec::new(); self.k];
        let kept = present.iter().filter(|&&(shard, _)| shard < self.k).count();
        if kept == self.k {
            return Ok(restored);
        }
        let mut decoder = ReedSolomonDecoder::new(self.k, self.m, present[0].1.len())?;
        for &(shard, bytes) in present {
            match shard.checked_sub(self.k) {
                None => decoder.add_original_shard(shard, bytes)?,
                Some(row) => decoder.add_recovery_shard(row, bytes)?,
            }
        }
        for (shard, bytes) in decoder.decode()?.restored_original_iter() {
            restored[shard] = bytes.to_vec();
        }
        Ok(restored)
    }
}
