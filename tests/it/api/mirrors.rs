//! Mirrors of repositories (row D10: their configuration) and of organizations.

use pierhead_testkit::{Engine, Result};
use reqwest::Method;
use serde_json::{Value, json};

use super::installation::Installation;
use super::quota::expect_audit;

fn config() -> Value {
    json!({
        "FEATURE_REPO_MIRROR": true,
        "FEATURE_ORG_MIRROR": true,
        "FEATURE_PROXY_CACHE": true,
        "FEATURE_IMMUTABLE_TAGS": true,
        "FEATURE_SUPERUSERS_FULL_ACCESS": true,
        "SUPER_USERS": ["devel"],
        "SSRF_ALLOWED_HOSTS": ["127.0.0.1"],
    })
}

fn new_mirror() -> Value {
    json!({
        "external_reference": "127.0.0.1:5000/team/app",
        "external_registry_username": "reader",
        "external_registry_password": "s3cret",
        "external_registry_config": { "verify_tls": true, "proxy": { "no_proxy": null } },
        "sync_interval": 86400,
        "sync_start_date": "2030-01-02T03:04:05Z",
        "skopeo_timeout_interval": 300,
        "root_rule": { "rule_kind": "tag_glob_csv", "rule_value": ["v*", "latest"] },
        "robot_username": "org+mirror",
    })
}

fn with(mut body: Value, key: &str, value: Value) -> Value {
    body[key] = value;
    body
}

async fn mirrors_of_repositories(engine: Engine) -> Result<()> {
    let site = Installation::start(engine, config()).await?;
    site.server.create_organization("org", &site.devel)?;
    site.server.create_repository("org/app", "private")?;
    site.server.create_robot("org+mirror")?;
    site.server.create_robot("devel+other")?;
    let mirror = "/api/v1/repository/org/app/mirror";

    site.call(Method::GET, mirror, None, 404).await?;
    site.put(mirror, json!({ "is_enabled": true }), 404).await?;
    for (key, value, shape) in [
        (
            "external_reference",
            json!("10.0.0.1/team/app"),
            "error_message",
        ),
        (
            "external_reference",
            json!("https://quay.io/team/app"),
            "error_message",
        ),
        ("external_reference", json!("quay.io"), "error_message"),
        ("sync_interval", json!(-1), "error_message"),
        ("sync_interval", json!("daily"), "error_message"),
        ("sync_start_date", json!("tomorrow"), "detail"),
        ("skopeo_timeout_interval", json!(299), "error_message"),
        (
            "root_rule",
            json!({ "rule_kind": "regex", "rule_value": ["a"] }),
            "error_message",
        ),
        (
            "root_rule",
            json!({ "rule_kind": "tag_glob_csv", "rule_value": [] }),
            "error_message",
        ),
        ("architecture_filter", json!(["amd64"]), "detail"),
        ("robot_username", json!("org+nobody"), "message"),
        ("robot_username", json!("devel+other"), "message"),
        ("robot_username", json!("devel"), "message"),
    ] {
        let body = with(new_mirror(), key, value.clone());
        let error = site.post(mirror, body, 400).await?;
        assert!(error[shape].is_string(), "{key} {value}: {error}");
    }
    let private = with(new_mirror(), "external_reference", json!("192.168.1.1/a/b"));
    let error = site.post(mirror, private, 400).await?;
    assert_eq!(
        error["error_message"],
        "The provided registry location is not allowed"
    );
    site.call(Method::GET, mirror, None, 404).await?;

    assert_eq!(site.post(mirror, new_mirror(), 201).await?, "");
    let error = site.post(mirror, new_mirror(), 409).await?;
    assert!(error["detail"].as_str().unwrap().ends_with("org/app"));
    let view = json!({
        "is_enabled": true,
        "mirror_type": "PULL",
        "external_reference": "127.0.0.1:5000/team/app",
        "external_registry_username": "reader",
        "external_registry_config": { "verify_tls": true, "proxy": { "no_proxy": null } },
        "sync_interval": 86400,
        "sync_start_date": "2030-01-02T03:04:05Z",
        "sync_expiration_date": null,
        "sync_retries_remaining": 3,
        "sync_status": "NEVER_RUN",
        "root_rule": { "rule_kind": "tag_glob_csv", "rule_value": ["v*", "latest"] },
        "robot_username": "org+mirror",
        "skopeo_timeout_interval": 300,
        "architecture_filter": [],
    });
    assert_eq!(site.get(mirror).await?, view);
    assert!(site.statements(mirror).await? <= 3);
    expect_audit(
        &site,
        "repo_mirror_config_changed",
        &json!({
            "repo": "app", "namespace": "org", "changed": "external_reference",
            "to": "127.0.0.1:5000/team/app",
        }),
    )?;
    if let Some(database) = site.server.database() {
        let state = "SELECT state FROM repository WHERE name = 'app'";
        assert_eq!(database.sql(state)?, "2", "the repository is a mirror");
        let role = "SELECT r.name FROM repositorypermission p JOIN role r ON r.id = p.role_id \
                    JOIN \"user\" u ON u.id = p.user_id WHERE u.username = 'org+mirror'";
        assert_eq!(database.sql(role)?, "write");
        let secrets =
            "SELECT external_registry_username, external_registry_password FROM repomirrorconfig";
        for secret in database.sql(secrets)?.split('|') {
            assert!(secret.starts_with("v0$$"), "{secret}");
        }
    }

    changes(&site, mirror, &view).await?;
    runs(&site, mirror).await?;
    health(&site).await
}

