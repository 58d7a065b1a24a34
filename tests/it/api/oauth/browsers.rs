//! What browsers with a web session do at the OAuth provider beside agreeing: declining, assigning tokens to others, and showing
//! a token that somebody made for themselves.

use super::*;

const ASSIGNMENTS: &str = "/api/v1/user/assignedauthorization";
const NOTIFICATIONS: &str = "/api/v1/user/notifications";

/// A form that a browser sends from a page of ours, or, without its CSRF token, from somewhere else.
async fn send(browser: &ApiClient, path: &str, form: &[(&str, &str)]) -> Result<Response> {
    browser
        .send(browser.request(Method::POST, path).form(form))
        .await
}

/// What the pages and forms of the provider have in common.
fn parameters<'a>(client_id: &'a str, uri: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("response_type", "token"),
        ("client_id", client_id),
        ("redirect_uri", uri),
        ("scope", "repo:read"),
    ]
}

fn query(path: &str, parameters: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    format!("{path}?{}", pairs.join("&"))
}

async fn session(site: &Installation, who: &Credentials) -> Result<ApiClient> {
    site.server.signed_in(who.username(), who.password()).await
}

pub(super) async fn declined_requests(engine: Engine) -> Result<()> {
    let site = Installation::start(engine, config()).await?;
    let made = application(&site).await?;
    let client_id = made["client_id"].as_str().unwrap();
    let devel = session(&site, &site.devel).await?;
    let deny = "/oauth/denyapp";
    let form = parameters(client_id, CALLBACK);
    let declined = location(send(&devel, deny, &form).await?)?;
    assert_eq!(declined, format!("{CALLBACK}?error=authorization_denied"));

    let evil = parameters(client_id, "https://evil.example/");
    let unknown = parameters("NOBODY", CALLBACK);
    for wrong in [&evil, &unknown] {
        let refused = json_of(send(&devel, deny, wrong).await?, 400)?;
        assert_eq!(refused, json!({ "error": "invalid_request" }));
    }
    // Another site's form has no token; a program with a password is no browser.
    let request = devel.request(Method::POST, deny).form(&form);
    let request = request.header("x-csrf-token", "forged");
    let forged = site.server.anonymous();
    json_of(forged.send(request).await?, 401)?;
    let mut forged = form.clone();
    forged.push(("_csrf_token", "forged"));
    json_of(
        Browser::new(&site, &site.devel).post(deny, &forged).await?,
        403,
    )?;
    json_of(send(&site.server.anonymous(), deny, &form).await?, 401)?;
    // Nothing was given.
    let tokens = format!("{APPLICATIONS}/{client_id}/tokens");
    assert_eq!(site.get(&tokens).await?, json!({ "tokens": [] }));
    Ok(())
}

