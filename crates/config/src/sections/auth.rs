//! Authentication backends and team synchronisation.

use crate::duration::Duration;
use crate::field::{Mark, choice, section};
use crate::login::{GithubLogin, GoogleLogin};
use crate::network::HttpUrl;
use crate::secret::Secret;

choice! {
    /// Where users and passwords live.
    AuthenticationType {
        /// In the registry's database.
        Database = "Database",
        /// In an LDAP directory.
        Ldap = "LDAP",
        /// Behind an own HTTP service.
        Jwt = "JWT",
        /// In OpenStack.
        Keystone = "Keystone",
        /// At an OpenID Connect provider.
        Oidc = "OIDC",
        /// Nowhere: only application tokens authenticate.
        AppToken = "AppToken",
    }
}

section! {
    /// Authentication.
    Auth {
        /// Where users and passwords live.
        AUTHENTICATION_TYPE => authentication_type: AuthenticationType = AuthenticationType::Database;
        /// Sign-in with user name and password.
        FEATURE_DIRECT_LOGIN => feature_direct_login: bool = true;
        /// Docker logins must use the encrypted password.
        FEATURE_REQUIRE_ENCRYPTED_BASIC_AUTH => feature_require_encrypted_basic_auth: bool = false;
        /// LDAP server, `ldap://` or `ldaps://`.
        LDAP_URI => ldap_uri: String = "ldap://localhost".into();
        /// Base DN in parts, joined with commas.
        LDAP_BASE_DN => ldap_base_dn: Option<Vec<String>> = None;
        /// DN to bind with.
        LDAP_ADMIN_DN => ldap_admin_dn: Option<String> = None;
        /// Password to bind with.
        LDAP_ADMIN_PASSWD => ldap_admin_passwd: Option<Secret> = None;
        /// Base of users below the base DN, in parts.
        LDAP_USER_RDN => ldap_user_rdn: Vec<String> = Vec::new();
        /// Further bases of users.
        LDAP_SECONDARY_USER_RDNS => ldap_secondary_user_rdns: Vec<String> = Vec::new();
        /// Attribute with the user name.
        LDAP_UID_ATTR => ldap_uid_attr: String = "uid".into();
        /// Attribute with the e-mail address.
        LDAP_EMAIL_ATTR => ldap_email_attr: String = "mail".into();
        /// Attribute with the groups.
        LDAP_MEMBEROF_ATTR => ldap_memberof_attr: String = "memberOf".into();
        /// Filter that users must match.
        LDAP_USER_FILTER => ldap_user_filter: Option<String> = None;
        /// Filter that superusers match.
        LDAP_SUPERUSER_FILTER => ldap_superuser_filter: Option<String> = None;
        /// Filter that users match who may read everything.
        LDAP_GLOBAL_READONLY_SUPERUSER_FILTER => ldap_global_readonly_superuser_filter: Option<String> = None;
        /// Filter that restricted users match. Without it, with `FEATURE_RESTRICTED_USERS`, everyone is restricted.
        LDAP_RESTRICTED_USER_FILTER => ldap_restricted_user_filter: Option<String> = None;
        /// Seconds that a search may take.
        LDAP_TIMEOUT => ldap_timeout: u32 = 10;
        /// Seconds to wait for a connection.
        LDAP_NETWORK_TIMEOUT => ldap_network_timeout: u32 = 10;
        /// Follow referrals.
        LDAP_FOLLOW_REFERRALS => ldap_follow_referrals: bool = true;
        /// Fall back to LDAP without TLS.
        LDAP_ALLOW_INSECURE_FALLBACK => ldap_allow_insecure_fallback: bool = false;
        /// Cache answers of the directory.
        FEATURE_LDAP_CACHING => feature_ldap_caching: bool = false, Mark::Since("3.18");
        /// Seconds that such an answer lives.
        LDAP_CACHE_TTL => ldap_cache_ttl: u32 = 5, Mark::Since("3.18");
        /// Keep connections to the directory.
        LDAP_CONNECTION_POOLING => ldap_connection_pooling: bool = true, Mark::Since("3.18");
        /// Most connections to the directory.
        LDAP_POOL_SIZE => ldap_pool_size: u32 = 10, Mark::Since("3.18");
        /// Seconds to wait for a free connection.
        LDAP_POOL_MAX_WAIT => ldap_pool_max_wait: f64 = 5.0, Mark::Since("3.18");
        /// Seconds that a connection is kept.
        LDAP_POOL_CONNECTION_LIFETIME => ldap_pool_connection_lifetime: u32 = 300, Mark::Since("3.18");
        /// URL that checks user name and password.
        JWT_VERIFY_ENDPOINT => jwt_verify_endpoint: Option<HttpUrl> = None;
        /// URL that searches users.
        JWT_QUERY_ENDPOINT => jwt_query_endpoint: Option<HttpUrl> = None;
        /// URL that looks a user up.
        JWT_GETUSER_ENDPOINT => jwt_getuser_endpoint: Option<HttpUrl> = None;
        /// Expected issuer of the answers.
        JWT_AUTH_ISSUER => jwt_auth_issuer: Option<String> = None;
        /// Longest life of an answer in seconds.
        JWT_AUTH_MAX_FRESH_S => jwt_auth_max_fresh_s: u32 = 300;
        /// Version of Keystone, 2 or 3.
        KEYSTONE_AUTH_VERSION => keystone_auth_version: u32 = 2;
        /// Keystone's URL.
        KEYSTONE_AUTH_URL => keystone_auth_url: Option<HttpUrl> = None;
        /// Seconds that Keystone may take.
        KEYSTONE_AUTH_TIMEOUT => keystone_auth_timeout: Option<u32> = None;
        /// Administrator for look-ups.
        KEYSTONE_ADMIN_USERNAME => keystone_admin_username: Option<String> = None;
        /// Password of the administrator.
        KEYSTONE_ADMIN_PASSWORD => keystone_admin_password: Option<Secret> = None;
        /// Tenant of the administrator.
        KEYSTONE_ADMIN_TENANT => keystone_admin_tenant: Option<String> = None;
        /// Sign-in with GitHub.
        FEATURE_GITHUB_LOGIN => feature_github_login: bool = false;
        /// GitHub's client.
        GITHUB_LOGIN_CONFIG => github_login_config: Option<GithubLogin> = None;
        /// Sign-in with Google.
        FEATURE_GOOGLE_LOGIN => feature_google_login: bool = false;
        /// Google's client.
        GOOGLE_LOGIN_CONFIG => google_login_config: Option<GoogleLogin> = None;
        /// The provider that is the internal one.
        INTERNAL_OIDC_SERVICE_ID => internal_oidc_service_id: Option<String> = None, Mark::Undocumented;
        /// Synchronise teams with groups of LDAP, Keystone or OIDC.
        FEATURE_TEAM_SYNCING => feature_team_syncing: bool = false;
        /// Administrators of organizations may set that up.
        FEATURE_NONSUPERUSER_TEAM_SYNCING_SETUP => feature_nonsuperuser_team_syncing_setup: bool = false;
        /// Age at which a team is synchronised again.
        TEAM_RESYNC_STALE_TIME => team_resync_stale_time: Duration = Duration::minutes(30);
        /// Seconds between two rounds of the synchronisation.
        TEAM_SYNC_WORKER_FREQUENCY => team_sync_worker_frequency: u32 = 60;
    }
}