async fn changes(site: &Installation, mirror: &str, view: &Value) -> Result<()> {
    for (wrong, shape) in [
        (json!({ "external_registry_password": "x" }), "detail"),
        (
            json!({ "external_registry_username": null, "external_registry_password": "x" }),
            "detail",
        ),
        // A good field beside a bad one changes nothing.
        (
            json!({ "sync_interval": 60, "sync_start_date": "soon" }),
            "detail",
        ),
        (
            json!({ "sync_interval": 60, "robot_username": "org+nobody" }),
            "message",
        ),
        (json!({ "is_enabled": null }), "error_message"),
        (json!({ "skopeo_timeout_interval": 1 }), "error_message"),
    ] {
        let error = site.put(mirror, wrong.clone(), 400).await?;
        assert!(error[shape].is_string(), "{wrong}: {error}");
    }
    assert_eq!(site.get(mirror).await?, *view, "nothing changed");

    let change = json!({
        "is_enabled": false,
        "external_registry_config": { "unsigned_images": true, "proxy": { "http_proxy": "http://p:1" } },
        "external_registry_username": null,
        "external_registry_password": null,
        "root_rule": { "rule_kind": "tag_glob_csv", "rule_value": ["*"] },
        "sync_start_date": "2031-01-01T00:00:00Z",
    });
    let devel = &site.devel;
    let browser = site.server.signed_in(devel.username(), devel.password());
    let browser = browser.await?;
    let path = "/realtime/user/subscribe?events=docker-cli,test";
    let mut told = browser.events(path).await?;
    assert_eq!(site.put(mirror, change, 201).await?, "");
    browser.get("/realtime/user/test").await?;
    let action = json!({
        "action": "repo_mirror_config_changed", "namespace": "org", "repository": "app",
    });
    for _ in 0..7 {
        let event = told.event().await?.unwrap_or_default();
        assert_eq!(event["data"], action, "one for each field");
    }
    let event = told.event().await?.unwrap_or_default();
    assert_eq!(event["event"], "test", "and no more");
    drop(told);
    let mut expected = view.clone();
    expected["is_enabled"] = json!(false);
    expected["external_registry_username"] = Value::Null;
    expected["root_rule"]["rule_value"] = json!(["*"]);
    expected["sync_start_date"] = json!("2031-01-01T00:00:00Z");
    expected["external_registry_config"] = json!({
        "verify_tls": true,
        "proxy": { "no_proxy": null, "http_proxy": "http://p:1" },
        "unsigned_images": true,
    });
    assert_eq!(site.get(mirror).await?, expected);
    expect_audit(
        site,
        "repo_mirror_config_changed",
        &json!({ "changed": "mirror_rule", "to": ["*"], "repo": "app", "namespace": "org" }),
    )?;
    if let Some(database) = site.server.database() {
        let rows = "SELECT string_agg(metadata_json::json->>'changed', ',' ORDER BY id) FROM logentry3 \
                    WHERE kind_id = (SELECT id FROM logentrykind WHERE name = 'repo_mirror_config_changed')";
        let changed = "external_reference,is_enabled,sync_start_date,external_registry_username,\
                       external_registry_password,unsigned_images,http_proxy,mirror_rule";
        assert_eq!(database.sql(rows)?, changed);
    }
    Ok(())
}

