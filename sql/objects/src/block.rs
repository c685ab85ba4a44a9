//! Blocks: what a point read decodes, and a row in one.
//!
//! A block's keys and its slots are read and kept apart: looking for keys, as a flush
//! does, decodes nothing else.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, RecordBatch};
use arrow::buffer::Buffer;
use bytes::Bytes;
use futures_util::future::try_join_all;
use holdfast_tail::TableShape;
use holdfast_tail::columns::value_at;
use holdfast_value::Value;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{RowSelection, RowSelectionPolicy};
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;

use crate::ObjectsError;
use crate::cache::{Cached, Name};
use crate::footer::Footer;
use crate::guard::{guarded, guarded_wait};
use crate::read::Reader;

/// A block's keys, ascending.
#[derive(Debug)]
pub(crate) struct Keys {
    array: BinaryArray,
    /// The array's bytes, to be shared with those who want a key to keep.
    bytes: Bytes,
}

/// A block's slots, by number; the object may have fewer than the table.
#[derive(Debug)]
pub(crate) struct Slots {
    columns: Vec<ArrayRef>,
}

/// A block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub keys: Arc<Keys>,
    /// Only where they were read along with the keys.
    pub slots: Option<Arc<Slots>>,
}

/// A row of an object. It holds the block that it lies in.
#[derive(Clone, Debug)]
pub struct ObjectRow {
    slots: Arc<Slots>,
    index: u32,
}

/// What is read of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Keys,
    Slots,
    Both,
}

struct Owner(Buffer);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Keys {
    fn new(array: BinaryArray) -> Self {
        let bytes = Bytes::from_owner(Owner(array.values().clone()));
        Self { array, bytes }
    }

    pub fn len(&self) -> usize {
        self.array.len()
    }

    pub fn key(&self, at: usize) -> &[u8] {
        self.array.value(at)
    }

    /// A key to keep; it holds the block's keys.
    pub fn share(&self, at: usize) -> Bytes {
        let offsets = self.array.value_offsets();
        // Offsets ascend within the values: arrow checks it where arrays are made.
        self.bytes.slice(offsets[at] as usize..offsets[at + 1] as usize)
    }

    /// The place of the first key that is not below `key`.
    pub fn lower(&self, key: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if *self.key(middle) < *key { low = middle + 1 } else { high = middle }
        }
        low
    }

    pub fn find(&self, key: &[u8]) -> Option<usize> {
        let at = self.lower(key);
        (at < self.len() && *self.key(at) == *key).then_some(at)
    }
}

impl ObjectRow {
    pub(crate) fn new(slots: Arc<Slots>, index: usize) -> Self {
        // A block has fewer than 2^32 rows.
        Self { slots, index: index as u32 }
    }

    /// The values of `slots`, in their order; the shape's defaults in slots that were
    /// added after the row was written.
    ///
    /// # Errors
    /// A slot that the shape has not, or a column that is not of its slot's type.
    pub fn values(&self, shape: &TableShape, slots: &[usize]) -> Result<Vec<Value>, ObjectsError> {
        let mut values = Vec::with_capacity(slots.len());
        for &slot in slots {
            let (Some(of), Some(default)) = (shape.slots.get(slot), shape.defaults.get(slot))
            else {
                return Err(ObjectsError::Slot { slots: shape.slots.len(), given: slot });
            };
            values.push(match self.slots.columns.get(slot) {
                Some(column) => value_at(column, self.index as usize, of)?,
                None => default.clone(),
            });
        }
        Ok(values)
    }

    /// A slot's column, and the row's place in it; `None`: the object is older than the
    /// slot.
    pub fn column(&self, slot: usize) -> Option<(&ArrayRef, usize)> {
        self.slots.columns.get(slot).map(|column| (column, self.index as usize))
    }
}

impl Reader {
    /// Blocks, ascending and each once; where keys have to be read, `along` says what
    /// is read with them.
    pub(crate) async fn blocks(
        &self,
        footer: &Footer,
        blocks: &[u32],
        along: Part,
    ) -> Result<Vec<Block>, ObjectsError> {
        let id = footer.object.id;
        let mut found: Vec<Option<Block>> = Vec::with_capacity(blocks.len());
        for block in blocks {
            let keys = self.cache().keys(id, *block);
            found.push(keys.map(|keys| Block { keys, slots: None }));
        }
        let missing = blocks.iter().zip(&found).filter(|(_, found)| found.is_none());
        let missing: Vec<u32> = missing.map(|(block, _)| *block).collect();
        let part = if along == Part::Slots { Part::Both } else { along };
        let mut loaded = self.load(footer, &missing, part).await?.into_iter();
        let mut all = Vec::with_capacity(blocks.len());
        for known in found {
            all.push(match known {
                Some(block) => block,
                None => {
                    let (keys, slots) = loaded.next().unwrap_or_default();
                    let keys = keys.ok_or_else(|| short(footer))?;
                    Block { keys, slots }
                }
            });
        }
        Ok(all)
    }

