//! One request to a server's admin port: where it is, who asks, what came back.
//!
//! - Q1: every request has a deadline.
//! - Q2: whatever goes wrong is one line that says what to do.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use holdfast_io::clock::{Clock, SystemClock, deadline};
use holdfast_io::net::{Net, Stream, TcpNet};
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cli::Target;
use crate::listen::pinned_connector;
use crate::start::{self, CREDENTIALS_FILE, Credentials, Endpoint, StartError, plain};

/// One request, from connecting to the answer's last byte. (Q1)
const LIMIT: Duration = Duration::from_secs(20);
/// The longest answer that is read. [bytes]
const ANSWER_BYTES_MAX: usize = 64 << 20;
const DEFAULT_ADDRESS: &str = "127.0.0.1:9001";

/// Why a command to a server did not succeed (Q2).
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum AdminError {
    /// What was given makes no sense, or a file is not as it should be.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Nobody listens there.
    #[error("no server answers at {address}: {what}")]
    Unreachable { address: SocketAddr, what: String },
    /// An address that is not one.
    #[error("--admin {0}: write IP:PORT, as in 127.0.0.1:9001")]
    Address(String),
    /// We do not know who root is.
    #[error(
        "root's credentials are not known: give --data DIR, or set HOLDFAST_ROOT_USER and \
         HOLDFAST_ROOT_PASSWORD"
    )]
    NoCredentials,
    /// They were not accepted.
    #[error("the server at {address} does not accept these credentials")]
    Refused { address: SocketAddr },
    /// The server said no.
    #[error("the server answered {status}: {what}")]
    Answered { status: StatusCode, what: String },
    /// Not what a Holdfast server says.
    #[error("{address} does not speak as a holdfast server does: {what}")]
    Foreign { address: SocketAddr, what: String },
}

impl AdminError {
    /// What the caller should do next.
    pub fn remedy(&self) -> holdfast_base::Remedy {
        match self {
            Self::Unreachable { .. } => holdfast_base::Remedy::RetryHere,
            _ => holdfast_base::Remedy::Refuse,
        }
    }
}

/// A server to ask.
pub struct Server {
    address: SocketAddr,
    root: Option<Credentials>,
    trust: Option<PathBuf>,
    clock: Arc<dyn Clock>,
}

impl Server {
    /// Finds address, credentials and certificates as `target` says.
    ///
    /// # Errors
    /// [`AdminError::Address`], [`AdminError::Start`].
    pub fn find(target: &Target) -> Result<Self, AdminError> {
        let endpoint = target.data.as_deref().and_then(Endpoint::find);
        let bad = |text: &str| AdminError::Address(text.to_owned());
        let address = match (&target.admin, &endpoint) {
            (Some(text), _) => text.parse().map_err(|_| bad(text))?,
            (None, Some(endpoint)) => reachable(endpoint.admin),
            (None, None) => DEFAULT_ADDRESS.parse().map_err(|_| bad(DEFAULT_ADDRESS))?,
        };
        let in_data = target.data.as_ref().map(|data| data.join(CREDENTIALS_FILE));
        let file = target.credentials.clone().or(in_data);
        let root = start::find(file.as_deref())?;
        let known = endpoint.and_then(|endpoint| endpoint.tls_cert);
        let trust = target.tls_cert.clone().or(known);
        Ok(Self { address, root, trust, clock: Arc::new(SystemClock) })
    }

    /// Who asks.
    ///
    /// # Errors
    /// [`AdminError::NoCredentials`].
    pub fn root(&self) -> Result<&Credentials, AdminError> {
        self.root.as_ref().ok_or(AdminError::NoCredentials)
    }

    /// Time.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// GET, and its JSON.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, AdminError> {
        let answer = self.ask(Method::GET, path, Bytes::new()).await?;
        serde_json::from_slice(&answer).map_err(|error| self.foreign(error.to_string()))
    }

    /// A request with a JSON body; the answer's body.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Bytes, AdminError> {
        let body = serde_json::to_vec(body).map_err(|error| self.foreign(error.to_string()))?;
        self.ask(method, path, body.into()).await
    }

    async fn ask(&self, method: Method, path: &str, body: Bytes) -> Result<Bytes, AdminError> {
        let unreachable = |what: String| AdminError::Unreachable { address: self.address, what };
        let work = deadline(&self.clock, LIMIT, self.exchange(method, path, body));
        match work.await {
            Ok(done) => done,
            Err(late) => Err(unreachable(late.to_string())),
        }
    }

    async fn exchange(&self, method: Method, path: &str, body: Bytes) -> Result<Bytes, AdminError> {
        let stream = TokioIo::new(self.connect().await?);
        let foreign = |error: hyper::Error| self.foreign(error.to_string());
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(stream).await.map_err(foreign)?;
        tokio::spawn(connection); // Ends with its sender.
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.address.to_string())
            .header(header::CONTENT_TYPE, "application/json");
        if !path.starts_with("/health/") {
            let root = self.root()?;
            let pair = format!("{}:{}", root.user, root.password.expose());
            let value = format!("Basic {}", BASE64_STANDARD.encode(pair));
            request = request.header(header::AUTHORIZATION, value);
        }
        let request =
            request.body(Full::new(body)).map_err(|error| self.foreign(error.to_string()))?;
        let answer = sender.send_request(request).await.map_err(foreign)?;
        let status = answer.status();
        let bytes = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        let bytes = bytes.map_err(|error| self.foreign(error.to_string()))?.to_bytes();
        match status {
            status if status.is_success() => Ok(bytes),
            StatusCode::UNAUTHORIZED => Err(AdminError::Refused { address: self.address }),
            status => Err(AdminError::Answered { status, what: told(&bytes) }),
        }
    }

    async fn connect(&self) -> Result<Box<dyn Stream>, AdminError> {
        let unreachable = |what: String| AdminError::Unreachable { address: self.address, what };
        let stream = TcpNet.connect(self.address).await;
        let stream = stream.map_err(|error| unreachable(plain(&error)))?;
        let Some(pem) = &self.trust else { return Ok(stream) };
        let name = ServerName::IpAddress(self.address.ip().into());
        let stream = pinned_connector(pem)?.connect(name, stream).await;
        Ok(Box::new(stream.map_err(|error| unreachable(error.to_string()))?))
    }

    fn foreign(&self, what: String) -> AdminError {
        AdminError::Foreign { address: self.address, what }
    }
}

/// A server that listens everywhere is reached on loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// What an answer that says no says, on one line.
fn told(bytes: &[u8]) -> String {
    let reason = serde_json::from_slice::<serde_json::Value>(bytes)
        .ok()
        .and_then(|value| Some(value.get("reason")?.as_str()?.to_owned()));
    let text = reason.unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned());
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
