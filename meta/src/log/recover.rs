//! Opening a log: which segments are its own, where it ends, what is in it.
//!
//! The newest segment is read first: its header and its purge frames say which
//! segments are needed, and its tail is judged by L4. The others are sealed: the
//! header after them says where they end, and everything before that must verify.

use std::collections::BTreeMap;

use holdfast_base::limits::BLOCK_BYTES;
use holdfast_io::disk::{Buf, DiskErrorKind, Drive, File, FileName};

use super::error::LogStoreError;
use super::frame::{self, FRAME_HEAD, Head, Home, Kind};
use super::sector::{self, BLOCK_DATA, Sector};
use super::segment::{FORMAT, FRAMES_AT, FirstBlock, Place, Segment, SegmentHead};
use super::shelf::Shelf;
use super::vote_file;
use super::writer::{Segments, open_vote};

/// Bytes of one read of a segment.
const READ_BYTES: u64 = 1 << 20;

/// What a disk holds.
pub struct Recovered {
    /// The entries.
    pub shelf: Shelf,
    /// The files.
    pub segments: Segments,
}

/// A frame that was found, and its payload if that matters now.
struct FrameAt {
    head: Head,
    offset: u64,
    oldest: Option<u64>,
}

/// The frames of one segment.
#[derive(Default)]
struct Frames {
    frames: Vec<FrameAt>,
    /// Where they end.
    end: u64,
    /// Nothing behind the end could be taken for a frame later.
    clean: bool,
}

/// Reads everything that `drive` holds of a log.
pub async fn recover(drive: &Drive) -> Result<Recovered, LogStoreError> {
    let files = Files::open(drive).await?;
    let mut shelf = Shelf::default();
    shelf.vote = load_vote(drive).await?;
    let mut segments = Segments { next_file: files.next_file, ..Segments::default() };
    let Some((_, newest)) = files.heads.last_key_value() else {
        files.check_strangers(0).await?;
        segments.spare = files.others;
        return Ok(Recovered { shelf, segments });
    };
    let newest = newest.clone();
    let last = read_newest(&newest).await?;
    // What an earlier process wrote and did not live to see durable counts from now on.
    newest.file.sync().await?;
    files.check_strangers(newest.head.home.number).await?;
    let oldest = last.frames.iter().filter_map(|frame| frame.oldest).max();
    let oldest = oldest.unwrap_or(0).max(newest.head.oldest);
    let mut all = Vec::new();
    let mut sealed = None;
    for number in oldest..newest.head.home.number {
        let (segment, after) = (files.need(number)?, files.need(number + 1)?);
        let frames = read_sealed(&segment, &after.head).await?;
        sealed.get_or_insert(segment.head);
        all.push((segment, frames));
    }
    shelf.purged = sealed.unwrap_or(newest.head).purged.max(newest.head.purged);
    let (end, clean) = (last.end, last.clean);
    segments.last_seq = newest.head.first_seq + last.frames.len() as u64 - 1;
    all.push((newest, last));
    // The segments of purged entries may be gone: the last purge counts from the first frame on.
    for frame in all.iter().flat_map(|(_, frames)| &frames.frames) {
        if frame.head.kind == Kind::Purge {
            shelf.purge(frame.head.at);
        }
    }
    for (segment, frames) in &all {
        for frame in &frames.frames {
            replay(&mut shelf, segment, frame)?;
        }
    }
    segments.purged = shelf.purged;
    segments.live = all.into_iter().map(|(segment, _)| segment).collect();
    segments.previous_end = end;
    segments.end = clean.then_some(end);
    segments.spare = files.others;
    for (number, segment) in files.heads {
        if number < oldest {
            segments.spare.push((segment.name, segment.file));
        }
    }
    Ok(Recovered { shelf, segments })
}

