//! What nobody serves. A browser gets a page, as from Quay; a program gets JSON, where Quay sends it the page too.

use axum::extract::MatchedPath;
use axum::http::header::{ACCEPT, CACHE_CONTROL};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};

use super::{NO_CACHE, shortcuts};
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

/// A page that the caller may not see: for short addresses.
pub(crate) fn forbidden(headers: &HeaderMap) -> Response {
    let status = StatusCode::FORBIDDEN;
    let text = "You may not see what is at this address.";
    let body = if is_browser(headers) {
        super::landing::html(status, landing::message("Forbidden", text))
    } else {
        Error::web(status, "Forbidden").into_response()
    };
    ([(CACHE_CONTROL, NO_CACHE)], body).into_response()
}

/// A path whose routes have other methods. What only looks like the short address of a repository has no route.
pub(crate) async fn method(matched: MatchedPath, uri: Uri, headers: HeaderMap) -> Response {
    let short = [
        shortcuts::NAMESPACE,
        shortcuts::NAMESPACE_SLASH,
        shortcuts::REPOSITORY,
    ];
    if short.contains(&matched.as_str()) {
        return path(uri, headers).await;
    }
    Error::message(
        StatusCode::METHOD_NOT_ALLOWED,
        "The method is not allowed for the requested URL.",
    )
    .into_response()
}

fn is_browser(headers: &HeaderMap) -> bool {
    headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}
