#![allow(clippy::unwrap_used)]

use std::net::{IpAddr, Ipv4Addr};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use insta::assert_snapshot;
use pierhead_db::encoding::key::DerivedKey;
use pierhead_db::encoding::password::PasswordCipher;
use pierhead_http::Peer;

use crate::extract::MAX_BODY;
use crate::testing::{Answer, Fixture, SECRET_KEY};

const FIRST: &str = r#"{"username": "admin", "password": "correct-horse", "email": "admin@example.com", "access_token": true, "else": [1]}"#;
const BAD_REQUEST: StatusCode = StatusCode::BAD_REQUEST;

async fn nobody_was_made(fixture: &Fixture) {
    let rows = r#"SELECT (SELECT COUNT(*) FROM "user") + (SELECT COUNT(*) FROM oauthapplication) + (SELECT COUNT(*) FROM logentry3)"#;
    assert_eq!(fixture.count(rows).await, 0);
}

fn refused(answer: &Answer, status: StatusCode, message: &str) {
    assert_eq!(answer.json(), serde_json::json!({ "message": message }));
    assert_eq!(answer.status, status);
}

#[tokio::test]
async fn the_first_user_is_made_with_a_token() {
    let fixture = Fixture::new().await;
    let answer = fixture.initialize(FIRST).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.header("cache-control"),
        "no-cache, no-store, must-revalidate"
    );
    let body = answer.json();
    let keys: Vec<_> = body.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        keys,
        ["access_token", "email", "encrypted_password", "username"]
    );
    assert_eq!(
        (&body["username"], &body["email"]),
        (&"admin".into(), &"admin@example.com".into())
    );
    assert_eq!(body["access_token"].as_str().unwrap().len(), 40);
    let cipher = PasswordCipher::new(DerivedKey::from_secret(SECRET_KEY).unwrap());
    let encrypted = body["encrypted_password"].as_str().unwrap();
    let decrypted = cipher.decrypt(encrypted).unwrap();
    assert_eq!(decrypted.expose(), "correct-horse");
}

#[tokio::test]
async fn a_first_user_needs_neither_an_address_nor_a_token() {
    let fixture = Fixture::new().await;
    let body = r#"{"username": "admin", "password": "correct-horse", "email": null}"#;
    let answer = fixture.initialize(body).await.json();
    let keys: Vec<_> = answer.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["email", "encrypted_password", "username"]);
    assert!(answer["email"].is_null());
    assert_eq!(
        fixture.count("SELECT COUNT(*) FROM oauthaccesstoken").await,
        0
    );
}

#[tokio::test]
async fn of_two_at_once_one_wins() {
    let fixture = Fixture::new().await;
    let other = FIRST.replace("admin", "other");
    let (one, two) = tokio::join!(fixture.initialize(FIRST), fixture.initialize(&other));
    let (won, lost) = if one.status == StatusCode::OK {
        (one, two)
    } else {
        (two, one)
    };
    assert_eq!(won.status, StatusCode::OK);
    refused(
        &lost,
        BAD_REQUEST,
        "Cannot initialize user in a non-empty database",
    );
    assert_eq!(fixture.count(r#"SELECT COUNT(*) FROM "user""#).await, 1);
}

#[tokio::test]
async fn with_any_account_the_answer_is_the_same_whatever_is_asked() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.initialize(FIRST).await.status, StatusCode::OK);
    for body in [FIRST, "{", r#"{"username": 5}"#] {
        let answer = fixture.initialize(body).await;
        refused(
            &answer,
            BAD_REQUEST,
            "Cannot initialize user in a non-empty database",
        );
    }
}

#[tokio::test]
async fn the_configuration_decides_whether_it_is_possible() {
    let off = Fixture::with(|config| config.user_initialize = false).await;
    assert_eq!(off.initialize(FIRST).await.status, StatusCode::NOT_FOUND);
    nobody_was_made(&off).await;
    let ldap = Fixture::with(|config| config.database_auth = false).await;
    let answer = ldap.initialize(FIRST).await;
    refused(
        &answer,
        BAD_REQUEST,
        "Cannot initialize user in a non-database auth system",
    );
    nobody_was_made(&ldap).await;
}

