//! `POST /api/v1/user/initialize`: anybody may make the first user of an empty database, if the configuration says so.
//!
//! As in Quay, whether it is possible at all is answered before the body is looked at. Quay answers 500 to a body without
//! `username` or with values of other types; here that is 400. The caller is signed in, too.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use pierhead_auth::accounts::{AccountsError, Actor, FirstUser, Initialized};
use pierhead_config::Secret;
use pierhead_http::Peer;
use serde_json::{Map, Value, json};

use crate::controllers::NO_CACHE;
use crate::error::{Error, Result};
use crate::extract;
use crate::first_user;
use crate::guard::Anyone;
use crate::json;
use crate::services::users::profile;
use crate::session::{Client, Session};
use crate::state::Api;

use super::session::{NEXT_CSRF_TOKEN, open};

pub(crate) async fn initialize(
    _: Anyone,
    State(api): State<Api>,
    peer: Option<Extension<Peer>>,
    Extension(session): Extension<Session>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    if !api.0.config.user_initialize {
        return Err(Error::web(StatusCode::NOT_FOUND, "Not Found"));
    }
    if !api.0.config.database_auth {
        let message = "Cannot initialize user in a non-database auth system";
        return Err(Error::bad_request(message));
    }
    if api.0.config.read_only {
        return Err(Error::ReadOnly);
    }
    if first_user::exists(&api.0.db).await? {
        return Err(refused(AccountsError::NotEmpty));
    }
    let first = parse(&read_json(&headers, body).await?)?;
    let ip = peer.map(|Extension(peer)| peer.address.to_string());
    let actor = Actor {
        ip: ip.clone(),
        ..Actor::default()
    };
    let initialized = api
        .0
        .accounts
        .initialize(&actor, first)
        .await
        .map_err(refused)?;
    let mut answer = answer(&initialized);
    let user = profile::by_id(&api, initialized.user).await?;
    if let Some(uuid) = user.and_then(|user| user.uuid) {
        let user_agent = headers.get(USER_AGENT).map(|agent| agent.to_str());
        let client = Client {
            ip: ip.as_deref(),
            user_agent: user_agent.and_then(Result::ok).unwrap_or_default(),
        };
        let token = open(&api, &session, &client, &uuid)?;
        answer.headers_mut().insert(NEXT_CSRF_TOKEN, token);
    }
    Ok(answer)
}

fn answer(initialized: &Initialized) -> Response {
    let mut body = json!({
        "username": initialized.username,
        "email": initialized.email,
        "encrypted_password": initialized.encrypted_password.expose(),
    });
    if let Some(token) = &initialized.access_token {
        body["access_token"] = token.expose().into();
    }
    let answer = json::compact(StatusCode::OK, body);
    ([(CACHE_CONTROL, NO_CACHE)], answer).into_response()
}

fn refused(error: AccountsError) -> Error {
    match error {
        AccountsError::NotEmpty => Error::bad_request(error.to_string()),
        error if error.is_internal() => Error::Accounts(error),
        error => failed(error),
    }
}

fn failed(reason: impl std::fmt::Display) -> Error {
    Error::bad_request(format!("Failed to initialize user: {reason}"))
}

async fn read_json(headers: &HeaderMap, body: Body) -> Result<Map<String, Value>> {
    if !extract::is_json(headers) {
        return Err(Error::message(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The body must be JSON, with Content-Type: application/json",
        ));
    }
    let body = extract::read(body).await.map_err(|error| match error {
        Error::Message { status, message } if status == StatusCode::BAD_REQUEST => failed(message),
        other => other,
    })?;
    match body {
        Value::Object(fields) => Ok(fields),
        _ => Err(failed("the body must be a JSON object")),
    }
}

/// The fields that Quay knows; others are ignored, as it does.
fn parse(fields: &Map<String, Value>) -> Result<FirstUser> {
    Ok(FirstUser {
        username: required(fields, "username")?,
        password: Secret::new(required(fields, "password")?),
        email: optional(fields, "email")?,
        access_token: fields.get("access_token").is_some_and(is_truthy),
    })
}

/// What Python takes for true: scripts send `"true"`.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(wanted) => *wanted,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

fn required(fields: &Map<String, Value>, name: &str) -> Result<String> {
    optional(fields, name)?.ok_or_else(|| failed(format_args!("{name} is required")))
}

fn optional(fields: &Map<String, Value>, name: &str) -> Result<Option<String>> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(failed(format_args!("{name} must be text"))),
    }
}

#[cfg(test)]
mod tests;
