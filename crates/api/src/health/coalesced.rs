//! One check, shared by all who ask for it.

use std::error::Error as _;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::checks::{Failure, Note, Service};

/// What a waiter is given beyond the limit of the check, so that a check that ends itself in time can say why it failed.
const GRACE: Duration = Duration::from_millis(250);

/// How a service fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It works, and there may be something to say of it.
    Healthy(Option<&'static str>),
    /// It does not, with the reason.
    Unhealthy(Arc<str>),
}

impl Outcome {
    /// Whether it works.
    pub(crate) fn is_healthy(&self) -> bool {
        matches!(self, Self::Healthy(_))
    }

    fn unhealthy(failure: &Failure) -> Self {
        let mut text = failure.to_string();
        let mut source = failure.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            // Some messages have those of their causes in them.
            if !text.contains(&cause_text) {
                text.push_str(": ");
                text.push_str(&cause_text);
            }
            source = cause.source();
        }
        Self::Unhealthy(text.into())
    }
}

/// A check and its last outcome.
pub(super) struct Coalesced {
    service: Service,
    /// Held while the check runs. The task that runs it owns the lock, so a probe that goes away neither stops the check nor
    /// lets a second one start, and a disk that hangs takes one thread and not one more for each probe.
    last: Arc<Mutex<Option<Last>>>,
    reported_healthy: AtomicBool,
}

struct Last {
    at: Instant,
    outcome: Outcome,
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
    pub(super) async fn outcome(
        &self,
        limit: Duration,
        reuse_for: Duration,
        check: impl Future<Output = Result<Note, Failure>> + Send + 'static,
    ) -> Outcome {
        tokio::time::timeout(limit + GRACE, self.last_or_new(reuse_for, check))
            .await
            .unwrap_or_else(|_| self.failed(&Failure::TooSlow(limit)))
    }

    async fn last_or_new(
        &self,
        reuse_for: Duration,
        check: impl Future<Output = Result<Note, Failure>> + Send + 'static,
    ) -> Outcome {
        let mut last = self.last.clone().lock_owned().await;
        if let Some(last) = last.as_ref().filter(|last| last.at.elapsed() < reuse_for) {
            return last.outcome.clone();
        }
        let checked = tokio::spawn(async move {
            let result = check.await;
            let outcome = match &result {
                Ok(note) => Outcome::Healthy(*note),
                Err(failure) => Outcome::unhealthy(failure),
            };
            *last = Some(Last {
                at: Instant::now(),
                outcome: outcome.clone(),
            });
            result.map(|_| outcome)
        });
        match checked.await {
            Ok(Ok(outcome)) => {
                if !self.reported_healthy.swap(true, Ordering::Relaxed) {
                    tracing::info!(service = self.service.name(), "healthy again");
                }
                outcome
            }
            Ok(Err(failure)) => self.failed(&failure),
            Err(_) => self.failed(&Failure::Panicked),
        }
    }

    /// The outcome of a failure, which is logged if the service was healthy before.
    fn failed(&self, failure: &Failure) -> Outcome {
        if self.reported_healthy.swap(false, Ordering::Relaxed) {
            tracing::warn!(
                service = self.service.name(),
                error = failure as &dyn std::error::Error,
                "unhealthy"
            );
        }
        Outcome::unhealthy(failure)
    }
}

#[cfg(test)]
mod tests;
