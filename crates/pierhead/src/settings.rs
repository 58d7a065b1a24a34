//! From fields of `config.yaml` to the settings of each room.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pierhead_api::{ApiConfig, HealthConfig, SessionConfig, SiteFiles};
use pierhead_auth::accounts::{AccountsConfig, QueueNames};
use pierhead_auth::{AuthConfig, ServiceKeysConfig};
use pierhead_config::sections::auth::AuthenticationType;
use pierhead_config::sections::keys::RegistryState;
use pierhead_config::sections::server::{IpVersion, SameSite, Scheme, TlsVersion};
use pierhead_config::sections::users::AvatarKind;
use pierhead_config::{CipherSuite, Config, StorageDriver};
use pierhead_db::encoding::session_cookie::SessionCookies;
use pierhead_http::{
    CipherSuite as TlsSuite, IpFamilies, ListenAddress, Listener, ListenerKind, SecurityHeaders,
    ServerOptions, TlsOptions, TlsVersions, TrustedProxies,
};
use pierhead_mail::{MailConfig, SmtpLogin, SmtpServer};
use pierhead_oci::{Limits, NameRules};
use pierhead_registry::{AuditConfig, RegistryConfig};

use crate::context::{StartError, password_cipher};

/// Where the embedded default listens.
pub(crate) const EMBEDDED_ADDRESS: &str = "127.0.0.1:8080";

/// The address of the embedded default, resolved.
pub(crate) fn embedded_address(listen: Option<&str>) -> Result<SocketAddr, StartError> {
    let address: ListenAddress = listen.unwrap_or(EMBEDDED_ADDRESS).parse()?;
    match address {
        ListenAddress::Explicit(addresses) => addresses.first().copied(),
        ListenAddress::Any { .. } => None,
    }
    .ok_or_else(|| StartError::Unsupported("--listen names no address".to_owned()))
}

fn scheme(config: &Config) -> &'static str {
    match config.server.preferred_url_scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    }
}

/// Whether nothing may be written.
pub(crate) fn read_only(config: &Config) -> bool {
    config.keys.registry_state == RegistryState::ReadOnly
}

fn names(config: &Config) -> NameRules {
    NameRules {
        library_support: config.server.feature_library_support,
        library_namespace: config.server.library_namespace.clone(),
        extended_names: config.server.feature_extended_repository_names,
    }
}

/// What the configuration asks for and this version does not do: each is a reason not to start.
pub(crate) fn unsupported(config: &Config) -> Vec<String> {
    let mut reasons = Vec::new();
    for (id, driver) in config.storage.distributed_storage_config.iter() {
        if !matches!(driver, StorageDriver::Local(_)) {
            reasons.push(format!(
                "DISTRIBUTED_STORAGE_CONFIG.{id}: {} is not supported by this version of Pierhead; LocalStorage is",
                driver.name()
            ));
        }
    }
    let sign_in = config.auth.authentication_type;
    if !matches!(
        sign_in,
        AuthenticationType::Database | AuthenticationType::AppToken
    ) {
        reasons.push(format!(
            "AUTHENTICATION_TYPE: {sign_in:?} is not supported by this version of Pierhead; Database and AppToken are"
        ));
    }
    reasons
}

/// Longest grace period of a deleted namespace: a century, beyond which dates do not fit into columns.
const LONGEST_GRACE_S: u64 = 100 * 365 * 24 * 60 * 60;

/// Settings of accounts.
pub(crate) fn accounts(config: &Config) -> AccountsConfig {
    AccountsConfig {
        default_tag_expiration_s: config.tags.default_tag_expiration.as_secs() as i64,
        maximum_queued_builds: config
            .builds
            .default_namespace_maximum_build_count
            .map(|count| i32::try_from(count).unwrap_or(i32::MAX)),
        email_required: config.mail.feature_mailing,
        org_shared_email: config.users.feature_org_shared_email,
        ask_new_users: config.users.feature_user_metadata,
        robots_disallowed: config.users.robots_disallow,
        extended_repository_names: config.server.feature_extended_repository_names,
        app_token_lifetime: config
            .tokens
            .app_specific_token_expiration
            .as_ref()
            .and_then(|life| chrono::Duration::from_std(life.as_std()).ok()),
        tag_expiration_options_s: (config.tags.tag_expiration_options.iter())
            .map(|option| option.as_secs() as i64)
            .collect(),
        change_tag_expiration: config.tags.feature_change_tag_expiration,
        team_invites: config.mail.feature_mailing && config.users.feature_require_team_invite,
        team_syncing: config.auth.feature_team_syncing
            && !matches!(
                config.auth.authentication_type,
                AuthenticationType::Database | AuthenticationType::AppToken
            ),
        org_mirror: config.mirroring.feature_org_mirror,
        deletion_grace: chrono::Duration::seconds(
            config
                .tags
                .namespace_gc_grace_period_seconds
                .min(LONGEST_GRACE_S) as i64,
        ),
        deletion_grace_namespaces: config.tags.namespace_gc_grace_period_allowlist.clone(),
        queues: QueueNames {
            namespace_gc: config.queues.namespace_gc_queue_name.clone(),
            of_namespaces: vec![
                config.queues.dockerfile_build_queue_name.clone(),
                config.queues.notification_queue_name.clone(),
                config.queues.repository_gc_queue_name.clone(),
            ],
        },
        ..AccountsConfig::default()
    }
}

