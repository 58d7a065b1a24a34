//! Build triggers.

use pierhead_testkit::{Client, Credentials};
use reqwest::Method;

use super::{Engine, PASSWORD, Result, Value, json, json_of, kinds, refusal, start};

const TRIGGERS: &str = "/api/v1/repository/devel/app/trigger/";
const COMMIT: &str = "42d4a62c53350993ea41069e9f2cfdefb0df097d";

async fn a_custom_trigger_is_set_up_and_builds_what_is_pushed(engine: Engine) -> Result<()> {
    let (server, devel) = start(engine, json!({})).await?;
    assert_eq!(
        json_of(devel.get(TRIGGERS).await?, 200)?,
        json!({ "triggers": [] })
    );
    let by_token = devel.get("/customtrigger/setup/devel/app").await?;
    assert_eq!(by_token.status, 401);
    let browser = server.signed_in("devel", PASSWORD).await?;
    let set_up = browser.get("/customtrigger/setup/devel/app").await?;
    assert_eq!(set_up.status, 302);
    let page = set_up.header("location")?.to_owned();
    let uuid = page.strip_prefix("/repository/devel/app/trigger/").unwrap();
    let one = format!("{TRIGGERS}{uuid}");
    let fresh = json!({
        "id": uuid, "service": "custom-git", "is_active": false, "build_source": null, "repository_url": null,
        "config": {}, "can_invoke": true, "enabled": true, "disabled_reason": null,
    });
    assert_eq!(json_of(devel.get(&one).await?, 200)?, fresh);

    let text = refusal(
        devel.put(&one, json!({ "enabled": false })).await?,
        400,
        "invalid_request",
    )?;
    assert_eq!(text, "Cannot update an unactivated trigger");
    let start_path = format!("{one}/start");
    let text = refusal(
        devel
            .post(&start_path, json!({ "commit_sha": COMMIT }))
            .await?,
        400,
        "invalid_request",
    )?;
    assert_eq!(text, "Trigger is not active.");
    let analyzed = devel
        .post(&format!("{one}/analyze"), json!({ "config": {} }))
        .await?;
    assert_eq!(
        json_of(analyzed, 200)?,
        json!({ "status": "notimplemented" })
    );
    // A plain git repository has nobody to ask what there is.
    let (anywhere, at) = (json!({ "namespace": "ops" }), |path: &str| {
        format!("{one}/{path}")
    });
    for answer in [
        devel.post(&at("subdir"), json!({})).await?,
        devel.post(&at("sources"), anywhere).await?,
        devel.get(&at("namespaces")).await?,
        devel.post(&at("fields/refs"), json!({})).await?,
    ] {
        assert_eq!(json_of(answer, 501)?, json!({ "message": "" }));
    }
    for answer in [
        devel.post(&format!("{one}/activate"), json!({})).await?,
        devel
            .post(&format!("{one}/activate"), json!({ "config": "text" }))
            .await?,
        devel.post(&format!("{one}/sources"), json!({})).await?,
    ] {
        refusal(answer, 400, "invalid_request")?;
    }
    assert_eq!(json_of(devel.get(&one).await?, 200)?, fresh);

    let config = json!({
        "build_source": "git@git.tide.example:ops/ledger.git", "dockerfile_path": "/Dockerfile", "context": "/",
        "branchtag_regex": "heads/main",
    });
    let activate = json!({ "config": config });
    let active = json_of(
        devel
            .post(&format!("{one}/activate"), activate.clone())
            .await?,
        200,
    )?;
    assert_eq!(active["is_active"], true);
    assert_eq!(
        active["build_source"],
        "git@git.tide.example:ops/ledger.git"
    );
    let credentials = active["config"]["credentials"].as_array().unwrap();
    assert_eq!(credentials[0]["name"], "SSH Public Key");
    assert!(
        credentials[0]["value"]
            .as_str()
            .unwrap()
            .starts_with("ssh-rsa AAAAB3NzaC1yc2E")
    );
    assert_eq!(credentials[1]["name"], "Webhook Endpoint URL");
    let webhook = credentials[1]["value"].as_str().unwrap();
    let (token, address) = webhook
        .split_once("$token:")
        .unwrap()
        .1
        .split_once('@')
        .unwrap();
    assert!(
        address.ends_with(&format!("/webhooks/push/trigger/{uuid}")),
        "{address}"
    );
    assert_eq!(token.len(), 64);
    let text = refusal(
        devel.post(&format!("{one}/activate"), activate).await?,
        400,
        "invalid_request",
    )?;
    assert_eq!(text, "Trigger config is not sufficient for activation.");

    // By hand.
    for (wrong, text) in [
        (json!({}), "missing required parameter"),
        (
            json!({ "commit_sha": "main" }),
            "commit must be at least 7 hexadecimal digits",
        ),
    ] {
        let answer = devel.post(&start_path, wrong).await?;
        assert_eq!(refusal(answer, 400, "invalid_request")?, text);
    }
    let unknown = devel
        .post(&start_path, json!({ "commit_sha": COMMIT, "tide": 1 }))
        .await?;
    refusal(unknown, 400, "invalid_request")?;
    let built = json_of(
        devel
            .post(&start_path, json!({ "commit_sha": COMMIT }))
            .await?,
        201,
    )?;
    assert_eq!(built["display_name"], "42d4a62");
    assert_eq!(built["tags"], json!(["42d4a62"]));
    assert_eq!(built["trigger"]["id"], uuid);
    assert_eq!(
        built["trigger_metadata"],
        json!({ "commit": COMMIT, "git_url": "git@git.tide.example:ops/ledger.git" })
    );

    // By a push.
    let address = format!("{}/webhooks/push/trigger/{uuid}", server.base_url());
    let git = Client::new(&server, None);
    let push = async |user: &str, password: &str, body: &Value| {
        let request = git
            .request("POST", &address)?
            .basic_auth(user, Some(password))
            .json(body);
        git.execute_plain(request).await
    };
    let commit = |branch: &str| json!({ "commit": COMMIT, "ref": format!("refs/heads/{branch}"), "default_branch": "main" });
    assert_eq!(push("$token", token, &commit("main")).await?.text(), "Okay");
    assert_eq!(
        push("$token", token, &commit("other")).await?.text(),
        "Okay"
    );
    assert_eq!(push("$token", token, &json!({})).await?.status, 400);
    assert_eq!(
        push("$token", &token.to_lowercase(), &commit("main"))
            .await?
            .status,
        403
    );
    // Another site could make a browser send this.
    let path = format!("/webhooks/push/trigger/{uuid}");
    let report = browser.post(&path, commit("main")).await?;
    assert_eq!(report.status, 403);
    let eve: Credentials = server.create_user("eve")?;
    assert_eq!(
        push("eve", eve.password(), &commit("main")).await?.status,
        403
    );
    let anonymous = git.request("POST", &address)?.json(&commit("main"));
    assert_eq!(git.execute_plain(anonymous).await?.status, 403);
    let elsewhere = format!("{}/webhooks/push/trigger/none", server.base_url());
    let lost = git.request("POST", &elsewhere)?.json(&commit("main"));
    assert_eq!(git.execute_plain(lost).await?.status, 404);
    let recent = json_of(devel.get(&format!("{one}/builds")).await?, 200)?;
    let builds = recent["builds"].as_array().unwrap();
    assert_eq!(builds.len(), 2);
    assert_eq!(builds[0]["tags"], json!(["latest", "main"]));
    assert_eq!(builds[0]["manual_user"], json!(null));

    // Switched off it builds nothing.
    let off = json_of(devel.put(&one, json!({ "enabled": false })).await?, 200)?;
    assert_eq!(
        off,
        json!({
            "id": uuid, "service": "custom-git", "is_active": true, "build_source": null, "repository_url": null,
            "config": {}, "can_invoke": false, "enabled": false, "disabled_reason": "user_toggled",
        })
    );
    assert_eq!(push("$token", token, &commit("main")).await?.status, 400);
    let text = refusal(
        devel
            .post(&start_path, json!({ "commit_sha": COMMIT }))
            .await?,
        400,
        "invalid_request",
    )?;
    assert_eq!(text, "Trigger is not enabled.");
    json_of(devel.put(&one, json!({ "enabled": true })).await?, 200)?;

    let nobody = server.anonymous();
    refusal(nobody.get(TRIGGERS).await?, 401, "invalid_token")?;
    let page = nobody.get("/customtrigger/setup/devel/app").await?;
    let text = "Method requires login and no valid login could be loaded.";
    assert_eq!(json_of(page, 401)?, json!({ "error": text }));
    let page = browser.get("/customtrigger/setup/devel/none").await?;
    let text = "Invalid repository: devel/none";
    assert_eq!(json_of(page, 404)?, json!({ "error": text }));
    assert_eq!(devel.delete(&one).await?.status, 204);
    refusal(devel.get(&one).await?, 404, "not_found")?;
    // Its builds stay, its token does not.
    let kept = json_of(devel.get("/api/v1/repository/devel/app/build/").await?, 200)?;
    assert_eq!(kept["builds"].as_array().unwrap().len(), 2);
    assert_eq!(kept["builds"][0]["trigger"], json!(null));
    assert_eq!(push("$token", token, &commit("main")).await?.status, 404);
    let gone = devel
        .call(Method::GET, &format!("{one}/builds"), None)
        .await?;
    assert_eq!(json_of(gone, 200)?, json!({ "builds": [] }));
    assert_eq!(
        kinds(&devel, "/api/v1/repository/devel/app/logs").await?,
        [
            "delete_repo_trigger",
            "toggle_repo_trigger",
            "toggle_repo_trigger",
            "build_dockerfile",
            "build_dockerfile",
            "setup_repo_trigger",
            "create_repo",
        ]
    );
    Ok(())
}

on_engines! {
    a_custom_trigger_is_set_up_and_builds_what_is_pushed
}
