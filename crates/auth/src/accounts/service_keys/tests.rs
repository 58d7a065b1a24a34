#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::super::testing::Fixture;
use super::*;

fn policy() -> ServiceKeysPolicy {
    ServiceKeysPolicy {
        expired_ttl: TimeDelta::days(7),
        unapproved_ttl: TimeDelta::days(1),
        superusers: vec!["root".to_owned(), "nobody".to_owned()],
        log_account: None,
    }
}

fn submitted(kid: &str) -> SubmittedServiceKey {
    SubmittedServiceKey {
        kid: kid.to_owned(),
        service: "scanner".to_owned(),
        jwk: json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" }),
        expires: None,
        rotation_duration: Some(3600),
    }
}

fn origin() -> ServiceKeyOrigin {
    ServiceKeyOrigin {
        ip: Some("192.0.2.1".to_owned()),
        user_agent: Some("scanner/1".to_owned()),
    }
}

async fn audited(fixture: &Fixture) -> (String, Value) {
    let row = fixture.audit().await;
    let metadata = row["metadata_json"].as_deref().unwrap();
    (
        row["kind"].clone().unwrap(),
        serde_json::from_str(metadata).unwrap(),
    )
}

#[tokio::test]
async fn a_superuser_makes_a_key_whose_private_half_is_stored_nowhere() {
    let fixture = Fixture::new().await;
    let root = fixture.user("root").await;
    let accounts = &fixture.accounts;
    let new = NewServiceKey {
        service: "scanner".to_owned(),
        name: "Scanner key".to_owned(),
        metadata: Map::new(),
        notes: "by hand".to_owned(),
        expires: None,
    };
    let made = accounts
        .create_service_key(&Actor::user(root), &policy(), new)
        .await
        .unwrap();
    assert!(made.public_key.starts_with("-----BEGIN PUBLIC KEY-----\n"));
    assert!(
        made.private_key
            .expose()
            .starts_with("-----BEGIN RSA PRIVATE KEY-----\n")
    );

    let key = accounts.service_key(&policy(), &made.kid).await.unwrap();
    assert_eq!(key.approver.as_deref(), Some("root"));
    assert_eq!(key.notes.as_deref(), Some("by hand"));
    assert_eq!(
        key.approval_type.as_deref(),
        Some("ServiceKeyApprovalType.SUPERUSER")
    );
    let jwk: Value = serde_json::from_str(&key.jwk).unwrap();
    assert!(jwk.get("d").is_none());
    let (kind, metadata) = audited(&fixture).await;
    assert_eq!(kind, "service_key_approve");
    assert_eq!(metadata["auto_approved"], true);
    assert_eq!(
        fixture.value("SELECT COUNT(*) FROM notification").await,
        "0"
    );
}

