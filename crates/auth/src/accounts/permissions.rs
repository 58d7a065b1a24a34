//! Permissions on repositories: what people, robots and teams may do beside what ownership gives.

use pierhead_db::enums::{Named, Role};
use pierhead_db::queries::repositories::Repository;
use pierhead_db::queries::repository_permissions::{
    self, Permission, TeamPermission, UserPermission,
};
use pierhead_db::queries::users;
use pierhead_db::{Conn, RepositoryId, TeamId, UserId};
use serde_json::json;

use super::repositories::{RepositoryRef, about, find_repository};
use super::teams::find_team;
use super::{Accounts, AccountsError, Actor, Result, robots};

/// To whom a permission is given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Grantee {
    /// A person, by name.
    User(String),
    /// A team of the organization that owns the repository, by name.
    Team(String),
    /// A robot of the namespace that owns the repository, by full name.
    Robot(String),
}

impl Grantee {
    /// A person or robot, told apart by the `+` in a robot's name.
    pub fn account(name: impl Into<String>) -> Self {
        let name = name.into();
        if name.contains('+') {
            Self::Robot(name)
        } else {
            Self::User(name)
        }
    }

    /// The name: a team's, a person's, or a robot's full one.
    pub fn name(&self) -> &str {
        match self {
            Self::User(name) | Self::Team(name) | Self::Robot(name) => name,
        }
    }

    /// The key under which audit rows name it.
    fn audit_key(&self) -> &'static str {
        match self {
            Self::Team(_) => "team",
            Self::User(_) | Self::Robot(_) => "username",
        }
    }
}

/// A permission that was changed: what caches must drop. The members of a team are affected with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionChange {
    /// On what.
    pub repository: RepositoryRef,
    /// The person or robot.
    pub user: Option<UserId>,
    /// The team.
    pub team: Option<TeamId>,
}

enum GranteeId {
    User(UserId),
    Team(TeamId),
}

impl Accounts {
    /// Gives somebody a role on a repository, in place of the one they have.
    ///
    /// # Errors
    /// When one of them does not exist, the robot belongs to another namespace, or the person owns the namespace.
    pub async fn set_permission(
        &self,
        actor: &Actor,
        namespace: &str,
        name: &str,
        grantee: Grantee,
        role: Role,
    ) -> Result<PermissionChange> {
        self.change_permission(actor, namespace, name, grantee, Some(role))
            .await
    }

    /// Takes back a permission.
    ///
    /// # Errors
    /// When there is no such repository or permission, or the person owns the namespace.
    pub async fn remove_permission(
        &self,
        actor: &Actor,
        namespace: &str,
        name: &str,
        grantee: Grantee,
    ) -> Result<PermissionChange> {
        self.change_permission(actor, namespace, name, grantee, None)
            .await
    }

    /// Every permission on a repository: those of people and robots by name, then those of teams by name.
    ///
    /// # Errors
    /// When there is no such repository.
    pub async fn list_permissions(&self, namespace: &str, name: &str) -> Result<Vec<Permission>> {
        let mut conn = self.read().await?;
        let found = find_repository(&mut conn, namespace, name).await?;
        Ok(repository_permissions::list(&mut conn, found.id).await?)
    }

    /// The permissions of people and robots on a repository, or that of one of them.
    pub async fn permissions_of_users(
        &self,
        repository: RepositoryId,
        name: Option<&str>,
    ) -> Result<Vec<UserPermission>> {
        let mut conn = self.read().await?;
        Ok(repository_permissions::of_users(&mut conn, repository, name).await?)
    }

    /// The permissions of teams on a repository, or that of one of them.
    pub async fn permissions_of_teams(
        &self,
        repository: RepositoryId,
        name: Option<&str>,
    ) -> Result<Vec<TeamPermission>> {
        let mut conn = self.read().await?;
        Ok(repository_permissions::of_teams(&mut conn, repository, name).await?)
    }

    /// The roles that a person or robot was given on a repository, itself and by its teams.
    pub async fn transitive_roles(
        &self,
        repository: RepositoryId,
        name: &str,
    ) -> Result<Vec<String>> {
        let mut conn = self.read().await?;
        Ok(repository_permissions::transitive(&mut conn, repository, name).await?)
    }

