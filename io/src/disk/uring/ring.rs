//! The thread that owns a ring: tickets in, completions out.
#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use io_uring::{IoUring, opcode, squeue, types};

use super::RING_ENTRIES;
use super::flight::{Flight, Progress};
use super::inbox::Inbox;
use crate::disk::errand::Shelf;

/// The completion of the read that waits for the bell.
const BELL: u64 = u64::MAX;

/// A ring and what is under way in it.
pub(super) struct Ring {
    ring: IoUring,
    shelf: Arc<Shelf>,
    inbox: Arc<Inbox>,
    /// By user data.
    flights: Vec<Option<Flight>>,
    free: Vec<usize>,
    /// The bell's value is read into this. Leaked when the ring ends early (U2).
    rung: ManuallyDrop<Box<[u8; 8]>>,
    listening: bool,
}

impl Ring {
    /// A ring for the calling thread alone.
    pub(super) fn new(shelf: Arc<Shelf>, inbox: Arc<Inbox>) -> std::io::Result<Self> {
        // One issuer, and completions only when it asks: no interrupts in
        // between. Kernels before 6.1 do not know it.
        let mut modern = IoUring::builder();
        modern.setup_single_issuer().setup_defer_taskrun();
        let ring = match modern.build(RING_ENTRIES) {
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => IoUring::new(RING_ENTRIES)?,
            built => built?,
        };
        let rung = ManuallyDrop::new(Box::new([0; 8]));
        let (flights, free) = (Vec::new(), Vec::new());
        Ok(Self { ring, shelf, inbox, flights, free, rung, listening: false })
    }

    /// Serves until the inbox is closed and nothing is under way.
    pub(super) fn run(mut self) {
        let mut tickets = VecDeque::new();
        loop {
            let open = self.inbox.take(&mut tickets);
            for ticket in tickets.drain(..) {
                if let Some(flight) = Flight::begin(&self.shelf, ticket) {
                    self.launch(flight);
                }
            }
            if open && !self.listening {
                self.listen();
            }
            if !open && self.is_idle() {
                return;
            }
            // Once closed, the bell or a flight is still to come.
            let may_sleep = !open || self.inbox.may_sleep();
            let waited = self.wait(may_sleep);
            self.inbox.woke();
            if let Err(error) = waited {
                tracing::error!(disk = %self.shelf.name, %error, "the ring does not work any more");
                return;
            }
            self.reap();
        }
    }

    fn is_idle(&self) -> bool {
        !self.listening && self.free.len() == self.flights.len()
    }

    /// Submits, and waits for a completion where there is nothing else to do.
    fn wait(&self, may_sleep: bool) -> std::io::Result<()> {
        match self.ring.submit_and_wait(usize::from(may_sleep)) {
            Ok(_) => Ok(()),
            // Interrupted, or completions must be reaped first.
            Err(error) => match error.raw_os_error() {
                Some(libc::EINTR | libc::EAGAIN | libc::EBUSY) => Ok(()),
                _ => Err(error),
            },
        }
    }

    fn launch(&mut self, flight: Flight) {
        self.shelf.dir.busy.fetch_add(1, Ordering::Relaxed);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.flights.push(None);
            self.flights.len() - 1
        });
        let entry = self.flights[slot].insert(flight).entry();
        self.push(entry.user_data(slot as u64));
    }

    fn push(&mut self, entry: squeue::Entry) {
        // SAFETY: what the entry points to is heap memory owned by a flight, or
        // `rung`, until its completion is reaped; else it is leaked (U2).
        let pushed = unsafe { self.ring.submission().push(&entry) };
        pushed.expect("U1: there are more slots than transfers");
    }

    /// Asks for the next ring of the bell.
    fn listen(&mut self) {
        let bell = types::Fd(self.inbox.bell());
        let into = self.rung.as_mut_ptr();
        self.push(opcode::Read::new(bell, into, 8).build().user_data(BELL));
        self.listening = true;
    }

    fn reap(&mut self) {
        loop {
            let Some(entry) = self.ring.completion().next() else { return };
            if entry.user_data() == BELL {
                self.listening = false;
            } else {
                self.land(entry.user_data() as usize, entry.result());
            }
        }
    }

    /// One completion: goes on with a short transfer, or answers.
    fn land(&mut self, slot: usize, result: i32) {
        let Some(flight) = self.flights.get_mut(slot).and_then(Option::as_mut) else { return };
        match flight.progress(result) {
            Progress::Again => {
                let entry = flight.entry().user_data(slot as u64);
                self.push(entry);
            }
            Progress::Ended(result) => {
                let Some(flight) = self.flights[slot].take() else { return };
                self.free.push(slot);
                self.shelf.dir.busy.fetch_sub(1, Ordering::Relaxed);
                if let Some(next) = flight.end(&self.shelf, result) {
                    self.launch(next);
                }
            }
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        if self.is_idle() {
            // SAFETY: no read of the bell is under way, and `rung` is not used again.
            unsafe { ManuallyDrop::drop(&mut self.rung) }
            return;
        }
        // The kernel refused the ring, or this thread panics: nobody may wait forever.
        self.inbox.close();
        for flight in self.flights.iter_mut().filter_map(Option::take) {
            flight.abandon(&self.shelf);
        }
    }
}
