//! Which bucket a Host header names: `bucket.domain` for the configured base
//! domains (virtual-host style), none for any other host (path style).

use s3s::S3Result;
use s3s::host::{S3Host, VirtualHost};

/// A base domain that is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a domain: labels of letters, digits and '-' joined by '.', without a port")]
pub struct BadDomain(pub String);

/// The base domains, longest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Domains(Vec<String>);

impl Domains {
    /// # Errors
    /// [`BadDomain`].
    pub(super) fn new(domains: &[String]) -> Result<Self, BadDomain> {
        let mut known = Vec::new();
        for domain in domains {
            let legal = |label: &str| {
                !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            };
            if !domain.split('.').all(legal) {
                return Err(BadDomain(domain.clone()));
            }
            known.push(domain.to_ascii_lowercase());
        }
        known.sort_by_key(|domain: &String| std::cmp::Reverse(domain.len()));
        Ok(Self(known))
    }

    /// The bucket that `host` (a Host header, perhaps with a port) names.
    pub(super) fn bucket(&self, host: &str) -> Option<String> {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => host,
        };
        let name = name.to_ascii_lowercase();
        if self.0.contains(&name) {
            return None;
        }
        self.0.iter().find_map(|domain| {
            let bucket = name.strip_suffix(domain.as_str())?.strip_suffix('.')?;
            (!bucket.is_empty()).then(|| bucket.to_owned())
        })
    }
}

/// s3s takes any host that it does not know for a bucket; we do not.
impl S3Host for Domains {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let virtual_host = VirtualHost::new(host);
        Ok(match self.bucket(host) {
            Some(bucket) => virtual_host.with_bucket(bucket),
            None => virtual_host,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_configured_domains_carry_buckets() {
        let domains = Domains::new(&["s3.example.com".into(), "example.com".into()]).unwrap();
        let table = [
            ("photos.s3.example.com", Some("photos")),
            ("photos.s3.example.com:9000", Some("photos")),
            ("a.b.s3.example.com", Some("a.b")),
            ("PHOTOS.Example.com", Some("photos")),
            ("s3.example.com", None),
            ("example.com:80", None),
            ("localhost:9000", None),
            ("127.0.0.1:9000", None),
            ("[::1]:9000", None),
            ("notexample.com", None),
        ];
        for (host, want) in table {
            assert_eq!(domains.bucket(host).as_deref(), want, "{host}");
        }
    }

    #[test]
    fn a_domain_with_a_port_or_an_empty_label_is_refused() {
        for domain in ["", "a..b", "host:9000", "a_b"] {
            assert_eq!(Domains::new(&[domain.into()]).unwrap_err(), BadDomain(domain.into()));
        }
    }
}
