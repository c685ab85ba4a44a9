//! Access keys for S3 besides root's: made, listed, switched, forgotten.
//!
//! ```text
//! POST /v1/keys -> seal the secret -> metadata -> S3 front's key ring
//! ```
//!
//! - E1: the secret leaves the server once, in the answer that made it.
//! - E2: a change is in force when it is answered: the S3 front's ring is refreshed first.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use holdfast_api::meta::{AccessKey, Answer, Command, MetaService, Outcome, Query, Refusal};
use holdfast_io::rng::SystemRng;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::state::{Admin, Running};
use crate::s3::Keys;
use crate::start::{Secret, generate_pair};
use crate::vault::Vault;

/// The longest note. [bytes]
const NOTE_BYTES_MAX: usize = 256;
/// The most keys: each is in every front's memory.
const KEYS_MAX: usize = 10_000;

/// What is asked for with `POST /v1/keys`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// The public half; drawn if absent.
    pub id: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub note: String,
}

/// A key as it is listed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeyShown {
    /// The public half.
    pub id: String,
    /// What it is for.
    pub note: String,
    /// When it was made. [ms since 1970]
    pub created_ms: u64,
    /// Whether it authenticates.
    pub enabled: bool,
}

/// A key that was made (E1).
#[derive(Clone, Serialize, Deserialize)]
pub struct KeyMade {
    /// The public half.
    pub id: String,
    /// The secret half.
    pub secret: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Switch {
    enabled: bool,
}

/// Gives the S3 front the keys that the metadata has now (E2). How many authenticate.
///
/// # Errors
/// The metadata's.
pub async fn refresh_keys(
    meta: &dyn MetaService,
    vault: &Vault,
    ring: &Keys,
) -> Result<usize, holdfast_api::meta::MetaError> {
    let mut pairs = Vec::new();
    for key in all(meta).await?.into_iter().filter(|key| key.enabled) {
        match vault.open_sealed(&key.id, &key.sealed_secret) {
            Ok(secret) => pairs.push((key.id, secret.expose().to_owned())),
            Err(why) => tracing::error!(key = key.id, "access key left out: {why}"),
        }
    }
    let count = pairs.len();
    ring.replace(pairs);
    Ok(count)
}

/// `GET /v1/keys`
pub(super) async fn list(State(admin): State<Arc<Admin>>) -> Result<Response, Response> {
    let running = running(&admin)?;
    let keys = all(&*running.meta).await.map_err(unavailable)?;
    let shown = |key: AccessKey| KeyShown {
        id: key.id,
        note: key.note,
        created_ms: key.created.0,
        enabled: key.enabled,
    };
    Ok(Json(keys.into_iter().map(shown).collect::<Vec<_>>()).into_response())
}

/// `POST /v1/keys`
pub(super) async fn add(
    State(admin): State<Arc<Admin>>,
    Json(new): Json<NewKey>,
) -> Result<Response, Response> {
    let running = running(&admin)?;
    let drawn = generate_pair(&SystemRng);
    let id = new.id.unwrap_or(drawn.user);
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if !(3..=128).contains(&id.len()) || !id.bytes().all(legal) {
        return Err(bad("an access key id is 3 to 128 letters, digits and . _ -"));
    }
    if new.note.len() > NOTE_BYTES_MAX || new.note.chars().any(char::is_control) {
        return Err(bad("a note is one line of at most 256 bytes"));
    }
    let _one_at_a_time = running.keys_changing.lock().await;
    let known = all(&*running.meta).await.map_err(unavailable)?;
    if known.iter().any(|key| key.id == id) || id == admin.root_user {
        return Err((StatusCode::CONFLICT, "there is such a key already\n").into_response());
    }
    if known.len() >= KEYS_MAX {
        return Err(bad("there are 10000 keys already"));
    }
    let sealed = running.vault.seal(&id, &drawn.password, &SystemRng);
    let key = AccessKey {
        id: id.clone(),
        sealed_secret: sealed.into(),
        note: new.note,
        created: admin.clock.wall(),
        enabled: true,
    };
    change(running, Command::PutAccessKey(key)).await?;
    tracing::info!(key = id, "access key made");
    let secret = Secret::expose(&drawn.password).to_owned();
    Ok((StatusCode::CREATED, Json(KeyMade { id, secret })).into_response())
}

/// `PATCH /v1/keys/{id}`
pub(super) async fn switch(
    State(admin): State<Arc<Admin>>,
    Path(id): Path<String>,
    Json(Switch { enabled }): Json<Switch>,
) -> Result<Response, Response> {
    let running = running(&admin)?;
    let _one_at_a_time = running.keys_changing.lock().await;
    let keys = all(&*running.meta).await.map_err(unavailable)?;
    let key = keys.into_iter().find(|key| key.id == id).ok_or_else(no_such_key)?;
    change(running, Command::PutAccessKey(AccessKey { enabled, ..key })).await?;
    tracing::info!(key = id, enabled, "access key switched");
    Ok(Json(json!({"id": id, "enabled": enabled})).into_response())
}

/// `DELETE /v1/keys/{id}`
pub(super) async fn remove(
    State(admin): State<Arc<Admin>>,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let running = running(&admin)?;
    let _one_at_a_time = running.keys_changing.lock().await;
    change(running, Command::DeleteAccessKey { id: id.clone() }).await?;
    tracing::info!(key = id, "access key removed");
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn change(running: &Running, command: Command) -> Result<(), Response> {
    match running.meta.execute(command).await.map_err(unavailable)? {
        Outcome::Refused(Refusal::NoSuchKey) => return Err(no_such_key()),
        Outcome::Refused(why) => return Err(bad(&why.to_string())),
        _ => {}
    }
    refresh_keys(&*running.meta, &running.vault, &running.keys).await.map_err(unavailable)?;
    Ok(())
}

async fn all(meta: &dyn MetaService) -> Result<Vec<AccessKey>, holdfast_api::meta::MetaError> {
    match meta.query(Query::AccessKeys).await? {
        Answer::Keys(keys) => Ok(keys),
        _ => Ok(Vec::new()),
    }
}

#[allow(clippy::result_large_err, reason = "an answer, made once per request")]
pub(super) fn running(admin: &Admin) -> Result<&Running, Response> {
    admin.running().map_err(|doing| (StatusCode::SERVICE_UNAVAILABLE, doing + "\n").into_response())
}

pub(super) fn unavailable(error: holdfast_api::meta::MetaError) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response()
}

fn no_such_key() -> Response {
    (StatusCode::NOT_FOUND, "no such access key\n").into_response()
}

fn bad(what: &str) -> Response {
    (StatusCode::BAD_REQUEST, format!("{what}\n")).into_response()
}
