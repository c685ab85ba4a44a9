//! Headers in and out: what a client says about an object, dates, plain values.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use holdfast_api::meta::Attributes;
use holdfast_base::WallMs;
use http::{HeaderMap, HeaderName, HeaderValue};
use s3s::{S3Result, s3_error};

use super::errors::{invalid_argument, not_implemented};

/// The most bytes of names and values of user metadata.
const USER_METADATA_BYTES_MAX: usize = 2048;

/// Kept and given back as they came.
const KEPT: [&str; 8] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
    "x-amz-storage-class",
    "x-amz-website-redirect-location",
];

/// Headers that ask for something that is not there (F3).
const NOT_IMPLEMENTED: [&str; 12] = [
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-server-side-encryption-customer-key",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-copy-source-server-side-encryption-customer-algorithm",
    "x-amz-tagging",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-object-lock-legal-hold",
    "x-amz-write-offset-bytes",
    "x-amz-bucket-object-lock-enabled",
    "x-amz-mfa",
];

/// A header's text; `None` if it is absent.
///
/// # Errors
/// `InvalidArgument` if it is not text, or given twice with different values.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> S3Result<Option<&'a str>> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.any(|other| other != value) {
        return Err(invalid_argument(format!("{name} is given twice")));
    }
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => Ok(Some(text.trim())),
        Err(_) => Err(invalid_argument(format!("{name} is not UTF-8"))),
    }
}

/// Refuses what would have to be ignored (F3).
pub(super) fn refuse_unimplemented(headers: &HeaderMap) -> S3Result<()> {
    for name in NOT_IMPLEMENTED {
        let value = text(headers, name)?.unwrap_or("");
        let off = name == "x-amz-bucket-object-lock-enabled" && value == "false";
        if !value.is_empty() && !off {
            return Err(not_implemented(name));
        }
    }
    match text(headers, "x-amz-acl")? {
        None | Some("" | "private" | "bucket-owner-full-control") => {}
        Some(other) => return Err(not_implemented(&format!("x-amz-acl: {other}"))),
    }
    match headers.keys().find(|name| name.as_str().starts_with("x-amz-grant-")) {
        Some(name) => Err(not_implemented(name.as_str())),
        None => Ok(()),
    }
}

/// What the client says about an object.
///
/// # Errors
/// `MetadataTooLarge`, `InvalidStorageClass`, `InvalidArgument`.
pub(super) fn attributes(headers: &HeaderMap) -> S3Result<Attributes> {
    let mut kept = BTreeMap::new();
    for name in KEPT {
        let value = text(headers, name)?.unwrap_or("");
        let value =
            if name == "content-encoding" { without_aws_chunked(value) } else { value.into() };
        if !value.is_empty() {
            kept.insert(name.to_owned(), value);
        }
    }
    match kept.get("x-amz-storage-class").map(String::as_str) {
        None | Some("STANDARD") => {
            kept.remove("x-amz-storage-class");
        }
        Some("REDUCED_REDUNDANCY" | "STANDARD_IA") => {}
        Some(_) => {
            return Err(s3_error!(
                InvalidStorageClass,
                "The storage class you specified is not valid"
            ));
        }
    }
    Ok(Attributes { headers: kept, user: user_metadata(headers)? })
}

fn user_metadata(headers: &HeaderMap) -> S3Result<BTreeMap<String, String>> {
    let mut user: BTreeMap<String, String> = BTreeMap::new();
    let mut bytes = 0;
    for (name, value) in headers {
        let Some(name) = name.as_str().strip_prefix("x-amz-meta-") else { continue };
        let value = std::str::from_utf8(value.as_bytes())
            .map_err(|_| invalid_argument(format!("x-amz-meta-{name} is not UTF-8")))?;
        bytes += name.len() + value.len();
        // S3 joins values of one name.
        user.entry(name.to_owned())
            .and_modify(|joined| *joined = format!("{joined},{value}"))
            .or_insert_with(|| value.to_owned());
    }
    if bytes > USER_METADATA_BYTES_MAX {
        return Err(s3_error!(
            MetadataTooLarge,
            "Your metadata headers exceed the maximum allowed metadata size."
        ));
    }
    Ok(user)
}

/// `aws-chunked` is how it travelled, not how it is encoded.
fn without_aws_chunked(value: &str) -> String {
    let kept = value.split(',').map(str::trim).filter(|part| *part != "aws-chunked");
    kept.collect::<Vec<_>>().join(",")
}

