//! All is calm: everything is compared, in every way that leads to it, and nothing is left
//! over.

use std::collections::BTreeSet;

use holdfast_api::log::LogService;

use super::clients::{CLIENTS, Rows, ids, rows_of};
use super::life::Life;
use super::system::System;

/// What the log may hold after a checkpoint. [bytes]
const LOG_BYTES: u64 = 24 << 10;

/// Compares everything.
pub async fn close(system: &mut System) {
    system.calm();
    system.look().await;
    every_way_leads_to_the_same_rows(system).await;
    every_object_is_there(&system.life()).await;
    nothing_is_left_over(system).await;
    system.look().await;
}

async fn every_way_leads_to_the_same_rows(system: &System) {
    let mut client = system.client(0);
    let all = client.everything("SELECT k, v, pad FROM own").await;
    for way in [
        "SELECT k, v, pad FROM own WHERE v >= 0",
        "SELECT k, v, pad FROM own WHERE k >= 0 UNION ALL SELECT k, v, pad FROM own WHERE k < 0",
    ] {
        assert_eq!(client.everything(way).await, all, "WRONG: {way}");
    }
    let mut one_by_one = Rows::new();
    for k in (1..=CLIENTS).flat_map(|client| client * 100..client * 100 + 40) {
        let text = format!("SELECT k, v, pad FROM own WHERE k = {k}");
        one_by_one.extend(client.everything(&text).await);
    }
    assert_eq!(one_by_one, all, "WRONG: by key");
    for table in ["own", "bank", "ledger"] {
        let rows = client.strings(&format!("CHECK TABLE {table}")).await;
        let is_ok = rows.iter().any(|row| row.last().is_some_and(|text| text == "OK"));
        assert!(is_ok, "WRONG: {table}: {rows:?}");
    }
    client.go().await;
}

/// What manifests name, for readers of now.
fn named(life: &Life) -> BTreeSet<String> {
    let (now, _) = life.engine.tail.applied();
    let names = ids(life).into_iter().filter_map(|id| {
        let objects = life.engine.objects(id, now)?;
        Some(objects.manifest.names(id))
    });
    names.flatten().collect()
}

async fn listed(life: &Life) -> Vec<(String, u64)> {
    let mut all: Vec<(String, u64)> = Vec::new();
    loop {
        let after = all.last().map(|(name, _)| name.clone()).unwrap_or_default();
        let page = life.bucket.list("", &after, 100).await.expect("a calm bucket lists");
        if page.is_empty() {
            return all;
        }
        all.extend(page.into_iter().map(|listed| (listed.name, listed.bytes)));
    }
}

async fn every_object_is_there(life: &Life) {
    let (names, listed) = (named(life), listed(life).await);
    for name in &names {
        let found = listed.iter().find(|(other, _)| other == name);
        let Some((_, bytes)) = found else { panic!("LOST: {name} is named and not there") };
        let read = life.bucket.read(name, 0..*bytes).await;
        assert!(read.is_ok(), "LOST: {name}: {:?}", read.err());
    }
}

/// Checkpoints, and time: then the bucket has what is named, and one checkpoint, and
/// the log is short.
async fn nothing_is_left_over(system: &mut System) {
    // Orphans of a job that failed go at a start.
    system.begin_again().await;
    let life = system.life();
    let mut client = system.client(0);
    let mut odd = Vec::new();
    for attempt in 0..8 {
        client.strings(&format!("REPLACE INTO own VALUES ({attempt}, 0, 0, '')")).await;
        client.strings("DELETE FROM own WHERE client = 0").await;
        client.strings("FLUSH TABLES").await;
        system.machine.wait(6_000).await;
        let named = named(&life);
        let listed = listed(&life).await.into_iter().map(|(name, _)| name);
        odd = listed.filter(|name| !named.contains(name)).collect();
        if odd.len() == 1 && odd[0].starts_with("checkpoints/") {
            break;
        }
    }
    let is_alone = odd.len() == 1 && odd[0].starts_with("checkpoints/");
    assert!(is_alone, "ORPHAN: nobody needs {odd:?}; {:?}", life.engine.store.status());
    let bounds = system.machine.running().meta.bounds().await.expect("a calm log answers");
    assert!(bounds.bytes.0 <= LOG_BYTES, "WRONG: the log is not truncated: {bounds:?}");
    client.go().await;
    every_object_is_there(&life).await;
    system.shared.borrow_mut().tally.add("searched for orphans", 1);
}

impl super::clients::Client<'_> {
    /// Rows of `own`, from a server that has to answer.
    pub async fn everything(&mut self, text: &str) -> Rows {
        rows_of(&self.strings(text).await)
    }

    /// The answer of a server that has to answer.
    async fn strings(&mut self, text: &str) -> Vec<Vec<String>> {
        use super::wire::Answer;
        if self.session.is_none() {
            let session = self.life.connect("d").await;
            self.session = Some(session.expect("a calm server takes clients"));
        }
        let session = self.session.as_mut().expect("it was made above");
        match session.ask(text).await {
            Ok(Answer::Rows(rows)) => rows,
            Ok(Answer::Done(_)) => Vec::new(),
            Err(why) => panic!("LOST: a calm server answers {text} by {why:?}"),
        }
    }

    async fn go(&mut self) {
        if let Some(session) = self.session.take() {
            session.leave().await;
        }
    }
}
