use super::Bundle;
use crate::{Config, ConfigError};

/// The keys of the problems that a file has beside what it needs at least.
fn problems(yaml: &str) -> Vec<String> {
    match Bundle::minimal_and(yaml).try_load() {
        Ok(_) => Vec::new(),
        Err(ConfigError::Invalid { problems }) => {
            problems.into_iter().map(|problem| problem.key).collect()
        }
        Err(error) => panic!("{error}"),
    }
}

fn warnings(bundle: &Bundle) -> Vec<String> {
    bundle
        .load()
        .warnings
        .into_iter()
        .map(|warning| warning.key)
        .collect()
}

#[test]
fn ids_of_storage_must_exist() {
    assert_eq!(
        problems("DISTRIBUTED_STORAGE_PREFERENCE: [default, other]"),
        ["DISTRIBUTED_STORAGE_PREFERENCE[1]"]
    );
    assert_eq!(
        problems("DISTRIBUTED_STORAGE_DEFAULT_LOCATIONS: [other]"),
        ["DISTRIBUTED_STORAGE_DEFAULT_LOCATIONS[0]"]
    );
    assert_eq!(
        problems("FEATURE_ACTION_LOG_ROTATION: true"),
        ["ACTION_LOG_ARCHIVE_LOCATION"]
    );
}

#[test]
fn replication_needs_shared_storage() {
    assert_eq!(
        problems("FEATURE_STORAGE_REPLICATION: true"),
        ["DISTRIBUTED_STORAGE_CONFIG.default[0]"]
    );
}

#[test]
fn the_backend_of_users_needs_its_settings() {
    assert_eq!(
        problems("AUTHENTICATION_TYPE: LDAP\nLDAP_URI: directory"),
        [
            "LDAP_BASE_DN",
            "LDAP_ADMIN_DN",
            "LDAP_ADMIN_PASSWD",
            "LDAP_URI"
        ]
    );
    assert_eq!(
        problems("AUTHENTICATION_TYPE: JWT"),
        ["JWT_VERIFY_ENDPOINT", "JWT_AUTH_ISSUER"]
    );
    assert_eq!(
        problems("AUTHENTICATION_TYPE: OIDC"),
        ["AUTHENTICATION_TYPE"]
    );
    assert_eq!(
        problems("AUTHENTICATION_TYPE: AppToken"),
        ["FEATURE_DIRECT_LOGIN"]
    );
    assert_eq!(
        problems("AUTHENTICATION_TYPE: Kerberos"),
        ["AUTHENTICATION_TYPE"]
    );
}

#[test]
fn somebody_must_be_able_to_sign_in() {
    assert_eq!(
        problems("FEATURE_DIRECT_LOGIN: false"),
        ["FEATURE_DIRECT_LOGIN"]
    );
    let oidc = "EXAMPLE_LOGIN_CONFIG: {OIDC_SERVER: 'https://login.example.com/', CLIENT_ID: a, CLIENT_SECRET: b}";
    assert_eq!(
        problems(&format!("FEATURE_DIRECT_LOGIN: false\n{oidc}")),
        [""; 0]
    );
}

#[test]
fn a_login_provider_needs_a_safe_address_and_a_secret() {
    assert_eq!(
        problems("EXAMPLE_LOGIN_CONFIG: {OIDC_SERVER: 'http://login.example.com/x', CLIENT_ID: a}"),
        [
            "EXAMPLE_LOGIN_CONFIG.OIDC_SERVER",
            "EXAMPLE_LOGIN_CONFIG.OIDC_SERVER",
            "EXAMPLE_LOGIN_CONFIG.CLIENT_SECRET",
        ]
    );
    assert_eq!(problems("LDAP_LOGIN_CONFIG: {}"), ["LDAP_LOGIN_CONFIG"]);
    assert_eq!(
        problems("FEATURE_GITHUB_LOGIN: true\nGITHUB_LOGIN_CONFIG: {ORG_RESTRICT: true}"),
        [
            "GITHUB_LOGIN_CONFIG.CLIENT_ID",
            "GITHUB_LOGIN_CONFIG.CLIENT_SECRET",
            "GITHUB_LOGIN_CONFIG.ALLOWED_ORGANIZATIONS",
        ]
    );
}

