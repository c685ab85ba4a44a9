//! 32 bytes at a time: a product is two shuffles and an XOR.
//!
//! ```text
//! for each cache line:          2 vectors of 32 bytes
//!   for each input:             load once, split in nibbles once
//!     for each row of products: 2 table loads, 4 shuffles, 4 XORs
//!   store each row              accumulators stay in registers until here
//! ```
//!
//! Not here: the tables (`field`, `plan`), the checks (`super`).

use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_loadu_si256,
    _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi64,
    _mm256_storeu_si256, _mm256_xor_si256,
};

use super::Slices;
use crate::codec::field::Nibbles;
use crate::codec::plan::{FirstRow, Pass, Plan, ROWS_PER_PASS};

/// Bytes of an input or output per turn of the loop.
const LINE: usize = 64;
/// A line in registers.
type Line = [__m256i; 2];

pub fn run(plan: &Plan, slices: Slices<'_, '_>) {
    for pass in &plan.passes {
        let outputs = &mut slices.outputs[pass.from..][..pass.rows];
        let sum = pass.first != FirstRow::Products;
        let products = pass.rows - usize::from(sum);
        assert_eq!(
            pass.tables.len(),
            products * slices.inputs.len(),
            "K1: a table for each product"
        );
        const { assert!(ROWS_PER_PASS == 4, "an arm for each count of products") };
        let run = match (products, sum) {
            (0, true) => pass_of::<0, true>,
            (1, true) => pass_of::<1, true>,
            (2, true) => pass_of::<2, true>,
            (3, true) => pass_of::<3, true>,
            (1, false) => pass_of::<1, false>,
            (2, false) => pass_of::<2, false>,
            (3, false) => pass_of::<3, false>,
            (4, false) => pass_of::<4, false>,
            _ => continue,
        };
        // SAFETY: K2, a `Kernel` of this kind exists only where AVX2 does;
        // and the lengths that `pass_of` asks for were checked by
        // `Slices::new` and by the assertion above.
        unsafe { run(pass, slices.inputs, outputs, slices.bytes) }
    }
}

/// One pass.
///
/// # Safety
/// The processor has AVX2; all inputs and outputs have `bytes` bytes, a
/// multiple of 64; there are `PRODUCTS + SUM` outputs and `PRODUCTS` tables
/// for each input. (`every_kernel_agrees_with_scalar` covers every arm.)
#[target_feature(enable = "avx2")]
unsafe fn pass_of<const PRODUCTS: usize, const SUM: bool>(
    pass: &Pass,
    inputs: &[&[u8]],
    outputs: &mut [&mut [u8]],
    bytes: usize,
) {
    let (summed, closing) = match pass.first {
        FirstRow::Products => (0, false),
        FirstRow::Sum { of, closing } => (of, closing),
    };
    let unit = usize::from(pass.unit_column && PRODUCTS > 0);
    // Three loops in place of one with tests in it: a quarter of its
    // instructions would be overhead.
    let (units, others) = inputs.split_at(unit);
    let (summed, others) = others.split_at(summed.saturating_sub(unit));
    for at in (0..bytes).step_by(LINE) {
        let mut sum = [_mm256_setzero_si256(); 2];
        let mut rows = [[_mm256_setzero_si256(); 2]; PRODUCTS];
        // SAFETY of the three loops: `at + 64 <= bytes`, the length of every
        // input, and `tables` has advanced by `PRODUCTS` for each before it.
        let mut tables = pass.tables.as_ptr();
        for input in units {
            sum = unsafe { load(input.as_ptr().add(at)) };
            rows = [sum; PRODUCTS];
            tables = unsafe { tables.add(PRODUCTS) };
        }
        for input in summed {
            let line = unsafe { load(input.as_ptr().add(at)) };
            sum = xor(sum, line);
            unsafe { add_products(&mut rows, line, tables) };
            tables = unsafe { tables.add(PRODUCTS) };
        }
        for input in others {
            let line = unsafe { load(input.as_ptr().add(at)) };
            unsafe { add_products(&mut rows, line, tables) };
            tables = unsafe { tables.add(PRODUCTS) };
        }
        if SUM && closing {
            sum = rows.iter().fold(sum, |sum, &row| xor(sum, row));
        }
        // SAFETY: `PRODUCTS + SUM` outputs of at least `at + 64` bytes.
        unsafe {
            if SUM {
                store(outputs.get_unchecked_mut(0).as_mut_ptr().add(at), sum);
            }
            for (nth, row) in rows.into_iter().enumerate() {
                let output = outputs.get_unchecked_mut(usize::from(SUM) + nth);
                store(output.as_mut_ptr().add(at), row);
            }
        }
    }
}

/// Adds the products of `line` with one coefficient to each row.
///
/// # Safety
/// There are `PRODUCTS` tables.
#[target_feature(enable = "avx2")]
unsafe fn add_products<const PRODUCTS: usize>(
    rows: &mut [Line; PRODUCTS],
    line: Line,
    tables: *const Nibbles,
) {
    if PRODUCTS == 0 {
        return;
    }
    let split = [split(line[0]), split(line[1])];
    for (nth, row) in rows.iter_mut().enumerate() {
        // SAFETY: the caller's, and `nth < PRODUCTS`.
        let (low, high) = table(unsafe { &*tables.add(nth) });
        *row = [product(row[0], split[0], low, high), product(row[1], split[1], low, high)];
    }
}

#[target_feature(enable = "avx2")]
fn xor(a: Line, b: Line) -> Line {
    [_mm256_xor_si256(a[0], b[0]), _mm256_xor_si256(a[1], b[1])]
}

/// The low nibbles of 32 bytes, and the high ones.
#[target_feature(enable = "avx2")]
fn split(bytes: __m256i) -> (__m256i, __m256i) {
    let mask = _mm256_set1_epi8(15);
    (_mm256_and_si256(bytes, mask), _mm256_and_si256(_mm256_srli_epi64::<4>(bytes), mask))
}

/// `sum` and the product of the split bytes with the coefficient of the tables.
#[target_feature(enable = "avx2")]
fn product(sum: __m256i, split: (__m256i, __m256i), low: __m256i, high: __m256i) -> __m256i {
    let sum = _mm256_xor_si256(sum, _mm256_shuffle_epi8(low, split.0));
    _mm256_xor_si256(sum, _mm256_shuffle_epi8(high, split.1))
}

/// A coefficient's products with the low and with the high nibbles, each in
/// both halves of a register: the shuffle looks up within halves.
#[target_feature(enable = "avx2")]
fn table(nibbles: &Nibbles) -> (__m256i, __m256i) {
    let (low, high) = nibbles.split_at(16);
    // SAFETY: both halves have 16 bytes, and the loads need no alignment.
    unsafe {
        (
            _mm256_broadcastsi128_si256(_mm_loadu_si128(low.as_ptr().cast())),
            _mm256_broadcastsi128_si256(_mm_loadu_si128(high.as_ptr().cast())),
        )
    }
}

/// # Safety
/// 64 bytes may be read from `from`.
#[target_feature(enable = "avx2")]
unsafe fn load(from: *const u8) -> Line {
    // SAFETY: the caller's; no alignment is needed.
    unsafe { [_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(32).cast())] }
}

/// # Safety
/// 64 bytes may be written to `into`.
#[target_feature(enable = "avx2")]
unsafe fn store(into: *mut u8, line: Line) {
    // SAFETY: the caller's; no alignment is needed.
    unsafe {
        _mm256_storeu_si256(into.cast(), line[0]);
        _mm256_storeu_si256(into.add(32).cast(), line[1]);
    }
}
