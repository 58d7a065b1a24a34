//! People, as superusers make, list, change and delete them.

use pierhead_testkit::{Client, Credentials, Smtp};
use reqwest::Method;

use super::*;

const USERS: &str = "/api/v1/superuser/users/";
const KIM: &str = "/api/v1/superuser/users/kim";
const NEW_PASSWORD: &str = "another-horse-battery";

pub(super) async fn people_are_made_listed_changed_and_deleted(engine: Engine) -> Result<()> {
    let smtp = Smtp::start().await?;
    let settings = json!({
        "FEATURE_MAILING": true, "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": smtp.port(), "MAIL_USE_TLS": false,
        "MAIL_DEFAULT_SENDER": "registry@acme.example",
    });
    let mut world = World::start(engine, settings).await?;
    let temporary = somebody_is_made_with_a_temporary_password(&world, &smtp).await?;
    an_address_counts_as_confirmed_and_a_password_ends_sessions(&world, &temporary).await?;
    who_is_disabled_is_out_at_once(&world).await?;
    people_are_listed_in_pages(&world).await?;
    a_link_to_recover_is_sent(&world, &smtp).await?;
    who_is_deleted_is_gone(&world).await?;
    world.server.stop().await
}

async fn somebody_is_made_with_a_temporary_password(
    world: &World,
    smtp: &Smtp,
) -> Result<Credentials> {
    let devel = &world.devel;
    let before = json_of(devel.get(USERS).await?, 200)?;
    for wrong in [
        json!({}),
        json!({ "username": 1 }),
        json!({ "username": "kim", "email": null }),
    ] {
        refusal(devel.post(USERS, wrong).await?, 400, "invalid_request")?;
    }
    for (wrong, begin) in [
        (json!({ "username": "kim" }), "Invalid email address"),
        (
            json!({ "username": "kim", "email": "kim" }),
            "Invalid email address: kim",
        ),
        (
            json!({ "username": "Kim", "email": "kim@example.com" }),
            "Invalid namespace Kim",
        ),
        (
            json!({ "username": "ann", "email": "kim@example.com" }),
            "Username has already been taken by",
        ),
        (
            json!({ "username": "kim", "email": "ann@example.com" }),
            "Email has already been used: ann@example.com",
        ),
    ] {
        let text = message(devel.post(USERS, wrong.clone()).await?)?;
        assert!(text.starts_with(begin), "{wrong}: {text}");
    }
    assert_eq!(
        json_of(devel.get(USERS).await?, 200)?,
        before,
        "nobody was made"
    );
    assert_eq!(smtp.waiting()?, 0);

    let new = json!({ "username": "kim", "email": "kim@example.com", "unknown": 1 });
    let made = json_of(devel.post(USERS, new).await?, 200)?;
    let keys: Vec<_> = made.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["username", "email", "password", "encrypted_password"]
    );
    let password = made["password"].as_str().unwrap();
    assert_eq!(password.len(), 32);
    let alphabet = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    assert!(password.chars().all(alphabet), "{password}");
    let mail = smtp.next_to("kim@example.com").await?;
    assert!(
        mail.subject.ends_with("confirm your e-mail address"),
        "{mail:?}"
    );
    let row = world.audited("user_create").await?;
    assert_eq!(
        row["metadata"],
        json!({ "email": "kim@example.com", "username": "kim", "superuser": "devel" })
    );
    assert_eq!(row["namespace"]["name"], "kim");
    let kim = json_of(devel.get(KIM).await?, 200)?;
    assert_eq!(
        without_avatar(kim),
        json!({
            "kind": "user", "name": "kim", "username": "kim", "email": "kim@example.com", "verified": false,
            "super_user": false, "global_readonly_super_user": false, "enabled": true,
        })
    );
    let client = world.server.anonymous();
    client.fetch_csrf_token().await?;
    let login = json!({ "username": "kim", "password": password });
    let unconfirmed = json_of(client.post("/api/v1/signin", login).await?, 403)?;
    assert_eq!(unconfirmed["needsEmailVerification"], true);
    let encrypted = made["encrypted_password"].as_str().unwrap();
    for secret in [password, encrypted] {
        let credentials = Credentials::new("kim", secret);
        let registry = Client::new(&world.server, Some(&credentials));
        let scope = "repository:kim/app:pull,push";
        registry
            .request_token(&[scope])
            .await?
            .expect(&[StatusCode::OK])?;
    }
    Ok(Credentials::new("kim", password))
}

