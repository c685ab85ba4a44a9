//! Between the callers of a disk and its threads: a bounded number of requests,
//! each with a place to answer to.
//!
//! Invariants
//! - Q1: at most `bound` requests of a gate are under way or queued; further
//!   callers wait, in order, without having started anything.
//! - Q2: every request is answered exactly once; one whose ticket is dropped
//!   unanswered (its disk was closed) is answered `Closed`.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{DiskError, DiskErrorKind, Done, Op, Request};
use crate::BoxFuture;

/// What a disk answers.
pub(super) type Outcome = Result<Done, DiskError>;

/// A request that was let in.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) op: Op,
    answer: oneshot::Sender<Outcome>,
    permit: OwnedSemaphorePermit,
}

/// The part of a [`Ticket`] that outlives its operation.
#[derive(Debug)]
pub(super) struct Caller {
    answer: oneshot::Sender<Outcome>,
    _permit: OwnedSemaphorePermit,
}

/// Lets in a bounded number of requests (Q1).
#[derive(Debug)]
pub(super) struct Gate {
    disk: Arc<str>,
    permits: Arc<Semaphore>,
}

/// Tickets waiting for one of a set of threads.
#[derive(Debug, Default)]
pub(super) struct Lane {
    state: Mutex<Waiting>,
    ready: Condvar,
}

/// Guarded by `Lane::state`.
#[derive(Debug, Default)]
struct Waiting {
    tickets: VecDeque<Ticket>,
    /// Threads that wait in `next`.
    idle: usize,
    closed: bool,
}

impl Ticket {
    /// What to do, and whom to tell.
    pub(super) fn split(self) -> (Op, Caller) {
        (self.op, Caller { answer: self.answer, _permit: self.permit })
    }
}

impl Caller {
    /// Tells the caller, who may have gone.
    pub(super) fn answer(self, outcome: Outcome) {
        let _ = self.answer.send(outcome);
    }
}

impl Gate {
    /// At most `bound` at a time.
    pub(super) fn new(disk: Arc<str>, bound: usize) -> Self {
        Self { disk, permits: Arc::new(Semaphore::new(bound)) }
    }

    /// Hands `request` to `push`: at once where there is room, else when the
    /// returned future was let in.
    pub(super) fn submit(
        &self,
        request: Request,
        push: impl FnOnce(Ticket) + Send + 'static,
    ) -> BoxFuture<'static, Outcome> {
        let (answer, outcome) = oneshot::channel();
        let (disk, doing, op) = (self.disk.clone(), request.op.kind(), request.op);
        let closed = move || closed(&disk, doing);
        match self.permits.clone().try_acquire_owned() {
            Ok(permit) => {
                push(Ticket { op, answer, permit });
                Box::pin(async move { outcome.await.unwrap_or_else(|_| Err(closed())) })
            }
            Err(_) => {
                let permits = self.permits.clone();
                Box::pin(async move {
                    let Ok(permit) = permits.acquire_owned().await else { return Err(closed()) };
                    push(Ticket { op, answer, permit });
                    outcome.await.unwrap_or_else(|_| Err(closed()))
                })
            }
        }
    }
}

impl Lane {
    /// Queues `ticket`, or drops it (Q2) when the lane is closed.
    pub(super) fn push(&self, ticket: Ticket) {
        let mut waiting = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.closed {
            waiting.tickets.push_back(ticket);
            self.ready.notify_one();
        }
    }

    /// Queues `ticket` where a thread waits for it; else gives it back.
    pub(super) fn offer(&self, ticket: Ticket) -> Option<Ticket> {
        let mut waiting = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.closed || waiting.tickets.len() >= waiting.idle {
            return Some(ticket);
        }
        waiting.tickets.push_back(ticket);
        self.ready.notify_one();
        None
    }

    /// The next ticket; `None` once the lane is closed.
    pub(super) fn next(&self) -> Option<Ticket> {
        let mut waiting = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if waiting.closed {
                return None;
            }
            if let Some(ticket) = waiting.tickets.pop_front() {
                return Some(ticket);
            }
            waiting.idle += 1;
            waiting = self.ready.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            waiting.idle -= 1;
        }
    }

    /// Ends the threads that wait, and drops what is queued (Q2).
    pub(super) fn close(&self) {
        let mut waiting = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.closed = true;
        let dropped = std::mem::take(&mut waiting.tickets);
        drop(waiting);
        drop(dropped);
        self.ready.notify_all();
    }
}

fn closed(disk: &str, doing: super::OpKind) -> DiskError {
    DiskError {
        disk: disk.to_owned(),
        file: String::new(),
        doing,
        kind: DiskErrorKind::Closed,
        source: std::io::Error::other("the disk was closed"),
    }
}
