//! User events: what somebody's clients do at the registry, told at once to whoever listens as that somebody (Quay's
//! `FEATURE_USER_EVENTS`; database.md §4.16).
//!
//! Why a room of its own: `registry` tells, `api` listens, and neither may know whether the two are in one process. Between
//! them is one of two ways, with the same doors ([`UserEvents::publish`], [`UserEvents::subscribe`]):
//!
//! * with Redis (`USER_EVENTS_REDIS`), channel `user/<username>/events/<event>` with a JSON object: every instance, and a
//!   Quay beside it, hears what any of them tells;
//! * without, in this process.
//!
//! Invariants: whoever publishes never waits and never fails. Events that Redis does not take are dropped and counted, not
//! kept: they are about now. Nothing is unbounded: events that wait, listeners of one person and of all, names that one
//! listener asks for, events that wait for a listener. A listener that does not keep up ends, so that what was missed is
//! known; it may come again. However many listen, an instance has one connection to Redis that listens, and only while
//! somebody does.

mod event;
mod hub;
mod listener;
mod publisher;
mod subscription;
#[cfg(test)]
mod tests;
mod user_events;

pub use event::{Message, UserEvent};
pub use hub::{MOST_LISTENERS, MOST_LISTENERS_OF_ONE};
pub use subscription::{MOST_NAMES, SubscribeError, Subscription};
pub use user_events::UserEvents;
