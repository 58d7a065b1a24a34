//! People who prove who they are to the console: by name or e-mail address and password. Robots, tokens and encrypted
//! passwords are for clients and do not count here, as in Quay.

use std::sync::Arc;

use super::{MAX_LOGIN_LEN, MAX_SECRET_LEN, SignInError};
use crate::auth::Auth;
use crate::credential::Account;

/// Begins the key under which a verified pair is remembered. No name has a colon, so that a pair which a client verified,
/// perhaps with an encrypted password, is another one.
const DOMAIN: &str = "web:";

impl Auth {
    /// Verifies a person's name or address, and password. Whether the address was confirmed is not looked at.
    ///
    /// # Errors
    /// [`SignInError::WrongPassword`] if somebody of that name has another password, or nobody has that name;
    /// [`SignInError::Disabled`] only with the right password.
    pub async fn sign_in(&self, login: &str, password: &str) -> Result<Account, SignInError> {
        if login.len() > MAX_LOGIN_LEN || password.len() > MAX_SECRET_LEN {
            return Err(SignInError::WrongPassword);
        }
        if !self.inner.config.password_sign_in {
            return Err(SignInError::PasswordsNotAccepted);
        }
        let key = self.credential_key(&format!("{DOMAIN}{login}"), password);
        if let Some(verified) = self.inner.credentials.get(&key) {
            let remembered = self.remembered(&verified, login).await;
            if let Some(credential) = remembered? {
                return credential.account.ok_or(SignInError::WrongPassword);
            }
            self.inner.credentials.remove(&key);
        }
        let standing = self.check_password(login, password, &key).await?;
        self.admit(&standing).await?;
        let credential = standing.credential.clone();
        self.inner
            .credentials
            .insert(key, Arc::new(credential.clone()));
        self.touch(&standing);
        credential.account.ok_or(SignInError::WrongPassword)
    }
}
