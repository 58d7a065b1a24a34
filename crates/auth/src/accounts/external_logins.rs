//! People whom an identity provider knows: accounts that are linked to an identity there, and accounts that are made for
//! somebody who comes from there (api-v1.md §6.3). What the provider says has been verified before it comes here.

use pierhead_db::enums::EnumTable;
use pierhead_db::queries::external_logins;
use pierhead_db::queries::profiles::{self, Profile};
use pierhead_db::{Conn, UserId};
use serde_json::{Value, json};

use super::registration::RegistrationRules;
use super::users::{PASSWORD_REQUIRED, insert_account};
use super::{Accounts, AccountsError, Actor, NewUser, Result, names};

mod usernames;

/// `userpromptkind.name` of what asks people whether they want to be called that.
const CONFIRM_USERNAME: &str = "confirm_username";
/// Most characters of an identity, or of its name.
const MAX_IDENTITY_LEN: usize = 255;
/// Names that are looked up at once.
const NAMES_AT_ONCE: usize = 37;

/// Who somebody is at an identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalIdentity {
    /// The provider (`loginservice.name`).
    pub service: String,
    /// What never changes of an account there.
    pub ident: String,
    /// What the account is called there now.
    pub username: String,
    /// An address that the provider says belongs to it.
    pub email: Option<String>,
}

/// The account that an identity is linked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Linked {
    /// None.
    Nobody,
    /// A person.
    Person(Box<Profile>),
    /// Something that nobody can sign in as.
    NoPerson,
}

/// What a person is asked who has a new account.
#[derive(Clone, Copy, Debug)]
pub struct Asks {
    /// Whether they want that name: `FEATURE_USERNAME_CONFIRMATION`.
    pub username: bool,
    /// To choose a password, for clients other than browsers: where passwords are kept here.
    pub password: bool,
}

impl Accounts {
    /// Who an identity is linked to. Two statements.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn linked_to(&self, identity: &ExternalIdentity) -> Result<Linked> {
        let mut conn = self.read().await?;
        let found = external_logins::find(&mut conn, &identity.service, &identity.ident).await?;
        let Some(user) = found else {
            return Ok(Linked::Nobody);
        };
        let person = profiles::find(&mut conn, user).await?;
        Ok(person.map_or(Linked::NoPerson, |person| Linked::Person(Box::new(person))))
    }

    /// Whether the site wants a new account for somebody whom an identity provider knows. `open` is `FEATURE_USER_CREATION`.
    ///
    /// # Errors
    /// [`AccountsError::CreationDisabled`] when it does not.
    pub async fn admit_external(
        &self,
        identity: &ExternalIdentity,
        rules: &RegistrationRules,
        open: bool,
    ) -> Result<()> {
        let email = identity.email.as_deref().filter(|email| !email.is_empty());
        let wanted = open && !email.is_some_and(|email| rules.refuses(email));
        let invited = match email {
            _ if !wanted || !rules.invite_only => true,
            None => false,
            Some(email) => profiles::email_is_invited(&mut self.read().await?, email).await?,
        };
        if wanted && invited {
            Ok(())
        } else {
            Err(AccountsError::CreationDisabled)
        }
    }

    /// Makes an account for somebody whom the site [admits](Self::admit_external), called as they are called at the provider
    /// as far as that can be, and links it.
    ///
    /// # Errors
    /// When the address is malformed or taken, no name is free, or the identity was linked meanwhile; then nothing has
    /// changed.
    pub async fn enroll_external(
        &self,
        actor: &Actor,
        identity: ExternalIdentity,
        asks: Asks,
    ) -> Result<UserId> {
        names::check_email(identity.email.as_deref(), self.config())?;
        identity.check()?;
        let (accounts, actor) = (self.clone(), actor.clone());
        self.write(move |conn| {
            Box::pin(async move {
                let (id, new) = accounts.insert_named(conn, &identity).await?;
                accounts.ask_new_user(conn, id).await?;
                let prompt = accounts
                    .0
                    .enums
                    .find(EnumTable::UserPromptKind, CONFIRM_USERNAME);
                if let Some(prompt) = prompt.filter(|_| asks.username) {
                    profiles::insert_prompt(conn, id, prompt).await?;
                }
                accounts.link(conn, id, &identity).await?;
                if asks.password {
                    let nothing = Value::Object(serde_json::Map::new());
                    accounts
                        .notify(conn, PASSWORD_REQUIRED, id, &nothing, None)
                        .await?;
                }
                accounts
                    .record_user_create(conn, &actor, id, &new, accounts.now())
                    .await?;
                Ok(id)
            })
        })
        .await
    }

    /// Links an identity to an account.
    ///
    /// # Errors
    /// [`AccountsError::IdentityInUse`] when it is linked already, or the account to another one of that provider.
    pub async fn attach_login(&self, user: UserId, identity: ExternalIdentity) -> Result<()> {
        identity.check()?;
        let accounts = self.clone();
        self.write(move |conn| Box::pin(async move { accounts.link(conn, user, &identity).await }))
            .await
    }

    /// Inserts an account under the first free name. Somebody else may be faster; then the next one is tried.
    async fn insert_named(
        &self,
        conn: &mut Conn,
        identity: &ExternalIdentity,
    ) -> Result<(UserId, NewUser)> {
        let wanted: Vec<String> = usernames::like(&identity.username).collect();
        for some in wanted.chunks(NAMES_AT_ONCE) {
            let taken = external_logins::taken(conn, some).await?;
            for username in some.iter().filter(|name| !taken.contains(name)) {
                let new = NewUser {
                    username: username.clone(),
                    password: None,
                    email: identity.email.clone(),
                    verified: true,
                };
                let account = self.prepare_user(&new).await?;
                match insert_account(conn, &account).await {
                    Ok(id) => return Ok((id, new)),
                    Err(AccountsError::NameTaken { .. } | AccountsError::NameBeingDeleted(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Err(AccountsError::NoFreeName(identity.username.clone()))
    }

    async fn link(&self, conn: &mut Conn, user: UserId, identity: &ExternalIdentity) -> Result<()> {
        let service = &identity.service;
        if self
            .0
            .enums
            .find(EnumTable::LoginService, service)
            .is_none()
        {
            external_logins::add_service(conn, service).await?;
        }
        let metadata = json!({ "service_username": identity.username }).to_string();
        let ident = &identity.ident;
        match external_logins::insert(conn, user, service, ident, &metadata).await? {
            0 => Err(AccountsError::IdentityInUse),
            _ => Ok(()),
        }
    }
}

impl ExternalIdentity {
    /// Refuses what cannot be kept.
    ///
    /// # Errors
    /// When the id or the name is too long, or something has control characters.
    pub fn check(&self) -> Result<()> {
        let email = self.email.as_deref().unwrap_or_default();
        for text in [&*self.ident, &*self.username, email] {
            if text.chars().any(char::is_control) {
                return Err(AccountsError::MalformedIdentity);
            }
        }
        names::check_length("The external account's id", &self.ident, MAX_IDENTITY_LEN)?;
        names::check_length(
            "The external account's name",
            &self.username,
            MAX_IDENTITY_LEN,
        )
    }
}

#[cfg(test)]
mod tests;
