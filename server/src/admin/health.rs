//! Health, for those who restart us (live) and those who send us requests (ready).
//!
//! Both are open: they tell a word and a reason without names or sizes.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use holdfast_api::meta::Query;
use holdfast_api::object::ObjectStore;
use holdfast_io::clock::deadline;
use http::StatusCode;
use serde_json::json;

use super::state::Admin;

/// How long the metadata may take to answer before we call ourselves not ready.
const LIMIT: Duration = Duration::from_secs(2);

/// The process runs.
pub(super) async fn live() -> Response {
    Json(json!({"live": true})).into_response()
}

/// Requests are served. A full server is ready: reads and deletes go on, and without
/// deletes it would stay full.
pub(super) async fn ready(State(admin): State<Arc<Admin>>) -> Response {
    match why_not(&admin).await {
        None => Json(json!({"ready": true})).into_response(),
        Some(reason) => {
            let answer = Json(json!({"ready": false, "reason": reason}));
            (StatusCode::SERVICE_UNAVAILABLE, answer).into_response()
        }
    }
}

async fn why_not(admin: &Admin) -> Option<String> {
    let running = match admin.running() {
        Ok(running) => running,
        Err(doing) => return Some(doing),
    };
    // A linearizable read of a row that is not there: a quorum has to answer.
    let asked = running.meta.query(Query::Bucket { name: "health..ready".into() });
    match deadline(&admin.clock, LIMIT, asked).await {
        Err(_) => return Some("the metadata does not answer".into()),
        Ok(Err(error)) => return Some(error.to_string()),
        Ok(Ok(_)) => {}
    }
    let store = running.store.status();
    if store.geometry_now.is_none() && !store.full {
        return Some("too few drives take writes".into());
    }
    None
}
