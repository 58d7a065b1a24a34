//! Exports of audit logs (Quay's `exportactionlogsworker`): takes the items of the queue `exportactionlogs`, writes the rows of
//! a namespace or repository to a JSON file in the storage, and tells whoever asked where it lies.
//!
//! Rows are read in pages by their place and written as they come, so an export needs the memory of one page. The file becomes
//! visible when it is complete. An item is held for a few minutes at a time and goes back to the queue if this process dies;
//! what fails is tried again as often as the item allows, and whoever asked is told each time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use pierhead_db::queries::log_pages::{self, LogPlace, LogRow};
use pierhead_db::queries::queue::{self, Item};
use pierhead_db::{Database, Durability, RepositoryId, UserId};
use pierhead_storage::{ContentPath, FileWriter, Storage};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

mod report;

pub use report::{LogExportCallbacks, Mail, Outcome, SendMail};

/// Rows that are read at once.
const PAGE: i64 = 1000;
/// How long an item is held without a sign of life.
const HELD: TimeDelta = TimeDelta::minutes(5);
/// After how long the item is held anew.
const HOLD_AGAIN: Duration = Duration::from_mins(1);
/// When an export that failed is tried again.
const TRY_AGAIN: TimeDelta = TimeDelta::minutes(5);

/// Shows a row as the API does, as JSON.
pub type ShowRow = Arc<dyn Fn(LogRow) -> serde_json::Result<String> + Send + Sync>;

/// The worker.
#[derive(Clone)]
pub struct LogExport {
    /// The database.
    pub db: Database,
    /// Where the files go.
    pub storage: Storage,
    /// Shows a row as the API does.
    pub show: ShowRow,
    /// Tells who asked.
    pub callbacks: LogExportCallbacks,
    /// `EXPORT_ACTION_LOGS_QUEUE_NAME`.
    pub queue: String,
    /// `EXPORT_ACTION_LOGS_STORAGE_PATH`: the folder of the files.
    pub folder: String,
    /// `<scheme>://<hostname>` of this registry.
    pub base_url: String,
    /// `EXPORT_ACTION_LOGS_WORKER_POLL_PERIOD`: pause between two looks at an empty queue.
    pub every: Duration,
    /// `EXPORT_ACTION_LOGS_MAXIMUM_SECONDS`: longest time for one export.
    pub longest: Duration,
    /// `EXPORT_ACTION_LOGS_MAXIMUM_QUERY_TIME_SECONDS`: longest time for one page.
    pub longest_query: Duration,
}

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] pierhead_db::Error),
    /// The file could not be written.
    #[error(transparent)]
    Storage(#[from] pierhead_storage::Error),
    /// A row has no JSON form.
    #[error("a row of the audit log could not be written as JSON")]
    Row(#[source] serde_json::Error),
    /// The folder of the configuration cannot be used.
    #[error(
        "EXPORT_ACTION_LOGS_STORAGE_PATH must name a folder inside the storage location, not {0:?}"
    )]
    Folder(String),
    /// It took too long.
    #[error("the export took longer than {0} s")]
    TooLong(u64),
    /// Nobody could be told.
    #[error(transparent)]
    Report(#[from] report::Error),
}

/// The body of an item, as the API and Quay write it.
#[derive(Clone, Debug, Deserialize)]
struct Job {
    export_id: String,
    namespace_id: i32,
    namespace_name: String,
    #[serde(default)]
    repository_id: Option<i32>,
    #[serde(default)]
    repository_name: Option<String>,
    start_time: String,
    end_time: String,
    #[serde(default)]
    callback_url: Option<String>,
    #[serde(default)]
    callback_email: Option<String>,
}

impl Job {
    /// From the start of the first day to before the end of the last one; `None` if they are no days.
    fn span(&self) -> Option<(NaiveDateTime, NaiveDateTime)> {
        let day = |text: &str| {
            let day = NaiveDate::parse_from_str(text, "%m/%d/%Y").ok()?;
            Some(day.and_time(NaiveTime::MIN))
        };
        let end = day(&self.end_time)?.checked_add_signed(TimeDelta::days(1))?;
        Some((day(&self.start_time)?, end))
    }
}

