//! One request, its signature verified, as handlers see it.

use std::sync::Arc;

use bytes::Bytes;
use holdfast_api::blob::BlobRecord;
use holdfast_api::drive::Owner;
use holdfast_api::meta::{
    Answer, Bucket, Command, ListObjects, Object, Outcome, Query as Ask, Refusal,
};
use holdfast_base::limits::KEY_BYTES_MAX;
use holdfast_base::{BlobId, BucketId, VersionId};
use http::{HeaderMap, Method};
use s3s::{S3Error, S3Request, S3Result, TrailingHeaders, s3_error};

use super::answer::Reply;
use super::body::{Fate, Payload};
use super::errors::{self, invalid_argument};
use super::headers;
use super::promised::Carried;
use super::service::Shared;
use super::uri::{self, Query};

/// Records of blobs that a lookup brings along: 128 MiB of an object.
const BLOBS_ALONG: usize = 2;

/// A request.
pub(super) struct Call {
    pub(super) shared: Arc<Shared>,
    pub(super) method: Method,
    /// Empty at the root.
    pub(super) bucket: String,
    /// Empty for the bucket itself.
    pub(super) key: Bytes,
    pub(super) query: Query,
    pub(super) headers: HeaderMap,
    pub(super) payload: Payload,
    pub(super) trailers: Option<TrailingHeaders>,
}

/// An object and the records of its first blobs.
pub(super) type Found = (Object, Vec<(BlobId, BlobRecord)>);

impl Call {
    /// Takes a request apart.
    pub(super) fn of(shared: Arc<Shared>, request: S3Request<s3s::Body>) -> S3Result<Self> {
        let mut extensions = request.extensions;
        let query = extensions.remove::<Query>().unwrap_or_default();
        let fate = extensions.remove::<Fate>().unwrap_or_default();
        let carried = extensions.remove::<Carried>().and_then(|carried| carried.take());
        let stream = carried.unwrap_or(request.input);
        let host = headers::text(&request.headers, "host")?.unwrap_or("");
        let path = uri::decode(request.uri.path().strip_prefix('/').unwrap_or(""));
        let (bucket, key) = match shared.domains.bucket(host) {
            Some(bucket) => (bucket, path),
            None => match path.iter().position(|&byte| byte == b'/') {
                Some(at) => (utf8(&path[..at])?, path[at + 1..].to_vec()),
                None => (utf8(&path)?, Vec::new()),
            },
        };
        check_key(&key)?;
        let mut headers = request.headers;
        hoisted(&query, &mut headers);
        Ok(Self {
            shared,
            method: request.method,
            bucket,
            key: key.into(),
            query,
            headers,
            payload: Payload { stream, fate },
            trailers: request.trailing_headers,
        })
    }

    /// The body, leaving an empty one.
    pub(super) fn take_payload(&mut self) -> Payload {
        let empty = Payload { stream: s3s::Body::empty(), fate: Fate::default() };
        std::mem::replace(&mut self.payload, empty)
    }

    /// A header's text.
    pub(super) fn header(&self, name: &str) -> S3Result<Option<&str>> {
        headers::text(&self.headers, name)
    }

    /// A number in the query.
    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> S3Result<Option<T>> {
        let Some(text) = self.query.get(name).filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let parsed = text.parse();
        parsed.map(Some).map_err(|_| {
            invalid_argument(format!("Provided {name} not an integer or within integer range"))
        })
    }

    /// The bucket of this request.
    pub(super) async fn the_bucket(&self) -> S3Result<Bucket> {
        self.shared.bucket(&self.bucket).await
    }

    /// The object of this request, with the records of blobs from byte `at`.
    pub(super) async fn the_object(&self, bucket: BucketId, at: u64) -> S3Result<Found> {
        let found = self.shared.object(bucket, &self.key, at).await?;
        found.ok_or_else(errors::no_such_key)
    }

