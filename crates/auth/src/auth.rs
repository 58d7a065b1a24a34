//! [`Auth`]: the room's one door. Holds the caches and hands work to the modules beside it.

use std::sync::Arc;

use aws_lc_rs::rand::SecureRandom as _;
use pierhead_db::encoding::field::FieldCipher;
use pierhead_db::enums::Enums;
use pierhead_db::queries::principals::CredentialTable;
use pierhead_db::{Database, UserId};
use pierhead_oci::RepositoryName;
use quick_cache::sync::Cache;
use tokio::sync::{Semaphore, watch};

use crate::access::{ACCESS_ENTRIES, AccessKey, KnownRights};
use crate::account_watch::AccountWatch;
use crate::bearer::{BEARER_ENTRIES, Bearer};
use crate::clock::Clock;
use crate::config::AuthConfig;
use crate::credential::{Credential, CredentialId};
use crate::enum_ids::EnumIds;
use crate::freshness::{Generations, Stripe};
use crate::issue::{ISSUED_ENTRIES, KnownToken};
use crate::last_accessed::TOUCHES_AT_ONCE;
use crate::push_creation::PushCreation;
use crate::service_keys::ServiceKeys;
use crate::sign_in::{
    CREDENTIAL_ENTRIES, CredentialKey, KnownStanding, STANDING_ENTRIES, UnknownLogins,
};

/// Identities, tokens and permissions. Cheap to clone.
#[derive(Clone)]
pub struct Auth {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) db: Database,
    pub(crate) ids: EnumIds,
    pub(crate) cipher: FieldCipher,
    pub(crate) config: AuthConfig,
    pub(crate) keys: ServiceKeys,
    pub(crate) clock: Clock,
    pub(crate) creation: Arc<dyn PushCreation>,
    pub(crate) generations: Generations,
    /// Whoever waits for changes of an account looks at the generations when it is told.
    pub(crate) told: watch::Sender<()>,
    /// Secrets that were verified.
    pub(crate) credentials: Cache<CredentialKey, Arc<Credential>>,
    /// Failed sign-ins as nobody.
    pub(crate) unknown_logins: UnknownLogins,
    /// The state of credentials.
    pub(crate) standings: Cache<CredentialId, Arc<KnownStanding>>,
    /// Tokens whose signature was verified.
    pub(crate) bearers: Cache<Box<str>, Arc<Bearer>>,
    /// Tokens that were signed.
    pub(crate) issued: Cache<Box<str>, Arc<KnownToken>>,
    /// What credentials may do with repositories.
    pub(crate) access: Cache<AccessKey, Arc<KnownRights>>,
    /// Keys [`CredentialKey`]; known to this process alone.
    pub(crate) credential_key: [u8; 32],
    pub(crate) password_checks: Arc<Semaphore>,
    pub(crate) touches: Arc<Semaphore>,
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth")
            .field("config", &self.inner.config)
            .finish_non_exhaustive()
    }
}

/// Why [`Auth`] cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The operating system gave no random bytes.
    #[error("the operating system's random number generator failed")]
    Random,
}

/// Whose remembered answers to drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalId {
    /// A person or robot, with all its tokens.
    User(UserId),
    /// A repository's access token, by row.
    AccessToken(i32),
}

impl From<UserId> for PrincipalId {
    fn from(user: UserId) -> Self {
        Self::User(user)
    }
}

impl Auth {
    /// Drops what is remembered about a repository. To be called after its visibility, state, name or permissions
    /// changed, and after it was created or deleted, once the change is committed.
    pub fn forget_repository(&self, name: &RepositoryName) {
        self.inner.generations.changed(Stripe::of(name));
    }

    /// Drops what is remembered about an account or token. To be called after its secrets, tokens, state, name or team
    /// memberships changed, once the change is committed.
    pub fn forget_principal(&self, principal: impl Into<PrincipalId>) {
        self.inner.generations.changed(match principal.into() {
            PrincipalId::User(user) => user_stripe(user),
            PrincipalId::AccessToken(row) => access_token_stripe(row),
        });
        self.inner.told.send_replace(());
    }

    /// Drops everything that is remembered about principals and permissions. For changes that touch many: a team's role,
    /// a namespace that is disabled, renamed or deleted.
    pub fn forget_everything(&self) {
        self.inner.generations.everything_changed();
        self.inner.told.send_replace(());
    }

    /// Tells of changes of an account from now on.
    pub fn watch(&self, user: UserId) -> AccountWatch {
        AccountWatch::new(self.inner.clone(), user_stripe(user))
    }

    /// The keys that sign and verify tokens.
    pub fn service_keys(&self) -> &ServiceKeys {
        &self.inner.keys
    }

    /// The configuration.
    pub fn config(&self) -> &AuthConfig {
        &self.inner.config
    }

    /// Puts the room together. `creation` makes what pushes create.
    ///
    /// # Errors
    /// When the operating system has no random numbers.
    pub fn open(
        db: Database,
        enums: &Enums,
        cipher: FieldCipher,
        config: AuthConfig,
        keys: ServiceKeys,
        clock: Clock,
        creation: Arc<dyn PushCreation>,
    ) -> Result<Self, OpenError> {
        let mut credential_key = [0; 32];
        aws_lc_rs::rand::SystemRandom::new()
            .fill(&mut credential_key)
            .map_err(|_| OpenError::Random)?;
        let password_checks = config.password_checks_at_once.max(1);
        Ok(Self {
            inner: Arc::new(Inner {
                db,
                ids: EnumIds::new(enums),
                cipher,
                config,
                keys,
                clock,
                creation,
                generations: Generations::new(),
                told: watch::Sender::new(()),
                credentials: Cache::new(CREDENTIAL_ENTRIES),
                unknown_logins: UnknownLogins::new(),
                standings: Cache::new(STANDING_ENTRIES),
                bearers: Cache::new(BEARER_ENTRIES),
                issued: Cache::new(ISSUED_ENTRIES),
                access: Cache::new(ACCESS_ENTRIES),
                credential_key,
                password_checks: Arc::new(Semaphore::new(password_checks)),
                touches: Arc::new(Semaphore::new(TOUCHES_AT_ONCE)),
            }),
        })
    }
}

/// Where changes of a credential are counted: with its account, or by itself if it has none.
pub(crate) fn principal_stripe(id: CredentialId, account: Option<UserId>) -> Stripe {
    match (id.table, account) {
        (CredentialTable::AccessToken, _) | (_, None) => access_token_stripe(id.row),
        (_, Some(account)) => user_stripe(account),
    }
}

fn user_stripe(user: UserId) -> Stripe {
    Stripe::of(("user", user))
}

fn access_token_stripe(row: i32) -> Stripe {
    Stripe::of(("accesstoken", row))
}
