//! Spares: segments that are filled with zeros before anyone waits for them.
//!
//! Invariants
//! - P1: a segment's head with its new life is durable, and was read back, before the
//!   first frame is written (S1): a disk that loses that write is found out.
//! - P2: the last spare goes to user data only if the file system has room for
//!   another one of every drive on it, which may all be about to take theirs; else it is left
//!   to what makes room. (Without a spare nothing can be moved, and a full drive stays full.)
//! - P3: a segment that cannot fit is not begun: filling the disk with each attempt
//!   would starve whoever shares it, the metadata above all.
//!
//! Not here: who fills the segment (`writer`), dead segments that become spares (`clean`).

use std::sync::Arc;
use std::time::Duration;

use holdfast_api::drive::DriveError;
use holdfast_base::limits::BLOCK_BYTES;
use holdfast_io::disk::{Buf, DiskErrorKind, Durability, File};

use super::segment::{Head, SegmentNo, Use};
use super::shared::{Segment, Shared, State};

/// Filling a segment with zeros may take this long.
const FILL_LIMIT: Duration = Duration::from_secs(120);

/// How long to wait before another attempt to make a spare.
const PAUSE: Duration = Duration::from_secs(1);

/// What a spare is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// What clients write.
    User,
    /// Tombstones, and what compaction copies.
    MakingRoom,
}

/// A segment that is ready for frames.
#[derive(Debug)]
pub struct Opened {
    /// Its number.
    pub no: SegmentNo,
    /// Its file.
    pub file: Arc<File>,
    /// Its present life.
    pub life: u64,
}

/// Keeps a spare ready until the store closes.
pub async fn run(shared: Arc<Shared>) {
    loop {
        let wanted = shared.core().spares.is_empty();
        if wanted && let Err(error) = make(&shared).await {
            if !matches!(error, DriveError::Full { .. }) {
                tracing::warn!(drive = shared.drive.name(), %error, "could not prepare a segment");
            }
            if !shared.pause(PAUSE).await {
                return;
            }
            continue;
        }
        let mut closing = shared.closing.subscribe();
        tokio::select! { biased;
            _ = closing.wait_for(|closing| *closing) => return,
            () = shared.health.failed() => return,
            () = shared.spare_wanted.notified() => {}
        }
    }
}

/// Makes one spare.
async fn make(shared: &Shared) -> Result<(), DriveError> {
    let space = shared.health.call(shared.drive.space()).await?;
    shared.saw_space(space);
    if space.free < shared.segment_bytes {
        // P3.
        shared.core().full = true;
        shared.spares_changed.notify_one();
        return Err(DriveError::Full { drive: shared.identity.no });
    }
    let no = {
        let mut core = shared.core();
        let no = SegmentNo(core.next_no);
        core.next_no += 1;
        no
    };
    let create = shared.drive.create(no.file_name(), shared.segment_bytes);
    let made = shared.health.call_within(FILL_LIMIT, create).await;
    let mut core = shared.core();
    core.full = matches!(made, Err(DriveError::Full { .. }));
    let result = match made {
        Ok(file) => {
            core.segments.insert(no, Segment::spare(Arc::new(file)));
            core.spares.push_back(no);
            Ok(())
        }
        // A file of an attempt that came late: the next number will do.
        Err(DriveError::Disk { source, .. }) if source.kind == DiskErrorKind::Exists => Ok(()),
        Err(error) => Err(error),
    };
    drop(core);
    shared.spares_changed.notify_one();
    result
}

/// Takes a spare and gives it a life. `None` if it must wait for one.
///
/// # Errors
/// `Full` (P2), or what the disk said.
pub async fn open(shared: &Shared, purpose: Purpose) -> Result<Option<Opened>, DriveError> {
    let (spares, full) = {
        let core = shared.core();
        (core.spares.len(), core.full)
    };
    if spares == 0 {
        shared.spare_wanted.notify_one();
        return if full { Err(refused(shared)) } else { Ok(None) };
    }
    if spares == 1 && purpose == Purpose::User {
        let space = shared.health.call(shared.drive.space()).await?;
        shared.saw_space(space);
        let one = shared.segment_bytes + shared.segment_bytes / 8;
        // A new drive's first segment is what the others have, too.
        let first = shared.core().segments.len() == 1;
        let drives = if first { 1 } else { u64::from(shared.options.drives_on_device) };
        if space.free < one.saturating_mul(drives) {
            return Err(refused(shared));
        }
    }
    let Some(no) = shared.core().spares.pop_front() else { return Ok(None) };
    shared.spare_wanted.notify_one();
    let life = shared.world.rng.next_u64();
    let file = write_heads(shared, no, (Use::Frames, life)).await?;
    if let Some(segment) = shared.core().segments.get_mut(&no) {
        (segment.life, segment.state) = (life, State::Open);
    }
    if purpose == Purpose::User {
        shared.core().tight = false;
    }
    Ok(Some(Opened { no, file, life }))
}

/// There is no room; whoever cleans is to look for some.
fn refused(shared: &Shared) -> DriveError {
    if !std::mem::replace(&mut shared.core().tight, true) {
        shared.frames_died.notify_one();
    }
    DriveError::Full { drive: shared.identity.no }
}

/// Writes both heads anew, one after the other (S2), and reads them back (P1).
///
/// # Errors
/// What the disk said; a head that does not read back takes the drive offline.
pub async fn write_heads(
    shared: &Shared,
    no: SegmentNo,
    to_be: (Use, u64),
) -> Result<Arc<File>, DriveError> {
    let (file, generation) = {
        let mut core = shared.core();
        let segment = core.segments.get_mut(&no).ok_or_else(|| shared.health.why())?;
        segment.generation += 1;
        (segment.file.clone(), segment.generation)
    };
    let (state, life) = to_be;
    let len = file.len();
    let head = Head { state, no, len, life, generation, drive: shared.identity.drive };
    for at in [0, BLOCK_BYTES as u64] {
        let done = shared.health.change(file.write(at, head.encode(), Durability::Durable)).await;
        if matches!(done, Err(DriveError::Late { .. })) {
            // It may land after frames were written: this segment is lost to us.
            shared.health.fail("a segment's head was not written in time");
        }
        done?;
        let block = shared.health.read(file.read(at, Buf::dirty(BLOCK_BYTES))).await;
        if block.ok().and_then(|block| Head::decode(&block)) != Some(head) {
            shared.health.fail("a segment's head did not read back as it was written");
            return Err(shared.health.why());
        }
    }
    Ok(file)
}

impl Segment {
    /// A fresh file of zeros.
    pub fn spare(file: Arc<File>) -> Self {
        Self {
            file,
            life: 0,
            generation: 0,
            state: State::Spare,
            dirty: false,
            punched: 0,
            reusable: true,
            stuck_at: None,
        }
    }
}
