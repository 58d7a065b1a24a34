//! Making and changing accounts: users, organizations, teams, robots, repositories, permissions, app tokens.
//!
//! Why: the command line, the management API and create-on-push change the same rows by the same rules. The rules and
//! the values of every column are Quay's (database.md §1.9, §4.5, §4.8, §4.15), so that Quay can take the database back.
//!
//! Invariants: every changing call is one durable transaction that includes its audit row, and changes nothing when it
//! fails. Names are checked before anything is read, hashes are made before the transaction begins. Whoever is allowed to
//! call is decided by the caller; an [`Actor`] is only recorded. Calls return the ids that caches are keyed by.

use std::sync::Arc;

use chrono::{Duration, NaiveDateTime, SubsecRound as _};
use pierhead_config::Secret;
use pierhead_db::encoding::field::FieldCipher;
use pierhead_db::encoding::password::PasswordCipher;
use pierhead_db::encoding::random;
use pierhead_db::enums::Enums;
use pierhead_db::{BoxFuture, Conn, Database, Durability};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::Clock;

mod app_tokens;
mod audit;
mod authorized_emails;
mod bootstrap;
mod confirmations;
mod conversion;
mod error;
mod external_logins;
mod initialize;
mod names;
mod namespace_deletion;
mod notifications;
mod oauth_applications;
mod oauth_grants;
mod oauth_redirects;
mod oauth_tokens;
mod organization_members;
mod organizations;
mod permissions;
mod profile;
mod prototypes;
mod push;
mod registration;
mod repositories;
mod robots;
mod service_keys;
mod sessions;
mod superuser;
mod team_invites;
mod team_members;
mod teams;
#[cfg(test)]
mod testing;
mod users;

pub use app_tokens::{AppTokenExpiry, CreatedAppToken};
pub use audit::{Actor, Event};
pub use bootstrap::{Bootstrap, BootstrapError, Provisioned};
pub use confirmations::ConfirmedAddress;
pub use error::{AccountsError, Result};
pub use external_logins::{Asks, ExternalIdentity, Linked};
pub use initialize::{FirstUser, Initialized};
pub use names::{MAX_NAME_LEN, MIN_NAME_LEN, MIN_PASSWORD_LEN};
pub use namespace_deletion::QueueNames;
pub use oauth_applications::OAuthApplicationSettings;
pub use oauth_grants::{AssignedGrant, CodeExchange, ExchangeError};
pub use oauth_redirects::{belongs_to_application, with_parameters};
pub use oauth_tokens::{CreatedOAuthToken, NewOAuthToken, OAUTH_TOKEN_LIFETIME_S};
pub use organization_members::OrganizationMember;
pub use organizations::{CreatedOrganization, NewOrganization, OrganizationChange, known_address};
pub use permissions::{Grantee, PermissionChange};
pub use profile::{ProfileChange, ProfileChanged};
pub use prototypes::Delegate;
pub use registration::{Registered, Registration, RegistrationRules};
pub use repositories::{CreatedRepository, NewRepository, RepositoryRef, SettableState};
pub use robots::{CreatedRobot, FederationEntry, NewRobot, RobotAccess, RobotInfo};
pub use service_keys::{
    CreatedServiceKey, NewServiceKey, ServiceKeyChange, ServiceKeyOrigin, ServiceKeysPolicy,
    SubmittedServiceKey,
};
pub use superuser::PersonChange;
pub use team_invites::JoinedTeam;
pub use team_members::{Joined, Left, TeamMembers};
pub use teams::ChangedTeam;
pub use users::NewUser;

