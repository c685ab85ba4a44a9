//! Recovery: what a drive's files say, read back into the index.
//!
//! ```text
//! heads ---- spare ----------------------------> spares
//!   |-- footer of this life, whole ------------> entries   (one or two reads)
//!   |-- no footer --> scan --- none -----------> spares
//!   |                  `------ frames ---------> entries, synced, footer written: sealed
//!   `-- both heads bad, no footer -------------> left alone, counted, reported
//! ```
//!
//! Invariants
//! - R1: no frame is appended to a segment of an earlier run: its tail may be torn.
//! - R2: a segment whose heads are unreadable is not taken for a spare, unless
//!   it begins with zeros (nothing was ever written to it).
//! - R3: a frame found by a scan may be torn. Where an older frame of its shard is there
//!   (it was rewritten, or is a copy), it counts only if its payload is whole:
//!   a write that nobody was told of does not hide one that was acknowledged. So also in
//!   a segment with unreadable places, which is scanned again at every start (R4).
//! - R4: a segment with unreadable places gets no footer, so that another start,
//!   when they may be readable, looks again.
//!
//! Not here: what counts among the frames found (`index`).

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use holdfast_api::drive::DriveError;
use holdfast_base::ShardId;
use holdfast_base::limits::{BLOCK_BYTES, SHARD_BYTES_MAX};
use holdfast_io::disk::{Buf, Durability, File};

use super::clean::{PUNCH_MIN, Punch, is_sound};
use super::read::read_run;
use super::scan::Scan;
use super::segment::{
    self, Entry, FIRST_GROUP, Head, LEN_MIN, SegmentNo, Trailer, Use, encode_footer, footer_bytes,
};
use super::shared::{Segment, Shared, State};

/// How many segments are read at once, and how many pieces of one.
const DEPTH: usize = 8;

/// What a scan reads at once. [bytes]
const PIECE: u64 = if cfg!(test) { 32 << 10 } else { 1 << 20 };

/// How much of a file without heads must be zeros for it to be fresh. [bytes]
const FRESH: usize = 64 << 10;