    async fn change_permission(
        &self,
        actor: &Actor,
        namespace: &str,
        name: &str,
        grantee: Grantee,
        role: Option<Role>,
    ) -> Result<PermissionChange> {
        let (accounts, now, actor) = (self.clone(), self.now(), actor.clone());
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        self.write(move |conn| {
            Box::pin(async move {
                let found = find_repository(conn, &namespace, &name).await?;
                let (id, kind) = if let Some(role) = role {
                    let id = find_grantee(conn, &found, &grantee).await?;
                    put(conn, &id, &found, accounts.id_of(role)).await?;
                    (id, "change_repo_permission")
                } else {
                    let id = delete(conn, &found, &grantee).await?;
                    let id = id.ok_or_else(|| no_permission(&grantee))?;
                    (id, "delete_repo_permission")
                };
                let mut keys = vec![(grantee.audit_key(), json!(grantee.name()))];
                keys.extend(role.map(|role| ("role", json!(role.name()))));
                accounts
                    .record(conn, &actor, now, about(kind, &found, &keys))
                    .await?;
                Ok(match id {
                    GranteeId::User(user) => PermissionChange {
                        repository: found.into(),
                        user: Some(user),
                        team: None,
                    },
                    GranteeId::Team(team) => PermissionChange {
                        repository: found.into(),
                        user: None,
                        team: Some(team),
                    },
                })
            })
        })
        .await
    }
}

async fn put(conn: &mut Conn, id: &GranteeId, found: &Repository, role: i32) -> Result<()> {
    match id {
        GranteeId::User(user) => {
            repository_permissions::put_user(conn, *user, found.id, role).await?
        }
        GranteeId::Team(team) => {
            repository_permissions::put_team(conn, *team, found.id, role).await?
        }
    };
    Ok(())
}

/// Deletes whatever permission there is, also of those to whom none may be given, such as robots of other namespaces: a default
/// permission may have done so. Whose it was, if there was one.
async fn delete(
    conn: &mut Conn,
    found: &Repository,
    grantee: &Grantee,
) -> Result<Option<GranteeId>> {
    let (id, deleted) = match grantee {
        Grantee::User(name) | Grantee::Robot(name) => {
            if *name == found.namespace {
                return Err(AccountsError::OwnerIsAdmin);
            }
            let Some(account) = users::find(conn, name).await? else {
                return Ok(None);
            };
            let deleted = repository_permissions::delete_user(conn, account.id, found.id).await?;
            (GranteeId::User(account.id), deleted)
        }
        Grantee::Team(name) => {
            let organization = UserId(found.namespace_id.0);
            let team = match find_team(conn, organization, &found.namespace, name).await {
                Err(AccountsError::NoSuchTeam { .. }) => return Ok(None),
                team => team?,
            };
            let deleted = repository_permissions::delete_team(conn, team.id, found.id).await?;
            (GranteeId::Team(team.id), deleted)
        }
    };
    Ok((deleted > 0).then_some(id))
}

/// Who is meant, if they may have a permission of their own on this repository.
async fn find_grantee(conn: &mut Conn, found: &Repository, grantee: &Grantee) -> Result<GranteeId> {
    match grantee {
        Grantee::User(name) => {
            if *name == found.namespace {
                return Err(AccountsError::OwnerIsAdmin);
            }
            let user = super::users::find_person(conn, name).await?;
            Ok(GranteeId::User(user.id))
        }
        Grantee::Robot(name) => {
            let robot = users::find(conn, name)
                .await?
                .filter(|account| account.robot)
                .ok_or_else(|| AccountsError::NoSuchRobot(name.clone()))?;
            if !robots::belongs_to(name, &found.namespace) {
                return Err(AccountsError::ForeignRobot {
                    robot: name.clone(),
                    namespace: found.namespace.clone(),
                });
            }
            Ok(GranteeId::User(robot.id))
        }
        Grantee::Team(name) => {
            let organization = UserId(found.namespace_id.0);
            let team = find_team(conn, organization, &found.namespace, name).await?;
            Ok(GranteeId::Team(team.id))
        }
    }
}

fn no_permission(grantee: &Grantee) -> AccountsError {
    let kind = match grantee {
        Grantee::Team(_) => "Team",
        Grantee::User(_) | Grantee::Robot(_) => "User",
    };
    AccountsError::NoPermission {
        grantee: format!("{kind} {}", grantee.name()),
    }
}

#[cfg(test)]
mod tests;
