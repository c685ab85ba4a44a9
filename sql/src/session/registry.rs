//! The sessions of a node: for PROCESSLIST, KILL and limits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// All sessions.
#[derive(Debug, Default)]
pub struct Registry {
    sessions: Mutex<BTreeMap<u64, Arc<Known>>>,
    last: AtomicU64,
    /// Statements that were begun.
    pub questions: AtomicU64,
    /// Sessions that were begun.
    pub connections: AtomicU64,
}

/// What others see of a session.
#[derive(Debug)]
pub struct Known {
    /// Its number.
    pub id: u64,
    /// Its user.
    pub user: String,
    /// Where it comes from.
    pub host: String,
    /// What it does.
    pub doing: Mutex<Doing>,
    /// The statement is to end.
    killed: AtomicBool,
    /// The connection is to end.
    closed: AtomicBool,
    /// A commit is on its way: nothing interrupts it.
    committing: AtomicBool,
    wake: Notify,
}

/// What a session does.
#[derive(Clone, Debug, Default)]
pub struct Doing {
    /// Its current database.
    pub database: Option<String>,
    /// `Sleep`, `Query`, `Execute` ...
    pub command: &'static str,
    /// Since when.
    pub since: Duration,
    /// The statement.
    pub text: Option<Arc<str>>,
}

impl Registry {
    /// The next connection's number.
    pub fn number(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Enters a session; it leaves when the guard is dropped.
    pub fn enter(self: &Arc<Self>, id: u64, user: String, host: String) -> Entered {
        self.connections.fetch_add(1, Ordering::Relaxed);
        let known = Arc::new(Known {
            id,
            user,
            host,
            doing: Mutex::new(Doing { command: "Sleep", ..Doing::default() }),
            killed: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            committing: AtomicBool::new(false),
            wake: Notify::new(),
        });
        self.sessions.lock().insert(id, Arc::clone(&known));
        Entered { registry: Arc::clone(self), known }
    }

    /// Every session.
    pub fn all(&self) -> Vec<Arc<Known>> {
        self.sessions.lock().values().cloned().collect()
    }

    /// A session.
    pub fn find(&self, id: u64) -> Option<Arc<Known>> {
        self.sessions.lock().get(&id).cloned()
    }
}

/// A session that is in the registry.
#[derive(Debug)]
pub struct Entered {
    registry: Arc<Registry>,
    /// What others see.
    pub known: Arc<Known>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.registry.sessions.lock().remove(&self.known.id);
    }
}

impl Known {
    /// Ends the statement that runs, or the connection.
    pub fn kill(&self, connection: bool) {
        if connection {
            self.closed.store(true, Ordering::Release);
        }
        self.killed.store(true, Ordering::Release);
        self.wake.notify_waiters();
        self.wake.notify_one();
    }

    /// Resolves when the statement (or the connection) is to end.
    pub async fn killed(&self) {
        loop {
            let woken = self.wake.notified();
            let may = !self.committing.load(Ordering::Acquire);
            if may && self.killed.load(Ordering::Acquire) {
                return;
            }
            woken.await;
        }
    }

    /// A commit begins or ends.
    pub fn set_committing(&self, is_so: bool) {
        self.committing.store(is_so, Ordering::Release);
        if !is_so {
            self.wake.notify_waiters();
            self.wake.notify_one();
        }
    }

    /// Resolves when no commit is on its way.
    pub async fn interruptible(&self) {
        loop {
            let woken = self.wake.notified();
            if !self.committing.load(Ordering::Acquire) {
                return;
            }
            woken.await;
        }
    }

    /// A new statement begins: what killed the one before does not kill it.
    pub fn begin(&self) {
        if !self.closed.load(Ordering::Acquire) {
            self.killed.store(false, Ordering::Release);
        }
    }

    /// The connection is to end.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}
