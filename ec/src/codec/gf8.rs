//! `gf8`: systematic Reed-Solomon over GF(2^8), for up to 32 shards.
//!
//! Data shards are stored as they are; parity shard `row` is
//! `P[row][0] * data[0] + ... + P[row][k-1] * data[k-1]` byte by byte, with `P`
//! of `matrix`. Parity 0 is the XOR of the data: a single loss is mended, and
//! a first parity made, without a multiplication.
//!
//! Coefficients of a rebuild are computed on each call, with an inverse no
//! larger than the loss; nothing is cached (docs/decisions/0002-codec.md).
//!
//! Not here: the field (`field`), the vectors (`kernel`), the checks (`shape`).

use holdfast_base::Geometry;

use super::kernel::{Kernel, Slices};
use super::matrix::{Loss, Matrix};
use super::plan::Plan;

/// The code of one geometry.
#[derive(Clone, Debug)]
pub struct Gf8 {
    encode: Plan,
    kernel: Kernel,
}

impl Gf8 {
    pub fn new(geometry: Geometry, kernel: Kernel) -> Self {
        Self::with_matrix(Matrix::parity(geometry.k(), geometry.m()), kernel)
    }

    /// The code of another parity matrix that satisfies M1.
    pub fn with_matrix(parity: Matrix, kernel: Kernel) -> Self {
        Self { encode: Plan::new(parity), kernel }
    }

    /// Shapes as `shape::check_encode` has checked them.
    pub fn encode(&self, data: &[&[u8]], parity: &mut [&mut [u8]]) {
        self.kernel.run(&self.encode, Slices::new(data, parity));
    }

    /// Shapes as `shape::check_rebuild` has checked them.
    pub fn rebuild(&self, present: &[(usize, &[u8])], missing: &[usize], out: &mut [&mut [u8]]) {
        let (plan, inputs) = self.plan(present, missing);
        self.kernel.run(&plan, Slices::new(&inputs, out));
    }

    /// What makes `missing` from `k` of `present`, data before parity and
    /// parity 0 before other parity, and the bytes of those.
    fn plan<'a>(&self, present: &[(usize, &'a [u8])], missing: &[usize]) -> (Plan, Vec<&'a [u8]>) {
        let parity = &self.encode.coefficients;
        let k = parity.columns();
        let mut read = present.to_vec();
        read.sort_unstable_by_key(|&(shard, _)| shard);
        read.truncate(k);
        let shards = || read.iter().map(|&(shard, _)| shard);
        let loss = Loss {
            kept: shards().filter(|&shard| shard < k).collect(),
            parity: shards().filter(|&shard| shard >= k).map(|shard| shard - k).collect(),
            lost: (0..k).filter(|&shard| shards().all(|kept| kept != shard)).collect(),
        };
        let coefficients = loss.coefficients(parity, missing);
        // The sum over all data, parity 0, is read, and all that it sums is
        // either read as well or wanted.
        let sums = loss.parity.first() == Some(&0) && parity.row(0).iter().all(|&cell| cell == 1);
        let wanted = missing.len() == loss.lost.len()
            && missing.iter().all(|shard| loss.lost.contains(shard));
        let plan = match sums && wanted {
            true => Plan::closing(coefficients, loss.kept.len() + 1),
            false => Plan::new(coefficients),
        };
        (plan, read.into_iter().map(|(_, bytes)| bytes).collect())
    }
}
