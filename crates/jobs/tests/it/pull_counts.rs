//! Pull statistics: counted in memory, added to the tables.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime};
use pierhead_db::RepositoryId;
use pierhead_jobs::CancellationToken;
use pierhead_jobs::pull_counts::{Flush, PullCounts};
use pierhead_oci::Digest;

use crate::site::Site;

const REPOSITORY: RepositoryId = RepositoryId(7);
const NEVER: Flush = Flush {
    every: Duration::from_secs(1_000_000),
    batch: 2,
};

fn digest(content: char) -> Digest {
    Digest::parse(&format!("sha256:{}", content.to_string().repeat(64))).unwrap()
}

fn at(second: i64) -> NaiveDateTime {
    DateTime::from_timestamp(1_795_630_870 + second, 123_456_789)
        .unwrap()
        .naive_utc()
}

async fn site() -> Site {
    let site = Site::start().await;
    site.execute(
        "INSERT INTO repository (id, namespace_user_id, name, visibility_id, kind_id, state, badge_token, trust_enabled) \
         VALUES (7, 1, 'app', 1, 1, 0, '', false)",
    )
    .await;
    site
}

/// Writes all counts, as a stop does.
async fn write(site: &Site, counts: &PullCounts) {
    let stop = CancellationToken::new();
    stop.cancel();
    counts.clone().run(site.db.clone(), NEVER, stop).await;
}

async fn tags(site: &Site) -> String {
    site.rows(
        "SELECT tag_name || ' ' || tag_pull_count || ' ' || last_tag_pull_date || ' ' || substr(current_manifest_digest, 8, 1) \
         FROM tagpullstatistics WHERE repository_id = 7 ORDER BY tag_name",
    )
    .await
}

async fn manifests(site: &Site) -> String {
    site.rows(
        "SELECT substr(manifest_digest, 8, 1) || ' ' || manifest_pull_count || ' ' || last_manifest_pull_date \
         FROM manifestpullstatistics WHERE repository_id = 7 ORDER BY manifest_digest",
    )
    .await
}

#[tokio::test]
async fn a_stop_writes_what_was_counted() {
    let site = site().await;
    let counts = PullCounts::default();
    for second in 0..5 {
        counts.count(REPOSITORY, Some("latest"), digest('a'), at(second));
    }
    counts.count(REPOSITORY, Some("latest"), digest('b'), at(7));
    counts.count(REPOSITORY, Some("old"), digest('a'), at(6));
    counts.count(REPOSITORY, None, digest('c'), at(1));
    write(&site, &counts).await;
    assert_eq!(
        tags(&site).await,
        "latest 6 2026-11-25 18:21:17 b\nold 1 2026-11-25 18:21:16 a"
    );
    let expected = "a 6 2026-11-25 18:21:16\nb 1 2026-11-25 18:21:17\nc 1 2026-11-25 18:21:11";
    assert_eq!(manifests(&site).await, expected);

    write(&site, &counts).await;
    assert_eq!(manifests(&site).await, expected, "nothing is counted twice");

    // What another instance wrote later stays.
    counts.count(REPOSITORY, Some("latest"), digest('a'), at(2));
    write(&site, &counts).await;
    assert_eq!(
        tags(&site).await,
        "latest 7 2026-11-25 18:21:17 b\nold 1 2026-11-25 18:21:16 a"
    );
}

#[tokio::test]
async fn a_database_that_is_away_gets_its_counts_later() {
    let site = site().await;
    let counts = PullCounts::default();
    for tag in ["a", "b", "c", "d", "e"] {
        counts.count(REPOSITORY, Some(tag), digest('a'), at(0));
    }
    // The first transaction succeeds, a later one does not.
    site.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON tagpullstatistics WHEN NEW.tag_name = 'd' BEGIN SELECT RAISE(ABORT, 'away'); END",
    )
    .await;
    let stop = CancellationToken::new();
    let every = Flush {
        every: Duration::from_millis(1),
        ..NEVER
    };
    let worker = tokio::spawn(counts.clone().run(site.db.clone(), every, stop.clone()));
    pierhead_testkit::eventually("the first rows", || async {
        Ok((site.count("tagpullstatistics").await == 2).then_some(()))
    })
    .await
    .unwrap();
    site.execute("DROP TRIGGER refuse").await;
    stop.cancel();
    worker.await.unwrap();
    let all = ["a", "b", "c", "d", "e"].map(|tag| format!("{tag} 1 2026-11-25 18:21:10 a"));
    assert_eq!(tags(&site).await, all.join("\n"));
    assert_eq!(manifests(&site).await, "a 5 2026-11-25 18:21:10");
}

#[tokio::test]
async fn a_repository_or_a_tag_that_is_gone_gets_no_row() {
    let site = site().await;
    let counts = PullCounts::default();
    counts.count(RepositoryId(8), Some("latest"), digest('a'), at(0));
    counts.count(REPOSITORY, Some("deleted"), digest('a'), at(0));
    counts.count(REPOSITORY, Some("latest"), digest('a'), at(0));
    counts.forget_tag(REPOSITORY, "deleted");
    write(&site, &counts).await;
    assert_eq!(site.count("tagpullstatistics").await, 1);
    assert_eq!(site.count("manifestpullstatistics").await, 1);
    assert_eq!(tags(&site).await, "latest 1 2026-11-25 18:21:10 a");
}