#[tokio::test]
async fn a_submitted_key_waits_is_told_to_superusers_and_is_approved_once() {
    let fixture = Fixture::new().await;
    let root = fixture.user("root").await;
    let accounts = &fixture.accounts;
    accounts
        .submit_service_key(&policy(), &origin(), submitted("k1"))
        .await
        .unwrap();
    let told = fixture
        .row("SELECT target_id, lookup_path FROM notification")
        .await;
    assert_eq!(told["target_id"], Some(root.to_string()));
    assert_eq!(
        told["lookup_path"],
        Some(format!("/service_key_approval/k1/{root}"))
    );
    let (kind, metadata) = audited(&fixture).await;
    assert_eq!(kind, "service_key_create");
    assert_eq!(metadata["ip"], "192.0.2.1");
    assert_eq!(
        accounts
            .service_key(&policy(), "k1")
            .await
            .unwrap()
            .approval_id,
        None
    );

    let taken = accounts
        .submit_service_key(&policy(), &origin(), submitted("k1"))
        .await;
    assert!(matches!(taken, Err(AccountsError::ServiceKeyExists(_))));

    let actor = Actor::user(root);
    accounts
        .approve_service_key(&actor, &policy(), "k1", "fine")
        .await
        .unwrap();
    assert_eq!(
        fixture.value("SELECT COUNT(*) FROM notification").await,
        "0"
    );
    let rows = fixture.audit_rows().await;
    accounts
        .approve_service_key(&actor, &policy(), "k1", "again")
        .await
        .unwrap();
    assert_eq!(fixture.audit_rows().await, rows);
    let key = accounts.service_key(&policy(), "k1").await.unwrap();
    assert_eq!(key.notes.as_deref(), Some("fine"));
    let missing = accounts
        .approve_service_key(&actor, &policy(), "k2", "")
        .await;
    assert!(missing.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_rotated_key_hands_its_approval_to_the_next() {
    let fixture = Fixture::new().await;
    let root = fixture.user("root").await;
    let accounts = &fixture.accounts;
    accounts
        .submit_service_key(&policy(), &origin(), submitted("k1"))
        .await
        .unwrap();
    accounts
        .approve_service_key(&Actor::user(root), &policy(), "k1", "")
        .await
        .unwrap();
    accounts
        .rotate_service_key(&policy(), &origin(), "k1", submitted("k2"))
        .await
        .unwrap();
    assert!(accounts.service_key(&policy(), "k1").await.is_err());
    let key = accounts.service_key(&policy(), "k2").await.unwrap();
    assert_eq!(key.approver.as_deref(), Some("root"));
    assert_eq!(key.rotation_duration, Some(3600));
    assert_eq!(object(&key.metadata)["created_by"], "Key Rotation");
    assert_eq!(audited(&fixture).await.0, "service_key_rotate");
    let again = accounts
        .rotate_service_key(&policy(), &origin(), "k1", submitted("k3"))
        .await;
    assert!(again.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_service_deletes_its_own_keys_only() {
    let fixture = Fixture::new().await;
    fixture.user("root").await;
    let accounts = &fixture.accounts;
    accounts
        .submit_service_key(&policy(), &origin(), submitted("k1"))
        .await
        .unwrap();
    let other = accounts
        .withdraw_service_key(&policy(), &origin(), "x", "builder", "k1")
        .await;
    assert!(other.unwrap_err().is_not_found());
    accounts
        .withdraw_service_key(&policy(), &origin(), "k1", "scanner", "k1")
        .await
        .unwrap();
    assert_eq!(
        fixture.value("SELECT COUNT(*) FROM notification").await,
        "0"
    );
    assert_eq!(fixture.value("SELECT COUNT(*) FROM servicekey").await, "0");
}

#[tokio::test]
async fn a_change_sets_what_is_given_and_leaves_the_rest() {
    let fixture = Fixture::new().await;
    let root = fixture.user("root").await;
    let accounts = &fixture.accounts;
    let actor = Actor::user(root);
    accounts
        .submit_service_key(&policy(), &origin(), submitted("k1"))
        .await
        .unwrap();
    let end = accounts.now() + TimeDelta::days(3);
    let change = ServiceKeyChange {
        expires: Some(Some(end)),
        ..ServiceKeyChange::default()
    };
    let key = accounts
        .change_service_key(&actor, &policy(), "k1", change)
        .await
        .unwrap();
    assert_eq!(key.expiration_date, Some(end));
    assert_eq!(audited(&fixture).await.0, "service_key_extend");

    let more = json!({ "team": "a" }).as_object().cloned();
    let change = ServiceKeyChange {
        name: Some("n".to_owned()),
        metadata: more,
        expires: None,
    };
    let key = accounts
        .change_service_key(&actor, &policy(), "k1", change)
        .await
        .unwrap();
    assert_eq!((key.name.as_str(), key.expiration_date), ("n", Some(end)));
    assert_eq!(object(&key.metadata)["team"], "a");
    assert_eq!(object(&key.metadata)["ip"], "192.0.2.1");
    assert_eq!(audited(&fixture).await.0, "service_key_modify");

    let rows = fixture.audit_rows().await;
    let past = ServiceKeyChange {
        expires: Some(Some(accounts.now())),
        ..ServiceKeyChange::default()
    };
    let bad_name = ServiceKeyChange {
        name: Some("a;b".to_owned()),
        ..ServiceKeyChange::default()
    };
    for bad in [past, bad_name] {
        assert!(
            accounts
                .change_service_key(&actor, &policy(), "k1", bad)
                .await
                .is_err()
        );
    }
    assert_eq!(fixture.audit_rows().await, rows);
    accounts
        .delete_service_key(&actor, &policy(), "k1")
        .await
        .unwrap();
    assert_eq!(audited(&fixture).await.0, "service_key_delete");
}

#[tokio::test]
async fn keys_that_wait_are_bounded_and_forgotten_after_their_time() {
    let fixture = Fixture::new().await;
    fixture.user("root").await;
    let accounts = &fixture.accounts;
    fixture
        .execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
            INSERT INTO servicekey (name, kid, service, jwk, metadata, created_date)
            SELECT '', 'waiting' || i, 'other' || i, '{}', '{}', '2026-03-04 05:06:07' FROM n",
        )
        .await;
    let full = accounts
        .submit_service_key(&policy(), &origin(), submitted("k1"))
        .await;
    assert!(matches!(
        full,
        Err(AccountsError::TooManyWaitingServiceKeys(100))
    ));
    fixture
        .execute("UPDATE servicekey SET created_date = '2026-03-01 00:00:00'")
        .await;
    accounts
        .submit_service_key(&policy(), &origin(), submitted("k1"))
        .await
        .unwrap();
    assert_eq!(fixture.value("SELECT COUNT(*) FROM servicekey").await, "1");
}

#[tokio::test]
async fn malformed_names_are_refused() {
    let fixture = Fixture::new().await;
    let accounts = &fixture.accounts;
    for service in ["", "Scanner", "a-b", "a b"] {
        let new = SubmittedServiceKey {
            service: service.to_owned(),
            ..submitted("k1")
        };
        let refused = accounts.submit_service_key(&policy(), &origin(), new).await;
        assert!(
            matches!(refused, Err(AccountsError::InvalidServiceName(_))),
            "{service}"
        );
    }
}
