//! Random values for tests.

use crate::{Decimal, SqlType, Value};
pub(crate) use holdfast_sim::seeds;

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub(crate) fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize].clone()
    }

    /// Up to so many digits, of which up to `scale` after the point.
    pub(crate) fn decimal(&mut self, digits: u32, scale: u8) -> Decimal {
        let digits = self.below(u64::from(digits)) as usize + 1;
        let mut text: String = (0..digits).map(|_| (b'0' + self.below(10) as u8) as char).collect();
        if self.below(2) == 0 {
            text.insert(0, '-');
        }
        let scale = self.below(u64::from(scale) + 1);
        text.push_str(&format!("e-{scale}"));
        Decimal::parse(&text).unwrap().0
    }

    /// A near-by number: edges, small ones, any.
    pub(crate) fn i64(&mut self) -> i64 {
        match self.below(4) {
            0 => self.pick(&[i64::MIN, i64::MAX, 0, -1, 1, 127, 128, -128, -129, 65535, 65536]),
            1 => self.below(20) as i64 - 10,
            2 => 1i64.checked_shl(self.below(64) as u32).unwrap_or(0),
            _ => self.next() as i64,
        }
    }

    pub(crate) fn text(&mut self, alphabet: &[char], len: u64) -> String {
        (0..self.below(len + 1)).map(|_| self.pick(alphabet)).collect()
    }

    /// A value of this type; NULL once in eight times.
    pub(crate) fn value(&mut self, of: &SqlType) -> Value {
        if self.below(8) == 0 {
            return Value::Null;
        }
        match of {
            SqlType::Null => Value::Null,
            SqlType::Int { unsigned: false, .. } => Value::Int(self.i64()),
            SqlType::Int { .. } | SqlType::Bit(_) | SqlType::Year => Value::UInt(self.i64() as u64),
            SqlType::Decimal { precision, scale, .. } => loop {
                let it = self.decimal(u32::from(*precision), *scale);
                if it.fits(*precision, *scale) {
                    break Value::Decimal(it.rescale(*scale).unwrap());
                }
            },
            SqlType::Float { .. } => Value::Double(f64::from(self.i64() as f32 / 7.0)),
            SqlType::Double { .. } => match self.below(6) {
                0 => Value::Double(self.pick(&[0.0, -0.0, 1e308, -1e308, 5e-324, -5e-324])),
                _ => Value::Double(self.i64() as f64 / self.pick(&[1.0, 3.0, 1e10, 1e-9])),
            },
            SqlType::Binary(_) | SqlType::VarBinary(_) | SqlType::Blob(_) => {
                let bytes: Vec<u8> =
                    (0..self.below(12)).map(|_| self.pick(&[0, 1, 2, 0xfe, 0xff, b'a'])).collect();
                Value::Bytes(bytes.into())
            }
            SqlType::Date => Value::Date(self.below(3_652_059) as i32 - 719_528),
            SqlType::Time(_) => {
                Value::Time(self.below(2 * 3_020_399_000_000) as i64 - 3_020_399_000_000)
            }
            SqlType::DateTime(_) | SqlType::Timestamp(_) => {
                Value::DateTime(self.below(315_537_897_600_000_000) as i64 - 62_167_219_200_000_000)
            }
            SqlType::Enum(items, _) => Value::text(self.pick(items).as_str()),
            SqlType::Set(items, _) => {
                let some: Vec<&str> =
                    items.iter().map(String::as_str).filter(|_| self.below(2) == 0).collect();
                Value::text(some.join(","))
            }
            SqlType::Json => Value::Json(self.pick(&["1", "null", "{\"a\": 1}", "[1, 2]"]).into()),
            SqlType::Char(..) | SqlType::VarChar(..) | SqlType::Text(..) => {
                let alphabet =
                    ['a', 'A', 'b', 'B', 'é', 'ß', ' ', '1', '_', '\0', 'ÿ', '漢', '😀', '-'];
                Value::text(self.text(&alphabet, 10))
            }
        }
    }
}

/// One of each type, and more where parameters matter.
pub(crate) fn all_types() -> Vec<SqlType> {
    use crate::{Collation, IntWidth, LobSize};
    let items: std::sync::Arc<[String]> = ["b", "a", "c"].map(String::from).into();
    vec![
        SqlType::BIGINT,
        SqlType::BIGINT_UNSIGNED,
        SqlType::Int { width: IntWidth::Tiny, unsigned: false, display: None },
        SqlType::Decimal { precision: 65, scale: 30, unsigned: false },
        SqlType::Decimal { precision: 10, scale: 2, unsigned: false },
        SqlType::Float { unsigned: false },
        SqlType::DOUBLE,
        SqlType::Char(10, Collation::Bin),
        SqlType::VarChar(20, Collation::GeneralCi),
        SqlType::VarChar(20, Collation::Uca0900AiCi),
        SqlType::Text(LobSize::Normal, Collation::Binary),
        SqlType::Binary(12),
        SqlType::VarBinary(12),
        SqlType::Blob(LobSize::Normal),
        SqlType::Date,
        SqlType::Time(6),
        SqlType::DateTime(6),
        SqlType::Timestamp(6),
        SqlType::Year,
        SqlType::Enum(items.clone(), Collation::Uca0900AiCi),
        SqlType::Set(items, Collation::Uca0900AiCi),
        SqlType::Bit(64),
        SqlType::Json,
    ]
}

/// Everything returns: casts, comparisons and operators of any two types.
#[test]
fn no_two_values_make_it_panic() {
    use crate::arith::{Op, apply, invert, negate};
    use crate::{Comparison, Context};
    const OPS: [Op; 8] =
        [Op::Add, Op::Sub, Op::Mul, Op::Div, Op::IntDiv, Op::Rem, Op::BitXor, Op::ShiftLeft];
    let types = all_types();
    for seed in seeds(16) {
        let mut dice = Dice::new(seed);
        for left in &types {
            for right in &types {
                let (a, b) = (dice.value(left), dice.value(right));
                let mut context = Context { now: dice.i64() / 1000, ..Context::default() };
                let how = Comparison::of(left, right);
                assert_eq!(how, Comparison::of(right, left), "{left:?} {right:?}");
                let there = how.compare(&a, &b, &mut context);
                let back = how.compare(&b, &a, &mut context);
                if let (Ok(Some(there)), Ok(Some(back))) = (there, back) {
                    assert_eq!(there, back.reverse(), "seed {seed}: {a:?} {b:?} as {how:?}");
                }
                for op in OPS {
                    let _ = apply(op, &a, &b, &mut context);
                    let _ = crate::arith::result_type(op, left, right, 4);
                }
                let _ = (negate(&a, &mut context), invert(&a, &mut context));
                if let Ok(it) = crate::cast::convert(a.clone(), left, right, &mut context) {
                    let mut out = Vec::new();
                    crate::show::write(&it, right, &mut out);
                    let again = crate::cast::convert(it.clone(), right, right, &mut context);
                    assert_eq!(again, Ok(it), "seed {seed}: {a:?} of {left:?} to {right:?} twice");
                }
            }
        }
    }
}
