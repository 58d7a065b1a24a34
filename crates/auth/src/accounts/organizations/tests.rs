#![allow(clippy::unwrap_used)]

use super::super::NewRobot;
use super::super::testing::{Fixture, NOW, expected, is_uuid4, take};
use super::*;

#[tokio::test]
async fn a_new_organization_has_the_rows_that_quay_would_write() {
    let fixture = Fixture::new().await;
    let alice = fixture.user("alice").await;
    let new = NewOrganization {
        name: "acme".to_owned(),
        email: Some("team@acme.example".to_owned()),
        owner: "alice".to_owned(),
    };
    let created = fixture
        .accounts
        .create_organization(&Actor::operator(), new)
        .await
        .unwrap();
    let mut row = fixture
        .row(r#"SELECT * FROM "user" WHERE organization"#)
        .await;
    assert!(is_uuid4(&take(&mut row, "uuid")));
    assert_eq!(
        row,
        expected(&[
            ("id", Some(&created.id.to_string())),
            ("username", Some("acme")),
            ("password_hash", None),
            ("email", Some("team@acme.example")),
            ("verified", Some("0")),
            ("stripe_id", None),
            ("organization", Some("1")),
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
        fixture.row("SELECT team.*, teamrole.name AS role FROM team JOIN teamrole ON teamrole.id = role_id").await,
        expected(&[
            ("id", Some(&created.owners.to_string())),
            ("name", Some("owners")),
            ("organization_id", Some(&created.id.to_string())),
            ("role_id", Some("1")),
            ("role", Some("admin")),
            ("description", Some("")),
        ])
    );
    assert_eq!(
        fixture.row("SELECT user_id, team_id FROM teammember").await,
        expected(&[
            ("user_id", Some(&alice.to_string())),
            ("team_id", Some(&created.owners.to_string())),
        ])
    );
    let audit = fixture.audit().await;
    assert_eq!(audit["kind"].as_deref(), Some("org_create"));
    assert_eq!(audit["account_id"], Some(created.id.to_string()));
    assert_eq!(
        audit["metadata_json"].as_deref(),
        Some(r#"{"email":"team@acme.example","namespace":"acme"}"#)
    );
}

#[tokio::test]
async fn organizations_share_an_address_only_where_that_is_allowed() {
    let create = async |fixture: &Fixture, name: &str| {
        let new = NewOrganization {
            name: name.to_owned(),
            email: Some("team@acme.example".to_owned()),
            owner: "alice".to_owned(),
        };
        fixture
            .accounts
            .create_organization(&Actor::operator(), new)
            .await
    };
    for (shared, works) in [(false, false), (true, true)] {
        let fixture = Fixture::with(|config| config.org_shared_email = shared).await;
        fixture.user("alice").await;
        create(&fixture, "acme").await.unwrap();
        assert_eq!(create(&fixture, "acme2").await.is_ok(), works);
    }
}

#[tokio::test]
async fn an_organization_without_a_person_as_owner_is_not_made() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    fixture.organization("acme", "alice").await;
    for owner in ["nobody", "acme"] {
        let new = NewOrganization {
            name: "other".to_owned(),
            email: None,
            owner: owner.to_owned(),
        };
        let error = fixture
            .accounts
            .create_organization(&Actor::operator(), new)
            .await
            .unwrap_err();
        assert!(matches!(error, AccountsError::NoSuchUser(_)), "{error}");
    }
    assert_eq!(fixture.value(r#"SELECT COUNT(*) FROM "user""#).await, "2");
}

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
    let fixture = Fixture::new().await;
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
