//! Whom the site lets come: organizations, addresses, invitations, captchas; disabled people; the read-only registry.

use super::mock_github::MockGitHub;
use super::*;

on_engines! { the_site_decides_who_comes }

/// Comes back from GitHub in a new browser.
async fn come(server: &Pierhead, github: &MockGitHub) -> Result<(ApiClient, Response)> {
    let browser = server.anonymous();
    let address = sent_to(&browser, "github", "login").await?;
    let answer = browser.get(&github.agree(server, &address)).await?;
    Ok((browser, answer))
}

/// Why who comes back from GitHub does not get in.
async fn kept_out(server: &Pierhead, github: &MockGitHub) -> Result<String> {
    let (browser, answer) = come(server, github).await?;
    assert_nobody(&browser).await?;
    reason(&answer)
}

/// Lets who comes back from GitHub in, by name.
async fn let_in(server: &Pierhead, github: &MockGitHub) -> Result<String> {
    let (browser, answer) = come(server, github).await?;
    redirected(server, &answer)?;
    Ok(me(&browser).await?["username"].as_str().unwrap().to_owned())
}

async fn the_site_decides_who_comes(engine: Engine) -> Result<()> {
    let github = MockGitHub::start();
    let (mut server, devel) = start(engine, github.config()).await?;
    assert_eq!(let_in(&server, &github).await?, "octo-cat");

    only_members_of_organizations_come(&mut server, &github).await?;
    disabled_people_do_not_come(&server, &github, &devel).await?;
    github.becomes(2, "Newcomer");
    new_people_come_where_they_are_wanted(&mut server, &github, &devel).await?;
    addresses_are_verified_and_of_one_person(&mut server, &github, &devel).await?;
    a_captcha_is_solved_first(&mut server, &github).await?;
    nothing_is_changed_in_a_read_only_registry(&mut server, &github).await?;
    server.stop().await
}

async fn only_members_of_organizations_come(
    server: &mut Pierhead,
    github: &MockGitHub,
) -> Result<()> {
    let mut config = github.config()["GITHUB_LOGIN_CONFIG"].clone();
    config["ORG_RESTRICT"] = json!(true);
    config["ALLOWED_ORGANIZATIONS"] = json!(["Tide", "other"]);
    server
        .restart_with(json!({ "GITHUB_LOGIN_CONFIG": config }))
        .await?;
    let address = sent_to(&server.anonymous(), "github", "login").await?;
    assert_eq!(parameter(&address, "scope"), "user:email read:org");
    let shown = json_of(server.anonymous().get("/config").await?, 200)?;
    assert_eq!(shown["external_login"][0]["config"]["ORG_RESTRICT"], true);
    // Also who has an account.
    let text = "You are not a member of an allowed GitHub organization. Please contact your system administrator if you \
                believe this is in error.";
    assert_eq!(kept_out(server, github).await?, text);
    let many = |last: &str| -> Value {
        let others = (0..120).map(|n| json!({ "login": format!("org-{n}") }));
        others.chain([json!({ "login": last })]).collect()
    };
    github.change(|state| state.organizations = many("waves"));
    assert_eq!(kept_out(server, github).await?, text);
    github.change(|state| state.organizations = many("TIDE"));
    assert_eq!(let_in(server, github).await?, "octo-cat");
    github.change(|state| state.broken = Some(("/api/v3/user/orgs", 403)));
    let text = "Got non-2XX response for org lookup: 403";
    assert_eq!(kept_out(server, github).await?, text);
    github.change(|state| state.broken = None);
    let config = github.config()["GITHUB_LOGIN_CONFIG"].clone();
    server
        .restart_with(json!({ "GITHUB_LOGIN_CONFIG": config }))
        .await
}

async fn disabled_people_do_not_come(
    server: &Pierhead,
    github: &MockGitHub,
    devel: &ApiClient,
) -> Result<()> {
    let path = "/api/v1/superuser/users/octo-cat";
    let enabled = |enabled: bool| devel.put(path, json!({ "enabled": enabled }));
    json_of(enabled(false).await?, 200)?;
    let text = "Could not login. Account may be disabled";
    assert_eq!(kept_out(server, github).await?, text);
    let logs = json_of(devel.get("/api/v1/superuser/logs").await?, 200)?;
    let newest = &logs["logs"][0];
    assert_eq!(newest["kind"], "login_failure", "{newest}");
    assert_eq!(newest["metadata"]["username"], "octo-cat");
    assert_eq!(newest["metadata"]["message"], text);
    json_of(enabled(true).await?, 200)?;
    assert_eq!(let_in(server, github).await?, "octo-cat");
    Ok(())
}

