//! What is asked of an identity provider.

use async_trait::async_trait;
use pierhead_auth::accounts::ExternalIdentity;
use serde_json::Value;

use super::Refusal;

/// What a browser is sent to a provider for, which decides on where it comes back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To sign in.
    SignIn,
    /// To link the identity to who is signed in.
    Attach,
    /// To get a token for command-line clients.
    CommandLine,
}

impl Purpose {
    /// Where the provider sends the browser back to; the path is Quay's.
    pub(crate) fn redirect_uri(self, base_url: &str, service: &str) -> String {
        let suffix = match self {
            Self::SignIn => "",
            Self::Attach => "/attach",
            Self::CommandLine => "/cli",
        };
        format!("{base_url}/oauth2/{service}/callback{suffix}")
    }
}

/// An identity provider.
#[async_trait]
pub(crate) trait LoginService: Send + Sync {
    /// What it is called in addresses, and in the database.
    fn id(&self) -> &str;

    /// What people call it.
    fn title(&self) -> &str;

    /// A class of Font Awesome, or a URL.
    fn icon(&self) -> &str;

    /// What anybody may know of how it is configured.
    fn public_config(&self) -> Value;

    /// Where a browser is sent. It comes back to `redirect_uri` with the `state`.
    fn authorization_url(&self, redirect_uri: &str, state: &str) -> String;

    /// Who came back to `redirect_uri` with that code.
    async fn identify(&self, code: &str, redirect_uri: &str) -> Result<ExternalIdentity, Refusal>;
}

/// An address with these parameters.
pub(super) fn with_query(address: &str, parameters: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    format!("{address}?{query}")
}
