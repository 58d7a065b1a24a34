//! The token endpoint's rule.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::fixture::{Fixture, HOST};
use crate::{AuthConfig, TokenError};

/// The claims of a token.
fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn a_token_has_quays_claims_and_ours() {
    let fixture = Fixture::with_ann().await;
    let ann = fixture.ann().await;
    let scope = format!("repository:{HOST}/ann/app:pull,push");
    let issued = fixture.issue(Some(&ann), &[&scope]).await.unwrap();
    assert_eq!(
        claims(&issued.token),
        json!({
            "iat": 1_767_225_600, "nbf": 1_767_225_600, "exp": 1_767_229_200,
            "iss": "quay", "aud": HOST, "sub": "ann",
            "access": [{"type": "repository", "name": format!("{HOST}/ann/app"), "actions": ["push", "pull"]}],
            "context": {
                "version": 2, "entity_kind": "user", "entity_reference": "uuid-ann", "kind": "user", "user": "ann",
                "com.apostille.roots": {"ann/app": "$disabled"}, "com.apostille.root": "$disabled"
            },
            "pierhead": {"use": "registry", "credential": {
                "table": "user", "row": ann.id.row, "fingerprint": ann.fingerprint.to_string(), "user": ann.id.row
            }}
        })
    );
    assert_eq!(issued.expires_in, 3600);
    let header = issued.token.split('.').next().unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    let kid = fixture.auth.service_keys().kid();
    assert_eq!(header, json!({"typ": "JWT", "alg": "RS256", "kid": kid}));
}

#[tokio::test]
async fn contexts_name_what_was_shown() {
    let fixture = Fixture::with_ann().await;
    let app = fixture.app_token().await;
    let oauth = fixture.oauth_token("repo:read").await;
    let repository = fixture.repository("ann", "built", "private").await;
    let access = fixture.access_token(repository, "read").await;
    let robot = "R".repeat(64);
    for (username, password, kind, reference, legacy, subject) in [
        ("ann+ci", &robot, "robot", "ann+ci", "user", "ann+ci"),
        ("$app", &app, "appspecifictoken", "app-uuid", "user", "ann"),
        (
            "$oauthtoken",
            &oauth,
            "oauthtoken",
            "oauth-uuid",
            "oauth",
            "ann",
        ),
        (
            "$token",
            &access,
            "token",
            &access[..32],
            "token",
            "(anonymous)",
        ),
    ] {
        let credential = fixture.auth.basic(username, password).await.unwrap();
        let issued = fixture.issue(Some(&credential), &[]).await.unwrap();
        let claims = claims(&issued.token);
        assert_eq!(claims["context"]["entity_kind"], kind);
        assert_eq!(claims["context"]["entity_reference"], reference);
        assert_eq!(claims["context"]["kind"], legacy);
        assert_eq!(claims["sub"], subject);
        assert_eq!(claims["access"], json!([]));
        assert!(!claims.to_string().contains(password.as_str()), "{kind}");
    }
}

#[tokio::test]
async fn a_token_without_service_has_no_audience_and_opens_nothing() {
    let fixture = Fixture::with_ann().await;
    let ann = fixture.ann().await;
    let issued = fixture.auth.issue(Some(&ann), None, &[]).await.unwrap();
    assert_eq!(claims(&issued.token)["aud"], Value::Null);
    assert!(fixture.auth.bearer(&issued.token).await.is_err());
}

#[tokio::test]
async fn the_same_grants_give_the_same_token_for_five_minutes_without_a_statement() {
    let fixture = Fixture::with_ann().await;
    let ann = fixture.ann().await;
    let scope = ["repository:ann/app:pull"];
    let first = fixture.issue(Some(&ann), &scope).await.unwrap();
    let before = fixture.db.statements();
    fixture.advance(4);
    let second = fixture.issue(Some(&ann), &scope).await.unwrap();
    assert_eq!(fixture.db.statements() - before, 0);
    assert_eq!(second.token, first.token);
    assert_eq!(
        (second.expires_in, second.issued_at),
        (3596, first.issued_at)
    );
    fixture.advance(296);
    let third = fixture.issue(Some(&ann), &scope).await.unwrap();
    assert_ne!(third.token, first.token);
    assert_eq!(third.expires_in, 3600);
}

