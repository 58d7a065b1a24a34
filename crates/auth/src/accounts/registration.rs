//! People who register themselves (api-v1.md §5.1, `POST /user/`), and what the site asks of them.

use pierhead_config::Secret;
use pierhead_db::encoding::random;
use pierhead_db::queries::confirmations::Purpose;
use pierhead_db::queries::profiles;
use pierhead_db::{Conn, UserId};

use super::users::insert_account;
use super::{Accounts, AccountsError, Actor, NewUser, Result};

/// Somebody who wants an account.
#[derive(Clone, Debug)]
pub struct Registration {
    /// See [`super::MIN_NAME_LEN`].
    pub username: String,
    /// At least 8 characters without white space.
    pub password: Secret,
    /// May be missing unless mail is sent.
    pub email: Option<String>,
    /// A team invitation's token; it confirms the address that it was sent to.
    pub invite_code: Option<String>,
}

/// What the site asks.
#[derive(Clone, Debug, Default)]
pub struct RegistrationRules {
    /// Addresses are to be confirmed by mail.
    pub confirm_address: bool,
    /// `FEATURE_INVITE_ONLY_USER_CREATION`.
    pub invite_only: bool,
    /// `BLACKLISTED_EMAIL_DOMAINS` if `FEATURE_BLACKLISTED_EMAILS`: these and everything below them. (Quay compares only
    /// what can be registered below a public suffix.)
    pub refused_domains: Vec<String>,
}

impl RegistrationRules {
    pub(super) fn refuses(&self, email: &str) -> bool {
        let Some((_, domain)) = email.split_once('@') else {
            return false;
        };
        let domain = domain.trim_end_matches('.').to_lowercase();
        self.refused_domains.iter().any(|refused| {
            let refused = refused.to_lowercase();
            domain == refused
                || domain
                    .strip_suffix(&refused)
                    .is_some_and(|rest| rest.ends_with('.'))
        })
    }
}

/// Somebody who has an account now.
#[derive(Clone, Debug)]
pub struct Registered {
    /// The account.
    pub id: UserId,
    /// The code that confirms the address, if it is to be confirmed.
    pub code: Option<Secret>,
}

impl Accounts {
    /// Makes an account for somebody whom the site [admits](Self::admit), or a superuser. Without `confirm_address` the address counts as
    /// confirmed.
    ///
    /// # Errors
    /// When a value is malformed or taken; then nothing has changed.
    pub async fn enroll(
        &self,
        actor: &Actor,
        registration: Registration,
        confirm_address: bool,
    ) -> Result<Registered> {
        let new = NewUser {
            username: registration.username,
            password: Some(registration.password),
            email: registration.email,
            verified: !confirm_address,
        };
        let account = self.prepare_user(&new).await?;
        let code = if confirm_address {
            Some(self.prepare_code(Purpose::Address, None).await?)
        } else {
            None
        };
        let (accounts, actor) = (self.clone(), actor.clone());
        self.write(move |conn| {
            Box::pin(async move {
                let id = insert_account(conn, &account).await?;
                accounts.ask_new_user(conn, id).await?;
                accounts
                    .record_user_create(conn, &actor, id, &new, account.now)
                    .await?;
                let invited = match &registration.invite_code {
                    Some(token) => use_invite(conn, id, &account.email, token).await?,
                    None => false,
                };
                let code = code.filter(|_| !invited);
                if let Some(code) = &code {
                    code.insert(conn, id).await?;
                }
                Ok(Registered {
                    id,
                    code: code.map(|code| code.text),
                })
            })
        })
        .await
    }

    /// Whether the site wants somebody who registers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn admit(&self, new: &Registration, rules: &RegistrationRules) -> Result<()> {
        let mut conn = self.read().await?;
        let email = new.email.as_deref().filter(|email| !email.is_empty());
        if profiles::find_by_name(&mut conn, &new.username)
            .await?
            .is_some()
        {
            return Err(AccountsError::UserExists);
        }
        if rules.confirm_address && email.is_none() {
            return Err(AccountsError::AddressRequired);
        }
        if rules.invite_only && new.invite_code.as_deref().is_none_or(str::is_empty) {
            return Err(AccountsError::NotInvited);
        }
        let invited = match email {
            Some(email) if rules.invite_only => {
                profiles::email_is_invited(&mut conn, email).await?
            }
            _ => !rules.invite_only,
        };
        if !invited || email.is_some_and(|email| rules.refuses(email)) {
            return Err(AccountsError::AddressNotWanted);
        }
        Ok(())
    }

    /// Lets a team invitation confirm the address of a person who signs in with it. Whether it did.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn confirm_by_invite(&self, user: UserId, token: &str) -> Result<bool> {
        let token = token.to_owned();
        self.write(move |conn| {
            Box::pin(async move {
                match profiles::find(conn, user).await? {
                    Some(profile) => use_invite(conn, user, &profile.email, &token).await,
                    None => Ok(false),
                }
            })
        })
        .await
    }
}

/// Whoever has the token of an invitation read the mail that it was sent in.
async fn use_invite(conn: &mut Conn, user: UserId, email: &str, token: &str) -> Result<bool> {
    if !token.starts_with(random::TEAM_INVITE_PREFIX) {
        return Ok(false);
    }
    let Some((invited, address)) = profiles::find_invite(conn, token).await? else {
        return Ok(false);
    };
    let fits = invited.is_none_or(|invited| invited == user) && address.as_deref() == Some(email);
    if fits {
        profiles::set_verified(conn, user).await?;
    }
    Ok(fits)
}

#[cfg(test)]
mod tests;
