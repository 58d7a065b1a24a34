//! OAuth access tokens that an administrator makes for an application, and that can be listed and revoked (Quay 3.18).
//!
//! A token is 40 characters: the first 20 find its row, of the others only a bcrypt hash is stored. It is shown once.

use chrono::{Duration, NaiveDateTime};
use pierhead_config::Secret;
use pierhead_db::UserId;
use pierhead_db::encoding::random;
use pierhead_db::queries::oauth_applications::{self, Application};
use pierhead_db::queries::oauth_tokens::{self, ApplicationToken, NewAccessToken};
use serde_json::json;

use super::audit::Event;
use super::{Accounts, AccountsError, Actor, Result, names, random_token, uuid4};
use crate::scopes::Scopes;

/// Seconds that a token lives unless asked otherwise, and at most: ten years.
pub const OAUTH_TOKEN_LIFETIME_S: i64 = 315_576_000;
/// Most characters of a token's name.
const MAX_NAME_LEN: usize = 255;
/// `oauthaccesstoken.token_type` of tokens that go into an `Authorization` header.
pub(super) const BEARER: &str = "Bearer";

/// A token to be made for an application, checked.
#[derive(Clone, Debug)]
pub struct NewOAuthToken {
    name: String,
    scope: String,
    lifetime: Duration,
}

impl NewOAuthToken {
    /// A token with a name (spaces around it are cut off), scopes separated by spaces or commas, and a lifetime in seconds
    /// (ten years when missing, and at most).
    ///
    /// # Errors
    /// When the name is empty or too long, or the scopes are none.
    pub fn new(name: &str, scope: &str, lifetime_s: Option<f64>) -> Result<Self> {
        let name = name.trim();
        if name.is_empty() {
            return Err(AccountsError::Empty("'name'"));
        }
        names::check_length("'name'", name, MAX_NAME_LEN)?;
        let longest = OAUTH_TOKEN_LIFETIME_S as f64;
        let seconds = lifetime_s.unwrap_or(longest).clamp(1.0, longest);
        Ok(Self {
            name: name.to_owned(),
            scope: normalized(scope)?,
            lifetime: Duration::seconds(seconds as i64),
        })
    }

    /// What it may be used for.
    pub fn scopes(&self) -> Scopes {
        Scopes::parse(&self.scope)
    }
}

/// Scopes as they are stored: each once, separated by single spaces, in the order given.
fn normalized(scope: &str) -> Result<String> {
    let mut words: Vec<&str> = Vec::new();
    for word in scope.split([' ', ',']).filter(|word| !word.is_empty()) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    let normalized = words.join(" ");
    if Scopes::parse(&normalized).is_empty() {
        return Err(AccountsError::InvalidScope(scope.to_owned()));
    }
    Ok(normalized)
}

/// A token that was made, with its text, which nobody can be shown again.
#[derive(Clone, Debug)]
pub struct CreatedOAuthToken {
    /// How it is listed from now on.
    pub token: ApplicationToken,
    /// The 40 characters.
    pub secret: Secret,
}

/// A new token or code: its text, and what of it is stored.
pub(super) struct PreparedSecret {
    pub(super) text: Secret,
    pub(super) name: String,
    pub(super) hash: String,
}

impl Accounts {
    /// Makes the 40 characters of a token or code, and hashes the second half.
    pub(super) async fn prepare_oauth_secret(&self) -> Result<PreparedSecret> {
        let text = random_token(random::OAUTH_TOKEN_NAME + random::OAUTH_TOKEN_CODE)?;
        let (name, code) = text.expose().split_at(random::OAUTH_TOKEN_NAME);
        Ok(PreparedSecret {
            name: name.to_owned(),
            hash: self.hash(&Secret::new(code)).await?,
            text,
        })
    }

    /// Makes a token of an application with the rights of a person. Whether that person has the rights that the scopes name
    /// is for the caller to decide. At most `limit` tokens of the application may be unexpired, however many are made at once.
    ///
    /// # Errors
    /// When there are that many already.
    pub async fn create_oauth_token(
        &self,
        actor: &Actor,
        application: &Application,
        user: UserId,
        username: &str,
        new: NewOAuthToken,
        limit: Option<u32>,
    ) -> Result<CreatedOAuthToken> {
        let prepared = self.prepare_oauth_secret().await?;
        let (accounts, actor, now) = (self.clone(), actor.clone(), self.now());
        let (application, username) = (application.clone(), username.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                if let Some(limit) = limit {
                    if oauth_applications::lock(conn, application.id).await? == 0 {
                        return Err(AccountsError::NoSuchApplication(application.client_id));
                    }
                    if oauth_tokens::count_active(conn, application.id, now).await? >= limit.into()
                    {
                        return Err(AccountsError::TooManyTokens(limit));
                    }
                }
                let uuid = uuid4();
                let expires_at = now + new.lifetime;
                let row = NewAccessToken {
                    uuid: &uuid,
                    application: application.id,
                    user,
                    scope: &new.scope,
                    token_type: BEARER,
                    expires_at,
                    data: "",
                    token_name: &prepared.name,
                    token_code: &prepared.hash,
                    display_name: Some(&new.name),
                    created: now,
                };
                let id = oauth_tokens::insert(conn, &row).await?;
                let event = Event {
                    kind: "create_oauth_api_token",
                    account: application.owner_id,
                    repository: None,
                    metadata: json!({
                        "oauth_token_uuid": uuid,
                        "scope": new.scope,
                        "token_display_name": new.name,
                        "application_name": application.name,
                        "auth_method": "OAuth",
                        "client_id": application.client_id,
                    }),
                };
                accounts.record(conn, &actor, now, event).await?;
                Ok(CreatedOAuthToken {
                    token: ApplicationToken {
                        id,
                        uuid,
                        display_name: Some(new.name),
                        scope: new.scope,
                        expires_at,
                        created: Some(now),
                        last_accessed: None,
                        username: Some(username),
                    },
                    secret: prepared.text,
                })
            })
        })
        .await
    }

    /// At most `limit` unexpired tokens of an application, newest first, from a row id on (`i32::MAX` to begin).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_oauth_tokens(
        &self,
        application: &Application,
        from: i32,
        limit: i64,
    ) -> Result<Vec<ApplicationToken>> {
        let now: NaiveDateTime = self.now();
        let mut conn = self.read().await?;
        Ok(oauth_tokens::list_of_application(&mut conn, application.id, now, from, limit).await?)
    }

    /// Revokes a token of an application; returns whose it was.
    ///
    /// # Errors
    /// When the application has no such token.
    pub async fn revoke_oauth_token(
        &self,
        actor: &Actor,
        application: &Application,
        uuid: &str,
    ) -> Result<UserId> {
        let (accounts, actor, now) = (self.clone(), actor.clone(), self.now());
        let (application, uuid) = (application.clone(), uuid.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let user = oauth_tokens::delete_of_application(conn, application.id, &uuid)
                    .await?
                    .ok_or_else(|| AccountsError::NoSuchOAuthToken(uuid.clone()))?;
                let event = Event {
                    kind: "revoke_oauth_api_token",
                    account: application.owner_id,
                    repository: None,
                    metadata: json!({
                        "oauth_token_uuid": uuid,
                        "application_name": application.name,
                        "client_id": application.client_id,
                    }),
                };
                accounts.record(conn, &actor, now, event).await?;
                Ok(user)
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests;
