//! A table as of one manifest, and which of its objects may hold a key.

use std::sync::Arc;

use bytes::Bytes;
use holdfast_tail::{KeyRange, TableShape};

use crate::manifest::{Manifest, Object};
use crate::{ObjectId, ObjectsError};

/// A table as of one manifest. Make one per manifest and keep it: it knows how far the
/// objects reach.
#[derive(Clone, Debug)]
pub struct TableObjects {
    /// The objects.
    pub manifest: Arc<Manifest>,
    /// What rows look like to those who read.
    pub shape: Arc<TableShape>,
    /// The greatest last key of the objects up to each one. Objects are ordered by first
    /// key, so walking back from the last one that begins at or before a key may stop
    /// where this is below the key.
    reach: Arc<[Bytes]>,
}

impl TableObjects {
    /// A manifest, to be read as `shape` says.
    pub fn new(manifest: Arc<Manifest>, shape: Arc<TableShape>) -> Self {
        let mut reach: Vec<Bytes> = Vec::with_capacity(manifest.objects.len());
        for object in &manifest.objects {
            let last = match reach.last() {
                Some(before) if *before > object.last => before.clone(),
                _ => object.last.clone(),
            };
            reach.push(last);
        }
        Self { manifest, shape, reach: reach.into() }
    }

    /// The objects whose keys span `key`.
    pub(crate) fn around<'a>(&'a self, key: &'a [u8]) -> impl Iterator<Item = &'a Arc<Object>> {
        let objects = &self.manifest.objects;
        let end = objects.partition_point(|object| *object.first <= *key);
        let reaches = move |at: &usize| self.reach.get(*at).is_some_and(|last| **last >= *key);
        let before = (0..end).rev().take_while(reaches);
        before.map(|at| &objects[at]).filter(move |object| *object.last >= *key)
    }

    /// The objects whose keys may lie in a range.
    pub(crate) fn within<'a>(
        &'a self,
        range: &'a KeyRange,
    ) -> impl Iterator<Item = &'a Arc<Object>> {
        self.manifest.objects.iter().filter(|object| touches(object, range))
    }

    pub(crate) fn object(&self, id: ObjectId) -> Result<&Arc<Object>, ObjectsError> {
        let mut objects = self.manifest.objects.iter();
        objects.find(|object| object.id == id).ok_or(ObjectsError::Unknown(id))
    }

    pub(crate) fn check_slots(&self, slots: &[usize]) -> Result<(), ObjectsError> {
        let has = self.shape.slots.len();
        match slots.iter().find(|slot| **slot >= has) {
            Some(&given) => Err(ObjectsError::Slot { slots: has, given }),
            None => Ok(()),
        }
    }
}

/// Whether an object's keys may lie in a range.
pub(crate) fn touches(object: &Object, range: &KeyRange) -> bool {
    *object.last >= *range.from && range.to.as_ref().is_none_or(|to| *object.first < **to)
}
