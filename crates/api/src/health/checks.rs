//! What each service's health is, in this process.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use pierhead_auth::Clock;
use pierhead_db::queries::{health, service_keys, users};
use pierhead_db::{Database, Error as DatabaseError};
use pierhead_redis::{Error as RedisError, Redis};
use pierhead_storage::{Error as StorageError, Storage};
use tower::ServiceExt as _;

use crate::config::HealthConfig;

/// A service of a health report, as Quay names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// People can be authenticated: the accounts can be read.
    Auth,
    /// The database answers and has its schema.
    Database,
    /// The device that takes writes has room.
    DiskSpace,
    /// The device that takes writes has room for some time.
    DiskSpaceWarning,
    /// The location that takes writes works.
    PreferredStorage,
    /// The Redis servers that the configuration names answer, and keys can be written. Without any nothing can be wrong; the
    /// name is kept because monitoring looks for it.
    Redis,
    /// The routes of `/v2` answer. In Quay they are a process of their own, and the name is that process's.
    RegistryRoutes,
    /// This instance's service key is approved and has not expired.
    SigningKey,
    /// The preferred locations work.
    Storage,
    /// The routes of the API are scheduled and answer; see [`Service::RegistryRoutes`].
    WebRoutes,
}

impl Service {
    /// Every service, in the order of the enumeration.
    pub(super) const ALL: [Self; 10] = [
        Self::Auth,
        Self::Database,
        Self::DiskSpace,
        Self::DiskSpaceWarning,
        Self::PreferredStorage,
        Self::Redis,
        Self::RegistryRoutes,
        Self::SigningKey,
        Self::Storage,
        Self::WebRoutes,
    ];

    /// Quay's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Database => "database",
            Self::DiskSpace => "disk_space",
            Self::DiskSpaceWarning => "disk_space_warning",
            Self::PreferredStorage => "preferred_storage",
            Self::Redis => "redis",
            Self::RegistryRoutes => "registry_gunicorn",
            Self::SigningKey => "service_key",
            Self::Storage => "storage",
            Self::WebRoutes => "web_gunicorn",
        }
    }
}

/// Why a service is unhealthy. For the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("no answer within {} ms", .0.as_millis())]
    TooSlow(Duration),
    #[error("the check panicked")]
    Panicked,
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("the database has no schema: the table teamrole is empty")]
    NoSchema,
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("Could not connect to redis: {0}")]
    Redis(#[from] RedisError),
    #[error(
        "{percent:.1} % of the device that takes writes is free, which is under the threshold of {threshold:.1} %"
    )]
    DiskSpace { percent: f64, threshold: f64 },
    #[error("the room on the device that takes writes cannot be read")]
    DiskSpaceUnknown,
    #[error(
        "the service key {0} of this instance is not in the database, not approved, or expired: restart to make a new one"
    )]
    ServiceKey(String),
    #[error("GET {path} was answered with {status}")]
    Routes {
        path: &'static str,
        status: StatusCode,
    },
}

/// What is worth saying of a service that is healthy.
pub(super) type Note = Option<&'static str>;

/// What is checked.
pub(super) struct Subjects {
    pub(super) config: HealthConfig,
    pub(super) read_only: bool,
    pub(super) db: Database,
    pub(super) redis: Vec<Redis>,
    pub(super) storage: Storage,
    pub(super) registry: Router,
    pub(super) web: Router,
    pub(super) service_key_id: String,
    pub(super) clock: Clock,
}

