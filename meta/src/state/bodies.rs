//! Bodies and their intents: from birth to the collector.
//!
//! ```text
//!                 extend, renew                     replaced, deleted
//! unborn -> intended (until born + INTENT_MS, or    |
//!    |         |      renewal + INTENT_MS)          v
//!    |         +-- commit --> live (has blobs) --> garbage --> forgotten --> unknown
//!    |         +-- too late, with blobs ------------^
//!    +-- too late ------------------------------------------------------> unknown
//! ```
//!
//! Invariants
//! - I1: a commit at tick t needs t <= the intent's end; a body that is unknown
//!   at one log position is refused at every later one (M5).
//! - I2: a body commits at most once: what was live, garbage or forgotten is
//!   remembered at least until its intent would have ended.
//! - I3: a live body has all its blobs, 0, 1, 2 ..., without gaps in its bytes.
//!
//! Not here: what refers to a body (`objects`, `uploads`), the collector (`ec`).

use std::collections::BTreeMap;

use holdfast_api::blob::BlobRecord;
use holdfast_api::meta::{BodyState, Outcome, Refusal};
use holdfast_api::object::Body;
use holdfast_base::limits::{INLINE_BYTES_MAX, INTENT_MS};
use holdfast_base::{BlobId, BodyId, Tick};

use super::error::{StateError, Stop, bad};
use super::heal;
use super::rows::{BodyRow, Row};
use super::tables::{self, Family};
use super::txn::{Go, Rows, Txn};

/// The most rows of one kind that one tick sweeps.
const SWEEP_ROWS: usize = 256;

/// Checked blobs that a commit will write.
#[derive(Debug, Default)]
pub struct Commit {
    blobs: Vec<(BlobId, BlobRecord)>,
    intents: Vec<BodyId>,
}

/// What is known of a body now.
///
/// # Errors
/// The store.
pub fn state(rows: &impl Rows, body: BodyId, now: Tick) -> Result<BodyState, StateError> {
    Ok(match rows.row::<Option<Tick>>(&tables::spent(body))? {
        Some(Some(_)) => BodyState::Garbage,
        Some(None) => BodyState::Unknown,
        None => match rows.row::<Tick>(&tables::intent(body))? {
            Some(until) if now <= until => BodyState::Intended,
            Some(_) => BodyState::Unknown,
            None if rows.has(&tables::blob(body.blob(0)))? => BodyState::Live,
            None if now <= born_until(body) => BodyState::Intended,
            None => BodyState::Unknown,
        },
    })
}

fn born_until(body: BodyId) -> Tick {
    Tick(body.born).after(INTENT_MS)
}

fn must_be_intended(txn: &Txn<'_>, body: BodyId) -> Result<(), Stop> {
    if body.born > txn.tick().0 {
        return Err(bad(format!("body {body} is born later than now")));
    }
    match state(&txn.rows, body, txn.tick())? {
        BodyState::Intended => Ok(()),
        BodyState::Live | BodyState::Garbage | BodyState::Unknown => {
            Err(Refusal::IntentExpired { body }.into())
        }
    }
}

/// See `Command::RenewIntent`.
pub fn renew(txn: &mut Txn<'_>, body: BodyId) -> Result<Outcome, Stop> {
    must_be_intended(txn, body)?;
    set_intent(txn, body)?;
    Ok(Outcome::Done)
}

fn set_intent(txn: &mut Txn<'_>, body: BodyId) -> Result<(), StateError> {
    let key = tables::intent(body);
    if !txn.rows.has(&key)? {
        txn.system.intents += 1;
    }
    let until = txn.tick().after(INTENT_MS);
    txn.put(&key, &until)
}

/// See `Command::ExtendBody`. A blob that is recorded already must be the same.
pub fn extend(
    txn: &mut Txn<'_>,
    body: BodyId,
    mut blobs: Vec<(u32, BlobRecord)>,
) -> Result<Outcome, Stop> {
    must_be_intended(txn, body)?;
    for (index, record) in &mut blobs {
        heal::check(record)?;
        let there: Option<BlobRecord> = txn.rows.row(&tables::blob(body.blob(*index)))?;
        if there.is_some_and(|there| (there.at, there.seal) != (record.at, record.seal)) {
            return Err(bad(format!("blob {index} of body {body} is recorded otherwise")));
        }
    }
    set_intent(txn, body)?;
    for (index, record) in blobs {
        let id = body.blob(index);
        let before = txn.rows.row(&tables::blob(id))?;
        heal::write(txn, id, before.as_ref(), &record)?;
    }
    Ok(Outcome::Done)
}

