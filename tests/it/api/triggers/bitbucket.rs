//! Triggers of Bitbucket.

use pierhead_testkit::{Engine, Result};
use serde_json::{Value, json};

use super::mock_bitbucket::{ACCESS, KEY, MESSAGE, MockBitbucket, REQUEST, SECRET, VERIFIER, push};
use super::{
    COMMIT, Installation, Reporter, TAGGED, assert_not_logged, builds, json_of, log, made,
    namespaces, path_of, refused, start, stored_token, values,
};

async fn a_trigger_of_bitbucket_is_set_up_and_builds(engine: Engine) -> Result<()> {
    let bitbucket = MockBitbucket::start();
    let base = bitbucket.server.base().to_owned();
    let config = json!({
        "FEATURE_BITBUCKET_BUILD": true,
        "REGISTRY_TITLE": "Tide Registry",
        "REGISTRY_TITLE_SHORT": "Tide",
        "BITBUCKET_TRIGGER_CONFIG": {
            "CONSUMER_KEY": KEY, "CONSUMER_SECRET": SECRET, "BITBUCKET_ENDPOINT": base, "API_ENDPOINT": base,
        },
    });
    let (site, browser) = start(engine, config).await?;
    let set_up = "/bitbucket/setup/devel/app";
    assert_eq!(site.api.get(set_up).await?.status, 401);
    assert_eq!(site.server.anonymous().get(set_up).await?.status, 401);
    let eve = site.server.create_user("eve")?;
    let other = site.server.signed_in("eve", eve.password()).await?;
    assert_eq!(other.get(set_up).await?.status, 403);

    // Whose verifier does not count has no trigger.
    let page = format!(
        "{base}/api/1.0/oauth/authenticate?oauth_token={}",
        REQUEST.0
    );
    let list = "/api/v1/repository/devel/app/trigger/";
    let only = async || -> Result<String> {
        let triggers = site.get(list).await?;
        assert_eq!(triggers["triggers"].as_array().unwrap().len(), 1);
        Ok(triggers["triggers"][0]["id"].as_str().unwrap().to_owned())
    };
    let sent = browser.get(set_up).await?;
    assert_eq!(
        (sent.status.as_u16(), sent.header("location")?),
        (302, &*page)
    );
    let callback = format!("/oauth1/bitbucket/callback/trigger/{}", only().await?);
    let agreed = format!(
        "{callback}?oauth_verifier={VERIFIER}&oauth_token={}",
        REQUEST.0
    );
    assert_eq!(site.api.get(&agreed).await?.status, 401);
    assert_eq!(other.get(&agreed).await?.status, 404);
    let late = browser.get(&format!("{callback}?oauth_verifier=1")).await?;
    assert_eq!(
        (late.status.as_u16(), &*late.text()),
        (200, "Token has expired")
    );
    assert_eq!(site.get(list).await?, json!({ "triggers": [] }));
    let gone = json_of(browser.get(&agreed).await?, 404)?;
    assert_eq!(gone, json!({ "error": "Not Found" }));

    browser.get(set_up).await?;
    let uuid = only().await?;
    let agreed = format!("/oauth1/bitbucket/callback/trigger/{uuid}?oauth_verifier={VERIFIER}");
    // Bitbucket that fails has not refused.
    bitbucket.change(|state| state.busy = true);
    json_of(browser.get(&agreed).await?, 502)?;
    assert_eq!(only().await?, uuid);
    bitbucket.change(|state| state.busy = false);
    assert_eq!(made(&browser.get(&agreed).await?)?, uuid);
    // The verifier counts once, but the page can be loaded again.
    bitbucket.server.asked();
    assert_eq!(made(&browser.get(&agreed).await?)?, uuid);
    assert!(bitbucket.server.asked().is_empty());
    let one = path_of(&uuid);
    let fresh = site.get(&one).await?;
    assert_eq!(fresh["service"], "bitbucket");
    assert_eq!(
        fresh["config"],
        json!({
            "access_token": REQUEST.0, "account_id": "557058:1", "nickname": "anna",
        })
    );
    if let Some(stored) = stored_token(&site)? {
        assert!(stored.starts_with("v0$$"), "{stored}");
    }

    assert_eq!(
        namespaces(&site, &one).await?,
        json!([
            { "personal": true, "id": "anna", "title": "Anna's", "avatar_url": null, "url": format!("{base}/anna"), "score": 1 },
            { "personal": false, "id": "tide", "title": "tide", "avatar_url": "https://avatar/tide",
              "url": format!("{base}/tide"), "score": 1 },
        ])
    );
    let sources = format!("{one}/sources");
    let tide = site
        .post(&sources, json!({ "namespace": "tide" }), 200)
        .await?;
    assert_eq!(
        tide["sources"][0],
        json!({
            "name": "ledger", "full_name": "tide/ledger", "description": "Books", "last_updated": 1_438_937_940,
            "url": format!("{base}/tide/ledger"), "has_admin_permissions": true, "private": true,
        })
    );
    assert_eq!(tide["sources"][1]["has_admin_permissions"], false);
    let text = refused(&site, &sources, Some(json!({ "namespace": "none" })), 400).await?;
    assert!(
        text.starts_with("Could not read repository list: "),
        "{text}"
    );
    let branches = values(&site, &one, "branch_name", "tide/ledger").await?;
    assert_eq!(branches.as_array().unwrap().len(), 30);
    assert_eq!(
        values(&site, &one, "tag_name", "tide/ledger").await?,
        json!(["v1"])
    );
    let refs = values(&site, &one, "refs", "tide/ledger").await?;
    let refs = refs.as_array().unwrap();
    assert_eq!(refs.len(), 123);
    assert_eq!(refs[122], json!({ "kind": "tag", "name": "v1" }));
    for nowhere in ["", "tide/none"] {
        let nowhere = json!({ "build_source": nowhere });
        refused(&site, &format!("{one}/fields/refs"), Some(nowhere), 404).await?;
    }
    let subdirs = format!("{one}/subdir");
    let found = site
        .post(&subdirs, json!({ "build_source": "tide/ledger" }), 200)
        .await?;
    assert_eq!(
        found,
        json!({
            "status": "success", "dockerfile_paths": ["/Dockerfile"], "contextMap": { "/Dockerfile": ["/"] },
        })
    );
    let found = site
        .post(&subdirs, json!({ "build_source": "tide/none" }), 200)
        .await?;
    assert_eq!(
        found,
        json!({ "status": "error", "message": "Repository not found" })
    );
    for (path, status) in [
        ("/web/Dockerfile", "publicbase"),
        ("/Dockerfile", "warning"),
    ] {
        let config =
            json!({ "build_source": "tide/ledger", "dockerfile_path": path, "context": "/" });
        let found = site
            .post(&format!("{one}/analyze"), json!({ "config": config }), 200)
            .await?;
        assert_eq!(found["status"], status, "{found}");
    }

    let config = json!({
        "build_source": "tide/ledger", "dockerfile_path": "/Dockerfile", "context": "/",
        "branchtag_regex": "(heads/main|tags/.*)",
    });
    let activate = format!("{one}/activate");
    bitbucket.change(|state| state.guarded = true);
    let text = refused(&site, &activate, Some(json!({ "config": config })), 400).await?;
    assert_eq!(
        text,
        "Unable to add webhook to repository: Bitbucket answered 403 Forbidden: No access"
    );
    bitbucket.change(|state| {
        assert!(state.keys.is_empty());
        state.guarded = false;
        state.confused = true;
    });
    let text = refused(&site, &activate, Some(json!({ "config": config })), 400).await?;
    assert_eq!(
        text,
        "Unable to add deploy key to repository: Bitbucket answered 502 Bad Gateway"
    );
    bitbucket.change(|state| {
        assert!(state.keys.is_empty());
        state.confused = false;
    });
    bitbucket.server.asked();
    let active = site
        .post(&activate, json!({ "config": config }), 200)
        .await?;
    let ledger = "/2.0/repositories/tide/ledger";
    assert_eq!(
        bitbucket.server.asked(),
        [
            format!("POST {ledger}/deploy-keys"),
            format!("POST {ledger}/hooks"),
        ]
    );
    assert_eq!(active["is_active"], true);
    assert_eq!(active["repository_url"], format!("{base}/tide/ledger"));
    assert_eq!(active["config"]["deploy_key_id"], 31);
    assert_eq!(active["config"]["webhook_id"], "{6c1f}");
    let mut webhook = String::new();
    bitbucket.change(|state| {
        state.hooks[0].1["url"]
            .as_str()
            .unwrap()
            .clone_into(&mut webhook);
    });

    bitbucket.server.asked();
    assert_eq!(made(&browser.get(&agreed).await?)?, uuid);
    assert!(bitbucket.server.asked().is_empty());
    assert_eq!(site.get(&one).await?["is_active"], true);

    by_hand(&site, &one).await?;
    bitbucket.server.asked();
    by_push(&site, &bitbucket, &one, &Reporter::of(&site, &webhook)).await?;

    site.delete(&one, 204).await?;
    assert_eq!(
        bitbucket.server.asked(),
        [
            format!("DELETE {ledger}/hooks/%7B6c1f%7D"),
            format!("DELETE {ledger}/deploy-keys/31"),
        ]
    );
    bitbucket.change(|state| {
        assert!(state.hooks.is_empty() && state.keys.is_empty());
        state.gone = true;
    });
    let away = json_of(browser.get(set_up).await?, 502)?;
    assert!(
        away["error"]
            .as_str()
            .unwrap()
            .starts_with("Request to the Bitbucket API failed")
    );
    assert_eq!(site.get(list).await?, json!({ "triggers": [] }));
    assert_eq!(log(&site).await?[0], "delete_repo_trigger");
    assert_not_logged(
        &site,
        &[
            SECRET,
            REQUEST.1,
            ACCESS.0,
            ACCESS.1,
            webhook.split('@').next().unwrap(),
        ],
    );
    Ok(())
}

