#![allow(clippy::unwrap_used)]

use super::super::testing::{Fixture, expected, is_uuid4, take};
use super::super::{Delegate, NewRobot, Role};
use super::*;

async fn with_everything(fixture: &Fixture) -> UserId {
    let operator = Actor::operator();
    let accounts = &fixture.accounts;
    fixture.user("alice").await;
    let id = fixture.organization("acme", "alice").await.id;
    // A namespace whose name starts like the other's keeps its robots.
    fixture.organization("acme2", "alice").await;
    for namespace in ["acme", "acme2"] {
        let new = NewRobot {
            namespace: namespace.to_owned(),
            short: "bot".to_owned(),
            ..NewRobot::default()
        };
        accounts.create_robot(&operator, new).await.unwrap();
    }
    fixture.repository("acme", "app").await;
    accounts
        .add_team_member(&operator, "acme", "owners", "acme+bot")
        .await
        .unwrap();
    accounts
        .create_prototype(
            &operator,
            "",
            "acme",
            Role::Read,
            None,
            Delegate::User("acme+bot".to_owned()),
        )
        .await
        .unwrap();
    fixture
        .execute(
            "INSERT INTO queueitem (queue_name, body, available_after, available, retries_remaining, state_id)
            VALUES ('notification/acme/1/', '', '2026-01-01 00:00:00', true, 5, 'a'),
                ('notification/acme2/1/', '', '2026-01-01 00:00:00', true, 5, 'b')",
        )
        .await;
    id
}

#[tokio::test]
async fn a_deleted_organization_is_hidden_unlinked_and_queued() {
    let fixture = Fixture::new().await;
    let id = with_everything(&fixture).await;
    fixture
        .accounts
        .delete_organization(&Actor::operator(), "acme", false)
        .await
        .unwrap();
    let mut row = fixture
        .row(r#"SELECT id, username, email, enabled FROM "user" WHERE NOT enabled"#)
        .await;
    assert!(is_uuid4(&take(&mut row, "username")));
    assert!(is_uuid4(&take(&mut row, "email")));
    assert_eq!(take(&mut row, "id"), id.to_string());
    assert_eq!(
        fixture
            .row("SELECT namespace_id, original_username, queue_id FROM deletednamespace")
            .await,
        expected(&[
            ("namespace_id", Some(&id.to_string())),
            ("original_username", Some("acme")),
            ("queue_id", Some("3")),
        ])
    );
    assert_eq!(
        fixture
            .rows("SELECT queue_name, body FROM queueitem ORDER BY id")
            .await,
        [
            expected(&[
                ("queue_name", Some("notification/acme2/1/")),
                ("body", Some("")),
            ]),
            expected(&[
                ("queue_name", Some(&format!("namespacegc/{id}/"))),
                (
                    "body",
                    Some(r#"{"marker_id":1,"original_username":"acme"}"#)
                ),
            ]),
        ]
    );
    for (count, rows) in [
        ("SELECT COUNT(*) FROM team", "1"),
        ("SELECT COUNT(*) FROM teammember", "1"),
        ("SELECT COUNT(*) FROM permissionprototype", "0"),
        ("SELECT COUNT(*) FROM robotaccounttoken", "1"),
        (
            r#"SELECT COUNT(*) FROM "user" WHERE robot AND username = 'acme2+bot'"#,
            "1",
        ),
        (r#"SELECT COUNT(*) FROM "user" WHERE robot"#, "1"),
    ] {
        assert_eq!(fixture.value(count).await, rows, "{count}");
    }
    let audit = fixture.audit().await;
    assert_eq!(audit["kind"].as_deref(), Some("org_delete"));
    assert_eq!(audit["account_id"], Some(id.to_string()));
    let again = super::super::NewOrganization {
        name: "acme".to_owned(),
        email: None,
        owner: "alice".to_owned(),
    };
    let taken = fixture
        .accounts
        .create_organization(&Actor::operator(), again)
        .await;
    assert!(matches!(taken, Err(AccountsError::NameBeingDeleted(_))));
}

#[tokio::test]
async fn a_namespace_with_a_grace_period_keeps_what_is_linked_to_it() {
    let fixture = Fixture::with(|config| {
        config.deletion_grace = TimeDelta::hours(1);
        config.deletion_grace_namespaces = vec!["acme".to_owned()];
    })
    .await;
    with_everything(&fixture).await;
    fixture
        .accounts
        .delete_organization(&Actor::operator(), "acme", false)
        .await
        .unwrap();
    assert_eq!(fixture.value("SELECT COUNT(*) FROM team").await, "2");
    assert_eq!(
        fixture
            .value("SELECT available_after FROM queueitem WHERE queue_name LIKE 'namespacegc/%'")
            .await,
        "2026-03-04 06:06:07.089"
    );
}

#[tokio::test]
async fn an_organization_that_a_superuser_deletes_has_no_grace_period() {
    let fixture = Fixture::with(|config| {
        config.deletion_grace = TimeDelta::hours(1);
        config.deletion_grace_namespaces = vec!["acme".to_owned()];
    })
    .await;
    with_everything(&fixture).await;
    fixture
        .accounts
        .delete_organization(&Actor::operator(), "acme", true)
        .await
        .unwrap();
    let teams = "SELECT COUNT(*) FROM team \
        WHERE organization_id IN (SELECT namespace_id FROM deletednamespace)";
    assert_eq!(fixture.value(teams).await, "0");
    assert_eq!(
        fixture
            .value("SELECT available_after FROM queueitem WHERE queue_name LIKE 'namespacegc/%'")
            .await,
        super::super::testing::NOW
    );
}

#[tokio::test]
async fn a_person_who_alone_administers_an_organization_is_deleted_only_by_force() {
    let fixture = Fixture::new().await;
    let alice = fixture.user("alice").await;
    fixture.organization("acme", "alice").await;
    fixture.user("bob").await;
    let accounts = &fixture.accounts;
    accounts
        .delete_user(&Actor::operator(), "bob", false)
        .await
        .unwrap();
    let refused = accounts
        .delete_user(&Actor::user(alice), "alice", false)
        .await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "Cannot delete alice as you are the only admin for organizations: acme"
    );
    let superuser = Actor {
        superuser: Some("root".to_owned()),
        ..Actor::default()
    };
    accounts
        .delete_user(&superuser, "alice", true)
        .await
        .unwrap();
    let audit = fixture.audit().await;
    assert_eq!(audit["kind"].as_deref(), Some("user_delete"));
    assert_eq!(
        audit["metadata_json"].as_deref(),
        Some(r#"{"username":"alice"}"#)
    );
    assert_eq!(fixture.value("SELECT COUNT(*) FROM teammember").await, "0");
}
