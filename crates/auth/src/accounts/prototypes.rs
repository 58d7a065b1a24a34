//! Default permissions: what new repositories of an organization start with.

use pierhead_db::enums::{Named, Role};
use pierhead_db::queries::account_refs;
use pierhead_db::queries::prototypes::{self, NewPrototype, PrototypeRow};
use pierhead_db::queries::users::Account;
use pierhead_db::{Conn, UserId};
use serde_json::{Value, json};

use super::audit::Event;
use super::organizations::find_organization;
use super::teams::{about, find_team};
use super::{Accounts, AccountsError, Actor, Result, uuid4};

/// Who gets a default permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delegate {
    /// A person or robot, by name.
    User(String),
    /// A team of the organization, by name.
    Team(String),
}

impl Accounts {
    /// Every default permission of an organization, oldest first.
    pub async fn prototypes(&self, organization: UserId) -> Result<Vec<PrototypeRow>> {
        Ok(prototypes::list(&mut self.read().await?, organization).await?)
    }

    /// Adds a default permission for the repositories that `activating_user` will make, or everybody. `by` is the name of
    /// the caller, which the audit log keeps.
    ///
    /// # Errors
    /// When somebody of these does not exist.
    pub async fn create_prototype(
        &self,
        actor: &Actor,
        by: &str,
        organization: &str,
        role: Role,
        activating_user: Option<String>,
        delegate: Delegate,
    ) -> Result<PrototypeRow> {
        let (accounts, now, actor, by) = (self.clone(), self.now(), actor.clone(), by.to_owned());
        let organization = organization.to_owned();
        let role = self.id_of(role);
        self.write(move |conn| {
            Box::pin(async move {
                let org = find_organization(conn, &organization).await?;
                let activating_user = match activating_user {
                    Some(name) => Some(
                        account_refs::find(conn, &name)
                            .await?
                            .ok_or(AccountsError::UnknownActivatingUser)?
                            .id,
                    ),
                    None => None,
                };
                let (delegate_user, delegate_team) = match delegate {
                    Delegate::User(name) => {
                        let user = account_refs::find(conn, &name)
                            .await?
                            .ok_or(AccountsError::MissingDelegate)?;
                        (Some(user.id), None)
                    }
                    Delegate::Team(name) => {
                        let team = find_team(conn, org.id, &organization, &name).await?;
                        (None, Some(team.id))
                    }
                };
                let uuid = uuid4();
                let new = NewPrototype {
                    organization: org.id,
                    uuid: &uuid,
                    activating_user,
                    delegate_user,
                    delegate_team,
                    role,
                };
                prototypes::insert(conn, &new).await?;
                let row = find_prototype(conn, &org, &uuid).await?;
                let event = event("create_prototype_permission", &org, &by, &row);
                accounts.record(conn, &actor, now, event).await?;
                Ok(row)
            })
        })
        .await
    }

    /// Changes what a default permission grants.
    ///
    /// # Errors
    /// When there is no such organization or default permission.
    pub async fn change_prototype(
        &self,
        actor: &Actor,
        by: &str,
        organization: &str,
        id: &str,
        role: Role,
    ) -> Result<PrototypeRow> {
        let (accounts, now, actor, by) = (self.clone(), self.now(), actor.clone(), by.to_owned());
        let (organization, id) = (organization.to_owned(), id.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let org = find_organization(conn, &organization).await?;
                let mut row = find_prototype(conn, &org, &id).await?;
                prototypes::set_role(conn, row.id, accounts.id_of(role)).await?;
                let original = std::mem::replace(&mut row.role, role.name().to_owned());
                let mut event = event("modify_prototype_permission", &org, &by, &row);
                event.metadata["original_role"] = Value::String(original);
                accounts.record(conn, &actor, now, event).await?;
                Ok(row)
            })
        })
        .await
    }

    /// Deletes a default permission. Repositories that exist keep what they got.
    ///
    /// # Errors
    /// When there is no such organization or default permission.
    pub async fn delete_prototype(
        &self,
        actor: &Actor,
        by: &str,
        organization: &str,
        id: &str,
    ) -> Result<()> {
        let (accounts, now, actor, by) = (self.clone(), self.now(), actor.clone(), by.to_owned());
        let (organization, id) = (organization.to_owned(), id.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let org = find_organization(conn, &organization).await?;
                let row = find_prototype(conn, &org, &id).await?;
                prototypes::delete(conn, row.id).await?;
                let event = event("delete_prototype_permission", &org, &by, &row);
                accounts.record(conn, &actor, now, event).await
            })
        })
        .await
    }
}

async fn find_prototype(conn: &mut Conn, org: &Account, id: &str) -> Result<PrototypeRow> {
    prototypes::find(conn, org.id, id)
        .await?
        .ok_or_else(|| AccountsError::NoSuchPrototype {
            organization: org.username.clone(),
            id: id.to_owned(),
        })
}

fn event(kind: &'static str, org: &Account, by: &str, row: &PrototypeRow) -> Event {
    let mut metadata = json!({
        "prototypeid": row.uuid,
        "username": by,
        "activating_username": row.activating_username,
        "role": row.role,
    });
    if let Some(user) = &row.delegate_username {
        metadata["delegate_user"] = json!(user);
    } else if let Some(team) = &row.delegate_team {
        metadata["delegate_team"] = json!(team);
    }
    about(kind, org, metadata)
}

#[cfg(test)]
mod tests;
