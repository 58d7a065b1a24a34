#![allow(clippy::unwrap_used)]

use futures_util::future::join_all;

use super::super::testing::{Fixture, NOW, expected, is_uuid4, secret, take};
use super::*;

fn first(username: &str, access_token: bool) -> FirstUser {
    FirstUser {
        username: username.to_owned(),
        password: secret("correct-horse"),
        email: Some("admin@example.com".to_owned()),
        access_token,
    }
}

#[tokio::test]
async fn the_first_user_can_log_in_at_once_with_either_form_of_the_password() {
    let fixture = Fixture::new().await;
    let done = fixture
        .accounts
        .initialize(&Actor::operator(), first("admin", false))
        .await
        .unwrap();
    assert_eq!(
        (done.username.as_str(), done.email.as_deref()),
        ("admin", Some("admin@example.com"))
    );
    assert!(done.access_token.is_none());
    let decrypted = fixture
        .accounts
        .0
        .passwords
        .decrypt(done.encrypted_password.expose())
        .unwrap();
    assert!(decrypted.matches("correct-horse"));
    let row = fixture
        .row(r#"SELECT verified, enabled, password_hash FROM "user""#)
        .await;
    assert_eq!(
        (row["verified"].as_deref(), row["enabled"].as_deref()),
        (Some("1"), Some("1"))
    );
    assert!(bcrypt::verify("correct-horse", row["password_hash"].as_deref().unwrap()).unwrap());
    assert_eq!(
        fixture.audit().await["kind"].as_deref(),
        Some("user_create")
    );
}

#[tokio::test]
async fn the_first_token_has_the_rows_that_quay_would_write() {
    let fixture = Fixture::new().await;
    let done = fixture
        .accounts
        .initialize(&Actor::operator(), first("admin", true))
        .await
        .unwrap();
    let token = done.access_token.unwrap();
    assert_eq!(token.expose().len(), 40);
    let mut row = fixture.row("SELECT * FROM oauthapplication").await;
    let secret = take(&mut row, "secure_client_secret");
    let secret = fixture
        .accounts
        .0
        .cipher
        .decrypt(EncryptedColumn::OAUTH_CLIENT_SECRET, &secret)
        .unwrap();
    assert_eq!(secret.expose().len(), 40);
    assert_eq!(
        row,
        expected(&[
            ("id", Some("1")),
            ("client_id", Some("admin")),
            ("redirect_uri", Some("")),
            ("application_uri", Some("")),
            ("organization_id", Some(&done.user.to_string())),
            ("name", Some("automation")),
            ("description", Some(APPLICATION_DESCRIPTION)),
            ("gravatar_email", None),
            ("fully_migrated", Some("0")),
        ])
    );
    let mut row = fixture.row("SELECT * FROM oauthaccesstoken").await;
    assert!(is_uuid4(&take(&mut row, "uuid")));
    assert!(bcrypt::verify(&token.expose()[20..], &take(&mut row, "token_code")).unwrap());
    assert_eq!(
        row,
        expected(&[
            ("id", Some("1")),
            ("application_id", Some("1")),
            ("authorized_user_id", Some(&done.user.to_string())),
            ("scope", Some(SCOPES)),
            ("token_type", Some("token")),
            ("expires_at", Some("2026-03-04 07:36:07.089")),
            ("data", Some("")),
            ("token_name", Some(&token.expose()[..20])),
            ("last_accessed", None),
            ("created", Some(NOW)),
            ("display_name", None),
        ])
    );
}

#[tokio::test]
async fn a_database_with_any_account_cannot_be_initialized() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    let error = fixture
        .accounts
        .initialize(&Actor::operator(), first("admin", true))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Cannot initialize user in a non-empty database"
    );
    assert_eq!(fixture.value(r#"SELECT COUNT(*) FROM "user""#).await, "1");
    assert_eq!(
        fixture.value("SELECT COUNT(*) FROM oauthapplication").await,
        "0"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_initializations_at_once_exactly_one_makes_a_user() {
    let fixture = Fixture::new().await;
    let calls = (0..16).map(|n| {
        let accounts = fixture.accounts.clone();
        tokio::spawn(async move {
            accounts
                .initialize(&Actor::operator(), first(&format!("admin{n}"), true))
                .await
        })
    });
    let results: Vec<_> = join_all(calls)
        .await
        .into_iter()
        .map(|result| result.unwrap())
        .collect();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for error in results.into_iter().filter_map(Result::err) {
        assert!(matches!(error, AccountsError::NotEmpty), "{error}");
    }
    assert_eq!(fixture.value(r#"SELECT COUNT(*) FROM "user""#).await, "1");
    assert_eq!(
        fixture.value("SELECT COUNT(*) FROM oauthaccesstoken").await,
        "1"
    );
}
