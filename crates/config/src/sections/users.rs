//! Users, superusers, robots and who may do what.

use crate::duration::Duration;
use crate::field::{Mark, choice, section};
use crate::secret::Secret;

choice! {
    /// Where avatars come from.
    AvatarKind {
        /// Drawn locally.
        Local = "local",
        /// gravatar.com.
        Gravatar = "gravatar",
    }
}

section! {
    /// Users, superusers, robots and access rules.
    Users {
        /// Names of superusers.
        SUPER_USERS => super_users: Vec<String> = Vec::new();
        /// Names of users who may read everything.
        GLOBAL_READONLY_SUPER_USERS => global_readonly_super_users: Vec<String> = Vec::new();
        /// Superuser functions exist.
        FEATURE_SUPER_USERS => feature_super_users: bool = true;
        /// Superusers may act on what belongs to others.
        FEATURE_SUPERUSERS_FULL_ACCESS => feature_superusers_full_access: bool = false;
        /// Only superusers make organizations.
        FEATURE_SUPERUSERS_ORG_CREATION_ONLY => feature_superusers_org_creation_only: bool = false;
        /// `GET /api/v1/superuser/config` exists.
        FEATURE_SUPERUSER_CONFIGDUMP => feature_superuser_configdump: bool = false;
        /// Restricted users cannot create content in their own namespace.
        FEATURE_RESTRICTED_USERS => feature_restricted_users: bool = false;
        /// Users who are not restricted.
        RESTRICTED_USERS_WHITELIST => restricted_users_whitelist: Option<Vec<String>> = None;
        /// Apply the restriction to robots too.
        RESTRICTED_USER_INCLUDE_ROBOTS => restricted_user_include_robots: Option<bool> = None, Mark::Deprecated("no longer read since robots follow their owner");
        /// Anonymous pull and browsing of public content.
        FEATURE_ANONYMOUS_ACCESS => feature_anonymous_access: bool = true;
        /// Users may register themselves.
        FEATURE_USER_CREATION => feature_user_creation: bool = true;
        /// Registration needs an invitation.
        FEATURE_INVITE_ONLY_USER_CREATION => feature_invite_only_user_creation: bool = false;
        /// Users may rename themselves.
        FEATURE_USER_RENAME => feature_user_rename: bool = false;
        /// Users of an external provider confirm their generated name.
        FEATURE_USERNAME_CONFIRMATION => feature_username_confirmation: bool = true;
        /// Collect name, company and location.
        FEATURE_USER_METADATA => feature_user_metadata: bool = false;
        /// Record the last access of users.
        FEATURE_USER_LAST_ACCESSED => feature_user_last_accessed: bool = true;
        /// The console shows users their log.
        FEATURE_USER_LOG_ACCESS => feature_user_log_access: bool = false;
        /// Adding a team member sends an invitation.
        FEATURE_REQUIRE_TEAM_INVITE => feature_require_team_invite: bool = true;
        /// User search matches prefixes.
        FEATURE_PARTIAL_USER_AUTOCOMPLETE => feature_partial_user_autocomplete: bool = true;
        /// Several organizations may share an e-mail address.
        FEATURE_ORG_SHARED_EMAIL => feature_org_shared_email: bool = false, Mark::Since("3.18");
        /// Refuse the e-mail domains below.
        FEATURE_BLACKLISTED_EMAILS => feature_blacklisted_emails: bool = false;
        /// E-mail domains that are refused.
        BLACKLISTED_EMAIL_DOMAINS => blacklisted_email_domains: Vec<String> = Vec::new();
        /// Captcha at registration and recovery.
        FEATURE_RECAPTCHA => feature_recaptcha: bool = false;
        /// Public key of the captcha.
        RECAPTCHA_SITE_KEY => recaptcha_site_key: Option<String> = None;
        /// Secret key of the captcha.
        RECAPTCHA_SECRET_KEY => recaptcha_secret_key: Option<Secret> = None;
        /// Users who need no captcha.
        RECAPTCHA_WHITELISTED_USERS => recaptcha_whitelisted_users: Vec<String> = Vec::new();
        /// Life of recovery links.
        USER_RECOVERY_TOKEN_LIFETIME => user_recovery_token_lifetime: Duration = Duration::minutes(30);
        /// Users of the local database may sign in while the external provider is down; only superusers may change things.
        ACCOUNT_RECOVERY_MODE => account_recovery_mode: bool = false;
        /// Refuse all use and creation of robots.
        ROBOTS_DISALLOW => robots_disallow: bool = false;
        /// Robots that may be used nevertheless, as `namespace+name`.
        ROBOTS_WHITELIST => robots_whitelist: Vec<String> = Vec::new();
        /// Namespaces in everyone's list.
        PUBLIC_NAMESPACES => public_namespaces: Vec<String> = Vec::new();
        /// Repositories made by a push are private.
        CREATE_PRIVATE_REPO_ON_PUSH => create_private_repo_on_push: bool = true;
        /// A push makes a missing organization.
        CREATE_NAMESPACE_ON_PUSH => create_namespace_on_push: bool = false;
        /// `/v2/_catalog` shows public repositories to everyone.
        FEATURE_PUBLIC_CATALOG => feature_public_catalog: bool = false;
        /// Where avatars come from.
        AVATAR_KIND => avatar_kind: AvatarKind = AvatarKind::Local;
        /// Account that the logs of service keys belong to.
        SERVICE_LOG_ACCOUNT_ID => service_log_account_id: Option<u32> = None, Mark::Undocumented;
    }
}
