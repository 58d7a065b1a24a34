//! Web sessions: everything is in the signed cookie (database.md §4.4), nothing on the server, so every instance serves every
//! session and Quay reads ours. A session ends when its time is over or when the account's uuid changes.
//!
//! A [`Session`] is shared between the layer that reads and writes the cookie and whoever handles the request.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use chrono::{DateTime, NaiveDateTime, Utc};
use pierhead_auth::Account;
use pierhead_db::encoding::session_cookie::SessionCookies;
use rand::TryRng as _;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha512};

use crate::caller::same_token;
use crate::dates;
use crate::error::Error;
use crate::hex;
use crate::state::Api;

const CSRF: &str = "_csrf_token";
/// The state that the browser is sent to an identity provider with; Quay's key.
const STATE: &str = "_oauth_csrf_token";
const USER: &str = "_user_id";
const LOGIN_TIME: &str = "login_time";
const PERMANENT: &str = "_permanent";
/// A cookie older than this, or than a tenth of the time that a session lasts, is signed again, so that a session in use does
/// not end.
const RENEW_AFTER: Duration = Duration::from_hours(1);
/// Bytes of randomness in a CSRF token.
const CSRF_BYTES: usize = 48;

/// How session cookies are made, of the fields `SECRET_KEY`, `SESSION_COOKIE_*`, `SESSION_TIMEOUT` and
/// `FEATURE_PERMANENT_SESSIONS`.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// Signs.
    pub cookies: SessionCookies,
    /// `SESSION_COOKIE_NAME`.
    pub name: String,
    /// What follows the value: flags, without the expiry.
    pub attributes: String,
    /// How long a session lasts without being used.
    pub timeout: Duration,
    /// Sessions survive the browser.
    pub permanent: bool,
}

/// The session of a request. Empty when there was no cookie, or none that counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Session(Arc<Mutex<Values>>);

#[derive(Debug, Default)]
struct Values {
    map: Map<String, Value>,
    /// When it is over unless it is renewed, in seconds since 1970.
    ends_at: u64,
    changed: bool,
}

impl Session {
    /// The session of a request that went through [`layer`].
    pub(crate) fn of(parts: &Parts) -> Self {
        parts.extensions.get().cloned().unwrap_or_default()
    }

    /// `user.uuid` of who is signed in.
    pub(crate) fn user_uuid(&self) -> Option<String> {
        self.text(USER)
    }

    /// The person who is signed in, if the session counts (still). One statement.
    pub(crate) async fn user(&self, api: &Api) -> Result<Option<Account>, pierhead_db::Error> {
        let Some(uuid) = self.user_uuid() else {
            return Ok(None);
        };
        let credential = api.auth().session(&uuid).await?;
        Ok(credential
            .and_then(|credential| credential.account)
            .filter(|account| !account.is_robot()))
    }

    /// Whether the session is over at `now`, in seconds since 1970, if the browser did not use it meanwhile.
    pub(crate) fn is_over(&self, now: i64) -> bool {
        u64::try_from(now).unwrap_or_default() > self.lock().ends_at
    }

    /// When the password was proven last, UTC.
    pub(crate) fn login_time(&self) -> Option<NaiveDateTime> {
        let values = self.lock();
        let text = values.map.get(LOGIN_TIME)?.get(" d")?.as_str()?;
        dates::parse_http(text)
    }

    /// The token against cross-site requests, made if there is none yet.
    pub(crate) fn csrf_token(&self) -> Result<String, Error> {
        self.token(CSRF, false)
    }

    /// The token of that name, made if there is none yet.
    pub(crate) fn token(&self, name: &str, force: bool) -> Result<String, Error> {
        if let Some(token) = self.text(name).filter(|_| !force) {
            return Ok(token);
        }
        let mut random = [0; CSRF_BYTES];
        rand::rngs::SysRng
            .try_fill_bytes(&mut random)
            .map_err(|_| Error::NoRandom)?;
        let token = URL_SAFE.encode(random);
        self.set(name, json!(token));
        Ok(token)
    }

    /// Refuses when `given` is not the session's CSRF token.
    pub(crate) fn check_csrf(&self, given: &str) -> Result<(), Error> {
        self.check_token(CSRF, given)
    }

    /// Refuses when `given` is not the session's token of that name.
    pub(crate) fn check_token(&self, name: &str, given: &str) -> Result<(), Error> {
        let token = self.text(name).unwrap_or_default();
        if same_token(&token, given) {
            Ok(())
        } else {
            let message = "CSRF token was invalid or missing.";
            Err(Error::web(StatusCode::FORBIDDEN, message))
        }
    }

    /// Signs a person in, and returns the new CSRF token, for the header `X-Next-CSRF-Token`. Who was sent to an identity provider
    /// before has to go there again: what they would come back with could be meant for somebody else.
    pub(crate) fn sign_in(
        &self,
        config: &SessionConfig,
        user_uuid: &str,
        client: &Client<'_>,
        now: DateTime<Utc>,
    ) -> Result<String, Error> {
        self.set(USER, json!(user_uuid));
        self.set("_fresh", json!(true));
        self.set("_id", json!(client.id()));
        self.set(PERMANENT, json!(config.permanent));
        self.prove_again(now);
        self.forget(&[STATE]);
        self.token(CSRF, true)
    }

