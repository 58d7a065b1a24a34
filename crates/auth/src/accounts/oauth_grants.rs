//! The OAuth provider: how a person gives an application a token (RFC 6749, implicit and code grant), and how an
//! administrator assigns one that the person takes later (api-v1.md §6.2).
//!
//! Tokens and codes are stored as Quay stores them. A code is good for ten minutes and once; Quay's own codes carry no time
//! and are good until they are used.

use chrono::{DateTime, Duration};
use pierhead_config::Secret;
use pierhead_db::UserId;
use pierhead_db::encoding::random;
use pierhead_db::queries::oauth_applications::{self, Application};
use pierhead_db::queries::oauth_grants::{self, Assignment, NewAssignment, NewCode};
use pierhead_db::queries::oauth_tokens::{self, Authorization, NewAccessToken};
use pierhead_db::queries::organizations;
use serde_json::{Value, json};

use super::audit::Event;
use super::oauth_tokens::{BEARER, OAUTH_TOKEN_LIFETIME_S};
use super::users::find_person;
use super::{Accounts, AccountsError, Actor, Result, names, uuid4};
use crate::scopes::Scopes;

/// `notificationkind.name` of what tells people that something was assigned to them.
const ASSIGNED: &str = "assigned_authorization";
/// How long a code may be exchanged: RFC 6749 §4.1.2 recommends at most this.
const CODE_LIFETIME: Duration = Duration::minutes(10);
/// Most characters of scopes and redirect URIs.
const MAX_TEXT_LEN: usize = 255;
/// Compared with a wrong code where there is none, so that both take as long.
const NO_CODE: &str = "$2b$12$9CDSpI7s1JDGmD6Vc2Ia.e2mUy4tV847m5QiH7llOWtnYJsA3x/Bq";

/// Why a code is not exchanged for a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// No application has that client id and secret.
    #[error("invalid_client")]
    InvalidClient,
    /// The code is unknown, used, too old, of other scopes, or the redirect URI is not the application's.
    #[error("invalid_grant")]
    InvalidGrant,
    /// The scopes are none.
    #[error("invalid_scope")]
    InvalidScope,
    /// Our fault.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
}

impl From<pierhead_db::Error> for ExchangeError {
    fn from(error: pierhead_db::Error) -> Self {
        Self::Accounts(error.into())
    }
}

/// What an application presents for a token.
#[derive(Clone, Debug)]
pub struct CodeExchange {
    /// The application.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// The code.
    pub code: Secret,
    /// The scopes, exactly as the code was asked for.
    pub scope: String,
}

