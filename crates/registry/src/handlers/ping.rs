//! `GET /v2/`: whether this is a registry, and whether the token is good.

use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, USER_AGENT, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};

use pierhead_oci::ClientVersion;

use crate::error::{API_VERSION, Code, Error, Result};
use crate::state::Registry;

/// Answers 200 `true` to a valid token, and 401 `true` with a challenge to none, as Quay does.
pub(crate) async fn ping(State(registry): State<Registry>, headers: HeaderMap) -> Result<Response> {
    let config = &registry.config;
    if config.account_recovery {
        return Err(Code::UNSUPPORTED.into());
    }
    if !config.advertise_v2 || is_refused(&registry, &headers) {
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

/// Whether the client is a Docker that `BLACKLIST_V2_SPEC` refuses. Who does not say a version is not refused.
fn is_refused(registry: &Registry, headers: &HeaderMap) -> bool {
    let Some(refused) = &registry.config.refused_docker else {
        return false;
    };
    headers
        .get(USER_AGENT)
        .and_then(|agent| ClientVersion::of_docker(agent.to_str().ok()?))
        .is_some_and(|version| refused.matches(version))
}
