//! The way of events from Redis: one connection that listens to what anybody in this process listens to.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use pierhead_redis::{Error, Redis, Subscriber};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use crate::event;
use crate::hub::Hub;

/// How long Redis may take to be connected to, and for each answer (Quay's limit).
const LIMIT: Duration = Duration::from_secs(5);
/// How often a silent connection is asked whether it is still there.
const PING: Duration = Duration::from_secs(15);
/// First and longest pause before the next attempt.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(5)];

/// The version of the hub whose channels Redis has confirmed; none while there is no connection.
pub(crate) type Confirmed = Option<u64>;

pub(crate) struct Listener {
    redis: Redis,
    hub: Arc<Hub>,
    confirmed: watch::Sender<Confirmed>,
}

/// How a connection ended.
enum Ended {
    /// Nobody listens any more.
    Unwanted,
    /// It could not be made.
    Unconnected(Error),
    /// It broke.
    Broken(Error),
}

impl Listener {
    pub(crate) fn new(redis: Redis, hub: Arc<Hub>) -> (Self, watch::Receiver<Confirmed>) {
        let (confirmed, receiver) = watch::channel(None);
        let listener = Self {
            redis,
            hub,
            confirmed,
        };
        (listener, receiver)
    }

    /// Ends when `stop` is cancelled.
    pub(crate) async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = self.listen() => {}
            () = stop.cancelled() => {}
        }
    }

    async fn listen(&self) {
        let mut versions = self.hub.versions();
        let mut pause = PAUSES[0];
        let mut away = false;
        loop {
            // The sender lives as long as the hub.
            let _ = versions.wait_for(|_| !self.hub.is_empty()).await;
            let ended = self.connected(&mut away).await;
            self.confirmed.send_replace(None);
            let error = match ended {
                Ended::Unwanted => {
                    pause = PAUSES[0];
                    continue;
                }
                Ended::Broken(error) => {
                    pause = PAUSES[0];
                    error
                }
                Ended::Unconnected(error) => error,
            };
            if !away {
                away = true;
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "user events of other instances are not heard until the Redis of USER_EVENTS_REDIS answers"
                );
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES[1]);
        }
    }

    /// Listens as long as somebody does and the connection holds.
    async fn connected(&self, away: &mut bool) -> Ended {
        let mut connection = match self.redis.subscriber(LIMIT).await {
            Ok(connection) => connection,
            Err(error) => return Ended::Unconnected(error),
        };
        let mut heard = HashSet::new();
        let mut versions = self.hub.versions();
        versions.mark_changed();
        let mut ping = interval_at(Instant::now() + PING, PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let step = tokio::select! {
                _ = versions.changed() => {
                    let (version, wanted) = self.hub.channels();
                    if self.hub.is_empty() {
                        return Ended::Unwanted;
                    }
                    let changed = change(&mut connection, &mut heard, wanted).await;
                    if changed.is_ok() {
                        self.confirmed.send_replace(Some(version));
                        if std::mem::take(away) {
                            tracing::info!("user events are heard from Redis again");
                        }
                    }
                    changed
                }
                message = connection.next() => message.map(|message| {
                    if let Some(data) = event::read(&message.payload) {
                        self.hub.deliver(&message.channel, data);
                    }
                }),
                _ = ping.tick() => connection.ping().await,
            };
            if let Err(error) = step {
                return Ended::Broken(error);
            }
        }
    }
}

/// Makes what is heard what is wanted.
async fn change(
    connection: &mut Subscriber,
    heard: &mut HashSet<Arc<str>>,
    wanted: HashSet<Arc<str>>,
) -> Result<(), Error> {
    let new: Vec<&str> = wanted.difference(heard).map(AsRef::as_ref).collect();
    connection.subscribe(&new).await?;
    let old: Vec<&str> = heard.difference(&wanted).map(AsRef::as_ref).collect();
    connection.unsubscribe(&old).await?;
    *heard = wanted;
    Ok(())
}