impl Accounts {
    /// Whether a person administers an organization through one of its teams. As in Quay, nothing else counts here: not that
    /// somebody owns a namespace, nor that they are a superuser.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_organization_admin(&self, user: UserId, organization: UserId) -> Result<bool> {
        let mut conn = self.read().await?;
        Ok(organizations::count_admin_teams(&mut conn, organization, user).await? > 0)
    }

    /// Whether something of this organization's applications is assigned to the person under that id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_assigned(
        &self,
        user: UserId,
        organization: UserId,
        assignment: &str,
    ) -> Result<bool> {
        let mut conn = self.read().await?;
        Ok(oauth_grants::is_assigned(&mut conn, assignment, user, organization).await?)
    }

    /// The scopes that a person has given an application in tokens that have not ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn granted_scopes(&self, user: UserId, application: &Application) -> Result<Scopes> {
        let now = self.now();
        let mut conn = self.read().await?;
        let scopes = oauth_tokens::granted_scopes(&mut conn, application.id, user, now).await?;
        // As in Quay: one token whose scopes are not understood voids them all, and asks for consent again.
        Ok(Scopes::parse(&scopes.join(",")))
    }

    /// Gives an application a token with the rights of a person, who agreed. A used assignment is deleted.
    ///
    /// # Errors
    /// When the scopes are too long for their column.
    pub async fn grant_token(
        &self,
        application: &Application,
        user: UserId,
        username: &str,
        scope: &str,
        assignment: Option<&str>,
    ) -> Result<Secret> {
        names::check_length("scope", scope, MAX_TEXT_LEN)?;
        let prepared = self.prepare_oauth_secret().await?;
        let now = self.now();
        let data = json!({ "username": username }).to_string();
        let (application, scope) = (application.id, scope.to_owned());
        let assignment = assignment.map(str::to_owned);
        self.write(move |conn| {
            Box::pin(async move {
                let token = NewAccessToken {
                    uuid: &uuid4(),
                    application,
                    user,
                    scope: &scope,
                    token_type: BEARER,
                    expires_at: now + Duration::seconds(OAUTH_TOKEN_LIFETIME_S),
                    data: &data,
                    token_name: &prepared.name,
                    token_code: &prepared.hash,
                    display_name: None,
                    created: now,
                };
                oauth_tokens::insert(conn, &token).await?;
                if let Some(uuid) = assignment {
                    oauth_grants::delete_used_assignment(conn, user, &uuid, application).await?;
                }
                Ok(prepared.text)
            })
        })
        .await
    }

    /// Gives an application a code that it can exchange for a token of a person, who agreed.
    ///
    /// # Errors
    /// When the scopes are too long for their column.
    pub async fn grant_code(
        &self,
        application: &Application,
        username: &str,
        scope: &str,
    ) -> Result<Secret> {
        names::check_length("scope", scope, MAX_TEXT_LEN)?;
        let prepared = self.prepare_oauth_secret().await?;
        let made = self.now().and_utc().timestamp();
        let data = json!({ "username": username, "created": made }).to_string();
        let (application, scope) = (application.id, scope.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let code = NewCode {
                    application,
                    scope: &scope,
                    data: &data,
                    name: &prepared.name,
                    credential: &prepared.hash,
                };
                oauth_grants::insert_code(conn, &code).await?;
                Ok(prepared.text)
            })
        })
        .await
    }

    /// Exchanges a code for a token. `redirects` says whether the redirect URI that came with it is one of the application.
    ///
    /// # Errors
    /// [`ExchangeError`] as its variants say.
    pub async fn exchange_code(
        &self,
        exchange: CodeExchange,
        redirects: impl FnOnce(&Application) -> bool,
    ) -> Result<Secret, ExchangeError> {
        let application = self.authenticate(&exchange).await?;
        let code = exchange.code.expose();
        let (name, credential) = code
            .split_at_checked(random::OAUTH_CODE_NAME)
            .filter(|_| code.is_ascii())
            .ok_or(ExchangeError::InvalidGrant)?;
        let found = {
            let mut conn = self.read().await?;
            oauth_grants::find_code(&mut conn, application.id, name, &exchange.scope).await?
        };
        let hash = found.as_ref().map_or(NO_CODE, |code| &code.code_credential);
        let matches = self.matches_hash(&Secret::new(credential), hash).await?;
        let found = found
            .filter(|code| matches && self.is_young(&code.data) && redirects(&application))
            .ok_or(ExchangeError::InvalidGrant)?;
        if Scopes::parse(&exchange.scope).is_empty() {
            return Err(ExchangeError::InvalidScope);
        }
        let username = username_of(&found.data).ok_or(ExchangeError::InvalidGrant)?;
        let prepared = self.prepare_oauth_secret().await?;
        let now = self.now();
        self.write(move |conn| {
            Box::pin(async move {
                // Of two that exchange it at once, one deletes it.
                if oauth_grants::delete_code(conn, found.id).await? == 0 {
                    return Err(ExchangeError::InvalidGrant);
                }
                let user = find_person(conn, &username)
                    .await
                    .map_err(|error| match error {
                        AccountsError::NoSuchUser(_) => ExchangeError::InvalidGrant,
                        other => other.into(),
                    })?;
                let token = NewAccessToken {
                    uuid: &uuid4(),
                    application: application.id,
                    user: user.id,
                    scope: &exchange.scope,
                    token_type: BEARER,
                    expires_at: now + Duration::seconds(OAUTH_TOKEN_LIFETIME_S),
                    data: &json!({ "username": username }).to_string(),
                    token_name: &prepared.name,
                    token_code: &prepared.hash,
                    display_name: None,
                    created: now,
                };
                oauth_tokens::insert(conn, &token).await?;
                Ok(prepared.text)
            })
        })
        .await
    }

    /// The application whose id and secret were presented.
    async fn authenticate(&self, exchange: &CodeExchange) -> Result<Application, ExchangeError> {
        let application = {
            let mut conn = self.read().await?;
            oauth_applications::by_client_id(&mut conn, &exchange.client_id).await?
        };
        let application = application.ok_or(ExchangeError::InvalidClient)?;
        let stored = self.decrypted_client_secret(&application)?;
        if stored.is_some_and(|secret| secret.matches(exchange.client_secret.expose())) {
            Ok(application)
        } else {
            Err(ExchangeError::InvalidClient)
        }
    }

    /// Whether a code is not too old. Those of Quay do not say when they were made.
    fn is_young(&self, data: &str) -> bool {
        let made = serde_json::from_str::<Value>(data)
            .ok()
            .and_then(|data| DateTime::from_timestamp(data.get("created")?.as_i64()?, 0));
        made.is_none_or(|made| self.now() - made.naive_utc() <= CODE_LIFETIME)
    }

    /// Assigns a token of an application to a person, who is told so and may take it.
    ///
    /// # Errors
    /// When there is no such person who may sign in, or a text is too long.
    pub async fn assign_token(
        &self,
        actor: &Actor,
        assigner: &str,
        application: &Application,
        assignee: &str,
        grant: AssignedGrant,
    ) -> Result<()> {
        names::check_length("redirect_uri", &grant.redirect_uri, MAX_TEXT_LEN)?;
        names::check_length("scope", &grant.scope, MAX_TEXT_LEN)?;
        names::check_length("response_type", &grant.response_type, MAX_TEXT_LEN)?;
        let (accounts, actor, now) = (self.clone(), actor.clone(), self.now());
        let (assigner, assignee) = (assigner.to_owned(), assignee.to_owned());
        let application = application.clone();
        self.write(move |conn| {
            Box::pin(async move {
                let person = find_person(conn, &assignee).await?;
                if !person.enabled {
                    return Err(AccountsError::NoSuchUser(assignee));
                }
                let assignment = NewAssignment {
                    uuid: &uuid4(),
                    application: application.id,
                    user: person.id,
                    redirect_uri: &grant.redirect_uri,
                    scope: &grant.scope,
                    response_type: &grant.response_type,
                };
                oauth_grants::insert_assignment(conn, &assignment).await?;
                let told = json!({ "username": person.username });
                accounts
                    .notify(conn, ASSIGNED, person.id, &told, None)
                    .await?;
                let event = Event {
                    kind: "oauth_token_assigned",
                    account: application.owner_id,
                    repository: None,
                    metadata: json!({
                        "assigning_user": assigner,
                        "assigned_user": person.username,
                        "application": application.name,
                        "client_id": application.client_id,
                    }),
                };
                accounts.record(conn, &actor, now, event).await
            })
        })
        .await
    }

    /// What is assigned to a person, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_assignments(&self, user: UserId) -> Result<Vec<Assignment>> {
        Ok(oauth_grants::list_assignments(&mut self.read().await?, user).await?)
    }

    /// Takes back what a person was told about assignments: they have seen them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_assignment_notifications(&self, user: UserId) -> Result<()> {
        let accounts = self.clone();
        self.write(move |conn| {
            Box::pin(async move { accounts.take_back(conn, ASSIGNED, user).await })
        })
        .await
    }

    /// Declines what was assigned to a person.
    ///
    /// # Errors
    /// When nothing is, under that id.
    pub async fn delete_assignment(&self, user: UserId, uuid: &str) -> Result<()> {
        let uuid = uuid.to_owned();
        self.write(move |conn| {
            Box::pin(async move {
                match oauth_grants::delete_assignment(conn, user, &uuid).await? {
                    0 => Err(AccountsError::NoSuchAssignment(uuid)),
                    _ => Ok(()),
                }
            })
        })
        .await
    }

    /// Every token that acts for a person, with its application, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_authorizations(&self, user: UserId) -> Result<Vec<Authorization>> {
        Ok(oauth_tokens::list_of_user(&mut self.read().await?, user).await?)
    }

    /// One of them.
    ///
    /// # Errors
    /// When there is none of that id.
    pub async fn authorization(&self, user: UserId, uuid: &str) -> Result<Authorization> {
        oauth_tokens::find_of_user(&mut self.read().await?, user, uuid)
            .await?
            .ok_or_else(|| AccountsError::NoSuchOAuthToken(uuid.to_owned()))
    }

    /// Revokes a token that acts for a person.
    ///
    /// # Errors
    /// When there is none of that id.
    pub async fn revoke_authorization(&self, user: UserId, uuid: &str) -> Result<()> {
        let uuid = uuid.to_owned();
        self.write(move |conn| {
            Box::pin(async move {
                match oauth_tokens::delete_of_user(conn, user, &uuid).await? {
                    0 => Err(AccountsError::NoSuchOAuthToken(uuid)),
                    _ => Ok(()),
                }
            })
        })
        .await
    }
}

/// What is assigned to somebody.
#[derive(Clone, Debug)]
pub struct AssignedGrant {
    /// Where the browser goes with the token.
    pub redirect_uri: String,
    /// The scopes.
    pub scope: String,
    /// `token`.
    pub response_type: String,
}

fn username_of(data: &str) -> Option<String> {
    let data: Value = serde_json::from_str(data).ok()?;
    Some(data.get("username")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests;
