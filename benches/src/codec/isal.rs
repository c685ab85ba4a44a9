//! ISA-L's Reed-Solomon, by hand-written declarations of what Debian's
//! libisal-dev has in `isa-l/erasure_code.h`.
//!
//! Its tables, for encode and for a loss, are made once and not timed: its
//! users can keep them. Ours are timed.

#![allow(unsafe_code)]

use std::ffi::{c_int, c_uchar};

#[link(name = "isal")]
unsafe extern "C" {
    fn gf_gen_cauchy1_matrix(matrix: *mut c_uchar, rows: c_int, k: c_int);
    fn gf_invert_matrix(matrix: *mut c_uchar, inverse: *mut c_uchar, n: c_int) -> c_int;
    fn ec_init_tables(k: c_int, rows: c_int, matrix: *const c_uchar, tables: *mut c_uchar);
    fn ec_encode_data(
        bytes: c_int,
        k: c_int,
        rows: c_int,
        tables: *const c_uchar,
        data: *const *const c_uchar,
        coding: *const *mut c_uchar,
    );
}

/// A linear map from `k` slices.
pub struct Map {
    k: usize,
    rows: usize,
    tables: Vec<u8>,
}

impl Map {
    /// From data to parity.
    pub fn encode(k: usize, m: usize) -> Self {
        let matrix = generator(k, m);
        Self::new(k, &matrix[k * k..])
    }

    /// From the `k` shards `read` to the data shards `lost`.
    pub fn rebuild((k, m): (usize, usize), read: &[usize], lost: &[usize]) -> Self {
        let matrix = generator(k, m);
        let mut square: Vec<u8> =
            read.iter().flat_map(|&shard| matrix[shard * k..][..k].to_vec()).collect();
        assert_eq!(square.len(), k * k, "as many shards are read as there is data");
        let mut inverse = vec![0; k * k];
        // SAFETY: both are `k` times `k` bytes.
        let singular =
            unsafe { gf_invert_matrix(square.as_mut_ptr(), inverse.as_mut_ptr(), k as c_int) };
        assert_eq!(singular, 0, "a Cauchy matrix is invertible");
        let rows: Vec<u8> =
            lost.iter().flat_map(|&shard| inverse[shard * k..][..k].to_vec()).collect();
        Self::new(k, &rows)
    }

    fn new(k: usize, rows: &[u8]) -> Self {
        let count = rows.len() / k;
        let mut tables = vec![0; 32 * rows.len()];
        // SAFETY: `count` times `k` bytes are read, 32 times that written.
        unsafe { ec_init_tables(k as c_int, count as c_int, rows.as_ptr(), tables.as_mut_ptr()) }
        Self { k, rows: count, tables }
    }

    /// Computes it.
    pub fn run(&self, inputs: &[&[u8]], outputs: &mut [&mut [u8]]) {
        let bytes = inputs[0].len();
        assert!(inputs.len() == self.k && outputs.len() == self.rows, "the map's shape");
        assert!(inputs.iter().all(|slice| slice.len() == bytes), "one length");
        assert!(outputs.iter().all(|slice| slice.len() == bytes), "one length");
        let inputs: Vec<*const u8> = inputs.iter().map(|slice| slice.as_ptr()).collect();
        let outputs: Vec<*mut u8> = outputs.iter_mut().map(|slice| slice.as_mut_ptr()).collect();
        // SAFETY: the assertions above, and `tables` of `new`.
        unsafe {
            ec_encode_data(
                bytes as c_int,
                self.k as c_int,
                self.rows as c_int,
                self.tables.as_ptr(),
                inputs.as_ptr(),
                outputs.as_ptr(),
            );
        }
    }
}

/// The identity over a Cauchy matrix, `k + m` rows of `k` bytes.
fn generator(k: usize, m: usize) -> Vec<u8> {
    let mut matrix = vec![0; (k + m) * k];
    // SAFETY: the matrix has `k + m` rows of `k` bytes.
    unsafe { gf_gen_cauchy1_matrix(matrix.as_mut_ptr(), (k + m) as c_int, k as c_int) }
    matrix
}
