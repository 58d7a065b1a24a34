//! What every handler and rule shares.

use std::sync::Arc;

use axum::Router;
use pierhead_auth::accounts::Accounts;
use pierhead_auth::{Auth, Clock, Federation};
use pierhead_client::Client;
use pierhead_config::Config;
use pierhead_db::Database;
use pierhead_db::encoding::field::FieldCipher;
use pierhead_db::encoding::page_token::PageTokens;
use pierhead_db::enums::Enums;
use pierhead_events::UserEvents;
use pierhead_mail::Mailer;
use pierhead_redis::Redis;
use pierhead_registry::Registry;
use pierhead_storage::Storage;

use crate::config::ApiConfig;
use crate::description::rendered::Rendered;
use crate::health::Health;
use crate::services::external_login::LoginServices;
use crate::services::scanner::Backfill;
use crate::services::triggers::GitHosts;
use crate::views::avatar::{self, Avatar};

/// What an [`Api`] is made of.
pub struct Parts {
    /// Settings that are made of several fields, or that have no field.
    pub config: ApiConfig,
    /// The configuration.
    pub settings: Arc<Config>,
    /// The database.
    pub db: Database,
    /// Names and ids of enumeration rows.
    pub enums: Arc<Enums>,
    /// Encrypts columns.
    pub cipher: FieldCipher,
    /// Seals the page tokens of lists.
    pub page_tokens: PageTokens,
    /// Blob storage.
    pub storage: Storage,
    /// The rules of accounts.
    pub accounts: Accounts,
    /// Credentials and permissions.
    pub auth: Auth,
    /// Mail to people.
    pub mailer: Mailer,
    /// The registry, which owns tags and manifests.
    pub registry: Registry,
    /// The registry's routes as they are served, for their health: `GET /v2/` is asked of them.
    pub registry_routes: Router,
    /// What clients of people do at the registry, told to their browsers; with `FEATURE_USER_EVENTS`.
    pub events: Option<UserEvents>,
    /// The Redis servers that the configuration names, for their health: `BUILDLOGS_REDIS` and, if it is another one,
    /// `USER_EVENTS_REDIS`.
    pub redis: Vec<Redis>,
    /// Calls the addresses that users configured.
    pub outbound: Client,
    /// The git services that build triggers listen to.
    pub git_hosts: GitHosts,
    /// The identity providers that people can sign in with.
    pub login_services: LoginServices,
    /// Calls the servers of trust metadata, which the operator chose; none while content trust is off.
    pub trust_metadata: Option<Client>,
    /// The id of this instance's service key.
    pub service_key_id: String,
    /// Ends this process in order.
    pub shut_down: Arc<dyn Fn() + Send + Sync>,
    /// Time.
    pub clock: Clock,
}

/// The API. Cheap to clone.
#[derive(Clone)]
pub struct Api(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) config: ApiConfig,
    settings: Arc<Config>,
    pub(crate) db: Database,
    enums: Arc<Enums>,
    cipher: FieldCipher,
    page_tokens: PageTokens,
    storage: Storage,
    pub(crate) accounts: Accounts,
    auth: Auth,
    mailer: Mailer,
    registry: Registry,
    events: Option<UserEvents>,
    outbound: Client,
    git_hosts: GitHosts,
    login_services: LoginServices,
    trust_metadata: Option<Client>,
    federation: Federation,
    pub(crate) health: Health,
    backfill: Backfill,
    descriptions: Rendered,
    shut_down: Arc<dyn Fn() + Send + Sync>,
    pub(crate) clock: Clock,
}

