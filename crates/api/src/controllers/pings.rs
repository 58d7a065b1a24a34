//! Answers that say only that somebody listens.

use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};

use crate::guard::Anyone;
use crate::route::Routes;

pub(crate) fn routes() -> Routes {
    Routes::pages()
        .get("/_internal_ping", internal)
        .get("/v1/_internal_ping", internal)
        .get("/secscan/_internal_ping", internal)
        .get("/v1/_ping", docker_v1)
}

/// `GET /_internal_ping` and its relatives, which Quay's front proxy asks its processes for.
async fn internal(_: Anyone) -> Response {
    listening()
}

/// What a process says that listens.
pub(crate) fn listening() -> Response {
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    ([(CONTENT_TYPE, html)], "true").into_response()
}

/// `GET /v1/_ping`: old Docker clients look for the headers. Quay's front proxy sends two content types; this is the one that
/// it means.
async fn docker_v1(_: Anyone) -> Response {
    let headers = [
        ("content-type", "text/plain"),
        ("x-docker-registry-version", "0.6.0"),
        ("x-docker-registry-standalone", "0"),
    ];
    (headers, "true").into_response()
}
