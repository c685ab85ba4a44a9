//! A simulated file with blocking calls, on the same model: what was written,
//! and how long the file became, is pending until a sync.
//!
//! No time passes in its calls, and no task runs meanwhile; faults and power
//! cuts strike them as they strike the others. Each method is one call site of
//! the ledger: a caller behind `dyn` cannot be seen.

use std::io::{Error, ErrorKind};
use std::panic::Location;
use std::sync::Arc;

use bytes::Bytes;
use holdfast_io::disk::{BlockingFile, DiskError, DiskErrorKind, FileId, FileName, OpKind, Site};

use super::image::{Change, Image};
use super::{Device, Fate, Fault, Phase, State};

/// See [`holdfast_io::disk::Disk::open_blocking`]. Closed when it is dropped.
#[derive(Debug)]
pub(super) struct SimFile {
    device: Arc<Device>,
    life: u64,
    name: FileName,
    id: FileId,
}

impl SimFile {
    pub(super) fn open(
        device: Arc<Device>,
        life: u64,
        name: &FileName,
    ) -> Result<Arc<dyn BlockingFile>, DiskError> {
        let doing = OpKind::Open;
        let fate = device.draw(life, doing, name.as_str(), Location::caller())?;
        device.crash_in(Phase::Before, life, &fate);
        device.crash_in(Phase::During, life, &fate);
        let mut guard = device.living(life, doing)?;
        if fate.faults.contains(&Fault::Eio) {
            guard.failed(&fate, Fault::Eio);
            let error = (DiskErrorKind::Medium, Error::other("simulated input/output error"));
            return Err(guard.medium.error(doing, name.as_str(), error));
        }
        let opened = guard.medium.open_plain(name);
        let id = opened.map_err(|e| guard.medium.error(doing, name.as_str(), e))?;
        drop(guard);
        device.crash_in(Phase::After, life, &fate);
        drop(device.living(life, doing)?);
        Ok(Arc::new(Self { device, life, name: name.clone(), id }))
    }

    /// Runs `act` on the file between the crash phases, unless EIO or ENOSPC strikes.
    fn act<T>(
        &self,
        (doing, site): (OpKind, Site),
        act: impl FnOnce(&mut Image, &[Fault]) -> Result<T, Error>,
    ) -> Result<T, DiskError> {
        let fate = self.device.draw(self.life, doing, self.name.as_str(), site)?;
        self.device.crash_in(Phase::Before, self.life, &fate);
        let mut guard = self.device.living(self.life, doing)?;
        let happens = self.faults(&mut guard, doing, &fate);
        let acted = happens.and_then(|()| {
            let image = guard.medium.open_image(self.id, doing)?;
            act(image, &fate.faults).map_err(|error| (DiskErrorKind::of(&error), error))
        });
        let acted = acted.map_err(|e| guard.medium.error(doing, self.name.as_str(), e));
        drop(guard);
        self.device.crash_in(Phase::During, self.life, &fate);
        self.device.crash_in(Phase::After, self.life, &fate);
        drop(self.device.living(self.life, doing)?);
        acted
    }

    /// The faults that refuse.
    fn faults(
        &self,
        guard: &mut State,
        doing: OpKind,
        fate: &Fate,
    ) -> Result<(), (DiskErrorKind, Error)> {
        let State { medium, rng, .. } = guard;
        let image = medium.open_image(self.id, doing)?;
        let full = fate.faults.contains(&Fault::Full);
        if !full && !fate.faults.contains(&Fault::Eio) {
            return Ok(());
        }
        if doing == OpKind::Sync {
            image.lose_some(rng);
        }
        if doing != OpKind::Read {
            medium.fence(self.id);
        }
        guard.failed(fate, if full { Fault::Full } else { Fault::Eio });
        Err(if full {
            (DiskErrorKind::Full, Error::from(ErrorKind::StorageFull))
        } else {
            (DiskErrorKind::Medium, Error::other("simulated input/output error"))
        })
    }
}

impl BlockingFile for SimFile {
    fn len(&self) -> Result<u64, DiskError> {
        self.act((OpKind::Read, Location::caller()), |image, _| Ok(image.len))
    }

    fn read(&self, at: u64, into: &mut [u8]) -> Result<(), DiskError> {
        self.act((OpKind::Read, Location::caller()), |image, _| {
            if at.checked_add(into.len() as u64).is_none_or(|end| end > image.len) {
                return Err(Error::from(ErrorKind::UnexpectedEof));
            }
            if image.read(at, into) {
                Ok(())
            } else {
                Err(Error::other("simulated unreadable sector"))
            }
        })
    }

    fn write(&self, at: u64, from: &[u8]) -> Result<(), DiskError> {
        self.act((OpKind::Write, Location::caller()), |image, faults| {
            let end = at.checked_add(from.len() as u64);
            let end = end.ok_or_else(|| Error::from(ErrorKind::FileTooLarge))?;
            if end > image.len {
                image.apply(Change::Resize { len: end });
            }
            if !faults.contains(&Fault::Lost) {
                image.apply(Change::Write { at, bytes: Bytes::copy_from_slice(from) });
            }
            Ok(())
        })?;
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), DiskError> {
        self.act((OpKind::Write, Location::caller()), |image, _| {
            image.apply(Change::Resize { len });
            Ok(())
        })
    }

    fn sync(&self) -> Result<(), DiskError> {
        self.act((OpKind::Sync, Location::caller()), |image, faults| {
            if !faults.contains(&Fault::Forgotten) {
                image.settle_before(image.now());
            }
            Ok(())
        })
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        if let Ok(mut guard) = self.device.living(self.life, OpKind::Close) {
            guard.medium.close(self.id);
        }
    }
}
