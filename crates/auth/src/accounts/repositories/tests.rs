#![allow(clippy::unwrap_used)]

use futures_util::future::join_all;
use pierhead_db::Durability;

use super::super::testing::{Fixture, NOW, expected, is_uuid4, new_repository, take};
use super::super::{NewRobot, TeamRole};
use super::*;

async fn permissions(fixture: &Fixture, namespace: &str, name: &str) -> Vec<(String, String)> {
    fixture
        .accounts
        .list_permissions(namespace, name)
        .await
        .unwrap()
        .into_iter()
        .map(|permission| {
            (
                permission.team.or(permission.username).unwrap(),
                permission.role,
            )
        })
        .collect()
}

#[tokio::test]
async fn a_new_repository_has_the_rows_that_quay_would_write() {
    let fixture = Fixture::new().await;
    let alice = fixture.user("alice").await;
    let new = NewRepository {
        visibility: Visibility::Public,
        description: Some("# App".to_owned()),
        creator: Some(alice),
        ..new_repository("alice", "team/app")
    };
    let actor = Actor::user(alice);
    let created = fixture
        .accounts
        .create_repository(&actor, new)
        .await
        .unwrap();
    let id = created.id.to_string();
    let mut row = fixture
        .row(
            "SELECT repository.*, visibility.name AS visibility, repositorykind.name AS kind FROM repository
            JOIN visibility ON visibility.id = visibility_id JOIN repositorykind ON repositorykind.id = kind_id",
        )
        .await;
    assert!(is_uuid4(&take(&mut row, "badge_token")));
    assert_eq!(
        row,
        expected(&[
            ("id", Some(&id)),
            ("namespace_user_id", Some(&alice.to_string())),
            ("name", Some("team/app")),
            ("visibility_id", Some("1")),
            ("visibility", Some("public")),
            ("description", Some("# App")),
            ("kind_id", Some("1")),
            ("kind", Some("image")),
            ("trust_enabled", Some("0")),
            ("state", Some("0")),
        ])
    );
    assert_eq!(
        fixture
            .row("SELECT repository_id, count, date FROM repositoryactioncount")
            .await,
        expected(&[
            ("repository_id", Some(&id)),
            ("count", Some("0")),
            ("date", Some("2026-03-03"))
        ])
    );
    assert_eq!(
        fixture
            .row("SELECT repository_id, score, last_updated FROM repositorysearchscore")
            .await,
        expected(&[
            ("repository_id", Some(&id)),
            ("score", Some("0")),
            ("last_updated", None)
        ])
    );
    assert_eq!(
        fixture
            .row(
                "SELECT team_id, user_id, repository_id, role.name AS role
                FROM repositorypermission JOIN role ON role.id = role_id"
            )
            .await,
        expected(&[
            ("team_id", None),
            ("user_id", Some(&alice.to_string())),
            ("repository_id", Some(&id)),
            ("role", Some("admin")),
        ])
    );
    assert_eq!(
        fixture.audit().await,
        expected(&[
            ("kind", Some("create_repo")),
            ("account_id", Some(&alice.to_string())),
            ("performer_id", Some(&alice.to_string())),
            ("repository_id", Some(&id)),
            ("datetime", Some(NOW)),
            ("ip", None),
            (
                "metadata_json",
                Some(r#"{"repo":"team/app","namespace":"alice"}"#)
            ),
        ])
    );
}

#[tokio::test]
async fn a_repository_that_cannot_be_made_leaves_nothing_behind() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    fixture.repository("alice", "app").await;
    let before = fixture.audit_rows().await;
    let create = async |namespace, name| {
        let new = new_repository(namespace, name);
        fixture
            .accounts
            .create_repository(&Actor::operator(), new)
            .await
    };
    assert!(matches!(
        create("alice", "app").await,
        Err(AccountsError::RepositoryExists { .. })
    ));
    assert!(matches!(
        create("nobody", "app").await,
        Err(AccountsError::NoSuchNamespace(_))
    ));
    assert!(matches!(
        create("alice", "../app").await,
        Err(AccountsError::InvalidRepositoryName(_))
    ));
    assert_eq!(fixture.audit_rows().await, before);
    assert_eq!(fixture.value("SELECT COUNT(*) FROM repository").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_pushes_that_create_a_repository_one_does_and_all_get_it() {
    let fixture = Fixture::new().await;
    let alice = fixture.user("alice").await;
    let pushes = (0..8).map(|_| {
        let accounts = fixture.accounts.clone();
        let db = fixture.db.clone();
        tokio::spawn(async move {
            db.write(Durability::Full, move |conn| {
                Box::pin(async move {
                    let new = NewRepository {
                        creator: Some(alice),
                        ..new_repository("alice", "app")
                    };
                    accounts
                        .find_or_create_repository(conn, &Actor::user(alice), &new)
                        .await
                })
            })
            .await
        })
    });
    let results: Vec<_> = join_all(pushes)
        .await
        .into_iter()
        .map(|push| push.unwrap().unwrap())
        .collect();
    assert_eq!(results.iter().filter(|created| !created.existed).count(), 1);
    assert!(results.iter().all(|created| created.id == results[0].id));
    assert_eq!(
        fixture
            .value("SELECT COUNT(*) FROM logentry3 WHERE repository_id IS NOT NULL")
            .await,
        "1"
    );
}

#[tokio::test]
async fn default_permissions_apply_and_those_for_the_creator_go_first() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    let bob = fixture.user("bob").await;
    fixture.user("carol").await;
    fixture.organization("acme", "alice").await;
    let operator = Actor::operator();
    fixture
        .accounts
        .create_team(&operator, "acme", "devs", TeamRole::Member, "")
        .await
        .unwrap();
    // For everybody's repositories: devs read, carol write, bob read. For bob's: devs write. For carol's: carol admin.
    fixture
        .execute(
            r#"INSERT INTO permissionprototype
                (org_id, uuid, activating_user_id, delegate_user_id, delegate_team_id, role_id)
            SELECT (SELECT id FROM "user" WHERE username = 'acme'), name, activating.id, delegate.id,
                (SELECT id FROM team WHERE team.name = p.team), (SELECT id FROM role WHERE role.name = p.role)
            FROM (
                SELECT 'a' AS name, 'bob' AS activating, NULL AS user, 'devs' AS team, 'write' AS role
                UNION ALL SELECT 'b', NULL, NULL, 'devs', 'read'
                UNION ALL SELECT 'c', NULL, 'carol', NULL, 'write'
                UNION ALL SELECT 'd', NULL, 'bob', NULL, 'read'
                UNION ALL SELECT 'e', 'carol', 'carol', NULL, 'admin'
            ) AS p
            LEFT JOIN "user" AS activating ON activating.username = p.activating
            LEFT JOIN "user" AS delegate ON delegate.username = p.user"#,
        )
        .await;
    let new = NewRepository {
        creator: Some(bob),
        ..new_repository("acme", "app")
    };
    fixture
        .accounts
        .create_repository(&Actor::user(bob), new)
        .await
        .unwrap();
    let own = |name: &str, role: &str| (name.to_owned(), role.to_owned());
    let mut found = permissions(&fixture, "acme", "app").await;
    found.sort();
    assert_eq!(
        found,
        [
            own("bob", "admin"),
            own("carol", "write"),
            own("devs", "write")
        ]
    );
    fixture.repository("acme", "by-operator").await;
    assert!(
        permissions(&fixture, "acme", "by-operator")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_robot_that_makes_a_repository_administers_it() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    let new = NewRobot {
        namespace: "alice".to_owned(),
        short: "ci".to_owned(),
        ..NewRobot::default()
    };
    let robot = fixture
        .accounts
        .create_robot(&Actor::operator(), new)
        .await
        .unwrap();
    let new = NewRepository {
        creator: Some(robot.id),
        ..new_repository("alice", "app")
    };
    fixture
        .accounts
        .create_repository(&Actor::user(robot.id), new)
        .await
        .unwrap();
    assert_eq!(
        permissions(&fixture, "alice", "app").await,
        [("alice+ci".to_owned(), "admin".to_owned())]
    );
}

#[tokio::test]
async fn visibility_and_state_change_with_their_audit_rows() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    let created = fixture.repository("alice", "app").await;
    let (accounts, operator) = (&fixture.accounts, Actor::operator());
    let changed = accounts
        .set_visibility(&operator, "alice", "app", Visibility::Public)
        .await
        .unwrap();
    assert_eq!(
        (changed.id, changed.namespace_id),
        (created.id, created.namespace)
    );
    assert_eq!(
        accounts
            .repository("alice", "app")
            .await
            .unwrap()
            .visibility,
        "public"
    );
    let audit = fixture.audit().await;
    assert_eq!(audit["kind"].as_deref(), Some("change_repo_visibility"));
    assert_eq!(audit["repository_id"], Some(created.id.to_string()));
    assert_eq!(
        audit["metadata_json"].as_deref(),
        Some(r#"{"repo":"app","namespace":"alice","visibility":"public"}"#)
    );
    for (state, number, name) in [
        (SettableState::ReadOnly, 1, "READ_ONLY"),
        (SettableState::Mirror, 2, "MIRROR"),
        (SettableState::Normal, 0, "NORMAL"),
    ] {
        accounts
            .set_state(&operator, "alice", "app", state)
            .await
            .unwrap();
        assert_eq!(
            accounts.repository("alice", "app").await.unwrap().state,
            number
        );
        let audit = fixture.audit().await;
        assert_eq!(audit["kind"].as_deref(), Some("change_repo_state"));
        assert!(
            audit["metadata_json"]
                .as_deref()
                .unwrap()
                .contains(&format!(r#""state_changed":"{name}""#))
        );
    }
}

#[tokio::test]
async fn the_state_of_a_repository_that_an_organization_mirror_manages_stays() {
    let fixture = Fixture::with(|config| config.org_mirror = true).await;
    fixture.user("alice").await;
    fixture.repository("alice", "app").await;
    fixture.execute("UPDATE repository SET state = 4").await;
    fixture
        .execute(
            "INSERT INTO orgmirrorconfig (organization_id, is_enabled, mirror_type, external_registry_type,
                external_registry_url, external_namespace, internal_robot_id, visibility_id, delete_stale_repos,
                sync_interval, sync_start_date, sync_retries_remaining, sync_status, sync_transaction_id,
                skopeo_timeout, creation_date, repository_filters, external_registry_config)
            VALUES (1, true, 1, 2, 'https://quay.io', 'a', 1, 1, false, 60, NULL, 3, 0, 'x', 300, '2026-01-01', '[]', '{}')",
        )
        .await;
    let set = || {
        let operator = Actor::operator();
        let accounts = &fixture.accounts;
        async move {
            accounts
                .set_state(&operator, "alice", "app", SettableState::Normal)
                .await
        }
    };
    let error = set().await.unwrap_err();
    assert!(matches!(error, AccountsError::StateIsManaged(_)), "{error}");
    assert_eq!(fixture.value("SELECT state FROM repository").await, "4");
    // One that a mirror which is gone left behind can be written to again.
    fixture.execute("DELETE FROM orgmirrorconfig").await;
    set().await.unwrap();
    assert_eq!(fixture.value("SELECT state FROM repository").await, "0");
}

#[tokio::test]
async fn a_deleted_repository_is_hidden_queued_for_removal_and_its_name_is_free() {
    let fixture = Fixture::new().await;
    let alice = fixture.user("alice").await;
    let created = fixture.repository("alice", "app").await;
    let id = created.id.to_string();
    fixture
        .execute("INSERT INTO star (user_id, repository_id, created) VALUES (1, 1, '2026-01-01')")
        .await;
    let gone = fixture
        .accounts
        .delete_repository(&Actor::operator(), "alice", "app")
        .await
        .unwrap();
    assert_eq!((gone.id, gone.name.as_str()), (created.id, "app"));
    let mut row = fixture.row("SELECT name, state FROM repository").await;
    assert!(is_uuid4(&take(&mut row, "name")));
    assert_eq!(row, expected(&[("state", Some("3"))]));
    assert_eq!(fixture.value("SELECT COUNT(*) FROM star").await, "0");
    assert_eq!(
        fixture.row("SELECT * FROM deletedrepository").await,
        expected(&[
            ("id", Some("1")),
            ("repository_id", Some(&id)),
            ("marked", Some(NOW)),
            ("original_name", Some("app")),
            ("queue_id", Some("1")),
        ])
    );
    let mut row = fixture.row("SELECT * FROM queueitem").await;
    assert!(is_uuid4(&take(&mut row, "state_id")));
    assert_eq!(
        row,
        expected(&[
            ("id", Some("1")),
            ("queue_name", Some(&format!("repositorygc/alice/{id}/"))),
            ("body", Some(r#"{"marker_id":1,"original_name":"app"}"#)),
            ("available_after", Some(NOW)),
            ("available", Some("1")),
            ("processing_expires", None),
            ("retries_remaining", Some("5")),
        ])
    );
    assert_eq!(
        fixture.audit().await,
        expected(&[
            ("kind", Some("delete_repo")),
            ("account_id", Some(&alice.to_string())),
            ("performer_id", None),
            ("repository_id", None),
            ("datetime", Some(NOW)),
            ("ip", None),
            (
                "metadata_json",
                Some(r#"{"repo":"app","namespace":"alice"}"#)
            ),
        ])
    );
    let error = fixture
        .accounts
        .delete_repository(&Actor::operator(), "alice", "app")
        .await
        .unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert_ne!(fixture.repository("alice", "app").await.id, created.id);
}

#[tokio::test]
async fn repositories_are_listed_page_by_page_without_deleted_ones() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    fixture.user("bob").await;
    for (namespace, name) in [
        ("alice", "c"),
        ("bob", "x"),
        ("alice", "a"),
        ("alice", "b"),
        ("alice", "gone"),
    ] {
        fixture.repository(namespace, name).await;
    }
    fixture
        .accounts
        .delete_repository(&Actor::operator(), "alice", "gone")
        .await
        .unwrap();
    let names = |page: &[Repository]| {
        page.iter()
            .map(|found| format!("{}/{}", found.namespace, found.name))
            .collect::<Vec<_>>()
    };
    let page = fixture
        .accounts
        .list_repositories("alice", "", 2)
        .await
        .unwrap();
    assert_eq!(names(&page), ["alice/a", "alice/b"]);
    let page = fixture
        .accounts
        .list_repositories("alice", "b", 2)
        .await
        .unwrap();
    assert_eq!(names(&page), ["alice/c"]);
    let page = fixture
        .accounts
        .list_all_repositories(None, 2)
        .await
        .unwrap();
    assert_eq!(names(&page), ["alice/c", "bob/x"]);
    let page = fixture
        .accounts
        .list_all_repositories(Some(page[1].id), 9)
        .await
        .unwrap();
    assert_eq!(names(&page), ["alice/a", "alice/b"]);
}

#[tokio::test]
async fn a_description_is_changed_and_written_down() {
    let fixture = Fixture::new().await;
    let alice = fixture.user("alice").await;
    fixture.repository("alice", "app").await;
    let accounts = &fixture.accounts;
    let actor = Actor::user(alice);
    let changed = accounts
        .set_description(&actor, "alice", "app", "new")
        .await;
    assert_eq!(changed.unwrap().name, "app");
    let described = "SELECT description FROM repository";
    assert_eq!(fixture.value(described).await, "new");
    let audit = fixture.audit().await;
    assert_eq!(audit["kind"].as_deref(), Some("set_repo_description"));
    let rows = fixture.audit_rows().await;
    let missing = accounts.set_description(&actor, "alice", "none", "x").await;
    assert!(missing.unwrap_err().is_not_found());
    assert_eq!(fixture.audit_rows().await, rows);
}

#[tokio::test]
async fn a_repository_is_starred_once() {
    let fixture = Fixture::new().await;
    let alice = fixture.user("alice").await;
    fixture.repository("alice", "app").await;
    let star = async |name, starred| {
        let accounts = &fixture.accounts;
        accounts
            .set_star(alice, "alice", name, starred)
            .await
            .unwrap()
    };
    let stars = async || fixture.value("SELECT COUNT(*) FROM star").await;
    assert!(star("app", true).await && star("app", true).await);
    assert_eq!(stars().await, "1");
    assert!(star("app", false).await && star("app", false).await);
    assert_eq!(stars().await, "0");
    assert!(!star("none", true).await);
}

#[tokio::test]
async fn builds_that_wait_end_with_their_repository() {
    let fixture = Fixture::new().await;
    fixture.user("alice").await;
    fixture.repository("alice", "a_b").await;
    fixture
        .execute(
            "INSERT INTO queueitem (queue_name, body, available_after, available, retries_remaining, state_id)
            VALUES ('dockerfilebuild/alice/a_b/', '{}', '2026-01-01', true, 5, 'one'),
                ('dockerfilebuild/alice/axb/', '{}', '2026-01-01', true, 5, 'two')",
        )
        .await;
    fixture
        .accounts
        .delete_repository(&Actor::operator(), "alice", "a_b")
        .await
        .unwrap();
    let builds = "SELECT queue_name FROM queueitem WHERE queue_name LIKE 'dockerfilebuild/%'";
    assert_eq!(fixture.value(builds).await, "dockerfilebuild/alice/axb/");
}
