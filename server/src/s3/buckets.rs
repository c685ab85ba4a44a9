//! Buckets: create, delete, head, list, location.

use holdfast_api::meta::{Answer, Command, Query as Ask};
use http::StatusCode;
use s3s::dto::CreateBucketConfiguration;
use s3s::xml::{Deserialize, Deserializer};
use s3s::{S3Result, s3_error};

use super::answer::{self, empty, with};
use super::call::{Call, Handled, unexpected};
use super::errors::{invalid_argument, malformed_xml, not_implemented};
use super::headers;
use super::xml::Xml;

/// A configuration larger than this is nonsense. [bytes]
const CONFIGURATION_BYTES_MAX: usize = 64 << 10;
/// Every key belongs to the one account there is.
const OWNER_ID: &str = "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a";
const OWNER_NAME: &str = "holdfast";

/// `<Owner>` (or another tag) of everything.
pub(super) fn owner(xml: &mut Xml, tag: &str) {
    xml.open(tag);
    owner_fields(xml);
    xml.close(tag);
}

/// What is inside an `<Owner>`.
pub(super) fn owner_fields(xml: &mut Xml) {
    xml.text("ID", OWNER_ID);
    xml.text("DisplayName", OWNER_NAME);
}

/// ListBuckets.
pub(super) async fn list(call: Call) -> Handled {
    const ROOT: &str = "ListAllMyBucketsResult";
    let buckets = match call.shared.ask(Ask::Buckets).await? {
        Answer::Buckets(buckets) => buckets,
        other => return Err(unexpected(&other)),
    };
    let max: usize = call.number("max-buckets")?.unwrap_or(10_000);
    if !(1..=10_000).contains(&max) {
        return Err(invalid_argument("Argument max-buckets must be between 1 and 10000"));
    }
    let prefix = call.query.get("prefix").unwrap_or("");
    // The token is the last name of the page before: bucket names need no encoding.
    let after = call.query.get("continuation-token").unwrap_or("");
    let mut rest = buckets.iter().filter(|bucket| {
        // The database's own bucket is nobody else's.
        bucket.name != crate::tables::NAME
            && bucket.name.starts_with(prefix)
            && (after.is_empty() || bucket.name.as_str() > after)
    });
    let page: Vec<_> = rest.by_ref().take(max).collect();
    let mut xml = Xml::document(ROOT, 256 + page.len() * 128);
    owner(&mut xml, "Owner");
    xml.open("Buckets");
    for bucket in &page {
        xml.open("Bucket");
        xml.text("Name", &bucket.name);
        xml.open("CreationDate");
        headers::iso_into(xml.buffer(), bucket.created);
        xml.close("CreationDate");
        xml.close("Bucket");
    }
    xml.close("Buckets");
    if let (Some(last), Some(_)) = (page.last(), rest.next()) {
        xml.text("ContinuationToken", &last.name);
    }
    if !prefix.is_empty() {
        xml.text("Prefix", prefix);
    }
    Ok(answer::xml(xml.finish(ROOT)))
}

/// CreateBucket.
pub(super) async fn create(call: Call) -> Handled {
    headers::refuse_unimplemented(&call.headers)?;
    match call.header("x-amz-object-ownership")? {
        None | Some("BucketOwnerEnforced") => {}
        Some(other) => return Err(not_implemented(&format!("x-amz-object-ownership: {other}"))),
    }
    let (shared, name) = (call.shared.clone(), call.bucket.clone());
    check_name(&name)?;
    let configuration = call.payload.all(CONFIGURATION_BYTES_MAX).await?;
    if !configuration.is_empty() {
        let mut reader = Deserializer::new(&configuration);
        let parsed =
            CreateBucketConfiguration::deserialize(&mut reader).map_err(|_| malformed_xml())?;
        if let Some(location) = parsed.location_constraint
            && !location.as_str().is_empty()
            && location.as_str() != shared.region
        {
            return Err(s3_error!(
                IllegalLocationConstraintException,
                "The {} location constraint is incompatible with the region {}.",
                location.as_str(),
                shared.region
            ));
        }
    }
    let location = format!("/{name}");
    shared.execute(Command::CreateBucket { name, now: shared.clock.wall() }).await?;
    Ok(with(empty(StatusCode::OK), "location", &location))
}

/// S3's rules beyond those that s3s checks for every request.
fn check_name(name: &str) -> S3Result<()> {
    let reserved = ["sthree-", "amzn-s3-demo-"].iter().any(|prefix| name.starts_with(prefix))
        || ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"]
            .iter()
            .any(|suffix| name.ends_with(suffix));
    if reserved || !s3s::path::check_bucket_name(name) {
        return Err(s3_error!(InvalidBucketName, "The specified bucket is not valid."));
    }
    Ok(())
}

/// DeleteBucket.
pub(super) async fn delete(call: Call) -> Handled {
    call.shared.execute(Command::DeleteBucket { name: call.bucket }).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// HeadBucket.
pub(super) async fn head(call: Call) -> Handled {
    call.the_bucket().await?;
    Ok(with(empty(StatusCode::OK), "x-amz-bucket-region", &call.shared.region))
}

/// GetBucketLocation.
pub(super) async fn location(call: Call) -> Handled {
    const ROOT: &str = "LocationConstraint";
    call.the_bucket().await?;
    let mut xml = Xml::document(ROOT, 0);
    // S3 says nothing for the region it began with.
    if call.shared.region != "us-east-1" {
        xml.raw(&call.shared.region);
    }
    Ok(answer::xml(xml.finish(ROOT)))
}
