//! If-Match, If-None-Match and the dates: as S3 and RFC 9110 section 13 have them.
//!
//! For writes this is only the early answer, before a body is read; what counts is
//! evaluated where the command is applied (M4).

use holdfast_api::meta::{Condition, Object};
use http::HeaderMap;
use s3s::{S3Error, S3Result};

use super::errors::{no_such_key, precondition_failed};
use super::headers::{parse_http_date, text};

/// What a read should answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Go,
    NotModified,
    Failed,
}

/// Names of the four headers.
#[derive(Clone, Copy)]
pub(super) struct Names {
    matches: &'static str,
    none_match: &'static str,
    modified: &'static str,
    unmodified: &'static str,
}

/// On the object that is read.
pub(super) const READ: Names = Names {
    matches: "if-match",
    none_match: "if-none-match",
    modified: "if-modified-since",
    unmodified: "if-unmodified-since",
};

/// On the source of a copy.
pub(super) const COPY_SOURCE: Names = Names {
    matches: "x-amz-copy-source-if-match",
    none_match: "x-amz-copy-source-if-none-match",
    modified: "x-amz-copy-source-if-modified-since",
    unmodified: "x-amz-copy-source-if-unmodified-since",
};

/// ETags of a list, without quotes; `*` stands for any.
pub(super) fn etags(list: &str) -> Vec<String> {
    let each = list.split(',').map(str::trim).filter(|etag| !etag.is_empty());
    each.map(|etag| etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"').to_owned()).collect()
}

/// Evaluates a read's condition. An ETag's condition goes before its date's.
pub(super) fn read(headers: &HeaderMap, names: Names, object: &Object) -> S3Result<Verdict> {
    let has = |list: &str| etags(list).iter().any(|etag| etag == "*" || *etag == object.etag);
    let modified_s = object.modified.0 / 1000;
    if let Some(list) = text(headers, names.matches)? {
        if !has(list) {
            return Ok(Verdict::Failed);
        }
    } else if let Some(since) = text(headers, names.unmodified)?.and_then(parse_http_date)
        && modified_s > since
    {
        return Ok(Verdict::Failed);
    }
    if let Some(list) = text(headers, names.none_match)? {
        if has(list) {
            return Ok(Verdict::NotModified);
        }
    } else if let Some(since) = text(headers, names.modified)?.and_then(parse_http_date)
        && modified_s <= since
    {
        return Ok(Verdict::NotModified);
    }
    Ok(Verdict::Go)
}

/// A write's condition.
pub(super) fn write(headers: &HeaderMap) -> S3Result<Condition> {
    let list = |name| text(headers, name).map(|text| text.map(etags).unwrap_or_default());
    Ok(Condition { if_match: list("if-match")?, if_none_match: list("if-none-match")? })
}

pub(super) fn is_none(condition: &Condition) -> bool {
    condition.if_match.is_empty() && condition.if_none_match.is_empty()
}

/// What a write's condition comes to if `etag` is what is there now.
pub(super) fn foresee(condition: &Condition, etag: Option<&str>) -> Result<(), S3Error> {
    let holds = |list: &[String], etag: &str| list.iter().any(|one| one == "*" || one == etag);
    match etag {
        None if !condition.if_match.is_empty() => Err(no_such_key()),
        None => Ok(()),
        Some(etag) if !condition.if_match.is_empty() && !holds(&condition.if_match, etag) => {
            Err(precondition_failed())
        }
        Some(etag) if holds(&condition.if_none_match, etag) => Err(precondition_failed()),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use holdfast_api::meta::Attributes;
    use holdfast_base::{VersionId, WallMs};

    use super::super::headers::put;
    use super::*;

    fn object() -> Object {
        Object {
            version: VersionId([0; 16]),
            modified: WallMs(784_111_777_500),
            size: 0,
            etag: "aa".into(),
            attributes: Attributes::default(),
            checksums: Vec::new(),
            bodies: Vec::new(),
            parts: Vec::new(),
        }
    }

    #[test]
    fn reads() {
        const AT: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
        let table: [(&[(&str, &str)], Verdict); 12] = [
            (&[], Verdict::Go),
            (&[("if-match", "\"bb\", \"aa\"")], Verdict::Go),
            (&[("if-match", "aa")], Verdict::Go),
            (&[("if-match", "\"bb\"")], Verdict::Failed),
            (&[("if-none-match", "W/\"aa\"")], Verdict::NotModified),
            (&[("if-none-match", "*")], Verdict::NotModified),
            (&[("if-modified-since", AT)], Verdict::NotModified),
            (&[("if-modified-since", BEFORE)], Verdict::Go),
            (&[("if-modified-since", "garbage")], Verdict::Go),
            (&[("if-unmodified-since", BEFORE)], Verdict::Failed),
            (&[("if-match", "\"aa\""), ("if-unmodified-since", BEFORE)], Verdict::Go),
            (&[("if-none-match", "\"bb\""), ("if-modified-since", AT)], Verdict::Go),
        ];
        for (given, want) in table {
            let mut headers = HeaderMap::new();
            given.iter().for_each(|(name, value)| put(&mut headers, name, value));
            assert_eq!(read(&headers, READ, &object()).unwrap(), want, "{given:?}");
        }
    }

    #[test]
    fn writes() {
        let condition =
            |m: &str, n: &str| Condition { if_match: etags(m), if_none_match: etags(n) };
        let code = |c: &Condition, etag| {
            foresee(c, etag).err().map(|error| error.code().as_str().to_owned())
        };
        for (m, n, etag, want) in [
            ("", "*", None, None),
            ("", "*", Some("aa"), Some("PreconditionFailed")),
            ("\"aa\"", "", Some("aa"), None),
            ("\"aa\"", "", Some("bb"), Some("PreconditionFailed")),
            ("*", "", None, Some("NoSuchKey")),
            ("", "\"aa\"", Some("bb"), None),
        ] {
            assert_eq!(code(&condition(m, n), etag).as_deref(), want, "{m} {n} {etag:?}");
        }
    }
}
