//! Label sets, in the order Quay declares them. Values that are known in advance are enumerations, so that
//! looking a series up hashes a few bytes.

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

macro_rules! label_values {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl EncodeLabelValue for $name {
            fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
                match self { $(Self::$variant => $text),+ }.encode(encoder)
            }
        }
    };
}

label_values! {
    /// Registry protocol of a pull or push.
    Protocol {
        /// Docker registry v1.
        V1 = "v1",
        /// Docker registry v2 and OCI.
        V2 = "v2",
    }
}

label_values! {
    /// What a pull asked for.
    ImageReference {
        /// A tag.
        Tag = "tag",
        /// A digest.
        Manifest = "manifest",
    }
}

label_values! {
    /// Result of taking from a queue; the first is spelled as Quay spells it.
    Availability {
        /// The queue had nothing.
        Nonexistent = "nonexistant",
        /// Another worker was faster.
        Claimed = "claimed",
        /// An item was taken.
        Acquired = "acquired",
    }
}

/// Whether something worked; Python's spelling of booleans.
fn boolean(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

/// Labels of `registry_image_pulls`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PullLabels {
    /// Registry protocol.
    pub protocol: Protocol,
    /// What was asked for.
    pub r#ref: ImageReference,
    /// HTTP status of the answer.
    pub status: u16,
}

/// Labels of `registry_image_pushes`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PushLabels {
    /// Registry protocol.
    pub protocol: Protocol,
    /// HTTP status of the answer.
    pub status: u16,
    /// Media type of the manifest; empty when it was not understood. Only known types, never what a client sent.
    pub media_type: &'static str,
}

/// Labels of `registry_image_pulled_estimated_bytes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PulledLabels {
    /// Registry protocol.
    pub protocol: Protocol,
}

/// Labels of `chunk_upload_duration_seconds`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RegionLabels {
    /// Name of the storage location.
    pub region: String,
}

/// Labels of `authentication_attempts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AttemptLabels {
    /// Kind of credential: `user`, `robot`, `apptoken`, `oauthtoken`, `token` …
    pub auth_kind: &'static str,
    success: &'static str,
}

impl AttemptLabels {
    /// An attempt with a credential of `auth_kind`.
    pub fn new(auth_kind: &'static str, success: bool) -> Self {
        Self {
            auth_kind,
            success: boolean(success),
        }
    }
}

/// Labels of `bearer_token_decoded` and `instance_key_renewal_self`: whether it worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SuccessLabels {
    success: &'static str,
}

impl From<bool> for SuccessLabels {
    fn from(success: bool) -> Self {
        Self {
            success: boolean(success),
        }
    }
}

/// Labels of the queue metrics.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct QueueLabels {
    /// Name of the queue.
    pub queue_name: String,
}

/// Labels of `queue_item_gets`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct QueueGetLabels {
    /// Name of the queue.
    pub queue_name: String,
    /// Whether there was an item.
    pub availability: Availability,
}

/// Labels of `model_cache`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ModelCacheLabels {
    /// `hit`, `miss` …
    pub r#type: &'static str,
}

/// Labels of `gc_table_rows_deleted`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TableLabels {
    /// Name of the table, as Quay's model is named.
    pub table: &'static str,
}

/// Labels of the worker metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OperationLabels {
    /// Name of the worker.
    pub worker: &'static str,
    /// What it does.
    pub operation: &'static str,
}

/// Labels of `pierhead_audit_rows_lost`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AuditLossLabels {
    /// Why: `full` (nothing took it, and the configuration allows that) or `refused` (the database refuses its values).
    pub reason: &'static str,
}

/// Labels of `pierhead_db_statements`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StatementLabels {
    work: &'static str,
}

impl StatementLabels {
    /// A request waited for it.
    pub const REQUEST: Self = Self { work: "request" };
    /// No request waited for it.
    pub const BACKGROUND: Self = Self { work: "background" };
}

/// Labels of `pierhead_storage_calls`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StorageLabels {
    /// Operation of a storage driver: `open`, `commit`, `delete` …
    pub operation: &'static str,
}

/// Labels of `pierhead_tag_cache_lookups`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TagCacheLabels {
    result: &'static str,
}

impl TagCacheLabels {
    /// The tag was in the cache.
    pub const HIT: Self = Self { result: "hit" };
    /// The database had to be asked.
    pub const MISS: Self = Self { result: "miss" };
}
