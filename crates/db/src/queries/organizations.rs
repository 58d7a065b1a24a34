//! Organizations, and `team` and `teammember`: how people and robots belong to them.

use crate::statement::{execute, fetch_all, fetch_one, fetch_optional, statements};
use crate::{Conn, Result, TeamId, UserId};

/// A team with the name of its role.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Team {
    /// `team.id`.
    pub id: TeamId,
    /// Unique in the organization.
    pub name: String,
    /// `teamrole.name`: `admin`, `creator` or `member`.
    pub role: String,
    /// For people; empty when there is none.
    pub description: String,
}

/// An organization as its administrators see it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Organization {
    /// `user.id`.
    pub id: UserId,
    /// The name.
    pub username: String,
    /// An address, or a uuid4 where there is none.
    pub email: String,
    /// Invoices are mailed.
    pub invoice_email: bool,
    /// Where to; the address above when there is none.
    pub invoice_email_address: Option<String>,
    /// How long deleted tags can be brought back, in seconds.
    pub removed_tag_expiration_s: i64,
    /// Its account where it pays.
    pub stripe_id: Option<String>,
}

/// What to change of an organization; `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct OrganizationUpdate {
    /// An address, or a uuid4 to have none.
    pub email: Option<String>,
    /// Whether invoices are mailed.
    pub invoice_email: Option<bool>,
    /// Where to; NULL to have none.
    pub invoice_email_address: Option<Option<String>>,
    /// How long deleted tags can be brought back, in seconds.
    pub removed_tag_expiration_s: Option<i64>,
}

macro_rules! select {
    ($condition:literal) => {
        concat!(
            r#"SELECT id, username, email, invoice_email, invoice_email_address, removed_tag_expiration_s, stripe_id
            FROM "user" WHERE "#,
            $condition
        )
    };
}

statements! {
    FIND = select!("username = $1 AND organization = true");
    FIND_BY_ID = select!("id = $1");
    UPDATE = r#"UPDATE "user" SET email = COALESCE($2, email), invoice_email = COALESCE($3, invoice_email),
            invoice_email_address = CASE WHEN $4 THEN $5 ELSE invoice_email_address END,
            removed_tag_expiration_s = COALESCE($6, removed_tag_expiration_s)
        WHERE id = $1"#;
    INSERT_TEAM = "INSERT INTO team (name, organization_id, role_id, description)
        VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING id";
    FIND_TEAM = "SELECT team.id, team.name, teamrole.name AS role, team.description
        FROM team JOIN teamrole ON teamrole.id = team.role_id
        WHERE team.organization_id = $1 AND team.name = $2";
    LIST_TEAMS = "SELECT team.id, team.name, teamrole.name AS role, team.description
        FROM team JOIN teamrole ON teamrole.id = team.role_id
        WHERE team.organization_id = $1 ORDER BY team.name";
    TEAM_IS_SYNCED = "SELECT EXISTS (SELECT 1 FROM teamsync WHERE team_id = $1)";
    INSERT_MEMBER = "INSERT INTO teammember (user_id, team_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    DELETE_MEMBER = "DELETE FROM teammember WHERE user_id = $1 AND team_id = $2";
    LIST_MEMBERS = r#"SELECT "user".username FROM teammember JOIN "user" ON "user".id = teammember.user_id
        WHERE teammember.team_id = $1 ORDER BY "user".username"#;
    COUNT_ADMIN_TEAMS = "SELECT COUNT(*) FROM team
        JOIN teamrole ON teamrole.id = team.role_id AND teamrole.name = 'admin'
        JOIN teammember ON teammember.team_id = team.id
        WHERE team.organization_id = $1 AND teammember.user_id = $2";
}

/// The organization of that name.
pub async fn find(conn: &mut Conn, name: &str) -> Result<Option<Organization>> {
    fetch_optional!(conn, FIND, name)
}

/// An organization, or a person who is one to their applications.
pub async fn find_by_id(conn: &mut Conn, id: UserId) -> Result<Option<Organization>> {
    fetch_optional!(conn, FIND_BY_ID, id)
}

/// Changes an organization.
pub async fn update(
    conn: &mut Conn,
    organization: UserId,
    update: &OrganizationUpdate,
) -> Result<u64> {
    execute!(
        conn,
        UPDATE,
        organization,
        update.email.as_deref(),
        update.invoice_email,
        update.invoice_email_address.is_some(),
        update
            .invoice_email_address
            .as_ref()
            .and_then(Option::as_deref),
        update.removed_tag_expiration_s
    )
}

/// Inserts a team with a `teamrole.id`; `None` when the organization has one of that name.
pub async fn insert_team(
    conn: &mut Conn,
    organization: UserId,
    name: &str,
    role: i32,
    description: &str,
) -> Result<Option<TeamId>> {
    let row: Option<(TeamId,)> =
        fetch_optional!(conn, INSERT_TEAM, name, organization, role, description)?;
    Ok(row.map(|(id,)| id))
}

/// The team of that name in an organization.
pub async fn find_team(conn: &mut Conn, organization: UserId, name: &str) -> Result<Option<Team>> {
    fetch_optional!(conn, FIND_TEAM, organization, name)
}

/// Every team of an organization, by name.
pub async fn list_teams(conn: &mut Conn, organization: UserId) -> Result<Vec<Team>> {
    fetch_all!(conn, LIST_TEAMS, organization)
}

/// Whether an external group decides who is in the team.
pub async fn team_is_synced(conn: &mut Conn, team: TeamId) -> Result<bool> {
    let (synced,): (bool,) = fetch_one!(conn, TEAM_IS_SYNCED, team)?;
    Ok(synced)
}

/// Makes somebody a member; 0 when they are one already.
pub async fn insert_member(conn: &mut Conn, user: UserId, team: TeamId) -> Result<u64> {
    execute!(conn, INSERT_MEMBER, user, team)
}

/// Ends a membership; 0 when there is none.
pub async fn delete_member(conn: &mut Conn, user: UserId, team: TeamId) -> Result<u64> {
    execute!(conn, DELETE_MEMBER, user, team)
}

/// The names of a team's members.
pub async fn list_members(conn: &mut Conn, team: TeamId) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = fetch_all!(conn, LIST_MEMBERS, team)?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Through how many teams somebody administers an organization.
pub async fn count_admin_teams(conn: &mut Conn, organization: UserId, user: UserId) -> Result<i64> {
    let (count,): (i64,) = fetch_one!(conn, COUNT_ADMIN_TEAMS, organization, user)?;
    Ok(count)
}