    /// The slots of blocks, ascending and each once.
    pub(crate) async fn slots(
        &self,
        footer: &Footer,
        blocks: &[u32],
    ) -> Result<Vec<Arc<Slots>>, ObjectsError> {
        let id = footer.object.id;
        let found: Vec<_> = blocks.iter().map(|block| self.cache().slots(id, *block)).collect();
        let missing = blocks.iter().zip(&found).filter(|(_, found)| found.is_none());
        let missing: Vec<u32> = missing.map(|(block, _)| *block).collect();
        let mut loaded = self.load(footer, &missing, Part::Slots).await?.into_iter();
        let mut all = Vec::with_capacity(blocks.len());
        for known in found {
            let slots = match known {
                Some(slots) => Some(slots),
                None => loaded.next().and_then(|(_, slots)| slots),
            };
            all.push(slots.ok_or_else(|| short(footer))?);
        }
        Ok(all)
    }

    /// Reads and keeps blocks, those of different row groups side by side.
    async fn load(
        &self,
        footer: &Footer,
        blocks: &[u32],
        part: Part,
    ) -> Result<Vec<Loaded>, ObjectsError> {
        if blocks.is_empty() {
            return Ok(Vec::new());
        }
        let group = |block: &u32| footer.group_of(footer.block_rows(*block).start);
        let groups = blocks.chunk_by(|a, b| group(a) == group(b));
        let loads = groups.map(|blocks| self.load_group(footer, group(&blocks[0]), blocks, part));
        Ok(try_join_all(loads).await?.into_iter().flatten().collect())
    }

    async fn load_group(
        &self,
        footer: &Footer,
        group: usize,
        blocks: &[u32],
        part: Part,
    ) -> Result<Vec<Loaded>, ObjectsError> {
        let (from, to) = (footer.groups[group] as usize, footer.groups[group + 1] as usize);
        let ranges = blocks.iter().map(|block| {
            let rows = footer.block_rows(*block);
            rows.start as usize - from..rows.end as usize - from
        });
        let selection = RowSelection::from_consecutive_ranges(ranges, to - from);
        let key = footer.slots;
        let columns = match part {
            Part::Keys => key..key + 1,
            Part::Slots => 0..key,
            Part::Both => 0..key + 1,
        };
        let mask = ProjectionMask::leaves(footer.arrow.parquet_schema(), columns);
        let source = footer.source(self.reads());
        let builder =
            ParquetRecordBatchStreamBuilder::new_with_metadata(source, footer.arrow.clone())
                .with_row_groups(vec![group])
                .with_projection(mask)
                .with_batch_size(footer.blocks.rows as usize)
                .with_row_selection(selection)
                .with_row_selection_policy(RowSelectionPolicy::Selectors);
        let fetched =
            guarded_wait(footer.object.id, async { Ok(builder.build()?.next_row_group().await?) });
        let mut rows = fetched.await?.ok_or_else(|| short(footer))?;
        let mut loaded = Vec::with_capacity(blocks.len());
        for block in blocks {
            let batch = guarded(footer.object.id, || Ok(rows.next().transpose()?))?;
            let batch = batch.ok_or_else(|| short(footer))?;
            if batch.num_rows() != footer.block_rows(*block).len() {
                return Err(short(footer));
            }
            loaded.push(self.keep(footer, *block, &batch, part)?);
        }
        Ok(loaded)
    }

    fn keep(
        &self,
        footer: &Footer,
        block: u32,
        batch: &RecordBatch,
        part: Part,
    ) -> Result<Loaded, ObjectsError> {
        let id = footer.object.id;
        let mut columns = batch.columns().to_vec();
        let mut keys = None;
        if part != Part::Slots {
            let array = columns.pop().ok_or_else(|| short(footer))?;
            let bytes = array.get_array_memory_size();
            let array = array.as_binary_opt::<i32>().filter(|array| array.null_count() == 0);
            let array = array.ok_or_else(|| ObjectsError::Format {
                object: id,
                what: "its keys are not a column of bytes".into(),
            })?;
            let made = Arc::new(Keys::new(array.clone()));
            self.cache().put(Name::Keys(id, block), Cached::Keys(made.clone()), bytes);
            keys = Some(made);
        }
        let mut slots = None;
        if part != Part::Keys {
            let bytes: usize = columns.iter().map(|column| column.get_array_memory_size()).sum();
            let made = Arc::new(Slots { columns });
            self.cache().put(Name::Slots(id, block), Cached::Slots(made.clone()), bytes);
            slots = Some(made);
        }
        Ok((keys, slots))
    }
}

type Loaded = (Option<Arc<Keys>>, Option<Arc<Slots>>);

pub(crate) fn short(footer: &Footer) -> ObjectsError {
    let what = "it has fewer rows than its footer says".into();
    ObjectsError::Format { object: footer.object.id, what }
}
