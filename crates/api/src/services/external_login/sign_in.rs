//! Signing in with an identity: as the account that it is linked to, or as a new one if the site lets people come.

use pierhead_auth::accounts::{
    AccountsError, Actor, Asks, ExternalIdentity, Linked, Profile, RegistrationRules,
};
use pierhead_db::queries::profiles;

use super::{LoginService, Purpose, Refusal};
use crate::error::{Error, Result};
use crate::services::users::{registration, sign_in as by_password};
use crate::state::Api;

/// What Quay says of who may not have a session.
const NO_SESSION: &str = "Could not login. Account may be disabled";

/// A browser that came back.
pub(crate) struct Attempt<'a> {
    /// From where.
    pub(crate) actor: Actor,
    /// `User-Agent`.
    pub(crate) user_agent: &'a str,
    /// What the provider sent it back with.
    pub(crate) code: &'a str,
    /// Whether a captcha was solved for it. Asked when it has to be, as it counts once.
    pub(crate) is_human: &'a (dyn Fn() -> bool + Sync),
}

/// What comes of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The person may have a session.
    SignedIn {
        /// `user.uuid`
        uuid: String,
        /// The console has something to ask.
        has_prompts: bool,
    },
    /// A captcha is to be solved before an account is made.
    NeedsCaptcha,
    /// Refused.
    Refused(Refusal),
}

/// Lets somebody in, or says why not.
pub(crate) async fn sign_in(
    api: &Api,
    service: &dyn LoginService,
    attempt: Attempt<'_>,
) -> Result<Outcome> {
    let identity = match identify(api, service, attempt.code, Purpose::SignIn).await {
        Ok(identity) => identity,
        Err(refusal) => return Ok(Outcome::Refused(refusal)),
    };
    match api.accounts().linked_to(&identity).await? {
        Linked::Person(person) => {
            if let Some(uuid) = &person.uuid {
                api.auth().record_sign_in_elsewhere(uuid).await?;
            }
            open_session(api, &attempt, &person).await
        }
        Linked::NoPerson => Ok(Outcome::Refused(Refusal::new(NO_SESSION))),
        Linked::Nobody => register(api, service, &attempt, identity).await,
    }
}

/// Who came back with a code.
pub(super) async fn identify(
    api: &Api,
    service: &dyn LoginService,
    code: &str,
    purpose: Purpose,
) -> Result<ExternalIdentity, Refusal> {
    let _place = api.login_services().place()?;
    let redirect_uri = purpose.redirect_uri(&api.base_url(), service.id());
    let identity = service.identify(code, &redirect_uri).await?;
    identity
        .check()
        .map_err(|error| Refusal::new(error.to_string()))?;
    if api.config().mail.feature_mailing && identity.email.is_none() {
        return Err(Refusal::new(
            "A verified email address is required to login with this service",
        ));
    }
    Ok(identity)
}

/// Makes an account.
async fn register(
    api: &Api,
    service: &dyn LoginService,
    attempt: &Attempt<'_>,
    identity: ExternalIdentity,
) -> Result<Outcome> {
    let (accounts, users) = (api.accounts(), &api.config().users);
    let rules = RegistrationRules {
        invite_only: users.feature_invite_only_user_creation,
        refused_domains: registration::refused_domains(users),
        ..RegistrationRules::default()
    };
    let open = users.feature_user_creation;
    if let Err(error) = accounts.admit_external(&identity, &rules, open).await {
        return refused(api, service, &identity, error);
    }
    if api.is_read_only() {
        return Err(Error::ReadOnly);
    }
    if users.feature_recaptcha && !(attempt.is_human)() {
        return Ok(Outcome::NeedsCaptcha);
    }
    let asks = Asks {
        username: users.feature_username_confirmation,
        password: api.is_database_auth(),
    };
    let made = accounts
        .enroll_external(&attempt.actor, identity.clone(), asks)
        .await;
    match (accounts.linked_to(&identity).await?, made) {
        // Also where a second tab of the same browser was faster.
        (Linked::Person(person), _) => open_session(api, attempt, &person).await,
        (_, Err(error)) => refused(api, service, &identity, error),
        (_, Ok(_)) => Ok(Outcome::Refused(Refusal::new(NO_SESSION))),
    }
}

/// Lets a person in who has an account, or records that they may not.
async fn open_session(api: &Api, attempt: &Attempt<'_>, person: &Profile) -> Result<Outcome> {
    let (actor, user_agent) = (&attempt.actor, attempt.user_agent);
    let may = person.enabled && person.verified;
    let Some(uuid) = person.uuid.clone().filter(|_| may) else {
        by_password::record_failure(api, actor, user_agent, &person.username, NO_SESSION).await?;
        return Ok(Outcome::Refused(Refusal::new(NO_SESSION)));
    };
    by_password::record_success(api, actor, user_agent, person.id).await?;
    let prompts = profiles::prompts(&mut api.db().read().await?, person.id).await?;
    Ok(Outcome::SignedIn {
        uuid,
        has_prompts: !prompts.is_empty(),
    })
}

/// What the person is told who could not be given an account.
fn refused(
    api: &Api,
    service: &dyn LoginService,
    identity: &ExternalIdentity,
    error: AccountsError,
) -> Result<Outcome> {
    let refusal = match error {
        AccountsError::EmailTaken(_) => Refusal::before_registration(format!(
            "The e-mail address {} is already associated with an existing {} account. \nPlease log in with your \
             username and password and associate your {} account to use it in the future.",
            identity.email.as_deref().unwrap_or_default(),
            api.config().ui.registry_title_short,
            service.title(),
        )),
        error if error.is_internal() => return Err(error.into()),
        error => Refusal::new(error.to_string()),
    };
    Ok(Outcome::Refused(refusal))
}
