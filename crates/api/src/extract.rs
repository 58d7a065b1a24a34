//! What handlers take from a request besides its guard, with Quay's answers to what cannot be read.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Parts;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::Error;
use crate::state::Api;

pub(crate) mod body;
pub(crate) mod form;
pub(crate) mod query;

/// Longest JSON body in bytes. The largest that Quay documents, a robot's metadata, is limited to this.
pub(crate) const MAX_BODY: usize = 1024 * 1024;

/// The parameters of the path.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Api> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        axum::extract::Path::from_request_parts(parts, api)
            .await
            .map(|axum::extract::Path(params)| Self(params))
            .map_err(|_| Error::no_such_page())
    }
}

/// The parameters of the query.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Api> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Error> {
        query::parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// A JSON body that must be there.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Api> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &Api) -> Result<Self, Error> {
        body::parse(required(request).await?).map(Self)
    }
}

/// A JSON body that must be there and be a list.
pub(crate) struct ListBody<T>(pub(crate) Vec<T>);

impl<T: DeserializeOwned> FromRequest<Api> for ListBody<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &Api) -> Result<Self, Error> {
        body::parse_list(required(request).await?).map(Self)
    }
}

/// The JSON of a body that must be there.
async fn required(request: Request) -> Result<Value, Error> {
    let (parts, body) = request.into_parts();
    if !is_json(&parts.headers) {
        let message = "Did not attempt to load JSON data because the request Content-Type was not 'application/json'.";
        return Err(Error::message(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    match read(body).await? {
        Value::Null => Err(Error::invalid_request("Missing JSON body")),
        value => Ok(value),
    }
}

/// A JSON body that may be missing, or be something else than JSON.
pub(crate) struct OptionalBody<T>(pub(crate) Option<T>);

impl<T: DeserializeOwned> FromRequest<Api> for OptionalBody<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &Api) -> Result<Self, Error> {
        let (parts, body) = request.into_parts();
        if !is_json(&parts.headers) {
            return Ok(Self(None));
        }
        match read(body).await {
            Ok(Value::Null) => Ok(Self(None)),
            Ok(value) => body::parse(value).map(|parsed| Self(Some(parsed))),
            Err(Error::Message { status, .. }) if status == StatusCode::BAD_REQUEST => {
                Ok(Self(None))
            }
            Err(error) => Err(error),
        }
    }
}

/// User and password of `Authorization: Basic`.
pub(crate) fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    use base64::Engine as _;
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = base64::engine::general_purpose::STANDARD
        .decode(encoded.trim())
        .ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// The body as JSON.
pub(crate) async fn read(body: axum::body::Body) -> Result<Value, Error> {
    let bytes = match Limited::new(body, MAX_BODY).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Err(Error::message(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("The body is longer than {MAX_BODY} bytes"),
            ));
        }
        Err(_) => return Err(Error::bad_request("the body ended early")),
    };
    serde_json::from_slice(&bytes).map_err(|error| {
        // Its own text could quote the body.
        let (line, column) = (error.line(), error.column());
        Error::bad_request(format!(
            "the body is not JSON at line {line} column {column}"
        ))
    })
}

/// Whether the body is said to be JSON.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}
