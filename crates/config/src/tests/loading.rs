use super::{Bundle, MINIMAL, QUAY, embedded, variables};
use crate::sections::mirroring::Mirroring;
use crate::sections::server::{IpVersion, TlsVersion};
use crate::{Config, ConfigError, DatabaseUri, Found, Sources, StorageDriver};

#[test]
fn a_configuration_of_quay_loads_as_it_is() {
    let loaded = Bundle::new(QUAY).load();
    let config = loaded.config;
    assert_eq!(config.server.server_hostname.as_str(), "127.0.0.1:28080");
    assert_eq!(config.tags.default_tag_expiration.as_str(), "2w");
    assert!(config.users.feature_superusers_full_access);
    assert_eq!(config.redis.pull_metrics().unwrap().db, 1);
    let DatabaseUri::Postgresql(uri) = &config.database.db_uri else {
        panic!()
    };
    assert_eq!(uri.password.as_ref().unwrap().expose(), "quay");
    assert!(matches!(
        config.storage.distributed_storage_config.get("default"),
        Some(StorageDriver::Local(_))
    ));
    assert_eq!(loaded.warnings, []);
}

#[test]
fn the_embedded_default_keeps_everything_in_one_folder() {
    let config = Config::embedded(&embedded());
    assert_eq!(config.server.server_hostname.as_str(), "localhost:8080");
    assert_eq!(
        config.database.db_uri,
        DatabaseUri::sqlite("/var/lib/pierhead/pierhead.db")
    );
    assert_eq!(config.storage.preference(), ["default"]);
    assert!(config.tokens.feature_user_initialize);
    assert!(config.mirroring.feature_sparse_index);
    assert!(!config.mail.feature_mailing);
    assert!(!config.users.create_namespace_on_push);
    assert_eq!(
        config.server.database_secret_key.unwrap().expose(),
        "columns"
    );
}

#[test]
fn the_embedded_default_is_valid_and_printed_with_every_field() {
    let mut sources = Sources::new(None, variables(&[]));
    sources.fallback = "/nowhere".into();
    sources.embedded = Some(embedded());
    let loaded = Config::load(&sources).unwrap();
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.directory, None);
    insta::assert_snapshot!(loaded.config.print());
}

#[test]
fn what_is_printed_can_be_loaded_again_once_the_secrets_are_put_back() {
    let printed = Bundle::new(QUAY).load().config.print();
    let again = Bundle::new(&printed).load();
    assert_eq!(again.config.show(), Bundle::new(QUAY).load().config.show());
}

#[test]
fn without_any_configuration_the_error_names_the_places() {
    let mut sources = Sources::new(None, variables(&[("QUAYCONF", "/nowhere")]));
    sources.fallback = "/also-nowhere".into();
    let Err(ConfigError::NotFound { looked }) = Config::load(&sources) else {
        panic!()
    };
    assert_eq!(looked, "/nowhere/stack, /nowhere, /also-nowhere");
}

#[test]
fn quayconf_names_the_directory_or_its_parent() {
    let bundle = Bundle::minimal_and("");
    let path = bundle.0.path();
    let sources = |directory: &std::path::Path| {
        let mut sources = Sources::new(
            None,
            variables(&[("QUAYCONF", directory.to_str().unwrap())]),
        );
        sources.fallback = "/nowhere".into();
        sources
    };
    assert_eq!(sources(path).find_directory().unwrap(), path);
    std::fs::create_dir(path.join("stack")).unwrap();
    std::fs::copy(path.join("config.yaml"), path.join("stack/config.yaml")).unwrap();
    assert_eq!(sources(path).find_directory().unwrap(), path.join("stack"));
}

#[test]
fn a_named_directory_without_a_file_is_an_error_even_if_there_is_a_fallback() {
    let bundle = Bundle::minimal_and("");
    let mut sources = Sources::new(Some("/nowhere".into()), variables(&[]));
    sources.fallback = bundle.0.path().to_owned();
    let Err(ConfigError::Read { path, .. }) = Config::load(&sources) else {
        panic!()
    };
    assert_eq!(path.to_str(), Some("/nowhere/config.yaml"));
}

