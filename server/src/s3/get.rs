//! GetObject, HeadObject, GetObjectAttributes.

use holdfast_api::meta::{Object, PartSummary};
use holdfast_api::object::ReadPlan;
use http::{HeaderMap, Method, StatusCode};
use s3s::{S3Error, S3Result, s3_error};

use super::answer::{self, Reply, empty, put_etag, with};
use super::call::{Call, Handled};
use super::conditions::{self, Verdict};
use super::errors::{custom, invalid_argument, invalid_request, precondition_failed};
use super::xml::Xml;
use super::{checksums, headers};

/// Which bytes of an object are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    All,
    /// First and last byte; the last may lie beyond the end.
    Span(u64, Option<u64>),
    Suffix(u64),
    Part(u16),
}

/// First byte and one past the last; whether the answer is 206.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cut {
    from: u64,
    to: u64,
    partial: bool,
}

/// GetObject, and HeadObject: the same without the bytes.
pub(super) async fn get(call: Call) -> Handled {
    headers::refuse_unimplemented(&call.headers)?;
    call.check_version()?;
    let mut want = want(&call)?;
    // O4: the lease is taken before the lookup.
    let lease = call.shared.store.lease();
    let bucket = call.the_bucket().await?.id;
    let at = if let Want::Span(from, _) = want { from } else { 0 };
    let (object, blobs) = call.the_object(bucket, at).await?;

    match conditions::read(&call.headers, conditions::READ, &object)? {
        Verdict::Go => {}
        Verdict::Failed => return Err(precondition_failed()),
        Verdict::NotModified => return Ok(not_modified(&object)),
    }
    if !range_applies(&call, &object)? {
        want = Want::All;
    }
    let cut = cut(want, &object)?;
    let mut reply = empty(if cut.partial { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK });
    describe(&mut reply.headers, &object);
    let len = cut.to - cut.from;
    headers::put(&mut reply.headers, "content-length", &len.to_string());
    if cut.partial {
        let range = format!("bytes {}-{}/{}", cut.from, cut.to.max(1) - 1, object.size);
        headers::put(&mut reply.headers, "content-range", &range);
    }
    if let Want::Part(number) = want {
        if !object.parts.is_empty() {
            headers::put(
                &mut reply.headers,
                "x-amz-mp-parts-count",
                &object.parts.len().to_string(),
            );
        }
        give_part_checksums(&call, &object, number, &mut reply)?;
    } else if len == object.size && wants_checksums(&call)? {
        checksums::give(&mut reply.headers, &object.checksums, object.parts.len());
    }
    overrides(&call, &mut reply.headers);
    if call.method == Method::HEAD {
        return Ok(reply);
    }
    let owner = holdfast_api::drive::Owner { bucket, key: call.key, version: object.version };
    let plan = ReadPlan { owner, bodies: object.bodies, from: cut.from, to: cut.to, blobs };
    let reader = call.shared.store.reader(plan);
    reply.output = answer::stream(reader, len, lease, call.shared.clock.clone()).await?;
    Ok(reply)
}

fn wants_checksums(call: &Call) -> S3Result<bool> {
    Ok(call.header("x-amz-checksum-mode")?.is_some_and(|mode| mode.eq_ignore_ascii_case("enabled")))
}

/// What an answer says of an object, except its length and checksums.
fn describe(into: &mut HeaderMap, object: &Object) {
    headers::give_attributes(into, &object.attributes);
    put_etag(into, &object.etag);
    headers::put(into, "last-modified", &headers::http_date(object.modified));
    headers::put(into, "accept-ranges", "bytes");
}

fn not_modified(object: &Object) -> Reply {
    let mut reply = empty(StatusCode::NOT_MODIFIED);
    put_etag(&mut reply.headers, &object.etag);
    with(reply, "last-modified", &headers::http_date(object.modified))
}

