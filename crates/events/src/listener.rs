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
            if self.confirmed.send_replace(None).is_some() {
                pause = PAUSES[0];
            }
            let Err(error) = ended else {
                continue;
            };
            if !away {
                away = true;
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "user events are not heard until the Redis of USER_EVENTS_REDIS answers"
                );
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES[1]);
        }
    }

    /// Listens as long as somebody does.
    ///
    /// # Errors
    /// When there is no connection, or it breaks.
    async fn connected(&self, away: &mut bool) -> Result<(), Error> {
        let mut connection = self.redis.subscriber(LIMIT).await?;
        let mut heard = HashSet::new();
        let mut versions = self.hub.versions();
        versions.mark_changed();
        let mut ping = interval_at(Instant::now() + PING, PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = versions.changed() => {
                    let (version, wanted) = self.hub.channels();
                    if self.hub.is_empty() {
                        return Ok(());
                    }
                    change(&mut connection, &mut heard, wanted).await?;
                    self.confirmed.send_replace(Some(version));
                    if std::mem::take(away) {
                        tracing::info!("user events are heard from Redis again");
                    }
                }
                message = connection.next() => {
                    let message = message?;
                    if let Some(data) = event::read(&message.payload) {
                        self.hub.deliver(&message.channel, data);
                    }
                }
                _ = ping.tick() => connection.ping().await?,
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