/// An item that this process holds.
struct Held {
    id: i32,
    state_id: String,
    since: Instant,
}

impl LogExport {
    /// Works on the queue until `stop` is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let worked = match self.round().await {
                Ok(worked) => worked,
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(
                        error,
                        "exporting audit logs failed; it is tried again later"
                    );
                    false
                }
            };
            if stop.is_cancelled() {
                return;
            }
            if !worked {
                tokio::select! {
                    () = tokio::time::sleep(self.every) => {}
                    () = stop.cancelled() => return,
                }
            }
        }
    }

    /// Takes one item and works on it. Returns whether there was one.
    ///
    /// # Errors
    /// When the export failed; the item is in the queue again, as long as it may be tried.
    pub async fn round(&self) -> Result<bool, Error> {
        let prefix = queue::name(&self.queue, &[]);
        let now = now();
        let item = {
            let mut conn = self.db.read().await?;
            queue::next(&mut conn, &prefix, now).await?
        };
        let Some(item) = item else {
            return Ok(false);
        };
        let Some(mut held) = self.claim(item.clone(), now).await? else {
            return Ok(true);
        };
        let outcome = self.work(&item.body, &mut held).await;
        let id = held.id;
        let again = now_after(TRY_AGAIN);
        let failed = outcome.is_err();
        self.db
            .write(Durability::Full, move |conn| {
                Box::pin(async move {
                    if failed {
                        queue::release(conn, id, again, &Uuid::new_v4().to_string()).await
                    } else {
                        queue::delete(conn, id).await
                    }
                })
            })
            .await?;
        outcome.map(|()| true)
    }

    /// `None` when another worker was faster.
    async fn claim(&self, item: Item, now: NaiveDateTime) -> Result<Option<Held>, Error> {
        let state_id = Uuid::new_v4().to_string();
        let held = Held {
            id: item.id,
            state_id: state_id.clone(),
            since: Instant::now(),
        };
        let taken = self
            .db
            .write(Durability::Full, move |conn| {
                Box::pin(async move { queue::claim(conn, &item, now + HELD, &state_id).await })
            })
            .await?;
        Ok((taken > 0).then_some(held))
    }

    /// Tells the queue that this process is alive, from time to time.
    async fn hold(&self, held: &mut Held) -> Result<(), Error> {
        if held.since.elapsed() < HOLD_AGAIN {
            return Ok(());
        }
        held.since = Instant::now();
        let (id, state_id, until) = (held.id, held.state_id.clone(), now_after(HELD));
        self.db
            .write(Durability::Relaxed, move |conn| {
                Box::pin(async move { queue::extend(conn, id, &state_id, until).await })
            })
            .await?;
        Ok(())
    }

    async fn work(&self, body: &str, held: &mut Held) -> Result<(), Error> {
        let job: Job = match serde_json::from_str(body) {
            Ok(job) => job,
            Err(error) => {
                // Nobody is named whom one could tell, and trying again does not help.
                tracing::error!(%error, "an item of the queue of exports is no request for one; it was dropped");
                return Ok(());
            }
        };
        let Some(span) = job.span() else {
            return Ok(self.report(&job, Outcome::InvalidRequest, None).await?);
        };
        match self.export(&job, span, held).await {
            Ok(url) => {
                tracing::info!(export_id = job.export_id, "exported an audit log");
                Ok(self.report(&job, Outcome::Success, Some(url)).await?)
            }
            Err(error @ Error::TooLong(_)) => {
                tracing::warn!(export_id = job.export_id, %error, "an export was given up");
                Ok(self.report(&job, Outcome::TimedOut, None).await?)
            }
            Err(error) => {
                if let Err(untold) = self.report(&job, Outcome::Failed, None).await {
                    tracing::warn!(export_id = job.export_id, error = %untold, "nobody could be told of a failed export");
                }
                Err(error)
            }
        }
    }

    async fn report(
        &self,
        job: &Job,
        outcome: Outcome,
        url: Option<String>,
    ) -> Result<(), report::Error> {
        self.callbacks.tell(job, outcome, url).await
    }

    /// Writes the file; returns the URL of it.
    async fn export(
        &self,
        job: &Job,
        span: (NaiveDateTime, NaiveDateTime),
        held: &mut Held,
    ) -> Result<String, Error> {
        // The id of the export is told to many; the name of the file is told to the one who asked.
        let name = format!("{}-{}", job.export_id, Uuid::new_v4());
        let path = ContentPath::in_folder(&self.folder, &name)
            .ok_or_else(|| Error::Folder(self.folder.clone()))?;
        let location = self.storage.write_location();
        let mut file = self.storage.write_file(location).await?;
        let written = tokio::time::timeout(self.longest, self.rows(job, span, held, &mut file));
        let written = match written.await {
            Ok(written) => written,
            Err(_) => Err(Error::TooLong(self.longest.as_secs())),
        };
        if let Err(error) = written {
            file.abandon().await?;
            return Err(error);
        }
        file.finish(&path).await?;
        Ok(format!("{}/exportedlogs/{name}", self.base_url))
    }

    async fn rows(
        &self,
        job: &Job,
        (start, end): (NaiveDateTime, NaiveDateTime),
        held: &mut Held,
        file: &mut FileWriter,
    ) -> Result<(), Error> {
        let details = json!({
            "start_time": rfc2822(start),
            "end_time": rfc2822(end),
            "namespace": job.namespace_name,
            "repository": job.repository_name,
        });
        let head = format!(
            "{{\n\"export_id\": {},\n\"details\": {details},\n\"logs\": [\n",
            json!(job.export_id)
        );
        file.push(head).await?;
        let mut after: Option<LogPlace> = None;
        loop {
            let page = tokio::time::timeout(self.longest_query, self.page(job, start, end, after));
            let page = match page.await {
                Ok(page) => page?,
                Err(_) => return Err(Error::TooLong(self.longest_query.as_secs())),
            };
            let more = page.len() as i64 == PAGE;
            after = page.last().map(LogRow::place).or(after);
            let mut text = String::new();
            for row in page {
                text.push_str(&(self.show)(row).map_err(Error::Row)?);
                text.push_str(",\n");
            }
            file.push(Bytes::from(text)).await?;
            if !more {
                break;
            }
            self.hold(held).await?;
        }
        file.push("{\"terminator\": true}]\n}\n").await?;
        Ok(())
    }

    async fn page(
        &self,
        job: &Job,
        start: NaiveDateTime,
        end: NaiveDateTime,
        after: Option<LogPlace>,
    ) -> Result<Vec<LogRow>, Error> {
        let namespace = UserId(job.namespace_id);
        let repository = job.repository_id.map(RepositoryId);
        let mut conn = self.db.read().await?;
        Ok(log_pages::export(&mut conn, namespace, repository, start, end, after, PAGE).await?)
    }
}

