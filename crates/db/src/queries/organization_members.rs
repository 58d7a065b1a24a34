//! The people of an organization: in its teams, and with permissions of their own on its repositories.

use crate::queries::account_refs::{AccountRef, account_ref_columns};
use crate::statement::{execute, fetch_all, statements};
use crate::{Conn, Result, UserId};

/// Somebody together with the name of something of theirs: a team, or a repository.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct AccountWith {
    /// Who it is.
    #[sqlx(flatten)]
    pub account: AccountRef,
    /// The team's or repository's name.
    pub name: String,
}

statements! {
    IN_TEAMS = concat!("SELECT ", account_ref_columns!(), r#", team.name AS name FROM teammember
        JOIN team ON team.id = teammember.team_id JOIN "user" ON "user".id = teammember.user_id
        WHERE team.organization_id = $1 AND "user".robot = false ORDER BY teammember.id"#);
    WITH_PERMISSIONS = concat!("SELECT ", account_ref_columns!(), r#", repository.name AS name FROM repository
        JOIN repositorypermission ON repositorypermission.repository_id = repository.id
        JOIN "user" ON "user".id = repositorypermission.user_id
        WHERE repository.namespace_user_id = $1 AND repository.state <> 3 AND "user".robot = false
        ORDER BY repositorypermission.id"#);
    TEAMS_OF = "SELECT team.name FROM teammember JOIN team ON team.id = teammember.team_id
        WHERE team.organization_id = $1 AND teammember.user_id = $2 ORDER BY teammember.id";
    REPOSITORIES_OF = "SELECT repository.name FROM repositorypermission
        JOIN repository ON repository.id = repositorypermission.repository_id
        WHERE repositorypermission.user_id = $2 AND repository.namespace_user_id = $1 AND repository.state <> 3
        ORDER BY repositorypermission.id";
    TWO_ADMINS = r#"SELECT DISTINCT teammember.user_id FROM team
        JOIN teamrole ON teamrole.id = team.role_id AND teamrole.name = 'admin'
        JOIN teammember ON teammember.team_id = team.id
        JOIN "user" ON "user".id = teammember.user_id AND "user".robot = false
        WHERE team.organization_id = $1 LIMIT 2"#;
    DELETE_PERMISSIONS = "DELETE FROM repositorypermission WHERE user_id = $2
        AND repository_id IN (SELECT id FROM repository WHERE namespace_user_id = $1)";
    DELETE_MEMBERSHIPS = "DELETE FROM teammember WHERE user_id = $2
        AND team_id IN (SELECT id FROM team WHERE organization_id = $1)";
}

/// Every person in a team of an organization, once for each team, in the order they joined.
pub async fn in_teams(conn: &mut Conn, organization: UserId) -> Result<Vec<AccountWith>> {
    fetch_all!(conn, IN_TEAMS, organization)
}

/// Every person with a permission of their own on a repository of an organization, once for each.
pub async fn with_permissions(conn: &mut Conn, organization: UserId) -> Result<Vec<AccountWith>> {
    fetch_all!(conn, WITH_PERMISSIONS, organization)
}

/// The teams of an organization that somebody is in.
pub async fn teams_of(conn: &mut Conn, organization: UserId, user: UserId) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = fetch_all!(conn, TEAMS_OF, organization, user)?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// The repositories of an organization on which somebody has a permission of their own.
pub async fn repositories_of(
    conn: &mut Conn,
    organization: UserId,
    user: UserId,
) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = fetch_all!(conn, REPOSITORIES_OF, organization, user)?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Up to two of the people who administer an organization: enough to know whether somebody is the only one.
pub async fn two_admins(conn: &mut Conn, organization: UserId) -> Result<Vec<UserId>> {
    let rows: Vec<(UserId,)> = fetch_all!(conn, TWO_ADMINS, organization)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Takes back somebody's own permissions on the repositories of an organization.
pub async fn delete_permissions(
    conn: &mut Conn,
    organization: UserId,
    user: UserId,
) -> Result<u64> {
    execute!(conn, DELETE_PERMISSIONS, organization, user)
}

/// Takes somebody out of every team of an organization.
pub async fn delete_memberships(
    conn: &mut Conn,
    organization: UserId,
    user: UserId,
) -> Result<u64> {
    execute!(conn, DELETE_MEMBERSHIPS, organization, user)
}
