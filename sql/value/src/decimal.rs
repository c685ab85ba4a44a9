//! Exact numbers of up to 65 digits.
//!
//! Invariants
//! - D1: what any method returns has at most 65 digits and a scale of at most 30.
//! - D2: rounding is half away from zero, everywhere.
//! - D3: the path of 128 bits and that of 256 bits give the same.
//!
//! MySQL computes a division some digits further than its type says and rounds
//! when it prints; here a quotient is rounded to its type's scale at once, so
//! `1/3*3` is 0.9999, where MySQL says 1.0000.
//!
//! Not here: which type an operator gives (`arith`), storing into a column (`store`).

use std::cmp::Ordering;

use ethnum::I256;

/// `digits` / 10^`scale`. At most 65 digits, of which at most 30 after the point.
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

/// 10^0 to 10^38, the powers that fit 128 bits.
const POW10: [i128; 39] = {
    let mut table = [1; 39];
    let mut i = 1;
    while i < 39 {
        table[i] = table[i - 1] * 10;
        i += 1;
    }
    table
};

/// 10^`n`; callers stay below 10^76, the largest that fits.
pub(crate) fn pow10(n: u32) -> I256 {
    debug_assert!(n <= 76, "10^{n} does not fit 256 bits");
    let n = n.min(76) as usize;
    if n <= 38 { I256::from(POW10[n]) } else { I256::from(POW10[38]) * I256::from(POW10[n - 38]) }
}

fn small(number: I256) -> Option<i128> {
    let (high, low) = number.into_words();
    (high == low >> 127).then_some(low)
}

/// `number / by`, half away from zero. `by` is positive.
fn divide_rounded(number: I256, by: I256) -> I256 {
    if let (Some(number), Some(by)) = (small(number), small(by)) {
        let (quotient, rest) = (number / by, number % by);
        let up = rest.unsigned_abs() >= by.unsigned_abs() - rest.unsigned_abs();
        return I256::from(quotient + if up && rest != 0 { number.signum() } else { 0 });
    }
    let (quotient, rest) = (number / by, (number % by).abs());
    if rest != I256::ZERO && rest >= by - rest { quotient + number.signum() } else { quotient }
}

impl Decimal {
    /// 0.
    pub const ZERO: Decimal = Decimal { digits: I256::ZERO, scale: 0 };
    /// Digits of the longest number.
    pub const DIGITS_MAX: u8 = 65;
    /// Digits after the point, at most.
    pub const SCALE_MAX: u8 = 30;

    /// The largest DECIMAL(precision, scale): nines only.
    pub fn nines(precision: u8, scale: u8, is_negative: bool) -> Self {
        let digits = pow10(u32::from(precision.min(Self::DIGITS_MAX))) - I256::ONE;
        Self { digits: if is_negative { -digits } else { digits }, scale }
    }

    /// Reads the number that `text` starts with, as `-12.50` or `1.5e3`, after
    /// leading spaces; `false` where something other than spaces follows it.
    /// Digits that are too many are rounded off after the point, and give
    /// [`Decimal::nines`] before it. `None` where there is no number.
    pub fn parse(text: &str) -> Option<(Self, bool)> {
        let bytes = text.as_bytes();
        let (number, used) = scan(bytes)?;
        let whole = bytes[used..].iter().all(|b| b.is_ascii_whitespace());
        Some((number.finish(), whole))
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
        if !value.is_finite() || value.abs() >= 1e65 {
            return None;
        }
        Self::parse(&format!("{value:e}")).map(|(decimal, _)| decimal)
    }

    /// The nearest double.
    pub fn to_f64(&self) -> f64 {
        const EXACT: i128 = 1 << 53;
        match small(self.digits) {
            Some(digits) if digits.abs() <= EXACT && self.scale <= 22 => {
                // Both are exact doubles, so the quotient is rounded once.
                digits as f64 / POW10[usize::from(self.scale)] as f64
            }
            _ => format!("{}e-{}", self.digits, self.scale).parse().unwrap_or(0.0),
        }
    }

    /// Rounded half away from zero; `None` if it does not fit.
    pub fn to_i64(&self) -> Option<i64> {
        i64::try_from(small(self.round(0).digits)?).ok()
    }

    /// Rounded half away from zero; `None` if it does not fit.
    pub fn to_u64(&self) -> Option<u64> {
        u64::try_from(small(self.round(0).digits)?).ok()
    }

