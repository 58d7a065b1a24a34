//! `permissionprototype`: what new repositories of an organization start with, as administration sees it.

use crate::statement::{execute, fetch_all, fetch_optional, statements};
use crate::{Conn, Result, TeamId, UserId};

/// A default permission with the names that its numbers mean.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct PrototypeRow {
    /// `permissionprototype.id`.
    pub id: i32,
    /// Its public id.
    pub uuid: String,
    /// `role.name`: `admin`, `write` or `read`.
    pub role: String,
    /// Whose new repositories it is for; everybody's when it is NULL.
    pub activating_username: Option<String>,
    /// Their address.
    pub activating_email: Option<String>,
    /// Whether that is a robot.
    pub activating_robot: Option<bool>,
    /// Whether they are in a team of the organization.
    pub activating_member: bool,
    /// The person or robot who gets it.
    pub delegate_username: Option<String>,
    /// Their address.
    pub delegate_email: Option<String>,
    /// Whether that is a robot.
    pub delegate_robot: Option<bool>,
    /// Whether they are in a team of the organization.
    pub delegate_member: bool,
    /// The team that gets it.
    pub delegate_team: Option<String>,
}

/// A default permission to insert.
#[derive(Clone, Debug)]
pub struct NewPrototype<'a> {
    /// The organization.
    pub organization: UserId,
    /// A new uuid4.
    pub uuid: &'a str,
    /// Whose new repositories it is for.
    pub activating_user: Option<UserId>,
    /// Who gets it, unless a team does.
    pub delegate_user: Option<UserId>,
    /// The team that gets it.
    pub delegate_team: Option<TeamId>,
    /// `role.id`.
    pub role: i32,
}

macro_rules! select_prototype {
    ($rest:literal) => {
        concat!(
            r#"SELECT permissionprototype.id, permissionprototype.uuid, role.name AS role,
                activating.username AS activating_username, activating.email AS activating_email,
                activating.robot AS activating_robot,
                EXISTS (SELECT 1 FROM teammember JOIN team t ON t.id = teammember.team_id
                    WHERE teammember.user_id = activating.id AND t.organization_id = permissionprototype.org_id)
                    AS activating_member,
                delegate.username AS delegate_username, delegate.email AS delegate_email,
                delegate.robot AS delegate_robot,
                EXISTS (SELECT 1 FROM teammember JOIN team t ON t.id = teammember.team_id
                    WHERE teammember.user_id = delegate.id AND t.organization_id = permissionprototype.org_id)
                    AS delegate_member,
                team.name AS delegate_team
            FROM permissionprototype
            JOIN role ON role.id = permissionprototype.role_id
            LEFT JOIN "user" activating ON activating.id = permissionprototype.activating_user_id
            LEFT JOIN "user" delegate ON delegate.id = permissionprototype.delegate_user_id
            LEFT JOIN team ON team.id = permissionprototype.delegate_team_id
            WHERE permissionprototype.org_id = $1 "#,
            $rest
        )
    };
}

statements! {
    LIST = select_prototype!("ORDER BY permissionprototype.id");
    FIND = select_prototype!("AND permissionprototype.uuid = $2");
    INSERT = "INSERT INTO permissionprototype (org_id, uuid, activating_user_id, delegate_user_id, delegate_team_id, role_id)
        VALUES ($1, $2, $3, $4, $5, $6)";
    SET_ROLE = "UPDATE permissionprototype SET role_id = $2 WHERE id = $1";
    DELETE = "DELETE FROM permissionprototype WHERE id = $1";
}

/// Every default permission of an organization, oldest first.
pub async fn list(conn: &mut Conn, organization: UserId) -> Result<Vec<PrototypeRow>> {
    fetch_all!(conn, LIST, organization)
}

/// The default permission of an organization with that public id.
pub async fn find(
    conn: &mut Conn,
    organization: UserId,
    uuid: &str,
) -> Result<Option<PrototypeRow>> {
    fetch_optional!(conn, FIND, organization, uuid)
}

/// Inserts a default permission.
pub async fn insert(conn: &mut Conn, new: &NewPrototype<'_>) -> Result<u64> {
    execute!(
        conn,
        INSERT,
        new.organization,
        new.uuid,
        new.activating_user,
        new.delegate_user,
        new.delegate_team,
        new.role
    )
}

/// Changes what a default permission grants (`role.id`).
pub async fn set_role(conn: &mut Conn, prototype: i32, role: i32) -> Result<u64> {
    execute!(conn, SET_ROLE, prototype, role)
}

/// Deletes a default permission.
pub async fn delete(conn: &mut Conn, prototype: i32) -> Result<u64> {
    execute!(conn, DELETE, prototype)
}
