//! `repositorypermission`: what people, robots and teams may do with a repository; and `permissionprototype`, which
//! decides what a new repository starts with.

use crate::statement::{execute, fetch_all, statements};
use crate::{Conn, NamespaceId, RepositoryId, Result, TeamId, UserId};

/// A permission with the names that its numbers mean: of a user or of a team, never of both.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Permission {
    /// The person or robot.
    pub user_id: Option<UserId>,
    /// The person's or robot's name.
    pub username: Option<String>,
    /// Whether it is a robot.
    pub robot: Option<bool>,
    /// The team.
    pub team_id: Option<TeamId>,
    /// The team's name.
    pub team: Option<String>,
    /// `role.name`: `admin`, `write` or `read`.
    pub role: String,
}

/// A permission of a person or robot as the management API shows it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct UserPermission {
    /// The name; a robot's full one.
    pub username: String,
    /// The address.
    pub email: Option<String>,
    /// Whether it is a robot.
    pub robot: bool,
    /// `role.name`.
    pub role: String,
    /// Whether an organization owns the repository.
    pub organization: bool,
    /// Whether the person or robot is in a team of the owner.
    pub member: bool,
}

/// A permission of a team as the management API shows it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct TeamPermission {
    /// The team.
    pub team: String,
    /// `role.name`.
    pub role: String,
}

/// A default permission of an organization.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Prototype {
    /// Whose new repositories it is for; everybody's when it is NULL.
    pub activating_user_id: Option<UserId>,
    /// The person or robot who gets it.
    pub delegate_user_id: Option<UserId>,
    /// The team that gets it.
    pub delegate_team_id: Option<TeamId>,
    /// `role.id`.
    pub role_id: i32,
}

statements! {
    PUT_USER = "INSERT INTO repositorypermission (user_id, repository_id, role_id)
        VALUES ($1, $2, $3) ON CONFLICT (user_id, repository_id) DO UPDATE SET role_id = excluded.role_id";
    PUT_TEAM = "INSERT INTO repositorypermission (team_id, repository_id, role_id)
        VALUES ($1, $2, $3) ON CONFLICT (team_id, repository_id) DO UPDATE SET role_id = excluded.role_id";
    DELETE_USER = "DELETE FROM repositorypermission WHERE user_id = $1 AND repository_id = $2";
    DELETE_TEAM = "DELETE FROM repositorypermission WHERE team_id = $1 AND repository_id = $2";
    LIST = r#"SELECT repositorypermission.user_id, "user".username, "user".robot, repositorypermission.team_id,
            team.name AS team, role.name AS role
        FROM repositorypermission
        JOIN role ON role.id = repositorypermission.role_id
        LEFT JOIN "user" ON "user".id = repositorypermission.user_id
        LEFT JOIN team ON team.id = repositorypermission.team_id
        WHERE repositorypermission.repository_id = $1
        ORDER BY CASE WHEN repositorypermission.team_id IS NULL THEN 0 ELSE 1 END, "user".username, team.name"#;
    /// `$1` repository, `$2` name or null for everybody.
    OF_USERS = r#"SELECT u.username, u.email, u.robot, role.name AS role, n.organization,
            EXISTS (SELECT 1 FROM teammember m JOIN team t ON t.id = m.team_id
                WHERE m.user_id = u.id AND t.organization_id = n.id) AS member
        FROM repositorypermission p
        JOIN role ON role.id = p.role_id
        JOIN "user" u ON u.id = p.user_id
        JOIN repository r ON r.id = p.repository_id
        JOIN "user" n ON n.id = r.namespace_user_id
        WHERE p.repository_id = $1 AND (CAST($2 AS TEXT) IS NULL OR u.username = $2)
        ORDER BY u.username"#;
    /// `$1` repository, `$2` name or null for all.
    OF_TEAMS = "SELECT t.name AS team, role.name AS role FROM repositorypermission p
        JOIN role ON role.id = p.role_id JOIN team t ON t.id = p.team_id
        WHERE p.repository_id = $1 AND (CAST($2 AS TEXT) IS NULL OR t.name = $2) ORDER BY t.name";
    /// The roles that an account has by itself or by its teams: `$1` repository, `$2` name.
    TRANSITIVE = r#"SELECT role.name FROM "user" u JOIN repositorypermission p ON p.repository_id = $1
            AND (p.user_id = u.id
                OR EXISTS (SELECT 1 FROM teammember m WHERE m.team_id = p.team_id AND m.user_id = u.id))
        JOIN role ON role.id = p.role_id WHERE u.username = $2 ORDER BY p.id"#;
    ROBOTS = r#"SELECT u.username FROM repositorypermission p JOIN "user" u ON u.id = p.user_id
        WHERE p.repository_id = $1 AND u.robot = true
        UNION SELECT u.username FROM repositorypermission p JOIN teammember m ON m.team_id = p.team_id
        JOIN "user" u ON u.id = m.user_id WHERE p.repository_id = $1 AND u.robot = true"#;
    // Those for one person come last, so that they replace those for everybody.
    PROTOTYPES = "SELECT activating_user_id, delegate_user_id, delegate_team_id, role_id FROM permissionprototype
        WHERE org_id = $1 AND (activating_user_id = $2 OR activating_user_id IS NULL)
        ORDER BY CASE WHEN activating_user_id IS NULL THEN 0 ELSE 1 END, id";
}

