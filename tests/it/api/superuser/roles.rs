//! Which superusers get in where: superusers, those with full access, and those who may only read; and nobody else.

use reqwest::Method;

use super::*;

/// What superusers and global read-only superusers read.
const READ: [&str; 13] = [
    "/api/v1/superuser/users/",
    "/api/v1/superuser/users/ann",
    "/api/v1/superuser/organizations/",
    "/api/v1/superuser/logs",
    "/api/v1/superuser/aggregatelogs",
    "/api/v1/superuser/registrysize/",
    "/api/v1/superuser/changelog/",
    "/api/v1/superuser/config",
    "/api/v1/superuser/keys",
    "/api/v1/superuser/users/ann/quota",
    "/api/v1/superuser/organization/acme/quota",
    "/api/v1/superuser/mirror/health",
    "/api/v1/messages",
];

/// What only superusers change.
fn changes() -> Vec<(Method, &'static str, Value)> {
    let banner =
        json!({ "message": { "content": "x", "media_type": "text/plain", "severity": "info" } });
    vec![
        (
            Method::POST,
            "/api/v1/superuser/users/",
            json!({ "username": "kim", "email": "kim@example.com" }),
        ),
        (
            Method::PUT,
            "/api/v1/superuser/users/ann",
            json!({ "enabled": false }),
        ),
        (Method::DELETE, "/api/v1/superuser/users/ann", Value::Null),
        (
            Method::PUT,
            "/api/v1/superuser/organizations/acme",
            json!({ "name": "tide" }),
        ),
        (
            Method::DELETE,
            "/api/v1/superuser/organizations/acme",
            Value::Null,
        ),
        (
            Method::POST,
            "/api/v1/superuser/takeownership/acme",
            Value::Null,
        ),
        (Method::POST, "/api/v1/superuser/registrysize/", Value::Null),
        (
            Method::POST,
            "/api/v1/superuser/keys",
            json!({ "service": "scanner", "expiration": null }),
        ),
        (
            Method::POST,
            "/api/v1/superuser/users/ann/quota",
            json!({ "limit_bytes": 1000 }),
        ),
        (Method::POST, "/api/v1/messages", banner),
        (
            Method::DELETE,
            "/api/v1/message/8d3a0a5e-5b2f-4a3f-9b0e-2f3a3f1b6c7d",
            Value::Null,
        ),
    ]
}

fn settings() -> Value {
    json!({
        "FEATURE_QUOTA_MANAGEMENT": true,
        "FEATURE_EDIT_QUOTA": true,
        "FEATURE_SUPERUSER_CONFIGDUMP": true,
        "FEATURE_REPO_MIRROR": true,
    })
}

fn body(value: &Value) -> Option<Value> {
    (!value.is_null()).then(|| value.clone())
}

pub(super) async fn only_superusers_get_in(engine: Engine) -> Result<()> {
    let mut world = World::start(engine, settings()).await?;
    let new = json!({ "name": "acme", "email": "acme@example.com" });
    json_of(world.ann.post("/api/v1/organization/", new).await?, 201)?;
    what_they_read(&world).await?;
    what_they_change(&world).await?;
    a_token_needs_the_scope(&world).await?;
    app_tokens_are_for_those_who_may_see_everything(&world).await?;
    a_stale_session_must_prove_its_password(&mut world).await?;
    world.server.stop().await
}

async fn what_they_read(world: &World) -> Result<()> {
    let World {
        server,
        devel,
        auditor,
        ann,
    } = world;
    let anonymous = server.anonymous();
    for path in READ {
        for superuser in [devel, auditor] {
            let answer = superuser.get(path).await?;
            assert!(
                // A mirror health without anything to mirror may be unhealthy.
                [200, 503].contains(&answer.status.as_u16()),
                "{path}: {}",
                answer.status
            );
        }
        if path == "/api/v1/messages" {
            continue;
        }
        refusal(ann.get(path).await?, 403, "insufficient_scope")?;
        refusal(anonymous.get(path).await?, 401, "invalid_token")?;
    }
    Ok(())
}

async fn what_they_change(world: &World) -> Result<()> {
    let World {
        server,
        devel,
        auditor,
        ann,
    } = world;
    let state = async || -> Result<Vec<Value>> {
        let mut state = Vec::new();
        for path in READ {
            // What was refused may be told of in the log, and time goes on.
            if !path.contains("log") && !path.contains("health") && !path.contains("config") {
                state.push(json_of(devel.get(path).await?, 200)?);
            }
        }
        Ok(state)
    };
    let before = state().await?;
    for (method, path, value) in changes() {
        let anonymous = server.anonymous();
        for refused in [auditor, ann] {
            let answer = refused.call(method.clone(), path, body(&value)).await?;
            if path.starts_with("/api/v1/message") {
                assert!(json_of(answer, 403)?["message"].is_string(), "{path}");
            } else {
                refusal(answer, 403, "insufficient_scope")?;
            }
        }
        // What a browser would have to send with it.
        let answer = anonymous.call(method.clone(), path, body(&value)).await?;
        let refused = json_of(answer, 403)?;
        assert!(refused["error"].as_str().unwrap().contains("CSRF"));
        anonymous.fetch_csrf_token().await?;
        let answer = anonymous.call(method, path, body(&value)).await?;
        refusal(answer, 401, "invalid_token")?;
    }
    assert_eq!(state().await?, before, "nothing was changed");
    Ok(())
}

