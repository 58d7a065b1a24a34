//! Signing in with GitHub.

use super::mock_github::{CLIENT, MockGitHub, SECRET, TOKEN};
use super::*;

const CALLBACK: &str = "/oauth2/github/callback";

on_engines! { people_sign_in_with_github }

async fn people_sign_in_with_github(engine: Engine) -> Result<()> {
    let github = MockGitHub::start();
    let (mut server, devel) = start(engine, github.config()).await?;
    anybody_can_ask_where_to_go(&server, &github).await?;
    nothing_is_asked_without_the_state(&server, &github).await?;
    who_comes_for_the_first_time_gets_an_account(&server, &github).await?;
    who_comes_again_gets_a_session(&server, &github, &devel).await?;
    two_tabs_make_one_account(&server, &github, &devel).await?;
    failures_are_told_in_the_console(&server, &github).await?;
    failures_are_told_on_a_page(&server, &github).await?;
    assert_not_logged(&server, &[TOKEN, SECRET, "code-1-of-github"]);
    server.stop().await
}

async fn anybody_can_ask_where_to_go(server: &Pierhead, github: &MockGitHub) -> Result<()> {
    let browser = server.anonymous();
    let config = json_of(browser.get("/config").await?, 200)?;
    let page = format!("{}/login/oauth/authorize", github.server.base());
    assert_eq!(
        config["external_login"],
        json!([{
            "id": "github",
            "title": "GitHub Enterprise",
            "config": {
                "CLIENT_ID": CLIENT,
                "AUTHORIZE_ENDPOINT": page,
                "GITHUB_ENDPOINT": github.server.base(),
                "ORG_RESTRICT": false,
            },
            "icon": "fa-github",
        }])
    );
    assert_eq!(config["features"]["GITHUB_LOGIN"], true);
    assert_eq!(config["features"]["GOOGLE_LOGIN"], false);
    assert!(!config.to_string().contains(SECRET));

    // As every change, from the own pages alone.
    let path = "/api/v1/externallogin/github";
    let refused = browser.post(path, json!({ "kind": "login" })).await?;
    json_of(refused, 403)?;
    browser.fetch_csrf_token().await?;
    for (path, body) in [
        ("/api/v1/externallogin/google", json!({ "kind": "login" })),
        (
            "/api/v1/externallogin/quayrobot",
            json!({ "kind": "login" }),
        ),
        (path, json!({ "kind": "other" })),
        (path, json!({})),
    ] {
        let refused = json_of(browser.post(path, body).await?, 400)?;
        assert_eq!(refused["error_type"], "invalid_request", "{refused}");
    }
    for (kind, suffix) in [("login", ""), ("attach", "/attach"), ("cli", "/cli")] {
        let address = sent_to(&browser, "github", kind).await?;
        assert!(address.starts_with(&format!("{page}?")), "{address}");
        let state = parameter(&address, "state");
        assert_eq!(state.len(), 64);
        let expected = [
            ("client_id", CLIENT.to_owned()),
            (
                "redirect_uri",
                format!("{}{CALLBACK}{suffix}", server.base_url()),
            ),
            ("scope", "user:email".to_owned()),
            ("state", state.clone()),
        ];
        let expected = expected.map(|(key, value)| (key.to_owned(), value));
        assert_eq!(parameters(&address), expected);
        // Several tabs of a browser go with the same state.
        let again = sent_to(&browser, "github", kind).await?;
        assert_eq!(parameter(&again, "state"), state);
        let other = sent_to(&server.anonymous(), "github", kind).await?;
        assert_ne!(parameter(&other, "state"), state);
    }
    assert!(github.server.asked().is_empty());
    Ok(())
}

