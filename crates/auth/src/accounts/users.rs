//! People: making them, their passwords, and whether they may log in.

use chrono::NaiveDateTime;
use pierhead_config::Secret;
use pierhead_db::enums::EnumTable;
use pierhead_db::queries::profiles;
use pierhead_db::queries::users::{self, Account, NewAccount};
use pierhead_db::{Conn, UserId};
use serde_json::{Value, json};

use super::audit::Event;
use super::{Accounts, AccountsError, Actor, Result, names, uuid4};

/// `notificationkind.name` of what asks people to choose a password.
pub(super) const PASSWORD_REQUIRED: &str = "password_required";

/// A person to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// See [`super::MIN_NAME_LEN`]; shared with organizations.
    pub username: String,
    /// Nothing for people whose password is checked elsewhere.
    pub password: Option<Secret>,
    /// May be missing unless mail is sent.
    pub email: Option<String>,
    /// Whether the address counts as confirmed. Without it nobody can log in where mail is sent.
    pub verified: bool,
}

impl Accounts {
    /// Whether somebody signs in with a password of this registry.
    pub async fn has_password(&self, user: UserId) -> Result<bool> {
        Ok(users::has_password(&mut self.read().await?, user).await?)
    }

    /// Makes a person.
    ///
    /// # Errors
    /// When name, password or address is malformed, taken, or belongs to a namespace that is being deleted.
    pub async fn create_user(&self, actor: &Actor, new: NewUser) -> Result<UserId> {
        let account = self.prepare_user(&new).await?;
        let (accounts, actor) = (self.clone(), actor.clone());
        self.write(move |conn| {
            Box::pin(async move {
                let id = insert_account(conn, &account).await?;
                accounts.ask_new_user(conn, id).await?;
                accounts
                    .record_user_create(conn, &actor, id, &new, account.now)
                    .await?;
                Ok(id)
            })
        })
        .await
    }

    /// Sets a person's password, ends their sessions, and lets them try again after failed logins.
    ///
    /// # Errors
    /// When the password is malformed or there is no such person.
    pub async fn set_password(
        &self,
        actor: &Actor,
        username: &str,
        password: &Secret,
    ) -> Result<UserId> {
        names::check_password(password.expose())?;
        let hash = self.hash(password).await?;
        let (accounts, now, actor, username) =
            (self.clone(), self.now(), actor.clone(), username.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let user = find_person(conn, &username).await?;
                users::set_password(conn, user.id, &hash, &uuid4()).await?;
                accounts.take_back(conn, PASSWORD_REQUIRED, user.id).await?;
                let (kind, metadata) = if actor.user == Some(user.id) {
                    ("account_change_password", json!({}))
                } else {
                    (
                        "user_change_password",
                        with_superuser(&actor, json!({ "username": user.username })),
                    )
                };
                let event = Event {
                    kind,
                    account: user.id,
                    repository: None,
                    metadata,
                };
                accounts.record(conn, &actor, now, event).await?;
                Ok(user.id)
            })
        })
        .await
    }

    /// Lets a person log in, or keeps them out and ends their sessions. Their robots follow them.
    ///
    /// # Errors
    /// When there is no such person.
    pub async fn set_enabled(
        &self,
        actor: &Actor,
        username: &str,
        enabled: bool,
    ) -> Result<UserId> {
        let (accounts, now, actor, username) =
            (self.clone(), self.now(), actor.clone(), username.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let user = find_person(conn, &username).await?;
                let uuid = (!enabled).then(uuid4);
                users::set_enabled(conn, user.id, enabled, uuid.as_deref()).await?;
                let event = Event {
                    kind: if enabled {
                        "user_enable"
                    } else {
                        "user_disable"
                    },
                    account: user.id,
                    repository: None,
                    metadata: with_superuser(&actor, json!({ "username": user.username })),
                };
                accounts.record(conn, &actor, now, event).await?;
                Ok(user.id)
            })
        })
        .await
    }

    /// At most `limit` people by name, after a name (the empty one to begin).
    pub async fn list_users(&self, after: &str, limit: u32) -> Result<Vec<Account>> {
        Ok(users::list(&mut self.read().await?, false, after, limit.into()).await?)
    }

    /// Notes what a new person is to be asked.
    pub(super) async fn ask_new_user(&self, conn: &mut Conn, id: UserId) -> Result<()> {
        if !self.config().ask_new_users {
            return Ok(());
        }
        for prompt in ["enter_name", "enter_company"] {
            if let Some(kind) = self.0.enums.find(EnumTable::UserPromptKind, prompt) {
                profiles::insert_prompt(conn, id, kind).await?;
            }
        }
        Ok(())
    }

    /// Records that a person was made.
    pub(super) async fn record_user_create(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        id: UserId,
        new: &NewUser,
        now: NaiveDateTime,
    ) -> Result<()> {
        let metadata = json!({ "email": new.email, "username": new.username });
        let event = Event {
            kind: "user_create",
            account: id,
            repository: None,
            metadata: with_superuser(actor, metadata),
        };
        self.record(conn, actor, now, event).await
    }

    /// Checks what was given for a person, and hashes the password.
    pub(super) async fn prepare_user(&self, new: &NewUser) -> Result<NewAccount> {
        // The order in which Quay looks at them.
        if let Some(password) = &new.password {
            names::check_password(password.expose())?;
        }
        names::check_email(new.email.as_deref(), self.config())?;
        names::check_namespace(&new.username)?;
        let password_hash = match &new.password {
            Some(password) => Some(self.hash(password).await?),
            None => None,
        };
        Ok(NewAccount {
            uuid: uuid4(),
            username: new.username.clone(),
            password_hash,
            email: email_or_uuid(new.email.as_deref()),
            verified: new.verified,
            organization: false,
            robot: false,
            removed_tag_expiration_s: self.config().default_tag_expiration_s,
            maximum_queued_builds: self.config().maximum_queued_builds,
            now: self.now(),
        })
    }
}

