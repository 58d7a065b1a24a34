//! What happens in a registry, and who is told: audit logs and their export, notification hooks, banners, builds and their
//! triggers (api-v1.md §5.12, §5.13, §5.18, §5.19, §5.21, §6.5).

use pierhead_testkit::{ApiClient, Engine, Pierhead, Response, Result};
use reqwest::StatusCode;
use serde_json::{Value, json};

mod builds;
mod logs;
mod messages;
mod notifications;
mod triggers;

const PASSWORD: &str = "correct-horse-battery-staple";

/// A server with the repository `devel/app` of its superuser, who has a token with every scope.
async fn start(engine: Engine, settings: Value) -> Result<(Pierhead, ApiClient)> {
    let server = Pierhead::builder()
        .engine(engine)
        .config(json!({ "SUPER_USERS": ["devel"] }))
        .config(settings)
        .start()
        .await?;
    let devel = server.initialize_with_token("devel", PASSWORD).await?;
    server.create_repository("devel/app", "private")?;
    Ok((server, devel))
}

/// The JSON of an answer that has to have this status.
fn json_of(answer: Response, status: u16) -> Result<Value> {
    answer
        .expect(&[StatusCode::from_u16(status).unwrap()])?
        .json()
}

/// Shape a of an answer: status and `error_type`; gives its text.
fn refusal(answer: Response, status: u16, error_type: &str) -> Result<String> {
    let body = json_of(answer, status)?;
    assert_eq!(body["error_type"], error_type, "{body}");
    assert_eq!(body["status"], status, "{body}");
    Ok(body["detail"].as_str().unwrap_or_default().to_owned())
}

/// What the newest page of a log tells of.
async fn kinds(client: &ApiClient, path: &str) -> Result<Vec<String>> {
    let page = json_of(client.get(path).await?, 200)?;
    Ok(page["logs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["kind"].as_str().unwrap_or_default().to_owned())
        .collect())
}
