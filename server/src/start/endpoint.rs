//! `DIR/endpoint`: where the running server's admin port is, for `holdfast admin --data DIR`.

use std::path::{Path, PathBuf};

use holdfast_io::host;
use serde::{Deserialize, Serialize};

use super::error::{StartError, plain};

const FILE: &str = "endpoint";

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The admin port.
    pub admin: std::net::SocketAddr,
    /// S3's port.
    pub s3: std::net::SocketAddr,
    /// MySQL's port, where there is one.
    #[serde(default)]
    pub mysql: Option<std::net::SocketAddr>,
    /// The certificates that the server shows, if it speaks TLS.
    pub tls_cert: Option<PathBuf>,
    /// The server's process.
    pub pid: u32,
}

impl Endpoint {
    /// Writes it.
    ///
    /// # Errors
    /// [`StartError::BadFile`].
    pub fn keep(&self, data: &Path) -> Result<(), StartError> {
        let path = data.join(FILE);
        let bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        host::replace_small(&path, &bytes)
            .map_err(|error| StartError::BadFile { path, what: plain(&error) })
    }

    /// Reads it; `None` if no server ever ran there, or the file makes no sense.
    pub fn find(data: &Path) -> Option<Self> {
        serde_json::from_slice(&host::read_small(&data.join(FILE)).ok()?).ok()
    }
}
