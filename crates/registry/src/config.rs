//! What the registry needs to know of the configuration.

use std::time::Duration;

use axum::http::HeaderMap;
use pierhead_http::requested_host;
use pierhead_oci::{Limits, NameRules, VersionSpec};

use crate::audit::AuditConfig;

/// Settings of `/v2`; each names its field of `config.yaml`.
#[derive(Clone, Debug)]
pub struct RegistryConfig {
    /// `SERVER_HOSTNAME`: host, and port if it is not the scheme's own.
    pub hostname: String,
    /// Nobody configured a hostname (the embedded default): clients stay at whatever name they came by. The realm of a
    /// challenge has the request's `Host`, and a `Location` is a path.
    pub any_host: bool,
    /// `PREFERRED_URL_SCHEME`: `http` or `https`.
    pub scheme: String,
    /// `FEATURE_LIBRARY_SUPPORT`, `LIBRARY_NAMESPACE`, `FEATURE_EXTENDED_REPOSITORY_NAMES`.
    pub names: NameRules,
    /// `FEATURE_ADVERTISE_V2`.
    pub advertise_v2: bool,
    /// `ACCOUNT_RECOVERY_MODE`: every route answers 405.
    pub account_recovery: bool,
    /// `REGISTRY_STATE: readonly`.
    pub read_only: bool,
    /// `DISABLE_PUSHES`.
    pub disable_pushes: bool,
    /// `FEATURE_REFERRERS_API`.
    pub referrers_api: bool,
    /// `FEATURE_SPARSE_INDEX`.
    pub sparse_index: bool,
    /// `FEATURE_IMMUTABLE_TAGS`.
    pub immutable_tags: bool,
    /// `FEATURE_IMMUTABLE_TAGS_CAN_EXPIRE`.
    pub immutable_tags_can_expire: bool,
    /// `RESET_CHILD_MANIFEST_EXPIRATION`: temporary tags of an index's children end with the index's tag.
    pub reset_child_manifest_expiration: bool,
    /// `LABELED_EXPIRATION_MINIMUM` in seconds: the shortest life that the management API gives a tag.
    pub shortest_labeled_life_s: i64,
    /// `LABELED_EXPIRATION_MAXIMUM` in seconds.
    pub longest_labeled_life_s: i64,
    /// `FEATURE_IMAGE_PULL_STATS`.
    pub pull_statistics: bool,
    /// `FEATURE_QUOTA_MANAGEMENT` or `QUOTA_INVALIDATE_TOTALS`: stored totals are counted anew after a push.
    pub reset_quota_totals: bool,
    /// `FEATURE_PUBLIC_CATALOG`.
    pub public_catalog: bool,
    /// `V2_PAGINATION_SIZE`, at least 100: default and most entries of a page.
    pub page_size: u64,
    /// `MAXIMUM_LAYER_SIZE` in bytes.
    pub maximum_blob_size: u64,
    /// `PUSH_TEMP_TAG_EXPIRATION_SEC`: how long content is kept that no tag names yet.
    pub temporary_tag_seconds: i64,
    /// `NOTIFICATION_QUEUE_NAME`: the queue of what is sent to the hooks of repositories.
    pub notification_queue: String,
    /// How long what was read counts, where another process could change it: five seconds, so that what one instance does is
    /// seen by the others within them.
    pub remembered_for: Duration,
    /// Limits of a manifest.
    pub manifest_limits: Limits,
    /// Which audit rows are written.
    pub audit: AuditConfig,
    /// `BLACKLIST_V2_SPEC`: Docker clients of these versions get 404 from the ping; `None` refuses nobody.
    pub refused_docker: Option<VersionSpec>,
}

impl RegistryConfig {
    /// What a `Location` begins with: `<scheme>://<hostname>`, or nothing.
    pub fn base_url(&self) -> String {
        if self.any_host {
            return String::new();
        }
        format!("{}://{}", self.scheme, self.hostname)
    }

    /// Where tokens are given, for a client that sent these headers.
    pub fn realm(&self, headers: &HeaderMap) -> String {
        let host = if self.any_host {
            requested_host(headers)
        } else {
            None
        };
        let host = host.unwrap_or(&self.hostname);
        format!("{}://{host}/v2/auth", self.scheme)
    }
}
