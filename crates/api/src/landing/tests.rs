#![allow(clippy::unwrap_used)]

use base64::Engine as _;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::testing::{Fixture, config};

#[tokio::test]
async fn the_page_tells_how_to_make_the_first_user_until_there_is_one() {
    let fixture = Fixture::new().await;
    let before = fixture.get("/").await;
    assert_eq!(before.header("content-type"), "text/html; charset=utf-8");
    assert!(
        before
            .body
            .contains("curl -X POST https://registry.example.com/api/v1/user/initialize")
    );
    let first = r#"{"username": "admin", "password": "correct-horse"}"#;
    assert_eq!(fixture.initialize(first).await.status, 200);
    let after = fixture.get("/").await.body;
    assert!(!after.contains("first user") && after.contains("podman login registry.example.com"));
}

#[tokio::test]
async fn without_the_feature_the_first_user_is_made_at_the_command_line() {
    let page = Fixture::with(|config| config.user_initialize = false)
        .await
        .get("/")
        .await
        .body;
    assert!(page.contains("pierhead user create admin") && !page.contains("curl"));
}

#[tokio::test]
async fn where_nobody_can_be_made_nobody_is_asked_to() {
    let read_only = Fixture::with(|config| config.read_only = true).await;
    let ldap = Fixture::with(|config| config.database_auth = false).await;
    for fixture in [read_only, ldap] {
        assert!(!fixture.get("/").await.body.contains("first user"));
    }
}

#[tokio::test]
async fn the_page_is_shown_while_the_database_fails() {
    let fixture = Fixture::new().await;
    fixture
        .execute(r#"ALTER TABLE "user" RENAME TO gone"#)
        .await;
    let answer = fixture.get("/").await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("podman push"));
}

#[test]
fn what_comes_from_the_configuration_is_escaped() {
    let mut config = config();
    config.title = r#"<script>alert("1")</script> {{style}} & 'Co'"#.to_owned();
    config.hostname = "<b>.example.com".to_owned();
    let page = page(&config, Some(FirstUserBy::Request));
    assert!(!page.contains("<script") && !page.contains("<b>"));
    assert_eq!(
        page.matches(
            "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; {{style}} &amp; &#39;Co&#39;"
        )
        .count(),
        2
    );
    assert_eq!(page.matches("color-scheme: light dark").count(), 1);
}

#[tokio::test]
async fn the_page_may_load_nothing_but_its_own_style() {
    let answer = Fixture::new().await.get("/").await;
    let style = answer
        .body
        .split_once("<style>")
        .unwrap()
        .1
        .split_once("</style>")
        .unwrap()
        .0;
    let hash = STANDARD.encode(Sha256::digest(style));
    let policy = answer.header("content-security-policy");
    assert!(
        policy.starts_with(&format!("default-src 'none'; style-src 'sha256-{hash}';")),
        "{policy}"
    );
    for outside in ["http://", "src=", "@import", "url("] {
        assert!(!answer.body.contains(outside), "{outside}");
    }
    assert!(!answer.body.contains("style=\""));
}

#[test]
fn without_tls_each_client_is_told_so() {
    let mut config = config();
    config.scheme = "http".to_owned();
    let page = page(&config, None);
    assert!(page.contains("podman push --tls-verify=false registry.example.com/you/app:1.0"));
    assert!(page.contains("--dest-tls-verify=false"));
    assert!(page.contains("insecure-registries"));
    for host in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080"] {
        config.hostname = host.to_owned();
        assert!(
            !super::page(&config, None).contains("insecure-registries"),
            "{host}"
        );
    }
}
