//! The audit log's way to the database: a bounded queue, and one worker that inserts in batches.
//!
//! No request waits for its row to be written. A row that was taken is written unless the process is killed: a graceful stop
//! writes what waits. When the database does not take rows, the queue fills; then a request waits a moment for a place and
//! is refused, or goes on without its row if its kind may ([`Lenient`]).
//!
//! A database that is away is asked again until it is back. Rows that it refuses for their values (a text that is too long, or
//! that it takes for none) would be refused for ever: their batch is halved until they are alone, and they are dropped, logged
//! and counted.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pierhead_db::enums::Enums;
use pierhead_db::queries::logs::{self, LogEntry};
use pierhead_db::{Database, Durability};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Rows that may wait.
const QUEUE: usize = 16 << 10;
/// Rows of one transaction: bounds how long other writes wait for it.
const BATCH: usize = 4 * logs::MAX_ROWS;
/// How long the worker lets rows gather, unless enough have. It sleeps meanwhile: a row that comes does not wake it.
const LINGER: Duration = Duration::from_millis(50);
/// How long a request waits for a place in the queue.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the worker waits after a failure.
const RETRY: Duration = Duration::from_secs(1);
/// Attempts to write what is left when the process stops.
const LAST_ATTEMPTS: usize = 5;

/// The queue is full: the database has not taken rows for a while.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the audit log is full: the database has not taken its entries for a while")]
pub struct Full;

/// Which actions go on without their row while the log takes none.
#[derive(Clone, Debug)]
pub enum Lenient {
    /// None: an action that cannot be recorded is refused.
    Nobody,
    /// Those of these kinds (`logentrykind.id`).
    Kinds(Arc<[i32]>),
    /// All.
    Everybody,
}

impl Lenient {
    /// As `ALLOW_PULLS_WITHOUT_STRICT_LOGGING` and `ALLOW_WITHOUT_STRICT_LOGGING` say. The first is about signing in, too.
    pub fn new(pulls: bool, everything: bool, enums: &Enums) -> Self {
        if everything {
            Self::Everybody
        } else if pulls {
            let kinds = [
                "pull_repo",
                "pull_repo_failed",
                "login_success",
                "login_failure",
                "logout_success",
            ];
            Self::Kinds(
                kinds
                    .iter()
                    .filter_map(|kind| enums.log_kind(kind))
                    .collect(),
            )
        } else {
            Self::Nobody
        }
    }

    fn allows(&self, kind: i32) -> bool {
        match self {
            Self::Nobody => false,
            Self::Kinds(kinds) => kinds.contains(&kind),
            Self::Everybody => true,
        }
    }
}

/// Takes rows for the audit log. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AuditLog {
    queue: mpsc::Sender<LogEntry>,
    lenient: Lenient,
    lost: Arc<Lost>,
}

/// Rows that were lost.
#[derive(Debug, Default)]
struct Lost {
    dropped: AtomicU64,
    refused: AtomicU64,
}

impl AuditLog {
    /// Starts the worker. It ends, with everything written, after `stop` is cancelled.
    pub fn start(
        db: &Database,
        lenient: Lenient,
        stop: CancellationToken,
    ) -> (Self, JoinHandle<()>) {
        let (queue, rows) = mpsc::channel(QUEUE);
        let lost = Arc::<Lost>::default();
        let worker = Worker {
            db: db.in_background(),
            lost: lost.clone(),
        };
        let worker = tokio::spawn(worker.run(rows, stop));
        let log = Self {
            queue,
            lenient,
            lost,
        };
        (log, worker)
    }