/// Settings of mail.
pub(crate) fn mail(config: &Config, extra_authorities: Vec<Vec<u8>>) -> MailConfig {
    let mail = &config.mail;
    let hostname = config.server.server_hostname.as_str();
    let login = match (&mail.mail_username, &mail.mail_password) {
        (Some(username), Some(password)) if !username.is_empty() && !password.is_empty() => {
            Some(SmtpLogin {
                username: username.clone(),
                password: password.expose().to_owned(),
            })
        }
        _ => None,
    };
    MailConfig {
        server: (!mail.mail_server.is_empty()).then(|| SmtpServer {
            host: mail.mail_server.clone(),
            port: mail.mail_port,
            starttls: mail.mail_use_tls,
            login,
            extra_authorities,
        }),
        sender: mail.mail_default_sender.clone(),
        title: config.ui.registry_title_short.clone(),
        base_url: format!("{}://{hostname}", scheme(config)),
        hello: hostname.split(':').next().unwrap_or_default().to_owned(),
        fail_silently: mail.mail_fail_silently,
        suppressed: config.server.testing,
    }
}

/// Settings of credentials and tokens.
pub(crate) fn auth(config: &Config) -> Result<AuthConfig, StartError> {
    let users = &config.users;
    let mut auth = AuthConfig::new(config.server.server_hostname.as_str());
    auth.max_token_life = Duration::from_secs(config.tokens.registry_jwt_auth_max_fresh_s.into());
    auth.names = names(config);
    auth.anonymous_access = users.feature_anonymous_access;
    auth.password_sign_in = config.auth.authentication_type == AuthenticationType::Database;
    auth.require_encrypted_password = config.auth.feature_require_encrypted_basic_auth;
    auth.password_cipher = Some(password_cipher(config)?.into());
    auth.app_specific_tokens = config.tokens.feature_app_specific_tokens;
    if users.feature_super_users {
        auth.super_users = users.super_users.iter().cloned().collect();
    }
    auth.superusers_full_access = users.feature_superusers_full_access;
    auth.global_readonly_super_users = users.global_readonly_super_users.iter().cloned().collect();
    auth.restricted_users = users.feature_restricted_users;
    auth.restricted_users_whitelist = users
        .restricted_users_whitelist
        .iter()
        .flatten()
        .cloned()
        .collect();
    auth.robots_disallow = users.robots_disallow;
    auth.robots_whitelist = users.robots_whitelist.iter().cloned().collect();
    auth.proxy_cache = config.proxy_cache.feature_proxy_cache;
    auth.org_mirror = config.mirroring.feature_org_mirror;
    auth.signing = config.signing.feature_signing;
    auth.create_private_repo_on_push = users.create_private_repo_on_push;
    auth.create_namespace_on_push = users.create_namespace_on_push;
    auth.user_last_accessed = users.feature_user_last_accessed;
    auth.last_accessed_threshold =
        Duration::from_secs(config.tokens.last_accessed_update_threshold_s.into());
    auth.oauth_last_accessed_threshold = Duration::from_secs(
        config
            .tokens
            .oauth_token_last_accessed_update_threshold_s
            .into(),
    );
    auth.read_only = read_only(config);
    Ok(auth)
}

/// Settings of the instance's signing key. Its files lie in the configuration directory, or in the data directory.
pub(crate) fn service_keys(config: &Config, folder: &Path) -> ServiceKeysConfig {
    let keys = &config.keys;
    let path = |configured: &Option<PathBuf>, name: &str| {
        configured.clone().unwrap_or_else(|| folder.join(name))
    };
    let mut settings = ServiceKeysConfig::new(
        ServiceKeysConfig::display_name(scheme(config), config.server.server_hostname.as_str()),
        path(&keys.instance_service_key_location, "quay.pem"),
        path(&keys.instance_service_key_kid_location, "quay.kid"),
    );
    settings
        .service
        .clone_from(&keys.instance_service_key_service);
    settings.expiration = Duration::from_secs(u64::from(keys.instance_service_key_expiration) * 60);
    settings.expired_ttl = Duration::from_secs(keys.expired_service_key_ttl_sec);
    settings.unapproved_ttl = Duration::from_secs(keys.unapproved_service_key_ttl_sec);
    settings.read_only = read_only(config);
    settings
}