#[tokio::test]
async fn r1_a_read_only_registry_makes_no_user() {
    let fixture = Fixture::with(|config| config.read_only = true).await;
    let answer = fixture.initialize(FIRST).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_snapshot!(answer.body, @r#"{"is_readonly":true,"message":"System is currently read-only. Pulls will succeed but all write operations are currently suspended."}"#);
    nobody_was_made(&fixture).await;
}

#[tokio::test]
async fn bad_input_is_told_what_is_wrong_and_changes_nothing() {
    let fixture = Fixture::new().await;
    for (body, reason) in [
        ("", "the body is not JSON at line 1 column 0"),
        (
            "{\"username\": \"x\",\n",
            "the body is not JSON at line 2 column 0",
        ),
        ("[]", "the body must be a JSON object"),
        ("{}", "username is required"),
        (r#"{"username": "admin"}"#, "password is required"),
        (
            r#"{"username": 7, "password": "correct-horse"}"#,
            "username must be text",
        ),
        (
            r#"{"username": "admin", "password": ["correct-horse"]}"#,
            "password must be text",
        ),
        (
            r#"{"username": "admin", "password": "correct-horse", "email": {}}"#,
            "email must be text",
        ),
        (
            r#"{"username": "admin", "password": "short"}"#,
            "Invalid password, password must be at least 8 characters and contain no whitespace.",
        ),
    ] {
        let answer = fixture.initialize(body).await;
        refused(
            &answer,
            BAD_REQUEST,
            &format!("Failed to initialize user: {reason}"),
        );
    }
    let answer = fixture
        .initialize(&FIRST.replace("admin\"", "Not A Name\""))
        .await;
    assert_eq!(answer.status, BAD_REQUEST);
    assert!(
        answer
            .body
            .contains("Failed to initialize user: Invalid namespace Not A Name")
    );
    nobody_was_made(&fixture).await;
}

#[tokio::test]
async fn a_body_over_the_limit_or_of_another_type_is_not_read() {
    let fixture = Fixture::new().await;
    let long = format!("{}{FIRST}", " ".repeat(MAX_BODY));
    assert_eq!(
        fixture.initialize(&long).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    for content_type in ["application/x-www-form-urlencoded", "text/json"] {
        let request = Request::post("/api/v1/user/initialize")
            .header("content-type", content_type)
            .body(Body::from(FIRST))
            .unwrap();
        assert_eq!(
            fixture.ask(request).await.status,
            StatusCode::UNSUPPORTED_MEDIA_TYPE
        );
    }
    nobody_was_made(&fixture).await;
}

#[tokio::test]
async fn no_refusal_repeats_the_password() {
    let fixture = Fixture::new().await;
    for body in [
        r#"{"username": "admin", "password": "two secret-words"}"#,
        r#"{"username": "A B", "password": "secret-words"}"#,
        r#"{"username": "admin", "password": "secret-words" oops}"#,
        r#"{"username": "admin", "password": {"secret-words": 1}}"#,
        r#"{"username": "admin", "password": "secret-words", "email": "nobody"}"#,
    ] {
        let answer = fixture.initialize(body).await;
        assert!(!answer.body.contains("secret-words"), "{}", answer.body);
    }
}

#[tokio::test]
async fn the_audit_log_has_the_address_of_the_caller() {
    let fixture = Fixture::new().await;
    let mut request = Request::post("/api/v1/user/initialize")
        .header("content-type", "application/json; charset=utf-8")
        .body(Body::from(FIRST))
        .unwrap();
    request.extensions_mut().insert(Peer {
        address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
        secure: true,
    });
    assert_eq!(fixture.ask(request).await.status, StatusCode::OK);
    let from_there = "SELECT COUNT(*) FROM logentry3 WHERE ip = '192.0.2.7'";
    assert_eq!(fixture.count(from_there).await, 1);
}

#[tokio::test]
async fn a_database_that_fails_is_not_the_fault_of_the_caller() {
    let fixture = Fixture::new().await;
    fixture
        .execute(r#"ALTER TABLE "user" RENAME TO gone"#)
        .await;
    let answer = fixture.initialize(FIRST).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_snapshot!(answer.body, @r#"{"message":"The registry failed to answer. Its log says why."}"#);
}
