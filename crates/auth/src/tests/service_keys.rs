//! The instance's key: made once, kept while its row lives, never made in read-only mode.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use super::fixture::{Fixture, keys_config};
use crate::{ServiceKeyError, ServiceKeys};

impl Fixture {
    async fn reopen(&self, read_only: bool) -> Result<ServiceKeys, ServiceKeyError> {
        let mut config = keys_config(&self.dir);
        config.read_only = read_only;
        ServiceKeys::open(self.db.clone(), config, self.clock.clone()).await
    }
}

#[tokio::test]
async fn a_new_key_is_stored_as_quay_does_and_its_files_are_private() {
    let fixture = Fixture::new().await;
    let kid = fixture.auth.service_keys().kid();
    let stored = format!(
        "SELECT count(*) FROM servicekey k JOIN servicekeyapproval a ON a.id = k.approval_id \
         WHERE k.kid = '{kid}' AND k.service = 'quay' AND k.name = 'https://registry.example.com:443' \
         AND k.metadata = '{{\"created_by\": \"CLI tool\"}}' AND k.rotation_duration IS NULL \
         AND datetime(k.created_date) = '2026-01-01 00:00:00' AND datetime(k.expiration_date) = '2026-01-01 02:00:00' \
         AND a.approval_type = 'ServiceKeyApprovalType.AUTOMATIC' AND a.approver_id IS NULL AND a.notes = ''"
    );
    assert_eq!(fixture.number(&stored).await, 1);
    let pem = fixture.dir.path().join("quay.pem");
    let text = std::fs::read_to_string(&pem).unwrap();
    assert!(text.starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
    let written = std::fs::read_to_string(fixture.dir.path().join("quay.kid")).unwrap();
    assert_eq!(written, kid);
    for file in [pem, fixture.dir.path().join("quay.kid")] {
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_restart_keeps_the_key_while_its_row_lives() {
    let fixture = Fixture::new().await;
    let kid = fixture.auth.service_keys().kid().to_owned();
    assert_eq!(fixture.reopen(false).await.unwrap().kid(), kid);
    assert_eq!(fixture.reopen(true).await.unwrap().kid(), kid);
    fixture.advance(2 * 60 * 60);
    let refused = fixture.reopen(true).await.unwrap_err();
    assert!(matches!(refused, ServiceKeyError::NoKeyForReadOnly { .. }));
    assert_ne!(fixture.reopen(false).await.unwrap().kid(), kid);
}

#[tokio::test]
async fn a_key_file_that_does_not_belong_to_the_row_is_replaced() {
    let (one, two) = (Fixture::new().await, Fixture::new().await);
    let kid = one.auth.service_keys().kid().to_owned();
    let pem = two.dir.path().join("quay.pem");
    std::fs::copy(pem, one.dir.path().join("quay.pem")).unwrap();
    assert_ne!(one.reopen(false).await.unwrap().kid(), kid);
}

#[tokio::test]
async fn refreshing_moves_the_end_and_collects_old_keys() {
    let fixture = Fixture::new().await;
    let keys = fixture.auth.service_keys();
    fixture
        .execute(
            "INSERT INTO servicekey (name, kid, service, jwk, metadata, created_date, expiration_date) VALUES \
             ('', 'ended', 'quay', '{}', '{}', '2025-01-01 00:00:00', '2025-12-01 00:00:00'), \
             ('', 'just-ended', 'quay', '{}', '{}', '2025-12-31 23:00:00', '2025-12-31 23:59:00'), \
             ('', 'never-approved', 'quay', '{}', '{}', '2025-12-30 00:00:00', NULL), \
             ('', 'foreign', 'other', '{}', '{}', '2025-01-01 00:00:00', '2025-12-01 00:00:00')",
        )
        .await;
    fixture.clock.advance(Duration::from_mins(55));
    keys.refresh().await.unwrap();
    let end = format!(
        "SELECT count(*) FROM servicekey WHERE kid = '{}' AND datetime(expiration_date) = '2026-01-01 02:55:00'",
        keys.kid()
    );
    assert_eq!(fixture.number(&end).await, 1);
    let left = "SELECT count(*) FROM servicekey WHERE kid IN ('just-ended', 'foreign')";
    assert_eq!(fixture.number(left).await, 2);
    assert_eq!(fixture.number("SELECT count(*) FROM servicekey").await, 3);
    assert_eq!(keys.public_keys().await.unwrap().len(), 1);
}

#[tokio::test]
async fn refreshing_a_deleted_key_says_so() {
    let fixture = Fixture::new().await;
    fixture.execute("DELETE FROM servicekey").await;
    let refused = fixture.auth.service_keys().refresh().await.unwrap_err();
    assert!(matches!(refused, ServiceKeyError::Deleted { .. }));
}
