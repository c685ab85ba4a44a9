//! Exact numbers of up to 65 digits.

use ethnum::I256;

/// `digits` / 10^`scale`. At most 65 digits, of which at most 30 after the point
/// in a column (an intermediate result may have more).
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    /// The number without its point.
    pub digits: I256,
    /// Digits after the point.
    pub scale: u8,
}

impl PartialEq for Decimal {
    /// The same representation; `compare` knows that 1.0 is 1.
    fn eq(&self, other: &Self) -> bool {
        self.digits == other.digits && self.scale == other.scale
    }
}
