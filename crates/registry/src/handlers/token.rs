//! `GET /v2/auth`: the Docker token protocol.

use axum::extract::{Extension, RawQuery, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pierhead_auth::{SignInError, TokenError};
use pierhead_http::Peer;
use pierhead_oci::Scope;
use serde_json::json;

use crate::error::{Code, Error, Refusal, Result, answer};
use crate::handlers::query;
use crate::state::Registry;

/// Signs a token for what the credential may do of what it asks for.
pub(crate) async fn issue(
    State(registry): State<Registry>,
    RawQuery(query): RawQuery,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Result<Response> {
    if registry.config.account_recovery {
        return Err(Code::UNSUPPORTED.into());
    }
    let query = query.as_deref();
    let scopes: Vec<_> = query::values(query, "scope").collect();
    let scopes = Scope::parse_all(scopes.iter().map(AsRef::as_ref), &registry.config.hostname)
        .map_err(|error| Error::saying(Code::INVALID_REQUEST, error.to_string()))?;
    let credential = match headers.get(AUTHORIZATION) {
        None => None,
        Some(header) => {
            let (username, password) = basic(header).ok_or_else(|| {
                registry.challenge(&headers, None, Some("Invalid basic auth format".to_owned()))
            })?;
            let outcome = registry.auth.basic(&username, &password).await;
            registry.measures.sign_in(&username, outcome.is_ok());
            Some(outcome.map_err(|error| sign_in_error(&registry, &headers, error))?)
        }
    };
    if credential.is_none() && scopes.is_empty() {
        return Err(registry.challenge(&headers, None, None));
    }
    let service = query::value(query, "service");
    let issued = registry
        .auth
        .issue(credential.as_ref(), service.as_deref(), &scopes)
        .await
        .map_err(|error| token_error(&registry, &headers, error))?;
    if let Some(credential) = &credential {
        registry.announce_token(credential, &issued.grants);
    }
    if let Some(credential) =
        credential.filter(|_| scopes.is_empty() && registry.config.audit.logins)
    {
        let ip = peer.map(|Extension(peer)| peer.address);
        registry
            .record_login(&credential, ip, headers.get(USER_AGENT))
            .await?;
    }
    let token: &str = &issued.token;
    let mut response = answer(
        StatusCode::OK,
        &json!({
            "token": token,
            "access_token": token,
            "expires_in": issued.expires_in,
            "issued_at": issued.issued_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        }),
    );
    response.headers_mut().insert(
        CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-store, must-revalidate"),
    );
    Ok(response)
}

/// User and password of an `Authorization: Basic` header.
fn basic(header: &HeaderValue) -> Option<(String, String)> {
    let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (username, password) = text.split_once(':')?;
    Some((username.to_owned(), password.to_owned()))
}

fn sign_in_error(registry: &Registry, headers: &HeaderMap, error: SignInError) -> Error {
    match error {
        SignInError::Database(error) => error.into(),
        SignInError::TooManyAttempts { retry_after } => Error::Refused(Box::new(Refusal {
            code: Code::TOO_MANY_REQUESTS,
            message: Some("Too many login attempts.".to_owned()),
            detail: json!({}),
            retry_after: Some(retry_after.as_secs().max(1)),
        })),
        error if error.is_internal() => Error::Corrupt(error.to_string()),
        error => registry.challenge(headers, None, Some(error.to_string())),
    }
}

fn token_error(registry: &Registry, headers: &HeaderMap, error: TokenError) -> Error {
    let text = error.to_string();
    match error {
        TokenError::Database(error) => error.into(),
        TokenError::Unauthorized | TokenError::CredentialEnded => {
            registry.challenge(headers, None, Some(text))
        }
        TokenError::Name { .. } => Error::saying(Code::NAME_INVALID, text),
        TokenError::NamespaceDisabled { .. } => Error::saying(Code::DENIED, text),
        error if error.is_internal() => Error::Corrupt(text),
        _ => Error::saying(Code::UNSUPPORTED, text),
    }
}
