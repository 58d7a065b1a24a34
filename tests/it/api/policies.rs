//! Auto-prune and immutability policies.

use pierhead_testkit::{Client, Engine, Image, Result};
use reqwest::Method;
use serde_json::{Value, json};

use super::installation::Installation;
use super::quota::expect_audit;

fn config() -> Value {
    json!({
        "FEATURE_AUTO_PRUNE": true,
        "FEATURE_IMMUTABLE_TAGS": true,
        "FEATURE_SUPERUSERS_FULL_ACCESS": true,
        "SUPER_USERS": ["devel"],
    })
}

async fn autoprune_policies(engine: Engine) -> Result<()> {
    let site = Installation::start(engine, config()).await?;
    site.server.create_organization("org", &site.devel)?;
    site.server.create_repository("org/app", "private")?;
    for (owner, of) in [
        ("organization/org", "namespace"),
        ("repository/org/app", "repository"),
        ("user", "namespace"),
    ] {
        let policies = format!("/api/v1/{owner}/autoprunepolicy/");
        assert_eq!(site.get(&policies).await?, json!({ "policies": [] }));
        for wrong in [
            json!({}),
            json!({ "method": "number_of_tags" }),
            json!({ "method": "newest", "value": 1 }),
            json!({ "method": "number_of_tags", "value": 0 }),
            json!({ "method": "number_of_tags", "value": "7d" }),
            json!({ "method": "creation_date", "value": 7 }),
            json!({ "method": "creation_date", "value": "7 days" }),
            json!({ "method": "number_of_tags", "value": 5, "tagPattern": "  " }),
            json!({ "method": "number_of_tags", "value": 5, "tagPattern": "[" }),
            json!({ "method": "number_of_tags", "value": 5, "tagPattern": null }),
            json!({ "method": "number_of_tags", "value": 5, "tagPatternMatches": "no" }),
        ] {
            let error = site.post(&policies, wrong.clone(), 400).await?;
            assert_eq!(error["error_type"], "invalid_request", "{wrong}: {error}");
        }
        assert_eq!(
            site.get(&policies).await?,
            json!({ "policies": [] }),
            "nothing was made"
        );

        let policy = json!({ "method": "number_of_tags", "value": 10, "tagPattern": " v.* " });
        let made = site.post(&policies, policy.clone(), 201).await?;
        let uuid = made["uuid"].as_str().unwrap().to_owned();
        let error = site.post(&policies, policy, 400).await?;
        let text = error["error_message"].as_str().unwrap();
        assert!(text.starts_with(&format!("Existing policy with same values for this {of}")));
        let view = json!({
            "uuid": uuid, "method": "number_of_tags", "value": 10, "tagPattern": "v.*",
            "tagPatternMatches": true,
        });
        assert_eq!(site.get(&policies).await?, json!({ "policies": [view] }));
        let one = format!("{policies}{uuid}");
        assert_eq!(site.get(&one).await?, view);
        expect_audit(
            &site,
            &format!("create_{of}_autoprune_policy"),
            &json!({
                "method": "number_of_tags", "value": 10, "tag_pattern": "v.*",
                "tag_pattern_matches": true,
            }),
        )?;

        site.put(
            &one,
            json!({ "method": "creation_date", "value": "x" }),
            400,
        )
        .await?;
        assert_eq!(site.get(&one).await?, view, "nothing changed");
        let change =
            json!({ "method": "creation_date", "value": "2w", "tagPatternMatches": false });
        assert_eq!(site.put(&one, change, 204).await?, Value::Null);
        let changed = site.get(&one).await?;
        assert_eq!(
            changed,
            json!({
                "uuid": uuid, "method": "creation_date", "value": "2w", "tagPattern": null,
                "tagPatternMatches": false,
            })
        );
        let slashless = policies.trim_end_matches('/');
        let moved = site.api.get(slashless).await?;
        assert_eq!(moved.status.as_u16(), 308, "{slashless}");

        let missing = format!("{policies}no-such-policy");
        site.call(Method::GET, &missing, None, 404).await?;
        let policy = json!({ "method": "number_of_tags", "value": 1 });
        site.put(&missing, policy, 404).await?;
        site.delete(&missing, 404).await?;
        assert_eq!(site.delete(&one, 200).await?, json!({ "uuid": uuid }));
        expect_audit(
            &site,
            &format!("delete_{of}_autoprune_policy"),
            &json!({ "policy_uuid": uuid }),
        )?;
        assert_eq!(site.get(&policies).await?, json!({ "policies": [] }));
        let anonymous = site.server.anonymous().get(&policies).await?;
        assert_eq!(anonymous.status.as_u16(), 401);
        assert!(site.statements(&policies).await? <= 3, "{owner}");
    }
    // The pruning worker is told of each namespace once, and Quay reads what is stored.
    if let Some(database) = site.server.database() {
        let tasks = "SELECT count(*), min(status), count(last_ran_ms) FROM autoprunetaskstatus";
        assert_eq!(database.sql(tasks)?, "2|queued|0");
    }
    Ok(())
}

