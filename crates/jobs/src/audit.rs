//! The audit log's way to the database: a bounded queue, and one worker that inserts in batches.
//!
//! No request waits for its row to be written. A row that was taken is written unless the process is killed: a graceful stop
//! writes what waits. When the database does not take rows, the queue fills; then a request waits a moment for a place and
//! is refused (strict), or goes on without its row (`ALLOW_PULLS_WITHOUT_STRICT_LOGGING`, `ALLOW_WITHOUT_STRICT_LOGGING`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pierhead_db::queries::logs::{self, LogEntry};
use pierhead_db::{Database, Durability};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Rows that may wait.
const QUEUE: usize = 16 << 10;
/// Rows of one transaction.
const BATCH: usize = 4 * logs::MAX_ROWS;
/// How long the worker lets rows gather.
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

/// Takes rows for the audit log. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AuditLog {
    queue: mpsc::Sender<LogEntry>,
    strict: bool,
    dropped: Arc<AtomicU64>,
}

impl AuditLog {
    /// Starts the worker. It ends, with everything written, after `stop` is cancelled.
    pub fn start(db: Database, strict: bool, stop: CancellationToken) -> (Self, JoinHandle<()>) {
        let (queue, rows) = mpsc::channel(QUEUE);
        let worker = tokio::spawn(work(db, rows, stop));
        let log = Self {
            queue,
            strict,
            dropped: Arc::default(),
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
        if self.strict && self.queue.send_timeout(entry, PATIENCE).await.is_ok() {
            return Ok(());
        }
        if self.strict {
            return Err(Full);
        }
        self.dropped.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Rows that were lost because nothing took them, and that the configuration allows to lose.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

async fn work(db: Database, mut rows: mpsc::Receiver<LogEntry>, stop: CancellationToken) {
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            taken = rows.recv_many(&mut batch, BATCH) => if taken == 0 { break },
            () = stop.cancelled() => break,
        }
        tokio::select! {
            () = tokio::time::sleep(LINGER) => {}
            () = stop.cancelled() => {}
        }
        while batch.len() < BATCH
            && let Ok(entry) = rows.try_recv()
        {
            batch.push(entry);
        }
        let ready = Arc::new(std::mem::take(&mut batch));
        let mut written = false;
        while !written && !stop.is_cancelled() {
            match write(&db, &ready).await {
                Ok(()) => written = true,
                Err(error) => {
                    tracing::error!(%error, rows = ready.len(), "the audit log could not be written; trying again");
                    tokio::select! {
                        () = tokio::time::sleep(RETRY) => {}
                        () = stop.cancelled() => {}
                    }
                }
            }
        }
        if !written {
            batch = Arc::unwrap_or_clone(ready);
        }
    }
    rows.close();
    // Until everybody who had a place in the queue has used it.
    while let Some(entry) = rows.recv().await {
        batch.push(entry);
    }
    if batch.is_empty() {
        return;
    }
    let last = Arc::new(batch);
    for attempt in 1..=LAST_ATTEMPTS {
        match write(&db, &last).await {
            Ok(()) => return,
            Err(error) => {
                tracing::error!(%error, attempt, rows = last.len(), "the last audit rows could not be written");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// Writes rows. They are shared and not copied: each pull has one.
async fn write(db: &Database, batch: &Arc<Vec<LogEntry>>) -> pierhead_db::Result<()> {
    let batch = batch.clone();
    db.write(Durability::Relaxed, move |conn| {
        Box::pin(async move { logs::insert(conn, &batch).await.map(|_| ()) })
    })
    .await
}
