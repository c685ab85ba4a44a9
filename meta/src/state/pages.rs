//! Verified pages below the ordered store: every page read was checked against
//! the checksum of what was last written there.
//!
//! The ordered store keeps checksums of its own, but looks at them only when it
//! repairs. So the file below it is laid out like this:
//!
//! ```text
//! file    | head 0 | head 1 | group 0 | group 1 | ...          heads 8 KiB each
//! head    magic u32 | crc32 u32 | generation u64 | length u64 | zeros to 4096 | page 0
//! group   | table 0 | table 1 | page 0 | page 1 | ... | page 1019 |      4 KiB each
//! table   magic u32 | crc32 u32 | generation u64 | crc32 of page 0 .. 1019, u32 each
//! ```
//!
//! A sync writes the tables of groups that changed, and the head, each over the
//! older of its two copies, with the generation of this sync, and makes them
//! durable together with the pages. Page 0, which the store writes in place,
//! lives in the head alone (and in memory): its place in group 0 stays empty.
//!
//! Invariants
//! - P1: a page that was durable at the last sync and not written since verifies
//!   after any power cut: the older copy of its table is whole, the newer one is
//!   whole or is seen not to be, and both have this page's checksum.
//! - P2: a page written since the last sync may not verify after a power cut. The
//!   ordered store copies on write, commits in two phases and goes back to its
//!   last durable root, so that it does not read such a page before it writes it anew.
//! - P3: page 0 and the store's length are those of one sync: the last, or, cut
//!   off in it, the one before.
//!
//! - P4: the older of two copies is used only where the newer one is torn, not where its
//!   read erred once: its checksums are of pages that were written anew since.
//!
//! An entry of 0 stands for a page of zeros that was never written; a checksum
//! that comes out as 0 is written as 1.
//!
//! Not here: when to sync (`store`).

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use holdfast_base::checksum::crc32;
use holdfast_io::disk::{BlockingFile, DiskError};

/// The unit of checking. [bytes]
const PAGE: usize = 4096;

/// Pages of one group.
const GROUP_PAGES: u64 = ((PAGE - TABLE_HEAD) / 4) as u64;

const TABLE_HEAD: usize = 16;
const TABLE_MAGIC: u32 = u32::from_le_bytes(*b"hfpt");
const HEAD_MAGIC: u32 = u32::from_le_bytes(*b"hfph");
/// Attempts to read a copy of a head or table.
const READ_TRIES: usize = 8;
const HEAD_BYTES: usize = 2 * PAGE;

/// Where the groups begin. [bytes]
const GROUPS_AT: u64 = 2 * HEAD_BYTES as u64;

/// A file of verified pages; see the module's header.
#[derive(Debug)]
pub struct Pages {
    file: Arc<dyn BlockingFile>,
    /// Guards what is known of the file; not held while pages are read or
    /// written: the store does not read a page while it writes it.
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    /// The length that the store sees. [bytes]
    len: u64,
    /// Page 0.
    first: Vec<u8>,
    /// The copy of the head with the newer generation.
    newer: usize,
    generation: u64,
    groups: Vec<Group>,
    dirty: BTreeSet<usize>,
}

#[derive(Debug)]
struct Group {
    crcs: Vec<u32>,
    /// The copy with the newer table; the next sync writes the other one.
    newer: usize,
}

impl Group {
    fn empty() -> Self {
        Self { crcs: vec![0; GROUP_PAGES as usize], newer: 1 }
    }
}

