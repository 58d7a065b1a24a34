#![allow(clippy::unwrap_used)]

use super::super::testing::{Fixture, secret};
use super::super::{AccountsError, NewRobot};
use super::*;

async fn change(fixture: &Fixture, user: UserId, change: ProfileChange) -> Result<ProfileChanged> {
    let actor = Actor::user(user);
    fixture.accounts.change_profile(&actor, user, change).await
}

#[tokio::test]
async fn one_request_changes_everything_or_nothing() {
    let fixture = Fixture::new().await;
    let ann = fixture.user("ann").await;
    fixture.user("bob").await;
    let rows = fixture.audit_rows().await;
    let all = ProfileChange {
        password: Some(secret("correct-horse")),
        invoice_email: Some(true),
        tag_expiration_s: Some(86_400),
        details: vec![(Detail::Company, Some("Acme".to_owned()))],
        username: Some("bob".to_owned()),
        rename: true,
        ..ProfileChange::default()
    };
    let refused = change(&fixture, ann, all.clone()).await.unwrap_err();
    assert!(matches!(refused, AccountsError::UsernameInUse), "{refused}");
    assert_eq!(fixture.audit_rows().await, rows);
    let untouched = r#"SELECT COUNT(*) FROM "user" WHERE company IS NOT NULL OR invoice_email"#;
    assert_eq!(fixture.value(untouched).await, "0");

    let uuid = r#"SELECT uuid FROM "user" WHERE username LIKE 'ann%'"#;
    let before = fixture.value(uuid).await;
    let all = ProfileChange {
        username: Some("anna".to_owned()),
        ..all
    };
    let changed = change(&fixture, ann, all).await.unwrap();
    assert!(changed.password && changed.renamed && changed.code.is_none());
    assert_eq!(changed.user.username, "anna");
    assert_eq!(changed.user.company.as_deref(), Some("Acme"));
    assert_eq!(changed.user.removed_tag_expiration_s, 86_400);
    assert_ne!(fixture.value(uuid).await, before, "sessions end");
    assert_eq!(fixture.audit_rows().await, rows + 5);
}

#[tokio::test]
async fn robots_keep_their_owner_when_it_is_renamed_and_those_of_others_stay() {
    let fixture = Fixture::new().await;
    let ann = fixture.user("a_n").await;
    fixture.user("axn").await;
    for namespace in ["a_n", "axn"] {
        let robot = NewRobot {
            namespace: namespace.to_owned(),
            short: "ci".to_owned(),
            ..NewRobot::default()
        };
        fixture
            .accounts
            .create_robot(&Actor::operator(), robot)
            .await
            .unwrap();
    }
    let rename = ProfileChange {
        username: Some("anna".to_owned()),
        rename: true,
        ..ProfileChange::default()
    };
    change(&fixture, ann, rename).await.unwrap();
    let robots = fixture
        .rows(r#"SELECT username FROM "user" WHERE robot ORDER BY username"#)
        .await;
    let names: Vec<_> = robots
        .into_iter()
        .map(|row| row["username"].clone().unwrap())
        .collect();
    assert_eq!(names, ["anna+ci", "axn+ci"]);
}

#[tokio::test]
async fn a_name_is_changed_only_where_that_is_allowed_or_asked_for() {
    let fixture = Fixture::new().await;
    let ann = fixture.user("ann").await;
    let rename = ProfileChange {
        username: Some("anna".to_owned()),
        rename_when_asked: true,
        ..ProfileChange::default()
    };
    assert!(!change(&fixture, ann, rename.clone()).await.unwrap().renamed);
    fixture
        .execute(
            "INSERT INTO userprompt (user_id, kind_id)
            SELECT 1, id FROM userpromptkind WHERE name = 'confirm_username'",
        )
        .await;
    assert!(change(&fixture, ann, rename).await.unwrap().renamed);
    assert_eq!(fixture.value("SELECT COUNT(*) FROM userprompt").await, "0");
}

#[tokio::test]
async fn a_new_address_waits_for_its_confirmation_where_mail_is_sent() {
    let fixture = Fixture::new().await;
    let ann = fixture.user("ann").await;
    let new_address = |confirm_email| ProfileChange {
        email: Some("ann@example.com".to_owned()),
        confirm_email,
        ..ProfileChange::default()
    };
    let asked = change(&fixture, ann, new_address(true)).await.unwrap();
    assert_ne!(asked.user.email, "ann@example.com");
    let code = asked.code.unwrap();
    let confirmed = fixture
        .accounts
        .confirm_address(&Actor::operator(), code.expose())
        .await
        .unwrap();
    assert_eq!(confirmed.user.email, "ann@example.com");
    assert_eq!(confirmed.old_email, Some(asked.user.email));
    let again = change(&fixture, ann, new_address(true)).await.unwrap();
    assert!(again.code.is_none(), "it has that address already");

    let bob = fixture.user("bob").await;
    for confirm in [true, false] {
        let refused = change(&fixture, bob, new_address(confirm)).await;
        assert!(matches!(refused, Err(AccountsError::AddressInUse)));
    }
    assert_eq!(
        fixture
            .value("SELECT COUNT(*) FROM emailconfirmation")
            .await,
        "0"
    );
}

#[tokio::test]
async fn a_wrong_name_and_a_taken_address_are_refused_in_the_words_of_quay() {
    let fixture = Fixture::new().await;
    let ann = fixture.user("ann").await;
    let rename = ProfileChange {
        username: Some("Anna".to_owned()),
        rename: true,
        ..ProfileChange::default()
    };
    let refused = change(&fixture, ann, rename).await.unwrap_err();
    let text = refused.to_string();
    assert!(text.starts_with("Invalid username Anna: "), "{text}");
    fixture.user("bob").await;
    // An address that no mail could be sent to, but that somebody has.
    fixture
        .execute(r#"UPDATE "user" SET email = 'nowhere' WHERE username = 'bob'"#)
        .await;
    let taken = ProfileChange {
        email: Some("nowhere".to_owned()),
        confirm_email: true,
        ..ProfileChange::default()
    };
    let refused = change(&fixture, ann, taken).await.unwrap_err();
    assert!(matches!(refused, AccountsError::AddressInUse), "{refused}");
}
