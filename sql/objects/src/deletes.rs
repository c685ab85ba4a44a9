//! Deletion vectors: which rows of an object are dead.
//!
//! ```text
//! roaring bitmap of positions, in the portable format of the Roaring specification
//! ```

use std::sync::Arc;

use bytes::Bytes;
use holdfast_base::TableId;
use roaring::RoaringBitmap;

use crate::cache::{Cached, Name};
use crate::manifest::{Deletes, Object, ObjectId, Place};
use crate::{ObjectsError, Reader};

/// A vector of up to this lies in the manifest. [bytes]
const INLINE_BYTES: usize = 4 << 10;

/// A deletion vector, ready for use.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// What it was parsed from, where that lies in a manifest (C2 of `cache`).
    source: Option<Bytes>,
    pub rows: RoaringBitmap,
}

impl Reader {
    /// An object's dead rows; nothing: it has none.
    pub(crate) async fn dead(
        &self,
        table: TableId,
        object: &Object,
    ) -> Result<Option<Arc<Parsed>>, ObjectsError> {
        let Some(deletes) = &object.deletes else { return Ok(None) };
        let (name, parsed) = match &deletes.place {
            Place::Inline(bytes) => {
                let name = Name::Inline(object.id);
                let known = self.cache().deletes(name);
                if let Some(known) = known.filter(|known| known.is_of(bytes)) {
                    return Ok(Some(known));
                }
                (name, parse(object, deletes, bytes, Some(bytes.clone()))?)
            }
            Place::Object { id, bytes } => {
                let name = Name::Deletes(*id);
                if let Some(known) = self.cache().deletes(name) {
                    return Ok(Some(known));
                }
                let stored = self.reads().read(&id.deletes(table), 0..*bytes).await?;
                (name, parse(object, deletes, &stored, None)?)
            }
        };
        let parsed = Arc::new(parsed);
        let bytes = parsed.rows.serialized_size() + size_of::<Parsed>();
        self.cache().put(name, Cached::Deletes(parsed.clone()), bytes);
        Ok(Some(parsed))
    }

    /// An object's deletion vector with `more` dead rows. `id` is the name of what is
    /// written where the vector is too long to lie in the manifest; use it once.
    ///
    /// # Errors
    /// Rows that the object has not; the bucket's.
    pub async fn with_deletes(
        &self,
        table: TableId,
        object: &Object,
        more: &RoaringBitmap,
        id: ObjectId,
    ) -> Result<Deletes, ObjectsError> {
        let present = self.dead(table, object).await?;
        let mut rows = match &present {
            Some(present) => &present.rows | more,
            None => more.clone(),
        };
        if let Some(max) = rows.max().filter(|max| u64::from(*max) >= object.rows) {
            let what = format!("row {max} is dead, but there are {} rows", object.rows);
            return Err(ObjectsError::Format { object: object.id, what });
        }
        rows.optimize();
        let mut bytes = Vec::with_capacity(rows.serialized_size());
        let count = rows.len();
        if let Err(error) = rows.serialize_into(&mut bytes) {
            return Err(ObjectsError::Format { object: object.id, what: error.to_string() });
        }
        if bytes.len() <= INLINE_BYTES {
            return Ok(Deletes { count, place: Place::Inline(bytes.into()) });
        }
        let size = bytes.len() as u64;
        let mut writer = self.reads().bucket().create(&id.deletes(table), Some(size));
        writer.write(bytes.into()).await?;
        let bytes = writer.finish().await?;
        Ok(Deletes { count, place: Place::Object { id, bytes } })
    }
}

impl Parsed {
    fn is_of(&self, bytes: &Bytes) -> bool {
        let same =
            |source: &Bytes| source.as_ptr() == bytes.as_ptr() && source.len() == bytes.len();
        self.source.as_ref().is_some_and(|source| same(source) || source == bytes)
    }
}

fn parse(
    object: &Object,
    deletes: &Deletes,
    bytes: &[u8],
    source: Option<Bytes>,
) -> Result<Parsed, ObjectsError> {
    let bad = |what: String| ObjectsError::Format { object: object.id, what };
    let rows = RoaringBitmap::deserialize_from(bytes);
    let rows = rows.map_err(|error| bad(format!("its deletion vector does not parse: {error}")))?;
    if rows.len() != deletes.count || rows.max().is_some_and(|max| u64::from(max) >= object.rows) {
        return Err(bad(format!(
            "its deletion vector has {} rows up to {:?}, the manifest says {} of {}",
            rows.len(),
            rows.max(),
            deletes.count,
            object.rows
        )));
    }
    Ok(Parsed { source, rows })
}
