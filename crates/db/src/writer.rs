//! The only writer of an SQLite database.
//!
//! Invariants: one task owns the one writing connection. It takes what waits in its queue (at most [`BATCH`]), runs each job
//! in a savepoint of one transaction, commits, and only then answers the jobs. Writers that come together share one commit
//! and so one `fsync`; a job that fails takes back only its own changes. A job runs to its end even if the one who waits
//! for it has gone.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use futures_util::future::BoxFuture;
use sqlx::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

use crate::conn::{Conn, EngineConn, Inner};
use crate::database::Durability;
use crate::error::{Error, Result};

/// How many jobs may share a transaction: bounds the time that the first one waits for the last.
const BATCH: usize = 64;
/// How many jobs may wait. Beyond it, callers wait for a place.
const QUEUE: usize = 1024;

/// Sends jobs to the writing task.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
}

struct Job {
    durability: Durability,
    run: Run,
}

type Run = Box<dyn for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Outcome> + Send>;

/// What a job did, and how to tell its caller once the transaction has ended.
struct Outcome {
    keep: bool,
    answer: Box<dyn FnOnce(Option<Error>) + Send>,
}

impl Writer {
    /// Starts the writing task on its connection. It ends when every handle is gone.
    pub(crate) fn start(connection: SqliteConnection, statements: Arc<AtomicU64>) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let conn = Conn::new(Inner::SqliteWriter(connection), statements);
        tokio::spawn(work(conn, queue));
        Self { jobs }
    }

    /// Runs `write` inside a transaction and returns its result once that is committed (or rolled back).
    pub(crate) async fn write<T, E, F>(&self, durability: Durability, write: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let run: Run = Box::new(move |conn| {
            let future = write(conn);
            Box::pin(async move {
                let result = future.await;
                Outcome {
                    keep: result.is_ok(),
                    answer: Box::new(move |failure| {
                        let result = match failure {
                            Some(error) if result.is_ok() => Err(E::from(error)),
                            _ => result,
                        };
                        // The caller may have gone; the change stands all the same.
                        let _ = sender.send(result);
                    }),
                }
            })
        });
        let job = Job { durability, run };
        self.jobs.send(job).await.map_err(|_| Error::Closed)?;
        receiver.await.map_err(|_| Error::Closed)?
    }
}

async fn work(mut conn: Conn, mut queue: mpsc::Receiver<Job>) {
    let mut synchronous = Durability::Full;
    let mut batch = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        let durability = if batch.iter().any(|job| job.durability == Durability::Full) {
            Durability::Full
        } else {
            Durability::Relaxed
        };
        if durability != synchronous {
            let pragma = match durability {
                Durability::Full => "PRAGMA synchronous = FULL",
                Durability::Relaxed => "PRAGMA synchronous = NORMAL",
            };
            if control(&mut conn, pragma).await.is_ok() {
                synchronous = durability;
            }
        }
        run_batch(&mut conn, &mut batch).await;
    }
}

async fn run_batch(conn: &mut Conn, batch: &mut Vec<Job>) {
    if let Err(error) = control(conn, "BEGIN IMMEDIATE").await {
        let reason = error.to_string();
        for job in batch.drain(..) {
            refuse(job, &reason);
        }
        return;
    }
    let shared = batch.len() > 1;
    let mut outcomes = Vec::with_capacity(batch.len());
    for job in batch.drain(..) {
        if shared && let Err(error) = control(conn, "SAVEPOINT job").await {
            refuse(job, &error.to_string());
            continue;
        }
        let outcome = (job.run)(conn).await;
        if shared {
            let end = if outcome.keep {
                control(conn, "RELEASE job").await
            } else {
                match control(conn, "ROLLBACK TO job").await {
                    Ok(()) => control(conn, "RELEASE job").await,
                    failed => failed,
                }
            };
            if let Err(error) = end {
                tracing::error!(%error, "a savepoint could not be ended");
            }
        }
        outcomes.push(outcome);
    }
    let keep = shared || outcomes.iter().all(|outcome| outcome.keep);
    let failure = control(conn, if keep { "COMMIT" } else { "ROLLBACK" })
        .await
        .err();
    if failure.is_some() {
        let _ = control(conn, "ROLLBACK").await;
    }
    let reason = failure.map(|error| error.to_string());
    for outcome in outcomes {
        (outcome.answer)(reason.clone().map(Error::NotCommitted));
    }
}

/// Ends a job that could not begin: dropping it closes its channel, which its caller sees as [`Error::Closed`].
fn refuse(job: Job, reason: &str) {
    tracing::error!(reason, "a write could not begin");
    drop(job);
}

/// Transaction control on the writer's connection.
async fn control(conn: &mut Conn, sql: &'static str) -> Result<()> {
    match conn.engine() {
        EngineConn::Sqlite(conn) => {
            sqlx::query(sql).execute(conn).await?;
        }
        // The writer is only ever started on an SQLite connection.
        EngineConn::Postgres(_) => {}
    }
    Ok(())
}
