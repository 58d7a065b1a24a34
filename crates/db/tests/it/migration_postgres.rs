//! What `migrate` does with PostgreSQL databases in every state.

use pierhead_db::Database;
use pierhead_db::migrate::{Found, MigrateError, Outcome, inspect, migrate};
use pierhead_db::schema;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::databases;
use crate::postgres_server::empty_database;

/// An empty database as the server opens it, and a connection beside it.
async fn empty() -> (Database, PgConnection) {
    let (db, options) = databases::postgres().await;
    (db, PgConnection::connect_with(&options).await.unwrap())
}

async fn found(db: &Database) -> Found {
    inspect(&mut db.read().await.unwrap()).await.unwrap()
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
    let (db, _) = databases::postgres().await;
    assert_eq!(found(&db).await, Found::Empty);
    assert_eq!(migrate(&db).await.unwrap(), Outcome::Created);
    assert_eq!(found(&db).await, Found::Current);
    assert_eq!(migrate(&db).await.unwrap(), Outcome::Current);
}

#[tokio::test]
async fn a_current_database_needs_no_write_access() {
    let (db, options) = databases::postgres().await;
    migrate(&db).await.unwrap();
    let reader =
        databases::connect(options.options([("default_transaction_read_only", "on")])).await;
    assert_eq!(migrate(&reader).await.unwrap(), Outcome::Current);
}

#[tokio::test]
async fn instances_that_start_together_migrate_once_under_any_default_isolation() {
    for isolation in ["read committed", "serializable"] {
        let options = empty_database()
            .await
            .options([("default_transaction_isolation", isolation)]);
        let mut starting = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let options = options.clone();
            starting.spawn(async move {
                let db = databases::connect(options).await;
                let outcome = migrate(&db).await.unwrap();
                // The instance goes on with its connection idle: it must not keep the others waiting.
                (outcome, db)
            });
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
}

#[tokio::test]
async fn a_database_that_quay_filled_keeps_every_row_and_gets_our_tables() {
    let (db, mut conn) = empty().await;
    migrate(&db).await.unwrap();
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
    assert_eq!(found(&db).await, Found::WithoutOwnTables);
    assert_eq!(migrate(&db).await.unwrap(), Outcome::OwnTablesAdded);
    assert_eq!(contents(&mut conn).await, before);
    assert_eq!(found(&db).await, Found::Current);
}

#[tokio::test]
async fn an_older_revision_is_refused_and_left_alone() {
    let (db, mut conn) = empty().await;
    execute(
        &mut conn,
        "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
         INSERT INTO alembic_version VALUES ('c3d4e5f6a7b8')",
    )
    .await;
    let error = migrate(&db).await.unwrap_err();
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
    let (db, mut conn) = empty().await;
    execute(&mut conn, "CREATE TABLE invoices (id integer)").await;
    let error = migrate(&db).await.unwrap_err();
    assert!(
        matches!(&error, MigrateError::Foreign { tables } if tables == &["invoices"]),
        "{error}"
    );
    assert_eq!(count_tables(&mut conn).await, 1);
}

#[tokio::test]
async fn a_failure_in_the_middle_leaves_the_database_empty() {
    let (db, mut conn) = empty().await;
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

#[tokio::test]
async fn without_pg_trgm_the_error_says_what_an_administrator_must_do() {
    let (db, mut conn) = empty().await;
    execute(
        &mut conn,
        "CREATE ROLE weak LOGIN; GRANT ALL ON SCHEMA public TO weak",
    )
    .await;
    let database: String = sqlx::query_scalar("SELECT current_database()")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    let weak =
        databases::connect(empty_database().await.database(&database).username("weak")).await;
    let error = migrate(&weak).await.unwrap_err();
    assert!(
        error.to_string().contains("run `CREATE EXTENSION pg_trgm`"),
        "{error}"
    );
    assert_eq!(found(&db).await, Found::Empty);

    // Once the administrator has done so, the same role succeeds.
    execute(&mut conn, "CREATE EXTENSION pg_trgm").await;
    assert_eq!(migrate(&weak).await.unwrap(), Outcome::Created);
}
