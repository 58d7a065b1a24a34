//! The audit log's worker.

use chrono::Utc;
use pierhead_db::queries::logs::LogEntry;
use pierhead_jobs::CancellationToken;
use pierhead_jobs::audit::{AuditLog, Lenient};
use tokio::task::JoinSet;

use crate::site::Site;

fn entry(site: &Site, number: usize) -> LogEntry {
    LogEntry {
        kind: site.enums.log_kind("pull_repo").unwrap(),
        account: 1,
        performer: None,
        repository: None,
        datetime: Utc::now().naive_utc(),
        ip: None,
        metadata_json: format!("{{\"number\":{number}}}").into(),
    }
}

#[tokio::test]
async fn rows_are_written_in_batches() {
    let site = Site::start().await;
    let (log, _worker) = AuditLog::start(&site.db, Lenient::Nobody, CancellationToken::new());
    for number in 0..1000 {
        log.record(entry(&site, number)).await.unwrap();
    }
    pierhead_testkit::eventually("every row", || async {
        Ok((site.count("logentry3").await == 1000).then_some(()))
    })
    .await
    .unwrap();
    let statements = site.db.background_statements();
    assert!(statements <= 10, "{statements}");
}

#[tokio::test]
async fn nothing_is_lost_at_the_end() {
    let site = Site::start().await;
    let stop = CancellationToken::new();
    let (log, worker) = AuditLog::start(&site.db, Lenient::Nobody, stop.clone());
    for number in 0..5000 {
        log.record(entry(&site, number)).await.unwrap();
    }
    stop.cancel();
    worker.await.unwrap();
    assert_eq!(site.count("logentry3").await, 5000);
    assert!(
        log.record(entry(&site, 0)).await.is_err(),
        "nobody would write it"
    );
}

/// Records that many rows at once; returns how many are refused.
async fn record(site: &Site, log: &AuditLog, rows: usize) -> usize {
    let mut requests = JoinSet::new();
    for number in 0..rows {
        let (log, entry) = (log.clone(), entry(site, number));
        requests.spawn(async move { log.record(entry).await });
    }
    requests
        .join_all()
        .await
        .iter()
        .filter(|taken| taken.is_err())
        .count()
}

#[tokio::test]
async fn a_full_log_refuses_or_counts_until_the_database_is_back() {
    for (strict, pulls, everything) in [
        (true, false, false),
        (false, true, false),
        (false, false, true),
    ] {
        let site = Site::start().await;
        // The database does not take rows: their table is away.
        site.execute("ALTER TABLE logentry3 RENAME TO away").await;
        let stop = CancellationToken::new();
        let lenient = Lenient::new(pulls, everything, &site.enums);
        let (log, worker) = AuditLog::start(&site.db, lenient, stop.clone());
        // A batch is on its way, the queue takes the rest of these.
        assert_eq!(record(&site, &log, 16 << 10).await, 0);
        let more = 2001;
        let refused = record(&site, &log, more).await;
        assert_eq!(refused > 0, strict);
        assert_eq!(log.dropped() > 0, !strict);
        site.execute("ALTER TABLE away RENAME TO logentry3").await;
        let written = (16 << 10) + more as i64 - refused as i64 - log.dropped() as i64;
        pierhead_testkit::eventually("every row that was taken", || async {
            Ok((site.count("logentry3").await == written).then_some(()))
        })
        .await
        .unwrap();
        stop.cancel();
        worker.await.unwrap();
    }
}

#[tokio::test]
async fn a_row_that_the_database_refuses_is_dropped_alone() {
    let site = Site::start().await;
    site.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON logentry3 WHEN NEW.repository_id = 4711 \
         BEGIN SELECT RAISE(ABORT, 'poisonous'); END",
    )
    .await;
    let stop = CancellationToken::new();
    let (log, worker) = AuditLog::start(&site.db, Lenient::Nobody, stop.clone());
    let rows = 2000;
    let poisonous = [0, 1, 700, 1999];
    for number in 0..rows {
        let repository = poisonous.contains(&number).then_some(4711);
        let entry = LogEntry {
            repository,
            ..entry(&site, number)
        };
        log.record(entry).await.unwrap();
    }
    let expected = (rows - poisonous.len()) as i64;
    pierhead_testkit::eventually("every row but those", || async {
        Ok((site.count("logentry3").await == expected).then_some(()))
    })
    .await
    .unwrap();
    log.record(entry(&site, 0)).await.unwrap();
    stop.cancel();
    worker.await.unwrap();
    assert_eq!(log.refused(), poisonous.len() as u64);
    assert_eq!(log.dropped(), 0);
    assert_eq!(site.count("logentry3").await, expected + 1);
}
