//! Writers of SQLite that come together share a transaction and stay independent of each other.

use pierhead_db::migrate::migrate;
use pierhead_db::queries::uploads;
use pierhead_db::{BoxFuture, Conn, Database, Durability, Error, RepositoryId};

use crate::databases;

const UUIDS: usize = 40;

/// Begins the upload of that number, and ends as it is told.
async fn write(db: &Database, number: usize, outcome: Outcome) -> Result<(), Error> {
    db.write(Durability::Full, move |conn| body(conn, number, outcome))
        .await
}

#[derive(Clone, Copy)]
enum Outcome {
    Keep,
    Fail,
    Panic,
}

fn body(conn: &mut Conn, number: usize, outcome: Outcome) -> BoxFuture<'_, Result<(), Error>> {
    Box::pin(async move {
        let now = chrono::DateTime::UNIX_EPOCH.naive_utc();
        let uuid = format!("upload-{number}");
        uploads::insert(conn, RepositoryId(1), &uuid, "", 1, "{}", now).await?;
        match outcome {
            Outcome::Keep => Ok(()),
            Outcome::Fail => Err(Error::Closed),
            Outcome::Panic => panic!("on purpose"),
        }
    })
}

async fn with_repository() -> (tempfile::TempDir, Database) {
    let folder = tempfile::tempdir().unwrap();
    let db = databases::sqlite(folder.path()).await;
    migrate(&db).await.unwrap();
    let path = folder.path().join("registry.db");
    let mut conn = <sqlx::SqliteConnection as sqlx::Connection>::connect(&format!(
        "sqlite://{}",
        path.display()
    ))
    .await
    .unwrap();
    for sql in [
        "INSERT INTO \"user\" (id, username, email, verified, organization, robot, invoice_email, \
         invalid_login_attempts, last_invalid_login, enabled) \
         VALUES (1, 'ann', 'a', true, false, false, false, 0, '2026-01-01 00:00:00', true)",
        "INSERT INTO repository (id, namespace_user_id, name, visibility_id, badge_token, kind_id, trust_enabled, state) \
         VALUES (1, 1, 'app', 1, 'x', 1, false, 0)",
    ] {
        sqlx::query(sql).execute(&mut conn).await.unwrap();
    }
    (folder, db)
}

async fn exists(db: &Database, number: usize) -> bool {
    let mut conn = db.read().await.unwrap();
    uploads::exists(&mut conn, &format!("upload-{number}"))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_write_that_fails_takes_back_only_its_own_changes() {
    let (_folder, db) = with_repository().await;
    let writes = (0..UUIDS).map(|number| {
        let outcome = if number % 3 == 1 {
            Outcome::Fail
        } else {
            Outcome::Keep
        };
        write(&db, number, outcome)
    });
    let outcomes = futures_util::future::join_all(writes).await;
    for (number, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome.is_ok(), number % 3 != 1);
        assert_eq!(exists(&db, number).await, outcome.is_ok(), "{number}");
    }
}

#[tokio::test]
async fn a_write_that_panics_fails_alone_and_the_writer_goes_on() {
    let (_folder, db) = with_repository().await;
    let (panicked, kept) =
        tokio::join!(write(&db, 1, Outcome::Panic), write(&db, 2, Outcome::Keep));
    assert!(panicked.is_err() && kept.is_ok());
    assert!(!exists(&db, 1).await && exists(&db, 2).await);
    write(&db, 3, Outcome::Keep).await.unwrap();
    assert!(exists(&db, 3).await);
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_stop_its_write() {
    let (_folder, db) = with_repository().await;
    let gone = tokio::spawn({
        let db = db.clone();
        async move { write(&db, 1, Outcome::Keep).await }
    });
    tokio::task::yield_now().await;
    gone.abort();
    let _ = gone.await;
    // Later writes run after earlier ones.
    write(&db, 2, Outcome::Keep).await.unwrap();
    assert!(exists(&db, 2).await);
}
