//! Which objects hold a table, as of a timestamp; and how that changes.
//!
//! ```text
//! edit     = version u8 | postcard(Edit)        in the log (Part::Objects)
//! manifest = version u8 | postcard(Manifest)    in checkpoints
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use holdfast_base::{TableId, Ts};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The version that is written.
pub const VERSION: u8 = 1;

/// An object's name within its table; random, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectId(pub u128);

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl ObjectId {
    /// The object that has a name in the bucket; `None` for other names.
    pub fn of_name(name: &str) -> Option<Self> {
        let (_, last) = name.rsplit_once('/')?;
        let digits = last.strip_suffix(".parquet").or_else(|| last.strip_suffix(".roaring"))?;
        u128::from_str_radix(digits, 16).ok().map(Self)
    }

    /// The name of a table's rows in the bucket.
    pub fn rows(self, table: TableId) -> String {
        format!("rows/{:016x}/{self}.parquet", table.0)
    }

    /// The name of a deletion vector in the bucket.
    pub fn deletes(self, table: TableId) -> String {
        format!("deletes/{:016x}/{self}.roaring", table.0)
    }
}

/// An object with rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its name.
    pub id: ObjectId,
    /// Its size. [bytes]
    pub bytes: u64,
    /// Its last bytes that hold everything but rows: bloom filters, page index, footer. [bytes]
    pub tail: u32,
    /// Its rows, dead ones included.
    pub rows: u64,
    /// The version of the table's definition that it was written by.
    pub schema: u32,
    /// The first key.
    pub first: Bytes,
    /// The last key.
    pub last: Bytes,
    /// How often its rows were merged: 0 for a flush.
    pub level: u8,
    /// Which rows are dead.
    pub deletes: Option<Deletes>,
}

/// A deletion vector: positions of rows, as a serialized roaring bitmap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletes {
    /// How many.
    pub count: u64,
    /// Where they are.
    pub place: Place,
}

/// Where a deletion vector is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// Here.
    Inline(Bytes),
    /// In an object of its own.
    Object {
        /// Its name.
        id: ObjectId,
        /// Its size. [bytes]
        bytes: u64,
    },
}

/// The objects of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The timestamp of the last edit: readers from there on see this.
    pub at: Ts,
    /// Every change up to here is in the objects.
    pub flushed: Ts,
    /// By first key.
    pub objects: Vec<Arc<Object>>,
}

/// A change of a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// The timestamp of the manifest that it changes.
    pub before: Ts,
    /// What `flushed` becomes.
    pub flushed: Ts,
    /// Objects that go.
    pub removed: Vec<ObjectId>,
    /// Objects that come.
    pub added: Vec<Object>,
    /// Objects whose dead rows are others now.
    pub deletes: Vec<(ObjectId, Deletes)>,
}

/// Bytes or edits that make no sense.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadManifest {
    /// A version that is not known.
    #[error("a manifest has version {0}, up to {VERSION} are known")]
    Version(u8),
    /// Cut off or garbled.
    #[error("a manifest does not parse: {0}")]
    Encoding(String),
    /// An edit of another manifest than this one.
    #[error("an edit changes the manifest of {before}, but {at} is the last one")]
    Stale {
        /// The one that it was made for.
        before: Ts,
        /// The one that there is.
        at: Ts,
    },
    /// It names an object that is not there, or adds one that is.
    #[error("an edit names {0} wrongly")]
    Unknown(ObjectId),
}

impl Manifest {
    /// The manifest after an edit with timestamp `at`.
    ///
    /// # Errors
    /// [`BadManifest`]: the edit was made for another manifest.
    pub fn edited(&self, at: Ts, edit: &Edit) -> Result<Self, BadManifest> {
        if edit.before != self.at || at <= self.at {
            return Err(BadManifest::Stale { before: edit.before, at: self.at });
        }
        let mut objects: BTreeMap<ObjectId, Arc<Object>> =
            self.objects.iter().map(|object| (object.id, Arc::clone(object))).collect();
        for id in &edit.removed {
            objects.remove(id).ok_or(BadManifest::Unknown(*id))?;
        }
        for (id, deletes) in &edit.deletes {
            let object = objects.get_mut(id).ok_or(BadManifest::Unknown(*id))?;
            Arc::make_mut(object).deletes = Some(deletes.clone());
        }
        for object in &edit.added {
            if objects.insert(object.id, Arc::new(object.clone())).is_some() {
                return Err(BadManifest::Unknown(object.id));
            }
        }
        let mut objects: Vec<Arc<Object>> = objects.into_values().collect();
        objects.sort_by(|a, b| (&a.first, a.id).cmp(&(&b.first, b.id)));
        Ok(Self { at, flushed: self.flushed.max(edit.flushed), objects })
    }

