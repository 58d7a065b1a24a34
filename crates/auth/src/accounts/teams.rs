//! Teams: making, changing, listing and deleting them. Who is in them: `team_members`.
//!
//! Invariant: nobody takes away their own right to administer an organization by what they do to one of its teams, and the
//! last administrating team of an organization is not deleted. Changes that could break this take turns (PostgreSQL runs
//! transactions beside each other).

use pierhead_db::enums::{Named, TeamRole};
use pierhead_db::queries::organizations::{self, Team};
use pierhead_db::queries::teams::{self, HeldPermission, TeamOverview};
use pierhead_db::queries::users::{self, Account};
use pierhead_db::{Conn, TeamId, UserId};
use serde_json::{Value, json};

use super::audit::Event;
use super::organizations::find_organization;
use super::{Accounts, AccountsError, Actor, Result, names};

/// What the advisory locks of organizations start with, so that they are not taken for others.
const LOCK: i64 = 0x7069_6572 << 32;

/// A team after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedTeam {
    /// The team as it is now.
    pub team: Team,
    /// It was made by the change.
    pub created: bool,
}

impl Accounts {
    /// Makes a team without members.
    ///
    /// # Errors
    /// When the name is malformed or taken in the organization, or there is no such organization.
    pub async fn create_team(
        &self,
        actor: &Actor,
        organization: &str,
        name: &str,
        role: TeamRole,
        description: &str,
    ) -> Result<TeamId> {
        names::check_team(name)?;
        let (accounts, now, actor, organization) = (
            self.clone(),
            self.now(),
            actor.clone(),
            organization.to_owned(),
        );
        let (name, role, description) = (name.to_owned(), self.id_of(role), description.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let org = find_organization(conn, &organization).await?;
                let team =
                    insert_team(conn, org.id, &organization, &name, role, &description).await?;
                let event = Event {
                    kind: "org_create_team",
                    account: org.id,
                    repository: None,
                    metadata: json!({ "team": name }),
                };
                accounts.record(conn, &actor, now, event).await?;
                Ok(team)
            })
        })
        .await
    }

    /// Every team of an organization, by name.
    ///
    /// # Errors
    /// When there is no such organization.
    pub async fn list_teams(&self, organization: &str) -> Result<Vec<Team>> {
        let mut conn = self.read().await?;
        let org = find_organization(&mut conn, organization).await?;
        Ok(organizations::list_teams(&mut conn, org.id).await?)
    }

    /// Makes a team, or changes the role and, where one is given, the description of the team of that name.
    ///
    /// # Errors
    /// When the name of a new team is malformed, there is no such organization, or the actor would no longer administer
    /// the organization.
    pub async fn put_team(
        &self,
        actor: &Actor,
        organization: &str,
        name: &str,
        role: TeamRole,
        description: Option<String>,
    ) -> Result<ChangedTeam> {
        let (accounts, now, actor) = (self.clone(), self.now(), actor.clone());
        let (organization, name) = (organization.to_owned(), name.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let org = find_organization(conn, &organization).await?;
                let role_id = accounts.id_of(role);
                let mut events = Vec::new();
                let (team, created) = if let Some(mut team) =
                    organizations::find_team(conn, org.id, &name).await?
                {
                    if let Some(description) = description
                        && description != team.description
                    {
                        teams::set_description(conn, team.id, &description).await?;
                        let metadata = json!({ "team": name, "description": description });
                        events.push(("org_set_team_description", metadata));
                        team.description = description;
                    }
                    if role.name() != team.role {
                        if administers(&team)
                            && is_only_admin_team(conn, &actor, &org, &team).await?
                        {
                            return Err(AccountsError::DemotesOnlyAdminTeam {
                                organization,
                                team: name,
                            });
                        }
                        teams::set_role(conn, team.id, role_id).await?;
                        let metadata = json!({ "team": name, "role": role.name() });
                        events.push(("org_set_team_role", metadata));
                        role.name().clone_into(&mut team.role);
                    }
                    (team, false)
                } else {
                    names::check_team(&name)?;
                    let description = description.unwrap_or_default();
                    let id = insert_team(conn, org.id, &organization, &name, role_id, &description)
                        .await?;
                    events.push(("org_create_team", json!({ "team": name })));
                    let team = Team {
                        id,
                        name,
                        role: role.name().to_owned(),
                        description,
                    };
                    (team, true)
                };
                for (kind, metadata) in events {
                    accounts
                        .record(conn, &actor, now, about(kind, &org, metadata))
                        .await?;
                }
                Ok(ChangedTeam { team, created })
            })
        })
        .await
    }

    /// Deletes a team with its memberships, invitations and permissions.
    ///
    /// # Errors
    /// When there is no such team, the actor would no longer administer the organization, or nobody would.
    pub async fn delete_team(
        &self,
        actor: &Actor,
        organization: &str,
        name: &str,
    ) -> Result<TeamId> {
        let (accounts, now, actor) = (self.clone(), self.now(), actor.clone());
        let (organization, name) = (organization.to_owned(), name.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let org = find_organization(conn, &organization).await?;
                let team = find_team(conn, org.id, &organization, &name).await?;
                if administers(&team)
                    && (is_only_admin_team(conn, &actor, &org, &team).await?
                        || !teams::has_other_admin_team(conn, org.id, team.id).await?)
                {
                    return Err(AccountsError::DeletesOnlyAdminTeam {
                        user: name_of(conn, &actor).await?,
                        organization,
                        team: name,
                    });
                }
                teams::delete_sync(conn, team.id).await?;
                teams::delete_members(conn, team.id).await?;
                teams::delete_invites(conn, team.id).await?;
                teams::delete_permissions(conn, team.id).await?;
                teams::delete_prototypes(conn, team.id).await?;
                teams::delete(conn, team.id).await?;
                let event = about("org_delete_team", &org, json!({ "team": name }));
                accounts.record(conn, &actor, now, event).await?;
                Ok(team.id)
            })
        })
        .await
    }

    /// A team by name.
    ///
    /// # Errors
    /// When there is no such organization or team.
    pub async fn team(&self, organization: &str, name: &str) -> Result<Team> {
        let mut conn = self.read().await?;
        let org = find_organization(&mut conn, organization).await?;
        find_team(&mut conn, org.id, organization, name).await
    }

    /// Whether somebody is in the team of that name.
    pub async fn is_in_team(&self, organization: UserId, name: &str, user: UserId) -> Result<bool> {
        let mut conn = self.read().await?;
        match organizations::find_team(&mut conn, organization, name).await? {
            Some(team) => Ok(teams::is_member(&mut conn, team.id, user).await?),
            None => Ok(false),
        }
    }

    /// Every team of an organization with its numbers, in the order they were made; `viewer` may be in some of them.
    pub async fn team_overview(
        &self,
        organization: UserId,
        viewer: Option<UserId>,
    ) -> Result<Vec<TeamOverview>> {
        Ok(teams::overview(&mut self.read().await?, organization, viewer).await?)
    }

    /// What a team may do with which repositories.
    ///
    /// # Errors
    /// When there is no such organization or team.
    pub async fn team_permissions(
        &self,
        organization: &str,
        name: &str,
    ) -> Result<Vec<HeldPermission>> {
        let mut conn = self.read().await?;
        let org = find_organization(&mut conn, organization).await?;
        let team = find_team(&mut conn, org.id, organization, name).await?;
        Ok(teams::permissions(&mut conn, team.id).await?)
    }

    /// Lets a team go from the external group that decides who is in it. One that has none stays as it is.
    ///
    /// # Errors
    /// When there is no such organization or team.
    pub async fn disable_team_sync(
        &self,
        actor: &Actor,
        organization: &str,
        name: &str,
    ) -> Result<Team> {
        let (accounts, now, actor) = (self.clone(), self.now(), actor.clone());
        let (organization, name) = (organization.to_owned(), name.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let org = find_organization(conn, &organization).await?;
                let team = find_team(conn, org.id, &organization, &name).await?;
                teams::delete_sync(conn, team.id).await?;
                let event = about("disable_team_sync", &org, json!({ "team": name }));
                accounts.record(conn, &actor, now, event).await?;
                Ok(team)
            })
        })
        .await
    }
}

