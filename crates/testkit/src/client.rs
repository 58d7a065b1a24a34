//! An HTTP client that speaks the registry protocol as the OCI specification writes it.
//!
//! It answers a bearer challenge by fetching a token from the realm that the server named, with the
//! service and scope it named, and remembers the token per scope. Redirects are followed.

use std::collections::HashMap;
use std::sync::Mutex;

use reqwest::header::{AUTHORIZATION, HeaderMap, WWW_AUTHENTICATE};
use reqwest::redirect::Policy;
use reqwest::{Method, Request, StatusCode};
use serde_json::Value;

use crate::{Error, Pierhead, Result};

mod push;
mod response;

pub use push::Upload;
pub use response::{Manifest, Response};

/// A user name and what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    username: String,
    password: String,
}

impl Credentials {
    /// A name and a password, token or other secret of a test.
    pub fn new(username: &str, password: &str) -> Self {
        Self {
            username: username.to_owned(),
            password: password.to_owned(),
        }
    }

    /// The user name.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The secret.
    pub fn password(&self) -> &str {
        &self.password
    }
}

/// A client of one server with one identity, or none.
#[derive(Debug)]
pub struct Client {
    base_url: String,
    http: reqwest::Client,
    credentials: Option<Credentials>,
    /// Tokens by the challenge that asked for them, and the newest one for a repository's first request.
    tokens: Mutex<HashMap<String, String>>,
}

impl Client {
    /// A client of a running server.
    pub fn new(server: &Pierhead, credentials: Option<&Credentials>) -> Self {
        Self::at(server.base_url(), credentials)
    }

    /// A client of whatever listens at `base_url` (`http://host:port`).
    pub fn at(base_url: &str, credentials: Option<&Credentials>) -> Self {
        Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            http: crate::http::client(Policy::default()),
            credentials: credentials.cloned(),
            tokens: Mutex::default(),
        }
    }

    /// The same client with the same tokens and no open connection, for a server that was restarted.
    #[must_use]
    pub fn reconnected(&self) -> Self {
        Self {
            base_url: self.base_url.clone(),
            http: crate::http::client(Policy::default()),
            credentials: self.credentials.clone(),
            tokens: Mutex::new(self.known_tokens().clone()),
        }
    }

    /// Forgets every token, so that the next request fetches a new one.
    pub fn forget_tokens(&self) {
        self.known_tokens().clear();
    }

    fn known_tokens(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.tokens
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// A request to a path, or to an absolute or relative `Location`.
    pub fn request(&self, method: &str, location: &str) -> Result<reqwest::RequestBuilder> {
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| Error::unexpected(format!("{method} is no HTTP method")))?;
        let url = if location.contains("://") {
            location.to_owned()
        } else {
            format!("{}{location}", self.base_url)
        };
        Ok(self.http.request(method, url))
    }

    /// Sends a request without a body.
    pub async fn send(&self, method: &str, location: &str) -> Result<Response> {
        self.execute(self.request(method, location)?).await
    }

    /// Sends a request with a JSON body.
    pub async fn send_json(&self, method: &str, location: &str, body: &Value) -> Result<Response> {
        self.execute(self.request(method, location)?.json(body))
            .await
    }

    /// Sends a request as it is: no token is added, no challenge answered.
    pub async fn execute_plain(&self, request: reqwest::RequestBuilder) -> Result<Response> {
        let request = build(request)?;
        self.transmit(request).await
    }

    /// Sends a request; answers a bearer challenge once.
    ///
    /// A body that cannot be sent twice (a stream) needs a token that is known before: see
    /// [`Self::authorize`].
    pub async fn execute(&self, request: reqwest::RequestBuilder) -> Result<Response> {
        let mut request = build(request)?;
        let repository = repository_of(request.url().path());
        let known = self.known_tokens().get(&repository).cloned();
        if let Some(token) = known {
            authorize(&mut request, &token)?;
        }
        let again = request.try_clone();
        let response = self.transmit(request).await?;
        if response.status != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        let (Some(mut again), Some(challenge)) = (again, challenge_of(&response.headers)) else {
            return Ok(response);
        };
        let Some(token) = self.token_for(&challenge).await? else {
            return Ok(response);
        };
        authorize(&mut again, &token)?;
        self.known_tokens().insert(repository, token);
        self.transmit(again).await
    }

    /// Fetches a token with these scopes and uses it for a repository's next requests.
    pub async fn authorize(&self, repository: &str, actions: &str) -> Result<()> {
        let token = self
            .token(&[&format!("repository:{repository}:{actions}")])
            .await?;
        self.known_tokens().insert(repository.to_owned(), token);
        Ok(())
    }

    /// A token with these scopes, from where the challenge of `GET /v2/` says.
    pub async fn token(&self, scopes: &[&str]) -> Result<String> {
        let answer = self.request_token(scopes).await?;
        token_in(&answer.expect(&[StatusCode::OK])?)
    }

    /// The answer to a request for a token with these scopes, whatever it is.
    pub async fn request_token(&self, scopes: &[&str]) -> Result<Response> {
        let ping = self.transmit(build(self.request("GET", "/v2/")?)?).await?;
        let challenge = challenge_of(&ping.headers).unwrap_or_default();
        let (Some(realm), Some(service)) = (challenge.get("realm"), challenge.get("service"))
        else {
            return Err(Error::unexpected(format!(
                "{}: no challenge with realm and service",
                ping.request
            )));
        };
        let mut query = vec![("service", service.as_str())];
        query.extend(scopes.iter().map(|&scope| ("scope", scope)));
        self.fetch_token(realm, &query).await
    }

    async fn token_for(&self, challenge: &HashMap<String, String>) -> Result<Option<String>> {
        let Some(realm) = challenge.get("realm") else {
            return Ok(None);
        };
        let mut query = Vec::new();
        for key in ["service", "scope"] {
            if let Some(value) = challenge.get(key) {
                query.push((key, value.as_str()));
            }
        }
        let answer = self.fetch_token(realm, &query).await?;
        if answer.status == StatusCode::OK {
            token_in(&answer).map(Some)
        } else {
            Ok(None)
        }
    }

    async fn fetch_token(&self, realm: &str, query: &[(&str, &str)]) -> Result<Response> {
        let mut request = self.http.get(realm).query(query);
        if let Some(credentials) = &self.credentials {
            request = request.basic_auth(&credentials.username, Some(&credentials.password));
        }
        self.transmit(build(request)?).await
    }

    async fn transmit(&self, request: Request) -> Result<Response> {
        transmit(&self.http, request).await
    }
}