async fn immutability_policies(engine: Engine) -> Result<()> {
    let site = Installation::start(engine, config()).await?;
    site.server.create_organization("org", &site.devel)?;
    site.server.create_repository("org/app", "private")?;
    let registry = Client::new(&site.server, Some(&site.devel));
    let image = Image::build(1, &[100]);
    for tag in ["v1", "v2", "latest"] {
        registry.push_image("org/app", tag, &image).await?;
    }
    let namespace = "/api/v1/organization/org/immutabilitypolicy/";
    for wrong in [
        json!({}),
        json!({ "tagPattern": "" }),
        json!({ "tagPattern": " " }),
        json!({ "tagPattern": "[" }),
        json!({ "tagPattern": "(?=v)" }),
        json!({ "tagPattern": "a".repeat(257) }),
        json!({ "tagPattern": 1 }),
        json!({ "tagPattern": "v.*", "tagPatternMatches": null }),
    ] {
        site.post(namespace, wrong, 400).await?;
    }
    assert_eq!(
        site.get(namespace).await?,
        json!({ "policies": [] }),
        "nothing was made"
    );
    let other = Image::build(2, &[100]);
    registry.push_image("org/app", "v2", &other).await?;

    let made = site
        .post(namespace, json!({ "tagPattern": " v[0-9]+ " }), 201)
        .await?;
    let uuid = made["uuid"].as_str().unwrap().to_owned();
    let error = site
        .post(namespace, json!({ "tagPattern": "v[0-9]+" }), 400)
        .await?;
    let text = "A policy with the same tag_pattern already exists";
    assert_eq!(error["error_message"], text);
    let view = json!({ "uuid": uuid, "tagPattern": "v[0-9]+", "tagPatternMatches": true });
    assert_eq!(site.get(namespace).await?, json!({ "policies": [view] }));
    expect_audit(
        &site,
        "tags_made_immutable_by_policy",
        &json!({ "namespace": "org", "tag_pattern": "v[0-9]+", "tag_pattern_matches": true, "count": 2 }),
    )?;
    expect_audit(
        &site,
        "create_immutability_policy",
        &json!({ "namespace": "org", "tag_pattern": "v[0-9]+", "tag_pattern_matches": true }),
    )?;

    // What was there is immutable, what is pushed later is, and what does not match is not.
    for (tag, image, status) in [
        ("v1", &other, 409),
        ("v2", &image, 409),
        ("latest", &other, 201),
        ("v3", &image, 201),
        ("v3", &other, 409),
    ] {
        let request = registry
            .request("PUT", &format!("/v2/org/app/manifests/{tag}"))?
            .header("content-type", image.manifest.media_type)
            .body(image.manifest.bytes.clone());
        let answer = registry.execute(request).await?;
        assert_eq!(answer.status.as_u16(), status, "{tag}");
    }

    let repository = "/api/v1/repository/org/app/immutabilitypolicy/";
    let all_but = json!({ "tagPattern": "dev", "tagPatternMatches": false });
    let made = site.post(repository, all_but, 201).await?;
    let own = made["uuid"].as_str().unwrap().to_owned();
    expect_audit(
        &site,
        "tags_made_immutable_by_policy",
        &json!({ "namespace": "org", "repo": "app", "count": 1 }),
    )?;
    let one = format!("{repository}{own}");
    assert_eq!(
        site.put(&one, json!({ "tagPattern": "dev" }), 204).await?,
        Value::Null
    );
    assert_eq!(
        site.get(&one).await?,
        json!({ "uuid": own, "tagPattern": "dev", "tagPatternMatches": true })
    );
    site.put(&one, json!({ "tagPattern": "(" }), 400).await?;
    // Of another owner there is no such policy.
    site.call(Method::GET, &format!("{namespace}{own}"), None, 404)
        .await?;
    assert_eq!(site.delete(&one, 200).await?, json!({ "uuid": own }));
    site.delete(&one, 404).await?;
    let one = format!("{namespace}{uuid}");
    assert_eq!(site.delete(&one, 200).await?, json!({ "uuid": uuid }));
    expect_audit(
        &site,
        "delete_immutability_policy",
        &json!({ "policy_uuid": uuid }),
    )
}

/// Only PostgreSQL can be changed while the server runs.
async fn a_disabled_organization_gets_no_policies(engine: Engine) -> Result<()> {
    let site = Installation::start(engine, config()).await?;
    site.server.create_organization("org", &site.devel)?;
    let Some(database) = site.server.database() else {
        return Ok(());
    };
    let prune = "/api/v1/organization/org/autoprunepolicy/";
    let keep = json!({ "method": "number_of_tags", "value": 5 });
    let made = site.post(prune, keep.clone(), 201).await?;
    let one = format!("{prune}{}", made["uuid"].as_str().unwrap());
    database.sql("UPDATE \"user\" SET enabled = false WHERE username = 'org'")?;

    let other = json!({ "method": "number_of_tags", "value": 6 });
    let error = site.post(prune, other.clone(), 404).await?;
    assert_eq!(error["error_type"], "not_found");
    site.put(&one, other, 404).await?;
    let immutable = "/api/v1/organization/org/immutabilitypolicy/";
    let error = site
        .post(immutable, json!({ "tagPattern": "v.*" }), 400)
        .await?;
    let text = json!({ "message": "Username does not exist: org" });
    assert_eq!(error, text);
    // What is there can be seen and removed.
    assert_eq!(site.get(&one).await?["value"], 5);
    site.delete(&one, 200).await?;
    assert_eq!(site.get(immutable).await?, json!({ "policies": [] }));
    Ok(())
}

on_engines! {
    a_disabled_organization_gets_no_policies
    autoprune_policies
    immutability_policies
}