async fn nothing_is_asked_without_the_state(server: &Pierhead, github: &MockGitHub) -> Result<()> {
    let browser = server.anonymous();
    let path = github.agree(server, &sent_to(&browser, "github", "login").await?);
    let refusal = json!({ "error": "CSRF token was invalid or missing." });
    let code = path.split('&').next().unwrap();
    for wrong in [
        code.to_owned(),
        format!("{code}&state="),
        format!("{code}&state=x"),
    ] {
        assert_eq!(
            json_of(browser.get(&wrong).await?, 403)?,
            refusal,
            "{wrong}"
        );
    }
    // The session's other token does not count, and a session of another browser has another state.
    let csrf = browser.csrf_token().unwrap();
    let other = format!("{code}&state={csrf}&_csrf_token={csrf}");
    assert_eq!(json_of(browser.get(&other).await?, 403)?, refusal);
    assert_eq!(json_of(server.anonymous().get(&path).await?, 403)?, refusal);
    let form = browser
        .request(Method::POST, CALLBACK)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("code=x&state=x");
    assert_eq!(json_of(browser.send(form).await?, 403)?, refusal);
    assert_nobody(&browser).await?;
    // Nobody configured these.
    for path in [
        "google/callback",
        "google/callback/attach",
        "quayrobot/callback",
    ] {
        let answer = browser.get(&format!("/oauth2/{path}?state=x")).await?;
        let expected = if path.ends_with("attach") { 401 } else { 404 };
        assert_eq!(answer.status.as_u16(), expected, "{path}");
    }
    assert!(github.server.asked().is_empty());
    Ok(())
}

async fn who_comes_for_the_first_time_gets_an_account(
    server: &Pierhead,
    github: &MockGitHub,
) -> Result<()> {
    let browser = server.anonymous();
    let path = github.agree(server, &sent_to(&browser, "github", "login").await?);
    let answer = browser.get(&path).await?;
    // The name was not chosen by the person.
    assert_eq!(redirected(server, &answer)?, "/updateuser");
    assert_eq!(
        github.server.asked(),
        [
            "POST /login/oauth/access_token",
            "GET /api/v3/user",
            "GET /api/v3/user/emails?per_page=100&page=1",
        ]
    );
    let octo = me(&browser).await?;
    for (key, value) in [
        ("username", json!("octo-cat")),
        ("email", json!("octo@example.com")),
        ("verified", json!(true)),
        ("has_password_set", json!(false)),
        ("prompts", json!(["confirm_username"])),
        (
            "logins",
            json!([{
                "service": "github",
                "service_identifier": "583231",
                "metadata": { "service_username": "Octo-Cat" },
            }]),
        ),
    ] {
        assert_eq!(octo[key], value, "{key}");
    }
    let told = json_of(browser.get("/api/v1/user/notifications").await?, 200)?;
    assert_eq!(told["notifications"][0]["kind"], "password_required");
    // The session is one as others.
    let body = json!({ "username": "octo" });
    let renamed = json_of(browser.put("/api/v1/user/", body).await?, 200)?;
    assert_eq!(
        (&renamed["username"], &renamed["prompts"]),
        (&json!("octo"), &json!([]))
    );
    Ok(())
}

async fn who_comes_again_gets_a_session(
    server: &Pierhead,
    github: &MockGitHub,
    devel: &ApiClient,
) -> Result<()> {
    let browser = server.anonymous();
    // The number counts, not what somebody is called there.
    github.change(|state| state.user["login"] = json!("renamed"));
    let path = github.agree(server, &sent_to(&browser, "github", "login").await?);
    let code = path.split('&').next().unwrap().rsplit('=').next().unwrap();
    let state = path.rsplit('=').next().unwrap();
    // Some providers send forms.
    let form = browser
        .request(Method::POST, CALLBACK)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("code={code}&state={state}"));
    let answer = browser.send(form).await?;
    assert_eq!(redirected(server, &answer)?, "/");
    assert_eq!(me(&browser).await?["username"], "octo");
    assert_eq!(everybody(devel).await?, ["devel", "octo"]);
    let logs = json_of(browser.get("/api/v1/user/logs").await?, 200)?;
    let kinds: Vec<&str> = logs["logs"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["kind"].as_str())
        .collect();
    assert_eq!(
        kinds,
        [
            "login_success",
            "user_change_name",
            "login_success",
            "user_create"
        ],
        "{logs}"
    );
    assert_eq!(logs["logs"][0]["metadata"]["type"], "quayauth");
    github.server.asked();
    Ok(())
}

/// Whichever is faster.
async fn two_tabs_make_one_account(
    server: &Pierhead,
    github: &MockGitHub,
    devel: &ApiClient,
) -> Result<()> {
    let before = github.person();
    github.becomes(7, "twin");
    let tabs = [server.anonymous(), server.anonymous()];
    let mut paths = Vec::new();
    for tab in &tabs {
        paths.push(github.agree(server, &sent_to(tab, "github", "login").await?));
    }
    let (one, other) = tokio::join!(tabs[0].get(&paths[0]), tabs[1].get(&paths[1]));
    for answer in [one?, other?] {
        assert_eq!(redirected(server, &answer)?, "/updateuser");
    }
    for tab in &tabs {
        assert_eq!(me(tab).await?["username"], "twin");
    }
    assert_eq!(everybody(devel).await?, ["devel", "octo", "twin"]);
    github.change(|state| state.user = before);
    github.server.asked();
    Ok(())
}