/// Inserts a team, or says that there is one of that name.
pub(super) async fn insert_team(
    conn: &mut Conn,
    id: UserId,
    organization: &str,
    name: &str,
    role: i32,
    description: &str,
) -> Result<TeamId> {
    organizations::insert_team(conn, id, name, role, description)
        .await?
        .ok_or_else(|| AccountsError::TeamExists {
            organization: organization.to_owned(),
            team: name.to_owned(),
        })
}

/// The team of that name in the organization with this id and name.
pub(super) async fn find_team(
    conn: &mut Conn,
    id: UserId,
    organization: &str,
    team: &str,
) -> Result<Team> {
    organizations::find_team(conn, id, team)
        .await?
        .ok_or_else(|| AccountsError::NoSuchTeam {
            organization: organization.to_owned(),
            team: team.to_owned(),
        })
}

/// Whether the team administers its organization.
pub(super) fn administers(team: &Team) -> bool {
    team.role == TeamRole::Admin.name()
}

/// Whether the actor administers the organization only through this team. From here to the end of the transaction nobody
/// else asks that about the organization.
pub(super) async fn is_only_admin_team(
    conn: &mut Conn,
    actor: &Actor,
    org: &Account,
    team: &Team,
) -> Result<bool> {
    lock_admins(conn, org.id).await?;
    let Some(user) = actor.user else {
        return Ok(false);
    };
    Ok(teams::is_member(conn, team.id, user).await?
        && organizations::count_admin_teams(conn, org.id, user).await? <= 1)
}

/// Keeps other changes of who administers the organization out until this transaction ends.
pub(super) async fn lock_admins(conn: &mut Conn, organization: UserId) -> Result<()> {
    Ok(users::lock(conn, LOCK | i64::from(organization.0)).await?)
}

/// An audit event in the log of an organization.
pub(super) fn about(kind: &'static str, org: &Account, metadata: Value) -> Event {
    Event {
        kind,
        account: org.id,
        repository: None,
        metadata,
    }
}

/// The name of who acts; empty for the operator at the command line.
async fn name_of(conn: &mut Conn, actor: &Actor) -> Result<String> {
    let Some(user) = actor.user else {
        return Ok(String::new());
    };
    let account = users::find_by_id(conn, user).await?;
    Ok(account.map(|account| account.username).unwrap_or_default())
}

#[cfg(test)]
mod tests;