/// Checks that `bodies` may commit with `blobs` (I1, I2, I3). Changes nothing.
pub fn check_commit(
    txn: &Txn<'_>,
    bodies: &[Body],
    blobs: Vec<(BlobId, BlobRecord)>,
) -> Result<Commit, Stop> {
    let mut given: BTreeMap<BodyId, BTreeMap<u32, BlobRecord>> = BTreeMap::new();
    for (id, mut record) in blobs {
        heal::check(&mut record)?;
        if given.entry(id.body).or_default().insert(id.index, record).is_some() {
            return Err(bad(format!("blob {id} is given twice")));
        }
    }
    let mut commit = Commit::default();
    let mut seen = Vec::new();
    for body in bodies {
        match body {
            Body::Inline(bytes) if bytes.len() <= INLINE_BYTES_MAX => {}
            Body::Inline(bytes) => return Err(bad(format!("{} bytes inline", bytes.len()))),
            Body::Stored { id, len } => {
                if seen.contains(id) {
                    return Err(bad(format!("body {id} twice")));
                }
                seen.push(*id);
                must_be_intended(txn, *id)?;
                if txn.rows.has(&tables::intent(*id))? {
                    commit.intents.push(*id);
                }
                let given = given.remove(id).unwrap_or_default();
                check_whole(txn, *id, *len, &given)?;
                commit
                    .blobs
                    .extend(given.into_iter().map(|(index, record)| (id.blob(index), record)));
            }
        }
    }
    match given.pop_first() {
        Some((stranger, _)) => Err(bad(format!("blobs of body {stranger}, which is not in it"))),
        None => Ok(commit),
    }
}

/// I3, over what is recorded and what is given.
fn check_whole(
    txn: &Txn<'_>,
    body: BodyId,
    len: u64,
    given: &BTreeMap<u32, BlobRecord>,
) -> Result<(), Stop> {
    let mut all: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
    txn.rows.scan(tables::range_of(tables::blobs(body)), |key, value| {
        let id = tables::blob_of(key).ok_or(StateError::Key { family: Family::Blob as u8 })?;
        let record = BlobRecord::from_row(value)?;
        all.insert(id.index, (record.at, u64::from(record.layout.len)));
        Ok(Go::On)
    })?;
    for (index, record) in given {
        all.insert(*index, (record.at, u64::from(record.layout.len)));
    }
    let mut end = 0;
    for (next, (index, (at, len))) in (0u32..).zip(&all) {
        if *index != next || *at != end {
            return Err(Refusal::BodyIncomplete { body }.into());
        }
        end += len;
    }
    if end == len && len > 0 { Ok(()) } else { Err(Refusal::BodyIncomplete { body }.into()) }
}

/// Writes what was checked: the bodies are live from here on.
pub fn commit(txn: &mut Txn<'_>, commit: Commit) -> Result<(), StateError> {
    for body in commit.intents {
        drop_intent(txn, body)?;
    }
    for (id, record) in commit.blobs {
        let before = txn.rows.row(&tables::blob(id))?;
        heal::write(txn, id, before.as_ref(), &record)?;
    }
    Ok(())
}

fn drop_intent(txn: &mut Txn<'_>, body: BodyId) -> Result<(), StateError> {
    if txn.remove(&tables::intent(body))? {
        txn.system.intents = txn.system.intents.saturating_sub(1);
    }
    Ok(())
}

/// Nothing refers to these bodies any more.
pub fn retire(txn: &mut Txn<'_>, bodies: &[BodyRow]) -> Result<(), StateError> {
    for body in bodies {
        if let BodyRow::Stored { id, .. } = body {
            discard(txn, *id)?;
        }
    }
    Ok(())
}

