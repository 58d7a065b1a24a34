//! Linking an identity to who is signed in.

use pierhead_auth::accounts::AccountsError;
use pierhead_db::UserId;

use super::sign_in::identify;
use super::{LoginService, Purpose, Refusal};
use crate::error::{Error, Result};
use crate::state::Api;

/// Links who came back with a code to an account, or says why not.
pub(crate) async fn attach(
    api: &Api,
    service: &dyn LoginService,
    user: UserId,
    code: &str,
) -> Result<Result<(), Refusal>> {
    if api.is_read_only() {
        return Err(Error::ReadOnly);
    }
    let identity = match identify(api, service, code, Purpose::Attach).await {
        Ok(identity) => identity,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let username = identity.username.clone();
    match api.accounts().attach_login(user, identity).await {
        Ok(()) => Ok(Ok(())),
        Err(AccountsError::IdentityInUse) => Ok(Err(Refusal::new(format!(
            "{} account {username} is already attached to a {} account",
            service.title(),
            api.config().ui.registry_title_short,
        )))),
        Err(error) if error.is_internal() => Err(error.into()),
        Err(error) => Ok(Err(Refusal::new(error.to_string()))),
    }
}
