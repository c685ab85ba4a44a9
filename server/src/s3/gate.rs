//! What s3s would let pass and must not, refused before it and before any body is read.
//!
//! s3s verifies signatures. It also accepts SigV2 headers without a date, any region, the
//! service `sts`, `X-Amz-Expires` of any length, `x-amz-` headers that were not signed, and
//! reads a whole POST form before it asks who sends it.
//!
//! URLs signed with SigV2 pass: boto3 still makes them by default. (Their signature covers
//! every `x-amz-` header, and they end.)

use holdfast_base::WallMs;
use http::request::Parts;
use http::{HeaderMap, Method, header};
use s3s::{S3Result, s3_error};

use super::errors::{invalid_argument, invalid_request, not_implemented};
use super::headers::text;
use super::uri::Query;

/// The longest life of a presigned URL. [s]
const EXPIRES_MAX_S: u32 = 7 * 24 * 3600;

const ONE_MECHANISM: &str = "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified";
const SIGV4_ONLY: &str =
    "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";

/// Refuses what must not reach s3s.
pub(super) fn check(parts: &Parts, query: &Query, (region, now): (&str, WallMs)) -> S3Result<()> {
    let headers = &parts.headers;
    if parts.method == Method::POST
        && text(headers, "content-type")?
            .is_some_and(|kind| kind.starts_with("multipart/form-data"))
    {
        return Err(not_implemented("POST of a browser form"));
    }
    let in_header = headers.contains_key(header::AUTHORIZATION);
    let in_query = query.has("X-Amz-Algorithm") || query.has("X-Amz-Signature");
    let v2_query = query.has("AWSAccessKeyId") && query.has("Signature");
    match (in_header, in_query, v2_query) {
        (false, false, false) => Err(s3_error!(AccessDenied, "Access Denied")),
        (true, false, false) => authorization(headers, region),
        (false, true, false) => presigned(headers, query, region),
        (false, false, true) => presigned_v2(query, now),
        _ => Err(invalid_argument(ONE_MECHANISM)),
    }
}

fn authorization(headers: &HeaderMap, region: &str) -> S3Result<()> {
    let value = text(headers, "authorization")?.unwrap_or("");
    let Some(fields) = value.strip_prefix("AWS4-HMAC-SHA256") else {
        return Err(if value.starts_with("AWS ") {
            invalid_request(SIGV4_ONLY)
        } else {
            invalid_argument("Unsupported Authorization Type")
        });
    };
    let field = |name: &str| {
        let mut fields = fields.split(',').map(str::trim);
        fields.find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
    };
    let malformed = |what: String| {
        s3_error!(AuthorizationHeaderMalformed, "The authorization header is malformed; {what}")
    };
    let scope = field("Credential").unwrap_or("");
    check_scope(scope, region).map_err(malformed)?;
    all_signed(headers, field("SignedHeaders").unwrap_or(""), &[])
}

fn presigned(headers: &HeaderMap, query: &Query, region: &str) -> S3Result<()> {
    let bad = |what: String| s3_error!(AuthorizationQueryParametersError, "{what}");
    let expires = query.get("X-Amz-Expires").unwrap_or("").parse::<u32>();
    match expires {
        Ok(1..=EXPIRES_MAX_S) => {}
        Ok(0) => return Err(bad("X-Amz-Expires must be greater than zero".into())),
        Ok(_) => {
            return Err(bad(
                "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds".into(),
            ));
        }
        Err(_) => return Err(bad("X-Amz-Expires should be a number".into())),
    }
    let scope = query.get("X-Amz-Credential").unwrap_or("");
    check_scope(scope, region).map_err(bad)?;
    // Clients that sign URLs send the hash of the payload, if at all, beside the signature.
    all_signed(headers, query.get("X-Amz-SignedHeaders").unwrap_or(""), &["x-amz-content-sha256"])
}

/// A URL signed with SigV2 lives no longer than one of SigV4 may.
fn presigned_v2(query: &Query, now: WallMs) -> S3Result<()> {
    let expires_s = query.get("Expires").and_then(|text| text.parse::<u64>().ok());
    match expires_s {
        Some(at) if at <= now.0 / 1000 + u64::from(EXPIRES_MAX_S) => Ok(()),
        _ => Err(s3_error!(AccessDenied, "Expires must be within a week")),
    }
}

