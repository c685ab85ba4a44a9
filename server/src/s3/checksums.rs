//! MD5 and S3's five checksums: computed as bytes stream by, compared before anything
//! becomes visible (F1), combined for multipart uploads.
//!
//! s3s verifies the SHA-256 of a signed payload and the signatures of chunks, and none
//! of `Content-MD5`, `x-amz-checksum-*` and trailers: those are verified here.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use crc_fast::CrcAlgorithm;
use holdfast_api::meta::{Checksum, ChecksumKind};
use http::HeaderMap;
use md5::{Digest as _, Md5};
use s3s::{S3Error, S3ErrorCode, S3Result};
use sha1::Sha1;
use sha2::Sha256;

use super::errors::{custom, invalid_request};
use super::headers::{put, text};

/// All of them, with S3's names.
pub(super) const KINDS: [ChecksumKind; 5] = [
    ChecksumKind::Crc32,
    ChecksumKind::Crc32c,
    ChecksumKind::Crc64Nvme,
    ChecksumKind::Sha1,
    ChecksumKind::Sha256,
];

/// As in `ChecksumAlgorithm` and `<ChecksumCRC32>`.
pub(super) fn name(kind: ChecksumKind) -> &'static str {
    match kind {
        ChecksumKind::Crc32 => "CRC32",
        ChecksumKind::Crc32c => "CRC32C",
        ChecksumKind::Crc64Nvme => "CRC64NVME",
        ChecksumKind::Sha1 => "SHA1",
        ChecksumKind::Sha256 => "SHA256",
    }
}

/// Its header, in requests, answers and trailers.
pub(super) fn header(kind: ChecksumKind) -> &'static str {
    match kind {
        ChecksumKind::Crc32 => "x-amz-checksum-crc32",
        ChecksumKind::Crc32c => "x-amz-checksum-crc32c",
        ChecksumKind::Crc64Nvme => "x-amz-checksum-crc64nvme",
        ChecksumKind::Sha1 => "x-amz-checksum-sha1",
        ChecksumKind::Sha256 => "x-amz-checksum-sha256",
    }
}

/// The kind with this name, whatever its case.
pub(super) fn parse_name(text: &str) -> S3Result<ChecksumKind> {
    KINDS.into_iter().find(|kind| name(*kind).eq_ignore_ascii_case(text)).ok_or_else(|| {
        invalid_request(
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
        )
    })
}

fn width(kind: ChecksumKind) -> usize {
    match kind {
        ChecksumKind::Crc32 | ChecksumKind::Crc32c => 4,
        ChecksumKind::Crc64Nvme => 8,
        ChecksumKind::Sha1 => 20,
        ChecksumKind::Sha256 => 32,
    }
}

/// A checksum's bytes from their base64.
pub(super) fn decode(kind: ChecksumKind, text: &str) -> S3Result<Bytes> {
    match BASE64.decode(text) {
        Ok(value) if value.len() == width(kind) => Ok(value.into()),
        _ => Err(invalid_request(format!("Value for {} header is invalid.", header(kind)))),
    }
}

/// As S3 shows it: base64, with the number of parts where it is over parts.
pub(super) fn show(checksum: &Checksum, parts: usize) -> String {
    let text = BASE64.encode(&checksum.value);
    if checksum.composite { format!("{text}-{parts}") } else { text }
}

/// Puts an object's checksums into an answer.
pub(super) fn give(into: &mut HeaderMap, checksums: &[Checksum], parts: usize) {
    for checksum in checksums {
        put(into, header(checksum.kind), &show(checksum, parts));
        put(into, "x-amz-checksum-type", type_name(checksum.composite));
    }
}

pub(super) fn type_name(composite: bool) -> &'static str {
    if composite { "COMPOSITE" } else { "FULL_OBJECT" }
}

/// What a client said that a body's checksums are.
#[derive(Clone, Debug, Default)]
pub(super) struct Expected {
    md5: Option<[u8; 16]>,
    /// In a header, or to come in a trailer.
    promised: Option<(ChecksumKind, Option<Bytes>)>,
    /// The trailer that was announced.
    trailer: Option<String>,
    /// The SHA-256 that s3s verifies anyway.
    signed: Option<Bytes>,
}

