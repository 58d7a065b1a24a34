//! Answers that say only that somebody listens.

use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};

/// `GET /_internal_ping` and its relatives, which Quay's front proxy asks its processes for.
pub(crate) async fn internal() -> Response {
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    ([(CONTENT_TYPE, html)], "true").into_response()
}

/// `GET /v1/_ping`: old Docker clients look for the headers. Quay's front proxy sends two content types; this is the one that
/// it means.
pub(crate) async fn docker_v1() -> Response {
    let headers = [
        ("content-type", "text/plain"),
        ("x-docker-registry-version", "0.6.0"),
        ("x-docker-registry-standalone", "0"),
    ];
    (headers, "true").into_response()
}
