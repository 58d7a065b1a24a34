//! The instance's signing key, and the public keys of every instance that shares the database (database.md §4.6).
//!
//! Invariants: a token is signed only with a key whose public half is in `servicekey`, approved; a token is verified only
//! with a key of this service that is approved and has not expired. So Quay and Pierhead accept each other's tokens while
//! they share a database. The private key exists in one file, mode 0600.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use chrono::{NaiveDateTime, TimeDelta};
use pierhead_db::encoding::approval::ApprovalType;
use pierhead_db::queries::service_keys::{self, NewServiceKey, ServiceKeyRow};
use pierhead_db::{Database, Durability};
use tokio::sync::Mutex;

use crate::clock::Clock;

mod files;
mod jwk;
mod service_token;
mod signing;

pub use files::KeyFileError;
pub use jwk::JwkError;
pub(crate) use jwk::PublicKey;
pub use service_token::{ServiceToken, ServiceTokenError};
pub use signing::SigningError;
pub(crate) use signing::SigningKey;

/// Known keys are read again when they are older than this, so that a key that was taken back ends within a minute.
const RELOAD_AFTER_MS: u64 = 60_000;
/// An unknown key id makes them be read again, but not more often than this: tokens come from anybody.
const RELOAD_AT_MOST_MS: u64 = 5_000;

/// Where the key is and how long it lives. [`ServiceKeysConfig::new`] has Quay's defaults.
#[derive(Clone, Debug)]
pub struct ServiceKeysConfig {
    /// `INSTANCE_SERVICE_KEY_SERVICE`; also the issuer of tokens.
    pub service: String,
    /// Display name of the key: the registry's URL, see [`ServiceKeysConfig::display_name`].
    pub name: String,
    /// `INSTANCE_SERVICE_KEY_LOCATION`.
    pub key_path: PathBuf,
    /// `INSTANCE_SERVICE_KEY_KID_LOCATION`.
    pub kid_path: PathBuf,
    /// `INSTANCE_SERVICE_KEY_EXPIRATION`.
    pub expiration: Duration,
    /// `EXPIRED_SERVICE_KEY_TTL_SEC`.
    pub expired_ttl: Duration,
    /// `UNAPPROVED_SERVICE_KEY_TTL_SEC`.
    pub unapproved_ttl: Duration,
    /// `REGISTRY_STATE: readonly`: the key must exist; nothing is written.
    pub read_only: bool,
}

impl ServiceKeysConfig {
    /// Quay's defaults for these files.
    pub fn new(name: String, key_path: PathBuf, kid_path: PathBuf) -> Self {
        Self {
            service: "quay".to_owned(),
            name,
            key_path,
            kid_path,
            expiration: Duration::from_hours(2),
            expired_ttl: Duration::from_hours(7 * 24),
            unapproved_ttl: Duration::from_hours(24),
            read_only: false,
        }
    }

    /// The name Quay gives a key: `PREFERRED_URL_SCHEME` and `SERVER_HOSTNAME`, always with a port.
    pub fn display_name(scheme: &str, server_hostname: &str) -> String {
        match (server_hostname.contains(':'), scheme) {
            (true, _) => format!("{scheme}://{server_hostname}"),
            (false, "https") => format!("{scheme}://{server_hostname}:443"),
            (false, _) => format!("{scheme}://{server_hostname}:80"),
        }
    }
}

/// Why there is no usable signing key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceKeyError {
    /// Read-only mode without a key.
    #[error(
        "the registry is read-only, so it must use an existing service key, but {} and {} hold none that is approved and \
         unexpired in the database: make one before switching to read-only mode, or set \
         INSTANCE_SERVICE_KEY_LOCATION and INSTANCE_SERVICE_KEY_KID_LOCATION", .key_path.display(), .kid_path.display()
    )]
    NoKeyForReadOnly {
        /// Where the key should be.
        key_path: PathBuf,
        /// Where its id should be.
        kid_path: PathBuf,
    },
    /// The key's row is gone or not approved any more.
    #[error(
        "the service key {kid} of this instance was deleted from the database: restart to make a new one"
    )]
    Deleted {
        /// The key's id.
        kid: String,
    },
    /// The files cannot be read or written.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The key cannot be made or used.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// The database failed.
    #[error("the service key could not be read from or stored in the database")]
    Database(#[from] pierhead_db::Error),
}

/// The signing key and the verifying keys. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ServiceKeys {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    db: Database,
    config: ServiceKeysConfig,
    clock: Clock,
    signing: SigningKey,
    known: ArcSwap<KeySet>,
    reload: Mutex<()>,
}

/// The keys that verify, as they were read.
#[derive(Debug)]
struct KeySet {
    keys: HashMap<String, VerifyingKey>,
    /// Changes whenever the keys do.
    generation: u64,
    read_at_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct VerifyingKey {
    public: Arc<PublicKey>,
    jwk: String,
    expires: Option<NaiveDateTime>,
}

/// A service's public key, for the key server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedKey {
    /// Key id.
    pub kid: String,
    /// The public JSON web key, as stored.
    pub jwk: String,
}