pub(super) async fn assigned_tokens(engine: Engine) -> Result<()> {
    let site = Installation::start(engine, config()).await?;
    let made = application(&site).await?;
    let client_id = made["client_id"].as_str().unwrap();
    let bob = site.server.create_user("bob")?;
    let (devel, bob) = (
        session(&site, &site.devel).await?,
        session(&site, &bob).await?,
    );
    let assign = "/oauth/authorize/assignuser";
    let to = |name: &'static str| {
        let mut parameters = parameters(client_id, CALLBACK);
        parameters.extend([("username", name), ("format", "json")]);
        query(assign, &parameters)
    };
    let missing = query(assign, &parameters(client_id, CALLBACK));
    let refused = json_of(send(&devel, &missing, &[]).await?, 400)?;
    assert_eq!(refused, json!({ "error": "Required param: username" }));
    json_of(send(&devel, &to("nobody"), &[]).await?, 404)?;
    json_of(send(&devel, &to("openshift"), &[]).await?, 404)?;
    json_of(
        send(&devel, &to("bob").replace(client_id, "NOBODY"), &[]).await?,
        404,
    )?;
    json_of(send(&bob, &to("bob"), &[]).await?, 403)?;
    json_of(send(&site.server.anonymous(), &to("bob"), &[]).await?, 401)?;
    let empty = json!({ "authorizations": [] });
    assert_eq!(json_of(bob.get(ASSIGNMENTS).await?, 200)?, empty);

    let assigned = json_of(send(&devel, &to("bob"), &[]).await?, 200)?;
    assert_eq!(
        assigned,
        json!({ "message": "Token assigned successfully" })
    );
    if let Some(told) = site.audited("oauth_token_assigned")? {
        assert_eq!(
            told,
            json!({
                "assigning_user": "devel", "assigned_user": "bob", "application": "bridge", "client_id": client_id,
            })
        );
    }
    let page = send(&devel, &to("bob").replace("&format=json", ""), &[]).await?;
    let page = page.expect(&[reqwest::StatusCode::OK])?;
    assert!(page.text().contains("Token assigned successfully"));

    // Bob is told, until he looks.
    let told = json_of(bob.get(NOTIFICATIONS).await?, 200)?;
    let told = told["notifications"].as_array().unwrap();
    assert_eq!(told.len(), 2);
    assert_eq!(
        (&told[0]["kind"], &told[0]["metadata"]),
        (
            &json!("assigned_authorization"),
            &json!({ "username": "bob" })
        )
    );
    let listed = json_of(bob.get(ASSIGNMENTS).await?, 200)?;
    let listed = listed["authorizations"].as_array().unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0]["application"]["name"], "bridge");
    assert_eq!(listed[0]["scopes"][0]["scope"], "repo:read");
    assert_eq!(listed[0]["application"]["clientId"], client_id);
    for (key, value) in [("redirectUri", CALLBACK), ("responseType", "token")] {
        assert_eq!(listed[0][key], value, "{key}");
    }
    let told = json_of(bob.get(NOTIFICATIONS).await?, 200)?;
    assert_eq!(told["notifications"], json!([]));

    // He declines one, and takes the other.
    let uuid = |index: usize| listed[index]["uuid"].as_str().unwrap();
    let declined = format!("{ASSIGNMENTS}/{}", uuid(1));
    json_of(bob.delete(&declined).await?, 204)?;
    json_of(bob.delete(&declined).await?, 404)?;
    let authorize = query("/oauth/authorize", &parameters(client_id, CALLBACK));
    json_of(bob.get(&authorize).await?, 403)?;
    let declined = format!("{authorize}&assignment_uuid={}", uuid(1));
    json_of(bob.get(&declined).await?, 403)?;
    let his = format!("{authorize}&assignment_uuid={}", uuid(0));
    json_of(devel.get(&his.replace("=token", "=code")).await?, 400)?;
    let asked = json_of(bob.get(&format!("{his}&format=json")).await?, 200)?;
    assert_eq!(asked["assignment_uuid"], uuid(0));
    let mut form = parameters(client_id, CALLBACK);
    form.push(("assignment_uuid", uuid(0)));
    let sent = location(send(&bob, "/oauth/authorizeapp", &form).await?)?;
    let (_, token) = sent.split_once("#access_token=").unwrap();
    let (token, _) = token.split_once('&').unwrap();
    let granted = json_of(bob.get("/api/v1/user/authorizations").await?, 200)?;
    assert_eq!(
        granted["authorizations"][0]["application"]["name"],
        "bridge"
    );
    site.server.create_repository("bob/app", "private")?;
    let client = site.server.with_token(token);
    json_of(client.get("/api/v1/repository/bob/app").await?, 200)?;
    assert_eq!(json_of(bob.get(ASSIGNMENTS).await?, 200)?, empty);
    let again = location(send(&bob, "/oauth/authorizeapp", &form).await?)?;
    assert_eq!(again, format!("{CALLBACK}?error=unauthorized_client"));
    Ok(())
}

pub(super) async fn tokens_for_oneself(engine: Engine) -> Result<()> {
    let site = Installation::start(engine, config()).await?;
    let made = application(&site).await?;
    let client_id = made["client_id"].as_str().unwrap();
    let devel = session(&site, &site.devel).await?;
    let local = format!("{}/oauth/localapp", site.server.base_url());
    let form = parameters(client_id, &local);
    let sent = location(send(&devel, "/oauth/authorizeapp", &form).await?)?;
    let shown = sent.strip_prefix(site.server.base_url()).unwrap();
    let (page, fragment) = shown.split_once('#').unwrap();
    assert!(fragment.starts_with("access_token="), "{fragment}");

    json_of(site.server.anonymous().get(page).await?, 401)?;
    let html = devel.get(page).await?.expect(&[reqwest::StatusCode::OK])?;
    let policy = html.header("content-security-policy")?;
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'sha256-"));
    assert_eq!(html.header("referrer-policy")?, "no-referrer");
    let json = format!("{page}&format=json&access_token=abc");
    assert_eq!(
        json_of(devel.get(&json).await?, 200)?,
        json!({ "access_token": "abc" })
    );
    let cancelled = devel.get("/oauth/localapp").await?;
    assert!(cancelled.text().contains("Authorization canceled"));
    Ok(())
}

