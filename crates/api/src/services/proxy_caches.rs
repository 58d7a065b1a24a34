//! Proxy caches: organizations that pass on another registry (Quay's `organization.py` and `proxy_cache.py`).
//!
//! An organization is a cache, or a mirror, or has tags that may not be moved: two of these exclude each other.

use pierhead_auth::accounts::{Actor, Event};
use pierhead_client::{AddressGuard, Refused};
use pierhead_config::Config;
use pierhead_db::encoding::field::EncryptedColumn;
use pierhead_db::queries::proxy_caches::{self, NewProxyCache, ProxyCache};
use pierhead_db::queries::{immutability_policies, org_mirrors};
use pierhead_db::{Conn, UserId};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::namespaces;
use super::remote_credentials::seal;
use crate::error::{Error, Result};
use crate::state::Api;

mod upstream;

pub(crate) use upstream::{Validity, validate};

/// What callers are told of a registry that may not be called: no address, no reason.
const REFUSED: &str = "The provided registry URL is not allowed";
const NOT_MADE: &str = "Error while creating Proxy cache configuration";
const EXISTS: &str = "Proxy Cache Configuration already exists";
/// How long a tag is believed unless something else is said, in seconds.
const EXPIRATION_S: i32 = 86_400;
/// Longest upstream, in characters: what its column holds.
const MAX_UPSTREAM_LEN: usize = 2048;

/// A cache to be made, or to be tried.
#[derive(Clone, Deserialize, ToSchema)]
pub(crate) struct NewCache {
    /// `host[:port]`, or `host[:port]/namespace`.
    upstream_registry: String,
    /// The name there.
    upstream_registry_username: Option<String>,
    /// The password there.
    upstream_registry_password: Option<String>,
    /// How long a tag is believed, in seconds; a day without it. Also as text.
    #[serde(default, deserialize_with = "seconds")]
    #[schema(value_type = Option<i32>, minimum = 0)]
    expiration_s: Option<i32>,
    /// Whether the registry is reached by plain HTTP. Also as a number, which is no for 0.
    #[serde(default, deserialize_with = "yes_or_no")]
    #[schema(value_type = Option<bool>)]
    insecure: Option<bool>,
}

/// Quay's schema does not name the field, and its database takes what is a number.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i32>, D::Error> {
    let seconds = match Value::deserialize(deserializer)? {
        // Fractions are cut off.
        Value::Number(number) => number
            .as_i64()
            .or_else(|| number.as_f64().map(|seconds| seconds as i64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let seconds = seconds.and_then(|seconds| i32::try_from(seconds).ok());
    let wrong = || D::Error::custom("expiration_s is no number of seconds");
    seconds.map(Some).ok_or_else(wrong)
}

fn yes_or_no<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::Bool(said) => Ok(Some(said)),
        Value::Number(number) => Ok(Some(number.as_f64() != Some(0.0))),
        _ => Err(D::Error::custom("insecure is neither true nor false")),
    }
}

impl NewCache {
    fn insecure(&self) -> bool {
        self.insecure.unwrap_or(false)
    }

    /// The URL of the registry, without the namespace.
    fn url(&self) -> String {
        let scheme = if self.insecure() { "http" } else { "https" };
        let host = self
            .upstream_registry
            .split_once('/')
            .map_or(self.upstream_registry.as_str(), |(host, _)| host);
        format!("{scheme}://{host}")
    }

    fn check(&self) -> Result<()> {
        if self.upstream_registry.chars().count() > MAX_UPSTREAM_LEN {
            return Err(Error::invalid_request(format!(
                "upstream_registry has more than {MAX_UPSTREAM_LEN} characters"
            )));
        }
        if self.expiration_s.is_some_and(|seconds| seconds < 0) {
            return Err(Error::invalid_request("expiration_s is less than 0"));
        }
        Ok(())
    }
}

/// What an organization is a cache of.
///
/// # Errors
/// When the database fails.
pub(crate) async fn find(api: &Api, organization: UserId) -> Result<Option<ProxyCache>> {
    let mut conn = api.accounts().read().await?;
    Ok(proxy_caches::find(&mut conn, organization).await?)
}

