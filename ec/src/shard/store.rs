//! The store: one drive's shards behind `DriveService`.
//!
//! Not here: the work itself (`writer`, `read`, `clean`); which drive gets which
//! shard (`object`).

use std::sync::{Arc, Mutex, PoisonError};

use holdfast_api::BoxFuture;
use holdfast_api::drive::{
    DriveError, DriveService, DriveStatus, ShardBytes, ShardRange, ShardWrite, StoredShard,
};
use holdfast_base::checksum::leaf_count;
use holdfast_base::limits::{BLOCK_BYTES, SHARD_BYTES_MAX};
use holdfast_base::{ByteCount, DriveNo, Remedy, ShardId};
use holdfast_io::clock::deadline;
use holdfast_io::disk::{Buf, Drive, Durability};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::clean::Cleaner;
use super::frame::{self, Kind, Parts};
use super::group::{DELETE_MAX, Prepared, Ticket};
use super::identity::{self, Identity, IdentityError};
use super::segment::{self, FIRST_GROUP, SegmentNo};
use super::shared::{Options, Shared, World};
use super::writer::{Ask, Writer};
use super::{prepare, read, recover, watch};

/// What may wait to be written, and what may be read at once, per drive. [bytes]
const QUEUE_BYTES_MAX: usize = 32 << 20;

/// What one request counts for at least; so the queue is also bounded by number. [bytes]
const REQUEST_BYTES_MIN: usize = 16 << 10;

/// The unit of the queue's semaphores. [bytes]
const PERMIT_BYTES: usize = 1 << 10;

/// A request waits so many disk deadlines in all before it is answered `Late`.
const PATIENCE: u32 = 3;

/// The shards of one drive.
pub struct ShardStore {
    inner: Arc<Inner>,
    /// Ended by `close`, or with the store.
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

struct Inner {
    shared: Arc<Shared>,
    writer: mpsc::Sender<Ask>,
    writes: Arc<Semaphore>,
    reads: Arc<Semaphore>,
}

/// A drive that could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is not the drive that was meant.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// It is, and does not work.
    #[error("{path} cannot be read: {source}")]
    Drive {
        /// Where it is.
        path: String,
        /// What went wrong.
        source: DriveError,
    },
}

impl OpenError {
    /// What the caller should do next.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Identity(error) => error.remedy(),
            Self::Drive { source, .. } => source.remedy(),
        }
    }
}

impl ShardStore {
    /// Opens a drive that was formatted (`identity::format`) as `wanted`: reads its
    /// segments back and starts its tasks.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(
        drive: Drive,
        wanted: Identity,
        world: World,
        options: Options,
    ) -> Result<Self, OpenError> {
        let path = drive.name().to_owned();
        identity::read(&drive).await?.check(&path, &wanted)?;
        let open = async {
            let len = segment_bytes(&drive, wanted.no, options).await?;
            let shared = Arc::new(Shared::new(drive, wanted, world, (options, len)));
            let next_count = recover::recover(&shared).await?;
            let space = shared.health.call(shared.drive.space()).await?;
            shared.saw_space(space);
            Ok((shared, next_count))
        };
        let (shared, next_count) =
            open.await.map_err(|source| OpenError::Drive { path, source })?;
        Ok(Self::start(shared, next_count))
    }

    fn start(shared: Arc<Shared>, next_count: u64) -> Self {
        let (writer, asks) = mpsc::channel(QUEUE_BYTES_MAX / REQUEST_BYTES_MIN);
        let tasks = vec![
            tokio::spawn(Writer::new(shared.clone(), next_count).run(asks)),
            tokio::spawn(prepare::run(shared.clone())),
            tokio::spawn(Cleaner::new(shared.clone(), writer.clone()).run()),
            tokio::spawn(watch::run(shared.clone())),
        ];
        let permits = || Arc::new(Semaphore::new(QUEUE_BYTES_MAX / PERMIT_BYTES));
        let inner = Inner { shared, writer, writes: permits(), reads: permits() };
        Self { inner: Arc::new(inner), tasks: Mutex::new(tasks) }
    }

    /// Ends its tasks and closes its files; what is in flight is finished first, and a
    /// healthy drive's open segment gets its footer. Every request is answered `Offline` from now on.
    pub async fn close(&self) {
        let shared = &self.inner.shared;
        shared.closing.send_replace(true);
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for mut task in tasks {
            let limit = shared.options.disk_deadline * PATIENCE;
            if deadline(&shared.world.clock, limit, &mut task).await.is_err() {
                task.abort();
            }
        }
        let files: Vec<_> = {
            let mut core = shared.core();
            std::mem::take(&mut core.segments).into_values().map(|s| s.file).collect()
        };
        for file in files {
            // Nothing is lost if it cannot be closed: the disk closes what it has open.
            let _ = shared.health.call(holdfast_io::disk::File::clone(&file).close()).await;
        }
        shared.health.close();
    }

    /// The identity that it was opened with.
    pub fn identity(&self) -> Identity {
        self.inner.shared.identity
    }
}

