//! `/keys/services`: the key server (api-v1.md §6.4). Anybody reads the keys of services; a service hands in, replaces and
//! deletes its own, with a token that it signed in `Authorization`.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, USER_AGENT};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use pierhead_auth::ServiceToken;
use pierhead_auth::accounts::{AccountsError, ServiceKeyOrigin, SubmittedServiceKey};
use pierhead_http::Peer;
use serde::Deserialize;
use serde_json::json;

use crate::caller::bearer;
use crate::dates;
use crate::error::{Error, Result};
use crate::extract::{self, Query};
use crate::guard::Anyone;
use crate::json;
use crate::key_server::{self, Lookup};
use crate::route::{Route, Routes};
use crate::services::service_keys::policy;
use crate::state::Api;

/// Longest user agent that is kept, in characters.
const LONGEST_USER_AGENT: usize = 512;

pub(crate) fn routes() -> Routes {
    Routes::pages()
        .get("/keys/services/{service}/keys", list)
        .get("/keys/services/{service}/keys/{kid}", get)
        .add(Route::page(
            Method::PUT,
            "/keys/services/{service}/keys/{kid}",
            put,
        ))
        .add(Route::page(
            Method::DELETE,
            "/keys/services/{service}/keys/{kid}",
            delete,
        ))
}

/// `GET /keys/services/{service}/keys`.
async fn list(_: Anyone, State(api): State<Api>, Path(service): Path<String>) -> Result<Response> {
    let keys = key_server::list(&api.0.db, &service, api.0.clock.now_naive()).await?;
    Ok(json::compact(StatusCode::OK, json!({ "keys": keys })))
}

/// `GET /keys/services/{service}/keys/{kid}`.
async fn get(
    _: Anyone,
    State(api): State<Api>,
    Path((service, kid)): Path<(String, String)>,
) -> Result<Response> {
    let refused = |status, error: &str| Err(Error::web(status, error));
    match key_server::look_up(&api.0.db, &service, &kid, api.0.clock.now_naive()).await? {
        Lookup::Unknown => refused(StatusCode::NOT_FOUND, "Not Found"),
        Lookup::Unapproved => refused(StatusCode::CONFLICT, "The key is not approved"),
        Lookup::Expired => refused(StatusCode::FORBIDDEN, "The key has expired"),
        Lookup::Alive { jwk, max_age } => {
            let cache = format!("max-age={max_age}");
            let answer = json::compact(StatusCode::OK, jwk.into());
            Ok(([(CACHE_CONTROL, cache)], answer).into_response())
        }
    }
}

/// What a service may say about the key that it hands in.
#[derive(Deserialize)]
struct Submission {
    rotation: Option<String>,
    expiration: Option<String>,
}

/// `PUT /keys/services/{service}/keys/{kid}`: signed by the key itself, it waits for a superuser (202); signed by an approved
/// key of the service, it takes that one's place (200).
async fn put(
    _: Anyone,
    State(api): State<Api>,
    Path((service, kid)): Path<(String, String)>,
    Query(submission): Query<Submission>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode> {
    if api.is_read_only() {
        return Err(Error::ReadOnly);
    }
    let bad = || Error::web(StatusCode::BAD_REQUEST, "Invalid Request");
    let number = |text: Option<String>| {
        let number = text.map(|text| text.parse::<f64>().ok().filter(|number| number.is_finite()));
        match number {
            Some(None) => Err(bad()),
            given => Ok(given.flatten()),
        }
    };
    let expires = number(submission.expiration)?
        .map(|seconds| dates::from_epoch(seconds as i64).ok_or_else(bad))
        .transpose()?;
    let rotation_duration = number(submission.rotation)?
        .map(|seconds| i32::try_from(seconds as i64).map_err(|_| bad()))
        .transpose()?;
    if !extract::is_json(&headers) {
        return Err(Error::web(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The body must be a JSON web key",
        ));
    }
    let jwk = extract::read(body).await?;
    if !key_server::is_public_key(&jwk) {
        return Err(bad());
    }
    let token = bearer(&headers).ok_or_else(bad)?;
    let token = ServiceToken::parse(token).map_err(|_| bad())?;
    let (origin, policy) = (origin(peer, &headers), policy(&api));
    let submitted = SubmittedServiceKey {
        kid: kid.clone(),
        service: service.clone(),
        jwk: jwk.clone(),
        expires,
        rotation_duration,
    };
    let signer = token.kid().filter(|signer| *signer != kid);
    let Some(signer) = signer else {
        verify(&api, &token, &jwk.to_string(), &service)?;
        api.accounts()
            .submit_service_key(&policy, &origin, submitted)
            .await
            .map_err(refused)?;
        return Ok(StatusCode::ACCEPTED);
    };
    let signing = key_server::signer(&api, &service, signer, true).await?;
    verify(&api, &token, &signing.jwk, &service)?;
    api.accounts()
        .rotate_service_key(&policy, &origin, signer, submitted)
        .await
        .map_err(refused)?;
    api.auth().service_keys().changed().await?;
    Ok(StatusCode::OK)
}

/// `DELETE /keys/services/{service}/keys/{kid}`: signed by the key itself, or by an approved one of the service.
async fn delete(
    _: Anyone,
    State(api): State<Api>,
    Path((service, kid)): Path<(String, String)>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Result<StatusCode> {
    if api.is_read_only() {
        return Err(Error::ReadOnly);
    }
    let bad = || Error::web(StatusCode::BAD_REQUEST, "Invalid Request");
    let token = bearer(&headers).ok_or_else(bad)?;
    let token = ServiceToken::parse(token).map_err(|_| bad())?;
    let signer = token.kid().ok_or_else(bad)?.to_owned();
    let signing = key_server::signer(&api, &service, &signer, signer != kid).await?;
    verify(&api, &token, &signing.jwk, &service)?;
    api.accounts()
        .withdraw_service_key(
            &policy(&api),
            &origin(peer, &headers),
            &signer,
            &service,
            &kid,
        )
        .await
        .map_err(refused)?;
    api.auth().service_keys().changed().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn verify(api: &Api, token: &ServiceToken<'_>, jwk: &str, service: &str) -> Result<()> {
    token
        .verify(jwk, service, &api.base_url(), api.clock().unix())
        .map_err(|error| {
            tracing::info!(service, %error, "a service's token was refused");
            Error::web(StatusCode::BAD_REQUEST, "Invalid Request")
        })
}

fn origin(peer: Option<Extension<Peer>>, headers: &HeaderMap) -> ServiceKeyOrigin {
    let user_agent = headers
        .get(USER_AGENT)
        .and_then(|value| value.to_str().ok());
    ServiceKeyOrigin {
        ip: peer.map(|Extension(peer)| peer.address.to_string()),
        user_agent: user_agent.map(|text| text.chars().take(LONGEST_USER_AGENT).collect()),
    }
}

fn refused(error: AccountsError) -> Error {
    if error.is_not_found() {
        Error::web(StatusCode::NOT_FOUND, "Not Found")
    } else if error.is_internal() {
        error.into()
    } else {
        Error::web(StatusCode::BAD_REQUEST, error.to_string())
    }
}

#[cfg(test)]
mod tests;
