//! Doing what the plan says: format, register, open, put into the slot.
//!
//! - J1: a drive is in the metadata before it is formatted, and formatted before
//!   it is in a slot: cut off anywhere, the next look takes it up again.
//! - J2: a drive that was missing is marked healing before it serves: it may lack shards.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use holdfast_api::drive::{DriveService, DriveState};
use holdfast_api::meta::{Answer, Command, DriveRecord, MetaService, Outcome, Query};
use holdfast_base::{ClusterId, DriveId, DriveNo, NodeId};
use holdfast_ec::object::Store;
use holdfast_ec::shard::identity::{self, Identity};
use holdfast_ec::shard::{Options, ShardStore, World};
use holdfast_io::clock::{Late, deadline};
use holdfast_io::disk::Backend;

use super::look::Looked;
use super::plan::{Known, Step, plan};
use crate::start::data_dir::{Cluster, DataDirectory, KnownDrive};
use crate::start::error::StartError;

/// How long closing one drive may take at shutdown.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// What a fleet is made of.
pub struct FleetConfig {
    /// Clock and randomness.
    pub world: World,
    /// How disks are reached.
    pub backend: Backend,
    /// The metadata.
    pub meta: Arc<dyn MetaService>,
    /// The store whose slots are filled.
    pub store: Arc<Store>,
    /// Leave out drives that cannot be used.
    pub lenient: bool,
}

/// The drives of this node.
pub struct Fleet {
    config: FleetConfig,
    data: Arc<DataDirectory>,
    /// The paths given, without links.
    paths: Vec<PathBuf>,
    /// This node's memory, as it is in the cluster file. Locked for a look or a change.
    memory: Mutex<Cluster>,
    /// The drives that are open. Locked for a look or a change.
    open: Mutex<BTreeMap<DriveNo, Arc<ShardStore>>>,
    fallback: Mutex<Option<String>>,
}

impl Fleet {
    /// No drive is open yet.
    pub fn new(
        config: FleetConfig,
        data: Arc<DataDirectory>,
        paths: Vec<PathBuf>,
        memory: Cluster,
    ) -> Self {
        let memory = Mutex::new(memory);
        Self { config, data, paths, memory, open: Mutex::default(), fallback: Mutex::default() }
    }

    /// Opens every drive that stands at its path. How many slots stay empty.
    ///
    /// # Errors
    /// [`StartError`], one line for all that is wrong.
    pub async fn start(&self, looked: Vec<Looked>) -> Result<usize, StartError> {
        let slots = self.slots().await?;
        let steps =
            self.plan(&looked, &slots).map_err(|wrong| StartError::Drives(wrong.join("; ")))?;
        let missing: Vec<_> = steps.iter().filter(|s| matches!(s, Step::Missing { .. })).collect();
        self.check_missing(&missing, slots.len())?;
        let missing = missing.len();
        // Slots are given in the order of the paths: one after the other.
        let mut work = Vec::new();
        let mut looked = looked;
        for step in steps {
            work.push(self.register(step, &mut looked, &slots).await?);
        }
        let opening = work.into_iter().flatten().map(|ready| self.open(ready));
        for opened in futures_util::future::join_all(opening).await {
            opened?;
        }
        Ok(missing)
    }

    /// Tries to bring back slots that are out, from what stands at their paths now. Which came.
    ///
    /// # Errors
    /// [`StartError`]; the slots stay out.
    pub async fn bring_back(
        &self,
        mut looked: Vec<Looked>,
        slots: &[DriveRecord],
    ) -> Result<Vec<DriveNo>, StartError> {
        let steps =
            self.plan(&looked, slots).map_err(|wrong| StartError::Drives(wrong.join("; ")))?;
        let mut back = Vec::new();
        for step in steps {
            if let Some(ready) = self.register(step, &mut looked, slots).await? {
                back.push(ready.identity.no);
                self.open(ready).await?;
            }
        }
        Ok(back)
    }

    /// The metadata's slots of this node.
    ///
    /// # Errors
    /// [`StartError::Metadata`].
    pub async fn slots(&self) -> Result<Vec<DriveRecord>, StartError> {
        let answer = self.config.meta.query(Query::Drives).await;
        match answer.map_err(|error| StartError::Metadata(error.to_string()))? {
            Answer::Drives(slots) => Ok(slots),
            _ => Ok(Vec::new()),
        }
    }

    /// Slots that are out: without a drive, or with one that is offline.
    pub fn out(&self, slots: &[DriveRecord]) -> Vec<DriveRecord> {
        let open = self.opened();
        let online = |slot: &&DriveRecord| {
            open.get(&slot.no).is_some_and(|drive| drive.status().state == DriveState::Online)
        };
        slots.iter().filter(|slot| !online(slot)).cloned().collect()
    }

