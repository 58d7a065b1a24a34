//! Pull statistics (`FEATURE_IMAGE_PULL_STATS`): pulls are counted in memory and added to the database from time to time.
//!
//! Quay counts in Redis and moves the counts to the tables every `REDIS_FLUSH_INTERVAL_SECONDS`; here the process counts for
//! itself and needs no Redis. Counts are not an audit log: what a killed process had not written is lost, as a Redis without
//! persistence loses it. A graceful stop writes everything; a database that is away gets it later. Memory is bounded: at
//! [`FLUSH_AT`] names the worker writes early, and beyond [`MOST`] pulls of names that have no count yet are not counted.

mod counts;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{NaiveDateTime, SubsecRound as _};
use pierhead_db::queries::pull_statistics::Pulls;
use pierhead_db::{Database, Durability, RepositoryId};
use pierhead_oci::Digest;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use counts::Counts;

/// Names with a count at which the worker does not wait for its time.
const FLUSH_AT: usize = 32 << 10;
/// Names with a count that are held at most.
const MOST: usize = 4 * FLUSH_AT;
/// How long the worker waits after a failure, at least.
const RETRY: Duration = Duration::from_secs(10);
/// Attempts to write what is left when the process stops, a second apart.
const LAST_ATTEMPTS: usize = 5;

/// Counts pulls. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct PullCounts(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    counts: Mutex<Counts>,
    full: Notify,
}

/// When and how the counts are written.
#[derive(Clone, Copy, Debug)]
pub struct Flush {
    /// `REDIS_FLUSH_INTERVAL_SECONDS`.
    pub every: Duration,
    /// `REDIS_FLUSH_WORKER_BATCH_SIZE`: rows of one transaction.
    pub batch: usize,
}

impl PullCounts {
    /// A manifest was pulled, by a tag or by its digest.
    pub fn count(
        &self,
        repository: RepositoryId,
        tag: Option<&str>,
        digest: Digest,
        now: NaiveDateTime,
    ) {
        let pulls = Pulls {
            count: 1,
            last: now.trunc_subsecs(0),
        };
        let mut counts = self.counts();
        counts.add_manifest(repository, digest, pulls, MOST);
        if let Some(tag) = tag {
            counts.add_tag(repository, tag, pulls, digest, MOST);
        }
        if counts.names() >= FLUSH_AT {
            self.0.full.notify_one();
        }
    }

    /// A tag was deleted, and with it the row of its name.
    pub fn forget_tag(&self, repository: RepositoryId, tag: &str) {
        self.counts().forget_tag(repository, tag);
    }

    /// Writes the counts whenever it is time, until `stop` is cancelled, and then once more.
    pub async fn run(self, db: Database, flush: Flush, stop: CancellationToken) {
        let db = db.in_background();
        while !stop.is_cancelled() {
            tokio::select! {
                () = tokio::time::sleep(flush.every) => {}
                () = self.0.full.notified() => {}
                () = stop.cancelled() => break,
            }
            if let Err(error) = self.write(&db, flush.batch).await {
                tracing::warn!(%error, "pull statistics could not be written; they are later");
                tokio::select! {
                    () = tokio::time::sleep(RETRY) => {}
                    () = stop.cancelled() => {}
                }
            }
        }
        for attempt in 1..=LAST_ATTEMPTS {
            let Err(error) = self.write(&db, flush.batch).await else {
                return;
            };
            tracing::error!(%error, attempt, "the last pull statistics could not be written");
            if attempt < LAST_ATTEMPTS {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }

    /// Adds all counts to the database. What could not be added is counted still.
    async fn write(&self, db: &Database, batch: usize) -> pierhead_db::Result<()> {
        let mut rows = std::mem::take(&mut *self.counts()).into_rows();
        while !rows.is_empty() {
            let later = rows.split_off(batch.clamp(1, rows.len()));
            let now = Arc::new(std::mem::replace(&mut rows, later));
            let written = {
                let now = now.clone();
                db.write(Durability::Relaxed, move |conn| {
                    Box::pin(async move {
                        for row in now.iter() {
                            row.add(conn).await?;
                        }
                        Ok(())
                    })
                })
                .await
            };
            if let Err(error) = written {
                let mut counts = self.counts();
                for row in now.iter().chain(&rows) {
                    counts.put_back(row, MOST);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Every change is complete before anything can panic.
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