/// Gives a person or robot a `role.id`, in place of the one it has.
pub async fn put_user(
    conn: &mut Conn,
    user: UserId,
    repository: RepositoryId,
    role: i32,
) -> Result<u64> {
    execute!(conn, PUT_USER, user, repository, role)
}

/// Gives a team a `role.id`, in place of the one it has.
pub async fn put_team(
    conn: &mut Conn,
    team: TeamId,
    repository: RepositoryId,
    role: i32,
) -> Result<u64> {
    execute!(conn, PUT_TEAM, team, repository, role)
}

/// Takes back the permission of a person or robot; 0 when there is none.
pub async fn delete_user(conn: &mut Conn, user: UserId, repository: RepositoryId) -> Result<u64> {
    execute!(conn, DELETE_USER, user, repository)
}

/// Takes back the permission of a team; 0 when there is none.
pub async fn delete_team(conn: &mut Conn, team: TeamId, repository: RepositoryId) -> Result<u64> {
    execute!(conn, DELETE_TEAM, team, repository)
}

/// Every permission on a repository: those of people and robots by name, then those of teams by name.
pub async fn list(conn: &mut Conn, repository: RepositoryId) -> Result<Vec<Permission>> {
    fetch_all!(conn, LIST, repository)
}

/// The default permissions that apply when that person or robot makes a repository in the namespace.
pub async fn prototypes(
    conn: &mut Conn,
    namespace: NamespaceId,
    creator: UserId,
) -> Result<Vec<Prototype>> {
    fetch_all!(conn, PROTOTYPES, namespace, creator)
}

/// Permissions of people and robots by name: everybody's, or that of one.
pub async fn of_users(
    conn: &mut Conn,
    repository: RepositoryId,
    name: Option<&str>,
) -> Result<Vec<UserPermission>> {
    fetch_all!(conn, OF_USERS, repository, name)
}

/// Permissions of teams by name: all, or that of one.
pub async fn of_teams(
    conn: &mut Conn,
    repository: RepositoryId,
    name: Option<&str>,
) -> Result<Vec<TeamPermission>> {
    fetch_all!(conn, OF_TEAMS, repository, name)
}

/// The roles that a person or robot was given, itself and by its teams.
pub async fn transitive(
    conn: &mut Conn,
    repository: RepositoryId,
    name: &str,
) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = fetch_all!(conn, TRANSITIVE, repository, name)?;
    Ok(rows.into_iter().map(|(role,)| role).collect())
}

/// The names of the robots that have a permission, themselves or by a team.
pub async fn robots(conn: &mut Conn, repository: RepositoryId) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = fetch_all!(conn, ROBOTS, repository)?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}