impl ServiceKeys {
    /// Loads the instance's key from its files if the database still has it approved and unexpired; else makes one (RSA,
    /// 2048 bits), stores its public half approved, and writes the files.
    pub async fn open(
        db: Database,
        config: ServiceKeysConfig,
        clock: Clock,
    ) -> Result<Self, ServiceKeyError> {
        let signing = match load(&db, &config, &clock).await? {
            Some(signing) => signing,
            None if config.read_only => {
                return Err(ServiceKeyError::NoKeyForReadOnly {
                    key_path: config.key_path,
                    kid_path: config.kid_path,
                });
            }
            None => make(&db, &config, &clock).await?,
        };
        let rows = alive(&db, &config.service, &clock).await?;
        let known = KeySet {
            keys: verifying(rows),
            generation: 0,
            read_at_ms: clock.monotonic_ms(),
        };
        Ok(Self {
            inner: Arc::new(Inner {
                db,
                config,
                clock,
                signing,
                known: ArcSwap::from_pointee(known),
                reload: Mutex::new(()),
            }),
        })
    }

    /// The id of the signing key.
    pub fn kid(&self) -> &str {
        self.inner.signing.kid()
    }

    /// The service, which is the issuer of tokens.
    pub fn service(&self) -> &str {
        &self.inner.config.service
    }

    /// Moves the end of the signing key into the future, and deletes keys that ended long ago. To be called every
    /// `INSTANCE_SERVICE_KEY_REFRESH` (55 minutes). Does nothing in read-only mode.
    pub async fn refresh(&self) -> Result<(), ServiceKeyError> {
        let config = &self.inner.config;
        if config.read_only {
            return Ok(());
        }
        let now = self.inner.clock.now_naive();
        let kid = self.kid().to_owned();
        let expires = now + delta(config.expiration);
        let stale = Stale::at(now, config);
        let service = config.service.clone();
        let extended = self
            .inner
            .db
            .write(Durability::Full, move |conn| {
                Box::pin(async move {
                    let extended = service_keys::extend(conn, &kid, expires).await?;
                    stale.delete(conn, &service).await?;
                    Ok::<_, pierhead_db::Error>(extended)
                })
            })
            .await?;
        if extended == 0 {
            return Err(ServiceKeyError::Deleted {
                kid: self.kid().to_owned(),
            });
        }
        self.reload(0).await?;
        Ok(())
    }

    /// Reads the keys again, because somebody changed them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn changed(&self) -> Result<(), pierhead_db::Error> {
        self.reload(0).await
    }

    /// Every approved, unexpired key of the service.
    pub async fn public_keys(&self) -> Result<Vec<PublishedKey>, pierhead_db::Error> {
        let rows = alive(&self.inner.db, self.service(), &self.inner.clock).await?;
        Ok(rows
            .into_iter()
            .map(|row| PublishedKey {
                kid: row.kid,
                jwk: row.jwk,
            })
            .collect())
    }

    /// Signs with RSASSA-PKCS1-v1_5 and SHA-256.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        self.inner.signing.sign(message)
    }

    /// A number that is another one when any verifying key has come, gone or changed. Ends what was verified before.
    pub(crate) fn generation(&self) -> u64 {
        self.inner.known.load().generation
    }

    /// The key with that id, if it verifies now.
    pub(crate) async fn verifying_key(
        &self,
        kid: &str,
    ) -> Result<Option<Arc<PublicKey>>, pierhead_db::Error> {
        if let Some(key) = self.find(kid, RELOAD_AFTER_MS) {
            return Ok(Some(key));
        }
        self.reload(RELOAD_AT_MOST_MS).await?;
        Ok(self.find(kid, u64::MAX))
    }

    fn find(&self, kid: &str, max_age_ms: u64) -> Option<Arc<PublicKey>> {
        let known = self.inner.known.load();
        let age_ms = (self.inner.clock.monotonic_ms()).saturating_sub(known.read_at_ms);
        let key = known.keys.get(kid).filter(|_| age_ms < max_age_ms)?;
        let alive = key
            .expires
            .is_none_or(|end| end > self.inner.clock.now_naive());
        alive.then(|| key.public.clone())
    }

    /// Reads the keys again, unless they are younger than `min_age_ms`. One at a time.
    async fn reload(&self, min_age_ms: u64) -> Result<(), pierhead_db::Error> {
        let _one = self.inner.reload.lock().await;
        let now_ms = self.inner.clock.monotonic_ms();
        let known = self.inner.known.load_full();
        if min_age_ms > 0 && now_ms.saturating_sub(known.read_at_ms) < min_age_ms {
            return Ok(());
        }
        let rows = alive(&self.inner.db, self.service(), &self.inner.clock).await?;
        let keys = verifying(rows);
        let changed = keys.len() != known.keys.len()
            || keys
                .iter()
                .any(|(kid, key)| known.keys.get(kid).is_none_or(|old| old.jwk != key.jwk));
        self.inner.known.store(Arc::new(KeySet {
            keys,
            generation: known.generation + u64::from(changed),
            read_at_ms: now_ms,
        }));
        Ok(())
    }
}

