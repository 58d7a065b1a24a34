//! Programmatic bootstrap (Quay 3.18): an access token that automation finds in a file on the first start, without anybody
//! signing in, and that it renews with `POST /api/v1/bootstrap/renew`.
//!
//! The token belongs to an application with a reserved name, owned by the superuser whom the configuration names, and is
//! marked in its row. A deployment has one such application: provisioning removes those of former owners. The file is written
//! inside the transaction, so there is no committed token that nobody knows, and the database decides whether one exists: an
//! instance without the file does not make another.

use std::io;
use std::path::{Path, PathBuf};

use chrono::Duration;
use pierhead_config::Secret;
use pierhead_db::encoding::random;
use pierhead_db::queries::oauth_applications::{self, NamedApplicationToken, NewApplication};
use pierhead_db::queries::oauth_tokens::{self, NewAccessToken};
use pierhead_db::queries::users::{self, Account};
use pierhead_db::{Conn, UserId};
use serde_json::{Value, json};

use super::oauth_applications::{BOOTSTRAP_NAME, remove_application};
use super::oauth_tokens::{BEARER, PreparedSecret};
use super::{Accounts, AccountsError, Result, uuid4};

mod token_file;

/// Advisory lock of everything that changes bootstrap tokens: the first 8 bytes of the SHA-256 of `pierhead:bootstrap`.
const LOCK: i64 = 3_565_704_754_350_836_631;
const DESCRIPTION: &str = "Made by the registry for its programmatic bootstrap";
/// `kind` in `oauthaccesstoken.data` of a bootstrap token.
const KIND: &str = "bootstrap";

/// The configuration of the bootstrap token.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    /// `BOOTSTRAP_TOKEN_OWNER`, if it is one of `SUPER_USERS`.
    pub owner: String,
    /// `BOOTSTRAP_TOKEN_SCOPE`.
    pub scope: String,
    /// `BOOTSTRAP_TOKEN_EXPIRATION`.
    pub lifetime: Duration,
    /// `BOOTSTRAP_TOKEN_PATH`.
    pub path: PathBuf,
}

/// What provisioning found or did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provisioned {
    /// A token was made and written.
    Made,
    /// There was one already.
    AlreadyThere,
    /// There is no such person yet.
    NoOwner,
}

/// Why a bootstrap token was not made or renewed. The database is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BootstrapError {
    /// The token is not the bootstrap token of this deployment.
    #[error("Requires valid bootstrap bearer token")]
    NotABootstrapToken,
    /// It has ended, and only who is on this machine may renew it then.
    #[error("Requires valid bootstrap bearer token")]
    Expired,
    /// The file cannot be written.
    #[error("the bootstrap token cannot be written to {}: {source}", .path.display())]
    File {
        /// `BOOTSTRAP_TOKEN_PATH`.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Our fault.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
}

impl From<pierhead_db::Error> for BootstrapError {
    fn from(error: pierhead_db::Error) -> Self {
        Self::Accounts(error.into())
    }
}

