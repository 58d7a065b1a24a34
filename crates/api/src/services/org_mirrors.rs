//! Mirrors of organizations: which namespace of another registry one repeats, repository by repository (Quay's
//! `org_mirror.py`, 3.17).
//!
//! An organization becomes a mirror while it is empty. What is found at the other registry has a row of its own; the
//! repositories that are made for it are in the state `ORG_MIRROR` and become ordinary ones when the mirror goes.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use pierhead_auth::accounts::{Actor, Event, Visibility};
use pierhead_client::{AddressGuard, Refused};
use pierhead_config::Config;
use pierhead_db::encoding::field::EncryptedColumn;
use pierhead_db::encoding::json_text;
use pierhead_db::queries::org_mirrors::{self, FoundRepository, OrgMirror, OrgMirrorSettings};
use pierhead_db::queries::{immutability_policies, proxy_caches, users};
use pierhead_db::{Conn, UserId};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::remote_credentials::seal;
use crate::dates;
use crate::error::{Error, Result};
use crate::extract::body;
use crate::state::Api;

mod change;
mod source;

pub(crate) use change::{ChangeOrgMirror, change};
pub(crate) use source::{Verified, verify};

/// What callers are told of a registry that may not be called: no address, no reason.
const REFUSED: &str = "The provided registry URL is not allowed";
/// The states of found repositories, in Quay's order.
const STATUSES: [(i32, &str); 7] = [
    (-2, "CANCEL"),
    (-1, "FAIL"),
    (0, "NEVER_RUN"),
    (1, "SUCCESS"),
    (2, "SYNCING"),
    (3, "SYNC_NOW"),
    (4, "SKIP"),
];
/// The shortest time between two runs, in seconds.
const MIN_INTERVAL_S: i64 = 60;
/// Seconds that the copy of a repository may take.
const TIMEOUT_S: std::ops::RangeInclusive<i64> = 30..=3600;
/// The same unless something else is said.
const DEFAULT_TIMEOUT_S: i64 = 300;
/// Longest name of a namespace, in characters.
const MAX_NAMESPACE_LEN: usize = 255;
/// Longest URL, in characters: what its column holds.
const MAX_URL_LEN: usize = 2048;
/// Most globs that select repositories.
const MAX_FILTERS: usize = 1000;
/// Longest glob in bytes.
const MAX_FILTER_LEN: usize = 255;

/// `sync_status`, by name.
pub(crate) fn status_name(status: i32) -> &'static str {
    STATUSES
        .iter()
        .find(|(known, _)| *known == status)
        .map_or("NEVER_RUN", |(_, name)| *name)
}

/// What software the other registry is.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RegistryType {
    /// Harbor.
    Harbor,
    /// Quay.
    Quay,
}

impl RegistryType {
    /// As `orgmirrorconfig.external_registry_type` has it.
    pub(crate) fn of(number: i32) -> Self {
        if number == 1 {
            Self::Harbor
        } else {
            Self::Quay
        }
    }

    fn number(self) -> i32 {
        match self {
            Self::Harbor => 1,
            Self::Quay => 2,
        }
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Harbor => "harbor",
            Self::Quay => "quay",
        }
    }
}

/// Who sees the repositories that are made.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Seen {
    /// Everybody.
    Public,
    /// Who has a permission.
    Private,
}

impl From<Seen> for Visibility {
    fn from(seen: Seen) -> Self {
        match seen {
            Seen::Public => Self::Public,
            Seen::Private => Self::Private,
        }
    }
}

/// A mirror to be made.
#[derive(Clone, Deserialize, ToSchema)]
pub(crate) struct NewOrgMirror {
    external_registry_type: RegistryType,
    /// `http` or `https` URL.
    external_registry_url: String,
    /// The namespace or project there.
    #[schema(max_length = 255)]
    external_namespace: String,
    /// The robot that writes.
    robot_username: String,
    visibility: Seen,
    /// Seconds between two runs.
    #[schema(minimum = 60)]
    sync_interval: i64,
    /// When it runs first: `2026-08-04T10:00:00Z`.
    sync_start_date: String,
    /// Whether it runs by itself.
    #[serde(default, deserialize_with = "body::present")]
    is_enabled: Option<bool>,
    /// The name there.
    external_registry_username: Option<String>,
    /// The password there, or a token.
    external_registry_password: Option<String>,
    /// How the registry is reached: `verify_tls`, `proxy`.
    #[serde(default, deserialize_with = "body::present")]
    #[schema(value_type = Option<Object>)]
    external_registry_config: Option<Map<String, Value>>,
    /// Globs; without any every repository is taken.
    #[serde(default, deserialize_with = "body::present")]
    repository_filters: Option<Vec<String>>,
    /// Seconds that the copy of a repository may take.
    #[serde(default, deserialize_with = "body::present")]
    #[schema(minimum = 30, maximum = 3600)]
    skopeo_timeout: Option<i64>,
}

