//! Exactly once: a command is applied once however often it is sent (M2).
//!
//! A session's window keeps the outcomes above its acknowledged mark. A resend
//! gets the outcome of the first time; what lies at or below the mark, and
//! whatever comes from a session that is not there, is refused and never applied.
//!
//! - S1: for every (session, seq), at most one application, ever.
//! - S2: a window has at most `WINDOW_MAX` outcomes, the store at most `SESSIONS_MAX` windows.

use holdfast_api::meta::{Outcome, Refusal};
use holdfast_base::SessionId;

use super::error::StateError;
use super::rows::{Row, Session};
use super::tables::{self, Family};
use super::txn::{Go, Rows, Txn};

/// The most outcomes of one session that wait for their acknowledgement.
pub const WINDOW_MAX: usize = 4096;

/// The most sessions; the longest silent goes first.
pub const SESSIONS_MAX: usize = if cfg!(test) { 4 } else { 1024 };

/// How long a session may be silent. [ms of log time]
pub const SESSION_MS: u64 = 60 * 60 * 1000;

/// Which command of which session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The session.
    pub session: SessionId,
    /// The command's number in it, from 1.
    pub seq: u64,
    /// The session will not ask about commands up to this one again.
    pub acked: u64,
}

/// Opens a session, or hears of it again.
pub fn open(txn: &mut Txn<'_>, id: SessionId) -> Result<(), StateError> {
    let now = txn.tick();
    if let Some(session) = txn.session(id)? {
        session.heard = session.heard.max(now);
        return Ok(());
    }
    while txn.system.sessions as usize >= SESSIONS_MAX {
        let all = all(txn)?;
        let Some((_, oldest)) = all.into_iter().min() else { break };
        end(txn, oldest);
    }
    txn.set_session(id, Some(Session::new(now)));
    txn.system.sessions += 1;
    Ok(())
}

/// Keeps a session alive.
pub fn hear(txn: &mut Txn<'_>, id: SessionId) -> Result<(), StateError> {
    let now = txn.tick();
    if let Some(session) = txn.session(id)? {
        session.heard = now;
    }
    Ok(())
}

/// Runs `command` if this is the first time (S1).
pub fn once(
    txn: &mut Txn<'_>,
    stamp: Stamp,
    command: impl FnOnce(&mut Txn<'_>) -> Result<Outcome, StateError>,
) -> Result<Outcome, StateError> {
    let now = txn.tick();
    let Some(session) = txn.session(stamp.session)? else {
        return Ok(Outcome::Refused(Refusal::SessionExpired));
    };
    session.heard = now;
    session.acknowledge(stamp.acked);
    if stamp.seq <= session.acked {
        return Ok(Outcome::Refused(Refusal::SessionExpired));
    }
    if let Some(outcome) = session.window.get(&stamp.seq) {
        return Ok(outcome.clone());
    }
    if session.window.len() >= WINDOW_MAX {
        return Ok(Outcome::Refused(Refusal::Bad(format!("S2: {WINDOW_MAX} unacknowledged"))));
    }
    let outcome = command(txn)?;
    if let Some(session) = txn.session(stamp.session)? {
        session.window.insert(stamp.seq, outcome.clone());
    }
    Ok(outcome)
}

/// Ends sessions that were silent for too long.
pub fn sweep(txn: &mut Txn<'_>) -> Result<(), StateError> {
    let now = txn.tick();
    for (heard, id) in all(txn)? {
        if now > heard.after(SESSION_MS) {
            end(txn, id);
        }
    }
    Ok(())
}

fn end(txn: &mut Txn<'_>, id: SessionId) {
    txn.set_session(id, None);
    txn.system.sessions = txn.system.sessions.saturating_sub(1);
}

/// All sessions, by when they were last heard of.
fn all(txn: &mut Txn<'_>) -> Result<Vec<(holdfast_base::Tick, SessionId)>, StateError> {
    txn.settle()?; // Sessions of this very batch are held back otherwise.
    let mut all = Vec::new();
    txn.rows.scan(tables::range_of(tables::family(Family::Session)), |key, value| {
        let id = key[tables::PREFIX..].try_into();
        let id = id.map_err(|_| StateError::Key { family: Family::Session as u8 })?;
        all.push((Session::from_row(value)?.heard, SessionId(id)));
        Ok(Go::On)
    })?;
    Ok(all)
}
