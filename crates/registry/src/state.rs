//! What every part of the registry shares.

use std::sync::Arc;

use pierhead_auth::Auth;
use pierhead_db::Database;
use pierhead_db::encoding::page_token::PageTokens;
use pierhead_db::enums::Enums;
use pierhead_events::UserEvents;
use pierhead_jobs::audit::AuditLog;
use pierhead_jobs::pull_counts::PullCounts;
use pierhead_metrics::Metrics;
use pierhead_storage::Storage;

use crate::clock::Clock;
use crate::config::RegistryConfig;
use crate::locks::DigestLocks;
use crate::measures::Measures;
use crate::service::tag_history::TagPlaces;
use crate::stored::Caches;

/// The registry. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Registry(pub(crate) Arc<Parts>);

/// The parts of a registry.
#[derive(Debug)]
pub struct Parts {
    /// Settings.
    pub config: RegistryConfig,
    /// The database.
    pub db: Database,
    /// Names and ids of enumeration rows.
    pub enums: Arc<Enums>,
    /// Blob storage.
    pub storage: Storage,
    /// Credentials, tokens and permissions.
    pub auth: Auth,
    /// The audit log.
    pub audit: AuditLog,
    /// Counts pulls, with `FEATURE_IMAGE_PULL_STATS`.
    pub pull_counts: Option<PullCounts>,
    /// Tells people what their clients do, with `FEATURE_USER_EVENTS`.
    pub events: Option<UserEvents>,
    /// What pulls remember.
    pub caches: Caches,
    /// Known places in lists of tags.
    pub tag_places: TagPlaces,
    /// Time.
    pub clock: Clock,
    /// What is counted.
    pub measures: Measures,
    /// Seals the page tokens of the catalog.
    pub page_tokens: PageTokens,
    /// One push at a time for each digest.
    pub digest_locks: DigestLocks,
}

/// What a registry stands on.
#[derive(Debug)]
pub struct Rooms {
    /// The database.
    pub db: Database,
    /// Names and ids of enumeration rows.
    pub enums: Arc<Enums>,
    /// Blob storage.
    pub storage: Storage,
    /// Credentials, tokens and permissions.
    pub auth: Auth,
    /// The audit log.
    pub audit: AuditLog,
    /// Counts pulls, with `FEATURE_IMAGE_PULL_STATS`.
    pub pull_counts: Option<PullCounts>,
    /// Tells people what their clients do, with `FEATURE_USER_EVENTS`.
    pub events: Option<UserEvents>,
    /// Seals the page tokens of the catalog.
    pub page_tokens: PageTokens,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

impl Registry {
    /// A registry on its rooms.
    pub fn new(config: RegistryConfig, rooms: Rooms) -> Self {
        let Rooms {
            db,
            enums,
            storage,
            auth,
            audit,
            pull_counts,
            events,
            page_tokens,
            metrics,
        } = rooms;
        let caches = Caches::new(db.is_shared(), config.remembered_for);
        Self(Arc::new(Parts {
            config,
            db,
            enums,
            storage,
            auth,
            audit,
            pull_counts,
            events,
            caches,
            tag_places: TagPlaces::default(),
            clock: Clock::default(),
            page_tokens,
            measures: Measures::new(metrics),
            digest_locks: DigestLocks::default(),
        }))
    }
}

impl std::ops::Deref for Registry {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
