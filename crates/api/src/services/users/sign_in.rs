//! Signing in with a name or an address, and a password. Nothing tells whether somebody exists: wrong names and wrong
//! passwords have the same answer, take the same time and are locked alike (`auth`).

use pierhead_auth::accounts::Actor;
use pierhead_auth::{Account, SignInError};
use pierhead_db::UserId;
use pierhead_db::queries::profiles;

use crate::error::Result;
use crate::services::users::sign_in_failure;
use crate::state::Api;

/// What somebody gives to sign in.
pub(crate) struct Attempt<'a> {
    /// A name or an address.
    pub(crate) login: &'a str,
    /// The password.
    pub(crate) password: &'a str,
    /// The token of a team invitation, which confirms the address it was sent to.
    pub(crate) invite_code: Option<&'a str>,
}

/// What comes of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The person may have a session.
    SignedIn(Account),
    /// The address of the person is to be confirmed first.
    Unverified,
    /// Refused, for this reason.
    Refused(String),
}

/// Lets somebody in, or says why not.
pub(crate) async fn sign_in(
    api: &Api,
    actor: &Actor,
    user_agent: &str,
    attempt: Attempt<'_>,
) -> Result<Outcome> {
    let may_write = !api.is_read_only();
    let account = match api.auth().sign_in(attempt.login, attempt.password).await {
        Ok(account) => account,
        Err(error) => {
            let message = sign_in_failure(error)?.to_string();
            record_failure(api, actor, user_agent, attempt.login, &message).await?;
            return Ok(Outcome::Refused(message));
        }
    };
    if let Some(code) = attempt.invite_code.filter(|code| !code.is_empty())
        && may_write
    {
        api.accounts().confirm_by_invite(account.id, code).await?;
    }
    if !is_verified(api, account.id).await? {
        return Ok(Outcome::Unverified);
    }
    record_success(api, actor, user_agent, account.id).await?;
    Ok(Outcome::SignedIn(account))
}

/// Records that a person signed in, if that is recorded.
pub(crate) async fn record_success(
    api: &Api,
    actor: &Actor,
    user_agent: &str,
    user: UserId,
) -> Result<()> {
    if api.config().logs.action_log_audit_logins && !api.is_read_only() {
        api.accounts()
            .record_sign_in(actor, user, user_agent)
            .await?;
    }
    Ok(())
}

/// Records that somebody could not sign in as `login`, if such failures are recorded.
pub(crate) async fn record_failure(
    api: &Api,
    actor: &Actor,
    user_agent: &str,
    login: &str,
    message: &str,
) -> Result<()> {
    if records_failures(api) {
        let fallback = service_log_account(api);
        api.accounts()
            .record_failed_sign_in(actor, login, message, user_agent, fallback)
            .await?;
    }
    Ok(())
}

/// Records that an OAuth access token did not count, if such failures are recorded.
pub(crate) async fn record_failed_token(
    api: &Api,
    actor: &Actor,
    user_agent: &str,
    token: &str,
    error: &SignInError,
) -> Result<()> {
    if records_failures(api) {
        let fallback = service_log_account(api);
        api.accounts()
            .record_failed_token(actor, token, error, user_agent, fallback)
            .await?;
    }
    Ok(())
}

/// `ACTION_LOG_AUDIT_LOGIN_FAILURES`.
fn records_failures(api: &Api) -> bool {
    api.config().logs.action_log_audit_login_failures && !api.is_read_only()
}

/// Whose log has what belongs to nobody.
fn service_log_account(api: &Api) -> Option<UserId> {
    let account = api.config().users.service_log_account_id;
    account.map(|id| UserId(id as i32))
}

/// Verifies the password of somebody who is signed in: the account, or the reason of a refusal.
pub(crate) async fn confirm(
    api: &Api,
    user: &Account,
    password: &str,
) -> Result<std::result::Result<Account, String>> {
    match api.auth().sign_in(&user.username, password).await {
        Ok(account) => Ok(Ok(account)),
        Err(error) => Ok(Err(sign_in_failure(error)?.to_string())),
    }
}

/// Whether a person's address was confirmed: without that there is no session.
pub(crate) async fn is_verified(api: &Api, user: UserId) -> Result<bool> {
    let profile = profiles::find(&mut api.db().read().await?, user).await?;
    Ok(profile.is_some_and(|profile| profile.verified))
}

/// The person with that name or address and password, if there is one. Failures count.
pub(crate) async fn check(api: &Api, login: &str, password: &str) -> Result<Option<Account>> {
    match api.auth().sign_in(login, password).await {
        Ok(account) => Ok(Some(account)),
        Err(error) => {
            sign_in_failure(error)?;
            Ok(None)
        }
    }
}
