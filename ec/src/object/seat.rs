//! Where blobs fill: each in a seat, which may be cleared when memory is short.
//!
//! A writer whose client stands still, or is slow, would hold a blob's frames for as
//! long as it likes. While somebody waits for the budget, blobs that nobody has touched
//! for [`IDLE`], or that fill for more than [`SLOW`], end as they are and go to their
//! drives: a blob may have any length. The writer goes on with another blob.
//!
//! Invariants
//! - E1: a blob that was cleared is the writer's as if it had sent it itself: it is
//!   handed over with its length, and no byte is taken between the two.
//! - E2: a seat's lock is never held across a wait, and is the only one taken.
//!
//! Not here: how much there is (`budget`), what becomes of the blobs (`put`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use holdfast_api::object::StoreError;
use holdfast_io::disk::Durability;
use tokio::task::JoinHandle;

use super::budget::{Share, WAIT};
use super::placement::Chosen;
use super::spread::Spread;
use super::store::Inner;
use super::stripe::Filling;

/// A blob that nobody touched for so long may be cleared.
const IDLE: Duration = Duration::from_millis(250);
/// A blob that fills for so long may be cleared.
const SLOW: Duration = Duration::from_secs(3);
/// How often who waits for the budget looks for blobs to clear.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A blob on its way to its drives.
pub struct Flight {
    /// Its length. [bytes]
    pub len: u64,
    /// Ends by its own deadlines when the writer is dropped (O2).
    pub task: JoinHandle<Result<Spread, StoreError>>,
}

/// The blobs that fill, by the number of their seats.
#[derive(Default)]
pub struct Seats(Mutex<Table>);

#[derive(Default)]
struct Table {
    next: u64,
    seats: BTreeMap<u64, Arc<Mutex<Held>>>,
}

#[derive(Default)]
struct Held {
    filling: Option<(Filling, Chosen)>,
    began: Duration,
    touched: Duration,
    cleared: Option<Flight>,
}

/// A writer's seat; a blob in it is dropped with it.
pub struct Seat {
    inner: Arc<Inner>,
    number: u64,
    held: Arc<Mutex<Held>>,
}

/// What a seat has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Has {
    /// No blob.
    Nothing,
    /// A blob that takes bytes.
    Room,
    /// A blob that has all that it takes.
    Full,
}

impl Seat {
    /// An empty one.
    pub fn new(inner: &Arc<Inner>) -> Self {
        let held = Arc::default();
        let mut table = inner.seats.table();
        let number = table.next;
        table.next += 1;
        table.seats.insert(number, Arc::clone(&held));
        drop(table);
        Self { inner: Arc::clone(inner), number, held }
    }

    /// What is in it.
    pub fn has(&self) -> Has {
        match &lock(&self.held).filling {
            None => Has::Nothing,
            Some((filling, _)) if filling.is_full() => Has::Full,
            Some(_) => Has::Room,
        }
    }

    /// Puts a blob in, which is empty.
    pub fn put(&self, filling: Filling, chosen: Chosen) {
        let now = self.inner.clock.monotonic();
        let mut held = lock(&self.held);
        held.filling = Some((filling, chosen));
        (held.began, held.touched) = (now, now);
    }

    /// Fills the blob, to the end of its stripe at most. Takes nothing if it was cleared.
    pub fn push(&self, bytes: &mut Bytes) {
        let now = self.inner.clock.monotonic();
        let mut held = lock(&self.held);
        held.touched = now;
        if let Some((filling, _)) = &mut held.filling {
            filling.push(bytes);
        }
    }

    /// Takes the blob out.
    pub fn take(&self) -> Option<(Filling, Chosen)> {
        lock(&self.held).filling.take()
    }

    /// E1: the blob that was cleared.
    pub fn cleared(&self) -> Option<Flight> {
        lock(&self.held).cleared.take()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.inner.seats.table().seats.remove(&self.number);
    }
}

impl Seats {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Clears the blobs that were left alone the longest, until `bytes` are on their way back.
    fn clear(&self, inner: &Arc<Inner>, bytes: usize) {
        let now = inner.clock.monotonic();
        let seats: Vec<_> = self.table().seats.values().cloned().collect();
        let due = |held: &Held| {
            let idle = now.saturating_sub(held.touched) >= IDLE;
            let slow = now.saturating_sub(held.began) >= SLOW;
            let begun = held.filling.as_ref().is_some_and(|(filling, _)| filling.len() > 0);
            begun && (idle || slow)
        };
        let mut victims: Vec<_> = seats
            .into_iter()
            .filter_map(|seat| {
                let touched =
                    Some(lock(&seat)).filter(|held| due(held)).map(|held| held.touched)?;
                Some((touched, seat))
            })
            .collect();
        victims.sort_by_key(|(touched, _)| *touched);
        let mut freed = 0;
        for (_, seat) in victims {
            if freed >= bytes {
                return;
            }
            let mut held = lock(&seat);
            if due(&held)
                && let Some((filling, chosen)) = held.filling.take()
            {
                freed += filling.share_bytes();
                held.cleared = Some(send(inner, filling, chosen, Durability::Later));
            }
        }
    }
}

/// Seals a blob and sends it to its drives, in a task of its own.
pub fn send(inner: &Arc<Inner>, filling: Filling, chosen: Chosen, how: Durability) -> Flight {
    let (inner, len) = (Arc::clone(inner), filling.len() as u64);
    let flight = async move { Spread::write(&inner, filling.seal(), chosen, how).await };
    Flight { len, task: tokio::spawn(flight) }
}

/// A share of the write budget; while there is none, blobs of slow writers are cleared.
///
/// # Errors
/// [`StoreError::Busy`].
pub async fn reserve(inner: &Arc<Inner>, bytes: usize) -> Result<Share, StoreError> {
    if let Some(share) = inner.write_budget.try_take(bytes, 0) {
        return Ok(share);
    }
    let mut share = std::pin::pin!(inner.write_budget.take(bytes, &inner.clock, WAIT));
    loop {
        inner.seats.clear(inner, bytes);
        tokio::select! { biased;
            share = &mut share => return share,
            () = inner.clock.sleep(LOOK_EVERY) => {}
        }
    }
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}
