//! The keys of identity providers: found by `OpenID` Connect discovery, kept for an hour, and asked for again when a token names
//! a key that is not among them, but not more often than every ten seconds for each provider.

use std::collections::HashMap;
use std::sync::Arc;

use pierhead_client::{Client, Error};
use quick_cache::sync::Cache;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::FederationError;
use crate::clock::Clock;
use crate::jws::Jws;
use crate::service_keys::PublicKey;

/// Providers whose keys are kept.
const ISSUERS: usize = 256;
/// Keys are believed for this long.
const FRESH_MS: u64 = 60 * 60 * 1000;
/// A provider is not asked again before this.
const RETRY_AFTER_MS: u64 = 10_000;
/// Providers that are asked at once.
const ASKED_AT_ONCE: usize = 8;
/// Most keys of a provider that are looked at.
const MAX_KEYS: usize = 256;

#[derive(Debug)]
pub(super) struct Issuers {
    client: Client,
    clock: Clock,
    known: Cache<Box<str>, Arc<Keys>>,
    asking: Semaphore,
}

/// What a provider published, or nothing if it could not be asked.
#[derive(Debug)]
struct Keys {
    by_kid: Option<HashMap<String, PublicKey>>,
    asked_at_ms: u64,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl Issuers {
    pub(super) fn new(client: Client, clock: Clock) -> Self {
        Self {
            client,
            clock,
            known: Cache::new(ISSUERS),
            asking: Semaphore::new(ASKED_AT_ONCE),
        }
    }

    /// Whether a key of that id, which the provider publishes, signed the token.
    pub(super) async fn verifies(
        &self,
        issuer: &str,
        kid: &str,
        token: &Jws<'_>,
    ) -> Result<bool, FederationError> {
        let signed = |keys: &Keys| {
            let keys = keys.by_kid.as_ref()?;
            Some(keys.get(kid).is_some_and(|key| key.verifies(token)))
        };
        if let Some(keys) = self.known(issuer, FRESH_MS)
            && signed(&keys) == Some(true)
        {
            return Ok(true);
        }
        // Perhaps the provider has new keys.
        let keys = self.ask(issuer).await;
        signed(&keys).ok_or_else(|| FederationError::NoKeys(issuer.to_owned()))
    }

    fn known(&self, issuer: &str, max_age_ms: u64) -> Option<Arc<Keys>> {
        let now_ms = self.clock.monotonic_ms();
        let keys = self.known.get(issuer)?;
        (now_ms.saturating_sub(keys.asked_at_ms) < max_age_ms).then_some(keys)
    }

    /// The keys as the provider has them now, or as it had them a moment ago.
    async fn ask(&self, issuer: &str) -> Arc<Keys> {
        // The semaphore is never closed; were it, providers would be asked all the same.
        let _turn = self.asking.acquire().await.ok();
        if let Some(keys) = self.known(issuer, RETRY_AFTER_MS) {
            return keys;
        }
        let by_kid = match self.fetch(issuer).await {
            Ok(keys) => Some(keys),
            Err(error) => {
                tracing::warn!(issuer, %error, "the keys of an identity provider could not be loaded");
                None
            }
        };
        let keys = Arc::new(Keys {
            by_kid,
            asked_at_ms: self.clock.monotonic_ms(),
        });
        self.known.insert(issuer.into(), keys.clone());
        keys
    }

    async fn fetch(&self, issuer: &str) -> Result<HashMap<String, PublicKey>, Unusable> {
        let base = issuer.trim_end_matches('/');
        let url = format!("{base}/.well-known/openid-configuration");
        let discovery: Discovery = self.get(&url).await?;
        if discovery.issuer.trim_end_matches('/') != base {
            return Err(Unusable::OtherIssuer(discovery.issuer));
        }
        let set: KeySet = self.get(&discovery.jwks_uri).await?;
        // Keys of other types and for other uses are none that sign with RSA.
        let keys = set.keys.iter().take(MAX_KEYS).filter_map(|jwk| {
            let kid = jwk.get("kid")?.as_str()?.to_owned();
            let signs = jwk.get("use").is_none_or(|purpose| purpose == "sig");
            let key = PublicKey::from_jwk(&jwk.to_string()).ok()?;
            signs.then_some((kid, key))
        });
        Ok(keys.collect())
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, Unusable> {
        if !url.starts_with("https://") && !self.client.guard().exempts(url) {
            return Err(Unusable::Plain(url.to_owned()));
        }
        Ok(self.client.get_json(url).await?)
    }
}

/// Why a provider's keys cannot be used; for the log.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error(transparent)]
    Client(#[from] Error),
    #[error("its discovery document is of another issuer, {0}")]
    OtherIssuer(String),
    #[error(
        "{0} is not https: keys are fetched without TLS only from hosts that SSRF_ALLOWED_HOSTS names"
    )]
    Plain(String),
}
