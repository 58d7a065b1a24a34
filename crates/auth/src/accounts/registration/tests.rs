#![allow(clippy::unwrap_used)]

use super::super::testing::{Fixture, secret};
use super::*;

fn registration(email: Option<&str>) -> Registration {
    Registration {
        username: "ann".to_owned(),
        password: secret("correct-horse"),
        email: email.map(str::to_owned),
        invite_code: None,
    }
}

async fn register(
    fixture: &Fixture,
    registration: Registration,
    rules: RegistrationRules,
) -> Result<Registered> {
    let actor = Actor::operator();
    fixture.accounts.admit(&registration, &rules).await?;
    let accounts = &fixture.accounts;
    accounts
        .enroll(&actor, registration, rules.confirm_address)
        .await
}

fn confirming() -> RegistrationRules {
    RegistrationRules {
        confirm_address: true,
        ..RegistrationRules::default()
    }
}

#[tokio::test]
async fn where_mail_is_sent_an_account_waits_for_its_confirmation() {
    let fixture = Fixture::with(|config| {
        config.email_required = true;
        config.ask_new_users = true;
    })
    .await;
    let missing = register(&fixture, registration(None), confirming()).await;
    assert!(matches!(missing, Err(AccountsError::AddressRequired)));
    let ann = registration(Some("ann@example.com"));
    let registered = register(&fixture, ann.clone(), confirming()).await.unwrap();
    let verified = r#"SELECT verified FROM "user""#;
    assert_eq!(fixture.value(verified).await, "0");
    let code = registered.code.unwrap();
    let confirmed = fixture
        .accounts
        .confirm_address(&Actor::operator(), code.expose())
        .await
        .unwrap();
    assert!(confirmed.has_prompts && confirmed.old_email.is_none());
    assert_eq!(fixture.value(verified).await, "1");
    let twice = register(&fixture, ann, confirming()).await;
    assert!(matches!(twice, Err(AccountsError::UserExists)));
}

#[tokio::test]
async fn an_invitation_confirms_the_address_that_it_was_sent_to() {
    let fixture = Fixture::new().await;
    fixture.user("owner").await;
    fixture.organization("acme", "owner").await;
    fixture
        .execute(
            "INSERT INTO teammemberinvite (email, team_id, inviter_id, invite_token)
            VALUES ('ann@example.com', 1, 1, 'urn:teaminvite:0b1e2f3a')",
        )
        .await;
    let rules = || RegistrationRules {
        invite_only: true,
        ..confirming()
    };
    let invited = |email, code: &str| Registration {
        invite_code: Some(code.to_owned()),
        ..registration(Some(email))
    };
    let uninvited = register(&fixture, registration(Some("ann@example.com")), rules()).await;
    assert!(matches!(uninvited, Err(AccountsError::NotInvited)));
    let stranger = invited("bob@example.com", "urn:teaminvite:0b1e2f3a");
    let stranger = register(&fixture, stranger, rules()).await;
    assert!(matches!(stranger, Err(AccountsError::AddressNotWanted)));
    let ann = invited("ann@example.com", "urn:teaminvite:0b1e2f3a");
    let registered = register(&fixture, ann, rules()).await.unwrap();
    assert!(registered.code.is_none());
    let verified = r#"SELECT verified FROM "user" WHERE username = 'ann'"#;
    assert_eq!(fixture.value(verified).await, "1");
}

#[test]
fn a_refused_domain_is_refused_with_everything_below_it() {
    let rules = RegistrationRules {
        refused_domains: vec!["Spam.example".to_owned()],
        ..RegistrationRules::default()
    };
    for refused in ["a@spam.example", "a@mail.SPAM.example", "a@spam.example."] {
        assert!(rules.refuses(refused), "{refused}");
    }
    for fine in ["a@ham.example", "a@nospam.example", "spam.example"] {
        assert!(!rules.refuses(fine), "{fine}");
    }
}
