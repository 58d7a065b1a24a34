#![allow(clippy::unwrap_used)]

use axum::http::StatusCode;
use insta::assert_snapshot;

use crate::testing::Fixture;

async fn fixture() -> Fixture {
    let fixture = Fixture::new().await;
    fixture
        .service_key("quay", "long-lived", 60 * 24 * 30)
        .await;
    fixture.service_key("quay", "ended", -1).await;
    fixture.service_key("quay", "pending", 60).await;
    fixture.service_key("builder", "other", 60).await;
    fixture
        .execute("UPDATE servicekey SET approval_id = NULL WHERE kid = 'pending'")
        .await;
    fixture
}

#[tokio::test]
async fn the_keys_of_a_service_that_verify_are_listed_with_their_ids() {
    let answer = fixture().await.get("/keys/services/quay/keys").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_snapshot!(answer.body, @r#"{"keys":[{"e":"AQAB","kid":"this-instance","kty":"RSA","n":"sXch"},{"e":"AQAB","kid":"long-lived","kty":"RSA","n":"sXch"}]}"#);
}

#[tokio::test]
async fn a_service_without_keys_has_an_empty_list() {
    let answer = fixture().await.get("/keys/services/nobody/keys").await;
    assert_snapshot!(answer.body, @r#"{"keys":[]}"#);
}

#[tokio::test]
async fn a_key_may_be_cached_until_it_ends_but_for_a_day_at_most() {
    let fixture = fixture().await;
    let answer = fixture.get("/keys/services/quay/keys/this-instance").await;
    assert_eq!(answer.header("cache-control"), "max-age=3600");
    assert_snapshot!(answer.body, @r#"{"e":"AQAB","kty":"RSA","n":"sXch"}"#);
    let answer = fixture.get("/keys/services/quay/keys/long-lived").await;
    assert_eq!(answer.header("cache-control"), "max-age=86400");
}

#[tokio::test]
async fn a_key_that_does_not_verify_is_refused_with_the_reason() {
    let fixture = fixture().await;
    for (kid, status) in [
        ("unknown", StatusCode::NOT_FOUND),
        ("other", StatusCode::NOT_FOUND),
        ("pending", StatusCode::CONFLICT),
        ("ended", StatusCode::FORBIDDEN),
    ] {
        let answer = fixture
            .get(&format!("/keys/services/quay/keys/{kid}"))
            .await;
        assert_eq!(answer.status, status, "{kid}");
        assert!(answer.json()["error"].is_string());
        assert!(!answer.body.contains("sXch"));
    }
}
