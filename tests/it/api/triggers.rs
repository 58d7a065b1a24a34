//! Build triggers of hosted git services (api-v1.md §5.19, §6.3, §6.5), which cannot run here: each is a small server of this
//! test that knows the part of the service's public API that is used, and refuses every request that is not as documented.

use pierhead_testkit::{ApiClient, Client, Engine, Response, Result};
use serde_json::{Value, json};

use super::installation::{Installation, json_of};

mod bitbucket;
mod github;
mod gitlab;
mod mock_bitbucket;
mod mock_github;
mod mock_gitlab;

const PASSWORD: &str = "correct-horse-battery-staple";
const COMMIT: &str = "42d4a62c53350993ea41069e9f2cfdefb0df097d";
const TAGGED: &str = "1111111111111111111111111111111111111111";

/// A server with the private repository `devel/app`, and a browser of its superuser.
async fn start(engine: Engine, config: Value) -> Result<(Installation, ApiClient)> {
    let site = Installation::start(engine, config).await?;
    site.server.create_repository("devel/app", "private")?;
    let browser = site.server.signed_in("devel", PASSWORD).await?;
    Ok((site, browser))
}

/// The trigger that a page has made: the last part of where it sends the browser.
fn made(answer: &Response) -> Result<String> {
    assert_eq!(answer.status, 302, "{}", answer.text());
    let page = answer.header("location")?;
    let uuid = page.strip_prefix("/repository/devel/app/trigger/");
    Ok(uuid.unwrap_or_else(|| panic!("{page}")).to_owned())
}

/// The path of a trigger in the API.
fn path_of(uuid: &str) -> String {
    format!("/api/v1/repository/devel/app/trigger/{uuid}")
}

/// What shape a says of a refusal with that status.
async fn refused(
    site: &Installation,
    path: &str,
    body: Option<Value>,
    status: u16,
) -> Result<String> {
    let method = if body.is_some() {
        reqwest::Method::POST
    } else {
        reqwest::Method::GET
    };
    let refused = site.call(method, path, body, status).await?;
    let kind = match status {
        520 => "external_service_timeout",
        404 => "not_found",
        _ => "invalid_request",
    };
    assert_eq!(refused["error_type"], kind, "{refused}");
    Ok(refused["detail"].as_str().unwrap_or_default().to_owned())
}

/// A service that reports to a webhook.
struct Reporter {
    client: Client,
    url: String,
    token: String,
}

impl Reporter {
    /// That was given this address.
    fn of(site: &Installation, webhook: &str) -> Self {
        let (scheme, rest) = webhook.split_once("://$token:").unwrap();
        let (token, address) = rest.split_once('@').unwrap();
        assert_eq!(token.len(), 64);
        Self {
            client: Client::new(&site.server, None),
            url: format!("{scheme}://{address}"),
            token: token.to_owned(),
        }
    }

    async fn send(&self, report: &Value) -> Result<Response> {
        let request = self
            .client
            .request("POST", &self.url)?
            .basic_auth("$token", Some(&self.token))
            .json(report);
        self.client.execute_plain(request).await
    }

    /// A report that is taken, whether it leads to a build or not.
    async fn taken(&self, report: &Value) -> Result<()> {
        let answer = self.send(report).await?;
        assert_eq!((answer.status.as_u16(), &*answer.text()), (200, "Okay"));
        Ok(())
    }

    /// What is said of a report that is refused.
    async fn refused(&self, report: &Value, status: u16) -> Result<String> {
        let answer = json_of(self.send(report).await?, status)?;
        Ok(answer["error"].as_str().unwrap_or_default().to_owned())
    }
}

/// The builds of a trigger, newest first.
async fn builds(site: &Installation, trigger: &str) -> Result<Vec<Value>> {
    let mut found = site.get(&format!("{trigger}/builds?limit=100")).await?;
    match found["builds"].take() {
        Value::Array(builds) => Ok(builds),
        other => panic!("{other}"),
    }
}

/// The kinds of what the repository's log tells, newest first.
async fn log(site: &Installation) -> Result<Vec<String>> {
    let page = site.get("/api/v1/repository/devel/app/logs").await?;
    let entries = page["logs"].as_array().unwrap();
    Ok(entries
        .iter()
        .map(|entry| entry["kind"].as_str().unwrap_or_default().to_owned())
        .collect())
}

/// The stored token of the only trigger, as it lies in the database. Only PostgreSQL can be asked while the server runs.
fn stored_token(site: &Installation) -> Result<Option<String>> {
    let sql = "SELECT secure_auth_token FROM repositorybuildtrigger";
    site.server
        .database()
        .map(|database| database.sql(sql))
        .transpose()
}

/// That the server's log has none of these.
fn assert_not_logged(site: &Installation, secrets: &[&str]) {
    let log = site.server.log();
    for secret in secrets {
        assert!(!log.contains(secret), "the log tells a secret");
    }
}

/// Namespaces of a trigger's service.
async fn namespaces(site: &Installation, trigger: &str) -> Result<Value> {
    Ok(site.get(&format!("{trigger}/namespaces")).await?["namespaces"].take())
}

/// What a field can be.
async fn values(site: &Installation, trigger: &str, field: &str, source: &str) -> Result<Value> {
    let path = format!("{trigger}/fields/{field}");
    let body = json!({ "build_source": source });
    Ok(site.post(&path, body, 200).await?["values"].take())
}
