//! How Bitbucket is reached, and how a person agrees in two steps (RFC 5849 §2).

use std::time::Duration;

use axum::http::Method;
use pierhead_auth::Clock;
use pierhead_client::Client;
use pierhead_config::{Config, Secret};
use url::Url;

use super::{Bitbucket, SERVICE};
use crate::services::hosted::connection::{Connection, Credential, post_form};
use crate::services::hosted::json_path::string;
use crate::services::hosted::oauth1::{Signer, TokenPair};
use crate::services::triggers::hosts::{HostError, Result};

/// Quay's patience with one call.
const PATIENCE: Duration = Duration::from_secs(15);
/// Longest verifier that is passed on, in bytes.
const LONGEST_VERIFIER: usize = 1024;

/// How Bitbucket is reached.
#[derive(Clone, Debug)]
pub(in crate::services::triggers) struct Settings {
    client: Client,
    consumer_key: String,
    consumer_secret: Secret,
    endpoint: String,
    api: String,
}

/// What a person is asked to agree to.
#[derive(Clone, Debug)]
pub(in crate::services::triggers) struct RequestToken {
    /// Names it to Bitbucket.
    pub(in crate::services::triggers) token: String,
    /// Proves later that it was asked for here.
    pub(in crate::services::triggers) secret: Secret,
    /// The page where the person is asked.
    pub(in crate::services::triggers) page: String,
}

impl Settings {
    pub(in super::super) fn new(config: &Config, client: &Client) -> Self {
        let given = config.builds.bitbucket_trigger_config.as_ref();
        let named = given.map(|given| [&given.bitbucket_endpoint, &given.api_endpoint]);
        let [endpoint, api] = named.map_or(
            ["https://bitbucket.org", "https://api.bitbucket.org"],
            |urls| urls.map(|url| url.as_url().as_str()),
        );
        Self {
            client: client.clone(),
            consumer_key: given
                .and_then(|given| given.consumer_key.clone())
                .unwrap_or_default(),
            consumer_secret: given
                .and_then(|given| given.consumer_secret.clone())
                .unwrap_or_else(|| Secret::new("")),
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            api: format!("{}/2.0", api.trim_end_matches('/')),
        }
    }

    /// A token is stored as Quay stores it: the token and its secret with a colon between them.
    pub(in super::super) fn open(&self, token: Option<&Secret>, clock: &Clock) -> Bitbucket {
        let pair = token
            .and_then(|token| token.expose().split_once(':'))
            .unwrap_or(("invalid", "invalid"));
        let pair = TokenPair {
            token: pair.0.to_owned(),
            secret: Secret::new(pair.1),
        };
        let credential = Credential::OAuth1(self.signer(Some(pair), clock));
        Bitbucket {
            connection: Connection::new(&self.client, SERVICE, PATIENCE, &self.api, credential),
            endpoint: self.endpoint.clone(),
        }
    }

    fn signer(&self, pair: Option<TokenPair>, clock: &Clock) -> Signer {
        Signer {
            consumer_key: self.consumer_key.clone(),
            consumer_secret: self.consumer_secret.clone(),
            pair,
            clock: clock.clone(),
        }
    }

    /// Begins: a token that the person can agree to, who is sent to `callback` then.
    pub(in crate::services::triggers) async fn request_token(
        &self,
        callback: &str,
        clock: &Clock,
    ) -> Result<RequestToken> {
        let signer = self.signer(None, clock);
        let given = self
            .token(&signer, "request_token", ("oauth_callback", callback))
            .await?;
        let mut page = self.address("authenticate")?;
        page.query_pairs_mut()
            .append_pair("oauth_token", &given.token);
        Ok(RequestToken {
            token: given.token,
            secret: given.secret,
            page: page.into(),
        })
    }

    /// Ends: the token for a request token that the person agreed to, as it is stored.
    pub(in crate::services::triggers) async fn exchange(
        &self,
        token: &str,
        secret: &Secret,
        verifier: &str,
        clock: &Clock,
    ) -> Result<Secret> {
        if verifier.is_empty() || verifier.len() > LONGEST_VERIFIER {
            return Err(HostError::Refused("Token has expired".to_owned()));
        }
        let pair = TokenPair {
            token: token.to_owned(),
            secret: secret.clone(),
        };
        let signer = self.signer(Some(pair), clock);
        let given = self
            .token(&signer, "access_token", ("oauth_verifier", verifier))
            .await?;
        let stored = format!("{}:{}", given.token, given.secret.expose());
        Ok(Secret::new(stored))
    }

    /// Who a token belongs to: the id of the account, and the nickname.
    pub(in crate::services::triggers) async fn account(
        &self,
        token: &Secret,
        clock: &Clock,
    ) -> Result<(Option<String>, Option<String>)> {
        let bitbucket = self.open(Some(token), clock);
        let user = bitbucket.connection.get("/user", &[]).await?;
        Ok((string(&user, "account_id"), string(&user, "nickname")))
    }

    fn address(&self, step: &str) -> Result<Url> {
        let address = format!("{}/api/1.0/oauth/{step}", self.endpoint);
        Url::parse(&address)
            .map_err(|_| HostError::Failed("BITBUCKET_ENDPOINT is no URL".to_owned()))
    }

    async fn token(
        &self,
        signer: &Signer,
        step: &str,
        parameter: (&str, &str),
    ) -> Result<TokenPair> {
        let url = self.address(step)?;
        let authorization = signer.authorization(&Method::POST, &url, &[parameter])?;
        let answer = post_form(
            &self.client,
            SERVICE,
            url.as_str(),
            &[],
            Some(authorization),
        )
        .await?;
        let value = |name: &str| {
            url::form_urlencoded::parse(&answer.body)
                .find(|(key, value)| key == name && !value.is_empty())
                .map(|(_, value)| value.into_owned())
        };
        match (value("oauth_token"), value("oauth_token_secret")) {
            (Some(token), Some(secret)) => Ok(TokenPair {
                token,
                secret: Secret::new(secret),
            }),
            _ => Err(HostError::Failed(
                "Bitbucket answered without a token".to_owned(),
            )),
        }
    }
}
