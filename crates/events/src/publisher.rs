//! The way of events to Redis: a bounded queue, and one worker that publishes in batches.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pierhead_redis::{Commands, Error, Redis};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::event::{self, UserEvent};

/// Events that may wait. About 200 bytes each.
const QUEUE: usize = 4096;
/// Events of one round trip.
const BATCH: usize = 512;
/// How long the worker lets events gather, unless enough have. It sleeps meanwhile: an event that comes does not wake it.
const LINGER: Duration = Duration::from_millis(20);
/// How long Redis may take to be connected to, and for each answer (Quay's limits).
const LIMIT: Duration = Duration::from_secs(2);
/// How long a stopping process tries to publish what waits.
const LAST_CHANCE: Duration = Duration::from_secs(3);
/// How long after a failure nothing is tried.
const PAUSE: Duration = Duration::from_secs(1);

/// An event on its way.
#[derive(Debug)]
pub(crate) struct Outgoing {
    username: String,
    event: UserEvent,
}

/// Takes events for Redis.
#[derive(Debug)]
pub(crate) struct Publisher {
    queue: mpsc::Sender<Outgoing>,
    dropped: Arc<AtomicU64>,
}

/// The other end.
pub(crate) struct Worker {
    redis: Redis,
    queue: mpsc::Receiver<Outgoing>,
    dropped: Arc<AtomicU64>,
    connection: Option<Commands>,
    /// When Redis failed last, and has not worked since.
    failed: Option<Instant>,
}

impl Publisher {
    pub(crate) fn new(redis: Redis) -> (Self, Worker) {
        let (sender, queue) = mpsc::channel(QUEUE);
        let dropped = Arc::<AtomicU64>::default();
        let worker = Worker {
            redis,
            queue,
            dropped: dropped.clone(),
            connection: None,
            failed: None,
        };
        let publisher = Self {
            queue: sender,
            dropped,
        };
        (publisher, worker)
    }

    /// Takes an event, or drops it when too many wait.
    pub(crate) fn publish(&self, username: &str, event: UserEvent) {
        let outgoing = Outgoing {
            username: username.to_owned(),
            event,
        };
        if self.queue.try_send(outgoing).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Events that Redis did not take.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Worker {
    /// Ends after `stop` is cancelled, when what waits is published, or dropped if Redis is away.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        loop {
            let mut batch = Vec::new();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                taken = self.queue.recv_many(&mut batch, BATCH) => if taken == 0 { return },
            }
            if batch.len() < BATCH {
                tokio::select! {
                    () = tokio::time::sleep(LINGER) => {}
                    () = stop.cancelled() => {}
                }
            }
            self.fill(&mut batch);
            self.publish(batch).await;
        }
        self.queue.close();
        let rest = async {
            loop {
                let mut batch = Vec::new();
                self.fill(&mut batch);
                if batch.is_empty() {
                    return;
                }
                self.publish(batch).await;
            }
        };
        // Whoever counts what is dropped has been stopped before.
        let _ = tokio::time::timeout(LAST_CHANCE, rest).await;
    }

    fn fill(&mut self, batch: &mut Vec<Outgoing>) {
        while batch.len() < BATCH
            && let Ok(outgoing) = self.queue.try_recv()
        {
            batch.push(outgoing);
        }
    }

    async fn publish(&mut self, batch: Vec<Outgoing>) {
        if self.failed.is_some_and(|at| at.elapsed() < PAUSE) {
            return self.drop_batch(batch.len());
        }
        let messages: Vec<(String, String)> = batch
            .iter()
            .map(|outgoing| {
                let channel = event::channel(&outgoing.username, outgoing.event.name());
                (channel, outgoing.event.data().to_string())
            })
            .collect();
        let mut outcome = self.attempt(&messages).await;
        if outcome.is_err() && self.failed.is_none() {
            // A server that was restarted, or a proxy between, ends connections that nothing travelled on.
            outcome = self.attempt(&messages).await;
        }
        match outcome {
            Ok(()) => {
                if self.failed.take().is_some() {
                    let dropped = self.dropped.load(Ordering::Relaxed);
                    tracing::info!(dropped, "Redis takes user events again");
                }
            }
            Err(error) => {
                if self.failed.is_none() {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "user events are dropped until the Redis of USER_EVENTS_REDIS answers"
                    );
                }
                self.failed = Some(Instant::now());
                self.drop_batch(messages.len());
            }
        }
    }

    /// Publishes over the connection, or over a new one. It is kept only if it works.
    async fn attempt(&mut self, messages: &[(String, String)]) -> Result<(), Error> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.redis.commands(LIMIT).await?,
        };
        connection.publish(messages).await?;
        self.connection = Some(connection);
        Ok(())
    }

    fn drop_batch(&self, events: usize) {
        self.dropped.fetch_add(events as u64, Ordering::Relaxed);
    }
}
