//! Tokens that must not be accepted, and those of Quay that must.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::fixture::{Fixture, HOST, keys_config};
use crate::service_keys::SigningKey;
use crate::{BearerError, ServiceKeys};

const NOW: i64 = 1_767_225_600;

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Claims as Quay makes them for ann.
fn quays() -> Value {
    json!({
        "iss": "quay", "aud": HOST, "sub": "ann", "iat": NOW, "nbf": NOW, "exp": NOW + 3600,
        "access": [{"type": "repository", "name": "ann/app", "actions": ["push", "pull"]}],
        "context": {"version": 2, "entity_kind": "user", "entity_reference": "uuid-ann", "kind": "user", "user": "ann"}
    })
}

impl Fixture {
    fn header(&self) -> Value {
        json!({"typ": "JWT", "alg": "RS256", "kid": self.auth.service_keys().kid()})
    }

    /// Signs with this instance's key.
    fn signed(&self, header: &Value, claims: &Value) -> String {
        let input = format!("{}.{}", encode(header), encode(claims));
        let signature = self.auth.service_keys().sign(input.as_bytes()).unwrap();
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    async fn refused(&self, token: &str) -> BearerError {
        self.auth.bearer(token).await.unwrap_err()
    }

    /// The refusal of Quay's claims with one changed, or left out.
    async fn with_claim(&self, name: &str, value: Value) -> Result<(), BearerError> {
        let mut claims = quays();
        let members = claims.as_object_mut().unwrap();
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.to_owned(), value);
        }
        let token = self.signed(&self.header(), &claims);
        self.auth.bearer(&token).await.map(|_| ())
    }
}

#[tokio::test]
async fn a_token_that_quay_issued_is_accepted_with_the_rights_of_its_user() {
    let fixture = Fixture::with_ann().await;
    let token = fixture.signed(&fixture.header(), &quays());
    let bearer = fixture.auth.bearer(&token).await.unwrap();
    assert_eq!(bearer.subject().unwrap().name, "ann");
    assert_eq!(fixture.may(&bearer, "ann/app").await, "pull,push");
    fixture
        .execute("UPDATE \"user\" SET enabled = false WHERE username = 'ann'")
        .await;
    fixture.advance(5);
    assert_eq!(fixture.may(&bearer, "ann/app").await, "");
}

#[tokio::test]
async fn every_kind_of_context_that_quay_writes_is_understood() {
    let fixture = Fixture::with_ann().await;
    fixture.app_token().await;
    fixture.oauth_token("repo:read").await;
    let access = fixture.access_token(1, "read").await;
    for (kind, reference, sub) in [
        ("robot", "ann+ci", "ann+ci"),
        ("appspecifictoken", "app-uuid", "ann"),
        ("oauthtoken", "oauth-uuid", "ann"),
        ("token", &*access, "(anonymous)"),
    ] {
        let mut claims = quays();
        claims["context"] =
            json!({"version": 2, "entity_kind": kind, "entity_reference": reference});
        claims["sub"] = json!(sub);
        let token = fixture.signed(&fixture.header(), &claims);
        let bearer = fixture.auth.bearer(&token).await.unwrap();
        assert_eq!(bearer.subject().unwrap().name, sub, "{kind}");
    }
    let mut claims = quays();
    claims["context"]["entity_reference"] = json!("uuid-nobody");
    let token = fixture.signed(&fixture.header(), &claims);
    assert!(matches!(fixture.refused(&token).await, BearerError::Gone));
}

#[tokio::test]
async fn algorithms_other_than_rs256_are_refused() {
    let fixture = Fixture::with_ann().await;
    let kid = fixture.auth.service_keys().kid().to_owned();
    for alg in [
        "none", "None", "", "HS256", "RS384", "PS256", "ES256", "rs256",
    ] {
        let header = json!({"typ": "JWT", "alg": alg, "kid": kid});
        let unsigned = format!("{}.{}.", encode(&header), encode(&quays()));
        assert!(
            matches!(fixture.refused(&unsigned).await, BearerError::Algorithm),
            "{alg}"
        );
        let signed = fixture.signed(&header, &quays());
        assert!(
            matches!(fixture.refused(&signed).await, BearerError::Algorithm),
            "{alg}"
        );
    }
}

