//! The plain port of an installation with TLS: everything moves to https, as Quay's front proxy does.

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

/// A router that answers each request with 301 to the same path at `authority`, or at the request's host.
pub(crate) fn to_https(authority: Option<String>) -> Router {
    Router::new().fallback(move |request: Request| {
        let location = location(authority.as_deref(), &request);
        async move { answer(location) }
    })
}

fn answer(location: Option<HeaderValue>) -> Response {
    match location {
        Some(location) => (
            StatusCode::MOVED_PERMANENTLY,
            [(header::LOCATION, location)],
        )
            .into_response(),
        None => (
            StatusCode::BAD_REQUEST,
            "The request names no host to redirect to.\n",
        )
            .into_response(),
    }
}

fn location(authority: Option<&str>, request: &Request) -> Option<HeaderValue> {
    let asked = || {
        let host = request.uri().authority().map(http::uri::Authority::as_str);
        let host = host.or_else(|| request.headers().get(header::HOST)?.to_str().ok())?;
        // Parsing keeps anything that is not a host out of the location; the port was the plain one.
        let parsed: http::uri::Authority = host.parse().ok()?;
        Some(parsed.host().to_owned())
    };
    let host = authority
        .map(str::to_owned)
        .or_else(asked)
        .filter(|host| !host.is_empty())?;
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", http::uri::PathAndQuery::as_str);
    HeaderValue::try_from(format!("https://{host}{path}")).ok()
}