pub use pierhead_db::enums::{Named, Role, TeamRole, Visibility};
pub use pierhead_db::queries::account_refs::AccountRef;
pub use pierhead_db::queries::app_tokens::AppToken;
pub use pierhead_db::queries::managed_accounts::ManagedAccount;
pub use pierhead_db::queries::oauth_applications::Application as OAuthApplication;
pub use pierhead_db::queries::oauth_grants::Assignment;
pub use pierhead_db::queries::oauth_tokens::{ApplicationToken, Authorization};
pub use pierhead_db::queries::organizations::{Organization, Team};
pub use pierhead_db::queries::profiles::{Detail, Profile};
pub use pierhead_db::queries::prototypes::PrototypeRow;
pub use pierhead_db::queries::repositories::Repository;
pub use pierhead_db::queries::repository_permissions::{
    Permission, TeamPermission, UserPermission,
};
pub use pierhead_db::queries::robots::Robot;
pub use pierhead_db::queries::service_keys::ServiceKeyDetails;
pub use pierhead_db::queries::team_invites::PendingInvite;
pub use pierhead_db::queries::teams::{HeldPermission, TeamOverview};
pub use pierhead_db::queries::users::Account;

/// Characters of a generated password.
const GENERATED_PASSWORD_LEN: usize = 24;

/// The settings that the rules of accounts depend on.
#[derive(Clone, Debug)]
pub struct AccountsConfig {
    /// `DEFAULT_TAG_EXPIRATION` in seconds: the time machine window of new namespaces.
    pub default_tag_expiration_s: i64,
    /// `DEFAULT_NAMESPACE_MAXIMUM_BUILD_COUNT`: how many builds of a new namespace may wait.
    pub maximum_queued_builds: Option<i32>,
    /// `FEATURE_MAILING`: people must have a well-formed address.
    pub email_required: bool,
    /// `FEATURE_ORG_SHARED_EMAIL`: an organization may take an address that is in use.
    pub org_shared_email: bool,
    /// `FEATURE_USER_METADATA`: new people are asked for their name and company.
    pub ask_new_users: bool,
    /// `ROBOTS_DISALLOW`: no robot may be made.
    pub robots_disallowed: bool,
    /// `FEATURE_EXTENDED_REPOSITORY_NAMES`: repository names may contain slashes.
    pub extended_repository_names: bool,
    /// `APP_SPECIFIC_TOKEN_EXPIRATION`: how long new app tokens live; for ever when it is not set.
    pub app_token_lifetime: Option<Duration>,
    /// `TAG_EXPIRATION_OPTIONS` in seconds: the time machine windows that a namespace may choose.
    pub tag_expiration_options_s: Vec<i64>,
    /// `FEATURE_CHANGE_TAG_EXPIRATION`: a namespace may choose at all.
    pub change_tag_expiration: bool,
    /// `FEATURE_MAILING` and `FEATURE_REQUIRE_TEAM_INVITE`: people from outside are invited to teams, not added.
    pub team_invites: bool,
    /// `FEATURE_TEAM_SYNCING` with an external identity provider: a group there may decide who is in a team.
    pub team_syncing: bool,
    /// `FEATURE_ORG_MIRROR`: the mirror of an organization decides on the states of its repositories.
    pub org_mirror: bool,
    /// `NAMESPACE_GC_GRACE_PERIOD_SECONDS`: how long the namespaces below can be brought back after they are deleted.
    pub deletion_grace: Duration,
    /// `NAMESPACE_GC_GRACE_PERIOD_ALLOWLIST`.
    pub deletion_grace_namespaces: Vec<String>,
    /// Where work of namespaces waits.
    pub queues: QueueNames,
    /// Cost of bcrypt. Quay's, and the default, is [`AccountsConfig::BCRYPT_COST`]; only tests take less.
    pub bcrypt_cost: u32,
}

impl AccountsConfig {
    /// Quay's cost of a password hash: about a quarter of a second.
    pub const BCRYPT_COST: u32 = 12;
}

impl Default for AccountsConfig {
    /// Quay's defaults, except that no mail is sent: a server without a mail host cannot ask for addresses.
    fn default() -> Self {
        Self {
            default_tag_expiration_s: 14 * 24 * 60 * 60,
            maximum_queued_builds: None,
            email_required: false,
            org_shared_email: false,
            ask_new_users: false,
            robots_disallowed: false,
            extended_repository_names: true,
            app_token_lifetime: None,
            tag_expiration_options_s: [0, 1, 7, 14, 28].map(|days| days * 24 * 60 * 60).to_vec(),
            change_tag_expiration: true,
            team_invites: false,
            team_syncing: false,
            org_mirror: false,
            deletion_grace: Duration::zero(),
            deletion_grace_namespaces: Vec::new(),
            queues: QueueNames::default(),
            bcrypt_cost: Self::BCRYPT_COST,
        }
    }
}