impl std::fmt::Debug for LogExport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogExport")
            .field("queue", &self.queue)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

fn now() -> NaiveDateTime {
    chrono::Utc::now().naive_utc()
}

fn now_after(delta: TimeDelta) -> NaiveDateTime {
    now() + delta
}

fn rfc2822(date: NaiveDateTime) -> String {
    date.format("%a, %d %b %Y %H:%M:%S -0000").to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn job(start: &str, end: &str) -> Job {
        serde_json::from_value(json!({
            "export_id": "e", "repository_id": null, "namespace_id": 1, "namespace_name": "ann",
            "repository_name": null, "start_time": start, "end_time": end, "callback_url": null,
            "callback_email": null,
        }))
        .unwrap()
    }

    #[test]
    fn an_export_includes_its_last_day() {
        let (start, end) = job("08/01/2026", "08/02/2026").span().unwrap();
        assert_eq!(rfc2822(start), "Sat, 01 Aug 2026 00:00:00 -0000");
        assert_eq!(rfc2822(end), "Mon, 03 Aug 2026 00:00:00 -0000");
    }

    #[test]
    fn an_export_without_days_is_no_request() {
        assert!(job("today", "08/02/2026").span().is_none());
        assert!(job("08/01/2026", "").span().is_none());
    }
}