async fn runs(site: &Installation, mirror: &str) -> Result<()> {
    let cancel = format!("{mirror}/sync-cancel");
    let now = format!("{mirror}/sync-now");
    site.call(Method::POST, &cancel, None, 404).await?;
    site.call(Method::POST, &now, None, 204).await?;
    assert_eq!(site.get(mirror).await?["sync_status"], "SYNC_NOW");
    expect_audit(
        site,
        "repo_mirror_config_changed",
        &json!({ "changed": "sync_status", "to": "SYNC_NOW" }),
    )?;
    site.call(Method::POST, &cancel, None, 204).await?;
    let cancelled = site.get(mirror).await?;
    assert_eq!(cancelled["sync_status"], "CANCEL");
    assert_eq!(cancelled["sync_retries_remaining"], 0);
    site.call(Method::POST, &now, None, 204).await?;
    assert_eq!(site.get(mirror).await?["sync_retries_remaining"], 1);
    if let Some(database) = site.server.database() {
        database.sql("UPDATE repomirrorconfig SET sync_status = 2")?;
        site.call(Method::POST, &now, None, 404).await?;
        database.sql("UPDATE repomirrorconfig SET sync_status = 0")?;
    }
    Ok(())
}

async fn health(site: &Installation) -> Result<()> {
    let mirror = "/api/v1/repository/org/app/mirror";
    site.put(mirror, json!({ "is_enabled": true }), 201).await?;
    let all = "/api/v1/repository/mirror/health";
    let health = site.get(all).await?;
    assert_eq!(health["healthy"], true);
    assert_eq!(health["repositories"]["total"], 1);
    assert!(health["repositories"].get("details").is_none());
    assert_eq!(
        health["workers"],
        json!({ "active": 0, "configured": 0, "status": "healthy" })
    );
    let detailed = site
        .get(&format!("{all}?namespace=org&detailed=true&limit=1"))
        .await?;
    assert_eq!(
        detailed["repositories"]["pagination"],
        json!({ "limit": 1, "offset": 0, "has_more": false })
    );
    assert_eq!(detailed["repositories"]["details"][0]["repository"], "app");
    let elsewhere = site.get(&format!("{all}?namespace=devel")).await?;
    assert_eq!(elsewhere["repositories"]["total"], 0);
    site.call(Method::GET, &format!("{all}?namespace=nobody"), None, 404)
        .await?;
    site.call(Method::GET, &format!("{all}?limit=many"), None, 400)
        .await?;
    let anonymous = site.server.anonymous().get(all).await?;
    assert_eq!(anonymous.status.as_u16(), 401);
    if let Some(database) = site.server.database() {
        database.sql("UPDATE repomirrorconfig SET sync_status = -1, sync_retries_remaining = 0")?;
        let sick = site.call(Method::GET, all, None, 503).await?;
        let critical = "100.0% of repositories are failing (threshold: 20.0%)";
        assert_eq!(sick["issues"][0]["message"], critical);
        let exhausted = "Repository org/app has exhausted all retry attempts";
        assert_eq!(sick["issues"][1]["message"], exhausted);
        let summary = "/api/v1/superuser/mirror/health";
        let summary = site.call(Method::GET, summary, None, 503).await?;
        assert_eq!(
            summary["issues"].as_array().unwrap().len(),
            1,
            "no repository is named"
        );
    }
    Ok(())
}

