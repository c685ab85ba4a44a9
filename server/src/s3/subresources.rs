//! Sub-resources that clients probe: they answer as on a bucket where they were never set.
//! Setting one is `NotImplemented` until it is real (F3); deleting what was never set succeeds.

use http::StatusCode;
use s3s::S3Error;

use super::answer::{self, empty};
use super::buckets::{owner, owner_fields};
use super::call::{Call, Handled};
use super::errors::{custom, not_implemented};
use super::headers;
use super::uri::Query;
use super::xml::Xml;

/// How a sub-resource answers while it is not set.
#[derive(Clone, Copy)]
enum Unset {
    /// An empty document with this root.
    Empty(&'static str),
    /// A document with this root and content.
    Says(&'static str, &'static str),
    /// 404 with this code and message.
    Missing(&'static str, &'static str),
    /// The owner may do everything.
    Acl,
    /// Not there at all, not even to be asked.
    Absent,
}

/// A sub-resource: its name in the query, and how it answers.
#[derive(Clone, Copy)]
pub(super) struct Sub(&'static str, Unset);

const BUCKET: [Sub; 27] = [
    Sub("versioning", Unset::Empty("VersioningConfiguration")),
    Sub("acl", Unset::Acl),
    Sub("policy", Unset::Missing("NoSuchBucketPolicy", "The bucket policy does not exist")),
    Sub("policyStatus", Unset::Missing("NoSuchBucketPolicy", "The bucket policy does not exist")),
    Sub(
        "lifecycle",
        Unset::Missing(
            "NoSuchLifecycleConfiguration",
            "The lifecycle configuration does not exist",
        ),
    ),
    Sub("cors", Unset::Missing("NoSuchCORSConfiguration", "The CORS configuration does not exist")),
    Sub("tagging", Unset::Missing("NoSuchTagSet", "The TagSet does not exist")),
    Sub(
        "object-lock",
        Unset::Missing(
            "ObjectLockConfigurationNotFoundError",
            "Object Lock configuration does not exist for this bucket",
        ),
    ),
    Sub(
        "encryption",
        Unset::Missing(
            "ServerSideEncryptionConfigurationNotFoundError",
            "The server side encryption configuration was not found",
        ),
    ),
    Sub(
        "website",
        Unset::Missing(
            "NoSuchWebsiteConfiguration",
            "The specified bucket does not have a website configuration",
        ),
    ),
    Sub(
        "replication",
        Unset::Missing(
            "ReplicationConfigurationNotFoundError",
            "The replication configuration was not found",
        ),
    ),
    Sub(
        "publicAccessBlock",
        Unset::Missing(
            "NoSuchPublicAccessBlockConfiguration",
            "The public access block configuration was not found",
        ),
    ),
    Sub(
        "ownershipControls",
        Unset::Says(
            "OwnershipControls",
            "<Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule>",
        ),
    ),
    Sub("logging", Unset::Empty("BucketLoggingStatus")),
    Sub("notification", Unset::Empty("NotificationConfiguration")),
    Sub("accelerate", Unset::Empty("AccelerateConfiguration")),
    Sub("requestPayment", Unset::Says("RequestPaymentConfiguration", "<Payer>BucketOwner</Payer>")),
    Sub("analytics", Unset::Absent),
    Sub("metrics", Unset::Absent),
    Sub("inventory", Unset::Absent),
    Sub("intelligent-tiering", Unset::Absent),
    Sub("metadataTable", Unset::Absent),
    Sub("metadataConfiguration", Unset::Absent),
    Sub("session", Unset::Absent),
    Sub("abac", Unset::Absent),
    Sub("events", Unset::Absent),
    Sub("rename", Unset::Absent),
];

const NO_LOCK: Unset = Unset::Missing(
    "NoSuchObjectLockConfiguration",
    "The specified object does not have a ObjectLock configuration",
);

const OBJECT: [Sub; 9] = [
    Sub("acl", Unset::Acl),
    Sub("tagging", Unset::Says("Tagging", "<TagSet></TagSet>")),
    Sub("retention", NO_LOCK),
    Sub("legal-hold", NO_LOCK),
    Sub("torrent", Unset::Absent),
    Sub("restore", Unset::Absent),
    Sub("select", Unset::Absent),
    Sub("renameObject", Unset::Absent),
    Sub("append", Unset::Absent),
];

/// The bucket's sub-resource that a query names.
pub(super) fn of_bucket(query: &Query) -> Option<Sub> {
    BUCKET.into_iter().find(|sub| query.has(sub.0))
}

/// The object's sub-resource that a query names.
pub(super) fn of_object(query: &Query) -> Option<Sub> {
    OBJECT.into_iter().find(|sub| query.has(sub.0))
}

/// A bucket's sub-resource.
pub(super) async fn bucket(call: Call, sub: Sub) -> Handled {
    call.the_bucket().await?;
    answer(&call, sub)
}

/// An object's sub-resource.
pub(super) async fn object(call: Call, sub: Sub) -> Handled {
    call.check_version()?;
    let bucket = call.the_bucket().await?.id;
    call.the_object(bucket, 0).await?;
    answer(&call, sub)
}

fn answer(call: &Call, Sub(name, unset): Sub) -> Handled {
    match (call.method.as_str(), unset) {
        ("GET", Unset::Empty(root)) => Ok(document(root, "")),
        ("GET", Unset::Says(root, content)) => Ok(document(root, content)),
        ("GET", Unset::Missing(code, message)) => Err(missing(code, message)),
        ("GET", Unset::Acl) => Ok(acl()),
        // A canned ACL that changes nothing is no change; others are refused.
        ("PUT", Unset::Acl) if call.headers.contains_key("x-amz-acl") => {
            headers::refuse_unimplemented(&call.headers)?;
            Ok(empty(StatusCode::OK))
        }
        ("DELETE", Unset::Missing(..) | Unset::Says(..)) => Ok(empty(StatusCode::NO_CONTENT)),
        _ => Err(not_implemented(name)),
    }
}

fn document(root: &str, content: &str) -> answer::Reply {
    let mut xml = Xml::document(root, 0);
    xml.raw(content);
    answer::xml(xml.finish(root))
}

fn missing(code: &'static str, message: &'static str) -> S3Error {
    custom(code, StatusCode::NOT_FOUND, message)
}

fn acl() -> answer::Reply {
    const ROOT: &str = "AccessControlPolicy";
    const GRANTEE: &str = "<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\">";
    let mut xml = Xml::document(ROOT, 1024);
    owner(&mut xml, "Owner");
    xml.raw("<AccessControlList><Grant>");
    xml.raw(GRANTEE);
    owner_fields(&mut xml);
    xml.raw("</Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList>");
    answer::xml(xml.finish(ROOT))
}
