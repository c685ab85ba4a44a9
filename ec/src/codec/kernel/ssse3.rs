//! 16 bytes at a time, for processors without AVX2: the loop of `avx2`, a
//! pass over the inputs for each row.
//!
//! Not here: the tables (`field`, `plan`), the checks (`super`).

use std::arch::x86_64::{
    __m128i, _mm_and_si128, _mm_loadu_si128, _mm_set1_epi8, _mm_setzero_si128, _mm_shuffle_epi8,
    _mm_srli_epi64, _mm_storeu_si128, _mm_xor_si128,
};

use super::Slices;
use crate::codec::field::{NIBBLES, Nibbles};
use crate::codec::plan::Plan;

/// Bytes of a slice per turn of the loop.
const LINE: usize = 64;

pub fn run(plan: &Plan, slices: Slices<'_, '_>) {
    for (row, output) in slices.outputs.iter_mut().enumerate() {
        let coefficients = plan.coefficients.row(row);
        // SAFETY: K2, a `Kernel` of this kind exists only where SSSE3 does;
        // `Slices::new` has checked that all slices have the same length, a
        // multiple of 64, and `Kernel::run` that there is an input for each
        // coefficient.
        unsafe { row_of(coefficients, slices.inputs, output) }
    }
}

/// One row.
///
/// # Safety
/// The processor has SSSE3; all slices have the same length, a multiple of 64.
/// (`every_kernel_agrees_with_scalar` would fail.)
#[target_feature(enable = "ssse3")]
unsafe fn row_of(coefficients: &[u8], inputs: &[&[u8]], output: &mut [u8]) {
    for at in (0..output.len()).step_by(LINE) {
        let mut sum = [_mm_setzero_si128(); LINE / 16];
        for (input, &coefficient) in inputs.iter().zip(coefficients) {
            // SAFETY: `at + 64` is within every slice.
            let line = unsafe { input.as_ptr().add(at) };
            let tables = table(&NIBBLES[usize::from(coefficient)]);
            for (nth, sum) in sum.iter_mut().enumerate() {
                // SAFETY: as above, and `nth` is below 4; no alignment is needed.
                let bytes = unsafe { _mm_loadu_si128(line.add(16 * nth).cast()) };
                *sum = match coefficient {
                    1 => _mm_xor_si128(*sum, bytes),
                    _ => product(*sum, bytes, tables),
                };
            }
        }
        for (nth, sum) in sum.into_iter().enumerate() {
            // SAFETY: as above.
            unsafe { _mm_storeu_si128(output.as_mut_ptr().add(at + 16 * nth).cast(), sum) }
        }
    }
}

/// A coefficient's products with the low and with the high nibbles.
#[target_feature(enable = "ssse3")]
fn table(nibbles: &Nibbles) -> (__m128i, __m128i) {
    let (low, high) = nibbles.split_at(16);
    // SAFETY: both halves have 16 bytes, and the loads need no alignment.
    unsafe { (_mm_loadu_si128(low.as_ptr().cast()), _mm_loadu_si128(high.as_ptr().cast())) }
}

/// `sum` and the product of `bytes` with the coefficient of the tables.
#[target_feature(enable = "ssse3")]
fn product(sum: __m128i, bytes: __m128i, (low, high): (__m128i, __m128i)) -> __m128i {
    let mask = _mm_set1_epi8(15);
    let low = _mm_shuffle_epi8(low, _mm_and_si128(bytes, mask));
    let high = _mm_shuffle_epi8(high, _mm_and_si128(_mm_srli_epi64::<4>(bytes), mask));
    _mm_xor_si128(sum, _mm_xor_si128(low, high))
}
