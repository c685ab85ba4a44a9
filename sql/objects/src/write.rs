//! Sorted rows into objects.
//!
//! ```text
//! rows -> blocks of `block_rows` -> row groups -> object, until `object_bytes` -> next
//! ```
//!
//! - W1: keys ascend, each once, over all objects of a writer.
//! - W2: blocks begin at multiples of the object's block length, pages end where blocks
//!   do (and may end before), and row groups are whole blocks but for the last.
//!
//! Not here: who may see the objects (a manifest names them, or nobody does).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use holdfast_api::bucket::{Bucket, BucketError, ObjectWriter};
use holdfast_tail::{Scan, TableShape, columns};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::{KeyValue, ParquetMetaData, SortingColumn};
use parquet::file::properties::{
    BloomFilterPosition, EnabledStatistics, WriterProperties, WriterPropertiesBuilder,
};
use parquet::schema::types::ColumnPath;

use crate::ObjectsError;
use crate::footer::{BLOCKS, Blocks};
use crate::manifest::{Object, ObjectId};

/// A dictionary of a column is given up beyond this: a point read reads the whole
/// dictionary for one page. With 128 KiB the example `read` read, over 300 reads, 1,330,135 bytes for a
/// block of sysbench's rows that was not cached, with this 948,432, and the objects were
/// longer (199.3 MB, now 198.4 MB). [bytes]
const DICTIONARY_BYTES: usize = 32 << 10;
/// Rows are cut into shorter blocks than asked for where those would be longer. [bytes]
const BLOCK_BYTES: usize = 8 << 20;

/// How objects are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// An object that has grown to this is ended, the next one begins. [bytes]
    pub object_bytes: usize,
    /// Rows of a row group; rounded up to whole blocks.
    pub row_group_rows: usize,
    /// Rows of a block: what a point read decodes.
    pub block_rows: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { object_bytes: 128 << 20, row_group_rows: 128 << 10, block_rows: 4 << 10 }
    }
}

/// Gives the names of new objects.
pub type Ids = Arc<dyn Fn() -> ObjectId + Send + Sync>;

/// Writes sorted rows as one or several objects.
pub struct Writer {
    bucket: Arc<dyn Bucket>,
    shape: Arc<TableShape>,
    options: Options,
    ids: Ids,
    level: u8,
    schema: SchemaRef,
    open: Option<Open>,
    done: Vec<Object>,
    last: Option<Vec<u8>>,
}

/// The object that grows.
struct Open {
    id: ObjectId,
    parquet: ArrowWriter<Vec<u8>>,
    sink: Box<dyn ObjectWriter>,
    blocks: Blocks,
    rows: usize,
    written: u64,
}

impl Writer {
    /// `level`: how often the rows were merged.
    pub fn new(
        bucket: Arc<dyn Bucket>,
        shape: Arc<TableShape>,
        options: Options,
        ids: Ids,
        level: u8,
    ) -> Self {
        let slots = shape.slots.iter().enumerate();
        let slot = |(at, of)| columns::field(&format!("s{at}"), of, true);
        let mut fields: Vec<Field> = slots.map(slot).collect();
        fields.push(Field::new(Scan::KEY, DataType::Binary, false));
        let schema = Arc::new(Schema::new(fields));
        let (open, done, last) = (None, Vec::new(), None);
        Self { bucket, shape, options, ids, level, schema, open, done, last }
    }

    pub(crate) fn shape(&self) -> &Arc<TableShape> {
        &self.shape
    }