    /// True if `path` was given as a drive.
    pub fn has(&self, path: &Path) -> bool {
        self.paths.iter().any(|given| given == path)
    }

    /// True while the drive at `path` is open and online.
    pub fn is_online(&self, path: &Path) -> bool {
        let statuses = self.opened().values().map(|drive| drive.status()).collect::<Vec<_>>();
        statuses.iter().any(|one| one.state == DriveState::Online && Path::new(&one.path) == path)
    }

    /// Lets go of what is open in a slot that is out.
    pub async fn let_go(&self, no: DriveNo) {
        let gone = self.opened().remove(&no);
        let Some(gone) = gone else { return };
        self.config.store.remove_drive(no);
        if let Some(id) = gone.status().id {
            self.remember_missing(id);
        }
        if self.within(gone.close()).await.is_err() {
            tracing::warn!(drive = %no, "closing the lost drive takes long, left behind");
        }
    }

    /// The paths at which the drives of `due`, some of `slots`, may come back.
    pub fn places(&self, due: &[DriveRecord], slots: &[DriveRecord]) -> Vec<PathBuf> {
        let open: Vec<PathBuf> =
            self.opened().values().map(|drive| drive.status().path.into()).collect();
        let has_slot = |path: &&PathBuf| slots.iter().any(|slot| Path::new(&slot.path) == **path);
        let strangers = self.paths.iter().filter(|path| !has_slot(path)).cloned();
        let mut places: Vec<PathBuf> =
            due.iter().map(|slot| PathBuf::from(&slot.path)).chain(strangers).collect();
        places.retain(|path| !open.contains(path));
        places.sort();
        places.dedup();
        places
    }

    /// Closes every drive, so that the next start is fast.
    pub async fn close(&self) {
        let open = std::mem::take(&mut *self.opened());
        let closing = open.into_values().map(|drive| async move {
            let path = drive.status().path;
            if self.within(drive.close()).await.is_err() {
                tracing::warn!(path, "closing took too long; the next start scans");
            }
        });
        futures_util::future::join_all(closing).await;
    }