impl Expected {
    /// # Errors
    /// `InvalidDigest`, `InvalidRequest`.
    pub(super) fn of(headers: &HeaderMap) -> S3Result<Self> {
        let mut promised = None;
        for (header_name, value) in headers {
            let Some(rest) = header_name.as_str().strip_prefix("x-amz-checksum-") else { continue };
            if matches!(rest, "algorithm" | "type" | "mode") {
                continue;
            }
            let kind = parse_name(rest)?;
            let value = decode(kind, value.to_str().unwrap_or(""))?;
            if promised.replace((kind, Some(value))).is_some() {
                return Err(invalid_request(
                    "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
                ));
            }
        }
        let trailer = text(headers, "x-amz-trailer")?.map(str::to_ascii_lowercase);
        if let Some(trailer) = &trailer {
            let kind = trailer.strip_prefix("x-amz-checksum-").ok_or_else(|| {
                invalid_request("The value specified in the x-amz-trailer header is not supported")
            })?;
            if promised.replace((parse_name(kind)?, None)).is_some() {
                return Err(invalid_request(
                    "Expecting a single x-amz-checksum- header, or trailer, not both.",
                ));
            }
        }
        if let Some(named) = text(headers, "x-amz-sdk-checksum-algorithm")? {
            let named = parse_name(named)?;
            match &promised {
                Some((kind, _)) if *kind == named => {}
                Some(_) => {
                    return Err(invalid_request(
                        "Value for x-amz-sdk-checksum-algorithm header is invalid.",
                    ));
                }
                None => {
                    return Err(invalid_request(
                        "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
                    ));
                }
            }
        }
        let md5 = text(headers, "content-md5")?.map(decode_md5).transpose()?;
        let signed = text(headers, "x-amz-content-sha256")?.and_then(|hex| hex::decode(hex).ok());
        Ok(Self { md5, promised, trailer, signed: signed.map(Bytes::from) })
    }

    /// Its promise, if any.
    pub(super) fn kind(&self) -> Option<ChecksumKind> {
        self.promised.as_ref().map(|(kind, _)| *kind)
    }

    /// What to compute, `always` among it. A SHA-256 that is the signed payload's is not
    /// computed a second time.
    pub(super) fn digests(&self, always: impl IntoIterator<Item = ChecksumKind>) -> Digests {
        let mut kinds: Vec<_> = self.kind().into_iter().chain(always).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let mut known = Vec::new();
        if let Some((ChecksumKind::Sha256, Some(value))) = &self.promised
            && self.signed.as_ref() == Some(value)
        {
            kinds.retain(|kind| *kind != ChecksumKind::Sha256);
            known.push(full(ChecksumKind::Sha256, value.clone()));
        }
        let others = kinds.into_iter().map(|kind| (kind, Hasher::new(kind))).collect();
        Digests { md5: Md5::new(), others, known }
    }

    /// F1: compares what came with what was said of it. `trailers` are there once the body
    /// has ended.
    ///
    /// # Errors
    /// `BadDigest`, `MalformedTrailerError`, `InvalidRequest`.
    pub(super) fn verify(&self, sums: &Sums, trailers: Option<&HeaderMap>) -> S3Result<()> {
        if self.md5.is_some_and(|md5| md5 != sums.md5) {
            return Err(bad_digest("Content-MD5"));
        }
        let Some((kind, value)) = &self.promised else { return Ok(()) };
        let value = match (value, &self.trailer) {
            (Some(value), _) => value.clone(),
            (None, trailer) => {
                let sent = trailer.as_deref().and_then(|name| trailers?.get(name));
                let sent = sent.and_then(|value| value.to_str().ok()).ok_or_else(|| {
                    custom(
                        "MalformedTrailerError",
                        http::StatusCode::BAD_REQUEST,
                        "The request contained trailing data that was not well-formed or did not conform to our published schema.",
                    )
                })?;
                decode(*kind, sent)?
            }
        };
        match sums.checksums.iter().find(|checksum| checksum.kind == *kind) {
            Some(computed) if computed.value == value => Ok(()),
            _ => Err(bad_digest(name(*kind))),
        }
    }
}

fn decode_md5(text: &str) -> S3Result<[u8; 16]> {
    let bytes = BASE64.decode(text).ok();
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| {
        S3Error::with_message(
            S3ErrorCode::InvalidDigest,
            "The Content-MD5 you specified was invalid.",
        )
    })
}

pub(super) fn bad_digest(what: &str) -> S3Error {
    S3Error::with_message(
        S3ErrorCode::BadDigest,
        format!("The {what} you specified did not match the calculated checksum."),
    )
}

fn full(kind: ChecksumKind, value: Bytes) -> Checksum {
    Checksum { kind, value, composite: false }
}