fn new_org_mirror(url: &str) -> Value {
    json!({
        "external_registry_type": "quay",
        "external_registry_url": url,
        "external_namespace": "devel",
        "external_registry_password": "s3cret",
        "robot_username": "org+mirror",
        "visibility": "private",
        "sync_interval": 3600,
        "sync_start_date": "2030-01-02T03:04:05Z",
        "repository_filters": ["app-*"],
    })
}

async fn mirrors_of_organizations(engine: Engine) -> Result<()> {
    let site = Installation::start(engine, config()).await?;
    site.server.create_organization("org", &site.devel)?;
    site.server.create_robot("org+mirror")?;
    let mirror = "/api/v1/organization/org/mirror";
    let url = site.server.base_url().to_owned();
    site.call(Method::GET, mirror, None, 404).await?;
    for (key, value) in [
        ("external_registry_type", json!("docker")),
        ("external_registry_url", json!("http://10.0.0.1")),
        ("external_registry_url", json!("ftp://quay.io")),
        ("external_namespace", json!("n".repeat(256))),
        ("robot_username", json!("org+nobody")),
        ("robot_username", json!("devel")),
        ("visibility", json!("secret")),
        ("sync_interval", json!(59)),
        ("sync_start_date", json!("2030-01-02")),
        ("skopeo_timeout", json!(29)),
        ("skopeo_timeout", json!(3601)),
        ("repository_filters", json!("app-*")),
        ("is_enabled", json!("yes")),
    ] {
        let error = site
            .post(mirror, with(new_org_mirror(&url), key, value), 400)
            .await?;
        assert_eq!(error["error_type"], "invalid_request", "{key}: {error}");
    }
    site.call(Method::GET, mirror, None, 404).await?;

    assert_eq!(site.post(mirror, new_org_mirror(&url), 201).await?, "");
    let error = site.post(mirror, new_org_mirror(&url), 400).await?;
    let exists = "Mirror configuration already exists for this organization";
    assert_eq!(error["error_message"], exists);
    let view = site.get(mirror).await?;
    let creation = view["creation_date"].clone();
    assert_eq!(
        view,
        json!({
            "is_enabled": true,
            "external_registry_type": "quay",
            "external_registry_url": url,
            "external_namespace": "devel",
            "external_registry_username": null,
            "has_external_registry_password": true,
            "external_registry_config": {},
            "repository_filters": ["app-*"],
            "robot_username": "org+mirror",
            "visibility": "private",
            "sync_interval": 3600,
            "sync_start_date": "2030-01-02T03:04:05Z",
            "sync_expiration_date": null,
            "sync_status": "NEVER_RUN",
            "sync_retries_remaining": 3,
            "repo_sync_status_counts": {
                "CANCEL": 0, "FAIL": 0, "NEVER_RUN": 0, "SUCCESS": 0, "SYNCING": 0, "SYNC_NOW": 0, "SKIP": 0,
            },
            "skopeo_timeout": 300,
            "creation_date": creation,
        })
    );
    expect_audit(
        &site,
        "org_mirror_enabled",
        &json!({
            "external_registry_type": "quay", "external_registry_url": url,
            "external_namespace": "devel", "sync_interval": 3600, "robot_username": "org+mirror",
        }),
    )?;
    assert!(site.statements(mirror).await? <= 4);

    // A name that is none, or taken, is told before that repositories are the mirror's.
    for (name, text) in [
        ("Bad", "Invalid repository name"),
        (
            "app",
            "Cannot create repository: organization is managed by organization-level mirroring",
        ),
    ] {
        let new = json!({
            "namespace": "org", "repository": name, "visibility": "private", "description": "",
        });
        let refused = site.post("/api/v1/repository", new, 400).await?;
        assert_eq!(refused["error_message"], text);
    }

    // What an organization is excludes the others.
    let policy = site
        .post(
            "/api/v1/organization/org/immutabilitypolicy/",
            json!({ "tagPattern": "v.*" }),
            400,
        )
        .await?;
    let text = policy["error_message"].as_str().unwrap();
    assert!(
        text.starts_with("Cannot create immutability policy"),
        "{text}"
    );
    let cache = json!({ "upstream_registry": site.server.host(), "insecure": true });
    let cache = site
        .post("/api/v1/organization/org/proxycache", cache, 400)
        .await?;
    let text = cache["error_message"].as_str().unwrap();
    assert!(text.starts_with("Cannot create proxy cache"), "{text}");

    org_changes(&site, mirror, &url).await?;
    verification(&site, mirror, &url).await?;
    found_repositories(&site, mirror).await?;

    assert_eq!(site.delete(mirror, 204).await?, Value::Null);
    site.delete(mirror, 404).await?;
    let reference = json!({ "external_reference": format!("{url}/devel") });
    expect_audit(&site, "org_mirror_disabled", &reference)?;
    if let Some(database) = site.server.database() {
        let left = "SELECT count(*) FROM orgmirrorrepository";
        assert_eq!(database.sql(left)?, "0");
    }
    site.server.create_repository("org/app", "private")?;
    let error = site.post(mirror, new_org_mirror(&url), 400).await?;
    let text = error["error_message"].as_str().unwrap();
    assert!(text.contains("already contains repositories"), "{text}");
    Ok(())
}

