//! Basic credentials: every kind of user name that needs no external service (registry.md §3.4).
//!
//! Invariants: a secret is compared with its stored form in constant time (or by bcrypt) once; afterwards it is remembered
//! as an HMAC under a key that only this process has, beside the fingerprint of the stored form. A remembered credential is
//! accepted only while the stored form has that fingerprint and the account counts. A sign-in as nobody takes as long
//! as one with a wrong password.

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use pierhead_db::encoding::EncodingError;
use pierhead_db::queries::principals::{self, CredentialTable};
use sha2::Sha256;

use crate::access::{Asker, credential_stripe};
use crate::auth::Auth;
use crate::credential::{Credential, CredentialId};
use crate::freshness::{Stamp, Stripe};
use crate::standing::{Refusal, Standing};

mod direct;
mod password;
mod robot;
mod temporary;
mod token;
mod unknown;

pub(crate) use unknown::UnknownLogins;

use temporary::is_temporary;

/// Verified credentials kept. About 300 bytes each.
pub(crate) const CREDENTIAL_ENTRIES: usize = 8_192;
/// States of credentials kept. About 400 bytes each.
pub(crate) const STANDING_ENTRIES: usize = 8_192;
/// Longest user name and password that are looked at, in bytes.
const MAX_LOGIN_LEN: usize = 512;
const MAX_SECRET_LEN: usize = 4_096;

/// HMAC of a user name and a password.
pub(crate) type CredentialKey = [u8; 32];

/// A remembered state of a credential; no standing if it does not exist.
#[derive(Debug)]
pub(crate) struct KnownStanding {
    stamp: Stamp,
    pub(crate) standing: Option<Standing>,
}

/// Why somebody is not signed in. Messages are for the client, in Quay's words: 401 `UNAUTHORIZED` except where noted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// No such user, or another password.
    #[error("Invalid Username or Password")]
    WrongPassword,
    /// Too many failed attempts: 429 with `Retry-After`.
    #[error("Too many login attempts. Please try again later.")]
    TooManyAttempts {
        /// How long to wait.
        retry_after: Duration,
    },
    /// `FEATURE_REQUIRE_ENCRYPTED_BASIC_AUTH` is set.
    #[error(
        "Client login with unencrypted passwords is disabled. Please generate an encrypted password in the user admin \
         panel for use here."
    )]
    PlainPassword,
    /// Passwords are not checked here.
    #[error("An application specific token is required to login")]
    PasswordsNotAccepted,
    /// The user of an app specific token is disabled.
    #[error("This user has been disabled. Please contact your administrator.")]
    Disabled,
    /// No such robot, or another token.
    #[error("Could not find robot with username: {username} and supplied password.")]
    WrongRobot {
        /// As given.
        username: String,
    },
    /// `ROBOTS_DISALLOW` is set.
    #[error("Robot account have been disabled. Please contact your administrator.")]
    RobotsDisallowed,
    /// The robot's owner is disabled or gone.
    #[error("Robot {username} owner {owner} is disabled")]
    RobotOwnerDisabled {
        /// The robot.
        username: String,
        /// Its owner.
        owner: String,
    },
    /// No such repository access token.
    #[error("Invalid access token")]
    WrongAccessToken,
    /// No such app specific token, or it has expired.
    #[error("Invalid token")]
    WrongAppToken,
    /// No such OAuth token.
    #[error("OAuth access token could not be validated")]
    WrongOAuthToken,
    /// The OAuth token has expired.
    #[error("OAuth access token has expired")]
    OAuthTokenExpired,
    /// The user who granted the OAuth token is disabled.
    #[error("Granter of the oauth access token is disabled")]
    OAuthGranterDisabled,
    /// A stored secret cannot be read; our fault.
    #[error("a stored credential cannot be read")]
    Encoding(#[from] EncodingError),
    /// The password could not be hashed, because the process is going down; our fault.
    #[error("a password could not be checked")]
    Hashing,
    /// The database failed; our fault.
    #[error(transparent)]
    Database(#[from] pierhead_db::Error),
}

impl SignInError {
    /// Whether the fault is ours and not the client's.
    pub fn is_internal(&self) -> bool {
        matches!(self, Self::Encoding(_) | Self::Hashing | Self::Database(_))
    }
}

/// The kinds of user names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Login {
    AccessToken,
    AppToken,
    OAuthToken,
    Robot,
    Password,
}

impl Login {
    fn of(username: &str, app_specific_tokens: bool) -> Self {
        match username {
            "$token" => Self::AccessToken,
            "$app" if app_specific_tokens => Self::AppToken,
            "$oauthtoken" => Self::OAuthToken,
            _ if username.contains('+') => Self::Robot,
            _ => Self::Password,
        }
    }

    /// The answer when nothing matches.
    fn wrong(self, username: &str) -> SignInError {
        match self {
            Self::AccessToken => SignInError::WrongAccessToken,
            Self::AppToken => SignInError::WrongAppToken,
            Self::OAuthToken => SignInError::WrongOAuthToken,
            Self::Robot => SignInError::WrongRobot {
                username: username.chars().take(MAX_LOGIN_LEN).collect(),
            },
            Self::Password => SignInError::WrongPassword,
        }
    }
}

