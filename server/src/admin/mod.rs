//! The admin port: health, metrics, status, access keys, heal.
//!
//! ```text
//! GET    /health/live        open     the process runs; never depends on a quorum
//! GET    /health/ready       open     metadata answers and writes are possible, else 503 and why
//! GET    /metrics            reader   Prometheus
//! GET    /v1/status          reader   everything that `holdfast admin status` shows
//! GET    /v1/keys            root     access keys, without secrets
//! POST   /v1/keys            root     makes one; the only answer that carries a secret
//! PATCH  /v1/keys/{id}       root     enables or disables one
//! DELETE /v1/keys/{id}       root     forgets one
//! POST   /v1/heal            root     starts a verification of everything
//! ```
//!
//! - G1: whatever is not listed as open asks for credentials, also paths that do
//!   not exist: the list is `ROUTES`, and a test walks it.
//! - G2: no answer and no log carries a secret, but for the answer that made it.
//!
//! Not here: listening and TLS (`listen`), the client side (`client`).

mod access_keys;
mod auth;
mod gauges;
mod health;
mod metrics;
mod routes;
mod state;
mod status;
mod verify;
mod warnings;

pub use access_keys::{KeyMade, KeyShown, NewKey, refresh_keys};
pub use auth::{Access, reader_token};
pub use metrics::S3Metrics;
pub use routes::{ROUTES, Route, router};
pub use state::{Admin, Facts, Running};
pub use status::{BucketUsage, DriveRow, Endpoints, Redundancy, Status};
pub use verify::Verification;