impl Drop for ShardStore {
    fn drop(&mut self) {
        for task in self.tasks.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            task.abort();
        }
        self.inner.shared.health.close();
    }
}

impl Inner {
    /// Sends an ask that counts for `bytes` to the writer and waits for its answer.
    async fn ask(&self, bytes: usize, ask: impl FnOnce(Ticket) -> Ask) -> Result<(), DriveError> {
        let permit = self.permit(&self.writes, bytes).await?;
        let (reply, answer) = oneshot::channel();
        let ticket = Ticket { reply, permit: Some(permit) };
        self.patiently(async {
            let closed = || self.shared.health.why();
            self.writer.send(ask(ticket)).await.map_err(|_| closed())?;
            answer.await.map_err(|_| closed())?
        })
        .await
    }

    /// A share of a queue; `Busy` if none comes free in time.
    async fn permit(
        &self,
        queue: &Arc<Semaphore>,
        bytes: usize,
    ) -> Result<OwnedSemaphorePermit, DriveError> {
        self.shared.health.check()?;
        let permits = bytes.max(REQUEST_BYTES_MIN).div_ceil(PERMIT_BYTES) as u32;
        if let Ok(permit) = queue.clone().try_acquire_many_owned(permits) {
            return Ok(permit);
        }
        let limit = self.shared.options.disk_deadline;
        let permit = tokio::select! { biased;
            permit = deadline(&self.shared.world.clock, limit, queue.clone().acquire_many_owned(permits)) => permit,
            () = self.shared.health.failed() => return Err(self.shared.health.why()),
        };
        match permit {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(DriveError::Busy { drive: self.shared.identity.no }),
        }
    }

    async fn patiently<T>(
        &self,
        work: impl Future<Output = Result<T, DriveError>>,
    ) -> Result<T, DriveError> {
        let limit = self.shared.options.disk_deadline * PATIENCE;
        match deadline(&self.shared.world.clock, limit, work).await {
            Ok(done) => done,
            Err(_) => Err(DriveError::Late {
                drive: self.shared.identity.no,
                after_ms: limit.as_millis() as u64,
            }),
        }
    }

    async fn write(&self, shard: ShardWrite, durability: Durability) -> Result<(), DriveError> {
        self.shared.health.check()?;
        let (drive, id) = (self.shared.identity.no, shard.head.shard);
        let Some(frame) = prepared(shard) else {
            return Err(DriveError::OutOfRange { drive, shard: id, from: 0, to: 0 });
        };
        let bytes = frame.buf.len();
        if bytes as u64 + FIRST_GROUP + segment::footer_bytes(1) > self.shared.segment_bytes {
            return Err(DriveError::Full { drive });
        }
        self.ask(bytes, |ticket| Ask::Write(frame, durability, ticket)).await
    }

    async fn delete(&self, shards: Vec<ShardId>) -> Result<(), DriveError> {
        self.shared.health.check()?;
        for some in shards.chunks(DELETE_MAX) {
            let bytes = some.len() * frame::SECTOR;
            self.ask(bytes, |ticket| Ask::Delete(some.to_vec(), ticket)).await?;
        }
        Ok(())
    }

    async fn read(&self, range: ShardRange) -> Result<ShardBytes, DriveError> {
        let bytes = range.to.saturating_sub(range.from).min(SHARD_BYTES_MAX);
        let _permit = self.permit(&self.reads, bytes).await?;
        self.patiently(read::read(&self.shared, range)).await
    }
}