/// Settings of `/v2`.
pub(crate) fn registry(config: &Config, embedded: bool) -> RegistryConfig {
    let tags = &config.tags;
    RegistryConfig {
        hostname: config.server.server_hostname.as_str().to_owned(),
        any_host: embedded,
        scheme: scheme(config).to_owned(),
        names: names(config),
        advertise_v2: config.server.feature_advertise_v2,
        account_recovery: config.users.account_recovery_mode,
        read_only: read_only(config),
        disable_pushes: tags.disable_pushes,
        referrers_api: tags.feature_referrers_api,
        sparse_index: config.mirroring.feature_sparse_index,
        immutable_tags: tags.feature_immutable_tags,
        immutable_tags_can_expire: tags.feature_immutable_tags_can_expire,
        reset_child_manifest_expiration: tags.reset_child_manifest_expiration,
        shortest_labeled_life_s: tags.labeled_expiration_minimum.as_secs() as i64,
        longest_labeled_life_s: tags.labeled_expiration_maximum.as_secs() as i64,
        pull_statistics: config.redis.feature_image_pull_stats,
        // Nobody has counted totals in a database that was made here.
        reset_quota_totals: !embedded
            && (config.quota.feature_quota_management || config.quota.quota_invalidate_totals),
        public_catalog: config.users.feature_public_catalog,
        page_size: u64::from(config.server.v2_pagination_size).max(100),
        maximum_blob_size: config.server.maximum_layer_size.as_bytes(),
        temporary_tag_seconds: config.storage.push_temp_tag_expiration_sec.into(),
        notification_queue: config.queues.notification_queue_name.clone(),
        remembered_for: Duration::from_secs(5),
        manifest_limits: Limits::default(),
        audit: audit(config),
        refused_docker: config.server.blacklist_v2_spec.clone(),
    }
}

/// Which audit rows the registry writes.
fn audit(config: &Config) -> AuditConfig {
    let logs = &config.logs;
    AuditConfig {
        logins: logs.action_log_audit_logins,
        pull_failures: logs.action_log_audit_pull_failures,
        push_failures: logs.action_log_audit_push_failures,
        delete_failures: logs.action_log_audit_delete_failures,
        disabled_namespaces: logs.disabled_for_audit_logs.clone(),
        disabled_pull_namespaces: logs.disabled_for_pull_logs.clone(),
        no_pulls_of_free_namespaces: logs.feature_disable_pull_logs_for_free_namespaces,
        service_account: config
            .users
            .service_log_account_id
            .and_then(|id| i32::try_from(id).ok()),
    }
}

/// Settings of the management API and the health checks, without an operator's own files.
pub(crate) fn api(config: &Config, embedded: bool) -> ApiConfig {
    let mut health = HealthConfig::new(
        config
            .storage
            .preference()
            .into_iter()
            .map(ToString::to_string)
            .collect(),
    );
    health.disk_space_threshold = config.health.diskspace_health_threshold;
    health.disk_space_warning_threshold = config.health.diskspace_health_warning_threshold;
    health.instance_checks_preferred_storage = config
        .health
        .health_checker_instance_check_preferred_storage
        .unwrap_or(false);
    health.machine = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|name| name.trim().to_owned())
        .unwrap_or_default();
    ApiConfig {
        hostname: config.server.server_hostname.as_str().to_owned(),
        any_host: embedded,
        scheme: scheme(config).to_owned(),
        title: config.ui.registry_title.clone(),
        user_initialize: config.tokens.feature_user_initialize,
        database_auth: config.auth.authentication_type == AuthenticationType::Database,
        read_only: read_only(config),
        gravatar: config.users.avatar_kind == AvatarKind::Gravatar,
        files: SiteFiles::default(),
        session: session(config),
        health,
    }
}

