//! Waiting for a condition, with a deadline.
//!
//! Tests never wait for a length of time: they ask again until the condition holds or the deadline is
//! over, so a slow machine makes them slower, not wrong.

use std::time::{Duration, Instant};

use crate::{Error, Result};

/// How long a test waits for what should happen soon: two minutes, or `PIERHEAD_TEST_PATIENCE` seconds.
pub fn patience() -> Duration {
    let seconds = std::env::var("PIERHEAD_TEST_PATIENCE")
        .ok()
        .and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(120))
}

/// Asks `attempt` until it gives `Ok(Some(value))`; an `Err` ends the waiting at once.
///
/// `condition` completes the sentence "waited … for …".
pub async fn eventually<T, F>(condition: &str, mut attempt: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    let began = Instant::now();
    let mut pause = Duration::from_millis(2);
    loop {
        if let Some(value) = attempt().await? {
            return Ok(value);
        }
        let waited = began.elapsed();
        if waited > patience() {
            return Err(Error::Deadline {
                condition: condition.to_owned(),
                waited,
                detail: String::new(),
            });
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}