impl Accounts {
    /// Makes the bootstrap token and writes its file, unless the deployment has one. Removes applications of former owners.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn provision_bootstrap(
        &self,
        bootstrap: &Bootstrap,
    ) -> Result<Provisioned, BootstrapError> {
        let prepared = self.prepare_oauth_secret().await?;
        let client_id = random::token(random::OAUTH_CLIENT_ID).map_err(AccountsError::from)?;
        let client_secret = self.new_client_secret()?;
        let (now, bootstrap) = (self.now(), bootstrap.clone());
        self.write(move |conn| {
            Box::pin(async move {
                users::lock(conn, LOCK).await?;
                let Some(owner) = owner(conn, &bootstrap).await? else {
                    return Ok(Provisioned::NoOwner);
                };
                let tokens = marked(conn).await?;
                let canonical = canonical(&tokens, &owner);
                let mut stale: Vec<i32> = tokens.iter().map(|token| token.application).collect();
                stale.dedup();
                for application in stale.into_iter().filter(|id| Some(*id) != canonical) {
                    remove_application(conn, application).await?;
                }
                if canonical.is_some() {
                    return Ok(Provisioned::AlreadyThere);
                }
                let new = NewApplication {
                    client_id: &client_id,
                    name: BOOTSTRAP_NAME,
                    description: DESCRIPTION,
                    secure_client_secret: &client_secret,
                    ..NewApplication::default()
                };
                let application = oauth_applications::insert(conn, owner.id, &new).await?;
                let made = (application, &owner, now);
                insert_token(conn, &bootstrap, &prepared, made).await?;
                write_file(&bootstrap.path, &prepared.text).await?;
                Ok(Provisioned::Made)
            })
        })
        .await
    }

    /// Replaces the bootstrap token by a new one, in the file and in the database; every older one is revoked. An expired
    /// token is accepted only if `local`. Returns whose tokens changed.
    ///
    /// # Errors
    /// [`BootstrapError`] as its variants say.
    pub async fn renew_bootstrap(
        &self,
        bootstrap: &Bootstrap,
        token: &Secret,
        local: bool,
    ) -> Result<UserId, BootstrapError> {
        let (name, code) = token
            .expose()
            .split_at_checked(random::OAUTH_TOKEN_NAME)
            .ok_or(BootstrapError::NotABootstrapToken)?;
        let name = name.to_owned();
        let hash = self.bootstrap_hash(bootstrap, &name).await?;
        let hash = hash.ok_or(BootstrapError::NotABootstrapToken)?;
        if !self.matches_hash(&Secret::new(code), &hash).await? {
            return Err(BootstrapError::NotABootstrapToken);
        }
        let prepared = self.prepare_oauth_secret().await?;
        let (now, bootstrap) = (self.now(), bootstrap.clone());
        self.write(move |conn| {
            Box::pin(async move {
                users::lock(conn, LOCK).await?;
                let not_one = || BootstrapError::NotABootstrapToken;
                let owner = owner(conn, &bootstrap).await?.ok_or_else(not_one)?;
                let tokens = marked(conn).await?;
                let application = canonical(&tokens, &owner).ok_or_else(not_one)?;
                let current = tokens
                    .iter()
                    .find(|token| token.application == application && token.token_name == name)
                    .ok_or_else(not_one)?;
                if current.expires_at <= now && !local {
                    return Err(BootstrapError::Expired);
                }
                let made = (application, &owner, now);
                insert_token(conn, &bootstrap, &prepared, made).await?;
                for old in tokens
                    .iter()
                    .filter(|token| token.application == application)
                {
                    oauth_tokens::delete(conn, old.token).await?;
                }
                write_file(&bootstrap.path, &prepared.text).await?;
                Ok(owner.id)
            })
        })
        .await
    }

    /// Revokes every bootstrap token, whoever owned it, and removes the file of this instance.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub async fn revoke_bootstrap(&self, path: &Path) -> Result<(), BootstrapError> {
        self.write(move |conn| {
            Box::pin(async move {
                users::lock(conn, LOCK).await?;
                let tokens = marked(conn).await?;
                let mut applications: Vec<i32> =
                    tokens.iter().map(|token| token.application).collect();
                applications.dedup();
                for application in applications {
                    remove_application(conn, application).await?;
                }
                Ok::<_, BootstrapError>(())
            })
        })
        .await?;
        let path = path.to_owned();
        let removed = {
            let path = path.clone();
            tokio::task::spawn_blocking(move || token_file::remove(&path)).await
        };
        removed
            .unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
            .map_err(|source| BootstrapError::File { path, source })
    }

    /// The hash of a token of the deployment's own bootstrap application.
    async fn bootstrap_hash(
        &self,
        bootstrap: &Bootstrap,
        name: &str,
    ) -> Result<Option<String>, BootstrapError> {
        let mut conn = self.read().await?;
        let Some(owner) = owner(&mut conn, bootstrap).await? else {
            return Ok(None);
        };
        let tokens = marked(&mut conn).await?;
        let canonical = canonical(&tokens, &owner);
        let found = tokens.into_iter().find(|token| {
            Some(token.application) == canonical
                && token.token_name == name
                && token.user == owner.id
        });
        Ok(found.map(|token| token.token_code))
    }
}

async fn owner(conn: &mut Conn, bootstrap: &Bootstrap) -> Result<Option<Account>, AccountsError> {
    let owner = users::find(conn, &bootstrap.owner).await?;
    Ok(owner.filter(|owner| !owner.organization && !owner.robot))
}

/// Every token that is marked as a bootstrap token of its user and application, newest application first.
async fn marked(conn: &mut Conn) -> Result<Vec<NamedApplicationToken>, AccountsError> {
    let mut tokens = oauth_applications::tokens_of_named(conn, BOOTSTRAP_NAME).await?;
    tokens.retain(|token| {
        serde_json::from_str::<Value>(&token.data).is_ok_and(|data| data["kind"] == KIND)
    });
    Ok(tokens)
}

/// The newest bootstrap application that an owner has with a token of the own.
fn canonical(tokens: &[NamedApplicationToken], owner: &Account) -> Option<i32> {
    let own = |token: &&NamedApplicationToken| {
        token.owner == owner.id
            && token.user == owner.id
            && serde_json::from_str::<Value>(&token.data)
                .is_ok_and(|data| data["owner"] == owner.username)
    };
    tokens.iter().find(own).map(|token| token.application)
}

async fn insert_token(
    conn: &mut Conn,
    bootstrap: &Bootstrap,
    prepared: &PreparedSecret,
    (application, owner, now): (i32, &Account, chrono::NaiveDateTime),
) -> Result<(), AccountsError> {
    let data = json!({
        "kind": KIND,
        "owner": owner.username,
        "application_name": BOOTSTRAP_NAME,
    });
    let token = NewAccessToken {
        uuid: &uuid4(),
        application,
        user: owner.id,
        scope: &bootstrap.scope,
        token_type: BEARER,
        expires_at: now + bootstrap.lifetime,
        data: &data.to_string(),
        token_name: &prepared.name,
        token_code: &prepared.hash,
        display_name: None,
        created: now,
    };
    oauth_tokens::insert(conn, &token).await?;
    Ok(())
}

async fn write_file(path: &Path, token: &Secret) -> Result<(), BootstrapError> {
    let (to, token) = (path.to_owned(), token.clone());
    tokio::task::spawn_blocking(move || token_file::write(&to, &token))
        .await
        .unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
        .map_err(|source| BootstrapError::File {
            path: path.to_owned(),
            source,
        })
}

#[cfg(test)]
mod tests;