enum Hasher {
    Crc(crc_fast::Digest),
    Sha1(Sha1),
    Sha256(Sha256),
}

fn crc(kind: ChecksumKind) -> Option<CrcAlgorithm> {
    match kind {
        ChecksumKind::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
        ChecksumKind::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
        ChecksumKind::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
        ChecksumKind::Sha1 | ChecksumKind::Sha256 => None,
    }
}

impl Hasher {
    fn new(kind: ChecksumKind) -> Self {
        match (crc(kind), kind) {
            (Some(algorithm), _) => Self::Crc(crc_fast::Digest::new(algorithm)),
            (None, ChecksumKind::Sha1) => Self::Sha1(Sha1::new()),
            (None, _) => Self::Sha256(Sha256::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc(crc) => crc.update(bytes),
            Self::Sha1(sha1) => sha1.update(bytes),
            Self::Sha256(sha256) => sha256.update(bytes),
        }
    }

    fn finish(self, kind: ChecksumKind) -> Bytes {
        match self {
            Self::Crc(crc) => crc_bytes(kind, crc.finalize()),
            Self::Sha1(sha1) => Bytes::copy_from_slice(&sha1.finalize()),
            Self::Sha256(sha256) => Bytes::copy_from_slice(&sha256.finalize()),
        }
    }
}

/// Big-endian, as S3 encodes it.
fn crc_bytes(kind: ChecksumKind, crc: u64) -> Bytes {
    Bytes::copy_from_slice(&crc.to_be_bytes()[8 - width(kind)..])
}

fn crc_number(value: &[u8]) -> u64 {
    value.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Checksums under way.
pub(super) struct Digests {
    md5: Md5,
    others: Vec<(ChecksumKind, Hasher)>,
    known: Vec<Checksum>,
}

/// What they came to.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    pub(super) md5: [u8; 16],
    pub(super) checksums: Vec<Checksum>,
}

impl Digests {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        for (_, hasher) in &mut self.others {
            hasher.update(bytes);
        }
    }

    pub(super) fn finish(self) -> Sums {
        let mut checksums = self.known;
        checksums
            .extend(self.others.into_iter().map(|(kind, hasher)| full(kind, hasher.finish(kind))));
        Sums { md5: self.md5.finalize().into(), checksums }
    }
}

/// The ETag of an object completed from parts with these ETags: MD5 over their MD5s, `-N`.
/// `None` if one of them is not an MD5.
pub(super) fn multipart_etag<'a>(parts: impl ExactSizeIterator<Item = &'a str>) -> Option<String> {
    let count = parts.len();
    let mut md5 = Md5::new();
    for part in parts {
        let bytes = hex::decode(part).ok().filter(|bytes| bytes.len() == 16)?;
        md5.update(bytes);
    }
    Some(format!("{}-{count}", hex::encode(md5.finalize())))
}

/// S3's COMPOSITE: the checksum over the parts' checksums.
pub(super) fn composite<'a>(
    kind: ChecksumKind,
    parts: impl Iterator<Item = &'a Checksum>,
) -> Checksum {
    let mut hasher = Hasher::new(kind);
    parts.for_each(|part| hasher.update(&part.value));
    Checksum { kind, value: hasher.finish(kind), composite: true }
}