    /// Rows that are alive.
    pub fn rows(&self) -> u64 {
        let alive = |object: &Arc<Object>| {
            object.rows.saturating_sub(object.deletes.as_ref().map_or(0, |deletes| deletes.count))
        };
        self.objects.iter().map(alive).fold(0, u64::saturating_add)
    }

    /// The size of all objects. [bytes]
    pub fn bytes(&self) -> u64 {
        self.objects.iter().map(|object| object.bytes).fold(0, u64::saturating_add)
    }

    /// The names of everything in the bucket that it needs.
    pub fn names(&self, table: TableId) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for object in &self.objects {
            names.insert(object.id.rows(table));
            if let Some(Deletes { place: Place::Object { id, .. }, .. }) = &object.deletes {
                names.insert(id.deletes(table));
            }
        }
        names
    }

    /// As it lies in a checkpoint.
    pub fn encode(&self) -> Bytes {
        encode(self)
    }

    /// The inverse of [`Manifest::encode`].
    ///
    /// # Errors
    /// [`BadManifest`].
    pub fn decode(bytes: &[u8]) -> Result<Self, BadManifest> {
        decode(bytes)
    }
}

impl Edit {
    /// As it lies in the log.
    pub fn encode(&self) -> Bytes {
        encode(self)
    }

    /// The inverse of [`Edit::encode`].
    ///
    /// # Errors
    /// [`BadManifest`].
    pub fn decode(bytes: &[u8]) -> Result<Self, BadManifest> {
        decode(bytes)
    }
}

fn encode(what: &impl Serialize) -> Bytes {
    let out = postcard::to_extend(what, vec![VERSION]);
    out.expect("a Vec takes everything, and no part of it refuses to be encoded").into()
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, BadManifest> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => {
            postcard::from_bytes(rest).map_err(|error| BadManifest::Encoding(error.to_string()))
        }
        Some((&other, _)) => Err(BadManifest::Version(other)),
        None => Err(BadManifest::Encoding("it is empty".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(number: u128, first: &'static str) -> Object {
        Object {
            id: ObjectId(number),
            bytes: 10,
            tail: 3,
            rows: 5,
            schema: 1,
            first: Bytes::from_static(first.as_bytes()),
            last: Bytes::from_static(b"z"),
            level: 0,
            deletes: None,
        }
    }

    #[test]
    fn an_edit_makes_the_next_manifest_and_is_good_for_one_only() {
        let empty = Manifest::default();
        let added = vec![object(2, "m"), object(1, "a")];
        let edit = Edit { flushed: Ts(5), added, ..Edit::default() };
        let first = empty.edited(Ts(9), &edit).expect("it follows");
        assert_eq!(first.objects.iter().map(|o| o.id.0).collect::<Vec<_>>(), [1, 2]);
        assert_eq!((first.rows(), first.bytes(), first.flushed), (10, 20, Ts(5)));
        assert!(matches!(first.edited(Ts(11), &edit), Err(BadManifest::Stale { .. })));

        let deletes = Deletes { count: 2, place: Place::Inline(Bytes::from_static(b"x")) };
        let edit = Edit {
            before: Ts(9),
            flushed: Ts(8),
            removed: vec![ObjectId(2)],
            deletes: vec![(ObjectId(1), deletes)],
            ..Edit::default()
        };
        let second = first.edited(Ts(12), &edit).expect("it follows");
        assert_eq!((second.rows(), second.at, second.flushed), (3, Ts(12), Ts(8)));
        assert_eq!(Manifest::decode(&second.encode()), Ok(second.clone()));
        assert_eq!(Edit::decode(&edit.encode()), Ok(edit));
        assert_eq!(Manifest::decode(&[7, 0]), Err(BadManifest::Version(7)));
        let names: Vec<String> = second.names(TableId(7)).into_iter().collect();
        assert_eq!(names, [format!("rows/0000000000000007/{:032x}.parquet", 1)]);
        let unknown = Edit { before: Ts(12), removed: vec![ObjectId(9)], ..Edit::default() };
        assert_eq!(second.edited(Ts(13), &unknown), Err(BadManifest::Unknown(ObjectId(9))));
    }
}