    /// Takes a row.
    pub async fn record(&self, entry: LogEntry) -> Result<(), Full> {
        let entry = match self.queue.try_send(entry) {
            Ok(()) => return Ok(()),
            Err(
                mpsc::error::TrySendError::Full(entry) | mpsc::error::TrySendError::Closed(entry),
            ) => entry,
        };
        if self.lenient.allows(entry.kind) {
            self.lost.dropped.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        let sent = self.queue.send_timeout(entry, PATIENCE).await;
        sent.map_err(|_| Full)
    }

    /// Rows that were lost because nothing took them, and that the configuration allows to lose.
    pub fn dropped(&self) -> u64 {
        self.lost.dropped.load(Ordering::Relaxed)
    }

    /// Rows that were lost because the database refused their values.
    pub fn refused(&self) -> u64 {
        self.lost.refused.load(Ordering::Relaxed)
    }
}

struct Worker {
    db: Database,
    lost: Arc<Lost>,
}

impl Worker {
    async fn run(self, mut rows: mpsc::Receiver<LogEntry>, stop: CancellationToken) {
        let mut left = Left::default();
        while !stop.is_cancelled() {
            let mut batch = Vec::new();
            tokio::select! {
                taken = rows.recv_many(&mut batch, BATCH) => if taken == 0 { break },
                () = stop.cancelled() => break,
            }
            if batch.len() < BATCH {
                tokio::select! {
                    () = tokio::time::sleep(LINGER) => {}
                    () = stop.cancelled() => {}
                }
            }
            // Not more than one transaction's: under load, places in the queue become free in small steps.
            while batch.len() < BATCH
                && let Ok(entry) = rows.try_recv()
            {
                batch.push(entry);
            }
            left = Left::of(batch);
            while !stop.is_cancelled()
                && let Err(error) = self.write(&mut left).await
            {
                tracing::error!(%error, rows = left.count(), "the audit log could not be written; trying again");
                tokio::select! {
                    () = tokio::time::sleep(RETRY) => {}
                    () = stop.cancelled() => {}
                }
            }
        }
        rows.close();
        self.finish(rows, left).await;
    }

    /// Writes what is left, and the rows of everybody who had a place in the queue.
    async fn finish(&self, mut rows: mpsc::Receiver<LogEntry>, left: Left) {
        let mut batch = Vec::new();
        while let Some(entry) = rows.recv().await {
            batch.push(entry);
        }
        for mut left in [left, Left::of(batch)] {
            for attempt in 1..=LAST_ATTEMPTS {
                let Err(error) = self.write(&mut left).await else {
                    break;
                };
                tracing::error!(%error, attempt, rows = left.count(), "the last audit rows could not be written");
                if attempt < LAST_ATTEMPTS {
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// Writes rows until none are left, or the database fails for another reason than their values.
    async fn write(&self, left: &mut Left) -> pierhead_db::Result<()> {
        while let Some(range) = left.ranges.pop() {
            let Err(error) = self.insert(left.rows.clone(), range.clone()).await else {
                continue;
            };
            if !error.refuses_values() {
                left.ranges.push(range);
                return Err(error);
            }
            if range.len() > 1 {
                let middle = range.start + range.len() / 2;
                left.ranges.push(middle..range.end);
                left.ranges.push(range.start..middle);
                continue;
            }
            self.lost.refused.fetch_add(1, Ordering::Relaxed);
            let row = &left.rows[range.start];
            tracing::error!(
                %error,
                kind = row.kind,
                account = row.account,
                performer = row.performer,
                repository = row.repository,
                metadata = %row.metadata_json,
                "the database refuses an audit row for its values; it is dropped"
            );
        }
        *left = Left::default();
        Ok(())
    }

    /// Writes some of the rows. They are shared and not copied: each pull has one.
    async fn insert(
        &self,
        rows: Arc<Vec<LogEntry>>,
        range: Range<usize>,
    ) -> pierhead_db::Result<()> {
        self.db
            .write(Durability::Relaxed, move |conn| {
                Box::pin(async move { logs::insert(conn, &rows[range]).await.map(|_| ()) })
            })
            .await
    }
}

/// Rows on their way, and which of them are not written yet: the ranges, last first, each one transaction.
#[derive(Default)]
struct Left {
    rows: Arc<Vec<LogEntry>>,
    ranges: Vec<Range<usize>>,
}

impl Left {
    fn of(rows: Vec<LogEntry>) -> Self {
        let starts = (0..rows.len()).step_by(BATCH);
        let ranges = starts
            .map(|start| start..rows.len().min(start + BATCH))
            .rev()
            .collect();
        Self {
            rows: Arc::new(rows),
            ranges,
        }
    }

    fn count(&self) -> usize {
        self.ranges.iter().map(Range::len).sum()
    }
}
