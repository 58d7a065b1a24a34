//! Where mail is sent: confirmation of addresses, recovery, and what an SMTP server that is not there does.

use pierhead_testkit::Smtp;
use reqwest::Method;

use super::*;

async fn story(engine: Engine) -> Result<()> {
    let smtp = Smtp::start().await?;
    let settings = json!({
        "FEATURE_MAILING": true,
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": smtp.port(),
        "MAIL_USE_TLS": false,
        "MAIL_DEFAULT_SENDER": "Registry <registry@example.com>",
        "REGISTRY_TITLE_SHORT": "Tide",
        "FEATURE_BLACKLISTED_EMAILS": true,
        "BLACKLISTED_EMAIL_DOMAINS": ["spam.example"],
    });
    let (mut server, devel) = start(engine, settings).await?;
    a_new_address_is_confirmed_before_anybody_signs_in(&server, &smtp).await?;
    a_lost_password_is_recovered_by_mail(&server, &smtp).await?;
    another_address_takes_over_when_it_is_confirmed(&server, &smtp).await?;
    recovery_does_not_tell_who_exists(&server, &devel, &smtp).await?;
    server.stop().await
}

#[tokio::test]
async fn mail_on_sqlite() {
    story(Engine::Sqlite).await.unwrap();
}

#[tokio::test]
async fn mail_on_postgresql() {
    story(Engine::PostgreSql).await.unwrap();
}

/// Follows the link of a mail in a browser of its own, and says where it leads.
async fn follow(server: &Pierhead, link: &str) -> Result<(ApiClient, Response)> {
    let path = link.strip_prefix(server.base_url()).unwrap_or(link);
    let browser = server.anonymous();
    let answer = browser.send(browser.request(Method::GET, path)).await?;
    Ok((browser, answer))
}

async fn a_new_address_is_confirmed_before_anybody_signs_in(
    server: &Pierhead,
    smtp: &Smtp,
) -> Result<()> {
    let client = server.anonymous();
    client.fetch_csrf_token().await?;
    for (body, message) in [
        (
            json!({ "username": "ann", "password": PASSWORD }),
            "Email address is required",
        ),
        (
            json!({ "username": "ann", "password": PASSWORD, "email": "ann@mail.spam.example" }),
            "Creation of a user account for this e-mail is disabled; please contact an administrator",
        ),
        (
            json!({ "username": "ann", "password": PASSWORD, "email": "ann" }),
            "Invalid email address: ann",
        ),
    ] {
        let refused = json_of(client.post("/api/v1/user/", body).await?, 400)?;
        assert_eq!(refused["error_message"], message);
    }
    let body = json!({ "username": "ann", "password": PASSWORD, "email": "ann@example.com" });
    let answer = json_of(client.post("/api/v1/user/", body).await?, 200)?;
    assert_eq!(answer, json!({ "awaiting_verification": true }));
    let login = json!({ "username": "ann", "password": PASSWORD });
    let refused = json_of(client.post("/api/v1/signin", login.clone()).await?, 403)?;
    let expected = json!({
        "needsEmailVerification": true,
        "invalidCredentials": false,
        "message": null,
    });
    assert_eq!(refused, expected);

    let mail = smtp.next_to("ann@example.com").await?;
    assert_eq!(mail.subject, "[Tide] Please confirm your e-mail address");
    let begin = format!("{}/confirm?code=", server.base_url());
    let link = mail.link(&begin).unwrap();
    let (browser, answer) = follow(server, link).await?;
    assert_eq!(answer.status, StatusCode::FOUND);
    assert_eq!(answer.header("location")?, "/");
    let me = json_of(browser.get("/api/v1/user/").await?, 200)?;
    assert_eq!(me["username"], "ann", "the link signs in");
    json_of(client.post("/api/v1/signin", login).await?, 200)?;
    let (_, used) = follow(server, link).await?;
    assert!(used.text().contains("Invalid email confirmation code"));
    assert_eq!(used.status, StatusCode::OK);
    Ok(())
}

async fn a_lost_password_is_recovered_by_mail(server: &Pierhead, smtp: &Smtp) -> Result<()> {
    let client = server.anonymous();
    client.fetch_csrf_token().await?;
    let body = json!({ "email": "ann@example.com" });
    let answer = json_of(client.post("/api/v1/recovery", body).await?, 200)?;
    assert_eq!(answer, json!({ "status": "sent" }));
    let mail = smtp.next_to("ann@example.com").await?;
    assert_eq!(mail.subject, "[Tide] Account recovery");
    let begin = format!("{}/recovery?code=", server.base_url());
    let link = mail.link(&begin).unwrap();
    let (browser, answer) = follow(server, link).await?;
    assert_eq!(answer.status, StatusCode::FOUND);
    let target = "/user/ann?tab=settings&action=password";
    assert_eq!(answer.header("location")?, target);
    browser.fetch_csrf_token().await?;
    let change = json!({ "password": "another-horse-battery" });
    json_of(browser.put("/api/v1/user/", change).await?, 200)?;
    let told = smtp.next_to("ann@example.com").await?;
    assert_eq!(told.subject, "[Tide] Account password changed");
    server.signed_in("ann", "another-horse-battery").await?;
    let (stranger, used) = follow(server, link).await?;
    assert!(
        used.text()
            .contains("invalid or may have already been used")
    );
    json_of(stranger.get("/api/v1/user/").await?, 401)?;
    Ok(())
}

