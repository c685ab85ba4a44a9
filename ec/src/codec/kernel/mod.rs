//! The kernels: linear maps over whole slices, by the widest vectors that
//! this processor has.
//!
//! Invariants
//! - K1: every kernel writes the bytes of `scalar`, which is the specification.
//! - K2: a vector kernel runs only where the processor was asked and has its
//!   instructions; a [`Kernel`] is the proof.
//!
//! Deliberately absent: GFNI (x86-64) and NEON (AArch64), for want of
//! processors to test them on; such machines run `avx2` and `scalar`.
//!
//! Not here: which coefficients (`matrix`), which rows in one pass (`plan`).

#[cfg(target_arch = "x86_64")]
mod avx2;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod ssse3;

use super::plan::Plan;

/// A kernel that this processor can run (K2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Ssse3,
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

/// Inputs and outputs of a map, all of one length, a multiple of 64 bytes.
pub struct Slices<'a, 'b> {
    inputs: &'a [&'a [u8]],
    outputs: &'a mut [&'b mut [u8]],
    bytes: usize,
}

impl<'a, 'b> Slices<'a, 'b> {
    /// Checks what the kernels' `unsafe` relies on.
    pub fn new(inputs: &'a [&'a [u8]], outputs: &'a mut [&'b mut [u8]]) -> Self {
        let bytes = inputs[0].len();
        assert!(bytes.is_multiple_of(super::ALIGN_BYTES), "K1: whole blocks");
        assert!(inputs.iter().all(|slice| slice.len() == bytes), "K1: inputs of one length");
        assert!(outputs.iter().all(|slice| slice.len() == bytes), "K1: outputs of one length");
        Self { inputs, outputs, bytes }
    }
}

impl Kernel {
    /// The fastest one here. The answer of the processor is cached by `std`.
    pub fn best() -> Self {
        *Self::all().last().unwrap_or(&Self(Kind::Scalar))
    }

    /// All that run here, slowest first.
    pub fn all() -> &'static [Self] {
        #[cfg(target_arch = "x86_64")]
        {
            const ALL: [Kernel; 3] =
                [Kernel(Kind::Scalar), Kernel(Kind::Ssse3), Kernel(Kind::Avx2)];
            let known = match () {
                () if std::is_x86_feature_detected!("avx2") => 3,
                () if std::is_x86_feature_detected!("ssse3") => 2,
                () => 1,
            };
            &ALL[..known]
        }
        #[cfg(not(target_arch = "x86_64"))]
        &[Self(Kind::Scalar)]
    }

    /// Its instruction set.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Kind::Ssse3 => "ssse3",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
        }
    }

    /// Computes `plan`: as many inputs as it has columns, outputs as rows.
    pub fn run(self, plan: &Plan, slices: Slices<'_, '_>) {
        assert_eq!(
            slices.inputs.len(),
            plan.coefficients.columns(),
            "K1: an input for each column"
        );
        assert_eq!(slices.outputs.len(), plan.coefficients.rows(), "K1: an output for each row");
        match self.0 {
            Kind::Scalar => scalar::run(plan, slices),
            #[cfg(target_arch = "x86_64")]
            Kind::Ssse3 => ssse3::run(plan, slices),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => avx2::run(plan, slices),
        }
    }
}
