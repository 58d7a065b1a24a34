//! Changing a mirror. Every field that is given is checked before anything is written; then all are written at once, with
//! one audit row for each, as Quay has them.
//!
//! Quay forgets the audit row of another robot, and the first proxy of a mirror that had none. Here both are kept.

use std::sync::Arc;

use axum::http::StatusCode;
use pierhead_auth::Repository;
use pierhead_auth::accounts::Actor;
use pierhead_db::encoding::field::EncryptedColumn;
use pierhead_db::encoding::json_text;
use pierhead_db::queries::repo_mirrors::{self, RepoMirrorSettings};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::super::remote_credentials::seal;
use super::{RegistryConfig, RootRule};
use crate::dates;
use crate::error::{Error, Result};
use crate::extract::body;
use crate::state::Api;

/// What to change.
#[derive(Clone, Deserialize, ToSchema)]
pub(crate) struct ChangeMirror {
    /// Whether it runs by itself.
    #[serde(default, deserialize_with = "body::present")]
    is_enabled: Option<bool>,
    /// `registry[:port]/path`.
    #[serde(default, deserialize_with = "body::present")]
    external_reference: Option<String>,
    /// The robot that writes.
    #[serde(default, deserialize_with = "body::present")]
    robot_username: Option<String>,
    /// When it runs next: `2026-08-04T10:00:00Z`.
    #[serde(default, deserialize_with = "body::present")]
    sync_start_date: Option<String>,
    /// Seconds between two runs.
    #[serde(default, deserialize_with = "body::present")]
    #[schema(minimum = 0)]
    sync_interval: Option<i64>,
    /// Seconds that a run may take.
    #[serde(default, deserialize_with = "body::present")]
    #[schema(minimum = 300)]
    skopeo_timeout_interval: Option<i64>,
    /// Which platforms of an index; all without any.
    #[serde(default, deserialize_with = "body::nullable")]
    #[schema(value_type = Option<Vec<String>>)]
    architecture_filter: Option<Option<Vec<String>>>,
    /// The name there.
    #[serde(default, deserialize_with = "body::nullable")]
    #[schema(value_type = Option<String>)]
    external_registry_username: Option<Option<String>>,
    /// The password there; only together with the name.
    #[serde(default, deserialize_with = "body::nullable")]
    #[schema(value_type = Option<String>)]
    external_registry_password: Option<Option<String>>,
    /// How the registry is reached.
    #[serde(default, deserialize_with = "body::present")]
    external_registry_config: Option<RegistryConfig>,
    /// Which tags.
    #[serde(default, deserialize_with = "body::present")]
    root_rule: Option<RootRule>,
}

