//! Random numbers of TPC-C: uniform, NURand, last names, strings. (TPC-C 5.11, clauses 2.1.6 and 4.3.2.)

/// splitmix64: a seed gives the same rows and the same transactions on every server.
#[derive(Clone, Debug)]
pub struct Random(u64);

/// C of NURand, for A = 255, 1023 and 8191.
#[derive(Clone, Copy, Debug)]
pub struct Constants {
    pub last_name: u64,
    pub customer: u64,
    pub item: u64,
}

/// While tables are loaded.
pub const LOAD: Constants = Constants { last_name: 157, customer: 259, item: 7911 };
/// While it runs; C for last names is at a distance that clause 2.1.6.1 asks for.
pub const RUN: Constants = Constants { last_name: 223, customer: 259, item: 7911 };

const SYLLABLES: [&str; 10] =
    ["BAR", "OUGHT", "ABLE", "PRI", "PRES", "ESE", "ANTI", "CALLY", "ATION", "EING"];
const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

impl Random {
    /// The sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `low..=high`.
    pub fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// True in `percent` of 100.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.within(1, 100) <= percent
    }

    /// NURand(A, x, y): some of `low..=high` far more often than others.
    fn uneven(&mut self, (a, c): (u64, u64), low: u64, high: u64) -> u64 {
        (((self.within(0, a) | self.within(low, high)) + c) % (high - low + 1)) + low
    }

    /// One of `customers`.
    pub fn customer(&mut self, constants: Constants, customers: u64) -> u64 {
        self.uneven((1023, constants.customer), 1, customers)
    }

    /// One of `items`.
    pub fn item(&mut self, constants: Constants, items: u64) -> u64 {
        self.uneven((8191, constants.item), 1, items)
    }

    /// The number of a last name, of `names`.
    pub fn last_name(&mut self, constants: Constants, names: u64) -> u64 {
        self.uneven((255, constants.last_name), 0, names - 1)
    }

    /// Letters and digits, `low..=high` of them.
    pub fn text(&mut self, low: u64, high: u64) -> String {
        let length = self.within(low, high);
        let mut letter =
            || char::from(ALPHABET[self.within(0, ALPHABET.len() as u64 - 1) as usize]);
        (0..length).map(|_| letter()).collect()
    }

    /// Digits, `length` of them.
    pub fn digits(&mut self, length: u64) -> String {
        (0..length).map(|_| char::from(b'0' + self.within(0, 9) as u8)).collect()
    }

    /// A_ZIP: four digits, then 11111.
    pub fn zip(&mut self) -> String {
        self.digits(4) + "11111"
    }

    /// I_DATA and S_DATA: one of ten says ORIGINAL somewhere.
    pub fn data(&mut self) -> String {
        let mut text = self.text(26, 50);
        if self.percent(10) {
            let at = self.within(0, text.len() as u64 - 8) as usize;
            text.replace_range(at..at + 8, "ORIGINAL");
        }
        text
    }

    /// Puts `these` into some order.
    pub fn shuffle<T>(&mut self, these: &mut [T]) {
        for nth in (1..these.len()).rev() {
            these.swap(nth, self.within(0, nth as u64) as usize);
        }
    }
}

/// C_LAST of a number below 1,000.
pub fn last_name(number: u64) -> String {
    [number / 100, number / 10, number].map(|digit| SYLLABLES[(digit % 10) as usize]).concat()
}

/// `1234` as `12.34`.
pub fn money(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.unsigned_abs() / 100, cents.unsigned_abs() % 100)
}

/// `12.34` as `1234`; `None` for what is no such sum.
pub fn cents(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.')?;
    let part = (part.len() == 2).then(|| part.parse::<i64>().ok())??;
    let size = whole.trim_start_matches('-').parse::<i64>().ok()?.checked_mul(100)? + part;
    Some(if whole.starts_with('-') { -size } else { size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uneven_numbers_stay_in_their_range_and_fill_it() {
        for (a, c, low, high) in
            [(255, 223, 0, 999), (1023, 259, 1, 3000), (8191, 7911, 1, 100_000)]
        {
            let mut random = Random::new(1);
            let mut seen = vec![0u32; high as usize + 1];
            for _ in 0..2_000_000 {
                let value = random.uneven((a, c), low, high);
                assert!((low..=high).contains(&value), "{value} of {low}..={high}");
                seen[value as usize] += 1;
            }
            // Those with few bits set below A are rare, as rare as (1/4)^zeros.
            let missing = seen[low as usize..].iter().filter(|&&count| count == 0).count() as u64;
            assert!(missing * 3 < high - low, "{low}..={high}: {missing} never came");
            let mean = 2_000_000.0 / (high - low + 1) as f64;
            let most = f64::from(seen.iter().copied().max().unwrap());
            assert!(most > 3.0 * mean, "{low}..={high} is even: {most} of {mean}");
        }
    }

    #[test]
    fn the_constants_of_load_and_run_are_as_far_apart_as_clause_2_1_6_1_asks() {
        let delta = RUN.last_name.abs_diff(LOAD.last_name);
        assert!((65..=119).contains(&delta) && delta != 96 && delta != 112, "{delta}");
    }

    #[test]
    fn last_names_are_syllables() {
        for (number, want) in [(0, "BARBARBAR"), (371, "PRICALLYOUGHT"), (999, "EINGEINGEING")] {
            assert_eq!(last_name(number), want);
        }
    }

    #[test]
    fn sums_of_money_are_exact() {
        for (sum, text) in
            [(0, "0.00"), (5, "0.05"), (-10, "-0.10"), (123_456, "1234.56"), (-1000, "-10.00")]
        {
            assert_eq!((money(sum), cents(text)), (text.into(), Some(sum)));
        }
        assert_eq!((cents("1.5"), cents("x.00"), cents("7")), (None, None, None));
    }

    #[test]
    fn one_of_ten_data_says_original() {
        let mut random = Random::new(3);
        let original = (0..10_000).filter(|_| random.data().contains("ORIGINAL")).count();
        assert!((900..1100).contains(&original), "{original}");
    }
}