/// What to store as an address: where there is none, a uuid4 keeps the unique index satisfied.
pub(super) fn email_or_uuid(email: Option<&str>) -> String {
    match email {
        Some(email) if !email.is_empty() => email.to_owned(),
        _ => uuid4(),
    }
}

/// Inserts a person or organization, or says what is in the way.
pub(super) async fn insert_account(conn: &mut Conn, new: &NewAccount) -> Result<UserId> {
    if users::name_is_being_deleted(conn, &new.username).await? {
        return Err(AccountsError::NameBeingDeleted(new.username.clone()));
    }
    if let Some(id) = users::insert(conn, new).await? {
        return Ok(id);
    }
    // The insert waited for whoever was first, so the row in its way is visible now.
    Err(match users::find(conn, &new.username).await? {
        Some(account) => AccountsError::NameTaken {
            name: account.username,
            organization: account.organization,
        },
        None => AccountsError::EmailTaken(new.email.clone()),
    })
}

/// The person of that name: neither an organization nor a robot.
pub(super) async fn find_person(conn: &mut Conn, username: &str) -> Result<Account> {
    users::find(conn, username)
        .await?
        .filter(|account| !account.organization && !account.robot)
        .ok_or_else(|| AccountsError::NoSuchUser(username.to_owned()))
}

/// The person or organization of that name, who can own repositories and robots.
pub(super) async fn find_namespace(conn: &mut Conn, name: &str) -> Result<Account> {
    users::find(conn, name)
        .await?
        .filter(|account| !account.robot)
        .ok_or_else(|| AccountsError::NoSuchNamespace(name.to_owned()))
}

/// Adds who did it as a superuser, if somebody did.
pub(super) fn with_superuser(actor: &Actor, mut metadata: Value) -> Value {
    if let Some(superuser) = &actor.superuser {
        metadata["superuser"] = json!(superuser);
    }
    metadata
}

#[cfg(test)]
mod tests;