async fn load_vote(drive: &Drive) -> Result<Option<Vec<u8>>, LogStoreError> {
    match drive.load(vote_file()).await {
        Ok(bytes) => match open_vote(&bytes) {
            Some(vote) => {
                // Read, so it will be acted upon: durable from now on, whoever wrote it.
                drive.replace(vote_file(), bytes).await?;
                Ok(Some(vote))
            }
            None => {
                let why = "the vote does not verify".to_owned();
                Err(LogStoreError::Rot { file: vote_file().to_string(), at: 0, why })
            }
        },
        Err(error) if error.kind == DiskErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Changes the shelf as the frame once did.
fn replay(shelf: &mut Shelf, segment: &Segment, frame: &FrameAt) -> Result<(), LogStoreError> {
    let head = &frame.head;
    match head.kind {
        Kind::Blank | Kind::Normal | Kind::Membership => {
            if shelf.purged.is_some_and(|purged| head.at.index <= purged.index) {
                return Ok(());
            }
            let last = shelf.last();
            if last.is_some_and(|last| last.index + 1 != head.at.index) {
                let why = format!("entry {:?} does not follow {last:?}", head.at);
                return Err(rot(segment, frame.offset, why));
            }
            let (segment, offset) = (segment.clone(), frame.offset);
            shelf.push_found(head.at, Place { segment, offset, len: head.len, seq: head.seq });
        }
        Kind::Truncate => shelf.truncate_after(Some(head.at)),
        Kind::TruncateAll => shelf.truncate_after(None),
        Kind::Purge | Kind::Mark => {}
    }
    Ok(())
}

fn rot(segment: &Segment, at: u64, why: String) -> LogStoreError {
    LogStoreError::Rot { file: segment.name.to_string(), at, why }
}

/// The segment files of a drive.
struct Files {
    heads: BTreeMap<u64, Segment>,
    /// Without a header: blank, or with one that does not verify.
    others: Vec<(FileName, File)>,
    bad: Vec<(FileName, File)>,
    next_file: u64,
}

impl Files {
    async fn open(drive: &Drive) -> Result<Self, LogStoreError> {
        let (heads, others, bad) = (BTreeMap::new(), Vec::new(), Vec::new());
        let mut files = Self { heads, others, bad, next_file: 1 };
        for (name, _) in drive.list().await? {
            let Some(number) =
                name.as_str().strip_prefix("log-").and_then(|n| n.parse::<u64>().ok())
            else {
                continue;
            };
            files.next_file = files.next_file.max(number.saturating_add(1));
            files.take(name.clone(), drive.open(name).await?).await?;
        }
        Ok(files)
    }

    async fn take(&mut self, name: FileName, file: File) -> Result<(), LogStoreError> {
        let block = match file.read(0, Buf::dirty(BLOCK_BYTES)).await {
            Ok(block) => SegmentHead::decode(&block),
            Err(error) if error.kind == DiskErrorKind::Medium => FirstBlock::Bad,
            Err(error) => return Err(error.into()),
        };
        match block {
            FirstBlock::Head(head) => {
                let number = head.home.number;
                let segment = Segment { name, file, head };
                if let Some(twin) = self.heads.insert(number, segment) {
                    return Err(rot(&twin, 0, format!("two files hold segment {number}")));
                }
            }
            FirstBlock::Blank => self.others.push((name, file)),
            FirstBlock::Bad => {
                self.bad.push((name.clone(), file.clone()));
                self.others.push((name, file));
            }
            FirstBlock::Format(found) => {
                return Err(LogStoreError::Format { file: name.to_string(), found, known: FORMAT });
            }
        }
        Ok(())
    }

    fn need(&self, number: u64) -> Result<Segment, LogStoreError> {
        self.heads.get(&number).cloned().ok_or_else(|| LogStoreError::Rot {
            file: format!("segment {number}"),
            at: 0,
            why: "no file holds it".into(),
        })
    }

    /// A header that does not verify was cut off in its making, unless frames of
    /// a segment after `newest` follow it: those were written after it was durable.
    async fn check_strangers(&self, newest: u64) -> Result<(), LogStoreError> {
        for (name, file) in &self.bad {
            let bytes = sector::unseal(&read_all(file).await?.bytes);
            let blocks = bytes.chunks(BLOCK_DATA as usize);
            for (block, at) in blocks.zip((FRAMES_AT..).step_by(BLOCK_DATA as usize)) {
                let long =
                    |at: usize| block.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
                let (Some(life), Some(number)) = (long(8), long(16)) else { continue };
                let from = (at - FRAMES_AT) as usize;
                let home = Home { life, number };
                if number > newest && frame::get(&bytes[from..], home, at).is_some() {
                    let why = format!("the header of segment {number} does not verify");
                    return Err(LogStoreError::Rot { file: name.to_string(), at: 0, why });
                }
            }
        }
        Ok(())
    }
}

/// What a file holds behind its header.
struct Blocks {
    /// Unreadable blocks are zeros here.
    bytes: Vec<u8>,
    /// The numbers of unreadable blocks, from 0.
    unreadable: Vec<usize>,
}

async fn read_all(file: &File) -> Result<Blocks, LogStoreError> {
    let mut blocks = Blocks { bytes: Vec::new(), unreadable: Vec::new() };
    let mut at = BLOCK_BYTES as u64;
    while at < file.len() {
        let take = READ_BYTES.min(file.len() - at);
        match file.read(at, Buf::dirty(take as usize)).await {
            Ok(buf) => blocks.bytes.extend_from_slice(&buf),
            Err(error) if error.kind == DiskErrorKind::Medium => {
                for block in (at..at + take).step_by(BLOCK_BYTES) {
                    match file.read(block, Buf::dirty(BLOCK_BYTES)).await {
                        Ok(buf) => blocks.bytes.extend_from_slice(&buf),
                        Err(error) if error.kind == DiskErrorKind::Medium => {
                            blocks.unreadable.push(blocks.bytes.len() / BLOCK_BYTES);
                            blocks.bytes.resize(blocks.bytes.len() + BLOCK_BYTES, 0);
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            Err(error) => return Err(error.into()),
        }
        at += take;
    }
    Ok(blocks)
}

impl Blocks {
    /// What each sector is in the life `life`.
    fn judge(&self, life: u64) -> Vec<Sector> {
        let mut sectors = sector::judge(&self.bytes, life, FRAMES_AT);
        let per_block = sector::number_of(BLOCK_DATA);
        for block in &self.unreadable {
            sectors[block * per_block..(block + 1) * per_block].fill(Sector::Unreadable);
        }
        sectors
    }
}

/// The next frame at or after `at` in a segment's `bytes` (which begin at `FRAMES_AT`).
fn next_frame(bytes: &[u8], home: Home, at: u64) -> Option<(FrameAt, u64)> {
    let parse = |at: u64| {
        let (head, payload) = frame::get(bytes.get((at - FRAMES_AT) as usize..)?, home, at)?;
        let oldest = match head.kind {
            Kind::Purge => payload.try_into().ok().map(u64::from_le_bytes),
            _ => None,
        };
        let after = at + frame::frame_bytes(payload.len()) as u64;
        Some((FrameAt { head, offset: at, oldest }, after))
    };
    parse(at).or_else(|| {
        // The group ended: the next one begins with a block.
        let block = at.next_multiple_of(BLOCK_DATA);
        if block == at { None } else { parse(block) }
    })
}

/// L4 for a sealed segment: all of it must verify.
async fn read_sealed(segment: &Segment, after: &SegmentHead) -> Result<Frames, LogStoreError> {
    let blocks = read_all(&segment.file).await?;
    let (bytes, whole) = (sector::unseal(&blocks.bytes), blocks.unreadable.is_empty());
    let (mut frames, mut at) = (Frames::default(), FRAMES_AT);
    let mut seq = segment.head.first_seq;
    while seq < after.first_seq {
        let found = next_frame(&bytes, segment.head.home, at)
            .filter(|(frame, end)| frame.head.seq == seq && *end <= after.previous_end);
        let Some((frame, end)) = found else {
            let why = format!("frame {seq} of {} does not verify", after.first_seq - 1);
            let why = if whole { why } else { format!("{why}; there are unreadable blocks") };
            return Err(rot(segment, at, why));
        };
        frames.frames.push(frame);
        (seq, at) = (seq + 1, end);
    }
    frames.end = after.previous_end;
    Ok(frames)
}

/// L4 for the newest segment: its tail may be torn.
async fn read_newest(segment: &Segment) -> Result<Frames, LogStoreError> {
    let blocks = read_all(&segment.file).await?;
    let bytes = sector::unseal(&blocks.bytes);
    let home = segment.head.home;
    let clean = blocks.unreadable.is_empty();
    let (mut frames, mut at) = (Frames { clean, ..Frames::default() }, FRAMES_AT);
    let mut seq = segment.head.first_seq;
    while let Some((frame, end)) = next_frame(&bytes, home, at).filter(|(f, _)| f.head.seq == seq) {
        frames.frames.push(frame);
        (seq, at) = (seq + 1, end);
    }
    frames.end = at.next_multiple_of(BLOCK_DATA);
    frames.clean &= check_tail(segment, at, &blocks.judge(home.life))?;
    // Anything of this life behind it? Frames lie at multiples of 8.
    let from = (at - FRAMES_AT) as usize;
    for offset in (from..bytes.len().saturating_sub(FRAME_HEAD)).step_by(8) {
        let here = FRAMES_AT + offset as u64;
        let Some((head, _)) = frame::get(&bytes[offset..], home, here) else { continue };
        if head.durable >= seq {
            let why =
                format!("frame {seq} does not verify, and frame {} says it was durable", head.seq);
            return Err(rot(segment, at, why));
        }
        frames.clean = false;
    }
    Ok(frames)
}

/// Whether nothing of this life lies behind the last frame, which ends at `at`; an error if
/// something does that a power cut cannot have left.
fn check_tail(segment: &Segment, at: u64, sectors: &[Sector]) -> Result<bool, LogStoreError> {
    let per_block = sector::number_of(BLOCK_DATA);
    let from = sector::number_of(at - FRAMES_AT);
    let next_block = sector::number_of(at.next_multiple_of(BLOCK_DATA) - FRAMES_AT);
    let tail = || sectors.iter().enumerate().skip(from);
    // What was written reaches to the last sector of this life, and to the end of its block.
    let last =
        tail().filter(|(_, sector)| **sector == Sector::Ours).map(|(number, _)| number).next_back();
    let end = (last.unwrap_or(from) / per_block + 1) * per_block;
    match tail().take_while(|(number, _)| *number < end).find(|(_, one)| **one == Sector::Broken) {
        Some((number, _)) => {
            let why = format!("sector {number} was written, and is not what was written");
            Err(rot(segment, at, why))
        }
        None => Ok(last.is_none_or(|last| last < next_block)),
    }
}
