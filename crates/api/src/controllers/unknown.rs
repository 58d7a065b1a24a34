//! What nobody serves. A browser gets a page, as from Quay; a program gets JSON, where Quay sends it the page too.

use axum::http::header::{ACCEPT, CACHE_CONTROL};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};

use super::NO_CACHE;
use crate::error::Error;
use crate::landing;

/// A path without a route: `{message}` inside the API, `{error}` elsewhere (api-v1.md §3.1).
pub(crate) async fn path(uri: Uri, headers: HeaderMap) -> Response {
    let status = StatusCode::NOT_FOUND;
    let body = if is_browser(&headers) {
        super::landing::html(status, landing::not_found())
    } else if uri.path().starts_with("/api/") {
        Error::no_such_page().into_response()
    } else {
        Error::web(status, "Not Found").into_response()
    };
    ([(CACHE_CONTROL, NO_CACHE)], body).into_response()
}

/// A path whose routes have other methods.
pub(crate) async fn method() -> Error {
    Error::message(
        StatusCode::METHOD_NOT_ALLOWED,
        "The method is not allowed for the requested URL.",
    )
}

fn is_browser(headers: &HeaderMap) -> bool {
    headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}
