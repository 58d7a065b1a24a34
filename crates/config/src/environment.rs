//! Environment variables.
//!
//! The caller hands the variables over; nothing here reads the process's environment. A variable
//! that is set to nothing counts as not set.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::field::{Field, Mark, Section, section};
use crate::log_level::LogLevel;
use crate::problem::Sink;
use crate::secret::Secret;
use crate::services::Services;

section! {
    /// Environment variables that a running registry reads.
    Environment {
        /// Configuration directory; `config.yaml` is in its `stack` folder or in itself.
        QUAYCONF => quayconf: Option<PathBuf> = None;
        /// JSON object whose keys replace those of `config.yaml`.
        QUAY_OVERRIDE_CONFIG => quay_override_config: Option<Secret> = None;
        /// Ids of storage locations, separated by spaces; replaces `DISTRIBUTED_STORAGE_PREFERENCE` on this node.
        QUAY_DISTRIBUTED_STORAGE_PREFERENCE => quay_distributed_storage_preference: Option<String> = None;
        /// Entry mode when no argument is given: `registry`, `registry-nomigrate`, `repomirror`, `repomirror-nomigrate`, `migrate`.
        QUAYENTRY => quayentry: Option<String> = None;
        /// Runtime files.
        QUAYRUN => quayrun: Option<PathBuf> = None;
        /// Application root of Quay's image.
        QUAYDIR => quaydir: Option<PathBuf> = None, Mark::Ignored("there is no Python application");
        /// Application root of Quay's image.
        QUAYPATH => quaypath: Option<PathBuf> = None, Mark::Ignored("there is no Python application");
        /// Only these services run (comma list).
        QUAY_SERVICES => quay_services: Option<String> = None;
        /// Services switched on or off (comma list of `name=true` or `name=false`).
        QUAY_OVERRIDE_SERVICES => quay_override_services: Option<String> = None;
        /// `stdout` or `syslog`.
        QUAY_LOGGING => quay_logging: Option<String> = None;
        /// Reload code on change.
        QUAY_HOTRELOAD => quay_hotreload: Option<String> = None, Mark::Ignored("for developers of Quay");
        /// Version that is reported.
        QUAY_VERSION => quay_version: Option<String> = None;
        /// Region of this node, a metric label.
        QUAY_REGION => quay_region: Option<String> = None;
        /// Product branding.
        RED_HAT_QUAY => red_hat_quay: Option<String> = None;
        /// Use a database pool; `true` in registry mode.
        DB_CONNECTION_POOLING => db_connection_pooling: Option<String> = None;
        /// Workers of every kind of Quay process.
        WORKER_COUNT => worker_count: Option<u32> = None;
        /// Registry workers.
        WORKER_COUNT_REGISTRY => worker_count_registry: Option<u32> = None;
        /// Web and API workers.
        WORKER_COUNT_WEB => worker_count_web: Option<u32> = None;
        /// Security workers.
        WORKER_COUNT_SECSCAN => worker_count_secscan: Option<u32> = None;
        /// Allow fewer workers than Quay's minimum.
        WORKER_COUNT_UNSUPPORTED_MINIMUM => worker_count_unsupported_minimum: Option<String> = None, Mark::Ignored("there is no minimum");
        /// Connections of each worker.
        WORKER_CONNECTION_COUNT => worker_connection_count: u32 = 50;
        /// Connections of each registry worker.
        WORKER_CONNECTION_COUNT_REGISTRY => worker_connection_count_registry: Option<u32> = None;
        /// Connections of each web worker.
        WORKER_CONNECTION_COUNT_WEB => worker_connection_count_web: Option<u32> = None;
        /// Connections of each security worker.
        WORKER_CONNECTION_COUNT_SECSCAN => worker_connection_count_secscan: Option<u32> = None;
        /// Connections to memcached.
        MEMCACHE_POOL_MAX_SIZE => memcache_pool_max_size: Option<u32> = None;
        /// `true` logs at debug level.
        DEBUGLOG => debuglog: Option<String> = None;
        /// `1` traces LDAP and Keystone.
        USERS_DEBUG => users_debug: Option<String> = None;
        /// `true` logs JSON lines.
        JSONLOG => jsonlog: Option<String> = None;
        /// Log level; wins over `config.yaml`.
        LOGGING_LEVEL => logging_level: Option<LogLevel> = None;
        /// Fail at start if the database would have to be migrated.
        ENSURE_NO_MIGRATION => ensure_no_migration: Option<String> = None;
        /// Revision that mode `migrate` goes to.
        MIGRATION_VERSION => migration_version: Option<String> = None;
        /// Start in spite of what Quay's config-tool would refuse.
        IGNORE_VALIDATION => ignore_validation: Option<String> = None;
        /// Skip the check of the database schema.
        SKIP_DB_SCHEMA => skip_db_schema: Option<String> = None, Mark::Ignored("for tests of Quay");
        /// Renew the Elasticsearch index template.
        FORCE_INDEX_TEMPLATE_UPDATE => force_index_template_update: Option<String> = None;
        /// Present inside Kubernetes.
        KUBERNETES_SERVICE_HOST => kubernetes_service_host: Option<String> = None;
        /// Present inside Kubernetes.
        KUBERNETES_SERVICE_PORT => kubernetes_service_port: Option<String> = None;
        /// Namespace of the configuration secret.
        QE_K8S_NAMESPACE => qe_k8s_namespace: String = "quay-enterprise".into();
        /// Name of the configuration secret.
        QE_K8S_CONFIG_SECRET => qe_k8s_config_secret: String = "quay-enterprise-config-secret".into();
        /// Folder of certificates to install.
        CERTDIR => certdir: Option<PathBuf> = None;
        /// System's folder of certificates.
        SYSTEM_CERTDIR => system_certdir: Option<PathBuf> = None;
        /// Configuration folder of the script that installs certificates.
        QUAYCONFIG => quayconfig: Option<PathBuf> = None;
        /// Proxy of outgoing http requests.
        HTTP_PROXY => http_proxy: Option<Secret> = None, Mark::Ignored("calls go out directly");
        /// Proxy of outgoing https requests.
        HTTPS_PROXY => https_proxy: Option<Secret> = None, Mark::Ignored("calls go out directly");
        /// Hosts that are reached without proxy.
        NO_PROXY => no_proxy: Option<String> = None, Mark::Ignored("calls go out directly");
        /// Role for storage with web identity.
        AWS_ROLE_ARN => aws_role_arn: Option<String> = None;
        /// Token file of the web identity.
        AWS_WEB_IDENTITY_TOKEN_FILE => aws_web_identity_token_file: Option<PathBuf> = None;
        /// Session name of that role.
        AWS_ROLE_SESSION_NAME => aws_role_session_name: Option<String> = None;
        /// Test mode of Quay.
        TEST => test: Option<String> = None, Mark::Ignored("for tests of Quay");
        /// Database of Quay's tests.
        TEST_DATABASE_URI => test_database_uri: Option<Secret> = None, Mark::Ignored("for tests of Quay");
        /// Configuration of Quay's newer Go binary.
        QUAY_CONFIG => quay_config: Option<PathBuf> = None, Mark::Ignored("use QUAYCONF");
    }
}

impl Environment {
    /// Reads the variables that are listed here out of all that are given.
    pub(crate) fn read(variables: &BTreeMap<String, String>, sink: &mut Sink) -> Self {
        let fields: Vec<Field> = <Self as Section>::fields();
        let document: Map<String, Value> = fields
            .iter()
            .filter_map(|field| {
                let value = variables.get(field.key).filter(|value| !value.is_empty())?;
                Some((field.key.to_owned(), Value::from(value.as_str())))
            })
            .collect();
        let mut environment = Self::default();
        environment.apply(&document, sink);
        environment
    }

    /// The background services that run.
    pub fn services(&self) -> Services {
        Services::parse(
            self.quay_services.as_deref(),
            self.quay_override_services.as_deref(),
        )
    }

    /// Whether the environment allows a database pool; it does unless it says otherwise.
    pub fn allows_pooling(&self) -> bool {
        self.db_connection_pooling
            .as_deref()
            .is_none_or(|value| value.eq_ignore_ascii_case("true"))
    }
}
