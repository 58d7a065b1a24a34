#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::super::testing::{Fixture, secret};
use super::super::{Actor, OAuthApplicationSettings};
use super::*;

struct Site {
    fixture: Fixture,
    ann: UserId,
    bob: UserId,
    organization: UserId,
    application: Application,
}

async fn site() -> Site {
    let fixture = Fixture::new().await;
    let ann = fixture.user("ann").await;
    let bob = fixture.user("bob").await;
    let organization = fixture.organization("acme", "ann").await.id;
    let settings = OAuthApplicationSettings {
        name: "ci".to_owned(),
        redirect_uri: Some("https://ci.example.com/".to_owned()),
        ..OAuthApplicationSettings::default()
    };
    let application = fixture
        .accounts
        .create_application(&Actor::operator(), organization, settings)
        .await
        .unwrap();
    Site {
        fixture,
        ann,
        bob,
        organization,
        application,
    }
}

impl Site {
    fn exchange(&self, code: &Secret, scope: &str) -> CodeExchange {
        let client_secret = self
            .fixture
            .accounts
            .client_secret(&self.application)
            .unwrap()
            .unwrap();
        CodeExchange {
            client_id: self.application.client_id.clone(),
            client_secret,
            code: code.clone(),
            scope: scope.to_owned(),
        }
    }
}