/// Makes an organization a cache.
///
/// # Errors
/// 400 when it is one, mirrors another registry, has immutable tags, or the registry may not be called.
pub(crate) async fn create(api: &Api, actor: Actor, name: String, new: NewCache) -> Result<()> {
    let rules = Rules::of(api.config());
    let accounts = api.accounts().clone();
    let now = accounts.now();
    let now_ms = now.and_utc().timestamp_millis();
    {
        let mut conn = api.accounts().read().await?;
        let organization = rules.find_organization(&mut conn, &name).await?;
        rules.check(&mut conn, organization, now_ms).await?;
    }
    new.check()?;
    check_upstream(api.config(), &new).await?;
    let cipher = api.cipher();
    let username = new.upstream_registry_username.as_deref();
    let username = seal(cipher, EncryptedColumn::PROXY_USERNAME, username)?;
    let password = new.upstream_registry_password.as_deref();
    let password = seal(cipher, EncryptedColumn::PROXY_PASSWORD, password)?;
    api.accounts()
        .write::<_, Error, _>(move |conn| {
            Box::pin(async move {
                let organization = rules.find_organization(conn, &name).await?;
                // The row of the organization is the lock of all who change what kind of organization it is.
                proxy_caches::lock_organization(conn, organization).await?;
                rules.check(conn, organization, now_ms).await?;
                let cache = NewProxyCache {
                    organization,
                    now,
                    upstream_registry: &new.upstream_registry,
                    username: username.as_deref(),
                    password: password.as_deref(),
                    expiration_s: new.expiration_s.unwrap_or(EXPIRATION_S),
                    insecure: new.insecure(),
                };
                proxy_caches::insert(conn, &cache).await?;
                let keys = json!({ "upstream_registry": new.upstream_registry });
                let event = event("create_proxy_cache_config", organization, keys);
                accounts.record(conn, &actor, now, event).await?;
                Ok(())
            })
        })
        .await?;
    api.auth().forget_everything();
    Ok(())
}

/// Makes an organization an ordinary one.
///
/// # Errors
/// 404 when it is no cache.
pub(crate) async fn delete(api: &Api, actor: Actor, name: String) -> Result<()> {
    let accounts = api.accounts().clone();
    let now = accounts.now();
    api.accounts()
        .write::<_, Error, _>(move |conn| {
            Box::pin(async move {
                let organization = namespaces::find_organization(conn, &name).await?.id;
                if proxy_caches::delete(conn, organization).await? == 0 {
                    return Err(Error::not_found());
                }
                let event = event("delete_proxy_cache_config", organization, json!({}));
                accounts.record(conn, &actor, now, event).await?;
                Ok(())
            })
        })
        .await?;
    api.auth().forget_everything();
    Ok(())
}

/// What excludes a cache, as far as the features are on.
#[derive(Clone, Copy)]
struct Rules {
    org_mirror: bool,
    immutable_tags: bool,
}

impl Rules {
    fn of(config: &Config) -> Self {
        Self {
            org_mirror: config.mirroring.feature_org_mirror,
            immutable_tags: config.tags.feature_immutable_tags,
        }
    }

    /// The organization to be made a cache. The first that needs it in Quay is the rule of immutable tags, if there is one;
    /// so the refusal depends on it.
    async fn find_organization(self, conn: &mut Conn, name: &str) -> Result<UserId> {
        match find_organization(conn, name).await {
            Err(Error::Message { .. }) if !self.immutable_tags => {
                Err(Error::invalid_request(NOT_MADE))
            }
            other => other,
        }
    }

    async fn check(self, conn: &mut Conn, organization: UserId, now_ms: i64) -> Result<()> {
        if proxy_caches::find(conn, organization).await?.is_some() {
            return Err(Error::invalid_request(EXISTS));
        }
        if self.org_mirror && org_mirrors::exists(conn, organization).await? {
            return Err(Error::invalid_request(
                "Cannot create proxy cache: organization is managed by organization-level mirroring",
            ));
        }
        if self.immutable_tags
            && immutability_policies::namespace_has_immutable_tags(conn, organization, now_ms)
                .await?
        {
            return Err(Error::invalid_request(
                "Cannot convert organization to proxy cache: immutable tags exist",
            ));
        }
        Ok(())
    }
}

/// As Quay answers for a name that is no organization's.
async fn find_organization(conn: &mut Conn, name: &str) -> Result<UserId> {
    match namespaces::find_organization(conn, name).await {
        Ok(found) => Ok(found.id),
        Err(Error::Exception(_)) => Err(Error::bad_request(format!(
            "Organization does not exist: {name}"
        ))),
        Err(error) => Err(error),
    }
}

async fn check_upstream(config: &Config, new: &NewCache) -> Result<()> {
    let guard = AddressGuard::public_only(&config.mirroring.ssrf_allowed_hosts);
    guard.resolve_url(&new.url()).await.map_err(refused)?;
    Ok(())
}

fn refused(refused: Refused) -> Error {
    match refused {
        Refused::Blocked { .. } => Error::invalid_request(REFUSED),
        refused => Error::invalid_request(refused.to_string()),
    }
}

fn event(kind: &'static str, account: UserId, metadata: Value) -> Event {
    Event {
        kind,
        account,
        repository: None,
        metadata,
    }
}
