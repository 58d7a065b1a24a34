//! Notification hooks.

use super::{Engine, Result, Value, json, json_of, kinds, refusal, start};

const HOOKS: &str = "/api/v1/repository/devel/app/notification/";

fn webhook(url: &str) -> Value {
    json!({
        "event": "repo_push", "method": "webhook", "config": { "url": url, "template": "{\"a\": \"${repository}\"}" },
        "eventConfig": {}, "title": "bell",
    })
}

async fn hooks_of_a_repository_are_made_tested_and_deleted(engine: Engine) -> Result<()> {
    let (server, devel) = start(engine, json!({})).await?;
    let list = async || json_of(devel.get(HOOKS).await?, 200);
    let hook = json_of(
        devel
            .post(HOOKS, webhook("http://hooks.tide.example/push"))
            .await?,
        201,
    )?;
    let uuid = hook["uuid"].as_str().unwrap().to_owned();
    assert_eq!(
        hook,
        json!({
            "uuid": uuid, "title": "bell", "event": "repo_push", "method": "webhook",
            "config": { "url": "http://hooks.tide.example/push", "template": "{\"a\": \"${repository}\"}" },
            "event_config": {}, "number_of_failures": 0,
        })
    );
    assert_eq!(list().await?, json!({ "notifications": [hook] }));
    let one = format!("{HOOKS}{uuid}");
    assert_eq!(json_of(devel.get(&one).await?, 200)?, hook);
    let tested = devel.post(&format!("{one}/test"), json!({})).await?;
    assert_eq!(json_of(tested, 200)?, json!({}));
    assert_eq!(devel.post(&one, json!({})).await?.status, 204);

    let target = |target: Value| {
        json!({
            "event": "repo_push", "method": "quay_notification", "config": { "target": target }, "eventConfig": {},
        })
    };
    let user = target(json!({ "kind": "user", "name": "devel" }));
    json_of(devel.post(HOOKS, user).await?, 201)?;
    let before = list().await?;

    let with = |key: &str, value: Value| {
        let mut hook = webhook("http://hooks.tide.example/push");
        hook[key] = value;
        hook
    };
    for (wrong, text) in [
        (with("event", json!("tide")), "Unable to find event: tide"),
        (with("method", json!("owl")), "Unable to find method: owl"),
        (with("config", json!({})), "Missing webhook URL"),
        (webhook("ftp://hooks.tide.example"), "Invalid webhook URL"),
        (webhook("http://localhost/push"), "Invalid webhook URL"),
        (webhook("http://127.0.0.1:8080/push"), "Invalid webhook URL"),
        (
            webhook("http://169.254.169.254/latest"),
            "Invalid webhook URL",
        ),
        (with("config", json!({ "url": 5 })), "Missing webhook URL"),
        (
            with(
                "config",
                json!({ "url": "http://a.example", "template": "{\"a\": \"${}\"}" }),
            ),
            "Empty expression found",
        ),
        (
            with("title", json!("t".repeat(256))),
            "title has at most 255 characters",
        ),
        (target(json!({})), "Missing target"),
        (
            target(json!({ "kind": "user", "name": "ann" })),
            "Unknown user ann",
        ),
        (
            target(json!({ "kind": "org", "name": "acme" })),
            "Unknown organization acme",
        ),
        (
            target(json!({ "kind": "team", "name": "devs" })),
            "Unknown team devs",
        ),
        (with("method", json!("email")), "Missing e-mail address"),
        (
            with("method", json!("hipchat")),
            "Missing Hipchat Room Notification Token",
        ),
    ] {
        let answer = devel.post(HOOKS, wrong.clone()).await?;
        assert_eq!(refusal(answer, 400, "invalid_request")?, text, "{wrong}");
    }
    for wrong in [
        json!({}),
        with("config", json!("text")),
        with("eventConfig", json!(null)),
        with("title", json!(null)),
    ] {
        refusal(devel.post(HOOKS, wrong).await?, 400, "invalid_request")?;
    }
    refusal(server.anonymous().get(HOOKS).await?, 401, "invalid_token")?;
    assert_eq!(list().await?, before);

    // A hook of another repository is not there.
    server.create_repository("devel/other", "private")?;
    let elsewhere = format!("/api/v1/repository/devel/other/notification/{uuid}");
    refusal(devel.get(&elsewhere).await?, 404, "not_found")?;
    for answer in [
        devel.delete(&elsewhere).await?,
        devel.post(&elsewhere, json!({})).await?,
        devel.post(&format!("{elsewhere}/test"), json!({})).await?,
    ] {
        let text = refusal(answer, 400, "invalid_request")?;
        assert_eq!(
            text,
            format!("No repository notification found for: devel, other, {uuid}")
        );
    }

    assert_eq!(devel.delete(&one).await?.status, 204);
    refusal(devel.get(&one).await?, 404, "not_found")?;
    assert_eq!(
        kinds(&devel, "/api/v1/repository/devel/app/logs").await?,
        [
            "delete_repo_notification",
            "add_repo_notification",
            "reset_repo_notification",
            "add_repo_notification",
            "create_repo",
        ]
    );
    Ok(())
}

