//! Quotas of namespaces.

use pierhead_testkit::{Engine, Result};
use serde_json::{Value, json};

use super::installation::Installation;

fn config(full_access: bool) -> Value {
    json!({
        "FEATURE_QUOTA_MANAGEMENT": true,
        "FEATURE_EDIT_QUOTA": true,
        "FEATURE_SUPERUSERS_FULL_ACCESS": full_access,
        "SUPER_USERS": ["devel"],
    })
}

const GIB: i64 = 1 << 30;

async fn quotas_of_organizations(engine: Engine) -> Result<()> {
    let site = Installation::start(engine, config(true)).await?;
    site.server.create_organization("org", &site.devel)?;
    let quota = "/api/v1/organization/org/quota";

    assert_eq!(site.get(quota).await?, json!([]));
    for wrong in [
        json!({}),
        json!({ "limit_bytes": 1, "limit": "1 GiB" }),
        json!({ "limit_bytes": "many" }),
        json!({ "limit_bytes": null }),
        json!({ "limit_bytes": 0 }),
        json!({ "limit_bytes": -5 }),
        json!({ "limit": "1 parsec" }),
        json!({ "limit": "10 B" }),
        json!({ "limit": "1 YB" }),
    ] {
        let error = site.post(quota, wrong.clone(), 400).await?;
        assert_eq!(error["error_type"], "invalid_request", "{wrong}: {error}");
    }
    assert_eq!(site.get(quota).await?, json!([]), "nothing was made");
    assert_eq!(
        site.post(quota, json!({ "limit": "10 GiB" }), 201).await?,
        "Created"
    );
    let error = site.post(quota, json!({ "limit_bytes": 5 }), 400).await?;
    let exists = "Organization quota for 'org' already exists";
    assert_eq!(error["error_message"], exists);
    let listed = site.get(quota).await?;
    let id = listed[0]["id"].as_i64().unwrap();
    let view = json!({
        "id": id,
        "limit_bytes": 10 * GIB,
        "limit": "10.0 GiB",
        "default_config": false,
        "limits": [],
        "default_config_exists": false,
    });
    assert_eq!(listed, json!([view]));
    let one = format!("{quota}/{id}");
    assert_eq!(site.get(&one).await?, view);
    let created = json!({ "namespace": "org", "limit_bytes": 10 * GIB, "limit": "10.0 GiB" });
    expect_audit(&site, "org_create_quota", &created)?;

    for other in [
        "/api/v1/organization/org/quota/0",
        "/api/v1/organization/org/quota/x",
    ] {
        site.call(reqwest::Method::GET, other, None, 404).await?;
    }
    let unknown = json!({ "limit_bytes": 5, "more": 1 });
    site.put(&one, unknown, 400).await?;
    assert_eq!(
        site.put(&one, json!({}), 200).await?,
        view,
        "nothing to change"
    );
    let changed = site.put(&one, json!({ "limit_bytes": 1536 }), 200).await?;
    assert_eq!(changed["limit"], "1.5 KiB");
    let metadata = json!({
        "namespace": "org", "limit_bytes": 1536, "limit": "1.5 KiB",
        "previous_limit_bytes": 10 * GIB, "previous_limit": "10.0 GiB",
    });
    expect_audit(&site, "org_change_quota", &metadata)?;

    limits(&site, &one).await?;
    assert!(site.statements(quota).await? <= 3);

    site.delete(&one, 204).await?;
    site.delete(&one, 404).await?;
    assert_eq!(site.get(quota).await?, json!([]));
    let deleted = json!({
        "namespace": "org", "quota_id": id, "limit_bytes": 1536, "limit": "1.5 KiB",
    });
    expect_audit(&site, "org_delete_quota", &deleted)
}