/// What the request asks for. A `Range` that is malformed, or names several ranges, is
/// ignored, as RFC 9110 allows and S3 does.
fn want(call: &Call) -> S3Result<Want> {
    let range = call.header("range")?;
    let part: Option<u32> = call.number("partNumber")?;
    match (part, range) {
        (Some(_), Some(_)) => {
            Err(invalid_request("Cannot specify both Range header and partNumber query parameter"))
        }
        (Some(number @ 1..=10_000), None) => Ok(Want::Part(number as u16)),
        (Some(_), None) => {
            Err(invalid_argument("Part number must be an integer between 1 and 10000, inclusive"))
        }
        (None, Some(range)) => Ok(parse_range(range).unwrap_or(Want::All)),
        (None, None) => Ok(Want::All),
    }
}

fn parse_range(text: &str) -> Option<Want> {
    let (unit, range) = text.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    let number = |text: &str| {
        let text = text.trim();
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    if first.trim().is_empty() {
        return number(last).map(Want::Suffix);
    }
    let first = number(first)?;
    if last.trim().is_empty() {
        return Some(Want::Span(first, None));
    }
    let last = number(last)?;
    (first <= last).then_some(Want::Span(first, Some(last)))
}

/// `If-Range`: the range counts only while the object is the one that the client knows.
fn range_applies(call: &Call, object: &Object) -> S3Result<bool> {
    Ok(match call.header("if-range")? {
        None => true,
        Some(known) => match headers::parse_http_date(known) {
            Some(since) => object.modified.0 / 1000 == since,
            None => conditions::etags(known).contains(&object.etag),
        },
    })
}

fn cut(want: Want, object: &Object) -> S3Result<Cut> {
    let size = object.size;
    let (from, to) = match want {
        Want::All => return Ok(Cut { from: 0, to: size, partial: false }),
        Want::Span(first, _) if first >= size => return Err(invalid_range(size)),
        Want::Span(first, last) => {
            (first, last.map_or(size, |last| (last.saturating_add(1)).min(size)))
        }
        Want::Suffix(0) => return Err(invalid_range(size)),
        Want::Suffix(_) if size == 0 => return Err(invalid_range(size)),
        Want::Suffix(length) => (size - length.min(size), size),
        Want::Part(number) if object.parts.is_empty() => match number {
            1 => (0, size),
            _ => return Err(no_such_part()),
        },
        Want::Part(number) => part_span(&object.parts, number).ok_or_else(no_such_part)?,
    };
    // An empty part has no byte to name in a Content-Range.
    Ok(Cut { from, to, partial: to > from })
}

fn part_span(parts: &[PartSummary], number: u16) -> Option<(u64, u64)> {
    let mut from = 0;
    for part in parts {
        if part.number == number {
            return Some((from, from + part.size));
        }
        from += part.size;
    }
    None
}

fn invalid_range(size: u64) -> S3Error {
    let mut error = s3_error!(InvalidRange, "The requested range is not satisfiable");
    let mut headers = HeaderMap::new();
    headers::put(&mut headers, "content-range", &format!("bytes */{size}"));
    headers::put(&mut headers, "content-type", "application/xml");
    error.set_headers(headers);
    error
}

fn no_such_part() -> S3Error {
    custom(
        "InvalidPartNumber",
        StatusCode::RANGE_NOT_SATISFIABLE,
        "The requested partnumber is not satisfiable",
    )
}

fn give_part_checksums(
    call: &Call,
    object: &Object,
    number: u16,
    reply: &mut Reply,
) -> S3Result<()> {
    if !wants_checksums(call)? {
        return Ok(());
    }
    if object.parts.is_empty() {
        checksums::give(&mut reply.headers, &object.checksums, 0);
    } else if let Some(part) = object.parts.iter().find(|part| part.number == number) {
        checksums::give(&mut reply.headers, &part.checksums, 0);
    }
    Ok(())
}

/// `response-content-type=..` and its kind.
fn overrides(call: &Call, into: &mut HeaderMap) {
    for name in [
        "content-type",
        "content-language",
        "expires",
        "cache-control",
        "content-disposition",
        "content-encoding",
    ] {
        if let Some(value) = call.query.get(&format!("response-{name}")) {
            headers::put(into, name, value);
        }
    }
}

/// GetObjectAttributes: only what was asked for, in any case of letters.
pub(super) async fn attributes(call: Call) -> Handled {
    const ROOT: &str = "GetObjectAttributesResponse";
    call.check_version()?;
    let asked = call.header("x-amz-object-attributes")?.unwrap_or("").to_ascii_lowercase();
    let asked: Vec<&str> = asked.split(',').map(str::trim).filter(|one| !one.is_empty()).collect();
    if asked.is_empty() {
        return Err(invalid_argument(
            "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty",
        ));
    }
    const KNOWN: [&str; 5] = ["etag", "checksum", "objectparts", "storageclass", "objectsize"];
    if asked.iter().any(|one| !KNOWN.contains(one)) {
        return Err(invalid_argument("Invalid attribute name specified."));
    }
    let bucket = call.the_bucket().await?.id;
    let (object, _) = call.the_object(bucket, 0).await?;
    let mut xml = Xml::document(ROOT, 512);
    if asked.contains(&"etag") {
        xml.text("ETag", &object.etag);
    }
    if asked.contains(&"checksum") && !object.checksums.is_empty() {
        xml.open("Checksum");
        for checksum in &object.checksums {
            let tag = format!("Checksum{}", checksums::name(checksum.kind));
            xml.text(&tag, &checksums::show(checksum, object.parts.len()));
            xml.text("ChecksumType", checksums::type_name(checksum.composite));
        }
        xml.close("Checksum");
    }
    if asked.contains(&"objectparts") && !object.parts.is_empty() {
        object_parts(&call, &object, &mut xml)?;
    }
    if asked.contains(&"storageclass") {
        let class = object.attributes.headers.get("x-amz-storage-class");
        xml.text("StorageClass", class.map_or("STANDARD", String::as_str));
    }
    if asked.contains(&"objectsize") {
        xml.plain("ObjectSize", object.size);
    }
    let reply = answer::xml(xml.finish(ROOT));
    Ok(with(reply, "last-modified", &headers::http_date(object.modified)))
}

fn object_parts(call: &Call, object: &Object, xml: &mut Xml) -> S3Result<()> {
    let number = |name| -> S3Result<Option<usize>> {
        let text = call.header(name)?;
        text.map(|text| {
            text.parse().map_err(|_| invalid_argument(format!("{name} is not a number")))
        })
        .transpose()
    };
    let after = number("x-amz-part-number-marker")?.unwrap_or(0);
    let max = number("x-amz-max-parts")?.unwrap_or(1000).min(1000);
    let mut rest = object.parts.iter().filter(|part| usize::from(part.number) > after);
    let page: Vec<_> = rest.by_ref().take(max).collect();
    xml.open("ObjectParts");
    xml.plain("PartsCount", object.parts.len());
    xml.plain("PartNumberMarker", after);
    xml.plain("NextPartNumberMarker", page.last().map_or(after, |part| usize::from(part.number)));
    xml.plain("MaxParts", max);
    xml.plain("IsTruncated", rest.next().is_some());
    for part in page {
        xml.open("Part");
        xml.plain("PartNumber", part.number);
        xml.plain("Size", part.size);
        for checksum in &part.checksums {
            let tag = format!("Checksum{}", checksums::name(checksum.kind));
            xml.text(&tag, &checksums::show(checksum, 0));
        }
        xml.close("Part");
    }
    xml.close("ObjectParts");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_and_multiple_ranges_are_ignored() {
        for (text, want) in [
            ("bytes=0-0", Some(Want::Span(0, Some(0)))),
            ("bytes=5-", Some(Want::Span(5, None))),
            ("bytes=-7", Some(Want::Suffix(7))),
            ("bytes=0-99999999999999999999999", Some(Want::Span(0, Some(u64::MAX)))),
            ("bytes=5-4", None),
            ("bytes=0-1,3-4", None),
            ("bytes=", None),
            ("bytes=-", None),
            ("bytes=a-b", None),
            ("bytes=+1-2", None),
            ("lines=0-1", None),
            ("", None),
        ] {
            assert_eq!(parse_range(text), want, "{text}");
        }
    }

    #[test]
    fn spans_of_parts_follow_each_other() {
        let part = |number, size| PartSummary { number, size, checksums: Vec::new() };
        let parts = [part(1, 5), part(3, 7), part(9, 1)];
        assert_eq!(part_span(&parts, 3), Some((5, 12)));
        assert_eq!(part_span(&parts, 9), Some((12, 13)));
        assert_eq!(part_span(&parts, 2), None);
    }
}
