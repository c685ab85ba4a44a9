//! The S3 front: S3's REST protocol over the metadata service and the object store.
//!
//! ```text
//! hyper -> service::Front -> gate      what s3s lets pass and must not
//!                         -> s3s       SigV4: header, presigned, chunked, trailers
//!                         -> router    method, path and query choose a handler
//!                              -> get | put | copy | delete | list | buckets | multipart | subresources
//! ```
//!
//! s3s verifies signatures and decodes chunked bodies; it is named nowhere else.
//! Everything after that is ours, because S3's corners are in the raw headers:
//! lists of ETags, malformed ranges that must be ignored, checksums that s3s
//! accepts unseen.
//!
//! - F1: nothing becomes visible before every checksum, length and signature that
//!   the client gave was verified over the bytes that were stored.
//! - F2: a body is never cut silently: either it is whole, or the connection ends.
//! - F3: what is not implemented says so; nothing is accepted and ignored.
//!
//! Not here: listeners, TLS, connection bounds (`crate` wires them), where bytes go
//! (`ec`), what is visible (`meta`).

mod answer;
mod auth;
mod body;
mod buckets;
mod call;
mod checksums;
mod chunked;
mod conditions;
mod copy;
mod delete;
mod errors;
mod gate;
mod get;
mod headers;
mod host;
mod list;
mod multipart;
mod promised;
mod put;
mod router;
mod service;
mod subresources;
mod uri;
mod xml;

pub use answer::AnswerBody;
pub use auth::Keys;
pub use host::BadDomain;
pub use service::{Front, FrontConfig, Observer, Served};