async fn an_address_counts_as_confirmed_and_a_password_ends_sessions(
    world: &World,
    temporary: &Credentials,
) -> Result<()> {
    let devel = &world.devel;
    let before = json_of(devel.get(KIM).await?, 200)?;
    for wrong in [
        json!({ "password": null }),
        json!({ "email": 1 }),
        json!({ "enabled": "no" }),
        json!({ "enabled": false, "email": null }),
    ] {
        refusal(devel.put(KIM, wrong).await?, 400, "invalid_request")?;
    }
    for (wrong, text) in [
        (
            json!({ "enabled": false, "password": "short" }),
            "Invalid password, password must be at least 8 characters and contain no whitespace.",
        ),
        (
            json!({ "password": NEW_PASSWORD, "email": "ann@example.com", "enabled": false }),
            "E-mail address already used",
        ),
    ] {
        assert_eq!(message(devel.put(KIM, wrong).await?)?, text);
    }
    assert_eq!(json_of(devel.get(KIM).await?, 200)?, before);
    for (path, status, kind) in [
        (
            "/api/v1/superuser/users/devel",
            400,
            "Cannot update a superuser",
        ),
        ("/api/v1/superuser/users/nobody", 404, ""),
    ] {
        let answer = devel.put(path, json!({ "enabled": false })).await?;
        let error_type = if status == 404 {
            "not_found"
        } else {
            "invalid_request"
        };
        let text = refusal(answer, status, error_type)?;
        assert!(text.contains(kind), "{text}");
    }

    let moved = json!({ "email": "kim@acme.example" });
    let changed = json_of(devel.put(KIM, moved).await?, 200)?;
    assert_eq!(
        (&changed["email"], &changed["verified"]),
        (&json!("kim@acme.example"), &json!(true))
    );
    assert!(changed.get("encrypted_password").is_none());
    let row = world.audited("user_change_email").await?;
    assert_eq!(
        row["metadata"],
        json!({ "old_email": "kim@example.com", "email": "kim@acme.example", "superuser": "devel" })
    );
    let kim = world.server.signed_in("kim", temporary.password()).await?;
    json_of(kim.get("/api/v1/user/").await?, 200)?;

    let changed = devel.put(KIM, json!({ "password": NEW_PASSWORD })).await?;
    let encrypted = json_of(changed, 200)?["encrypted_password"].take();
    let credentials = Credentials::new("kim", encrypted.as_str().unwrap());
    Client::new(&world.server, Some(&credentials))
        .request_token(&["repository:kim/app:pull"])
        .await?
        .expect(&[StatusCode::OK])?;
    let row = world.audited("user_change_password").await?;
    assert_eq!(
        row["metadata"],
        json!({ "username": "kim", "superuser": "devel" })
    );
    json_of(kim.get("/api/v1/user/").await?, 401)?;
    world.server.signed_in("kim", NEW_PASSWORD).await?;
    Ok(())
}

async fn who_is_disabled_is_out_at_once(world: &World) -> Result<()> {
    let devel = &world.devel;
    let kim = world.server.signed_in("kim", NEW_PASSWORD).await?;
    let out = json_of(devel.put(KIM, json!({ "enabled": false })).await?, 200)?;
    assert_eq!(out["enabled"], false);
    json_of(kim.get("/api/v1/user/").await?, 401)?;
    let credentials = Credentials::new("kim", NEW_PASSWORD);
    let registry = Client::new(&world.server, Some(&credentials));
    let scope = ["repository:kim/app:pull"];
    let refused = registry.request_token(&scope).await?;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let login = json!({ "username": "kim", "password": NEW_PASSWORD });
    kim.fetch_csrf_token().await?;
    json_of(kim.post("/api/v1/signin", login).await?, 403)?;
    let row = world.audited("user_disable").await?;
    assert_eq!(
        row["metadata"],
        json!({ "username": "kim", "superuser": "devel" })
    );

    let everybody = json_of(devel.get(USERS).await?, 200)?;
    assert_eq!(
        names(&everybody["users"]),
        ["devel", "auditor", "ann", "kim"]
    );
    let enabled = json_of(devel.get(&format!("{USERS}?disabled=false")).await?, 200)?;
    assert_eq!(names(&enabled["users"]), ["devel", "auditor", "ann"]);

    let back = json_of(devel.put(KIM, json!({ "enabled": true })).await?, 200)?;
    assert_eq!(back["enabled"], true);
    world.audited("user_enable").await?;
    json_of(kim.get("/api/v1/user/").await?, 401)?;
    world.server.signed_in("kim", NEW_PASSWORD).await?;
    Ok(())
}