/// The rules of accounts on one database. Cheap to clone.
#[derive(Clone)]
pub struct Accounts(Arc<Inner>);

struct Inner {
    db: Database,
    enums: Arc<Enums>,
    cipher: FieldCipher,
    passwords: PasswordCipher,
    config: AccountsConfig,
    clock: Clock,
    /// Those of [`Accounts::hashing`].
    hashes: Arc<Semaphore>,
}

impl Accounts {
    /// Accounts on `db`, with the ciphers of `DATABASE_SECRET_KEY` (columns) and `SECRET_KEY` (encrypted passwords).
    pub fn new(
        db: Database,
        enums: Arc<Enums>,
        cipher: FieldCipher,
        passwords: PasswordCipher,
        config: AccountsConfig,
        clock: Clock,
    ) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self(Arc::new(Inner {
            db,
            enums,
            cipher,
            passwords,
            config,
            clock,
            hashes: Arc::new(Semaphore::new(cores)),
        }))
    }

    /// The id of a name that every database has.
    pub fn id_of<T: Named>(&self, value: T) -> i32 {
        self.0.enums.id(value)
    }

    fn config(&self) -> &AccountsConfig {
        &self.0.config
    }

    /// Now, in UTC, in whole microseconds: what a PostgreSQL timestamp can hold.
    pub fn now(&self) -> NaiveDateTime {
        self.0.clock.now_naive().trunc_subsecs(6)
    }

    /// A connection outside a transaction, for lists and look-ups.
    ///
    /// # Errors
    /// When none can be had.
    pub async fn read(&self) -> Result<Conn> {
        Ok(self.0.db.read().await?)
    }

    /// One durable transaction: everything that `write` does, its [records](Self::record) included, or nothing.
    ///
    /// # Errors
    /// Those of `write`, and when the transaction cannot begin or end.
    pub async fn write<T, E, F>(&self, write: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<pierhead_db::Error> + Send + 'static,
    {
        self.0.db.write(Durability::Full, write).await
    }

    /// bcrypt of a secret. Only its first 72 bytes count, as in Quay.
    async fn hash(&self, secret: &Secret) -> Result<String> {
        let (secret, cost) = (secret.clone(), self.0.config.bcrypt_cost);
        self.hashing(move || bcrypt::hash(secret.expose(), cost))
            .await
    }

    /// Whether a secret has this bcrypt hash.
    async fn matches_hash(&self, secret: &Secret, hash: &str) -> Result<bool> {
        let (secret, hash) = (secret.clone(), hash.to_owned());
        self.hashing(move || bcrypt::verify(secret.expose(), &hash))
            .await
    }

    /// Does what takes a quarter of a second of a core on the blocking pool, on as many cores at once as the machine has:
    /// anonymous callers can ask for it.
    async fn hashing<T: Send + 'static>(
        &self,
        hash: impl FnOnce() -> Result<T, bcrypt::BcryptError> + Send + 'static,
    ) -> Result<T> {
        let stopped = || AccountsError::HashingStopped;
        let permit = Arc::clone(&self.0.hashes)
            .acquire_owned()
            .await
            .map_err(|_| stopped())?;
        let hashed = tokio::task::spawn_blocking(move || {
            let hashed = hash();
            drop(permit);
            hashed
        });
        hashed
            .await
            .map_err(|_| stopped())?
            .map_err(AccountsError::Hashing)
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts")
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}

/// A new lower-case uuid4.
fn uuid4() -> String {
    Uuid::new_v4().to_string()
}

/// A random secret of that many characters A–Z and 0–9.
fn random_token(length: usize) -> Result<Secret> {
    Ok(Secret::new(random::token(length)?))
}

/// A password that nobody chose, for people who were given none: 24 characters, 124 bits.
pub fn generate_password() -> Result<Secret> {
    random_token(GENERATED_PASSWORD_LEN)
}
