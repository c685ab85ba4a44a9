//! What several disks of one machine share: they lose power at one moment.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use holdfast_io::disk::Site;
use tokio::sync::watch;

use super::Device;
use crate::aim::{self, Aim};

/// A power supply. Cheap to clone; clones are the same supply.
#[derive(Clone, Debug)]
pub struct Power(Arc<Supply>);

#[derive(Debug)]
struct Supply {
    state: Mutex<State>,
    cuts: watch::Sender<u64>,
}

/// Guarded by `Supply::state`, which is never held while a disk's state is locked.
#[derive(Debug, Default)]
struct State {
    disks: Vec<Weak<Device>>,
    ops: u64,
    crash_at: Option<u64>,
    /// The power goes at the first of these, too; then the next one counts.
    aims: Vec<Aim>,
}

impl Power {
    /// A supply with no disk on it. It goes where this thread's histories aim ([`aim`]).
    pub fn new() -> Self {
        let state = State { aims: aim::now(), ..State::default() };
        Self(Arc::new(Supply { state: Mutex::new(state), cuts: watch::Sender::new(0) }))
    }

    /// Operations of all its disks so far.
    pub fn ops(&self) -> u64 {
        self.lock().ops
    }

    /// The power goes at the `n`-th operation of all its disks from now, from 1.
    pub fn crash_in(&self, n: u64) {
        let mut state = self.lock();
        state.crash_at = Some(state.ops + n);
    }

    /// Cuts the power of all its disks now. Their handles answer `Closed`;
    /// `SimDisk::crash` returns each as it comes back.
    pub fn cut(&self) {
        let disks: Vec<_> = self.lock().disks.iter().filter_map(Weak::upgrade).collect();
        for disk in disks {
            disk.cut(None);
        }
        self.0.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// How often it was cut.
    pub fn cuts(&self) -> u64 {
        *self.0.cuts.borrow()
    }

    /// Resolves once it was cut more than `cuts` times.
    pub async fn cut_after(&self, cuts: u64) {
        let mut watch = self.0.cuts.subscribe();
        // The sender lives as long as `self`.
        let _ = watch.wait_for(|now| *now > cuts).await;
    }

    pub(super) fn connect(&self, disk: &Arc<Device>) {
        self.lock().disks.push(Arc::downgrade(disk));
    }

    /// Counts an operation; true when the power goes at it.
    pub(super) fn count(&self, site: Site) -> bool {
        let mut state = self.lock();
        state.ops += 1;
        let aimed = state.aims.first_mut().is_some_and(|aim| aim.is_hit(site));
        if aimed {
            state.aims.remove(0);
        }
        aimed || state.crash_at == Some(state.ops)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Power {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Device({})", self.name)
    }
}