    /// Why a drive does without io_uring, if one does.
    pub fn fallback(&self) -> Option<String> {
        self.fallback.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The cluster that the drives belong to.
    pub fn cluster(&self) -> ClusterId {
        self.memory().cluster
    }

    /// How disks are reached.
    pub fn backend(&self) -> Backend {
        self.config.backend
    }

    /// The fleet's world.
    pub fn world(&self) -> &World {
        &self.config.world
    }

    fn plan(&self, looked: &[Looked], slots: &[DriveRecord]) -> Result<Vec<Step>, Vec<String>> {
        let found: Vec<_> = looked.iter().map(|looked| looked.found.clone()).collect();
        let online: Vec<DriveNo> = self.opened().keys().copied().collect();
        let (memory, lenient) = (self.memory(), self.config.lenient);
        plan(&found, Known { slots, online: &online, memory: &memory, lenient })
    }

    /// More missing than the parity covers is refused, unless that was asked for.
    fn check_missing(&self, missing: &[&Step], slots: usize) -> Result<(), StartError> {
        let parity = self.memory().geometry.m();
        let lines: Vec<_> = missing.iter().filter_map(|step| missing_line(step)).collect();
        for line in &lines {
            tracing::warn!("MISSING DRIVE: {line}");
        }
        for step in missing {
            if let Step::Missing { id, .. } = step {
                self.remember_missing(*id);
            }
        }
        if missing.len() > parity && !self.config.lenient {
            return Err(StartError::Drives(format!(
                "{} of {slots} drives are missing, the parity covers {parity}: {} \
                 (--degraded starts nevertheless; what lies on them cannot be read)",
                missing.len(),
                lines.join("; ")
            )));
        }
        Ok(())
    }

    /// J1: makes sure that the metadata knows the drive, and that it is formatted.
    async fn register(
        &self,
        step: Step,
        looked: &mut [Looked],
        slots: &[DriveRecord],
    ) -> Result<Option<Ready>, StartError> {
        let (no, id, path) = match step {
            Step::Missing { .. } => return Ok(None),
            Step::Open { no, id, path } => (Some(no), Some(id), path),
            Step::Format { no, path } => (no, None, path),
        };
        let wrong = |what: String| StartError::Drive { path: path.clone(), what };
        let one = looked.iter_mut().find(|looked| looked.found.path == path);
        let one = one.ok_or_else(|| wrong("was not looked at".into()))?;
        let drive = one.opened.take().ok_or_else(|| wrong("is not open".into()))?;
        if let Some(why) = drive.fallback {
            *self.fallback.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        }
        let before = slots.iter().find(|slot| Some(slot.no) == no);
        let fresh = || DriveId(self.config.world.rng.id());
        let new_id = id.unwrap_or_else(fresh);
        let in_place =
            before.is_some_and(|slot| slot.id == new_id && Path::new(&slot.path) == path);
        let no = match before {
            Some(slot) if in_place => slot.no,
            _ => self.put_drive(no, new_id, &path).await?,
        };
        let identity = match one.identity {
            Some(identity) => identity,
            None => {
                let cluster = self.cluster();
                let identity = Identity { cluster, drive: new_id, no, mount_point: one.mounted };
                let formatted = identity::format(&drive.drive, &identity).await;
                formatted.map_err(|error| wrong(error.to_string()))?;
                match before {
                    Some(_) => {
                        tracing::warn!(drive = %no, path = %path.display(), id = %new_id, "a replaced drive was formatted and will be healed")
                    }
                    None => {
                        tracing::info!(drive = %no, path = %path.display(), id = %new_id, "drive formatted")
                    }
                }
                identity
            }
        };
        Ok(Some(Ready { drive: drive.drive, identity, path, mounted: one.mounted }))
    }

    async fn put_drive(
        &self,
        no: Option<DriveNo>,
        id: DriveId,
        path: &Path,
    ) -> Result<DriveNo, StartError> {
        let (node, text) = (self.node(), path.display().to_string());
        let command = Command::PutDrive { no, id, node, path: text };
        let outcome = self.config.meta.execute(command).await;
        match outcome.map_err(|error| StartError::Metadata(error.to_string()))? {
            Outcome::Drive { no, .. } => Ok(no),
            other => Err(StartError::Drive {
                path: path.into(),
                what: format!("the metadata did not take it: {other:?}"),
            }),
        }
    }

    /// Opens a drive that stands ready, and puts it into its slot (J2).
    async fn open(&self, ready: Ready) -> Result<(), StartError> {
        let Ready { drive, identity, path, mounted } = ready;
        let no = identity.no;
        let wrong = |what: String| StartError::Drive { path: path.clone(), what };
        let device = drive.disk().device();
        let sharing = self.paths.iter().filter(|other| {
            holdfast_io::host::place(other)
                .is_ok_and(|place| place.is_some_and(|p| p.device == device))
        });
        let options =
            Options { drives_on_device: sharing.count().max(1) as u32, ..Options::default() };
        let began = self.config.world.clock.monotonic();
        let opened = ShardStore::open(drive, identity, self.config.world.clone(), options).await;
        let opened = Arc::new(opened.map_err(|error| wrong(error.to_string()))?);
        let took = self.config.world.clock.monotonic() - began;
        let was_missing =
            self.memory().drives.iter().any(|known| known.id == identity.drive && known.missing);
        if was_missing {
            let healing = Command::SetHealing { no, id: identity.drive, healing: true };
            let outcome = self.config.meta.execute(healing).await;
            outcome.map_err(|error| StartError::Metadata(error.to_string()))?;
            tracing::info!(drive = %no, path = %path.display(), "drive is back, a heal will verify it");
        }
        let status = opened.status();
        tracing::info!(
            drive = %no, path = %path.display(), shards = status.shards, used = %status.used,
            free = %status.free, io = status.backend, took_ms = took.as_millis() as u64, "drive open"
        );
        self.opened().insert(no, Arc::clone(&opened));
        self.config.store.set_drive(no, opened);
        self.remember(KnownDrive::new(path.clone(), identity.drive, mounted));
        Ok(())
    }

    fn remember(&self, drive: KnownDrive) {
        let mut memory = self.memory();
        if memory.remember(drive) {
            self.keep(&memory);
        }
    }

    fn remember_missing(&self, id: DriveId) {
        let mut memory = self.memory();
        let known = memory.drives.iter_mut().find(|known| known.id == id);
        if let Some(known) = known.filter(|known| !known.missing) {
            known.missing = true;
            self.keep(&memory);
        }
    }

    fn keep(&self, memory: &Cluster) {
        if let Err(error) = self.data.keep(memory) {
            tracing::error!("what this node remembers of its drives could not be written: {error}");
        }
    }

    async fn within<T>(&self, work: impl Future<Output = T>) -> Result<T, Late> {
        deadline(&self.config.world.clock, CLOSE_LIMIT, work).await
    }

    fn node(&self) -> NodeId {
        self.memory().node
    }

    fn memory(&self) -> MutexGuard<'_, Cluster> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn opened(&self) -> MutexGuard<'_, BTreeMap<DriveNo, Arc<ShardStore>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A drive that the metadata knows and that is formatted.
struct Ready {
    drive: holdfast_io::disk::Drive,
    identity: Identity,
    path: PathBuf,
    mounted: bool,
}

fn missing_line(step: &Step) -> Option<String> {
    match step {
        Step::Missing { no, path, why, .. } => {
            Some(format!("drive {no} ({}): {why}", path.display()))
        }
        _ => None,
    }
}
