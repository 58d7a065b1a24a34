//! OAuth applications of organizations, and the tokens that are made for them.

use super::*;

/// Q7: a dedicated organization with an application, and a token of it.
pub(super) async fn applications_of_an_organization(engine: Engine) -> Result<()> {
    let site = Installation::start(engine, config()).await?;
    let made = application(&site).await?;
    let client_id = made["client_id"].as_str().unwrap().to_owned();
    let secret = made["client_secret"].as_str().unwrap().to_owned();
    assert_eq!((client_id.len(), secret.len()), (20, 40));
    assert_eq!(
        made,
        json!({
            "name": "bridge", "description": "Bridges", "application_uri": "", "client_id": client_id,
            "client_secret": secret, "redirect_uri": CALLBACK, "avatar_email": null,
        })
    );
    let one = format!("{APPLICATIONS}/{client_id}");
    assert_eq!(site.get(&one).await?, made);
    assert_eq!(
        site.get(APPLICATIONS).await?,
        json!({ "applications": [made] })
    );

    for wrong in [
        json!({}),
        json!({ "name": 1 }),
        json!({ "name": "x", "avatar_email": null }),
        json!({ "name": "__quay_bootstrap_app" }),
        json!({ "name": "x".repeat(256) }),
    ] {
        let refused = site.post(APPLICATIONS, wrong, 400).await?;
        assert_eq!(refused["error_type"], "invalid_request", "{refused}");
    }
    site.put(&one, json!({ "name": "x", "redirect_uri": "" }), 400)
        .await?;
    assert_eq!(
        site.get(APPLICATIONS).await?["applications"]
            .as_array()
            .unwrap()
            .len(),
        1
    );

    let change = json!({ "name": "bridge 2", "redirect_uri": CALLBACK, "application_uri": "https://ci.example.com" });
    let changed = site.put(&one, change, 200).await?;
    assert_eq!(
        (&changed["name"], &changed["description"]),
        (&json!("bridge 2"), &json!(""))
    );
    assert_eq!(changed["client_secret"], secret);
    let reset = site
        .post(&format!("{one}/resetclientsecret"), json!({}), 200)
        .await?;
    assert_ne!(reset["client_secret"], secret);

    // Anybody may know what an application is; only its organization's administrators see the rest.
    let told = json_of(
        site.server
            .anonymous()
            .get(&format!("/api/v1/app/{client_id}"))
            .await?,
        200,
    )?;
    assert_eq!(
        (&told["name"], &told["uri"]),
        (&json!("bridge 2"), &json!("https://ci.example.com"))
    );
    assert_eq!(told["avatar"]["kind"], "app");
    assert_eq!(told["organization"]["name"], "openshift");
    assert_eq!(told["organization"]["is_admin"], false);
    assert!(told["organization"].get("tag_expiration_s").is_none());
    let path = format!("/api/v1/app/{client_id}");
    let mut told = site.get(&path).await?["organization"].take();
    told["avatar"].take();
    assert_eq!(
        told,
        json!({
            "name": "openshift", "email": "", "avatar": null, "is_admin": true, "is_member": true, "teams": {},
            "ordered_teams": [], "invoice_email": false, "invoice_email_address": null, "tag_expiration_s": 1_209_600,
            "is_free_account": true,
        })
    );
    let refused = json_of(site.server.anonymous().get(&one).await?, 401)?;
    assert_eq!(refused["error_type"], "invalid_token");
    site.call(Method::GET, "/api/v1/app/NOBODY", None, 404)
        .await?;

    // A superuser with full access counts as an administrator everywhere; one who may only read sees no secret.
    let other = site.server.create_user("other")?;
    site.server.create_organization("theirs", &other)?;
    let theirs = site
        .post(
            "/api/v1/organization/theirs/applications",
            json!({ "name": "app", "redirect_uri": CALLBACK, "avatar_email": "app@example.com" }),
            200,
        )
        .await?;
    assert_eq!(theirs["client_secret"].as_str().unwrap().len(), 40);
    assert_eq!(theirs["redirect_uri"], CALLBACK);
    let read = "/api/v1/organization/theirs/applications";
    assert_eq!(
        site.get(read).await?,
        json!({ "applications": [theirs.clone()] })
    );
    let rita = site.server.create_user("rita")?;
    let rita = site
        .server
        .signed_in(rita.username(), rita.password())
        .await?;
    let mut seen = theirs;
    for hidden in ["client_secret", "redirect_uri", "avatar_email"] {
        seen[hidden] = Value::Null;
    }
    assert_eq!(
        json_of(rita.get(read).await?, 200)?,
        json!({ "applications": [seen] })
    );

    site.delete(&one, 204).await?;
    site.delete(&one, 404).await?;
    assert_eq!(site.get(APPLICATIONS).await?, json!({ "applications": [] }));
    if let Some(told) = site.audited("delete_application")? {
        assert_eq!(
            (&told["application_name"], &told["client_id"]),
            (&json!("bridge 2"), &json!(client_id))
        );
    }
    assert!(site.statements(APPLICATIONS).await? <= 3);
    Ok(())
}