async fn org_changes(site: &Installation, mirror: &str, url: &str) -> Result<()> {
    let before = site.get(mirror).await?;
    for wrong in [
        json!({ "sync_interval": 120, "sync_start_date": "soon" }),
        json!({ "visibility": null }),
        json!({ "robot_username": "devel+other" }),
        json!({ "external_registry_url": "http://169.254.169.254" }),
    ] {
        site.put(mirror, wrong, 400).await?;
    }
    assert_eq!(site.get(mirror).await?, before, "nothing changed");
    let change = json!({
        "external_namespace": "nobody", "external_registry_username": "reader", "visibility": "public",
        "repository_filters": [],
    });
    assert_eq!(site.put(mirror, change, 200).await?, "");
    let after = site.get(mirror).await?;
    assert_eq!(after["external_namespace"], "nobody");
    assert_eq!(after["external_registry_username"], "reader");
    assert_eq!(after["visibility"], "public");
    assert_eq!(after["repository_filters"], json!([]));
    assert_eq!(after["sync_interval"], before["sync_interval"]);
    expect_audit(
        site,
        "org_mirror_config_changed",
        &json!({
            "updated_fields": [
                "external_namespace", "external_registry_username", "visibility", "repository_filters"
            ],
            "old_external_reference": format!("{url}/devel"),
            "external_reference": format!("{url}/nobody"),
        }),
    )?;
    site.put(mirror, json!({ "external_namespace": "devel" }), 200)
        .await?;

    let (now, cancel) = (
        format!("{mirror}/sync-now"),
        format!("{mirror}/sync-cancel"),
    );
    site.call(Method::POST, &now, None, 204).await?;
    assert_eq!(site.get(mirror).await?["sync_status"], "SYNC_NOW");
    site.call(Method::POST, &cancel, None, 204).await?;
    assert_eq!(site.get(mirror).await?["sync_status"], "CANCEL");
    let error = site.call(Method::POST, &cancel, None, 400).await?;
    assert_eq!(
        error["error_message"],
        "Cannot cancel: mirror is already cancelled"
    );
    expect_audit(
        site,
        "org_mirror_sync_cancelled",
        &json!({ "external_reference": format!("{url}/devel") }),
    )
}

