//! One listener.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::event::{self, Message};
use crate::hub::{Hub, ListenerId, MOST_LISTENERS, MOST_LISTENERS_OF_ONE};

/// Names that one listener may ask for.
pub const MOST_NAMES: usize = 32;
/// Longest of them, in bytes.
const LONGEST_NAME: usize = 255;

/// Why somebody cannot listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// Too many names, or one that is too long.
    #[error("at most {MOST_NAMES} names of events, each of at most {LONGEST_NAME} bytes")]
    Names,
    /// This person listens often enough.
    #[error("you listen {MOST_LISTENERS_OF_ONE} times already; close some of them")]
    TooManyOfOne,
    /// Enough people listen.
    #[error("{MOST_LISTENERS} listen to this instance already; try again later")]
    TooMany,
    /// Redis does not answer.
    #[error("the server of user events (USER_EVENTS_REDIS) does not answer")]
    Unreachable,
    /// The process is going down.
    #[error("the process is shutting down")]
    Stopping,
}

/// A listener; it leaves when it is dropped.
#[derive(Debug)]
pub struct Subscription {
    hub: Arc<Hub>,
    username: String,
    channels: Vec<Arc<str>>,
    id: ListenerId,
    version: u64,
    messages: mpsc::Receiver<Message>,
}

impl Subscription {
    pub(crate) fn new(
        hub: &Arc<Hub>,
        username: &str,
        names: &[&str],
    ) -> Result<Self, SubscribeError> {
        let names: BTreeSet<&str> = names.iter().copied().collect();
        if names.len() > MOST_NAMES || names.iter().any(|name| name.len() > LONGEST_NAME) {
            return Err(SubscribeError::Names);
        }
        let channels = names
            .iter()
            .map(|name| event::channel(username, name).into());
        let channels: Vec<Arc<str>> = channels.collect();
        let joined = hub.join(username, &channels)?;
        Ok(Self {
            hub: hub.clone(),
            username: username.to_owned(),
            channels,
            id: joined.id,
            version: joined.version,
            messages: joined.messages,
        })
    }

    /// The next event; `None` when there will be none, because the process stops or this listener did not keep up. May be
    /// given up at any time: no event is lost by that.
    pub async fn next(&mut self) -> Option<Message> {
        tokio::select! {
            biased;
            () = self.hub.ended().cancelled() => None,
            message = self.messages.recv() => message,
        }
    }

    /// Different events that are listened for.
    pub fn names(&self) -> usize {
        self.channels.len()
    }

    /// The version of the hub from which on it is heard.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub.leave(&self.username, &self.channels, self.id);
    }
}
