//! Robots that sign in with tokens of an identity provider (api-v1.md §5.6, §6.3).

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use pierhead_testkit::{Client, Credentials, Dataset, Engine, Response, Result};
use reqwest::Method;
use serde_json::{Value, json};

use super::installation::{Installation, json_of};

const KID: &str = "of-the-cluster";
const SUBJECT: &str = "system:serviceaccount:ci:builder";
const ROBOT: &str = "/api/v1/organization/acme/robots/ci";

/// An identity provider on this machine, for as long as the test runs.
struct Provider {
    issuer: String,
    key: EncodingKey,
}

impl Provider {
    fn start() -> Result<Self> {
        let secrets = Dataset::of_quay().expected()?;
        let pem = &secrets["credentials"]["service key lighthouse"]["private_key"];
        let key = EncodingKey::from_rsa_pem(pem.as_str().unwrap().as_bytes()).unwrap();
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::RS256).unwrap();
        jwk.common.key_id = Some(KID.to_owned());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let discovery = json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") });
        let keys = json!({ "keys": [jwk] });
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let Ok(mut connection) = connection else {
                    continue;
                };
                let mut lines = BufReader::new(&connection)
                    .lines()
                    .map_while(std::io::Result::ok);
                let asked = lines.next().unwrap_or_default();
                lines
                    .by_ref()
                    .take_while(|line| !line.is_empty())
                    .for_each(drop);
                let body = if asked.starts_with("GET /keys ") {
                    &keys
                } else {
                    &discovery
                };
                let body = body.to_string();
                // A client that has gone misses its answer.
                let _ = write!(
                    connection,
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        Ok(Self { issuer, key })
    }

    /// A token for a subject, with a claim changed.
    fn token(&self, subject: &str, changed: &str, value: Value) -> String {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let mut claims = json!({
            "iss": self.issuer, "sub": subject, "aud": "registry", "iat": now, "exp": now + 600,
        });
        claims[changed] = value;
        let header = Header {
            kid: Some(KID.to_owned()),
            ..Header::new(Algorithm::RS256)
        };
        jsonwebtoken::encode(&header, &claims, &self.key).unwrap()
    }
}

/// Asks for a password of a robot.
async fn exchange(site: &Installation, robot: &str, token: &str) -> Result<Response> {
    let anonymous = site.server.anonymous();
    let request = anonymous
        .request(Method::GET, "/oauth2/federation/robot/token")
        .basic_auth(robot, Some(token));
    anonymous.send(request).await
}

async fn robots_sign_in_with_tokens_of_their_provider(engine: Engine) -> Result<()> {
    let settings = json!({ "SUPER_USERS": ["devel"], "SSRF_ALLOWED_HOSTS": ["127.0.0.1"] });
    let site = Installation::start(engine, settings).await?;
    let provider = Provider::start()?;
    site.server.create_organization("acme", &site.devel)?;
    site.call(Method::PUT, ROBOT, Some(json!({})), 201).await?;
    site.server.create_repository("acme/app", "private")?;
    site.server
        .permit("acme/app", "robot", "acme+ci", "write")?;
    let token = provider.token(SUBJECT, "aud", json!("registry"));
    let refused = json_of(exchange(&site, "acme+ci", &token).await?, 400)?;
    assert_eq!(
        refused,
        json!({ "message": "Robot does not have federated login configured" })
    );

    let trusted = json!([{ "issuer": provider.issuer, "subject": SUBJECT }]);
    let federation = format!("{ROBOT}/federation");
    assert_eq!(site.post(&federation, trusted.clone(), 200).await?, trusted);
    assert_eq!(site.get(&federation).await?, trusted);

    let given = exchange(&site, "acme+ci", &token).await?;
    assert!(given.header("cache-control")?.contains("no-cache"));
    let given = json_of(given, 200)?;
    let password = given["token"].as_str().unwrap();
    let robot = Credentials::new("acme+ci", password);
    let registry = Client::new(&site.server, Some(&robot));
    let answer = registry.send("GET", "/v2/acme/app/tags/list").await?;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.text());
    if let Some(told) = site.audited("federated_robot_token_exchange")? {
        assert_eq!(
            told,
            json!({ "subject": SUBJECT, "issuer": provider.issuer, "robot": "ci" })
        );
    }

    let anonymous = site.server.anonymous();
    let nobody = anonymous.get("/oauth2/federation/robot/token").await?;
    assert_eq!(json_of(nobody, 401)?, json!({ "error": "No auth header" }));
    json_of(exchange(&site, "devel", &token).await?, 401)?;
    for (robot, token, begin) in [
        ("acme+none", token.clone(), "Could not find robot"),
        ("acme+ci", "nonsense".to_owned(), ""),
        (
            "acme+ci",
            provider.token("somebody", "aud", json!("registry")),
            "Token does not match robot",
        ),
        (
            "acme+ci",
            provider.token(SUBJECT, "iss", json!("https://other.example")),
            "issuer https://other.example not configured",
        ),
        (
            "acme+ci",
            provider.token(SUBJECT, "exp", json!(1)),
            "Invalid token",
        ),
        ("acme+ci", format!("{token}x"), "Invalid token"),
    ] {
        let refused = json_of(exchange(&site, robot, &token).await?, 400)?;
        let text = refused["message"].as_str().unwrap();
        assert!(text.starts_with(begin), "{begin}: {text}");
    }

    site.delete(&federation, 204).await?;
    json_of(exchange(&site, "acme+ci", &token).await?, 400)?;
    Ok(())
}

on_engines! {
    robots_sign_in_with_tokens_of_their_provider
}