/// The source is a registry that knows one token and one namespace.
async fn verification(site: &Installation, mirror: &str, url: &str) -> Result<()> {
    let verify = format!("{mirror}/verify");
    let source = source().await;
    let at = |namespace: &str, token: &str| {
        json!({
            "external_registry_url": source, "external_namespace": namespace,
            "external_registry_password": token,
        })
    };
    for (namespace, token, success, message) in [
        ("team", "good", true, "Connection successful"),
        ("team", "", true, "Connection successful"),
        (
            "team",
            "wrong",
            false,
            "Authentication failed: invalid API token or credentials",
        ),
        ("person", "good", true, "Connection successful"),
        ("a/b", "good", false, "Namespace 'a/b' not found"),
    ] {
        site.put(mirror, at(namespace, token), 200).await?;
        let verified = site.call(Method::POST, &verify, None, 200).await?;
        let expected = json!({ "success": success, "message": message });
        assert_eq!(verified, expected, "{namespace} {token}");
    }
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nowhere = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    site.put(mirror, json!({ "external_registry_url": nowhere }), 200)
        .await?;
    let failed = site.call(Method::POST, &verify, None, 200).await?;
    assert_eq!(failed["success"], false);
    let text = failed["message"].as_str().unwrap();
    assert!(text.starts_with("Connection error: "), "{text}");
    // The server itself speaks no TLS.
    let tls = json!({ "external_registry_url": format!("https://{}", site.server.host()) });
    site.put(mirror, tls, 200).await?;
    let failed = site.call(Method::POST, &verify, None, 200).await?;
    let text = failed["message"].as_str().unwrap();
    assert!(text.starts_with("SSL error: "), "{text}");
    let back = json!({ "external_registry_url": url, "external_namespace": "devel" });
    site.put(mirror, back, 200).await?;
    Ok(())
}

/// As much of a Quay as a mirror asks for when it is verified: whom a token belongs to, and which namespaces there are.
async fn source() -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let Ok(byte) = stream.read_u8().await else {
                    break;
                };
                head.push(byte);
            }
            let head = String::from_utf8_lossy(&head).to_lowercase();
            let path = head.split(' ').nth(1).unwrap_or_default();
            let status = match path {
                "/api/v1/user/" if !head.contains("authorization: bearer good") => {
                    "401 Unauthorized"
                }
                "/api/v1/user/" | "/api/v1/organization/team" | "/api/v1/users/person" => "200 OK",
                _ => "404 Not Found",
            };
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    format!("http://{address}")
}

async fn found_repositories(site: &Installation, mirror: &str) -> Result<()> {
    let list = format!("{mirror}/repositories");
    let empty =
        json!({ "repositories": [], "page": 1, "limit": 100, "total": 0, "has_next": false });
    assert_eq!(site.get(&list).await?, empty);
    let error = site
        .call(Method::GET, &format!("{list}?status=lost"), None, 400)
        .await?;
    let text = "Invalid status filter 'lost'. Valid values: CANCEL, FAIL, NEVER_RUN, SUCCESS, SYNCING, SYNC_NOW, SKIP";
    assert_eq!(error["error_message"], text);
    let Some(database) = site.server.database() else {
        return Ok(());
    };
    database.sql(
        "INSERT INTO orgmirrorrepository (org_mirror_config_id, repository_name, discovery_date, sync_status, \
         creation_date, sync_retries_remaining, status_message) \
         SELECT m.id, 'app-' || n, '2030-01-01', CASE WHEN n = 1 THEN -1 ELSE 0 END, '2030-01-01', 3, NULL \
         FROM orgmirrorconfig m, generate_series(1, 3) n",
    )?;
    let page = site.get(&format!("{list}?page=2&limit=2")).await?;
    assert_eq!(
        page,
        json!({
            "repositories": [{
                "name": "app-3", "sync_status": "NEVER_RUN", "discovery_date": "2030-01-01T00:00:00Z",
                "last_sync_date": null, "status_message": null, "quay_repository": null,
            }],
            "page": 2, "limit": 2, "total": 3, "has_next": false,
        })
    );
    let failed = site
        .get(&format!("{list}?status=fail&limit=1000&page=none"))
        .await?;
    assert_eq!(
        (&failed["total"], &failed["limit"]),
        (&json!(1), &json!(500))
    );
    let counts = site.get(mirror).await?["repo_sync_status_counts"].clone();
    assert_eq!(
        (&counts["FAIL"], &counts["NEVER_RUN"]),
        (&json!(1), &json!(2))
    );
    let now = format!("{mirror}/sync-now");
    let error = site.call(Method::POST, &now, None, 400).await?;
    let text = error["error_message"].as_str().unwrap();
    assert!(
        text.starts_with("Cannot trigger sync: repositories are still syncing."),
        "{text}"
    );
    Ok(())
}

on_engines! {
    mirrors_of_repositories
    mirrors_of_organizations
}
