//! Sign-in, proof of the password, sign-out; refusals and their shapes.

use super::*;

async fn story(engine: Engine) -> Result<()> {
    let (mut server, devel) = start(engine, json!({})).await?;
    the_first_user_has_a_session(&devel).await?;
    wrong_names_and_wrong_passwords_are_answered_alike(&server).await?;
    a_text_that_cannot_be_stored_is_no_failure(&server).await?;
    changes_need_the_csrf_token(&server).await?;
    signing_out_ends_every_session(&server).await?;
    server.stop().await
}

#[tokio::test]
async fn sessions_on_sqlite() {
    story(Engine::Sqlite).await.unwrap();
}

#[tokio::test]
async fn sessions_on_postgresql() {
    story(Engine::PostgreSql).await.unwrap();
}

async fn the_first_user_has_a_session(devel: &ApiClient) -> Result<()> {
    let me = json_of(devel.get("/api/v1/user/").await?, 200)?;
    assert_eq!(me["username"], "devel");
    assert_eq!(me["super_user"], true);
    let wrong = json!({ "password": "wrong" });
    let refused = json_of(
        devel.post("/api/v1/signin/verify", wrong.clone()).await?,
        403,
    )?;
    let expected = json!({ "message": "Invalid Username or Password", "invalidCredentials": true });
    assert_eq!(refused, expected);
    // A failure locks for half a second: what is right is locked out, too.
    let right = json!({ "password": PASSWORD });
    let answer = pierhead_testkit::eventually("what is right to be locked out", || async {
        devel.post("/api/v1/signin/verify", wrong.clone()).await?;
        let answer = devel.post("/api/v1/signin/verify", right.clone()).await?;
        Ok((answer.status == StatusCode::TOO_MANY_REQUESTS).then_some(answer))
    })
    .await?;
    answer.header("retry-after")?.parse::<u32>().unwrap();
    assert!(answer.text().starts_with("Too many login attempts."));
    let verified = until_unlocked(devel, "/api/v1/signin/verify", right).await?;
    assert_eq!(json_of(verified, 200)?, json!({ "success": true }));
    Ok(())
}

/// Fails until the account is locked, which it is for half a second after the first failure.
async fn until_locked(client: &ApiClient, path: &str, wrong: Value) -> Result<Response> {
    pierhead_testkit::eventually("a lock", || async {
        let answer = client.post(path, wrong.clone()).await?;
        Ok((answer.status == StatusCode::TOO_MANY_REQUESTS).then_some(answer))
    })
    .await
}

/// Asks again while the account is locked, which is seconds after a few failures.
async fn until_unlocked(client: &ApiClient, path: &str, body: Value) -> Result<Response> {
    pierhead_testkit::eventually("the lock to end", || async {
        let answer = client.post(path, body.clone()).await?;
        Ok((answer.status != StatusCode::TOO_MANY_REQUESTS).then_some(answer))
    })
    .await
}

/// PostgreSQL takes no U+0000.
async fn a_text_that_cannot_be_stored_is_no_failure(server: &Pierhead) -> Result<()> {
    let client = server.anonymous();
    client.fetch_csrf_token().await?;
    let wrong = json!({ "username": "de\u{0}vel", "password": "wrong-password" });
    let answer = client.post("/api/v1/signin", wrong).await?;
    assert!(answer.status.is_client_error(), "{}", answer.status);
    let answer = client.get("/api/v1/users/de%00vel").await?;
    assert!(answer.status.is_client_error(), "{}", answer.status);
    Ok(())
}

// S12
async fn wrong_names_and_wrong_passwords_are_answered_alike(server: &Pierhead) -> Result<()> {
    let client = server.anonymous();
    client.fetch_csrf_token().await?;
    let mut answers = Vec::new();
    for login in ["devel", "nobody"] {
        let wrong = json!({ "username": login, "password": "wrong-password" });
        let refused = client.post("/api/v1/signin", wrong.clone()).await?;
        let refused = json_of(refused, 403)?;
        let locked = until_locked(&client, "/api/v1/signin", wrong).await?;
        let content_type = locked.header("content-type")?.to_owned();
        answers.push((refused, content_type, locked.text()));
    }
    assert_eq!(answers[0], answers[1]);
    let expected = json!({
        "needsEmailVerification": false,
        "invalidCredentials": true,
        "message": "Invalid Username or Password",
    });
    assert_eq!(answers[0].0, expected);
    for body in [
        json!({ "username": "devel" }),
        json!({ "username": 1, "password": "x" }),
    ] {
        let refused = json_of(client.post("/api/v1/signin", body).await?, 400)?;
        assert_eq!(refused["error_type"], "invalid_request");
    }
    let by_mail = json!({ "username": "devel@example.com", "password": PASSWORD });
    let answer = until_unlocked(&client, "/api/v1/signin", by_mail).await?;
    assert_eq!(json_of(answer, 200)?, json!({ "success": true }));
    let me = json_of(client.get("/api/v1/user/").await?, 200)?;
    assert_eq!(me["username"], "devel");
    Ok(())
}

async fn changes_need_the_csrf_token(server: &Pierhead) -> Result<()> {
    let client = server.anonymous();
    let body = json!({ "username": "devel", "password": PASSWORD });
    let refused = client.post("/api/v1/signin", body.clone()).await?;
    let expected = json!({ "error": "CSRF token was invalid or missing." });
    assert_eq!(json_of(refused, 403)?, expected);
    client.fetch_csrf_token().await?;
    let first = client.csrf_token();
    json_of(client.post("/api/v1/signin", body).await?, 200)?;
    assert_ne!(client.csrf_token(), first, "another one after the sign-in");
    Ok(())
}

async fn signing_out_ends_every_session(server: &Pierhead) -> Result<()> {
    let here = server.signed_in("devel", PASSWORD).await?;
    let elsewhere = server.signed_in("devel", PASSWORD).await?;
    let out = json_of(here.post("/api/v1/signout", json!({})).await?, 200)?;
    assert_eq!(out, json!({ "success": true }));
    for client in [&here, &elsewhere] {
        let refused = json_of(client.get("/api/v1/user/").await?, 401)?;
        assert_eq!(refused["error_type"], "invalid_token");
        assert_eq!(refused["session_required"], false);
    }
    // Nobody may sign out, too.
    json_of(here.post("/api/v1/signout", json!({})).await?, 200)?;
    Ok(())
}
