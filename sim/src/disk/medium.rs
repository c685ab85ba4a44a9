//! The simulated medium: a directory of [`Image`]s, and what each operation
//! does to it, in two steps.
//!
//! ```text
//! begin(op)   what reads see changes; a power cut may still undo it
//! finish(..)  what the contract calls durable is settled; then the caller is answered
//! ```
//!
//! Not here: time, seeds and power (`super`), bytes (`image`).

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, ErrorKind};

use bytes::Bytes;
use holdfast_base::limits::BLOCK_BYTES;
use holdfast_io::disk::{
    Buf, DiskError, DiskErrorKind, Done, Durability, FileId, FileName, Op, OpKind, Space,
};
use holdfast_io::rng::SeededRng;

use super::Fault;
use super::image::{Change, Image, Mark};

const BLOCK: u64 = BLOCK_BYTES as u64;
const SMALL_FILE_BYTES_MAX: u64 = 1 << 20;

/// What was done to a disk from outside; see [`super::SimDisk::damage`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Damage {
    /// None.
    #[default]
    Sound,
    /// Every name is gone; open files still work, as they do under a real kernel.
    Emptied,
    /// Another, empty directory is at the path; open files still work.
    Replaced,
    /// Reads work, changes err.
    ReadOnly,
    /// Everything errs.
    Dead,
}

/// Files by name. Durable ones are what a power cut leaves.
#[derive(Debug)]
pub(super) struct Medium {
    disk: String,
    names: BTreeMap<FileName, u64>,
    durable_names: BTreeMap<FileName, u64>,
    /// Changes of names that are not durable yet, in order.
    pending_names: Vec<(u64, FileName, Option<u64>)>,
    inodes: BTreeMap<u64, Inode>,
    open: BTreeMap<FileId, OpenFile>,
    /// For inodes, file ids and pending names.
    next: u64,
    pub(super) capacity: u64,
    pub(super) damage: Damage,
}

#[derive(Debug)]
struct Inode {
    image: Image,
    /// Punched blocks: they take no space.
    holes: BTreeSet<u64>,
}

#[derive(Debug)]
struct OpenFile {
    name: FileName,
    inode: u64,
    /// D6.
    fenced: bool,
    /// We removed or replaced its name ourselves.
    unnamed: bool,
}

/// What `begin` leaves for `finish`.
#[derive(Debug)]
pub(super) struct Begun {
    answer: Result<Done, Refusal>,
    settle: Settle,
}

/// An error without the words.
type Refusal = (DiskErrorKind, Error);

#[derive(Debug)]
enum Settle {
    Nothing,
    Name(u64),
    Write(FileId, Mark),
    Sync(FileId, Mark),
}

/// The faults of one operation, and the randomness to carry them out.
pub(super) struct Strike<'a> {
    pub(super) faults: &'a [Fault],
    pub(super) rng: &'a SeededRng,
    /// Those that really happened.
    pub(super) happened: Vec<Fault>,
}

impl Strike<'_> {
    fn is(&mut self, fault: Fault) -> bool {
        let strikes = self.faults.contains(&fault);
        if strikes && !self.happened.contains(&fault) {
            self.happened.push(fault);
        }
        strikes
    }

    fn refused(&mut self) -> Result<(), Refusal> {
        if self.is(Fault::Eio) { Err(medium_error()) } else { Ok(()) }
    }

    fn full(&mut self) -> Result<(), Refusal> {
        if self.is(Fault::Full) { Err(full()) } else { Ok(()) }
    }

    /// Whether an operation that errs with EIO, if it does, happens nevertheless.
    fn happens(&mut self) -> bool {
        !self.is(Fault::Eio) || self.rng.one_in(2)
    }

    fn block_below(&self, len: u64) -> u64 {
        self.rng.below(len.div_ceil(BLOCK)) * BLOCK
    }
}

impl Medium {
    /// An empty directory.
    pub(super) fn new(disk: String) -> Self {
        Self {
            disk,
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            pending_names: Vec::new(),
            inodes: BTreeMap::new(),
            open: BTreeMap::new(),
            next: 0,
            capacity: 1 << 40,
            damage: Damage::Sound,
        }
    }

