//! The database's bucket in the same store as everybody's: `.tables`.
//!
//! S3's names for buckets begin with a letter or digit, so that no client can ask for
//! it, and listings leave it out.
//!
//! - W1 (`bucket` B1): one metadata command makes an object visible, after its body is
//!   durable; whoever gives up before leaves orphans, which the collector finds.
//! - W2: every wait is bounded by the store's and the metadata's own deadlines.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use holdfast_api::BoxFuture;
use holdfast_api::bucket::{Bucket, BucketError, Listed, ObjectWriter};
use holdfast_api::drive::Owner;
use holdfast_api::meta::{
    Answer, Attributes, Command, Condition, DeleteOne, ListObjects, MetaError, MetaService, Object,
    Outcome, PutObject, Query, Refusal,
};
use holdfast_api::object::{Body, BodyWriter, ObjectStore, ReadPlan, StoreError};
use holdfast_base::{BucketId, Remedy, VersionId};
use holdfast_io::clock::Clock;
use holdfast_io::rng::Rng;

/// Its name.
pub const NAME: &str = ".tables";

/// Records of blobs that come along with a lookup.
const BLOBS_ALONG: usize = 8;

/// See the module's header. Cheap to clone.
#[derive(Clone)]
pub struct Tables {
    meta: Arc<dyn MetaService>,
    store: Arc<dyn ObjectStore>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    id: BucketId,
}

impl Tables {
    /// Finds the bucket, or makes it.
    ///
    /// # Errors
    /// [`BucketError::Away`] while the metadata cannot be had.
    pub async fn open(
        meta: Arc<dyn MetaService>,
        store: Arc<dyn ObjectStore>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, BucketError> {
        if let Some(id) = find(&*meta).await? {
            return Ok(Self { meta, store, clock, rng, id });
        }
        let command = Command::CreateBucket { name: NAME.to_owned(), now: clock.wall() };
        match meta.execute(command).await.map_err(|error| of_meta(NAME, &error))? {
            // Somebody else was faster, or the answer to a first attempt was lost.
            Outcome::Bucket(_) | Outcome::Refused(Refusal::BucketExists) => {}
            other => return Err(broken(NAME, format!("it cannot be made: {other:?}"))),
        }
        match find(&*meta).await? {
            Some(id) => Ok(Self { meta, store, clock, rng, id }),
            None => Err(broken(NAME, "it was made and is not there".to_owned())),
        }
    }

    fn owner(&self, name: &str) -> Owner {
        let version = VersionId(self.rng.id());
        Owner { bucket: self.id, key: key_of(name), version }
    }

    async fn read_range(&self, name: String, range: Range<u64>) -> Result<Bytes, BucketError> {
        // O4: the lease is taken before the lookup.
        let _lease = self.store.lease();
        let (bucket, key) = (self.id, key_of(&name));
        let query = Query::Object { bucket, key: key.clone(), at: range.start, blobs: BLOBS_ALONG };
        let found = match self.meta.query(query).await.map_err(|error| of_meta(&name, &error))? {
            Answer::Object(found) => found,
            other => return Err(broken(&name, format!("the metadata answered {other:?}"))),
        };
        let Some((object, blobs)) = found else { return Err(BucketError::Absent(name)) };
        if range.end > object.size || range.start > range.end {
            let (from, to) = (range.start, range.end);
            return Err(BucketError::Range { name, bytes: object.size, from, to });
        }
        let owner = Owner { bucket, key, version: object.version };
        let (from, to) = (range.start, range.end);
        let plan = ReadPlan { owner, bodies: object.bodies, from, to, blobs };
        let mut reader = self.store.reader(plan);
        let mut first: Option<Bytes> = None;
        let mut all = BytesMut::new();
        while let Some(bytes) = reader.next().await.map_err(|error| of_store(&name, &error))? {
            match first.take() {
                None if all.is_empty() => first = Some(bytes),
                before => {
                    all.reserve((to - from) as usize - all.len());
                    all.extend_from_slice(&before.unwrap_or_default());
                    all.extend_from_slice(&bytes);
                }
            }
        }
        let all = first.unwrap_or_else(|| all.freeze());
        if all.len() as u64 != to - from {
            return Err(broken(
                &name,
                format!("{} bytes came, {} are there", all.len(), to - from),
            ));
        }
        Ok(all)
    }
}

async fn find(meta: &dyn MetaService) -> Result<Option<BucketId>, BucketError> {
    let query = Query::Bucket { name: NAME.to_owned() };
    match meta.query(query).await.map_err(|error| of_meta(NAME, &error))? {
        Answer::Bucket(found) => Ok(found.map(|bucket| bucket.id)),
        other => Err(broken(NAME, format!("the metadata answered {other:?}"))),
    }
}

fn key_of(name: &str) -> Bytes {
    Bytes::copy_from_slice(name.as_bytes())
}

fn broken(name: &str, why: String) -> BucketError {
    BucketError::Broken { name: name.to_owned(), why }
}

fn of_meta(name: &str, error: &MetaError) -> BucketError {
    by_remedy(name, error.remedy(), error.to_string())
}

fn of_store(name: &str, error: &StoreError) -> BucketError {
    by_remedy(name, error.remedy(), error.to_string())
}

fn by_remedy(name: &str, remedy: Remedy, why: String) -> BucketError {
    let name = name.to_owned();
    match remedy {
        Remedy::RetryHere | Remedy::TryElsewhere => BucketError::Away { name, why },
        Remedy::Refuse | Remedy::Rebuild | Remedy::Stop => BucketError::Broken { name, why },
    }
}

/// An object that is being written.
struct Writing {
    tables: Tables,
    name: String,
    owner: Owner,
    writer: Box<dyn BodyWriter>,
    size: u64,
}

impl ObjectWriter for Writing {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, Result<(), BucketError>> {
        self.size += bytes.len() as u64;
        Box::pin(async {
            self.writer.write(bytes).await.map_err(|error| of_store(&self.name, &error))
        })
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<u64, BucketError>> {
        Box::pin(async move {
            let Self { tables, name, owner, writer, size } = *self;
            let stored = writer.finish().await.map_err(|error| of_store(&name, &error))?;
            let blobs = match stored.body {
                Body::Stored { id, .. } => {
                    let blobs = stored.blobs.into_iter();
                    blobs.map(|(index, record)| (id.blob(index), record)).collect()
                }
                Body::Inline(_) => Vec::new(),
            };
            let object = Object {
                version: owner.version,
                modified: tables.clock.wall(),
                size,
                etag: hex::encode(owner.version.0),
                attributes: Attributes::default(),
                checksums: Vec::new(),
                bodies: if size == 0 { Vec::new() } else { vec![stored.body] },
                parts: Vec::new(),
            };
            let (bucket, key, condition) = (owner.bucket, owner.key, Condition::default());
            let command = PutObject { bucket, key, object, blobs, condition };
            let outcome = tables.meta.execute(Command::PutObject(command)).await;
            match outcome.map_err(|error| of_meta(&name, &error))? {
                Outcome::Object { .. } => Ok(size),
                other => Err(broken(&name, format!("it was refused: {other:?}"))),
            }
        })
    }
}

impl Bucket for Tables {
    fn create(&self, name: &str, bytes: Option<u64>) -> Box<dyn ObjectWriter> {
        let owner = self.owner(name);
        let writer = self.store.writer(owner.clone(), bytes);
        Box::new(Writing { tables: self.clone(), name: name.to_owned(), owner, writer, size: 0 })
    }

