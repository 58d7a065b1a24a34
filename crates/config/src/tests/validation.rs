use super::Bundle;
use crate::{CipherSuite, Config, ConfigError, LogLevel};

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
    assert_eq!(
        problems(
            "FEATURE_GOOGLE_LOGIN: true\nGOOGLE_LOGIN_CONFIG: {CLIENT_ID: '', CLIENT_SECRET: ''}"
        ),
        [
            "GOOGLE_LOGIN_CONFIG.CLIENT_ID",
            "GOOGLE_LOGIN_CONFIG.CLIENT_SECRET"
        ]
    );
    let google = "GOOGLE_LOGIN_CONFIG: {CLIENT_ID: a, CLIENT_SECRET: b}";
    assert_eq!(
        problems(&format!(
            "FEATURE_DIRECT_LOGIN: false\nFEATURE_GOOGLE_LOGIN: true\n{google}"
        )),
        [""; 0]
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
    Bundle::minimal_and(yaml).file("extra_ca_cert_db").load();
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

#[test]
fn versions_and_levels_are_read_as_python_reads_them() {
    let server = |yaml: &str| Bundle::minimal_and(yaml).load().config.server;
    let refused = server("BLACKLIST_V2_SPEC: '<1.10,!=1.9.1'").blacklist_v2_spec;
    assert_eq!(refused.unwrap().to_string(), "<1.10,!=1.9.1");
    assert_eq!(server("BLACKLIST_V2_SPEC: null").blacklist_v2_spec, None);
    assert_eq!(
        server("LOGGING_LEVEL: warn").logging_level,
        LogLevel::Warning
    );
    assert_eq!(
        problems("BLACKLIST_V2_SPEC: '< 1.6.0'\nLOGGING_LEVEL: LOUD"),
        ["BLACKLIST_V2_SPEC", "LOGGING_LEVEL"]
    );
}

#[test]
fn cipher_suites_that_cannot_be_spoken_are_told_once_and_some_must_be_left() {
    let bundle = |yaml: &str| Bundle::minimal_and(yaml).file("ssl.cert").file("ssl.key");
    let https = "PREFERRED_URL_SCHEME: https";
    let mixed = format!(
        "{https}\nSSL_CIPHERS: [DHE-RSA-AES128-SHA, ECDHE-RSA-AES128-GCM-SHA256, CAMELLIA, '!3DES']"
    );
    let loaded = bundle(&mixed).load();
    let warnings: Vec<_> = loaded
        .warnings
        .iter()
        .filter(|warning| warning.key == "SSL_CIPHERS")
        .collect();
    assert_eq!(warnings.len(), 1);
    let told = warnings[0].to_string();
    assert!(
        told.contains("left out: DHE-RSA-AES128-SHA, CAMELLIA;"),
        "{told}"
    );
    assert_eq!(
        loaded.config.server.cipher_suites(),
        [
            CipherSuite::Aes256,
            CipherSuite::Aes128,
            CipherSuite::ChaCha20,
            CipherSuite::RsaAes128
        ]
    );
    let none = format!(
        "{https}\nSSL_CIPHERS: DHE-RSA-AES128-SHA:AES128-SHA\nSSL_CIPHERSUITES: [TLS_AES_128_CCM_SHA256]"
    );
    let problems = bundle(&none).problems();
    let keys: Vec<_> = problems
        .iter()
        .map(|problem| problem.key.as_str())
        .collect();
    assert_eq!(keys, ["SSL_CIPHERS", "SSL_CIPHERSUITES"]);
    let told = problems[0].to_string();
    assert!(told.contains("ECDHE-ECDSA-CHACHA20-POLY1305"), "{told}");
    // Neither counts where TLS 1.2 is not spoken, or where somebody else speaks TLS.
    let only_13 = format!("{https}\nSSL_PROTOCOLS: [TLSv1.3]\nSSL_CIPHERS: AES128-SHA");
    assert!(warnings_of(&bundle(&only_13)).is_empty());
    let external = "EXTERNAL_TLS_TERMINATION: true\nSSL_CIPHERS: AES128-SHA";
    assert!(warnings_of(&bundle(external)).is_empty());
}

/// The keys that a bundle is warned of, but for the test's own oddities.
fn warnings_of(bundle: &Bundle) -> Vec<String> {
    let mut keys = warnings(bundle);
    keys.retain(|key| key.starts_with("SSL_"));
    keys
}