impl Subjects {
    /// Runs one check. What asks the database is given up after the limit, which frees its connection; what asks a disk is
    /// not, because its thread would go on.
    pub(super) async fn check(self: Arc<Self>, service: Service) -> Result<Note, Failure> {
        if self.read_only {
            // The check writes (Quay).
            match service {
                Service::Storage => return Ok(Some("Storage check disabled for readonly mode")),
                Service::PreferredStorage => {
                    return Ok(Some("Preferred storage check disabled for readonly mode"));
                }
                _ => {}
            }
        }
        let outcome = match service {
            Service::Auth => self.within(self.accounts_are_readable()).await,
            Service::Database => self.within(self.database_answers()).await,
            Service::DiskSpace => self.disk_has(self.config.disk_space_threshold).await,
            Service::DiskSpaceWarning => {
                self.disk_has(self.config.disk_space_warning_threshold)
                    .await
            }
            Service::PreferredStorage => {
                let preferred = self.storage.write_location();
                self.storage_works(|location| location == preferred).await
            }
            Service::Redis => self.within(self.redis_answers()).await,
            Service::RegistryRoutes => self.within(answers(&self.registry, "/v2/")).await,
            Service::SigningKey => match self.within(self.service_key_is_alive()).await {
                // A database that does not answer says nothing about the key (Quay), and is reported as what it is.
                Err(Failure::Database(_) | Failure::TooSlow(_)) => {
                    return Ok(Some(
                        "Failed to get instance key due to a database issue; skipping check",
                    ));
                }
                outcome => outcome,
            },
            Service::Storage => {
                let preferred = &self.config.preferred_locations;
                self.storage_works(|location| {
                    preferred.is_empty() || preferred.iter().any(|id| id == location)
                })
                .await
            }
            Service::WebRoutes => self.within(answers(&self.web, "/_internal_ping")).await,
        };
        outcome.map(|()| None)
    }

    async fn within(
        &self,
        check: impl Future<Output = Result<(), Failure>>,
    ) -> Result<(), Failure> {
        let limit = self.config.check_limit;
        tokio::time::timeout(limit, check)
            .await
            .unwrap_or(Err(Failure::TooSlow(limit)))
    }

    async fn accounts_are_readable(&self) -> Result<(), Failure> {
        users::exists_any(&mut self.db.read().await?).await?;
        Ok(())
    }

    async fn database_answers(&self) -> Result<(), Failure> {
        if health::has_schema(&mut self.db.read().await?).await? {
            Ok(())
        } else {
            Err(Failure::NoSchema)
        }
    }

    async fn redis_answers(&self) -> Result<(), Failure> {
        for redis in &self.redis {
            redis.check(self.config.check_limit).await?;
        }
        Ok(())
    }

    async fn service_key_is_alive(&self) -> Result<(), Failure> {
        let kid = &self.service_key_id;
        let row = service_keys::by_kid(&mut self.db.read().await?, kid).await?;
        let now = self.clock.now_naive();
        let alive = row.is_some_and(|row| {
            row.approval_id.is_some() && row.expiration_date.is_none_or(|end| end > now)
        });
        if alive {
            Ok(())
        } else {
            Err(Failure::ServiceKey(kid.clone()))
        }
    }

    async fn disk_has(&self, threshold: f64) -> Result<(), Failure> {
        let storage = self.storage.clone();
        let space = tokio::task::spawn_blocking(move || storage.disk_space());
        let space = space.await.map_err(|_| Failure::DiskSpaceUnknown)?;
        // Object stores have no device that could be full.
        let Some(space) = space else { return Ok(()) };
        let free = space.available as f64 / (space.total as f64).max(1.0);
        if free >= threshold {
            return Ok(());
        }
        Err(Failure::DiskSpace {
            percent: free * 100.0,
            threshold: threshold * 100.0,
        })
    }

    /// Whether the locations that matter work; others are only mentioned in the log.
    async fn storage_works(&self, matters: impl Fn(&str) -> bool) -> Result<(), Failure> {
        let mut outcome = Ok(());
        for (location, result) in self.storage.check().await {
            match result {
                Ok(()) => {}
                Err(error) if matters(&location) => outcome = Err(error.into()),
                Err(error) => {
                    tracing::warn!(location, %error, "a location that is not preferred does not work");
                }
            }
        }
        outcome
    }
}

/// Whether routes answer at all. A refusal is an answer.
async fn answers(router: &Router, path: &'static str) -> Result<(), Failure> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = axum::http::Uri::from_static(path);
    let Ok(response) = router.clone().oneshot(request).await;
    let status = response.status();
    if status.is_server_error() {
        return Err(Failure::Routes { path, status });
    }
    Ok(())
}
