//! Proxy caches of organizations. Row D10 needs their rules and the guard; passing images on is tested where it is built.

use std::net::SocketAddr;

use pierhead_testkit::{Client, Engine, Image, Result};
use reqwest::Method;
use serde_json::{Value, json};

use super::installation::Installation;
use super::quota::expect_audit;

fn config() -> Value {
    json!({
        "FEATURE_PROXY_CACHE": true,
        "FEATURE_ORG_MIRROR": true,
        "FEATURE_IMMUTABLE_TAGS": true,
        "FEATURE_SUPERUSERS_FULL_ACCESS": true,
        "SUPER_USERS": ["devel"],
        // The registry that is tried runs on this machine, under a name of its own.
        "SSRF_ALLOWED_HOSTS": ["127.0.0.1"],
    })
}

async fn proxy_caches(engine: Engine) -> Result<()> {
    let site = Installation::start(engine, config()).await?;
    site.server.create_organization("org", &site.devel)?;
    let cache = "/api/v1/organization/org/proxycache";
    let validate = "/api/v1/organization/org/validateproxycache";
    let none = json!({ "upstream_registry": "", "expiration_s": "", "insecure": "" });
    assert_eq!(site.get(cache).await?, none);

    // The server itself is the registry that is tried: it has a token service and knows who devel is.
    let upstream = site.server.host().to_owned();
    let new = |user: Option<&str>, password: Option<&str>| {
        json!({
            "upstream_registry": upstream, "insecure": true, "expiration_s": 3600,
            "upstream_registry_username": user, "upstream_registry_password": password,
        })
    };
    let password = site.devel.password();
    let good = new(Some("devel"), Some(password));
    assert_eq!(site.post(validate, good.clone(), 202).await?, "Valid");
    let wrong = site
        .post(validate, new(Some("nobody"), Some("wrong")), 400)
        .await?;
    let text = "Failed login to remote registry. Please verify entered details and try again.";
    assert_eq!(wrong["error_message"], text);
    let closed = json!({ "upstream_registry": closed_port().await?.to_string(), "insecure": true });
    assert_eq!(
        site.post(validate, closed, 400).await?["error_message"],
        text
    );
    for private in ["10.0.0.1", "169.254.169.254/latest", "127.0.0.2:5000"] {
        for path in [validate, cache] {
            let error = site
                .post(path, json!({ "upstream_registry": private }), 400)
                .await?;
            let text = "The provided registry URL is not allowed";
            assert_eq!(error["error_message"], text, "{private}");
        }
    }
    for wrong in [
        json!({}),
        json!({ "upstream_registry": null }),
        json!({ "upstream_registry": "" }),
        json!({ "upstream_registry": upstream, "insecure": "yes" }),
        json!({ "upstream_registry": upstream, "expiration_s": -1 }),
        json!({ "upstream_registry": upstream, "expiration_s": "a day" }),
        json!({ "upstream_registry": upstream, "expiration_s": null }),
        json!({ "upstream_registry": format!("{upstream}/{}", "a".repeat(3000)) }),
        json!({ "upstream_registry": upstream, "upstream_registry_password": "x".repeat(70_000),
                "upstream_registry_username": "u" }),
    ] {
        site.post(cache, wrong, 400).await?;
    }
    assert_eq!(site.get(cache).await?, none, "nothing was made");

    assert_eq!(site.post(cache, good.clone(), 201).await?, "Created");
    let view = json!({ "upstream_registry": upstream, "expiration_s": 3600, "insecure": true });
    assert_eq!(site.get(cache).await?, view);
    expect_audit(
        &site,
        "create_proxy_cache_config",
        &json!({ "upstream_registry": upstream }),
    )?;
    for path in [cache, validate] {
        let error = site.post(path, good.clone(), 400).await?;
        assert_eq!(
            error["error_message"],
            "Proxy Cache Configuration already exists"
        );
    }
    if let Some(database) = site.server.database() {
        let stored = database.sql(
            "SELECT upstream_registry_username, upstream_registry_password FROM proxycacheconfig",
        )?;
        for secret in stored.split('|') {
            assert!(secret.starts_with("v0$$"), "{stored}");
        }
    }
    assert_eq!(site.delete(cache, 201).await?, "Deleted");
    site.delete(cache, 404).await?;
    assert_eq!(site.get(cache).await?, none);

    // Of what does not exist a superuser is told that it is no cache, and cannot make it one.
    assert_eq!(
        site.get("/api/v1/organization/nobody/proxycache").await?,
        none
    );
    let nobody = "/api/v1/organization/nobody/proxycache";
    let error = site.post(nobody, good.clone(), 400).await?;
    assert_eq!(error["message"], "Organization does not exist: nobody");

    // The database of Quay takes numbers that are written as text.
    let text = json!({ "upstream_registry": upstream, "insecure": 1, "expiration_s": "3600" });
    site.post(cache, text, 201).await?;
    assert_eq!(site.get(cache).await?, view);
    site.delete(cache, 201).await?;

    // Tags that may not be moved exclude a cache.
    let registry = Client::new(&site.server, Some(&site.devel));
    registry
        .push_image("org/app", "v1", &Image::build(1, &[10]))
        .await?;
    let policy = json!({ "tagPattern": "v.*" });
    site.post("/api/v1/organization/org/immutabilitypolicy/", policy, 201)
        .await?;
    let error = site.post(cache, good, 400).await?;
    let text = "Cannot convert organization to proxy cache: immutable tags exist";
    assert_eq!(error["error_message"], text);
    site.call(Method::DELETE, cache, None, 404).await?;
    Ok(())
}

/// An address of this machine where nobody listens.
async fn closed_port() -> Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    Ok(listener.local_addr().unwrap())
}

on_engines! {
    proxy_caches
}