    /// The name of the file that `op` is about.
    pub(super) fn file_of<'a>(&'a self, op: &'a Op) -> &'a str {
        match op {
            Op::Create { name, .. }
            | Op::Open { name }
            | Op::Remove { name }
            | Op::Replace { name, .. }
            | Op::Load { name } => name.as_str(),
            Op::Close { file }
            | Op::Read { file, .. }
            | Op::Write { file, .. }
            | Op::Sync { file }
            | Op::Punch { file, .. } => self.open.get(file).map_or("", |open| open.name.as_str()),
            Op::List | Op::Verify | Op::Space => "",
        }
    }

    /// The first step of `op`; see the header.
    pub(super) fn begin(&mut self, op: Op, strike: &mut Strike<'_>) -> Begun {
        let mut settle = Settle::Nothing;
        let answer = self.allowed(op.kind()).and_then(|()| self.act(op, strike, &mut settle));
        Begun { answer, settle }
    }

    /// The second step: settles what is durable from now on. The answer.
    pub(super) fn finish(&mut self, begun: Begun) -> Result<Done, Refusal> {
        match begun.settle {
            Settle::Nothing => {}
            Settle::Name(change) => self.settle_names(change),
            Settle::Write(file, mark) => self.unfenced_image(file)?.settle(mark),
            Settle::Sync(file, mark) => self.unfenced_image(file)?.settle_before(mark),
        }
        begun.answer
    }

    /// Puts words to a refusal.
    pub(super) fn error(&self, doing: OpKind, file: &str, refusal: Refusal) -> DiskError {
        let (kind, source) = refusal;
        DiskError { disk: self.disk.clone(), file: file.to_owned(), doing, kind, source }
    }

    fn act(
        &mut self,
        op: Op,
        strike: &mut Strike<'_>,
        settle: &mut Settle,
    ) -> Result<Done, Refusal> {
        match op {
            Op::Create { name, len } => self.create(name, len, strike, settle),
            Op::Open { name } => {
                strike.refused()?;
                let inode = self.inode_of(&name)?;
                let len = self.inodes[&inode].image.len;
                Ok(Done::File(self.add_open(name, inode), len))
            }
            Op::Close { file } => {
                self.open.remove(&file).ok_or_else(closed)?;
                self.collect();
                strike.refused().map(|()| Done::Unit)
            }
            Op::Read { file, at, buf } => self.read(file, at, buf, strike),
            Op::Write { file, at, buf, durability } => {
                let mark = self.write(file, at, &buf, strike)?;
                if durability == Durability::Durable && !strike.is(Fault::Forgotten) {
                    *settle = mark.map_or(Settle::Nothing, |mark| Settle::Write(file, mark));
                }
                Ok(Done::Buf(buf))
            }
            Op::Sync { file } => self.sync(file, strike, settle),
            Op::Punch { file, at, len } => self.punch(file, at, len, strike),
            Op::Remove { name } => {
                self.inode_of(&name)?;
                if strike.happens() {
                    *settle = self.rename(&name, None);
                }
                strike.refused().map(|()| Done::Unit)
            }
            Op::Replace { name, bytes } => self.replace(&name, &bytes, strike, settle),
            Op::Load { name } => {
                strike.refused()?;
                self.load(&name).map(Done::Bytes)
            }
            Op::List => {
                strike.refused()?;
                let listed = self.names.iter();
                let names = listed.map(|(name, id)| (name.clone(), self.inodes[id].image.len));
                Ok(Done::Names(names.collect()))
            }
            Op::Verify => {
                strike.refused()?;
                self.verify().map(|()| Done::Unit)
            }
            Op::Space => {
                strike.refused()?;
                Ok(Done::Space(Space { total: self.capacity, free: self.free() }))
            }
        }
    }

    fn allowed(&self, kind: OpKind) -> Result<(), Refusal> {
        use OpKind as K;
        let changes =
            matches!(kind, K::Create | K::Write | K::Sync | K::Punch | K::Remove | K::Replace);
        match self.damage {
            Damage::Dead => Err(medium_error()),
            Damage::ReadOnly if changes => {
                Err((DiskErrorKind::ReadOnly, Error::from(ErrorKind::ReadOnlyFilesystem)))
            }
            Damage::Replaced if matches!(kind, K::Create | K::Replace) => Err(not_found()),
            Damage::Sound | Damage::Emptied | Damage::Replaced | Damage::ReadOnly => Ok(()),
        }
    }

