//! The routes that also take what registry clients have: user name and password, robots, tokens (`Authorization: Basic`).

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pierhead_auth::{Credential, SignInError};

use super::{Guard, Rule};
use crate::error::Error;
use crate::state::Api;

/// A credential that was proved by Basic authentication; [`Caller`](crate::caller::Caller) looks for it first.
#[derive(Clone)]
pub(crate) struct BasicCredential(pub(crate) Credential);

/// The guard `G`, for whom Basic authentication counts, too.
pub(crate) struct WithBasic<G>(G);

impl<G: Guard> Guard for WithBasic<G> {
    const RULE: Rule = G::RULE;
}

impl<G: Guard> FromRequestParts<Api> for WithBasic<G> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Error> {
        if let Some((username, password)) = basic(&parts.headers) {
            match api.auth().basic(&username, &password).await {
                Ok(credential) => {
                    parts.extensions.insert(BasicCredential(credential));
                }
                Err(SignInError::Database(error)) => return Err(error.into()),
                // As in Quay, a credential that does not count is like none.
                Err(_) => {}
            }
        }
        Ok(Self(G::from_request_parts(parts, api).await?))
    }
}

impl<G> std::ops::Deref for WithBasic<G> {
    type Target = G;

    fn deref(&self) -> &G {
        &self.0
    }
}

/// User name and password of `Authorization: Basic` (RFC 7617).
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (username, password) = decoded.split_once(':')?;
    Some((username.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read(value: &'static str) -> Option<(String, String)> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        basic(&headers)
    }

    #[test]
    fn a_password_may_have_colons() {
        let pair = ("ann".to_owned(), "a:b".to_owned());
        assert_eq!(read("Basic YW5uOmE6Yg=="), Some(pair.clone()));
        assert_eq!(read("basic YW5uOmE6Yg=="), Some(pair));
        for other in ["Bearer YW5uOmE6Yg==", "Basic", "Basic !", "Basic YW5u"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
