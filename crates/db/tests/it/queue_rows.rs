//! Items of a queue are taken by one worker at a time, as often as they may be.

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use pierhead_db::migrate::migrate;
use pierhead_db::queries::queue::{self, NewItem};
use pierhead_db::{Database, Durability, Error};

use crate::databases;

fn noon() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(2026, 8, 1)
        .unwrap()
        .and_hms_opt(12, 0, 0)
        .unwrap()
}

async fn check(db: &Database) {
    let outcome: Result<(), Error> = db
        .write(Durability::Full, |conn| {
            Box::pin(async move {
                let minute = TimeDelta::minutes(1);
                let item = |queue_name, state_id, available_after| NewItem {
                    queue_name,
                    body: "{}",
                    available_after,
                    retries: 2,
                    state_id,
                };
                let other = item("exportx/ann/", "s0", noon());
                queue::insert(conn, &other).await?;
                let later = item("export/ann/", "s1", noon() + minute);
                queue::insert(conn, &later).await?;
                assert_eq!(queue::next(conn, "export/", noon()).await?, None);
                let now = noon() + minute;
                let taken = queue::next(conn, "export/", now).await?.unwrap();
                assert_eq!((taken.retries_remaining, &*taken.state_id), (2, "s1"));
                assert_eq!(queue::count_alive(conn, "export/ann").await?, 1);

                // Two workers have read it; one gets it.
                assert_eq!(queue::claim(conn, &taken, now + minute, "s2").await?, 1);
                assert_eq!(queue::claim(conn, &taken, now + minute, "s3").await?, 0);
                assert_eq!(queue::next(conn, "export/", now).await?, None);
                assert_eq!(
                    queue::with_retries(conn, &[taken.id, 99, 98]).await?,
                    [taken.id]
                );

                // That worker died: after its time another may try.
                let again = queue::next(conn, "export/", now + minute).await?.unwrap();
                assert_eq!(again.retries_remaining, 1);
                assert_eq!(queue::claim(conn, &again, now + minute, "s4").await?, 1);
                queue::release(conn, again.id, now, "s5").await?;
                assert_eq!(queue::next(conn, "export/", now + minute).await?, None);
                assert!(queue::with_retries(conn, &[again.id]).await?.is_empty());
                assert_eq!(queue::count_alive(conn, "export/ann").await?, 0);
                assert_eq!(queue::delete(conn, again.id).await?, 1);
                assert_eq!(queue::delete(conn, again.id).await?, 0);
                Ok(())
            })
        })
        .await;
    outcome.unwrap();
}

#[tokio::test]
async fn sqlite_gives_an_item_to_one_worker() {
    let folder = tempfile::tempdir().unwrap();
    let db = databases::sqlite(folder.path()).await;
    migrate(&db).await.unwrap();
    check(&db).await;
}

#[tokio::test]
async fn postgresql_gives_an_item_to_one_worker() {
    let (db, _) = databases::postgres().await;
    migrate(&db).await.unwrap();
    check(&db).await;
}
