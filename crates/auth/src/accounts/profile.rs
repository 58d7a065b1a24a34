//! What people change of their own account (api-v1.md §5.1, `PUT /user/`). Everything that one request asks for is one
//! transaction.

use pierhead_config::Secret;
use pierhead_db::enums::EnumTable;
use pierhead_db::queries::confirmations::Purpose;
use pierhead_db::queries::profiles::{self, Detail, Profile};
use pierhead_db::queries::users;
use pierhead_db::{Conn, Error, UserId};
use serde_json::{Map, Value, json};

use super::audit::Event;
use super::confirmations::address_in_use;
use super::users::PASSWORD_REQUIRED;
use super::{Accounts, AccountsError, Actor, Result, names, uuid4};

/// Prompts that are answered by any detail.
const DETAIL_PROMPTS: [&str; 2] = ["enter_name", "enter_company"];
const CONFIRM_USERNAME: &str = "confirm_username";
const MAX_DETAIL_LEN: usize = 255;

/// What is to change; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// Ends every session.
    pub password: Option<Secret>,
    /// Whether invoices are sent.
    pub invoice_email: Option<bool>,
    /// Where to; the empty address is none.
    pub invoice_email_address: Option<Option<String>>,
    /// Seconds that deleted tags can be brought back. The caller checks that it is one of the allowed ones.
    pub tag_expiration_s: Option<i64>,
    /// A new address.
    pub email: Option<String>,
    /// The new address is to be confirmed first (mail is sent).
    pub confirm_email: bool,
    /// What a person says about themselves.
    pub details: Vec<(Detail, Option<String>)>,
    /// Another name, for the robots too.
    pub username: Option<String>,
    /// Whether anybody may take another name (`FEATURE_USER_RENAME`).
    pub rename: bool,
    /// Whether who was asked to confirm a generated name may take another one (`FEATURE_USERNAME_CONFIRMATION`).
    pub rename_when_asked: bool,
}

/// What changed.
#[derive(Clone, Debug)]
pub struct ProfileChanged {
    /// The person, as they are now.
    pub user: Profile,
    /// The code that confirms the new address, if one is to be confirmed.
    pub code: Option<Secret>,
    /// The password is another one, and every session ended.
    pub password: bool,
    /// The name is another one: rights by name changed.
    pub renamed: bool,
}

impl Accounts {
    /// Changes a person's own account.
    ///
    /// # Errors
    /// When a value is malformed, or a name or an address is taken; then nothing has changed.
    pub async fn change_profile(
        &self,
        actor: &Actor,
        user: UserId,
        change: ProfileChange,
    ) -> Result<ProfileChanged> {
        check(&change)?;
        let password_hash = match &change.password {
            Some(password) => Some(self.hash(password).await?),
            None => None,
        };
        let code = match change.email.clone().filter(|_| change.confirm_email) {
            Some(email) => {
                let mut conn = self.read().await?;
                let known = profiles::find(&mut conn, user).await?;
                if known.is_some_and(|known| known.email == email) {
                    None
                } else {
                    if profiles::find_by_email(&mut conn, &email).await?.is_some() {
                        return Err(AccountsError::AddressInUse);
                    }
                    drop(conn);
                    names::check_email(Some(&email), self.config())?;
                    Some(self.prepare_code(Purpose::Address, Some(email)).await?)
                }
            }
            None => None,
        };
        let work = Change {
            accounts: self.clone(),
            actor: actor.clone(),
            wanted: change,
        };
        self.write(move |conn| {
            Box::pin(async move {
                let before = profiles::find(conn, user)
                    .await?
                    .ok_or_else(|| AccountsError::NoSuchUser(user.to_string()))?;
                if let Some(hash) = &password_hash {
                    work.password(conn, &before, hash).await?;
                }
                work.invoices(conn, &before).await?;
                work.tag_expiration(conn, &before).await?;
                let asked = work.email(conn, &before).await?;
                if let Some(code) = code.as_ref().filter(|_| asked) {
                    code.insert(conn, user).await?;
                }
                work.details(conn, &before).await?;
                let renamed = work.username(conn, &before).await?;
                let after = profiles::find(conn, user)
                    .await?
                    .ok_or_else(|| AccountsError::NoSuchUser(user.to_string()))?;
                Ok(ProfileChanged {
                    user: after,
                    code: code.filter(|_| asked).map(|code| code.text),
                    password: password_hash.is_some(),
                    renamed,
                })
            })
        })
        .await
    }
}

fn check(change: &ProfileChange) -> Result<()> {
    if let Some(password) = &change.password {
        names::check_password(password.expose())?;
    }
    if let Some(Some(address)) = &change.invoice_email_address {
        names::check_length("The invoice address", address, MAX_DETAIL_LEN)?;
    }
    if let Some(email) = &change.email {
        names::check_length("The e-mail address", email, MAX_DETAIL_LEN)?;
    }
    for (detail, value) in &change.details {
        let value = value.as_deref().unwrap_or_default();
        names::check_length(key(*detail), value, MAX_DETAIL_LEN)?;
    }
    Ok(())
}

const fn key(detail: Detail) -> &'static str {
    match detail {
        Detail::GivenName => "given_name",
        Detail::FamilyName => "family_name",
        Detail::Company => "company",
        Detail::Location => "location",
    }
}

struct Change {
    accounts: Accounts,
    actor: Actor,
    wanted: ProfileChange,
}