    fn create(
        &mut self,
        name: FileName,
        len: u64,
        strike: &mut Strike<'_>,
        settle: &mut Settle,
    ) -> Result<Done, Refusal> {
        if self.names.contains_key(&name) {
            return Err((DiskErrorKind::Exists, Error::from(ErrorKind::AlreadyExists)));
        }
        strike.full()?;
        if len.next_multiple_of(BLOCK) > self.free() {
            return Err(full());
        }
        if strike.happens() {
            let inode = self.add_inode(Image::zeros(len));
            *settle = self.rename(&name, Some(inode));
        }
        strike.refused()?;
        let inode = self.inode_of(&name)?;
        Ok(Done::File(self.add_open(name, inode), len))
    }

    fn replace(
        &mut self,
        name: &FileName,
        bytes: &[u8],
        strike: &mut Strike<'_>,
        settle: &mut Settle,
    ) -> Result<Done, Refusal> {
        if bytes.len() as u64 > SMALL_FILE_BYTES_MAX {
            return Err(misaligned("more than 1 MiB"));
        }
        strike.full()?;
        if bytes.len() as u64 > self.free() {
            return Err(full());
        }
        if strike.happens() {
            let inode = self.add_inode(Image::of(bytes));
            *settle = self.rename(name, Some(inode));
        }
        strike.refused().map(|()| Done::Unit)
    }

    fn load(&self, name: &FileName) -> Result<Vec<u8>, Refusal> {
        let image = &self.inodes[&self.inode_of(name)?].image;
        if image.len > SMALL_FILE_BYTES_MAX {
            return Err(misaligned("more than 1 MiB"));
        }
        let mut bytes = vec![0; image.len as usize];
        if image.read(0, &mut bytes) { Ok(bytes) } else { Err(medium_error()) }
    }

    fn read(
        &mut self,
        file: FileId,
        at: u64,
        mut buf: Buf,
        strike: &mut Strike<'_>,
    ) -> Result<Done, Refusal> {
        let image = &mut self.checked(file, at, buf.len() as u64)?.image;
        strike.refused()?;
        if !buf.is_empty() {
            let victim = at + strike.rng.below(buf.len() as u64);
            if strike.is(Fault::Flip) {
                let bit = strike.rng.below(8);
                image.tamper(victim, |byte| *byte ^= 1 << bit);
            }
            if strike.is(Fault::Unreadable) {
                image.spoil(victim);
            }
        }
        if image.read(at, &mut buf) { Ok(Done::Buf(buf)) } else { Err(medium_error()) }
    }

    /// The mark of what was stored, if anything was.
    fn write(
        &mut self,
        file: FileId,
        at: u64,
        buf: &Buf,
        strike: &mut Strike<'_>,
    ) -> Result<Option<Mark>, Refusal> {
        let free = self.free();
        let inode = self.checked(file, at, buf.len() as u64)?;
        if buf.is_empty() {
            return Ok(None);
        }
        let blocks = at / BLOCK..(at + buf.len() as u64) / BLOCK;
        let refilled = inode.holes.range(blocks.clone()).count() as u64;
        let refused = strike.full().and(if refilled * BLOCK > free { Err(full()) } else { Ok(()) });
        let (len, image) = (inode.image.len, &mut inode.image);
        if refused.is_err() || strike.is(Fault::Eio) {
            // Any part of it may have been stored (D6).
            let some = strike.rng.below(buf.len() as u64 / BLOCK + 1) * BLOCK;
            let bytes = Bytes::copy_from_slice(&buf[..some as usize]);
            image.apply(Change::Write { at, bytes });
            self.fence(file);
            return Err(refused.err().unwrap_or_else(medium_error));
        }
        if strike.is(Fault::Lost) {
            return Ok(None);
        }
        let mut to = at;
        if len > buf.len() as u64 && strike.is(Fault::Misdirected) {
            to = strike.block_below(len - buf.len() as u64);
            // Elsewhere, not here.
            to = if to == at { len - buf.len() as u64 } else { to };
        }
        let mark = image.apply(Change::Write { at: to, bytes: Bytes::copy_from_slice(buf) });
        let victim = to + strike.rng.below(buf.len() as u64);
        if strike.is(Fault::Flip) {
            image.settle(mark);
            image.tamper(victim, |byte| *byte ^= 1);
        }
        if strike.is(Fault::Unreadable) {
            image.spoil(victim);
        }
        let blocks = to / BLOCK..(to + buf.len() as u64) / BLOCK;
        inode.holes.retain(|block| !blocks.contains(block));
        Ok(Some(mark))
    }

