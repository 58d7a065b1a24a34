//! What superusers do with the accounts of others, as far as the site's configuration and mail have a say.

use pierhead_auth::accounts::{AccountsError, Actor, ManagedAccount, Registration};
use pierhead_config::Secret;
use pierhead_db::UserId;
use pierhead_db::encoding::random;
use pierhead_mail::Letter;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::services::users::reserve_mail;
use crate::state::Api;

/// Characters of a password that is made for somebody.
const PASSWORD_LEN: usize = 32;

/// Which page of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page<'a> {
    /// How many; everything if there is none.
    pub(crate) limit: Option<u32>,
    /// Where the page before ended.
    pub(crate) token: Option<&'a str>,
}

/// Where a list goes on.
#[derive(Deserialize, Serialize)]
struct Position {
    start_id: i32,
}

/// A page of people or organizations, and the token of the next one. One statement.
pub(crate) async fn list(
    api: &Api,
    organizations: bool,
    disabled: bool,
    page: Page<'_>,
) -> Result<(Vec<ManagedAccount>, Option<String>)> {
    let now = std::time::SystemTime::from(api.clock().now());
    let after = page
        .token
        .filter(|_| page.limit.is_some())
        .and_then(|token| api.page_tokens().open::<Position>(token, now))
        .map_or(0, |position| position.start_id - 1);
    let mut accounts = api
        .accounts()
        .managed_accounts(
            organizations,
            disabled,
            UserId(after),
            page.limit.map(|limit| limit + 1),
        )
        .await?;
    // One more than the page tells that there is a next one.
    let length = page.limit.map_or(usize::MAX, |limit| limit as usize);
    let next = accounts.get(length).map(|account| Position {
        start_id: account.id.0,
    });
    accounts.truncate(length);
    let token = match next {
        Some(position) => Some(api.page_tokens().seal(&position, now)?),
        None => None,
    };
    Ok((accounts, token))
}

/// A person whom superusers may change: no superuser.
pub(crate) async fn target(
    api: &Api,
    username: &str,
    refusal: &'static str,
) -> Result<ManagedAccount> {
    let account = api.accounts().managed_person(username).await?;
    if api.auth().config().is_listed_as_superuser(username) {
        return Err(Error::invalid_request(refusal));
    }
    Ok(account)
}

/// The passwords of a person that was made.
pub(crate) struct Made {
    /// To be changed at once.
    pub(crate) password: Secret,
    /// The same for clients.
    pub(crate) encrypted_password: Secret,
}

/// Makes a person with a password of our own; a mail asks to confirm the address.
pub(crate) async fn create(
    api: &Api,
    actor: &Actor,
    username: &str,
    email: Option<String>,
) -> Result<Made> {
    if !api.is_database_auth() {
        let text = "Cannot create a user in a non-database auth system";
        return Err(Error::invalid_request(text));
    }
    let mailing = api.config().mail.feature_mailing;
    let slot = if mailing {
        Some(reserve_mail(api)?)
    } else {
        None
    };
    let password = Secret::new(random::token(PASSWORD_LEN)?);
    let registration = Registration {
        username: username.to_owned(),
        password: password.clone(),
        email: email.clone(),
        invite_code: None,
    };
    let registered = api
        .accounts()
        .enroll(actor, registration, mailing)
        .await
        .map_err(|error| refused(error, email.as_deref()))?;
    if let (Some(code), Some(slot), Some(email)) = (registered.code, slot, email) {
        let (username, code) = (username.to_owned(), code.expose().to_owned());
        slot.send(email, Letter::ConfirmAddress { username, code });
    }
    let encrypted_password = api.accounts().encrypt_password(&password)?;
    Ok(Made {
        password,
        encrypted_password,
    })
}

/// Quay lets its data model refuse a new person here, in words of its own.
fn refused(error: AccountsError, email: Option<&str>) -> Error {
    match error {
        AccountsError::InvalidEmail(_) if email.is_none() => {
            Error::bad_request("Invalid email address: None")
        }
        error => Error::from_data_model(error),
    }
}

/// Sends a person the link with which a lost password is replaced.
pub(crate) async fn send_recovery(api: &Api, account: &ManagedAccount) -> Result<()> {
    if !api.is_database_auth() {
        let text = "Cannot send a recovery e-mail for non-database auth";
        return Err(Error::invalid_request(text));
    }
    let slot = reserve_mail(api)?;
    let code = api.accounts().begin_recovery(account.id).await?;
    let code = code.expose().to_owned();
    slot.send(account.email.clone(), Letter::Recovery { code });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_address_is_refused_by_name() {
        let error = AccountsError::InvalidEmail(String::new());
        let refused = refused(error, None);
        assert!(matches!(refused, Error::Message { .. }), "{refused:?}");
        assert_eq!(refused.to_string(), "Invalid email address: None");
    }
}
