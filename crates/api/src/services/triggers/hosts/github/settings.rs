//! How GitHub is reached, and how a code becomes a token.

use std::time::Duration;

use pierhead_client::Client;
use pierhead_config::{Config, Secret};

use super::{GitHub, SERVICE};
use crate::services::hosted::Result;
use crate::services::hosted::connection::{Connection, Credential};
use crate::services::hosted::github_addresses::GitHubAddresses;
use crate::services::hosted::oauth2::OAuthClient;
use crate::services::triggers::hosts::without_token;

/// Quay's patience with one call.
const PATIENCE: Duration = Duration::from_secs(5);

/// How GitHub is reached.
#[derive(Clone, Debug)]
pub(in super::super) struct Settings {
    client: Client,
    oauth: OAuthClient,
    addresses: GitHubAddresses,
}

impl Settings {
    pub(in super::super) fn new(config: &Config, client: &Client) -> Self {
        let given = config.builds.github_trigger_config.as_ref();
        let addresses = GitHubAddresses::of(
            given.and_then(|github| github.github_endpoint.as_ref()),
            given.and_then(|github| github.api_endpoint.as_ref()),
        );
        Self {
            client: client.clone(),
            oauth: OAuthClient {
                id: given
                    .and_then(|github| github.client_id.clone())
                    .unwrap_or_default(),
                secret: given.and_then(|github| github.client_secret.clone()),
            },
            addresses,
        }
    }

    /// Without a token, the registry asks in its own name.
    pub(in super::super) fn open(&self, token: Option<&Secret>) -> GitHub {
        let credential = match token {
            Some(token) => Credential::token("token", token),
            None => Credential::basic(&self.oauth.id, self.oauth.secret.as_ref()),
        };
        GitHub(
            Connection::new(
                &self.client,
                SERVICE,
                PATIENCE,
                &self.addresses.api,
                credential,
            )
            .accepting("application/vnd.github+json"),
        )
    }

    pub(in super::super) async fn exchange(&self, code: &str, base_url: &str) -> Result<Secret> {
        let url = self.addresses.token_url();
        let redirect_uri = format!("{base_url}/oauth2/github/callback");
        self.oauth
            .exchange(&self.client, SERVICE, &url, code, &redirect_uri)
            .await
            .map_err(|error| without_token(SERVICE, error))
    }
}
