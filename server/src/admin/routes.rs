//! The list of routes: from it the router is built, by it callers are let in.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, delete, get, patch, post};
use http::Method;

use super::auth::{Access, guard};
use super::state::Admin;
use super::{access_keys, health, metrics, status, verify};

/// The largest body of a request to the admin port. [bytes]
const BODY_BYTES_MAX: usize = 64 << 10;

/// One route.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// `GET`, `POST`, `PATCH` or `DELETE`.
    pub method: &'static str,
    /// Its path; `{id}` stands for one segment.
    pub path: &'static str,
    /// What it asks of its caller.
    pub access: Access,
    handler: fn() -> MethodRouter<Arc<Admin>>,
}

/// Every route there is (G1).
pub const ROUTES: &[Route] = &[
    route("GET", "/health/live", Access::Open, || get(health::live)),
    route("GET", "/health/ready", Access::Open, || get(health::ready)),
    route("GET", "/metrics", Access::Reader, || get(metrics::show)),
    route("GET", "/v1/status", Access::Reader, || get(status::show)),
    route("GET", "/v1/keys", Access::Root, || get(access_keys::list)),
    route("POST", "/v1/keys", Access::Root, || post(access_keys::add)),
    route("PATCH", "/v1/keys/{id}", Access::Root, || patch(access_keys::switch)),
    route("DELETE", "/v1/keys/{id}", Access::Root, || delete(access_keys::remove)),
    route("POST", "/v1/heal", Access::Root, || post(verify::begin)),
];

const fn route(
    method: &'static str,
    path: &'static str,
    access: Access,
    handler: fn() -> MethodRouter<Arc<Admin>>,
) -> Route {
    Route { method, path, access, handler }
}

/// The admin port's service.
pub fn router(admin: Arc<Admin>) -> Router {
    let routes = ROUTES
        .iter()
        .fold(Router::new(), |router, route| router.route(route.path, (route.handler)()));
    routes
        .fallback(|| async { (http::StatusCode::NOT_FOUND, "no such route\n") })
        .layer(axum::extract::DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(Arc::clone(&admin), guard))
        .with_state(admin)
}

/// What a request needs; whatever is not listed needs root (G1).
pub(super) fn access_of(method: &Method, path: &str) -> Access {
    // HEAD is served by GET's handlers.
    let method = if method == Method::HEAD { &Method::GET } else { method };
    let listed = ROUTES.iter().find(|route| route.method == method && route.path == path);
    listed.map_or(Access::Root, |route| route.access)
}
