//! How GitHub is reached, and how a code becomes a token.

use std::time::Duration;

use pierhead_client::Client;
use pierhead_config::{Config, Secret};

use super::{GitHub, SERVICE};
use crate::services::triggers::hosts::Result;
use crate::services::triggers::hosts::connection::{Connection, Credential};
use crate::services::triggers::hosts::oauth2::OAuthClient;

/// Quay's patience with one call.
const PATIENCE: Duration = Duration::from_secs(5);

/// How GitHub is reached.
#[derive(Clone, Debug)]
pub(in super::super) struct Settings {
    client: Client,
    oauth: OAuthClient,
    endpoint: String,
    api: String,
}

impl Settings {
    pub(in super::super) fn new(config: &Config, client: &Client) -> Self {
        let given = config.builds.github_trigger_config.as_ref();
        let named = given.and_then(|github| github.github_endpoint.as_ref());
        let named_api = given.and_then(|github| github.api_endpoint.as_ref());
        let endpoint = named.map_or("https://github.com", |url| url.as_url().as_str());
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        let api = match named_api {
            Some(url) => url.as_url().to_string(),
            None if endpoint == "https://github.com" => "https://api.github.com".to_owned(),
            None => format!("{endpoint}/api/v3"),
        };
        Self {
            client: client.clone(),
            oauth: OAuthClient {
                id: given
                    .and_then(|github| github.client_id.clone())
                    .unwrap_or_default(),
                secret: given.and_then(|github| github.client_secret.clone()),
            },
            endpoint,
            api,
        }
    }

    /// Without a token, the registry asks in its own name.
    pub(in super::super) fn open(&self, token: Option<&Secret>) -> GitHub {
        let credential = match token {
            Some(token) => Credential::token("token", token),
            None => Credential::basic(&self.oauth.id, self.oauth.secret.as_ref()),
        };
        GitHub(
            Connection::new(&self.client, SERVICE, PATIENCE, &self.api, credential)
                .accepting("application/vnd.github+json"),
        )
    }

    pub(in super::super) async fn exchange(&self, code: &str, base_url: &str) -> Result<Secret> {
        let url = format!("{}/login/oauth/access_token", self.endpoint);
        let redirect_uri = format!("{base_url}/oauth2/github/callback");
        self.oauth
            .exchange(&self.client, SERVICE, &url, code, &redirect_uri)
            .await
    }
}