    fn sync(
        &mut self,
        file: FileId,
        strike: &mut Strike<'_>,
        settle: &mut Settle,
    ) -> Result<Done, Refusal> {
        let image = self.unfenced_image(file)?;
        if strike.is(Fault::Eio) {
            // As under Linux: told once, and what was dirty counts as clean.
            image.lose_some(strike.rng);
            self.fence(file);
            return Err(medium_error());
        }
        if !strike.is(Fault::Forgotten) {
            *settle = Settle::Sync(file, image.now());
        }
        Ok(Done::Unit)
    }

    fn punch(
        &mut self,
        file: FileId,
        at: u64,
        len: u64,
        strike: &mut Strike<'_>,
    ) -> Result<Done, Refusal> {
        self.unfenced_image(file)?;
        let inode = self.checked(file, at, len)?;
        strike.refused()?;
        if len > 0 {
            inode.image.apply(Change::Zero { at, len });
            inode.holes.extend(at / BLOCK..(at + len) / BLOCK);
        }
        Ok(Done::Unit)
    }

    /// D7.
    fn verify(&self) -> Result<(), Refusal> {
        if self.damage == Damage::Replaced {
            return Err((DiskErrorKind::Gone, Error::other("another directory is at the path")));
        }
        let lost = |open: &&OpenFile| {
            !open.unnamed && self.names.get(&open.name).copied() != Some(open.inode)
        };
        match self.open.values().find(lost) {
            None => Ok(()),
            Some(open) => {
                let why = format!("{} is open and no longer in the directory", open.name);
                Err((DiskErrorKind::Gone, Error::other(why)))
            }
        }
    }

    /// Changes what a name leads to; a power cut may undo it until it is settled.
    fn rename(&mut self, name: &FileName, to: Option<u64>) -> Settle {
        match to {
            Some(inode) => drop(self.names.insert(name.clone(), inode)),
            None => drop(self.names.remove(name)),
        }
        for open in self.open.values_mut().filter(|open| open.name == *name) {
            open.unnamed = true;
        }
        let change = self.draw_id();
        self.pending_names.push((change, name.clone(), to));
        Settle::Name(change)
    }

    /// Directory changes reach the medium in order, as a journal keeps them.
    fn settle_names(&mut self, through: u64) {
        let later = self.pending_names.partition_point(|(change, ..)| *change <= through);
        for (_, name, to) in self.pending_names.drain(..later) {
            match to {
                Some(inode) => drop(self.durable_names.insert(name, inode)),
                None => drop(self.durable_names.remove(&name)),
            }
        }
        self.collect();
    }

    /// The power goes. How many sectors were torn.
    pub(super) fn cut(&mut self, rng: &SeededRng, torn_one_in: u64) -> u64 {
        let kept = rng.below(self.pending_names.len() as u64 + 1) as usize;
        if let Some((change, ..)) =
            kept.checked_sub(1).and_then(|last| self.pending_names.get(last))
        {
            self.settle_names(*change);
        }
        self.names = self.durable_names.clone();
        self.close_all();
        self.inodes.values_mut().map(|inode| inode.image.cut(rng, torn_one_in)).sum()
    }

    /// The process ends; the machine does not.
    pub(super) fn kill(&mut self) {
        self.settle_names(u64::MAX);
        self.close_all();
        self.inodes.values_mut().for_each(|inode| inode.image.keep_all());
    }

    /// Every name is gone, durably.
    pub(super) fn empty(&mut self) {
        self.names.clear();
        self.durable_names.clear();
        self.pending_names.clear();
        self.collect();
    }

    /// The image behind `name`.
    pub(super) fn image(&self, name: &FileName) -> Option<&Image> {
        self.names.get(name).map(|id| &self.inodes[id].image)
    }

    /// The image behind `name`, to tamper with.
    pub(super) fn image_mut(&mut self, name: &FileName) -> Option<&mut Image> {
        let id = self.names.get(name)?;
        self.inodes.get_mut(id).map(|inode| &mut inode.image)
    }

    /// Every name.
    pub(super) fn names(&self) -> impl Iterator<Item = &FileName> {
        self.names.keys()
    }