/// Puts what was said about an object into an answer.
pub(super) fn give_attributes(into: &mut HeaderMap, attributes: &Attributes) {
    for (name, value) in &attributes.headers {
        put(into, name, value);
    }
    for (name, value) in &attributes.user {
        put(into, &format!("x-amz-meta-{name}"), value);
    }
    if !attributes.headers.contains_key("content-type") {
        into.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("binary/octet-stream"));
    }
}

/// Sets a header; what cannot be one (a control character) is left out.
pub(super) fn put(into: &mut HeaderMap, name: &str, value: &str) {
    let pair = (HeaderName::try_from(name), HeaderValue::from_bytes(value.as_bytes()));
    if let (Ok(name), Ok(value)) = pair {
        into.insert(name, value);
    }
}

/// `Last-Modified` and its kind: whole seconds. Cut off as S3 does, so that a date given
/// back compares equal.
pub(super) fn http_date(at: WallMs) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(at.0 / 1000))
}

/// A date of a conditional header, in seconds since 1970; `None` if it is not one: then it
/// is ignored, as RFC 9110 asks.
pub(super) fn parse_http_date(text: &str) -> Option<u64> {
    let at: SystemTime = httpdate::parse_http_date(text).ok()?;
    at.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs())
}

/// Appends `2026-11-23T07:15:00.123Z`.
pub(super) fn iso_into(out: &mut String, at: WallMs) {
    let (seconds, ms) = (at.0 / 1000, at.0 % 1000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let mut digits = [0; 24];
    let mut at = 0;
    let mut number = |value: u64, width: usize, then: u8| {
        let mut value = value;
        for slot in (at..at + width).rev() {
            digits[slot] = b'0' + (value % 10) as u8;
            value /= 10;
        }
        digits[at + width] = then;
        at += width + 1;
    };
    number(year, 4, b'-');
    number(month, 2, b'-');
    number(day, 2, b'T');
    number(second / 3600, 2, b':');
    number(second / 60 % 60, 2, b':');
    number(second % 60, 2, b'.');
    number(ms, 3, b'Z');
    out.push_str(std::str::from_utf8(&digits).unwrap_or(""));
}

/// Year, month and day of a day since 1970 (Hinnant, "chrono-compatible low-level date
/// algorithms", 2013), for days from 1970 on.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iso(at: u64) -> String {
        let mut out = String::new();
        iso_into(&mut out, WallMs(at));
        out
    }

    #[test]
    fn dates_are_calendar_dates() {
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(951_782_399_999), "2000-02-28T23:59:59.999Z");
        assert_eq!(iso(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(iso(4_102_444_800_001), "2100-01-01T00:00:00.001Z");
        assert_eq!(parse_http_date(&http_date(WallMs(951_782_400_999))), Some(951_782_400));
        assert_eq!(parse_http_date("yesterday"), None);
    }

    #[test]
    fn attributes_come_back_as_given() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-type", "text/plain; charset=x"),
            ("content-encoding", "aws-chunked,gzip"),
            ("x-amz-meta-a", "1"),
            ("x-amz-storage-class", "STANDARD"),
            ("x-other", "no"),
        ] {
            put(&mut headers, name, value);
        }
        headers.append("x-amz-meta-a", HeaderValue::from_static("2"));
        let given = attributes(&headers).unwrap();
        let mut answer = HeaderMap::new();
        give_attributes(&mut answer, &given);
        assert_eq!(answer["content-encoding"], "gzip");
        assert_eq!(answer["x-amz-meta-a"], "1,2");
        assert_eq!(answer.len(), 3, "{answer:?}");
    }

    #[test]
    fn what_is_not_there_is_refused_loudly() {
        for (name, value, refused) in [
            ("x-amz-acl", "private", false),
            ("x-amz-acl", "public-read", true),
            ("x-amz-tagging", "a=b", true),
            ("x-amz-tagging", "", false),
            ("x-amz-server-side-encryption", "AES256", true),
            ("x-amz-grant-read", "id=1", true),
        ] {
            let mut headers = HeaderMap::new();
            put(&mut headers, name, value);
            assert_eq!(refuse_unimplemented(&headers).is_err(), refused, "F3: {name}: {value}");
        }
        let mut headers = HeaderMap::new();
        put(&mut headers, "x-amz-meta-long", &"x".repeat(2045));
        assert_eq!(attributes(&headers).unwrap_err().code().as_str(), "MetadataTooLarge");
    }
}
