//! Who signs in, and how.

use std::collections::BTreeMap;

use super::Rules;
use crate::login::service_id;
use crate::problem::{At, Found};
use crate::secret::Secret;
use crate::sections::auth::AuthenticationType;

pub(super) fn check(rules: &mut Rules<'_>) {
    ways_in(rules);
    backend(rules);
    github_and_google(rules);
    oidc(rules);
}

fn ways_in(rules: &mut Rules<'_>) {
    let config = rules.config;
    let auth = &config.auth;
    let any = auth.feature_direct_login
        || auth.feature_github_login
        || auth.feature_google_login
        || !config.oidc_logins.is_empty();
    rules.expect(
        any,
        &At::key("FEATURE_DIRECT_LOGIN"),
        Found::text("false"),
        "true, unless GitHub, Google or an OpenID Connect provider is configured",
    );
    if config.users.feature_invite_only_user_creation {
        rules.expect(
            config.users.feature_user_creation,
            &At::key("FEATURE_USER_CREATION"),
            Found::text("false"),
            "true with FEATURE_INVITE_ONLY_USER_CREATION",
        );
    }
    if config.tokens.feature_programmatic_bootstrap {
        rules.expect_given(
            config.tokens.bootstrap_token_owner.as_ref(),
            &At::key("BOOTSTRAP_TOKEN_OWNER"),
            "required with FEATURE_PROGRAMMATIC_BOOTSTRAP: the name of a user",
        );
    }
}

fn backend(rules: &mut Rules<'_>) {
    let config = rules.config;
    let auth = &config.auth;
    match auth.authentication_type {
        AuthenticationType::Database => {}
        AuthenticationType::Ldap => {
            let required = "required with AUTHENTICATION_TYPE LDAP";
            rules.expect_given(
                auth.ldap_base_dn.as_ref(),
                &At::key("LDAP_BASE_DN"),
                required,
            );
            rules.expect_given(
                auth.ldap_admin_dn.as_ref(),
                &At::key("LDAP_ADMIN_DN"),
                required,
            );
            rules.expect_given(
                auth.ldap_admin_passwd.as_ref(),
                &At::key("LDAP_ADMIN_PASSWD"),
                required,
            );
            rules.expect(
                auth.ldap_uri.starts_with("ldap://") || auth.ldap_uri.starts_with("ldaps://"),
                &At::key("LDAP_URI"),
                Found::Kind("a text without that scheme"),
                "ldap://host or ldaps://host",
            );
        }
        AuthenticationType::Jwt => {
            let required = "required with AUTHENTICATION_TYPE JWT";
            rules.expect_given(
                auth.jwt_verify_endpoint.as_ref(),
                &At::key("JWT_VERIFY_ENDPOINT"),
                required,
            );
            rules.expect_given(
                auth.jwt_auth_issuer.as_ref(),
                &At::key("JWT_AUTH_ISSUER"),
                required,
            );
        }
        AuthenticationType::Keystone => {
            let required = "required with AUTHENTICATION_TYPE Keystone";
            rules.expect_given(
                auth.keystone_auth_url.as_ref(),
                &At::key("KEYSTONE_AUTH_URL"),
                required,
            );
            rules.expect(
                matches!(auth.keystone_auth_version, 2 | 3),
                &At::key("KEYSTONE_AUTH_VERSION"),
                Found::text(&auth.keystone_auth_version.to_string()),
                "2 or 3",
            );
        }
        AuthenticationType::Oidc => {
            if config.oidc_logins.is_empty() {
                rules.refuse(
                    &At::key("AUTHENTICATION_TYPE"),
                    Found::text("OIDC"),
                    "OIDC together with a <PREFIX>_LOGIN_CONFIG",
                );
            }
        }
        AuthenticationType::AppToken => {
            rules.expect(
                config.tokens.feature_app_specific_tokens,
                &At::key("FEATURE_APP_SPECIFIC_TOKENS"),
                Found::text("false"),
                "true with AUTHENTICATION_TYPE AppToken",
            );
            rules.expect(
                !auth.feature_direct_login,
                &At::key("FEATURE_DIRECT_LOGIN"),
                Found::text("true"),
                "false with AUTHENTICATION_TYPE AppToken",
            );
        }
    }
}

fn github_and_google(rules: &mut Rules<'_>) {
    let auth = &rules.config.auth;
    if auth.feature_github_login {
        let at = At::key("GITHUB_LOGIN_CONFIG");
        let required = "required with FEATURE_GITHUB_LOGIN";
        if let Some(github) = &auth.github_login_config {
            let (id, secret) = (&github.client_id, &github.client_secret);
            client(rules, &at, id.as_ref(), secret.as_ref(), required);
            if github.org_restrict {
                rules.expect_given(
                    github.allowed_organizations.first(),
                    &at.child("ALLOWED_ORGANIZATIONS"),
                    "required with ORG_RESTRICT: at least one organization",
                );
            }
        } else {
            rules.expect(false, &at, Found::Missing, required);
        }
    }
    if auth.feature_google_login {
        let at = At::key("GOOGLE_LOGIN_CONFIG");
        let required = "required with FEATURE_GOOGLE_LOGIN";
        if let Some(google) = &auth.google_login_config {
            let (id, secret) = (&google.client_id, &google.client_secret);
            client(rules, &at, id.as_ref(), secret.as_ref(), required);
        } else {
            rules.expect(false, &at, Found::Missing, required);
        }
    }
}

/// A client of a provider has an id and a secret.
fn client(
    rules: &mut Rules<'_>,
    at: &At,
    id: Option<&String>,
    secret: Option<&Secret>,
    required: &str,
) {
    let id = id.filter(|id| !id.is_empty());
    rules.expect_given(id, &at.child("CLIENT_ID"), required);
    let secret = secret.filter(|secret| !secret.is_empty());
    rules.expect_given(secret, &at.child("CLIENT_SECRET"), required);
}

fn oidc(rules: &mut Rules<'_>) {
    let config = rules.config;
    let mut ids: BTreeMap<String, &str> = BTreeMap::new();
    for (key, login) in &config.oidc_logins {
        let at = At::key(key);
        let server = login.oidc_server.as_url();
        rules.expect(
            server.as_str().ends_with('/'),
            &at.child("OIDC_SERVER"),
            Found::text(&login.oidc_server.to_string()),
            "a URL that ends in /",
        );
        rules.expect(
            server.scheme() == "https" || login.debugging || config.server.debugging,
            &at.child("OIDC_SERVER"),
            Found::text(&login.oidc_server.to_string()),
            "an https:// URL, unless DEBUGGING is true",
        );
        if !login.public_client {
            rules.expect_given(
                login.client_secret.as_ref(),
                &at.child("CLIENT_SECRET"),
                "required unless PUBLIC_CLIENT is true",
            );
        }
        if let Some(other) = ids.insert(service_id(key), key) {
            rules.warn(
                &at,
                format!("has the same service id `{}` as {other}", service_id(key)),
            );
        }
    }
    if let Some(id) = &config.auth.internal_oidc_service_id
        && !ids.contains_key(id)
    {
        rules.warn(
            &At::key("INTERNAL_OIDC_SERVICE_ID"),
            format!("{id} is the service id of no <PREFIX>_LOGIN_CONFIG"),
        );
    }
}
