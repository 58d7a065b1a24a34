//! What an application gets of a person who agrees: a token (implicit grant), or a code for one.

use super::*;

pub(super) async fn implicit_grants(engine: Engine) -> Result<()> {
    let site = Installation::start(engine, config()).await?;
    let client_id = application(&site).await?["client_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let stranger = site.server.create_user("stranger")?;
    let devel = Browser::new(&site, &site.devel);
    let authorize = |scope: &str, uri: &str, more: &str| {
        let (scope, uri) = (encoded(scope), encoded(uri));
        format!(
            "/oauth/authorize?client_id={client_id}&redirect_uri={uri}&scope={scope}&response_type=token{more}"
        )
    };
    let page = authorize("repo:read user:admin", CALLBACK, "&state=abc");

    json_of(site.server.anonymous().get(&page).await?, 401)?;
    json_of(devel.get("/oauth/authorize?client_id=x").await?, 400)?;
    json_of(Browser::new(&site, &stranger).get(&page).await?, 403)?;
    json_of(devel.get(&page.replace(&client_id, "NOBODY")).await?, 404)?;
    json_of(
        devel.get(&authorize("everything", CALLBACK, "")).await?,
        404,
    )?;
    let elsewhere = location(
        devel
            .get(&authorize("repo:read", "https://evil.example/", ""))
            .await?,
    )?;
    assert_eq!(elsewhere, format!("{CALLBACK}?error=redirect_uri_mismatch"));

    let html = devel.get(&page).await?.expect(&[reqwest::StatusCode::OK])?;
    let policy = html.header("content-security-policy")?;
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert!(
        policy.contains("form-action 'self' https://ci.example.com"),
        "{policy}"
    );
    assert_eq!(html.header("x-frame-options")?, "DENY");
    assert!(html.text().contains("Administer User"));
    let asked = json_of(devel.get(&format!("{page}&format=json")).await?, 200)?;
    assert_eq!(asked["has_dangerous_scopes"], true);
    assert_eq!(asked["application"]["organization"]["name"], "openshift");
    assert!(asked["application"]["avatar"].is_string());
    let csrf = asked["csrf_token_val"].as_str().unwrap();

    let form = |csrf| {
        [
            ("response_type", "token"),
            ("client_id", client_id.as_str()),
            ("redirect_uri", CALLBACK),
            ("scope", "repo:read user:admin"),
            ("state", "a&b"),
            ("_csrf_token", csrf),
        ]
    };
    json_of(
        devel.post("/oauth/authorizeapp", &form("wrong")).await?,
        403,
    )?;
    let mut evil = form(csrf);
    evil[2].1 = "https://evil.example/";
    let refused = json_of(devel.post("/oauth/authorizeapp", &evil).await?, 400)?;
    assert_eq!(refused, json!({ "error": "invalid_request" }));
    let mut unknown = form(csrf);
    unknown[3].1 = "everything";
    let refused = location(devel.post("/oauth/authorizeapp", &unknown).await?)?;
    assert_eq!(refused, format!("{CALLBACK}?error=invalid_scope"));
    let mut other = form(csrf);
    other[0].1 = "password";
    let refused = location(devel.post("/oauth/authorizeapp", &other).await?)?;
    assert_eq!(
        refused,
        format!("{CALLBACK}?error=unsupported_response_type")
    );

    let sent = location(devel.post("/oauth/authorizeapp", &form(csrf)).await?)?;
    let (before, fragment) = sent.split_once('#').unwrap();
    assert_eq!(
        before,
        format!("{CALLBACK}?scope=repo%3Aread+user%3Aadmin&state=a%26b")
    );
    let token = fragment.strip_prefix("access_token=").unwrap();
    let (token, rest) = token.split_once('&').unwrap();
    assert_eq!(rest, "token_type=Bearer&expires_in=315576000");
    let granted = site.server.with_token(token);

    // The person sees what acts for them, and revokes it.
    let listed = json_of(granted.get("/api/v1/user/authorizations").await?, 200)?;
    let ours = listed["authorizations"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["application"]["name"] == "bridge")
        .unwrap()
        .clone();
    assert_eq!(ours["scopes"].as_array().unwrap().len(), 2);
    assert_eq!(ours["application"]["organization"]["name"], "openshift");
    let one = format!(
        "/api/v1/user/authorizations/{}",
        ours["uuid"].as_str().unwrap()
    );
    assert_eq!(json_of(granted.get(&one).await?, 200)?, ours);

    // Who has agreed before is not asked again, for the same or less.
    let again = location(devel.get(&authorize("repo:read", CALLBACK, "")).await?)?;
    assert!(again.contains("#access_token="), "{again}");

    json_of(granted.delete(&one).await?, 204)?;
    json_of(granted.get("/api/v1/user/authorizations").await?, 401)?;
    site.call(Method::DELETE, &one, None, 404).await?;
    Ok(())
}

pub(super) async fn code_grants(engine: Engine) -> Result<()> {
    let site = Installation::start(engine, config()).await?;
    let made = application(&site).await?;
    let client_id = made["client_id"].as_str().unwrap().to_owned();
    let secret = made["client_secret"].as_str().unwrap().to_owned();
    let devel = Browser::new(&site, &site.devel);
    let page = format!(
        "/oauth/authorize?client_id={client_id}&redirect_uri={}&scope=repo:read&response_type=code&format=json",
        encoded(CALLBACK)
    );
    let csrf = json_of(devel.get(&page).await?, 200)?["csrf_token_val"]
        .as_str()
        .unwrap()
        .to_owned();
    let form = [
        ("response_type", "code"),
        ("client_id", client_id.as_str()),
        ("redirect_uri", CALLBACK),
        ("scope", "repo:read"),
        ("_csrf_token", csrf.as_str()),
    ];
    let sent = location(devel.post("/oauth/authorizeapp", &form).await?)?;
    let code = sent
        .strip_prefix(&format!("{CALLBACK}?scope=repo%3Aread&code="))
        .unwrap();

    let anonymous = site.server.anonymous();
    let exchange = async |changed: &[(&str, &str)]| {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("client_id", client_id.as_str()),
            ("client_secret", secret.as_str()),
            ("redirect_uri", CALLBACK),
            ("code", code),
            ("scope", "repo:read"),
        ];
        for (name, value) in changed {
            form.retain(|(field, _)| field != name);
            form.push((name, value));
        }
        anonymous
            .send(
                anonymous
                    .request(Method::POST, "/oauth/access_token")
                    .form(&form),
            )
            .await
    };
    for (changed, error) in [
        (("grant_type", "password"), "unsupported_grant_type"),
        (("client_secret", "wrong"), "invalid_client"),
        (("client_id", "NOBODY"), "invalid_client"),
        (("redirect_uri", "https://evil.example/"), "invalid_grant"),
        (("scope", "repo:admin"), "invalid_grant"),
        (("code", "wrong"), "invalid_grant"),
    ] {
        assert_eq!(
            json_of(exchange(&[changed]).await?, 400)?,
            json!({ "error": error }),
            "{changed:?}"
        );
    }
    let answer = exchange(&[]).await?;
    assert_eq!(answer.header("cache-control")?, "no-store");
    assert_eq!(
        answer.header("content-type")?,
        "application/json;charset=UTF-8"
    );
    let given = json_of(answer, 200)?;
    assert_eq!(
        (&given["token_type"], &given["expires_in"]),
        (&json!("Bearer"), &json!(315_576_000))
    );
    assert_eq!(given["refresh_token"], Value::Null);
    let again = json_of(exchange(&[]).await?, 400)?;
    assert_eq!(again, json!({ "error": "invalid_grant" }));

    let token = Credentials::new("$oauthtoken", given["access_token"].as_str().unwrap());
    let image = Image::build(2, &[100]);
    Client::new(&site.server, Some(&site.devel))
        .push_image("openshift/app", "1", &image)
        .await?;
    Client::new(&site.server, Some(&token))
        .get_manifest("openshift/app", "1")
        .await?;
    Ok(())
}