    /// The sum; `None` beyond 65 digits, here and below.
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        if let Some((left, right)) = self.aligned_small(other)
            && let Some(sum) = left.checked_add(right)
        {
            return capped(I256::from(sum), scale);
        }
        // 65 digits and 30 more do not fit; what does not is too long for a sum, too,
        // unless digits after the point are given up.
        match (lift(self, scale), lift(other, scale)) {
            (Some(left), Some(right)) => capped(left + right, scale),
            _ => {
                let scale = self.scale.min(other.scale);
                let (left, right) = (self.round(scale.into()), other.round(scale.into()));
                capped(left.digits + right.digits, scale)
            }
        }
    }

    /// The difference.
    pub fn checked_sub(&self, other: &Self) -> Option<Self> {
        self.checked_add(&other.neg())
    }

    /// The product. Digits after the 30th after the point are rounded off.
    pub fn checked_mul(&self, other: &Self) -> Option<Self> {
        let scale = self.scale + other.scale;
        if let (Some(left), Some(right)) = (small(self.digits), small(other.digits))
            && let Some(product) = left.checked_mul(right)
        {
            return capped(I256::from(product), scale);
        }
        if let Some(product) = self.digits.checked_mul(other.digits) {
            return capped(product, scale);
        }
        let (left, right) = (self.shortest(), other.shortest());
        let scale = left.scale + right.scale;
        if let Some(product) = left.digits.checked_mul(right.digits) {
            return capped(product, scale);
        }
        // Give up the last digit of the one with more digits after the point.
        if left.scale == 0 && right.scale == 0 {
            return None;
        }
        if left.scale >= right.scale {
            left.round(i32::from(left.scale) - 1).checked_mul(&right)
        } else {
            left.checked_mul(&right.round(i32::from(right.scale) - 1))
        }
    }

    /// The quotient at scale `self.scale + div_scale` (at most 30), rounded.
    /// `None` by zero, too: ask [`Decimal::is_zero`] first.
    pub fn div(&self, other: &Self, div_scale: u8) -> Option<Self> {
        let scale = self.scale.saturating_add(div_scale).min(Self::SCALE_MAX);
        // One digit more than wanted, then a rounded cut: half is decided by that digit.
        let shift = i32::from(scale) + 1 - i32::from(self.scale) + i32::from(other.scale);
        let digits = shifted_quotient(self.digits, shift, other.digits)?;
        capped(divide_rounded(digits, I256::from(10)), scale)
    }

    /// The remainder, with the sign of `self`; `None` by zero.
    pub fn rem(&self, other: &Self) -> Option<Self> {
        if other.is_zero() {
            return None;
        }
        let scale = self.scale.max(other.scale);
        if let Some((left, right)) = self.aligned_small(other) {
            return Some(Self { digits: I256::from(left.checked_rem(right)?), scale });
        }
        let Some(by) = lift(other, scale) else {
            return Some(*self); // The divisor is larger than any number of 65 digits.
        };
        let mut rest = self.digits % by;
        for _ in self.scale..scale {
            rest = rest.checked_mul(I256::from(10))? % by;
        }
        capped(rest, scale)
    }

    /// The quotient without its fraction; `None` by zero.
    pub fn int_div(&self, other: &Self) -> Option<Self> {
        let shift = i32::from(other.scale) - i32::from(self.scale);
        capped(shifted_quotient(self.digits, shift, other.digits)?, 0)
    }

    /// `-self`.
    pub fn neg(&self) -> Self {
        Self { digits: -self.digits, scale: self.scale }
    }

    /// Without its sign.
    pub fn abs(&self) -> Self {
        Self { digits: self.digits.abs(), scale: self.scale }
    }

    /// Rounded half away from zero to `scale` digits after the point, which may be
    /// negative. The result's scale is at most `self`'s.
    pub fn round(&self, scale: i32) -> Self {
        self.cut(scale, divide_rounded)
    }

    /// Cut off after `scale` digits after the point, which may be negative.
    pub fn truncate(&self, scale: i32) -> Self {
        self.cut(scale, |number, by| number / by)
    }

    fn cut(&self, scale: i32, divide: fn(I256, I256) -> I256) -> Self {
        let dropped = i32::from(self.scale).saturating_sub(scale);
        if dropped <= 0 {
            return *self;
        }
        if dropped > 66 {
            return Self { digits: I256::ZERO, scale: scale.clamp(0, 30) as u8 };
        }
        let digits = divide(self.digits, pow10(dropped as u32));
        match u8::try_from(scale) {
            Ok(scale) => Self { digits, scale },
            Err(_) => {
                let digits = digits.checked_mul(pow10(scale.unsigned_abs().min(76)));
                let nines = Self::nines(65, 0, self.digits.is_negative());
                digits.and_then(|digits| capped(digits, 0)).unwrap_or(nines)
            }
        }
    }

    /// The largest integer not above.
    pub fn floor(&self) -> Self {
        let whole = self.truncate(0);
        let is_less = self.digits.is_negative() && whole.compare(self) != Ordering::Equal;
        if is_less { Self { digits: whole.digits - I256::ONE, scale: 0 } } else { whole }
    }

    /// The smallest integer not below.
    pub fn ceil(&self) -> Self {
        self.neg().floor().neg()
    }

    /// At another scale, rounded half away from zero; `None` beyond 65 digits.
    pub fn rescale(&self, scale: u8) -> Option<Self> {
        if scale <= self.scale {
            return Some(self.round(scale.into()));
        }
        let digits = lift(self, scale)?;
        (digits.abs() < pow10(65)).then_some(Self { digits, scale })
    }

    /// The order of the numbers: 1.0 is 1.
    pub fn compare(&self, other: &Self) -> Ordering {
        if self.scale == other.scale {
            return self.digits.cmp(&other.digits);
        }
        if let Some((left, right)) = self.aligned_small(other) {
            return left.cmp(&right);
        }
        let scale = self.scale.max(other.scale);
        match (lift(self, scale), lift(other, scale)) {
            (Some(left), Some(right)) => left.cmp(&right),
            // Only one is lifted, and then is longer than any other number.
            (None, _) => self.digits.signum().cmp(&I256::ZERO),
            (_, None) => I256::ZERO.cmp(&other.digits.signum()),
        }
    }

    /// Whether it is a DECIMAL(precision, scale) after rounding.
    pub fn fits(&self, precision: u8, scale: u8) -> bool {
        self.rescale(scale).is_some_and(|it| it.digits.abs() < pow10(precision.min(65).into()))
    }

    /// Digits in all, at least 1 and at least the scale.
    pub fn precision(&self) -> u8 {
        let digits = self.digits.abs();
        let mut count = 1;
        while count < 76 && digits >= pow10(count) {
            count += 1;
        }
        (count as u8).max(self.scale)
    }

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        self.digits == I256::ZERO
    }

    /// Whether it is below 0.
    pub fn is_negative(&self) -> bool {
        self.digits.is_negative()
    }

    /// Appends the number in digits, all of its scale: `-0.50`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut buffer = [b'0'; 80];
        let mut at = buffer.len();
        let mut high = self.digits.unsigned_abs();
        let scale = usize::from(self.scale);
        // 38 digits at a time, so that the division by 10 is one of 128 bits.
        loop {
            let unit = ethnum::U256::from(POW10[38] as u128);
            let (rest, last) = (high / unit, high % unit);
            let mut low = last.as_u128();
            let floor = at.saturating_sub(38);
            while low > 0 {
                at -= 1;
                buffer[at] = b'0' + (low % 10) as u8;
                low /= 10;
            }
            if rest == ethnum::U256::ZERO {
                break;
            }
            (at, high) = (floor, rest);
        }
        at = at.min(buffer.len() - 1 - scale.min(buffer.len() - 1));
        if self.digits.is_negative() {
            out.push(b'-');
        }
        let point = buffer.len() - scale;
        out.extend_from_slice(&buffer[at..point]);
        if scale > 0 {
            out.push(b'.');
            out.extend_from_slice(&buffer[point..]);
        }
    }

    /// Without the zeros that end the part after the point.
    pub fn shortest(&self) -> Self {
        let (mut digits, mut scale) = (self.digits, self.scale);
        while scale > 0 && digits % 10 == I256::ZERO {
            (digits, scale) = (digits / 10, scale - 1);
        }
        Self { digits, scale }
    }

    fn aligned_small(&self, other: &Self) -> Option<(i128, i128)> {
        let (left, right) = (small(self.digits)?, small(other.digits)?);
        let power = |n: u8| POW10.get(usize::from(n)).copied();
        match self.scale.cmp(&other.scale) {
            Ordering::Equal => Some((left, right)),
            Ordering::Less => Some((left.checked_mul(power(other.scale - self.scale)?)?, right)),
            Ordering::Greater => Some((left, right.checked_mul(power(self.scale - other.scale)?)?)),
        }
    }
}