async fn people_are_listed_in_pages(world: &World) -> Result<()> {
    let devel = &world.devel;
    assert_eq!(
        world.pages(USERS, "users", 3).await?,
        [vec!["devel", "auditor", "ann"], vec!["kim"]]
    );
    assert_eq!(world.pages(USERS, "users", 4).await?.len(), 1);
    let whole = json_of(devel.get(USERS).await?, 200)?;
    assert!(whole.get("next_page").is_none());
    let users = whole["users"].as_array().unwrap();
    assert_eq!(users[0]["super_user"], true);
    assert_eq!(users[1]["global_readonly_super_user"], true);
    for same in [
        "limit=100",
        "next_page=forged",
        "limit=100&next_page=forged",
    ] {
        let answer = devel.get(&format!("{USERS}?{same}")).await?;
        assert_eq!(json_of(answer, 200)?, whole, "{same}");
    }
    let text = refusal(
        devel.get(&format!("{USERS}?limit=101")).await?,
        400,
        "invalid_request",
    )?;
    assert_eq!(text, "Page limit cannot be above 100");
    let malformed = json_of(devel.get(&format!("{USERS}?limit=many")).await?, 400)?;
    assert!(malformed["message"]["limit"].is_string());
    assert!(world.statements(USERS).await? <= 3);
    Ok(())
}

async fn a_link_to_recover_is_sent(world: &World, smtp: &Smtp) -> Result<()> {
    let devel = &world.devel;
    let send = async |name: &str| {
        let path = format!("/api/v1/superusers/users/{name}/sendrecovery");
        devel.call(Method::POST, &path, None).await
    };
    assert_eq!(
        json_of(send("kim").await?, 200)?,
        json!({ "email": "kim@acme.example" })
    );
    let mail = smtp.next_to("kim@acme.example").await?;
    let begin = format!("{}/recovery?code=", world.server.base_url());
    let link = mail.link(&begin).unwrap();
    let path = link.strip_prefix(world.server.base_url()).unwrap();
    let browser = world.server.anonymous();
    let answer = browser.get(path).await?;
    assert_eq!(
        answer.header("location")?,
        "/user/kim?tab=settings&action=password"
    );
    let me = json_of(browser.get("/api/v1/user/").await?, 200)?;
    assert_eq!(me["username"], "kim");
    let text = refusal(send("devel").await?, 400, "invalid_request")?;
    assert_eq!(text, "Cannot send a recovery email for a superuser");
    refusal(send("nobody").await?, 404, "not_found")?;
    Ok(())
}

async fn who_is_deleted_is_gone(world: &World) -> Result<()> {
    let devel = &world.devel;
    let superuser = devel.delete("/api/v1/superuser/users/devel").await?;
    let text = refusal(superuser, 400, "invalid_request")?;
    assert_eq!(text, "Cannot delete a superuser");
    let kim = world.server.signed_in("kim", NEW_PASSWORD).await?;
    json_of(devel.delete(KIM).await?, 204)?;
    let row = world.audited("user_delete").await?;
    assert_eq!(row["metadata"], json!({ "username": "kim" }));
    json_of(kim.get("/api/v1/user/").await?, 401)?;
    refusal(devel.get(KIM).await?, 404, "not_found")?;
    refusal(devel.delete(KIM).await?, 404, "not_found")?;
    let whole = json_of(devel.get(USERS).await?, 200)?;
    assert_eq!(names(&whole["users"]), ["devel", "auditor", "ann"]);
    let again = json!({ "username": "kim", "email": "kim@example.com" });
    let text = message(devel.post(USERS, again).await?)?;
    assert!(text.starts_with("Username is not available"), "{text}");
    Ok(())
}
