//! Ends of web sessions, the audit rows of sign-ins, and passwords in the form that command-line clients may keep.

use pierhead_config::Secret;
use pierhead_db::UserId;
use pierhead_db::encoding::random;
use pierhead_db::queries::{oauth_tokens, profiles, users};
use serde_json::{Value, json};

use super::audit::Event;
use super::{Accounts, AccountsError, Actor, Result, uuid4};
use crate::SignInError;

impl Accounts {
    /// Ends every session of a person who signs out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sign_out(&self, actor: &Actor, user: UserId) -> Result<()> {
        let (accounts, now, actor) = (self.clone(), self.now(), actor.clone());
        self.write(move |conn| {
            Box::pin(async move {
                profiles::set_uuid(conn, user, &uuid4()).await?;
                let event = Event {
                    kind: "logout_success",
                    account: user,
                    repository: None,
                    metadata: json!({}),
                };
                accounts.record(conn, &actor, now, event).await
            })
        })
        .await
    }

    /// Records that a person signed in.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_sign_in(
        &self,
        actor: &Actor,
        user: UserId,
        user_agent: &str,
    ) -> Result<()> {
        let metadata = json!({ "type": "quayauth", "useragent": user_agent });
        self.record_alone(actor, user, "login_success", metadata)
            .await
    }

    /// Records that somebody could not sign in as `login`. What nobody owns goes to the log of `fallback`, or of the oldest
    /// account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_failed_sign_in(
        &self,
        actor: &Actor,
        login: &str,
        message: &str,
        user_agent: &str,
        fallback: Option<UserId>,
    ) -> Result<()> {
        let person = {
            let mut conn = self.read().await?;
            let mut person = profiles::find_by_name(&mut conn, login).await?;
            if person.is_none() {
                person = profiles::find_by_email(&mut conn, login).await?;
            }
            person.map(|person| person.id)
        };
        let metadata = json!({
            "type": "quayauth",
            "kind": "user",
            "useragent": user_agent,
            "username": login,
            "message": message,
        });
        self.record_failure(actor, person, person.or(fallback), metadata)
            .await
    }

    /// Records that an OAuth access token did not count, and of which application and person it is if `error` says that its
    /// secret was right. What nobody owns goes to the log of `fallback`, or of the oldest account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_failed_token(
        &self,
        actor: &Actor,
        token: &str,
        error: &SignInError,
        user_agent: &str,
        fallback: Option<UserId>,
    ) -> Result<()> {
        let mut metadata = json!({
            "type": "quayauth",
            "kind": "oauth",
            "useragent": user_agent,
            "message": error.to_string(),
        });
        let expired = matches!(error, SignInError::OAuthTokenExpired);
        let genuine = expired || matches!(error, SignInError::OAuthGranterDisabled);
        let name = token.get(..random::OAUTH_TOKEN_NAME).filter(|_| genuine);
        let origin = match name {
            Some(name) => oauth_tokens::origin(&mut self.read().await?, name).await?,
            None => None,
        };
        if let Some(origin) = &origin {
            metadata["token"] = json!(name);
            metadata["application_name"] = json!(origin.application);
            metadata["username"] = json!(origin.username);
            if expired {
                metadata["oauth_token_id"] = json!(origin.id);
                metadata["oauth_token_application_id"] = json!(origin.client_id);
                metadata["oauth_token_application"] = json!(origin.application);
            }
        }
        let person = origin.as_ref().map(|origin| origin.user);
        let account = origin.map(|origin| origin.owner).or(fallback);
        self.record_failure(actor, person, account, metadata).await
    }

    async fn record_failure(
        &self,
        actor: &Actor,
        person: Option<UserId>,
        account: Option<UserId>,
        metadata: Value,
    ) -> Result<()> {
        let account = match account {
            Some(account) => Some(account),
            None => users::oldest(&mut self.read().await?).await?,
        };
        let Some(account) = account else {
            return Ok(());
        };
        let actor = Actor {
            user: person,
            ..actor.clone()
        };
        self.record_alone(&actor, account, "login_failure", metadata)
            .await
    }

    async fn record_alone(
        &self,
        actor: &Actor,
        account: UserId,
        kind: &'static str,
        metadata: Value,
    ) -> Result<()> {
        let (accounts, now, actor) = (self.clone(), self.now(), actor.clone());
        self.write(move |conn| {
            Box::pin(async move {
                let event = Event {
                    kind,
                    account,
                    repository: None,
                    metadata,
                };
                accounts.record(conn, &actor, now, event).await
            })
        })
        .await
    }

    /// A person's password in the form that command-line clients may store, with its audit row.
    ///
    /// # Errors
    /// When the operating system has no random numbers, or the database fails.
    pub async fn encrypted_password(
        &self,
        actor: &Actor,
        user: UserId,
        password: &Secret,
    ) -> Result<Secret> {
        let encrypted = self.encrypt_password(password)?;
        self.record_alone(actor, user, "user_generate_client_key", json!({}))
            .await?;
        Ok(encrypted)
    }

    /// A password in the form that command-line clients may store.
    ///
    /// # Errors
    /// When the operating system has no random numbers.
    pub fn encrypt_password(&self, password: &Secret) -> Result<Secret> {
        Ok(Secret::new(self.0.passwords.encrypt(password.expose())?))
    }

    /// Takes an external identity away from a person, by the name of its service.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn detach_login(&self, user: UserId, service: &str) -> Result<()> {
        let service = service.to_owned();
        self.write(move |conn| {
            Box::pin(async move {
                profiles::delete_login(conn, user, &service).await?;
                Ok::<_, AccountsError>(())
            })
        })
        .await
    }
}
