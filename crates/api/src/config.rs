//! What the API needs to know of the configuration.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::HeaderMap;
use pierhead_http::requested_host;

use crate::session::SessionConfig;
use crate::site_files::SiteFiles;

/// Settings of the API and its pages; each names its field of `config.yaml`.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// `SERVER_HOSTNAME`: host, and port if it is not the scheme's own.
    pub hostname: String,
    /// Nobody configured a hostname (the embedded default): pages name the host by which they were asked for.
    pub any_host: bool,
    /// `PREFERRED_URL_SCHEME`: `http` or `https`.
    pub scheme: String,
    /// `REGISTRY_TITLE`.
    pub title: String,
    /// `FEATURE_USER_INITIALIZE`: anybody may make the first user of an empty database.
    pub user_initialize: bool,
    /// `AUTHENTICATION_TYPE` is `Database`.
    pub database_auth: bool,
    /// `REGISTRY_STATE: readonly`.
    pub read_only: bool,
    /// `AVATAR_KIND: gravatar`.
    pub gravatar: bool,
    /// The icon and the like.
    pub files: SiteFiles,
    /// Web sessions.
    pub session: SessionConfig,
    /// Health checks.
    pub health: HealthConfig,
}

impl ApiConfig {
    /// The settings as a client sees them that sent these headers.
    pub(crate) fn seen_with(&self, headers: &HeaderMap) -> Cow<'_, Self> {
        match requested_host(headers) {
            Some(host) if self.any_host => Cow::Owned(Self {
                hostname: host.to_owned(),
                ..self.clone()
            }),
            _ => Cow::Borrowed(self),
        }
    }

    /// `<scheme>://<hostname>`, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("{}://{}", self.scheme, self.hostname)
    }
}

/// Settings of the health checks. [`HealthConfig::new`] has Quay's defaults.
#[derive(Clone, Debug)]
pub struct HealthConfig {
    /// `DISKSPACE_HEALTH_THRESHOLD`: the share of free space, 0 to 1, below which an instance is unhealthy.
    pub disk_space_threshold: f64,
    /// `DISKSPACE_HEALTH_WARNING_THRESHOLD`: the share of free space, 0 to 1, below which `/health/warning` warns.
    pub disk_space_warning_threshold: f64,
    /// `HEALTH_CHECKER_INSTANCE_CHECK_PREFERRED_STORAGE`: the instance check includes the location that takes writes.
    pub instance_checks_preferred_storage: bool,
    /// `DISTRIBUTED_STORAGE_PREFERENCE`: only these locations make storage unhealthy; every location when it is empty.
    pub preferred_locations: Vec<String>,
    /// How long one check may take before what it asks about counts as unhealthy. Quay gives its own processes 2 s.
    pub check_limit: Duration,
    /// How long an outcome is given to everybody who asks, before the check is run again.
    pub reuse_for: Duration,
    /// What this machine or pod calls itself, for who may see details.
    pub machine: String,
}

impl HealthConfig {
    /// Quay's thresholds for these locations; a check takes at most 2 s and runs at most once per second.
    pub fn new(preferred_locations: Vec<String>) -> Self {
        Self {
            disk_space_threshold: 0.01,
            disk_space_warning_threshold: 0.1,
            instance_checks_preferred_storage: false,
            preferred_locations,
            check_limit: Duration::from_secs(2),
            reuse_for: Duration::from_secs(1),
            machine: String::new(),
        }
    }
}
