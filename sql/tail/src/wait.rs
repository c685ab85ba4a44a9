//! How far the log has been applied, and waiting for it: only those are woken
//! whose timestamp has come, whatever the number of others.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use holdfast_base::{Lsn, Ts};
use parking_lot::Mutex;

/// The applied position and who waits for it.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// `state.applied.0`, for those who need not wait.
    ts: AtomicU64,
    /// Never held together with another lock.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    applied: (Ts, Lsn),
    waiting: BTreeMap<(Ts, u64), Waker>,
    next: u64,
}

impl Progress {
    pub fn ts(&self) -> Ts {
        Ts(self.ts.load(Ordering::Acquire))
    }

    pub fn applied(&self) -> (Ts, Lsn) {
        self.state.lock().applied
    }

    /// Moves on, never back, and wakes those who waited for it.
    pub fn advance(&self, ts: Ts, lsn: Lsn) {
        let woken = {
            let mut state = self.state.lock();
            let (old_ts, old_lsn) = state.applied;
            let ts = ts.max(old_ts);
            state.applied = (ts, lsn.max(old_lsn));
            self.ts.store(ts.0, Ordering::Release);
            match ts.0.checked_add(1) {
                Some(after) => {
                    let later = state.waiting.split_off(&(Ts(after), 0));
                    std::mem::replace(&mut state.waiting, later)
                }
                None => std::mem::take(&mut state.waiting),
            }
        };
        woken.into_values().for_each(Waker::wake);
    }

    pub fn wait_for(&self, ts: Ts) -> WaitFor<'_> {
        WaitFor { progress: self, ts, ticket: None }
    }
}

/// Resolves once everything up to a timestamp has been applied. The deadline is
/// the caller's; dropping it ends the wait.
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct WaitFor<'a> {
    progress: &'a Progress,
    ts: Ts,
    ticket: Option<u64>,
}

impl Future for WaitFor<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.progress.ts() >= self.ts {
            return Poll::Ready(());
        }
        let mut state = self.progress.state.lock();
        if state.applied.0 >= self.ts {
            return Poll::Ready(());
        }
        let ticket = self.ticket.unwrap_or(state.next);
        state.next = state.next.max(ticket + 1);
        state.waiting.insert((self.ts, ticket), context.waker().clone());
        drop(state);
        self.ticket = Some(ticket);
        Poll::Pending
    }
}

impl Drop for WaitFor<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.progress.state.lock().waiting.remove(&(self.ts, ticket));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn only_those_are_woken_whose_time_has_come() {
        let progress = Progress::default();
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        let mut context = Context::from_waker(&waker);
        let mut early = progress.wait_for(Ts(5));
        let mut late = progress.wait_for(Ts(9));
        let gone = {
            let mut gone = progress.wait_for(Ts(5));
            assert!(Pin::new(&mut gone).poll(&mut context).is_pending());
            gone
        };
        drop(gone);
        assert!(Pin::new(&mut early).poll(&mut context).is_pending());
        assert!(Pin::new(&mut late).poll(&mut context).is_pending());
        progress.advance(Ts(4), Lsn::default());
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
        progress.advance(Ts(5), Lsn::default());
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert!(Pin::new(&mut early).poll(&mut context).is_ready());
        assert!(Pin::new(&mut late).poll(&mut context).is_pending());
        progress.advance(Ts(3), Lsn::default());
        assert_eq!(progress.applied().0, Ts(5), "it never moves back");
        progress.advance(Ts(u64::MAX), Lsn::default());
        assert!(Pin::new(&mut late).poll(&mut context).is_ready());
    }
}
