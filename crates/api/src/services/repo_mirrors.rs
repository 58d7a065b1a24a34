//! Mirrors of repositories: which repository of another registry one repeats, when, and as whom (Quay's `mirror.py` and
//! `repo_mirror.py`; api-v1.md §7.8).
//!
//! A repository has at most one mirror. Making one puts the repository into the state `MIRROR` and gives its robot the
//! right to write. Every change takes a new transaction id, so that a worker that has read the row before gives up.

use std::sync::Arc;

use axum::http::StatusCode;

use chrono::NaiveDateTime;
use pierhead_auth::Repository;
use pierhead_auth::accounts::{Account, Accounts, Actor, Event, Role};
use pierhead_client::{AddressGuard, Refused};
use pierhead_config::Config;
use pierhead_db::encoding::field::EncryptedColumn;
use pierhead_db::encoding::json_text;
use pierhead_db::queries::repo_mirrors::{self, NewRepoMirror, RepoMirror, RepoMirrorSettings};
use pierhead_db::queries::{org_mirrors, repositories, repository_permissions, users};
use pierhead_db::{Conn, UserId};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::remote_credentials::seal;
use crate::dates;
use crate::error::{Error, Result};
use crate::extract::body;
use crate::state::Api;

mod change;
mod registry_config;

pub(crate) use change::{ChangeMirror, change};
pub(crate) use registry_config::RegistryConfig;

/// What callers are told of a registry that may not be called: no address, no reason.
const REFUSED: &str = "The provided registry location is not allowed";
/// Architectures that can be selected.
const ARCHITECTURES: [&str; 4] = ["amd64", "arm64", "ppc64le", "s390x"];
/// Most globs of a rule.
const MAX_GLOBS: usize = 1000;
/// Longest glob in bytes: more than a tag has.
const MAX_GLOB_LEN: usize = 256;
/// The shortest time that a run may be given, in seconds.
const MIN_TIMEOUT_S: i64 = 300;

/// `repomirrorconfig.sync_status`, by name.
pub(crate) fn status_name(status: i32) -> &'static str {
    match status {
        -2 => "CANCEL",
        -1 => "FAIL",
        1 => "SUCCESS",
        2 => "SYNCING",
        3 => "SYNC_NOW",
        _ => "NEVER_RUN",
    }
}

/// Which tags are mirrored.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(crate) struct RootRule {
    /// `tag_glob_csv`, the only kind.
    rule_kind: RuleKind,
    /// Globs.
    rule_value: Vec<String>,
}

/// The kinds of rules.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RuleKind {
    /// Names match one of a list of globs.
    TagGlobCsv,
}

/// A mirror to be made.
#[derive(Clone, Deserialize, ToSchema)]
pub(crate) struct NewMirror {
    /// `registry[:port]/path`.
    external_reference: String,
    /// Seconds between two runs.
    #[schema(minimum = 0)]
    sync_interval: i64,
    /// When it runs first: `2026-08-04T10:00:00Z`.
    sync_start_date: String,
    /// Which tags.
    root_rule: RootRule,
    /// Seconds that a run may take.
    #[schema(minimum = 300)]
    skopeo_timeout_interval: i64,
    /// The robot that writes.
    robot_username: String,
    /// Whether it runs by itself.
    #[serde(default, deserialize_with = "body::present")]
    is_enabled: Option<bool>,
    /// The name there.
    external_registry_username: Option<String>,
    /// The password there.
    external_registry_password: Option<String>,
    /// How the registry is reached.
    #[serde(default, deserialize_with = "body::present")]
    external_registry_config: Option<RegistryConfig>,
    /// Which platforms of an index; all without any.
    architecture_filter: Option<Vec<String>>,
}

/// The mirror of a repository.
///
/// # Errors
/// 404 when it has none.
pub(crate) async fn find(api: &Api, repository: &Repository) -> Result<RepoMirror> {
    let mut conn = api.accounts().read().await?;
    repo_mirrors::find(&mut conn, repository.id)
        .await?
        .ok_or_else(Error::not_found)
}

