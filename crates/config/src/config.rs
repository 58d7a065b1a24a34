//! The whole configuration: its sections, how it is put together, what may be shown of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::database_uri::DatabaseUri;
use crate::environment::Environment;
use crate::field::{Field, Mark, Section};
use crate::hostname::ServerHostname;
use crate::ignored::IGNORED;
use crate::login::{LOGIN_SUFFIX, OidcLogin, REFUSED_PREFIXES};
use crate::problem::{At, ConfigError, Found, Sink, Warning};
use crate::sections;
use crate::setting::Setting;
use crate::sources::{Embedded, Sources, read_file, read_override};
use crate::validate::validate;

macro_rules! config {
    ($( $(#[doc = $doc:literal])+ $field:ident: $ty:ty, $title:literal, $number:literal; )*) => {
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
            given: BTreeSet<String>,
        }

        impl Config {
            fn apply(&mut self, document: &Map<String, Value>, sink: &mut Sink) {
                $( self.$field.apply(document, sink); )*
            }

            fn show_sections(&self) -> Vec<(&'static str, Map<String, Value>)> {
                vec![$( {
                    let mut shown = Map::new();
                    self.$field.show(&mut shown);
                    ($title, shown)
                },)* ("Login providers", self.show_logins())]
            }

            /// Title, section number and fields of every section, in the order of the reference.
            pub fn reference() -> Vec<SectionReference> {
                vec![$( SectionReference {
                    name: stringify!($field),
                    title: $title,
                    number: $number,
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
    /// Its number in the list of Quay's fields.
    pub number: &'static str,
    /// Its fields.
    pub fields: Vec<Field>,
}

config! {
    /// Server, host name, TLS and sessions.
    server: sections::server::Server, "Server, host name, TLS and sessions", "3";
    /// The database.
    database: sections::database::Database, "Database", "4";
    /// Redis and the row cache.
    redis: sections::redis::Redis, "Redis and caches", "5";
    /// Storage locations and replication.
    storage: sections::storage::Storage, "Storage", "6";
    /// Authentication backends, login providers and team synchronisation.
    auth: sections::auth::Auth, "Authentication", "7";
    /// OAuth applications, application tokens and bootstrap.
    tokens: sections::tokens::Tokens, "OAuth applications, application tokens and bootstrap", "8";
    /// Users, superusers, robots and access rules.
    users: sections::users::Users, "Users, superusers, robots and access rules", "9";
    /// Security scanner.
    scanner: sections::scanner::Scanner, "Security scanner", "10";
    /// Mirroring of repositories and organizations.
    mirroring: sections::mirroring::Mirroring, "Mirroring", "11";
    /// Proxy cache.
    proxy_cache: sections::mirroring::ProxyCache, "Proxy cache", "12";
    /// Quota.
    quota: sections::quota::Quota, "Quota", "13";
    /// Tags, time machine, garbage collection, pruning, immutability and OCI artifacts.
    tags: sections::tags::Tags, "Tags, time machine, garbage collection, pruning and OCI artifacts", "14";
    /// Audit logs, rotation and export.
    logs: sections::logs::Logs, "Audit logs", "16";
    /// Mail and notifications.
    mail: sections::mail::Mail, "Mail and notifications", "17";
    /// Builds.
    builds: sections::builds::Builds, "Builds", "18";
    /// Console and branding.
    ui: sections::ui::Ui, "Console and branding", "19";
    /// FIPS, read-only mode, service keys and rate limits.
    keys: sections::keys::Keys, "FIPS, read-only mode, service keys and rate limits", "20";
    /// Search, health, metrics, tracing and diagnostics.
    health: sections::health::Health, "Search, health, metrics and tracing", "21";
    /// Work queues and internals.
    queues: sections::queues::Queues, "Work queues", "22";
    /// Spam detection.
    spam: sections::spam::Spam, "Spam detection", "23";
}

/// A configuration with what was learnt while loading it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// The directory that it came from; none for the embedded default. Certificates, CA files and
    /// keys of the bundle are in the same directory.
    pub directory: Option<PathBuf>,
    /// What does not stop the start but should be told once.
    pub warnings: Vec<Warning>,
}

impl Config {
    /// Loads, checks and returns the configuration of these sources.
    ///
    /// Later layers win, each replacing whole top-level keys: built-in defaults, `config.yaml` (or the
    /// embedded default), `QUAY_OVERRIDE_CONFIG`, `QUAY_DISTRIBUTED_STORAGE_PREFERENCE`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`] lists every wrong value at once.
    pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
        let mut sink = Sink::default();
        let environment = Environment::read(&sources.environment, &mut sink);
        let directory = sources.find_directory();
        let (mut config, mut document) = match (&directory, &sources.embedded) {
            (Some(directory), _) => (Self::default(), read_file(directory, &mut sink.warnings)?),
            (None, Some(embedded)) => (Self::embedded(embedded), Map::new()),
            (None, None) => {
                return Err(ConfigError::NotFound {
                    looked: sources.looked(),
                });
            }
        };
        if let Some(text) = &environment.quay_override_config {
            document.extend(read_override(text.expose())?);
        }
        if let Some(ids) = &environment.quay_distributed_storage_preference {
            let ids: Vec<&str> = ids.split_whitespace().collect();
            document.insert("DISTRIBUTED_STORAGE_PREFERENCE".to_owned(), json!(ids));
        }
        config.environment = environment;
        config.take(&document, &mut sink);
        validate(&config, directory.as_deref(), &mut sink);
        if sink.problems.is_empty() {
            Ok(Loaded {
                config,
                directory,
                warnings: sink.warnings,
            })
        } else {
            Err(ConfigError::Invalid {
                problems: sink.problems,
            })
        }
    }

    /// The default that needs no configuration: SQLite and blobs in one folder.
    pub fn embedded(embedded: &Embedded) -> Self {
        let mut config = Self::default();
        let document = embedded.document();
        // The document is made of values that their own types show, so reading it finds no problem.
        config.take(&document, &mut Sink::default());
        config.database.db_uri = DatabaseUri::sqlite(embedded.data_dir.join("pierhead.db"));
        config.given.insert("DB_URI".to_owned());
        config.server.secret_key = Some(embedded.secret_key.clone());
        config.server.database_secret_key = Some(embedded.database_secret_key.clone());
        config
    }

    /// Applies a document over what is already set and notes what nothing reads.
    fn take(&mut self, document: &Map<String, Value>, sink: &mut Sink) {
        self.apply(document, sink);
        let reference = Self::reference();
        let known: BTreeMap<&str, &Field> = reference
            .iter()
            .flat_map(|section| &section.fields)
            .map(|field| (field.key, field))
            .collect();
        for (key, value) in document {
            let at = At::key(key);
            if let Some(field) = known.get(key.as_str()) {
                if let Mark::Deprecated(instead) = field.mark {
                    sink.warn(&at, format!("deprecated: {instead}"));
                }
            } else if key.ends_with(LOGIN_SUFFIX) {
                self.take_login(key, value, sink);
            } else if IGNORED.iter().any(|(ignored, _)| ignored == key) {
            } else if key.chars().any(char::is_lowercase) {
                sink.warn(&at, "unknown key, ignored: keys are written in upper case");
            } else {
                sink.warn(&at, "unknown key, ignored");
                if let Some(feature) = key.strip_prefix("FEATURE_") {
                    let on = bool::read(value, &at, sink).unwrap_or(false);
                    self.unknown_features.insert(feature.to_owned(), on);
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

    fn show_logins(&self) -> Map<String, Value> {
        let logins = self.oidc_logins.iter();
        logins
            .map(|(key, login)| (key.clone(), login.show()))
            .collect()
    }

    /// Every field, value or default, with secrets redacted.
    pub fn show(&self) -> Map<String, Value> {
        self.show_sections()
            .into_iter()
            .flat_map(|(_, shown)| shown)
            .collect()
    }

    /// The configuration as text for `pierhead config print`: YAML, one key a line, secrets
    /// redacted, `# default` behind what is not set.
    pub fn print(&self) -> String {
        let mut text = String::new();
        for (title, shown) in self.show_sections() {
            if shown.is_empty() {
                continue;
            }
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str("# ");
            text.push_str(title);
            text.push('\n');
            for (key, value) in shown {
                let mark = if self.is_given(&key) {
                    ""
                } else {
                    "  # default"
                };
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{key}: {value}{mark}");
            }
        }
        text
    }

    /// Whether to use a database pool: both `config.yaml` and the environment must allow it.
    pub fn database_pooling(&self) -> bool {
        self.database.db_connection_pooling && self.environment.allows_pooling()
    }
}

impl Embedded {
    fn document(&self) -> Map<String, Value> {
        let hostname = match self.listen {
            // "Any address" and loopback are reached as localhost.
            address if address.ip().is_unspecified() || address.ip().is_loopback() => {
                format!("localhost:{}", address.port())
            }
            address => address.to_string(),
        };
        let hostname = ServerHostname::parse(&hostname).unwrap_or_default();
        let document = json!({
            "SERVER_HOSTNAME": hostname.as_str(),
            "SETUP_COMPLETE": true,
            "SECRET_KEY": null,
            "DATABASE_SECRET_KEY": null,
            "DISTRIBUTED_STORAGE_CONFIG": {
                "default": ["LocalStorage", {"storage_path": self.data_dir.join("storage").to_string_lossy()}],
            },
            "DISTRIBUTED_STORAGE_PREFERENCE": ["default"],
            "USERFILES_LOCATION": "default",
            "LOG_ARCHIVE_LOCATION": "default",
            "ACTION_LOG_ARCHIVE_LOCATION": "default",
            "FEATURE_USER_INITIALIZE": true,
            "FEATURE_SPARSE_INDEX": true,
            "FEATURE_MAILING": false,
            "TESTING": false,
        });
        match document {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }
}

/// Serialises what [`Config::show`] shows.
impl Serialize for Config {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.show().serialize(serializer)
    }
}
