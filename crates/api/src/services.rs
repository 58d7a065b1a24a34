//! The rules of the management API that belong to no other room, by domain. No HTTP but the status of a refusal, no SQL.

pub(crate) mod autoprune;
pub(crate) mod builds;
pub(crate) mod entities;
pub(crate) mod global_messages;
pub(crate) mod immutability;
pub(crate) mod log_export;
pub(crate) mod logs;
pub(crate) mod managed_accounts;
pub(crate) mod mirror_health;
pub(crate) mod namespaces;
pub(crate) mod notifications;
pub(crate) mod oauth_provider;
pub(crate) mod org_mirrors;
pub(crate) mod policy_owner;
pub(crate) mod proxy_caches;
pub(crate) mod quotas;
pub(crate) mod registry_size;
pub(crate) mod remote_credentials;
pub(crate) mod repo_mirrors;
pub(crate) mod repositories;
pub(crate) mod search;
pub(crate) mod service_keys;
pub(crate) mod stored_files;
pub(crate) mod triggers;
pub(crate) mod user_events;
pub(crate) mod users;