async fn hooks_of_namespaces_are_about_their_quota(engine: Engine) -> Result<()> {
    let settings = json!({ "FEATURE_QUOTA_MANAGEMENT": true, "FEATURE_QUOTA_NOTIFICATIONS": true });
    let (server, devel) = start(engine, settings).await?;
    let owner = pierhead_testkit::Credentials::new("devel", super::PASSWORD);
    server.create_organization("acme", &owner)?;
    for (base, logs) in [
        (
            "/api/v1/organization/acme/notifications",
            "/api/v1/organization/acme/logs",
        ),
        ("/api/v1/user/namespacenotifications", "/api/v1/user/logs"),
    ] {
        let hook =
            json!({ "event": "quota_warning", "method": "email", "config": {}, "eventConfig": {} });
        let made = json_of(devel.post(base, hook.clone()).await?, 201)?;
        let uuid = made["uuid"].as_str().unwrap();
        assert_eq!(
            made,
            json!({
                "uuid": uuid, "title": null, "event": "quota_warning", "method": "email", "config": {},
                "event_config": {}, "number_of_failures": 0,
            })
        );
        let listed = json!({ "notifications": [made] });
        assert_eq!(json_of(devel.get(base).await?, 200)?, listed);
        let mut push = hook.clone();
        push["event"] = json!("repo_push");
        assert_eq!(
            refusal(devel.post(base, push).await?, 400, "invalid_request")?,
            "Invalid event 'repo_push'. Must be one of: quota_error, quota_warning"
        );
        let mut owl = hook;
        owl["method"] = json!("owl");
        assert_eq!(
            refusal(devel.post(base, owl).await?, 400, "invalid_request")?,
            "Unknown notification method 'owl'"
        );
        assert_eq!(json_of(devel.get(base).await?, 200)?, listed);
        let one = format!("{base}/{uuid}");
        assert_eq!(json_of(devel.get(&one).await?, 200)?, made);
        assert_eq!(
            json_of(devel.post(&format!("{one}/test"), json!({})).await?, 200)?,
            json!({})
        );
        assert_eq!(devel.post(&one, json!({})).await?.status, 204);
        assert_eq!(devel.delete(&one).await?.status, 204);
        for answer in [
            devel.get(&one).await?,
            devel.post(&one, json!({})).await?,
            devel.delete(&one).await?,
            devel.post(&format!("{one}/test"), json!({})).await?,
        ] {
            refusal(answer, 404, "not_found")?;
        }
        refusal(server.anonymous().get(base).await?, 401, "invalid_token")?;
        assert_eq!(
            kinds(&devel, logs).await?[..3],
            [
                "delete_namespace_notification",
                "reset_namespace_notification",
                "create_namespace_notification",
            ]
        );
    }
    Ok(())
}

on_engines! {
    hooks_of_a_repository_are_made_tested_and_deleted
    hooks_of_namespaces_are_about_their_quota
}