/// A mirror with how its repositories fare.
#[derive(Clone, Debug)]
pub(crate) struct OrgMirrorState {
    pub(crate) mirror: OrgMirror,
    /// How many repositories are in which state; every state is there.
    pub(crate) counts: BTreeMap<i32, i64>,
}

/// The mirror of an organization.
///
/// # Errors
/// 404 when it is none.
pub(crate) async fn find(api: &Api, organization: UserId) -> Result<OrgMirrorState> {
    let mut conn = api.accounts().read().await?;
    let mirror = find_in(&mut conn, organization).await?;
    let mut counts: BTreeMap<i32, i64> = STATUSES.map(|(status, _)| (status, 0)).into();
    counts.extend(org_mirrors::count_by_status(&mut conn, mirror.id).await?);
    Ok(OrgMirrorState { mirror, counts })
}

/// Makes an organization a mirror.
///
/// # Errors
/// 400 when it is one, has repositories, immutability policies or a proxy cache, or a field cannot be.
pub(crate) async fn create(
    api: &Api,
    actor: Actor,
    name: String,
    organization: UserId,
    new: NewOrgMirror,
) -> Result<()> {
    let robot = {
        let mut conn = api.accounts().read().await?;
        find_robot(&mut conn, &name, &new.robot_username).await?
    };
    let start = check_date(&new.sync_start_date)?;
    let interval = check_interval(new.sync_interval)?;
    let timeout = check_timeout(new.skopeo_timeout.unwrap_or(DEFAULT_TIMEOUT_S))?;
    check_namespace(&new.external_namespace)?;
    let filters = check_filters(&new.repository_filters.unwrap_or_default())?;
    check_url(api.config(), &new.external_registry_url).await?;
    let cipher = api.cipher();
    let username = new.external_registry_username.as_deref();
    let username = seal(cipher, EncryptedColumn::ORG_MIRROR_USERNAME, username)?;
    let password = new.external_registry_password.as_deref();
    let password = seal(cipher, EncryptedColumn::ORG_MIRROR_PASSWORD, password)?;
    let config = json_text::write(&new.external_registry_config.unwrap_or_default())?;

    let rules = Rules::of(api.config());
    let accounts = api.accounts().clone();
    let now = accounts.now();
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                // The row of the organization is the lock of all who change what kind of organization it is, and of
                // Quay's who make repositories in it.
                proxy_caches::lock_organization(conn, organization).await?;
                rules.check(conn, organization).await?;
                let settings = OrgMirrorSettings {
                    is_enabled: new.is_enabled.unwrap_or(true),
                    external_registry_url: &new.external_registry_url,
                    external_namespace: &new.external_namespace,
                    username: username.as_deref(),
                    password: password.as_deref(),
                    external_registry_config: &config,
                    internal_robot: robot,
                    repository_filters: &filters,
                    visibility: accounts.id_of(Visibility::from(new.visibility)),
                    sync_interval: interval,
                    sync_start_date: Some(start),
                    skopeo_timeout: timeout,
                };
                let kind = new.external_registry_type;
                let transaction = Uuid::new_v4().to_string();
                let inserted = org_mirrors::insert(
                    conn,
                    organization,
                    now,
                    kind.number(),
                    &transaction,
                    &settings,
                )
                .await?;
                if inserted == 0 {
                    return Err(exists());
                }
                let keys = json!({
                    "external_registry_type": kind.name(),
                    "external_registry_url": new.external_registry_url,
                    "external_namespace": new.external_namespace,
                    "sync_interval": interval,
                    "robot_username": new.robot_username,
                });
                let event = event("org_mirror_enabled", organization, keys);
                accounts.record(conn, &actor, now, event).await?;
                Ok(())
            })
        })
        .await
}

