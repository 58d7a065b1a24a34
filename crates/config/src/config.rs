//! The whole configuration: one struct per section, and how a document is applied to it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::environment::Environment;
use crate::field::{Field, Mark, Section};
use crate::ignored::IGNORED;
use crate::login::{LOGIN_SUFFIX, OidcLogin, REFUSED_PREFIXES};
use crate::problem::{At, Found, Sink};
use crate::sections;
use crate::setting::Setting;

macro_rules! config {
    ($( $(#[doc = $doc:literal])+ $field:ident: $ty:ty, $title:literal; )*) => {
        /// A loaded configuration. Fields carry the lower-case name of their key, feature flags
        /// included: `FEATURE_REPO_MIRROR` is `config.mirroring.feature_repo_mirror`.
        #[derive(Clone, Debug, Default)]
        pub struct Config {
            $( $(#[doc = $doc])+ pub $field: $ty, )*
            /// Environment variables.
            pub environment: Environment,
            /// OpenID Connect providers by their whole key (`EXAMPLE_LOGIN_CONFIG`).
            pub oidc_logins: BTreeMap<String, OidcLogin>,
            /// Features that are set but that nothing here knows; they are published as they are.
            pub unknown_features: BTreeMap<String, bool>,
            /// Keys that the configuration sets itself.
            pub(crate) given: BTreeSet<String>,
        }

        impl Config {
            fn apply(&mut self, document: &Map<String, Value>, sink: &mut Sink) {
                $( self.$field.apply(document, sink); )*
            }

            pub(crate) fn show_sections(&self) -> Vec<(&'static str, Map<String, Value>)> {
                vec![$( {
                    let mut shown = Map::new();
                    self.$field.show(&mut shown);
                    ($title, shown)
                },)* ("Login providers", crate::print::show_logins(self))]
            }

            /// Title and fields of every section, in the order of the reference.
            pub fn reference() -> Vec<SectionReference> {
                vec![$( SectionReference {
                    name: stringify!($field),
                    title: $title,
                    fields: <$ty as Section>::fields(),
                } ),*]
            }
        }
    };
}

/// One section of the reference.
#[derive(Clone, Debug)]
pub struct SectionReference {
    /// Name of the section in [`Config`].
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Its fields.
    pub fields: Vec<Field>,
}

config! {
    /// Server, host name, TLS and sessions.
    server: sections::server::Server, "Server, host name, TLS and sessions";
    /// The database.
    database: sections::database::Database, "Database";
    /// Redis and the row cache.
    redis: sections::redis::Redis, "Redis and caches";
    /// Storage locations and replication.
    storage: sections::storage::Storage, "Storage";
    /// Authentication backends, login providers and team synchronisation.
    auth: sections::auth::Auth, "Authentication";
    /// OAuth applications, application tokens and bootstrap.
    tokens: sections::tokens::Tokens, "OAuth applications, application tokens and bootstrap";
    /// Users, superusers, robots and access rules.
    users: sections::users::Users, "Users, superusers, robots and access rules";
    /// Security scanner.
    scanner: sections::scanner::Scanner, "Security scanner";
    /// Content trust.
    signing: sections::signing::Signing, "Content trust";
    /// Mirroring of repositories and organizations.
    mirroring: sections::mirroring::Mirroring, "Mirroring";
    /// Proxy cache.
    proxy_cache: sections::mirroring::ProxyCache, "Proxy cache";
    /// Quota.
    quota: sections::quota::Quota, "Quota";
    /// Tags, time machine, garbage collection, pruning, immutability and OCI artifacts.
    tags: sections::tags::Tags, "Tags, time machine, garbage collection, pruning and OCI artifacts";
    /// Audit logs, rotation and export.
    logs: sections::logs::Logs, "Audit logs";
    /// Mail and notifications.
    mail: sections::mail::Mail, "Mail and notifications";
    /// Builds.
    builds: sections::builds::Builds, "Builds";
    /// Console and branding.
    ui: sections::ui::Ui, "Console and branding";
    /// FIPS, read-only mode, service keys and rate limits.
    keys: sections::keys::Keys, "FIPS, read-only mode, service keys and rate limits";
    /// Search, health, metrics, tracing and diagnostics.
    health: sections::health::Health, "Search, health, metrics and tracing";
    /// Work queues and internals.
    queues: sections::queues::Queues, "Work queues";
    /// Spam detection.
    spam: sections::spam::Spam, "Spam detection";
}

impl Config {
    /// Applies a document over what is already set and notes what nothing reads.
    pub(crate) fn take(&mut self, document: &Map<String, Value>, sink: &mut Sink) {
        self.apply(document, sink);
        let reference = Self::reference();
        let known: BTreeMap<&str, &Field> = reference
            .iter()
            .flat_map(|section| &section.fields)
            .map(|field| (field.key, field))
            .collect();
        for (key, value) in document {
            let at = At::key(key);
            match known.get(key.as_str()).map(|field| field.mark) {
                Some(Mark::Deprecated(instead)) => sink.warn(&at, format!("deprecated: {instead}")),
                Some(_) => {}
                None if key.ends_with(LOGIN_SUFFIX) => self.take_login(key, value, sink),
                None if IGNORED.iter().any(|(ignored, _)| ignored == key) => {}
                None if key.chars().any(char::is_lowercase) => {
                    sink.warn(&at, "unknown key, ignored: keys are written in upper case");
                }
                None => {
                    sink.warn(&at, "unknown key, ignored");
                    if let Some(feature) = key.strip_prefix("FEATURE_") {
                        let on = bool::read(value, &at, sink).unwrap_or(false);
                        self.unknown_features.insert(feature.to_owned(), on);
                    }
                }
            }
            self.given.insert(key.clone());
        }
    }

    /// Reads a login provider whose key ends in `_LOGIN_CONFIG`.
    fn take_login(&mut self, key: &str, value: &Value, sink: &mut Sink) {
        let at = At::key(key);
        if value.is_null() {
            self.oidc_logins.remove(key);
        } else if REFUSED_PREFIXES
            .iter()
            .any(|prefix| key.strip_suffix(LOGIN_SUFFIX) == Some(prefix))
        {
            sink.problem(
                &at,
                Found::kind(value),
                "a prefix other than LDAP, JWT and KEYSTONE",
            );
        } else if let Some(login) = OidcLogin::read(value, &at, sink) {
            self.oidc_logins.insert(key.to_owned(), login);
        }
    }

    /// Whether a key was set, rather than left at its default.
    pub fn is_given(&self, key: &str) -> bool {
        self.given.contains(key)
    }

    /// Whether to use a database pool: both `config.yaml` and the environment must allow it.
    pub fn database_pooling(&self) -> bool {
        self.database.db_connection_pooling && self.environment.allows_pooling()
    }
}