#[test]
fn later_sources_replace_whole_top_level_keys() {
    let bundle = Bundle::minimal_and(
        "
FEATURE_REPO_MIRROR: true
SUPER_USERS: [file]
BRANDING: {logo: a, footer_url: b}
",
    );
    let sources = bundle.sources(&[
        (
            "QUAY_OVERRIDE_CONFIG",
            r#"{"SUPER_USERS": ["override"], "BRANDING": {"logo": "c"}, "DISTRIBUTED_STORAGE_CONFIG": {
                "a": ["LocalStorage", {"storage_path": "/a"}], "b": ["LocalStorage", {"storage_path": "/b"}]}}"#,
        ),
        ("QUAY_DISTRIBUTED_STORAGE_PREFERENCE", "b  a"),
    ]);
    let config = Config::load(&sources).unwrap().config;
    assert!(config.mirroring.feature_repo_mirror);
    assert_eq!(config.users.super_users, ["override"]);
    assert_eq!(config.ui.branding.logo.as_deref(), Some("c"));
    assert_eq!(config.ui.branding.footer_url, None);
    assert_eq!(config.storage.preference(), ["b", "a"]);
}

#[test]
fn an_override_that_is_no_json_object_is_refused() {
    let bundle = Bundle::minimal_and("");
    for text in ["[]", "SUPER_USERS: [a]", "{"] {
        let result = Config::load(&bundle.sources(&[("QUAY_OVERRIDE_CONFIG", text)]));
        assert!(matches!(result, Err(ConfigError::Syntax { .. })), "{text}");
    }
}

#[test]
fn a_file_that_is_a_text_is_refused_and_an_empty_one_lacks_required_keys() {
    assert!(matches!(
        Bundle::new("hello").try_load(),
        Err(ConfigError::Syntax { .. })
    ));
    let keys: Vec<String> = Bundle::new("")
        .problems()
        .into_iter()
        .map(|problem| problem.key)
        .collect();
    assert_eq!(
        keys,
        [
            "SERVER_HOSTNAME",
            "DATABASE_SECRET_KEY",
            "DB_URI",
            "DISTRIBUTED_STORAGE_CONFIG"
        ]
    );
}

#[test]
fn every_problem_is_reported_at_once_with_its_path() {
    let problems = Bundle::minimal_and(
        "
FRESH_LOGIN_TIMEOUT: soon
PROXY_COUNT: -1
SSL_PROTOCOLS: [TLSv1.3, SSLv3]
MAIL_PORT: 70000
MAIL_PASSWORD: [secret]
DB_CONNECTION_ARGS: {sslmode: maybe, max_connections: many}
TRUSTED_PROXY_CIDR: [10.0.0.0/8, 10.0.0.0/40]
",
    )
    .problems();
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    SSL_PROTOCOLS[1]: "SSLv3"; allowed: one of `TLSv1.2`, `TLSv1.3`
    TRUSTED_PROXY_CIDR[1]: "10.0.0.0/40"; allowed: an address or network such as 10.0.0.0/8
    PROXY_COUNT: -1; allowed: a whole number from 0 to 4294967295
    FRESH_LOGIN_TIMEOUT: "soon"; allowed: a duration: digits and one of s, m, h, d, w, such as 2w
    DB_CONNECTION_ARGS.max_connections: "many"; allowed: a whole number from 0 to 4294967295
    DB_CONNECTION_ARGS.sslmode: "maybe"; allowed: one of `disable`, `allow`, `prefer`, `require`, `verify-ca`, `verify-full`
    MAIL_PORT: 70000; allowed: a whole number from 0 to 65535
    MAIL_PASSWORD: <redacted>; allowed: text (put it in quotes)
    "#);
}

