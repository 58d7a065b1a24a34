//! User names (or e-mail addresses) with passwords, and the lock after failures (database.md §4.1).

use pierhead_db::queries::principals::{self, CredentialTable};
use pierhead_db::{Durability, UserId};

use super::{CredentialKey, SignInError};
use crate::auth::Auth;
use crate::credential::{Credential, Fingerprint};
use crate::standing::Standing;

/// A hash of nothing anybody knows, with Quay's cost: what the password of an unknown user is compared with.
const NOBODY: &str = "$2b$12$9CDSpI7s1JDGmD6Vc2Ia.e2mUy4tV847m5QiH7llOWtnYJsA3x/Bq";

impl Auth {
    pub(super) async fn by_password(
        &self,
        username: &str,
        password: &str,
        key: &CredentialKey,
    ) -> Result<Standing, SignInError> {
        let config = &self.inner.config;
        let decrypted = config
            .password_cipher
            .as_ref()
            .and_then(|cipher| cipher.decrypt(password));
        if decrypted.is_none() && config.require_encrypted_password {
            return Err(SignInError::PlainPassword);
        }
        let password = decrypted.as_ref().map_or(password, |plain| plain.expose());
        let standing = self.check_password(username, password, key).await?;
        self.admit(&standing).await?;
        Ok(standing)
    }

    /// The state of the person with that name or address and plain password, unless sign-ins of that name are locked. As
    /// long as nobody has the name, failures are counted all the same: that a name is locked does not tell that it exists.
    pub(super) async fn check_password(
        &self,
        username: &str,
        password: &str,
        key: &CredentialKey,
    ) -> Result<Standing, SignInError> {
        let row = if username.is_ascii() {
            let mut conn = self.inner.db.read().await?;
            principals::find_password(&mut conn, username).await?
        } else {
            None
        };
        let Some((standing, hash)) = row.and_then(|row| {
            let standing = Standing::from_row(CredentialTable::Password, &row)?;
            Some((standing, row.secret?))
        }) else {
            self.check_unknown_lock(username)?;
            self.bcrypt(password, NOBODY).await?;
            self.count_unknown_failure(username);
            return Err(SignInError::WrongPassword);
        };
        self.check_lock(&standing)?;
        let fingerprint = standing.credential.fingerprint;
        if !self.hash_matches(password, &hash, key, fingerprint).await? {
            self.count_failure(&standing.credential).await?;
            return Err(SignInError::WrongPassword);
        }
        Ok(standing)
    }

    /// Refuses while the account is locked.
    pub(super) fn check_lock(&self, standing: &Standing) -> Result<(), SignInError> {
        match standing.locked_for(self.inner.clock.now_naive()) {
            Some(wait) => Err(SignInError::TooManyAttempts {
                retry_after: wait.to_std().unwrap_or_default(),
            }),
            None => Ok(()),
        }
    }

    /// Whether a secret has this bcrypt hash. While it waited for its turn another request may have found out.
    pub(super) async fn hash_matches(
        &self,
        secret: &str,
        hash: &str,
        key: &CredentialKey,
        fingerprint: Fingerprint,
    ) -> Result<bool, SignInError> {
        let _turn = self.turn().await?;
        let verified = self.inner.credentials.get(key);
        if verified.is_some_and(|verified| verified.fingerprint == fingerprint) {
            return Ok(true);
        }
        compare(secret, hash).await
    }

    async fn bcrypt(&self, secret: &str, hash: &str) -> Result<bool, SignInError> {
        let _turn = self.turn().await?;
        compare(secret, hash).await
    }

    async fn turn(&self) -> Result<tokio::sync::OwnedSemaphorePermit, SignInError> {
        self.inner
            .password_checks
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| SignInError::Hashing)
    }

    async fn count_failure(&self, credential: &Credential) -> Result<(), SignInError> {
        let Some(user) = self.writable_account(credential) else {
            return Ok(());
        };
        let now = self.inner.clock.now_naive();
        let counted: Result<u64, pierhead_db::Error> = self
            .inner
            .db
            .write(Durability::Relaxed, move |conn| {
                Box::pin(principals::count_failed_login(conn, user, now))
            })
            .await;
        self.forget_principal(user);
        counted?;
        Ok(())
    }

    pub(super) async fn clear_failures(&self, credential: &Credential) -> Result<(), SignInError> {
        let Some(user) = self.writable_account(credential) else {
            return Ok(());
        };
        let cleared: Result<u64, pierhead_db::Error> = self
            .inner
            .db
            .write(Durability::Relaxed, move |conn| {
                Box::pin(principals::clear_failed_logins(conn, user))
            })
            .await;
        self.forget_principal(user);
        cleared?;
        Ok(())
    }

    /// The account whose failures are counted; none in read-only mode.
    fn writable_account(&self, credential: &Credential) -> Option<UserId> {
        let account = credential.account.as_ref()?;
        (!self.inner.config.read_only).then_some(account.id)
    }
}

/// bcrypt on a thread that may block. Like Python's, it looks at the first 72 bytes only. A stored text that is no bcrypt
/// hash matches nothing.
async fn compare(secret: &str, hash: &str) -> Result<bool, SignInError> {
    let (secret, hash) = (secret.to_owned(), hash.to_owned());
    tokio::task::spawn_blocking(move || bcrypt::verify(secret, &hash).unwrap_or(false))
        .await
        .map_err(|_| SignInError::Hashing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_for_nobody_takes_a_whole_comparison() {
        assert!(matches!(bcrypt::verify("anything", NOBODY), Ok(false)));
    }
}