async fn a_token_needs_the_scope(world: &World) -> Result<()> {
    let devel = &world.devel;
    let organization = json!({ "name": "tools", "email": "tools@example.com" });
    json_of(
        devel.post("/api/v1/organization/", organization).await?,
        201,
    )?;
    let applications = "/api/v1/organization/tools/applications";
    let application = json_of(
        devel.post(applications, json!({ "name": "tool" })).await?,
        200,
    )?;
    let client_id = application["client_id"].as_str().unwrap();
    let tokens = format!("{applications}/{client_id}/tokens");
    for (scope, status) in [
        ("super:user", 200),
        ("repo:admin user:admin org:admin", 403),
    ] {
        let new = json!({ "name": scope, "scope": scope });
        let made = json_of(devel.post(&tokens, new).await?, 200)?;
        let client = world.server.with_token(made["token"].as_str().unwrap());
        json_of(client.get("/api/v1/superuser/users/").await?, status)?;
    }
    Ok(())
}

async fn app_tokens_are_for_those_who_may_see_everything(world: &World) -> Result<()> {
    let path = "/api/v1/superuser/apptokens";
    let made = world
        .ann
        .post("/api/v1/user/apptoken", json!({ "title": "laptop" }));
    json_of(made.await?, 200)?;
    refusal(world.devel.get(path).await?, 403, "insufficient_scope")?;
    let listed = json_of(world.auditor.get(path).await?, 200)?;
    assert_eq!(listed["tokens"][0]["title"], "laptop");
    assert_eq!(listed["only_expiring"], Value::Null);
    assert!(listed["tokens"][0].get("token_code").is_none());
    Ok(())
}

async fn a_stale_session_must_prove_its_password(world: &mut World) -> Result<()> {
    world.server.shift_clock("+1h")?;
    world.server.restart().await?;
    let devel = &world.devel;
    for path in READ {
        // Whatever is not among these must be fresh.
        let stale = devel.get(path).await?;
        if ["/api/v1/superuser/keys", "/api/v1/messages"].contains(&path) {
            json_of(stale, 200)?;
        } else {
            refusal(stale, 401, "fresh_login_required")?;
        }
    }
    for (method, path, value) in changes() {
        if !path.starts_with("/api/v1/message") {
            let stale = devel.call(method, path, body(&value)).await?;
            refusal(stale, 401, "fresh_login_required")?;
        }
    }
    let proof = json!({ "password": PASSWORD });
    json_of(devel.post("/api/v1/signin/verify", proof).await?, 200)?;
    let users = json_of(devel.get("/api/v1/superuser/users/").await?, 200)?;
    assert_eq!(names(&users["users"]), ["devel", "auditor", "ann"]);
    Ok(())
}

pub(super) async fn full_access_is_for_those_who_have_it(engine: Engine) -> Result<()> {
    for full in [false, true] {
        let settings = json!({ "FEATURE_SUPERUSERS_FULL_ACCESS": full });
        let mut world = World::start(engine, settings).await?;
        let World {
            server,
            devel,
            auditor,
            ann,
        } = &world;
        let new = json!({ "name": "acme", "email": "acme@example.com" });
        json_of(ann.post("/api/v1/organization/", new).await?, 201)?;
        server.create_repository("acme/app", "private")?;
        let granted = |status: u16| if full { status } else { 403 };
        for path in [
            "/api/v1/organization/acme/members",
            "/api/v1/repository/acme/app",
            "/api/v1/repository/acme/app/permissions/user/",
            "/api/v1/superuser/apptokens",
        ] {
            json_of(devel.get(path).await?, granted(200))?;
            json_of(auditor.get(path).await?, 200)?;
        }
        for (client, sees) in [(devel, full), (auditor, true)] {
            let acme = json_of(client.get("/api/v1/organization/acme").await?, 200)?;
            assert_eq!(acme["is_admin"], sees, "{acme}");
            let email = if sees { "acme@example.com" } else { "" };
            assert_eq!(acme["email"], email);
        }
        let change = json!({ "email": "tide@example.com" });
        for (client, status) in [(auditor, 403), (devel, granted(200))] {
            let answer = client.put("/api/v1/organization/acme", change.clone());
            json_of(answer.await?, status)?;
            let answer = client.put(
                "/api/v1/repository/acme/app",
                json!({ "description": "taken" }),
            );
            json_of(answer.await?, status)?;
        }
        let seen = json_of(ann.get("/api/v1/repository/acme/app").await?, 200)?;
        assert_eq!(seen["description"] == "taken", full, "{seen}");
        world.server.stop().await?;
    }
    Ok(())
}