impl Api {
    /// An API over its parts.
    pub fn new(parts: Parts) -> Self {
        let health = Health::new(&parts);
        Self(Arc::new(Inner {
            config: parts.config,
            settings: parts.settings,
            db: parts.db,
            enums: parts.enums,
            cipher: parts.cipher,
            page_tokens: parts.page_tokens,
            storage: parts.storage,
            accounts: parts.accounts,
            auth: parts.auth,
            mailer: parts.mailer,
            registry: parts.registry,
            events: parts.events,
            federation: Federation::new(parts.outbound.clone(), parts.clock.clone()),
            outbound: parts.outbound,
            git_hosts: parts.git_hosts,
            login_services: parts.login_services,
            trust_metadata: parts.trust_metadata,
            health,
            backfill: Backfill::default(),
            descriptions: Rendered::default(),
            shut_down: parts.shut_down,
            clock: parts.clock,
        }))
    }

    /// The configuration.
    pub(crate) fn config(&self) -> &Config {
        &self.0.settings
    }

    /// The database.
    pub(crate) fn db(&self) -> &Database {
        &self.0.db
    }

    /// Names and ids of enumeration rows.
    pub(crate) fn enums(&self) -> &Enums {
        &self.0.enums
    }

    /// Encrypts columns.
    pub(crate) fn cipher(&self) -> &FieldCipher {
        &self.0.cipher
    }

    /// Seals the page tokens of lists.
    pub(crate) fn page_tokens(&self) -> &PageTokens {
        &self.0.page_tokens
    }

    /// Blob storage.
    pub(crate) fn storage(&self) -> &Storage {
        &self.0.storage
    }

    /// The rules of accounts.
    pub(crate) fn accounts(&self) -> &Accounts {
        &self.0.accounts
    }

    /// Credentials and permissions.
    pub(crate) fn auth(&self) -> &Auth {
        &self.0.auth
    }

    /// Mail to people.
    pub(crate) fn mailer(&self) -> &Mailer {
        &self.0.mailer
    }

    /// The registry, which owns tags and manifests.
    pub(crate) fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// What clients of people do at the registry; nothing unless `FEATURE_USER_EVENTS` is on.
    pub(crate) fn events(&self) -> Option<&UserEvents> {
        self.0.events.as_ref()
    }

    /// Calls the addresses that users configured, if they are public or exempt.
    pub(crate) fn outbound(&self) -> &Client {
        &self.0.outbound
    }

    /// The git services that build triggers listen to.
    pub(crate) fn git_hosts(&self) -> &GitHosts {
        &self.0.git_hosts
    }

    /// The identity providers that people can sign in with.
    pub(crate) fn login_services(&self) -> &LoginServices {
        &self.0.login_services
    }

    /// Calls the servers of trust metadata; `None` while content trust is off.
    pub(crate) fn trust_metadata(&self) -> Option<&Client> {
        self.0.trust_metadata.as_ref()
    }

    /// The identity providers that robots trust.
    pub(crate) fn federation(&self) -> &Federation {
        &self.0.federation
    }

    /// How far the security scanner is.
    pub(crate) fn backfill(&self) -> &Backfill {
        &self.0.backfill
    }

    /// What the API says of itself.
    pub(crate) fn descriptions(&self) -> &Rendered {
        &self.0.descriptions
    }

    /// Time.
    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Ends this process in order: as on SIGTERM, after this request.
    pub(crate) fn shut_down(&self) {
        (self.0.shut_down)();
    }

    /// `<scheme>://<hostname>` of this registry as it is configured, without a slash at the end.
    pub(crate) fn base_url(&self) -> String {
        self.0.config.base_url()
    }

    /// `REGISTRY_STATE: readonly`.
    pub(crate) fn is_read_only(&self) -> bool {
        self.0.config.read_only
    }

    /// `AUTHENTICATION_TYPE` is `Database`.
    pub(crate) fn is_database_auth(&self) -> bool {
        self.0.config.database_auth
    }

    /// The avatar of a name, told apart by `identity` (an e-mail address) if there is one.
    pub(crate) fn avatar(&self, of: avatar::Of, name: &str, identity: Option<&str>) -> Avatar {
        Avatar::new(of, name, identity, self.0.config.gravatar)
    }
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api")
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}
