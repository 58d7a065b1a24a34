//! A stream of user events to a browser (Quay's `endpoints/realtime.py`): server-sent events without names, each of which has
//! a JSON object as its data.
//!
//! First comes `{}`. Then, as Quay's reader takes each confirmation of a subscription for a moment in which nothing came, one
//! `pulse` for each name that is listened for; and a `pulse` whenever nothing came for five seconds. A stream ends when its
//! session does: when its time is over; when the account signs out, is disabled, renamed or deleted, or has another password
//! (at once if that happens at this instance, within five seconds otherwise). A database that is away ends no stream.

use std::time::Duration;

use bytes::Bytes;
use pierhead_auth::{Account, AccountWatch};
use pierhead_events::{Subscription, UserEvent, UserEvents};
use pierhead_oci::RepositoryName;
use serde_json::{Value, json};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};

use crate::caller::Caller;
use crate::error::Result;
use crate::json;
use crate::session::Session;
use crate::state::Api;

/// A stream in which nothing happens says so this often.
const PULSE: Duration = Duration::from_secs(5);
/// How often it is asked whether the session still counts.
const CHECK: Duration = Duration::from_secs(5);

/// A stream of somebody's events.
pub(crate) struct EventStream {
    api: Api,
    session: Session,
    user: Account,
    /// What comes first.
    opening: Option<Bytes>,
    subscription: Subscription,
    changes: AccountWatch,
    check: Interval,
    pulse_at: Instant,
}

impl EventStream {
    /// Listens to the events of a person, as long as the session holds.
    pub(crate) async fn open(
        api: &Api,
        events: &UserEvents,
        session: &Session,
        user: &Account,
        names: &[&str],
    ) -> Result<Self, OpenError> {
        let changes = api.auth().watch(user.id);
        let subscription = events.subscribe(&user.username, names).await?;
        let mut opening = frame(&json!({}))?;
        for _ in 0..subscription.names() {
            opening.push_str(&pulse()?);
        }
        let now = Instant::now();
        let mut check = interval_at(now + CHECK, CHECK);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            api: api.clone(),
            session: session.clone(),
            user: user.clone(),
            opening: Some(opening.into()),
            subscription,
            changes,
            check,
            pulse_at: now + PULSE,
        })
    }

    /// The next bytes; `None` at the end. Nothing is made before it is asked for, so a browser that reads slowly costs no more
    /// than what waits for it in its subscription.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        if let Some(opening) = self.opening.take() {
            return Some(opening);
        }
        loop {
            tokio::select! {
                biased;
                () = self.changes.changed() => if !self.session_holds().await {
                    return None;
                },
                _ = self.check.tick() => if !self.session_holds().await {
                    return None;
                },
                message = self.subscription.next() => {
                    let message = message?;
                    self.pulse_at = Instant::now() + PULSE;
                    let data = json!({ "event": *message.event, "data": *message.data });
                    return frame(&data).ok().map(Bytes::from);
                }
                () = sleep_until(self.pulse_at) => {
                    self.pulse_at = Instant::now() + PULSE;
                    return pulse().ok().map(Bytes::from);
                }
            }
        }
    }

    /// One statement.
    async fn session_holds(&self) -> bool {
        if self.session.is_over(self.api.clock().unix()) {
            return false;
        }
        match self.session.user(&self.api).await {
            Ok(Some(user)) => user.id == self.user.id && user.username == self.user.username,
            Ok(None) => false,
            Err(error) => {
                tracing::debug!(%error, "a session could not be checked; its stream goes on");
                true
            }
        }
    }
}

/// Tells a person of what they did to a repository through the API.
pub(crate) fn tell(api: &Api, caller: &Caller, repository: &RepositoryName, action: &'static str) {
    if let (Some(events), Some(user)) = (api.events(), caller.user())
        && events.is_heard()
    {
        let repository = Some(repository.clone());
        events.publish(&user.username, UserEvent::Client { action, repository });
    }
}

/// Why there is no stream.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// Nobody can listen now, or not like this.
    #[error(transparent)]
    Subscribe(#[from] pierhead_events::SubscribeError),
    /// Nothing can be written.
    #[error(transparent)]
    Frame(#[from] crate::error::Error),
}

fn pulse() -> Result<String> {
    frame(&json!({ "event": "pulse", "data": {} }))
}

/// A message of the stream. JSON has no line ends, which would end it early.
fn frame(data: &Value) -> Result<String> {
    Ok(format!("data: {}\n\n", json::nested(data)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn frames_are_those_of_quay_byte_by_byte() {
        assert_eq!(frame(&json!({})).unwrap(), "data: {}\n\n");
        assert_eq!(
            pulse().unwrap(),
            "data: {\"event\": \"pulse\", \"data\": {}}\n\n"
        );
        let data = json!({ "action": "login", "odd": "line\nend" });
        assert_eq!(
            frame(&json!({ "event": "docker-cli", "data": data })).unwrap(),
            "data: {\"event\": \"docker-cli\", \"data\": {\"action\": \"login\", \"odd\": \"line\\nend\"}}\n\n"
        );
    }
}