impl Auth {
    /// Verifies Basic credentials. Warm (verified before, stored secret unchanged): no bcrypt and at most one statement,
    /// none within five seconds of the last.
    pub async fn basic(&self, username: &str, password: &str) -> Result<Credential, SignInError> {
        let config = &self.inner.config;
        let login = Login::of(username, config.app_specific_tokens);
        if username.len() > MAX_LOGIN_LEN || password.len() > MAX_SECRET_LEN {
            return Err(login.wrong(username));
        }
        match login {
            Login::Robot
                if config.robots_disallow && !config.robots_whitelist.contains(username) =>
            {
                return Err(SignInError::RobotsDisallowed);
            }
            Login::Password if !config.password_sign_in => {
                return Err(SignInError::PasswordsNotAccepted);
            }
            _ => {}
        }
        if login == Login::Robot && is_temporary(password) {
            // Not remembered: it ends before the robot's token does, and costs one signature check.
            let standing = self.by_temporary_token(username, password).await?;
            self.touch(&standing);
            return Ok(standing.credential);
        }
        let key = self.credential_key(username, password);
        if let Some(verified) = self.inner.credentials.get(&key) {
            if let Some(credential) = self.remembered(&verified, username).await? {
                return Ok(credential);
            }
            self.inner.credentials.remove(&key);
        }
        let standing = match login {
            Login::Password => self.by_password(username, password, &key).await?,
            Login::Robot => self.by_robot_token(username, password).await?,
            Login::AccessToken => self.by_access_token(password).await?,
            Login::AppToken => self.by_app_token(password).await?,
            Login::OAuthToken => self.by_oauth_token(password, &key).await?,
        };
        let credential = standing.credential.clone();
        self.inner
            .credentials
            .insert(key, Arc::new(credential.clone()));
        self.touch(&standing);
        Ok(credential)
    }

    /// A credential that was verified before, if its secret is still the stored one.
    async fn remembered(
        &self,
        verified: &Credential,
        username: &str,
    ) -> Result<Option<Credential>, SignInError> {
        let asker = Asker {
            id: verified.id,
            stripe: credential_stripe(verified),
            robot_owner: verified.robot_owner(),
        };
        let known = self.standing(asker).await?;
        let Some(standing) = known.standing.as_ref().filter(|standing| {
            standing.credential.fingerprint == verified.fingerprint && standing.is_called(username)
        }) else {
            return Ok(None);
        };
        self.admit(standing).await?;
        self.touch(standing);
        Ok(Some(standing.credential.clone()))
    }

    /// Lets somebody in whose secret is right, unless the account or token does not count or is locked.
    async fn admit(&self, standing: &Standing) -> Result<(), SignInError> {
        let now = self.inner.clock.now_naive();
        let credential = &standing.credential;
        let table = credential.id.table;
        if table == CredentialTable::Password {
            self.check_lock(standing)?;
        }
        if let Some(refusal) = standing.refusal(now) {
            return Err(refused(credential, refusal));
        }
        if table == CredentialTable::Password && standing.has_failures() {
            self.clear_failures(credential).await?;
        }
        Ok(())
    }

    /// The state of a credential, remembered or read with one statement.
    pub(crate) async fn standing(
        &self,
        asker: Asker<'_>,
    ) -> Result<Arc<KnownStanding>, pierhead_db::Error> {
        let inner = &self.inner;
        let now_ms = inner.clock.monotonic_ms();
        if let Some(known) = inner.standings.get(&asker.id)
            && inner.generations.is_fresh(&known.stamp, now_ms)
        {
            return Ok(known);
        }
        let stamp = inner
            .generations
            .stamp(now_ms, [asker.stripe, Stripe::of(asker.id)]);
        let CredentialId { table, row } = asker.id;
        let stored = {
            let mut conn = inner.db.read().await?;
            principals::read(&mut conn, table, row, asker.robot_owner).await?
        };
        let known = Arc::new(KnownStanding {
            stamp,
            standing: stored.and_then(|stored| Standing::from_row(table, &stored)),
        });
        inner.standings.insert(asker.id, known.clone());
        Ok(known)
    }

    fn credential_key(&self, username: &str, password: &str) -> CredentialKey {
        // HMAC takes keys of any length; this one is longer than none.
        let mut mac = match Hmac::<Sha256>::new_from_slice(&self.inner.credential_key) {
            Ok(mac) => mac,
            Err(never) => unreachable!("HMAC takes keys of any length: {never}"),
        };
        mac.update(&(username.len() as u64).to_be_bytes());
        mac.update(username.as_bytes());
        mac.update(password.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// The answer to somebody with the right secret of a credential that does not count.
fn refused(credential: &Credential, refusal: Refusal) -> SignInError {
    let name = credential.subject().to_owned();
    match (credential.id.table, refusal) {
        (CredentialTable::AccessToken, _) => SignInError::WrongAccessToken,
        (CredentialTable::AppToken, Refusal::Expired) => SignInError::WrongAppToken,
        (CredentialTable::OAuthToken, Refusal::Expired) => SignInError::OAuthTokenExpired,
        (CredentialTable::OAuthToken, _) => SignInError::OAuthGranterDisabled,
        (CredentialTable::Robot, Refusal::OwnerDisabled) => SignInError::RobotOwnerDisabled {
            owner: credential.robot_owner().to_owned(),
            username: name,
        },
        (CredentialTable::Robot, _) => SignInError::WrongRobot { username: name },
        (CredentialTable::AppToken | CredentialTable::Password, _) => SignInError::Disabled,
    }
}
