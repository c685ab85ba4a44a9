//! The simulated medium: a directory of [`Image`]s, which names are durable,
//! and which files are open.
//!
//! Not here: what an operation does to it (`act`), time, seeds and power
//! (`super`), bytes (`image`).

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, ErrorKind};

use holdfast_base::limits::BLOCK_BYTES;
use holdfast_io::disk::{DiskError, DiskErrorKind, FileId, FileName, Op, OpKind};
use holdfast_io::rng::SeededRng;

use super::image::Image;

mod act;

pub(super) use act::{Begun, Strike};

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

/// An error without the words.
type Refusal = (DiskErrorKind, Error);

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

    /// Puts words to a refusal.
    pub(super) fn error(&self, doing: OpKind, file: &str, refusal: Refusal) -> DiskError {
        let (kind, source) = refusal;
        DiskError { disk: self.disk.clone(), file: file.to_owned(), doing, kind, source }
    }

    /// Changes what a name leads to; a power cut may undo it until the change
    /// that is returned is settled.
    fn rename(&mut self, name: &FileName, to: Option<u64>) -> u64 {
        match to {
            Some(inode) => drop(self.names.insert(name.clone(), inode)),
            None => drop(self.names.remove(name)),
        }
        for open in self.open.values_mut().filter(|open| open.name == *name) {
            open.unnamed = true;
        }
        let change = self.draw_id();
        self.pending_names.push((change, name.clone(), to));
        change
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
                let change = self.rename(name, Some(inode));
                self.settle_names(change);
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
