//! Robots that sign in with tokens of an identity provider, which here is a small server on this machine.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use pierhead_client::{AddressGuard, Client, Limits};
use pierhead_config::AllowedHost;
use serde_json::{Value, json};

use super::fixture::Fixture;
use crate::jws;
use crate::service_keys::SigningKey;
use crate::{Federation, FederationError, SignInError};

/// An identity provider.
struct Provider {
    key: SigningKey,
    issuer: String,
    asked: Arc<AtomicUsize>,
}

struct Published {
    issuer: String,
    jwks: String,
    asked: Arc<AtomicUsize>,
}

async fn discovery(State(published): State<Arc<Published>>) -> String {
    let issuer = &published.issuer;
    json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") }).to_string()
}

async fn keys(State(published): State<Arc<Published>>) -> String {
    published.asked.fetch_add(1, Ordering::SeqCst);
    published.jwks.clone()
}

impl Provider {
    async fn start() -> Self {
        let (key, _) = SigningKey::generate().await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let issuer = format!("http://{address}");
        let asked = Arc::new(AtomicUsize::new(0));
        let jwk: Value = serde_json::from_str(&key.public().to_jwk()).unwrap();
        let elliptic =
            json!({ "kty": "EC", "kid": "other", "crv": "P-256", "x": "AQAB", "y": "AQAB" });
        let published = Arc::new(Published {
            issuer: issuer.clone(),
            jwks: json!({ "keys": [elliptic, jwk] }).to_string(),
            asked: asked.clone(),
        });
        let app = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .with_state(published);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { key, issuer, asked }
    }

    /// A token for `subject`, made now, with claims changed.
    fn token(&self, fixture: &Fixture, subject: &str, change: impl FnOnce(&mut Value)) -> String {
        let now = fixture.clock.unix();
        let mut claims = json!({
            "iss": self.issuer, "sub": subject, "aud": "registry", "iat": now, "exp": now + 600,
        });
        change(&mut claims);
        sign(&self.key, &claims)
    }
}

fn sign(key: &SigningKey, claims: &Value) -> String {
    let input = jws::signing_input(key.kid(), &claims.to_string());
    let signature = key.sign(input.as_bytes()).unwrap();
    jws::with_signature(input, &signature)
}

fn federation(fixture: &Fixture, allowed: &[AllowedHost]) -> Federation {
    let client = Client::new(AddressGuard::public_only(allowed), Limits::default()).unwrap();
    Federation::new(client, fixture.clock.clone())
}

fn loopback() -> [AllowedHost; 1] {
    [AllowedHost::Network("127.0.0.0/8".parse().unwrap())]
}

async fn trust(fixture: &Fixture, config: Value) {
    let metadata = json!({ "federation_config": config }).to_string();
    fixture
        .execute(&format!(
            "INSERT INTO federatedlogin (user_id, service_id, service_ident, metadata_json)
            SELECT \"user\".id, loginservice.id, 'robot:ci', '{metadata}' FROM \"user\", loginservice
            WHERE username = 'ann+ci' AND loginservice.name = 'quayrobot'
            ON CONFLICT (service_id, user_id) DO UPDATE SET metadata_json = excluded.metadata_json"
        ))
        .await;
}

#[tokio::test]
async fn a_trusted_subject_gets_a_password_of_the_robot_for_an_hour() {
    let fixture = Fixture::with_ann().await;
    let provider = Provider::start().await;
    let federation = federation(&fixture, &loopback());
    trust(
        &fixture,
        json!([{ "issuer": provider.issuer, "subject": "job" }]),
    )
    .await;
    let token = provider.token(&fixture, "job", |_| ());

    let given = fixture
        .auth
        .federated_robot(&federation, "ann+ci", &token)
        .await
        .unwrap();
    assert_eq!(
        (given.issuer.as_str(), given.subject.as_str()),
        (provider.issuer.as_str(), "job")
    );
    assert_eq!(given.robot.username, "ann+ci");

    let password = given.token.expose();
    let robot = fixture.auth.basic("ann+ci", password).await.unwrap();
    assert_eq!(robot.account.unwrap().username, "ann+ci");
    assert_eq!(
        fixture
            .granted(Some(&fixture.ci().await), "ann/site:pull")
            .await,
        "pull"
    );

    // It is no other robot's, no person's, and no registry token.
    fixture.robot("ann+other", &"B".repeat(64)).await;
    assert!(fixture.auth.basic("ann+other", password).await.is_err());
    assert!(fixture.auth.basic("ann", password).await.is_err());
    assert!(fixture.auth.bearer(password).await.is_err());
    // And a registry token of the robot is no password.
    let issued = fixture
        .issue(Some(&fixture.ci().await), &["repository:ann/site:pull"])
        .await
        .unwrap();
    assert!(fixture.auth.basic("ann+ci", &issued.token).await.is_err());

    fixture.advance(3600 + 31);
    assert!(matches!(
        fixture.auth.basic("ann+ci", password).await,
        Err(SignInError::WrongRobot { .. })
    ));
}