    fn read(&self, name: &str, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, BucketError>> {
        Box::pin(self.read_range(name.to_owned(), range))
    }

    fn list(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Listed>, BucketError>> {
        let (bucket, prefix, after) = (self.id, key_of(prefix), key_of(after));
        let query = ListObjects { bucket, prefix, after, limit, ..ListObjects::default() };
        Box::pin(async move {
            let answer = self.meta.query(Query::ListObjects(query)).await;
            let listing = match answer.map_err(|error| of_meta(NAME, &error))? {
                Answer::Listing(listing) => listing,
                other => return Err(broken(NAME, format!("the metadata answered {other:?}"))),
            };
            let listed = |(key, object): (Bytes, holdfast_api::meta::ListedObject)| Listed {
                name: String::from_utf8_lossy(&key).into_owned(),
                bytes: object.size,
            };
            Ok(listing.entries.into_iter().map(listed).collect())
        })
    }

    fn delete(&self, name: &str) -> BoxFuture<'_, Result<(), BucketError>> {
        let (bucket, name) = (self.id, name.to_owned());
        Box::pin(async move {
            let one = DeleteOne { key: key_of(&name), condition: Condition::default() };
            let command = Command::DeleteObjects { bucket, objects: vec![one] };
            match self.meta.execute(command).await.map_err(|error| of_meta(&name, &error))? {
                Outcome::Deleted(_) => Ok(()),
                other => Err(broken(&name, format!("it cannot be deleted: {other:?}"))),
            }
        })
    }
}