impl Pages {
    /// Opens what `file` holds; an empty file is an empty store.
    ///
    /// # Errors
    /// The disk, or a head or a group of which neither copy verifies.
    pub fn open(file: Arc<dyn BlockingFile>) -> io::Result<Self> {
        let mut known = if file.len().map_err(disk)? == 0 {
            let (first, groups) = (vec![0; PAGE], Vec::new());
            Known { len: 0, first, newer: 1, generation: 0, groups, dirty: BTreeSet::new() }
        } else {
            read_head(file.as_ref())?
        };
        for group in 0..known.len.div_ceil(GROUP_PAGES * PAGE as u64) {
            known.groups.push(read_group(file.as_ref(), group)?);
        }
        Ok(Self { file, known: Mutex::new(known) })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_pages(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        let end = at.saturating_add(out.len() as u64);
        {
            let known = self.known();
            if end > known.len {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a read past the end"));
            }
            if end <= PAGE as u64 {
                out.copy_from_slice(&known.first[at as usize..end as usize]);
                return Ok(());
            }
        }
        whole(at, out.len())?;
        for (physical, range) in runs(at, out.len()) {
            self.file.read(physical, &mut out[range]).map_err(disk)?;
        }
        let known = self.known();
        for (page, bytes) in (at / PAGE as u64..).zip(out.chunks_mut(PAGE)) {
            known.check(page, bytes)?;
        }
        Ok(())
    }

    fn write_pages(&self, at: u64, data: &[u8]) -> io::Result<()> {
        let end = at.saturating_add(data.len() as u64);
        {
            let mut known = self.known();
            known.grow(end);
            if end <= PAGE as u64 {
                known.first[at as usize..end as usize].copy_from_slice(data);
                return Ok(());
            }
        }
        whole(at, data.len())?;
        for (physical, range) in runs(at, data.len()) {
            self.file.write(physical, &data[range]).map_err(disk)?;
        }
        let mut known = self.known();
        for (page, bytes) in (at / PAGE as u64..).zip(data.chunks(PAGE)) {
            known.note(page, bytes);
        }
        Ok(())
    }

    fn sync_pages(&self) -> io::Result<()> {
        let mut known = self.known();
        known.generation += 1;
        let (generation, dirty) = (known.generation, std::mem::take(&mut known.dirty));
        for group in dirty {
            if let Some(table) = known.groups.get_mut(group) {
                table.newer ^= 1;
                let at = group_at(group as u64) + (table.newer * PAGE) as u64;
                self.file.write(at, &encode_table(generation, &table.crcs)).map_err(disk)?;
            }
        }
        known.newer ^= 1;
        let head = encode_head(&known);
        self.file.write((known.newer * HEAD_BYTES) as u64, &head).map_err(disk)?;
        self.file.sync().map_err(disk)?;
        // A shorter file, once nothing durable needs the longer one.
        let needed = physical_len(known.len);
        if self.file.len().map_err(disk)? > needed {
            self.file.set_len(needed).map_err(disk)?;
        }
        Ok(())
    }

    fn set_pages(&self, len: u64) -> io::Result<()> {
        if self.file.len().map_err(disk)? < physical_len(len) {
            self.file.set_len(physical_len(len)).map_err(disk)?;
        }
        let mut known = self.known();
        if len < known.len {
            known.shrink(len);
        }
        known.grow(len);
        Ok(())
    }
}

/// The file's length for a store of `len` bytes.
fn physical_len(len: u64) -> u64 {
    GROUPS_AT + len + len.div_ceil(GROUP_PAGES * PAGE as u64) * 2 * PAGE as u64
}

fn whole(at: u64, len: usize) -> io::Result<()> {
    if at.is_multiple_of(PAGE as u64) && len.is_multiple_of(PAGE) && at > 0 {
        return Ok(());
    }
    Err(io::Error::other(format!("{len} bytes at {at} are not whole pages")))
}

impl Known {
    fn slot(page: u64) -> (usize, usize) {
        ((page / GROUP_PAGES) as usize, (page % GROUP_PAGES) as usize)
    }

    fn check(&self, page: u64, bytes: &mut [u8]) -> io::Result<()> {
        let (group, slot) = Self::slot(page);
        let expected = self.groups.get(group).map_or(0, |group| group.crcs[slot]);
        if expected == 0 {
            bytes.fill(0); // Never written: whatever an earlier, longer file left there.
            return Ok(());
        }
        if sum(bytes) == expected {
            return Ok(());
        }
        let why = format!("page {page} of the store is not what was written: its checksum differs");
        Err(io::Error::new(io::ErrorKind::InvalidData, why))
    }

    fn note(&mut self, page: u64, bytes: &[u8]) {
        let (group, slot) = Self::slot(page);
        if let Some(table) = self.groups.get_mut(group) {
            table.crcs[slot] = sum(bytes);
            self.dirty.insert(group);
        }
    }

    fn grow(&mut self, len: u64) {
        self.len = self.len.max(len);
        let groups = self.len.div_ceil(GROUP_PAGES * PAGE as u64) as usize;
        while self.groups.len() < groups {
            self.dirty.insert(self.groups.len());
            self.groups.push(Group::empty());
        }
    }

