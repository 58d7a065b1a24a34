//! The part of the configuration that decides who may sign in and what they may do. The binary fills it in.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use pierhead_db::encoding::password::PasswordCipher;
use pierhead_oci::NameRules;

/// Names of configuration fields are in the comments; [`AuthConfig::new`] has Quay's defaults.
#[derive(Clone, Debug)]
pub struct AuthConfig {
    /// `SERVER_HOSTNAME`: the audience of every token that is accepted.
    pub server_hostname: String,
    /// `REGISTRY_JWT_AUTH_MAX_FRESH_S`: the longest life of a token that is accepted.
    pub max_token_life: Duration,
    /// How a path becomes a repository name.
    pub names: NameRules,
    /// `FEATURE_ANONYMOUS_ACCESS`.
    pub anonymous_access: bool,
    /// Whether user names with passwords are checked against the database: `AUTHENTICATION_TYPE` is `Database`.
    pub password_sign_in: bool,
    /// `FEATURE_REQUIRE_ENCRYPTED_BASIC_AUTH`.
    pub require_encrypted_password: bool,
    /// Opens "encrypted passwords" (`SECRET_KEY`); without it every password is taken as plain.
    pub password_cipher: Option<Arc<PasswordCipher>>,
    /// `FEATURE_APP_SPECIFIC_TOKENS`.
    pub app_specific_tokens: bool,
    /// `SUPER_USERS`; empty when `FEATURE_SUPER_USERS` is off.
    pub super_users: HashSet<String>,
    /// `FEATURE_SUPERUSERS_FULL_ACCESS`.
    pub superusers_full_access: bool,
    /// `GLOBAL_READONLY_SUPER_USERS`.
    pub global_readonly_super_users: HashSet<String>,
    /// `FEATURE_RESTRICTED_USERS`.
    pub restricted_users: bool,
    /// `RESTRICTED_USERS_WHITELIST`: names that are not restricted.
    pub restricted_users_whitelist: HashSet<String>,
    /// `ROBOTS_DISALLOW`.
    pub robots_disallow: bool,
    /// `ROBOTS_WHITELIST`: full names of robots that may be used all the same.
    pub robots_whitelist: HashSet<String>,
    /// `FEATURE_PROXY_CACHE`.
    pub proxy_cache: bool,
    /// `FEATURE_ORG_MIRROR`.
    pub org_mirror: bool,
    /// `FEATURE_SIGNING`: tokens say whose signatures of tags are shown.
    pub signing: bool,
    /// `CREATE_PRIVATE_REPO_ON_PUSH`.
    pub create_private_repo_on_push: bool,
    /// `CREATE_NAMESPACE_ON_PUSH`.
    pub create_namespace_on_push: bool,
    /// `FEATURE_USER_LAST_ACCESSED`: whether use of accounts and app specific tokens is recorded. Use of OAuth tokens always is.
    pub user_last_accessed: bool,
    /// `LAST_ACCESSED_UPDATE_THRESHOLD_S`: uses that follow one another faster are recorded once.
    pub last_accessed_threshold: Duration,
    /// `OAUTH_TOKEN_LAST_ACCESSED_UPDATE_THRESHOLD_S`.
    pub oauth_last_accessed_threshold: Duration,
    /// `REGISTRY_STATE: readonly`: nothing is written.
    pub read_only: bool,
    /// How many passwords are hashed at once. A hash takes a core for a quarter of a second.
    pub password_checks_at_once: usize,
}

impl AuthConfig {
    /// Quay's defaults for a server of that name.
    pub fn new(server_hostname: impl Into<String>) -> Self {
        Self {
            server_hostname: server_hostname.into(),
            max_token_life: Duration::from_mins(61),
            names: NameRules::default(),
            anonymous_access: true,
            password_sign_in: true,
            require_encrypted_password: false,
            password_cipher: None,
            app_specific_tokens: true,
            super_users: HashSet::new(),
            superusers_full_access: false,
            global_readonly_super_users: HashSet::new(),
            restricted_users: false,
            restricted_users_whitelist: HashSet::new(),
            robots_disallow: false,
            robots_whitelist: HashSet::new(),
            proxy_cache: false,
            org_mirror: false,
            signing: false,
            create_private_repo_on_push: true,
            create_namespace_on_push: false,
            user_last_accessed: true,
            last_accessed_threshold: Duration::from_mins(1),
            oauth_last_accessed_threshold: Duration::from_mins(1),
            read_only: false,
            password_checks_at_once: std::thread::available_parallelism().map_or(2, usize::from),
        }
    }

    /// Whether that person is a superuser. Whoever is in both lists only reads, as in Quay.
    pub fn is_superuser(&self, username: &str) -> bool {
        self.is_listed_as_superuser(username) && !self.is_global_readonly_superuser(username)
    }

    /// Whether that person is in `SUPER_USERS`: other superusers may not change them.
    pub fn is_listed_as_superuser(&self, username: &str) -> bool {
        self.super_users.contains(username)
    }

    /// Whether that person may read everything.
    pub fn is_global_readonly_superuser(&self, username: &str) -> bool {
        self.global_readonly_super_users.contains(username)
    }

    /// Whether a person (or the owner of a robot) is restricted to namespaces other than its own.
    pub fn is_restricted(&self, username: &str) -> bool {
        let owner = username.split('+').next().unwrap_or(username);
        self.restricted_users && !self.restricted_users_whitelist.contains(owner)
    }
}