/// The shard as a frame without stamp; `None` if its parts contradict one another.
fn prepared(shard: ShardWrite) -> Option<Prepared> {
    let ShardWrite { head, leaves, mut buf, mut room } = shard;
    let payload_len = head.layout.is_legal().then(|| head.layout.shard_bytes())?;
    let fits = payload_len <= SHARD_BYTES_MAX
        && leaves.len() == leaf_count(payload_len as u64)
        && buf.len() >= room.checked_add(payload_len)?;
    if !fits {
        return None;
    }
    let needed = frame::room(&head, leaves.len());
    let whole = (room + payload_len).next_multiple_of(BLOCK_BYTES);
    let padded = buf.get(room + payload_len..whole).is_some_and(|pad| pad.iter().all(|&b| b == 0));
    if room < needed || !room.is_multiple_of(frame::SECTOR) || !padded {
        let mut roomy = Buf::dirty((needed + payload_len).next_multiple_of(BLOCK_BYTES));
        roomy[needed..needed + payload_len].copy_from_slice(&buf[room..room + payload_len]);
        roomy[needed + payload_len..].fill(0);
        (buf, room) = (roomy, needed);
    }
    let parts = Parts { head: &head, leaves: &leaves, payload_len };
    frame::fill(&mut buf, room, parts).then_some(Prepared {
        buf,
        kind: Kind::Shard,
        shard: head.shard,
        payload_at: room,
        payload_len,
    })
}

/// The length of new segments: what was asked for, or by the space that the drive has.
async fn segment_bytes(drive: &Drive, no: DriveNo, options: Options) -> Result<u64, DriveError> {
    let failed = |source| DriveError::Disk { drive: no, source };
    if let Some(bytes) = options.segment_bytes {
        return Ok(bytes.max(segment::LEN_MIN).next_multiple_of(BLOCK_BYTES as u64));
    }
    let space = drive.space().await.map_err(failed)?;
    let names = drive.list().await.map_err(failed)?;
    let ours = names.iter().filter(|(name, _)| SegmentNo::of_file(name).is_some());
    let used: u64 = ours.map(|(_, len)| len).sum();
    let all = used.saturating_mul(u64::from(options.drives_on_device));
    Ok(segment::len_for(ByteCount(space.free.saturating_add(all)), options.drives_on_device))
}

impl DriveService for ShardStore {
    fn no(&self) -> DriveNo {
        self.inner.shared.identity.no
    }

    fn status(&self) -> DriveStatus {
        let shared = &self.inner.shared;
        let (total, free) = shared.space();
        let (shards, used) = shared.core().index.totals();
        let traffic = shared.drive.traffic();
        DriveStatus {
            no: shared.identity.no,
            id: Some(shared.identity.drive),
            path: shared.drive.name().to_owned(),
            state: shared.health.state(),
            device: shared.drive.disk().device(),
            backend: shared.drive.disk().backend().to_owned(),
            total,
            free,
            used,
            shards,
            errors: shared.health.errors(),
            read: ByteCount(traffic.read),
            written: ByteCount(traffic.written),
        }
    }

    fn write(
        &self,
        shard: ShardWrite,
        durability: Durability,
    ) -> BoxFuture<'static, Result<(), DriveError>> {
        let inner = self.inner.clone();
        Box::pin(async move { inner.write(shard, durability).await })
    }

    fn sync(&self) -> BoxFuture<'static, Result<(), DriveError>> {
        let inner = self.inner.clone();
        Box::pin(async move { inner.ask(0, Ask::Sync).await })
    }

    fn read(&self, range: ShardRange) -> BoxFuture<'static, Result<ShardBytes, DriveError>> {
        let inner = self.inner.clone();
        Box::pin(async move { inner.read(range).await })
    }

    fn delete(&self, shards: Vec<ShardId>) -> BoxFuture<'static, Result<(), DriveError>> {
        let inner = self.inner.clone();
        Box::pin(async move { inner.delete(shards).await })
    }

    fn list(
        &self,
        after: Option<ShardId>,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<StoredShard>, DriveError>> {
        let inner = self.inner.clone();
        Box::pin(async move {
            inner.shared.health.check()?;
            Ok(inner.shared.core().index.list(after, limit))
        })
    }
}

impl std::fmt::Debug for ShardStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShardStore").field("identity", &self.identity()).finish_non_exhaustive()
    }
}