/// `ACTION_LOG_AUDIT_LOGIN_FAILURES`.
pub(super) async fn failures_of_tokens_are_recorded(engine: Engine) -> Result<()> {
    let settings = json!({ "SUPER_USERS": ["devel"], "ACTION_LOG_AUDIT_LOGIN_FAILURES": true });
    let mut site = Installation::start(engine, settings).await?;
    let ann = site.server.create_user("ann")?;
    let ann = session(&site, &ann).await?;
    let reef = json!({ "name": "reef", "email": "reef@example.com" });
    json_of(ann.post("/api/v1/organization/", reef).await?, 201)?;
    let applications = "/api/v1/organization/reef/applications";
    let made = json_of(
        ann.post(applications, json!({ "name": "tide" })).await?,
        200,
    )?;
    let client_id = made["client_id"].as_str().unwrap();
    let tokens = format!("{applications}/{client_id}/tokens");
    let token = async |expiration: i64| -> Result<String> {
        let new = json!({ "name": "t", "scope": "repo:read", "expiration": expiration });
        let made = json_of(ann.post(&tokens, new).await?, 200)?;
        Ok(made["token"].as_str().unwrap().to_owned())
    };
    let (short, long) = (token(3600).await?, token(1_000_000).await?);
    let me = "/api/v1/user/logs";
    let newest = async |site: &Installation| -> Result<Value> {
        // The superuser's token is among those that end.
        let devel = session(site, &site.devel).await?;
        let log = json_of(devel.get("/api/v1/superuser/logs").await?, 200)?;
        let rows = log["logs"].as_array().unwrap();
        let row = rows.iter().find(|row| row["kind"] == "login_failure");
        Ok(row.cloned().unwrap_or_default())
    };
    assert_eq!(newest(&site).await?, Value::Null);

    let wrong = site
        .server
        .with_token("0123456789012345678901234567890123456789");
    json_of(wrong.get(me).await?, 401)?;
    let row = newest(&site).await?;
    let agent = row["metadata"]["useragent"].clone();
    assert!(agent.is_string() && row.get("performer").is_none());
    assert_eq!(
        row["metadata"],
        json!({
            "type": "quayauth", "kind": "oauth", "useragent": agent,
            "message": "OAuth access token could not be validated",
        })
    );

    json_of(site.server.with_token(&long).get(me).await?, 403)?;
    let out = json!({ "enabled": false });
    site.put("/api/v1/superuser/users/ann", out, 200).await?;
    json_of(site.server.with_token(&long).get(me).await?, 401)?;
    let row = newest(&site).await?;
    let known = json!({
        "type": "quayauth", "kind": "oauth", "useragent": agent, "token": &long[..20], "application_name": "tide",
        "username": "ann", "message": "Granter of the oauth access token is disabled",
    });
    assert_eq!(row["metadata"], known);
    assert_eq!(
        (&row["namespace"]["name"], &row["performer"]["name"]),
        (&json!("reef"), &json!("ann"))
    );

    site.server.shift_clock("+1d")?;
    site.server.restart().await?;
    json_of(site.server.with_token(&short).get(me).await?, 401)?;
    let row = newest(&site).await?;
    let id = &row["metadata"]["oauth_token_id"];
    assert!(id.is_i64(), "{row}");
    assert_eq!(
        row["metadata"],
        json!({
            "type": "quayauth", "kind": "oauth", "useragent": agent, "token": &short[..20], "application_name": "tide",
            "username": "ann", "message": "OAuth access token has expired", "oauth_token_id": id,
            "oauth_token_application_id": client_id, "oauth_token_application": "tide",
        })
    );
    assert_eq!(row["namespace"]["name"], "reef");
    Ok(())
}
