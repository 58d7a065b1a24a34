//! What every controller shares.

use std::sync::Arc;

use axum::Router;
use pierhead_auth::Clock;
use pierhead_auth::accounts::Accounts;
use pierhead_db::Database;
use pierhead_storage::Storage;

use crate::config::ApiConfig;
use crate::health::Health;

/// What an [`Api`] is made of.
pub struct Parts {
    /// Settings.
    pub config: ApiConfig,
    /// The database.
    pub db: Database,
    /// Blob storage, for its health.
    pub storage: Storage,
    /// The rules of accounts.
    pub accounts: Accounts,
    /// The registry's routes as they are served, for their health: `GET /v2/` is asked of them.
    pub registry: Router,
    /// The id of this instance's service key.
    pub service_key_id: String,
    /// Time.
    pub clock: Clock,
}

/// The API. Cheap to clone.
#[derive(Clone)]
pub struct Api(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) config: ApiConfig,
    pub(crate) db: Database,
    pub(crate) accounts: Accounts,
    pub(crate) health: Health,
    pub(crate) clock: Clock,
}

impl Api {
    /// An API over its parts.
    pub fn new(parts: Parts) -> Self {
        let health = Health::new(&parts);
        Self(Arc::new(Inner {
            config: parts.config,
            db: parts.db,
            accounts: parts.accounts,
            health,
            clock: parts.clock,
        }))
    }
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api")
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}
