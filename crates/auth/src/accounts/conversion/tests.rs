#![allow(clippy::unwrap_used)]

use super::super::testing::{Fixture, secret};
use super::super::{Grantee, Role};
use super::*;

#[tokio::test]
async fn a_converted_person_is_an_organization_that_the_other_one_administers() {
    let fixture = Fixture::new().await;
    let (ann, bob) = (fixture.user("ann").await, fixture.user("bob").await);
    let operator = Actor::operator();
    fixture
        .accounts
        .set_password(&operator, "ann", &secret("correct-horse"))
        .await
        .unwrap();
    fixture.repository("bob", "app").await;
    fixture
        .accounts
        .set_permission(
            &operator,
            "bob",
            "app",
            Grantee::User("ann".to_owned()),
            Role::Read,
        )
        .await
        .unwrap();
    fixture
        .accounts
        .convert_to_organization(&Actor::user(ann), ann, bob)
        .await
        .unwrap();
    let row = fixture
        .row(r#"SELECT organization, password_hash FROM "user" WHERE username = 'ann'"#)
        .await;
    assert_eq!(row["organization"].as_deref(), Some("1"));
    assert_eq!(row["password_hash"], None);
    let permissions = "SELECT COUNT(*) FROM repositorypermission WHERE user_id = 1";
    assert_eq!(fixture.value(permissions).await, "0");
    let members = fixture
        .accounts
        .list_team_members("ann", "owners")
        .await
        .unwrap();
    assert_eq!(members, ["bob"]);
    assert_eq!(
        fixture.audit().await["kind"].as_deref(),
        Some("account_convert")
    );
    let again = fixture
        .accounts
        .convert_to_organization(&Actor::user(ann), ann, bob)
        .await;
    assert!(matches!(again, Err(AccountsError::NoSuchUser(_))));
}