async fn limits(site: &Installation, quota: &str) -> Result<()> {
    let limit = format!("{quota}/limit");
    for wrong in [
        json!({ "type": "Warning" }),
        json!({ "type": "Warning", "threshold_percent": 101 }),
        json!({ "type": "Warning", "threshold_percent": 0 }),
        json!({ "type": "Nag", "threshold_percent": 50 }),
        json!({ "type": 1, "threshold_percent": 50 }),
    ] {
        site.post(&limit, wrong, 400).await?;
    }
    let between = "Quota limit threshold must be between 1 and 100";
    for (percent, shape) in [(0, "error_message"), (-1, "message"), (101, "message")] {
        let wrong = json!({ "type": "Warning", "threshold_percent": percent });
        let error = site.post(&limit, wrong, 400).await?;
        assert_eq!(error[shape], between, "{percent}: {error}");
    }
    assert_eq!(site.get(&limit).await?, json!([]), "nothing was made");
    let warning = json!({ "type": "warning", "threshold_percent": 80 });
    assert_eq!(site.post(&limit, warning.clone(), 201).await?, "Created");
    let error = site.post(&limit, warning, 400).await?;
    assert_eq!(error["error_message"], "Quota limit already exists");
    let reject = json!({ "type": "Reject", "threshold_percent": 100 });
    site.post(&limit, reject, 201).await?;
    let listed = site.get(&limit).await?;
    let id = listed[0]["id"].as_i64().unwrap();
    assert_eq!(
        listed[0],
        json!({ "id": id, "type": "Warning", "limit_percent": 80 })
    );
    assert_eq!(listed[1]["type"], "Reject");
    let one = format!("{limit}/{id}");
    assert_eq!(site.get(&one).await?, listed[0]);
    expect_audit(
        site,
        "org_create_quota_limit",
        &json!({ "namespace": "org", "type": "Reject", "threshold_percent": 100 }),
    )?;

    // The type is good, the percentage is not: nothing changes.
    site.put(
        &one,
        json!({ "type": "Reject", "threshold_percent": 500 }),
        400,
    )
    .await?;
    assert_eq!(site.get(&one).await?, listed[0]);
    let quota = site
        .put(&one, json!({ "threshold_percent": 70 }), 200)
        .await?;
    assert_eq!(quota["limits"][0]["limit_percent"], 70);
    expect_audit(
        site,
        "org_change_quota_limit",
        &json!({
            "namespace": "org", "type": "Warning", "threshold_percent": 70,
            "previous_type": "Warning", "previous_threshold_percent": 80,
        }),
    )?;
    site.delete(&one, 204).await?;
    site.call(reqwest::Method::GET, &one, None, 404).await?;
    expect_audit(
        site,
        "org_delete_quota_limit",
        &json!({ "namespace": "org", "limit_id": id, "type": "Warning", "threshold_percent": 70 }),
    )
}

async fn quotas_of_superusers_and_people(engine: Engine) -> Result<()> {
    let mut config = config(false);
    config["DEFAULT_SYSTEM_REJECT_QUOTA_BYTES"] = json!(2048);
    let site = Installation::start(engine, config).await?;
    site.server.create_organization("org", &site.devel)?;

    // A superuser without full access changes no quota by the organization's path, but sees the default as a member.
    let organization = "/api/v1/organization/org/quota";
    let refused = site
        .post(organization, json!({ "limit_bytes": 5 }), 403)
        .await?;
    assert_eq!(refused["error_type"], "insufficient_scope");
    let default = json!([{
        "id": null, "limit_bytes": 2048, "limit": "2.0 KiB", "default_config": true, "limits": [],
        "default_config_exists": true,
    }]);
    assert_eq!(site.get(organization).await?, default);

    for (kind, name) in [("users", "devel"), ("organization", "org")] {
        let quota = format!("/api/v1/superuser/{kind}/{name}/quota");
        assert_eq!(site.get(&quota).await?, json!([]));
        assert_eq!(
            site.post(&quota, json!({ "limit": "1 KiB" }), 201).await?,
            "Created"
        );
        let error = site.post(&quota, json!({ "limit": "1 KiB" }), 400).await?;
        let exists = format!("Quota for '{name}' already exists");
        assert_eq!(error["error_message"], json!(exists));
        let id = site.get(&quota).await?[0]["id"].as_i64().unwrap();
        let one = format!("{quota}/{id}");
        let changed = site.put(&one, json!({ "limit": "2KiB" }), 200).await?;
        assert_eq!(changed["limit_bytes"], 2048);
        if kind == "users" {
            let own = site.get("/api/v1/user/quota").await?;
            assert_eq!(own[0]["limit"], "2.0 KiB");
            let own = format!("/api/v1/user/quota/{id}");
            assert_eq!(site.get(&own).await?["id"], id);
            assert_eq!(site.get(&format!("{own}/limit")).await?, json!([]));
            let missing = format!("{own}/limit/1");
            site.call(reqwest::Method::GET, &missing, None, 404).await?;
        }
        site.delete(&one, 204).await?;
        assert_eq!(site.get(&quota).await?, json!([]));
    }
    let nobody = "/api/v1/superuser/users/nobody/quota";
    site.call(reqwest::Method::GET, nobody, None, 404).await?;
    let anonymous = site.server.anonymous().get(organization).await?;
    assert_eq!(anonymous.status.as_u16(), 401);
    Ok(())
}

async fn no_quota_without_the_feature(engine: Engine) -> Result<()> {
    let site = Installation::start(engine, json!({})).await?;
    for path in ["/api/v1/user/quota", "/api/v1/organization/org/quota"] {
        let answer = site.server.anonymous().get(path).await?;
        assert_eq!(answer.status.as_u16(), 404, "{path}");
    }
    Ok(())
}

pub(super) fn expect_audit(site: &Installation, kind: &str, expected: &Value) -> Result<()> {
    if let Some(found) = site.audited(kind)? {
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(found[key], *value, "{kind}: {found}");
        }
    }
    Ok(())
}

on_engines! {
    quotas_of_organizations
    quotas_of_superusers_and_people
    no_quota_without_the_feature
}
