//! What tests of the API start from: a server with some features on, and its superuser with a token of every scope.

use pierhead_testkit::{ApiClient, Credentials, Engine, Pierhead, Response, Result};
use reqwest::{Method, StatusCode};
use serde_json::Value;

/// The superuser's password.
const PASSWORD: &str = "correct-horse-battery-staple";

/// A server whose first user, `devel`, is a superuser.
pub(crate) struct Installation {
    pub(crate) server: Pierhead,
    pub(crate) devel: Credentials,
    pub(crate) api: ApiClient,
}

impl Installation {
    /// Starts a server with these keys in its `config.yaml`.
    pub(crate) async fn start(engine: Engine, config: Value) -> Result<Self> {
        let builder = Pierhead::builder().engine(engine);
        let server = builder.config(config).start().await?;
        let api = server.initialize_with_token("devel", PASSWORD).await?;
        Ok(Self {
            server,
            devel: Credentials::new("devel", PASSWORD),
            api,
        })
    }

    /// Calls with the superuser's token and gives the JSON of an answer with that status.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        status: u16,
    ) -> Result<Value> {
        let answer = self.api.call(method, path, body).await?;
        json_of(answer, status)
    }

    /// GET, 200.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, None, 200).await
    }

    /// POST.
    pub(crate) async fn post(&self, path: &str, body: Value, status: u16) -> Result<Value> {
        self.call(Method::POST, path, Some(body), status).await
    }

    /// PUT.
    pub(crate) async fn put(&self, path: &str, body: Value, status: u16) -> Result<Value> {
        self.call(Method::PUT, path, Some(body), status).await
    }

    /// DELETE.
    pub(crate) async fn delete(&self, path: &str, status: u16) -> Result<Value> {
        self.call(Method::DELETE, path, None, status).await
    }

    /// Statements that a call costs once what it needs is remembered.
    pub(crate) async fn statements(&self, path: &str) -> Result<u64> {
        self.server
            .statements_when_warm(async || self.get(path).await)
            .await
    }

    /// The metadata of the newest audit row of a kind. Only PostgreSQL can be asked while the server runs.
    pub(crate) fn audited(&self, kind: &str) -> Result<Option<Value>> {
        let Some(database) = self.server.database() else {
            return Ok(None);
        };
        let rows = database.sql(&format!(
            "SELECT metadata_json FROM logentry3 WHERE kind_id = (SELECT id FROM logentrykind WHERE name = '{kind}') \
             ORDER BY id DESC LIMIT 1"
        ))?;
        Ok(Some(serde_json::from_str(&rows).unwrap_or(Value::Null)))
    }
}

/// The JSON of an answer, which must have that status; null for an empty body.
pub(crate) fn json_of(answer: Response, status: u16) -> Result<Value> {
    let status = StatusCode::from_u16(status).unwrap();
    let answer = answer.expect(&[status])?;
    if answer.body.is_empty() {
        return Ok(Value::Null);
    }
    answer.json()
}
