use serde_json::{Value, json};

use super::super::testing::{Shell, is_wrong_usage};

#[tokio::test]
async fn a_generated_password_is_printed_and_a_given_one_is_not() {
    let shell = Shell::new().await;
    let generated = shell.json("user create alice").await;
    assert_eq!(generated["name"], "alice");
    assert_eq!(generated["password"].as_str().map(str::len), Some(24));
    let given = shell
        .with_stdin("user create bob --password-stdin", "correct-horse\n")
        .await;
    assert_eq!(given, json!({ "name": "bob" }));
    let text = shell.text("user set-password alice").await;
    assert!(
        text.starts_with("Set the password of alice. The generated password is shown only now.\n"),
        "{text}"
    );
}

#[tokio::test]
async fn users_are_listed_with_what_an_operator_needs() {
    let shell = Shell::new().await;
    let empty = shell.text("user list").await;
    assert!(empty.contains("pierhead user create NAME"), "{empty}");
    shell
        .text("user create alice --email alice@example.com")
        .await;
    shell.text("user create bob").await;
    shell.text("user disable bob").await;
    let mut users = shell.json("user list").await;
    for user in users.as_array_mut().into_iter().flatten() {
        let created = user["created"].take();
        assert!(
            created.as_str().is_some_and(|time| time.ends_with('Z')),
            "{created}"
        );
    }
    assert_eq!(
        users,
        json!([
            { "name": "alice", "email": "alice@example.com", "enabled": true, "created": null, "last_accessed": null },
            { "name": "bob", "email": null, "enabled": false, "created": null, "last_accessed": null },
        ])
    );
    shell.text("user enable bob").await;
    assert_eq!(shell.json("user list").await[1]["enabled"], true);
}

#[tokio::test]
async fn an_app_token_is_made_listed_and_revoked() {
    let shell = Shell::new().await;
    shell.text("user create alice").await;
    let created = shell
        .json("user app-token create alice --title laptop --days 30")
        .await;
    assert_eq!(created["token"].as_str().map(str::len), Some(120));
    assert!(created["expiration"].is_string());
    let listed = shell.json("user app-token list alice").await;
    assert_eq!(
        (&listed[0]["uuid"], &listed[0]["title"]),
        (&created["uuid"], &json!("laptop"))
    );
    assert_eq!(listed[0].get("token"), None);
    let uuid = created["uuid"].as_str().unwrap_or_default();
    shell
        .text(&format!("user app-token revoke alice {uuid}"))
        .await;
    assert_eq!(
        shell.json("user app-token list alice").await,
        Value::Array(Vec::new())
    );
}

#[tokio::test]
async fn a_refused_user_is_explained() {
    let shell = Shell::new().await;
    shell.text("user create alice").await;
    assert_eq!(
        shell.fails("user create alice").await,
        "Username has already been taken by user cannot be reused: alice"
    );
    assert_eq!(
        shell.fails("user disable nobody").await,
        "User does not exist: nobody"
    );
}

#[test]
fn a_password_is_never_an_argument() {
    assert!(is_wrong_usage("user create alice --password secret-word"));
    assert!(is_wrong_usage("user create alice secret-word"));
    assert!(is_wrong_usage(
        "user create alice --password-stdin --password-file f"
    ));
}
