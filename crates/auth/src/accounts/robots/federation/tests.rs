#![allow(clippy::unwrap_used)]

use super::*;
use crate::accounts::NewRobot;
use crate::accounts::testing::Fixture;

async fn fixture() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    let new = NewRobot {
        namespace: "alice".to_owned(),
        short: "bot".to_owned(),
        ..NewRobot::default()
    };
    fixture
        .accounts
        .create_robot(&Actor::operator(), new)
        .await
        .unwrap();
    fixture
}

fn entry(issuer: &str, subject: &str) -> FederationEntry {
    FederationEntry {
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
    }
}

#[tokio::test]
async fn a_federation_replaces_the_one_before_and_keeps_other_keys() {
    let fixture = fixture().await;
    let accounts = &fixture.accounts;
    let operator = Actor::operator();
    assert_eq!(
        accounts.robot_federation("alice+bot").await.unwrap(),
        [] as [Value; 0]
    );
    fixture
        .execute(r#"UPDATE federatedlogin SET metadata_json = '{"kept": 1}'"#)
        .await;
    for subject in ["first", "second"] {
        accounts
            .set_robot_federation(&operator, "alice+bot", &[entry("https://idp", subject)])
            .await
            .unwrap();
    }
    assert_eq!(
        fixture
            .value("SELECT metadata_json FROM federatedlogin")
            .await,
        r#"{"kept":1,"federation_config":[{"issuer":"https://idp","subject":"second"}]}"#
    );
    let audit = fixture.audit().await;
    assert_eq!(audit["kind"].as_deref(), Some("create_robot_federation"));
    assert_eq!(
        audit["metadata_json"].as_deref(),
        Some(r#"{"robot":"bot","config":[{"issuer":"https://idp","subject":"second"}]}"#)
    );
    accounts
        .delete_robot_federation(&operator, "alice+bot")
        .await
        .unwrap();
    assert_eq!(
        fixture
            .value("SELECT metadata_json FROM federatedlogin")
            .await,
        r#"{"kept":1,"federation_config":[]}"#
    );
}

#[tokio::test]
async fn an_entry_needs_both_parts_a_url_and_to_be_new() {
    let fixture = fixture().await;
    let twice = [entry("https://idp", "a"), entry("https://idp", "a")];
    for (entries, message) in [
        (&twice[..], "Duplicate federation config entry"),
        (
            &[entry("", "a")],
            "Missing one or more required fields (issuer, subject)",
        ),
        (
            &[entry("idp", "a")],
            "Issuer must be a URL (http:// or https://)",
        ),
    ] {
        let error = fixture
            .accounts
            .set_robot_federation(&Actor::operator(), "alice+bot", entries)
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    assert_eq!(
        fixture
            .value("SELECT metadata_json FROM federatedlogin")
            .await,
        "{}"
    );
}
