//! The one task that writes the log: groups, votes, new segments.
//!
//! Owns everything below the shelf. Jobs that wait together become one group,
//! one durable write (L1, L3); a vote comes between two groups (L2).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use holdfast_base::limits::BLOCK_BYTES;
use holdfast_io::disk::{DiskErrorKind, Drive, Durability, File, FileName};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::error::LogStoreError;
use super::frame::{self, Head, Home, Kind, Position, Record};
use super::sector::{self, BLOCK_DATA};
use super::segment::{FRAMES_AT, Place, Segment, SegmentHead};
use super::{Done, LogConfig, NOTHING, Shared, vote_file};

/// The most bytes of one group. [bytes]
const GROUP_BYTES_MAX: usize = 4 << 20;

/// Segment files that are kept for later use.
const SPARES_MAX: usize = 2;

/// A log without work for so long says that all of it is durable (L6).
const IDLE: Duration = Duration::from_secs(1);

/// Between two attempts to make a segment on a full disk.
const FULL_PAUSE: Duration = Duration::from_millis(500);

type Answer = oneshot::Sender<Result<(), LogStoreError>>;

/// Something to write.
pub enum Job {
    /// Entries; `done` once they are durable.
    Append { records: Vec<Record>, done: Done },
    /// The vote.
    Vote { vote: Vec<u8>, done: Answer },
    /// Entries after `last` are void.
    Truncate { last: Option<Position>, done: Answer },
    /// Entries up to `through` are not needed.
    Purge { through: Position, done: Answer },
    /// The end.
    Close { done: Answer },
}

/// The segment files of a log, as they were found or are now.
#[derive(Debug, Default)]
pub struct Segments {
    /// In order; the last one is written to.
    pub live: VecDeque<Segment>,
    /// Where the next group goes in the last one; `None` where it takes no more.
    pub end: Option<u64>,
    /// Where the last one's frames end.
    pub previous_end: u64,
    /// Files to write over.
    pub spare: Vec<(FileName, File)>,
    /// The number in the name of the next file.
    pub next_file: u64,
    /// The number of the last frame.
    pub last_seq: u64,
    /// Entries up to it were purged.
    pub purged: Option<Position>,
}

/// See the module's header.
pub struct Writer {
    drive: Drive,
    config: LogConfig,
    shared: Arc<Shared>,
    segments: Segments,
    /// The next spare, being made.
    making: Option<Making>,
    /// The group that grows.
    group: Vec<u8>,
    placed: Vec<(Position, u64, u32, u64)>,
    waiting: Vec<Done>,
    /// The last group is one that no later one says is durable.
    is_unmarked: bool,
}

/// A segment file that is being made, and the number in its name; aborted when it is dropped.
struct Making(JoinHandle<Result<(u64, File), LogStoreError>>);

impl Drop for Making {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Writer {
    /// Takes over what was found, with room to write in.
    pub async fn start(
        drive: Drive,
        config: LogConfig,
        shared: Arc<Shared>,
        segments: Segments,
    ) -> Result<Self, LogStoreError> {
        let (group, placed, waiting) = (Vec::new(), Vec::new(), Vec::new());
        let mut writer = Self {
            drive,
            config,
            shared,
            segments,
            making: None,
            group,
            placed,
            waiting,
            is_unmarked: true,
        };
        writer.tally();
        if writer.segments.end.is_none() {
            writer.make().await?;
            writer.roll().await?;
        }
        Ok(writer)
    }