/// Q8, Q9: a token has the scopes that it was made with, is shown once, and can be listed and revoked.
pub(super) async fn tokens_of_an_application(engine: Engine) -> Result<()> {
    let site = Installation::start(engine, config()).await?;
    let client_id = application(&site).await?["client_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let tokens = format!("{APPLICATIONS}/{client_id}/tokens");
    assert_eq!(site.get(&tokens).await?, json!({ "tokens": [] }));
    for (wrong, shape) in [
        (json!({ "name": "x" }), "error_type"),
        (json!({ "name": "", "scope": "repo:read" }), "error_type"),
        (
            json!({ "name": "x".repeat(256), "scope": "repo:read" }),
            "error_type",
        ),
        (
            json!({ "name": "x", "scope": "repo:read", "expiration": 0 }),
            "error_type",
        ),
        (
            json!({ "name": "x", "scope": "repo:read", "expiration": "1" }),
            "error_type",
        ),
        (
            json!({ "name": "x", "scope": "repo:read", "expiration": null }),
            "error_type",
        ),
        (json!({ "name": "  ", "scope": "repo:read" }), "message"),
        (
            json!({ "name": "x", "scope": "repo:everything" }),
            "message",
        ),
        (json!({ "name": "x", "scope": "" }), "message"),
    ] {
        let error = site.post(&tokens, wrong.clone(), 400).await?;
        assert!(error[shape].is_string(), "{wrong}: {error}");
    }
    assert_eq!(
        site.get(&tokens).await?,
        json!({ "tokens": [] }),
        "nothing was made"
    );

    let new = json!({ "name": " reader ", "scope": "repo:read,org:admin", "expiration": 3600 });
    let mut made = site.post(&tokens, new, 200).await?;
    let text = made.as_object_mut().unwrap().remove("token").unwrap();
    let text = text.as_str().unwrap();
    assert_eq!(text.len(), 40);
    assert_eq!(
        (&made["name"], &made["scope"]),
        (&json!("reader"), &json!("repo:read org:admin"))
    );
    assert_eq!(
        (&made["created_by"], &made["last_accessed"]),
        (&json!("devel"), &Value::Null)
    );
    assert_eq!(
        site.get(&tokens).await?,
        json!({ "tokens": [made] }),
        "without its text"
    );

    // It reads and administers the organization, but cannot hand on more than it has.
    let reader = site.server.with_token(text);
    json_of(reader.get(APPLICATIONS).await?, 200)?;
    json_of(
        reader
            .post(&tokens, json!({ "name": "x", "scope": "repo:read" }))
            .await?,
        200,
    )?;
    let more = reader
        .post(&tokens, json!({ "name": "x", "scope": "user:admin" }))
        .await?;
    assert_eq!(json_of(more, 403)?["error_type"], "insufficient_scope");
    json_of(reader.get("/api/v1/user/authorizations").await?, 403)?;

    // As a registry credential it pulls and does not push.
    let image = Image::build(1, &[100]);
    Client::new(&site.server, Some(&site.devel))
        .push_image("openshift/app", "1", &image)
        .await?;
    let oauth = Client::new(&site.server, Some(&Credentials::new("$oauthtoken", text)));
    oauth.get_manifest("openshift/app", "1").await?;
    assert!(
        oauth
            .push_image("openshift/app", "2", &image)
            .await
            .is_err()
    );

    // Warm, the token costs no bcrypt, and its caller's rights one statement.
    let list = async || json_of(reader.get(APPLICATIONS).await?, 200);
    let warm = site.server.statements_when_warm(list).await?;
    assert!(warm <= 3, "{warm} statements");

    let uuid = made["uuid"].as_str().unwrap();
    site.delete(&format!("{tokens}/{uuid}"), 204).await?;
    site.delete(&format!("{tokens}/{uuid}"), 404).await?;
    json_of(reader.get(APPLICATIONS).await?, 401)?;
    if let Some(told) = site.audited("revoke_oauth_api_token")? {
        assert_eq!(told["oauth_token_uuid"], uuid);
    }
    Ok(())
}

/// Tokens of an application come in pages of fifty, and no more than the limit are made.
pub(super) async fn pages_of_tokens(engine: Engine) -> Result<()> {
    let site = Installation::start(
        engine,
        json!({ "SUPER_USERS": ["devel"], "OAUTH_APPLICATION_MAXIMUM_TOKEN_COUNT": 2 }),
    )
    .await?;
    let client_id = application(&site).await?["client_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let tokens = format!("{APPLICATIONS}/{client_id}/tokens");
    for name in ["one", "two"] {
        site.post(&tokens, json!({ "name": name, "scope": "repo:read" }), 200)
            .await?;
    }
    let full = site
        .post(
            &tokens,
            json!({ "name": "three", "scope": "repo:read" }),
            400,
        )
        .await?;
    assert_eq!(
        full["message"],
        "Token limit reached: maximum 2 non-expired tokens per application"
    );
    let first = site.get(&tokens).await?;
    assert_eq!(first["tokens"][0]["name"], "two");
    let Some(database) = site.server.database() else {
        return Ok(());
    };
    database.sql(
        "INSERT INTO oauthaccesstoken (uuid, application_id, authorized_user_id, scope, token_type, expires_at, data, token_code, token_name, display_name)
        SELECT 'u' || i, application_id, authorized_user_id, scope, token_type, expires_at, '', '', 'n' || i, 'more ' || i
        FROM oauthaccesstoken, generate_series(1, 99) i WHERE display_name = 'one'",
    )?;
    let mut seen = Vec::new();
    let mut path = tokens.clone();
    loop {
        let page = site.get(&path).await?;
        let names: Vec<_> = page["tokens"]
            .as_array()
            .unwrap()
            .iter()
            .map(|token| token["name"].clone())
            .collect();
        assert!(names.len() <= 50);
        seen.extend(names);
        match page["next_page"].as_str() {
            Some(next) => path = format!("{tokens}?next_page={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 101);
    assert_eq!((&seen[0], &seen[100]), (&json!("more 99"), &json!("one")));
    assert!(site.statements(&path).await? <= 4);
    Ok(())
}