async fn new_people_come_where_they_are_wanted(
    server: &mut Pierhead,
    github: &MockGitHub,
    devel: &ApiClient,
) -> Result<()> {
    let text = "User creation is disabled. Please contact your administrator";
    server
        .restart_with(json!({ "FEATURE_USER_CREATION": false }))
        .await?;
    let (browser, answer) = come(server, github).await?;
    assert_nobody(&browser).await?;
    let told = failure(&answer)?;
    assert_eq!((told.len(), &*told[1].1), (3, text));

    let blacklist = json!({
        "FEATURE_USER_CREATION": true,
        "FEATURE_BLACKLISTED_EMAILS": true,
        "BLACKLISTED_EMAIL_DOMAINS": ["example.com"],
    });
    server.restart_with(blacklist).await?;
    assert_eq!(kept_out(server, github).await?, text);

    let invited = |only: bool| json!({ "BLACKLISTED_EMAIL_DOMAINS": [], "FEATURE_INVITE_ONLY_USER_CREATION": only });
    server.restart_with(invited(true)).await?;
    assert_eq!(kept_out(server, github).await?, text);
    assert_eq!(everybody(devel).await?, ["devel", "octo-cat"]);
    server.restart_with(invited(false)).await?;
    assert_eq!(let_in(server, github).await?, "newcomer");
    Ok(())
}

async fn addresses_are_verified_and_of_one_person(
    server: &mut Pierhead,
    github: &MockGitHub,
    devel: &ApiClient,
) -> Result<()> {
    // Where no mail is sent, an address is not needed.
    github.becomes(3, "silent");
    github.change(|state| state.emails = json!([]));
    assert_eq!(let_in(server, github).await?, "silent");
    let mail = json!({ "FEATURE_MAILING": true, "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": 1 });
    server.restart_with(mail).await?;
    let text = "A verified email address is required to login with this service";
    assert_eq!(kept_out(server, github).await?, text);
    let nothing_counts = json!([{ "email": "x@example.com", "primary": false, "verified": false }]);
    github.change(|state| state.emails = nothing_counts);
    assert_eq!(kept_out(server, github).await?, text);

    github.becomes(4, "devel");
    let (browser, answer) = come(server, github).await?;
    assert_nobody(&browser).await?;
    let told = failure(&answer)?;
    assert_eq!(
        told[1].1,
        "The e-mail address devel@example.com is already associated with an existing Tide Registry account. \n\
         Please log in with your username and password and associate your GitHub Enterprise account to use it in the \
         future."
    );
    let hints: Vec<&str> = told.iter().skip(3).map(|(key, _)| &**key).collect();
    assert_eq!(hints, ["user_creation", "register_redirect"]);
    let page = browser.get(answer.header("location")?).await?;
    assert!(
        page.text()
            .contains("register with a name and a password first")
    );
    assert_eq!(
        everybody(devel).await?,
        ["devel", "newcomer", "octo-cat", "silent"]
    );
    server
        .restart_with(json!({ "FEATURE_MAILING": false }))
        .await
}

async fn a_captcha_is_solved_first(server: &mut Pierhead, github: &MockGitHub) -> Result<()> {
    let captcha = json!({
        "FEATURE_RECAPTCHA": true,
        "RECAPTCHA_SITE_KEY": "the-site-key",
        "RECAPTCHA_SECRET_KEY": "the-secret-key",
    });
    server.restart_with(captcha).await?;
    github.becomes(5, "robot");
    let (browser, answer) = come(server, github).await?;
    let page = answer.expect(&[StatusCode::OK])?;
    let action = "/oauth2/github/callback/captcha";
    for part in [
        "data-sitekey=\"the-site-key\"",
        &format!("action=\"{action}\""),
    ] {
        assert!(page.text().contains(part), "{}", page.text());
    }
    assert_nobody(&browser).await?;
    let empty = browser.request(Method::POST, action);
    json_of(browser.send(empty).await?, 400)?;
    // Who has an account is known already.
    github.becomes(583_231, "Octo-Cat");
    assert_eq!(let_in(server, github).await?, "octo-cat");
    server
        .restart_with(json!({ "FEATURE_RECAPTCHA": false }))
        .await?;
    let answer = browser.send(browser.request(Method::POST, action)).await?;
    assert_eq!(answer.status, 404);
    Ok(())
}

async fn nothing_is_changed_in_a_read_only_registry(
    server: &mut Pierhead,
    github: &MockGitHub,
) -> Result<()> {
    server
        .restart_with(json!({ "REGISTRY_STATE": "readonly" }))
        .await?;
    let (octo, answer) = come(server, github).await?;
    assert_eq!(redirected(server, &answer)?, "/updateuser");
    assert_eq!(me(&octo).await?["username"], "octo-cat");
    github.becomes(6, "late");
    let (browser, answer) = come(server, github).await?;
    let refused = json_of(answer, 503)?;
    assert_eq!(refused["is_readonly"], true);
    assert_nobody(&browser).await?;
    let address = sent_to(&octo, "github", "attach").await?;
    let answer = octo.get(&github.agree(server, &address)).await?;
    assert_eq!(json_of(answer, 503)?["is_readonly"], true);
    let answer = octo
        .post("/api/v1/detachexternal/github", json!({}))
        .await?;
    assert_eq!(json_of(answer, 503)?["is_readonly"], true);
    assert_eq!(me(&octo).await?["logins"].as_array().unwrap().len(), 1);
    Ok(())
}
