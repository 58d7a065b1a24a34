#![allow(clippy::unwrap_used)]

use axum::body::Body;
use axum::http::{Request, StatusCode};
use insta::assert_snapshot;

use super::routes;
use crate::testing::{Fixture, SECRET_KEY};

#[test]
fn every_route_says_who_may_call_it() {
    let declared: Vec<_> = routes()
        .iter()
        .map(|route| format!("{} {} {:?}", route.method, route.path, route.guard))
        .collect();
    assert_snapshot!(declared.join("\n"), @r"
    GET / Anyone
    GET /health Anyone
    GET /health/instance Anyone
    GET /health/endtoend Anyone
    GET /health/warning Anyone
    GET /status Anyone
    GET /_internal_ping Anyone
    GET /v1/_internal_ping Anyone
    GET /secscan/_internal_ping Anyone
    GET /v1/_ping Anyone
    GET /.well-known/app-capabilities Anyone
    GET /keys/services/{service}/keys Anyone
    GET /keys/services/{service}/keys/{kid} Anyone
    POST /api/v1/user/initialize Anyone
    ");
}

#[tokio::test]
async fn every_declared_route_is_served_and_tells_no_secret() {
    let fixture = Fixture::new().await;
    let folder = fixture.folder().to_str().unwrap().to_owned();
    for route in routes() {
        let path = route
            .path
            .replace("{service}", "quay")
            .replace("{kid}", "this-instance");
        let request = Request::builder()
            .method(route.method)
            .uri(&path)
            .header("content-type", "application/json")
            .body(Body::empty())
            .unwrap();
        let answer = fixture.ask(request).await;
        let expected = if route.method == "GET" {
            StatusCode::OK
        } else {
            StatusCode::BAD_REQUEST
        };
        assert_eq!(answer.status, expected, "{path}");
        for secret in [SECRET_KEY, &folder, "ServiceKeyApproval"] {
            assert!(!answer.body.contains(secret), "{path}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn pings_say_true() {
    let fixture = Fixture::new().await;
    for path in [
        "/_internal_ping",
        "/v1/_internal_ping",
        "/secscan/_internal_ping",
        "/v1/_ping",
    ] {
        assert_eq!(fixture.get(path).await.body, "true");
    }
    let ping = fixture.get("/v1/_ping").await;
    assert_eq!(ping.header("content-type"), "text/plain");
    assert_eq!(ping.header("x-docker-registry-version"), "0.6.0");
    assert_eq!(ping.header("x-docker-registry-standalone"), "0");
}

#[tokio::test]
async fn the_capabilities_are_those_of_quay() {
    let answer = Fixture::new()
        .await
        .get("/.well-known/app-capabilities")
        .await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_snapshot!(answer.body, @r#"{"appName": "io.quay", "capabilities": {"io.quay.view-image": {"url-template": "https://registry.example.com/{namespace}/{reponame}:{tag}"}, "io.quay.image-security": {"rest-api-template": "https://registry.example.com/api/v1/repository/{namespace}/{reponame}/image/{imageid}/security", "deprecated": true}, "io.quay.manifest-security": {"rest-api-template": "https://registry.example.com/api/v1/repository/{namespace}/{reponame}/manifest/{digest}/security"}}}"#);
}

#[tokio::test]
async fn programs_get_json_for_an_unknown_path_and_browsers_a_page() {
    let fixture = Fixture::new().await;
    for (path, body) in [
        (
            "/api/v1/nope/",
            r#"{"message":"There is nothing at this address"}"#,
        ),
        ("/v1/users/", r#"{"error":"Not Found"}"#),
        ("/health/dbrevision", r#"{"error":"Not Found"}"#),
    ] {
        let answer = fixture.get(path).await;
        assert_eq!(
            (answer.status, answer.body.trim_end()),
            (StatusCode::NOT_FOUND, body)
        );
    }
    let request = Request::get("/api/v1/nope/")
        .header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
        .body(Body::empty())
        .unwrap();
    let answer = fixture.ask(request).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert!(answer.body.contains("There is nothing at this address."));
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_one() {
    let answer = Fixture::new().await.get("/api/v1/user/initialize").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.header("allow"), "POST");
    assert!(answer.json()["message"].is_string());
}