/// A browser may ask for the page twice at once, and the verifier counts once.
async fn who_comes_second_with_a_verifier_is_led_to_the_trigger(engine: Engine) -> Result<()> {
    let bitbucket = MockBitbucket::start();
    let base = bitbucket.server.base().to_owned();
    let config = json!({
        "FEATURE_BITBUCKET_BUILD": true,
        "BITBUCKET_TRIGGER_CONFIG": {
            "CONSUMER_KEY": KEY, "CONSUMER_SECRET": SECRET, "BITBUCKET_ENDPOINT": base, "API_ENDPOINT": base,
        },
    });
    let (site, browser) = start(engine, config).await?;
    browser.get("/bitbucket/setup/devel/app").await?;
    let list = "/api/v1/repository/devel/app/trigger/";
    let triggers = site.get(list).await?;
    let uuid = triggers["triggers"][0]["id"].as_str().unwrap().to_owned();
    let agreed = format!("/oauth1/bitbucket/callback/trigger/{uuid}?oauth_verifier={VERIFIER}");

    let mut exchange = bitbucket.server.hold("POST /api/1.0/oauth/access_token");
    let faster = async {
        exchange.reached().await;
        let faster = browser.get(&agreed).await;
        bitbucket.change(|state| state.used = true);
        drop(exchange);
        faster
    };
    let (slower, faster) = tokio::join!(browser.get(&agreed), faster);
    assert_eq!(made(&faster?)?, uuid);
    assert_eq!(made(&slower?)?, uuid);
    let asked = bitbucket.server.asked();
    let exchanges = asked
        .iter()
        .filter(|line| line.ends_with("/oauth/access_token"));
    assert_eq!(exchanges.count(), 2);
    assert_eq!(
        site.get(&path_of(&uuid)).await?["config"]["nickname"],
        "anna"
    );
    Ok(())
}