/// Makes a repository a mirror.
///
/// # Errors
/// 409 when it is one; 400 when the organization is one as a whole, or a field cannot be.
pub(crate) async fn create(
    api: &Api,
    actor: Actor,
    repository: Arc<Repository>,
    new: NewMirror,
) -> Result<()> {
    {
        let mut conn = api.accounts().read().await?;
        refuse_in_org_mirror(&mut conn, &repository).await?;
        if repo_mirrors::find(&mut conn, repository.id)
            .await?
            .is_some()
        {
            return Err(exists(&repository));
        }
    }
    check_reference(api, &new.external_reference).await?;
    check_architectures(api.config(), new.architecture_filter.as_deref())?;
    let skopeo_timeout = check_timeout(new.skopeo_timeout_interval)?;
    let sync_start_date = check_date(&new.sync_start_date)?;
    let globs = check_rule(&new.root_rule)?;
    let sync_interval = check_interval(new.sync_interval)?;
    let cipher = api.cipher();
    let username = new.external_registry_username.as_deref();
    let username = seal(cipher, EncryptedColumn::MIRROR_USERNAME, username)?;
    let password = new.external_registry_password.as_deref();
    let password = seal(cipher, EncryptedColumn::MIRROR_PASSWORD, password)?;
    let config = json_text::write(&new.external_registry_config.unwrap_or_default())?;
    let architectures = new.architecture_filter.unwrap_or_default();
    let architectures = json_text::write(&architectures)?;

    let accounts = api.accounts().clone();
    let (now, name) = (accounts.now(), repository.name.clone());
    api.accounts()
        .write::<_, Error, _>(move |conn| {
            Box::pin(async move {
                if repo_mirrors::find(conn, repository.id).await?.is_some() {
                    return Err(exists(&repository));
                }
                let robot = find_robot(conn, &repository, &new.robot_username).await?;
                let uuid = Uuid::new_v4().to_string();
                let root_rule =
                    repo_mirrors::insert_rule(conn, &uuid, repository.id, now, &globs).await?;
                let mirror = NewRepoMirror {
                    repository: repository.id,
                    now,
                    transaction: &Uuid::new_v4().to_string(),
                    settings: RepoMirrorSettings {
                        is_enabled: new.is_enabled.unwrap_or(true),
                        internal_robot: robot.id,
                        external_reference: &new.external_reference,
                        username: username.as_deref(),
                        password: password.as_deref(),
                        external_registry_config: &config,
                        sync_interval,
                        sync_start_date: Some(sync_start_date),
                        skopeo_timeout,
                        architecture_filter: Some(&architectures),
                    },
                    root_rule,
                };
                if repo_mirrors::insert(conn, &mirror).await? == 0 {
                    return Err(exists(&repository));
                }
                repositories::set_state(conn, repository.id, repositories::STATE_MIRROR).await?;
                grant_write(&accounts, conn, &repository, &robot).await?;
                let changed = ("external_reference", json!(new.external_reference));
                record(&accounts, conn, &actor, now, &repository, changed).await
            })
        })
        .await?;
    api.auth().forget_repository(&name);
    Ok(())
}

/// Asks for a run at once.
///
/// # Errors
/// 404 when there is no mirror, or it runs.
pub(crate) async fn sync_now(api: &Api, actor: Actor, repository: Arc<Repository>) -> Result<()> {
    set_status(api, actor, repository, "SYNC_NOW").await
}

/// Cancels a run.
///
/// # Errors
/// 404 when there is no mirror, or it does not run.
pub(crate) async fn sync_cancel(
    api: &Api,
    actor: Actor,
    repository: Arc<Repository>,
) -> Result<()> {
    set_status(api, actor, repository, "SYNC_CANCEL").await
}

async fn set_status(
    api: &Api,
    actor: Actor,
    repository: Arc<Repository>,
    to: &'static str,
) -> Result<()> {
    let accounts = api.accounts().clone();
    let now = accounts.now();
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                let mirror = take(conn, &repository).await?;
                let changed = match to {
                    "SYNC_NOW" => repo_mirrors::set_sync_now(conn, mirror.id).await?,
                    _ => repo_mirrors::set_cancelled(conn, mirror.id).await?,
                };
                if changed == 0 {
                    return Err(Error::not_found());
                }
                let changed = ("sync_status", json!(to));
                record(&accounts, conn, &actor, now, &repository, changed).await
            })
        })
        .await
}

/// The mirror of a repository, which nobody else changes until the transaction ends.
async fn take(conn: &mut Conn, repository: &Repository) -> Result<RepoMirror> {
    let uuid = Uuid::new_v4().to_string();
    repo_mirrors::renew_transaction(conn, repository.id, &uuid).await?;
    repo_mirrors::find(conn, repository.id)
        .await?
        .ok_or_else(Error::not_found)
}

async fn refuse_in_org_mirror(conn: &mut Conn, repository: &Repository) -> Result<()> {
    if org_mirrors::exists(conn, UserId(repository.namespace_id.0)).await? {
        return Err(Error::invalid_request(
            "Repository mirror configuration cannot be managed when organization-level mirroring is configured",
        ));
    }
    Ok(())
}

