//! Codes that are sent to an address: to confirm it, or to recover the account behind it (database.md §4.1).
//!
//! A code has a public part, by which its row is found, and a private part, of which the row has a bcrypt hash; the link has
//! both, as base64 of `public:private`. A code is used once. Unlike Quay, a link without the private part is worth nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use pierhead_config::Secret;
use pierhead_db::encoding::random;
use pierhead_db::queries::confirmations::{self, NewConfirmation, Purpose};
use pierhead_db::queries::profiles::{self, Profile};
use pierhead_db::{Conn, Error, UserId};
use serde_json::json;

use super::audit::Event;
use super::{Accounts, AccountsError, Actor, Result};

/// A code whose row is still to be written.
pub(super) struct PreparedCode {
    /// What goes into the link.
    pub(super) text: Secret,
    row: NewConfirmation,
}

impl PreparedCode {
    pub(super) async fn insert(&self, conn: &mut Conn, user: UserId) -> Result<()> {
        confirmations::insert(conn, user, &self.row).await?;
        Ok(())
    }
}

/// An address that was confirmed.
#[derive(Clone, Debug)]
pub struct ConfirmedAddress {
    /// Whose.
    pub user: Profile,
    /// The address that was replaced, if one was.
    pub old_email: Option<String>,
    /// Whether the person is still to be asked something.
    pub has_prompts: bool,
}

impl Accounts {
    pub(super) async fn prepare_code(
        &self,
        purpose: Purpose,
        new_email: Option<String>,
    ) -> Result<PreparedCode> {
        let code = random::token(random::EMAIL_CODE)?;
        let private = Secret::new(random::token(random::EMAIL_VERIFICATION)?);
        let text = Secret::new(STANDARD.encode(format!("{code}:{}", private.expose())));
        Ok(PreparedCode {
            text,
            row: NewConfirmation {
                code,
                verification_code: self.hash(&private).await?,
                purpose,
                new_email,
                created: self.now(),
            },
        })
    }

    /// Makes a code with which a person can sign in once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_recovery(&self, user: UserId) -> Result<Secret> {
        let code = self.prepare_code(Purpose::Recovery, None).await?;
        self.write(move |conn| {
            Box::pin(async move {
                code.insert(conn, user).await?;
                Ok(code.text)
            })
        })
        .await
    }

    /// Uses up a code for an address: the address counts as confirmed, or takes the place of the old one.
    ///
    /// # Errors
    /// [`AccountsError::InvalidCode`] when there is no such code (any more); [`AccountsError::AddressInUse`] when somebody
    /// else took the address meanwhile.
    pub async fn confirm_address(&self, actor: &Actor, token: &str) -> Result<ConfirmedAddress> {
        let Some(code) = self.find_code(Purpose::Address, token).await? else {
            return Err(AccountsError::InvalidCode);
        };
        let (accounts, now, actor) = (self.clone(), self.now(), actor.clone());
        self.write(move |conn| {
            Box::pin(async move {
                if confirmations::delete(conn, code.id).await? == 0 {
                    return Err(AccountsError::InvalidCode);
                }
                let mut user = profiles::find(conn, code.user_id)
                    .await?
                    .ok_or(AccountsError::InvalidCode)?;
                let mut old_email = None;
                if let Some(email) = code.new_email.filter(|email| !email.is_empty()) {
                    if profiles::find_by_email(conn, &email).await?.is_some() {
                        return Err(AccountsError::AddressInUse);
                    }
                    profiles::set_email(conn, user.id, &email, true)
                        .await
                        .map_err(address_in_use)?;
                    let event = Event {
                        kind: "user_change_email",
                        account: user.id,
                        repository: None,
                        metadata: json!({ "email": email, "old_email": user.email }),
                    };
                    accounts.record(conn, &actor, now, event).await?;
                    old_email = Some(std::mem::replace(&mut user.email, email));
                } else {
                    profiles::set_verified(conn, user.id).await?;
                }
                user.verified = true;
                let has_prompts = !profiles::prompts(conn, user.id).await?.is_empty();
                Ok(ConfirmedAddress {
                    user,
                    old_email,
                    has_prompts,
                })
            })
        })
        .await
    }

    /// Uses up a recovery code not older than `lifetime`. Whoever has it reads the mail of the account, so its address counts
    /// as confirmed.
    ///
    /// # Errors
    /// [`AccountsError::InvalidCode`] when there is no such code, or it is too old.
    pub async fn recover(&self, token: &str, lifetime: TimeDelta) -> Result<Profile> {
        let Some(code) = self.find_code(Purpose::Recovery, token).await? else {
            return Err(AccountsError::InvalidCode);
        };
        let expired = self.now().signed_duration_since(code.created) > lifetime;
        let recovered = self
            .write(move |conn| {
                Box::pin(async move {
                    if confirmations::delete(conn, code.id).await? == 0 || expired {
                        return Ok(None);
                    }
                    let Some(mut user) = profiles::find(conn, code.user_id).await? else {
                        return Ok(None);
                    };
                    profiles::set_verified(conn, user.id).await?;
                    user.verified = true;
                    Ok::<_, AccountsError>(Some(user))
                })
            })
            .await?;
        recovered.ok_or(AccountsError::InvalidCode)
    }

    /// The row of a code, if the link had its private part.
    async fn find_code(
        &self,
        purpose: Purpose,
        token: &str,
    ) -> Result<Option<confirmations::Confirmation>> {
        let Some((code, private)) = decode(token) else {
            return Ok(None);
        };
        let found = confirmations::find(&mut self.read().await?, purpose, &code).await?;
        let Some(found) = found else {
            return Ok(None);
        };
        let Some(hash) = found.verification_code.clone() else {
            return Ok(None);
        };
        let fits = self
            .hashing(move || Ok(bcrypt::verify(private.expose(), &hash).unwrap_or(false)))
            .await?;
        Ok(fits.then_some(found))
    }
}

/// The unique index of addresses says it where somebody else is faster.
pub(super) fn address_in_use(error: Error) -> AccountsError {
    match error {
        Error::Duplicate(_) => AccountsError::AddressInUse,
        other => AccountsError::Database(other),
    }
}

fn decode(token: &str) -> Option<(String, Secret)> {
    /// Longest link that is looked at; ours have 52 characters.
    const LONGEST: usize = 512;
    if token.len() > LONGEST {
        return None;
    }
    // A form-decoded query turns the `+` of base64 into a space.
    let bytes = STANDARD.decode(token.replace(' ', "+")).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (code, private) = text.split_once(':')?;
    let whole = !code.is_empty() && !private.is_empty() && !private.contains(':');
    whole.then(|| (code.to_owned(), Secret::new(private)))
}

#[cfg(test)]
mod tests;
