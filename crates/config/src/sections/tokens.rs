//! OAuth applications, application tokens, the first user and the machine token.

use std::path::PathBuf;

use crate::duration::Duration;
use crate::field::{Mark, section};

section! {
    /// OAuth applications, application tokens and bootstrap.
    Tokens {
        /// Users may make tokens for applications.
        FEATURE_APP_SPECIFIC_TOKENS => feature_app_specific_tokens: bool = true;
        /// Life of new application tokens; null means for ever.
        APP_SPECIFIC_TOKEN_EXPIRATION => app_specific_token_expiration: Option<Duration> = None;
        /// How long an expired application token is kept.
        EXPIRED_APP_SPECIFIC_TOKEN_GC => expired_app_specific_token_gc: Option<Duration> = Some(Duration::days(1));
        /// Administrators of an organization may make a token for another user.
        FEATURE_ASSIGN_OAUTH_TOKEN => feature_assign_oauth_token: bool = true;
        /// Client ids that skip the consent page.
        DIRECT_OAUTH_CLIENTID_WHITELIST => direct_oauth_clientid_whitelist: Vec<String> = Vec::new();
        /// The built-in redirect target.
        LOCAL_OAUTH_HANDLER => local_oauth_handler: String = "/oauth/localapp".into();
        /// Most tokens of one application.
        OAUTH_APPLICATION_MAXIMUM_TOKEN_COUNT => oauth_application_maximum_token_count: Option<u32> = None, Mark::Since("3.18");
        /// Seconds between two records of an OAuth token's last use.
        OAUTH_TOKEN_LAST_ACCESSED_UPDATE_THRESHOLD_S => oauth_token_last_accessed_update_threshold_s: u32 = 60, Mark::Since("3.18");
        /// Seconds between two records of the last use of users, robots and application tokens.
        LAST_ACCESSED_UPDATE_THRESHOLD_S => last_accessed_update_threshold_s: u32 = 60;
        /// Greatest age of registry tokens in seconds.
        REGISTRY_JWT_AUTH_MAX_FRESH_S => registry_jwt_auth_max_fresh_s: u32 = 3660;
        /// `POST /api/v1/user/initialize` makes the first user.
        FEATURE_USER_INITIALIZE => feature_user_initialize: bool = false;
        /// Write a machine token at start.
        FEATURE_PROGRAMMATIC_BOOTSTRAP => feature_programmatic_bootstrap: bool = false, Mark::Since("3.18");
        /// User that owns the machine token.
        BOOTSTRAP_TOKEN_OWNER => bootstrap_token_owner: Option<String> = None, Mark::Since("3.18");
        /// File of the machine token.
        BOOTSTRAP_TOKEN_PATH => bootstrap_token_path: PathBuf = PathBuf::from("/var/lib/quay/quay-machine-token.json"), Mark::Since("3.18");
        /// Life of the machine token in seconds.
        BOOTSTRAP_TOKEN_EXPIRATION => bootstrap_token_expiration: u32 = 3600, Mark::Since("3.18");
        /// Scopes of the machine token.
        BOOTSTRAP_TOKEN_SCOPE => bootstrap_token_scope: String = "org:admin repo:admin repo:create repo:read repo:write super:user user:admin user:read".into(), Mark::Since("3.18");
        /// Newer name of the file of the machine token.
        PROGRAMMATIC_TOKEN_PATH => programmatic_token_path: Option<PathBuf> = None, Mark::Since("3.18");
        /// Kubernetes secret that receives the machine token.
        PROGRAMMATIC_TOKEN_K8S_SECRET => programmatic_token_k8s_secret: Option<String> = None, Mark::Since("3.18");
        /// Key inside that secret.
        PROGRAMMATIC_TOKEN_K8S_KEY => programmatic_token_k8s_key: String = "token.json".into(), Mark::Since("3.18");
        /// Namespace of that secret.
        PROGRAMMATIC_TOKEN_K8S_NAMESPACE => programmatic_token_k8s_namespace: Option<String> = None, Mark::Since("3.18");
    }
}
