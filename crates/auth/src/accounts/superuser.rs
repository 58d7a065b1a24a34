//! What superusers do with the accounts of others (api-v1.md §5.22). Each change is one transaction with its audit rows, which
//! name the superuser.

use pierhead_config::Secret;
use pierhead_db::enums::TeamRole;
use pierhead_db::queries::managed_accounts::{self, ManagedAccount};
use pierhead_db::queries::users::Account;
use pierhead_db::queries::{organizations, profiles, users};
use pierhead_db::{Conn, UserId};
use serde_json::json;

use super::audit::Event;
use super::organizations::find_organization;
use super::profile::rename;
use super::users::{PASSWORD_REQUIRED, find_person, with_superuser};
use super::{Accounts, AccountsError, Actor, Result, names, uuid4};

/// What a superuser changes of a person; `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct PersonChange {
    /// Ends the sessions, too.
    pub password: Option<Secret>,
    /// Counts as confirmed.
    pub email: Option<String>,
    /// Whether the person may log in.
    pub enabled: Option<bool>,
}

impl Accounts {
    /// People, or organizations, by id after one: those that are enabled, or all but those that are being deleted.
    pub async fn managed_accounts(
        &self,
        organizations: bool,
        disabled: bool,
        after: UserId,
        limit: Option<u32>,
    ) -> Result<Vec<ManagedAccount>> {
        let mut conn = self.read().await?;
        let limit = limit.map_or(i64::MAX, i64::from);
        Ok(managed_accounts::list(&mut conn, organizations, disabled, after, limit).await?)
    }

    /// A person, whoever it is.
    ///
    /// # Errors
    /// When there is none of that name.
    pub async fn managed_person(&self, username: &str) -> Result<ManagedAccount> {
        managed_accounts::find_person(&mut self.read().await?, username)
            .await?
            .ok_or_else(|| AccountsError::NoSuchUser(username.to_owned()))
    }

    /// Changes a person.
    ///
    /// # Errors
    /// When there is no such person, the password is malformed, or the address is malformed or taken.
    pub async fn change_person(
        &self,
        actor: &Actor,
        username: &str,
        change: PersonChange,
    ) -> Result<UserId> {
        let hash = match &change.password {
            Some(password) => {
                names::check_password(password.expose())?;
                Some(self.hash(password).await?)
            }
            None => None,
        };
        if change.email.is_some() {
            names::check_email(change.email.as_deref(), self.config())?;
        }
        let (accounts, actor, username) = (self.clone(), actor.clone(), username.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let person = find_person(conn, &username).await?;
                if let Some(hash) = &hash {
                    users::set_password(conn, person.id, hash, &uuid4()).await?;
                    accounts
                        .take_back(conn, PASSWORD_REQUIRED, person.id)
                        .await?;
                    let metadata = json!({ "username": username });
                    accounts
                        .told(conn, &actor, person.id, "user_change_password", metadata)
                        .await?;
                }
                if let Some(email) = &change.email {
                    if let Some(other) = profiles::find_by_email(conn, email).await?
                        && other.id != person.id
                    {
                        return Err(AccountsError::AddressInUse);
                    }
                    profiles::set_email(conn, person.id, email, true).await?;
                    let metadata = json!({ "old_email": person.email, "email": email });
                    accounts
                        .told(conn, &actor, person.id, "user_change_email", metadata)
                        .await?;
                }
                if let Some(enabled) = change.enabled {
                    let uuid = (!enabled).then(uuid4);
                    users::set_enabled(conn, person.id, enabled, uuid.as_deref()).await?;
                    let kind = if enabled {
                        "user_enable"
                    } else {
                        "user_disable"
                    };
                    let metadata = json!({ "username": username });
                    accounts
                        .told(conn, &actor, person.id, kind, metadata)
                        .await?;
                }
                Ok(person.id)
            })
        })
        .await
    }

    /// Gives an organization another name, if one is given: that somebody asked is recorded anyway, as in Quay. Returns it as it
    /// was.
    ///
    /// # Errors
    /// When there is no such organization, or the name is malformed or taken.
    pub async fn rename_organization(
        &self,
        actor: &Actor,
        old: &str,
        new: Option<&str>,
    ) -> Result<Account> {
        if let Some(new) = new {
            names::check_username(new)?;
        }
        let (accounts, actor) = (self.clone(), actor.clone());
        let (old, new) = (old.to_owned(), new.map(str::to_owned));
        self.write(move |conn| {
            Box::pin(async move {
                let organization = find_organization(conn, &old).await?;
                if let Some(new) = new.as_ref().filter(|new| **new != old) {
                    let taken = users::find(conn, new).await?.is_some()
                        || users::name_is_being_deleted(conn, new).await?;
                    if taken {
                        return Err(AccountsError::UsernameInUse);
                    }
                    rename(conn, organization.id, &old, new).await?;
                }
                let metadata = json!({ "old_name": old, "new_name": new });
                accounts
                    .told(conn, &actor, organization.id, "org_change_name", metadata)
                    .await?;
                Ok(organization)
            })
        })
        .await
    }

    /// Makes a superuser an administrator of an organization, or makes a person an organization that the superuser
    /// administers. Returns whose namespace it is.
    ///
    /// # Errors
    /// When there is no such namespace, or the organization has no team of administrators.
    pub async fn take_ownership(
        &self,
        actor: &Actor,
        namespace: &str,
        superuser: UserId,
    ) -> Result<UserId> {
        let (accounts, actor, namespace) = (self.clone(), actor.clone(), namespace.to_owned());
        let admin = self.id_of(TeamRole::Admin);
        self.write(move |conn| {
            Box::pin(async move {
                let account = users::find(conn, &namespace)
                    .await?
                    .filter(|account| !account.robot)
                    .ok_or_else(|| AccountsError::NoSuchNamespace(namespace.clone()))?;
                if account.organization {
                    let team = managed_accounts::admin_team(conn, account.id, admin).await?;
                    let team = team.ok_or_else(|| AccountsError::NoSuchTeam {
                        organization: namespace.clone(),
                        team: "owners".to_owned(),
                    })?;
                    organizations::insert_member(conn, superuser, team).await?;
                } else {
                    accounts
                        .make_organization(conn, account.id, superuser)
                        .await?;
                }
                let metadata = json!({
                    "entity_id": account.id.0,
                    "namespace": namespace,
                    "was_user": !account.organization,
                });
                accounts
                    .told(conn, &actor, superuser, "take_ownership", metadata)
                    .await?;
                Ok(account.id)
            })
        })
        .await
    }

    /// Records what a superuser did.
    async fn told(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        account: UserId,
        kind: &'static str,
        metadata: serde_json::Value,
    ) -> Result<()> {
        let event = Event {
            kind,
            account,
            repository: None,
            metadata: with_superuser(actor, metadata),
        };
        self.record(conn, actor, self.now(), event).await
    }
}

#[cfg(test)]
mod tests;
