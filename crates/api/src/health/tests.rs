#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use insta::assert_snapshot;

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
    let fixture =
        Fixture::with(|config| config.health.check_limit = Duration::from_millis(20)).await;
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
    assert!(start.elapsed() < Duration::from_secs(5));
    drop(taken);
    assert_eq!(fixture.get("/health/instance").await.status, OK);
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