#[test]
fn features_need_what_they_work_with() {
    assert_eq!(problems("FEATURE_MAILING: true"), ["MAIL_SERVER"]);
    assert_eq!(
        problems("FEATURE_GOOGLE_LOGIN: true"),
        ["GOOGLE_LOGIN_CONFIG"]
    );
    assert_eq!(
        problems("FEATURE_PROGRAMMATIC_BOOTSTRAP: true"),
        ["BOOTSTRAP_TOKEN_OWNER"]
    );
    assert_eq!(
        problems("LOGS_MODEL: elasticsearch"),
        ["LOGS_MODEL_CONFIG.elasticsearch_config"]
    );
    assert_eq!(
        problems("LOGS_MODEL: splunk"),
        ["LOGS_MODEL_CONFIG.producer"]
    );
    assert_eq!(problems("FEATURE_OTEL_TRACING: true"), ["OTEL_CONFIG"]);
    assert_eq!(
        problems("LABEL_KEY_RESERVED_PREFIXES: [a]"),
        ["LABEL_KEY_RESERVED_PREFIXES[0]"]
    );
    assert_eq!(
        problems("SECURITY_SCANNER_V4_PSK: 'not base64!'"),
        ["SECURITY_SCANNER_V4_PSK"]
    );
    assert_eq!(
        problems("DATA_MODEL_CACHE_CONFIG: {engine: redis, value_size_limit: 11MiB}"),
        [
            "DATA_MODEL_CACHE_CONFIG.redis_config.primary",
            "DATA_MODEL_CACHE_CONFIG.value_size_limit"
        ]
    );
    assert_eq!(
        problems("DEFAULT_NAMESPACE_AUTOPRUNE_POLICY: {method: number_of_tags, value: 0}"),
        ["DEFAULT_NAMESPACE_AUTOPRUNE_POLICY.value"]
    );
}

#[test]
fn a_verified_database_needs_a_ca() {
    let yaml = "DB_CONNECTION_ARGS: {sslmode: verify-full}";
    assert_eq!(problems(yaml), ["DB_CONNECTION_ARGS.sslrootcert"]);
    Bundle::minimal_and(yaml).file("database.pem").load();
}

#[test]
fn ignoring_validation_turns_the_rules_of_config_tool_into_warnings() {
    let bundle = Bundle::minimal_and("FEATURE_MAILING: true\nLABEL_KEY_RESERVED_PREFIXES: [a]");
    let loaded = Config::load(&bundle.sources(&[("IGNORE_VALIDATION", "true")])).unwrap();
    let keys: Vec<&str> = loaded
        .warnings
        .iter()
        .map(|warning| warning.key.as_str())
        .collect();
    assert_eq!(
        keys,
        [
            "PREFERRED_URL_SCHEME",
            "LABEL_KEY_RESERVED_PREFIXES[0]",
            "MAIL_SERVER"
        ]
    );
}

#[test]
fn what_is_merely_unusual_is_a_warning() {
    assert_eq!(warnings(&Bundle::minimal_and("")), ["PREFERRED_URL_SCHEME"]);
    assert_eq!(
        warnings(&Bundle::minimal_and("PREFERRED_URL_SCHEME: https")),
        ["PREFERRED_URL_SCHEME"]
    );
    let tls = Bundle::minimal_and("PREFERRED_URL_SCHEME: https")
        .file("ssl.cert")
        .file("ssl.key");
    assert_eq!(warnings(&tls), [""; 0]);
    assert_eq!(
        warnings(&Bundle::minimal_and(
            "EXTERNAL_TLS_TERMINATION: true
SERVER_HOSTNAME: registry
TESTING: true
SECRET_KEY: null
SETUP_COMPLETE: false
DEFAULT_TAG_EXPIRATION: 3w
BUILDLOGS_REDIS: null
REGISTRY_STATE: sleepy
FEATURE_SECURITY_SCANNER: true
"
        )),
        [
            "REGISTRY_STATE",
            "SECRET_KEY",
            "SETUP_COMPLETE",
            "SERVER_HOSTNAME",
            "TESTING",
            "BUILDLOGS_REDIS",
            "DEFAULT_TAG_EXPIRATION",
            "SECURITY_SCANNER_V4_ENDPOINT",
        ]
    );
}

#[test]
fn one_half_of_a_certificate_is_a_problem() {
    let bundle = Bundle::minimal_and("PREFERRED_URL_SCHEME: https").file("ssl.key");
    assert_eq!(bundle.problems()[0].key, "PREFERRED_URL_SCHEME");
}