/// What was found in one segment.
struct Found {
    no: SegmentNo,
    file: File,
    life: u64,
    generation: u64,
    state: State,
    entries: Vec<Entry>,
    reusable: bool,
    /// Whether a scan found the entries, and could read everything.
    scanned: Option<Whole>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Whole {
    Yes,
    No,
}

/// What a scan found.
pub struct Scanned {
    /// All frames.
    pub entries: Vec<Entry>,
    /// Every block could be read.
    whole: bool,
}

/// Reads all segments of the drive into `shared`; returns the count of the next frame.
///
/// # Errors
/// What the disk said, where it concerns more than single frames.
pub async fn recover(shared: &Shared) -> Result<u64, DriveError> {
    let names = shared.health.call(shared.drive.list()).await?;
    let numbers: Vec<_> = names.iter().filter_map(|(name, _)| SegmentNo::of_file(name)).collect();
    // Collected first: an iterator held across a wait would not be `Send` for every lifetime.
    let loads: Vec<_> = numbers.iter().map(|no| load(shared, *no)).collect();
    let mut loads = stream::iter(loads).buffer_unordered(DEPTH);
    let (mut next_count, mut unsealed) = (1, Vec::new());
    while let Some((no, found)) = loads.try_next().await? {
        let Some(found) = found else {
            shared.core().index.cloud(no);
            continue;
        };
        let last = found.entries.iter().map(|entry| entry.sequence).max().unwrap_or(0);
        next_count = next_count.max((last >> 16) + 1);
        if found.scanned.is_some() {
            unsealed.push(found);
        } else {
            adopt(shared, found);
        }
    }
    adopt_scanned(shared, unsealed).await?;
    let mut core = shared.core();
    core.next_no = numbers.iter().map(|no| no.0 + 1).max().unwrap_or(1);
    core.index.prune_all();
    core.spares.make_contiguous().sort();
    Ok(next_count)
}

/// R3: takes in the segments that had no footer, and gives them one.
async fn adopt_scanned(shared: &Shared, unsealed: Vec<Found>) -> Result<(), DriveError> {
    let mut times: BTreeMap<ShardId, u32> = BTreeMap::new();
    for entry in unsealed.iter().flat_map(|found| &found.entries) {
        *times.entry(entry.shard).or_default() += 1;
    }
    for mut found in unsealed {
        let mut torn = Vec::new();
        for (i, entry) in found.entries.iter().enumerate() {
            let alone = times[&entry.shard] == 1 && !shared.core().index.knows(entry.shard);
            let sound = alone && found.scanned == Some(Whole::Yes);
            if !sound && !is_whole(shared, &found, entry).await? {
                torn.push(i);
            }
        }
        for i in torn.into_iter().rev() {
            let entry = found.entries.remove(i);
            shared.core().index.doubt(found.no, &entry);
        }
        if found.scanned == Some(Whole::No) {
            shared.core().index.cloud(found.no);
        }
        // What is shown must not vanish with the next power cut, footer or not.
        match found.scanned {
            Some(Whole::No) => shared.health.sync(found.file.sync()).await?,
            Some(Whole::Yes) | None => {
                seal(shared, found.no, found.life, (&found.file, &found.entries)).await?;
            }
        }
        adopt(shared, found);
    }
    Ok(())
}

async fn is_whole(shared: &Shared, found: &Found, entry: &Entry) -> Result<bool, DriveError> {
    match read_run(shared, &found.file, entry.at, 0..entry.frame_bytes()).await {
        Ok(frame) => Ok(is_sound(&frame, found.life, entry)),
        Err(error) => soft(error).map(|()| false),
    }
}

/// Takes one segment into the index.
fn adopt(shared: &Shared, found: Found) {
    let mut core = shared.core();
    let mut segment = Segment {
        file: Arc::new(found.file),
        life: found.life,
        generation: found.generation,
        state: found.state,
        dirty: false,
        punched: 0,
        reusable: found.reusable,
        stuck_at: None,
    };
    if found.state == State::Spare {
        core.spares.push_back(found.no);
    }
    // A large one that is dead may have been punched out in the run before, or not.
    segment.reusable &= found.entries.iter().all(|entry| entry.frame_bytes() < PUNCH_MIN);
    core.segments.insert(found.no, segment);
    for entry in &found.entries {
        if let Some(died) = core.index.apply(found.no, entry) {
            Punch::queue(&mut core, died.place);
        }
    }
}

/// Reads one segment; nothing if it must be left alone.
async fn load(shared: &Shared, no: SegmentNo) -> Result<(SegmentNo, Option<Found>), DriveError> {
    let file = shared.health.call(shared.drive.open(no.file_name())).await?;
    let Some(head) = read_head(shared, no, &file).await? else {
        return Ok((no, load_headless(shared, no, file).await?));
    };
    let (life, generation) = (head.life, head.generation);
    let found = |state, entries, file| {
        let (reusable, scanned) = (true, None);
        Found { no, file, life, generation, state, entries, reusable, scanned }
    };
    if head.state == Use::Spare {
        return Ok((no, Some(found(State::Spare, Vec::new(), file))));
    }
    let footer = read_footer(shared, no, &file).await?;
    if let Some((_, entries)) = footer.filter(|(trailer, _)| trailer.life == life) {
        return Ok((no, Some(found(State::Sealed, entries, file))));
    }
    let Scanned { entries, whole } = scan(shared, &file, life).await?;
    if entries.is_empty() && whole {
        return Ok((no, Some(found(State::Spare, entries, file))));
    }
    let scanned = Some(if whole { Whole::Yes } else { Whole::No });
    Ok((no, Some(Found { scanned, ..found(State::Sealed, entries, file) })))
}

/// R2: a segment whose heads are both bad.
async fn load_headless(
    shared: &Shared,
    no: SegmentNo,
    file: File,
) -> Result<Option<Found>, DriveError> {
    let mut found = Found {
        no,
        file,
        life: 0,
        generation: 0,
        state: State::Spare,
        entries: Vec::new(),
        reusable: true,
        scanned: None,
    };
    if found.file.len() >= LEN_MIN {
        if let Some((trailer, entries)) = read_footer(shared, no, &found.file).await? {
            shared.health.count_error();
            tracing::warn!(drive = shared.drive.name(), segment = no.0, "both heads are bad");
            // Its generation is unknown, so that no new head could be told from the old ones.
            (found.life, found.state, found.reusable) = (trailer.life, State::Sealed, false);
            found.entries = entries;
            return Ok(Some(found));
        }
        if is_fresh(shared, &found.file).await? {
            return Ok(Some(found));
        }
    }
    shared.health.count_error();
    tracing::error!(
        drive = shared.drive.name(),
        segment = no.0,
        "heads and footer are unreadable: left alone"
    );
    shared.health.call(found.file.close()).await?;
    Ok(None)
}

/// The head of the higher generation (S2).
async fn read_head(
    shared: &Shared,
    no: SegmentNo,
    file: &File,
) -> Result<Option<Head>, DriveError> {
    let mut best: Option<Head> = None;
    if file.len() < LEN_MIN {
        return Ok(None);
    }
    for at in [0, BLOCK_BYTES as u64] {
        let Some(block) = read_block(shared, file, at).await? else { continue };
        let ours = |head: &Head| {
            (head.no, head.len, head.drive) == (no, file.len(), shared.identity.drive)
        };
        if let Some(head) = Head::decode(&block).filter(ours)
            && best.is_none_or(|best| best.generation < head.generation)
        {
            best = Some(head);
        }
    }
    Ok(best)
}

/// The footer, if it is whole.
pub async fn read_footer(
    shared: &Shared,
    no: SegmentNo,
    file: &File,
) -> Result<Option<(Trailer, Vec<Entry>)>, DriveError> {
    let len = file.len();
    let Some(last) = read_block(shared, file, len - BLOCK_BYTES as u64).await? else {
        return Ok(None);
    };
    let Some(trailer) = Trailer::decode(&last).filter(|trailer| trailer.no == no) else {
        return Ok(None);
    };
    let bytes = footer_bytes(trailer.count);
    if bytes > len - FIRST_GROUP {
        return Ok(None);
    }
    let footer = match shared.health.read(file.read(len - bytes, Buf::dirty(bytes as usize))).await
    {
        Ok(footer) => footer,
        Err(error) => return soft(error).map(|()| None),
    };
    Ok(trailer.entries(&footer, len).map(|entries| (trailer, entries)))
}

/// All frames of `life` that lie in the file.
///
/// # Errors
/// What the disk said, but for unreadable places.
pub async fn scan(shared: &Shared, file: &File, life: u64) -> Result<Scanned, DriveError> {
    let len = file.len();
    let mut scan = Scan::new(life, len);
    let pieces = (FIRST_GROUP..len).step_by(PIECE as usize);
    let reads = pieces.map(|at| async move {
        let (bytes, whole) = read_piece(shared, file, at, PIECE.min(len - at) as usize).await?;
        Ok::<_, DriveError>((at, bytes, whole))
    });
    let mut reads = stream::iter(reads).buffered(DEPTH);
    let mut all_whole = true;
    while let Some((at, bytes, whole)) = reads.try_next().await? {
        scan.feed(at, &bytes);
        all_whole &= whole;
        tokio::task::yield_now().await;
    }
    let (entries, bad) = scan.finish();
    if bad > 0 || !all_whole {
        tracing::warn!(drive = shared.drive.name(), bad, all_whole, "stepped over damage");
    }
    Ok(Scanned { entries, whole: all_whole })
}

/// The bytes at `at`, with zeros for the blocks of it that cannot be read, and
/// whether all could.
async fn read_piece(
    shared: &Shared,
    file: &File,
    at: u64,
    len: usize,
) -> Result<(Buf, bool), DriveError> {
    match shared.health.read(file.read(at, Buf::dirty(len))).await {
        Ok(piece) => return Ok((piece, true)),
        Err(error) => soft(error)?,
    }
    let (mut piece, mut whole) = (Buf::zeroed(len), true);
    for from in (0..len).step_by(BLOCK_BYTES) {
        match read_block(shared, file, at + from as u64).await? {
            Some(block) => piece[from..from + BLOCK_BYTES].copy_from_slice(&block),
            None => whole = false,
        }
    }
    Ok((piece, whole))
}

/// One block; `None` if the medium does not give it.
async fn read_block(shared: &Shared, file: &File, at: u64) -> Result<Option<Buf>, DriveError> {
    match shared.health.read(file.read(at, Buf::dirty(BLOCK_BYTES))).await {
        Ok(block) => Ok(Some(block)),
        Err(error) => soft(error).map(|()| None),
    }
}

/// An unreadable place is stepped over; anything worse ends the recovery.
fn soft(error: DriveError) -> Result<(), DriveError> {
    use holdfast_io::disk::DiskErrorKind::Medium;
    match error {
        DriveError::Disk { source, .. } if source.kind == Medium => Ok(()),
        error => Err(error),
    }
}

async fn is_fresh(shared: &Shared, file: &File) -> Result<bool, DriveError> {
    match shared.health.read(file.read(0, Buf::dirty(FRESH))).await {
        Ok(bytes) => Ok(bytes.iter().all(|&byte| byte == 0)),
        Err(error) => soft(error).map(|()| false),
    }
}

/// Makes what was found durable, then says so in a footer (S3).
pub async fn seal(
    shared: &Shared,
    no: SegmentNo,
    life: u64,
    what: (&File, &[Entry]),
) -> Result<(), DriveError> {
    let (file, entries) = what;
    shared.health.sync(file.sync()).await?;
    let footer = encode_footer(no, life, entries);
    let at = file.len() - footer.len() as u64;
    if entries.iter().any(|entry| entry.at + entry.frame_bytes() as u64 > at) {
        return Ok(()); // Its space was kept free; where it was not, a scan will do again.
    }
    match shared.health.change(file.write(at, footer, Durability::Durable)).await {
        Ok(_) | Err(DriveError::Full { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

const _: () = assert!(PIECE as usize <= SHARD_BYTES_MAX && FRESH as u64 <= LEN_MIN);
const _: () = assert!(segment::FIRST_GROUP < LEN_MIN);
