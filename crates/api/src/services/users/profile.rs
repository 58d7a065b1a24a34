//! What people see and change of themselves.

use pierhead_auth::accounts::{AccountsError, Actor, Detail, ProfileChange, ProfileChanged};
use pierhead_db::UserId;
use pierhead_db::queries::profiles::{self, ExternalLogin, Membership, Profile, PublicNamespace};
use pierhead_mail::Letter;

use crate::error::{Error, Result};
use crate::services::users::{invalid, notify, reserve_mail};
use crate::state::Api;

/// What a person sees of themselves.
pub(crate) struct Own {
    /// External identities.
    pub(crate) logins: Vec<ExternalLogin>,
    /// What they are still to be asked.
    pub(crate) prompts: Vec<String>,
}

/// The namespaces that a person belongs to, and those that everybody is shown.
pub(crate) struct Namespaces {
    /// Organizations, by name.
    pub(crate) memberships: Vec<Membership>,
    /// Of `PUBLIC_NAMESPACES`, those that are not among them.
    pub(crate) public: Vec<PublicNamespace>,
}

/// The person of that name; no organization and no robot.
pub(crate) async fn by_name(api: &Api, username: &str) -> Result<Option<Profile>> {
    if !username.is_ascii() {
        return Ok(None);
    }
    Ok(profiles::find_by_name(&mut api.db().read().await?, username).await?)
}

/// The person with that id.
pub(crate) async fn by_id(api: &Api, user: UserId) -> Result<Option<Profile>> {
    Ok(profiles::find(&mut api.db().read().await?, user).await?)
}

/// What a person sees of themselves. Two statements.
pub(crate) async fn own(api: &Api, user: UserId) -> Result<Own> {
    let mut conn = api.db().read().await?;
    Ok(Own {
        logins: profiles::logins(&mut conn, user).await?,
        prompts: profiles::prompts(&mut conn, user).await?,
    })
}

/// The namespaces of a person. One statement, and one where there are public namespaces.
pub(crate) async fn namespaces(api: &Api, user: UserId) -> Result<Namespaces> {
    let mut conn = api.db().read().await?;
    let memberships = profiles::memberships(&mut conn, user).await?;
    let others: Vec<String> = api
        .config()
        .users
        .public_namespaces
        .iter()
        .filter(|name| memberships.iter().all(|known| known.username != **name))
        .cloned()
        .collect();
    let public = profiles::public_namespaces(&mut conn, &others).await?;
    Ok(Namespaces {
        memberships,
        public,
    })
}

/// What a person asks to change.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) password: Option<pierhead_config::Secret>,
    pub(crate) invoice_email: Option<bool>,
    pub(crate) invoice_email_address: Option<Option<String>>,
    pub(crate) tag_expiration_s: Option<i64>,
    pub(crate) email: Option<String>,
    pub(crate) details: Vec<(Detail, Option<String>)>,
    pub(crate) username: Option<String>,
}

/// Changes what a person asks for and the configuration lets them, all of it or nothing.
pub(crate) async fn change(
    api: &Api,
    actor: &Actor,
    user: UserId,
    wanted: Wanted,
) -> Result<ProfileChanged> {
    let config = api.config();
    let (users, tags) = (&config.users, &config.tags);
    let tag_expiration_s = wanted
        .tag_expiration_s
        .filter(|_| tags.feature_change_tag_expiration);
    if let Some(seconds) = tag_expiration_s
        && !tags
            .tag_expiration_options
            .iter()
            .any(|option| i64::try_from(option.as_secs()) == Ok(seconds))
    {
        return Err(Error::bad_request("Invalid tag expiration option"));
    }
    let confirm_email = config.mail.feature_mailing;
    let slot = match &wanted.email {
        Some(email) if confirm_email => {
            let current = by_id(api, user).await?;
            if current.is_some_and(|current| current.email == *email) {
                None
            } else {
                Some(reserve_mail(api)?)
            }
        }
        _ => None,
    };
    let change = ProfileChange {
        password: wanted.password,
        invoice_email: wanted.invoice_email,
        invoice_email_address: wanted.invoice_email_address,
        tag_expiration_s,
        email: wanted.email.clone(),
        confirm_email,
        details: if users.feature_user_metadata {
            wanted.details
        } else {
            Vec::new()
        },
        username: wanted.username,
        rename: users.feature_user_rename,
        rename_when_asked: users.feature_username_confirmation,
    };
    let changed = api
        .accounts()
        .change_profile(actor, user, change)
        .await
        .map_err(refused)?;
    if changed.renamed {
        api.auth().forget_everything();
    } else {
        api.auth().forget_principal(user);
    }
    let username = changed.user.username.clone();
    if changed.password {
        let letter = Letter::PasswordChanged {
            username: username.clone(),
        };
        notify(api, &changed.user.email, letter);
    }
    if let (Some(slot), Some(code), Some(email)) = (slot, &changed.code, wanted.email) {
        let code = code.expose().to_owned();
        slot.send(email, Letter::ChangeAddress { username, code });
    }
    Ok(changed)
}

/// Deletes a person's own account. Its content is collected later.
pub(crate) async fn delete(api: &Api, actor: &Actor, username: &str) -> Result<()> {
    api.accounts().delete_user(actor, username, false).await?;
    api.auth().forget_everything();
    Ok(())
}

/// Quay has two shapes here.
fn refused(error: AccountsError) -> Error {
    match error {
        AccountsError::InvalidPassword
        | AccountsError::AddressInUse
        | AccountsError::UsernameInUse => invalid(error),
        other => other.into(),
    }
}
