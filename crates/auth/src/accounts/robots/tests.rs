#![allow(clippy::unwrap_used)]

use super::super::testing::{Fixture, NOW, expected, is_uuid4, secret, take};
use super::super::{Grantee, Role};
use super::*;

fn bot(namespace: &str, short: &str) -> NewRobot {
    NewRobot {
        namespace: namespace.to_owned(),
        short: short.to_owned(),
        description: Some("builds".to_owned()),
        ..NewRobot::default()
    }
}

async fn stored_token(fixture: &Fixture) -> String {
    let stored = fixture.value("SELECT token FROM robotaccounttoken").await;
    let token = fixture
        .accounts
        .0
        .cipher
        .decrypt(EncryptedColumn::ROBOT_TOKEN, &stored)
        .unwrap();
    token.expose().to_owned()
}

#[tokio::test]
async fn a_new_robot_has_the_rows_that_quay_would_write() {
    let fixture = Fixture::with(|config| config.default_tag_expiration_s = 60).await;
    let alice = fixture.user("alice").await;
    let robot = fixture
        .accounts
        .create_robot(&Actor::operator(), bot("alice", "ci"))
        .await
        .unwrap();
    assert_eq!(robot.username, "alice+ci");
    assert_eq!(robot.token.expose().len(), 64);
    let id = robot.id.to_string();
    let mut row = fixture.row(r#"SELECT * FROM "user" WHERE robot"#).await;
    assert!(is_uuid4(&take(&mut row, "uuid")));
    assert!(is_uuid4(&take(&mut row, "email")));
    assert_eq!(
        row,
        expected(&[
            ("id", Some(&id)),
            ("username", Some("alice+ci")),
            ("password_hash", None),
            ("verified", Some("0")),
            ("stripe_id", None),
            ("organization", Some("0")),
            ("robot", Some("1")),
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
    assert_eq!(stored_token(&fixture).await, robot.token.expose());
    assert_eq!(
        fixture
            .row("SELECT robot_account_id, fully_migrated FROM robotaccounttoken")
            .await,
        expected(&[
            ("robot_account_id", Some(&id)),
            ("fully_migrated", Some("1"))
        ])
    );
    assert_eq!(
        fixture
            .row(
                "SELECT user_id, service_ident, metadata_json, loginservice.name AS service
                FROM federatedlogin JOIN loginservice ON loginservice.id = service_id"
            )
            .await,
        expected(&[
            ("user_id", Some(&id)),
            ("service_ident", Some(&format!("robot:{id}"))),
            ("metadata_json", Some("{}")),
            ("service", Some("quayrobot")),
        ])
    );
    assert_eq!(
        fixture
            .row(
                "SELECT robot_account_id, description, unstructured_json FROM robotaccountmetadata"
            )
            .await,
        expected(&[
            ("robot_account_id", Some(&id)),
            ("description", Some("builds")),
            ("unstructured_json", Some("{}")),
        ])
    );
    let audit = fixture.audit().await;
    assert_eq!(audit["kind"].as_deref(), Some("create_robot"));
    assert_eq!(audit["account_id"], Some(alice.to_string()));
    assert_eq!(
        audit["metadata_json"].as_deref(),
        Some(r#"{"robot":"ci","description":"builds","unstructured_metadata":null}"#)
    );
}

#[tokio::test]
async fn a_robot_may_bring_its_token() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    let token = "T0".repeat(32);
    let new = NewRobot {
        token: Some(secret(&token)),
        ..bot("alice", "ci")
    };
    fixture
        .accounts
        .create_robot(&Actor::operator(), new)
        .await
        .unwrap();
    assert_eq!(stored_token(&fixture).await, token);
    let new = NewRobot {
        token: Some(secret("short")),
        ..bot("alice", "ci2")
    };
    let error = fixture
        .accounts
        .create_robot(&Actor::operator(), new)
        .await
        .unwrap_err();
    assert!(matches!(error, AccountsError::InvalidRobotToken), "{error}");
}

#[tokio::test]
async fn a_robot_that_cannot_be_made_leaves_nothing_behind() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    let create = async |new| fixture.accounts.create_robot(&Actor::operator(), new).await;
    create(bot("alice", "ci")).await.unwrap();
    let before = fixture.audit_rows().await;
    assert!(
        matches!(create(bot("alice", "ci")).await, Err(AccountsError::RobotExists(name)) if name == "alice+ci")
    );
    assert!(matches!(
        create(bot("nobody", "ci")).await,
        Err(AccountsError::NoSuchNamespace(_))
    ));
    assert!(matches!(
        create(bot("alice+ci", "sub")).await,
        Err(AccountsError::NoSuchNamespace(_))
    ));
    assert!(matches!(
        create(bot("alice", "C")).await,
        Err(AccountsError::InvalidRobotName { .. })
    ));
    let long = NewRobot {
        description: Some("x".repeat(256)),
        ..bot("alice", "ci2")
    };
    assert!(matches!(
        create(long).await,
        Err(AccountsError::TooLong { limit: 255, .. })
    ));
    assert_eq!(fixture.audit_rows().await, before);
    assert_eq!(
        fixture
            .value(r#"SELECT COUNT(*) FROM "user" WHERE robot"#)
            .await,
        "1"
    );
}

#[tokio::test]
async fn no_robot_is_made_where_robots_are_disallowed() {
    let fixture = Fixture::with(|config| config.robots_disallowed = true).await;
    fixture.user("alice").await;
    let error = fixture
        .accounts
        .create_robot(&Actor::operator(), bot("alice", "ci"))
        .await
        .unwrap_err();
    assert!(matches!(error, AccountsError::RobotsDisallowed));
}

#[tokio::test]
async fn a_regenerated_robot_has_another_token_and_keeps_its_federation() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    let old = fixture
        .accounts
        .create_robot(&Actor::operator(), bot("alice", "ci"))
        .await
        .unwrap();
    fixture
        .execute(r#"UPDATE federatedlogin SET metadata_json = '{"federation_config":[]}'"#)
        .await;
    let before = fixture
        .row(r#"SELECT uuid, email FROM "user" WHERE robot"#)
        .await;
    let new = fixture
        .accounts
        .regenerate_robot(&Actor::operator(), "alice+ci")
        .await
        .unwrap();
    assert_eq!(new.id, old.id);
    assert_ne!(new.token.expose(), old.token.expose());
    assert_eq!(stored_token(&fixture).await, new.token.expose());
    let after = fixture
        .row(r#"SELECT uuid, email FROM "user" WHERE robot"#)
        .await;
    assert!(before["uuid"] != after["uuid"] && before["email"] != after["email"]);
    assert_eq!(
        fixture
            .value("SELECT metadata_json FROM federatedlogin")
            .await,
        r#"{"federation_config":[]}"#
    );
    assert_eq!(
        fixture.audit().await["metadata_json"].as_deref(),
        Some(r#"{"robot":"ci"}"#)
    );
}

#[tokio::test]
async fn a_deleted_robot_leaves_nothing_but_its_audit_rows() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    let org = fixture.organization("acme", "alice").await;
    let robot = fixture
        .accounts
        .create_robot(&Actor::operator(), bot("acme", "ci"))
        .await
        .unwrap();
    fixture.repository("acme", "app").await;
    let operator = Actor::operator();
    fixture
        .accounts
        .add_team_member(&operator, "acme", "owners", "acme+ci")
        .await
        .unwrap();
    let grantee = Grantee::Robot("acme+ci".to_owned());
    fixture
        .accounts
        .set_permission(&operator, "acme", "app", grantee, Role::Write)
        .await
        .unwrap();
    fixture
        .execute(
            r#"INSERT INTO permissionprototype (org_id, uuid, activating_user_id, delegate_user_id, role_id)
            SELECT 2, 'p', id, id, 1 FROM "user" WHERE robot"#,
        )
        .await;
    fixture
        .accounts
        .delete_robot(&operator, "acme+ci")
        .await
        .unwrap();
    for count in [
        r#"SELECT COUNT(*) FROM "user" WHERE robot"#,
        "SELECT COUNT(*) FROM robotaccounttoken",
        "SELECT COUNT(*) FROM robotaccountmetadata",
        "SELECT COUNT(*) FROM federatedlogin",
        "SELECT COUNT(*) FROM repositorypermission",
        "SELECT COUNT(*) FROM permissionprototype",
    ] {
        assert_eq!(fixture.value(count).await, "0", "{count}");
    }
    assert_eq!(fixture.value("SELECT COUNT(*) FROM teammember").await, "1");
    let audit = fixture.audit().await;
    assert_eq!(audit["kind"].as_deref(), Some("delete_robot"));
    assert_eq!(audit["account_id"], Some(org.id.to_string()));
    let error = fixture
        .accounts
        .delete_robot(&operator, "acme+ci")
        .await
        .unwrap_err();
    assert!(matches!(error, AccountsError::NoSuchRobot(_)), "{error}");
    assert_ne!(robot.id, org.id);
}

#[tokio::test]
async fn a_robot_that_a_mirror_works_as_is_not_deleted() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    fixture.organization("acme", "alice").await;
    fixture
        .accounts
        .create_robot(&Actor::operator(), bot("acme", "ci"))
        .await
        .unwrap();
    fixture
        .execute(
            r#"INSERT INTO orgmirrorconfig (organization_id, creation_date, is_enabled, mirror_type,
                external_registry_type, external_registry_url, external_namespace, external_registry_config,
                internal_robot_id, repository_filters, visibility_id, delete_stale_repos, sync_interval,
                sync_retries_remaining, sync_status, skopeo_timeout, architecture_filter)
            SELECT 2, '2026-01-01', 1, 1, 2, 'https://quay.example', 'x', '{}', id, '[]', 1, 0, 60, 3, 0, 300, '[]'
            FROM "user" WHERE robot"#,
        )
        .await;
    let error = fixture
        .accounts
        .delete_robot(&Actor::operator(), "acme+ci")
        .await
        .unwrap_err();
    assert!(
        matches!(error, AccountsError::RobotUsedByMirror(_)),
        "{error}"
    );
    stored_token(&fixture).await;
}

#[tokio::test]
async fn a_namespace_has_only_its_own_robots_whatever_letters_are_in_its_name() {
    let fixture = Fixture::new().await;
    for name in ["a_c", "abc", "a_cd"] {
        fixture.user(name).await;
        fixture
            .accounts
            .create_robot(&Actor::operator(), bot(name, "ci"))
            .await
            .unwrap();
    }
    fixture
        .accounts
        .create_robot(&Actor::operator(), bot("a_c", "ab"))
        .await
        .unwrap();
    let names = async |after: &str, limit| {
        let robots = fixture
            .accounts
            .list_robots("a_c", after, limit)
            .await
            .unwrap();
        robots
            .into_iter()
            .map(|robot| robot.username)
            .collect::<Vec<_>>()
    };
    assert_eq!(names("", 10).await, ["a_c+ab", "a_c+ci"]);
    assert_eq!(names("a_c+ab", 1).await, ["a_c+ci"]);
}
