//! People who register themselves, if the site lets them.

use pierhead_auth::accounts::{Actor, Registration, RegistrationRules};
use pierhead_config::sections::users::Users;
use pierhead_db::UserId;
use pierhead_mail::Letter;

use crate::error::Result;
use crate::services::users::{captcha, invalid, reserve_mail};
use crate::state::Api;

/// A registration, and what came with it.
pub(crate) struct Applicant<'a> {
    /// What is to be made.
    pub(crate) registration: Registration,
    /// The answer to the captcha.
    pub(crate) captcha: &'a str,
    /// Who asks, if somebody is signed in.
    pub(crate) asker: Option<&'a str>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The account may be used.
    Ready(UserId),
    /// The address is to be confirmed first; a mail is on its way.
    AwaitsConfirmation,
}

/// The domains of addresses that nobody may come with.
pub(crate) fn refused_domains(users: &Users) -> Vec<String> {
    if users.feature_blacklisted_emails {
        users.blacklisted_email_domains.clone()
    } else {
        Vec::new()
    }
}

/// Makes an account.
pub(crate) async fn register(
    api: &Api,
    actor: &Actor,
    applicant: Applicant<'_>,
) -> Result<Outcome> {
    let (users, mail) = (&api.config().users, &api.config().mail);
    let excused = applicant.asker.is_some_and(|name| {
        users
            .recaptcha_whitelisted_users
            .iter()
            .any(|user| user == name)
    });
    let rules = RegistrationRules {
        confirm_address: mail.feature_mailing,
        invite_only: users.feature_invite_only_user_creation,
        refused_domains: refused_domains(users),
    };
    let accounts = api.accounts();
    let wanted = accounts.admit(&applicant.registration, &rules).await;
    wanted.map_err(invalid)?;
    if !excused {
        captcha::check(api, applicant.captcha, actor.ip.as_deref()).await?;
    }
    let slot = if mail.feature_mailing {
        Some(reserve_mail(api)?)
    } else {
        None
    };
    let username = applicant.registration.username.clone();
    let email = applicant.registration.email.clone();
    let registered = accounts
        .enroll(actor, applicant.registration, rules.confirm_address)
        .await
        .map_err(invalid)?;
    match (registered.code, slot, email) {
        (Some(code), Some(slot), Some(email)) => {
            let code = code.expose().to_owned();
            slot.send(email, Letter::ConfirmAddress { username, code });
            Ok(Outcome::AwaitsConfirmation)
        }
        _ => Ok(Outcome::Ready(registered.id)),
    }
}
