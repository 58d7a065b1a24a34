//! People and their sessions: signing in, proving a password again, signing out, and what people see and change of
//! themselves (api-v1.md §2, §5.1, §6.1). Requirement S12: sign-in does not tell who exists.

use pierhead_testkit::{ApiClient, Engine, Pierhead, Response, Result};
use reqwest::StatusCode;
use serde_json::{Value, json};

mod account;
mod mail;
mod sessions;
mod tokens;

/// The password of everybody whose password a test does not choose.
const PASSWORD: &str = "correct-horse-battery";

/// A server with these settings more, its first user `devel` signed in.
async fn start(engine: Engine, settings: Value) -> Result<(Pierhead, ApiClient)> {
    let server = Pierhead::builder()
        .engine(engine)
        .config(json!({ "SUPER_USERS": ["devel"] }))
        .config(settings)
        .start()
        .await?;
    let body = json!({
        "username": "devel",
        "password": PASSWORD,
        "email": "devel@example.com",
    });
    let devel = server.anonymous();
    devel
        .post("/api/v1/user/initialize", body)
        .await?
        .expect(&[StatusCode::OK])?;
    Ok((server, devel))
}

/// Registers somebody, who is signed in then.
async fn register(server: &Pierhead, username: &str) -> Result<ApiClient> {
    let client = server.anonymous();
    client.fetch_csrf_token().await?;
    let body = json!({
        "username": username,
        "password": PASSWORD,
        "email": format!("{username}@example.com"),
    });
    client
        .post("/api/v1/user/", body)
        .await?
        .expect(&[StatusCode::OK])?;
    Ok(client)
}

/// The JSON of an answer that has to have this status.
fn json_of(answer: Response, status: u16) -> Result<Value> {
    let status = StatusCode::from_u16(status).unwrap();
    answer.expect(&[status])?.json()
}
