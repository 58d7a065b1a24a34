//! OAuth applications, their tokens, and the OAuth provider.

use pierhead_testkit::{ApiClient, Client, Credentials, Engine, Image, Response, Result};
use reqwest::Method;
use serde_json::{Value, json};

use super::installation::{Installation, json_of};

mod browsers;

const APPLICATIONS: &str = "/api/v1/organization/openshift/applications";
const CALLBACK: &str = "https://ci.example.com/callback";

fn config() -> Value {
    json!({
        "SUPER_USERS": ["devel"],
        "FEATURE_SUPERUSERS_FULL_ACCESS": true,
        "GLOBAL_READONLY_SUPER_USERS": ["rita"],
        "OAUTH_APPLICATION_MAXIMUM_TOKEN_COUNT": 60,
    })
}

/// An organization with an application.
async fn application(site: &Installation) -> Result<Value> {
    site.server.create_organization("openshift", &site.devel)?;
    let new = json!({ "name": "bridge", "redirect_uri": CALLBACK, "description": "Bridges" });
    site.post(APPLICATIONS, new, 200).await
}

/// Q7: a dedicated organization with an application, and a token of it.
async fn applications_of_an_organization(engine: Engine) -> Result<()> {
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
async fn tokens_of_an_application(engine: Engine) -> Result<()> {
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
async fn pages_of_tokens(engine: Engine) -> Result<()> {
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

/// A browser that signs in by user name and password.
struct Browser<'s> {
    api: ApiClient,
    who: &'s Credentials,
}

impl<'s> Browser<'s> {
    fn new(site: &'s Installation, who: &'s Credentials) -> Self {
        Self {
            api: site.server.anonymous(),
            who,
        }
    }

    async fn get(&self, path: &str) -> Result<Response> {
        let request = self.api.request(Method::GET, path);
        self.api
            .send(request.basic_auth(self.who.username(), Some(self.who.password())))
            .await
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<Response> {
        let request = self.api.request(Method::POST, path).form(form);
        self.api
            .send(request.basic_auth(self.who.username(), Some(self.who.password())))
            .await
    }
}

fn encoded(text: &str) -> String {
    text.replace(':', "%3A")
        .replace('/', "%2F")
        .replace(' ', "%20")
}

/// Where a browser is sent.
fn location(answer: Response) -> Result<String> {
    let answer = answer.expect(&[reqwest::StatusCode::FOUND])?;
    Ok(answer.header("location")?.to_owned())
}

async fn implicit_grants(engine: Engine) -> Result<()> {
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

async fn code_grants(engine: Engine) -> Result<()> {
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

use browsers::{
    assigned_tokens, declined_requests, failures_of_tokens_are_recorded, tokens_for_oneself,
};

on_engines! {
    applications_of_an_organization
    tokens_of_an_application
    pages_of_tokens
    implicit_grants
    code_grants
    declined_requests
    assigned_tokens
    tokens_for_oneself
    failures_of_tokens_are_recorded
}