/// Makes an organization an ordinary one, with the repositories it has by now.
///
/// # Errors
/// 404 when it is no mirror.
pub(crate) async fn delete(api: &Api, actor: Actor, organization: UserId) -> Result<()> {
    let accounts = api.accounts().clone();
    let now = accounts.now();
    api.accounts()
        .write::<_, Error, _>(move |conn| {
            Box::pin(async move {
                let mirror = take(conn, organization).await?;
                org_mirrors::release_repositories(conn, mirror.id).await?;
                org_mirrors::delete_found(conn, mirror.id).await?;
                org_mirrors::delete(conn, mirror.id).await?;
                let keys = json!({ "external_reference": reference(&mirror) });
                let event = event("org_mirror_disabled", organization, keys);
                accounts.record(conn, &actor, now, event).await?;
                Ok(())
            })
        })
        .await?;
    api.auth().forget_everything();
    Ok(())
}

/// Asks for a run at once.
///
/// # Errors
/// 404 when there is no mirror; 400 while it, or one of its repositories, runs.
pub(crate) async fn sync_now(api: &Api, actor: Actor, organization: UserId) -> Result<()> {
    let accounts = api.accounts().clone();
    let now = accounts.now();
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                let mirror = take(conn, organization).await?;
                if status_name(mirror.sync_status) == "SYNCING" {
                    return Err(Error::invalid_request(
                        "Cannot trigger sync: discovery is currently in progress.",
                    ));
                }
                if org_mirrors::count_active(conn, mirror.id).await? > 0 {
                    return Err(Error::invalid_request(
                        "Cannot trigger sync: repositories are still syncing. Cancel the current sync and wait for \
                         all repositories to reach a terminal state before triggering a new sync.",
                    ));
                }
                let transaction = Uuid::new_v4().to_string();
                org_mirrors::set_sync_now(conn, mirror.id, &transaction, now).await?;
                let keys = json!({ "external_reference": reference(&mirror) });
                let event = event("org_mirror_sync_now_requested", organization, keys);
                accounts.record(conn, &actor, now, event).await?;
                Ok(())
            })
        })
        .await
}

/// Cancels a run.
///
/// # Errors
/// 404 when there is no mirror; 400 when it is cancelled.
pub(crate) async fn sync_cancel(api: &Api, actor: Actor, organization: UserId) -> Result<()> {
    let accounts = api.accounts().clone();
    let now = accounts.now();
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                let mirror = take(conn, organization).await?;
                let transaction = Uuid::new_v4().to_string();
                if org_mirrors::set_cancelled(conn, mirror.id, &transaction, now).await? == 0 {
                    return Err(Error::invalid_request(
                        "Cannot cancel: mirror is already cancelled",
                    ));
                }
                let keys = json!({ "external_reference": reference(&mirror) });
                let event = event("org_mirror_sync_cancelled", organization, keys);
                accounts.record(conn, &actor, now, event).await?;
                Ok(())
            })
        })
        .await
}

/// A page of what was found at the other registry, and how much there is in all.
///
/// # Errors
/// 404 when there is no mirror; 400 for an unknown state.
pub(crate) async fn repositories(
    api: &Api,
    organization: UserId,
    status: Option<&str>,
    (page, limit): (i64, i64),
) -> Result<(Vec<FoundRepository>, i64)> {
    let mut conn = api.accounts().read().await?;
    let mirror = find_in(&mut conn, organization).await?;
    let status = status.map(status_number).transpose()?;
    let total = org_mirrors::count(&mut conn, mirror.id, status).await?;
    let offset = (page - 1).saturating_mul(limit);
    let found = org_mirrors::page(&mut conn, mirror.id, status, limit, offset).await?;
    Ok((found, total))
}

fn status_number(name: &str) -> Result<i32> {
    let upper = name.to_uppercase();
    STATUSES
        .iter()
        .find(|(_, known)| *known == upper)
        .map(|(number, _)| *number)
        .ok_or_else(|| {
            let known = STATUSES.map(|(_, known)| known).join(", ");
            Error::invalid_request(format!(
                "Invalid status filter '{name}'. Valid values: {known}"
            ))
        })
}

async fn find_in(conn: &mut Conn, organization: UserId) -> Result<OrgMirror> {
    org_mirrors::find(conn, organization)
        .await?
        .ok_or_else(Error::not_found)
}

/// The mirror of an organization, which nobody else changes until the transaction ends.
async fn take(conn: &mut Conn, organization: UserId) -> Result<OrgMirror> {
    org_mirrors::lock(conn, organization).await?;
    find_in(conn, organization).await
}

