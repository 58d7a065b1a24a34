#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::super::testing::{Fixture, NOW, is_uuid4};
use super::super::{AccountsError, Actor, OAuthApplicationSettings};
use super::*;

async fn application(fixture: &Fixture) -> (UserId, Application) {
    let ann = fixture.user("ann").await;
    let org = fixture.organization("acme", "ann").await.id;
    let settings = OAuthApplicationSettings {
        name: "ci".to_owned(),
        ..OAuthApplicationSettings::default()
    };
    let made = fixture
        .accounts
        .create_application(&Actor::operator(), org, settings)
        .await
        .unwrap();
    (ann, made)
}

fn new(name: &str) -> NewOAuthToken {
    NewOAuthToken::new(name, "repo:read", None).unwrap()
}

#[test]
fn names_are_trimmed_and_scopes_are_stored_once_each() {
    let token =
        NewOAuthToken::new("  deploy ", "repo:read,  user:read repo:read", Some(1.5)).unwrap();
    assert_eq!(token.name, "deploy");
    assert_eq!(token.scope, "repo:read user:read");
    assert_eq!(token.lifetime, Duration::seconds(1));
    assert_eq!(new("a").lifetime.num_seconds(), OAUTH_TOKEN_LIFETIME_S);
    let long = NewOAuthToken::new("a", "repo:read", Some(1e18)).unwrap();
    assert_eq!(long.lifetime.num_seconds(), OAUTH_TOKEN_LIFETIME_S);
}

#[test]
fn a_token_needs_a_name_and_known_scopes() {
    let refused = |name: &str, scope: &str| NewOAuthToken::new(name, scope, None).unwrap_err();
    assert!(matches!(
        refused("  ", "repo:read"),
        AccountsError::Empty(_)
    ));
    assert!(matches!(
        refused(&"x".repeat(256), "repo:read"),
        AccountsError::TooLong { .. }
    ));
    for scope in ["", " ,", "repo:everything", "repo:read direct_user_login"] {
        assert!(
            matches!(refused("a", scope), AccountsError::InvalidScope(_)),
            "{scope:?}"
        );
    }
}

/// Q9: a token is shown once; tokens can be listed and revoked.
#[tokio::test]
async fn a_token_is_shown_once_listed_without_its_text_and_revoked() {
    let fixture = Fixture::new().await;
    let (ann, application) = application(&fixture).await;
    let accounts = &fixture.accounts;
    let actor = Actor::user(ann);

    let made = accounts
        .create_oauth_token(&actor, &application, ann, "ann", new("deploy"), None)
        .await
        .unwrap();
    let text = made.secret.expose();
    assert_eq!(text.len(), 40);
    assert!(is_uuid4(&made.token.uuid));

    let row = fixture
        .row("SELECT token_type, data, token_name, token_code, display_name, scope, created, expires_at FROM oauthaccesstoken")
        .await;
    assert_eq!(row["token_type"].as_deref(), Some("Bearer"));
    assert_eq!(row["data"].as_deref(), Some(""));
    assert_eq!(row["token_name"].as_deref(), Some(&text[..20]));
    assert_eq!(row["created"].as_deref(), Some(NOW));
    assert!(bcrypt::verify(&text[20..], row["token_code"].as_deref().unwrap()).unwrap());

    let listed = accounts
        .list_oauth_tokens(&application, i32::MAX, 51)
        .await
        .unwrap();
    assert_eq!(listed.first(), Some(&made.token));
    assert_eq!(listed.len(), 1);
    let metadata: Value =
        serde_json::from_str(fixture.audit().await["metadata_json"].as_deref().unwrap()).unwrap();
    assert_eq!(
        metadata,
        json!({
            "oauth_token_uuid": made.token.uuid,
            "scope": "repo:read",
            "token_display_name": "deploy",
            "application_name": "ci",
            "auth_method": "OAuth",
            "client_id": application.client_id,
        })
    );

    let owner = accounts
        .revoke_oauth_token(&actor, &application, &made.token.uuid)
        .await
        .unwrap();
    assert_eq!(owner, ann);
    assert_eq!(
        fixture.audit().await["kind"].as_deref(),
        Some("revoke_oauth_api_token")
    );
    let again = accounts
        .revoke_oauth_token(&actor, &application, &made.token.uuid)
        .await;
    assert!(matches!(again, Err(AccountsError::NoSuchOAuthToken(_))));
}

#[tokio::test]
async fn tokens_are_listed_newest_first_from_an_id_on_and_not_once_they_end() {
    let fixture = Fixture::new().await;
    let (ann, application) = application(&fixture).await;
    let accounts = &fixture.accounts;
    let mut ids = Vec::new();
    for name in ["a", "b", "c", "d"] {
        let made = accounts
            .create_oauth_token(
                &Actor::operator(),
                &application,
                ann,
                "ann",
                new(name),
                None,
            )
            .await
            .unwrap();
        ids.push(made.token.id);
    }
    fixture
        .execute("UPDATE oauthaccesstoken SET expires_at = '2026-03-04 05:06:07.089' WHERE display_name = 'c'")
        .await;
    let list = async |from, limit| {
        let found = accounts
            .list_oauth_tokens(&application, from, limit)
            .await
            .unwrap();
        found
            .into_iter()
            .map(|token| token.display_name.unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(list(i32::MAX, 2).await, ["d", "b"]);
    assert_eq!(list(ids[1], 10).await, ["b", "a"]);
}

#[tokio::test]
async fn no_more_tokens_than_the_limit_are_unexpired_however_many_are_made_at_once() {
    let fixture = Fixture::new().await;
    let (ann, application) = application(&fixture).await;
    let accounts = &fixture.accounts;
    let actor = Actor::operator();
    let make = || accounts.create_oauth_token(&actor, &application, ann, "ann", new("x"), Some(2));
    let (one, two, three, four) = tokio::join!(make(), make(), make(), make());
    let made = [&one, &two, &three, &four]
        .iter()
        .filter(|made| made.is_ok())
        .count();
    assert_eq!(made, 2);
    let refused = make().await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "Token limit reached: maximum 2 non-expired tokens per application"
    );
    fixture
        .execute("UPDATE oauthaccesstoken SET expires_at = '2020-01-01 00:00:00'")
        .await;
    make().await.unwrap();
}
