//! The key server: services hand in, rotate and withdraw their own keys (api-v1.md §6.4).

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use pierhead_testkit::{ApiClient, Dataset, Engine, Result};
use reqwest::Method;
use serde_json::{Value, json};

use super::installation::{Installation, json_of};

const KEYS: &str = "/keys/services/scanner/keys";

/// A key of a service.
struct Key {
    kid: &'static str,
    private: EncodingKey,
}

impl Key {
    /// From a private key in PEM.
    fn new(kid: &'static str, pem: &Value) -> Self {
        let private = EncodingKey::from_rsa_pem(pem.as_str().unwrap().as_bytes()).unwrap();
        Self { kid, private }
    }

    fn path(&self) -> String {
        format!("{KEYS}/{}", self.kid)
    }

    /// The public half.
    fn jwk(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.private, Algorithm::RS256).unwrap();
        serde_json::to_value(jwk).unwrap()
    }

    /// Whoever holds the private half, with a token for this registry.
    fn holder(&self, site: &Installation, service: &str) -> ApiClient {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let claims = json!({
            "iss": service, "aud": site.server.base_url(), "iat": now, "nbf": now, "exp": now + 600,
        });
        let header = Header {
            kid: Some(self.kid.to_owned()),
            ..Header::new(Algorithm::RS256)
        };
        let token = jsonwebtoken::encode(&header, &claims, &self.private).unwrap();
        site.server.with_token(&token)
    }
}

async fn services_manage_their_keys(engine: Engine) -> Result<()> {
    let site = Installation::start(engine, json!({ "SUPER_USERS": ["devel"] })).await?;
    let secrets = Dataset::of_quay().expected()?;
    let secret_of = |table: &str| {
        let secrets = secrets["decrypted"].as_array().unwrap();
        let found = secrets.iter().find(|secret| secret["table"] == table);
        found.unwrap()["plaintext"].clone()
    };
    let service_key = &secrets["credentials"]["service key lighthouse"]["private_key"];
    let old = Key::new("old", service_key);
    let new = Key::new("new", &secret_of("repositorybuildtrigger"));
    handed_in_keys_wait(&site, &old, &new).await?;
    an_approved_key_is_rotated(&site, &old, &new).await?;
    a_service_deletes_its_keys(&site, &old, &new).await
}

async fn handed_in_keys_wait(site: &Installation, old: &Key, new: &Key) -> Result<()> {
    let anonymous = site.server.anonymous();
    let holder = old.holder(site, "scanner");
    // Signed by itself, for this service and with this key only.
    for (client, jwk) in [
        (&old.holder(site, "other"), old.jwk()),
        (&holder, new.jwk()),
        (&holder, json!({ "kty": "RSA" })),
        (&holder, json!({ "kty": "oct", "k": "AAAA" })),
    ] {
        json_of(client.put(&old.path(), jwk).await?, 400)?;
    }
    for wrong in ["expiration=soon", "rotation=often"] {
        let path = format!("{}?{wrong}", old.path());
        json_of(holder.put(&path, old.jwk()).await?, 400)?;
    }
    json_of(anonymous.get(&old.path()).await?, 404)?;

    let path = format!("{}?rotation=3600&expiration=4000000000", old.path());
    let handed_in = holder.put(&path, old.jwk()).await?;
    assert_eq!(
        (handed_in.status.as_u16(), handed_in.text()),
        (202, String::new())
    );
    json_of(holder.put(&path, old.jwk()).await?, 400)?;
    json_of(anonymous.get(&old.path()).await?, 409)?;
    let published = json_of(anonymous.get(KEYS).await?, 200)?;
    assert_eq!(published, json!({ "keys": [] }));
    if let Some(told) = site.audited("service_key_create")? {
        for (key, value) in [
            ("kid", json!("old")),
            ("preshared", json!(false)),
            ("service", json!("scanner")),
            ("name", json!("")),
            ("ip", json!("127.0.0.1")),
        ] {
            assert_eq!(told[key], value, "{key}");
        }
    }
    // Superusers are told until one of them approves it.
    let devel = site
        .server
        .signed_in(site.devel.username(), site.devel.password())
        .await?;
    let notifications = "/api/v1/user/notifications";
    let told = json_of(devel.get(notifications).await?, 200)?;
    let told = &told["notifications"][0];
    assert_eq!(
        (&told["kind"], &told["metadata"]["kid"]),
        (&json!("service_key_submitted"), &json!("old"))
    );
    // A key that nobody approved replaces none.
    json_of(holder.put(&new.path(), new.jwk()).await?, 403)?;
    let approve = "/api/v1/superuser/approvedkeys/old";
    let notes = json!({ "notes": "by hand" });
    site.call(Method::POST, approve, Some(notes), 201).await?;
    let told = json_of(devel.get(notifications).await?, 200)?;
    assert_eq!(told["notifications"], json!([]));
    let alive = anonymous.get(&old.path()).await?;
    assert_eq!(alive.header("cache-control")?, "max-age=86400");
    assert_eq!(json_of(alive, 200)?, old.jwk());
    Ok(())
}

async fn an_approved_key_is_rotated(site: &Installation, old: &Key, new: &Key) -> Result<()> {
    let anonymous = site.server.anonymous();
    let signer = old.holder(site, "scanner");
    json_of(
        old.holder(site, "other")
            .put(&new.path(), new.jwk())
            .await?,
        400,
    )?;
    let rotated = signer.put(&new.path(), new.jwk()).await?;
    assert_eq!(
        (rotated.status.as_u16(), rotated.text()),
        (200, String::new())
    );
    json_of(anonymous.get(&old.path()).await?, 404)?;
    assert_eq!(json_of(anonymous.get(&new.path()).await?, 200)?, new.jwk());
    let kept = site.get("/api/v1/superuser/keys/new").await?;
    assert_eq!(kept["approval"]["notes"], "by hand");
    assert_eq!(kept["metadata"]["created_by"], "Key Rotation");
    assert_eq!(kept["rotation_duration"], 3600);
    if let Some(told) = site.audited("service_key_rotate")? {
        assert_eq!(
            (&told["kid"], &told["signer_kid"]),
            (&json!("new"), &json!("old"))
        );
    }
    // What was replaced signs nothing.
    json_of(signer.put(&old.path(), old.jwk()).await?, 202)?;
    json_of(signer.delete(&new.path()).await?, 403)?;
    Ok(())
}

async fn a_service_deletes_its_keys(site: &Installation, old: &Key, new: &Key) -> Result<()> {
    let holder = new.holder(site, "scanner");
    json_of(holder.delete("/keys/services/quay/keys/new").await?, 403)?;
    json_of(holder.delete(&format!("{KEYS}/none")).await?, 404)?;
    // Another one of the service, and itself.
    for path in [old.path(), new.path()] {
        let gone = holder.delete(&path).await?;
        assert_eq!((gone.status.as_u16(), gone.text()), (204, String::new()));
        json_of(site.server.anonymous().get(&path).await?, 404)?;
    }
    if let Some(told) = site.audited("service_key_delete")? {
        assert_eq!(
            (&told["kid"], &told["signer_kid"]),
            (&json!("new"), &json!("new"))
        );
    }
    json_of(holder.delete(&new.path()).await?, 403)?;
    Ok(())
}

on_engines! {
    services_manage_their_keys
}
