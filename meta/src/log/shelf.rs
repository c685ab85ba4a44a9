//! What can be read of the log, and from where: the index over all entries, and
//! the newest ones themselves. Pure but for its handles on segments.

use std::collections::VecDeque;

use super::error::LogStoreError;
use super::frame::{Position, Record};
use super::segment::Place;
use super::{Bounds, CACHE_BYTES_MAX};

/// The entries of a log, by index.
#[derive(Debug, Default)]
pub struct Shelf {
    /// Entries up to it are gone.
    pub purged: Option<Position>,
    /// The last vote that is durable.
    pub vote: Option<Vec<u8>>,
    /// Why the log has stopped, if it has.
    pub failed: Option<String>,
    /// The disk had no room for the next segment.
    pub full: bool,
    /// Bytes of all segment files.
    pub file_bytes: u64,
    slots: VecDeque<Slot>,
    cached_bytes: usize,
    /// Slots before it have nothing cached.
    cached_from: u64,
}

#[derive(Debug)]
struct Slot {
    at: Position,
    place: Option<Place>,
    record: Option<Record>,
}

/// An entry that is there.
pub enum Found {
    /// In memory.
    Here(Record),
    /// On the disk.
    On(Place),
}

impl Shelf {
    /// The index of the first entry that is there, or will be.
    pub fn first(&self) -> u64 {
        match self.slots.front() {
            Some(slot) => slot.at.index,
            None => self.purged.map_or(0, |purged| purged.index + 1),
        }
    }

    /// The last entry, `purged` where there is none.
    pub fn last(&self) -> Option<Position> {
        self.slots.back().map(|slot| slot.at).or(self.purged)
    }

    /// Takes in entries that are not written yet.
    pub fn push_all(&mut self, records: &[Record]) -> Result<(), LogStoreError> {
        if let Some(why) = &self.failed {
            return Err(LogStoreError::Failed { why: why.clone() });
        }
        for record in records {
            let next = self.last().map(|last| last.index + 1);
            // An empty log takes any first entry: a snapshot may stand before it.
            let follows = self.slots.is_empty() && self.purged.is_none()
                || next.is_none_or(|next| next == record.at.index);
            if !follows {
                return Err(LogStoreError::Hole { given: record.at, last: self.last() });
            }
            self.cached_bytes += record.payload.len();
            self.slots.push_back(Slot { at: record.at, place: None, record: Some(record.clone()) });
        }
        Ok(())
    }

    /// Takes in an entry that was found on the disk.
    pub fn push_found(&mut self, at: Position, place: Place) {
        self.slots.push_back(Slot { at, place: Some(place), record: None });
        self.cached_from = self.cached_from.max(at.index + 1);
    }

    /// The entry is written. (It may have been truncated, even replaced, since.)
    pub fn placed(&mut self, at: Position, place: Place) {
        if let Some(slot) = self.slot_mut(at.index).filter(|slot| slot.at == at) {
            slot.place = Some(place);
        }
        self.evict();
    }

    /// Forgets payloads that can be read from the disk, oldest first.
    fn evict(&mut self) {
        while self.cached_bytes > CACHE_BYTES_MAX {
            let index = self.cached_from.max(self.first());
            let Some(slot) = self.slot_mut(index).filter(|slot| slot.place.is_some()) else {
                break;
            };
            let freed = slot.record.take().map_or(0, |record| record.payload.len());
            self.cached_bytes -= freed;
            self.cached_from = index + 1;
        }
    }

    fn slot(&self, index: u64) -> Option<&Slot> {
        self.slots.get(usize::try_from(index.checked_sub(self.first())?).ok()?)
    }

    fn slot_mut(&mut self, index: u64) -> Option<&mut Slot> {
        let first = self.first();
        self.slots.get_mut(usize::try_from(index.checked_sub(first)?).ok()?)
    }

    /// The entry at `index`.
    pub fn find(&self, index: u64) -> Option<Found> {
        let slot = self.slot(index)?;
        match (&slot.record, &slot.place) {
            (Some(record), _) => Some(Found::Here(record.clone())),
            (None, Some(place)) => Some(Found::On(place.clone())),
            (None, None) => None,
        }
    }

    /// Forgets the entries after `last`.
    pub fn truncate_after(&mut self, last: Option<Position>) {
        let keep = |slot: &Slot| last.is_some_and(|last| slot.at.index <= last.index);
        while self.slots.back().is_some_and(|slot| !keep(slot)) {
            self.forget_cached(|slots| slots.pop_back());
        }
        let end = self.slots.back().map_or(0, |slot| slot.at.index + 1);
        self.cached_from = self.cached_from.min(end);
    }

    /// Forgets the entries up to `through`.
    pub fn purge(&mut self, through: Position) {
        while self.slots.front().is_some_and(|slot| slot.at.index <= through.index) {
            self.forget_cached(VecDeque::pop_front);
        }
        self.purged = self.purged.max(Some(through));
    }

    fn forget_cached(&mut self, pop: impl FnOnce(&mut VecDeque<Slot>) -> Option<Slot>) {
        let record = pop(&mut self.slots).and_then(|slot| slot.record);
        self.cached_bytes -= record.map_or(0, |record| record.payload.len());
    }

    /// The number of the oldest segment with an entry in it; `None` where no written entry is left.
    pub fn oldest_segment(&self) -> Option<u64> {
        self.slots.front()?.place.as_ref().map(|place| place.segment.head.home.number)
    }

    /// See [`Bounds`].
    pub fn bounds(&self) -> Bounds {
        Bounds { purged: self.purged, last: self.last(), bytes: self.file_bytes, full: self.full }
    }
}