#[tokio::test]
async fn tokens_of_different_principals_services_and_grants_differ() {
    let fixture = Fixture::with_ann().await;
    let (ann, ci) = (fixture.ann().await, fixture.ci().await);
    let issued = fixture.issue(Some(&ann), &[]).await.unwrap().token;
    assert_ne!(fixture.issue(Some(&ci), &[]).await.unwrap().token, issued);
    let elsewhere = fixture.auth.issue(Some(&ann), Some("other"), &[]).await;
    assert_ne!(elsewhere.unwrap().token, issued);
    let pull = fixture
        .issue(Some(&ann), &["repository:ann/app:pull"])
        .await;
    assert_ne!(pull.unwrap().token, issued);
}

#[tokio::test]
async fn anonymous_clients_get_public_pulls_and_need_a_scope() {
    let fixture = Fixture::with_ann().await;
    assert_eq!(fixture.granted(None, "ann/site:pull,push").await, "pull");
    assert_eq!(fixture.granted(None, "ann/app:pull").await, "");
    assert_eq!(fixture.granted(None, "ann/none:pull,push").await, "");
    assert!(matches!(
        fixture.issue(None, &[]).await,
        Err(TokenError::Unauthorized)
    ));
}

#[tokio::test]
async fn without_anonymous_access_only_those_who_signed_in_pull_what_is_public() {
    let fixture = Fixture::with(|config| config.anonymous_access = false).await;
    fixture.add_ann().await;
    fixture.user("bea", "bea-secret").await;
    let refused = fixture.issue(None, &["repository:ann/site:pull"]).await;
    assert!(matches!(refused, Err(TokenError::Unauthorized)));
    let bea = fixture.auth.basic("bea", "bea-secret").await.unwrap();
    assert_eq!(fixture.granted(Some(&bea), "ann/site:pull").await, "pull");
}

#[tokio::test]
async fn owners_get_everything_on_their_own_and_pull_what_is_missing() {
    let fixture = Fixture::with_ann().await;
    let ann = fixture.ann().await;
    for (scope, actions) in [
        ("ann/app:pull,push", "push,pull"),
        ("ann/app:*", "*"),
        ("ann/zzz:pull", "pull"),
        ("ann/zzz:*", ""),
        ("nobody/x:pull,push", ""),
        ("ubuntu:pull", ""),
    ] {
        assert_eq!(fixture.granted(Some(&ann), scope).await, actions, "{scope}");
    }
    let repositories = "SELECT count(*) FROM repository";
    assert_eq!(
        fixture.number(repositories).await,
        2,
        "pulling creates nothing"
    );
}

#[tokio::test]
async fn a_push_to_a_missing_repository_creates_it_private() {
    let fixture = Fixture::with_ann().await;
    let ann = fixture.ann().await;
    assert_eq!(fixture.granted(Some(&ann), "ann/new:pull").await, "pull");
    assert_eq!(
        fixture.granted(Some(&ann), "ann/new:pull,push").await,
        "push,pull"
    );
    assert_eq!(fixture.granted(None, "ann/new:pull").await, "");
    let bearer = fixture.bearer(Some(&ann), "ann/new:pull,push").await;
    assert_eq!(fixture.may(&bearer, "ann/new").await, "pull,push");
}

#[tokio::test]
async fn repositories_made_by_a_push_can_be_public() {
    let fixture = Fixture::with(|config| config.create_private_repo_on_push = false).await;
    fixture.add_ann().await;
    let ann = fixture.ann().await;
    assert_eq!(fixture.granted(Some(&ann), "ann/new:push").await, "push");
    assert_eq!(fixture.granted(None, "ann/new:pull").await, "pull");
}

