//! What went wrong below, in S3's words. The message names the thing; what it
//! says of drives and blobs stays in our log.

use holdfast_api::meta::{MetaError, Refusal};
use holdfast_api::object::StoreError;
use s3s::{S3Error, S3ErrorCode, s3_error};

/// A refusal by the state machine.
pub(super) fn refused(refusal: Refusal) -> S3Error {
    match refusal {
        Refusal::NoSuchBucket => no_such_bucket(),
        Refusal::BucketExists => s3_error!(
            BucketAlreadyOwnedByYou,
            "Your previous request to create the named bucket succeeded and you already own it."
        ),
        Refusal::BucketNotEmpty => {
            s3_error!(BucketNotEmpty, "The bucket you tried to delete is not empty")
        }
        Refusal::NoSuchObject => no_such_key(),
        Refusal::ConditionFailed => precondition_failed(),
        Refusal::NoSuchUpload => s3_error!(
            NoSuchUpload,
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
        ),
        Refusal::InvalidPart { number } => s3_error!(
            InvalidPart,
            "Part {number} could not be found, or its entity tag does not match the one listed."
        ),
        Refusal::InvalidPartOrder => s3_error!(
            InvalidPartOrder,
            "The list of parts was not in ascending order. Parts must be ordered by part number."
        ),
        Refusal::PartTooSmall { number, size } => s3_error!(
            EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed size: part {number} has {size} bytes"
        ),
        Refusal::IntentExpired { .. } => took_too_long(),
        Refusal::Stale => {
            s3_error!(OperationAborted, "A conflicting operation is in progress against this key.")
        }
        Refusal::SessionExpired | Refusal::LogFull => slow_down(),
        other @ (Refusal::BodyIncomplete { .. }
        | Refusal::NoSuchKey
        | Refusal::SlotTaken
        | Refusal::Fenced { .. }
        | Refusal::OutOfOrder { .. }
        | Refusal::Bad(_)) => internal(&other),
    }
}

/// The metadata service did not serve it.
pub(super) fn meta(error: MetaError) -> S3Error {
    match &error {
        MetaError::Unavailable(_) => {
            tracing::warn!(%error, "request not served");
            s3_error!(ServiceUnavailable, "The metadata service has no quorum. Please try again.")
        }
        MetaError::Busy(_) => slow_down(),
        MetaError::Full => full(),
        MetaError::TooLarge(_) => {
            s3_error!(MetadataTooLarge, "Your metadata headers exceed the maximum allowed size.")
        }
        MetaError::Stopped(_) => {
            tracing::warn!(%error, "request not served");
            s3_error!(ServiceUnavailable, "This replica has stopped.")
        }
    }
}

/// The store did not serve it.
pub(super) fn store(error: StoreError) -> S3Error {
    match error {
        StoreError::Meta(error) => meta(error),
        StoreError::Busy => slow_down(),
        StoreError::Full => full(),
        StoreError::IntentExpired(_) => took_too_long(),
        error @ (StoreError::TooFewDrives { .. } | StoreError::NoQuorum { .. }) => {
            tracing::warn!(%error, "request not served");
            s3_error!(
                ServiceUnavailable,
                "Too few drives take writes at the moment. Please try again."
            )
        }
        error @ (StoreError::Unreadable { .. } | StoreError::NoRecord(_)) => {
            tracing::error!(%error, "an object cannot be read");
            s3_error!(
                InternalError,
                "More of this object's shards are lost or damaged than its parity covers."
            )
        }
    }
}

pub(super) fn internal(what: &dyn std::fmt::Display) -> S3Error {
    tracing::error!(error = %what, "internal error");
    s3_error!(InternalError, "We encountered an internal error. Please try again.")
}

pub(super) fn slow_down() -> S3Error {
    s3_error!(SlowDown, "Please reduce your request rate.")
}

fn took_too_long() -> S3Error {
    s3_error!(RequestTimeout, "The upload took so long that its space was given up. Send it again.")
}

fn full() -> S3Error {
    custom(
        "StorageFull",
        http::StatusCode::INSUFFICIENT_STORAGE,
        "No space left on the drives. Nothing was stored.",
    )
}

pub(super) fn no_such_bucket() -> S3Error {
    s3_error!(NoSuchBucket, "The specified bucket does not exist")
}

pub(super) fn no_such_key() -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist.")
}

pub(super) fn precondition_failed() -> S3Error {
    s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
}

pub(super) fn invalid_argument(message: impl Into<std::borrow::Cow<'static, str>>) -> S3Error {
    S3Error::with_message(S3ErrorCode::InvalidArgument, message)
}

pub(super) fn invalid_request(message: impl Into<std::borrow::Cow<'static, str>>) -> S3Error {
    S3Error::with_message(S3ErrorCode::InvalidRequest, message)
}

pub(super) fn malformed_xml() -> S3Error {
    s3_error!(
        MalformedXML,
        "The XML you provided was not well-formed or did not validate against our published schema"
    )
}

/// F3.
pub(super) fn not_implemented(what: &str) -> S3Error {
    s3_error!(NotImplemented, "{what} is not implemented")
}

/// An error that S3 has and s3s does not know.
pub(super) fn custom(
    code: &'static str,
    status: http::StatusCode,
    message: impl Into<std::borrow::Cow<'static, str>>,
) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(status);
    error
}

/// The code in an error's document.
pub(super) fn code_of(document: &str) -> Option<&str> {
    document.split_once("<Code>")?.1.split_once("</Code>").map(|(code, _)| code)
}

/// What to say of the codes that s3s leaves without a message.
pub(super) fn message_of(code: &str) -> &'static str {
    match code {
        "SignatureDoesNotMatch" => {
            "The request signature we calculated does not match the signature you provided. Check your key and signing method."
        }
        "InvalidBucketName" => "The specified bucket is not valid.",
        "KeyTooLongError" => "Your key is too long",
        "InvalidURI" => "Couldn't parse the specified URI.",
        "MissingContentLength" => "You must provide the Content-Length HTTP header.",
        "MalformedXML" => {
            "The XML you provided was not well-formed or did not validate against our published schema"
        }
        _ => "The request was refused.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_from_its_document() {
        let document = "<?xml version=\"1.0\"?><Error><Code>InvalidURI</Code></Error>";
        assert_eq!(code_of(document), Some("InvalidURI"));
        assert_eq!(code_of("<Error></Error>"), None);
        assert_ne!(message_of("InvalidURI"), message_of("Other"));
    }

    #[test]
    fn what_may_pass_later_is_not_an_error_of_the_client() {
        for error in
            [meta(MetaError::Unavailable(1)), meta(MetaError::Busy("x".into())), slow_down()]
        {
            assert_eq!(error.status_code(), Some(http::StatusCode::SERVICE_UNAVAILABLE));
        }
        assert_eq!(
            store(StoreError::Full).status_code(),
            Some(http::StatusCode::INSUFFICIENT_STORAGE)
        );
    }
}
