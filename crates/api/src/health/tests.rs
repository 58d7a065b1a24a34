#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use insta::assert_snapshot;
use pierhead_auth::AuthConfig;
use pierhead_config::Secret;
use serde_json::Value;

use crate::testing::{Answer, Fixture, KID};

const OK: StatusCode = StatusCode::OK;
const UNHEALTHY: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

/// What is unhealthy in an answer.
fn unhealthy(answer: &Answer) -> Vec<String> {
    let services = answer.json()["data"]["services"].clone();
    let services: BTreeMap<String, bool> = serde_json::from_value(services).unwrap();
    services
        .into_iter()
        .filter_map(|(name, healthy)| (!healthy).then_some(name))
        .collect()
}

#[tokio::test]
async fn p2_an_instance_reports_exactly_the_services_that_quay_reports() {
    let fixture = Fixture::new().await;
    let answer = fixture.get("/health/instance").await;
    assert_eq!(answer.status, OK);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(
        answer.header("cache-control"),
        "no-cache, no-store, must-revalidate"
    );
    assert_eq!(fixture.get("/health").await.body, answer.body);
    assert_snapshot!(answer.body, @r#"{"data":{"services":{"auth":true,"database":true,"disk_space":true,"registry_gunicorn":true,"service_key":true,"web_gunicorn":true}},"status_code":200}"#);
}

#[tokio::test]
async fn the_end_to_end_check_reports_what_is_behind_the_registry() {
    let fixture = Fixture::new().await;
    let answer = fixture.get("/health/endtoend").await;
    assert_eq!(answer.status, OK);
    assert_eq!(fixture.get("/status").await.body, answer.body);
    assert_snapshot!(answer.body, @r#"{"data":{"services":{"auth":true,"database":true,"redis":true,"storage":true}},"status_code":200}"#);
}

#[tokio::test]
async fn a_disk_below_its_threshold_is_unhealthy() {
    let fixture = Fixture::with(|config| config.health.disk_space_threshold = 1.1).await;
    let answer = fixture.get("/health/instance").await;
    assert_eq!(
        (answer.status, unhealthy(&answer)),
        (UNHEALTHY, vec!["disk_space".to_owned()])
    );
    assert_eq!(answer.json()["status_code"], 503);
    assert_eq!(fixture.get("/health/warning").await.status, OK);
}

#[tokio::test]
async fn a_disk_below_the_warning_threshold_only_warns() {
    let fixture = Fixture::with(|config| config.health.disk_space_warning_threshold = 1.1).await;
    let answer = fixture.get("/health/warning").await;
    assert_eq!(answer.status, UNHEALTHY);
    assert_snapshot!(answer.body, @r#"{"data":{"services":{"disk_space_warning":false}},"status_code":503}"#);
    assert_eq!(fixture.get("/health/instance").await.status, OK);
}

#[tokio::test]
async fn a_database_without_its_tables_is_unhealthy() {
    let fixture = Fixture::new().await;
    fixture.execute("DROP TABLE teamrole").await;
    let answer = fixture.get("/health/instance").await;
    assert_eq!(
        (answer.status, unhealthy(&answer)),
        (UNHEALTHY, vec!["database".to_owned()])
    );
    fixture
        .execute(r#"ALTER TABLE "user" RENAME TO gone"#)
        .await;
    let answer = fixture.get("/health/endtoend").await;
    assert_eq!(unhealthy(&answer), ["auth", "database"]);
}

#[tokio::test]
async fn a_database_that_does_not_answer_never_hangs_a_probe() {
    let fixture = Fixture::with(|config| config.health.check_limit = Duration::from_secs(1)).await;
    // Every connection for reading is taken, as if the database had stopped in the middle of a statement.
    let taken = [
        fixture.db.read().await.unwrap(),
        fixture.db.read().await.unwrap(),
    ];
    let start = Instant::now();
    let answer = fixture.get("/health/instance").await;
    assert_eq!(answer.status, UNHEALTHY);
    // A key that cannot be looked up is not called bad: the database is.
    assert_eq!(unhealthy(&answer), ["auth", "database"]);
    // Far less than the ten seconds that a pool waits.
    assert!(start.elapsed() < Duration::from_secs(9));
    drop(taken);
    while fixture.get("/health/instance").await.status != OK {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_location_that_went_away_is_unhealthy_only_if_it_is_preferred() {
    let fixture = Fixture::new().await;
    std::fs::remove_dir_all(fixture.folder().join("spare")).unwrap();
    assert_eq!(fixture.get("/health/endtoend").await.status, OK);
    std::fs::remove_dir_all(fixture.folder().join("default")).unwrap();
    let answer = fixture.get("/health/endtoend").await;
    assert_eq!(
        (answer.status, unhealthy(&answer)),
        (UNHEALTHY, vec!["storage".to_owned()])
    );
    let body = answer.body;
    assert!(!body.contains(fixture.folder().to_str().unwrap()), "{body}");
}

#[tokio::test]
async fn the_instance_check_includes_the_preferred_storage_if_it_is_told_to() {
    let fixture =
        Fixture::with(|config| config.health.instance_checks_preferred_storage = true).await;
    let answer = fixture.get("/health/instance").await;
    assert_eq!(answer.json()["data"]["services"]["preferred_storage"], true);
    std::fs::remove_dir_all(fixture.folder().join("default")).unwrap();
    assert_eq!(
        unhealthy(&fixture.get("/health/instance").await),
        ["preferred_storage"]
    );
}

#[tokio::test]
async fn r1_a_read_only_registry_stays_healthy_and_its_storage_is_not_written() {
    let fixture = Fixture::with(|config| config.read_only = true).await;
    std::fs::remove_dir_all(fixture.folder().join("default/uploads")).unwrap();
    for path in ["/health/instance", "/health/endtoend"] {
        let answer = fixture.get(path).await;
        assert_eq!(answer.status, OK, "{}", answer.body);
    }
}

#[tokio::test]
async fn an_instance_whose_key_verifies_nothing_is_unhealthy() {
    for taken_away in [
        "UPDATE servicekey SET expiration_date = '2026-03-04 05:06:07'",
        "UPDATE servicekey SET approval_id = NULL",
        "DELETE FROM servicekey",
    ] {
        let fixture = Fixture::new().await;
        fixture.execute(taken_away).await;
        let answer = fixture.get("/health/instance").await;
        assert_eq!(unhealthy(&answer), ["service_key"], "{taken_away}");
        assert!(!answer.body.contains(KID));
    }
}

#[tokio::test]
async fn a_registry_that_fails_to_answer_is_unhealthy() {
    let fails = Router::new().route("/v2/", get(async || StatusCode::INTERNAL_SERVER_ERROR));
    let fixture = Fixture::over(|_| (), fails).await;
    assert_eq!(
        unhealthy(&fixture.get("/health/instance").await),
        ["registry_gunicorn"]
    );
}

#[tokio::test]
async fn however_many_ask_the_database_is_asked_once() {
    let fixture = Fixture::with(|config| config.health.reuse_for = Duration::from_hours(1)).await;
    let before = fixture.db.statements();
    for _ in 0..50 {
        assert_eq!(fixture.get("/health/instance").await.status, OK);
        assert_eq!(fixture.get("/health/endtoend").await.status, OK);
    }
    // One each for auth, database and service key.
    assert_eq!(fixture.db.statements() - before, 3);
}

const DEBUG_SECRET: &str = "open sesame";

/// The answer to whoever has this cookie, or these credentials.
async fn get_with(fixture: &Fixture, path: &str, header: (&str, &str)) -> Answer {
    let request = Request::get(path).header(header.0, header.1);
    fixture.ask(request.body(Body::empty()).unwrap()).await
}

fn cookie(answer: &Answer) -> String {
    let (cookie, _) = answer.header("set-cookie").split_once(';').unwrap();
    cookie.to_owned()
}

#[tokio::test]
async fn a_session_that_knows_the_secret_sees_details() {
    let fixture = Fixture::configured(|config| {
        config.health.enable_health_debug_secret = Some(Secret::new(DEBUG_SECRET));
    })
    .await;
    let refused = fixture.get("/health/enabledebug/open-barley").await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    assert_eq!(refused.header("set-cookie"), "");
    let enabled = fixture.get("/health/enabledebug/open%20sesame").await;
    assert_eq!(enabled.status, OK);
    assert_eq!(enabled.body, "Health check debug information enabled");
    assert_eq!(
        enabled.header("cache-control"),
        "no-cache, no-store, must-revalidate"
    );
    let cookie = cookie(&enabled);
    let answer = get_with(&fixture, "/health/endtoend", ("cookie", &cookie)).await;
    assert_eq!(answer.status, OK);
    assert_snapshot!(answer.body, @r#"{"data":{"config_provider":"file","hostname":"","is_testing":false,"local_service_key_id":"this-instance","notes":[],"services":{"auth":true,"database":true,"redis":true,"storage":true},"services_expanded":{"auth":{"status":true},"database":{"status":true},"redis":{"status":true},"storage":{"status":true}}},"status_code":200}"#);
    std::fs::remove_dir_all(fixture.folder().join("default")).unwrap();
    let answer = get_with(&fixture, "/status", ("cookie", &cookie)).await;
    assert_eq!(answer.status, UNHEALTHY);
    let storage = &answer.json()["data"]["services_expanded"]["storage"];
    assert_eq!(storage["status"], false);
    let reason = storage["failure"].as_str().unwrap();
    assert!(reason.contains("default"), "{reason}");
    // Others learn no reason.
    assert!(!fixture.get("/status").await.body.contains("expanded"));
}

#[tokio::test]
async fn without_a_secret_nothing_enables_details() {
    let fixture = Fixture::new().await;
    for secret in ["", "None", "null", "x"] {
        let answer = fixture.get(&format!("/health/enabledebug/{secret}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{secret}");
    }
    let fixture = Fixture::configured(|config| {
        config.health.enable_health_debug_secret = Some(Secret::new(""));
    })
    .await;
    let answer = fixture.get("/health/enabledebug/").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn superusers_see_details_by_session_and_by_password_and_others_do_not() {
    for (superuser, sees) in [("ann", true), ("bob", false)] {
        let mut auth = AuthConfig::new("registry.example.com");
        auth.super_users.insert(superuser.to_owned());
        let fixture = Fixture::of(auth).await;
        let body =
            r#"{"username": "ann", "password": "a-long-password", "email": "ann@example.com"}"#;
        let cookie = cookie(&fixture.initialize(body).await);
        let basic = STANDARD.encode("ann:a-long-password");
        for header in [
            ("cookie", cookie.as_str()),
            ("authorization", &format!("Basic {basic}")),
        ] {
            let answer = get_with(&fixture, "/health/warning", header).await;
            assert_eq!(answer.status, OK);
            let data = &answer.json()["data"];
            assert_eq!(data.get("hostname").is_some(), sees, "{header:?} {data}");
            assert_eq!(data.get("local_service_key_id").is_some(), sees);
        }
        // Credentials that do not count refuse nobody.
        let basic = format!("Basic {}", STANDARD.encode("ann:wrong"));
        for value in [basic.as_str(), "Bearer e30.e30.e30", "nonsense"] {
            let answer = get_with(&fixture, "/health/warning", ("authorization", value)).await;
            assert_eq!(
                (answer.status, &answer.json()["data"]["notes"]),
                (OK, &Value::Null)
            );
        }
    }
}

#[tokio::test]
async fn details_of_a_read_only_registry_say_that_its_storage_is_not_checked() {
    let fixture = Fixture::with(|config| {
        config.read_only = true;
        config.health.instance_checks_preferred_storage = true;
    })
    .await;
    let mut session = serde_json::Map::new();
    session.insert("health_debug".to_owned(), true.into());
    let now = u64::try_from(crate::testing::now().and_utc().timestamp()).unwrap();
    let cookies = &fixture.api.0.config.session.cookies;
    let cookie = format!("_csrf_token={}", cookies.seal(&session, now));
    let answer = get_with(&fixture, "/status", ("cookie", &cookie)).await;
    assert_eq!(
        answer.json()["data"]["services_expanded"]["storage"],
        serde_json::json!({ "status": true, "message": "Storage check disabled for readonly mode" })
    );
    let answer = get_with(&fixture, "/health", ("cookie", &cookie)).await;
    assert_eq!(
        answer.json()["data"]["services_expanded"]["preferred_storage"]["message"],
        "Preferred storage check disabled for readonly mode"
    );
}
