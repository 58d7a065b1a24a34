#![allow(clippy::unwrap_used)]

use super::super::testing::Fixture;
use super::super::{Actor, Grantee, NewRobot, Role, TeamRole};
use super::*;

async fn fixture() -> (Fixture, UserId) {
    let fixture = Fixture::new().await;
    for name in ["alice", "bob", "carol"] {
        fixture.user(name).await;
    }
    let id = fixture.organization("acme", "alice").await.id;
    let operator = Actor::operator();
    let accounts = &fixture.accounts;
    let new = NewRobot {
        namespace: "acme".to_owned(),
        short: "bot".to_owned(),
        ..NewRobot::default()
    };
    accounts.create_robot(&operator, new).await.unwrap();
    accounts
        .put_team(&operator, "acme", "devs", TeamRole::Member, None)
        .await
        .unwrap();
    for member in ["alice", "bob", "acme+bot"] {
        accounts
            .add_team_member(&operator, "acme", "devs", member)
            .await
            .unwrap();
    }
    for repository in ["app", "lib"] {
        fixture.repository("acme", repository).await;
        for grantee in ["bob", "carol", "acme+bot"] {
            accounts
                .set_permission(
                    &operator,
                    "acme",
                    repository,
                    Grantee::account(grantee),
                    Role::Read,
                )
                .await
                .unwrap();
        }
    }
    (fixture, id)
}

fn shape(people: &[OrganizationMember]) -> Vec<(&str, Vec<&str>, Vec<&str>)> {
    people
        .iter()
        .map(|member| {
            (
                member.account.username.as_str(),
                member.teams.iter().map(String::as_str).collect(),
                member.repositories.iter().map(String::as_str).collect(),
            )
        })
        .collect()
}

#[tokio::test]
async fn members_are_in_a_team_and_collaborators_are_not() {
    let (fixture, acme) = fixture().await;
    let accounts = &fixture.accounts;
    let before = fixture.db.statements();
    let members = accounts.organization_members(acme).await.unwrap();
    assert_eq!(fixture.db.statements() - before, 2);
    assert_eq!(
        shape(&members),
        [
            ("alice", vec!["owners", "devs"], vec![]),
            ("bob", vec!["devs"], vec!["app", "lib"]),
        ]
    );
    let before = fixture.db.statements();
    let collaborators = accounts.organization_collaborators(acme).await.unwrap();
    assert_eq!(fixture.db.statements() - before, 2);
    assert_eq!(
        shape(&collaborators),
        [("carol", vec![], vec!["app", "lib"])]
    );
    let bot = accounts
        .organization_member(acme, "acme", "acme+bot")
        .await
        .unwrap();
    assert_eq!(
        shape(&[bot]),
        [("acme+bot", vec!["devs"], vec!["app", "lib"])]
    );
    for stranger in ["carol", "nobody", "acme"] {
        let error = accounts
            .organization_member(acme, "acme", stranger)
            .await
            .unwrap_err();
        assert!(error.is_not_found(), "{stranger}");
    }
}

#[tokio::test]
async fn a_removed_member_keeps_nothing_in_the_organization() {
    let (fixture, acme) = fixture().await;
    let accounts = &fixture.accounts;
    accounts
        .remove_organization_member("acme", "bob")
        .await
        .unwrap();
    let members = accounts.organization_members(acme).await.unwrap();
    assert_eq!(shape(&members), [("alice", vec!["owners", "devs"], vec![])]);
    assert_eq!(
        fixture
            .value(
                r#"SELECT COUNT(*) FROM repositorypermission JOIN "user" ON "user".id = user_id WHERE username = 'bob'"#
            )
            .await,
        "0"
    );
    let last = accounts.remove_organization_member("acme", "alice").await;
    assert!(matches!(last, Err(AccountsError::OnlyOrganizationAdmin)));
    let robot = accounts
        .remove_organization_member("acme", "acme+bot")
        .await;
    assert!(robot.unwrap_err().is_not_found());
}
