//! The room's one door.

use std::sync::Arc;
use std::time::Duration;

use pierhead_redis::Redis;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::event::{UserEvent, channel};
use crate::hub::Hub;
use crate::listener::{Confirmed, Listener};
use crate::publisher::Publisher;
use crate::subscription::{SubscribeError, Subscription};

/// How long whoever begins to listen waits for Redis (Quay's limit).
const CONFIRM: Duration = Duration::from_secs(5);

/// Tells and hears user events. Cheap to clone.
#[derive(Clone, Debug)]
pub struct UserEvents(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    hub: Arc<Hub>,
    redis: Option<OverRedis>,
}

#[derive(Debug)]
struct OverRedis {
    publisher: Publisher,
    confirmed: watch::Receiver<Confirmed>,
}

impl UserEvents {
    /// Events that stay in this process.
    pub fn in_process() -> Self {
        Self(Arc::new(Inner {
            hub: Arc::default(),
            redis: None,
        }))
    }

    /// Events that go through Redis. The workers end after `stop` is cancelled; waiting on the tracker waits for them.
    pub fn over(redis: Redis, stop: &CancellationToken) -> (Self, TaskTracker) {
        let hub = Arc::<Hub>::default();
        let (publisher, worker) = Publisher::new(redis.clone());
        let (listener, confirmed) = Listener::new(redis, hub.clone());
        let workers = TaskTracker::new();
        workers.spawn(worker.run(stop.clone()));
        workers.spawn(listener.run(stop.clone()));
        workers.close();
        let redis = OverRedis {
            publisher,
            confirmed,
        };
        let events = Self(Arc::new(Inner {
            hub,
            redis: Some(redis),
        }));
        (events, workers)
    }

    /// Whether anybody could hear an event: to be asked before one is made.
    pub fn is_heard(&self) -> bool {
        self.0.redis.is_some() || !self.0.hub.is_empty()
    }

    /// Tells whoever listens as that person, or robot. Does not wait, and may drop the event.
    pub fn publish(&self, username: &str, event: UserEvent) {
        match &self.0.redis {
            Some(redis) => redis.publisher.publish(username, event),
            None if self.0.hub.is_empty() => {}
            None => {
                let channel = channel(username, event.name());
                self.0.hub.deliver(&channel, event.data());
            }
        }
    }

    /// Listens to events of these names of a person, from when this returns on.
    ///
    /// # Errors
    /// When too many listen, or Redis does not answer.
    pub async fn subscribe(
        &self,
        username: &str,
        names: &[&str],
    ) -> Result<Subscription, SubscribeError> {
        let subscription = Subscription::new(&self.0.hub, username, names)?;
        if let Some(redis) = &self.0.redis {
            let mut confirmed = redis.confirmed.clone();
            let heard = confirmed.wait_for(|confirmed| *confirmed >= Some(subscription.version()));
            tokio::select! {
                heard = tokio::time::timeout(CONFIRM, heard) => {
                    heard
                        .map_err(|_| SubscribeError::Unreachable)?
                        .map_err(|_| SubscribeError::Stopping)?;
                }
                () = self.0.hub.ended().cancelled() => return Err(SubscribeError::Stopping),
            }
        }
        Ok(subscription)
    }

    /// Ends every subscription at once, and refuses new ones. Publishing goes on.
    pub fn end_subscriptions(&self) {
        self.0.hub.end();
    }

    /// Events that Redis did not take.
    pub fn dropped(&self) -> u64 {
        let redis = self.0.redis.as_ref();
        redis.map_or(0, |redis| redis.publisher.dropped())
    }

    /// Subscriptions now.
    pub fn subscriptions(&self) -> usize {
        self.0.hub.open()
    }
}
