//! Logging in: the Docker token flow (`WWW-Authenticate: Bearer`, `GET /v2/auth` with Basic).

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::Error;
use crate::load::connection::Connection;
use crate::load::message::{Body, Request};

/// What a client needs to use a registry.
#[derive(Clone, Debug)]
pub(crate) enum Access {
    /// Nothing.
    Open,
    /// A bearer token for each scope.
    Token(TokenAccess),
}

/// A login to a registry with a token service.
#[derive(Clone, Debug)]
pub(crate) struct TokenAccess {
    /// The `service` that its challenge names.
    pub(crate) service: String,
    /// The user's credentials.
    pub(crate) user: Basic,
    /// A robot's credentials, or why there are none.
    pub(crate) robot: Result<Basic, String>,
    /// Where the registry has a management API.
    pub(crate) api: Option<ApiAccess>,
}

/// A login to a management API.
#[derive(Clone)]
pub(crate) struct ApiAccess {
    /// An OAuth access token of the user, with every scope.
    pub(crate) token: String,
    /// The body of a sign-in.
    pub(crate) sign_in: String,
}

impl std::fmt::Debug for ApiAccess {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ApiAccess(…)")
    }
}

/// The value of a Basic `Authorization` header (RFC 7617).
#[derive(Clone)]
pub(crate) struct Basic(String);

impl std::fmt::Debug for Basic {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Basic(…)")
    }
}

impl Basic {
    /// Encodes a name and a password.
    pub(crate) fn new(name: &str, password: &str) -> Self {
        Self(format!(
            "Basic {}",
            STANDARD.encode(format!("{name}:{password}"))
        ))
    }

    /// The header's value.
    pub(crate) fn header(&self) -> &str {
        &self.0
    }
}

impl Access {
    /// The `Authorization` header for requests in this scope (`repository:bench/x:pull`), or
    /// without any scope.
    pub(crate) fn authorization(
        &self,
        address: SocketAddr,
        scope: Option<&str>,
    ) -> Result<Option<String>, Error> {
        let Self::Token(access) = self else {
            return Ok(None);
        };
        let target = access.target(scope);
        let mut connection = Connection::open(address)?;
        let token = request_token(&mut connection, &target, Some(&access.user))?;
        Ok(Some(format!("Bearer {token}")))
    }
}

impl TokenAccess {
    /// Path and query of a token request.
    pub(crate) fn target(&self, scope: Option<&str>) -> String {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let mut target = format!("/v2/auth?service={}", encode(&self.service));
        if let Some(scope) = scope {
            target.push_str("&scope=");
            target.push_str(&encode(scope));
        }
        target
    }
}

/// Asks the token service for a token.
pub(crate) fn request_token(
    connection: &mut Connection,
    target: &str,
    credentials: Option<&Basic>,
) -> Result<String, Error> {
    let request = Request {
        authorization: credentials.map(Basic::header),
        ..Request::new("GET", target)
    };
    let response = connection.exchange(&request, Body::Keep)?;
    let answer: Option<serde_json::Value> = serde_json::from_slice(&response.body).ok();
    let token = answer
        .as_ref()
        .filter(|_| response.status == 200)
        .and_then(|answer| answer["token"].as_str());
    token.map(str::to_owned).ok_or_else(|| Error::Answer {
        target: format!("GET {target}"),
        expected: "status 200 and a token".to_owned(),
        got: format!(
            "status {} {}",
            response.status,
            String::from_utf8_lossy(&response.body)
        ),
    })
}

/// Reads the `service` of the challenge that `GET /v2/` is answered with.
pub(crate) fn challenged_service(address: SocketAddr) -> Result<String, Error> {
    let mut connection = Connection::open(address)?;
    let response = connection.exchange(&Request::new("GET", "/v2/"), Body::Discard)?;
    let challenge = response.challenge.unwrap_or_default();
    service_of(&challenge)
        .map(str::to_owned)
        .ok_or_else(|| Error::Answer {
            target: "GET /v2/".to_owned(),
            expected: "a Bearer challenge with a service".to_owned(),
            got: format!("status {} {challenge:?}", response.status),
        })
}

fn service_of(challenge: &str) -> Option<&str> {
    let (_, rest) = challenge
        .strip_prefix("Bearer ")?
        .split_once("service=\"")?;
    rest.split_once('"').map(|(service, _)| service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_is_read_from_the_challenge() {
        let challenge = r#"Bearer realm="http://h:1/v2/auth",service="h:1",scope="a:b:c""#;
        assert_eq!(service_of(challenge), Some("h:1"));
        assert_eq!(service_of("Basic realm=\"x\""), None);
    }

    #[test]
    fn a_token_request_encodes_its_scope() {
        let access = TokenAccess {
            service: "h:1".to_owned(),
            user: Basic::new("a", "b"),
            robot: Err("none".to_owned()),
            api: None,
        };
        assert_eq!(
            access.target(Some("repository:a/b:pull,push")),
            "/v2/auth?service=h%3A1&scope=repository%3Aa%2Fb%3Apull%2Cpush"
        );
    }

    #[test]
    fn credentials_are_not_printed() {
        assert_eq!(format!("{:?}", Basic::new("a", "b")), "Basic(…)");
    }
}
