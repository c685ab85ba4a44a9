//! GET_LOCK and its like: locks by name, held by sessions; and SLEEP.
//!
//! They are this node's own: with several compute nodes they move to the
//! transaction node.

use std::collections::BTreeMap;
use std::time::Duration;

use holdfast_value::{Value, cast};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::run::Session;
use crate::error::{Result, SqlError};

/// The longest name, as MySQL's.
const NAME_MAX: usize = 64;
/// The most names that one session holds.
const HELD_MAX: usize = 1024;

/// Locks by name: who holds them, and how often.
#[derive(Debug, Default)]
pub struct Names {
    held: Mutex<BTreeMap<String, (u64, u32)>>,
    freed: Notify,
}

impl Names {
    /// Takes a lock; false: somebody else has it.
    fn try_take(&self, name: &str, session: u64) -> Result<bool> {
        let mut held = self.held.lock();
        if !held.contains_key(name)
            && held.values().filter(|(owner, _)| *owner == session).count() >= HELD_MAX
        {
            return Err(SqlError::new(
                3058,
                "Deadlock found when trying to get user-level lock; try rolling back transaction/releasing locks and restarting lock acquisition.",
            ));
        }
        let entry = held.entry(name.to_owned()).or_insert((session, 0));
        if entry.0 != session {
            return Ok(false);
        }
        entry.1 += 1;
        Ok(true)
    }

    /// Gives a lock up once; `None`: there is none of this name.
    fn release(&self, name: &str, session: u64) -> Option<bool> {
        let mut held = self.held.lock();
        let entry = held.get_mut(name)?;
        if entry.0 != session {
            return Some(false);
        }
        entry.1 -= 1;
        if entry.1 == 0 {
            held.remove(name);
        }
        drop(held);
        self.freed.notify_waiters();
        Some(true)
    }

    /// Gives up all of a session's locks; how many there were.
    pub fn release_all(&self, session: u64) -> u64 {
        let mut held = self.held.lock();
        let before: u64 =
            held.values().filter(|(id, _)| *id == session).map(|(_, n)| u64::from(*n)).sum();
        held.retain(|_, (owner, _)| *owner != session);
        drop(held);
        self.freed.notify_waiters();
        before
    }

    fn owner(&self, name: &str) -> Option<u64> {
        self.held.lock().get(name).map(|(owner, _)| *owner)
    }
}

/// The functions of this module.
pub fn waits(name: &str) -> bool {
    matches!(
        name,
        "get_lock"
            | "release_lock"
            | "is_free_lock"
            | "is_used_lock"
            | "release_all_locks"
            | "sleep"
    )
}

impl Session {
    /// Calls one of them.
    ///
    /// # Errors
    /// 1582, 4163 for a name that is too long.
    pub(super) async fn call_late(&mut self, function: &str, args: &[Value]) -> Result<Value> {
        let id = self.known.id;
        let names = &self.statement.engine.clone().names;
        let name = |args: &[Value]| -> Result<Option<String>> {
            let text = cast::to_bytes(args.first().unwrap_or(&Value::Null));
            let Some(text) = text else { return Ok(None) };
            let name = String::from_utf8_lossy(&text).to_lowercase();
            if name.is_empty() || name.chars().count() > NAME_MAX {
                return Err(SqlError::new(
                    4163,
                    format!(
                        "User-level lock name '{name}' should not exceed {NAME_MAX} characters."
                    ),
                ));
            }
            Ok(Some(name))
        };
        match (function, args.len()) {
            ("get_lock", 2) => {
                let Some(name) = name(args)? else { return Ok(Value::Null) };
                let seconds = cast::to_f64(&args[1], &mut self.statement.context)?.unwrap_or(0.0);
                self.wait_for_name(&name, seconds).await
            }
            ("release_lock", 1) => {
                let Some(name) = name(args)? else { return Ok(Value::Null) };
                Ok(names.release(&name, id).map_or(Value::Null, Value::bool))
            }
            ("is_free_lock", 1) => {
                let Some(name) = name(args)? else { return Ok(Value::Null) };
                Ok(Value::bool(names.owner(&name).is_none()))
            }
            ("is_used_lock", 1) => {
                let Some(name) = name(args)? else { return Ok(Value::Null) };
                Ok(names.owner(&name).map_or(Value::Null, Value::UInt))
            }
            ("release_all_locks", 0) => Ok(Value::UInt(names.release_all(id))),
            ("sleep", 1) => {
                let seconds = cast::to_f64(&args[0], &mut self.statement.context)?;
                let Some(seconds) = seconds.filter(|seconds| *seconds >= 0.0) else {
                    return Err(SqlError::new(1210, "Incorrect arguments to sleep."));
                };
                let length = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
                self.statement.engine.clock.sleep(length.min(YEAR)).await;
                Ok(Value::Int(0))
            }
            _ => Err(SqlError::new(
                1582,
                format!("Incorrect parameter count in the call to native function '{function}'"),
            )),
        }
    }

    async fn wait_for_name(&mut self, name: &str, seconds: f64) -> Result<Value> {
        let engine = self.statement.engine.clone();
        let limit =
            if seconds < 0.0 { YEAR } else { Duration::try_from_secs_f64(seconds).unwrap_or(YEAR) };
        let end = engine.clock.monotonic() + limit.min(YEAR);
        loop {
            let freed = engine.names.freed.notified();
            if engine.names.try_take(name, self.known.id)? {
                return Ok(Value::Int(1));
            }
            let left = end.saturating_sub(engine.clock.monotonic());
            if left.is_zero() {
                return Ok(Value::Int(0));
            }
            tokio::select! {
                () = freed => {}
                () = engine.clock.sleep(left) => {}
            }
        }
    }
}

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
