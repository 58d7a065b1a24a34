//! The first user of an empty database (`POST /api/v1/user/initialize`, api-v1.md §6.1), and a token for automation.
//!
//! Anybody may ask for this without credentials, so of any number of calls at once exactly one makes a user: PostgreSQL
//! holds an advisory lock until the transaction ends, SQLite has one writer.

use chrono::Duration;
use pierhead_config::Secret;
use pierhead_db::encoding::field::EncryptedColumn;
use pierhead_db::encoding::random;
use pierhead_db::queries::oauth_applications::{self, NewApplication};
use pierhead_db::queries::oauth_tokens::{self, NewAccessToken};
use pierhead_db::queries::users;
use pierhead_db::{Conn, UserId};

use super::users::insert_account;
use super::{Accounts, AccountsError, Actor, NewUser, Result, random_token, uuid4};

/// The first 8 bytes, as a big-endian number, of the SHA-256 of `pierhead:initialize`.
const LOCK: i64 = 6_410_322_613_979_927_657;
/// The name of the application that the first token belongs to.
const APPLICATION: &str = "automation";
const APPLICATION_DESCRIPTION: &str = "Made together with the first user of this registry";
/// Every scope there is, so that automation can do what the first user can.
const SCOPES: &str =
    "org:admin repo:admin repo:create repo:read repo:write super:user user:admin user:read";
/// Quay's lifetime of this token: time enough to set the registry up.
const TOKEN_LIFETIME: Duration = Duration::seconds(9000);

/// The first user to be made.
#[derive(Clone, Debug)]
pub struct FirstUser {
    /// See [`super::MIN_NAME_LEN`].
    pub username: String,
    /// At least 8 characters without white space.
    pub password: Secret,
    /// May be missing unless mail is sent.
    pub email: Option<String>,
    /// Whether an access token is to be made too.
    pub access_token: bool,
}

/// What the first user needs to begin.
#[derive(Clone, Debug)]
pub struct Initialized {
    /// The person.
    pub user: UserId,
    /// The name.
    pub username: String,
    /// The address as it was given.
    pub email: Option<String>,
    /// The password in the encrypted form that command-line clients may store.
    pub encrypted_password: Secret,
    /// An access token with every scope, if one was asked for; it lives for two and a half hours.
    pub access_token: Option<Secret>,
}

impl Accounts {
    /// Makes the first user, whose address counts as confirmed.
    ///
    /// # Errors
    /// [`AccountsError::NotEmpty`] when there is any account; or when name, password or address is malformed.
    pub async fn initialize(&self, actor: &Actor, first: FirstUser) -> Result<Initialized> {
        // Asked again under the lock; here it spares strangers the cost of a hash.
        refuse_if_not_empty(&mut self.read().await?).await?;
        let new = NewUser {
            username: first.username,
            password: Some(first.password.clone()),
            email: first.email,
            verified: true,
        };
        let account = self.prepare_user(&new).await?;
        let encrypted_password = Secret::new(self.0.passwords.encrypt(first.password.expose())?);
        let token = if first.access_token {
            Some(self.prepare_token().await?)
        } else {
            None
        };
        let (accounts, actor) = (self.clone(), actor.clone());
        self.write(move |conn| {
            Box::pin(async move {
                users::lock(conn, LOCK).await?;
                refuse_if_not_empty(conn).await?;
                let user = insert_account(conn, &account).await?;
                accounts.ask_new_user(conn, user).await?;
                accounts
                    .record_user_create(conn, &actor, user, &new, account.now)
                    .await?;
                if let Some(token) = &token {
                    token.insert(conn, user, &new.username).await?;
                }
                Ok(Initialized {
                    user,
                    username: new.username,
                    email: new.email,
                    encrypted_password,
                    access_token: token.map(|token| token.text),
                })
            })
        })
        .await
    }

    async fn prepare_token(&self) -> Result<PreparedToken> {
        let text = random_token(random::OAUTH_TOKEN_NAME + random::OAUTH_TOKEN_CODE)?;
        let (name, code) = text.expose().split_at(random::OAUTH_TOKEN_NAME);
        let client_secret = random::token(random::OAUTH_CLIENT_SECRET)?;
        Ok(PreparedToken {
            name: name.to_owned(),
            code_hash: self.hash(&Secret::new(code)).await?,
            client_secret: self
                .0
                .cipher
                .encrypt(EncryptedColumn::OAUTH_CLIENT_SECRET, &client_secret)?,
            now: self.now(),
            text,
        })
    }
}

struct PreparedToken {
    text: Secret,
    name: String,
    code_hash: String,
    client_secret: String,
    now: chrono::NaiveDateTime,
}

impl PreparedToken {
    async fn insert(&self, conn: &mut Conn, user: UserId, username: &str) -> Result<()> {
        let application = NewApplication {
            client_id: username,
            name: APPLICATION,
            description: APPLICATION_DESCRIPTION,
            secure_client_secret: &self.client_secret,
            ..NewApplication::default()
        };
        let application = oauth_applications::insert(conn, user, &application).await?;
        let token = NewAccessToken {
            uuid: &uuid4(),
            application,
            user,
            scope: SCOPES,
            token_type: "token",
            expires_at: self.now + TOKEN_LIFETIME,
            data: "",
            token_name: &self.name,
            token_code: &self.code_hash,
            display_name: None,
            created: self.now,
        };
        oauth_tokens::insert(conn, &token).await?;
        Ok(())
    }
}

async fn refuse_if_not_empty(conn: &mut Conn) -> Result<()> {
    if users::exists_any(conn).await? {
        return Err(AccountsError::NotEmpty);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