async fn by_hand(site: &Installation, one: &str) -> Result<()> {
    let start = format!("{one}/start");
    let built = site.post(&start, json!({}), 201).await?;
    assert_eq!(built["tags"], json!(["latest", "main"]));
    let page = built["trigger"]["repository_url"].as_str().unwrap();
    assert_eq!(
        built["trigger_metadata"],
        json!({
            "commit": COMMIT, "ref": "refs/heads/main", "default_branch": "main", "git_url": "git@bitbucket.org:tide/ledger.git",
            "commit_info": {
                "url": format!("{page}/commits/{COMMIT}"), "message": MESSAGE, "date": "2018-08-15T23:50:59+00:00",
                "author": { "username": "Anna", "avatar_url": "https://avatar/anna" },
            },
        })
    );
    let branch = site
        .post(&start, json!({ "branch_name": "feature/x" }), 201)
        .await?;
    assert_eq!(branch["trigger_metadata"]["ref"], "refs/heads/feature/x");
    let tag = json!({ "refs": { "kind": "tag", "name": "v1" } });
    let tag = site.post(&start, tag, 201).await?;
    assert_eq!(tag["trigger_metadata"]["commit"], TAGGED);
    for (wrong, text) in [
        (
            json!({ "branch_name": "none" }),
            "Could not find branch in repository",
        ),
        (
            json!({ "refs": { "kind": "tag", "name": "none" } }),
            "Could not find tag in repository",
        ),
    ] {
        assert_eq!(refused(site, &start, Some(wrong), 400).await?, text);
    }
    Ok(())
}

