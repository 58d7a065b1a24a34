//! External login providers.

use std::collections::BTreeMap;

use crate::field::{Mark, choice, object};
use crate::network::HttpUrl;
use crate::secret::Secret;

object! {
    /// `GITHUB_LOGIN_CONFIG`.
    GithubLogin {
        /// Client id; required when the feature is on.
        CLIENT_ID => client_id: Option<String> = None;
        /// Client secret; required when the feature is on.
        CLIENT_SECRET => client_secret: Option<Secret> = None;
        /// GitHub itself or an enterprise server.
        GITHUB_ENDPOINT => github_endpoint: HttpUrl = HttpUrl::fixed("https://github.com");
        /// API; by default the endpoint with `/api/v3/`, or `https://api.github.com/`.
        API_ENDPOINT => api_endpoint: Option<HttpUrl> = None;
        /// Only members of the organizations below.
        ORG_RESTRICT => org_restrict: bool = false;
        /// Organizations whose members may sign in.
        ALLOWED_ORGANIZATIONS => allowed_organizations: Vec<String> = Vec::new();
    }
}

object! {
    /// `GOOGLE_LOGIN_CONFIG`.
    GoogleLogin {
        /// Client id; required when the feature is on.
        CLIENT_ID => client_id: Option<String> = None;
        /// Client secret; required when the feature is on.
        CLIENT_SECRET => client_secret: Option<Secret> = None;
        /// Google's pages and its OAuth; Quay always calls `https://accounts.google.com/`.
        GOOGLE_ENDPOINT => google_endpoint: HttpUrl = HttpUrl::fixed("https://accounts.google.com");
        /// Google's API; Quay always calls `https://www.googleapis.com/`.
        API_ENDPOINT => api_endpoint: HttpUrl = HttpUrl::fixed("https://www.googleapis.com");
    }
}

choice! {
    /// By what an external user is bound to an existing one.
    LoginBindingField {
        /// The subject of the token.
        Subject = "sub",
        /// The user name.
        Username = "username",
        /// The e-mail address.
        Email = "email",
    }
}

choice! {
    /// How the PKCE challenge is made.
    PkceMethod {
        /// SHA-256.
        S256 = "S256",
        /// As it is.
        Plain = "plain",
    }
}

object! {
    /// `<PREFIX>_LOGIN_CONFIG`: an OpenID Connect provider.
    OidcLogin {
        /// Issuer URL, ending in `/`; https unless `DEBUGGING`.
        OIDC_SERVER => oidc_server: HttpUrl;
        /// Client id.
        CLIENT_ID => client_id: String;
        /// Client secret; required unless `PUBLIC_CLIENT`.
        CLIENT_SECRET => client_secret: Option<Secret> = None;
        /// Label; by default the service id.
        SERVICE_NAME => service_name: Option<String> = None;
        /// Icon: a URL or a class.
        SERVICE_ICON => service_icon: String = "fa-user-circle".into();
        /// Scopes to ask for; by default those of the provider's discovery.
        LOGIN_SCOPES => login_scopes: Option<Vec<String>> = None;
        /// By what users are bound to existing ones when the backend is federated.
        LOGIN_BINDING_FIELD => login_binding_field: Option<LoginBindingField> = None;
        /// Claim with the user name.
        PREFERRED_USERNAME_CLAIM_NAME => preferred_username_claim_name: String = "preferred_username".into();
        /// Claim with an e-mail address that is verified already.
        VERIFIED_EMAIL_CLAIM_NAME => verified_email_claim_name: Option<String> = None;
        /// Claim with the groups.
        PREFERRED_GROUP_CLAIM_NAME => preferred_group_claim_name: Option<String> = None;
        /// Group whose members are superusers.
        SUPERUSER_GROUP => superuser_group: Option<String> = None, Mark::Undocumented;
        /// Group whose members may read everything.
        GLOBAL_READONLY_SUPERUSER_GROUP => global_readonly_superuser_group: Option<String> = None, Mark::Undocumented;
        /// Use the claims of the ID token only.
        OIDC_DISABLE_USER_ENDPOINT => oidc_disable_user_endpoint: bool = false;
        /// Further query parameters for `authorization_endpoint`, `token_endpoint` and `user_endpoint`.
        OIDC_ENDPOINT_CUSTOM_PARAMS => oidc_endpoint_custom_params: BTreeMap<String, BTreeMap<String, Secret>> = BTreeMap::new();
        /// Expected issuer; by default the one of discovery.
        OIDC_ISSUER => oidc_issuer: Option<String> = None;
        /// Several expected issuers; wins over `OIDC_ISSUER`.
        OIDC_ISSUERS => oidc_issuers: Option<Vec<String>> = None, Mark::Since("3.18");
        /// Audiences of bearer tokens beside the client id.
        OIDC_AUDIENCES => oidc_audiences: Vec<String> = Vec::new(), Mark::Since("3.18");
        /// Clients (`azp`) whose tokens are accepted.
        OIDC_ALLOWED_CLIENTS => oidc_allowed_clients: Option<Vec<String>> = None, Mark::Since("3.18");
        /// Use PKCE.
        USE_PKCE => use_pkce: bool = false, Mark::Since("3.17");
        /// How the PKCE challenge is made.
        PKCE_METHOD => pkce_method: PkceMethod = PkceMethod::S256, Mark::Since("3.17");
        /// The client has no secret.
        PUBLIC_CLIENT => public_client: bool = false, Mark::Since("3.17");
        /// Allow http and do not check certificates.
        DEBUGGING => debugging: bool = false;
    }
}

/// The end of the keys of login providers.
pub(crate) const LOGIN_SUFFIX: &str = "_LOGIN_CONFIG";

/// Prefixes that Quay refuses, because user backends go by these names.
pub(crate) const REFUSED_PREFIXES: &[&str] = &["LDAP", "JWT", "KEYSTONE"];

/// The id of a provider in callback addresses and in the database: the text before the first `_` of
/// its key, in lower case.
pub fn service_id(key: &str) -> String {
    key.split('_').next().unwrap_or(key).to_ascii_lowercase()
}
