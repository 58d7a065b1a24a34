//! The mirror of an organization as it is shown. Of the password only whether there is one.

use pierhead_auth::accounts::{Named as _, Visibility};
use pierhead_db::encoding::field::EncryptedColumn;
use pierhead_db::encoding::json_text;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::dates;
use crate::error::{Error, Result};
use crate::services::org_mirrors::{OrgMirrorState, RegistryType, status_name};
use crate::services::remote_credentials;
use crate::state::Api;

/// The mirror of an organization.
#[derive(Serialize, ToSchema)]
pub(super) struct OrgMirrorView {
    is_enabled: bool,
    /// `harbor` or `quay`.
    external_registry_type: &'static str,
    external_registry_url: String,
    external_namespace: String,
    external_registry_username: Option<String>,
    has_external_registry_password: bool,
    #[schema(value_type = Object)]
    external_registry_config: Map<String, Value>,
    /// Globs.
    repository_filters: Vec<String>,
    robot_username: String,
    /// `public` or `private`.
    visibility: &'static str,
    /// Seconds.
    sync_interval: i32,
    /// ISO 8601.
    sync_start_date: Option<String>,
    /// ISO 8601.
    sync_expiration_date: Option<String>,
    sync_status: &'static str,
    sync_retries_remaining: i32,
    /// How many repositories are in which state.
    #[schema(value_type = Object)]
    repo_sync_status_counts: Map<String, Value>,
    /// Seconds.
    skopeo_timeout: i64,
    /// ISO 8601.
    creation_date: String,
}

impl OrgMirrorView {
    pub(super) fn of(api: &Api, found: OrgMirrorState) -> Result<Self> {
        let mirror = found.mirror;
        let column = EncryptedColumn::ORG_MIRROR_USERNAME;
        let username = mirror.external_registry_username.as_deref();
        let visibility = api.enums().value::<Visibility>(mirror.visibility_id);
        let counts = found
            .counts
            .into_iter()
            .map(|(status, count)| (status_name(status).to_owned(), json!(count)));
        Ok(Self {
            is_enabled: mirror.is_enabled,
            external_registry_type: RegistryType::of(mirror.external_registry_type).name(),
            external_registry_url: mirror.external_registry_url,
            external_namespace: mirror.external_namespace,
            external_registry_username: remote_credentials::shown(api.cipher(), column, username),
            has_external_registry_password: mirror.external_registry_password.is_some(),
            external_registry_config: json_text::read(Some(&mirror.external_registry_config))?,
            repository_filters: filters(&mirror.repository_filters)?,
            robot_username: mirror.robot,
            visibility: visibility
                .ok_or_else(|| Error::Internal("a mirror has an unknown visibility".to_owned()))?
                .name(),
            sync_interval: mirror.sync_interval,
            sync_start_date: mirror.sync_start_date.map(dates::iso_exact),
            sync_expiration_date: mirror.sync_expiration_date.map(dates::iso_exact),
            sync_status: status_name(mirror.sync_status),
            sync_retries_remaining: mirror.sync_retries_remaining,
            repo_sync_status_counts: counts.collect(),
            skopeo_timeout: mirror.skopeo_timeout,
            creation_date: dates::iso_exact(mirror.creation_date),
        })
    }
}

/// An empty column, and Quay's `{}` for one, are no filters.
fn filters(stored: &str) -> Result<Vec<String>> {
    let value: Value = json_text::read(Some(stored))?;
    Ok(if value.is_array() {
        serde_json::from_value(value).map_err(pierhead_db::encoding::EncodingError::from)?
    } else {
        Vec::new()
    })
}
