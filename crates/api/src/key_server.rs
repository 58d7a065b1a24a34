//! The public keys of services, by which others verify tokens of this registry (database.md §4.6).

use axum::http::StatusCode;
use chrono::{NaiveDateTime, TimeDelta};
use pierhead_db::queries::service_keys::{self, ServiceKeyRow};
use pierhead_db::{Database, Error};
use serde_json::{Map, Value};

use crate::state::Api;

/// Longest time that a key may be cached.
const MAX_AGE: TimeDelta = TimeDelta::days(1);

/// A JSON web key.
pub(crate) type Jwk = Map<String, Value>;

/// What there is to say about one key.
#[derive(Debug, PartialEq)]
pub(crate) enum Lookup {
    /// The service has no such key.
    Unknown,
    /// Nobody has approved it: it verifies nothing.
    Unapproved,
    /// It verified once.
    Expired,
    /// It verifies.
    Alive {
        /// The key as it was stored.
        jwk: Jwk,
        /// Seconds for which the answer may be cached.
        max_age: i64,
    },
}

/// Every approved, unexpired key of a service, with its id. One that is stored as no JSON object is left out.
pub(crate) async fn list(
    db: &Database,
    service: &str,
    now: NaiveDateTime,
) -> Result<Vec<Jwk>, Error> {
    let rows = service_keys::alive(&mut db.read().await?, service, now).await?;
    let keys = rows.into_iter().filter_map(|row| {
        let mut jwk = parse(&row.kid, &row.jwk)?;
        jwk.insert("kid".to_owned(), row.kid.into());
        Some(jwk)
    });
    Ok(keys.collect())
}

/// One key of a service. Quay finds it under the name of any service.
pub(crate) async fn look_up(
    db: &Database,
    service: &str,
    kid: &str,
    now: NaiveDateTime,
) -> Result<Lookup, Error> {
    let row = service_keys::by_kid(&mut db.read().await?, kid).await?;
    let Some(row) = row.filter(|row| row.service == service) else {
        return Ok(Lookup::Unknown);
    };
    if row.approval_id.is_none() {
        return Ok(Lookup::Unapproved);
    }
    let left = row.expiration_date.map_or(MAX_AGE, |end| end - now);
    if left <= TimeDelta::zero() {
        return Ok(Lookup::Expired);
    }
    Ok(
        parse(kid, &row.jwk).map_or(Lookup::Unknown, |jwk| Lookup::Alive {
            jwk,
            max_age: left.min(MAX_AGE).num_seconds(),
        }),
    )
}

/// A key of a service that has not expired, which is said to have signed a token: 403 if there is none. `approved` is false for
/// a key that acts for itself.
pub(crate) async fn signer(
    api: &Api,
    service: &str,
    kid: &str,
    approved: bool,
) -> crate::error::Result<ServiceKeyRow> {
    let now = api.clock().now_naive();
    let row = service_keys::by_kid(&mut api.db().read().await?, kid).await?;
    row.filter(|row| {
        row.service == service
            && row.expiration_date.is_none_or(|end| end > now)
            && (row.approval_id.is_some() || !approved)
    })
    .ok_or_else(|| crate::error::Error::web(StatusCode::FORBIDDEN, "Permission Denied"))
}

/// Whether this is a public key of a type that services have, and nothing of its private half.
pub(crate) fn is_public_key(jwk: &Value) -> bool {
    let has = |member: &str| jwk.get(member).is_some_and(Value::is_string);
    let complete = match jwk.get("kty").and_then(Value::as_str) {
        Some("RSA") => has("n") && has("e"),
        Some("EC") => has("x") && has("y"),
        _ => false,
    };
    complete && jwk.get("d").is_none()
}

fn parse(kid: &str, jwk: &str) -> Option<Jwk> {
    serde_json::from_str(jwk)
        .inspect_err(
            |error| tracing::warn!(kid, %error, "a service key is stored as no JSON web key"),
        )
        .ok()
}
