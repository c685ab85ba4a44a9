//! AWS Signature Version 4, as a client: the header and the query form.
//!
//! Not here: chunked signatures (no client that we compare with sends them over HTTP/1.1 by choice).

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Who signs, and for which server.
#[derive(Clone)]
pub struct Signer {
    pub host: String,
    pub user: String,
    pub password: String,
}

/// The hash that stands for a body whose bytes are not signed.
pub const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

const REGION: &str = "us-east-1";
const VALID_S: u32 = 3600;

impl Signer {
    /// The header lines of a signed request. `path` is encoded already; no query.
    /// `payload` is the hex SHA-256 of the body, `date` is `YYYYMMDDTHHMMSSZ`.
    pub fn headers(&self, method: &str, target: &str, payload: &str, date: &str) -> String {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let signed = "host;x-amz-content-sha256;x-amz-date";
        let canonical = format!(
            "{method}\n{path}\n{query}\nhost:{}\nx-amz-content-sha256:{payload}\nx-amz-date:{date}\n\n{signed}\n{payload}",
            self.host
        );
        let signature = self.signature(&canonical, date);
        let scope = scope(date);
        format!(
            "host: {}\r\nx-amz-date: {date}\r\nx-amz-content-sha256: {payload}\r\n\
             authorization: AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed}, Signature={signature}\r\n",
            self.host, self.user
        )
    }

    /// `path` with a query that authorises `method` on it for an hour.
    pub fn presigned(&self, method: &str, path: &str, date: &str) -> String {
        let credential = format!("{}/{}", self.user, scope(date)).replace('/', "%2F");
        let query = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date={date}\
             &X-Amz-Expires={VALID_S}&X-Amz-SignedHeaders=host"
        );
        let canonical =
            format!("{method}\n{path}\n{query}\nhost:{}\n\nhost\n{UNSIGNED}", self.host);
        format!("{path}?{query}&X-Amz-Signature={}", self.signature(&canonical, date))
    }

    fn signature(&self, canonical: &str, date: &str) -> String {
        let text = format!(
            "AWS4-HMAC-SHA256\n{date}\n{}\n{}",
            scope(date),
            sha256_hex(canonical.as_bytes())
        );
        let mut key = format!("AWS4{}", self.password).into_bytes();
        for part in [&date[..8], REGION, "s3", "aws4_request"] {
            key = hmac(&key, part.as_bytes());
        }
        hex::encode(hmac(&key, text.as_bytes()))
    }
}

/// The hex SHA-256 of `bytes`.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn scope(date: &str) -> String {
    format!("{}/{REGION}/s3/aws4_request", &date[..8])
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of AWS's documentation, "Signature Calculations for the Authorization Header".
    #[test]
    fn the_signing_key_is_as_documented() {
        let mut key = b"AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_vec();
        for part in ["20120215", "us-east-1", "iam", "aws4_request"] {
            key = hmac(&key, part.as_bytes());
        }
        assert_eq!(
            hex::encode(key),
            "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d"
        );
    }
}
