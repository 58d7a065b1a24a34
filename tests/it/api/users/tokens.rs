//! Tokens for tools, encrypted passwords, notifications, and the proof that sensitive calls need.

use pierhead_testkit::{Client, Credentials};

use super::*;

async fn story(engine: Engine) -> Result<()> {
    let settings = json!({ "APP_SPECIFIC_TOKEN_EXPIRATION": "30d" });
    let (mut server, devel) = start(engine, settings).await?;
    a_token_is_made_shown_listed_and_revoked(&server, &devel).await?;
    an_encrypted_password_needs_the_password(&devel).await?;
    notifications_are_those_of_the_caller(&devel).await?;
    a_stale_session_must_prove_its_password(&mut server).await?;
    server.stop().await
}

#[tokio::test]
async fn tokens_on_sqlite() {
    story(Engine::Sqlite).await.unwrap();
}

#[tokio::test]
async fn tokens_on_postgresql() {
    story(Engine::PostgreSql).await.unwrap();
}

// Q8: tokens can be listed and revoked.
async fn a_token_is_made_shown_listed_and_revoked(
    server: &Pierhead,
    devel: &ApiClient,
) -> Result<()> {
    let path = "/api/v1/user/apptoken";
    let made = json_of(devel.post(path, json!({ "title": "laptop" })).await?, 200)?;
    let token = &made["token"];
    let code = token["token_code"].as_str().unwrap();
    assert_eq!(code.len(), 120);
    assert!(token["expiration"].as_str().unwrap().ends_with("-0000"));
    assert_eq!(token["last_accessed"], Value::Null);
    let uuid = token["uuid"].as_str().unwrap();
    let shown = json_of(devel.get(&format!("{path}/{uuid}")).await?, 200)?;
    assert_eq!(&shown["token"]["token_code"], &token["token_code"]);
    let login = Credentials::new("$app", code);
    let tool = Client::new(server, Some(&login));
    tool.push_image(
        "devel/app",
        "v1",
        &pierhead_testkit::Image::build(1, &[100]),
    )
    .await?;

    let listed = json_of(devel.get(path).await?, 200)?;
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 1);
    assert_eq!(listed["only_expiring"], Value::Null);
    assert!(listed["tokens"][0].get("token_code").is_none());
    let expiring = devel.get(&format!("{path}?expiring=true")).await?;
    let expected = json!({ "tokens": [], "only_expiring": true });
    assert_eq!(json_of(expiring, 200)?, expected);

    let other = register(server, "other").await?;
    for missing in [
        other.get(&format!("{path}/{uuid}")).await?,
        other.delete(&format!("{path}/{uuid}")).await?,
    ] {
        assert_eq!(json_of(missing, 404)?["error_type"], "not_found");
    }
    let revoked = devel.delete(&format!("{path}/{uuid}")).await?;
    assert_eq!(revoked.status, StatusCode::NO_CONTENT);
    json_of(devel.delete(&format!("{path}/{uuid}")).await?, 404)?;
    for body in [
        json!({}),
        json!({ "title": "x".repeat(256) }),
        json!({ "title": null }),
    ] {
        let refused = devel.post(path, body.clone()).await?;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{body}");
    }
    let listed = json_of(devel.get(path).await?, 200)?;
    assert_eq!(listed["tokens"], json!([]));
    Ok(())
}

async fn an_encrypted_password_needs_the_password(devel: &ApiClient) -> Result<()> {
    let path = "/api/v1/user/clientkey";
    let made = json_of(
        devel.post(path, json!({ "password": PASSWORD })).await?,
        200,
    )?;
    assert!(made["key"].as_str().unwrap().len() > 40);
    let refused = devel.post(path, json!({ "password": "wrong" })).await?;
    let refused = json_of(refused, 400)?;
    assert_eq!(refused["error_type"], "invalid_request");
    assert_eq!(refused["error_message"], "Invalid Username or Password");
    Ok(())
}

async fn notifications_are_those_of_the_caller(devel: &ApiClient) -> Result<()> {
    let path = "/api/v1/user/notifications";
    let none = json_of(devel.get(path).await?, 200)?;
    assert_eq!(none, json!({ "notifications": [], "additional": false }));
    let beyond = devel.get(&format!("{path}?page=2&limit=1")).await?;
    assert_eq!(json_of(beyond, 200)?, none);
    let malformed = json_of(devel.get(&format!("{path}?limit=many")).await?, 400)?;
    assert!(malformed["message"]["limit"].is_string());
    let unknown = format!("{path}/8d3a0a5e-5b2f-4a3f-9b0e-2f3a3f1b6c7d");
    json_of(devel.get(&unknown).await?, 404)?;
    json_of(
        devel.put(&unknown, json!({ "dismissed": true })).await?,
        404,
    )?;
    Ok(())
}

async fn a_stale_session_must_prove_its_password(server: &mut Pierhead) -> Result<()> {
    let ann = register(server, "ann").await?;
    server.shift_clock("+1h")?;
    server.restart().await?;
    let path = "/api/v1/user/apptoken";
    let stale = json_of(ann.post(path, json!({ "title": "x" })).await?, 401)?;
    assert_eq!(stale["error_type"], "fresh_login_required");
    let proof = json!({ "password": PASSWORD });
    json_of(ann.post("/api/v1/signin/verify", proof).await?, 200)?;
    json_of(ann.post(path, json!({ "title": "x" })).await?, 200)?;
    Ok(())
}