#[tokio::test]
async fn a_password_ends_when_the_robots_own_token_is_replaced() {
    let fixture = Fixture::with_ann().await;
    let provider = Provider::start().await;
    let federation = federation(&fixture, &loopback());
    trust(
        &fixture,
        json!([{ "issuer": provider.issuer, "subject": "job" }]),
    )
    .await;
    let token = provider.token(&fixture, "job", |_| ());
    let given = fixture
        .auth
        .federated_robot(&federation, "ann+ci", &token)
        .await
        .unwrap();
    fixture
        .auth
        .basic("ann+ci", given.token.expose())
        .await
        .unwrap();
    fixture
        .execute("UPDATE robotaccounttoken SET token = (SELECT token || '=' FROM robotaccounttoken LIMIT 1)")
        .await;
    assert!(
        fixture
            .auth
            .basic("ann+ci", given.token.expose())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn tokens_that_the_robot_does_not_trust_are_refused() {
    let fixture = Fixture::with_ann().await;
    let provider = Provider::start().await;
    let federation = federation(&fixture, &loopback());
    let refusal = async |username: &str, token: &str| {
        let refused = fixture
            .auth
            .federated_robot(&federation, username, token)
            .await;
        refused.unwrap_err().to_string()
    };
    let good = provider.token(&fixture, "job", |_| ());
    assert_eq!(
        refusal("ann+ci", &good).await,
        "Robot does not have federated login configured"
    );
    trust(
        &fixture,
        json!([
            { "issuer": "https://elsewhere.example.com", "subject": "stranger" },
            { "issuer": provider.issuer, "subject": "job", "audiences": ["registry"] },
        ]),
    )
    .await;
    fixture
        .auth
        .federated_robot(&federation, "ann+ci", &good)
        .await
        .unwrap();

    assert_eq!(refusal("ann", &good).await, "Invalid robot");
    assert_eq!(
        refusal("ann+none", &good).await,
        "Could not find robot with username: ann+none"
    );
    let changed = |change: fn(&mut Value)| provider.token(&fixture, "job", change);
    for (token, expected) in [
        (
            "no token".to_owned(),
            "Invalid token: it is not signed with RS256 or RS384",
        ),
        (
            changed(|claims| claims["iss"] = json!("https://evil.example")),
            "issuer https://evil.example not configured for this robot",
        ),
        (
            changed(|claims| claims["iss"] = Value::Null),
            "Token does not contain issuer",
        ),
        (
            changed(|claims| claims["sub"] = json!("stranger")),
            "Token does not match robot",
        ),
        (
            changed(|claims| claims["aud"] = json!("other")),
            "Invalid token: it is for another audience",
        ),
        (
            changed(|claims| claims["exp"] = json!(1)),
            "Invalid token: it has expired",
        ),
        (
            changed(|claims| claims["iat"] = Value::Null),
            "Invalid token: it lacks iat or exp",
        ),
    ] {
        assert_eq!(refusal("ann+ci", &token).await, expected);
    }
    let (other, _) = SigningKey::generate().await.unwrap();
    let now = fixture.clock.unix();
    let claims = json!({ "iss": provider.issuer, "sub": "job", "aud": "registry", "iat": now, "exp": now + 600 });
    assert_eq!(
        refusal("ann+ci", &sign(&other, &claims)).await,
        "Invalid token: it is not signed by its issuer"
    );
}

#[tokio::test]
async fn an_issuer_is_asked_once_and_again_for_unknown_keys_but_not_at_will() {
    let fixture = Fixture::with_ann().await;
    let provider = Provider::start().await;
    let federation = federation(&fixture, &loopback());
    trust(
        &fixture,
        json!([{ "issuer": provider.issuer, "subject": "job" }]),
    )
    .await;
    let good = provider.token(&fixture, "job", |_| ());
    for _ in 0..3 {
        fixture
            .auth
            .federated_robot(&federation, "ann+ci", &good)
            .await
            .unwrap();
    }
    assert_eq!(provider.asked.load(Ordering::SeqCst), 1);

    let (other, _) = SigningKey::generate().await.unwrap();
    let forged = sign(&other, &json!({ "iss": provider.issuer, "sub": "job" }));
    for _ in 0..3 {
        assert!(
            fixture
                .auth
                .federated_robot(&federation, "ann+ci", &forged)
                .await
                .is_err()
        );
    }
    assert_eq!(provider.asked.load(Ordering::SeqCst), 1);
    fixture.advance(11);
    assert!(
        fixture
            .auth
            .federated_robot(&federation, "ann+ci", &forged)
            .await
            .is_err()
    );
    assert_eq!(provider.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_issuer_at_a_private_address_is_not_asked_unless_it_is_exempt() {
    let fixture = Fixture::with_ann().await;
    let provider = Provider::start().await;
    let federation = federation(&fixture, &[]);
    trust(
        &fixture,
        json!([{ "issuer": provider.issuer, "subject": "job" }]),
    )
    .await;
    let good = provider.token(&fixture, "job", |_| ());
    let refused = fixture
        .auth
        .federated_robot(&federation, "ann+ci", &good)
        .await;
    assert!(matches!(refused, Err(FederationError::NoKeys(_))));
    assert_eq!(provider.asked.load(Ordering::SeqCst), 0);
}
