//! GitHub and GitHub Enterprise Server (`GITHUB_LOGIN_CONFIG`), by the REST API (<https://docs.github.com/rest/users>).
//!
//! On github.com only a verified address counts. An enterprise server need not verify any: there the primary one counts, as in
//! Quay, which believes it on github.com too.

use std::time::Duration;

use async_trait::async_trait;
use pierhead_auth::accounts::ExternalIdentity;
use pierhead_client::Client;
use pierhead_config::GithubLogin;
use serde_json::{Value, json};

use super::service::{LoginService, with_query};
use super::{LONGEST_CALL, Refusal};
use crate::services::hosted::connection::{Connection, Credential, Paging};
use crate::services::hosted::github_addresses::GitHubAddresses;
use crate::services::hosted::json_path::{at, string, text};
use crate::services::hosted::oauth2::OAuthClient;

const ID: &str = "github";
const ICON: &str = "fa-github";
const PATIENCE: Duration = LONGEST_CALL;
/// Most e-mail addresses of a person that are looked at.
const MOST_EMAILS: usize = 100;
const PAGING: Paging = Paging {
    size: 100,
    parameter: "per_page",
};

/// GitHub, or a server of it.
pub(super) struct GitHub {
    client: Client,
    oauth: OAuthClient,
    addresses: GitHubAddresses,
    /// `ORG_RESTRICT`.
    restricted: bool,
    /// `ALLOWED_ORGANIZATIONS` in lower case.
    organizations: Vec<String>,
}

impl GitHub {
    pub(super) fn new(config: &GithubLogin, client: &Client) -> Self {
        let organizations = config.allowed_organizations.iter();
        Self {
            client: client.clone(),
            oauth: OAuthClient {
                id: config.client_id.clone().unwrap_or_default(),
                secret: config.client_secret.clone(),
            },
            addresses: GitHubAddresses::of(
                Some(&config.github_endpoint),
                config.api_endpoint.as_ref(),
            ),
            restricted: config.org_restrict,
            organizations: organizations.map(|name| name.to_lowercase()).collect(),
        }
    }

    fn name(&self) -> &'static str {
        if self.addresses.is_enterprise() {
            "GitHub Enterprise"
        } else {
            "GitHub"
        }
    }

    /// Refuses who is in none of the organizations that people are to be of.
    async fn check_organizations(&self, api: &Connection) -> Result<(), Refusal> {
        if !self.restricted {
            return Ok(());
        }
        let is_allowed = |organization: &Value| {
            text(organization, "login")
                .is_some_and(|login| self.organizations.contains(&login.to_lowercase()))
        };
        let found = api.any_numbered("/user/orgs", PAGING, is_allowed).await;
        if found
            .map_err(|error| Refusal::unanswered("Got non-2XX response for org lookup", error))?
        {
            return Ok(());
        }
        Err(Refusal::new(
            "You are not a member of an allowed GitHub organization. Please contact your system administrator if you \
             believe this is in error.",
        ))
    }
}

#[async_trait]
impl LoginService for GitHub {
    fn id(&self) -> &str {
        ID
    }

    fn title(&self) -> &str {
        self.name()
    }

    fn icon(&self) -> &str {
        ICON
    }

    fn public_config(&self) -> Value {
        json!({
            "CLIENT_ID": self.oauth.id,
            "AUTHORIZE_ENDPOINT": self.addresses.authorize_url(),
            "GITHUB_ENDPOINT": self.addresses.endpoint,
            "ORG_RESTRICT": self.restricted,
        })
    }

    fn authorization_url(&self, redirect_uri: &str, state: &str) -> String {
        let scope = if self.restricted {
            "user:email read:org"
        } else {
            "user:email"
        };
        with_query(
            &self.addresses.authorize_url(),
            &[
                ("client_id", &self.oauth.id),
                ("redirect_uri", redirect_uri),
                ("scope", scope),
                ("state", state),
            ],
        )
    }

