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

impl Decimal {
    /// 0.
    pub const ZERO: Decimal = Decimal { digits: I256::ZERO, scale: 0 };

    /// Reads a number; `false` where something follows it.
    pub fn parse(text: &str) -> Option<(Self, bool)> {
        let _ = text;
        None
    }
    /// An integer.
    pub fn from_i64(value: i64) -> Self {
        Self::from_i128(i128::from(value))
    }
    /// An integer.
    pub fn from_u64(value: u64) -> Self {
        Self::from_i128(i128::from(value))
    }
    /// An integer.
    pub fn from_i128(value: i128) -> Self {
        Self { digits: I256::from(value), scale: 0 }
    }
    /// The shortest number that is nearest to `value`; `None` beyond 65 digits.
    pub fn from_f64(value: f64) -> Option<Self> {
        let _ = value;
        None
    }
    /// The nearest double.
    pub fn to_f64(&self) -> f64 {
        0.0
    }
    /// Rounded half away from zero; `None` if it does not fit.
    pub fn to_i64(&self) -> Option<i64> {
        None
    }
    /// Rounded half away from zero; `None` if it does not fit.
    pub fn to_u64(&self) -> Option<u64> {
        None
    }
    /// The sum; `None` beyond 65 digits, here and below.
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        let _ = other;
        None
    }
    /// The difference.
    pub fn checked_sub(&self, other: &Self) -> Option<Self> {
        let _ = other;
        None
    }
    /// The product.
    pub fn checked_mul(&self, other: &Self) -> Option<Self> {
        let _ = other;
        None
    }
    /// The quotient at scale `self.scale + div_scale`; `None` by zero, too.
    pub fn div(&self, other: &Self, div_scale: u8) -> Option<Self> {
        let _ = (other, div_scale);
        None
    }
    /// The remainder, with the sign of `self`; `None` by zero.
    pub fn rem(&self, other: &Self) -> Option<Self> {
        let _ = other;
        None
    }
    /// The quotient without its fraction; `None` by zero.
    pub fn int_div(&self, other: &Self) -> Option<Self> {
        let _ = other;
        None
    }
    /// `-self`.
    pub fn neg(&self) -> Self {
        *self
    }
    /// Without its sign.
    pub fn abs(&self) -> Self {
        *self
    }
    /// Rounded half away from zero to `scale` digits after the point, which may be negative.
    pub fn round(&self, scale: i32) -> Self {
        let _ = scale;
        *self
    }
    /// Cut off after `scale` digits after the point, which may be negative.
    pub fn truncate(&self, scale: i32) -> Self {
        let _ = scale;
        *self
    }
    /// The largest integer not above.
    pub fn floor(&self) -> Self {
        *self
    }
    /// The smallest integer not below.
    pub fn ceil(&self) -> Self {
        *self
    }
    /// At another scale, rounded half away from zero; `None` beyond 65 digits.
    pub fn rescale(&self, scale: u8) -> Option<Self> {
        let _ = scale;
        None
    }
    /// The order of the numbers: 1.0 is 1.
    pub fn compare(&self, other: &Self) -> std::cmp::Ordering {
        self.digits.cmp(&other.digits)
    }
    /// Whether it is a DECIMAL(precision, scale) after rounding.
    pub fn fits(&self, precision: u8, scale: u8) -> bool {
        let _ = (precision, scale);
        true
    }
    /// Digits in all, at least 1.
    pub fn precision(&self) -> u8 {
        1
    }
    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        self.digits == I256::ZERO
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.digits)
    }
}
