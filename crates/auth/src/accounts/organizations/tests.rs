#![allow(clippy::unwrap_used)]

use super::super::NewUser;
use super::super::testing::{Fixture, NOW, expected, is_uuid4, take};
use super::*;

#[tokio::test]
async fn a_new_organization_has_the_rows_that_quay_would_write() {
    let fixture = Fixture::new().await;
    let alice = fixture.user("alice").await;
    let new = NewOrganization {
        name: "acme".to_owned(),
        email: Some("team@acme.example".to_owned()),
        owner: "alice".to_owned(),
    };
    let created = fixture
        .accounts
        .create_organization(&Actor::operator(), new)
        .await
        .unwrap();
    let mut row = fixture
        .row(r#"SELECT * FROM "user" WHERE organization"#)
        .await;
    assert!(is_uuid4(&take(&mut row, "uuid")));
    assert_eq!(
        row,
        expected(&[
            ("id", Some(&created.id.to_string())),
            ("username", Some("acme")),
            ("password_hash", None),
            ("email", Some("team@acme.example")),
            ("verified", Some("0")),
            ("stripe_id", None),
            ("organization", Some("1")),
            ("robot", Some("0")),
            ("invoice_email", Some("0")),
            ("invalid_login_attempts", Some("0")),
            ("last_invalid_login", Some(NOW)),
            ("removed_tag_expiration_s", Some("1209600")),
            ("enabled", Some("1")),
            ("invoice_email_address", None),
            ("company", None),
            ("family_name", None),
            ("given_name", None),
            ("location", None),
            ("maximum_queued_builds_count", None),
            ("creation_date", Some(NOW)),
            ("last_accessed", None),
        ])
    );
    assert_eq!(
        fixture.row("SELECT team.*, teamrole.name AS role FROM team JOIN teamrole ON teamrole.id = role_id").await,
        expected(&[
            ("id", Some(&created.owners.to_string())),
            ("name", Some("owners")),
            ("organization_id", Some(&created.id.to_string())),
            ("role_id", Some("1")),
            ("role", Some("admin")),
            ("description", Some("")),
        ])
    );
    assert_eq!(
        fixture.row("SELECT user_id, team_id FROM teammember").await,
        expected(&[
            ("user_id", Some(&alice.to_string())),
            ("team_id", Some(&created.owners.to_string())),
        ])
    );
    let audit = fixture.audit().await;
    assert_eq!(audit["kind"].as_deref(), Some("org_create"));
    assert_eq!(audit["account_id"], Some(created.id.to_string()));
    assert_eq!(
        audit["metadata_json"].as_deref(),
        Some(r#"{"email":"team@acme.example","namespace":"acme"}"#)
    );
    // An address that is given empty is told so.
    let new = NewOrganization {
        name: "tide".to_owned(),
        email: Some(String::new()),
        owner: "alice".to_owned(),
    };
    let accounts = &fixture.accounts;
    accounts
        .create_organization(&Actor::operator(), new)
        .await
        .unwrap();
    let metadata = fixture.audit().await["metadata_json"].clone();
    assert_eq!(
        metadata.as_deref(),
        Some(r#"{"email":"","namespace":"tide"}"#)
    );
}

#[tokio::test]
async fn an_organization_shares_the_address_of_a_person_only_where_that_is_allowed() {
    let create = async |fixture: &Fixture, name: &str, email: &str| {
        let new = NewOrganization {
            name: name.to_owned(),
            email: Some(email.to_owned()),
            owner: "alice".to_owned(),
        };
        fixture
            .accounts
            .create_organization(&Actor::operator(), new)
            .await
    };
    for shared in [false, true] {
        let fixture = Fixture::with(|config| config.org_shared_email = shared).await;
        let alice = NewUser {
            username: "alice".to_owned(),
            password: None,
            email: Some("alice@acme.example".to_owned()),
            verified: true,
        };
        fixture
            .accounts
            .create_user(&Actor::operator(), alice)
            .await
            .unwrap();
        create(&fixture, "acme", "team@acme.example").await.unwrap();
        // Organizations among themselves need no leave.
        create(&fixture, "acme2", "team@acme.example")
            .await
            .unwrap();
        let with_alice = create(&fixture, "acme3", "alice@acme.example").await;
        assert_eq!(with_alice.is_ok(), shared);
    }
}

#[tokio::test]
async fn an_organization_without_a_person_as_owner_is_not_made() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    fixture.organization("acme", "alice").await;
    for owner in ["nobody", "acme"] {
        let new = NewOrganization {
            name: "other".to_owned(),
            email: None,
            owner: owner.to_owned(),
        };
        let error = fixture
            .accounts
            .create_organization(&Actor::operator(), new)
            .await
            .unwrap_err();
        assert!(matches!(error, AccountsError::NoSuchUser(_)), "{error}");
    }
    assert_eq!(fixture.value(r#"SELECT COUNT(*) FROM "user""#).await, "2");
}

async fn change(fixture: &Fixture, change: OrganizationChange) -> Result<Organization> {
    fixture
        .accounts
        .change_organization(&Actor::operator(), "acme", change)
        .await
}

#[tokio::test]
async fn each_change_of_an_organization_is_told_as_quay_tells_it() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    fixture.organization("acme", "alice").await;
    let before = fixture.audit_rows().await;
    let changed = change(
        &fixture,
        OrganizationChange {
            email: Some("new@acme.example".to_owned()),
            invoice_email: Some(true),
            invoice_email_address: Some(Some("pay@acme.example".to_owned())),
            tag_expiration_s: Some(86_400),
        },
    )
    .await
    .unwrap();
    assert_eq!(changed.email, "new@acme.example");
    assert!(changed.invoice_email);
    assert_eq!(
        changed.invoice_email_address.as_deref(),
        Some("pay@acme.example")
    );
    assert_eq!(changed.removed_tag_expiration_s, 86_400);
    let rows = fixture
        .rows(
            "SELECT logentrykind.name AS kind, metadata_json FROM logentry3
            JOIN logentrykind ON logentrykind.id = kind_id ORDER BY logentry3.id",
        )
        .await;
    let told: Vec<_> = rows[before..]
        .iter()
        .map(|row| {
            let metadata = row["metadata_json"].as_deref().unwrap();
            let metadata: Value = serde_json::from_str(metadata).unwrap();
            (row["kind"].as_deref().unwrap(), metadata)
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                "org_change_invoicing",
                json!({ "invoice_email": true, "namespace": "acme" })
            ),
            (
                "org_change_invoicing",
                json!({ "invoice_email_address": "pay@acme.example", "namespace": "acme" })
            ),
            (
                "org_change_email",
                json!({ "email": "new@acme.example", "old_email": "", "namespace": "acme" })
            ),
            (
                "org_change_tag_expiration",
                json!({ "tag_expiration": 86_400, "namespace": "acme" })
            ),
        ]
    );
    // An address is taken away by a uuid in its place, and then unknown.
    let nothing = OrganizationChange {
        email: Some(String::new()),
        ..OrganizationChange::default()
    };
    let changed = change(&fixture, nothing).await.unwrap();
    assert!(is_uuid4(&changed.email));
    assert_eq!(known_address(&changed.email), "");
}

#[tokio::test]
async fn a_bad_part_of_a_change_leaves_the_other_parts_undone() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    fixture.organization("acme", "alice").await;
    let before = fixture.rows(r#"SELECT * FROM "user""#).await;
    let audit_rows = fixture.audit_rows().await;
    for (email, tag_expiration_s) in [("nonsense", 0), ("new@acme.example", 5)] {
        let bad = OrganizationChange {
            email: Some(email.to_owned()),
            invoice_email: Some(true),
            tag_expiration_s: Some(tag_expiration_s),
            ..OrganizationChange::default()
        };
        change(&fixture, bad).await.unwrap_err();
    }
    assert_eq!(fixture.rows(r#"SELECT * FROM "user""#).await, before);
    assert_eq!(fixture.audit_rows().await, audit_rows);
}

#[tokio::test]
async fn the_time_machine_stays_where_nobody_may_change_it() {
    let fixture = Fixture::with(|config| config.change_tag_expiration = false).await;
    fixture.user("alice").await;
    fixture.organization("acme", "alice").await;
    let wanted = OrganizationChange {
        tag_expiration_s: Some(0),
        ..OrganizationChange::default()
    };
    let changed = change(&fixture, wanted).await.unwrap();
    assert_eq!(changed.removed_tag_expiration_s, 1_209_600);
}
