//! A verification of everything, asked for by hand: scrub, then heal what it found.
//!
//! ```text
//! POST /v1/heal -> number N -> scrub every shard -> heal the queue -> finished N
//! ```
//!
//! - L1: one at a time; asked again while one runs, the same number is answered.
//!
//! Not here: the work (`ec::object`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use holdfast_api::object::StoreError;
use holdfast_ec::object::Store;
use holdfast_io::clock::Clock;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::access_keys::running;
use super::state::Admin;

/// Pause before asking a store again that is busy with a heal of its own.
const BUSY_PAUSE: Duration = Duration::from_secs(1);

/// Verifications asked for since the process started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// The number of the last one; 0 before the first.
    pub number: u64,
    /// It is under way.
    pub running: bool,
    /// Shards that it read and found right.
    pub good: u64,
    /// Shards that it found wrong or absent.
    pub bad: u64,
    /// Shards whose drive did not answer.
    pub away: u64,
    /// What cut it off.
    pub trouble: Option<String>,
}

/// The last verification; shared with the task that does it.
#[derive(Clone, Debug, Default)]
pub struct Verifier(Arc<Mutex<Verification>>);

impl Verifier {
    /// How the last one is.
    pub fn status(&self) -> Verification {
        self.last().clone()
    }

    /// Begins one, unless one is under way (L1). Its number.
    pub fn begin(&self, store: Arc<Store>, clock: Arc<dyn Clock>) -> u64 {
        let mut last = self.last();
        if !last.running {
            let number = last.number + 1;
            *last = Verification { number, running: true, ..Verification::default() };
            let this = self.clone();
            tokio::spawn(async move {
                // The guard says so even if the work panics: nobody waits for ever.
                let ended = Ended(this);
                let trouble = ended.0.work(&store, &clock).await.err();
                ended.0.last().trouble = trouble.map(|error| error.to_string());
            });
        }
        last.number
    }

    async fn work(&self, store: &Store, clock: &Arc<dyn Clock>) -> Result<(), StoreError> {
        let seen = loop {
            match store.scrub_once().await {
                Err(StoreError::Busy) => clock.sleep(BUSY_PAUSE).await,
                done => break done?,
            }
        };
        {
            let mut last = self.last();
            (last.good, last.bad, last.away) = (seen.good, seen.bad, seen.away);
        }
        loop {
            match store.heal_once().await {
                Err(StoreError::Busy) => clock.sleep(BUSY_PAUSE).await,
                done => return done.map(drop),
            }
        }
    }

    fn last(&self) -> MutexGuard<'_, Verification> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Marks the verification as over when it is dropped.
struct Ended(Verifier);

impl Drop for Ended {
    fn drop(&mut self) {
        let mut last = self.0.last();
        last.running = false;
        let Verification { number, good, bad, away, ref trouble, .. } = *last;
        tracing::info!(number, good, bad, away, ?trouble, "verification over");
    }
}

/// `POST /v1/heal`: reads and verifies every shard of every drive, heals what is bad.
pub(super) async fn begin(State(admin): State<Arc<Admin>>) -> Result<Response, Response> {
    let running = running(&admin)?;
    let number = running.verifier.begin(Arc::clone(&running.store), admin.clock.clone());
    tracing::info!(number, "a verification of all shards was asked for");
    let answer = Json(serde_json::json!({"number": number}));
    Ok((StatusCode::ACCEPTED, answer).into_response())
}
