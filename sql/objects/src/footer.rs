//! What an object says of itself: where its columns and pages are, the first key of
//! each block, bloom filters. One read of the object's tail gives all of it.

use std::sync::Arc;

use bytes::{Buf, Bytes};
use holdfast_base::TableId;
use holdfast_tail::Scan;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::bloom_filter::Sbbf;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};
use serde::{Deserialize, Serialize};

use crate::ObjectsError;
use crate::guard::guarded;
use crate::manifest::Object;
use crate::source::{Reads, Source};

/// The name of our entry in a Parquet file's key-value metadata.
pub(crate) const BLOCKS: &str = "holdfast.blocks";
/// The version of that entry that is written.
const VERSION: u8 = 1;

/// Blocks: runs of `rows` rows each, but for the last one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Blocks {
    pub rows: u32,
    /// The first key of each.
    pub firsts: Vec<Bytes>,
}

impl Blocks {
    /// Hexadecimal digits of `version u8 | postcard(Blocks)`: Parquet's metadata is text.
    pub fn encode(&self) -> String {
        let bytes = postcard::to_extend(self, vec![VERSION]);
        let bytes = bytes.expect("a Vec takes everything, and no part of it refuses");
        let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0');
        bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }

    fn decode(text: &str) -> Option<Self> {
        let digit = |byte: &u8| Some(char::from(*byte).to_digit(16)? as u8);
        let pairs = text.as_bytes().chunks(2);
        let byte = |pair: &[u8]| match pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        };
        let bytes: Option<Vec<u8>> = pairs.map(byte).collect();
        match bytes?.split_first() {
            Some((&VERSION, rest)) => postcard::from_bytes(rest).ok(),
            _ => None,
        }
    }
}

/// A footer, ready for use.
#[derive(Debug)]
pub(crate) struct Footer {
    pub object: Arc<Object>,
    pub name: Arc<str>,
    pub arrow: ArrowReaderMetadata,
    pub blocks: Blocks,
    /// The first row of each row group, and one past the last row.
    pub groups: Vec<u32>,
    /// One for each row group; none: it says nothing.
    blooms: Vec<Option<Sbbf>>,
    /// How many slots the object has.
    pub slots: usize,
    pub bytes: usize,
}

impl Footer {
    /// Reads it.
    pub async fn load(
        reads: &Reads,
        table: TableId,
        object: &Arc<Object>,
    ) -> Result<Self, ObjectsError> {
        let name = object.id.rows(table);
        let from = object.bytes.saturating_sub(object.tail.into());
        let bytes = reads.read(&name, from..object.bytes).await?;
        let tail = Suffix { from, bytes };
        guarded(object.id, || Self::parse(object.clone(), name.into(), tail))
    }

    fn parse(object: Arc<Object>, name: Arc<str>, tail: Suffix) -> Result<Self, ObjectsError> {
        let bad = |what: &str| ObjectsError::Format { object: object.id, what: what.into() };
        let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Required);
        let metadata = Arc::new(reader.parse_and_finish(&tail)?);
        let arrow = ArrowReaderMetadata::try_new(metadata.clone(), ArrowReaderOptions::new())?;
        let fields = arrow.schema().fields();
        let slots = fields.len().checked_sub(1).ok_or_else(|| bad("it has no columns"))?;
        let named = |at: usize| *fields[at].name() == format!("s{at}");
        if fields[slots].name() != Scan::KEY
            || !(0..slots).all(named)
            || metadata.file_metadata().schema_descr().num_columns() != fields.len()
        {
            return Err(bad("its columns are not slots and a key"));
        }
        let pairs = metadata.file_metadata().key_value_metadata();
        let entry = pairs.and_then(|pairs| pairs.iter().find(|pair| pair.key == BLOCKS));
        let blocks = entry.and_then(|entry| Blocks::decode(entry.value.as_deref()?));
        let blocks = blocks.ok_or_else(|| bad("it does not say what its blocks are"))?;
        let groups = groups(&metadata, &blocks, &object).map_err(bad)?;
        let mut blooms = Vec::with_capacity(metadata.num_row_groups());
        for group in metadata.row_groups() {
            blooms.push(Sbbf::read_from_column_chunk(group.column(slots), &tail)?);
        }
        if blooms.iter().flatten().any(|bloom| bloom.num_blocks() == 0) {
            return Err(bad("a bloom filter is empty"));
        }
        let keys: usize = blocks.firsts.iter().map(|key| key.len() + size_of::<Bytes>()).sum();
        let blooming: usize = blooms.iter().flatten().map(|bloom| bloom.num_blocks() * 32).sum();
        let bytes = metadata.memory_size() + keys + blooming;
        Ok(Self { object, name, arrow, blocks, groups, blooms, slots, bytes })
    }

    pub fn source(&self, reads: &Reads) -> Source {
        let metadata = self.arrow.metadata().clone();
        Source { reads: reads.clone(), name: self.name.clone(), metadata }
    }

    /// The only block that may hold a key.
    pub fn block_of(&self, key: &[u8]) -> Option<u32> {
        let after = self.blocks.firsts.partition_point(|first| **first <= *key);
        after.checked_sub(1).map(|block| block as u32)
    }

    /// The rows of a block.
    pub fn block_rows(&self, block: u32) -> std::ops::Range<u32> {
        let from = block.saturating_mul(self.blocks.rows).min(self.rows());
        from..from.saturating_add(self.blocks.rows).min(self.rows())
    }

    /// All rows; fewer than 2^32, checked in `groups`.
    pub fn rows(&self) -> u32 {
        self.groups.last().copied().unwrap_or(0)
    }

    /// The row group of a row.
    pub fn group_of(&self, row: u32) -> usize {
        self.groups.partition_point(|from| *from <= row).saturating_sub(1)
    }

    /// Whether the bloom filter lets a key of a block pass.
    pub fn may_have(&self, block: u32, key: &[u8]) -> bool {
        let group = self.group_of(self.block_rows(block).start);
        let bloom = self.blooms.get(group).and_then(Option::as_ref);
        bloom.is_none_or(|bloom| bloom.check(key))
    }
}

