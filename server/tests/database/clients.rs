//! What SQL clients do, each over a connection of its own, beside one another; every
//! answer is judged.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use holdfast_base::TableId;
use holdfast_io::clock::Clock;
use holdfast_io::rng::SeededRng;
use holdfast_sim::clock::SimClock;
use holdfast_sim::report::Tally;

use super::life::{Life, Session};
use super::model::{BALANCE, Model, Op, Row, State, Transfer, run};
use super::wire::{Answer, Failure};

/// Accounts.
pub const ACCOUNTS: i64 = 5;
/// Keys of a client, from its number times a hundred on.
const KEYS: i64 = 40;
/// There are no more clients.
pub const CLIENTS: i64 = 4;

/// What all clients share.
#[derive(Default)]
pub struct Shared {
    pub model: Model,
    pub tally: Tally,
}

/// One client in one life.
pub struct Client<'a> {
    pub no: i64,
    pub rng: SeededRng,
    pub life: Life,
    pub shared: &'a RefCell<Shared>,
    pub clock: &'a SimClock,
    pub session: Option<Session>,
}

/// A step ended early, for a reason that was judged.
type Step<T = ()> = Result<T, ()>;

/// Rows of `own` by key.
pub type Rows = BTreeMap<i64, Row>;

impl Client<'_> {
    pub async fn work(mut self, steps: u64) {
        for _ in 0..steps {
            let _ = self.step().await;
            let pause = match self.rng.below(12) {
                0 => self.rng.below(3_000),
                1..5 => self.rng.below(30),
                _ => 0,
            };
            if pause > 0 {
                self.clock.sleep(Duration::from_millis(pause)).await;
            }
            if !self.life.serves().await {
                break;
            }
        }
        if let Some(session) = self.session.take() {
            session.leave().await;
        }
    }

    async fn step(&mut self) -> Step {
        match self.rng.below(100) {
            0..16 => self.change().await,
            16..27 => self.transaction().await,
            27..38 => self.large().await,
            38..58 => self.transfer().await,
            58..64 => self.audit().await,
            64..84 => self.read().await,
            84..90 => self.define().await,
            _ => self.maintain().await,
        }
    }

    fn count(&self, what: &'static str) {
        self.shared.borrow_mut().tally.add(what, 1);
    }

    fn now(&self) -> u64 {
        self.shared.borrow_mut().model.now()
    }

    async fn session(&mut self) -> Step<&mut Session> {
        if self.session.is_none() {
            match self.life.connect("d").await {
                Ok(mut session) => {
                    if self.rng.one_in(6) {
                        let ms = self.rng.between(1, 40);
                        let _ = session.ask(&format!("SET max_execution_time = {ms}")).await;
                    }
                    self.session = Some(session);
                }
                Err(_) => {
                    self.count("logins that failed");
                    return Err(());
                }
            }
        }
        self.session.as_mut().ok_or(())
    }

    /// Asks; a connection that is over is left.
    async fn ask(&mut self, text: &str) -> Result<Answer, Failure> {
        let Ok(session) = self.session().await else {
            // Nothing was sent.
            return Err(Failure::Refused(0, "no connection".into()));
        };
        let answer = session.ask(text).await;
        self.after(&answer).await;
        answer
    }

    async fn after(&mut self, answer: &Result<Answer, Failure>) {
        match answer {
            Err(Failure::Gone) => {
                if let Some(session) = self.session.take() {
                    session.leave().await;
                }
            }
            Err(Failure::Refused(code, why)) => {
                println!("  client {} at {:?}: {code} {why}", self.no, self.clock.monotonic());
                self.count(named(*code));
            }
            Ok(_) => {}
        }
    }

    /// As `ask`, for what commits: now and then the client goes before it has the answer.
    async fn ask_commit(&mut self, text: &str) -> Result<Answer, Failure> {
        if !self.rng.one_in(24) {
            return self.ask(text).await;
        }
        let patience = Duration::from_micros(self.rng.below(40_000));
        let Ok(session) = self.session().await else {
            return Err(Failure::Refused(0, "no connection".into()));
        };
        let answer = session.ask_within(text, patience).await;
        self.after(&answer).await;
        answer
    }

    async fn rows(&mut self, text: &str) -> Step<Vec<Vec<String>>> {
        match self.ask(text).await {
            Ok(Answer::Rows(rows)) => Ok(rows),
            Ok(Answer::Done(_)) => panic!("WRONG: no rows for {text}"),
            Err(_) => {
                self.count("reads without an answer");
                Err(())
            }
        }
    }

    // ---- changes of its own keys

    fn key(&self) -> i64 {
        self.no * 100 + self.rng.below(KEYS as u64) as i64
    }

    fn row(&self, longest: u64) -> Row {
        let v = self.now() as i64 * 10;
        let letter = char::from(b'a' + self.rng.below(26) as u8);
        (v, letter.to_string().repeat(self.rng.below(longest) as usize))
    }

    fn op(&self) -> Op {
        let (from, to) = (self.key(), self.key());
        let (from, to) = (from.min(to), from.max(to).min(from.min(to) + 7));
        match self.rng.below(12) {
            0..5 => Op::Replace(
                (0..self.rng.between(1, 4)).map(|_| (self.key(), self.row(40))).collect(),
            ),
            5 | 6 => Op::Insert(self.key(), self.row(40)),
            7 | 8 => Op::Bump(from, to),
            9 => Op::Pad(from, to, self.row(90).1),
            _ => Op::Delete(from, to),
        }
    }

    async fn change(&mut self) -> Step {
        let op = self.op();
        self.send(op).await
    }

    /// Beyond what a record takes.
    async fn large(&mut self) -> Step {
        let from = self.no * 100;
        let count = self.rng.between(KEYS as u64 / 2, KEYS as u64) as i64;
        let rows = (from..from + count).map(|k| (k, (self.row(1).0, "x".repeat(120)))).collect();
        self.send(Op::Replace(rows)).await?;
        self.count("large commits");
        Ok(())
    }

    /// One statement that is its own transaction.
    async fn send(&mut self, op: Op) -> Step {
        self.session().await?;
        let ops = [op];
        let (before, commit) = {
            let model = &mut self.shared.borrow_mut().model;
            (model.states(self.no).to_vec(), model.begin(self.no, &ops))
        };
        let answer = self.ask_commit(&ops[0].text(self.no)).await;
        let mut shared = self.shared.borrow_mut();
        match answer {
            Ok(Answer::Done(affected)) => {
                let told = |state: &State| ops[0].affected(state).is_none_or(|n| n == affected);
                assert!(before.iter().any(told), "WRONG: {affected} by {ops:?} on {before:?}");
                shared.model.acknowledge(&commit);
                shared.tally.add("acknowledged", 1);
                Ok(())
            }
            Ok(Answer::Rows(_)) => panic!("WRONG: rows for {ops:?}"),
            Err(error) if error.is_unknown() => {
                shared.tally.add("unknown", 1);
                Err(())
            }
            Err(Failure::Refused(code, why)) => {
                let must_not = matches!(code, 1050 | 1051 | 1062 | 1146);
                let may = before.iter().any(|state| run(&ops, state).is_none());
                assert!(may || !must_not, "WRONG: {code} {why} for {ops:?} on {before:?}");
                shared.model.refuse(&commit);
                shared.tally.add("refused", 1);
                Err(())
            }
            Err(Failure::Gone) => Err(()),
        }
    }

    /// Several statements, and what they changed read in between.
    async fn transaction(&mut self) -> Step {
        // What is in doubt may become visible behind a statement that reads what is committed,
        // and then precedes the transaction all the same.
        let is_sure = self.shared.borrow_mut().model.states(self.no).len() == 1;
        if is_sure && self.rng.one_in(3) {
            self.done("SET TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
        }
        self.done("BEGIN").await?;
        let mut ops: Vec<Op> = Vec::new();
        for _ in 0..self.rng.between(1, 4) {
            let op = self.op();
            let text = op.text(self.no);
            match self.ask(&text).await {
                Ok(_) => ops.push(op),
                // The statement is undone, the transaction goes on.
                Err(Failure::Refused(1062, _)) => {}
                Err(_) => return self.roll_back().await,
            }
            if self.rng.one_in(4) && self.own_changes(&ops).await.is_err() {
                return self.roll_back().await;
            }
        }
        if self.rng.one_in(5) {
            self.count("rollbacks");
            return self.roll_back().await;
        }
        let commit = self.shared.borrow_mut().model.begin(self.no, &ops);
        let answer = self.ask_commit("COMMIT").await;
        let mut shared = self.shared.borrow_mut();
        match answer {
            Ok(_) => {
                shared.model.acknowledge(&commit);
                shared.tally.add("acknowledged", 1);
                shared.tally.add("transactions", 1);
            }
            Err(error) if error.is_unknown() => shared.tally.add("unknown", 1),
            Err(_) => {
                shared.model.refuse(&commit);
                shared.tally.add("refused", 1);
            }
        }
        Ok(())
    }

    /// A transaction sees what it has changed.
    async fn own_changes(&mut self, ops: &[Op]) -> Step {
        let states = self.shared.borrow_mut().model.states(self.no).to_vec();
        // What is in doubt may happen between two of its statements.
        let [state] = &states[..] else { return Ok(()) };
        let want = run(ops, state).map(|state| state.rows);
        let text = format!("SELECT k, v, pad FROM own WHERE client = {}", self.no);
        let rows = self.rows(&text).await?;
        assert_eq!(Some(rows_of(&rows)), want, "WRONG: own changes {ops:?} on {state:?}");
        self.count("reads compared");
        Ok(())
    }

    async fn done(&mut self, text: &str) -> Step {
        self.ask(text).await.map(drop).map_err(drop)
    }

    async fn roll_back(&mut self) -> Step {
        if self.session.is_some() && self.done("ROLLBACK").await.is_err() {
            // Then by going.
            if let Some(session) = self.session.take() {
                session.leave().await;
            }
        }
        Err(())
    }

    // ---- the bank

    async fn transfer(&mut self) -> Step {
        let from = self.rng.between(1, ACCOUNTS as u64) as i64;
        let to = (from + self.rng.between(0, ACCOUNTS as u64 - 2) as i64) % ACCOUNTS + 1;
        let transfer: Transfer = (from, to, self.rng.between(1, 9) as i64);
        self.done("BEGIN").await?;
        match self.move_money(transfer).await {
            Ok(id) => self.commit_transfer(id).await,
            Err(None) => self.roll_back().await,
            Err(Some(id)) => {
                let _ = self.roll_back().await;
                self.shared.borrow_mut().model.settle(id, false);
                Err(())
            }
        }
    }

    /// All of a transfer but its commit; its number.
    async fn move_money(&mut self, (from, to, amount): Transfer) -> Result<i64, Option<i64>> {
        let balance = |rows: &[Vec<String>]| rows[0][0].parse::<i64>().expect("a number");
        let mut texts = Vec::new();
        for (account, by) in [(from, -amount), (to, amount)] {
            if self.rng.one_in(2) {
                let text = format!("SELECT balance FROM bank WHERE id = {account} FOR UPDATE");
                let rows = self.rows(&text).await.map_err(|()| None)?;
                let now = balance(&rows) + by;
                texts.push(format!("UPDATE bank SET balance = {now} WHERE id = {account}"));
            } else {
                texts
                    .push(format!("UPDATE bank SET balance = balance + {by} WHERE id = {account}"));
            }
        }
        let id = self.shared.borrow_mut().model.transfer((from, to, amount));
        texts.push(format!(
            "INSERT INTO ledger VALUES ({id}, {from}, {to}, {amount}, '{:>80}')",
            id
        ));
        for text in texts {
            self.done(&text).await.map_err(|()| Some(id))?;
        }
        Ok(id)
    }

    async fn commit_transfer(&mut self, id: i64) -> Step {
        if self.rng.one_in(8) {
            let _ = self.roll_back().await;
            self.shared.borrow_mut().model.settle(id, false);
            self.count("rollbacks");
            return Ok(());
        }
        let answer = self.ask_commit("COMMIT").await;
        let mut shared = self.shared.borrow_mut();
        match answer {
            Ok(_) => {
                shared.model.settle(id, true);
                shared.tally.add("acknowledged", 1);
                shared.tally.add("transfers", 1);
            }
            Err(error) if error.is_unknown() => shared.tally.add("unknown", 1),
            Err(_) => {
                shared.model.settle(id, false);
                shared.tally.add("refused", 1);
            }
        }
        Ok(())
    }

    /// The bank in one snapshot.
    async fn audit(&mut self) -> Step {
        if self.rng.one_in(3) {
            let rows = self.rows("SELECT SUM(balance), COUNT(*) FROM bank").await?;
            let want = [(ACCOUNTS * BALANCE).to_string(), ACCOUNTS.to_string()];
            assert_eq!(rows, [want], "WRONG: the bank's total");
            self.count("reads compared");
            return Ok(());
        }
        self.bank(false).await
    }

    /// See [`Model::audit`].
    pub async fn bank(&mut self, is_over: bool) -> Step {
        let from = self.now();
        self.done("BEGIN").await?;
        let balances = self.rows("SELECT id, balance FROM bank ORDER BY id").await;
        let ledger = match self.rng.below(2) {
            0 => self.rows("SELECT id, a, b, amount FROM ledger").await,
            _ => self.rows("SELECT id, a, b, amount FROM ledger WHERE a > 0").await,
        };
        let _ = self.done("COMMIT").await;
        let (balances, ledger) = (numbers(&balances?), numbers(&ledger?));
        let balances = balances.iter().map(|row| (row[0], row[1])).collect();
        let ledger: BTreeMap<i64, Transfer> =
            ledger.iter().map(|row| (row[0], (row[1], row[2], row[3]))).collect();
        self.shared.borrow_mut().model.audit(from, (&balances, &ledger), is_over);
        self.count("reads compared");
        Ok(())
    }

    // ---- reads of anybody's keys

    async fn read(&mut self) -> Step {
        let client = self.rng.between(1, CLIENTS as u64) as i64;
        match self.rng.below(7) {
            0 => self.read_key(client).await,
            1 => self.read_all(client, "client =").await,
            2 => self.read_all(client, "k DIV 100 =").await,
            3 => self.read_index(client).await,
            4 => self.read_sums().await,
            5 => self.read_extra(client).await.map(drop),
            _ => self.read_thrice(client).await,
        }
    }

    /// What was read of a client since `from` is what its state may have been.
    fn saw(
        &self,
        (client, from): (i64, u64),
        what: &dyn std::fmt::Debug,
        is_it: impl Fn(&State) -> bool,
    ) {
        let to = self.now();
        let mut shared = self.shared.borrow_mut();
        shared.model.saw(client, (from, to), what, is_it);
        shared.tally.add("reads compared", 1);
    }

    async fn read_key(&mut self, client: i64) -> Step {
        let k = client * 100 + self.rng.below(KEYS as u64) as i64;
        let from = self.now();
        let rows = self.rows(&format!("SELECT k, v, pad FROM own WHERE k = {k}")).await?;
        let seen = rows_of(&rows);
        self.saw((client, from), &(k, &seen), |state| state.rows.get(&k) == seen.get(&k));
        Ok(())
    }

    async fn read_all(&mut self, client: i64, by: &str) -> Step {
        let from = self.now();
        let rows = self.rows(&format!("SELECT k, v, pad FROM own WHERE {by} {client}")).await?;
        let seen = rows_of(&rows);
        self.saw((client, from), &seen, |state| state.rows == seen);
        Ok(())
    }

    async fn read_index(&mut self, client: i64) -> Step {
        let from = self.now();
        let least = self.rng.below(from * 10) as i64;
        let range = least..=least + 400;
        let text = format!(
            "SELECT k, v, pad FROM own WHERE v BETWEEN {} AND {} AND client = {client}",
            range.start(),
            range.end()
        );
        let seen = rows_of(&self.rows(&text).await?);
        self.saw((client, from), &(&range, &seen), |state| {
            let within = state.rows.iter().filter(|(_, (v, _))| range.contains(v));
            within.eq(seen.iter())
        });
        Ok(())
    }

    async fn read_sums(&mut self) -> Step {
        let from = self.now();
        let text = "SELECT client, COUNT(*), SUM(v) FROM own GROUP BY client";
        let rows = numbers(&self.rows(text).await?);
        for client in 1..=CLIENTS {
            let row = rows.iter().find(|row| row[0] == client);
            let seen = row.map_or((0, 0), |row| (row[1], row[2]));
            self.saw((client, from), &seen, |state| {
                let sum = state.rows.values().map(|(v, _)| v).sum::<i64>();
                (state.rows.len() as i64, sum) == seen
            });
        }
        Ok(())
    }

    /// Its own table: none, or its rows.
    pub async fn read_extra(&mut self, client: i64) -> Step<Option<BTreeMap<i64, i64>>> {
        let from = self.now();
        let text = format!("SELECT k, v FROM extra_{client} WHERE v >= 0");
        let seen = match self.ask(&text).await {
            Ok(Answer::Rows(rows)) => {
                Some(numbers(&rows).iter().map(|row| (row[0], row[1])).collect())
            }
            Err(Failure::Refused(1146, _)) => None,
            other => {
                assert!(!matches!(other, Ok(Answer::Done(_))), "WRONG: no rows for {text}");
                self.count("reads without an answer");
                return Err(());
            }
        };
        self.saw((client, from), &seen, |state| state.extra == seen);
        Ok(seen)
    }

    /// Three ways to the same rows, in one snapshot.
    async fn read_thrice(&mut self, client: i64) -> Step {
        let from = self.now();
        self.done("BEGIN").await?;
        let (least, most) = (client * 100, client * 100 + 99);
        let ways = [
            format!("SELECT k, v, pad FROM own WHERE client = {client}"),
            format!("SELECT k, v, pad FROM own WHERE k BETWEEN {least} AND {most}"),
            format!("SELECT k, v, pad FROM own WHERE v >= 0 AND client = {client}"),
        ];
        let mut seen: Vec<Rows> = Vec::new();
        for way in ways {
            match self.rows(&way).await {
                Ok(rows) => seen.push(rows_of(&rows)),
                Err(()) => return self.roll_back().await,
            }
        }
        let _ = self.done("COMMIT").await;
        assert!(seen.iter().all(|rows| *rows == seen[0]), "WRONG: one snapshot, {seen:?}");
        self.saw((client, from), &seen[0], |state| state.rows == seen[0]);
        Ok(())
    }

    // ---- definitions, and work on the store

    async fn define(&mut self) -> Step {
        let has = self.shared.borrow_mut().model.states(self.no)[0].extra.is_some();
        let op = match (has, self.rng.below(4)) {
            (false, 0..3) => Op::Create,
            (true, 0) => Op::Drop,
            (true, 1 | 2) => Op::Extra(self.rng.below(6) as i64, self.now() as i64),
            _ => {
                let change = *self.rng.pick(&["ADD INDEX pi (pad)", "DROP INDEX pi"]);
                if self.done(&format!("ALTER TABLE own {change}")).await.is_ok() {
                    self.count("ddl");
                }
                return Ok(());
            }
        };
        let is_ddl = !matches!(op, Op::Extra(..));
        self.send(op).await?;
        self.count(if is_ddl { "ddl" } else { "rows of own tables" });
        Ok(())
    }

    async fn maintain(&mut self) -> Step {
        match self.rng.below(6) {
            0 | 1 => self.done("FLUSH TABLES").await,
            2 => {
                let table = *self.rng.pick(&["own", "ledger", "bank"]);
                self.done(&format!("OPTIMIZE TABLE {table}")).await
            }
            _ => {
                let ids = ids(&self.life);
                let some: Vec<TableId> = ids.into_iter().filter(|_| self.rng.one_in(2)).collect();
                self.life.engine.flush(&some).await.map(drop).map_err(drop)
            }
        }
    }
}

