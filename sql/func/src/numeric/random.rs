//! RAND(seed): MySQL's own generator.
//!
//! RAND() without a seed needs the state of a session: the binder gives each
//! statement a seed and a row number, `RAND(seed)` of a constant seed goes on from
//! row to row in the evaluator by [`Generator`].

use holdfast_value::Value;

use crate::function::{Function, Out, function};
use crate::infer;
use crate::input::In;

pub(crate) const FUNCTIONS: &[Function] =
    &[function!("rand", 1, 1, Volatile, Own, infer::double, seeded)];

/// MySQL's generator of random numbers.
#[derive(Clone, Copy, Debug)]
pub struct Generator {
    first: u64,
    second: u64,
}

const MODULUS: u64 = 0x3FFF_FFFF;

impl Generator {
    /// As `RAND(seed)` begins.
    pub fn new(seed: u32) -> Self {
        // As MySQL: 32-bit products that wrap.
        let first = seed.wrapping_mul(0x10001).wrapping_add(55_555_555);
        let second = seed.wrapping_mul(0x1000_0001);
        Self { first: u64::from(first) % MODULUS, second: u64::from(second) % MODULUS }
    }

    /// The next number, at least 0 and below 1.
    pub fn advance(&mut self) -> f64 {
        self.first = (self.first * 3 + self.second) % MODULUS;
        self.second = (self.first + self.second + 33) % MODULUS;
        self.first as f64 / MODULUS as f64
    }
}

/// The first number of a seed; NULL counts as 0.
fn seeded(x: &mut In<'_>) -> Out {
    let seed = x.int(0)?.unwrap_or(0);
    Ok(Value::Double(Generator::new(seed as u32).advance())) // the low 32 bits, as MySQL
}
