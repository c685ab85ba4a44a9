//! GF(2^8): bytes as polynomials over GF(2) modulo `x^8 + x^4 + x^3 + x^2 + 1` (0x11d).
//!
//! Invariants
//! - F1: 2 generates the field's 255 units, so that `EXP` and `LOG` are total
//!   on them.
//! - F2: `NIBBLES[c]` is `c * x` for the 16 low nibbles `x`, then for the 16
//!   high ones: two 16-byte shuffles and an XOR make a product.
//!
//! Source: Plank, Greenan and Miller, "Screaming Fast Galois Field Arithmetic
//! Using Intel SIMD Instructions", FAST 2013.
//!
//! Not here: matrices (`matrix`), whole slices (`kernel`).

/// The field's polynomial, without its highest term.
const REDUCE: u8 = 0x1d;

/// Products of one coefficient with all low and all high nibbles (F2).
pub type Nibbles = [u8; 32];

/// Powers of 2, twice over so that a sum of two logarithms is an index.
static EXP: [u8; 510] = exponents();
/// Logarithms to base 2; `LOG[0]` is never used.
static LOG: [u8; 256] = logarithms();
/// The products of every coefficient with every nibble (F2).
pub static NIBBLES: [Nibbles; 256] = nibbles();

/// `a * b`.
pub fn mul(a: u8, b: u8) -> u8 {
    if a == 0 || b == 0 { 0 } else { EXP[log(a) + log(b)] }
}

/// `a / b`.
///
/// # Panics
/// If `b` is 0.
pub fn div(a: u8, b: u8) -> u8 {
    assert_ne!(b, 0, "F1: 0 has no inverse");
    if a == 0 { 0 } else { EXP[log(a) + 255 - log(b)] }
}

fn log(unit: u8) -> usize {
    LOG[usize::from(unit)].into()
}

/// The definition of the product, bit by bit.
const fn product(mut a: u8, mut b: u8) -> u8 {
    let mut sum = 0;
    while b != 0 {
        if b & 1 != 0 {
            sum ^= a;
        }
        let overflow = a & 0x80 != 0;
        a <<= 1;
        if overflow {
            a ^= REDUCE;
        }
        b >>= 1;
    }
    sum
}

const fn exponents() -> [u8; 510] {
    let mut table = [1; 510];
    let mut i = 1;
    while i < 510 {
        table[i] = product(table[i - 1], 2);
        i += 1;
    }
    table
}

const fn logarithms() -> [u8; 256] {
    let exponents = exponents();
    let mut table = [0; 256];
    let mut i = 0;
    while i < 255 {
        table[exponents[i] as usize] = i as u8;
        i += 1;
    }
    table
}

const fn nibbles() -> [Nibbles; 256] {
    let mut table = [[0; 32]; 256];
    let mut c = 0;
    while c < 256 {
        let mut x = 0;
        while x < 16 {
            table[c][x] = product(c as u8, x as u8);
            table[c][16 + x] = product(c as u8, (x as u8) << 4);
            x += 1;
        }
        c += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use reed_solomon_erasure::galois_8;

    use super::*;

    #[test]
    fn products_and_quotients_agree_with_another_implementation() {
        for a in 0..=255 {
            for b in 0..=255 {
                let want = galois_8::mul(a, b);
                assert_eq!(product(a, b), want, "{a} * {b}, bit by bit");
                assert_eq!(mul(a, b), want, "{a} * {b}, by logarithms");
                let table = &NIBBLES[usize::from(a)];
                let split = table[usize::from(b & 15)] ^ table[16 + usize::from(b >> 4)];
                assert_eq!(split, want, "F2: {a} * {b}, by nibbles");
                if b != 0 {
                    assert_eq!(div(a, b), galois_8::div(a, b), "{a} / {b}");
                }
            }
        }
    }

    #[test]
    fn f1_two_generates_every_unit() {
        let mut seen = EXP[..255].to_vec();
        seen.sort_unstable();
        assert!((1..=255).eq(seen));
    }
}