async fn another_address_takes_over_when_it_is_confirmed(
    server: &Pierhead,
    smtp: &Smtp,
) -> Result<()> {
    let ann = server.signed_in("ann", "another-horse-battery").await?;
    for (email, shape) in [("devel@example.com", "error_message"), ("ann", "message")] {
        let refused = ann.put("/api/v1/user/", json!({ "email": email })).await?;
        assert!(json_of(refused, 400)?[shape].is_string(), "{email}");
    }
    let change = json!({ "email": "anna@example.com" });
    let me = json_of(ann.put("/api/v1/user/", change).await?, 200)?;
    assert_eq!(me["email"], "ann@example.com", "until it is confirmed");
    let mail = smtp.next_to("anna@example.com").await?;
    let begin = format!("{}/confirm?code=", server.base_url());
    let (_, answer) = follow(server, mail.link(&begin).unwrap()).await?;
    assert_eq!(answer.header("location")?, "/user/ann?tab=settings");
    let me = json_of(ann.get("/api/v1/user/").await?, 200)?;
    assert_eq!(me["email"], "anna@example.com");
    let told = smtp.next_to("ann@example.com").await?;
    assert_eq!(told.subject, "[Tide] Account e-mail address changed");
    Ok(())
}

// S12
async fn recovery_does_not_tell_who_exists(
    server: &Pierhead,
    devel: &ApiClient,
    smtp: &Smtp,
) -> Result<()> {
    server.run(&[
        "org",
        "create",
        "harbor",
        "--owner",
        "ann",
        "--email",
        "ops@example.com",
    ])?;
    let ask = async |email: &str| {
        let body = json!({ "email": email });
        json_of(devel.post("/api/v1/recovery", body).await?, 200)
    };
    assert_eq!(
        ask("nobody@example.com").await?,
        json!({ "status": "sent" })
    );
    assert_eq!(ask("no address").await?, json!({ "status": "sent" }));
    let expected = json!({
        "status": "org",
        "orgemail": "ops@example.com",
        "orgname": "h\u{2022}\u{2022}\u{2022}\u{2022}r",
    });
    assert_eq!(ask("ops@example.com").await?, expected);
    let mail = smtp.next_to("ops@example.com").await?;
    assert!(mail.text.contains("* ann"), "{}", mail.text);
    assert!(!mail.text.contains("code="), "{}", mail.text);
    assert_eq!(smtp.waiting()?, 0);
    Ok(())
}

#[tokio::test]
async fn an_smtp_server_that_is_not_there_holds_nobody_up() {
    let nobody = pierhead_testkit::Port::reserve().unwrap();
    let settings = json!({
        "FEATURE_MAILING": true,
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": nobody.number(),
        "MAIL_USE_TLS": false,
    });
    let (mut server, devel) = start(Engine::Sqlite, settings).await.unwrap();
    let body = json!({ "email": "devel@example.com" });
    let answer = devel.post("/api/v1/recovery", body).await.unwrap();
    assert_eq!(json_of(answer, 200).unwrap(), json!({ "status": "sent" }));
    let change = json!({ "password": "another-horse-battery" });
    let changed = devel.put("/api/v1/user/", change).await.unwrap();
    json_of(changed, 200).unwrap();
    // What waits is tried once more, and given up.
    server.stop().await.unwrap();
    let log = server.log();
    assert!(
        log.contains("a mail was not delivered; check MAIL_SERVER"),
        "{log}"
    );
}

#[tokio::test]
async fn mail_goes_out_under_tls_that_an_extra_authority_vouches_for() {
    let authority = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (authority.cert.pem(), authority.signing_key.serialize_pem());
    let smtp = Smtp::start_tls(&certificate, &key).await.unwrap();
    let settings = json!({
        "FEATURE_MAILING": true,
        "MAIL_SERVER": "localhost",
        "MAIL_PORT": smtp.port(),
        "MAIL_USE_TLS": true,
    });
    let mut server = Pierhead::builder()
        .config(settings)
        .file("extra_ca_cert_smtp.crt", certificate)
        .start()
        .await
        .unwrap();
    let client = server.anonymous();
    let body = json!({ "username": "devel", "password": PASSWORD, "email": "devel@example.com" });
    let first = client.post("/api/v1/user/initialize", body).await.unwrap();
    json_of(first, 200).unwrap();
    let change = json!({ "password": "another-horse-battery" });
    json_of(client.put("/api/v1/user/", change).await.unwrap(), 200).unwrap();
    let mail = smtp.next_to("devel@example.com").await.unwrap();
    assert!(mail.subject.ends_with("Account password changed"));
    server.stop().await.unwrap();
}