/// A robot of the organization.
async fn find_robot(conn: &mut Conn, organization: &str, name: &str) -> Result<UserId> {
    let robot = users::find(conn, name)
        .await?
        .filter(|account| account.robot)
        .ok_or_else(|| Error::invalid_request(format!("Invalid robot account: {name}")))?;
    match name.split_once('+') {
        Some((namespace, _)) if namespace == organization => Ok(robot.id),
        _ => Err(Error::invalid_request(
            "Robot account must belong to the organization",
        )),
    }
}

/// What excludes a mirror, as far as the features are on.
#[derive(Clone, Copy)]
struct Rules {
    immutable_tags: bool,
    proxy_cache: bool,
}

impl Rules {
    fn of(config: &Config) -> Self {
        Self {
            immutable_tags: config.tags.feature_immutable_tags,
            proxy_cache: config.proxy_cache.feature_proxy_cache,
        }
    }

    async fn check(self, conn: &mut Conn, organization: UserId) -> Result<()> {
        let text = if org_mirrors::has_repositories(conn, organization).await? {
            "Cannot create organization mirror: the organization already contains repositories. Organization mirroring \
             requires an empty organization."
        } else if self.immutable_tags
            && immutability_policies::namespace_has_any(conn, organization).await?
        {
            "Cannot create organization mirror: the organization has immutability policies configured. Remove all \
             namespace immutability policies first."
        } else if self.proxy_cache && proxy_caches::find(conn, organization).await?.is_some() {
            "Cannot create organization mirror: the organization has a proxy cache configuration. Remove the proxy \
             cache configuration first."
        } else if org_mirrors::exists(conn, organization).await? {
            return Err(exists());
        } else {
            return Ok(());
        };
        Err(Error::invalid_request(text))
    }
}

async fn check_url(config: &Config, url: &str) -> Result<()> {
    if url.chars().count() > MAX_URL_LEN {
        return Err(Error::invalid_request(format!(
            "external_registry_url has more than {MAX_URL_LEN} characters"
        )));
    }
    let guard = AddressGuard::public_only(&config.mirroring.ssrf_allowed_hosts);
    match guard.resolve_url(url).await {
        Ok(_) => Ok(()),
        Err(Refused::Blocked { .. }) => Err(Error::invalid_request(REFUSED)),
        Err(refused) => Err(Error::invalid_request(refused.to_string())),
    }
}

fn check_date(text: &str) -> Result<NaiveDateTime> {
    dates::parse_iso(text).ok_or_else(|| {
        Error::invalid_request("Invalid sync_start_date format. Use ISO 8601: YYYY-MM-DDTHH:MM:SSZ")
    })
}

fn check_interval(seconds: i64) -> Result<i32> {
    if seconds < MIN_INTERVAL_S {
        return Err(Error::invalid_request(
            "sync_interval must be at least 60 seconds",
        ));
    }
    i32::try_from(seconds).map_err(|_| {
        Error::invalid_request(format!(
            "sync_interval must be at most {} seconds",
            i32::MAX
        ))
    })
}

fn check_timeout(seconds: i64) -> Result<i64> {
    if TIMEOUT_S.contains(&seconds) {
        return Ok(seconds);
    }
    Err(Error::invalid_request(
        "skopeo_timeout must be between 30 and 3600 seconds",
    ))
}

fn check_namespace(name: &str) -> Result<()> {
    if name.chars().count() > MAX_NAMESPACE_LEN {
        return Err(Error::invalid_request(format!(
            "external_namespace has more than {MAX_NAMESPACE_LEN} characters"
        )));
    }
    Ok(())
}

/// The globs as they are stored.
fn check_filters(filters: &[String]) -> Result<String> {
    if filters.len() > MAX_FILTERS || filters.iter().any(|glob| glob.len() > MAX_FILTER_LEN) {
        return Err(Error::invalid_request(format!(
            "repository_filters has at most {MAX_FILTERS} patterns of at most {MAX_FILTER_LEN} bytes"
        )));
    }
    Ok(json_text::write(&filters)?)
}

fn exists() -> Error {
    Error::invalid_request("Mirror configuration already exists for this organization")
}

/// How the audit log names the other namespace.
fn reference(mirror: &OrgMirror) -> String {
    format!(
        "{}/{}",
        mirror.external_registry_url, mirror.external_namespace
    )
}

fn event(kind: &'static str, account: UserId, metadata: Value) -> Event {
    Event {
        kind,
        account,
        repository: None,
        metadata,
    }
}
