//! `GET /v2/`: whether this is a registry, and whether the token is good.

use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, USER_AGENT, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};

use crate::error::{API_VERSION, Code, Error, Result};
use crate::state::Registry;

/// Answers 200 `true` to a valid token, and 401 `true` with a challenge to none, as Quay does.
pub(crate) async fn ping(State(registry): State<Registry>, headers: HeaderMap) -> Result<Response> {
    let config = &registry.config;
    if config.account_recovery {
        return Err(Code::UNSUPPORTED.into());
    }
    if !config.advertise_v2 || (config.refuse_old_docker && is_old_docker(&headers)) {
        return Ok(StatusCode::NOT_FOUND.into_response());
    }
    let challenge = match registry.challenge(&headers, None, None) {
        Error::Unauthorized(challenge) => Some(challenge.header),
        _ => None,
    };
    let status = if headers.contains_key(axum::http::header::AUTHORIZATION) {
        let bearer = registry.bearer(&headers, None).await?;
        if !registry.auth.is_valid(&bearer).await? {
            return Err(registry.challenge(&headers, None, None));
        }
        StatusCode::OK
    } else {
        StatusCode::UNAUTHORIZED
    };
    let mut response = (status, "true").into_response();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    if let Some(challenge) = challenge {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    headers.insert("docker-distribution-api-version", API_VERSION);
    let sparse = if registry.config.sparse_index {
        "true"
    } else {
        "false"
    };
    headers.insert(
        "x-sparse-manifest-support",
        HeaderValue::from_static(sparse),
    );
    Ok(response)
}

/// Whether a client says that it is a Docker below 1.6.0, which speaks no `/v2` that works.
fn is_old_docker(headers: &HeaderMap) -> bool {
    let Some(version) = headers
        .get(USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .and_then(|agent| {
            agent
                .split(' ')
                .find_map(|part| part.strip_prefix("docker/"))
        })
    else {
        return false;
    };
    let mut numbers = version.split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) < (1, 6),
        _ => false,
    }
}
