//! Point reads: one key at one timestamp.

use std::sync::Arc;

use bytes::Bytes;
use holdfast_base::Ts;
use holdfast_value::row::RowReader;
use holdfast_value::{Value, ValueError};

use super::{KeyRange, State, TableTail};
use crate::chain::{Kind, Version};
use crate::chunk::Chunk;
use crate::columns::value_at;
use crate::{TableShape, TailError};

/// What the tail knows of a key.
#[derive(Debug)]
pub enum Lookup {
    /// The row. It hides whatever objects have under the key.
    Row(RowRef),
    /// There is no row since that timestamp, whatever objects say.
    Deleted(Ts),
    /// The tail does not know: the objects decide.
    Absent,
}

/// A row, held outside any lock.
#[derive(Clone, Debug)]
pub struct RowRef {
    ts: Ts,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Bytes(Bytes),
    Chunk(Arc<Chunk>, usize),
}

impl RowRef {
    /// When it was committed.
    pub fn ts(&self) -> Ts {
        self.ts
    }

    /// The row's bytes where it still has some: rows that are not sealed yet, or
    /// whose table is not defined.
    pub fn bytes(&self) -> Option<&Bytes> {
        self.parts().err()
    }

    /// The values of `slots`, in their order.
    ///
    /// # Errors
    /// A slot that the shape has not, or a stored row that does not parse.
    pub fn values(&self, shape: &TableShape, slots: &[usize]) -> Result<Vec<Value>, TailError> {
        let mut values = Vec::with_capacity(slots.len());
        self.read(shape, slots, &mut values)?;
        Ok(values)
    }

    /// Appends the values of `slots`, in their order.
    ///
    /// # Errors
    /// As [`RowRef::values`].
    pub fn read(
        &self,
        shape: &TableShape,
        slots: &[usize],
        out: &mut Vec<Value>,
    ) -> Result<(), TailError> {
        shape.check_slots(slots)?;
        match &self.place {
            Place::Bytes(row) => read_bytes(row, shape, slots, out)?,
            Place::Chunk(chunk, place) => {
                let arrays = chunk.sealed().map_or(&[][..], |columns| &columns.arrays);
                for &slot in slots {
                    out.push(match arrays.get(slot) {
                        Some(array) => value_at(array, *place, &shape.slots[slot])?,
                        None => shape.defaults[slot].clone(),
                    });
                }
            }
        }
        Ok(())
    }

    /// The chunk and the place in it, or the bytes.
    pub(crate) fn parts(&self) -> Result<(&Arc<Chunk>, usize), &Bytes> {
        match &self.place {
            Place::Bytes(bytes) => Err(bytes),
            Place::Chunk(chunk, place) => Ok((chunk, *place)),
        }
    }
}

fn read_bytes(
    row: &[u8],
    shape: &TableShape,
    slots: &[usize],
    out: &mut Vec<Value>,
) -> Result<(), ValueError> {
    let wanted = slots.iter().map(|slot| (*slot, &shape.slots[*slot]));
    RowReader::new(row)?.each(wanted, |slot, value| {
        out.push(value.unwrap_or_else(|| shape.defaults[slot].clone()));
    })
}

impl TableTail {
    /// What there is under a key at `ts`.
    ///
    /// # Errors
    /// [`TailError::TooOld`].
    pub fn get(&self, key: &[u8], ts: Ts) -> Result<Lookup, TailError> {
        self.horizon.check(ts)?;
        let state = self.state.read();
        let Some(chain) = state.index.get(key) else { return Ok(Lookup::Absent) };
        let floor = state.floor(ts);
        Ok(match chain.at(ts).filter(|version| version.ts > floor) {
            None => Lookup::Absent,
            Some(version) => match state.row(version) {
                Some(row) => Lookup::Row(row),
                None => Lookup::Deleted(version.ts),
            },
        })
    }

    /// Whether a key was changed after `ts`.
    ///
    /// # Errors
    /// [`TailError::TooOld`]: of changes below the horizon nothing is known.
    pub fn changed_since(&self, key: &[u8], ts: Ts) -> Result<bool, TailError> {
        self.horizon.check(ts)?;
        let state = self.state.read();
        let newest = state.index.get(key).and_then(|chain| chain.newest());
        Ok(newest.is_some_and(|version| version.ts > ts))
    }

    /// Whether any key of a range was changed after `ts`.
    ///
    /// # Errors
    /// As [`TableTail::changed_since`].
    pub fn range_changed_since(&self, range: &KeyRange, ts: Ts) -> Result<bool, TailError> {
        self.horizon.check(ts)?;
        let mut rest = range.clone();
        while !rest.is_empty() {
            let state = self.state.read();
            let mut keys = state.index.range::<[u8], _>(rest.bounds());
            for (_, chain) in keys.by_ref().take(self.limits.step_rows) {
                if chain.newest().is_some_and(|version| version.ts > ts) {
                    return Ok(true);
                }
            }
            match keys.next() {
                None => return Ok(false),
                Some((key, _)) => rest.from = key.to_vec(),
            }
        }
        Ok(false)
    }
}

impl State {
    /// The row of a version; nothing where it is a deletion.
    pub(super) fn row(&self, version: Version) -> Option<RowRef> {
        if version.kind == Kind::Deleted {
            return None;
        }
        // The index points to rows that are there: only `prune` takes rows away,
        // after it took the version out of its chain (L3).
        let place = if version.chunk == self.open_id {
            self.open.get(version.row).map(|row| Place::Bytes(row.row.clone()))
        } else {
            self.chunks.get(&version.chunk).and_then(|chunk| {
                let place = chunk.place(version.row)?;
                Some(match chunk.raw_row(place) {
                    Some(row) => Place::Bytes(row.row.clone()),
                    None => Place::Chunk(chunk.clone(), place),
                })
            })
        };
        let place = place.expect("L3: a version in the index has its row");
        Some(RowRef { ts: version.ts, place })
    }
}