    /// Opens or creates `name` for blocking use.
    pub(super) fn open_plain(&mut self, name: &FileName) -> Result<FileId, Refusal> {
        self.allowed(OpKind::Read)?;
        let inode = match self.names.get(name) {
            Some(inode) => *inode,
            None => {
                self.allowed(OpKind::Create)?;
                let inode = self.add_inode(Image::zeros(0));
                if let Settle::Name(change) = self.rename(name, Some(inode)) {
                    self.settle_names(change);
                }
                inode
            }
        };
        Ok(self.add_open(name.clone(), inode))
    }

    /// The image of an open file; for blocking use.
    pub(super) fn open_image(&mut self, file: FileId, kind: OpKind) -> Result<&mut Image, Refusal> {
        self.allowed(kind)?;
        if kind == OpKind::Read { self.checked_open(file) } else { self.unfenced_image(file) }
    }

    /// Forgets an open file.
    pub(super) fn close(&mut self, file: FileId) {
        self.open.remove(&file);
        self.collect();
    }

    /// D6.
    pub(super) fn fence(&mut self, file: FileId) {
        if let Some(open) = self.open.get_mut(&file) {
            open.fenced = true;
        }
    }

    /// Bytes that may still be used.
    pub(super) fn free(&self) -> u64 {
        let used = self.inodes.values().map(|inode| {
            let blocks = inode.image.len.div_ceil(BLOCK);
            (blocks - (inode.holes.len() as u64).min(blocks)) * BLOCK
        });
        self.capacity.saturating_sub(used.sum())
    }

    /// D4.
    fn checked(&mut self, file: FileId, at: u64, len: u64) -> Result<&mut Inode, Refusal> {
        let open = self.open.get(&file).ok_or_else(closed)?;
        let inode = self.inodes.get_mut(&open.inode).expect("open files keep their inode");
        let whole = at.is_multiple_of(BLOCK) && len.is_multiple_of(BLOCK);
        if !whole || at.checked_add(len).is_none_or(|end| end > inode.image.len) {
            return Err(misaligned("not whole blocks inside the file"));
        }
        Ok(inode)
    }

    fn checked_open(&mut self, file: FileId) -> Result<&mut Image, Refusal> {
        let open = self.open.get(&file).ok_or_else(closed)?;
        let inode = self.inodes.get_mut(&open.inode).expect("open files keep their inode");
        Ok(&mut inode.image)
    }

    fn unfenced_image(&mut self, file: FileId) -> Result<&mut Image, Refusal> {
        if self.open.get(&file).is_some_and(|open| open.fenced) {
            let why = "an earlier write or sync of this open file erred; open it anew";
            return Err((DiskErrorKind::Medium, Error::other(why)));
        }
        self.checked_open(file)
    }

    fn inode_of(&self, name: &FileName) -> Result<u64, Refusal> {
        self.names.get(name).copied().ok_or_else(not_found)
    }

    fn add_inode(&mut self, image: Image) -> u64 {
        let id = self.draw_id();
        self.inodes.insert(id, Inode { image, holes: BTreeSet::new() });
        id
    }

    fn add_open(&mut self, name: FileName, inode: u64) -> FileId {
        let id = FileId(self.draw_id());
        self.open.insert(id, OpenFile { name, inode, fenced: false, unnamed: false });
        id
    }

    fn draw_id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn close_all(&mut self) {
        self.open.clear();
        self.pending_names.clear();
        self.collect();
    }

    /// Drops the inodes that no name and no open file leads to.
    fn collect(&mut self) {
        let mut live: BTreeSet<u64> = self.names.values().copied().collect();
        live.extend(self.durable_names.values());
        live.extend(self.pending_names.iter().filter_map(|(.., to)| *to));
        live.extend(self.open.values().map(|open| open.inode));
        self.inodes.retain(|id, _| live.contains(id));
    }
}

fn not_found() -> Refusal {
    (DiskErrorKind::NotFound, Error::from(ErrorKind::NotFound))
}

fn closed() -> Refusal {
    (DiskErrorKind::Closed, Error::other("the file was closed"))
}

fn full() -> Refusal {
    (DiskErrorKind::Full, Error::from(ErrorKind::StorageFull))
}

fn misaligned(why: &str) -> Refusal {
    (DiskErrorKind::Misaligned, Error::new(ErrorKind::InvalidInput, why))
}

fn medium_error() -> Refusal {
    (DiskErrorKind::Medium, Error::other("simulated input/output error"))
}
