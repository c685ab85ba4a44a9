//! Single rows of many chunks put together as columns.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::interleave;
use arrow::datatypes::DataType;

use crate::columns::{self, Builder};
use crate::{RowRef, TableShape, TailError};

/// Copies what an array's views point to, so that nothing else is kept alive by it.
pub(crate) fn compact(array: ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Utf8View => Arc::new(array.as_string_view().gc()),
        DataType::BinaryView => Arc::new(array.as_binary_view().gc()),
        _ => array,
    }
}

/// The `slots` of `rows`, in their order.
///
/// Cost: one copy of each value; row bytes are read in one pass each.
pub(crate) fn gather(
    rows: &[&RowRef],
    shape: &TableShape,
    slots: &[usize],
) -> Result<Vec<ArrayRef>, TailError> {
    shape.check_slots(slots)?;
    let typed = slots.iter().map(|slot| (*slot, &shape.slots[*slot], &shape.defaults[*slot]));
    let mut raw = Builder::new(typed, 0);
    // Only looked up: that it is ordered by address changes nothing.
    let mut numbers: BTreeMap<usize, usize> = BTreeMap::new();
    let mut chunks = Vec::new();
    let mut places = Vec::with_capacity(rows.len());
    for row in rows {
        match row.parts() {
            Ok((chunk, place)) => {
                let next = chunks.len();
                let source = *numbers.entry(Arc::as_ptr(chunk) as usize).or_insert(next);
                if source == next {
                    chunks.push(chunk);
                }
                // Source 0 is the raw rows.
                places.push((source + 1, place));
            }
            Err(bytes) => {
                places.push((0, raw.rows()));
                raw.push_row(bytes)?;
            }
        }
    }
    let raw = raw.finish();
    let mut gathered = Vec::with_capacity(slots.len());
    for (slot, raw) in slots.iter().zip(&raw) {
        gathered.push(gather_slot(*slot, shape, raw, &chunks, &places)?);
    }
    Ok(gathered)
}

fn gather_slot(
    slot: usize,
    shape: &TableShape,
    raw: &ArrayRef,
    chunks: &[&Arc<crate::chunk::Chunk>],
    places: &[(usize, usize)],
) -> Result<ArrayRef, TailError> {
    if chunks.is_empty() {
        return Ok(raw.clone());
    }
    let default = columns::one(&shape.slots[slot], &shape.defaults[slot])?;
    let mut lacks = vec![false];
    let mut sources: Vec<&dyn Array> = vec![raw];
    for chunk in chunks {
        let array = chunk.sealed().and_then(|columns| columns.arrays.get(slot));
        lacks.push(array.is_none());
        sources.push(array.unwrap_or(&default));
    }
    let place =
        |(source, place): &(usize, usize)| (*source, if lacks[*source] { 0 } else { *place });
    let places: Vec<(usize, usize)> = places.iter().map(place).collect();
    Ok(interleave(&sources, &places)?)
}
