//! Merging objects: their live rows, in key order, into new ones.
//!
//! Rows are gathered in runs: the input with the least key gives rows as long as its
//! keys come before the next input's.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use arrow::array::{Array, AsArray, BinaryArray, RecordBatch};
use arrow::compute::interleave_record_batch;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use crate::manifest::{Object, ObjectId};
use crate::read::Reader;
use crate::{ObjectsError, TableObjects, Writer};

/// Rows that are handed to the writer at once.
const BATCH_ROWS: usize = 8192;
/// Blocks of an input that are in memory, twice: now, and ahead.
const UNIT_BLOCKS: usize = 8;

/// An object that is merged.
struct Input {
    rows: BoxStream<'static, Result<RecordBatch, ObjectsError>>,
    now: Option<Now>,
}

struct Now {
    batch: RecordBatch,
    keys: BinaryArray,
    at: usize,
    /// Its place among the batches that are gathered from.
    place: Option<usize>,
}

/// Rows that wait to be written.
#[derive(Default)]
struct Gathered {
    batches: Vec<RecordBatch>,
    rows: Vec<(usize, usize)>,
}

impl Reader {
    /// Merges objects into what `writer` writes; dead rows are dropped, and rows get the
    /// writer's shape, with defaults in slots that were added later. The level is the
    /// writer's.
    ///
    /// # Errors
    /// An object that the manifest does not name; a key that is alive in two of them; the
    /// bucket's; bytes that do not parse.
    pub async fn compact(
        &self,
        table: &TableObjects,
        inputs: &[ObjectId],
        writer: Writer,
    ) -> Result<Vec<Object>, ObjectsError> {
        let mut writer = writer;
        let table = TableObjects::new(table.manifest.clone(), writer.shape().clone());
        let (mut open, mut heap) = (Vec::with_capacity(inputs.len()), BinaryHeap::new());
        for id in inputs {
            let part = self.whole(&table, table.object(*id)?, UNIT_BLOCKS).await?;
            let mut input = Input { rows: part.open(), now: None };
            if input.advance().await? {
                heap.push(Reverse((input.key(), open.len())));
            }
            open.push(input);
        }
        let mut gathered = Gathered::default();
        while let Some(Reverse((_, at))) = heap.pop() {
            let bound = heap.peek().map(|Reverse((key, _))| key.clone());
            loop {
                open[at].take_run(bound.as_deref(), &mut gathered);
                if gathered.rows.len() >= BATCH_ROWS {
                    writer.write(&gathered.finish()?).await?;
                    open.iter_mut().for_each(Input::forget_place);
                }
                if open[at].is_at_end() && !open[at].advance().await? {
                    break;
                }
                let key = open[at].key();
                if bound.as_ref().is_some_and(|bound| key > *bound) {
                    heap.push(Reverse((key, at)));
                    break;
                }
            }
        }
        if !gathered.rows.is_empty() {
            writer.write(&gathered.finish()?).await?;
        }
        writer.finish().await
    }
}

impl Input {
    /// Goes on to the next batch with rows; false: there is none.
    async fn advance(&mut self) -> Result<bool, ObjectsError> {
        self.now = None;
        while let Some(batch) = self.rows.next().await.transpose()? {
            let keys = batch.columns().last().and_then(|keys| keys.as_binary_opt::<i32>());
            if let Some(keys) = keys.filter(|keys| !keys.is_empty()) {
                let keys = keys.clone();
                self.now = Some(Now { batch, keys, at: 0, place: None });
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_at_end(&self) -> bool {
        self.now.as_ref().is_none_or(|now| now.at == now.keys.len())
    }

    /// The next key; asked for where there is one.
    fn key(&self) -> Vec<u8> {
        let now = self.now.as_ref().filter(|now| now.at < now.keys.len());
        now.map(|now| now.keys.value(now.at).to_vec()).unwrap_or_default()
    }

    /// Takes rows up to `bound`, at most so many that a batch is full.
    fn take_run(&mut self, bound: Option<&[u8]>, gathered: &mut Gathered) {
        let Some(now) = &mut self.now else { return };
        let place = *now.place.get_or_insert_with(|| {
            gathered.batches.push(now.batch.clone());
            gathered.batches.len() - 1
        });
        while now.at < now.keys.len()
            && gathered.rows.len() < BATCH_ROWS
            && bound.is_none_or(|bound| *now.keys.value(now.at) <= *bound)
        {
            gathered.rows.push((place, now.at));
            now.at += 1;
        }
    }

    fn forget_place(&mut self) {
        if let Some(now) = &mut self.now {
            now.place = None;
        }
    }
}

impl Gathered {
    /// The rows, as one batch; nothing waits any more.
    fn finish(&mut self) -> Result<RecordBatch, ObjectsError> {
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        let (first, last) = (self.rows.first(), self.rows.last());
        let batch = match (first, last) {
            // One batch's rows follow each other: none is left out between two of them.
            (Some((place, from)), Some(_)) if self.rows.iter().all(|row| row.0 == *place) => {
                batches[*place].slice(*from, self.rows.len())
            }
            _ => interleave_record_batch(&batches, &self.rows)?,
        };
        self.batches.clear();
        self.rows.clear();
        Ok(batch)
    }
}
