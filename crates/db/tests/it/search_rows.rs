//! Names are found by their beginning, whatever the collation of the database makes of it.

use pierhead_db::queries::search::{self, Wanted};
use pierhead_db::{Database, UserId, migrate::migrate};
use sqlx::{Connection as _, PgConnection, SqliteConnection};

use crate::databases;

/// Ann administers `dev_ops` and is in a team of `devxops` that administers nothing; every organization but `dev_none` has a
/// public repository.
const ROWS: &str = "
INSERT INTO \"user\" (id, uuid, username, password_hash, email, verified, organization, robot, invoice_email, \
    last_invalid_login, enabled) VALUES \
    (1, 'u1', 'ann', 'hash', 'ann@example.com', true, false, false, false, '2026-01-01 00:00:00', true), \
    (2, 'u2', 'dev_ops', NULL, 'o2', false, true, false, false, '2026-01-01 00:00:00', true), \
    (3, 'u3', 'devxops', NULL, 'o3', false, true, false, false, '2026-01-01 00:00:00', true), \
    (4, 'u4', 'devtable', NULL, 'o4', false, true, false, false, '2026-01-01 00:00:00', true), \
    (5, 'u5', 'dev_ops+bot', NULL, 'r5', false, false, true, false, '2026-01-01 00:00:00', true), \
    (6, 'u6', 'devxops+bot', NULL, 'r6', false, false, true, false, '2026-01-01 00:00:00', true), \
    (7, 'u7', 'ann+bot', NULL, 'r7', false, false, true, false, '2026-01-01 00:00:00', true), \
    (8, 'u8', 'ann+cat', NULL, 'r8', false, false, true, false, '2026-01-01 00:00:00', true), \
    (9, 'u9', 'dev_none', NULL, 'o9', false, true, false, false, '2026-01-01 00:00:00', true);
INSERT INTO repository (id, namespace_user_id, name, visibility_id, badge_token, kind_id, state) \
    VALUES (2, 2, 'r', 1, 'b', 1, 0), (3, 3, 'r', 1, 'b', 1, 0), (4, 4, 'r', 1, 'b', 1, 0);
INSERT INTO team (id, name, organization_id, role_id, description) \
    VALUES (1, 'owners', 2, 1, ''), (2, 'testers', 2, 3, ''), (3, 'tools', 3, 3, ''), (4, 'trust', 3, 3, '');
INSERT INTO teammember (user_id, team_id) VALUES (1, 1), (1, 3);
";

async fn check(db: &Database) {
    let mut conn = db.read().await.unwrap();
    for (text, expected) in [
        ("dev", &["dev_ops", "devtable", "devxops"][..]),
        ("dev_", &["dev_ops"]),
        ("devtable", &["devtable"]),
        ("evt", &[]),
    ] {
        let wanted = Wanted {
            text,
            namespace: "",
            user: None,
            public: 1,
            team_admin: 1,
        };
        let found = search::namespaces(&mut conn, &wanted, 5).await.unwrap();
        let found: Vec<_> = found.iter().map(|found| found.username.as_str()).collect();
        assert_eq!(found, expected, "{text}");
    }
    for (text, expected) in [
        ("b", &["ann+bot", "dev_ops+bot"][..]),
        ("bot", &["ann+bot", "dev_ops+bot"]),
        ("ca", &["ann+cat"]),
        ("_", &[]),
    ] {
        let found = search::robots(&mut conn, text, UserId(1), 1, 5)
            .await
            .unwrap();
        let found: Vec<_> = found.iter().map(|found| found.username.as_str()).collect();
        assert_eq!(found, expected, "{text}");
    }
    let teams = search::teams(&mut conn, "t", UserId(1), 1, 5)
        .await
        .unwrap();
    let teams: Vec<_> = teams
        .iter()
        .map(|found| (found.organization.username.as_str(), found.team.as_str()))
        .collect();
    assert_eq!(teams, [("dev_ops", "testers"), ("devxops", "tools")]);
}

#[tokio::test]
async fn postgresql_finds_names_by_their_beginning() {
    let (db, options) = databases::postgres().await;
    migrate(&db).await.unwrap();
    let mut conn = PgConnection::connect_with(&options).await.unwrap();
    // A collation that gives no weight to punctuation, as those of the C library do for what ends a range.
    sqlx::raw_sql(
        "CREATE COLLATION weightless (provider = icu, locale = 'en-US-u-ka-shifted'); \
         ALTER TABLE \"user\" ALTER COLUMN username TYPE varchar(255) COLLATE weightless",
    )
    .execute(&mut conn)
    .await
    .unwrap();
    sqlx::raw_sql(ROWS).execute(&mut conn).await.unwrap();
    let (misled,): (i64,) = sqlx::query_as(
        "SELECT count(*) FROM \"user\" \
         WHERE username >= 'dev_' AND username < 'dev_' || chr(1114111) AND username = 'devtable'",
    )
    .fetch_one(&mut conn)
    .await
    .unwrap();
    assert_eq!(misled, 1, "the collation of this test must mislead");
    check(&db).await;
}

#[tokio::test]
async fn sqlite_finds_names_by_their_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let db = databases::sqlite(folder.path()).await;
    migrate(&db).await.unwrap();
    let path = folder.path().join("registry.db");
    let mut conn = SqliteConnection::connect(path.to_str().unwrap())
        .await
        .unwrap();
    sqlx::raw_sql(ROWS).execute(&mut conn).await.unwrap();
    check(&db).await;
}
