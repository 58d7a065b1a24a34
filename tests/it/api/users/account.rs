//! What people see and change of themselves.

use super::*;

async fn story(engine: Engine) -> Result<()> {
    let settings = json!({
        "FEATURE_USER_METADATA": true,
        "FEATURE_USER_RENAME": true,
        "PUBLIC_NAMESPACES": ["acme"],
    });
    let (mut server, devel) = start(engine, settings).await?;
    registration_signs_in_and_asks(&server).await?;
    people_see_themselves_and_others_only_their_names(&server, &devel).await?;
    one_request_changes_everything_or_nothing(&server).await?;
    a_person_becomes_an_organization(&server).await?;
    a_person_goes_unless_organizations_would_be_left_alone(&server).await?;
    the_site_says_what_is_on(&server).await?;
    server.stop().await
}

#[tokio::test]
async fn accounts_on_sqlite() {
    story(Engine::Sqlite).await.unwrap();
}

#[tokio::test]
async fn accounts_on_postgresql() {
    story(Engine::PostgreSql).await.unwrap();
}

async fn registration_signs_in_and_asks(server: &Pierhead) -> Result<()> {
    let client = server.anonymous();
    client.fetch_csrf_token().await?;
    for (body, message) in [
        (
            json!({ "username": "devel", "password": PASSWORD }),
            "The username already exists",
        ),
        (
            json!({ "username": "ann", "password": "short" }),
            "Invalid password, password must be at least 8 characters and contain no whitespace.",
        ),
        (
            json!({ "username": "Ann", "password": PASSWORD }),
            "Invalid namespace Ann: Namespace must match expression ^([a-z0-9]+(?:[._-][a-z0-9]+)*)$",
        ),
    ] {
        let refused = json_of(client.post("/api/v1/user/", body).await?, 400)?;
        assert_eq!(refused["error_type"], "invalid_request");
        assert_eq!(refused["error_message"], message);
    }
    let body = json!({ "username": "ann", "password": PASSWORD, "email": "ann@example.com" });
    let ann = json_of(client.post("/api/v1/user/", body).await?, 200)?;
    assert_eq!(ann["prompts"], json!(["enter_name", "enter_company"]));
    assert_eq!(ann["verified"], true);
    let me = json_of(client.get("/api/v1/user/").await?, 200)?;
    assert_eq!(me, ann, "registration signs in");
    Ok(())
}

async fn people_see_themselves_and_others_only_their_names(
    server: &Pierhead,
    devel: &ApiClient,
) -> Result<()> {
    server.run(&["org", "create", "acme", "--owner", "ann"])?;
    let ann = server.signed_in("ann", PASSWORD).await?;
    let me = json_of(ann.get("/api/v1/user/").await?, 200)?;
    let organizations = me["organizations"].as_array().unwrap();
    assert_eq!(organizations.len(), 1);
    for (key, value) in [
        ("name", json!("acme")),
        ("can_create_repo", json!(true)),
        ("public", json!(true)),
        ("is_org_admin", json!(true)),
        ("preferred_namespace", json!(false)),
    ] {
        assert_eq!(organizations[0][key], value, "{key}");
    }
    let keys: Vec<_> = me.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys.join(" "),
        "anonymous username avatar can_create_repo is_me verified email logins invoice_email invoice_email_address \
         preferred_namespace tag_expiration_s prompts company family_name given_name location is_free_account \
         has_password_set organizations"
    );
    let seen = json_of(server.anonymous().get("/api/v1/users/ann").await?, 200)?;
    let keys: Vec<_> = seen.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["anonymous", "username", "avatar"]);
    let seen = json_of(devel.get("/api/v1/users/ann").await?, 200)?;
    assert_eq!(seen["super_user"], false, "it is the viewer who is one");
    for name in ["acme", "nobody", "ann%2Bci"] {
        let path = format!("/api/v1/users/{name}");
        let missing = json_of(server.anonymous().get(&path).await?, 404)?;
        assert!(missing["message"].is_string(), "{name}");
    }
    Ok(())
}