    /// Records that the password was proven again.
    pub(crate) fn prove_again(&self, now: DateTime<Utc>) {
        let date = dates::http(now.naive_utc());
        self.set(LOGIN_TIME, json!({ " d": date }));
    }

    /// Forgets who is signed in. The CSRF token stays, as in Quay.
    pub(crate) fn sign_out(&self) {
        self.forget(&[USER, "_fresh", "_id", LOGIN_TIME, STATE]);
    }

    /// The state that the browser is sent to an identity provider with, made if there is none yet.
    pub(crate) fn state(&self) -> Result<String, Error> {
        self.token(STATE, false)
    }

    /// Refuses when `given` is not the state that the browser was sent away with.
    pub(crate) fn check_state(&self, given: &str) -> Result<(), Error> {
        self.check_token(STATE, given)
    }

    /// The state has served: nothing more can come back with it.
    pub(crate) fn spend_state(&self) {
        self.forget(&[STATE]);
    }

    fn forget(&self, keys: &[&str]) {
        let mut values = self.lock();
        for key in keys {
            values.map.remove(*key);
        }
        values.changed = true;
    }

    /// A text of the session.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        let values = self.lock();
        Some(values.map.get(key)?.as_str()?.to_owned())
    }

    /// Whether something is so.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.lock().map.get(key) == Some(&Value::Bool(true))
    }

    /// A number of the session.
    pub(crate) fn number(&self, key: &str) -> Option<i64> {
        self.lock().map.get(key)?.as_i64()
    }

    /// Keeps a value.
    pub(crate) fn set(&self, key: &str, value: Value) {
        let mut values = self.lock();
        values.map.insert(key.to_owned(), value);
        values.changed = true;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Values> {
        // Nothing panics while it is held; and a half-made change would only be a missing key.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What flask-login takes for the identity of a browser.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client<'a> {
    /// Its address.
    pub(crate) ip: Option<&'a str>,
    /// `User-Agent`.
    pub(crate) user_agent: &'a str,
}

impl Client<'_> {
    fn id(self) -> String {
        let text = format!("{}|{}", self.ip.unwrap_or("None"), self.user_agent);
        hex::encode(Sha512::digest(text))
    }
}

/// Reads the cookie of a request, and sets it again if the session changed or grew old.
pub(crate) async fn layer(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let config = &api.0.config.session;
    let now = u64::try_from(api.clock().unix()).unwrap_or_default();
    let read = cookie(request.headers(), &config.name)
        .and_then(|cookie| config.cookies.open(cookie, now, config.timeout.as_secs()));
    let renew_after = RENEW_AFTER.min(config.timeout / 10).as_secs();
    let old = read
        .as_ref()
        .is_some_and(|(_, signed_at)| signed_at + renew_after < now);
    let session = Session::default();
    if let Some((map, signed_at)) = read {
        let mut values = session.lock();
        values.map = map;
        values.ends_at = signed_at.saturating_add(config.timeout.as_secs());
    }
    request.extensions_mut().insert(session.clone());
    let mut response = next.run(request).await;
    let values = session.lock();
    if (values.changed || old)
        && let Some(cookie) = set_cookie(config, &values.map, now)
    {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// The value of the last cookie of that name.
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value)
        .next_back()
}

fn set_cookie(
    config: &SessionConfig,
    session: &Map<String, Value>,
    now: u64,
) -> Option<HeaderValue> {
    let value = config.cookies.seal(session, now);
    let expires = if session.get(PERMANENT) == Some(&Value::Bool(true)) {
        let end = i64::try_from(now + config.timeout.as_secs()).ok()?;
        let end = DateTime::from_timestamp(end, 0)?;
        format!(" Expires={};", dates::http(end.naive_utc()))
    } else {
        String::new()
    };
    let (name, attributes) = (&config.name, &config.attributes);
    HeaderValue::from_str(&format!("{name}={value};{expires}{attributes} Path=/")).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_last_cookie_of_a_name_counts() {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, "a=1; _csrf_token=x.y.z; b=2".parse().unwrap());
        assert_eq!(cookie(&headers, "_csrf_token"), Some("x.y.z"));
        assert_eq!(cookie(&headers, "csrf_token"), None);
        headers.append(COOKIE, "a=3".parse().unwrap());
        assert_eq!(cookie(&headers, "a"), Some("3"));
    }

    #[test]
    fn only_the_sessions_own_token_passes() {
        let session = Session::default();
        assert!(session.check_csrf("").is_err());
        let token = session.csrf_token().unwrap();
        assert_eq!(token.len(), 64);
        assert_eq!(session.csrf_token().unwrap(), token);
        assert!(session.check_csrf(&token).is_ok());
        assert!(session.check_csrf("another").is_err());
    }
}
