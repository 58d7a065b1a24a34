#![allow(clippy::unwrap_used)]

use super::super::testing::{Fixture, secret};
use super::*;

#[tokio::test]
async fn a_password_that_a_superuser_sets_is_no_longer_required() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    fixture
        .execute(
            "INSERT INTO notification (uuid, kind_id, target_id, metadata_json, created, dismissed)
            VALUES ('n', (SELECT id FROM notificationkind WHERE name = 'password_required'), 1, '{}', '2026-01-01', 0)",
        )
        .await;
    let change = PersonChange {
        password: Some(secret("another-horse")),
        ..PersonChange::default()
    };
    let accounts = &fixture.accounts;
    accounts
        .change_person(&Actor::operator(), "alice", change)
        .await
        .unwrap();
    let waiting = fixture.value("SELECT COUNT(*) FROM notification").await;
    assert_eq!(waiting, "0");
}

#[tokio::test]
async fn an_address_that_somebody_else_has_is_refused_and_nothing_changes() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    fixture.user("bob").await;
    let before = fixture
        .rows(r#"SELECT uuid, email, password_hash FROM "user" ORDER BY id"#)
        .await;
    let taken = fixture
        .value(r#"SELECT email FROM "user" WHERE username = 'bob'"#)
        .await;
    let change = PersonChange {
        password: Some(secret("another-horse")),
        email: Some(taken),
        enabled: Some(false),
    };
    let accounts = &fixture.accounts;
    let refused = accounts
        .change_person(&Actor::operator(), "alice", change)
        .await;
    assert!(matches!(refused, Err(AccountsError::AddressInUse)));
    let after = fixture
        .rows(r#"SELECT uuid, email, password_hash FROM "user" ORDER BY id"#)
        .await;
    assert_eq!(before, after);
}