    /// Works until the last handle of the log is dropped, or it is closed.
    pub async fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        loop {
            let first = tokio::select! {
                biased;
                job = queue.recv() => match job {
                    Some(job) => job,
                    None => break,
                },
                () = self.config.clock.sleep(IDLE), if self.is_unmarked => {
                    match self.mark().await {
                        Ok(()) => continue,
                        Err(error) => return self.fail(error, VecDeque::new(), queue).await,
                    }
                }
            };
            let mut jobs = VecDeque::from([first]);
            let mut bytes = jobs.iter().map(Job::bytes).sum::<usize>();
            while bytes < GROUP_BYTES_MAX
                && let Ok(job) = queue.try_recv()
            {
                bytes += job.bytes();
                jobs.push_back(job);
            }
            match self.perform(&mut jobs).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return self.fail(error, jobs, queue).await,
            }
        }
        self.shared.shelf().failed.get_or_insert_with(|| "it was closed".into());
    }

    /// False at the end.
    async fn perform(&mut self, jobs: &mut VecDeque<Job>) -> Result<bool, LogStoreError> {
        while let Some(job) = jobs.pop_front() {
            match job {
                Job::Append { records, done } => {
                    self.append(records, done).await?;
                }
                Job::Vote { vote, done } => {
                    self.flush().await?;
                    let written = self.drive.replace(vote_file(), seal_vote(&vote)).await;
                    if written.is_ok() {
                        self.shared.shelf().vote = Some(vote);
                    }
                    self.answer(written.map_err(Into::into), done)?;
                }
                Job::Truncate { last, done } => {
                    let kind = if last.is_some() { Kind::Truncate } else { Kind::TruncateAll };
                    let added = self.add(kind, last.unwrap_or_default(), NOTHING).await;
                    let written = match added {
                        Ok(()) => self.flush().await,
                        Err(error) => Err(error),
                    };
                    self.answer(written, done)?;
                }
                Job::Purge { through, done } => {
                    let written = self.purge(through).await;
                    self.answer(written, done)?;
                }
                Job::Close { done } => {
                    let written = self.close().await;
                    self.answer(written, done)?;
                    return Ok(false);
                }
            }
        }
        self.flush().await?;
        Ok(true)
    }

    fn answer(&self, result: Result<(), LogStoreError>, done: Answer) -> Result<(), LogStoreError> {
        if let Err(error) = &result {
            self.shared.shelf().failed.get_or_insert_with(|| error.to_string());
        }
        let _ = done.send(result.clone());
        result
    }

    async fn append(&mut self, records: Vec<Record>, done: Done) -> Result<(), LogStoreError> {
        for record in records {
            if let Err(error) = self.add(record.kind, record.at, record.payload).await {
                done(Err(error.clone()));
                return Err(error);
            }
        }
        self.waiting.push(done);
        Ok(())
    }

    /// Adds a frame to the group; begins a new segment where this one is full.
    async fn add(&mut self, kind: Kind, at: Position, payload: Bytes) -> Result<(), LogStoreError> {
        let need = frame::frame_bytes(payload.len()) as u64;
        if need + FRAMES_AT > sector::capacity(self.config.first_segment_bytes) {
            return Err(LogStoreError::TooLarge { bytes: payload.len() });
        }
        if self.room() < need {
            self.flush().await?;
            self.make().await?;
            self.roll().await?;
        }
        let Some(offset) = self.segments.end.map(|end| end + self.group.len() as u64) else {
            return Err(LogStoreError::Failed { why: "there is no segment to write to".into() });
        };
        let durable = self.segments.last_seq - self.placed.len() as u64;
        self.segments.last_seq += 1;
        let seq = self.segments.last_seq;
        let head = Head { seq, durable, at, kind, len: payload.len() as u32 };
        let home = self.active()?.head.home;
        frame::put(&mut self.group, home, offset, &head, &payload);
        self.placed.push((at, offset, head.len, if kind.is_entry() { seq } else { 0 }));
        Ok(())
    }

    fn active(&self) -> Result<&Segment, LogStoreError> {
        let none = || LogStoreError::Failed { why: "there is no segment to write to".into() };
        self.segments.live.back().ok_or_else(none)
    }

    fn room(&self) -> u64 {
        let file = self.segments.live.back().map_or(0, |segment| segment.file.len());
        let len = sector::capacity(file);
        let end = self.segments.end.map_or(len, |end| end + self.group.len() as u64);
        len.saturating_sub(end)
    }

    /// Writes the group, durable, and tells those who wait for it.
    async fn flush(&mut self) -> Result<(), LogStoreError> {
        if !self.group.is_empty() {
            let segment = self.active()?.clone();
            let Some(end) = self.segments.end else {
                return Err(LogStoreError::Failed {
                    why: "there is no segment to write to".into(),
                });
            };
            let buf = sector::seal(&self.group, segment.head.home.life, end);
            let written = (self.group.len() as u64).next_multiple_of(BLOCK_DATA);
            let at = sector::block_of(end);
            if let Err(error) = segment.file.write(at, buf, Durability::Durable).await {
                let error = LogStoreError::from(error);
                for done in self.waiting.drain(..) {
                    done(Err(error.clone()));
                }
                return Err(error);
            }
            self.is_unmarked = true;
            self.segments.end = Some(end + written);
            self.segments.previous_end = end + written;
            self.group.clear();
            let mut shelf = self.shared.shelf();
            for (at, offset, len, seq) in self.placed.drain(..).filter(|(.., seq)| *seq > 0) {
                shelf.placed(at, Place { segment: segment.clone(), offset, len, seq });
            }
        }
        for done in self.waiting.drain(..) {
            done(Ok(()));
        }
        Ok(())
    }

    /// L5: the segments go once the frame that says so is durable.
    async fn purge(&mut self, through: Position) -> Result<(), LogStoreError> {
        self.flush().await?;
        let active = self.active()?.head.home.number;
        let oldest = self.shared.shelf().oldest_segment().unwrap_or(active).min(active);
        self.segments.purged = self.segments.purged.max(Some(through));
        let payload = Bytes::copy_from_slice(&oldest.to_le_bytes());
        self.add(Kind::Purge, through, payload).await?;
        self.flush().await?;
        while self.segments.live.len() > 1
            && self.segments.live.front().is_some_and(|segment| segment.head.home.number < oldest)
        {
            let Some(segment) = self.segments.live.pop_front() else { break };
            if self.segments.spare.len() < SPARES_MAX {
                self.segments.spare.push((segment.name, segment.file));
            } else {
                segment.file.close().await?;
                self.drive.remove(segment.name).await?;
            }
        }
        self.tally();
        Ok(())
    }

    /// Its mark says that all before it was durable.
    async fn close(&mut self) -> Result<(), LogStoreError> {
        self.flush().await?;
        self.mark().await
    }

    async fn mark(&mut self) -> Result<(), LogStoreError> {
        self.add(Kind::Mark, Position::default(), NOTHING).await?;
        self.flush().await?;
        self.is_unmarked = false;
        Ok(())
    }

    /// Begins the next segment in a spare file.
    async fn roll(&mut self) -> Result<(), LogStoreError> {
        let Some((name, file)) = self.segments.spare.pop() else {
            return Err(LogStoreError::Failed { why: "there is no file for a segment".into() });
        };
        let number = self.segments.live.back().map_or(1, |segment| segment.head.home.number + 1);
        let oldest = self.shared.shelf().oldest_segment();
        let first = self.segments.live.front().map_or(number, |segment| segment.head.home.number);
        let head = SegmentHead {
            home: Home { life: self.config.rng.next_u64(), number },
            first_seq: self.segments.last_seq + 1,
            previous_end: self.segments.previous_end,
            oldest: oldest.unwrap_or(first).min(first),
            purged: self.segments.purged,
        };
        file.write(0, head.encode(), Durability::Durable).await?;
        self.segments.live.push_back(Segment { name, file, head });
        self.segments.end = Some(FRAMES_AT);
        self.segments.previous_end = FRAMES_AT;
        if self.segments.spare.is_empty() && self.making.is_none() {
            self.making = Some(self.begin_making());
        }
        self.tally();
        Ok(())
    }

    /// Sees to it that there is a spare file.
    async fn make(&mut self) -> Result<(), LogStoreError> {
        if !self.segments.spare.is_empty() {
            return Ok(());
        }
        let mut making = match self.making.take() {
            Some(making) => making,
            None => self.begin_making(),
        };
        let made = (&mut making.0).await;
        let ended = |_| LogStoreError::Failed { why: "the segment's maker ended".into() };
        let (number, file) = made.map_err(ended)??;
        self.segments.next_file = self.segments.next_file.max(number + 1);
        self.segments.spare.push((file_name(number), file));
        Ok(())
    }

    fn begin_making(&mut self) -> Making {
        let mut files = self.segments.next_file;
        self.segments.next_file += 1;
        let len =
            if files <= 2 { self.config.first_segment_bytes } else { self.config.segment_bytes };
        let len = len.next_multiple_of(BLOCK_BYTES as u64);
        let (drive, shared) = (self.drive.clone(), self.shared.clone());
        let clock = self.config.clock.clone();
        Making(tokio::spawn(async move {
            loop {
                let made = drive.create(file_name(files), len).await;
                let kind = made.as_ref().err().map(|error| error.kind);
                shared.shelf().full = kind == Some(DiskErrorKind::Full);
                match kind {
                    Some(DiskErrorKind::Full) => clock.sleep(FULL_PAUSE).await,
                    // The log was closed while it made this file, the disk finished it all the
                    // same (`Disk::submit`), and we were opened meanwhile. The next opening
                    // finds it and takes it for a spare.
                    Some(DiskErrorKind::Exists) => files += 1,
                    _ => return Ok((files, made?)),
                }
            }
        }))
    }

    fn tally(&self) {
        let live = self.segments.live.iter().map(|segment| segment.file.len()).sum::<u64>();
        let spare = self.segments.spare.iter().map(|(_, file)| file.len()).sum::<u64>();
        self.shared.shelf().file_bytes = live + spare;
    }

    /// Answers everything with the error, from now on.
    async fn fail(
        mut self,
        error: LogStoreError,
        jobs: VecDeque<Job>,
        mut queue: mpsc::Receiver<Job>,
    ) {
        tracing::error!(log = self.drive.name(), %error, "the metadata log stops");
        self.shared.shelf().failed.get_or_insert_with(|| error.to_string());
        for done in self.waiting.drain(..) {
            done(Err(error.clone()));
        }
        for job in jobs {
            job.refuse(&error);
        }
        while let Some(job) = queue.recv().await {
            job.refuse(&error);
        }
    }
}