/// The digits of `number` at a scale that is not smaller; `None` where they do not fit.
fn lift(number: &Decimal, scale: u8) -> Option<I256> {
    number.digits.checked_mul(pow10(u32::from(scale - number.scale)))
}

/// D1: gives up digits after the point until the number is legal.
fn capped(digits: I256, scale: u8) -> Option<Decimal> {
    let number = Decimal { digits, scale };
    let number = number.round(scale.min(Decimal::SCALE_MAX).into());
    if number.digits.abs() < pow10(65) {
        return Some(number);
    }
    let mut over = 1;
    while number.digits.abs() / pow10(over) >= pow10(65) {
        over += 1;
    }
    let kept = u32::from(number.scale).checked_sub(over)?;
    let number = number.round(kept as i32);
    (number.digits.abs() < pow10(65)).then_some(number)
}

/// `number * 10^shift / by`, cut off; `None` by zero or where it does not fit.
fn shifted_quotient(number: I256, shift: i32, by: I256) -> Option<I256> {
    if by == I256::ZERO {
        return None;
    }
    if shift < 0 {
        let by = by.checked_mul(pow10(shift.unsigned_abs().min(76)));
        return Some(by.map_or(I256::ZERO, |by| number / by));
    }
    let power = pow10(shift.min(76) as u32);
    if let (Some(a), Some(b), Some(p)) = (small(number), small(by), small(power))
        && let Some(product) = a.checked_mul(p)
    {
        return Some(I256::from(product / b));
    }
    if let Some(product) = number.checked_mul(power) {
        return Some(product / by);
    }
    // Long division: `rest * 10` has at most 66 digits.
    let (mut quotient, mut rest) = (number / by, number % by);
    for _ in 0..shift {
        rest *= I256::from(10);
        quotient = quotient.checked_mul(I256::from(10))?.checked_add(rest / by)?;
        rest %= by;
    }
    Some(quotient)
}

