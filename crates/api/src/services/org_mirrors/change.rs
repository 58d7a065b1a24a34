//! Changing the mirror of an organization. Every field that is given is checked before anything is written.

use pierhead_auth::accounts::{Actor, Visibility};
use pierhead_db::UserId;
use pierhead_db::encoding::field::EncryptedColumn;
use pierhead_db::encoding::json_text;
use pierhead_db::queries::org_mirrors::{self, OrgMirrorSettings};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::super::remote_credentials::seal;
use super::Seen;
use crate::error::{Error, Result};
use crate::extract::body;
use crate::state::Api;

/// What to change. The type of the other registry stays.
#[derive(Clone, Deserialize, ToSchema)]
pub(crate) struct ChangeOrgMirror {
    /// Whether it runs by itself.
    #[serde(default, deserialize_with = "body::present")]
    is_enabled: Option<bool>,
    /// `http` or `https` URL.
    #[serde(default, deserialize_with = "body::present")]
    external_registry_url: Option<String>,
    /// The namespace or project there.
    #[serde(default, deserialize_with = "body::present")]
    #[schema(max_length = 255)]
    external_namespace: Option<String>,
    /// The robot that writes.
    #[serde(default, deserialize_with = "body::present")]
    robot_username: Option<String>,
    #[serde(default, deserialize_with = "body::present")]
    visibility: Option<Seen>,
    /// Seconds between two runs.
    #[serde(default, deserialize_with = "body::present")]
    #[schema(minimum = 60)]
    sync_interval: Option<i64>,
    /// When it runs next: `2026-08-04T10:00:00Z`.
    #[serde(default, deserialize_with = "body::present")]
    sync_start_date: Option<String>,
    /// The name there.
    #[serde(default, deserialize_with = "body::nullable")]
    #[schema(value_type = Option<String>)]
    external_registry_username: Option<Option<String>>,
    /// The password there, or a token.
    #[serde(default, deserialize_with = "body::nullable")]
    #[schema(value_type = Option<String>)]
    external_registry_password: Option<Option<String>>,
    /// How the registry is reached; replaces what was there.
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

/// Changes the mirror of an organization. `fields` are the names of what was given, for the log.
///
/// # Errors
/// 404 when it is none; 400 when a field cannot be.
pub(crate) async fn change(
    api: &Api,
    actor: Actor,
    name: String,
    organization: UserId,
    change: ChangeOrgMirror,
    fields: Vec<String>,
) -> Result<()> {
    let robot = {
        let mut conn = api.accounts().read().await?;
        super::find_in(&mut conn, organization).await?;
        match &change.robot_username {
            Some(robot) => Some(super::find_robot(&mut conn, &name, robot).await?),
            None => None,
        }
    };
    if let Some(url) = &change.external_registry_url {
        super::check_url(api.config(), url).await?;
    }
    if let Some(namespace) = &change.external_namespace {
        super::check_namespace(namespace)?;
    }
    let interval = change.sync_interval;
    let interval = interval.map(super::check_interval).transpose()?;
    let start = change.sync_start_date.as_deref();
    let start = start.map(super::check_date).transpose()?;
    let timeout = change.skopeo_timeout;
    let timeout = timeout.map(super::check_timeout).transpose()?;
    let filters = change.repository_filters.as_deref();
    let filters = filters.map(super::check_filters).transpose()?;
    let config = change.external_registry_config.as_ref();
    let config = config.map(json_text::write).transpose()?;
    let cipher = api.cipher();
    let username = change.external_registry_username.as_ref().map(|name| {
        seal(
            cipher,
            EncryptedColumn::ORG_MIRROR_USERNAME,
            name.as_deref(),
        )
    });
    let username = username.transpose()?;
    let password = change.external_registry_password.as_ref().map(|password| {
        seal(
            cipher,
            EncryptedColumn::ORG_MIRROR_PASSWORD,
            password.as_deref(),
        )
    });
    let password = password.transpose()?;

    let accounts = api.accounts().clone();
    let now = accounts.now();
    api.accounts()
        .write::<_, Error, _>(move |conn| {
            Box::pin(async move {
                let old = super::take(conn, organization).await?;
                let old_reference = super::reference(&old);
                let url = change
                    .external_registry_url
                    .unwrap_or(old.external_registry_url);
                let namespace = change.external_namespace.unwrap_or(old.external_namespace);
                let username = username.unwrap_or(old.external_registry_username);
                let password = password.unwrap_or(old.external_registry_password);
                let visibility = change
                    .visibility
                    .map(|seen| accounts.id_of(Visibility::from(seen)));
                let settings = OrgMirrorSettings {
                    is_enabled: change.is_enabled.unwrap_or(old.is_enabled),
                    external_registry_url: &url,
                    external_namespace: &namespace,
                    username: username.as_deref(),
                    password: password.as_deref(),
                    external_registry_config: config
                        .as_deref()
                        .unwrap_or(&old.external_registry_config),
                    internal_robot: robot.unwrap_or(old.internal_robot_id),
                    repository_filters: filters.as_deref().unwrap_or(&old.repository_filters),
                    visibility: visibility.unwrap_or(old.visibility_id),
                    sync_interval: interval.unwrap_or(old.sync_interval),
                    sync_start_date: start.or(old.sync_start_date),
                    skopeo_timeout: timeout.unwrap_or(old.skopeo_timeout),
                };
                org_mirrors::update(conn, old.id, &settings).await?;
                let keys = json!({
                    "updated_fields": fields,
                    "old_external_reference": old_reference,
                    "external_reference": format!("{url}/{namespace}"),
                });
                let event = super::event("org_mirror_config_changed", organization, keys);
                accounts.record(conn, &actor, now, event).await?;
                Ok(())
            })
        })
        .await
}
