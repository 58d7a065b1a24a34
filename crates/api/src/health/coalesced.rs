//! One check, shared by all who ask for it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::checks::{Failure, Service};

/// What a waiter is given beyond the limit of the check, so that a check that ends itself in time can say why it failed.
const GRACE: Duration = Duration::from_millis(250);

/// A check and its last outcome.
pub(super) struct Coalesced {
    service: Service,
    /// Held while the check runs. The task that runs it owns the lock, so a probe that goes away neither stops the check nor
    /// lets a second one start, and a disk that hangs takes one thread and not one more for each probe.
    last: Arc<Mutex<Option<Outcome>>>,
    reported_healthy: AtomicBool,
}

#[derive(Clone, Copy)]
struct Outcome {
    at: Instant,
    healthy: bool,
}

impl Coalesced {
    pub(super) fn new(service: Service) -> Self {
        Self {
            service,
            last: Arc::default(),
            reported_healthy: AtomicBool::new(true),
        }
    }

    /// The outcome of the last check if it is younger than `reuse_for`, else of a new one. Unhealthy when there is none within
    /// `limit` (and a little).
    pub(super) async fn healthy(
        &self,
        limit: Duration,
        reuse_for: Duration,
        check: impl Future<Output = Result<(), Failure>> + Send + 'static,
    ) -> bool {
        let outcome = tokio::time::timeout(limit + GRACE, self.outcome(reuse_for, check))
            .await
            .unwrap_or(Err(Failure::TooSlow(limit)));
        match outcome {
            Ok(healthy) => healthy,
            Err(failure) => {
                self.say(Err(&failure));
                false
            }
        }
    }

    async fn outcome(
        &self,
        reuse_for: Duration,
        check: impl Future<Output = Result<(), Failure>> + Send + 'static,
    ) -> Result<bool, Failure> {
        let mut last = self.last.clone().lock_owned().await;
        if let Some(outcome) = last.filter(|outcome| outcome.at.elapsed() < reuse_for) {
            return Ok(outcome.healthy);
        }
        let checked = tokio::spawn(async move {
            let result = check.await;
            *last = Some(Outcome {
                at: Instant::now(),
                healthy: result.is_ok(),
            });
            result
        });
        let result = checked.await.unwrap_or(Err(Failure::Panicked));
        self.say(result.as_ref().copied());
        Ok(result.is_ok())
    }

    /// Logs the outcome if it is another one than before.
    fn say(&self, result: Result<(), &Failure>) {
        let was_healthy = self
            .reported_healthy
            .swap(result.is_ok(), Ordering::Relaxed);
        let service = self.service.name();
        match result {
            Ok(()) if !was_healthy => tracing::info!(service, "healthy again"),
            Err(failure) if was_healthy => {
                tracing::warn!(
                    service,
                    error = failure as &dyn std::error::Error,
                    "unhealthy"
                );
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
