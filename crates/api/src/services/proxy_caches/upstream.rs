//! Trying the registry that an organization is to pass on: does it answer `/v2/`, and does it take the credentials? The
//! steps are Quay's (`proxy/__init__.py`): ask, get a token or use basic authentication as the registry says, ask again.
//!
//! Every URL is called through the address guard, also the one of the token service that the registry names.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pierhead_client::{AddressGuard, Answer, Client, Limits, Outgoing};
use pierhead_db::queries::proxy_caches;
use serde::Deserialize;

use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};

use super::{EXISTS, NewCache, check_upstream, find_organization, refused};
use crate::error::{Error, Result};
use crate::state::Api;

/// Where registries of a name really are.
const REAL_HOSTS: [(&str, &str); 1] = [("docker.io", "registry-1.docker.io")];

/// How the registry took us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validity {
    /// It lets us in.
    Valid,
    /// It lets nobody in without a repository's name: anonymous pulls may work.
    Anonymous,
}

/// Tries a registry before it is configured.
///
/// # Errors
/// 400 when the organization is a cache already, the registry may not be called, does not answer, or refuses the
/// credentials.
pub(crate) async fn validate(api: &Api, name: &str, new: NewCache) -> Result<Validity> {
    {
        let mut conn = api.accounts().read().await?;
        let organization = find_organization(&mut conn, name).await?;
        if proxy_caches::find(&mut conn, organization).await?.is_some() {
            return Err(Error::invalid_request(EXISTS));
        }
    }
    new.check()?;
    check_upstream(api.config(), &new).await?;
    let guard = AddressGuard::public_only(&api.config().mirroring.ssrf_allowed_hosts);
    let client = Client::new(guard, Limits::default()).map_err(failed)?;
    Upstream {
        client,
        ping: format!("{}/v2/", real_url(&new.url())),
        basic: basic(&new),
    }
    .try_it()
    .await
}

/// A registry that is being tried.
struct Upstream {
    client: Client,
    ping: String,
    /// The value of `Authorization` with name and password, if both are given.
    basic: Option<HeaderValue>,
}

impl Upstream {
    async fn try_it(&self) -> Result<Validity> {
        let first = self.get(&self.ping, None).await?;
        if first.status == StatusCode::OK {
            return Ok(Validity::Valid);
        }
        let Some(authorization) = self.authorize(&first).await? else {
            return Ok(Validity::Anonymous);
        };
        let second = self.get(&self.ping, Some(&authorization)).await?;
        match second.status {
            StatusCode::OK => Ok(Validity::Valid),
            StatusCode::UNAUTHORIZED if self.basic.is_none() => Ok(Validity::Anonymous),
            status if status.is_client_error() || status.is_server_error() => {
                Err(login_failed(&format!("/v2/ answered {status}")))
            }
            _ => Err(Error::invalid_request(
                "Failed to validate Proxy cache configuration",
            )),
        }
    }

    /// What to send from now on; nothing when the registry gives nothing without a repository's name.
    async fn authorize(&self, answer: &Answer) -> Result<Option<HeaderValue>> {
        let challenge = answer
            .headers
            .get(WWW_AUTHENTICATE)
            .and_then(|value| value.to_str().ok())
            .map(Challenge::parse)
            .ok_or_else(|| login_failed("no WWW-Authenticate"))?;
        if challenge.scheme.eq_ignore_ascii_case("basic")
            && let Some(basic) = &self.basic
        {
            return Ok(Some(basic.clone()));
        }
        let realm = challenge.parameter("realm").unwrap_or_default();
        let mut url = url::Url::parse(realm).map_err(|_| login_failed("no token service"))?;
        if let Some(service) = challenge.parameter("service") {
            url.query_pairs_mut().append_pair("service", service);
        }
        let answer = self.get(url.as_str(), self.basic.as_ref()).await?;
        if self.basic.is_none()
            && matches!(
                answer.status,
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
            )
        {
            return Ok(None);
        }
        let token: Token = answer.json().map_err(failed)?;
        let token = token
            .token
            .or(token.access_token)
            .ok_or_else(|| login_failed("the token service gave no token"))?;
        let value = HeaderValue::try_from(format!("{} {token}", challenge.scheme))
            .map_err(|_| login_failed("the token is no header"))?;
        Ok(Some(value))
    }

