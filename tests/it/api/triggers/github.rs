//! Triggers of GitHub.

use std::time::Duration;

use pierhead_testkit::{Engine, Result};
use reqwest::Method;
use serde_json::{Value, json};

use super::mock_github::{CODE, MESSAGE, MockGitHub, SECRET, TOKEN, push};
use super::{
    COMMIT, Installation, Reporter, TAGGED, assert_not_logged, builds, json_of, log, made,
    namespaces, path_of, refused, start, stored_token, values,
};

async fn a_trigger_of_github_is_set_up_and_builds(engine: Engine) -> Result<()> {
    let github = MockGitHub::start();
    let (site, browser) = start(engine, github.config()).await?;
    let callback = "/oauth2/github/callback/trigger/devel/app";

    // Only a person in a browser may, with a code that counts.
    let good = format!("{callback}?code={CODE}");
    let text = "Method requires login and no valid login could be loaded.";
    for nobody in [site.api.get(&good), site.server.anonymous().get(&good)] {
        assert_eq!(json_of(nobody.await?, 401)?, json!({ "error": text }));
    }
    let eve = site.server.create_user("eve")?;
    let other = site.server.signed_in("eve", eve.password()).await?;
    assert_eq!(
        json_of(other.get(&good).await?, 403)?,
        json!({ "error": "Permission Denied" })
    );
    let codeless = json_of(browser.get(callback).await?, 400)?;
    assert!(codeless["error"].as_str().unwrap().contains("no code"));
    let expired = json_of(browser.get(&format!("{callback}?code=old")).await?, 404)?;
    assert_eq!(
        expired,
        json!({ "error": "Could not exchange token. It may have expired." })
    );
    let list = "/api/v1/repository/devel/app/trigger/";
    assert_eq!(site.get(list).await?, json!({ "triggers": [] }));
    assert_eq!(github.server.asked(), ["POST /login/oauth/access_token"]);
    let uuid = made(&browser.get(&good).await?)?;
    assert_eq!(github.server.asked(), ["POST /login/oauth/access_token"]);
    let one = path_of(&uuid);
    let fresh = json!({
        "id": uuid, "service": "github", "is_active": false, "build_source": null, "repository_url": null,
        "config": {}, "can_invoke": true, "enabled": true, "disabled_reason": null,
    });
    assert_eq!(site.get(&one).await?, fresh);
    if let Some(stored) = stored_token(&site)? {
        assert!(
            stored.starts_with("v0$$") && !stored.contains(TOKEN),
            "{stored}"
        );
    }

    // What the console asks.
    assert_eq!(
        namespaces(&site, &one).await?,
        json!([
            { "personal": true, "id": "octo", "title": "Mona Octocat", "avatar_url": "https://avatar/octo",
              "url": "https://github/octo", "score": 20 },
            { "personal": false, "id": "tide", "title": "tide", "avatar_url": "https://avatar/tide", "url": "", "score": 0 },
        ])
    );
    let sources = format!("{one}/sources");
    let own = site
        .post(&sources, json!({ "namespace": "octo" }), 200)
        .await?;
    assert_eq!(
        own,
        json!({ "sources": [
        { "name": "ledger", "full_name": "octo/ledger", "description": "Books", "last_updated": 1_296_068_803,
          "url": "https://github/octo/ledger", "has_admin_permissions": true, "private": true },
        { "name": "empty", "full_name": "octo/empty", "description": "", "last_updated": 0,
          "url": "https://github/octo/empty", "has_admin_permissions": true, "private": false },
    ] })
    );
    let tide = site
        .post(&sources, json!({ "namespace": "tide" }), 200)
        .await?;
    assert_eq!(tide["sources"][0]["full_name"], "tide/charts");
    let nobodys = site
        .post(&sources, json!({ "namespace": "nobody" }), 200)
        .await?;
    assert_eq!(nobodys, json!({ "sources": [] }));
    let branches = values(&site, &one, "branch_name", "octo/ledger").await?;
    let branches = branches.as_array().unwrap().clone();
    assert_eq!(branches.len(), 30);
    assert_eq!(
        branches[..3],
        [json!("main"), json!("dev"), json!("feature/x")]
    );
    assert_eq!(
        values(&site, &one, "tag_name", "octo/ledger").await?,
        json!(["v1"])
    );
    let refs = values(&site, &one, "refs", "octo/ledger").await?;
    let refs = refs.as_array().unwrap();
    assert_eq!(refs.len(), 124);
    assert_eq!(refs[0], json!({ "kind": "branch", "name": "main" }));
    assert_eq!(refs[123], json!({ "kind": "tag", "name": "v1" }));
    assert_eq!(
        values(&site, &one, "branch_name", "octo/none").await?,
        json!(["master"])
    );
    assert_eq!(values(&site, &one, "refs", "").await?, json!([]));
    refused(
        &site,
        &format!("{one}/fields/colour"),
        Some(json!({ "build_source": "octo/ledger" })),
        404,
    )
    .await?;
    let subdirs = format!("{one}/subdir");
    let found = site
        .post(&subdirs, json!({ "build_source": "octo/ledger" }), 200)
        .await?;
    assert_eq!(
        found,
        json!({
            "status": "success",
            "dockerfile_paths": ["/Dockerfile", "/web/web.Dockerfile"],
            "contextMap": { "/Dockerfile": ["/"], "/web/web.Dockerfile": ["/web", "/"] },
        })
    );
    let empty = site
        .post(&subdirs, json!({ "build_source": "octo/empty" }), 200)
        .await?;
    assert_eq!(
        empty,
        json!({ "status": "success", "dockerfile_paths": [], "contextMap": {} })
    );
    let chosen = json!({ "build_source": "octo/ledger", "branchtag_regex": "heads/dev" });
    let lost = site.post(&subdirs, chosen, 200).await?;
    assert_eq!(
        lost,
        json!({ "status": "success", "dockerfile_paths": [], "contextMap": {} })
    );
    for wrong in ["octo", "octo/../user", "octo/none"] {
        let found = site
            .post(&subdirs, json!({ "build_source": wrong }), 200)
            .await?;
        assert_eq!(found["status"], "error", "{wrong}: {found}");
    }
    // A token of somebody who did not set it up shows nothing, even of an administrator.
    site.server.permit("devel/app", "user", "eve", "admin")?;
    assert_eq!(other.get(&format!("{one}/namespaces")).await?.status, 403);
    github.server.asked();

    analysis(&site, &github, &one).await?;

    // Activation that GitHub refuses leaves nothing.
    let config = json!({
        "build_source": "octo/ledger", "dockerfile_path": "/web/web.Dockerfile", "context": "/",
        "branchtag_regex": "(heads/main|tags/.*)",
    });
    let activate = format!("{one}/activate");
    let text = refused(&site, &activate, Some(json!({ "config": {} })), 400).await?;
    assert_eq!(text, "config needs a build_source");
    let nowhere = json!({ "config": { "build_source": "octo/none" } });
    let text = refused(&site, &activate, Some(nowhere), 400).await?;
    assert_eq!(
        text,
        "Unable to find GitHub repository for source: octo/none"
    );
    github.change(|state| state.full = true);
    let text = refused(&site, &activate, Some(json!({ "config": config })), 400).await?;
    assert_eq!(text, "The \"push\" event cannot have more than 20 hooks");
    assert_eq!(site.get(&one).await?, fresh);
    github.change(|state| {
        assert!(state.keys.is_empty());
        state.full = false;
        state.archived = true;
    });
    let text = refused(&site, &activate, Some(json!({ "config": config })), 400).await?;
    assert_eq!(text, "Unable to add deploy key to repository: octo/ledger");
    github.change(|state| state.archived = false);
    // Neither does one of which GitHub does not say how it ended.
    for nameless in [false, true] {
        github.change(|state| (state.silent, state.nameless) = (!nameless, nameless));
        refused(&site, &activate, Some(json!({ "config": config })), 520).await?;
        github.change(|state| assert!(state.keys.is_empty() && state.hooks.is_empty()));
    }
    github.change(|state| state.nameless = false);
    assert_eq!(site.get(&one).await?, fresh);
    github.server.asked();

    let active = site
        .post(&activate, json!({ "config": config }), 200)
        .await?;
    assert_eq!(
        github.server.asked(),
        [
            "GET /api/v3/repos/octo/ledger",
            "POST /api/v3/repos/octo/ledger/keys",
            "POST /api/v3/repos/octo/ledger/hooks",
        ]
    );
    assert_eq!(active["is_active"], true);
    assert_eq!(active["build_source"], "octo/ledger");
    assert_eq!(
        active["repository_url"],
        format!("{}/octo/ledger", github.server.base())
    );
    let stored = &active["config"];
    assert_eq!(stored["hook_id"], 7);
    assert_eq!(stored["deploy_key_id"], 100);
    assert_eq!(stored["master_branch"], "main");
    let credentials = stored["credentials"].as_array().unwrap();
    assert_eq!(credentials.len(), 1);
    assert_eq!(credentials[0]["name"], "SSH Public Key");
    let mut webhook = String::new();
    github.change(|state| {
        assert_eq!(state.keys[0].1["key"], credentials[0]["value"]);
        state.hooks[0].1["config"]["url"]
            .as_str()
            .unwrap()
            .clone_into(&mut webhook);
    });
    let text = refused(&site, &activate, Some(json!({ "config": config })), 400).await?;
    assert_eq!(text, "Trigger config is not sufficient for activation.");
    if let Some(audited) = site.audited("setup_repo_trigger")? {
        assert_eq!(audited["service"], "github");
        assert_eq!(audited["config"]["hook_id"], 7);
        assert_eq!(audited["pull_robot"], Value::Null);
    }

    by_hand(&site, &one).await?;
    github.server.asked();
    by_push(&site, &github, &one, &webhook).await?;

    // What GitHub cannot answer is its failure, which a trigger survives: its webhook may still report pushes. What GitHub
    // refuses it will refuse from now on.
    github.change(|state| state.gone = true);
    let text = refused(&site, &format!("{one}/namespaces"), None, 520).await?;
    assert!(
        text.starts_with("Request to the GitHub API failed"),
        "{text}"
    );
    site.call(Method::DELETE, &one, None, 520).await?;
    assert_eq!(site.get(&one).await?["is_active"], true);
    github.change(|state| {
        state.gone = false;
        state.revoked = true;
    });
    let text = refused(&site, &format!("{one}/namespaces"), None, 400).await?;
    assert!(text.contains("Bad credentials"), "{text}");
    let text = refused(&site, &format!("{one}/start"), Some(json!({})), 400).await?;
    assert_eq!(text, "Unable to start build trigger");
    github.change(|state| state.revoked = false);
    github.server.asked();
    site.delete(&one, 204).await?;
    assert_eq!(
        github.server.asked(),
        [
            "DELETE /api/v3/repos/octo/ledger/hooks/7",
            "DELETE /api/v3/repos/octo/ledger/keys/100",
        ]
    );
    let second = made(&browser.get(&good).await?)?;
    let one = path_of(&second);
    site.post(&format!("{one}/activate"), json!({ "config": config }), 200)
        .await?;
    github.change(|state| state.revoked = true);
    site.delete(&one, 204).await?;
    site.call(Method::GET, &one, None, 404).await?;
    let kinds = log(&site).await?;
    assert_eq!(
        kinds[..3],
        [
            "delete_repo_trigger",
            "setup_repo_trigger",
            "delete_repo_trigger"
        ]
    );
    assert_not_logged(
        &site,
        &[
            TOKEN,
            SECRET,
            CODE,
            "ssh-rsa",
            webhook.split('@').next().unwrap(),
        ],
    );
    Ok(())
}

