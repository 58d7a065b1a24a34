//! What `migrate` does with SQLite databases in every state.

use std::path::Path;

use pierhead_db::migrate::{Found, MigrateError, Outcome, sqlite};
use pierhead_db::schema;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};

async fn open(folder: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(folder.join("registry.db"))
        .create_if_missing(true);
    options.connect().await.unwrap()
}

async fn execute(conn: &mut SqliteConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(conn).await.unwrap();
}

async fn count_tables(conn: &mut SqliteConnection) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE type = 'table'")
        .fetch_one(conn)
        .await
        .unwrap()
}

async fn count_rows(conn: &mut SqliteConnection) -> Vec<(&'static str, i64)> {
    let mut counts = Vec::new();
    for table in schema::tables() {
        let sql = format!(r#"SELECT count(*) FROM "{}""#, table.name);
        counts.push((
            table.name,
            sqlx::query_scalar(AssertSqlSafe(sql))
                .fetch_one(&mut *conn)
                .await
                .unwrap(),
        ));
    }
    counts
}

#[tokio::test]
async fn a_second_migration_does_not_touch_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut conn = open(folder.path()).await;
    assert_eq!(sqlite::inspect(&mut conn).await.unwrap(), Found::Empty);
    assert_eq!(sqlite::migrate(&mut conn).await.unwrap(), Outcome::Created);
    let before = std::fs::read(folder.path().join("registry.db")).unwrap();
    assert_eq!(sqlite::migrate(&mut conn).await.unwrap(), Outcome::Current);
    assert!(before == std::fs::read(folder.path().join("registry.db")).unwrap());
    assert_eq!(sqlite::inspect(&mut conn).await.unwrap(), Found::Current);
}

#[tokio::test]
async fn instances_that_start_together_migrate_once() {
    let folder = tempfile::tempdir().unwrap();
    // The file exists, as when one instance was stopped before its first migration.
    open(folder.path()).await.close().await.unwrap();
    let mut starting = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let folder = folder.path().to_owned();
        starting.spawn(async move {
            let mut conn = open(&folder).await;
            let outcome = sqlite::migrate(&mut conn).await.unwrap();
            // The connection stays open and idle: it must not keep the others waiting.
            (outcome, conn)
        });
    }
    let (outcomes, _open): (Vec<_>, Vec<_>) = starting.join_all().await.into_iter().unzip();
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| **outcome == Outcome::Created)
            .count(),
        1,
        "{outcomes:?}"
    );
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| **outcome == Outcome::Current)
            .count(),
        3,
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn a_filled_database_without_our_tables_keeps_every_row_and_gets_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut conn = open(folder.path()).await;
    sqlite::migrate(&mut conn).await.unwrap();
    execute(
        &mut conn,
        "DROP TABLE pierhead_deleted_blob;
         INSERT INTO \"user\" (username, email, verified, organization, robot, invoice_email, last_invalid_login)
           VALUES ('river', 'river@example.com', true, false, false, false, '2026-01-01 00:00:00')",
    )
    .await;
    let before = count_rows(&mut conn).await;
    assert_eq!(
        sqlite::migrate(&mut conn).await.unwrap(),
        Outcome::OwnTablesAdded
    );
    assert_eq!(count_rows(&mut conn).await, before);
    assert_eq!(sqlite::inspect(&mut conn).await.unwrap(), Found::Current);
}

#[tokio::test]
async fn an_unknown_revision_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut conn = open(folder.path()).await;
    execute(
        &mut conn,
        "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
         INSERT INTO alembic_version VALUES ('feedfacefeed')",
    )
    .await;
    let error = sqlite::migrate(&mut conn).await.unwrap_err();
    assert!(
        matches!(&error, MigrateError::Unknown { revision } if revision == "feedfacefeed"),
        "{error}"
    );
    assert_eq!(count_tables(&mut conn).await, 1);
}

#[tokio::test]
async fn a_failure_in_the_middle_leaves_the_database_empty() {
    let folder = tempfile::tempdir().unwrap();
    let mut conn = open(folder.path()).await;
    // A view with the name of a table that is made late.
    execute(&mut conn, "CREATE VIEW quayrelease AS SELECT 1 AS id").await;
    let error = sqlite::migrate(&mut conn).await.unwrap_err();
    assert!(
        matches!(
            &error,
            MigrateError::Sql {
                doing: "creating the schema",
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(count_tables(&mut conn).await, 0);
    execute(&mut conn, "DROP VIEW quayrelease").await;
    assert_eq!(sqlite::migrate(&mut conn).await.unwrap(), Outcome::Created);
}