async fn one_request_changes_everything_or_nothing(server: &Pierhead) -> Result<()> {
    let bob = register(server, "bob").await?;
    let before = json_of(bob.get("/api/v1/user/").await?, 200)?;
    for change in [
        json!({ "company": "Acme", "username": "ann" }),
        json!({ "company": "Acme", "email": "ann@example.com" }),
        json!({ "company": "Acme", "tag_expiration_s": 5 }),
        json!({ "company": "Acme", "tag_expiration_s": -1 }),
        json!({ "company": "Acme", "password": "short" }),
        json!({ "company": 1 }),
        json!({ "company": "x".repeat(256) }),
    ] {
        let answer = bob.put("/api/v1/user/", change.clone()).await?;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{change}");
        let after = json_of(bob.get("/api/v1/user/").await?, 200)?;
        assert_eq!(after, before, "{change}");
    }
    let change = json!({
        "username": "robert",
        "email": "robert@example.com",
        "password": "another-horse-battery",
        "company": "Acme",
        "given_name": null,
        "tag_expiration_s": 86_400,
        "invoice_email": true,
        "invoice_email_address": "bills@example.com",
        "unknown": 1,
    });
    let elsewhere = server.signed_in("bob", PASSWORD).await?;
    let changed = json_of(bob.put("/api/v1/user/", change).await?, 200)?;
    for (key, value) in [
        ("username", json!("robert")),
        ("email", json!("robert@example.com")),
        ("company", json!("Acme")),
        ("given_name", Value::Null),
        ("tag_expiration_s", json!(86_400)),
        ("invoice_email", json!(true)),
        ("invoice_email_address", json!("bills@example.com")),
        ("prompts", json!([])),
    ] {
        assert_eq!(changed[key], value, "{key}");
    }
    let me = json_of(bob.get("/api/v1/user/").await?, 200)?;
    assert_eq!(me, changed, "the session goes on");
    json_of(elsewhere.get("/api/v1/user/").await?, 401)?;
    server.signed_in("robert", "another-horse-battery").await?;
    Ok(())
}

async fn a_person_becomes_an_organization(server: &Pierhead) -> Result<()> {
    let carl = register(server, "carl").await?;
    // A wrong password counts as a failed sign-in of its owner, who has to wait then: `devel` does not sign in again.
    for (admin, password) in [("devel", "wrong-password"), ("carl", PASSWORD)] {
        let body = json!({ "adminUser": admin, "adminPassword": password });
        let refused = json_of(carl.post("/api/v1/user/convert", body).await?, 400)?;
        assert_eq!(refused["reason"], "invaliduser", "{admin}");
    }
    let body = json!({ "adminUser": "robert", "adminPassword": "another-horse-battery" });
    let answer = json_of(carl.post("/api/v1/user/convert", body).await?, 200)?;
    assert_eq!(answer, json!({ "success": true }));
    let me = json_of(carl.get("/api/v1/user/").await?, 200)?;
    assert_eq!(me["username"], "robert", "the other one is signed in");
    let organizations = me["organizations"].as_array().unwrap();
    let names: Vec<_> = organizations
        .iter()
        .map(|organization| organization["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["carl", "acme"],
        "its own, and what everybody is shown"
    );
    json_of(carl.get("/api/v1/users/carl").await?, 404)?;
    Ok(())
}

async fn a_person_goes_unless_organizations_would_be_left_alone(server: &Pierhead) -> Result<()> {
    let ann = server.signed_in("ann", PASSWORD).await?;
    let refused = json_of(ann.delete("/api/v1/user/").await?, 400)?;
    let message = "Cannot delete ann as you are the only admin for organizations: acme";
    assert_eq!(refused, json!({ "message": message }));
    json_of(ann.get("/api/v1/user/").await?, 200)?;

    let dora = register(server, "dora").await?;
    let elsewhere = server.signed_in("dora", PASSWORD).await?;
    let gone = dora.delete("/api/v1/user/").await?;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    for session in [&dora, &elsewhere] {
        json_of(session.get("/api/v1/user/").await?, 401)?;
    }
    let client = server.anonymous();
    json_of(client.get("/api/v1/users/dora").await?, 404)?;
    client.fetch_csrf_token().await?;
    let again = json!({ "username": "dora", "password": PASSWORD, "email": "d@example.com" });
    let refused = json_of(client.post("/api/v1/user/", again).await?, 400)?;
    let message = refused["error_message"].as_str().unwrap();
    assert!(
        message.starts_with("Username is not available"),
        "{message}"
    );
    Ok(())
}

async fn the_site_says_what_is_on(server: &Pierhead) -> Result<()> {
    let site = json_of(server.anonymous().get("/config").await?, 200)?;
    assert_eq!(site["features"]["USER_METADATA"], true);
    assert_eq!(site["registry_state"], "normal");
    assert_eq!(site["version_number"], "Quay 3.18.0");
    let robert = server.signed_in("robert", "another-horse-battery").await?;
    let answer = robert.get("/.well-known/change-password").await?;
    assert_eq!(answer.status, StatusCode::FOUND);
    assert_eq!(answer.header("location")?, "/user/robert?tab=settings");
    let anonymous = server.anonymous();
    let answer = anonymous.get("/.well-known/change-password").await?;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    Ok(())
}