    /// The file itself stays as long as it was until the next sync (P3).
    fn shrink(&mut self, len: u64) {
        self.len = len;
        self.groups.truncate(len.div_ceil(GROUP_PAGES * PAGE as u64) as usize);
        let (group, slot) = Self::slot(len.div_ceil(PAGE as u64));
        if let Some(table) = self.groups.get_mut(group) {
            table.crcs[slot..].fill(0);
            self.dirty.insert(group);
        }
    }
}

fn sum(bytes: &[u8]) -> u32 {
    crc32(&[bytes]).max(1)
}

fn group_at(group: u64) -> u64 {
    GROUPS_AT + group * (GROUP_PAGES + 2) * PAGE as u64
}

fn seal(mut bytes: Vec<u8>, magic: u32) -> Vec<u8> {
    bytes[..4].copy_from_slice(&magic.to_le_bytes());
    let crc = crc32(&[&bytes[8..]]);
    bytes[4..8].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn is_sealed(bytes: &[u8], magic: u32) -> bool {
    word(bytes, 0) == Some(magic) && word(bytes, 4) == Some(crc32(&[&bytes[8..]]))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

fn encode_table(generation: u64, crcs: &[u32]) -> Vec<u8> {
    let mut table = vec![0; TABLE_HEAD];
    table[8..TABLE_HEAD].copy_from_slice(&generation.to_le_bytes());
    table.extend(crcs.iter().flat_map(|crc| crc.to_le_bytes()));
    table.resize(PAGE, 0);
    seal(table, TABLE_MAGIC)
}

fn encode_head(known: &Known) -> Vec<u8> {
    let mut head = vec![0; PAGE];
    head[8..16].copy_from_slice(&known.generation.to_le_bytes());
    head[16..24].copy_from_slice(&known.len.to_le_bytes());
    head.extend_from_slice(&known.first);
    seal(head, HEAD_MAGIC)
}

/// The newer whole one of two copies at `at`, and which it is; else, whether
/// both are nothing but zeros.
#[allow(clippy::type_complexity, reason = "said above")]
fn newer_of(
    file: &dyn BlockingFile,
    at: u64,
    shape: (usize, u32),
) -> io::Result<(Option<(Vec<u8>, usize)>, bool)> {
    let (len, magic) = shape;
    let mut best: Option<(u64, Vec<u8>, usize)> = None;
    let (mut blank, mut trouble) = (true, None);
    for copy in 0..2 {
        let mut bytes = vec![0; len];
        if let Err(error) = read_again(file, at + (copy * len) as u64, &mut bytes) {
            (blank, trouble) = (false, Some(error));
            continue;
        }
        blank &= bytes.iter().all(|&byte| byte == 0);
        let generation = long(&bytes, 8).filter(|_| is_sealed(&bytes, magic));
        if let Some(generation) = generation
            && best.as_ref().is_none_or(|(best, ..)| generation > *best)
        {
            best = Some((generation, bytes, copy));
        }
    }
    match (best, trouble) {
        (Some((_, bytes, copy)), _) => Ok((Some((bytes, copy)), false)),
        (None, Some(error)) => Err(disk(error)),
        (None, None) => Ok((None, blank)),
    }
}

/// Reads, more than once where it errs: a copy that a power cut has torn stays unreadable,
/// and an error that passes must not give way to the older copy.
fn read_again(file: &dyn BlockingFile, at: u64, into: &mut [u8]) -> Result<(), DiskError> {
    let mut tries = 1;
    loop {
        match file.read(at, into) {
            Err(_) if tries < READ_TRIES => tries += 1,
            done => return done,
        }
    }
}

fn read_head(file: &dyn BlockingFile) -> io::Result<Known> {
    let damaged =
        || io::Error::new(io::ErrorKind::InvalidData, "both heads of the store are damaged");
    let (found, _) = newer_of(file, 0, (HEAD_BYTES, HEAD_MAGIC))?;
    let (head, newer) = found.ok_or_else(damaged)?;
    let generation = long(&head, 8).ok_or_else(damaged)?;
    let len = long(&head, 16).ok_or_else(damaged)?;
    let (first, groups) = (head[PAGE..].to_vec(), Vec::new());
    Ok(Known { len, first, newer, generation, groups, dirty: BTreeSet::new() })
}

/// The newer whole table of a group (P1). A group whose tables are both zeros
/// was never synced: nothing in it can be read yet.
fn read_group(file: &dyn BlockingFile, group: u64) -> io::Result<Group> {
    let (found, blank) = newer_of(file, group_at(group), (PAGE, TABLE_MAGIC))?;
    match found {
        Some((table, newer)) => {
            let slots =
                (0..GROUP_PAGES as usize).filter_map(|slot| word(&table, TABLE_HEAD + slot * 4));
            Ok(Group { crcs: slots.collect(), newer })
        }
        None if blank => Ok(Group::empty()),
        None => {
            let why = format!("both checksum tables of group {group} of the store are damaged");
            Err(io::Error::new(io::ErrorKind::InvalidData, why))
        }
    }
}

/// Where `len` bytes at `at` lie in the file: runs within groups, and their ranges in the buffer.
fn runs(at: u64, len: usize) -> impl Iterator<Item = (u64, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done == len {
            return None;
        }
        let here = at + done as u64;
        let group_bytes = GROUP_PAGES * PAGE as u64;
        let (group, offset) = (here / group_bytes, here % group_bytes);
        let take = (group_bytes - offset).min((len - done) as u64) as usize;
        let range = done..done + take;
        done += take;
        Some((group_at(group) + 2 * PAGE as u64 + offset, range))
    })
}

fn disk(error: DiskError) -> io::Error {
    // The store keeps the words only: they must tell a full disk from a broken one.
    io::Error::new(error.source.kind(), format!("{error}: {}", error.source))
}

impl redb::StorageBackend for Pages {
    fn len(&self) -> io::Result<u64> {
        Ok(self.known().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.read_pages(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.set_pages(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync_pages()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.write_pages(offset, data)
    }
}
