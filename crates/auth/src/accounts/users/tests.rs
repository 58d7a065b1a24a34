#![allow(clippy::unwrap_used)]

use super::super::testing::{Fixture, NOW, expected, is_uuid4, secret, take};
use super::*;

fn alice() -> NewUser {
    NewUser {
        username: "alice".to_owned(),
        password: Some(secret("correct-horse")),
        email: Some("alice@example.com".to_owned()),
        verified: true,
    }
}

#[tokio::test]
async fn a_new_user_has_the_row_that_quay_would_write() {
    let fixture = Fixture::new().await;
    let id = fixture
        .accounts
        .create_user(&Actor::operator(), alice())
        .await
        .unwrap();
    let mut row = fixture.row(r#"SELECT * FROM "user""#).await;
    let hash = take(&mut row, "password_hash");
    assert!(hash.starts_with("$2b$04$") && bcrypt::verify("correct-horse", &hash).unwrap());
    assert!(is_uuid4(&take(&mut row, "uuid")));
    assert_eq!(
        row,
        expected(&[
            ("id", Some(&id.to_string())),
            ("username", Some("alice")),
            ("email", Some("alice@example.com")),
            ("verified", Some("1")),
            ("stripe_id", None),
            ("organization", Some("0")),
            ("robot", Some("0")),
            ("invoice_email", Some("0")),
            ("invalid_login_attempts", Some("0")),
            ("last_invalid_login", Some(NOW)),
            ("removed_tag_expiration_s", Some("1209600")),
            ("enabled", Some("1")),
            ("invoice_email_address", None),
            ("company", None),
            ("family_name", None),
            ("given_name", None),
            ("location", None),
            ("maximum_queued_builds_count", None),
            ("creation_date", Some(NOW)),
            ("last_accessed", None),
        ])
    );
    assert_eq!(
        fixture.audit().await,
        expected(&[
            ("kind", Some("user_create")),
            ("account_id", Some(&id.to_string())),
            ("performer_id", None),
            ("repository_id", None),
            ("datetime", Some(NOW)),
            ("ip", None),
            (
                "metadata_json",
                Some(r#"{"email":"alice@example.com","username":"alice"}"#)
            ),
        ])
    );
}

#[tokio::test]
async fn a_user_without_an_address_gets_a_uuid_in_its_place() {
    let fixture = Fixture::new().await;
    for (name, email) in [("alice", None), ("bob", Some(String::new()))] {
        let new = NewUser {
            username: name.to_owned(),
            email,
            password: None,
            verified: true,
        };
        fixture
            .accounts
            .create_user(&Actor::operator(), new)
            .await
            .unwrap();
    }
    for row in fixture
        .rows(r#"SELECT email, password_hash FROM "user""#)
        .await
    {
        assert!(is_uuid4(row["email"].as_deref().unwrap()));
        assert_eq!(row["password_hash"], None);
    }
}

#[tokio::test]
async fn a_taken_name_is_refused_with_who_has_it_and_nothing_is_written() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    fixture.organization("acme", "alice").await;
    let before = fixture.audit_rows().await;
    for (name, message) in [
        (
            "alice",
            "Username has already been taken by user cannot be reused: alice",
        ),
        (
            "acme",
            "Username has already been taken by an organization and cannot be reused: acme",
        ),
    ] {
        let new = NewUser {
            username: name.to_owned(),
            ..alice()
        };
        let error = fixture
            .accounts
            .create_user(&Actor::operator(), new)
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    assert_eq!(fixture.audit_rows().await, before);
    assert_eq!(fixture.value(r#"SELECT COUNT(*) FROM "user""#).await, "2");
}

#[tokio::test]
async fn an_address_belongs_to_one_user() {
    let fixture = Fixture::new().await;
    fixture
        .accounts
        .create_user(&Actor::operator(), alice())
        .await
        .unwrap();
    let bob = NewUser {
        username: "bob".to_owned(),
        ..alice()
    };
    let error = fixture
        .accounts
        .create_user(&Actor::operator(), bob)
        .await
        .unwrap_err();
    assert!(matches!(error, AccountsError::EmailTaken(email) if email == "alice@example.com"));
}

#[tokio::test]
async fn the_name_of_a_namespace_that_is_being_deleted_is_refused() {
    let fixture = Fixture::new().await;
    fixture.user("ghost").await;
    fixture
        .execute(
            "INSERT INTO deletednamespace (namespace_id, marked, original_username, original_email)
            VALUES (1, '2026-01-01 00:00:00', 'alice', 'x')",
        )
        .await;
    let error = fixture
        .accounts
        .create_user(&Actor::operator(), alice())
        .await
        .unwrap_err();
    assert!(
        matches!(error, AccountsError::NameBeingDeleted(_)),
        "{error}"
    );
}

#[tokio::test]
async fn malformed_input_is_refused_before_anything_is_read() {
    let fixture = Fixture::with(|config| config.email_required = true).await;
    let before = fixture.db.statements();
    for new in [
        NewUser {
            username: "Alice".to_owned(),
            ..alice()
        },
        NewUser {
            password: Some(secret("short")),
            ..alice()
        },
        NewUser {
            email: None,
            ..alice()
        },
    ] {
        assert!(
            fixture
                .accounts
                .create_user(&Actor::operator(), new)
                .await
                .is_err()
        );
    }
    assert_eq!(fixture.db.statements(), before);
}

#[tokio::test]
async fn a_new_password_ends_sessions_and_forgives_failed_logins() {
    let fixture = Fixture::new().await;
    let id = fixture
        .accounts
        .create_user(&Actor::operator(), alice())
        .await
        .unwrap();
    fixture
        .execute(r#"UPDATE "user" SET invalid_login_attempts = 7"#)
        .await;
    fixture
        .execute(
            "INSERT INTO notification (uuid, kind_id, target_id, metadata_json, created, dismissed)
            VALUES ('n', (SELECT id FROM notificationkind WHERE name = 'password_required'), 1, '{}', '2026-01-01', 0)",
        )
        .await;
    let before = fixture.value(r#"SELECT uuid FROM "user""#).await;
    fixture
        .accounts
        .set_password(&Actor::operator(), "alice", &secret("another-horse"))
        .await
        .unwrap();
    let row = fixture
        .row(r#"SELECT uuid, password_hash, invalid_login_attempts FROM "user""#)
        .await;
    assert_ne!(row["uuid"].as_deref(), Some(&*before));
    assert!(bcrypt::verify("another-horse", row["password_hash"].as_deref().unwrap()).unwrap());
    assert_eq!(row["invalid_login_attempts"].as_deref(), Some("0"));
    assert_eq!(
        fixture.value("SELECT COUNT(*) FROM notification").await,
        "0"
    );
    let audit = fixture.audit().await;
    assert_eq!(audit["kind"].as_deref(), Some("user_change_password"));
    assert_eq!(
        audit["metadata_json"].as_deref(),
        Some(r#"{"username":"alice"}"#)
    );

    let herself = Actor::user(id);
    fixture
        .accounts
        .set_password(&herself, "alice", &secret("third-horse"))
        .await
        .unwrap();
    let audit = fixture.audit().await;
    assert_eq!(audit["kind"].as_deref(), Some("account_change_password"));
    assert_eq!(audit["performer_id"], Some(id.to_string()));
}

#[tokio::test]
async fn a_disabled_user_loses_sessions_and_can_be_enabled_again() {
    let fixture = Fixture::new().await;
    let root = fixture.user("root").await;
    fixture.user("alice").await;
    let state = r#"SELECT enabled || uuid AS both FROM "user" WHERE username = 'alice'"#;
    let before = fixture.value(state).await;
    let actor = Actor {
        superuser: Some("root".to_owned()),
        ip: Some("192.0.2.1".to_owned()),
        ..Actor::user(root)
    };
    fixture
        .accounts
        .set_enabled(&actor, "alice", false)
        .await
        .unwrap();
    let disabled = fixture.value(state).await;
    assert!(disabled.starts_with('0') && disabled[1..] != before[1..]);
    let audit = fixture.audit().await;
    assert_eq!(audit["kind"].as_deref(), Some("user_disable"));
    assert_eq!(audit["ip"].as_deref(), Some("192.0.2.1"));
    assert_eq!(
        audit["metadata_json"].as_deref(),
        Some(r#"{"username":"alice","superuser":"root"}"#)
    );
    fixture
        .accounts
        .set_enabled(&actor, "alice", true)
        .await
        .unwrap();
    assert_eq!(fixture.value(state).await, format!("1{}", &disabled[1..]));
    assert_eq!(
        fixture.audit().await["kind"].as_deref(),
        Some("user_enable")
    );
}

#[tokio::test]
async fn an_organization_is_not_a_user_who_can_have_a_password() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    fixture.organization("acme", "alice").await;
    for name in ["acme", "nobody"] {
        let error = fixture
            .accounts
            .set_password(&Actor::operator(), name, &secret("correct-horse"))
            .await
            .unwrap_err();
        assert!(error.is_not_found(), "{error}");
    }
}

#[tokio::test]
async fn users_are_listed_by_name_page_by_page_without_organizations_and_deleted_ones() {
    let fixture = Fixture::new().await;
    for name in ["carol", "alice", "bob", "gone"] {
        fixture.user(name).await;
    }
    fixture.organization("acme", "alice").await;
    fixture
        .execute(
            r#"INSERT INTO deletednamespace (namespace_id, marked, original_username, original_email)
            SELECT id, '2026-01-01 00:00:00', 'x', 'x' FROM "user" WHERE username = 'gone'"#,
        )
        .await;
    let names = |page: Vec<Account>| {
        page.into_iter()
            .map(|user| user.username)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(fixture.accounts.list_users("", 2).await.unwrap()),
        ["alice", "bob"]
    );
    assert_eq!(
        names(fixture.accounts.list_users("bob", 2).await.unwrap()),
        ["carol"]
    );
}
