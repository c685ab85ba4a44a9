//! Functions of numbers.
//!
//! Not here: operators (`ops`).

pub(crate) mod bits;
pub(crate) mod math;
pub(crate) mod random;
pub(crate) mod round;
