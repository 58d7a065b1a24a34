//! What `migrate` does with SQLite databases in every state.

use std::path::Path;

use pierhead_db::Database;
use pierhead_db::migrate::{Found, MigrateError, Outcome, inspect, migrate};
use pierhead_db::schema;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection};
use tempfile::TempDir;

use crate::databases;

/// An empty database as the server opens it, a connection beside it, and the folder that it is in.
async fn empty() -> (Database, SqliteConnection, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let db = databases::sqlite(folder.path()).await;
    let conn = beside(folder.path()).await;
    (db, conn, folder)
}

async fn beside(folder: &Path) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(folder.join("registry.db"))
        .connect()
        .await
        .unwrap()
}

async fn found(db: &Database) -> Found {
    inspect(&mut db.read().await.unwrap()).await.unwrap()
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

/// A number that changes whenever another connection has written.
async fn data_version(conn: &mut SqliteConnection) -> i64 {
    sqlx::query_scalar("PRAGMA data_version")
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
async fn a_second_migration_writes_nothing() {
    let (db, mut conn, _folder) = empty().await;
    assert_eq!(found(&db).await, Found::Empty);
    let before = data_version(&mut conn).await;
    assert_eq!(migrate(&db).await.unwrap(), Outcome::Created);
    let created = data_version(&mut conn).await;
    assert_ne!(created, before);
    assert_eq!(migrate(&db).await.unwrap(), Outcome::Current);
    assert_eq!(data_version(&mut conn).await, created);
    assert_eq!(found(&db).await, Found::Current);
}

#[tokio::test]
async fn instances_that_start_together_migrate_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut instances = Vec::new();
    for _ in 0..4 {
        instances.push(databases::sqlite(folder.path()).await);
    }
    let mut starting = tokio::task::JoinSet::new();
    for db in instances {
        starting.spawn(async move { (migrate(&db).await.unwrap(), db) });
    }
    let (outcomes, _running): (Vec<_>, Vec<_>) = starting.join_all().await.into_iter().unzip();
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
    let (db, mut conn, _folder) = empty().await;
    migrate(&db).await.unwrap();
    execute(
        &mut conn,
        "DROP TABLE pierhead_deleted_blob;
         INSERT INTO \"user\" (username, email, verified, organization, robot, invoice_email, last_invalid_login)
           VALUES ('river', 'river@example.com', true, false, false, false, '2026-01-01 00:00:00')",
    )
    .await;
    let before = count_rows(&mut conn).await;
    assert_eq!(migrate(&db).await.unwrap(), Outcome::OwnTablesAdded);
    assert_eq!(count_rows(&mut conn).await, before);
    assert_eq!(found(&db).await, Found::Current);
}

#[tokio::test]
async fn an_unknown_revision_is_refused_and_left_alone() {
    let (db, mut conn, _folder) = empty().await;
    execute(
        &mut conn,
        "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
         INSERT INTO alembic_version VALUES ('feedfacefeed')",
    )
    .await;
    let error = migrate(&db).await.unwrap_err();
    assert!(
        matches!(&error, MigrateError::Unknown { revision } if revision == "feedfacefeed"),
        "{error}"
    );
    assert_eq!(count_tables(&mut conn).await, 1);
}

#[tokio::test]
async fn a_failure_in_the_middle_leaves_the_database_empty() {
    let (db, mut conn, _folder) = empty().await;
    // A view with the name of a table that is made late.
    execute(&mut conn, "CREATE VIEW quayrelease AS SELECT 1 AS id").await;
    let error = migrate(&db).await.unwrap_err();
    assert!(
        matches!(
            &error,
            MigrateError::Failed {
                doing: "creating the schema",
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(count_tables(&mut conn).await, 0);
    execute(&mut conn, "DROP VIEW quayrelease").await;
    assert_eq!(migrate(&db).await.unwrap(), Outcome::Created);
}
