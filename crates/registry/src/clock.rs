//! Time for tags: epoch milliseconds that two writes of this process never share.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, NaiveDateTime};

/// The wall clock, in the units of the tables.
#[derive(Debug, Default)]
pub struct Clock {
    last: AtomicI64,
}

impl Clock {
    /// Epoch milliseconds, for reading.
    pub fn now_ms(&self) -> i64 {
        wall_ms().max(self.last.load(Ordering::Relaxed))
    }

    /// Epoch milliseconds for a change of tags: later than every earlier one of this process, so that the intervals of a tag
    /// never have the same end (`tag` has a unique index on it).
    pub fn next_ms(&self) -> i64 {
        let wall = wall_ms();
        let last = self
            .last
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(wall.max(last + 1))
            })
            .unwrap_or_default();
        wall.max(last + 1)
    }

    /// UTC without zone, as timestamp columns hold it.
    #[allow(clippy::unused_self, reason = "a clock is asked for the time")]
    pub fn utc(&self) -> NaiveDateTime {
        DateTime::from_timestamp_millis(wall_ms())
            .unwrap_or_default()
            .naive_utc()
    }
}

fn wall_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_changes_never_share_a_millisecond() {
        let clock = Clock::default();
        let times: Vec<i64> = (0..1000).map(|_| clock.next_ms()).collect();
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(clock.now_ms() >= times[999]);
    }
}
