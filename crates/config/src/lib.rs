//! `config.yaml`: typed, defaulted, validated, secrets redacted.
//!
//! Pierhead reads the configuration of a Red Hat Quay installation as it is. [`Config::load`] puts
//! it together from the [`Sources`] that the caller names, reports every wrong value at once, and
//! returns warnings for what is merely unusual. Nothing else is read, nothing is printed, and no
//! network is used.
//!
//! Each field is defined once, in [`sections`]: key, type, default and description. Loading,
//! printing and `docs/configuration.md` come from that definition.

// The first comment of a field is printed in the reference, where product names stand in plain text.
#![allow(clippy::doc_markdown)]

mod autoprune;
mod byte_size;
mod cache;
mod cipher_suites;
mod config;
mod database_uri;
mod duration;
mod embedded;
mod environment;
mod field;
mod hostname;
mod ignored;
mod load;
mod log_level;
mod log_store;
mod login;
mod named;
mod network;
mod ordered;
mod print;
mod problem;
mod published;
mod redis;
mod reference;
mod secret;
mod services;
mod setting;
mod sources;
mod storage_driver;
mod validate;
mod version_spec;
mod yaml;

#[cfg(test)]
mod tests;

pub mod sections;

pub use autoprune::AutoprunePolicy;
pub use byte_size::ByteSize;
pub use cache::{CacheConfig, CacheEngine, MemcachedEndpoint, RedisCacheConfig};
pub use cipher_suites::CipherSuite;
pub use config::{Config, SectionReference};
pub use database_uri::{DatabaseUri, DatabaseUriError, PostgresqlUri};
pub use duration::Duration;
pub use embedded::Embedded;
pub use environment::Environment;
pub use field::{Field, Mark};
pub use hostname::ServerHostname;
pub use ignored::IGNORED;
pub use ipnet::IpNet;
pub use load::Loaded;
pub use log_level::LogLevel;
pub use log_store::{
    ElasticsearchConfig, KafkaConfig, KinesisConfig, LogProducer, LogsModelConfig, SplunkConfig,
    SplunkHecConfig,
};
pub use login::{GithubLogin, GoogleLogin, LoginBindingField, OidcLogin, PkceMethod, service_id};
pub use named::Named;
pub use network::{AllowedHost, HttpUrl};
pub use ordered::Ordered;
pub use problem::{ConfigError, Found, Problem, Warning};
pub use redis::{RedisConnection, RedisNode};
pub use reference::reference;
pub use secret::{REDACTED, Secret};
pub use services::Services;
pub use setting::{OneOrMany, Opaque};
pub use sources::{CONFIG_FILE, CONTAINER_DIRECTORY, Sources};
pub use storage_driver::{
    AkamaiArgs, AzureArgs, CloudFlareArgs, CloudFrontArgs, DRIVERS, GoogleCloudArgs, IbmCloudArgs,
    LocalArgs, MultiCdn, MultiCdnArgs, MultiCdnRule, RadosGwArgs, S3Args, StorageDriver, StsS3Args,
    SwiftArgs, SwiftAuthVersion,
};