impl Change {
    async fn password(&self, conn: &mut Conn, user: &Profile, hash: &str) -> Result<()> {
        users::set_password(conn, user.id, hash, &uuid4()).await?;
        self.accounts
            .take_back(conn, PASSWORD_REQUIRED, user.id)
            .await?;
        self.record(conn, user, "account_change_password", json!({}))
            .await
    }

    async fn invoices(&self, conn: &mut Conn, user: &Profile) -> Result<()> {
        let kind = "user_change_invoicing";
        if let Some(wanted) = self.wanted.invoice_email {
            profiles::set_invoice_email(conn, user.id, wanted).await?;
            let metadata = json!({ "invoice_email": wanted });
            self.record(conn, user, kind, metadata).await?;
        }
        if let Some(address) = &self.wanted.invoice_email_address
            && *address != user.invoice_email_address
        {
            let stored = address.as_deref().filter(|address| !address.is_empty());
            profiles::set_invoice_address(conn, user.id, stored).await?;
            let metadata = json!({ "invoice_email_address": address });
            self.record(conn, user, kind, metadata).await?;
        }
        Ok(())
    }

    async fn tag_expiration(&self, conn: &mut Conn, user: &Profile) -> Result<()> {
        let Some(seconds) = self.wanted.tag_expiration_s else {
            return Ok(());
        };
        profiles::set_tag_expiration(conn, user.id, seconds).await?;
        let metadata = json!({ "tag_expiration": seconds });
        self.record(conn, user, "user_change_tag_expiration", metadata)
            .await
    }

    /// Sets another address, or says that it is to be confirmed first.
    async fn email(&self, conn: &mut Conn, user: &Profile) -> Result<bool> {
        let Some(email) = self
            .wanted
            .email
            .as_ref()
            .filter(|email| **email != user.email)
        else {
            return Ok(false);
        };
        if profiles::find_by_email(conn, email).await?.is_some() {
            return Err(AccountsError::AddressInUse);
        }
        if self.wanted.confirm_email {
            return Ok(true);
        }
        profiles::set_email(conn, user.id, email, true)
            .await
            .map_err(address_in_use)?;
        let metadata = json!({ "email": email, "old_email": user.email });
        self.record(conn, user, "user_change_email", metadata)
            .await?;
        Ok(false)
    }

    async fn details(&self, conn: &mut Conn, user: &Profile) -> Result<()> {
        if self.wanted.details.is_empty() {
            return Ok(());
        }
        let mut metadata = Map::new();
        for (detail, value) in &self.wanted.details {
            profiles::set_detail(conn, user.id, *detail, value.as_deref()).await?;
            metadata.insert(key(*detail).to_owned(), json!(value));
        }
        for prompt in DETAIL_PROMPTS {
            self.stop_asking(conn, user.id, prompt).await?;
        }
        self.record(conn, user, "user_change_metadata", Value::Object(metadata))
            .await
    }

    /// Another name, where that is allowed; else the one there is counts as confirmed.
    async fn username(&self, conn: &mut Conn, user: &Profile) -> Result<bool> {
        let Some(username) = &self.wanted.username else {
            return Ok(false);
        };
        let asked = self.stop_asking(conn, user.id, CONFIRM_USERNAME).await?;
        let allowed = self.wanted.rename || (asked && self.wanted.rename_when_asked);
        if !allowed || username.is_empty() || *username == user.username {
            return Ok(false);
        }
        let taken = users::find(conn, username).await?.is_some()
            || users::name_is_being_deleted(conn, username).await?;
        if taken {
            return Err(AccountsError::UsernameInUse);
        }
        names::check_username(username)?;
        rename(conn, user.id, &user.username, username).await?;
        let metadata = json!({ "old_username": user.username });
        self.record(conn, user, "user_change_name", metadata)
            .await?;
        Ok(true)
    }

    async fn stop_asking(&self, conn: &mut Conn, user: UserId, prompt: &str) -> Result<bool> {
        let kind = self
            .accounts
            .0
            .enums
            .find(EnumTable::UserPromptKind, prompt);
        Ok(match kind {
            Some(kind) => profiles::delete_prompt(conn, user, kind).await? > 0,
            None => false,
        })
    }

    async fn record(
        &self,
        conn: &mut Conn,
        user: &Profile,
        kind: &'static str,
        metadata: Value,
    ) -> Result<()> {
        let event = Event {
            kind,
            account: user.id,
            repository: None,
            metadata,
        };
        let now = self.accounts.now();
        self.accounts.record(conn, &self.actor, now, event).await
    }
}

/// Renames a namespace and its robots.
pub(super) async fn rename(conn: &mut Conn, id: UserId, old: &str, username: &str) -> Result<()> {
    let longest = profiles::longest_robot(conn, old).await?;
    let longest = usize::try_from(longest).unwrap_or_default();
    if longest > 0 && longest + username.len() - old.len() > names::MAX_NAME_LEN {
        return Err(AccountsError::TooLong {
            what: "The name of a robot with the new name",
            length: longest + username.len() - old.len(),
            limit: names::MAX_NAME_LEN,
        });
    }
    let in_use = |error| match error {
        Error::Duplicate(_) => AccountsError::UsernameInUse,
        other => AccountsError::Database(other),
    };
    profiles::rename_robots(conn, old, username)
        .await
        .map_err(in_use)?;
    profiles::set_username(conn, id, username)
        .await
        .map_err(in_use)?;
    Ok(())
}

#[cfg(test)]
mod tests;
