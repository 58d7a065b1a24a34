//! `teammemberinvite`: who was asked to join a team, with the notifications that tell them.

use crate::statement::{execute, fetch_all, fetch_optional, statements};
use crate::{Conn, Result, TeamId, UserId};

/// A pending invitation as the team's page shows it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct PendingInvite {
    /// The address that was asked; NULL when an account was.
    pub email: Option<String>,
    /// The account that was asked.
    pub username: Option<String>,
    /// The account's address.
    pub account_email: Option<String>,
    /// Whether the account is a robot.
    pub robot: Option<bool>,
}

/// An invitation found by its code.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Invite {
    /// `teammemberinvite.id`.
    pub id: i32,
    /// The account that was asked.
    pub user_id: Option<UserId>,
    /// Its name.
    pub username: Option<String>,
    /// The address that was asked.
    pub email: Option<String>,
    /// The team's name.
    pub team: String,
    /// The team's organization.
    pub organization_id: UserId,
    /// The organization's name.
    pub organization: String,
    /// The name of who asked.
    pub inviter: String,
}

statements! {
    INSERT = "INSERT INTO teammemberinvite (user_id, email, team_id, inviter_id, invite_token)
        VALUES ($1, $2, $3, $4, $5)";
    FIND_CODE = "SELECT invite_token FROM teammemberinvite
        WHERE team_id = $1 AND (user_id = $2 OR email = $3) ORDER BY id LIMIT 1";
    LIST = r#"SELECT teammemberinvite.email, "user".username, "user".email AS account_email, "user".robot
        FROM teammemberinvite LEFT JOIN "user" ON "user".id = teammemberinvite.user_id
        WHERE teammemberinvite.team_id = $1 ORDER BY teammemberinvite.id"#;
    FIND = r#"SELECT teammemberinvite.id, teammemberinvite.user_id, "user".username, teammemberinvite.email,
            team.name AS team, team.organization_id, organization.username AS organization,
            inviter.username AS inviter
        FROM teammemberinvite
        JOIN team ON team.id = teammemberinvite.team_id
        JOIN "user" organization ON organization.id = team.organization_id
        JOIN "user" inviter ON inviter.id = teammemberinvite.inviter_id
        LEFT JOIN "user" ON "user".id = teammemberinvite.user_id
        WHERE teammemberinvite.invite_token = $1"#;
    DELETE_OF_USER = "DELETE FROM teammemberinvite WHERE team_id = $1 AND user_id = $2";
    DELETE_OF_EMAIL = "DELETE FROM teammemberinvite WHERE team_id = $1 AND email = $2";
    DELETE = "DELETE FROM teammemberinvite WHERE id = $1";
    JOIN_TEAMS = "INSERT INTO teammember (user_id, team_id)
        SELECT DISTINCT CAST($2 AS integer), teammemberinvite.team_id FROM teammemberinvite
        JOIN team ON team.id = teammemberinvite.team_id
        WHERE team.organization_id = $1 AND (teammemberinvite.user_id = $2 OR teammemberinvite.email = $3)
        ON CONFLICT DO NOTHING";
    DELETE_IN_ORGANIZATION = "DELETE FROM teammemberinvite
        WHERE team_id IN (SELECT id FROM team WHERE organization_id = $1) AND (user_id = $2 OR email = $3)";
}

/// Invites an account or an address to a team.
pub async fn insert(
    conn: &mut Conn,
    user: Option<UserId>,
    email: Option<&str>,
    team: TeamId,
    inviter: UserId,
    code: &str,
) -> Result<u64> {
    execute!(conn, INSERT, user, email, team, inviter, code)
}

/// The code by which that account or address was invited to the team before.
pub async fn find_code(
    conn: &mut Conn,
    team: TeamId,
    user: Option<UserId>,
    email: Option<&str>,
) -> Result<Option<String>> {
    let row: Option<(String,)> = fetch_optional!(conn, FIND_CODE, team, user, email)?;
    Ok(row.map(|(code,)| code))
}

/// The pending invitations of a team, oldest first.
pub async fn list(conn: &mut Conn, team: TeamId) -> Result<Vec<PendingInvite>> {
    fetch_all!(conn, LIST, team)
}

/// The invitation with that code.
pub async fn find(conn: &mut Conn, code: &str) -> Result<Option<Invite>> {
    fetch_optional!(conn, FIND, code)
}

/// Takes back the invitations of an account to a team; 0 when there is none.
pub async fn delete_of_user(conn: &mut Conn, team: TeamId, user: UserId) -> Result<u64> {
    execute!(conn, DELETE_OF_USER, team, user)
}

/// Takes back the invitations of an address to a team; 0 when there is none.
pub async fn delete_of_email(conn: &mut Conn, team: TeamId, email: &str) -> Result<u64> {
    execute!(conn, DELETE_OF_EMAIL, team, email)
}

/// Takes back one invitation.
pub async fn delete(conn: &mut Conn, invite: i32) -> Result<u64> {
    execute!(conn, DELETE, invite)
}

/// Makes somebody a member of every team of an organization to which they, or their address, were invited.
pub async fn join_teams(
    conn: &mut Conn,
    organization: UserId,
    user: UserId,
    email: Option<&str>,
) -> Result<u64> {
    execute!(conn, JOIN_TEAMS, organization, user, email)
}

/// Takes back every invitation of somebody, or of their address, to teams of an organization.
pub async fn delete_in_organization(
    conn: &mut Conn,
    organization: UserId,
    user: UserId,
    email: Option<&str>,
) -> Result<u64> {
    execute!(conn, DELETE_IN_ORGANIZATION, organization, user, email)
}