/// Changes the mirror of a repository, and says how many of its fields were given.
///
/// # Errors
/// 404 when it has none; 400 when the organization is one as a whole, or a field cannot be.
pub(crate) async fn change(
    api: &Api,
    actor: Actor,
    repository: Arc<Repository>,
    change: ChangeMirror,
) -> Result<usize> {
    {
        let mut conn = api.accounts().read().await?;
        super::refuse_in_org_mirror(&mut conn, &repository).await?;
        let mirror = repo_mirrors::find(&mut conn, repository.id).await?;
        mirror.ok_or_else(Error::not_found)?;
    }
    if let Some(reference) = &change.external_reference {
        super::check_reference(api, reference).await?;
    }
    let start = change.sync_start_date.as_deref();
    let start = start.map(super::check_date).transpose()?;
    let timeout = change.skopeo_timeout_interval;
    let timeout = timeout.map(super::check_timeout).transpose()?;
    let architectures = change.architecture_filter.clone();
    super::check_architectures(
        api.config(),
        architectures.as_ref().and_then(|names| names.as_deref()),
    )?;
    check_credentials(&change)?;
    let globs = change.root_rule.as_ref();
    let globs = globs.map(super::check_rule).transpose()?;
    let interval = change.sync_interval;
    let interval = interval.map(super::check_interval).transpose()?;
    let cipher = api.cipher();
    let username = change
        .external_registry_username
        .as_ref()
        .map(|name| seal(cipher, EncryptedColumn::MIRROR_USERNAME, name.as_deref()));
    let username = username.transpose()?;
    let password = change.external_registry_password.as_ref().map(|password| {
        seal(
            cipher,
            EncryptedColumn::MIRROR_PASSWORD,
            password.as_deref(),
        )
    });
    let password = password.transpose()?;

    let accounts = api.accounts().clone();
    let (now, name) = (accounts.now(), repository.name.clone());
    let changed = api
        .accounts()
        .write::<_, Error, _>(move |conn| {
            Box::pin(async move {
                let old = super::take(conn, &repository).await?;
                let mut changes: Vec<(&str, Value)> = Vec::new();
                if let Some(enabled) = change.is_enabled {
                    changes.push(("is_enabled", json!(enabled)));
                }
                if let Some(reference) = &change.external_reference {
                    changes.push(("external_reference", json!(reference)));
                }
                let robot = match &change.robot_username {
                    Some(robot) => {
                        let robot = super::find_robot(conn, &repository, robot).await?;
                        super::grant_write(&accounts, conn, &repository, &robot).await?;
                        changes.push(("robot_username", json!(robot.username)));
                        robot.id
                    }
                    None => old.internal_robot_id,
                };
                if let Some(start) = start {
                    changes.push(("sync_start_date", json!(dates::epoch(start))));
                }
                if let Some(interval) = interval {
                    changes.push(("sync_interval", json!(interval)));
                }
                if let Some(timeout) = timeout {
                    changes.push(("skopeo_timeout_interval", json!(timeout)));
                }
                let architecture_filter = match &architectures {
                    Some(names) => {
                        changes.push(("architecture_filter", json!(names)));
                        Some(json_text::write(&names.clone().unwrap_or_default())?)
                    }
                    None => old.architecture_filter,
                };
                if let Some(username) = &change.external_registry_username {
                    changes.push(("external_registry_username", json!(username)));
                }
                if let Some(password) = &change.external_registry_password {
                    let shown = password.as_ref().map(|_| "********");
                    changes.push(("external_registry_password", json!(shown)));
                }
                let config = match &change.external_registry_config {
                    Some(config) => {
                        let (text, changed) = config.merge_into(&old.external_registry_config)?;
                        changes.extend(changed);
                        text
                    }
                    None => old.external_registry_config,
                };
                if let Some(rule) = &change.root_rule {
                    changes.push(("mirror_rule", json!(rule.rule_value)));
                }
                let username = username.unwrap_or(old.external_registry_username);
                let password = password.unwrap_or(old.external_registry_password);
                let reference = change.external_reference.as_deref();
                let settings = RepoMirrorSettings {
                    is_enabled: change.is_enabled.unwrap_or(old.is_enabled),
                    internal_robot: robot,
                    external_reference: reference.unwrap_or(&old.external_reference),
                    username: username.as_deref(),
                    password: password.as_deref(),
                    external_registry_config: &config,
                    sync_interval: interval.unwrap_or(old.sync_interval),
                    sync_start_date: start.or(old.sync_start_date),
                    skopeo_timeout: timeout.unwrap_or(old.skopeo_timeout),
                    architecture_filter: architecture_filter.as_deref(),
                };
                repo_mirrors::update(conn, old.id, &settings).await?;
                if let Some(globs) = &globs {
                    repo_mirrors::update_rule(conn, old.root_rule_id, globs).await?;
                }
                let count = changes.len();
                for changed in changes {
                    super::record(&accounts, conn, &actor, now, &repository, changed).await?;
                }
                Ok(count)
            })
        })
        .await?;
    api.auth().forget_repository(&name);
    Ok(changed)
}

fn check_credentials(change: &ChangeMirror) -> Result<()> {
    let text = match (
        &change.external_registry_username,
        &change.external_registry_password,
    ) {
        (None, Some(_)) => "Unable to set a new password without also specifying a username.",
        (Some(None), Some(Some(_))) => "Unable to delete username while setting a password.",
        _ => return Ok(()),
    };
    Err(Error::detail(StatusCode::BAD_REQUEST, text))
}
