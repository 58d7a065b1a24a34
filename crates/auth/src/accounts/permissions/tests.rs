#![allow(clippy::unwrap_used)]

use super::super::testing::{Fixture, expected};
use super::super::{NewRobot, TeamRole};
use super::*;

/// `acme/app`, with alice as owner, bob outside, team devs, and robots in `acme` and `alice`.
async fn fixture() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    fixture.user("bob").await;
    fixture.organization("acme", "alice").await;
    fixture
        .accounts
        .create_team(&Actor::operator(), "acme", "devs", TeamRole::Member, "")
        .await
        .unwrap();
    for namespace in ["acme", "alice"] {
        let new = NewRobot {
            namespace: namespace.to_owned(),
            short: "ci".to_owned(),
            ..NewRobot::default()
        };
        fixture
            .accounts
            .create_robot(&Actor::operator(), new)
            .await
            .unwrap();
    }
    fixture.repository("acme", "app").await;
    fixture
}

async fn set(fixture: &Fixture, grantee: Grantee, role: Role) -> Result<PermissionChange> {
    fixture
        .accounts
        .set_permission(&Actor::operator(), "acme", "app", grantee, role)
        .await
}

async fn remove(fixture: &Fixture, grantee: Grantee) -> Result<PermissionChange> {
    fixture
        .accounts
        .remove_permission(&Actor::operator(), "acme", "app", grantee)
        .await
}

#[tokio::test]
async fn users_teams_and_robots_have_one_role_each() {
    let fixture = fixture().await;
    let bob = Grantee::account("bob");
    let changed = set(&fixture, bob.clone(), Role::Read).await.unwrap();
    assert_eq!(
        (changed.repository.name.as_str(), changed.team),
        ("app", None)
    );
    assert!(changed.user.is_some());
    set(&fixture, bob, Role::Write).await.unwrap();
    let changed = set(&fixture, Grantee::Team("devs".to_owned()), Role::Admin)
        .await
        .unwrap();
    assert!(changed.user.is_none() && changed.team.is_some());
    set(&fixture, Grantee::account("acme+ci"), Role::Read)
        .await
        .unwrap();
    let mut listed: Vec<_> = fixture
        .accounts
        .list_permissions("acme", "app")
        .await
        .unwrap()
        .into_iter()
        .map(|found| (found.team, found.username, found.robot, found.role))
        .collect();
    listed.sort();
    let own = |text: &str| Some(text.to_owned());
    assert_eq!(
        listed,
        [
            (None, own("acme+ci"), Some(true), "read".to_owned()),
            (None, own("bob"), Some(false), "write".to_owned()),
            (own("devs"), None, None, "admin".to_owned()),
        ]
    );
}

#[tokio::test]
async fn a_changed_permission_is_in_the_audit_log_of_the_namespace() {
    let fixture = fixture().await;
    set(&fixture, Grantee::Team("devs".to_owned()), Role::Write)
        .await
        .unwrap();
    let mut audit = fixture.audit().await;
    audit.retain(|key, _| {
        matches!(
            key.as_str(),
            "kind" | "account_id" | "repository_id" | "metadata_json"
        )
    });
    assert_eq!(
        audit,
        expected(&[
            ("kind", Some("change_repo_permission")),
            ("account_id", Some("3")),
            ("repository_id", Some("1")),
            (
                "metadata_json",
                Some(r#"{"repo":"app","namespace":"acme","team":"devs","role":"write"}"#)
            ),
        ])
    );
    set(&fixture, Grantee::account("bob"), Role::Write)
        .await
        .unwrap();
    remove(&fixture, Grantee::account("bob")).await.unwrap();
    let audit = fixture.audit().await;
    assert_eq!(audit["kind"].as_deref(), Some("delete_repo_permission"));
    assert_eq!(
        audit["metadata_json"].as_deref(),
        Some(r#"{"repo":"app","namespace":"acme","username":"bob"}"#)
    );
}

#[tokio::test]
async fn a_permission_is_taken_back_once() {
    let fixture = fixture().await;
    for grantee in [Grantee::account("bob"), Grantee::Team("devs".to_owned())] {
        set(&fixture, grantee.clone(), Role::Read).await.unwrap();
        remove(&fixture, grantee.clone()).await.unwrap();
        let error = remove(&fixture, grantee).await.unwrap_err();
        assert!(
            matches!(error, AccountsError::NoPermission { .. }),
            "{error}"
        );
    }
    assert!(
        fixture
            .accounts
            .list_permissions("acme", "app")
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn whatever_permission_there_is_can_be_taken_back() {
    let fixture = fixture().await;
    fixture.organization("other", "alice").await;
    // As a default permission of Quay's gives it to a robot of another namespace.
    fixture
        .execute(
            r#"INSERT INTO repositorypermission (user_id, repository_id, role_id)
            SELECT id, 1, 1 FROM "user" WHERE username IN ('alice+ci', 'other')"#,
        )
        .await;
    for name in ["alice+ci", "other"] {
        remove(&fixture, Grantee::account(name)).await.unwrap();
        let audit = fixture.audit().await;
        assert_eq!(audit["kind"].as_deref(), Some("delete_repo_permission"));
    }
    let rows = "SELECT COUNT(*) FROM repositorypermission WHERE user_id IS NOT NULL";
    assert_eq!(fixture.value(rows).await, "0");
    let nobody = ["nobody", "acme+nobody"].map(Grantee::account);
    for grantee in nobody.into_iter().chain([Grantee::Team("ops".to_owned())]) {
        let error = remove(&fixture, grantee).await.unwrap_err();
        assert!(
            matches!(error, AccountsError::NoPermission { .. }),
            "{error}"
        );
    }
    let owner = remove(&fixture, Grantee::account("acme")).await;
    assert!(matches!(owner, Err(AccountsError::OwnerIsAdmin)));
}

#[tokio::test]
async fn who_cannot_have_a_permission_is_refused() {
    let fixture = fixture().await;
    let refused = async |grantee| set(&fixture, grantee, Role::Read).await.unwrap_err();
    assert!(matches!(
        refused(Grantee::account("nobody")).await,
        AccountsError::NoSuchUser(_)
    ));
    assert!(matches!(
        refused(Grantee::account("acme")).await,
        AccountsError::OwnerIsAdmin
    ));
    assert!(matches!(
        refused(Grantee::User("acme+ci".to_owned())).await,
        AccountsError::NoSuchUser(_)
    ));
    assert!(matches!(
        refused(Grantee::Robot("bob".to_owned())).await,
        AccountsError::NoSuchRobot(_)
    ));
    assert!(matches!(
        refused(Grantee::account("alice+ci")).await,
        AccountsError::ForeignRobot { .. }
    ));
    assert!(matches!(
        refused(Grantee::Team("ops".to_owned())).await,
        AccountsError::NoSuchTeam { .. }
    ));
    let error = fixture
        .accounts
        .set_permission(
            &Actor::operator(),
            "acme",
            "other",
            Grantee::account("bob"),
            Role::Read,
        )
        .await
        .unwrap_err();
    assert!(
        matches!(error, AccountsError::NoSuchRepository { .. }),
        "{error}"
    );
}
