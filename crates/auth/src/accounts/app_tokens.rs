//! App-specific tokens: what people give to their tools instead of a password. The tool logs in as `$app`.

use chrono::{Duration, NaiveDateTime};
use pierhead_config::Secret;
use pierhead_db::UserId;
use pierhead_db::encoding::field::EncryptedColumn;
use pierhead_db::encoding::random;
use pierhead_db::queries::app_tokens::{self, AppToken, NewAppToken};
use serde_json::json;

use super::audit::Event;
use super::users::find_person;
use super::{Accounts, AccountsError, Actor, Result, names, random_token, uuid4};

/// Most characters of a title.
const MAX_TITLE_LEN: usize = 255;

/// When a new token ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppTokenExpiry {
    /// As configured ([`super::AccountsConfig::app_token_lifetime`]).
    Default,
    /// After this time.
    In(Duration),
    /// Never.
    Never,
}

/// A token with its text, which is shown once.
#[derive(Clone, Debug)]
pub struct CreatedAppToken {
    /// How the owner names it to revoke it.
    pub uuid: String,
    /// The 120 characters that the tool logs in with.
    pub token: Secret,
    /// When it ends, in UTC.
    pub expiration: Option<NaiveDateTime>,
}

impl Accounts {
    /// Makes a token for a person.
    ///
    /// # Errors
    /// When the title is too long, or there is no such person.
    pub async fn create_app_token(
        &self,
        actor: &Actor,
        username: &str,
        title: &str,
        expiry: AppTokenExpiry,
    ) -> Result<CreatedAppToken> {
        names::check_length("The title", title, MAX_TITLE_LEN)?;
        let now = self.now();
        let expiration = match expiry {
            AppTokenExpiry::Default => self.config().app_token_lifetime.map(|life| now + life),
            AppTokenExpiry::In(life) => Some(now + life),
            AppTokenExpiry::Never => None,
        };
        let token = random_token(random::APP_TOKEN_NAME + random::APP_TOKEN_SECRET)?;
        let (name, secret) = token.expose().split_at(random::APP_TOKEN_NAME);
        let name = name.to_owned();
        let secret = self
            .0
            .cipher
            .encrypt(EncryptedColumn::APP_TOKEN_SECRET, secret)?;
        let (accounts, actor) = (self.clone(), actor.clone());
        let (username, title) = (username.to_owned(), title.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let user = find_person(conn, &username).await?;
                let uuid = uuid4();
                let new = NewAppToken {
                    user: user.id,
                    uuid: &uuid,
                    title: &title,
                    created: now,
                    expiration,
                    token_name: &name,
                    token_secret: &secret,
                };
                app_tokens::insert(conn, &new).await?;
                let event = Event {
                    kind: "create_app_specific_token",
                    account: user.id,
                    repository: None,
                    metadata: json!({ "app_specific_token_title": title, "app_specific_token": uuid }),
                };
                accounts.record(conn, &actor, now, event).await?;
                Ok(CreatedAppToken {
                    uuid,
                    token,
                    expiration,
                })
            })
        })
        .await
    }

    /// Makes a token worthless.
    ///
    /// # Errors
    /// When there is no such person, or they have no such token.
    pub async fn revoke_app_token(&self, actor: &Actor, username: &str, uuid: &str) -> Result<()> {
        let (accounts, now, actor) = (self.clone(), self.now(), actor.clone());
        let (username, uuid) = (username.to_owned(), uuid.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let user = find_person(conn, &username).await?;
                let Some(title) = app_tokens::delete(conn, user.id, &uuid).await? else {
                    return Err(AccountsError::NoSuchAppToken {
                        user: username,
                        uuid,
                    });
                };
                let event = Event {
                    kind: "revoke_app_specific_token",
                    account: user.id,
                    repository: None,
                    metadata: json!({ "app_specific_token_title": title, "app_specific_token": uuid }),
                };
                accounts.record(conn, &actor, now, event).await
            })
        })
        .await
    }

    /// A token of a person that has not ended, with its 120 characters; `None` if there is none.
    ///
    /// # Errors
    /// When the stored secret cannot be decrypted.
    pub async fn app_token(&self, user: UserId, uuid: &str) -> Result<Option<(AppToken, Secret)>> {
        let found = app_tokens::find(&mut self.read().await?, user, uuid, self.now()).await?;
        found
            .map(|found| {
                let secret = self
                    .0
                    .cipher
                    .decrypt(EncryptedColumn::APP_TOKEN_SECRET, &found.token_secret)?;
                let text = format!("{}{}", found.token_name, secret.expose());
                Ok((found.token, Secret::new(text)))
            })
            .transpose()
    }

    /// The tokens of a person that end within `soon`, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn expiring_app_tokens(&self, user: UserId, soon: Duration) -> Result<Vec<AppToken>> {
        let now = self.now();
        let mut conn = self.read().await?;
        Ok(app_tokens::list_expiring(&mut conn, user, now, now + soon).await?)
    }

    /// Every token of everybody, or those that end within `soon`, the oldest first, without the secrets.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn all_app_tokens(&self, soon: Option<Duration>) -> Result<Vec<AppToken>> {
        let now = self.now();
        let mut conn = self.read().await?;
        Ok(match soon {
            Some(soon) => app_tokens::list_all_expiring(&mut conn, now, now + soon).await?,
            None => app_tokens::list_all(&mut conn).await?,
        })
    }

    /// Every token of a person, the oldest first, without the secrets.
    ///
    /// # Errors
    /// When there is no such person.
    pub async fn list_app_tokens(&self, username: &str) -> Result<Vec<AppToken>> {
        let mut conn = self.read().await?;
        let user = find_person(&mut conn, username).await?;
        Ok(app_tokens::list(&mut conn, user.id).await?)
    }
}

#[cfg(test)]
mod tests;
