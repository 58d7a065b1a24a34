//! Health as Quay reports it (registry.md §21): named services, each healthy or not.
//!
//! Invariants: every check really asks; a check runs at most once per [`HealthConfig::reuse_for`] and one at a time, however
//! many ask; whoever asks is answered within [`HealthConfig::check_limit`] and a little, also while the database or a disk
//! hangs. Why a service is unhealthy goes to the log, and into answers for who operates the registry ([`HealthReader`]); others
//! learn only that it is.
//!
//! [`HealthConfig::reuse_for`]: crate::HealthConfig::reuse_for
//! [`HealthConfig::check_limit`]: crate::HealthConfig::check_limit
//! [`HealthReader`]: crate::guard::HealthReader

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use futures_util::future::{FutureExt as _, join_all};

mod checks;
mod coalesced;

use self::checks::{Service, Subjects};
use self::coalesced::Coalesced;
pub(crate) use self::coalesced::Outcome;
use crate::controllers::pings;
use crate::state::Parts;

/// What concerns this process (Quay's `LocalHealthCheck`, which leaves out redis and storage).
const INSTANCE: [Service; 6] = [
    Service::Auth,
    Service::Database,
    Service::DiskSpace,
    Service::RegistryRoutes,
    Service::SigningKey,
    Service::WebRoutes,
];
/// What is behind every process of the registry.
const END_TO_END: [Service; 4] = [
    Service::Auth,
    Service::Database,
    Service::Redis,
    Service::Storage,
];
const WARNING: [Service; 1] = [Service::DiskSpaceWarning];

/// The health of everything. Checks are shared by all reports.
pub(crate) struct Health {
    subjects: Arc<Subjects>,
    checks: [Coalesced; Service::ALL.len()],
}

/// The outcome for some services.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Report(BTreeMap<&'static str, Outcome>);

impl Report {
    /// Whether every service is healthy.
    pub(crate) fn is_healthy(&self) -> bool {
        self.0.values().all(Outcome::is_healthy)
    }

    /// Each service by Quay's name.
    pub(crate) fn services(&self) -> &BTreeMap<&'static str, Outcome> {
        &self.0
    }
}

impl Health {
    pub(crate) fn new(parts: &Parts) -> Self {
        let subjects = Subjects {
            config: parts.config.health.clone(),
            read_only: parts.config.read_only,
            db: parts.db.clone(),
            redis: parts.redis.clone(),
            storage: parts.storage.clone(),
            registry: parts.registry_routes.clone(),
            web: Router::new().route(
                "/_internal_ping",
                axum::routing::get(async || pings::listening()),
            ),
            service_key_id: parts.service_key_id.clone(),
            clock: parts.clock.clone(),
        };
        Self {
            subjects: Arc::new(subjects),
            checks: Service::ALL.map(Coalesced::new),
        }
    }

    /// The key id of the service key that is checked.
    pub(crate) fn service_key_id(&self) -> &str {
        &self.subjects.service_key_id
    }

    /// `/health/instance`.
    pub(crate) async fn instance(&self) -> Report {
        let preferred = self
            .subjects
            .config
            .instance_checks_preferred_storage
            .then_some(Service::PreferredStorage);
        self.report(INSTANCE.into_iter().chain(preferred)).await
    }

    /// `/health/endtoend`.
    pub(crate) async fn end_to_end(&self) -> Report {
        self.report(END_TO_END).await
    }

    /// `/health/warning`.
    pub(crate) async fn warning(&self) -> Report {
        self.report(WARNING).await
    }

    async fn report(&self, services: impl IntoIterator<Item = Service>) -> Report {
        let outcomes = services.into_iter().map(async |service| {
            let (limit, reuse_for) = {
                let config = &self.subjects.config;
                (config.check_limit, config.reuse_for)
            };
            let check = self.subjects.clone().check(service).boxed();
            let outcome = self.checks[service as usize].outcome(limit, reuse_for, check);
            (service.name(), outcome.await)
        });
        Report(join_all(outcomes).await.into_iter().collect())
    }
}

#[cfg(test)]
mod tests;
