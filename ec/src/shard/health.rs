//! The health of one drive: every disk call goes through here.
//!
//! Invariants
//! - L1: every call has a deadline; several late ones of a kind in a row take the
//!   drive offline.
//! - L2: a write or a sync that failed takes the drive offline at once, and nothing is
//!   tried again: what the file holds is unknown (`io` contract D6). A full
//!   disk is no failure.
//! - L3: once offline, every call that waits is answered, and none is begun.
//!
//! Not here: noticing a directory that was replaced (`watch`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use holdfast_api::drive::{DriveError, DriveState};
use holdfast_base::DriveNo;
use holdfast_io::clock::{Clock, Late, deadline};
use holdfast_io::disk::{DiskError, DiskErrorKind};
use tokio::sync::watch;

/// This many late calls of a kind, with none in time between them, take a drive offline.
const LATE_MAX: u32 = 4;

/// One drive's health.
pub struct Health {
    no: DriveNo,
    clock: Arc<dyn Clock>,
    limit: Duration,
    /// `None` while online, else why it is not.
    offline: watch::Sender<Option<String>>,
    errors: AtomicU64,
    /// By [`Class`].
    late_in_a_row: [AtomicU32; 3],
}

/// Calls whose lateness is counted together: one that is in time does not excuse
/// others that do different work.
#[derive(Clone, Copy)]
enum Class {
    Read,
    Change,
    Directory,
}

impl Health {
    /// Online. Calls have `limit`.
    pub fn new(no: DriveNo, clock: Arc<dyn Clock>, limit: Duration) -> Self {
        let offline = watch::Sender::new(None);
        let (errors, late_in_a_row) = (AtomicU64::new(0), Default::default());
        Self { no, clock, limit, offline, errors, late_in_a_row }
    }

    /// Waits for a call that is neither a read nor a write.
    ///
    /// # Errors
    /// `Offline`, `Late`, `Full`, `Disk`.
    pub async fn call<T>(
        &self,
        work: impl Future<Output = Result<T, DiskError>>,
    ) -> Result<T, DriveError> {
        self.wait((Class::Directory, self.limit), work).await
    }

    /// As [`Health::call`], for something that may take longer.
    ///
    /// # Errors
    /// `Offline`, `Late`, `Full`, `Disk`.
    pub async fn call_within<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, DiskError>>,
    ) -> Result<T, DriveError> {
        self.wait((Class::Directory, limit), work).await
    }

    /// Waits for a read.
    ///
    /// # Errors
    /// `Offline`, `Late`, `Disk`.
    pub async fn read<T>(
        &self,
        work: impl Future<Output = Result<T, DiskError>>,
    ) -> Result<T, DriveError> {
        self.wait((Class::Read, self.limit), work).await
    }

    /// Waits for a write or a sync (L2).
    ///
    /// # Errors
    /// `Offline`, `Late`, `Full`, `Disk`.
    pub async fn change<T>(
        &self,
        work: impl Future<Output = Result<T, DiskError>>,
    ) -> Result<T, DriveError> {
        let done = self.wait((Class::Change, self.limit), work).await;
        if let Err(DriveError::Disk { source, .. }) = &done {
            self.fail(&describe(source));
        }
        done
    }

    /// Waits for a sync: L2 holds for a full disk too, as what was written may be lost.
    ///
    /// # Errors
    /// `Offline`, `Late`.
    pub async fn sync(
        &self,
        work: impl Future<Output = Result<(), DiskError>>,
    ) -> Result<(), DriveError> {
        match self.change(work).await {
            Err(DriveError::Full { .. }) => {
                self.fail("the disk was full at a sync");
                Err(self.why())
            }
            done => done,
        }
    }

    /// `Offline` if it is.
    ///
    /// # Errors
    /// `Offline`.
    pub fn check(&self) -> Result<(), DriveError> {
        if self.offline.borrow().is_some() { Err(self.why()) } else { Ok(()) }
    }

    /// Takes the drive offline; the first reason stays.
    pub fn fail(&self, why: &str) {
        if self.take_offline(why) {
            tracing::error!(drive = %self.no, why, "drive is offline");
        }
    }

    /// Takes the drive offline because its owner is done with it.
    pub fn close(&self) {
        self.take_offline("closed");
    }

    /// True if it was online.
    fn take_offline(&self, why: &str) -> bool {
        self.offline.send_if_modified(|offline| {
            let first = offline.is_none();
            if first {
                *offline = Some(why.to_owned());
            }
            first
        })
    }

    /// Ends once the drive is offline.
    pub async fn failed(&self) {
        // An error means that the sender is gone; it is a part of `self`.
        let _ = self.offline.subscribe().wait_for(Option::is_some).await;
    }

    /// As the drive's status shows it.
    pub fn state(&self) -> DriveState {
        match &*self.offline.borrow() {
            None => DriveState::Online,
            Some(why) => DriveState::Offline(why.clone()),
        }
    }

    /// Counts something wrong that a call did not count.
    pub fn count_error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    /// Operations that went wrong.
    pub fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    /// The error that says that the drive is offline.
    pub fn why(&self) -> DriveError {
        let why = self.offline.borrow().clone().unwrap_or_else(|| "closed".to_owned());
        DriveError::Offline { drive: self.no, why }
    }

    async fn wait<T>(
        &self,
        how: (Class, Duration),
        work: impl Future<Output = Result<T, DiskError>>,
    ) -> Result<T, DriveError> {
        self.check()?;
        let mut offline = self.offline.subscribe();
        let work = deadline(&self.clock, how.1, work);
        tokio::select! { biased;
            done = work => self.judge(how.0, done),
            _ = offline.wait_for(Option::is_some) => Err(self.why()),
        }
    }

    fn judge<T>(
        &self,
        class: Class,
        done: Result<Result<T, DiskError>, Late>,
    ) -> Result<T, DriveError> {
        let late_in_a_row = &self.late_in_a_row[class as usize];
        if done.is_ok() {
            late_in_a_row.store(0, Ordering::Relaxed);
        }
        match done {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(source)) => Err(self.disk_error(source)),
            Err(Late(after)) => {
                self.count_error();
                if late_in_a_row.fetch_add(1, Ordering::Relaxed) + 1 >= LATE_MAX {
                    self.fail(&format!("slow: {LATE_MAX} calls in a row took over {after:?}"));
                }
                Err(DriveError::Late { drive: self.no, after_ms: after.as_millis() as u64 })
            }
        }
    }

    fn disk_error(&self, source: DiskError) -> DriveError {
        use DiskErrorKind as K;
        match source.kind {
            K::Full => return DriveError::Full { drive: self.no },
            K::Gone | K::Closed | K::ReadOnly | K::Denied | K::Misaligned => {
                self.fail(&describe(&source));
            }
            K::Medium | K::NotFound | K::Exists => {}
        }
        self.count_error();
        DriveError::Disk { drive: self.no, source }
    }
}

/// One line with the system's word in it.
fn describe(error: &DiskError) -> String {
    format!("{error}: {}", error.source)
}

impl std::fmt::Debug for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Health").field("no", &self.no).field("state", &self.state()).finish()
    }
}
