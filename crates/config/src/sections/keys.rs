//! FIPS, read-only mode, the instance's service key, rate limits.

use std::path::PathBuf;

use serde_json::Value;

use crate::field::section;
use crate::problem::{At, Sink};
use crate::setting::Setting;

/// Whether the registry accepts writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistryState {
    /// Reads and writes.
    Normal,
    /// Every write is refused; sign-in is allowed.
    ReadOnly,
}

impl Setting for RegistryState {
    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        match value.as_str() {
            Some("normal") => {}
            Some("readonly") => return Some(Self::ReadOnly),
            _ => sink.warn(
                at,
                "neither normal nor readonly; the registry runs as normal",
            ),
        }
        Some(Self::Normal)
    }

    fn show(&self) -> Value {
        Value::from(match self {
            Self::Normal => "normal",
            Self::ReadOnly => "readonly",
        })
    }

    fn kind() -> String {
        "one of `normal`, `readonly`".to_owned()
    }
}

section! {
    /// FIPS, read-only mode, service keys and rate limits.
    Keys {
        /// Only algorithms that FIPS approves; mail must use TLS.
        FEATURE_FIPS => feature_fips: bool = false;
        /// In `readonly` every write is refused (405 by the registry, 503 by the API).
        REGISTRY_STATE => registry_state: RegistryState = RegistryState::Normal;
        /// Service name of the key that signs registry tokens, and their issuer.
        INSTANCE_SERVICE_KEY_SERVICE => instance_service_key_service: String = "quay".into();
        /// Private key file of the instance; by default `quay.pem` in the configuration directory.
        INSTANCE_SERVICE_KEY_LOCATION => instance_service_key_location: Option<PathBuf> = None;
        /// Key id file of the instance; by default `quay.kid` beside the private key.
        INSTANCE_SERVICE_KEY_KID_LOCATION => instance_service_key_kid_location: Option<PathBuf> = None;
        /// Life of the instance's key in minutes.
        INSTANCE_SERVICE_KEY_EXPIRATION => instance_service_key_expiration: u32 = 120;
        /// Minutes between two renewals of the instance's key.
        INSTANCE_SERVICE_KEY_REFRESH => instance_service_key_refresh: u32 = 55;
        /// Seconds before an unapproved service key is deleted.
        UNAPPROVED_SERVICE_KEY_TTL_SEC => unapproved_service_key_ttl_sec: u64 = 86_400;
        /// Seconds before an expired service key is deleted.
        EXPIRED_SERVICE_KEY_TTL_SEC => expired_service_key_ttl_sec: u64 = 604_800;
        /// Limit the rate of requests per client.
        FEATURE_RATE_LIMITS => feature_rate_limits: bool = false;
        /// Namespaces without rate limit.
        NON_RATE_LIMITED_NAMESPACES => non_rate_limited_namespaces: Option<Vec<String>> = None;
    }
}
