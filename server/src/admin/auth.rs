//! Who may call what on the admin port.
//!
//! - A1: a secret is compared in time that does not depend on it.
//! - A2: a wrong guess costs [`PAUSE`], and at most [`PAUSED_MAX`] guesses pause at
//!   once; beyond that the answer is 429. So at most 128 guesses a second.
//!
//! Not here: S3's signatures (`s3::auth`).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use holdfast_io::rng::{Rng, SystemRng};
use http::{HeaderMap, StatusCode, header};
use ring::hmac;
use tokio::sync::Semaphore;

use super::routes::access_of;
use super::state::Admin;
use crate::start::Credentials;

/// What a wrong guess costs. (A2)
const PAUSE: Duration = Duration::from_millis(500);
/// Wrong guesses that pause at once. (A2)
const PAUSED_MAX: usize = 64;
/// The longest `Authorization` that is looked at. [bytes]
const HEADER_BYTES_MAX: usize = 4096;

/// What a route asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    Open,
    /// Root's credentials, or the reader's token.
    Reader,
    /// Root's credentials.
    Root,
}

/// Checks callers.
pub struct Guard {
    /// Drawn per process; makes comparison of secrets a comparison of tags.
    key: hmac::Key,
    root: hmac::Tag,
    reader: hmac::Tag,
    paused: Arc<Semaphore>,
}

impl Guard {
    /// Lets `root` in.
    pub fn new(root: &Credentials) -> Self {
        let mut bytes = [0; 32];
        SystemRng.fill(&mut bytes);
        let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
        let pair = format!("{}:{}", root.user, root.password.expose());
        Self {
            root: hmac::sign(&key, pair.as_bytes()),
            reader: hmac::sign(&key, reader_token(root).as_bytes()),
            key,
            paused: Arc::new(Semaphore::new(PAUSED_MAX)),
        }
    }

    /// What the caller with these headers may do (A1).
    fn access(&self, headers: &HeaderMap) -> Access {
        let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(value) = value.filter(|value| value.len() <= HEADER_BYTES_MAX) else {
            return Access::Open;
        };
        let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
        let is =
            |tag: &hmac::Tag, given: &[u8]| hmac::verify(&self.key, given, tag.as_ref()).is_ok();
        if scheme.eq_ignore_ascii_case("basic") {
            let given = BASE64_STANDARD.decode(rest.trim()).unwrap_or_default();
            if is(&self.root, &given) {
                return Access::Root;
            }
        } else if scheme.eq_ignore_ascii_case("bearer") && is(&self.reader, rest.trim().as_bytes())
        {
            return Access::Reader;
        }
        Access::Open
    }
}

/// The bearer token that may read metrics and status, and nothing else. Changes with the password.
pub fn reader_token(root: &Credentials) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, root.password.expose().as_bytes());
    let text = format!("holdfast admin reader v1 {}", root.user);
    hex::encode(hmac::sign(&key, text.as_bytes()))
}

/// Lets a request through, or answers 401 (A2).
pub async fn guard(State(admin): State<Arc<Admin>>, request: Request, next: Next) -> Response {
    let needed = access_of(request.method(), request.uri().path());
    let guard = &admin.guard;
    let has = guard.access(request.headers());
    match (needed, has) {
        (Access::Open, _) | (_, Access::Root) | (Access::Reader, Access::Reader) => {
            return next.run(request).await;
        }
        (Access::Root, Access::Reader) => return refused(StatusCode::FORBIDDEN),
        (_, Access::Open) => {}
    }
    if !request.headers().contains_key(header::AUTHORIZATION) {
        return refused(StatusCode::UNAUTHORIZED);
    }
    let Ok(_permit) = guard.paused.try_acquire() else {
        return refused(StatusCode::TOO_MANY_REQUESTS);
    };
    tracing::warn!(path = request.uri().path(), "wrong credentials on the admin port");
    admin.clock.sleep(PAUSE).await;
    refused(StatusCode::UNAUTHORIZED)
}

fn refused(status: StatusCode) -> Response {
    let text = match status {
        StatusCode::TOO_MANY_REQUESTS => "too many wrong guesses, wait\n",
        StatusCode::FORBIDDEN => "this token may only read /metrics and /v1/status\n",
        _ => "root's credentials are needed (HTTP Basic)\n",
    };
    let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"holdfast admin\"")];
    (status, challenge, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::start::Secret;

    fn root(password: &str) -> Credentials {
        Credentials { user: "root".into(), password: Secret::new(password) }
    }

    #[test]
    fn only_the_very_secret_opens() {
        let guard = Guard::new(&root("correct horse"));
        let basic = |text: &str| format!("Basic {}", BASE64_STANDARD.encode(text));
        let reader = format!("Bearer {}", reader_token(&root("correct horse")));
        let stale = format!("Bearer {}", reader_token(&root("another")));
        let table = [
            (basic("root:correct horse"), Access::Root),
            (basic("root:correct horse").replace("Basic", "bAsIc"), Access::Root),
            (reader, Access::Reader),
            (stale, Access::Open),
            (basic("root:correct hors"), Access::Open),
            (basic("root:correct horse "), Access::Open),
            (basic("Root:correct horse"), Access::Open),
            (basic(":"), Access::Open),
            ("Basic ???".into(), Access::Open),
            ("Basic".into(), Access::Open),
            ("Bearer correct horse".into(), Access::Open),
            ("x".repeat(10_000), Access::Open),
        ];
        for (value, want) in table {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            assert_eq!(guard.access(&headers), want, "{value}");
        }
        assert_eq!(guard.access(&HeaderMap::new()), Access::Open);
    }
}