    /// Only the null version exists.
    pub(super) fn check_version(&self) -> S3Result<()> {
        match self.query.get("versionId") {
            None | Some("" | "null") => Ok(()),
            Some(_) => Err(s3_error!(NoSuchVersion, "The specified version does not exist.")),
        }
    }
}

impl Shared {
    /// # Errors
    /// `NoSuchBucket`.
    pub(super) async fn bucket(&self, name: &str) -> S3Result<Bucket> {
        match self.ask(Ask::Bucket { name: name.into() }).await? {
            Answer::Bucket(Some(bucket)) => Ok(bucket),
            Answer::Bucket(None) => Err(errors::no_such_bucket()),
            other => Err(unexpected(&other)),
        }
    }

    pub(super) async fn object(
        &self,
        bucket: BucketId,
        key: &Bytes,
        at: u64,
    ) -> S3Result<Option<Found>> {
        match self.ask(Ask::Object { bucket, key: key.clone(), at, blobs: BLOBS_ALONG }).await? {
            Answer::Object(found) => Ok(found),
            other => Err(unexpected(&other)),
        }
    }

    pub(super) async fn list(
        &self,
        ask: ListObjects,
    ) -> S3Result<holdfast_api::meta::Listing<holdfast_api::meta::ListedObject>> {
        match self.ask(Ask::ListObjects(ask)).await? {
            Answer::Listing(listing) => Ok(listing),
            other => Err(unexpected(&other)),
        }
    }

    pub(super) async fn ask(&self, query: Ask) -> S3Result<Answer> {
        self.meta.query(query).await.map_err(errors::meta)
    }

    /// What came of a command; refusals are errors.
    pub(super) async fn execute(&self, command: Command) -> S3Result<Outcome> {
        match self.try_execute(command).await? {
            Ok(outcome) => Ok(outcome),
            Err(refusal) => Err(errors::refused(refusal)),
        }
    }

    /// As [`Shared::execute`], refusals apart.
    pub(super) async fn try_execute(&self, command: Command) -> S3Result<Result<Outcome, Refusal>> {
        Ok(match self.meta.execute(command).await.map_err(errors::meta)? {
            Outcome::Refused(refusal) => Err(refusal),
            outcome => Ok(outcome),
        })
    }

    /// Who a new body of `key` is for.
    pub(super) fn owner(&self, bucket: BucketId, key: &Bytes) -> Owner {
        Owner { bucket, key: key.clone(), version: VersionId(self.rng.id()) }
    }
}

/// An answer to another question: our mistake.
pub(super) fn unexpected(answer: &dyn std::fmt::Debug) -> S3Error {
    errors::internal(&format!("the metadata answered {answer:?}"))
}

/// # Errors
/// `KeyTooLongError`.
pub(super) fn check_key(key: &[u8]) -> S3Result<()> {
    if key.len() > KEY_BYTES_MAX {
        return Err(s3_error!(KeyTooLongError, "Your key is too long"));
    }
    if std::str::from_utf8(key).is_err() {
        return Err(s3_error!(InvalidURI, "Couldn't parse the specified URI."));
    }
    Ok(())
}

fn utf8(bytes: &[u8]) -> S3Result<String> {
    String::from_utf8(bytes.to_vec())
        .map_err(|_| s3_error!(InvalidURI, "Couldn't parse the specified URI."))
}

/// Signers of URLs move `x-amz-` headers into the query; there they mean the same.
fn hoisted(query: &Query, headers: &mut HeaderMap) {
    const SIGNING: [&str; 7] = [
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-signedheaders",
        "x-amz-signature",
        "x-amz-security-token",
    ];
    if !query.has("X-Amz-Signature") {
        return;
    }
    for (name, value) in query.iter() {
        let name = name.to_ascii_lowercase();
        if name.starts_with("x-amz-")
            && !SIGNING.contains(&name.as_str())
            && !headers.contains_key(&name)
        {
            headers::put(headers, &name, value);
        }
    }
}

/// What handlers return.
pub(super) type Handled = S3Result<Reply>;
