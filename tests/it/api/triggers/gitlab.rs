//! Triggers of GitLab.

use pierhead_testkit::{Engine, Result};
use serde_json::{Value, json};

use super::mock_gitlab::{CLIENT, CODE, MESSAGE, MockGitLab, PROJECT, SECRET, TOKEN, push};
use super::{
    COMMIT, Installation, Reporter, TAGGED, assert_not_logged, builds, json_of, log, made,
    namespaces, path_of, refused, start, stored_token, values,
};

async fn a_trigger_of_gitlab_is_set_up_and_builds(engine: Engine) -> Result<()> {
    let gitlab = MockGitLab::start();
    let config = json!({
        "FEATURE_GITLAB_BUILD": true,
        "REGISTRY_TITLE": "Tide Registry",
        "GITLAB_TRIGGER_CONFIG": {
            "GITLAB_ENDPOINT": gitlab.server.base(), "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET,
        },
    });
    let (site, browser) = start(engine, config).await?;

    let callback = "/oauth2/gitlab/callback/trigger";
    let good = format!("{callback}?code={CODE}&state=repo:devel/app");
    assert_eq!(site.api.get(&good).await?.status, 401);
    assert_eq!(site.server.anonymous().get(&good).await?.status, 401);
    let eve = site.server.create_user("eve")?;
    let other = site.server.signed_in("eve", eve.password()).await?;
    assert_eq!(other.get(&good).await?.status, 403);
    for (query, status, error) in [
        (format!("code={CODE}"), 400, "Invalid Request"),
        (
            format!("code={CODE}&state=repo:devel"),
            400,
            "Invalid Request",
        ),
        (
            format!("code={CODE}&state=devel/app"),
            400,
            "Invalid Request",
        ),
        (
            format!("code={CODE}&state=repo:devel/none"),
            404,
            "Invalid repository: devel/none",
        ),
        (
            "code=old&state=repo:devel/app".to_owned(),
            404,
            "Could not exchange token. It may have expired.",
        ),
    ] {
        let answer = json_of(browser.get(&format!("{callback}?{query}")).await?, status)?;
        assert_eq!(answer, json!({ "error": error }));
    }
    let uuid = made(&browser.get(&good).await?)?;
    let one = path_of(&uuid);
    assert_eq!(site.get(&one).await?["service"], "gitlab");
    if let Some(stored) = stored_token(&site)? {
        assert!(stored.starts_with("v0$$"), "{stored}");
    }

    assert_eq!(
        namespaces(&site, &one).await?,
        json!([
            { "personal": true, "id": "11", "title": "anna", "avatar_url": null, "url": "https://gitlab/anna", "score": 1 },
            { "personal": false, "id": "12", "title": "Tide", "avatar_url": "https://avatar/tide", "url": "", "score": 1 },
        ])
    );
    let sources = format!("{one}/sources");
    let own = site
        .post(&sources, json!({ "namespace": "11" }), 200)
        .await?;
    assert_eq!(
        own,
        json!({ "sources": [{
        "name": "notes", "full_name": "anna/notes", "description": "", "last_updated": 0,
        "url": "https://gitlab/anna/notes", "has_admin_permissions": true, "private": false,
    }] })
    );
    let tide = site
        .post(&sources, json!({ "namespace": "12" }), 200)
        .await?;
    assert_eq!(
        tide["sources"][0],
        json!({
            "name": "ledger", "full_name": "tide/ledger", "description": "Books", "last_updated": 1_380_548_762,
            "url": "https://gitlab/tide/ledger", "has_admin_permissions": true, "private": true,
        })
    );
    assert_eq!(tide["sources"][1]["has_admin_permissions"], false);
    assert_eq!(tide["sources"][2]["has_admin_permissions"], true);
    for nobodys in ["13", "..", ""] {
        let found = site
            .post(&sources, json!({ "namespace": nobodys }), 200)
            .await?;
        assert_eq!(found, json!({ "sources": [] }), "{nobodys}");
    }
    let branches = values(&site, &one, "branch_name", "tide/ledger").await?;
    assert_eq!(branches.as_array().unwrap().len(), 30);
    assert_eq!(
        values(&site, &one, "tag_name", "tide/ledger").await?,
        json!(["v1"])
    );
    let refs = values(&site, &one, "refs", "tide/ledger").await?;
    assert_eq!(refs.as_array().unwrap().len(), 123);
    let unknown = json!({ "build_source": "tide/none" });
    let text = refused(
        &site,
        &format!("{one}/fields/refs"),
        Some(unknown.clone()),
        520,
    )
    .await?;
    assert_eq!(text, "GitLab API error. Please contact support.");

    let subdirs = format!("{one}/subdir");
    let chosen = json!({ "build_source": "tide/ledger", "branchtag_regex": "heads/main" });
    let found = site.post(&subdirs, chosen.clone(), 200).await?;
    assert_eq!(
        found,
        json!({
            "status": "success", "dockerfile_paths": ["/Dockerfile", "/web.Dockerfile"],
            "contextMap": { "/Dockerfile": ["/"], "/web.Dockerfile": ["/"] },
        })
    );
    let missing = json!({ "build_source": "tide/ledger" });
    let text = refused(&site, &subdirs, Some(missing), 520).await?;
    assert_eq!(text, "GitLab API error. Please contact support.");
    let treeless = json!({ "build_source": "tide/ledger", "branchtag_regex": "heads/old-0" });
    let found = site.post(&subdirs, treeless, 200).await?;
    let text = "Unable to find GitLab repository tree for source: tide/ledger";
    assert_eq!(found, json!({ "status": "error", "message": text }));
    refused(&site, &subdirs, Some(unknown), 520).await?;
    let analyze = async |path: &str, pattern: &str| {
        let config = json!({
            "build_source": "tide/ledger", "dockerfile_path": path, "context": "/", "branchtag_regex": pattern,
        });
        site.post(&format!("{one}/analyze"), json!({ "config": config }), 200)
            .await
    };
    assert_eq!(
        analyze("/web/Dockerfile", ".*").await?["status"],
        "publicbase"
    );
    assert_eq!(analyze("/Dockerfile", ".*").await?["status"], "warning");
    assert_eq!(
        analyze("/web/Dockerfile", "heads/none").await?["status"],
        "warning"
    );
    gitlab.server.asked();

    let config = json!({
        "build_source": "tide/ledger", "dockerfile_path": "/Dockerfile", "context": "/",
        "branchtag_regex": "(heads/main|tags/.*)",
    });
    let activate = format!("{one}/activate");
    let nowhere = json!({ "config": { "build_source": "tide/none" } });
    let text = refused(&site, &activate, Some(nowhere), 520).await?;
    assert_eq!(text, "GitLab API error. Please contact support.");
    gitlab.change(|state| state.guarded = true);
    refused(&site, &activate, Some(json!({ "config": config })), 520).await?;
    gitlab.change(|state| {
        assert!(state.keys.is_empty());
        state.guarded = false;
        state.nameless = true;
    });
    refused(&site, &activate, Some(json!({ "config": config })), 520).await?;
    gitlab.change(|state| {
        assert!(state.keys.is_empty() && state.hooks.is_empty());
        state.nameless = false;
    });
    assert_eq!(site.get(&one).await?["is_active"], false);
    site.server.create_robot("devel+puller")?;
    gitlab.server.asked();
    let body = json!({ "config": config, "pull_robot": "devel+puller" });
    let active = site.post(&activate, body, 200).await?;
    assert_eq!(
        gitlab.server.asked(),
        [
            format!("GET {PROJECT}"),
            format!("POST {PROJECT}/deploy_keys"),
            format!("POST {PROJECT}/hooks"),
        ]
    );
    assert_eq!(
        (&active["config"]["key_id"], &active["config"]["hook_id"]),
        (&json!(21), &json!(22))
    );
    assert_eq!(
        active["repository_url"],
        format!("{}/tide/ledger", gitlab.server.base())
    );
    assert_eq!(active["pull_robot"]["name"], "devel+puller");
    let mut webhook = String::new();
    gitlab.change(|state| {
        state.hooks[0].1["url"]
            .as_str()
            .unwrap()
            .clone_into(&mut webhook);
    });

    by_hand(&site, &one).await?;
    gitlab.server.asked();
    by_push(&site, &gitlab, &one, &Reporter::of(&site, &webhook)).await?;

    gitlab.change(|state| state.revoked = true);
    let text = refused(&site, &format!("{one}/namespaces"), None, 400).await?;
    assert_eq!(text, "401 Unauthorized");
    gitlab.change(|state| state.revoked = false);
    gitlab.server.asked();
    site.delete(&one, 204).await?;
    assert_eq!(
        gitlab.server.asked(),
        [
            format!("DELETE {PROJECT}/hooks/22"),
            format!("DELETE {PROJECT}/deploy_keys/21"),
        ]
    );
    assert_eq!(log(&site).await?[0], "delete_repo_trigger");
    assert_not_logged(
        &site,
        &[TOKEN, SECRET, CODE, webhook.split('@').next().unwrap()],
    );
    Ok(())
}

