//! What terminals ask for: the mix of transactions, and the inputs of each. (Clauses 2.4.1 to 2.8.1, 5.2.4.)
//!
//! A terminal draws its transactions as cards from a deck of 23, so that every deck has the standard
//! mix exactly. Its warehouse stays, and so does the district of its Stock-Level transactions.

use serde::Serialize;

use super::random::{RUN, Random};
use super::schema::{DISTRICTS, Scale};

/// A type of transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Kind {
    NewOrder,
    Payment,
    OrderStatus,
    Delivery,
    StockLevel,
}

/// All types, in the specification's order.
pub const KINDS: [Kind; 5] =
    [Kind::NewOrder, Kind::Payment, Kind::OrderStatus, Kind::Delivery, Kind::StockLevel];
/// How many cards of each type are in a deck.
const DECK: [usize; 5] = [10, 10, 1, 1, 1];

/// A customer, by number or by last name.
#[derive(Clone, Copy, Debug)]
pub enum Who {
    Number(u64),
    Name(u64),
}

/// A line of a New-Order.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// There is no item 0: the last line of one New-Order in a hundred asks for it.
    pub item: u64,
    pub supplier: u64,
    pub quantity: u64,
}

/// One transaction's input.
#[derive(Clone, Debug)]
pub enum Input {
    NewOrder { district: u64, customer: u64, lines: Vec<Line> },
    Payment { district: u64, home: (u64, u64), who: Who, cents: i64 },
    OrderStatus { district: u64, who: Who },
    Delivery { carrier: u64 },
    StockLevel { district: u64, threshold: u64 },
}

/// Draws the transactions of one terminal.
pub struct Terminal {
    pub warehouse: u64,
    district: u64,
    scale: Scale,
    random: Random,
    deck: Vec<Kind>,
}

impl Terminal {
    /// The `nth` terminal; `seed` tells runs apart.
    pub fn new(scale: Scale, nth: u64, seed: u64) -> Self {
        Self {
            warehouse: nth % scale.warehouses + 1,
            district: nth / scale.warehouses % DISTRICTS + 1,
            scale,
            random: Random::new(seed.wrapping_mul(1_000_003) + nth),
            deck: Vec::new(),
        }
    }

    /// The next transaction.
    pub fn draw(&mut self) -> (Kind, Input) {
        if self.deck.is_empty() {
            let cards = KINDS.iter().zip(DECK);
            self.deck = cards.flat_map(|(&kind, count)| vec![kind; count]).collect();
            self.random.shuffle(&mut self.deck);
        }
        let kind = self.deck.pop().unwrap_or(Kind::NewOrder);
        let district = self.random.within(1, DISTRICTS);
        let input = match kind {
            Kind::NewOrder => self.new_order(district),
            Kind::Payment => self.payment(district),
            Kind::OrderStatus => Input::OrderStatus { district, who: self.who() },
            Kind::Delivery => Input::Delivery { carrier: self.random.within(1, 10) },
            Kind::StockLevel => {
                let threshold = self.random.within(10, 20);
                Input::StockLevel { district: self.district, threshold }
            }
        };
        (kind, input)
    }

    fn who(&mut self) -> Who {
        if self.random.percent(60) {
            Who::Name(self.random.last_name(RUN, self.scale.names()))
        } else {
            Who::Number(self.random.customer(RUN, self.scale.customers))
        }
    }

    /// A warehouse that is not the terminal's; the terminal's where it is the only one.
    fn other(&mut self) -> u64 {
        if self.scale.warehouses == 1 {
            return self.warehouse;
        }
        let drawn = self.random.within(1, self.scale.warehouses - 1);
        drawn + u64::from(drawn >= self.warehouse)
    }

    fn new_order(&mut self, district: u64) -> Input {
        let customer = self.random.customer(RUN, self.scale.customers);
        let count = self.random.within(5, 15);
        let mut lines: Vec<Line> = (0..count)
            .map(|_| {
                let item = self.random.item(RUN, self.scale.items);
                let remote = self.random.percent(1);
                let supplier = if remote { self.other() } else { self.warehouse };
                Line { item, supplier, quantity: self.random.within(1, 10) }
            })
            .collect();
        if self.random.percent(1)
            && let Some(last) = lines.last_mut()
        {
            last.item = 0;
        }
        Input::NewOrder { district, customer, lines }
    }

    fn payment(&mut self, district: u64) -> Input {
        let home = if self.random.percent(85) {
            (self.warehouse, district)
        } else {
            (self.other(), self.random.within(1, DISTRICTS))
        };
        let cents = self.random.within(100, 500_000) as i64;
        Input::Payment { district, home, who: self.who(), cents }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALE: Scale = Scale { warehouses: 4, customers: 3000, items: 100_000 };

    #[test]
    fn every_deck_has_the_standard_mix() {
        let mut terminal = Terminal::new(SCALE, 5, 1);
        let mut orders = std::collections::BTreeSet::new();
        for _ in 0..100 {
            let kinds: Vec<Kind> = (0..23).map(|_| terminal.draw().0).collect();
            let counts = KINDS.map(|kind| kinds.iter().filter(|&&drawn| drawn == kind).count());
            assert_eq!(counts, [10, 10, 1, 1, 1]);
            orders.insert(kinds);
        }
        assert!(orders.len() > 90, "decks are shuffled: {}", orders.len());
    }

    /// Shares of clauses 2.4.1.4, 2.4.1.5, 2.5.1.2.
    #[test]
    fn inputs_have_the_specifications_shares() {
        let mut terminal = Terminal::new(SCALE, 5, 1);
        let (mut orders, mut lines, mut rolled_back, mut remote) = (0, 0, 0, 0);
        let (mut payments, mut away, mut named) = (0, 0, 0);
        for _ in 0..230_000 {
            match terminal.draw().1 {
                Input::NewOrder { lines: these, customer, .. } => {
                    assert!((1..=3000).contains(&customer) && (5..=15).contains(&these.len()));
                    orders += 1;
                    lines += these.len();
                    rolled_back += these.iter().filter(|line| line.item == 0).count();
                    remote += these.iter().filter(|line| line.supplier != 2).count();
                    let legal = |line: &Line| {
                        line.item <= 100_000
                            && (1..=4).contains(&line.supplier)
                            && (1..=10).contains(&line.quantity)
                    };
                    assert!(these.iter().all(legal), "{these:?}");
                    assert!(these.iter().rev().skip(1).all(|line| line.item > 0), "{these:?}");
                }
                Input::Payment { home, who, cents, .. } => {
                    assert!((100..=500_000).contains(&cents) && (1..=4).contains(&home.0));
                    payments += 1;
                    away += usize::from(home.0 != 2);
                    named += usize::from(matches!(who, Who::Name(_)));
                }
                Input::StockLevel { district, threshold } => {
                    assert_eq!(district, 2, "the terminal's own");
                    assert!((10..=20).contains(&threshold));
                }
                Input::OrderStatus { .. } | Input::Delivery { .. } => {}
            }
        }
        let near = |part: usize, of: usize, percent: f64| {
            let share = 100.0 * part as f64 / of as f64;
            assert!((share - percent).abs() < percent * 0.1, "{share} for {percent}");
        };
        near(rolled_back, orders, 1.0);
        near(remote, lines, 1.0);
        near(away, payments, 15.0);
        near(named, payments, 60.0);
        near(lines, orders, 1000.0);
    }

    #[test]
    fn one_warehouse_is_its_own_neighbour() {
        let mut terminal = Terminal::new(Scale { warehouses: 1, ..SCALE }, 3, 1);
        assert!((0..1000).all(|_| terminal.other() == 1));
    }
}
