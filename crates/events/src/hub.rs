//! Who listens in this process, and to what.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::event::{self, Message};
use crate::subscription::SubscribeError;

/// Listeners of one person on one instance.
pub const MOST_LISTENERS_OF_ONE: usize = 16;
/// Listeners of everybody on one instance. Each holds a connection, of which an instance has 10,000, and is asked every few
/// seconds whether its session still counts.
pub const MOST_LISTENERS: usize = 1024;
/// Events that wait for a listener.
const QUEUE: usize = 64;

/// Identifies a listener.
pub(crate) type ListenerId = u64;

/// The listeners of this process.
#[derive(Debug)]
pub(crate) struct Hub {
    state: Mutex<State>,
    /// Listeners, to be asked without the lock.
    open: AtomicUsize,
    /// Counts the comings and goings.
    version: watch::Sender<u64>,
    ended: CancellationToken,
}

#[derive(Debug, Default)]
struct State {
    channels: HashMap<Arc<str>, Vec<Listener>>,
    of_one: HashMap<String, usize>,
    all: usize,
    next: ListenerId,
}

#[derive(Debug)]
struct Listener {
    id: ListenerId,
    messages: mpsc::Sender<Message>,
}

/// A place of a listener.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) id: ListenerId,
    pub(crate) messages: mpsc::Receiver<Message>,
    /// The version of the hub that has this listener.
    pub(crate) version: u64,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            open: AtomicUsize::new(0),
            version: watch::Sender::new(0),
            ended: CancellationToken::new(),
        }
    }
}

impl Hub {
    /// Lets somebody listen to channels.
    pub(crate) fn join(
        &self,
        username: &str,
        channels: &[Arc<str>],
    ) -> Result<Joined, SubscribeError> {
        if self.ended.is_cancelled() {
            return Err(SubscribeError::Stopping);
        }
        let (sender, messages) = mpsc::channel(QUEUE);
        let mut state = self.lock();
        if state.of_one.get(username) >= Some(&MOST_LISTENERS_OF_ONE) {
            return Err(SubscribeError::TooManyOfOne);
        }
        if state.all >= MOST_LISTENERS {
            return Err(SubscribeError::TooMany);
        }
        state.all += 1;
        *state.of_one.entry(username.to_owned()).or_default() += 1;
        let id = state.next;
        state.next += 1;
        for channel in channels {
            let listener = Listener {
                id,
                messages: sender.clone(),
            };
            let listeners = state.channels.entry(channel.clone()).or_default();
            listeners.push(listener);
        }
        self.open.store(state.all, Ordering::Release);
        let version = self.advance();
        Ok(Joined {
            id,
            messages,
            version,
        })
    }

    /// Ends a place.
    pub(crate) fn leave(&self, username: &str, channels: &[Arc<str>], id: ListenerId) {
        let mut state = self.lock();
        state.all = state.all.saturating_sub(1);
        if let Some(count) = state.of_one.get_mut(username) {
            *count -= 1;
            if *count == 0 {
                state.of_one.remove(username);
            }
        }
        for channel in channels {
            state.remove(channel, id);
        }
        self.open.store(state.all, Ordering::Release);
        self.advance();
    }

    /// Tells everybody who listens to a channel. Who does not keep up gets nothing more.
    pub(crate) fn deliver(&self, channel: &str, data: Value) {
        let mut state = self.lock();
        let Some(listeners) = state.channels.get_mut(channel) else {
            return;
        };
        let message = Message {
            event: event::name_of(channel).into(),
            data: Arc::new(data),
        };
        let slow: Vec<ListenerId> = listeners
            .iter()
            .filter(|listener| listener.messages.try_send(message.clone()).is_err())
            .map(|listener| listener.id)
            .collect();
        for id in slow {
            tracing::debug!(
                channel,
                "a listener does not keep up with its events, and is ended"
            );
            // All of its senders: the end of the last one is the end of its stream.
            state.channels.retain(|_, listeners| {
                listeners.retain(|listener| listener.id != id);
                !listeners.is_empty()
            });
        }
    }

    /// Whether nobody listens.
    pub(crate) fn is_empty(&self) -> bool {
        self.open() == 0
    }

    /// Listeners now.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    /// Told of each coming and going.
    pub(crate) fn versions(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// The channels that somebody listens to, and the version that this is true of.
    pub(crate) fn channels(&self) -> (u64, HashSet<Arc<str>>) {
        let state = self.lock();
        // Under the lock, under which it is advanced.
        let version = *self.version.borrow();
        (version, state.channels.keys().cloned().collect())
    }

    /// Ends every listener, and lets nobody come any more.
    pub(crate) fn end(&self) {
        self.ended.cancel();
    }

    /// Cancelled by [`Self::end`].
    pub(crate) fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// To be called under the lock.
    fn advance(&self) -> u64 {
        self.version.send_modify(|version| *version += 1);
        *self.version.borrow()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn remove(&mut self, channel: &Arc<str>, id: ListenerId) {
        if let Some(listeners) = self.channels.get_mut(channel) {
            listeners.retain(|listener| listener.id != id);
            if listeners.is_empty() {
                self.channels.remove(channel);
            }
        }
    }
}
