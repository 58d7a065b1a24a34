//! Time, as the one who opens [`crate::Auth`] provides it, so that tests own it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDateTime, Utc};

/// Where time comes from. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System { start: Instant },
    Manual { now_ms: Arc<AtomicI64> },
}

impl Clock {
    /// The machine's clocks.
    pub fn system() -> Self {
        Self(Source::System {
            start: Instant::now(),
        })
    }

    /// A clock that stands still until it is [advanced](Self::advance). Its clones are the same clock.
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self(Source::Manual {
            now_ms: Arc::new(AtomicI64::new(start.timestamp_millis())),
        })
    }

    /// Moves a manual clock; does nothing to the machine's.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual { now_ms } = &self.0 {
            let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
            now_ms.fetch_add(by, Ordering::SeqCst);
        }
    }

    /// The time of day, UTC.
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System { .. } => Utc::now(),
            Source::Manual { now_ms } => {
                DateTime::from_timestamp_millis(now_ms.load(Ordering::SeqCst)).unwrap_or_default()
            }
        }
    }

    /// The time of day as the database stores it.
    pub fn now_naive(&self) -> NaiveDateTime {
        self.now().naive_utc()
    }

    /// Seconds since 1970, UTC.
    pub fn unix(&self) -> i64 {
        self.now().timestamp()
    }

    /// Milliseconds that never go back, for the age of what is remembered.
    pub fn monotonic_ms(&self) -> u64 {
        match &self.0 {
            Source::System { start } => start.elapsed().as_millis() as u64,
            Source::Manual { now_ms } => now_ms.load(Ordering::SeqCst) as u64,
        }
    }
}
