#![allow(clippy::unwrap_used)]

use super::super::testing::Fixture;
use super::*;

async fn put(fixture: &Fixture, actor: &Actor, team: &str, role: TeamRole) -> Result<ChangedTeam> {
    fixture
        .accounts
        .put_team(actor, "acme", team, role, None)
        .await
}

#[tokio::test]
async fn a_team_is_made_and_changed_by_the_same_call() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    fixture.organization("acme", "alice").await;
    let operator = Actor::operator();
    let accounts = &fixture.accounts;
    let made = accounts
        .put_team(
            &operator,
            "acme",
            "devs",
            TeamRole::Member,
            Some("who build".to_owned()),
        )
        .await
        .unwrap();
    assert!(made.created);
    assert_eq!(made.team.description, "who build");
    assert_eq!(
        fixture.audit().await["kind"].as_deref(),
        Some("org_create_team")
    );
    let rows = fixture.audit_rows().await;
    let same = put(&fixture, &operator, "devs", TeamRole::Member)
        .await
        .unwrap();
    assert!(!same.created);
    assert_eq!(same.team.description, "who build");
    assert_eq!(
        fixture.audit_rows().await,
        rows,
        "nothing changed, so nothing is told"
    );
    let changed = accounts
        .put_team(
            &operator,
            "acme",
            "devs",
            TeamRole::Creator,
            Some("makers".to_owned()),
        )
        .await
        .unwrap();
    assert_eq!(changed.team.role, "creator");
    assert_eq!(
        accounts.team("acme", "devs").await.unwrap(),
        changed.team,
        "it is stored"
    );
    assert_eq!(fixture.audit_rows().await, rows + 2);
    let bad = put(&fixture, &operator, "No Name", TeamRole::Member).await;
    assert!(matches!(bad, Err(AccountsError::InvalidTeamName { .. })));
}

#[tokio::test]
async fn nobody_takes_away_their_own_right_to_administer() {
    let fixture = Fixture::new().await;
    let alice = Actor::user(fixture.user("alice").await);
    fixture.organization("acme", "alice").await;
    let accounts = &fixture.accounts;
    let demoted = put(&fixture, &alice, "owners", TeamRole::Member).await;
    assert_eq!(
        demoted.unwrap_err().to_string(),
        "Cannot remove admin from team 'owners' because calling user would no longer have admin on org 'acme'"
    );
    let deleted = accounts.delete_team(&alice, "acme", "owners").await;
    assert_eq!(
        deleted.unwrap_err().to_string(),
        "Deleting team 'owners' would remove admin ability for user 'alice' in organization 'acme'"
    );
    put(&fixture, &alice, "seconds", TeamRole::Admin)
        .await
        .unwrap();
    let deleted = accounts.delete_team(&alice, "acme", "owners").await;
    assert!(deleted.is_err(), "alice is not in the other team");
    accounts
        .add_team_member(&alice, "acme", "seconds", "alice")
        .await
        .unwrap();
    accounts
        .delete_team(&alice, "acme", "owners")
        .await
        .unwrap();
    let last = accounts
        .delete_team(&Actor::operator(), "acme", "seconds")
        .await;
    assert!(
        matches!(last, Err(AccountsError::DeletesOnlyAdminTeam { .. })),
        "also nobody else deletes the last administrating team"
    );
}

#[tokio::test]
async fn a_deleted_team_leaves_nothing_behind() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    let organization = fixture.organization("acme", "alice").await;
    fixture.repository("acme", "app").await;
    let operator = Actor::operator();
    let team = put(&fixture, &operator, "devs", TeamRole::Member)
        .await
        .unwrap()
        .team
        .id;
    let accounts = &fixture.accounts;
    let grantee = super::super::Grantee::Team("devs".to_owned());
    accounts
        .set_permission(&operator, "acme", "app", grantee, super::super::Role::Read)
        .await
        .unwrap();
    accounts
        .add_team_member(&operator, "acme", "devs", "alice")
        .await
        .unwrap();
    accounts
        .create_prototype(
            &operator,
            "",
            "acme",
            super::super::Role::Write,
            None,
            super::super::Delegate::Team("devs".to_owned()),
        )
        .await
        .unwrap();
    let overview = accounts
        .team_overview(organization.id, Some(organization.owner))
        .await
        .unwrap();
    let numbers: Vec<_> = overview
        .iter()
        .map(|team| {
            (
                team.name.as_str(),
                team.repo_count,
                team.member_count,
                team.has_viewer,
            )
        })
        .collect();
    assert_eq!(numbers, [("owners", 0, 1, true), ("devs", 1, 1, true)]);
    let permissions = accounts.team_permissions("acme", "devs").await.unwrap();
    assert_eq!(
        permissions,
        [HeldPermission {
            repository: "app".to_owned(),
            public: false,
            role: "read".to_owned()
        }]
    );
    assert_eq!(
        accounts
            .delete_team(&operator, "acme", "devs")
            .await
            .unwrap(),
        team
    );
    for count in [
        "SELECT COUNT(*) FROM teammember WHERE team_id <> 1",
        "SELECT COUNT(*) FROM repositorypermission WHERE team_id IS NOT NULL",
        "SELECT COUNT(*) FROM permissionprototype",
        "SELECT COUNT(*) FROM team WHERE name = 'devs'",
    ] {
        assert_eq!(fixture.value(count).await, "0", "{count}");
    }
    let missing = accounts.delete_team(&operator, "acme", "devs").await;
    assert!(missing.unwrap_err().is_not_found());
}
