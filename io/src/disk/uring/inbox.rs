//! What waits for the ring thread, and how it is woken.
//!
//! - W1: a ticket is never left behind while the thread sleeps: the thread says
//!   that it is about to sleep before it looks a last time, and a caller looks
//!   whether it sleeps after it has queued. So the system call that wakes is
//!   made only when it is needed.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::event::{EventfdFlags, eventfd};
use rustix::fd::{AsRawFd, OwnedFd, RawFd};

use crate::disk::queue::Ticket;

/// Tickets for one ring.
#[derive(Debug)]
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    asleep: AtomicBool,
    bell: OwnedFd,
}

/// Guarded by `Inbox::waiting`. Bounded by the gate.
#[derive(Debug, Default)]
struct Waiting {
    tickets: VecDeque<Ticket>,
    closed: bool,
}

impl Inbox {
    pub(super) fn new() -> std::io::Result<Self> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC)?;
        Ok(Self { waiting: Mutex::default(), asleep: AtomicBool::new(false), bell })
    }

    /// Queues `ticket`, or drops it when the disk was closed.
    pub(super) fn push(&self, ticket: Ticket) {
        let mut waiting = self.lock();
        if waiting.closed {
            return;
        }
        waiting.tickets.push_back(ticket);
        drop(waiting);
        if self.asleep.swap(false, Ordering::SeqCst) {
            self.ring();
        }
    }

    /// Ends the ring thread once what is under way has completed.
    pub(super) fn close(&self) {
        let mut waiting = self.lock();
        waiting.closed = true;
        let dropped = std::mem::take(&mut waiting.tickets);
        drop(waiting);
        drop(dropped);
        self.ring();
    }

    /// Takes all that waits. False once closed.
    pub(super) fn take(&self, into: &mut VecDeque<Ticket>) -> bool {
        let mut waiting = self.lock();
        into.append(&mut waiting.tickets);
        !waiting.closed
    }

    /// W1: true when the thread may sleep; whoever queues from now on wakes it.
    pub(super) fn may_sleep(&self) -> bool {
        self.asleep.store(true, Ordering::SeqCst);
        let empty = self.lock().tickets.is_empty();
        if !empty {
            self.woke();
        }
        empty
    }

    /// The thread is awake.
    pub(super) fn woke(&self) {
        self.asleep.store(false, Ordering::SeqCst);
    }

    /// What to read eight bytes from, to be woken.
    pub(super) fn bell(&self) -> RawFd {
        self.bell.as_raw_fd()
    }

    fn ring(&self) {
        // It cannot block: nobody rings 2^64 times without being heard.
        let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