/// How session cookies are made.
fn session(config: &Config) -> SessionConfig {
    let server = &config.server;
    let https = server.preferred_url_scheme == Scheme::Https;
    let secure = server.session_cookie_secure || (https && !server.force_nonsecure_session_cookie);
    let mut attributes = String::new();
    for (set, attribute) in [
        (secure, " Secure;"),
        (server.session_cookie_httponly, " HttpOnly;"),
    ] {
        if set {
            attributes.push_str(attribute);
        }
    }
    if let Some(same_site) = server.session_cookie_samesite {
        attributes.push_str(match same_site {
            SameSite::Lax => " SameSite=Lax;",
            SameSite::Strict => " SameSite=Strict;",
            SameSite::None => " SameSite=None;",
        });
    }
    let secret_key = server.secret_key.as_ref();
    SessionConfig {
        cookies: SessionCookies::new(secret_key.map_or("", |secret| secret.expose())),
        name: server.session_cookie_name.clone(),
        attributes,
        timeout: server.session_timeout.as_std(),
        permanent: server.feature_permanent_sessions,
    }
}

/// Where and how to listen: the one address of `--listen`, or the ports of the container.
pub(crate) fn server(
    config: &Config,
    directory: Option<&Path>,
    listen: Option<&str>,
    metrics: axum::Router,
) -> Result<ServerOptions, StartError> {
    let server = &config.server;
    let certificate = directory
        .filter(|_| !server.external_tls_termination)
        .map(|directory| (directory.join("ssl.cert"), directory.join("ssl.key")))
        .filter(|(_, key)| key.is_file());
    let tls = certificate.map(|(certificate, key)| {
        let mut options = TlsOptions::new(certificate, key);
        options.versions = tls_versions(&server.ssl_protocols);
        if !(server.ssl_ciphers.0.is_empty() && server.ssl_ciphersuites.0.is_empty()) {
            let suites = server.cipher_suites();
            options.suites = Some(suites.into_iter().map(tls_suite).collect());
        }
        options
    });
    let families = match server.feature_listen_ip_version {
        IpVersion::V4 => IpFamilies::V4,
        IpVersion::V6 => IpFamilies::V6,
        IpVersion::DualStack => IpFamilies::Dual,
    };
    let any = |port| ListenAddress::Any { families, port };
    let speaks = if tls.is_some() {
        ListenerKind::Tls
    } else {
        ListenerKind::Plain
    };
    let mut listeners = Vec::new();
    if let Some(address) = listen {
        listeners.push(Listener::new("registry", address.parse()?, speaks));
    } else if directory.is_none() {
        listeners.push(Listener::new("registry", EMBEDDED_ADDRESS.parse()?, speaks));
    } else {
        if tls.is_some() {
            listeners.push(Listener::new("https", any(8443), ListenerKind::Tls));
            if server.feature_proxy_protocol {
                listeners.push(Listener::new("proxy", any(7443), ListenerKind::ProxyTls));
            }
            let authority = Some(server.server_hostname.as_str().to_owned());
            let redirect = ListenerKind::RedirectToHttps { authority };
            listeners.push(Listener::new("http", any(8080), redirect));
        } else {
            listeners.push(Listener::new("http", any(8080), ListenerKind::Plain));
        }
        listeners
            .push(Listener::new("metrics", any(9091), ListenerKind::Plain).with_router(metrics));
    }
    let has_tls = tls.is_some();
    Ok(ServerOptions {
        listeners,
        tls,
        trusted_proxies: TrustedProxies {
            networks: server
                .trusted_proxy_cidr
                .iter()
                .flat_map(|networks| networks.0.iter().copied())
                .collect(),
            hops: server.proxy_count as usize,
        },
        security_headers: SecurityHeaders {
            strict_transport: has_tls,
            ..SecurityHeaders::default()
        },
        request_spans: false,
        ..ServerOptions::default()
    })
}

fn tls_suite(suite: CipherSuite) -> TlsSuite {
    match suite {
        CipherSuite::Aes256 => TlsSuite::TLS13_AES_256_GCM_SHA384,
        CipherSuite::Aes128 => TlsSuite::TLS13_AES_128_GCM_SHA256,
        CipherSuite::ChaCha20 => TlsSuite::TLS13_CHACHA20_POLY1305_SHA256,
        CipherSuite::EcdsaAes256 => TlsSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        CipherSuite::EcdsaAes128 => TlsSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::EcdsaChaCha20 => TlsSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        CipherSuite::RsaAes256 => TlsSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        CipherSuite::RsaAes128 => TlsSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::RsaChaCha20 => TlsSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    }
}

fn tls_versions(versions: &[TlsVersion]) -> TlsVersions {
    let has = |version| versions.contains(&version);
    match (has(TlsVersion::Tls12), has(TlsVersion::Tls13)) {
        (true, false) => TlsVersions::Only12,
        (false, true) => TlsVersions::Only13,
        _ => TlsVersions::Both,
    }
}
