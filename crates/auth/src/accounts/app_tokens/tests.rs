#![allow(clippy::unwrap_used)]

use super::super::testing::{Fixture, NOW, expected, is_uuid4, take};
use super::*;

async fn create(fixture: &Fixture, title: &str, expiry: AppTokenExpiry) -> Result<CreatedAppToken> {
    fixture
        .accounts
        .create_app_token(&Actor::operator(), "alice", title, expiry)
        .await
}

#[tokio::test]
async fn a_new_app_token_has_the_row_that_quay_would_write() {
    let fixture = Fixture::new().await;
    let alice = fixture.user("alice").await;
    let created = create(&fixture, "laptop", AppTokenExpiry::Default)
        .await
        .unwrap();
    let token = created.token.expose();
    assert_eq!(token.len(), 120);
    let mut row = fixture.row("SELECT * FROM appspecificauthtoken").await;
    let secret = take(&mut row, "token_secret");
    let secret = fixture
        .accounts
        .0
        .cipher
        .decrypt(EncryptedColumn::APP_TOKEN_SECRET, &secret)
        .unwrap();
    assert!(secret.matches(&token[60..]));
    assert!(is_uuid4(&created.uuid));
    assert_eq!(
        row,
        expected(&[
            ("id", Some("1")),
            ("user_id", Some(&alice.to_string())),
            ("uuid", Some(&created.uuid)),
            ("title", Some("laptop")),
            ("created", Some(NOW)),
            ("expiration", None),
            ("last_accessed", None),
            ("token_name", Some(&token[..60])),
        ])
    );
    let audit = fixture.audit().await;
    assert_eq!(audit["kind"].as_deref(), Some("create_app_specific_token"));
    assert_eq!(
        audit["metadata_json"],
        Some(format!(
            r#"{{"app_specific_token_title":"laptop","app_specific_token":"{}"}}"#,
            created.uuid
        ))
    );
}

#[tokio::test]
async fn a_token_ends_as_configured_unless_its_maker_says_otherwise() {
    let fixture = Fixture::with(|config| config.app_token_lifetime = Some(Duration::days(1))).await;
    fixture.user("alice").await;
    for (expiry, end) in [
        (AppTokenExpiry::Default, Some("2026-03-05 05:06:07.089")),
        (
            AppTokenExpiry::In(Duration::hours(1)),
            Some("2026-03-04 06:06:07.089"),
        ),
        (AppTokenExpiry::Never, None),
    ] {
        let created = create(&fixture, "laptop", expiry).await.unwrap();
        assert_eq!(
            created.expiration.map(|end| end.to_string()).as_deref(),
            end
        );
        let newest = "SELECT expiration FROM appspecificauthtoken ORDER BY id DESC LIMIT 1";
        assert_eq!(fixture.row(newest).await["expiration"].as_deref(), end);
    }
}

#[tokio::test]
async fn a_revoked_token_is_gone() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    fixture.user("bob").await;
    let one = create(&fixture, "one", AppTokenExpiry::Never)
        .await
        .unwrap();
    create(&fixture, "two", AppTokenExpiry::Never)
        .await
        .unwrap();
    let revoke = async |user: &str| {
        fixture
            .accounts
            .revoke_app_token(&Actor::operator(), user, &one.uuid)
            .await
    };
    assert!(matches!(
        revoke("bob").await,
        Err(AccountsError::NoSuchAppToken { .. })
    ));
    revoke("alice").await.unwrap();
    assert_eq!(
        fixture.audit().await["kind"].as_deref(),
        Some("revoke_app_specific_token")
    );
    assert!(matches!(
        revoke("alice").await,
        Err(AccountsError::NoSuchAppToken { .. })
    ));
    let titles: Vec<_> = fixture.accounts.list_app_tokens("alice").await.unwrap();
    assert_eq!(
        titles
            .iter()
            .map(|token| token.title.as_str())
            .collect::<Vec<_>>(),
        ["two"]
    );
}

#[tokio::test]
async fn a_title_may_be_empty_and_must_fit() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    create(&fixture, "", AppTokenExpiry::Never).await.unwrap();
    let long = "x".repeat(256);
    assert!(matches!(
        create(&fixture, &long, AppTokenExpiry::Never).await,
        Err(AccountsError::TooLong { .. })
    ));
    assert!(
        create(&fixture, &"ä".repeat(255), AppTokenExpiry::Never)
            .await
            .is_ok()
    );
}