async fn analysis(site: &Installation, github: &MockGitHub, one: &str) -> Result<()> {
    site.server.create_robot("devel+puller")?;
    site.server.create_robot("devel+other")?;
    site.server.create_repository("devel/base", "private")?;
    site.server
        .permit("devel/base", "robot", "devel+puller", "read")?;
    site.server.create_repository("devel/open", "public")?;
    let analyze = async |dockerfile: &str, context: &str, path: &str| {
        github.change(|state| dockerfile.clone_into(&mut state.dockerfile));
        let config =
            json!({ "build_source": "octo/ledger", "dockerfile_path": path, "context": context });
        site.post(&format!("{one}/analyze"), json!({ "config": config }), 200)
            .await
    };
    let robots = |can_read: bool| {
        json!([
            { "name": "devel+other", "kind": "user", "is_robot": true, "can_read": false },
            { "name": "devel+puller", "kind": "user", "is_robot": true, "can_read": can_read },
        ])
    };
    let path = "/web/web.Dockerfile";
    let elsewhere = analyze("FROM docker.io/library/alpine", "/", path).await?;
    assert_eq!(
        elsewhere,
        json!({
            "namespace": "devel", "name": null, "robots": robots(false), "status": "publicbase", "message": null,
            "is_admin": true,
        })
    );
    let host = site.server.host();
    let private = analyze(&format!("FROM {host}/devel/base:1 AS build"), "/web", path).await?;
    assert_eq!(
        private,
        json!({
            "namespace": "devel", "name": "base", "robots": robots(true), "status": "requiresrobot", "message": null,
            "is_admin": true,
        })
    );
    let open = analyze(&format!("FROM {host}/devel/open"), "", path).await?;
    assert_eq!(
        (&open["status"], &open["name"]),
        (&json!("publicbase"), &json!("open"))
    );
    for (dockerfile, context, path, status, message) in [
        (
            "FROM a",
            "/",
            "/none",
            "warning",
            "Specified Dockerfile path for the trigger was not found".to_owned(),
        ),
        (
            "FROM a",
            "/",
            "/web",
            "warning",
            "Specified Dockerfile path for the trigger was not found".to_owned(),
        ),
        (
            "FROM a",
            "/api",
            path,
            "error",
            format!("Dockerfile, {path}, is not a child of the context, /api."),
        ),
        (
            "RUN a",
            "/",
            path,
            "warning",
            "No FROM line found in the Dockerfile".to_owned(),
        ),
        (
            &*format!("FROM {host}/devel/none"),
            "/",
            path,
            "error",
            format!(r#"Repository "{host}/devel/none" referenced"#),
        ),
        (
            &*format!("FROM {host}/a/b/c"),
            "/",
            path,
            "warning",
            format!(r#""{host}/a/b/c" is not a valid"#),
        ),
    ] {
        let found = analyze(dockerfile, context, path).await?;
        assert_eq!(found["status"], status, "{found}");
        assert!(
            found["message"].as_str().unwrap().starts_with(&message),
            "{found}"
        );
    }
    let nowhere = json!({ "config": { "build_source": "octo/none" } });
    let found = site.post(&format!("{one}/analyze"), nowhere, 200).await?;
    assert_eq!(
        found,
        json!({ "status": "error", "message": "Could not analyze the repository: Not Found" })
    );
    github.server.asked();
    Ok(())
}

async fn by_hand(site: &Installation, one: &str) -> Result<()> {
    let start = format!("{one}/start");
    let built = site.post(&start, json!({}), 201).await?;
    assert_eq!(built["display_name"], "42d4a62");
    assert_eq!(built["phase"], "waiting");
    assert_eq!(built["manual_user"], "devel");
    assert_eq!(built["tags"], json!(["latest", "main"]));
    assert_eq!(built["trigger"]["id"], one.rsplit('/').next().unwrap());
    assert_eq!(
        built["trigger_metadata"],
        json!({
            "commit": COMMIT, "ref": "refs/heads/main", "default_branch": "main", "git_url": "git@github:octo/ledger.git",
            "commit_info": {
                "url": format!("https://github/octo/ledger/commit/{COMMIT}"), "message": MESSAGE,
                "date": "Thu, 14 Apr 2011 16:00:49 GMT",
                "author": { "username": "octo", "url": "https://github/octo", "avatar_url": "https://avatar/octo" },
            },
        })
    );
    let branch = site
        .post(&start, json!({ "branch_name": "feature/x" }), 201)
        .await?;
    assert_eq!(branch["trigger_metadata"]["ref"], "refs/heads/feature/x");
    assert_eq!(branch["tags"], json!(["feature_x"]));
    let tag = json!({ "refs": { "kind": "tag", "name": "v1" }, "branch_name": "none" });
    let tag = site.post(&start, tag, 201).await?;
    assert_eq!(tag["trigger_metadata"]["commit"], TAGGED);
    assert_eq!(tag["tags"], json!(["v1"]));
    for (wrong, text) in [
        (
            json!({ "branch_name": "none" }),
            "Could not find branch in repository",
        ),
        (
            json!({ "branch_name": ".." }),
            "Could not find branch in repository",
        ),
        (
            json!({ "refs": { "kind": "tag", "name": "none" } }),
            "Could not find tag in repository",
        ),
        (
            json!({ "refs": { "kind": "tag" } }),
            "refs needs kind and name",
        ),
    ] {
        assert_eq!(refused(site, &start, Some(wrong), 400).await?, text);
    }
    assert_eq!(builds(site, one).await?.len(), 3);
    Ok(())
}

async fn by_push(site: &Installation, github: &MockGitHub, one: &str, webhook: &str) -> Result<()> {
    let hook = Reporter::of(site, webhook);
    let before = builds(site, one).await?.len();
    hook.taken(&json!({ "zen": "Keep it logically awesome.", "hook_id": 7 }))
        .await?;
    assert!(github.server.asked().is_empty());
    hook.taken(&push("main", "Work")).await?;
    assert_eq!(
        github.server.asked(),
        ["GET /api/v3/repos/octo/ledger", "GET /api/v3/users/octo"]
    );
    let found = builds(site, one).await?;
    assert_eq!(found.len(), before + 1);
    assert_eq!(found[0]["manual_user"], Value::Null);
    assert_eq!(found[0]["tags"], json!(["latest", "main"]));
    assert_eq!(found[0]["subdirectory"], "/web/web.Dockerfile");
    assert_eq!(
        found[0]["trigger_metadata"],
        json!({
            "commit": COMMIT, "ref": "refs/heads/main", "default_branch": "main", "git_url": "git@github:octo/ledger.git",
            "commit_info": {
                "url": "https://github/octo/ledger/commit/1", "message": "Work", "date": "2026-08-04T10:00:00Z",
                "author": { "username": "octo", "url": "https://github/octo", "avatar_url": "https://avatar/octo" },
            },
        })
    );
    // A push of many commits has a large report, to which only a trigger's token makes the registry listen.
    let mut large = push("main", "Docs [skip build]");
    large["commits"] = json!([{ "message": "x".repeat(3 << 20) }]);
    hook.taken(&large).await?;
    let stranger = Reporter {
        token: "x".repeat(64),
        ..Reporter::of(site, webhook)
    };
    assert_eq!(stranger.send(&push("main", "Work")).await?.status, 403);
    // Nothing to build.
    hook.taken(&push("dev", "Work")).await?;
    hook.taken(&push("main", "Docs [skip build]")).await?;
    hook.taken(&push("main", "Docs [build skip]")).await?;
    let mut deleted = push("main", "Work");
    deleted["head_commit"] = Value::Null;
    hook.taken(&deleted).await?;
    let mut elsewhere = push("main", "Work");
    elsewhere["repository"]["name"] = json!("none");
    hook.taken(&elsewhere).await?;
    // Not understood.
    for (path, text) in [
        ("/repository", "Missing 'repository' on request"),
        ("/repository/owner", "Missing 'owner' on repository"),
        (
            "/repository/owner/name",
            "Missing owner 'name' on repository",
        ),
        ("/repository/name", "Missing 'name' on repository"),
    ] {
        let mut report = push("main", "Work");
        *report.pointer_mut(path).unwrap() = Value::Null;
        assert_eq!(hook.refused(&report, 400).await?, text);
    }
    let mut report = push("main", "Work");
    report["head_commit"].as_object_mut().unwrap().remove("id");
    assert_eq!(
        hook.refused(&report, 400).await?,
        "'id' is a required property"
    );
    let mut report = push("main", "Work");
    report["head_commit"]["id"] = json!("main");
    hook.refused(&report, 400).await?;
    assert_eq!(builds(site, one).await?.len(), before + 1);
    // Built even if GitHub tells nothing more.
    github.change(|state| state.revoked = true);
    hook.taken(&push("main", "Revoked")).await?;
    github.change(|state| {
        state.revoked = false;
        state.gone = true;
    });
    hook.taken(&push("main", "Gone")).await?;
    github.change(|state| state.gone = false);
    let found = builds(site, one).await?;
    assert_eq!(found.len(), before + 3);
    for build in &found[..2] {
        assert_eq!(build["trigger_metadata"]["default_branch"], Value::Null);
        assert_eq!(
            build["trigger_metadata"]["commit_info"]["author"],
            json!({ "username": "octo" })
        );
        assert_eq!(build["tags"], json!(["main"]));
    }
    // Switched off.
    site.put(one, json!({ "enabled": false }), 200).await?;
    let text = hook.refused(&push("main", "Work"), 400).await?;
    assert_eq!(
        text,
        "This build trigger is currently disabled. Please re-enable to continue."
    );
    site.put(one, json!({ "enabled": true }), 200).await?;
    github.server.asked();
    Ok(())
}

async fn what_is_begun_at_github_ends_although_the_caller_leaves(engine: Engine) -> Result<()> {
    let github = MockGitHub::start();
    let (site, browser) = start(engine, github.config()).await?;
    let callback = format!("/oauth2/github/callback/trigger/devel/app?code={CODE}");
    let list = "/api/v1/repository/devel/app/trigger/";
    let exchange = github.server.hold("POST /login/oauth/access_token");
    exchange.leave(browser.get(&callback)).await;
    let made = until(async || {
        let triggers = site.get(list).await?;
        Ok(triggers["triggers"][0]["id"].as_str().map(str::to_owned))
    });
    let one = path_of(&made.await?);

    // The key is added, but not yet the webhook.
    let ledger = "/api/v3/repos/octo/ledger";
    let config =
        json!({ "build_source": "octo/ledger", "dockerfile_path": "/Dockerfile", "context": "/" });
    let key = github.server.hold(&format!("POST {ledger}/keys"));
    let activate = format!("{one}/activate");
    key.leave(site.post(&activate, json!({ "config": config }), 200))
        .await;
    let active = until(async || {
        let found = site.get(&one).await?;
        Ok((found["is_active"] == true).then_some(found))
    });
    assert_eq!(active.await?["config"]["hook_id"], 7);

    // GitHub waits for ten seconds only.
    let mut webhook = String::new();
    github.change(|state| {
        state.hooks[0].1["config"]["url"]
            .as_str()
            .unwrap()
            .clone_into(&mut webhook);
    });
    let hook = Reporter::of(&site, &webhook);
    let lookup = github.server.hold(&format!("GET {ledger}"));
    lookup.leave(hook.send(&push("main", "Work"))).await;
    until(async || Ok(builds(&site, &one).await?.pop())).await?;

    let removal = github.server.hold(&format!("DELETE {ledger}/hooks/7"));
    removal.leave(site.delete(&one, 204)).await;
    until(async || {
        let left = site.get(list).await?;
        Ok((left["triggers"] == json!([])).then_some(()))
    })
    .await?;
    github.change(|state| assert!(state.keys.is_empty() && state.hooks.is_empty()));
    github.server.asked();
    Ok(())
}

async fn a_trigger_that_is_removed_while_it_is_set_up_leaves_nothing_at_github(
    engine: Engine,
) -> Result<()> {
    let github = MockGitHub::start();
    let (site, browser) = start(engine, github.config()).await?;
    let callback = format!("/oauth2/github/callback/trigger/devel/app?code={CODE}");
    let one = path_of(&made(&browser.get(&callback).await?)?);
    let activate = format!("{one}/activate");
    let config = json!({ "config": {
        "build_source": "octo/ledger", "dockerfile_path": "/Dockerfile", "context": "/",
    } });

    // The key is there when the trigger goes, and the webhook is added afterwards.
    let mut webhook = github.server.hold("POST /api/v3/repos/octo/ledger/hooks");
    let removal = async {
        webhook.reached().await;
        github.change(|state| assert_eq!(state.keys.len(), 1));
        let removed = site.delete(&one, 204).await;
        drop(webhook);
        removed
    };
    let (refused, removed) = tokio::join!(refused(&site, &activate, Some(config), 400), removal);
    removed?;
    assert_eq!(refused?, "The trigger was changed meanwhile. Try again.");
    github.change(|state| assert!(state.keys.is_empty() && state.hooks.is_empty()));
    let ledger = "/api/v3/repos/octo/ledger";
    let asked = github.server.asked();
    assert_eq!(
        asked[asked.len() - 2..],
        [
            format!("DELETE {ledger}/hooks/7"),
            format!("DELETE {ledger}/keys/100"),
        ]
    );
    let list = "/api/v1/repository/devel/app/trigger/";
    assert_eq!(site.get(list).await?, json!({ "triggers": [] }));
    let kinds = log(&site).await?;
    assert!(!kinds.iter().any(|kind| kind == "setup_repo_trigger"));
    Ok(())
}

/// Asks until there is something, as nobody tells when.
async fn until<T>(ask: impl AsyncFn() -> Result<Option<T>>) -> Result<T> {
    let asked = async {
        loop {
            if let Some(found) = ask().await? {
                return Ok(found);
            }
        }
    };
    let found = tokio::time::timeout(Duration::from_mins(2), asked).await;
    found.unwrap_or_else(|_| panic!("it never came"))
}

async fn without_the_feature_there_is_no_set_up(engine: Engine) -> Result<()> {
    let (_site, browser) = start(engine, json!({ "SUPER_USERS": ["devel"] })).await?;
    for path in [
        "/oauth2/github/callback/trigger/devel/app?code=a",
        "/oauth2/gitlab/callback/trigger?code=a&state=repo:devel/app",
        "/bitbucket/setup/devel/app",
        "/oauth1/bitbucket/callback/trigger/a?oauth_verifier=a",
    ] {
        assert_eq!(browser.get(path).await?.status, 404, "{path}");
    }
    Ok(())
}

on_engines! {
    a_trigger_of_github_is_set_up_and_builds
    a_trigger_that_is_removed_while_it_is_set_up_leaves_nothing_at_github
    what_is_begun_at_github_ends_although_the_caller_leaves
    without_the_feature_there_is_no_set_up
}