fn discard(txn: &mut Txn<'_>, body: BodyId) -> Result<(), StateError> {
    let blobs = txn.rows.keys(tables::range_of(tables::blobs(body)), usize::MAX)?.len() as u32;
    let since = txn.tick();
    txn.put(&tables::garbage(since, body), &blobs)?;
    txn.put(&tables::spent(body), &Some(since))?;
    txn.system.garbage += 1;
    txn.system.spent += 1;
    Ok(())
}

/// See `Command::ForgetGarbage`. Bodies that are not garbage are passed over.
pub fn forget(txn: &mut Txn<'_>, bodies: Vec<BodyId>) -> Result<Outcome, Stop> {
    for body in bodies {
        let Some(Some(since)) = txn.rows.row::<Option<Tick>>(&tables::spent(body))? else {
            continue;
        };
        for key in txn.rows.keys(tables::range_of(tables::blobs(body)), usize::MAX)? {
            let id = tables::blob_of(&key).ok_or(StateError::Key { family: Family::Blob as u8 })?;
            if let Some(record) = txn.rows.row::<BlobRecord>(&key)? {
                heal::dequeue(txn, id, &record)?;
            }
            txn.remove(&key)?;
        }
        txn.remove(&tables::garbage(since, body))?;
        txn.system.garbage = txn.system.garbage.saturating_sub(1);
        if txn.tick() > born_until(body) {
            txn.remove(&tables::spent(body))?;
            txn.system.spent = txn.system.spent.saturating_sub(1);
        } else {
            txn.put(&tables::spent(body), &None::<Tick>)?; // I2
        }
    }
    Ok(Outcome::Done)
}

/// Removes intents that ended and memories that are not needed any more; bounded.
pub fn sweep(txn: &mut Txn<'_>) -> Result<(), StateError> {
    sweep_intents(txn)?;
    if txn.system.spent > 0 { sweep_spent(txn) } else { Ok(()) }
}

/// Intents are in order of birth, not of their ends: the sweep goes round.
fn sweep_intents(txn: &mut Txn<'_>) -> Result<(), StateError> {
    if txn.system.intents == 0 {
        txn.system.intent_cursor = None;
        return Ok(());
    }
    let (mut low, high) = tables::range_of(tables::family(Family::Intent));
    if let Some(body) = txn.system.intent_cursor {
        low = tables::intent(body);
        low.push(0);
    }
    let (now, mut last, mut seen, mut ended) = (txn.tick(), None, 0, Vec::new());
    txn.rows.scan((low, high), |key, value| {
        let body = tables::body_of(key).ok_or(StateError::Key { family: Family::Intent as u8 })?;
        if now > Tick::from_row(value)? {
            ended.push(body);
        }
        (last, seen) = (Some(body), seen + 1);
        Ok(if seen < SWEEP_ROWS { Go::On } else { Go::Stop })
    })?;
    txn.system.intent_cursor = last.filter(|_| seen == SWEEP_ROWS);
    for body in ended {
        drop_intent(txn, body)?;
        if txn.rows.keys(tables::range_of(tables::blobs(body)), 1)?.is_empty() {
            continue;
        }
        discard(txn, body)?;
    }
    Ok(())
}

/// Spent bodies are in order of birth, so those that may go come first, but for
/// those that still wait for the collector.
fn sweep_spent(txn: &mut Txn<'_>) -> Result<(), StateError> {
    let (now, mut seen, mut gone) = (txn.tick(), 0, Vec::new());
    txn.rows.scan(tables::range_of(tables::family(Family::Spent)), |key, value| {
        let body = tables::body_of(key).ok_or(StateError::Key { family: Family::Spent as u8 })?;
        if now <= born_until(body) {
            return Ok(Go::Stop);
        }
        if Option::<Tick>::from_row(value)?.is_none() {
            gone.push(key.to_vec());
        }
        seen += 1;
        Ok(if seen < 4 * SWEEP_ROWS { Go::On } else { Go::Stop })
    })?;
    for key in gone {
        if txn.remove(&key)? {
            txn.system.spent = txn.system.spent.saturating_sub(1);
        }
    }
    Ok(())
}
