//! Rows of the audit log on both engines: any number of them, and which failures are the rows' own.

use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime};
use pierhead_db::migrate::migrate;
use pierhead_db::queries::logs::{self, LogEntry};
use pierhead_db::{Database, Durability, Error};
use sqlx::{Connection as _, PgConnection, SqliteConnection};

use crate::databases;

fn at(milliseconds: i64) -> NaiveDateTime {
    DateTime::from_timestamp_millis(1_795_630_870_000 + milliseconds)
        .unwrap()
        .naive_utc()
}

async fn insert(db: &Database, rows: Vec<LogEntry>) -> Result<u64, Error> {
    db.write(Durability::Relaxed, move |conn| {
        Box::pin(async move { logs::insert(conn, &rows).await })
    })
    .await
}

fn row(number: i64) -> LogEntry {
    LogEntry {
        kind: 40,
        account: 1,
        performer: (number % 2 == 0).then_some(2),
        repository: (number % 5 != 0).then_some(3),
        datetime: at(number / 3),
        ip: (number % 3 == 0).then(|| Arc::from("192.0.2.1")),
        metadata_json: format!("{{\"number\":{number}}}").into(),
    }
}

/// Writes batches of several sizes, and compares what `read` finds with what was written.
async fn check<F>(db: &Database, read: F)
where
    F: AsyncFnOnce() -> Vec<Stored>,
{
    let sizes = [0, 1, 2, 3, 255, 256, 257, 700];
    let mut rows = (0..).map(row);
    let mut expected = Vec::new();
    for size in sizes {
        let batch: Vec<LogEntry> = rows.by_ref().take(size).collect();
        expected.extend(batch.iter().map(Stored::of));
        assert_eq!(insert(db, batch).await.unwrap(), size as u64);
    }
    assert!(read().await == expected, "rows come back as they went in");
}

#[derive(Debug, PartialEq, sqlx::FromRow)]
struct Stored {
    kind_id: i32,
    account_id: i32,
    performer_id: Option<i32>,
    repository_id: Option<i32>,
    datetime: NaiveDateTime,
    ip: Option<String>,
    metadata_json: String,
}

impl Stored {
    fn of(entry: &LogEntry) -> Self {
        Self {
            kind_id: entry.kind,
            account_id: entry.account,
            performer_id: entry.performer,
            repository_id: entry.repository,
            datetime: entry.datetime,
            ip: entry.ip.as_deref().map(str::to_owned),
            metadata_json: entry.metadata_json.to_string(),
        }
    }
}

const READ: &str = "SELECT kind_id, account_id, performer_id, repository_id, datetime, ip, metadata_json \
    FROM logentry3 ORDER BY id";

#[tokio::test]
async fn rows_are_written_in_any_number_to_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let db = databases::sqlite(folder.path()).await;
    migrate(&db).await.unwrap();
    let path = folder.path().join("registry.db");
    check(&db, async || {
        let mut conn = SqliteConnection::connect(&format!("sqlite://{}", path.display()))
            .await
            .unwrap();
        sqlx::query_as(READ).fetch_all(&mut conn).await.unwrap()
    })
    .await;
}

#[tokio::test]
async fn rows_are_written_in_any_number_to_postgresql() {
    let (db, options) = databases::postgres().await;
    migrate(&db).await.unwrap();
    check(&db, async || {
        let mut conn = PgConnection::connect_with(&options).await.unwrap();
        sqlx::query_as(READ).fetch_all(&mut conn).await.unwrap()
    })
    .await;
}

#[tokio::test]
async fn values_that_postgresql_refuses_are_told_from_a_table_that_is_away() {
    let (db, options) = databases::postgres().await;
    migrate(&db).await.unwrap();
    let long = LogEntry {
        ip: Some("1".repeat(256).into()),
        ..row(1)
    };
    let no_text = LogEntry {
        metadata_json: "\0".into(),
        ..row(1)
    };
    for refused in [long, no_text] {
        let error = insert(&db, vec![row(0), refused]).await.unwrap_err();
        assert!(error.refuses_values(), "{error:?}");
    }
    let mut conn = PgConnection::connect_with(&options).await.unwrap();
    sqlx::query("ALTER TABLE logentry3 RENAME TO away")
        .execute(&mut conn)
        .await
        .unwrap();
    let error = insert(&db, vec![row(0)]).await.unwrap_err();
    assert!(!error.refuses_values(), "{error:?}");
}
