//! What a connection is waiting for, so that a slow or absent client is let go.
//!
//! Instead of a timer per request, each connection notes times in a few atomics, and its task looks at
//! them when the nearest deadline could have passed (at most every header timeout): nothing is armed or
//! cancelled on the hot path. Times are milliseconds since the connection was accepted, plus one, so
//! that zero means "not waiting".

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::options::Limits;

/// The notes of one connection. Written by the connection's own tasks only; the orderings are relaxed
/// because a stale value only delays a timeout.
#[derive(Debug)]
pub(crate) struct Activity {
    accepted: Instant,
    /// Requests whose answer has not been handed to the connection completely.
    in_flight: AtomicU32,
    /// Those of them that have no end of their own.
    endless: AtomicU32,
    /// When the connection became idle.
    idle_since: AtomicU64,
    /// When the first byte of a head came that is not complete.
    head_since: AtomicU64,
    /// When a write could not go on because the client does not read.
    blocked_since: AtomicU64,
    /// On HTTP/2 bytes between requests are frames of the connection, not a head that was begun.
    http2: AtomicBool,
}

/// Why a connection is let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expired {
    /// Nothing was asked for [`Limits::keep_alive_idle`].
    Idle,
    /// A request head took longer than [`Limits::header_read`].
    SlowHead,
    /// The client read nothing for [`Limits::response_stall`].
    Stalled,
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self {
            accepted: Instant::now(),
            in_flight: AtomicU32::new(0),
            endless: AtomicU32::new(0),
            idle_since: AtomicU64::new(1),
            // The client has to say something at once: the head is awaited from the start.
            head_since: AtomicU64::new(1),
            blocked_since: AtomicU64::new(0),
            http2: AtomicBool::new(false),
        }
    }

    fn now(&self) -> u64 {
        self.accepted.elapsed().as_millis() as u64 + 1
    }

    pub(crate) fn bytes_came(&self) {
        if self.in_flight.load(Relaxed) == 0
            && self.head_since.load(Relaxed) == 0
            && !self.http2.load(Relaxed)
        {
            self.head_since.store(self.now(), Relaxed);
        }
    }

    pub(crate) fn write_blocked(&self, blocked: bool) {
        match (blocked, self.blocked_since.load(Relaxed)) {
            (true, 0) => self.blocked_since.store(self.now(), Relaxed),
            (true, _) | (false, 0) => {}
            (false, _) => {
                self.blocked_since.store(0, Relaxed);
                self.idle_since.store(self.now(), Relaxed);
            }
        }
    }

    pub(crate) fn request_began(&self, http2: bool) {
        self.in_flight.fetch_add(1, Relaxed);
        self.head_since.store(0, Relaxed);
        if http2 {
            self.http2.store(true, Relaxed);
        }
    }

    pub(crate) fn request_ended(&self) {
        self.idle_since.store(self.now(), Relaxed);
        self.in_flight.fetch_sub(1, Relaxed);
    }

    pub(crate) fn endless_began(&self) {
        self.endless.fetch_add(1, Relaxed);
    }

    pub(crate) fn endless_ended(&self) {
        self.endless.fetch_sub(1, Relaxed);
    }

    /// Whether all that is under way are answers without an end of their own.
    pub(crate) fn is_endless(&self) -> bool {
        let endless = self.endless.load(Relaxed);
        endless > 0 && endless == self.in_flight.load(Relaxed)
    }

    /// Whether the client does not read what is written.
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked_since.load(Relaxed) != 0
    }

    /// What has run out now, or how long nothing can.
    pub(crate) fn check(&self, limits: &Limits) -> Result<Duration, Expired> {
        let now = self.now();
        let left = |since: u64, limit: Duration| {
            limit
                .checked_sub(Duration::from_millis(now.saturating_sub(since)))
                .filter(|left| !left.is_zero())
        };
        // A state that begins later has its own whole limit, so looking again after the shortest is enough.
        let mut wait = limits
            .header_read
            .min(limits.response_stall)
            .min(limits.keep_alive_idle);
        let blocked = self.blocked_since.load(Relaxed);
        if blocked != 0 {
            wait = wait.min(left(blocked, limits.response_stall).ok_or(Expired::Stalled)?);
        } else if self.in_flight.load(Relaxed) == 0 {
            let head = self.head_since.load(Relaxed);
            if head != 0 {
                wait = wait.min(left(head, limits.header_read).ok_or(Expired::SlowHead)?);
            } else {
                wait = wait.min(
                    left(self.idle_since.load(Relaxed), limits.keep_alive_idle)
                        .ok_or(Expired::Idle)?,
                );
            }
        }
        Ok(wait.max(Duration::from_millis(1)))
    }
}
