//! Machine and database, up and down together or the database alone.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use holdfast_io::rng::{Rng, SeededRng};

use super::blobs;
use super::clients::{ACCOUNTS, CLIENTS, Client, Shared};
use super::doubts::Doubts;
use super::life::{Life, counts};
use super::machine::Machine;
use super::model::BALANCE;

/// See the module's header.
pub struct System {
    pub machine: Machine,
    pub doubts: Arc<Doubts>,
    pub shared: RefCell<Shared>,
    /// Of those who use the store beside the database.
    pub blobs: RefCell<blobs::Shared>,
    life: Option<Life>,
}

impl System {
    pub async fn new(seed: u64) -> Self {
        Self {
            machine: Machine::new(seed).await,
            doubts: Arc::default(),
            shared: RefCell::default(),
            blobs: RefCell::default(),
            life: None,
        }
    }

    pub fn life(&self) -> Life {
        self.life.clone().expect("the database serves")
    }

    fn count(&self, what: &'static str, more: u64) {
        self.shared.borrow_mut().tally.add(what, more);
    }

    /// Starts both, however often the power goes meanwhile. Then everything is read.
    pub async fn start(&mut self) {
        for attempt in 0.. {
            let cuts = self.machine.power.cuts();
            self.machine.start().await;
            self.blobs.borrow_mut().registers.close();
            let begun = self.begin().await;
            let cut = self.machine.power.cuts() > cuts;
            match begun {
                Ok(()) if !cut => return,
                begun => {
                    assert!(cut || attempt < 5, "LOST: the database does not start: {begun:?}");
                    println!("  database: {begun:?}");
                }
            }
            self.stop(true).await;
        }
    }

    /// Starts the database over a machine that runs.
    async fn begin(&mut self) -> Result<(), String> {
        for attempt in 0.. {
            let cuts = self.machine.power.cuts();
            match Life::begin(&self.machine, self.doubts.clone()).await {
                Ok(life) => {
                    self.life = Some(life);
                    break;
                }
                Err(why) if attempt < 5 && self.machine.power.cuts() == cuts => {
                    println!("  database, again: {why}");
                    self.doubts.calm();
                    self.machine.wait(5_000).await;
                }
                Err(why) => return Err(why),
            }
        }
        Ok(())
    }

    /// The database alone comes again, over the store that goes on.
    pub async fn begin_again(&mut self) {
        self.end_life().await;
        self.count("restarts of the database alone", 1);
        let cuts = self.machine.power.cuts();
        let begun = self.begin().await;
        if self.machine.power.cuts() > cuts {
            self.stop(true).await;
            self.start().await;
        } else {
            begun.expect("LOST: the database does not start again");
        }
    }

    pub async fn end_life(&mut self) {
        if let Some(life) = self.life.take() {
            life.end().await;
            for (what, more) in counts(&life) {
                self.count(what, more);
            }
        }
    }

    /// Ends both: by a power cut, or only the process.
    pub async fn stop(&mut self, by_power: bool) {
        self.machine.stop(by_power).await;
        self.end_life().await;
        self.count("power cuts", u64::from(by_power));
        self.count("kills", u64::from(!by_power));
    }

    pub async fn shut_down(&mut self) {
        self.end_life().await;
        self.machine.shut_down().await;
    }

    /// Nothing goes wrong from now on but what is lost already.
    pub fn calm(&mut self) {
        self.doubts.calm();
        self.machine.calm();
    }

    /// Database, tables, accounts: what was made before stays.
    pub async fn prepare(&self) {
        let mut session = self.life().connect("").await.expect("a calm server takes clients");
        let accounts = (1..=ACCOUNTS).map(|id| format!("({id}, {BALANCE}, '')"));
        let accounts = accounts.collect::<Vec<_>>().join(", ");
        for text in [
            "CREATE DATABASE IF NOT EXISTS d",
            "CREATE TABLE IF NOT EXISTS d.own (k INT PRIMARY KEY, client INT NOT NULL, \
             v INT NOT NULL, pad VARCHAR(200) NOT NULL, KEY vi (v))",
            "CREATE TABLE IF NOT EXISTS d.bank (id INT PRIMARY KEY, balance INT NOT NULL, \
             note VARCHAR(20))",
            "CREATE TABLE IF NOT EXISTS d.ledger (id INT PRIMARY KEY, a INT NOT NULL, \
             b INT NOT NULL, amount INT NOT NULL, note VARCHAR(200), KEY ai (a))",
            &format!("INSERT IGNORE INTO d.bank VALUES {accounts}"),
        ] {
            session.ask(text).await.unwrap_or_else(|why| panic!("{text}: {why:?}"));
        }
        session.leave().await;
    }

    /// A client of this life.
    pub fn client(&self, no: i64) -> Client<'_> {
        Client {
            no,
            rng: SeededRng::new(self.machine.rng.next_u64()),
            life: self.life(),
            shared: &self.shared,
            clock: &self.machine.clock,
            session: None,
        }
    }

    /// A life has ended: what is unknown of it is found out.
    pub async fn look(&self) {
        let mut client = self.client(0);
        let text = "SELECT k, v, pad FROM own";
        let session = client.life.connect("d").await.expect("a calm server takes clients");
        client.session = Some(session);
        let rows = client.everything(text).await;
        for no in 1..=CLIENTS {
            let own = rows.iter().filter(|(k, _)| **k / 100 == no);
            let own = own.map(|(k, row)| (*k, row.clone())).collect();
            let extra = client.read_extra(no).await.expect("a calm server answers");
            self.shared.borrow_mut().model.found(no, &own, extra.as_ref());
        }
        client.bank(true).await.expect("a calm server answers");
        self.count("looks", 1);
        if let Some(session) = client.session.take() {
            session.leave().await;
        }
    }

    /// From now on the log and the bucket are in doubt.
    pub fn doubt(&self) {
        let rng = &self.machine.rng;
        let often = |least: u64, most: u64| match rng.one_in(2) {
            true => rng.between(least, most),
            false => 0,
        };
        self.doubts.log.store(often(3, 24), Ordering::Relaxed);
        self.doubts.bucket.store(often(3, 16), Ordering::Relaxed);
        let last = if rng.one_in(3) { rng.between(8, 60) } else { 0 };
        self.doubts.last_words.store(last, Ordering::Relaxed);
    }
}
