#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::super::testing::{Fixture, expected};
use super::super::{AccountsError, Actor, NewOAuthToken};
use super::OAuthApplicationSettings;

fn settings(name: &str) -> OAuthApplicationSettings {
    OAuthApplicationSettings {
        name: name.to_owned(),
        redirect_uri: Some("https://ci.example.com/callback".to_owned()),
        ..OAuthApplicationSettings::default()
    }
}

async fn audited(fixture: &Fixture) -> (String, Value) {
    let row = fixture.audit().await;
    let metadata = row["metadata_json"].as_deref().unwrap();
    (
        row["kind"].clone().unwrap(),
        serde_json::from_str(metadata).unwrap(),
    )
}

#[tokio::test]
async fn an_application_is_made_changed_and_deleted_with_its_audit_rows() {
    let fixture = Fixture::new().await;
    fixture.user("ann").await;
    let org = fixture.organization("acme", "ann").await.id;
    let accounts = &fixture.accounts;
    let actor = Actor::operator();

    let made = accounts
        .create_application(&actor, org, settings("ci"))
        .await
        .unwrap();
    assert_eq!(made.client_id.len(), 20);
    let secret = accounts.client_secret(&made).unwrap().unwrap();
    assert_eq!(secret.expose().len(), 40);
    assert!(
        !made
            .secure_client_secret
            .as_ref()
            .unwrap()
            .contains(secret.expose())
    );
    assert_eq!(
        audited(&fixture).await,
        (
            "create_application".to_owned(),
            json!({
                "name": "ci",
                "redirect_uri": "https://ci.example.com/callback",
                "application_name": "ci",
                "client_id": made.client_id,
            })
        )
    );
    let row = fixture
        .row("SELECT redirect_uri, application_uri, name, description, gravatar_email, fully_migrated FROM oauthapplication")
        .await;
    let columns = [
        ("redirect_uri", Some("https://ci.example.com/callback")),
        ("application_uri", Some("")),
        ("name", Some("ci")),
        ("description", Some("")),
        ("gravatar_email", None),
        ("fully_migrated", Some("0")),
    ];
    assert_eq!(row, expected(&columns));

    let change = OAuthApplicationSettings {
        name: "cd".to_owned(),
        description: Some("Delivers".to_owned()),
        ..OAuthApplicationSettings::default()
    };
    let changed = accounts
        .update_application(&actor, org, &made.client_id, change)
        .await
        .unwrap();
    assert_eq!(
        (changed.name.as_str(), changed.redirect_uri.as_str()),
        ("cd", "")
    );
    assert_eq!(changed.secure_client_secret, made.secure_client_secret);

    let reset = accounts
        .reset_client_secret(&actor, org, &made.client_id)
        .await
        .unwrap();
    assert_ne!(
        accounts.client_secret(&reset).unwrap().unwrap().expose(),
        secret.expose()
    );
    assert_eq!(audited(&fixture).await.0, "reset_application_client_secret");

    accounts
        .delete_application(&actor, org, &made.client_id)
        .await
        .unwrap();
    assert_eq!(audited(&fixture).await.0, "delete_application");
    assert!(accounts.list_applications(org).await.unwrap().is_empty());
    let gone = accounts.application(org, &made.client_id).await;
    assert!(matches!(gone, Err(AccountsError::NoSuchApplication(_))));
}

#[tokio::test]
async fn an_application_goes_with_its_tokens_codes_and_assignments() {
    let fixture = Fixture::new().await;
    let ann = fixture.user("ann").await;
    let bob = fixture.user("bob").await;
    let org = fixture.organization("acme", "ann").await.id;
    let accounts = &fixture.accounts;
    let actor = Actor::operator();
    let application = accounts
        .create_application(&actor, org, settings("ci"))
        .await
        .unwrap();
    let new = NewOAuthToken::new("robot", "repo:read", None).unwrap();
    accounts
        .create_oauth_token(&actor, &application, ann, "ann", new, None)
        .await
        .unwrap();
    accounts
        .grant_token(&application, bob, "bob", "repo:read", None)
        .await
        .unwrap();
    accounts
        .grant_code(&application, "bob", "repo:read")
        .await
        .unwrap();
    let grant = super::super::AssignedGrant {
        redirect_uri: String::new(),
        scope: "repo:read".to_owned(),
        response_type: "token".to_owned(),
    };
    accounts
        .assign_token(&actor, "ann", &application, "bob", grant)
        .await
        .unwrap();

    let users = accounts
        .delete_application(&actor, org, &application.client_id)
        .await
        .unwrap();

    assert_eq!(users, [ann, bob]);
    for table in [
        "SELECT COUNT(*) FROM oauthapplication",
        "SELECT COUNT(*) FROM oauthaccesstoken",
        "SELECT COUNT(*) FROM oauthauthorizationcode",
        "SELECT COUNT(*) FROM oauthassignedtoken",
    ] {
        assert_eq!(fixture.value(table).await, "0", "{table}");
    }
}

#[tokio::test]
async fn bad_settings_are_refused_and_change_nothing() {
    let fixture = Fixture::new().await;
    fixture.user("ann").await;
    let org = fixture.organization("acme", "ann").await.id;
    let other = fixture.organization("other", "ann").await.id;
    let accounts = &fixture.accounts;
    let actor = Actor::operator();
    let made = accounts
        .create_application(&actor, org, settings("ci"))
        .await
        .unwrap();
    let rows = fixture.audit_rows().await;

    let reserved = settings("__quay_bootstrap_app");
    let long = OAuthApplicationSettings {
        redirect_uri: Some("x".repeat(256)),
        ..settings("ci")
    };
    for bad in [reserved, long] {
        assert!(
            accounts
                .create_application(&actor, org, bad.clone())
                .await
                .is_err()
        );
        assert!(
            accounts
                .update_application(&actor, org, &made.client_id, bad)
                .await
                .is_err()
        );
    }
    // Another organization's application is none.
    for gone in [
        accounts
            .update_application(&actor, other, &made.client_id, settings("cd"))
            .await,
        accounts
            .reset_client_secret(&actor, other, &made.client_id)
            .await,
        accounts.application(other, &made.client_id).await,
    ] {
        assert!(gone.unwrap_err().is_not_found());
    }
    assert!(
        accounts
            .delete_application(&actor, other, &made.client_id)
            .await
            .is_err()
    );
    assert_eq!(fixture.audit_rows().await, rows);
    assert_eq!(
        accounts
            .application(org, &made.client_id)
            .await
            .unwrap()
            .name,
        "ci"
    );
}
