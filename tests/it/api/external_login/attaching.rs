//! Linking an identity to an account, and taking it away.

use super::mock_github::MockGitHub;
use super::*;

on_engines! { people_link_github_to_their_account }

async fn people_link_github_to_their_account(engine: Engine) -> Result<()> {
    let github = MockGitHub::start();
    let (mut server, devel) = start(engine, github.config()).await?;
    let credentials = server.create_user("ann")?;

    // Whoever was in this browser before ann cannot have her come back with an account of theirs.
    let browser = server.anonymous();
    let theirs = sent_to(&browser, "github", "attach").await?;
    browser.sign_in("ann", credentials.password()).await?;
    json_of(browser.get(&github.agree(&server, &theirs)).await?, 403)?;
    let hers = sent_to(&browser, "github", "attach").await?;
    json_of(browser.post("/api/v1/signout", Value::Null).await?, 200)?;
    browser.sign_in("ann", credentials.password()).await?;
    json_of(browser.get(&github.agree(&server, &hers)).await?, 403)?;
    assert!(github.server.asked().is_empty());

    let ann = server.signed_in("ann", credentials.password()).await?;

    // Only for who is signed in in this browser.
    let address = sent_to(&ann, "github", "attach").await?;
    let path = github.agree(&server, &address);
    let nobody = json!({ "error": "Method requires login and no valid login could be loaded." });
    assert_eq!(json_of(server.anonymous().get(&path).await?, 401)?, nobody);
    json_of(devel.get(&path).await?, 403)?;
    assert!(github.server.asked().is_empty());
    assert_eq!(me(&ann).await?["logins"], json!([]));

    let answer = ann.get(&path).await?;
    assert_eq!(redirected(&server, &answer)?, "/user/ann?tab=external");
    let login = json!([{
        "service": "github",
        "service_identifier": "583231",
        "metadata": { "service_username": "Octo-Cat" },
    }]);
    assert_eq!(me(&ann).await?["logins"], login);
    // What she came back with has served.
    json_of(ann.get(&path).await?, 403)?;

    // Now it signs ann in.
    let browser = server.anonymous();
    let address = sent_to(&browser, "github", "login").await?;
    let answer = browser.get(&github.agree(&server, &address)).await?;
    assert_eq!(redirected(&server, &answer)?, "/");
    assert_eq!(me(&browser).await?["username"], "ann");

    // It is nobody else's, and ann has no second one.
    let address = sent_to(&devel, "github", "attach").await?;
    let taken = devel.get(&github.agree(&server, &address)).await?;
    let expected = [
        ("error", "oauth_error"),
        (
            "error_description",
            "GitHub Enterprise account Octo-Cat is already attached to a Tide Registry account",
        ),
        ("provider", "GitHub Enterprise"),
        ("user_creation", "true"),
        ("authenticated", "true"),
        ("username", "devel"),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(failure(&taken)?, expected);
    assert_eq!(me(&devel).await?["logins"], json!([]));
    github.becomes(1, "second");
    let address = sent_to(&ann, "github", "attach").await?;
    let taken = failure(&ann.get(&github.agree(&server, &address)).await?)?;
    assert!(
        taken[1].1.contains("second is already attached"),
        "{taken:?}"
    );
    assert_eq!(me(&ann).await?["logins"], login);
    let denied = back(&server, &address, "error=access_denied");
    let denied = failure(&ann.get(&denied).await?)?;
    assert_eq!(denied[1].1, "access_denied");

    // GitHub has no token for command-line clients.
    let address = sent_to(&ann, "github", "cli").await?;
    github.server.asked();
    let refused = failure(&ann.get(&github.agree(&server, &address)).await?)?;
    assert!(refused[1].1.contains("gives no token"), "{refused:?}");
    assert!(github.server.asked().is_empty());

    // What is taken away does not sign in any more: there is a new person.
    let detach = "/api/v1/detachexternal/github";
    for _ in 0..2 {
        let answer = ann.post(detach, json!({})).await?;
        assert_eq!(json_of(answer, 200)?, json!({ "success": true }));
        assert_eq!(me(&ann).await?["logins"], json!([]));
    }
    json_of(server.anonymous().post(detach, json!({})).await?, 403)?;
    github.becomes(583_231, "ann");
    github.change(|state| state.emails = json!([]));
    let browser = server.anonymous();
    let address = sent_to(&browser, "github", "login").await?;
    let answer = browser.get(&github.agree(&server, &address)).await?;
    assert_eq!(redirected(&server, &answer)?, "/updateuser");
    assert_eq!(me(&browser).await?["username"], "ann0");

    // Even the last one can be taken away from somebody who has no password.
    let answer = browser.post(detach, json!({})).await?;
    json_of(answer, 200)?;
    let person = me(&browser).await?;
    assert_eq!(
        (&person["logins"], &person["has_password_set"]),
        (&json!([]), &json!(false))
    );

    // Where people sign in with nothing else, they keep it.
    server
        .restart_with(json!({ "FEATURE_DIRECT_LOGIN": false }))
        .await?;
    json_of(ann.post(detach, json!({})).await?, 404)?;
    let answer = server.anonymous().post("/api/v1/signin", json!({})).await?;
    json_of(answer, 404)?;
    server.stop().await
}