#[tokio::test]
async fn the_public_key_is_no_hmac_secret() {
    let fixture = Fixture::with_ann().await;
    let published = fixture.auth.service_keys().public_keys().await.unwrap();
    for alg in ["HS256", "RS256"] {
        let header = json!({"typ": "JWT", "alg": alg, "kid": published[0].kid});
        let input = format!("{}.{}", encode(&header), encode(&quays()));
        let mut mac = Hmac::<Sha256>::new_from_slice(published[0].jwk.as_bytes()).unwrap();
        mac.update(input.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        fixture.refused(&format!("{input}.{signature}")).await;
    }
}

#[tokio::test]
async fn a_key_that_the_token_brings_along_is_not_used() {
    let fixture = Fixture::with_ann().await;
    let (foreign, _) = SigningKey::generate().await.unwrap();
    let jwk: Value = serde_json::from_str(&foreign.public().to_jwk()).unwrap();
    let ours = fixture.auth.service_keys().kid().to_owned();
    for kid in [foreign.kid(), &ours] {
        let header = json!({
            "typ": "JWT", "alg": "RS256", "kid": kid, "jwk": jwk, "jku": "http://attacker.example/keys", "x5c": ["AA"]
        });
        let input = format!("{}.{}", encode(&header), encode(&quays()));
        let signature = URL_SAFE_NO_PAD.encode(foreign.sign(input.as_bytes()).unwrap());
        let refused = fixture.refused(&format!("{input}.{signature}")).await;
        assert!(
            matches!(refused, BearerError::UnknownKey | BearerError::Signature),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn keys_of_other_services_unapproved_and_expired_ones_verify_nothing() {
    for change in [
        "UPDATE servicekey SET service = 'lighthouse'",
        "UPDATE servicekey SET approval_id = NULL",
        "UPDATE servicekey SET expiration_date = '2026-01-01 00:00:00'",
        "DELETE FROM servicekey",
    ] {
        let fixture = Fixture::with_ann().await;
        let token = fixture.signed(&fixture.header(), &quays());
        fixture.auth.bearer(&token).await.unwrap();
        fixture.execute(change).await;
        fixture.advance(60);
        let other = fixture.signed(
            &json!({"alg": "RS256", "kid": fixture.auth.service_keys().kid()}),
            &quays(),
        );
        assert!(
            matches!(fixture.refused(&other).await, BearerError::UnknownKey),
            "{change}"
        );
        assert!(
            matches!(fixture.refused(&token).await, BearerError::UnknownKey),
            "what was verified before ends too: {change}"
        );
    }
}

#[tokio::test]
async fn keys_that_another_instance_adds_are_found_without_letting_strangers_cause_many_statements()
{
    let fixture = Fixture::with_ann().await;
    fixture.advance(10);
    let header = json!({"alg": "RS256", "kid": "unknown"});
    let before = fixture.db.statements();
    for _ in 0..20 {
        let token = fixture.signed(&header, &quays());
        assert!(matches!(
            fixture.refused(&token).await,
            BearerError::UnknownKey
        ));
    }
    assert_eq!(fixture.db.statements() - before, 1);

    let elsewhere = tempfile::TempDir::new().unwrap();
    let other = ServiceKeys::open(
        fixture.db.clone(),
        keys_config(&elsewhere),
        fixture.clock.clone(),
    )
    .await
    .unwrap();
    fixture.advance(5);
    let input = format!(
        "{}.{}",
        encode(&json!({"alg": "RS256", "kid": other.kid()})),
        encode(&quays())
    );
    let signature = URL_SAFE_NO_PAD.encode(other.sign(input.as_bytes()).unwrap());
    fixture
        .auth
        .bearer(&format!("{input}.{signature}"))
        .await
        .unwrap();
}

#[tokio::test]
async fn changed_tokens_and_texts_that_are_none_are_refused() {
    let fixture = Fixture::with_ann().await;
    let token = fixture.signed(&fixture.header(), &quays());
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts");
    };
    let mut more = quays();
    more["access"][0]["name"] = json!("bea/app");
    let changed = format!("{header}.{}.{signature}", encode(&more));
    assert!(matches!(
        fixture.refused(&changed).await,
        BearerError::Signature
    ));
    for text in [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c",
        header,
        &format!("{header}.{claims}"),
        &format!("{header}.{claims}.{signature}="),
        &format!("{token}.x"),
        &format!(" {token}"),
        &"a".repeat(100_000),
    ] {
        fixture.refused(text).await;
    }
    let crit = json!({"alg": "RS256", "kid": fixture.auth.service_keys().kid(), "crit": ["b64"], "b64": false});
    fixture.refused(&fixture.signed(&crit, &quays())).await;
    let no_kid = fixture.signed(&json!({"alg": "RS256"}), &quays());
    assert!(matches!(
        fixture.refused(&no_kid).await,
        BearerError::MissingKeyId
    ));
}

#[tokio::test]
async fn every_claim_is_needed_and_checked() {
    let fixture = Fixture::with_ann().await;
    assert!(fixture.with_claim("extra", json!(1)).await.is_ok());
    for name in [
        "iss", "aud", "sub", "iat", "nbf", "exp", "access", "context",
    ] {
        assert!(
            fixture.with_claim(name, Value::Null).await.is_err(),
            "without {name}"
        );
    }
    for (name, value) in [
        ("iss", json!("keycloak")),
        ("aud", json!("other.example.com")),
        ("aud", json!([])),
        ("sub", json!("")),
        ("iat", json!("1767225600")),
        ("exp", json!(NOW - 30)),
        ("nbf", json!(NOW + 31)),
        ("iat", json!(NOW + 31)),
        ("exp", json!(NOW + 3661)),
        ("iat", json!(i64::MIN)),
        ("exp", json!(i64::MAX)),
        ("access", json!({})),
        (
            "access",
            json!([{"type": "storageproxy", "name": "x", "actions": []}]),
        ),
        (
            "access",
            json!([{"type": "repository", "name": "ann/app", "actions": ["delete"]}]),
        ),
        ("context", json!({})),
        (
            "context",
            json!({"entity_kind": "signed_data", "entity_reference": "x"}),
        ),
        ("pierhead", json!({"use": "robot"})),
        ("pierhead", json!({"use": "registry"})),
    ] {
        let shown = format!("{name} = {value}");
        assert!(fixture.with_claim(name, value).await.is_err(), "{shown}");
    }
    for (name, value) in [
        ("aud", json!(["other.example.com", HOST])),
        ("nbf", json!(NOW + 30)),
        ("exp", json!(NOW - 29)),
        ("exp", json!(NOW + 3660)),
    ] {
        let shown = format!("{name} = {value}");
        assert!(fixture.with_claim(name, value).await.is_ok(), "{shown}");
    }
}

#[tokio::test]
async fn a_remembered_token_ends_at_its_time() {
    let fixture = Fixture::with_ann().await;
    let ann = fixture.ann().await;
    let token = fixture.issue(Some(&ann), &[]).await.unwrap().token;
    let first = fixture.auth.bearer(&token).await.unwrap();
    fixture.advance(3_629);
    let again = fixture.auth.bearer(&token).await.unwrap();
    assert!(Arc::ptr_eq(&first, &again));
    fixture.advance(1);
    assert!(matches!(
        fixture.refused(&token).await,
        BearerError::Expired
    ));
}

#[tokio::test]
async fn a_registry_token_is_no_password() {
    let fixture = Fixture::with_ann().await;
    let ci = fixture.ci().await;
    let token = fixture.issue(Some(&ci), &[]).await.unwrap().token;
    for username in ["ann+ci", "$oauthtoken", "$app", "$token", "ann"] {
        assert!(
            fixture.auth.basic(username, &token).await.is_err(),
            "{username}"
        );
    }
}
