//! What `migrate` does with PostgreSQL databases in every state.

use pierhead_db::migrate::{Found, MigrateError, Outcome, postgres};
use pierhead_db::schema;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::postgres_server::empty_database;

async fn empty() -> PgConnection {
    PgConnection::connect_with(&empty_database().await)
        .await
        .unwrap()
}

async fn execute(conn: &mut PgConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(conn).await.unwrap();
}

async fn count_tables(conn: &mut PgConnection) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        .fetch_one(conn)
        .await
        .unwrap()
}

/// A digest of each table's rows, by name.
async fn contents(conn: &mut PgConnection) -> Vec<(&'static str, Option<String>)> {
    let mut tables = Vec::new();
    for table in schema::tables() {
        let sql = format!(
            r#"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM "{}" t"#,
            table.name
        );
        tables.push((
            table.name,
            sqlx::query_scalar(AssertSqlSafe(sql))
                .fetch_one(&mut *conn)
                .await
                .unwrap(),
        ));
    }
    tables
}

#[tokio::test]
async fn a_second_migration_does_nothing() {
    let mut conn = empty().await;
    assert_eq!(postgres::inspect(&mut conn).await.unwrap(), Found::Empty);
    assert_eq!(
        postgres::migrate(&mut conn).await.unwrap(),
        Outcome::Created
    );
    assert_eq!(postgres::inspect(&mut conn).await.unwrap(), Found::Current);
    assert_eq!(
        postgres::migrate(&mut conn).await.unwrap(),
        Outcome::Current
    );
}

#[tokio::test]
async fn a_current_database_needs_no_write_access() {
    let mut conn = empty().await;
    postgres::migrate(&mut conn).await.unwrap();
    execute(&mut conn, "SET default_transaction_read_only = on").await;
    assert_eq!(
        postgres::migrate(&mut conn).await.unwrap(),
        Outcome::Current
    );
}

#[tokio::test]
async fn instances_that_start_together_migrate_once() {
    let options = empty_database().await;
    let mut starting = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let options = options.clone();
        starting.spawn(async move {
            let mut conn = PgConnection::connect_with(&options).await.unwrap();
            let outcome = postgres::migrate(&mut conn).await.unwrap();
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
async fn a_database_that_quay_filled_keeps_every_row_and_gets_our_tables() {
    let mut conn = empty().await;
    postgres::migrate(&mut conn).await.unwrap();
    execute(
        &mut conn,
        "DROP TABLE pierhead_deleted_blob;
         UPDATE mediatype SET id = 61 - id WHERE id >= 13;
         INSERT INTO loginservice (name) VALUES ('corporate');
         INSERT INTO \"user\" (username, email, verified, organization, robot, invoice_email, last_invalid_login)
           VALUES ('river', 'river@example.com', true, false, false, false, '2026-01-01')",
    )
    .await;
    let before = contents(&mut conn).await;
    assert_eq!(
        postgres::inspect(&mut conn).await.unwrap(),
        Found::WithoutOwnTables
    );
    assert_eq!(
        postgres::migrate(&mut conn).await.unwrap(),
        Outcome::OwnTablesAdded
    );
    assert_eq!(contents(&mut conn).await, before);
    assert_eq!(postgres::inspect(&mut conn).await.unwrap(), Found::Current);
}

#[tokio::test]
async fn an_older_revision_is_refused_and_left_alone() {
    let mut conn = empty().await;
    execute(
        &mut conn,
        "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
         INSERT INTO alembic_version VALUES ('c3d4e5f6a7b8')",
    )
    .await;
    let error = postgres::migrate(&mut conn).await.unwrap_err();
    assert!(
        matches!(
            &error,
            MigrateError::Older {
                release: "3.17",
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(count_tables(&mut conn).await, 1);
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_left_alone() {
    let mut conn = empty().await;
    execute(&mut conn, "CREATE TABLE invoices (id integer)").await;
    let error = postgres::migrate(&mut conn).await.unwrap_err();
    assert!(
        matches!(&error, MigrateError::Foreign { tables } if tables == &["invoices"]),
        "{error}"
    );
    assert_eq!(count_tables(&mut conn).await, 1);
}

#[tokio::test]
async fn without_pg_trgm_the_error_says_what_an_administrator_must_do() {
    let mut conn = empty().await;
    execute(
        &mut conn,
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC;
         CREATE SCHEMA registry;
         CREATE ROLE weak;
         GRANT ALL ON SCHEMA registry TO weak;
         SET search_path = registry;
         SET ROLE weak",
    )
    .await;
    let error = postgres::migrate(&mut conn).await.unwrap_err();
    assert!(
        error.to_string().contains("run `CREATE EXTENSION pg_trgm`"),
        "{error}"
    );
    assert_eq!(postgres::inspect(&mut conn).await.unwrap(), Found::Empty);
}