async fn alive(
    db: &Database,
    service: &str,
    clock: &Clock,
) -> Result<Vec<ServiceKeyRow>, pierhead_db::Error> {
    let mut conn = db.read().await?;
    service_keys::alive(&mut conn, service, clock.now_naive()).await
}

/// Keys that can verify. Others (elliptic curves of other programs) are left out: tokens are RS256.
fn verifying(rows: Vec<ServiceKeyRow>) -> HashMap<String, VerifyingKey> {
    rows.into_iter()
        .filter_map(|row| match PublicKey::from_jwk(&row.jwk) {
            Ok(public) => {
                let key = VerifyingKey {
                    public: Arc::new(public),
                    jwk: row.jwk,
                    expires: row.expiration_date,
                };
                Some((row.kid, key))
            }
            Err(error) => {
                tracing::warn!(kid = row.kid, %error, "a service key cannot verify tokens");
                None
            }
        })
        .collect()
}

/// The key in the files, if the database still vouches for it.
async fn load(
    db: &Database,
    config: &ServiceKeysConfig,
    clock: &Clock,
) -> Result<Option<SigningKey>, ServiceKeyError> {
    let Some((kid, pem)) = files::read(&config.key_path, &config.kid_path)? else {
        return Ok(None);
    };
    let row = {
        let mut conn = db.read().await?;
        service_keys::by_kid(&mut conn, &kid).await?
    };
    let now = clock.now_naive();
    let Some(row) = row.filter(|row| {
        row.service == config.service
            && row.approval_id.is_some()
            && row.expiration_date.is_none_or(|end| end > now)
    }) else {
        return Ok(None);
    };
    let signing = match SigningKey::from_pem(&kid, &pem) {
        Ok(signing) => signing,
        Err(error) => {
            tracing::warn!(path = %config.key_path.display(), %error, "the service key cannot be used");
            return Ok(None);
        }
    };
    // A key file that does not belong to the row would sign tokens that nobody accepts.
    let belongs = PublicKey::from_jwk(&row.jwk).is_ok_and(|public| signing.is_half_of(&public));
    Ok(belongs.then_some(signing))
}

/// A new key: first the row, then the files, so that a crash between them leaves a key nobody uses.
async fn make(
    db: &Database,
    config: &ServiceKeysConfig,
    clock: &Clock,
) -> Result<SigningKey, ServiceKeyError> {
    let (signing, pem) = SigningKey::generate().await?;
    let now = clock.now_naive();
    let expires = now + delta(config.expiration);
    let stale = Stale::at(now, config);
    let (name, service) = (config.name.clone(), config.service.clone());
    let (kid, jwk) = (signing.kid().to_owned(), signing.public().to_jwk());
    db.write(Durability::Full, move |conn| {
        Box::pin(async move {
            stale.delete(conn, &service).await?;
            let approval =
                service_keys::approve(conn, ApprovalType::Automatic.as_str(), now, None, "")
                    .await?;
            let key = NewServiceKey {
                name: &name,
                kid: &kid,
                service: &service,
                jwk: &jwk,
                metadata: r#"{"created_by": "CLI tool"}"#,
                created: now,
                expires: Some(expires),
                rotation_duration: None,
                approval: Some(approval),
            };
            service_keys::insert(conn, &key).await?;
            Ok::<_, pierhead_db::Error>(())
        })
    })
    .await?;
    files::write(&config.key_path, &config.kid_path, signing.kid(), &pem)?;
    Ok(signing)
}

/// Since when keys must have ended, or waited for approval, to be deleted.
#[derive(Clone, Copy)]
struct Stale {
    expired_before: NaiveDateTime,
    unapproved_before: NaiveDateTime,
}

impl Stale {
    fn at(now: NaiveDateTime, config: &ServiceKeysConfig) -> Self {
        Self {
            expired_before: now - delta(config.expired_ttl),
            unapproved_before: now - delta(config.unapproved_ttl),
        }
    }

    async fn delete(
        self,
        conn: &mut pierhead_db::Conn,
        service: &str,
    ) -> Result<u64, pierhead_db::Error> {
        service_keys::delete_stale(conn, service, self.expired_before, self.unapproved_before).await
    }
}

/// At most a century, so that adding it to a date of this age cannot overflow.
fn delta(duration: Duration) -> TimeDelta {
    const CENTURY: TimeDelta = TimeDelta::days(36_525);
    TimeDelta::from_std(duration).map_or(CENTURY, |delta| delta.min(CENTURY))
}
