//! A client of the management API, as a browser's script or an automation tool is one: with a web session, with an OAuth
//! access token, or with nothing.

use std::sync::Mutex;

use reqwest::header::{AUTHORIZATION, COOKIE, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{build, transmit};
use crate::{Error, EventStream, Pierhead, Response, Result};

/// A client of one server's `/api/v1`.
#[derive(Debug)]
pub struct ApiClient {
    base_url: String,
    http: reqwest::Client,
    token: Option<String>,
    session: Mutex<Session>,
}

/// What a browser remembers.
#[derive(Debug, Default)]
struct Session {
    cookie: Option<String>,
    csrf: Option<String>,
}

impl Pierhead {
    /// A client without credentials.
    pub fn anonymous(&self) -> ApiClient {
        ApiClient::new(self.base_url(), None)
    }

    /// A client with an OAuth access token.
    pub fn with_token(&self, token: &str) -> ApiClient {
        ApiClient::new(self.base_url(), Some(token.to_owned()))
    }

    /// A client whose session is signed in with a name and a password.
    pub async fn signed_in(&self, username: &str, password: &str) -> Result<ApiClient> {
        let client = self.anonymous();
        client.sign_in(username, password).await?;
        Ok(client)
    }

    /// Makes the first user, and a client with a token of that user with every scope.
    pub async fn initialize_with_token(&self, username: &str, password: &str) -> Result<ApiClient> {
        let body = json!({
            "username": username,
            "password": password,
            "email": format!("{username}@example.com"),
            "access_token": true,
        });
        let answer = self
            .anonymous()
            .post("/api/v1/user/initialize", body)
            .await?
            .expect(&[StatusCode::OK])?
            .json()?;
        Ok(self.with_token(answer["access_token"].as_str().unwrap_or_default()))
    }
}

impl ApiClient {
    fn new(base_url: &str, token: Option<String>) -> Self {
        Self {
            base_url: base_url.to_owned(),
            http: crate::http::client(Policy::none()),
            token,
            session: Mutex::default(),
        }
    }

    /// Signs the session in.
    pub async fn sign_in(&self, username: &str, password: &str) -> Result<Response> {
        self.fetch_csrf_token().await?;
        let body = json!({ "username": username, "password": password });
        self.post("/api/v1/signin", body)
            .await?
            .expect(&[StatusCode::OK])
    }

    /// Asks for the session's CSRF token, which later calls send.
    pub async fn fetch_csrf_token(&self) -> Result<()> {
        let answer = self.get("/csrf_token").await?.expect(&[StatusCode::OK])?;
        let token = answer.json()?["csrf_token"].as_str().map(str::to_owned);
        self.lock().csrf = token;
        Ok(())
    }

    /// The session cookie, `name=value`.
    pub fn cookie(&self) -> Option<String> {
        self.lock().cookie.clone()
    }

    /// The access token, of a client that was given one.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The CSRF token that calls send.
    pub fn csrf_token(&self) -> Option<String> {
        self.lock().csrf.clone()
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Result<Response> {
        self.call(Method::GET, path, None).await
    }

    /// `POST path` with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Result<Response> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// `PUT path` with a JSON body.
    pub async fn put(&self, path: &str, body: Value) -> Result<Response> {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// `DELETE path`.
    pub async fn delete(&self, path: &str) -> Result<Response> {
        self.call(Method::DELETE, path, None).await
    }

    /// Any call; `path` begins with a slash.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Response> {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base_url))
            .header("x-requested-with", "XMLHttpRequest");
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.send(request).await
    }

    /// Sends a request that was begun with [`Self::request`], with the client's credentials.
    pub async fn send(&self, mut request: reqwest::RequestBuilder) -> Result<Response> {
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        {
            let session = self.lock();
            if let Some(cookie) = &session.cookie {
                request = request.header(COOKIE, cookie);
            }
            if let Some(csrf) = &session.csrf {
                request = request.header("x-csrf-token", csrf);
            }
        }
        let answer = transmit(&self.http, build(request)?).await?;
        let mut session = self.lock();
        for cookie in answer.headers.get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap_or_default().split(';').next();
            session.cookie = pair.map(str::to_owned);
        }
        if let Some(next) = answer.headers.get("x-next-csrf-token") {
            session.csrf = next.to_str().ok().map(str::to_owned);
        }
        Ok(answer)
    }

    /// Opens a stream of server-sent events with the session.
    pub async fn events(&self, path: &str) -> Result<EventStream> {
        let mut request = self.request(Method::GET, path);
        if let Some(cookie) = self.cookie() {
            request = request.header(COOKIE, cookie);
        }
        let line = format!("GET {path}");
        let answer = self.http.execute(build(request)?).await;
        let answer = answer.map_err(|source| Error::Http {
            request: line.clone(),
            source,
        })?;
        let status = answer.status();
        if status != StatusCode::OK {
            return Err(Error::Answer {
                request: line,
                expected: StatusCode::OK.to_string(),
                status: status.as_u16(),
                body: answer.text().await.unwrap_or_default(),
            });
        }
        Ok(EventStream::new(line, answer))
    }

    /// A request to be sent with [`Self::send`], for forms and other bodies.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base_url))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Session> {
        self.session
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
