//! Cross-origin calls (`CORS_ORIGIN`): with one configured origin that one, with several the caller's own if it is among
//! them, both with credentials; everybody without credentials otherwise.

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, ORIGIN,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::controllers::NO_CACHE;
use crate::state::Api;

const METHODS: HeaderValue = HeaderValue::from_static("DELETE, GET, HEAD, OPTIONS, POST, PUT");
const HEADERS: HeaderValue =
    HeaderValue::from_static("AUTHORIZATION, CONTENT-TYPE, X-REQUESTED-WITH");
const HEADERS_OF_ONE_ORIGIN: HeaderValue =
    HeaderValue::from_static("AUTHORIZATION, CONTENT-TYPE, X-REQUESTED-WITH, COOKIE, X-CSRF-TOKEN");
const MAX_AGE: HeaderValue = HeaderValue::from_static("21600");
const ANY: HeaderValue = HeaderValue::from_static("*");

/// What a console of another origin asks for before it signs in: of no use, and so not open, without credentials.
const PAGES_OF_A_SESSION: [&str; 2] = ["/csrf_token", "/config"];

/// Answers `OPTIONS` where there is something, and says in every answer of the API who may read it. Answers of the API are true only now.
pub(crate) async fn layer(State(api): State<Api>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let of_a_session = PAGES_OF_A_SESSION.contains(&path);
    if !of_a_session && !path.starts_with("/api/") {
        return next.run(request).await;
    }
    let origin = allowed_origin(&api.config().server.cors_origin.0, request.headers());
    let asked = request.method() == Method::OPTIONS;
    let mut response = next.run(request).await;
    if asked && response.status() == StatusCode::METHOD_NOT_ALLOWED {
        // No route has the method, but this address has routes. Which methods they have is added behind this.
        response = StatusCode::OK.into_response();
    }
    if of_a_session && origin == ANY {
        return response;
    }
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    if origin == ANY {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    } else {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS_OF_ONE_ORIGIN);
        headers.insert(
            ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
    }
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.entry(CACHE_CONTROL).or_insert(NO_CACHE);
    response
}

/// The answer to `OPTIONS` names that method among those of the address, too.
pub(crate) fn with_options(mut response: Response) -> Response {
    let methods = response.headers().get(ALLOW);
    let methods = methods.and_then(|methods| methods.to_str().ok());
    if response.status() == StatusCode::OK
        && let Some(methods) = methods
    {
        let methods: Vec<&str> = methods.split(',').map(str::trim).collect();
        let methods = format!("{}, OPTIONS", methods.join(", "));
        if let Ok(methods) = HeaderValue::try_from(methods) {
            response.headers_mut().insert(ALLOW, methods);
        }
    }
    response
}

fn allowed_origin(configured: &[String], headers: &HeaderMap) -> HeaderValue {
    match configured {
        [] => ANY,
        [one] => HeaderValue::from_str(one).unwrap_or(ANY),
        several => headers
            .get(ORIGIN)
            .filter(|origin| {
                several
                    .iter()
                    .any(|one| one.as_bytes() == origin.as_bytes())
            })
            .cloned()
            .unwrap_or(ANY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(configured: &[&str], origin: &'static str) -> HeaderValue {
        let configured: Vec<String> = configured.iter().map(ToString::to_string).collect();
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_static(origin));
        allowed_origin(&configured, &headers)
    }

    #[test]
    fn only_configured_origins_get_credentials() {
        assert_eq!(allowed(&["*"], "https://evil.example"), ANY);
        assert_eq!(
            allowed(&["https://a.example"], "https://evil.example"),
            "https://a.example"
        );
        let several = ["https://a.example", "https://b.example"];
        assert_eq!(allowed(&several, "https://b.example"), "https://b.example");
        assert_eq!(allowed(&several, "https://evil.example"), ANY);
    }
}
