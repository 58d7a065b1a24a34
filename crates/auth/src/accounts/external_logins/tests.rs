#![allow(clippy::unwrap_used)]

use super::super::testing::{Fixture, expected};
use super::*;

fn identity(ident: &str, username: &str, email: Option<&str>) -> ExternalIdentity {
    ExternalIdentity {
        service: "github".to_owned(),
        ident: ident.to_owned(),
        username: username.to_owned(),
        email: email.map(str::to_owned),
    }
}

async fn enroll(fixture: &Fixture, identity: ExternalIdentity) -> Result<UserId> {
    enroll_asking(fixture, identity, true).await
}

async fn enroll_asking(
    fixture: &Fixture,
    identity: ExternalIdentity,
    password: bool,
) -> Result<UserId> {
    let accounts = &fixture.accounts;
    let asks = Asks {
        username: true,
        password,
    };
    accounts
        .enroll_external(&Actor::operator(), identity, asks)
        .await
}

async fn name_of(fixture: &Fixture, identity: &ExternalIdentity) -> String {
    match fixture.accounts.linked_to(identity).await.unwrap() {
        Linked::Person(person) => person.username,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_account_is_made_linked_and_asked() {
    let fixture = Fixture::with(|config| config.ask_new_users = true).await;
    let mona = identity("583231", "Mona.Cat", Some("mona@example.com"));
    assert_eq!(
        fixture.accounts.linked_to(&mona).await.unwrap(),
        Linked::Nobody
    );
    enroll(&fixture, mona.clone()).await.unwrap();
    assert_eq!(name_of(&fixture, &mona).await, "mona_cat");
    let link = fixture
        .row(
            "SELECT loginservice.name, service_ident, metadata_json FROM federatedlogin
            JOIN loginservice ON loginservice.id = service_id",
        )
        .await;
    assert_eq!(
        link,
        expected(&[
            ("name", Some("github")),
            ("service_ident", Some("583231")),
            ("metadata_json", Some(r#"{"service_username":"Mona.Cat"}"#)),
        ])
    );
    let person = fixture
        .row(r#"SELECT email, verified, password_hash FROM "user""#)
        .await;
    assert_eq!(
        person,
        expected(&[
            ("email", Some("mona@example.com")),
            ("verified", Some("1")),
            ("password_hash", None),
        ])
    );
    let prompts = "SELECT group_concat(name) FROM (SELECT name FROM userprompt
        JOIN userpromptkind ON userpromptkind.id = kind_id ORDER BY userprompt.id)";
    assert_eq!(
        fixture.value(prompts).await,
        "enter_name,enter_company,confirm_username"
    );
    let told = "SELECT notificationkind.name FROM notification JOIN notificationkind ON notificationkind.id = kind_id";
    assert_eq!(fixture.value(told).await, "password_required");
    assert_eq!(
        fixture.audit().await["kind"].as_deref(),
        Some("user_create")
    );
}

#[tokio::test]
async fn nobody_is_asked_for_a_password_that_could_not_be_used() {
    let fixture = Fixture::new().await;
    let mona = identity("1", "mona", None);
    enroll_asking(&fixture, mona, false).await.unwrap();
    let told = "SELECT count(*) FROM notification";
    assert_eq!(fixture.value(told).await, "0");
}

#[test]
fn what_has_control_characters_is_nobody() {
    for (ident, username, email) in [
        ("1\0", "mona", None),
        ("1", "mo\nna", None),
        ("1", "mona", Some("mona@example.com\0")),
    ] {
        let refused = identity(ident, username, email).check();
        assert!(matches!(refused, Err(AccountsError::MalformedIdentity)));
    }
    identity("1", "mona", Some("mona@example.com"))
        .check()
        .unwrap();
}

#[tokio::test]
async fn a_name_that_is_taken_or_being_deleted_is_not_given() {
    let fixture = Fixture::new().await;
    fixture.user("mona").await;
    fixture.user("owner").await;
    fixture.organization("mona0", "owner").await;
    fixture
        .execute(
            r#"INSERT INTO deletednamespace (namespace_id, marked, original_username, original_email)
            SELECT id, '2026-01-01', 'mona1', 'x' FROM "user" WHERE username = 'owner'"#,
        )
        .await;
    let mona = identity("1", "mona", None);
    enroll(&fixture, mona.clone()).await.unwrap();
    assert_eq!(name_of(&fixture, &mona).await, "mona2");
}

#[tokio::test]
async fn an_identity_is_linked_to_one_account_and_an_account_to_one_identity() {
    let fixture = Fixture::new().await;
    let (ann, bob) = (fixture.user("ann").await, fixture.user("bob").await);
    let attach = |user, ident: &str| {
        let identity = identity(ident, "octo", None);
        fixture.accounts.attach_login(user, identity)
    };
    attach(ann, "1").await.unwrap();
    for (user, ident) in [(bob, "1"), (ann, "1"), (ann, "2")] {
        let refused = attach(user, ident).await;
        assert!(
            matches!(refused, Err(AccountsError::IdentityInUse)),
            "{ident}"
        );
    }
    // Nothing stays of an account that could not be linked.
    let second = enroll(&fixture, identity("1", "octo", None)).await;
    assert!(matches!(second, Err(AccountsError::IdentityInUse)));
    let count = r#"SELECT COUNT(*) FROM "user""#;
    assert_eq!(fixture.value(count).await, "2");
    fixture.accounts.detach_login(ann, "github").await.unwrap();
    attach(bob, "1").await.unwrap();
    assert_eq!(name_of(&fixture, &identity("1", "octo", None)).await, "bob");
}

#[tokio::test]
async fn a_service_that_nobody_knew_is_made_known() {
    let fixture = Fixture::new().await;
    let ann = fixture.user("ann").await;
    let corporate = ExternalIdentity {
        service: "corporate".to_owned(),
        ..identity("sub", "ann", None)
    };
    let accounts = &fixture.accounts;
    accounts.attach_login(ann, corporate.clone()).await.unwrap();
    assert_eq!(name_of(&fixture, &corporate).await, "ann");
    accounts.detach_login(ann, "corporate").await.unwrap();
    accounts.attach_login(ann, corporate).await.unwrap();
}

#[tokio::test]
async fn an_address_that_somebody_has_is_not_given_twice() {
    let fixture = Fixture::with(|config| config.email_required = true).await;
    let first = identity("1", "one", Some("mona@example.com"));
    enroll(&fixture, first).await.unwrap();
    let second = enroll(&fixture, identity("2", "two", Some("mona@example.com"))).await;
    assert!(matches!(second, Err(AccountsError::EmailTaken(_))));
    let none = enroll(&fixture, identity("3", "three", None)).await;
    assert!(matches!(none, Err(AccountsError::InvalidEmail(_))));
    let long = enroll(
        &fixture,
        identity(&"1".repeat(256), "four", Some("a@b.example")),
    )
    .await;
    assert!(matches!(long, Err(AccountsError::TooLong { .. })));
    let count = r#"SELECT COUNT(*) FROM "user""#;
    assert_eq!(fixture.value(count).await, "1");
}

#[tokio::test]
async fn the_site_decides_who_may_come() {
    let fixture = Fixture::new().await;
    fixture.user("owner").await;
    fixture.organization("acme", "owner").await;
    fixture
        .execute(
            "INSERT INTO teammemberinvite (email, team_id, inviter_id, invite_token)
            VALUES ('ann@example.com', 1, 1, 'urn:teaminvite:0b1e2f3a')",
        )
        .await;
    let rules = |invite_only| RegistrationRules {
        invite_only,
        refused_domains: vec!["spam.example".to_owned()],
        ..RegistrationRules::default()
    };
    for (email, invite_only, open, admitted) in [
        (None, false, true, true),
        (Some("bob@example.com"), false, true, true),
        (Some("bob@spam.example"), false, true, false),
        (Some("bob@example.com"), false, false, false),
        (Some("ann@example.com"), true, true, true),
        (Some("ann@example.com"), true, false, false),
        (Some("bob@example.com"), true, true, false),
        (None, true, true, false),
    ] {
        let person = identity("1", "x", email);
        let rules = rules(invite_only);
        let found = fixture.accounts.admit_external(&person, &rules, open).await;
        assert_eq!(found.is_ok(), admitted, "{email:?} {invite_only} {open}");
    }
}
