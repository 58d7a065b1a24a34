//! Sign-in by GitHub and Google (api-v1.md §5.1, §6.3), which cannot run here: each is a small server of this test that knows the
//! part of the service's public API that is used, and refuses every request that is not as documented.

use pierhead_testkit::{ApiClient, Engine, Pierhead, Response, Result};
use reqwest::header::{COOKIE, REFERER};
use reqwest::{Method, StatusCode, Url};
use serde_json::{Value, json};

use super::installation::json_of;

mod attaching;
mod github;
mod google;
mod mock_github;
mod mock_google;
mod rules;

const PASSWORD: &str = "correct-horse-battery-staple";
const TITLE: &str = "Tide Registry";

/// A server with these keys and its first user, `devel`, a superuser, in a browser.
async fn start(engine: Engine, config: Value) -> Result<(Pierhead, ApiClient)> {
    let server = Pierhead::builder()
        .engine(engine)
        .config(json!({
            "SUPER_USERS": ["devel"],
            "REGISTRY_TITLE_SHORT": TITLE,
            "ACTION_LOG_AUDIT_LOGINS": true,
            "ACTION_LOG_AUDIT_LOGIN_FAILURES": true,
        }))
        .config(config)
        .start()
        .await?;
    let devel = server.anonymous();
    let body = json!({ "username": "devel", "password": PASSWORD, "email": "devel@example.com" });
    devel
        .post("/api/v1/user/initialize", body)
        .await?
        .expect(&[StatusCode::OK])?;
    Ok((server, devel))
}

/// Where the registry sends this browser for a kind of external sign-in.
async fn sent_to(browser: &ApiClient, service: &str, kind: &str) -> Result<String> {
    browser.fetch_csrf_token().await?;
    let path = format!("/api/v1/externallogin/{service}");
    let answer = browser.post(&path, json!({ "kind": kind })).await?;
    let answer = json_of(answer, 200)?;
    Ok(answer["auth_url"].as_str().unwrap().to_owned())
}

/// The parameters of an address, in order.
fn parameters(address: &str) -> Vec<(String, String)> {
    let url = Url::parse(address).unwrap();
    url.query_pairs().into_owned().collect()
}

/// A parameter of an address.
fn parameter(address: &str, name: &str) -> String {
    let mut parameters = parameters(address).into_iter();
    let found = parameters.find(|(key, _)| key == name);
    found.unwrap_or_else(|| panic!("{address} has no {name}")).1
}

/// The path and query that a service sends a browser to that came from `address`, with this beside the state.
fn back(server: &Pierhead, address: &str, given: &str) -> String {
    let callback = parameter(address, "redirect_uri");
    let path = callback.strip_prefix(server.base_url());
    let path = path.unwrap_or_else(|| panic!("{callback} is elsewhere"));
    format!("{path}?{given}&state={}", parameter(address, "state"))
}

/// Where a page sends the browser, below the registry itself.
fn redirected(server: &Pierhead, answer: &Response) -> Result<String> {
    assert_eq!(answer.status, 302, "{}", answer.text());
    let target = answer.header("location")?;
    let path = target.strip_prefix(server.base_url());
    Ok(path.unwrap_or_else(|| panic!("{target}")).to_owned())
}

/// What a browser is told that is sent to the page for failures, by name.
fn failure(answer: &Response) -> Result<Vec<(String, String)>> {
    assert_eq!(answer.status, 302, "{}", answer.text());
    let target = answer.header("location")?;
    let query = target.strip_prefix("/oauth-error?");
    let query = query.unwrap_or_else(|| panic!("{target}"));
    let told = parameters(&format!("http://console/?{query}"));
    assert_eq!(told[0], ("error".to_owned(), "oauth_error".to_owned()));
    Ok(told)
}

/// Why the browser of somebody who is not signed in was sent to that page.
fn reason(answer: &Response) -> Result<String> {
    let told = failure(answer)?;
    assert!(told.iter().all(|(key, _)| key != "authenticated"));
    assert_eq!(told[1].0, "error_description");
    Ok(told[1].1.clone())
}

/// Who is signed in.
async fn me(browser: &ApiClient) -> Result<Value> {
    json_of(browser.get("/api/v1/user/").await?, 200)
}

/// That nobody is signed in.
async fn assert_nobody(browser: &ApiClient) -> Result<()> {
    json_of(browser.get("/api/v1/user/").await?, 401).map(drop)
}

/// The names of everybody, as a superuser sees them.
async fn everybody(devel: &ApiClient) -> Result<Vec<String>> {
    let found = json_of(devel.get("/api/v1/superuser/users/").await?, 200)?;
    let users = found["users"].as_array().unwrap();
    let mut names: Vec<String> = users
        .iter()
        .map(|user| user["username"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    Ok(names)
}

/// That the server's log has none of these.
fn assert_not_logged(server: &Pierhead, secrets: &[&str]) {
    let log = server.log();
    for secret in secrets {
        assert!(!log.contains(secret), "the log tells a secret");
    }
}