/// The checksum over all bytes from those of consecutive parts and their sizes: CRCs only.
pub(super) fn combine<'a>(
    kind: ChecksumKind,
    parts: impl Iterator<Item = (&'a Checksum, u64)>,
) -> Option<Checksum> {
    let algorithm = crc(kind)?;
    let mut whole = None;
    for (part, size) in parts {
        let next = crc_number(&part.value);
        whole = Some(match whole {
            None => next,
            Some(before) => crc_fast::checksum_combine(algorithm, before, next, size),
        });
    }
    Some(full(kind, crc_bytes(kind, whole?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(given: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        given.iter().for_each(|(name, value)| put(&mut headers, name, value));
        headers
    }

    fn sums(kinds: &[ChecksumKind], bytes: &[u8]) -> Sums {
        let mut digests = Expected::default().digests(kinds.iter().copied());
        bytes.chunks(7).for_each(|chunk| digests.update(chunk));
        digests.finish()
    }

    /// Check values of "123456789", from the catalogue of CRC algorithms and FIPS 180.
    #[test]
    fn check_values() {
        let sums = sums(&KINDS, b"123456789");
        assert_eq!(hex::encode(sums.md5), "25f9e794323b453885f5181f1b624d0b");
        for (kind, want) in [
            (ChecksumKind::Crc32, "cbf43926"),
            (ChecksumKind::Crc32c, "e3069283"),
            (ChecksumKind::Crc64Nvme, "ae8b14860a799888"),
            (ChecksumKind::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
            (
                ChecksumKind::Sha256,
                "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
            ),
        ] {
            let found = sums.checksums.iter().find(|c| c.kind == kind).unwrap();
            assert_eq!(hex::encode(&found.value), want, "{kind:?}");
        }
    }

    #[test]
    fn crcs_of_parts_combine_to_the_crc_of_the_whole() {
        let bytes: Vec<u8> = (0..10_000u32).map(|i| (i * 7 % 251) as u8).collect();
        for kind in [ChecksumKind::Crc32, ChecksumKind::Crc32c, ChecksumKind::Crc64Nvme] {
            let whole = sums(&[kind], &bytes).checksums.remove(0);
            let parts: Vec<_> = [&bytes[..1], &bytes[1..5000], &[], &bytes[5000..]]
                .map(|part| (sums(&[kind], part).checksums.remove(0), part.len() as u64))
                .into();
            let combined = combine(kind, parts.iter().map(|(sum, size)| (sum, *size)));
            assert_eq!(combined, Some(whole), "{kind:?}");
        }
        assert_eq!(combine(ChecksumKind::Sha1, std::iter::empty()), None);
    }

    #[test]
    fn a_wrong_checksum_of_every_kind_is_refused() {
        for kind in KINDS {
            let good = sums(&[kind], b"good");
            let wrong = show(&sums(&[kind], b"evil").checksums[0], 0);
            let expected = Expected::of(&headers(&[(header(kind), &wrong)])).unwrap();
            assert_eq!(expected.verify(&good, None).unwrap_err().code().as_str(), "BadDigest");

            let right = show(&good.checksums[0], 0);
            let announced = Expected::of(&headers(&[("x-amz-trailer", header(kind))])).unwrap();
            let trailers = headers(&[(header(kind), &right)]);
            assert!(announced.verify(&good, Some(&trailers)).is_ok());
            let missing = announced.verify(&good, Some(&HeaderMap::new())).unwrap_err();
            assert_eq!(missing.code().as_str(), "MalformedTrailerError");
        }
        let md5 = Expected::of(&headers(&[("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")])).unwrap();
        assert_eq!(md5.verify(&sums(&[], b"x"), None).unwrap_err().code().as_str(), "BadDigest");
    }

    #[test]
    fn nonsense_is_refused_before_the_body_is_read() {
        for given in [
            &[("content-md5", "short")][..],
            &[("x-amz-checksum-crc32", "AAAA")],
            &[("x-amz-checksum-crc99", "AAAAAA==")],
            &[("x-amz-checksum-crc32", "AAAAAA=="), ("x-amz-checksum-crc32c", "AAAAAA==")],
            &[("x-amz-checksum-crc32", "AAAAAA=="), ("x-amz-trailer", "x-amz-checksum-crc32")],
            &[("x-amz-trailer", "x-evil")],
            &[("x-amz-sdk-checksum-algorithm", "CRC32")],
            &[("x-amz-sdk-checksum-algorithm", "SHA1"), ("x-amz-checksum-crc32", "AAAAAA==")],
        ] {
            assert!(Expected::of(&headers(given)).is_err(), "{given:?}");
        }
    }

    #[test]
    fn a_signed_sha256_is_not_computed_twice() {
        let sum = sums(&[ChecksumKind::Sha256], b"x").checksums.remove(0);
        let expected = Expected::of(&headers(&[
            ("x-amz-checksum-sha256", &show(&sum, 0)),
            ("x-amz-content-sha256", &hex::encode(&sum.value)),
        ]))
        .unwrap();
        let digests = expected.digests([]);
        assert!(digests.others.is_empty());
        assert!(expected.verify(&digests.finish(), None).is_ok());
    }

    #[test]
    fn a_multipart_etag_is_the_md5_of_md5s() {
        let parts = ["098f6bcd4621d373cade4e832627b4f6", "098f6bcd4621d373cade4e832627b4f6"];
        let etag = multipart_etag(parts.into_iter()).unwrap();
        assert_eq!(etag, "717521f45bc0017b591b56fc23d4d67d-2");
        assert_eq!(multipart_etag(["zz"].into_iter()), None);
    }
}
