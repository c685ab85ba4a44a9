//! DeleteObject and DeleteObjects.

use bytes::Bytes;
use holdfast_api::meta::{Command, Condition, DeleteOne, Outcome, Refusal};
use holdfast_base::BucketId;
use http::StatusCode;
use s3s::dto::{Delete, ObjectIdentifier};
use s3s::xml::{Deserialize, Deserializer};
use s3s::{S3Error, S3Result, s3_error};

use super::answer::{self, empty};
use super::call::{Call, Handled, check_key, unexpected};
use super::checksums::Expected;
use super::errors::{self, malformed_xml};
use super::service::Shared;
use super::xml::Xml;
use super::{conditions, headers};

/// The most keys of one request.
const KEYS_MAX: usize = 1000;
/// Keys of one command: with the longest keys a quarter of an entry.
const KEYS_PER_COMMAND: usize = 250;
/// The largest request: 1,000 longest keys, every byte escaped. [bytes]
const REQUEST_BYTES_MAX: usize = 8 << 20;

/// DeleteObject. What is not there is deleted already.
pub(super) async fn one(call: Call) -> Handled {
    headers::refuse_unimplemented(&call.headers)?;
    call.check_version()?;
    let condition = conditions::write(&call.headers)?;
    let bucket = call.the_bucket().await?.id;
    let objects = vec![DeleteOne { key: call.key.clone(), condition }];
    match delete(&call.shared, bucket, objects).await?.into_iter().next() {
        Some(Err(refusal)) => Err(errors::refused(refusal)),
        Some(Ok(_)) | None => Ok(empty(StatusCode::NO_CONTENT)),
    }
}

async fn delete(
    shared: &Shared,
    bucket: BucketId,
    objects: Vec<DeleteOne>,
) -> S3Result<Vec<Result<bool, Refusal>>> {
    match shared.execute(Command::DeleteObjects { bucket, objects }).await? {
        Outcome::Deleted(results) => Ok(results),
        other => Err(unexpected(&other)),
    }
}

/// DeleteObjects.
pub(super) async fn many(mut call: Call) -> Handled {
    const ROOT: &str = "DeleteResult";
    headers::refuse_unimplemented(&call.headers)?;
    let expected = Expected::of(&call.headers)?;
    let bucket = call.the_bucket().await?.id;
    let body = call.take_payload().all(REQUEST_BYTES_MAX).await?;
    let mut digests = expected.digests([]);
    digests.update(&body);
    let trailers = call.trailers.as_ref().and_then(|trailers| trailers.take());
    expected.verify(&digests.finish(), trailers.as_ref())?;

    let request =
        Delete::deserialize(&mut Deserializer::new(&body)).map_err(|_| malformed_xml())?;
    if request.objects.is_empty() || request.objects.len() > KEYS_MAX {
        return Err(malformed_xml());
    }
    let quiet = request.quiet.unwrap_or(false);
    let mut results: Vec<Result<(), S3Error>> = Vec::with_capacity(request.objects.len());
    for group in request.objects.chunks(KEYS_PER_COMMAND) {
        results.extend(delete_group(&call.shared, bucket, group).await);
    }
    let mut xml = Xml::document(ROOT, 256 + request.objects.len() * 64);
    for (object, result) in request.objects.iter().zip(&results) {
        match result {
            Ok(()) if quiet => {}
            Ok(()) => {
                xml.open("Deleted");
                xml.text("Key", &object.key);
                xml.optional("VersionId", object.version_id.as_deref());
                xml.close("Deleted");
            }
            Err(error) => {
                xml.open("Error");
                xml.text("Key", &object.key);
                xml.optional("VersionId", object.version_id.as_deref());
                xml.text("Code", error.code().as_str());
                xml.text("Message", error.message().unwrap_or(""));
                xml.close("Error");
            }
        }
    }
    Ok(answer::xml(xml.finish(ROOT)))
}

/// One answer for each: what was refused beforehand is not sent.
async fn delete_group(
    shared: &Shared,
    bucket: BucketId,
    group: &[ObjectIdentifier],
) -> Vec<Result<(), S3Error>> {
    let checked: Vec<_> = group.iter().map(check).collect();
    let objects: Vec<_> = checked.iter().filter_map(|one| one.as_ref().ok().cloned()).collect();
    if objects.is_empty() {
        return checked.into_iter().map(|one| one.map(|_| ())).collect();
    }
    match delete(shared, bucket, objects).await {
        Ok(answers) => {
            let mut answers = answers.into_iter();
            let mut next = move || match answers.next() {
                Some(answer) => answer.map(|_| ()).map_err(errors::refused),
                None => Err(errors::internal(&"a deletion without an answer")),
            };
            checked.into_iter().map(|one| one.and_then(|_| next())).collect()
        }
        Err(error) => {
            let again = || {
                S3Error::with_message(
                    error.code().clone(),
                    error.message().unwrap_or("").to_owned(),
                )
            };
            checked.into_iter().map(|one| one.and_then(|_| Err(again()))).collect()
        }
    }
}

fn check(object: &ObjectIdentifier) -> S3Result<DeleteOne> {
    if object.key.is_empty() {
        return Err(s3_error!(UserKeyMustBeSpecified, "An object key must be specified."));
    }
    check_key(object.key.as_bytes())?;
    if !matches!(object.version_id.as_deref(), None | Some("" | "null")) {
        return Err(s3_error!(NoSuchVersion, "The specified version does not exist."));
    }
    let if_match = object.e_tag.iter().map(|etag| etag.value().to_owned()).collect();
    let condition = Condition { if_match, if_none_match: Vec::new() };
    Ok(DeleteOne { key: Bytes::copy_from_slice(object.key.as_bytes()), condition })
}
