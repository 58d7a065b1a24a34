//! Google (`GOOGLE_LOGIN_CONFIG`), by OAuth 2.0 and the user information of its version 1, as Quay asks for it.

use std::time::Duration;

use async_trait::async_trait;
use pierhead_auth::accounts::ExternalIdentity;
use pierhead_client::Client;
use pierhead_config::GoogleLogin;
use serde_json::{Value, json};

use super::service::{LoginService, with_query};
use super::{LONGEST_CALL, Refusal};
use crate::services::hosted::connection::{Connection, Credential};
use crate::services::hosted::json_path::{string, text};
use crate::services::hosted::oauth2::OAuthClient;

const ID: &str = "google";
const ICON: &str = "fa-google";
const NAME: &str = "Google";
const PATIENCE: Duration = LONGEST_CALL;

/// Google.
pub(super) struct Google {
    client: Client,
    oauth: OAuthClient,
    /// Of its pages and its OAuth, without a slash at the end.
    endpoint: String,
    api: String,
}

impl Google {
    pub(super) fn new(config: &GoogleLogin, client: &Client) -> Self {
        let plain =
            |url: &pierhead_config::HttpUrl| url.as_url().as_str().trim_end_matches('/').to_owned();
        Self {
            client: client.clone(),
            oauth: OAuthClient {
                id: config.client_id.clone().unwrap_or_default(),
                secret: config.client_secret.clone(),
            },
            endpoint: plain(&config.google_endpoint),
            api: plain(&config.api_endpoint),
        }
    }

    fn authorize_url(&self) -> String {
        format!("{}/o/oauth2/auth", self.endpoint)
    }
}

#[async_trait]
impl LoginService for Google {
    fn id(&self) -> &str {
        ID
    }

    fn title(&self) -> &str {
        NAME
    }

    fn icon(&self) -> &str {
        ICON
    }

    fn public_config(&self) -> Value {
        json!({
            "CLIENT_ID": self.oauth.id,
            "AUTHORIZE_ENDPOINT": with_query(&self.authorize_url(), &[("response_type", "code")]),
        })
    }

    fn authorization_url(&self, redirect_uri: &str, state: &str) -> String {
        with_query(
            &self.authorize_url(),
            &[
                ("response_type", "code"),
                ("client_id", &self.oauth.id),
                ("redirect_uri", redirect_uri),
                ("scope", "openid email"),
                ("state", state),
            ],
        )
    }

    async fn identify(&self, code: &str, redirect_uri: &str) -> Result<ExternalIdentity, Refusal> {
        let url = format!("{}/o/oauth2/token", self.endpoint);
        let token = self
            .oauth
            .exchange(&self.client, NAME, &url, code, redirect_uri)
            .await
            .map_err(Refusal::without_token)?;
        let credential = Credential::token("Bearer", &token);
        let api = Connection::new(&self.client, NAME, PATIENCE, &self.api, credential);
        let user = api.get("/oauth2/v1/userinfo", &[("alt", "json")]).await;
        let user = user.map_err(|error| {
            Refusal::unanswered("Non-2XX response code for user_info call", error)
        })?;
        identity(&user)
    }
}

/// Who a user is: the name is what stands before the `@` of the address, whether that is verified or not.
fn identity(user: &Value) -> Result<ExternalIdentity, Refusal> {
    let missing = |key: &str| {
        Refusal::new(format!(
            "Missing `{key}` column in returned user information"
        ))
    };
    let ident = string(user, "id").ok_or_else(|| missing("id"))?;
    let email = text(user, "email").ok_or_else(|| missing("email"))?;
    let username = match email.split_once('@') {
        Some((name, _)) if !name.is_empty() => name,
        _ => email,
    };
    Ok(ExternalIdentity {
        service: ID.to_owned(),
        ident,
        username: username.to_owned(),
        email: (user["verified_email"] == true).then(|| email.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_user_is_called_like_the_address_and_has_it_if_it_is_verified() {
        let mut user =
            json!({ "id": "1138", "email": "mona.cat@example.com", "verified_email": true });
        let found = identity(&user).unwrap();
        assert_eq!((&*found.ident, &*found.username), ("1138", "mona.cat"));
        assert_eq!(found.email.as_deref(), Some("mona.cat@example.com"));
        for unverified in [json!(false), json!("true"), json!(null)] {
            user["verified_email"] = unverified;
            let found = identity(&user).unwrap();
            assert_eq!((&*found.username, found.email), ("mona.cat", None));
        }
        for missing in ["id", "email"] {
            let mut user = user.clone();
            user[missing] = json!(null);
            let text = format!("Missing {missing} column in returned user information");
            assert_eq!(identity(&user).unwrap_err().text(), text);
        }
    }
}