/// A robot of the repository's namespace.
async fn find_robot(conn: &mut Conn, repository: &Repository, name: &str) -> Result<Account> {
    let robot = users::find(conn, name)
        .await?
        .filter(|account| account.robot)
        .ok_or_else(|| Error::bad_request("Could not find robot with specified username"))?;
    match name.split_once('+') {
        Some((namespace, _)) if namespace == repository.name.namespace() => Ok(robot),
        _ => Err(Error::bad_request("Invalid robot")),
    }
}

/// Lets the robot write, unless it may already.
async fn grant_write(
    accounts: &Accounts,
    conn: &mut Conn,
    repository: &Repository,
    robot: &Account,
) -> Result<()> {
    let held = repo_mirrors::robot_role(conn, repository.id, robot.id).await?;
    if !matches!(held.as_deref(), Some("write" | "admin")) {
        let role = accounts.id_of(Role::Write);
        repository_permissions::put_user(conn, robot.id, repository.id, role).await?;
    }
    Ok(())
}

/// Tells which field was changed to what.
async fn record(
    accounts: &Accounts,
    conn: &mut Conn,
    actor: &Actor,
    now: NaiveDateTime,
    repository: &Repository,
    (changed, to): (&str, Value),
) -> Result<()> {
    let event = Event {
        kind: "repo_mirror_config_changed",
        account: UserId(repository.namespace_id.0),
        repository: Some(repository.id),
        metadata: json!({
            "repo": repository.name.repository(),
            "namespace": repository.name.namespace(),
            "changed": changed,
            "to": to,
        }),
    };
    accounts.record(conn, actor, now, event).await?;
    Ok(())
}

async fn check_reference(api: &Api, reference: &str) -> Result<()> {
    let guard = AddressGuard::public_only(&api.config().mirroring.ssrf_allowed_hosts);
    guard
        .resolve_reference(reference)
        .await
        .map_err(|refused| match refused {
            Refused::Blocked { .. } => Error::invalid_request(REFUSED),
            refused => Error::invalid_request(refused.to_string()),
        })
}

fn check_architectures(config: &Config, architectures: Option<&[String]>) -> Result<()> {
    let wanted = architectures.unwrap_or_default();
    if wanted.is_empty() {
        return Ok(());
    }
    if !config.mirroring.feature_sparse_index {
        return Err(Error::detail(
            StatusCode::BAD_REQUEST,
            "Architecture filtering requires FEATURE_SPARSE_INDEX to be enabled.",
        ));
    }
    let mut unknown: Vec<&str> = wanted
        .iter()
        .map(String::as_str)
        .filter(|name| !ARCHITECTURES.contains(name))
        .collect();
    unknown.sort_unstable();
    unknown.dedup();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Error::detail(
        StatusCode::BAD_REQUEST,
        format!("Invalid architectures: {}", unknown.join(", ")),
    ))
}

fn check_timeout(seconds: i64) -> Result<i64> {
    if seconds < MIN_TIMEOUT_S {
        return Err(Error::invalid_request(format!(
            "skopeo_timeout_interval: {seconds} is less than the minimum of {MIN_TIMEOUT_S}"
        )));
    }
    Ok(seconds)
}

fn check_interval(seconds: i64) -> Result<i32> {
    i32::try_from(seconds)
        .ok()
        .filter(|seconds| *seconds >= 0)
        .ok_or_else(|| {
            Error::invalid_request(format!(
                "sync_interval: {seconds} is not between 0 and {}",
                i32::MAX
            ))
        })
}

fn check_date(text: &str) -> Result<NaiveDateTime> {
    dates::parse_iso(text).ok_or_else(|| {
        Error::detail(
            StatusCode::BAD_REQUEST,
            "Incorrect DateTime format for sync_start_date.",
        )
    })
}

/// The globs of a rule as they are stored.
fn check_rule(rule: &RootRule) -> Result<String> {
    let RuleKind::TagGlobCsv = rule.rule_kind;
    let globs = &rule.rule_value;
    if globs.is_empty() {
        return Err(Error::invalid_request(
            "validation failed: rule_value for TAG_GLOB_CSV must be a list with at least one rule",
        ));
    }
    if globs.len() > MAX_GLOBS || globs.iter().any(|glob| glob.len() > MAX_GLOB_LEN) {
        return Err(Error::invalid_request(format!(
            "validation failed: rule_value has at most {MAX_GLOBS} rules of at most {MAX_GLOB_LEN} bytes"
        )));
    }
    Ok(json_text::write(globs)?)
}

fn exists(repository: &Repository) -> Error {
    Error::detail(
        StatusCode::CONFLICT,
        format!(
            "Mirror configuration already exits for repository {}",
            repository.name
        ),
    )
}