async fn by_push(
    site: &Installation,
    bitbucket: &MockBitbucket,
    one: &str,
    hook: &Reporter,
) -> Result<()> {
    let before = builds(site, one).await?.len();
    hook.taken(&push("main", "Work")).await?;
    assert_eq!(
        bitbucket.server.asked(),
        ["GET /2.0/repositories/tide/ledger"]
    );
    let found = builds(site, one).await?;
    assert_eq!(found.len(), before + 1);
    assert_eq!(found[0]["tags"], json!(["latest", "main"]));
    assert_eq!(
        found[0]["trigger_metadata"],
        json!({
            "commit": COMMIT, "ref": "refs/heads/main", "default_branch": "main", "git_url": "git@bitbucket.org:tide/ledger.git",
            "commit_info": {
                "url": "https://bitbucket/c", "message": "Work", "date": "2026-08-04T10:00:00+00:00",
                "author": { "username": "Anna", "avatar_url": "https://avatar/anna" },
                "committer": { "username": "Bo", "avatar_url": "https://avatar/bo" },
            },
        })
    );
    hook.taken(&push("dev", "Work")).await?;
    hook.taken(&push("main", "Docs [build skip]")).await?;
    let mut deleted = push("main", "Work");
    deleted["push"]["changes"][0]["new"] = Value::Null;
    hook.taken(&deleted).await?;
    let mut report = push("main", "Work");
    report["push"]["changes"][0]["new"]["target"]
        .as_object_mut()
        .unwrap()
        .remove("hash");
    assert_eq!(
        hook.refused(&report, 400).await?,
        "'hash' is a required property"
    );
    assert_eq!(
        hook.refused(&json!({}), 400).await?,
        "'push' is a required property"
    );
    assert_eq!(builds(site, one).await?.len(), before + 1);
    // Built even if Bitbucket tells nothing more.
    bitbucket.change(|state| state.gone = true);
    hook.taken(&push("main", "Gone")).await?;
    bitbucket.change(|state| state.gone = false);
    let found = builds(site, one).await?;
    assert_eq!(found.len(), before + 2);
    assert_eq!(found[0]["tags"], json!(["main"]));
    bitbucket.server.asked();
    Ok(())
}

on_engines! {
    a_trigger_of_bitbucket_is_set_up_and_builds
    who_comes_second_with_a_verifier_is_led_to_the_trigger
}
