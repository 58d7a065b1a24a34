//! The only writer of an SQLite database.
//!
//! Invariants: one task owns the one writing connection. It takes what waits in its queue (at most [`BATCH`]), runs each job
//! in a savepoint of one transaction, and commits. A job that fails takes back only its own changes; a job runs to its end
//! even if the one who waits for it has gone.
//!
//! The connection is `synchronous=NORMAL`: a commit is in the write-ahead log, and so survives the process. A second task
//! syncs the log and only then answers the jobs that must survive a loss of power. That is what `synchronous=FULL` does, but
//! one sync serves every transaction that was committed meanwhile, and the writer goes on while the disk works.

use std::fs::File;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sqlx::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

use crate::conn::{Conn, EngineConn, Inner};
use crate::database::Durability;
use crate::error::{Error, Result};
use crate::tally::Tally;

/// How many jobs may share a transaction: bounds the time that the first one waits for the last.
const BATCH: usize = 64;
/// How many jobs, or answers that wait for the disk, may be queued. Beyond it, callers wait for a place.
const QUEUE: usize = 1024;

/// Sends jobs to the writing task.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
}

struct Job {
    durability: Durability,
    tally: Tally,
    run: Run,
}

/// Runs on the connection, or on the reason why there is none.
type Run = Box<dyn for<'c> FnOnce(Result<&'c mut Conn>) -> BoxFuture<'c, Outcome> + Send>;

/// What a job did, and how to tell its caller once the transaction has ended.
struct Outcome {
    keep: bool,
    answer: Answer,
}

type Answer = Box<dyn FnOnce(Option<Error>) + Send>;

impl Writer {
    /// Starts the writing task on its connection. It ends when every handle is gone.
    pub(crate) fn start(
        connection: SqliteConnection,
        database: &std::path::Path,
        tally: Tally,
    ) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (answers, waiting) = mpsc::channel(QUEUE);
        let mut log = database.as_os_str().to_owned();
        log.push("-wal");
        tokio::spawn(sync(PathBuf::from(log), waiting));
        let conn = Conn::new(Inner::SqliteWriter(connection), tally);
        tokio::spawn(work(conn, queue, answers));
        Self { jobs }
    }

    /// Jobs that the writing task has not taken yet.
    pub(crate) fn queued(&self) -> usize {
        self.jobs.max_capacity() - self.jobs.capacity()
    }

    /// Runs `write` inside a transaction and returns its result once that is committed (or rolled back).
    pub(crate) async fn write<T, E, F>(
        &self,
        durability: Durability,
        tally: &Tally,
        write: F,
    ) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let run: Run = Box::new(move |conn| {
            Box::pin(async move {
                let result = match conn {
                    Ok(conn) => write(conn).await,
                    Err(error) => Err(E::from(error)),
                };
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
        let job = Job {
            durability,
            tally: tally.clone(),
            run,
        };
        self.jobs.send(job).await.map_err(|_| Error::Closed)?;
        receiver.await.map_err(|_| Error::Closed)?
    }
}

async fn work(mut conn: Conn, mut queue: mpsc::Receiver<Job>, answers: mpsc::Sender<Answer>) {
    let mut batch = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        run_batch(&mut conn, &mut batch, &answers).await;
    }
}

async fn run_batch(conn: &mut Conn, batch: &mut Vec<Job>, answers: &mpsc::Sender<Answer>) {
    if let Err(error) = control(conn, "BEGIN IMMEDIATE").await {
        tracing::error!(%error, "a transaction could not begin");
        for job in batch.drain(..) {
            let outcome = (job.run)(Err(Error::NotCommitted(error.to_string()))).await;
            (outcome.answer)(None);
        }
        return;
    }
    let shared = batch.len() > 1;
    let mut outcomes = Vec::with_capacity(batch.len());
    for job in batch.drain(..) {
        conn.count_in(job.tally);
        if let Some(outcome) = run_job(conn, job.run, shared).await {
            outcomes.push((job.durability, outcome));
        }
    }
    let keep = shared || outcomes.iter().any(|(_, outcome)| outcome.keep);
    let failure = control(conn, if keep { "COMMIT" } else { "ROLLBACK" })
        .await
        .err();
    if failure.is_some() {
        let _ = control(conn, "ROLLBACK").await;
    }
    let reason = failure.map(|error| error.to_string());
    for (durability, outcome) in outcomes {
        let waits_for_the_disk = reason.is_none() && outcome.keep && durability == Durability::Full;
        if waits_for_the_disk {
            // Fails only when the process is going down, and then nobody waits.
            let _ = answers.send(outcome.answer).await;
        } else {
            (outcome.answer)(reason.clone().map(Error::NotCommitted));
        }
    }
}

/// Runs a job, in a savepoint if others share its transaction. `None` if it panicked: its changes are taken back, and its
/// caller finds its channel closed.
async fn run_job(conn: &mut Conn, run: Run, shared: bool) -> Option<Outcome> {
    if shared && let Err(error) = control(conn, "SAVEPOINT job").await {
        let error = Error::NotCommitted(error.to_string());
        return Some(run(Err(error)).await);
    }
    let ran = AssertUnwindSafe(run(Ok(conn))).catch_unwind().await;
    let keep = ran.as_ref().is_ok_and(|outcome| outcome.keep);
    if shared {
        let end = if keep {
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
    ran.inspect_err(|_| tracing::error!("a write panicked; its changes are taken back"))
        .ok()
}

/// Syncs the write-ahead log for the answers that wait, as many at once as have come.
///
/// After a failed sync nothing is known of what the log holds on disk, and a later one may succeed without having written
/// it: from then on no write is acknowledged until the process has started anew.
async fn sync(log: PathBuf, mut waiting: mpsc::Receiver<Answer>) {
    let mut file: Option<Arc<File>> = None;
    let mut failure: Option<String> = None;
    let mut answers: Vec<Answer> = Vec::new();
    while waiting.recv_many(&mut answers, QUEUE).await > 0 {
        if failure.is_some() {
            for answer in answers.drain(..) {
                answer(failure.clone().map(Error::NotCommitted));
            }
            continue;
        }
        let (path, open) = (log.clone(), file.take());
        // The log is made by the first commit and stays the same file while a connection is open.
        let synced = tokio::task::spawn_blocking(move || {
            let file = match open {
                Some(file) => file,
                None => Arc::new(File::open(path)?),
            };
            file.sync_data().map(|()| file)
        })
        .await;
        match synced {
            Ok(Ok(open)) => file = Some(open),
            Ok(Err(error)) => {
                tracing::error!(%error, "the write-ahead log could not be synced: restart the server");
                failure = Some(format!("the write-ahead log could not be synced: {error}"));
            }
            Err(error) => failure = Some(error.to_string()),
        }
        for answer in answers.drain(..) {
            answer(failure.clone().map(Error::NotCommitted));
        }
    }
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