/// The digits of a text, as `0.digits * 10^point`.
struct Scanned {
    digits: [u8; 80],
    len: usize,
    point: i64,
    is_negative: bool,
    /// Digits after the point as written, what a zero's scale is.
    written_scale: usize,
}

impl Scanned {
    fn finish(&self) -> Decimal {
        let scale_max = i64::from(Decimal::SCALE_MAX);
        if self.len == 0 || self.point < -scale_max {
            let scale = self.written_scale.min(usize::from(Decimal::SCALE_MAX)) as u8;
            return Decimal { digits: I256::ZERO, scale };
        }
        if self.point > i64::from(Decimal::DIGITS_MAX) {
            return Decimal::nines(65, 0, self.is_negative);
        }
        let kept = (self.point + scale_max).min(65).clamp(0, self.len as i64) as usize;
        let mut digits = I256::ZERO;
        for chunk in self.digits[..kept].chunks(38) {
            let part = chunk.iter().fold(0i128, |all, digit| all * 10 + i128::from(*digit));
            digits = digits * pow10(chunk.len() as u32) + I256::from(part);
        }
        if kept < self.len && self.digits[kept] >= 5 {
            digits += I256::ONE;
        }
        let scale = kept as i64 - self.point;
        let digits = if scale < 0 { digits * pow10(scale.unsigned_abs() as u32) } else { digits };
        let digits = if self.is_negative { -digits } else { digits };
        let scale = scale.max(0) as u8;
        capped(digits, scale).unwrap_or_else(|| Decimal::nines(65, 0, self.is_negative))
    }
}

/// The number that `bytes` starts with, and where it ends.
fn scan(bytes: &[u8]) -> Option<(Scanned, usize)> {
    let mut at = bytes.iter().position(|b| !b.is_ascii_whitespace())?;
    let is_negative = bytes[at] == b'-';
    if matches!(bytes[at], b'-' | b'+') {
        at += 1;
    }
    let mut it = Scanned { digits: [0; 80], len: 0, point: 0, is_negative, written_scale: 0 };
    let (mut seen, mut after_point) = (false, false);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'.' if !after_point => after_point = true,
            b'0'..=b'9' => {
                seen = true;
                it.written_scale += usize::from(after_point);
                if it.len == 0 && *byte == b'0' {
                    it.point -= i64::from(after_point);
                } else {
                    it.point += i64::from(!after_point);
                    if let Some(digit) = it.digits.get_mut(it.len) {
                        *digit = byte - b'0';
                        it.len += 1;
                    }
                }
            }
            _ => break,
        }
        at += 1;
    }
    if !seen {
        return None;
    }
    if let Some((exponent, used)) = scan_exponent(&bytes[at..]) {
        it.point = it.point.saturating_add(exponent);
        it.written_scale = 0;
        at += used;
    }
    Some((it, at))
}

/// `e-12`: the number, and how long it is.
fn scan_exponent(bytes: &[u8]) -> Option<(i64, usize)> {
    bytes.first().filter(|b| b.eq_ignore_ascii_case(&b'e'))?;
    let sign = bytes.get(1).copied().unwrap_or(0);
    let start = if matches!(sign, b'-' | b'+') { 2 } else { 1 };
    let len = bytes[start..].iter().take_while(|b| b.is_ascii_digit()).count();
    if len == 0 {
        return None;
    }
    let digits = bytes[start..start + len].iter();
    let number =
        digits.fold(0i64, |all, b| all.saturating_mul(10).saturating_add(i64::from(b - b'0')));
    let number = number.min(1_000_000_000);
    Some((if sign == b'-' { -number } else { number }, start + len))
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = Vec::with_capacity(80);
        self.write(&mut out);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

#[cfg(test)]
mod tests;
