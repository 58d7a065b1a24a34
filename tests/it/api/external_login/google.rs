//! Signing in with Google, beside GitHub.

use super::mock_github::MockGitHub;
use super::mock_google::{CLIENT, MockGoogle, SECRET, TOKEN};
use super::*;

on_engines! { people_sign_in_with_google }

async fn people_sign_in_with_google(engine: Engine) -> Result<()> {
    let (google, github) = (MockGoogle::start(), MockGitHub::start());
    let mut config = google.config();
    let keys = config.as_object_mut().unwrap();
    keys.extend(github.config().as_object().unwrap().clone());
    keys.insert("FEATURE_USERNAME_CONFIRMATION".to_owned(), json!(false));
    keys.insert(
        "CORS_ORIGIN".to_owned(),
        json!(["https://console.example.com"]),
    );
    let (mut server, devel) = start(engine, config).await?;
    let browser = server.anonymous();

    let shown = json_of(browser.get("/config").await?, 200)?;
    let page = format!("{}/o/oauth2/auth?response_type=code", google.server.base());
    assert_eq!(shown["external_login"][0]["id"], "github");
    assert_eq!(
        shown["external_login"][1],
        json!({
            "id": "google",
            "title": "Google",
            "config": { "CLIENT_ID": CLIENT, "AUTHORIZE_ENDPOINT": page },
            "icon": "fa-google",
        })
    );
    let address = sent_to(&browser, "google", "login").await?;
    let expected = [
        ("response_type", "code".to_owned()),
        ("client_id", CLIENT.to_owned()),
        (
            "redirect_uri",
            format!("{}/oauth2/google/callback", server.base_url()),
        ),
        ("scope", "openid email".to_owned()),
        ("state", parameter(&address, "state")),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value));
    assert_eq!(parameters(&address), expected);

    let refused = browser.get(&back(&server, &address, "code=old")).await?;
    assert_eq!(
        reason(&refused)?,
        "Got non-2XX response for code exchange: 400"
    );
    google
        .becomes(json!({ "id": "1138", "email": "mona.cat@example.com", "verified_email": true }));
    let answer = browser.get(&google.agree(&server, &address)).await?;
    // Nobody is asked for anything.
    assert_eq!(redirected(&server, &answer)?, "/");
    let mona = me(&browser).await?;
    assert_eq!(
        (&mona["username"], &mona["email"], &mona["prompts"]),
        (
            &json!("mona_cat"),
            &json!("mona.cat@example.com"),
            &json!([])
        )
    );

    // An address that is not verified is not theirs, and is not needed here.
    google.becomes(json!({ "id": "1139", "email": "devel@example.com", "verified_email": false }));
    let other = server.anonymous();
    let address = sent_to(&other, "google", "login").await?;
    let answer = other.get(&google.agree(&server, &address)).await?;
    assert_eq!(redirected(&server, &answer)?, "/");
    let person = me(&other).await?;
    assert_eq!(person["username"], "devel0");
    assert_ne!(person["email"], "devel@example.com");
    google.becomes(json!({ "id": "1140" }));
    let nameless = server.anonymous();
    let address = sent_to(&nameless, "google", "login").await?;
    let answer = nameless.get(&google.agree(&server, &address)).await?;
    assert_eq!(
        reason(&answer)?,
        "Missing email column in returned user information"
    );

    // One account may be linked to one identity of each.
    let address = sent_to(&browser, "github", "attach").await?;
    let answer = browser.get(&github.agree(&server, &address)).await?;
    assert_eq!(redirected(&server, &answer)?, "/user/mona_cat?tab=external");
    let services: Vec<Value> = me(&browser).await?["logins"]
        .as_array()
        .unwrap()
        .iter()
        .map(|login| login["service"].clone())
        .collect();
    assert_eq!(services, ["google", "github"]);
    assert_eq!(everybody(&devel).await?, ["devel", "devel0", "mona_cat"]);

    // A console of another origin that the configuration names gets its browsers back.
    let path = back(
        &server,
        &sent_to(&other, "google", "login").await?,
        "error=access_denied",
    );
    let request = other.request(Method::GET, &path);
    let answer = other
        .send(request.header(REFERER, "https://console.example.com/signin"))
        .await?;
    let target = answer.header("location")?;
    assert!(
        target.starts_with("https://console.example.com/oauth-error?error=oauth_error&"),
        "{target}"
    );
    google.server.asked();
    github.server.asked();
    assert_not_logged(&server, &[TOKEN, SECRET]);
    server.stop().await
}
