//! What the security scanner tells, and how far it is.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use pierhead_testkit::{Engine, Pierhead, Response, Result};
use reqwest::Method;
use serde_json::{Value, json};

const PATH: &str = "/secscan/notification";
/// `c2VjcmV0`.
const KEY: &[u8] = b"secret";

fn seconds() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// A token of Clair, with these claims in the place of the good ones.
fn token(key: &[u8], algorithm: Algorithm, other: &Value) -> String {
    let now = seconds();
    let mut claims = json!({ "iss": "clair", "iat": now - 60, "nbf": now - 60, "exp": now + 3600 });
    for (name, value) in other.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let key = EncodingKey::from_secret(key);
    encode(&Header::new(algorithm), &claims, &key).unwrap()
}

async fn tell(server: &Pierhead, authorization: Option<&str>, body: &str) -> Result<Response> {
    let client = server.anonymous();
    let mut request = client.request(Method::POST, PATH).body(body.to_owned());
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    client.send(request).await
}

/// The queued items; only PostgreSQL can be asked while the server runs.
fn queued(server: &Pierhead) -> Result<Option<String>> {
    let Some(database) = server.database() else {
        return Ok(None);
    };
    let rows = "SELECT queue_name, body, available, retries_remaining FROM queueitem \
                WHERE queue_name LIKE 'secscanv4/%' ORDER BY id";
    Ok(Some(database.sql(rows)?.trim().to_owned()))
}

/// One answer to everything that is no notification: the framework's page, as from Quay.
fn not_understood(answer: &Response) {
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.header("content-type").unwrap(),
        "text/html; charset=utf-8"
    );
    let text = answer.text();
    assert!(text.contains("<title>400 Bad Request</title>"), "{text}");
    assert!(
        text.contains("sent a request that this server could not understand"),
        "{text}"
    );
}

async fn a_notification_is_queued_once(engine: Engine) -> Result<()> {
    let config = json!({
        "FEATURE_SECURITY_SCANNER": true, "FEATURE_SECURITY_NOTIFICATIONS": true,
        "SECURITY_SCANNER_V4_ENDPOINT": "http://127.0.0.1:1", "SECURITY_SCANNER_V4_PSK": "c2VjcmV0",
    });
    let server = Pierhead::builder()
        .engine(engine)
        .config(config)
        .start()
        .await?;
    let id = "269886f3-0146-4f08-9bf7-cb1138d48643";
    let body = json!({
        "notification_id": id, "callback": "http://clair/notifier/api/v1/notification/269886f3",
    })
    .to_string();
    let good = format!("Bearer {}", token(KEY, Algorithm::HS256, &json!({})));

    let wrong =
        |key: &[u8], algorithm, claims: Value| format!("Bearer {}", token(key, algorithm, &claims));
    for refused in [
        None,
        Some("Bearer".to_owned()),
        Some("Basic YTpi".to_owned()),
        Some("Bearer a.b.c".to_owned()),
        Some(good.replacen("Bearer", "bearer", 1)),
        Some(wrong(b"other", Algorithm::HS256, json!({}))),
        Some(wrong(KEY, Algorithm::HS512, json!({}))),
        Some(wrong(
            KEY,
            Algorithm::HS256,
            json!({ "exp": seconds() - 1 }),
        )),
        Some(wrong(
            KEY,
            Algorithm::HS256,
            json!({ "nbf": seconds() + 3600 }),
        )),
        Some(wrong(KEY, Algorithm::HS256, json!({ "iat": null }))),
        Some(wrong(KEY, Algorithm::HS256, json!({ "aud": "somebody" }))),
    ] {
        let answer = tell(&server, refused.as_deref(), &body).await?;
        assert_eq!(answer.status, 401, "{refused:?}");
        assert!(answer.text().contains("<title>401 Unauthorized</title>"));
    }
    for malformed in [
        "",
        "no json",
        "[]",
        "null",
        "{}",
        r#"{"notification_id": "a"}"#,
        r#"{"callback": "a"}"#,
        r#"{"notification_id": 3, "callback": "a"}"#,
    ] {
        let answer = tell(&server, Some(&good), malformed).await?;
        not_understood(&answer);
    }
    let long = json!({ "notification_id": "a".repeat(513), "callback": "" }).to_string();
    not_understood(&tell(&server, Some(&good), &long).await?);
    if let Some(rows) = queued(&server)? {
        assert_eq!(rows, "");
    }

    for _ in 0..2 {
        let told = tell(&server, Some(&good), &body).await?;
        assert_eq!(
            (told.status.as_u16(), told.text()),
            (200, "Okay".to_owned())
        );
    }
    let expected = format!("secscanv4/with_id/{id}/|{{\"notification_id\":\"{id}\"}}|t|5");
    if let Some(rows) = queued(&server)? {
        assert_eq!(rows, expected);
    }
    Ok(())
}

/// Without a shared key everybody may tell; without the features nobody is listened to.
async fn without_a_shared_key_no_token_is_asked_for(engine: Engine) -> Result<()> {
    let config = json!({
        "FEATURE_SECURITY_SCANNER": true, "FEATURE_SECURITY_NOTIFICATIONS": true,
        "SECURITY_SCANNER_V4_ENDPOINT": "http://127.0.0.1:1",
    });
    let server = Pierhead::builder()
        .engine(engine)
        .config(config)
        .start()
        .await?;
    let body = r#"{"notification_id": "a", "callback": null}"#;
    let told = tell(&server, None, body).await?;
    assert_eq!(
        (told.status.as_u16(), told.text()),
        (200, "Okay".to_owned())
    );
    let plain = Pierhead::builder()
        .engine(engine)
        .config(json!({ "TESTING": false }))
        .start()
        .await?;
    assert_eq!(tell(&plain, None, body).await?.status, 404);
    Ok(())
}

async fn how_far_the_scanner_is_costs_one_count_for_many_who_ask(engine: Engine) -> Result<()> {
    let server = Pierhead::start(engine).await?;
    let nobody = server.anonymous();
    let status = async || nobody.get("/secscan/_backfill_status").await?.json();
    // Nothing waits where there is nothing.
    assert_eq!(status().await?, json!({ "backfill_percent": 100.0 }));
    assert_eq!(server.statements_when_warm(status).await?, 0);
    Ok(())
}

on_engines! {
    a_notification_is_queued_once
    without_a_shared_key_no_token_is_asked_for
    how_far_the_scanner_is_costs_one_count_for_many_who_ask
}