async fn by_hand(site: &Installation, one: &str) -> Result<()> {
    let start = format!("{one}/start");
    let built = site.post(&start, json!({}), 201).await?;
    assert_eq!(built["tags"], json!(["latest", "main"]));
    assert_eq!(built["pull_robot"]["name"], "devel+puller");
    assert_eq!(
        built["trigger_metadata"],
        json!({
            "commit": COMMIT, "ref": "refs/heads/main", "default_branch": "main", "git_url": "git@gitlab:tide/ledger.git",
            "commit_info": {
                "url": format!("https://gitlab/tide/ledger/commit/{COMMIT}"), "message": MESSAGE,
                "date": "2012-09-20T09:06:12+03:00",
                "author": { "username": "anna", "url": "https://gitlab/anna" },
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
    gitlab: &MockGitLab,
    one: &str,
    hook: &Reporter,
) -> Result<()> {
    let before = builds(site, one).await?.len();
    hook.taken(&push("main", "Work")).await?;
    assert_eq!(
        gitlab.server.asked(),
        [
            format!("GET {PROJECT}"),
            "GET /api/v4/users?search=anna%40example.com&per_page=2&page=1".to_owned(),
        ]
    );
    let found = builds(site, one).await?;
    assert_eq!(
        found[0]["trigger_metadata"],
        json!({
            "commit": COMMIT, "ref": "refs/heads/main", "default_branch": "main", "git_url": "git@gitlab:tide/ledger.git",
            "commit_info": {
                "url": "https://gitlab/c", "message": "Work", "date": "2026-08-04T10:00:00Z",
                "author": { "username": "anna", "url": "https://gitlab/anna" },
            },
        })
    );
    // A tag names no commit, which is looked up.
    let mut tag = push("main", "");
    tag["object_kind"] = json!("tag_push");
    tag["ref"] = json!("refs/tags/v1");
    tag["checkout_sha"] = Value::Null;
    tag["after"] = json!(TAGGED);
    tag["commits"] = json!([]);
    hook.taken(&tag).await?;
    let found = builds(site, one).await?;
    assert_eq!(found.len(), before + 2);
    assert_eq!(found[0]["tags"], json!(["v1"]));
    assert_eq!(
        found[0]["trigger_metadata"]["commit_info"],
        json!({
            "message": MESSAGE, "author": { "username": "anna", "url": "https://gitlab/anna" },
        })
    );
    // Nothing to build.
    hook.taken(&push("dev", "Work")).await?;
    hook.taken(&push("main", "Docs [skip build]")).await?;
    for (key, value) in [
        ("commits", json!([])),
        ("object_kind", json!("issue")),
        (
            "checkout_sha",
            json!("0000000000000000000000000000000000000000"),
        ),
    ] {
        let mut report = push("main", "Work");
        report[key] = value;
        hook.taken(&report).await?;
    }
    // Not understood.
    for (key, text) in [
        ("ref", "'ref' is a required property"),
        ("checkout_sha", "'checkout_sha' is a required property"),
        ("repository", "'repository' is a required property"),
    ] {
        let mut report = push("main", "Work");
        report.as_object_mut().unwrap().remove(key);
        assert_eq!(hook.refused(&report, 400).await?, text);
    }
    // A token that is over does not keep anything from being built.
    gitlab.change(|state| state.revoked = true);
    hook.taken(&push("main", "Later")).await?;
    hook.taken(&push("main", "Docs [skip build]")).await?;
    let later = builds(site, one).await?;
    assert_eq!(later.len(), before + 3);
    assert_eq!(later[0]["trigger_metadata"]["default_branch"], "trunk");
    let expected = json!({
        "url": "https://gitlab/c", "message": "Later", "date": "2026-08-04T10:00:00Z",
    });
    assert_eq!(later[0]["trigger_metadata"]["commit_info"], expected);
    hook.taken(&tag).await?;
    let later = builds(site, one).await?;
    assert_eq!(later[0]["tags"], json!(["v1"]));
    assert_eq!(later[0]["trigger_metadata"]["commit_info"], Value::Null);
    gitlab.change(|state| state.revoked = false);
    // Neither does a GitLab that tells nothing.
    gitlab.change(|state| state.gone = true);
    hook.taken(&push("main", "Work")).await?;
    gitlab.change(|state| {
        state.gone = false;
        state.branchless = true;
    });
    let text = site
        .post(
            &format!("{one}/subdir"),
            json!({ "build_source": "tide/ledger" }),
            200,
        )
        .await?;
    let message = "Unable to find GitLab branches for source: tide/ledger";
    assert_eq!(text, json!({ "status": "error", "message": message }));
    assert_eq!(builds(site, one).await?.len(), before + 5);
    gitlab.server.asked();
    Ok(())
}

on_engines! {
    a_trigger_of_gitlab_is_set_up_and_builds
}