/// Every table and index.
pub fn ids(life: &Life) -> Vec<TableId> {
    let Ok(catalog) = life.engine.catalog() else { return Vec::new() };
    let of = |table: &std::sync::Arc<holdfast_sql::catalog::Table>| {
        let indexes = table.indexes.iter().map(|index| index.id);
        std::iter::once(table.id).chain(indexes).collect::<Vec<_>>()
    };
    catalog.tables.values().flat_map(of).collect()
}

/// Rows of `own`, as they were read: key, v, pad.
pub fn rows_of(rows: &[Vec<String>]) -> Rows {
    let mut all = Rows::new();
    for row in rows {
        let [k, v, pad] = &row[..] else { panic!("WRONG: {row:?}") };
        let (k, v) = (k.parse().expect("a key"), v.parse().expect("a number"));
        let twice = all.insert(k, (v, pad.clone()));
        assert!(twice.is_none(), "WRONG: {k} was read twice: {rows:?}");
    }
    all
}

fn numbers(rows: &[Vec<String>]) -> Vec<Vec<i64>> {
    let number = |text: &String| text.parse().expect("a number");
    rows.iter().map(|row| row.iter().map(number).collect()).collect()
}

/// The counter of an error.
fn named(code: u16) -> &'static str {
    match code {
        0 => "no connection",
        1053 => "answered 1053",
        1105 => "answered 1105",
        1180 => "answered 1180",
        1205 => "answered 1205",
        1213 => "answered 1213",
        1317 => "answered 1317",
        1412 => "answered 1412",
        3024 => "answered 3024",
        1050 | 1051 | 1061 | 1062 | 1091 | 1146 => "answered what is there or not there",
        _ => "answered another error",
    }
}