    async fn get(&self, url: &str, authorization: Option<&HeaderValue>) -> Result<Answer> {
        let mut outgoing = Outgoing::get(url);
        if let Some(value) = authorization {
            let mut value = value.clone();
            value.set_sensitive(true);
            outgoing = outgoing.header(AUTHORIZATION, value);
        }
        self.client.send(outgoing).await.map_err(failed)
    }
}

/// The answer of a token service.
#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

/// `WWW-Authenticate` with one challenge: a scheme, and parameters in quotes or without.
struct Challenge<'h> {
    scheme: &'h str,
    parameters: Vec<(&'h str, &'h str)>,
}

impl<'h> Challenge<'h> {
    fn parse(value: &'h str) -> Self {
        let (scheme, mut rest) = value.split_once(' ').unwrap_or((value, ""));
        let mut parameters = Vec::new();
        while let Some((name, after)) = rest.split_once('=') {
            let name = name.trim_matches([' ', ',']);
            let (value, next) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                None => after.split_once(',').unwrap_or((after, "")),
            };
            parameters.push((name, value));
            rest = next;
        }
        Self { scheme, parameters }
    }

    fn parameter(&self, name: &str) -> Option<&'h str> {
        self.parameters
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }
}

fn basic(new: &NewCache) -> Option<HeaderValue> {
    let name = new.upstream_registry_username.as_deref()?;
    let password = new.upstream_registry_password.as_deref()?;
    if name.is_empty() && password.is_empty() {
        return None;
    }
    let encoded = STANDARD.encode(format!("{name}:{password}"));
    HeaderValue::try_from(format!("Basic {encoded}")).ok()
}

fn real_url(url: &str) -> String {
    for (name, host) in REAL_HOSTS {
        if let Some(scheme) = url.strip_suffix(name).filter(|rest| rest.ends_with("://")) {
            return format!("{scheme}{host}");
        }
    }
    url.to_owned()
}

fn failed(error: pierhead_client::Error) -> Error {
    match error {
        pierhead_client::Error::Refused(reason) => refused(reason),
        error => login_failed(&error.to_string()),
    }
}

/// The caller is not told what another server said.
fn login_failed(reason: &str) -> Error {
    tracing::info!(reason, "the registry of a proxy cache could not be used");
    Error::invalid_request(
        "Failed login to remote registry. Please verify entered details and try again.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_taken_apart() {
        let challenge = Challenge::parse(
            r#"Bearer realm="https://auth.example.com/token?a=b",service="registry.example.com",scope="a,b""#,
        );
        assert_eq!(challenge.scheme, "Bearer");
        assert_eq!(
            challenge.parameter("realm"),
            Some("https://auth.example.com/token?a=b")
        );
        assert_eq!(challenge.parameter("service"), Some("registry.example.com"));
        assert_eq!(challenge.parameter("scope"), Some("a,b"));
        assert_eq!(challenge.parameter("error"), None);
        let bare = Challenge::parse("basic realm=here, charset=UTF-8");
        assert_eq!(bare.parameter("realm"), Some("here"));
        assert_eq!(bare.parameter("charset"), Some("UTF-8"));
        assert_eq!(Challenge::parse("Negotiate").parameter("realm"), None);
    }

    #[test]
    fn docker_io_is_somewhere_else() {
        assert_eq!(
            real_url("https://docker.io"),
            "https://registry-1.docker.io"
        );
        assert_eq!(real_url("https://quay.io"), "https://quay.io");
        assert_eq!(real_url("https://mydocker.io"), "https://mydocker.io");
    }
}
