#![allow(clippy::unwrap_used)]

use super::super::testing::Fixture;
use super::*;

#[tokio::test]
async fn a_default_permission_is_made_changed_and_deleted() {
    let fixture = Fixture::new().await;
    let alice = Actor::user(fixture.user("alice").await);
    fixture.user("bob").await;
    let acme = fixture.organization("acme", "alice").await.id;
    let accounts = &fixture.accounts;
    let made = accounts
        .create_prototype(
            &alice,
            "alice",
            "acme",
            Role::Write,
            Some("alice".to_owned()),
            Delegate::User("bob".to_owned()),
        )
        .await
        .unwrap();
    assert_eq!(made.activating_username.as_deref(), Some("alice"));
    assert!(made.activating_member && !made.delegate_member);
    let for_team = accounts
        .create_prototype(
            &alice,
            "alice",
            "acme",
            Role::Admin,
            None,
            Delegate::Team("owners".to_owned()),
        )
        .await
        .unwrap();
    assert_eq!(
        fixture.audit().await["metadata_json"],
        Some(format!(
            r#"{{"prototypeid":"{}","username":"alice","activating_username":null,"role":"admin","delegate_team":"owners"}}"#,
            for_team.uuid
        ))
    );
    let changed = accounts
        .change_prototype(&alice, "alice", "acme", &made.uuid, Role::Read)
        .await
        .unwrap();
    assert_eq!(changed.role, "read");
    assert_eq!(
        fixture.audit().await["metadata_json"],
        Some(format!(
            r#"{{"prototypeid":"{}","username":"alice","activating_username":"alice","role":"read","delegate_user":"bob","original_role":"write"}}"#,
            made.uuid
        ))
    );
    let before = fixture.db.statements();
    assert_eq!(
        accounts.prototypes(acme).await.unwrap(),
        [changed, for_team]
    );
    assert_eq!(fixture.db.statements() - before, 1);
    accounts
        .delete_prototype(&alice, "alice", "acme", &made.uuid)
        .await
        .unwrap();
    let twice = accounts
        .delete_prototype(&alice, "alice", "acme", &made.uuid)
        .await;
    assert!(twice.unwrap_err().is_not_found());
    assert_eq!(accounts.prototypes(acme).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_default_permission_names_only_who_exists() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    fixture.organization("acme", "alice").await;
    let create = async |activating: Option<&str>, delegate| {
        let activating = activating.map(str::to_owned);
        fixture
            .accounts
            .create_prototype(
                &Actor::operator(),
                "",
                "acme",
                Role::Read,
                activating,
                delegate,
            )
            .await
            .unwrap_err()
            .to_string()
    };
    let alice = || Delegate::User("alice".to_owned());
    assert_eq!(
        create(Some("nobody"), alice()).await,
        "Unknown activating user"
    );
    assert_eq!(
        create(None, Delegate::User("nobody".to_owned())).await,
        "Missing delegate user or team"
    );
    assert_eq!(
        create(None, Delegate::Team("none".to_owned())).await,
        "No team none in organization acme"
    );
    assert_eq!(
        fixture
            .value("SELECT COUNT(*) FROM permissionprototype")
            .await,
        "0"
    );
}
