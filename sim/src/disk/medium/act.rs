//! What each operation does to the simulated medium, in two steps, and what a
//! fault makes of it.
//!
//! ```text
//! begin(op)   what reads see changes; a power cut may still undo it
//! finish(..)  what the contract calls durable is settled; then the caller is answered
//! ```
//!
//! Not here: names and open files (`medium`), when a fault strikes (`faults`).

use std::io::{Error, ErrorKind};

use bytes::Bytes;
use holdfast_io::disk::{
    Buf, DiskErrorKind, Done, Durability, FileId, FileName, Op, OpKind, Space,
};
use holdfast_io::rng::SeededRng;

use super::{
    BLOCK, Damage, Medium, OpenFile, Refusal, SMALL_FILE_BYTES_MAX, closed, full, medium_error,
    misaligned, not_found,
};
use crate::disk::Fault;
use crate::disk::image::{Change, Image, Mark};

/// What `begin` leaves for `finish`.
#[derive(Debug)]
pub(in crate::disk) struct Begun {
    answer: Result<Done, Refusal>,
    settle: Settle,
}

#[derive(Debug)]
enum Settle {
    Nothing,
    Name(u64),
    Write(FileId, Mark),
    Sync(FileId, Mark),
}

/// The faults of one operation, and the randomness to carry them out.
pub(in crate::disk) struct Strike<'a> {
    pub(in crate::disk) faults: &'a [Fault],
    pub(in crate::disk) rng: &'a SeededRng,
    /// Those that really happened.
    pub(in crate::disk) happened: Vec<Fault>,
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
    /// The first step of `op`; see the header.
    pub(in crate::disk) fn begin(&mut self, op: Op, strike: &mut Strike<'_>) -> Begun {
        let mut settle = Settle::Nothing;
        let answer = self.allowed(op.kind()).and_then(|()| self.act(op, strike, &mut settle));
        Begun { answer, settle }
    }

    /// The second step: settles what is durable from now on. The answer.
    pub(in crate::disk) fn finish(&mut self, begun: Begun) -> Result<Done, Refusal> {
        match begun.settle {
            Settle::Nothing => {}
            Settle::Name(change) => self.settle_names(change),
            Settle::Write(file, mark) => self.unfenced_image(file)?.settle(mark),
            Settle::Sync(file, mark) => self.unfenced_image(file)?.settle_before(mark),
        }
        begun.answer
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
                    *settle = Settle::Name(self.rename(&name, None));
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

    pub(super) fn allowed(&self, kind: OpKind) -> Result<(), Refusal> {
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
            *settle = Settle::Name(self.rename(&name, Some(inode)));
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
            *settle = Settle::Name(self.rename(name, Some(inode)));
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
}