/// `key/date/region/s3/aws4_request`; the key may have slashes.
fn check_scope(scope: &str, region: &str) -> Result<(), String> {
    let mut fields = scope.rsplit('/');
    let mut next = || fields.next().unwrap_or("");
    let (terminal, service, given) = (next(), next(), next());
    if terminal != "aws4_request" {
        return Err("the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".".into());
    }
    if service != "s3" {
        return Err(format!("incorrect service \"{service}\". This endpoint belongs to \"s3\"."));
    }
    if given != region {
        return Err(format!("the region '{given}' is wrong; expecting '{region}'"));
    }
    Ok(())
}

/// A header that was not signed may have been added by anybody.
fn all_signed(headers: &HeaderMap, signed: &str, but: &[&str]) -> S3Result<()> {
    let is_signed = |name: &str| signed.split(';').any(|one| one.eq_ignore_ascii_case(name));
    if !is_signed("host") {
        return Err(s3_error!(AccessDenied, "The Host header was not signed"));
    }
    for name in headers.keys().map(http::HeaderName::as_str) {
        if name.starts_with("x-amz-") && !is_signed(name) && !but.contains(&name) {
            return Err(s3_error!(
                AccessDenied,
                "There were headers present in the request which were not signed: {name}"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCOPE: &str = "AK/ID/20261123/us-east-1/s3/aws4_request";

    fn code(query: &str, headers: &[(&str, &str)]) -> String {
        let mut request = http::Request::get(format!("/b/k?{query}")).body(()).unwrap();
        for (name, value) in headers {
            super::super::headers::put(request.headers_mut(), name, value);
        }
        let (parts, ()) = request.into_parts();
        match check(&parts, &Query::parse(query), ("us-east-1", WallMs(1_000_000))) {
            Ok(()) => "ok".into(),
            Err(error) => error.code().as_str().to_owned(),
        }
    }

    fn header(scope: &str, signed: &str) -> String {
        format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={signed}, Signature=0")
    }

    #[test]
    fn header_authentication() {
        let good = header(SCOPE, "host;x-amz-date");
        assert_eq!(code("", &[("authorization", &good), ("x-amz-date", "1")]), "ok");
        assert_eq!(code("", &[]), "AccessDenied", "anonymous");
        assert_eq!(code("", &[("authorization", "AWS a:b")]), "InvalidRequest", "SigV2");
        assert_eq!(code("", &[("authorization", "Bearer a")]), "InvalidArgument");
        let unsigned = [("authorization", good.as_str()), ("x-amz-acl", "private")];
        assert_eq!(code("", &unsigned), "AccessDenied", "a header that was not signed");
        assert_eq!(code("X-Amz-Algorithm=a", &[("authorization", &good)]), "InvalidArgument");
        for scope in ["AK/20261123/eu-1/s3/aws4_request", "AK/1/us-east-1/sts/aws4_request", "x"] {
            let bad = header(scope, "host");
            assert_eq!(code("", &[("authorization", &bad)]), "AuthorizationHeaderMalformed");
        }
        assert_eq!(code("", &[("authorization", &header(SCOPE, "date"))]), "AccessDenied");
    }

    #[test]
    fn query_authentication() {
        let query = |expires: &str| {
            format!(
                "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={SCOPE}&X-Amz-Expires={expires}&X-Amz-SignedHeaders=host&X-Amz-Signature=0"
            )
        };
        assert_eq!(code(&query("604800"), &[("x-amz-content-sha256", "UNSIGNED-PAYLOAD")]), "ok");
        for expires in ["0", "604801", "-1", "x", ""] {
            assert_eq!(
                code(&query(expires), &[]),
                "AuthorizationQueryParametersError",
                "{expires}"
            );
        }
        assert_eq!(code(&query("9"), &[("x-amz-copy-source", "/b/secret")]), "AccessDenied");
        let v2 = |expires| code(&format!("AWSAccessKeyId=a&Signature=b&Expires={expires}"), &[]);
        assert_eq!((v2("2000").as_str(), v2("605801").as_str()), ("ok", "AccessDenied"));
        assert_eq!(v2("soon"), "AccessDenied");
    }
}