    /// Takes the next rows: all slots in order, then the key; further columns are ignored.
    ///
    /// # Errors
    /// Columns that are not the table's, keys that do not ascend, the bucket's. The
    /// writer is of no use then.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<(), ObjectsError> {
        let batch = self.checked(batch)?;
        let mut from = 0;
        while from < batch.num_rows() {
            let rest = batch.num_rows() - from;
            let mut open = match self.open.take() {
                Some(open) => open,
                None => self.begin(&batch)?,
            };
            let in_block = open.rows % open.blocks.rows as usize;
            let count = rest.min(open.blocks.rows as usize - in_block);
            let rows = batch.slice(from, count);
            if in_block == 0 {
                let key = keys(&rows).map(|keys| Bytes::copy_from_slice(keys.value(0)));
                open.blocks.firsts.extend(key);
            }
            open.parquet.write(&rows)?;
            open.rows += count;
            open.drain().await?;
            from += count;
            let key = keys(&rows).map(|keys| keys.value(count - 1).to_vec());
            self.last = key;
            let is_full = open.rows % open.blocks.rows as usize == 0
                && (open.bytes() >= self.options.object_bytes
                    || open.rows > (u32::MAX / 2) as usize);
            match is_full {
                true => self.end(open).await?,
                false => self.open = Some(open),
            }
        }
        Ok(())
    }

    /// Ends the last object. No reader sees any of them until a manifest names them.
    ///
    /// # Errors
    /// The bucket's.
    pub async fn finish(mut self) -> Result<Vec<Object>, ObjectsError> {
        if let Some(open) = self.open.take() {
            self.end(open).await?;
        }
        Ok(self.done)
    }

    /// W1, and the columns that are written.
    fn checked(&self, batch: &RecordBatch) -> Result<RecordBatch, ObjectsError> {
        let count = self.schema.fields().len();
        if batch.num_columns() < count || batch.schema().field(count - 1).name() != Scan::KEY {
            return Err(ObjectsError::Input(format!(
                "a table of {} slots needs as many columns and then the key, not {:?}",
                count - 1,
                batch.schema()
            )));
        }
        let batch = RecordBatch::try_new(self.schema.clone(), batch.columns()[..count].to_vec())?;
        let mut last = self.last.as_deref();
        for key in keys(&batch).into_iter().flatten().flatten() {
            if last.is_some_and(|last| *last >= *key) {
                return Err(ObjectsError::Input(format!("key {key:02x?} came after {last:02x?}")));
            }
            last = Some(key);
        }
        Ok(batch)
    }

    fn begin(&self, batch: &RecordBatch) -> Result<Open, ObjectsError> {
        let row_bytes = batch.columns().iter().map(value_bytes).sum::<usize>() / batch.num_rows();
        let fitting = (BLOCK_BYTES / row_bytes.max(1)).max(1);
        let block_rows = self.options.block_rows.clamp(1, fitting.max(1));
        let group_rows = self.options.row_group_rows.max(1).next_multiple_of(block_rows);
        let properties = properties(block_rows, group_rows, self.schema.fields().len()).build();
        let parquet = ArrowWriter::try_new(Vec::new(), self.schema.clone(), Some(properties))?;
        let id = (self.ids)();
        let sink = self.bucket.create(&id.rows(self.shape.table), None);
        // At most `BLOCK_BYTES`, clamped above.
        let blocks = Blocks { rows: block_rows as u32, firsts: Vec::new() };
        Ok(Open { id, parquet, sink, blocks, rows: 0, written: 0 })
    }

    async fn end(&mut self, mut open: Open) -> Result<(), ObjectsError> {
        let entry = KeyValue::new(BLOCKS.to_string(), open.blocks.encode());
        open.parquet.append_key_value_metadata(entry);
        let metadata = open.parquet.finish()?;
        open.drain().await?;
        let bytes = open.sink.finish().await?;
        let name = open.id.rows(self.shape.table);
        if bytes != open.written {
            let why = format!("{} bytes were written, the bucket has {bytes}", open.written);
            return Err(BucketError::Broken { name, why }.into());
        }
        let tail = tail_from(&metadata).and_then(|from| bytes.checked_sub(from));
        let tail = tail.and_then(|tail| u32::try_from(tail).ok());
        let tail = tail.ok_or_else(|| ObjectsError::Format {
            object: open.id,
            what: "its tail was not written, or is too long".into(),
        })?;
        self.done.push(Object {
            id: open.id,
            bytes,
            tail,
            rows: open.rows as u64,
            schema: self.shape.version,
            first: open.blocks.firsts.first().cloned().unwrap_or_default(),
            last: self.last.clone().unwrap_or_default().into(),
            level: self.level,
            deletes: None,
        });
        Ok(())
    }
}

impl Open {
    /// The size that it would have by now.
    fn bytes(&self) -> usize {
        self.parquet.bytes_written() + self.parquet.in_progress_size()
    }

    /// Hands what parquet has ready to the bucket.
    async fn drain(&mut self) -> Result<(), ObjectsError> {
        if self.parquet.bytes_written() as u64 == self.written {
            return Ok(());
        }
        self.parquet.sync().map_err(parquet::errors::ParquetError::from)?;
        let bytes = std::mem::take(self.parquet.inner_mut());
        self.written += bytes.len() as u64;
        if !bytes.is_empty() {
            self.sink.write(bytes.into()).await?;
        }
        Ok(())
    }
}

fn properties(block_rows: usize, group_rows: usize, columns: usize) -> WriterPropertiesBuilder {
    let key = ColumnPath::from(Scan::KEY);
    let sorted =
        SortingColumn { column_idx: columns as i32 - 1, descending: false, nulls_first: false };
    WriterProperties::builder()
        .set_created_by("holdfast".into())
        .set_compression(Compression::LZ4_RAW)
        .set_max_row_group_row_count(Some(group_rows))
        .set_data_page_row_count_limit(block_rows)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns(Some(vec![sorted]))
        .set_bloom_filter_position(BloomFilterPosition::End)
        .set_column_bloom_filter_enabled(key.clone(), true)
        .set_column_bloom_filter_fpp(key.clone(), 0.01)
        .set_column_bloom_filter_max_ndv(key.clone(), group_rows as u64)
        .set_column_statistics_enabled(key.clone(), EnabledStatistics::Chunk)
        .set_column_dictionary_enabled(key.clone(), false)
        // Against PLAIN, by the example `read`: keys of 9 bytes take 4 bytes a row less
        // (199.3 MB, not 203.3 MB); the time of a read of one block differs by less than
        // it varies from run to run.
        .set_column_encoding(key, Encoding::DELTA_BYTE_ARRAY)
}

/// Where everything begins that is not rows.
fn tail_from(metadata: &ParquetMetaData) -> Option<u64> {
    let columns = metadata.row_groups().iter().flat_map(|group| group.columns());
    let offsets = columns.flat_map(|column| {
        [column.bloom_filter_offset(), column.column_index_offset(), column.offset_index_offset()]
    });
    offsets.flatten().min().and_then(|from| u64::try_from(from).ok())
}

fn keys(batch: &RecordBatch) -> Option<&BinaryArray> {
    batch.columns().last().and_then(|keys| keys.as_binary_opt::<i32>())
}

/// About how many bytes a column's values take; a slice's, not its buffers'.
fn value_bytes(column: &ArrayRef) -> usize {
    let views = |lengths: &mut dyn Iterator<Item = u32>| lengths.map(|it| it as usize).sum();
    match column.data_type() {
        DataType::Utf8View => column.as_string_view_opt().map_or(0, |it| views(&mut it.lengths())),
        DataType::BinaryView => {
            column.as_binary_view_opt().map_or(0, |it| views(&mut it.lengths()))
        }
        DataType::Binary => column.as_binary_opt::<i32>().map_or(0, |it| {
            let offsets = it.value_offsets();
            (offsets[it.len()] - offsets[0]) as usize
        }),
        other => column.len() * other.primitive_width().unwrap_or(0),
    }
}
