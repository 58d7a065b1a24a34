#![allow(clippy::unwrap_used)]

use axum::body::Body;
use axum::http::{Request, StatusCode};
use insta::assert_snapshot;

use super::routes;
use crate::testing::Fixture;

#[test]
fn every_route_says_who_may_call_it() {
    let mut declared: Vec<String> = routes()
        .into_iter()
        .map(|route| format!("{} {}: {}", route.path, route.method, route.rule))
        .collect();
    declared.sort();
    // One snapshot, so that no route can stay behind in a file that nothing looks at.
    assert_snapshot!(declared.join("\n"));
}

#[test]
fn no_route_is_declared_twice() {
    let mut seen = std::collections::HashSet::new();
    for route in routes() {
        let key = (route.method, route.path);
        assert!(seen.insert(key.clone()), "{key:?}");
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
            r#"{"message":"The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again."}"#,
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

#[tokio::test]
async fn every_answer_of_the_api_says_who_may_read_it() {
    let fixture = Fixture::new().await;
    let request = Request::options("/api/v1/user/initialize")
        .header("origin", "https://console.example.com")
        .body(Body::empty())
        .unwrap();
    let answer = fixture.ask(request).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("allow"), "POST, OPTIONS");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(
        answer.header("access-control-allow-methods"),
        "DELETE, GET, HEAD, OPTIONS, POST, PUT"
    );
}

#[tokio::test]
async fn options_of_an_address_are_those_that_it_has() {
    let fixture = Fixture::new().await;
    let options = async |path: &str| {
        let request = Request::options(path).body(Body::empty()).unwrap();
        fixture.ask(request).await
    };
    for (path, methods) in [
        ("/api/v1/messages", "GET, HEAD, POST, OPTIONS"),
        ("/csrf_token", "GET, HEAD, OPTIONS"),
    ] {
        let answer = options(path).await;
        let told = (answer.status, answer.header("allow"));
        assert_eq!(told, (StatusCode::OK, methods), "{path}");
        assert_eq!(answer.body, "");
    }
    for path in ["/api/v1/nope", "/api/v1/nope/nowhere"] {
        let answer = options(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
}

#[tokio::test]
async fn browsers_read_the_api_by_scripts_only() {
    let fixture = Fixture::new().await;
    const SAFARI: &str =
        "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/534.34 (KHTML, like Gecko) Safari/534.34";
    for (agent, script, status) in [
        ("curl/8.5.0", false, StatusCode::OK),
        ("Mozilla/5.0", false, StatusCode::OK),
        (SAFARI, true, StatusCode::OK),
        (SAFARI, false, StatusCode::BAD_REQUEST),
    ] {
        let mut request = Request::get("/api/v1/messages").header("user-agent", agent);
        if script {
            request = request.header("x-requested-with", "XMLHttpRequest");
        }
        let answer = fixture.ask(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, status, "{agent} {script}");
    }
    let page = Request::get("/").header("user-agent", SAFARI);
    let page = fixture.ask(page.body(Body::empty()).unwrap()).await;
    assert_eq!(page.status, StatusCode::OK);
}

#[tokio::test]
async fn the_token_of_a_session_is_for_configured_origins_only() {
    let ask = |origin: Vec<String>| async {
        let fixture = Fixture::configured(|config| config.server.cors_origin.0 = origin).await;
        let request = Request::get("/csrf_token").header("origin", "https://console.example.com");
        fixture.ask(request.body(Body::empty()).unwrap()).await
    };
    let closed = ask(Vec::new()).await;
    assert_eq!(closed.status, StatusCode::OK);
    assert_eq!(closed.header("access-control-allow-origin"), "");
    let open = ask(vec!["https://console.example.com".to_owned()]).await;
    assert_eq!(
        open.header("access-control-allow-origin"),
        "https://console.example.com"
    );
    assert_eq!(open.header("access-control-allow-credentials"), "true");
}

#[tokio::test]
async fn the_addresses_of_the_console_are_those_of_quay() {
    let on = Fixture::new().await;
    for path in [
        "/__exp/anything",
        "/repository/acme",
        "/repository/acme/app",
        "/repository/acme/app/trigger/269886f3",
        "/setup/",
        "/superuser/",
        "/tour/",
        "/tour/organizations/teams",
        "/v1",
        "/v1/",
    ] {
        let answer = on.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(answer.body.contains("Log in and push"), "{path}");
    }
    let failed = on.get("/500").await;
    assert_eq!(failed.status, StatusCode::OK);
    assert!(failed.body.contains("Something went wrong"));
    for path in [
        "/404",
        "/plans/",
        "/enterprise/",
        "/receipt",
        "/health/dbrevision",
    ] {
        assert_eq!(on.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let off = Fixture::configured(|config| config.users.feature_super_users = false).await;
    for path in ["/setup/", "/superuser/"] {
        let answer = off.get(path).await;
        let told = (answer.status, answer.body.trim_end());
        assert_eq!(
            told,
            (StatusCode::NOT_FOUND, r#"{"error":"Not Found"}"#),
            "{path}"
        );
    }
}

#[tokio::test]
async fn nothing_of_the_scanner_is_served_while_an_account_is_recovered() {
    let fixture = Fixture::configured(|config| config.users.account_recovery_mode = true).await;
    let answer = fixture.get("/secscan/_backfill_status").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_slash_too_many_leads_to_the_renewal_of_the_bootstrap_token() {
    let request = Request::post("/api/v1/bootstrap/renew/")
        .body(Body::empty())
        .unwrap();
    let answer = Fixture::new().await.ask(request).await;
    assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(answer.header("location"), "/api/v1/bootstrap/renew");
}

#[tokio::test]
async fn an_operators_own_icon_and_rules_for_crawlers_are_served() {
    let fixture = Fixture::with(|config| {
        config.files.icon = "icon".into();
        config.files.robots = "User-agent: *".into();
    })
    .await;
    for path in ["/favicon.ico", "/static/favicon.ico"] {
        let answer = fixture.get(path).await;
        assert_eq!(answer.header("content-type"), "image/x-icon");
        assert_eq!(answer.body, "icon", "{path}");
    }
    assert_eq!(fixture.get("/robots.txt").await.body, "User-agent: *");
}

#[tokio::test]
async fn discovery_names_the_terms_of_service_and_whom_to_write_to() {
    let fixture = Fixture::configured(|config| {
        let terms = Some("https://example.com/terms".to_owned());
        let links = &mut config.ui.footer_links;
        links.insert("TERMS_OF_SERVICE_URL".to_owned(), terms);
        config.mail.mail_default_sender = "registry@example.com".to_owned();
    })
    .await;
    let info = &fixture.get("/api/v1/discovery").await.json()["info"];
    assert_eq!(info["termsOfService"], "https://example.com/terms");
    assert_eq!(info["contact"]["email"], "registry@example.com");
}