/// Where row groups begin; checks that all counts agree and the page index is whole.
fn groups(
    metadata: &ParquetMetaData,
    blocks: &Blocks,
    object: &Object,
) -> Result<Vec<u32>, &'static str> {
    let columns = metadata.file_metadata().schema_descr().num_columns();
    let offsets = metadata.offset_index().ok_or("it has no page index")?;
    let indexes = metadata.column_index().ok_or("it has no page index")?;
    if offsets.len() != metadata.num_row_groups() || indexes.len() != metadata.num_row_groups() {
        return Err("its page index is not of its row groups");
    }
    if blocks.rows == 0 {
        return Err("its blocks have no rows");
    }
    let mut groups = vec![0_u32];
    for (at, group) in metadata.row_groups().iter().enumerate() {
        let from = groups[at];
        let rows = u32::try_from(group.num_rows()).ok().filter(|rows| *rows > 0);
        let to = rows.and_then(|rows| from.checked_add(rows));
        groups.push(to.ok_or("a row group has an impossible number of rows")?);
        if from % blocks.rows != 0 || group.columns().len() != columns {
            return Err("a row group is not of whole blocks and columns");
        }
        if offsets[at].len() != columns || indexes[at].len() != columns {
            return Err("its page index is not of its columns");
        }
        for index in &offsets[at] {
            let firsts = index.page_locations().iter().map(|page| page.first_row_index);
            let rows = group.num_rows();
            let firsts: Vec<i64> = firsts.collect();
            if firsts.first() != Some(&0)
                || !firsts.is_sorted()
                || firsts.iter().any(|first| *first >= rows)
            {
                return Err("its page index is not of its rows");
            }
        }
    }
    let rows = groups.last().copied().unwrap_or(0);
    if u64::from(rows) != object.rows || blocks.firsts.len() != rows.div_ceil(blocks.rows) as usize
    {
        return Err("it has another number of rows than the manifest or its blocks say");
    }
    if !blocks.firsts.is_sorted() || blocks.firsts.first() != Some(&object.first) {
        return Err("its blocks do not ascend from its first key");
    }
    Ok(groups)
}

/// The end of a file, for parquet's readers of metadata.
struct Suffix {
    from: u64,
    bytes: Bytes,
}

impl Length for Suffix {
    fn len(&self) -> u64 {
        self.from + self.bytes.len() as u64
    }
}

impl ChunkReader for Suffix {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let from = start.checked_sub(self.from).and_then(|from| usize::try_from(from).ok());
        let from = from.filter(|from| *from <= self.bytes.len());
        let from = from.ok_or_else(|| outside(start))?;
        Ok(self.bytes.slice(from..).reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let from = start.checked_sub(self.from).and_then(|from| usize::try_from(from).ok());
        let to = from.and_then(|from| from.checked_add(length));
        match (from, to.filter(|to| *to <= self.bytes.len())) {
            (Some(from), Some(to)) => Ok(self.bytes.slice(from..to)),
            _ => Err(outside(start)),
        }
    }
}

fn outside(start: u64) -> ParquetError {
    ParquetError::General(format!("byte {start} is not in the tail that the manifest names"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_have_golden_digits() {
        let firsts = vec![Bytes::from_static(b"\x01"), Bytes::from_static(b"\xab\xcd")];
        let blocks = Blocks { rows: 300, firsts };
        let text = blocks.encode();
        assert_eq!(text, "01ac0202010102abcd");
        assert_eq!(Blocks::decode(&text), Some(blocks));
        for bad in ["", "0", "02ac0202010102abcd", "01ac0202010102abc", "zz"] {
            assert_eq!(Blocks::decode(bad), None, "{bad:?}");
        }
    }
}