#[tokio::test]
async fn who_may_create_in_an_organization_is_decided_by_team_roles() {
    let fixture = Fixture::with_ann().await;
    for user in ["bea", "cid", "dan"] {
        fixture.user(user, "some-secret").await;
    }
    fixture.organization("acme", "bea").await;
    fixture.team("acme", "makers", "creator", "cid").await;
    fixture.team("acme", "readers", "member", "dan").await;
    fixture.team("acme", "robots", "creator", "ann+ci").await;
    for (user, actions) in [("bea", "push"), ("cid", "push"), ("dan", "")] {
        let credential = fixture.auth.basic(user, "some-secret").await.unwrap();
        let scope = format!("acme/by-{user}:push");
        assert_eq!(
            fixture.granted(Some(&credential), &scope).await,
            actions,
            "{user}"
        );
    }
    let ci = fixture.ci().await;
    assert_eq!(
        fixture.granted(Some(&ci), "acme/by-robot:push").await,
        "push"
    );
    assert_eq!(fixture.granted(Some(&ci), "ann/by-robot:push").await, "");
}

#[tokio::test]
async fn restricted_users_create_nothing_in_their_own_namespace() {
    let restricted = |config: &mut AuthConfig| config.restricted_users = true;
    let fixture = Fixture::with(restricted).await;
    fixture.add_ann().await;
    let ann = fixture.ann().await;
    assert_eq!(fixture.granted(Some(&ann), "ann/new:push").await, "");
    assert_eq!(fixture.granted(Some(&ann), "ann/app:push").await, "push");

    let fixture = Fixture::with(|config| {
        restricted(config);
        config.restricted_users_whitelist.insert("ann".to_owned());
    })
    .await;
    fixture.add_ann().await;
    let ann = fixture.ann().await;
    assert_eq!(fixture.granted(Some(&ann), "ann/new:push").await, "push");
}

#[tokio::test]
async fn a_push_creates_the_namespace_where_that_is_configured() {
    let fixture = Fixture::with(|config| config.create_namespace_on_push = true).await;
    fixture.add_ann().await;
    let (ann, ci) = (fixture.ann().await, fixture.ci().await);
    assert_eq!(fixture.granted(Some(&ci), "startup/app:push").await, "");
    assert_eq!(fixture.granted(Some(&ann), "startup/app:pull").await, "");
    assert_eq!(
        fixture.granted(Some(&ann), "startup/app:pull,push").await,
        "push,pull"
    );
    let refused = fixture
        .issue(Some(&ann), &["repository:a--b/app:push"])
        .await;
    assert!(matches!(
        refused,
        Err(TokenError::NamespaceNotCreated { .. })
    ));
}

#[tokio::test]
async fn a_name_that_is_no_repository_name_is_refused_as_quay_does() {
    let fixture = Fixture::with_ann().await;
    let refused = fixture
        .issue(None, &["repository:ann/UPPER:pull"])
        .await
        .unwrap_err();
    assert!(matches!(refused, TokenError::Name { .. }));
    assert_eq!(refused.to_string(), "Invalid repository name: ann/UPPER");
}

#[tokio::test]
async fn a_disabled_namespace_and_a_repository_of_another_kind_are_refused() {
    let fixture = Fixture::with_ann().await;
    let ann = fixture.ann().await;
    fixture
        .execute("UPDATE repository SET kind_id = (SELECT id FROM repositorykind WHERE name = 'application') WHERE name = 'app'")
        .await;
    let refused = fixture
        .issue(Some(&ann), &["repository:ann/app:pull"])
        .await;
    assert!(matches!(refused, Err(TokenError::NotAnImageRepository)));
    assert_eq!(
        fixture.granted(None, "ann/app:pull").await,
        "",
        "strangers learn nothing"
    );

    fixture.organization("acme", "ann").await;
    fixture
        .execute("UPDATE \"user\" SET enabled = false WHERE username = 'acme'")
        .await;
    let refused = fixture
        .issue(Some(&ann), &["repository:acme/app:pull"])
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "Namespace acme has been disabled. Please contact a system administrator."
    );
}