impl Job {
    fn bytes(&self) -> usize {
        match self {
            Job::Append { records, .. } => {
                records.iter().map(|record| frame::frame_bytes(record.payload.len())).sum()
            }
            Job::Vote { .. } | Job::Truncate { .. } | Job::Purge { .. } | Job::Close { .. } => 0,
        }
    }

    fn refuse(self, error: &LogStoreError) {
        match self {
            Job::Append { done, .. } => done(Err(error.clone())),
            Job::Vote { done, .. }
            | Job::Truncate { done, .. }
            | Job::Purge { done, .. }
            | Job::Close { done } => {
                let _ = done.send(Err(error.clone()));
            }
        }
    }
}

/// The name of segment file number `file`.
pub fn file_name(file: u64) -> FileName {
    FileName::new(&format!("log-{file:08}")).expect("letters, a dash and digits")
}

/// The vote's file: crc32, then the vote.
fn seal_vote(vote: &[u8]) -> Vec<u8> {
    let crc = holdfast_base::checksum::crc32(&[b"hfvote1", vote]);
    [&crc.to_le_bytes()[..], vote].concat()
}

/// The inverse of [`seal_vote`]; `None` for anything else.
pub fn open_vote(bytes: &[u8]) -> Option<Vec<u8>> {
    let (crc, vote) = bytes.split_at_checked(4)?;
    let good = u32::from_le_bytes(crc.try_into().ok()?)
        == holdfast_base::checksum::crc32(&[b"hfvote1", vote]);
    good.then(|| vote.to_vec())
}