pub(crate) async fn transmit(http: &reqwest::Client, request: Request) -> Result<Response> {
    let line = format!("{} {}", request.method(), request.url().path());
    let failed = |source| Error::Http {
        request: line.clone(),
        source,
    };
    let answer = http.execute(request).await.map_err(failed)?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = answer.bytes().await.map_err(failed)?.to_vec();
    Ok(Response {
        request: line,
        status,
        headers,
        body,
    })
}

pub(crate) fn build(request: reqwest::RequestBuilder) -> Result<Request> {
    request.build().map_err(|source| Error::Http {
        request: "an unsendable request".to_owned(),
        source,
    })
}

fn authorize(request: &mut Request, token: &str) -> Result<()> {
    let value = format!("Bearer {token}")
        .parse()
        .map_err(|_| Error::unexpected(format!("a token that is no header value: {token:?}")))?;
    request.headers_mut().insert(AUTHORIZATION, value);
    Ok(())
}

fn token_in(answer: &Response) -> Result<String> {
    let body: Value = answer.json()?;
    match body["token"].as_str() {
        Some(token) => Ok(token.to_owned()),
        None => Err(Error::unexpected(format!(
            "the token service answered no token: {body}"
        ))),
    }
}

/// The repository that a path belongs to, or nothing for `/v2/` and everything else.
fn repository_of(path: &str) -> String {
    let Some(rest) = path.strip_prefix("/v2/") else {
        return String::new();
    };
    ["/manifests/", "/blobs/", "/tags/list", "/referrers/"]
        .iter()
        .filter_map(|end| rest.rfind(end))
        .max()
        .map_or_else(String::new, |at| rest[..at].to_owned())
}

/// The parameters of a `Bearer` challenge.
fn challenge_of(headers: &HeaderMap) -> Option<HashMap<String, String>> {
    let challenge = headers
        .get(WWW_AUTHENTICATE)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")?;
    let mut parameters = HashMap::new();
    let mut rest = challenge;
    while let Some((key, after)) = rest.split_once("=\"") {
        let (value, after) = after.split_once('"')?;
        parameters.insert(key.trim_matches([',', ' ']).to_owned(), value.to_owned());
        rest = after;
    }
    Some(parameters)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn a_challenge_keeps_commas_inside_its_scope() {
        let mut headers = HeaderMap::new();
        let value =
            r#"Bearer realm="http://h/v2/auth",service="h",scope="repository:a/b:pull,push""#;
        headers.insert(WWW_AUTHENTICATE, value.parse().unwrap());
        let challenge = challenge_of(&headers).unwrap();
        assert_eq!(challenge["scope"], "repository:a/b:pull,push");
        assert_eq!(challenge["realm"], "http://h/v2/auth");
    }

    #[test]
    fn a_repository_may_be_called_as_a_route_is() {
        assert_eq!(repository_of("/v2/a/blobs/b/manifests/latest"), "a/blobs/b");
        assert_eq!(repository_of("/v2/a/b/blobs/uploads/"), "a/b");
        assert_eq!(repository_of("/v2/"), "");
    }
}