#[tokio::test]
async fn a_repository_that_is_being_deleted_grants_nothing() {
    let fixture = Fixture::with_ann().await;
    let ann = fixture.ann().await;
    fixture
        .execute("UPDATE repository SET state = 3 WHERE name = 'app'")
        .await;
    assert_eq!(fixture.granted(Some(&ann), "ann/app:pull,push,*").await, "");
}

#[tokio::test]
async fn oauth_scopes_cap_what_the_user_may_do() {
    for (scopes, existing, created) in [
        ("repo:read", "pull", ""),
        ("repo:write", "push,pull", ""),
        ("repo:admin", "push,pull,*", ""),
        ("repo:read repo:create", "pull", ""),
        ("repo:write,repo:create", "push,pull", "push"),
        ("user:admin", "", ""),
        ("repo:admin nonsense", "", ""),
    ] {
        let fixture = Fixture::with_ann().await;
        let token = fixture.oauth_token(scopes).await;
        let credential = fixture.auth.basic("$oauthtoken", &token).await.unwrap();
        let granted = fixture
            .granted(Some(&credential), "ann/app:pull,push,*")
            .await;
        assert_eq!(granted, existing, "{scopes}");
        let granted = fixture.granted(Some(&credential), "ann/new:push").await;
        assert_eq!(granted, created, "{scopes}");
    }
}

#[tokio::test]
async fn an_access_token_has_its_role_on_its_repository_only() {
    for (role, actions) in [
        ("read", "pull"),
        ("write", "push,pull"),
        ("admin", "push,pull,*"),
    ] {
        let fixture = Fixture::with_ann().await;
        let repository = fixture.repository("ann", "built", "private").await;
        let token = fixture.access_token(repository, role).await;
        let credential = fixture.auth.basic("$token", &token).await.unwrap();
        let granted = fixture
            .granted(Some(&credential), "ann/built:pull,push,*")
            .await;
        assert_eq!(granted, actions);
        for scope in ["ann/app:pull,push", "ann/new:pull,push"] {
            assert_eq!(
                fixture.granted(Some(&credential), scope).await,
                "",
                "{scope}"
            );
        }
    }
}

#[tokio::test]
async fn superusers_act_on_others_only_with_full_access_and_readonly_ones_only_read() {
    let superuser = |config: &mut AuthConfig| {
        config.super_users.insert("root".to_owned());
        config.super_users.insert("eye".to_owned());
        config.global_readonly_super_users.insert("eye".to_owned());
    };
    for (full, expected) in [(false, ""), (true, "push,pull,*")] {
        let fixture = Fixture::with(|config| {
            superuser(config);
            config.superusers_full_access = full;
        })
        .await;
        fixture.add_ann().await;
        fixture.user("root", "root-secret").await;
        fixture.user("eye", "eye-secret").await;
        let root = fixture.auth.basic("root", "root-secret").await.unwrap();
        assert_eq!(
            fixture.granted(Some(&root), "ann/app:pull,push,*").await,
            expected
        );
        let eye = fixture.auth.basic("eye", "eye-secret").await.unwrap();
        assert_eq!(
            fixture.granted(Some(&eye), "ann/app:pull,push,*").await,
            "pull"
        );
    }
}

#[tokio::test]
async fn nothing_is_created_in_read_only_mode() {
    let fixture = Fixture::with(|config| config.read_only = true).await;
    fixture.add_ann().await;
    let ann = fixture.ann().await;
    assert_eq!(
        fixture.granted(Some(&ann), "ann/new:pull,push").await,
        "pull"
    );
    assert_eq!(fixture.number("SELECT count(*) FROM repository").await, 2);
}
