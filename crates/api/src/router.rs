//! The routes of the API and its pages, each with its guard.

use axum::Router;

use crate::controllers::{discovery, health, key_server, landing, pings, unknown, users};
use crate::guard::{DeclaredRoute, Guard::Anyone, Routes};
use crate::state::Api;

/// Everything that is served beside `/v2`. Has the fallback for paths that nobody serves, so a router that it is merged with
/// must have none.
pub fn router(api: Api) -> Router {
    declare()
        .router
        .fallback(unknown::path)
        .method_not_allowed_fallback(unknown::method)
        .with_state(api)
}

/// The routes of [`router`] with their guards.
pub fn routes() -> Vec<DeclaredRoute> {
    declare().declared
}

fn declare() -> Routes<Api> {
    Routes::new()
        .get("/", Anyone, landing::page)
        .get("/health", Anyone, health::instance)
        .get("/health/instance", Anyone, health::instance)
        .get("/health/endtoend", Anyone, health::end_to_end)
        .get("/health/warning", Anyone, health::warning)
        .get("/status", Anyone, health::end_to_end)
        .get("/_internal_ping", Anyone, pings::internal)
        .get("/v1/_internal_ping", Anyone, pings::internal)
        .get("/secscan/_internal_ping", Anyone, pings::internal)
        .get("/v1/_ping", Anyone, pings::docker_v1)
        .get(
            "/.well-known/app-capabilities",
            Anyone,
            discovery::app_capabilities,
        )
        .get("/keys/services/{service}/keys", Anyone, key_server::list)
        .get(
            "/keys/services/{service}/keys/{kid}",
            Anyone,
            key_server::get,
        )
        .post("/api/v1/user/initialize", Anyone, users::initialize)
}

#[cfg(test)]
mod tests;
