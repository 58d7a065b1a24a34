#![allow(clippy::unwrap_used)]

use super::super::testing::Fixture;
use super::super::{NewRobot, TeamRole};
use super::*;

#[tokio::test]
async fn a_team_gets_members_once() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    let bob = fixture.user("bob").await;
    fixture.organization("acme", "alice").await;
    let accounts = &fixture.accounts;
    let operator = Actor::operator();
    accounts
        .create_team(&operator, "acme", "devs", TeamRole::Creator, "who build")
        .await
        .unwrap();
    assert_eq!(
        fixture.audit().await["metadata_json"].as_deref(),
        Some(r#"{"team":"devs"}"#)
    );
    assert_eq!(
        accounts
            .add_team_member(&operator, "acme", "devs", "bob")
            .await
            .unwrap(),
        bob
    );
    let audit = fixture.audit().await;
    assert_eq!(audit["kind"].as_deref(), Some("org_add_team_member"));
    assert_eq!(
        audit["metadata_json"].as_deref(),
        Some(r#"{"member":"bob","team":"devs"}"#)
    );
    let error = accounts
        .add_team_member(&operator, "acme", "devs", "bob")
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "User bob is already a member of team devs"
    );
    let error = accounts
        .create_team(&operator, "acme", "devs", TeamRole::Member, "")
        .await
        .unwrap_err();
    assert!(matches!(error, AccountsError::TeamExists { .. }), "{error}");
    assert_eq!(
        accounts.list_team_members("acme", "devs").await.unwrap(),
        ["bob"]
    );
    let teams = accounts.list_teams("acme").await.unwrap();
    assert_eq!(
        teams
            .iter()
            .map(|team| (team.name.as_str(), team.role.as_str()))
            .collect::<Vec<_>>(),
        [("devs", "creator"), ("owners", "admin")]
    );
    accounts
        .remove_team_member(&operator, "acme", "devs", "bob")
        .await
        .unwrap();
    let error = accounts
        .remove_team_member(&operator, "acme", "devs", "bob")
        .await
        .unwrap_err();
    assert!(matches!(error, AccountsError::NotMember { .. }), "{error}");
}

#[tokio::test]
async fn only_robots_of_the_organization_join_its_teams() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    fixture.organization("acme", "alice").await;
    for namespace in ["acme", "alice"] {
        let new = NewRobot {
            namespace: namespace.to_owned(),
            short: "bot".to_owned(),
            ..NewRobot::default()
        };
        fixture
            .accounts
            .create_robot(&Actor::operator(), new)
            .await
            .unwrap();
    }
    let add = async |member| {
        fixture
            .accounts
            .add_team_member(&Actor::operator(), "acme", "owners", member)
            .await
    };
    add("acme+bot").await.unwrap();
    assert!(matches!(
        add("alice+bot").await,
        Err(AccountsError::ForeignRobot { .. })
    ));
    assert!(matches!(
        add("acme").await,
        Err(AccountsError::NoSuchUser(_))
    ));
}

#[tokio::test]
async fn people_of_a_synchronized_team_are_not_changed_here() {
    let fixture = Fixture::with(|config| config.team_syncing = true).await;
    fixture.user("alice").await;
    fixture.user("bob").await;
    fixture.organization("acme", "alice").await;
    fixture
        .execute(
            "INSERT INTO teamsync (team_id, transaction_id, service_id, config)
            VALUES (1, 'x', (SELECT id FROM loginservice WHERE name = 'ldap'), '{}')",
        )
        .await;
    let error = fixture
        .accounts
        .add_team_member(&Actor::operator(), "acme", "owners", "bob")
        .await
        .unwrap_err();
    assert!(matches!(error, AccountsError::TeamIsSynced(_)), "{error}");
}

#[tokio::test]
async fn nobody_leaves_their_only_admin_team() {
    let fixture = Fixture::new().await;
    let alice = fixture.user("alice").await;
    fixture.organization("acme", "alice").await;
    let herself = Actor::user(alice);
    let error = fixture
        .accounts
        .remove_team_member(&herself, "acme", "owners", "alice")
        .await
        .unwrap_err();
    assert!(matches!(error, AccountsError::OnlyAdminTeam), "{error}");
    assert_eq!(
        fixture
            .accounts
            .list_team_members("acme", "owners")
            .await
            .unwrap(),
        ["alice"]
    );
}

#[tokio::test]
async fn a_robot_may_join_a_synchronized_team() {
    let fixture = Fixture::with(|config| config.team_syncing = true).await;
    fixture.user("alice").await;
    fixture.organization("acme", "alice").await;
    fixture
        .execute(
            "INSERT INTO teamsync (team_id, transaction_id, service_id, config)
            VALUES (1, 'x', (SELECT id FROM loginservice WHERE name = 'ldap'), '{}')",
        )
        .await;
    let new = NewRobot {
        namespace: "acme".to_owned(),
        short: "bot".to_owned(),
        ..NewRobot::default()
    };
    let accounts = &fixture.accounts;
    accounts
        .create_robot(&Actor::operator(), new)
        .await
        .unwrap();
    accounts
        .add_team_member(&Actor::operator(), "acme", "owners", "acme+bot")
        .await
        .unwrap();
}