    async fn identify(&self, code: &str, redirect_uri: &str) -> Result<ExternalIdentity, Refusal> {
        let (name, url) = (self.name(), self.addresses.token_url());
        let token = self
            .oauth
            .exchange(&self.client, name, &url, code, redirect_uri)
            .await
            .map_err(Refusal::without_token)?;
        let credential = Credential::token("Bearer", &token);
        let api = Connection::new(
            &self.client,
            name,
            PATIENCE,
            &self.addresses.api,
            credential,
        )
        .accepting("application/vnd.github+json");
        let user = api.get("/user", &[]).await.map_err(|error| {
            Refusal::unanswered("Non-2XX response code for user_info call", error)
        })?;
        let (ident, username) = who(&user)?;
        self.check_organizations(&api).await?;
        let emails = api
            .numbered("/user/emails", &[], PAGING, Some(MOST_EMAILS))
            .await;
        let emails = emails.map_err(|error| {
            Refusal::unanswered("Got non-2XX status code for emails endpoint", error)
        })?;
        Ok(ExternalIdentity {
            service: ID.to_owned(),
            ident,
            username,
            email: address(&emails, self.addresses.is_enterprise()),
        })
    }
}

/// The number and the name of a user.
fn who(user: &Value) -> Result<(String, String), Refusal> {
    let ident = match at(user, "id") {
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) if !text.is_empty() => text.clone(),
        _ => {
            let text = "Missing `id` column in returned user information";
            return Err(Refusal::new(text));
        }
    };
    let username = string(user, "login")
        .ok_or_else(|| Refusal::new("Missing `login` column in returned user information"))?;
    Ok((ident, username))
}

/// The address of a user: the primary one if it counts, or else the first that does.
fn address(emails: &[Value], is_enterprise: bool) -> Option<String> {
    let is = |email: &&Value, key: &str| email[key] == true;
    let counts = |email: &&Value| is(email, "verified") || (is_enterprise && is(email, "primary"));
    let counting = || emails.iter().filter(counts);
    counting()
        .find(|email| is(email, "primary"))
        .or_else(|| counting().next())
        .and_then(|email| string(email, "email"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn email(name: &str, primary: bool, verified: bool) -> Value {
        json!({ "email": format!("{name}@example.com"), "primary": primary, "verified": verified })
    }

    #[test]
    fn an_address_must_be_verified_unless_a_server_of_the_own_company_says_that_it_is_the_primary_one()
     {
        let found = |emails: &[Value], enterprise| {
            let found = address(emails, enterprise)?;
            Some(found.strip_suffix("@example.com").unwrap().to_owned())
        };
        let (other, primary) = (email("other", false, true), email("primary", true, true));
        let unverified = email("unverified", true, false);
        let nothing = email("nothing", false, false);
        for enterprise in [false, true] {
            let both = [other.clone(), primary.clone()];
            assert_eq!(found(&both, enterprise).as_deref(), Some("primary"));
            let one = [nothing.clone(), other.clone()];
            assert_eq!(found(&one, enterprise).as_deref(), Some("other"));
            assert_eq!(found(std::slice::from_ref(&nothing), enterprise), None);
            assert_eq!(found(&[], enterprise), None);
        }
        let mixed = [other, unverified.clone()];
        assert_eq!(found(&mixed, false).as_deref(), Some("other"));
        assert_eq!(found(&mixed, true).as_deref(), Some("unverified"));
        let alone = [unverified];
        assert_eq!(found(&alone, false), None);
        assert_eq!(found(&alone, true).as_deref(), Some("unverified"));
    }

    #[test]
    fn a_user_has_a_number_and_a_name() {
        let mona = json!({ "id": 583_231, "login": "octocat" });
        assert_eq!(
            who(&mona).unwrap(),
            ("583231".to_owned(), "octocat".to_owned())
        );
        for other in [
            json!({}),
            json!({ "id": null, "login": "octocat" }),
            json!({ "id": 1 }),
            json!([]),
        ] {
            assert!(who(&other).is_err(), "{other}");
        }
    }
}
