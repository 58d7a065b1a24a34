//! `team` and what hangs on it: numbers for lists, changes, permissions, removal.

use crate::statement::{execute, fetch_all, fetch_one, statements};
use crate::{Conn, Result, TeamId, UserId};

/// A team with the numbers that an organization's page shows.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct TeamOverview {
    /// `team.id`.
    pub id: TeamId,
    /// Unique in the organization.
    pub name: String,
    /// `teamrole.name`: `admin`, `creator` or `member`.
    pub role: String,
    /// For people; empty when there is none.
    pub description: String,
    /// Repositories on which it has a permission.
    pub repo_count: i64,
    /// People and robots in it.
    pub member_count: i64,
    /// An external group decides who is in it.
    pub is_synced: bool,
    /// The viewer is in it.
    pub has_viewer: bool,
}

/// A permission of a team or robot on a repository.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct HeldPermission {
    /// The repository's name, without the namespace.
    pub repository: String,
    /// Everybody sees it.
    pub public: bool,
    /// `role.name`: `admin`, `write` or `read`.
    pub role: String,
}

macro_rules! held_permissions {
    ($holder:literal) => {
        concat!(
            "SELECT repository.name AS repository, visibility.name = 'public' AS public, role.name AS role
            FROM repositorypermission
            JOIN repository ON repository.id = repositorypermission.repository_id AND repository.state <> 3
            JOIN visibility ON visibility.id = repository.visibility_id
            JOIN role ON role.id = repositorypermission.role_id
            WHERE repositorypermission.",
            $holder,
            " = $1 ORDER BY repositorypermission.id"
        )
    };
}

statements! {
    OVERVIEW = "SELECT team.id, team.name, teamrole.name AS role, team.description,
            (SELECT COUNT(*) FROM repositorypermission WHERE repositorypermission.team_id = team.id) AS repo_count,
            (SELECT COUNT(*) FROM teammember WHERE teammember.team_id = team.id) AS member_count,
            EXISTS (SELECT 1 FROM teamsync WHERE teamsync.team_id = team.id) AS is_synced,
            EXISTS (SELECT 1 FROM teammember WHERE teammember.team_id = team.id AND teammember.user_id = $2) AS has_viewer
        FROM team JOIN teamrole ON teamrole.id = team.role_id
        WHERE team.organization_id = $1 ORDER BY team.id";
    MATCHING = "SELECT name FROM team WHERE organization_id = $1 AND substr(name, 1, $3) = $2 ORDER BY name LIMIT $4";
    PERMISSIONS = held_permissions!("team_id");
    ACCOUNT_PERMISSIONS = held_permissions!("user_id");
    SET_DESCRIPTION = "UPDATE team SET description = $2 WHERE id = $1";
    SET_ROLE = "UPDATE team SET role_id = $2 WHERE id = $1";
    IS_MEMBER = "SELECT EXISTS (SELECT 1 FROM teammember WHERE team_id = $1 AND user_id = $2)";
    IS_MEMBER_OF_ORGANIZATION = "SELECT EXISTS (SELECT 1 FROM teammember JOIN team ON team.id = teammember.team_id
        WHERE team.organization_id = $1 AND teammember.user_id = $2)";
    HAS_OTHER_ADMIN_TEAM = "SELECT EXISTS (SELECT 1 FROM team
        JOIN teamrole ON teamrole.id = team.role_id AND teamrole.name = 'admin'
        WHERE team.organization_id = $1 AND team.id <> $2)";
    DELETE_SYNC = "DELETE FROM teamsync WHERE team_id = $1";
    DELETE_MEMBERS = "DELETE FROM teammember WHERE team_id = $1";
    DELETE_INVITES = "DELETE FROM teammemberinvite WHERE team_id = $1";
    DELETE_PERMISSIONS = "DELETE FROM repositorypermission WHERE team_id = $1";
    DELETE_PROTOTYPES = "DELETE FROM permissionprototype WHERE delegate_team_id = $1";
    DELETE = "DELETE FROM team WHERE id = $1";
}

/// Every team of an organization, in the order they were made. A viewer who is nobody is in none.
pub async fn overview(
    conn: &mut Conn,
    organization: UserId,
    viewer: Option<UserId>,
) -> Result<Vec<TeamOverview>> {
    fetch_all!(conn, OVERVIEW, organization, viewer)
}

/// The names of at most `limit` teams of an organization that start with `prefix`.
pub async fn matching(
    conn: &mut Conn,
    organization: UserId,
    prefix: &str,
    limit: i64,
) -> Result<Vec<String>> {
    let length = prefix.chars().count() as i32;
    let rows: Vec<(String,)> = fetch_all!(conn, MATCHING, organization, prefix, length, limit)?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// What a team may do with which repositories.
pub async fn permissions(conn: &mut Conn, team: TeamId) -> Result<Vec<HeldPermission>> {
    fetch_all!(conn, PERMISSIONS, team)
}

/// What was granted to a person or robot itself.
pub async fn account_permissions(conn: &mut Conn, account: UserId) -> Result<Vec<HeldPermission>> {
    fetch_all!(conn, ACCOUNT_PERMISSIONS, account)
}

/// Changes a team's description.
pub async fn set_description(conn: &mut Conn, team: TeamId, description: &str) -> Result<u64> {
    execute!(conn, SET_DESCRIPTION, team, description)
}

/// Changes a team's role (`teamrole.id`).
pub async fn set_role(conn: &mut Conn, team: TeamId, role: i32) -> Result<u64> {
    execute!(conn, SET_ROLE, team, role)
}

/// Whether somebody is in a team.
pub async fn is_member(conn: &mut Conn, team: TeamId, user: UserId) -> Result<bool> {
    let (member,): (bool,) = fetch_one!(conn, IS_MEMBER, team, user)?;
    Ok(member)
}

/// Whether somebody is in any team of an organization.
pub async fn is_member_of_organization(
    conn: &mut Conn,
    organization: UserId,
    user: UserId,
) -> Result<bool> {
    let (member,): (bool,) = fetch_one!(conn, IS_MEMBER_OF_ORGANIZATION, organization, user)?;
    Ok(member)
}

/// Whether an organization has an administrating team beside this one.
pub async fn has_other_admin_team(
    conn: &mut Conn,
    organization: UserId,
    team: TeamId,
) -> Result<bool> {
    let (other,): (bool,) = fetch_one!(conn, HAS_OTHER_ADMIN_TEAM, organization, team)?;
    Ok(other)
}

/// Lets a team go from its external group; 0 when it had none.
pub async fn delete_sync(conn: &mut Conn, team: TeamId) -> Result<u64> {
    execute!(conn, DELETE_SYNC, team)
}

/// Ends every membership.
pub async fn delete_members(conn: &mut Conn, team: TeamId) -> Result<u64> {
    execute!(conn, DELETE_MEMBERS, team)
}

/// Takes back every invitation.
pub async fn delete_invites(conn: &mut Conn, team: TeamId) -> Result<u64> {
    execute!(conn, DELETE_INVITES, team)
}

/// Takes back every permission.
pub async fn delete_permissions(conn: &mut Conn, team: TeamId) -> Result<u64> {
    execute!(conn, DELETE_PERMISSIONS, team)
}

/// Deletes the default permissions that the team would get.
pub async fn delete_prototypes(conn: &mut Conn, team: TeamId) -> Result<u64> {
    execute!(conn, DELETE_PROTOTYPES, team)
}

/// Deletes a team, to which nothing may point any more.
pub async fn delete(conn: &mut Conn, team: TeamId) -> Result<u64> {
    execute!(conn, DELETE, team)
}
