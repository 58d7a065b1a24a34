#![allow(clippy::unwrap_used)]

use super::super::testing::Fixture;
use super::super::{NewUser, TeamRole};
use super::*;

/// An organization of alice's that invites, with a team beside `owners`; bob and carol are from outside.
async fn fixture() -> (Fixture, Actor, UserId) {
    let fixture = Fixture::with(|config| config.team_invites = true).await;
    let alice = fixture.user("alice").await;
    let bob = NewUser {
        username: "bob".to_owned(),
        password: None,
        email: Some("bob@acme.example".to_owned()),
        verified: true,
    };
    let bob = fixture
        .accounts
        .create_user(&Actor::operator(), bob)
        .await
        .unwrap();
    fixture.user("carol").await;
    fixture.organization("acme", "alice").await;
    let alice = Actor::user(alice);
    fixture
        .accounts
        .put_team(&alice, "acme", "devs", TeamRole::Member, None)
        .await
        .unwrap();
    (fixture, alice, bob)
}

async fn invite(fixture: &Fixture, actor: &Actor, team: &str, member: &str) -> Option<String> {
    fixture
        .accounts
        .add_or_invite_team_member(actor, "acme", team, member)
        .await
        .unwrap()
        .invite
}

#[tokio::test]
async fn somebody_from_outside_is_invited_and_joins_when_they_accept() {
    let (fixture, alice, bob) = fixture().await;
    let accounts = &fixture.accounts;
    let code = invite(&fixture, &alice, "devs", "bob").await.unwrap();
    assert!(code.starts_with("urn:teaminvite:"));
    let again = invite(&fixture, &alice, "devs", "bob").await.unwrap();
    assert_eq!(again, code, "each link that was sent works");
    invite(&fixture, &alice, "owners", "bob").await.unwrap();
    accounts
        .invite_email(&alice, "acme", "devs", "bob@acme.example")
        .await
        .unwrap();
    assert_eq!(
        fixture.value("SELECT COUNT(*) FROM notification").await,
        "2"
    );
    let team = accounts.team_members("acme", "devs", true).await.unwrap();
    assert_eq!(team.members, []);
    assert_eq!(team.invites.len(), 2, "the account and the address");

    let carol = fixture
        .value(r#"SELECT id FROM "user" WHERE username = 'carol'"#)
        .await;
    let carol = UserId(carol.parse().unwrap());
    let stolen = accounts
        .accept_team_invite(&Actor::user(carol), carol, &code)
        .await;
    assert_eq!(
        stolen.unwrap_err().to_string(),
        "This invite is intended for user \"bob\". Please login to that account and try again."
    );
    let joined = accounts
        .accept_team_invite(&Actor::user(bob), bob, &code)
        .await
        .unwrap();
    assert_eq!(
        joined,
        JoinedTeam {
            organization: "acme".to_owned(),
            team: "devs".to_owned()
        }
    );
    let audit = fixture.audit().await;
    assert_eq!(
        audit["kind"].as_deref(),
        Some("org_team_member_invite_accepted")
    );
    assert_eq!(
        audit["metadata_json"].as_deref(),
        Some(r#"{"member":"bob","team":"devs","inviter":"alice"}"#)
    );
    for (team, members) in [("devs", vec!["bob"]), ("owners", vec!["alice", "bob"])] {
        assert_eq!(
            accounts.list_team_members("acme", team).await.unwrap(),
            members,
            "every invitation to the organization is accepted"
        );
    }
    for count in [
        "SELECT COUNT(*) FROM teammemberinvite",
        "SELECT COUNT(*) FROM notification",
    ] {
        assert_eq!(fixture.value(count).await, "0", "{count}");
    }
    let twice = accounts
        .accept_team_invite(&Actor::user(bob), bob, &code)
        .await;
    assert!(matches!(twice, Err(AccountsError::InvalidInvite)));
}

#[tokio::test]
async fn members_of_the_organization_and_the_operators_choices_are_not_invited() {
    let (fixture, alice, _) = fixture().await;
    assert_eq!(invite(&fixture, &alice, "devs", "alice").await, None);
    fixture
        .accounts
        .add_team_member(&Actor::operator(), "acme", "devs", "carol")
        .await
        .unwrap();
    assert_eq!(
        fixture.value("SELECT COUNT(*) FROM teammemberinvite").await,
        "0"
    );
}

#[tokio::test]
async fn an_invitation_is_declined_or_taken_back() {
    let (fixture, alice, bob) = fixture().await;
    let accounts = &fixture.accounts;
    let code = invite(&fixture, &alice, "devs", "bob").await.unwrap();
    accounts
        .decline_team_invite(&Actor::user(bob), bob, &code)
        .await
        .unwrap();
    assert_eq!(
        fixture.value("SELECT COUNT(*) FROM notification").await,
        "0"
    );
    assert!(
        accounts
            .decline_team_invite(&Actor::user(bob), bob, &code)
            .await
            .is_err()
    );
    invite(&fixture, &alice, "devs", "bob").await.unwrap();
    let left = accounts
        .remove_team_member(&alice, "acme", "devs", "bob")
        .await
        .unwrap();
    assert!(left.was_invited);
    assert_eq!(
        fixture.audit().await["kind"].as_deref(),
        Some("org_delete_team_member_invite")
    );
    accounts
        .invite_email(&alice, "acme", "devs", "dan@acme.example")
        .await
        .unwrap();
    accounts
        .delete_email_invite(&alice, "acme", "devs", "dan@acme.example")
        .await
        .unwrap();
    let twice = accounts
        .delete_email_invite(&alice, "acme", "devs", "dan@acme.example")
        .await;
    assert!(twice.unwrap_err().is_not_found());
    assert!(
        accounts
            .invite_email(&alice, "acme", "devs", "nonsense")
            .await
            .is_err()
    );
}

#[tokio::test]
async fn an_address_that_is_not_confirmed_accepts_nothing() {
    let (fixture, alice, bob) = fixture().await;
    let accounts = &fixture.accounts;
    let code = accounts
        .invite_email(&alice, "acme", "devs", "bob@acme.example")
        .await
        .unwrap();
    fixture
        .execute(r#"UPDATE "user" SET verified = false WHERE username = 'bob'"#)
        .await;
    let accepted = accounts
        .accept_team_invite(&Actor::user(bob), bob, &code)
        .await;
    assert!(
        matches!(accepted, Err(AccountsError::InviteForSomebodyElse { .. })),
        "{accepted:?}"
    );
    fixture
        .execute(r#"UPDATE "user" SET verified = true WHERE username = 'bob'"#)
        .await;
    accounts
        .accept_team_invite(&Actor::user(bob), bob, &code)
        .await
        .unwrap();
}