async fn failures_are_told_in_the_console(server: &Pierhead, github: &MockGitHub) -> Result<()> {
    let browser = server.anonymous();
    let address = sent_to(&browser, "github", "login").await?;
    let with = |given: &str| back(server, &address, given);
    let denied = browser
        .get(&with("error=access_denied&error_description=no&code=x"))
        .await?;
    let expected = [
        ("error", "oauth_error"),
        ("error_description", "access_denied"),
        ("provider", "GitHub Enterprise"),
        ("user_creation", "true"),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(failure(&denied)?, expected);
    let strange = browser.get(&with("error=%3Cb%3Ex%26y%22")).await?;
    assert_eq!(reason(&strange)?, "bxy");
    let codeless = browser.get(&with("scope=x")).await?;
    assert!(reason(&codeless)?.contains("No code"));
    let long = browser
        .get(&with(&format!("code={}", "x".repeat(2000))))
        .await?;
    assert!(reason(&long)?.contains("No code"));
    assert!(github.server.asked().is_empty());
    let refused = browser.get(&with("code=old")).await?;
    assert_eq!(
        reason(&refused)?,
        "The code passed is incorrect or expired."
    );
    assert_eq!(github.server.asked(), ["POST /login/oauth/access_token"]);
    for (path, text) in [
        (
            "/login/oauth/access_token",
            "Got non-2XX response for code exchange: 503",
        ),
        (
            "/api/v3/user",
            "Non-2XX response code for user_info call: 503",
        ),
        (
            "/api/v3/user/emails",
            "Got non-2XX status code for emails endpoint: 503",
        ),
    ] {
        github.change(|state| state.broken = Some((path, 503)));
        let answer = browser.get(&github.agree(server, &address)).await?;
        assert_eq!(reason(&answer)?, text);
    }
    github.change(|state| {
        state.broken = None;
        state.gone = true;
    });
    let answer = browser.get(&github.agree(server, &address)).await?;
    assert!(reason(&answer)?.contains("failed"), "{}", reason(&answer)?);
    github.change(|state| {
        state.gone = false;
        state.user["id"] = Value::Null;
    });
    let answer = browser.get(&github.agree(server, &address)).await?;
    assert_eq!(
        reason(&answer)?,
        "Missing id column in returned user information"
    );
    github.change(|state| state.user["id"] = json!(583_231));
    github.server.asked();
    assert_nobody(&browser).await
}

async fn failures_are_told_on_a_page(server: &Pierhead, github: &MockGitHub) -> Result<()> {
    let browser = server.anonymous();
    let path = back(
        server,
        &sent_to(&browser, "github", "login").await?,
        "error=access_denied",
    );
    // Who chose the older console.
    let request = browser.request(Method::GET, &path);
    let answer = browser
        .send(request.header(COOKIE, "patternfly=false"))
        .await?;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("access_denied"), "{}", answer.text());
    let request = browser.request(Method::GET, &path);
    let answer = browser
        .send(request.header(COOKIE, "patternfly=react"))
        .await?;
    assert_eq!(reason(&answer)?, "access_denied");
    // Nobody is sent to where they come from unless a console is there.
    for elsewhere in [github.server.base(), "https://evil.example.com/x"] {
        let request = browser.request(Method::GET, &path);
        let answer = browser.send(request.header(REFERER, elsewhere)).await?;
        assert_eq!(reason(&answer)?, "access_denied");
    }
    // The console's page, which everybody can write an address of.
    let page = answer.header("location")?.to_owned();
    let shown = browser.get(&page).await?.expect(&[StatusCode::OK])?;
    assert!(shown.text().contains("GitHub Enterprise could not be used"));
    assert!(shown.text().contains("access_denied"));
    let written =
        "/oauth-error?provider=%3Cb%3E&error_description=%3Cscript%3Ealert(1)%3C/script%3E";
    let shown = browser.get(written).await?.expect(&[StatusCode::OK])?;
    assert!(!shown.text().contains("<script"), "{}", shown.text());
    assert!(
        shown
            .header("content-security-policy")?
            .contains("default-src 'none'")
    );
    Ok(())
}