#[test]
fn null_means_the_default_and_quoted_scalars_mean_their_content() {
    let config = Bundle::minimal_and(
        "
PROXY_COUNT: null
SUPER_USERS: null
MAIL_PORT: '2525'
BROWSER_API_CALLS_XHR_ONLY: 'false'
MAIL_PASSWORD: 12345
SECURITY_SCANNER_V4_ENDPOINT: ''
LDAP_ADMIN_PASSWD: ''
SUCCESSIVE_TRIGGER_FAILURE_DISABLE_THRESHOLD: null
FEATURE_LISTEN_IP_VERSION: dual-stack
SSL_PROTOCOLS: [TLSv1.3]
",
    )
    .load()
    .config;
    assert_eq!(config.server.proxy_count, 1);
    assert!(config.users.super_users.is_empty());
    assert_eq!(config.mail.mail_port, 2525);
    assert!(!config.server.browser_api_calls_xhr_only);
    assert_eq!(config.mail.mail_password.unwrap().expose(), "12345");
    assert_eq!(config.scanner.security_scanner_v4_endpoint, None);
    assert_eq!(config.auth.ldap_admin_passwd, None);
    assert_eq!(
        config.builds.successive_trigger_failure_disable_threshold,
        None
    );
    assert_eq!(
        config.server.feature_listen_ip_version,
        IpVersion::DualStack
    );
    assert_eq!(config.server.ssl_protocols, [TlsVersion::Tls13]);
}

#[test]
fn a_feature_is_on_by_truthiness_but_a_text_only_if_it_says_true() {
    let feature = |value: &str| -> Mirroring {
        Bundle::minimal_and(&format!("FEATURE_REPO_MIRROR: {value}\n"))
            .load()
            .config
            .mirroring
    };
    for on in ["true", "yes", "'True'", "1", "[a]", "2.5"] {
        assert!(feature(on).feature_repo_mirror, "{on}");
    }
    for off in [
        "false", "off", "'yes'", "'1'", "0", "''", "[]", "null", "{}",
    ] {
        assert!(!feature(off).feature_repo_mirror, "{off}");
    }
}

#[test]
fn unknown_keys_warn_once_and_old_keys_never_fail() {
    let loaded = Bundle::minimal_and(
        "
NOT_A_KEY: 1
FEATURE_FROM_THE_FUTURE: true
lower_case: 1
FEATURE_ACI_CONVERSION: false
GITLAB_TRIGGER_KIND: {}
SECURITY_SCANNER_ENDPOINT: http://clair:6060
PULL_METRICS_REDIS: {host: redis, flavour: mild}
RESTRICTED_USER_INCLUDE_ROBOTS: true
",
    )
    .load();
    let keys: Vec<&str> = loaded
        .warnings
        .iter()
        .map(|warning| warning.key.as_str())
        .collect();
    assert_eq!(
        keys,
        [
            "PULL_METRICS_REDIS.flavour",
            "NOT_A_KEY",
            "FEATURE_FROM_THE_FUTURE",
            "lower_case",
            "RESTRICTED_USER_INCLUDE_ROBOTS",
            "PREFERRED_URL_SCHEME",
        ]
    );
}

#[test]
fn wrong_environment_variables_are_problems_and_empty_ones_count_as_absent() {
    let bundle = Bundle::new(MINIMAL);
    let Err(ConfigError::Invalid { problems }) =
        Config::load(&bundle.sources(&[("WORKER_COUNT", "many"), ("WORKER_COUNT_WEB", "")]))
    else {
        panic!()
    };
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].key, "WORKER_COUNT");
    assert_eq!(problems[0].value, Found::Value("\"many\"".to_owned()));
}

#[test]
fn a_pool_needs_both_the_file_and_the_environment() {
    let pooling = |yaml: &str, environment: &[(&str, &str)]| {
        let bundle = Bundle::minimal_and(yaml);
        Config::load(&bundle.sources(environment))
            .unwrap()
            .config
            .database_pooling()
    };
    assert!(pooling("", &[]));
    assert!(pooling("", &[("DB_CONNECTION_POOLING", "true")]));
    assert!(!pooling("", &[("DB_CONNECTION_POOLING", "false")]));
    assert!(!pooling(
        "DB_CONNECTION_POOLING: false",
        &[("DB_CONNECTION_POOLING", "true")]
    ));
}

#[test]
fn https_makes_the_session_cookie_secure_unless_told_otherwise() {
    let secure = |yaml: &str| {
        Bundle::minimal_and(yaml)
            .load()
            .config
            .server
            .session_cookie_secure
    };
    assert!(!secure(""));
    assert!(secure("PREFERRED_URL_SCHEME: https"));
    assert!(!secure(
        "PREFERRED_URL_SCHEME: https\nFORCE_NONSECURE_SESSION_COOKIE: true"
    ));
}
