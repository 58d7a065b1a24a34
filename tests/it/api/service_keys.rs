//! Keys of services, as superusers manage them, and the bootstrap token.

use pierhead_testkit::{Engine, Pierhead, Result};
use reqwest::Method;
use serde_json::{Value, json};

use super::installation::{Installation, json_of};

const KEYS: &str = "/api/v1/superuser/keys";

async fn keys_of_services(engine: Engine) -> Result<()> {
    let site = Installation::start(engine, json!({ "SUPER_USERS": ["devel"] })).await?;
    for wrong in [
        json!({}),
        json!({ "service": "scanner" }),
        json!({ "service": "Scanner!", "expiration": null }),
        json!({ "service": "scanner", "expiration": 1 }),
        json!({ "service": "scanner", "expiration": "soon" }),
        json!({ "service": "scanner", "expiration": null, "name": "a;b" }),
    ] {
        let error = site.post(KEYS, wrong.clone(), 400).await?;
        assert_eq!(error["error_type"], "invalid_request", "{wrong}");
    }
    let listed = site.get(KEYS).await?;
    assert_eq!(
        listed["keys"].as_array().unwrap().len(),
        1,
        "the key of the registry itself"
    );

    let new =
        json!({ "service": "scanner", "expiration": null, "name": "Scanner", "notes": "by hand" });
    let made = site.post(KEYS, new, 200).await?;
    assert!(
        made["private_key"]
            .as_str()
            .unwrap()
            .starts_with("-----BEGIN RSA PRIVATE KEY-----")
    );
    assert!(
        made["public_key"]
            .as_str()
            .unwrap()
            .starts_with("-----BEGIN PUBLIC KEY-----")
    );
    let kid = made["kid"].as_str().unwrap();
    let one = format!("{KEYS}/{kid}");
    let key = site.get(&one).await?;
    assert_eq!(
        (&key["name"], &key["service"]),
        (&json!("Scanner"), &json!("scanner"))
    );
    let mut approver = key["approval"]["approver"].clone();
    assert_eq!(approver["avatar"].take()["kind"], "user");
    assert_eq!(
        approver,
        json!({ "kind": "user", "name": "devel", "username": "devel", "email": "devel@example.com", "verified": true,
            "avatar": null, "super_user": true, "global_readonly_super_user": false, "enabled": true })
    );
    assert_eq!(key["approval"]["notes"], "by hand");
    assert_eq!(key["metadata"]["creator"], "devel");
    assert!(key.get("private_key").is_none() && key["jwk"].get("d").is_none());
    assert!(key["created_date"].as_str().unwrap().ends_with(" GMT"));

    let published = json_of(
        site.server
            .anonymous()
            .get("/keys/services/scanner/keys")
            .await?,
        200,
    )?;
    assert_eq!(published["keys"][0]["kid"], kid);

    let changed = site
        .put(
            &one,
            json!({ "name": "S", "expiration": 4_000_000_000_i64 }),
            200,
        )
        .await?;
    assert_eq!(changed["expiration_date"], "Tue, 02 Oct 2096 07:06:40 GMT");
    let past = site.put(&one, json!({ "expiration": 1 }), 400).await?;
    assert_eq!(past["error_type"], "invalid_request");
    assert_eq!(site.get(&one).await?, changed);
    site.post(
        &format!("/api/v1/superuser/approvedkeys/{kid}"),
        json!({}),
        201,
    )
    .await?;
    site.post("/api/v1/superuser/approvedkeys/none", json!({}), 404)
        .await?;
    json_of(site.server.anonymous().get(KEYS).await?, 401)?;
    site.delete(&one, 204).await?;
    site.get(&one).await.unwrap_err();
    site.delete(&one, 404).await?;

    // What signs nothing hands in and deletes nothing.
    let anonymous = site.server.anonymous();
    let jwk = json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" });
    json_of(
        anonymous
            .put("/keys/services/scanner/keys/k", jwk.clone())
            .await?,
        400,
    )?;
    let forged = site
        .server
        .with_token("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.e30");
    json_of(
        forged
            .put("/keys/services/scanner/keys/k", jwk.clone())
            .await?,
        400,
    )?;
    json_of(
        forged.put("/keys/services/scanner/keys/other", jwk).await?,
        403,
    )?;
    json_of(forged.delete("/keys/services/scanner/keys/k").await?, 403)?;
    Ok(())
}

/// The bootstrap token is made at the first start that finds its owner, and renewed by itself.
async fn bootstrap_tokens(engine: Engine) -> Result<()> {
    let folder = std::env::temp_dir().join(format!(
        "pierhead-bootstrap-{}-{engine:?}",
        std::process::id()
    ));
    let path = folder.join("token.json");
    let config = json!({
        "SUPER_USERS": ["devel"],
        "FEATURE_PROGRAMMATIC_BOOTSTRAP": true,
        "BOOTSTRAP_TOKEN_OWNER": "devel",
        "BOOTSTRAP_TOKEN_PATH": path,
    });
    let mut server = Pierhead::builder()
        .engine(engine)
        .config(config)
        .start()
        .await?;
    server.initialize("devel").await?;
    assert!(!path.exists());
    server.restart().await?;
    let token = || -> String {
        let content: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        content["access_token"].as_str().unwrap().to_owned()
    };
    let first = token();
    json_of(server.with_token(&first).get(KEYS).await?, 200)?;

    let renew = "/api/v1/bootstrap/renew";
    json_of(
        server.anonymous().call(Method::POST, renew, None).await?,
        401,
    )?;
    json_of(
        server
            .with_token("wrong")
            .call(Method::POST, renew, None)
            .await?,
        401,
    )?;
    let renewed = json_of(
        server
            .with_token(&first)
            .call(Method::POST, renew, None)
            .await?,
        200,
    )?;
    assert_eq!(renewed, json!({ "status": "rotated" }));
    assert_ne!(token(), first);
    json_of(server.with_token(&first).get(KEYS).await?, 401)?;
    json_of(server.with_token(&token()).get(KEYS).await?, 200)?;
    std::fs::remove_dir_all(folder).unwrap();
    Ok(())
}

on_engines! {
    keys_of_services
    bootstrap_tokens
}