#[tokio::test]
async fn a_granted_token_is_stored_as_quay_stores_it_and_its_scopes_are_known() {
    let site = site().await;
    let accounts = &site.fixture.accounts;
    let token = accounts
        .grant_token(&site.application, site.bob, "bob", "repo:write", None)
        .await
        .unwrap();
    let row = site
        .fixture
        .row("SELECT scope, token_type, data, token_name FROM oauthaccesstoken")
        .await;
    assert_eq!(row["token_type"].as_deref(), Some("Bearer"));
    assert_eq!(row["token_name"].as_deref(), Some(&token.expose()[..20]));
    assert_eq!(row["data"].as_deref(), Some(r#"{"username":"bob"}"#));

    let granted = accounts
        .granted_scopes(site.bob, &site.application)
        .await
        .unwrap();
    assert!(granted.covers(Scopes::parse("repo:read")));
    assert!(!granted.covers(Scopes::parse("repo:admin")));
    assert!(
        accounts
            .granted_scopes(site.ann, &site.application)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_code_is_exchanged_once_by_the_application_with_its_secret_for_the_same_scopes() {
    let site = site().await;
    let accounts = &site.fixture.accounts;
    let code = accounts
        .grant_code(&site.application, "bob", "repo:read user:read")
        .await
        .unwrap();
    let right = site.exchange(&code, "repo:read user:read");

    let wrong_secret = CodeExchange {
        client_secret: secret("wrong"),
        ..right.clone()
    };
    let no_client = CodeExchange {
        client_id: "NOBODY".to_owned(),
        ..right.clone()
    };
    for exchange in [wrong_secret, no_client] {
        let refused = accounts
            .exchange_code(exchange, |_| true)
            .await
            .unwrap_err();
        assert_eq!(refused.to_string(), "invalid_client");
    }
    let other_scope = CodeExchange {
        scope: "repo:admin".to_owned(),
        ..right.clone()
    };
    let other_code = CodeExchange {
        code: Secret::new(format!("{}X", code.expose())),
        ..right.clone()
    };
    let short = CodeExchange {
        code: secret("short"),
        ..right.clone()
    };
    for exchange in [other_scope, other_code, short] {
        let refused = accounts
            .exchange_code(exchange, |_| true)
            .await
            .unwrap_err();
        assert_eq!(refused.to_string(), "invalid_grant");
    }
    let elsewhere = accounts
        .exchange_code(right.clone(), |_| false)
        .await
        .unwrap_err();
    assert_eq!(elsewhere.to_string(), "invalid_grant");
    assert_eq!(
        site.fixture
            .value("SELECT COUNT(*) FROM oauthaccesstoken")
            .await,
        "0"
    );

    let token = accounts
        .exchange_code(right.clone(), |found| {
            found.redirect_uri == "https://ci.example.com/"
        })
        .await
        .unwrap();
    assert_eq!(token.expose().len(), 40);
    let row = site.fixture.row(r#"SELECT scope, username FROM oauthaccesstoken JOIN "user" u ON u.id = authorized_user_id"#).await;
    assert_eq!(row["scope"].as_deref(), Some("repo:read user:read"));
    assert_eq!(row["username"].as_deref(), Some("bob"));

    let again = accounts.exchange_code(right, |_| true).await.unwrap_err();
    assert_eq!(again.to_string(), "invalid_grant");
    assert_eq!(
        site.fixture
            .value("SELECT COUNT(*) FROM oauthaccesstoken")
            .await,
        "1"
    );
}

#[tokio::test]
async fn a_code_is_good_for_ten_minutes_and_one_of_quay_until_it_is_used() {
    let site = site().await;
    let accounts = &site.fixture.accounts;
    let code = accounts
        .grant_code(&site.application, "bob", "repo:read")
        .await
        .unwrap();
    let exchange = site.exchange(&code, "repo:read");
    site.fixture
        .execute(r#"UPDATE oauthauthorizationcode SET data = '{"username": "bob", "created": 1772600166}'"#)
        .await;
    let old = accounts
        .exchange_code(exchange.clone(), |_| true)
        .await
        .unwrap_err();
    assert_eq!(old.to_string(), "invalid_grant");
    site.fixture
        .execute(r#"UPDATE oauthauthorizationcode SET data = '{"username": "bob"}'"#)
        .await;
    accounts.exchange_code(exchange, |_| true).await.unwrap();
}

#[tokio::test]
async fn an_assignment_is_told_seen_and_used_up_by_its_token() {
    let site = site().await;
    let (fixture, accounts) = (&site.fixture, &site.fixture.accounts);
    let grant = AssignedGrant {
        redirect_uri: "https://ci.example.com/done".to_owned(),
        scope: "repo:read".to_owned(),
        response_type: "token".to_owned(),
    };
    accounts
        .assign_token(
            &Actor::user(site.ann),
            "ann",
            &site.application,
            "bob",
            grant.clone(),
        )
        .await
        .unwrap();
    let metadata: Value =
        serde_json::from_str(fixture.audit().await["metadata_json"].as_deref().unwrap()).unwrap();
    assert_eq!(
        metadata,
        json!({
            "assigning_user": "ann",
            "assigned_user": "bob",
            "application": "ci",
            "client_id": site.application.client_id,
        })
    );
    let told = fixture
        .row(
            "SELECT notificationkind.name AS kind, metadata_json, dismissed FROM notification
            JOIN notificationkind ON notificationkind.id = kind_id",
        )
        .await;
    assert_eq!(told["kind"].as_deref(), Some("assigned_authorization"));
    assert_eq!(
        told["metadata_json"].as_deref(),
        Some(r#"{"username":"bob"}"#)
    );

    let assigned = accounts.list_assignments(site.bob).await.unwrap();
    assert_eq!(assigned.len(), 1);
    let uuid = &assigned[0].assignment_uuid;
    accounts
        .forget_assignment_notifications(site.bob)
        .await
        .unwrap();
    assert_eq!(
        fixture.value("SELECT COUNT(*) FROM notification").await,
        "0"
    );

    assert!(
        accounts
            .is_assigned(site.bob, site.organization, uuid)
            .await
            .unwrap()
    );
    assert!(
        !accounts
            .is_assigned(site.ann, site.organization, uuid)
            .await
            .unwrap()
    );
    assert!(
        !accounts
            .is_assigned(site.bob, site.ann, uuid)
            .await
            .unwrap()
    );

    accounts
        .grant_token(&site.application, site.bob, "bob", "repo:read", Some(uuid))
        .await
        .unwrap();
    assert!(
        accounts
            .list_assignments(site.bob)
            .await
            .unwrap()
            .is_empty()
    );

    let nobody = accounts
        .assign_token(&Actor::operator(), "ann", &site.application, "acme", grant)
        .await;
    assert!(nobody.unwrap_err().is_not_found());
    let gone = accounts.delete_assignment(site.bob, uuid).await;
    assert!(gone.unwrap_err().is_not_found());
}

#[tokio::test]
async fn people_see_and_revoke_the_tokens_that_act_for_them_only() {
    let site = site().await;
    let accounts = &site.fixture.accounts;
    accounts
        .grant_token(&site.application, site.bob, "bob", "repo:read", None)
        .await
        .unwrap();
    let listed = accounts.list_authorizations(site.bob).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].application.owner, "acme");
    let uuid = &listed[0].token_uuid;
    assert!(
        accounts
            .list_authorizations(site.ann)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(accounts.authorization(site.ann, uuid).await.is_err());
    assert!(accounts.revoke_authorization(site.ann, uuid).await.is_err());
    accounts.authorization(site.bob, uuid).await.unwrap();
    accounts.revoke_authorization(site.bob, uuid).await.unwrap();
    assert!(
        accounts
            .authorization(site.bob, uuid)
            .await
            .unwrap_err()
            .is_not_found()
    );
}

#[tokio::test]
async fn only_members_of_an_admin_team_administer_an_organization() {
    let site = site().await;
    let accounts = &site.fixture.accounts;
    assert!(
        accounts
            .is_organization_admin(site.ann, site.organization)
            .await
            .unwrap()
    );
    assert!(
        !accounts
            .is_organization_admin(site.bob, site.organization)
            .await
            .unwrap()
    );
}
