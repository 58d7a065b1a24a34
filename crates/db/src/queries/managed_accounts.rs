//! People and organizations as superusers see them.

use crate::statement::{fetch_all, fetch_optional, statements};
use crate::{Conn, Result, TeamId, UserId};

/// A person or an organization.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ManagedAccount {
    /// `user.id`.
    pub id: UserId,
    /// The name.
    pub username: String,
    /// An address, or a uuid4 where there is none.
    pub email: String,
    /// Whether the address was confirmed.
    pub verified: bool,
    /// May log in.
    pub enabled: bool,
}

statements! {
    /// `$1` organizations, `$2` disabled ones too, `$3` after this id, `$4` limit.
    LIST = r#"SELECT u.id, u.username, u.email, u.verified, u.enabled FROM "user" u
        WHERE u.id > $3 AND u.organization = $1 AND u.robot = false AND ($2 = true OR u.enabled = true)
          AND NOT EXISTS (SELECT 1 FROM deletednamespace d WHERE d.namespace_id = u.id)
        ORDER BY u.id LIMIT $4"#;
    FIND_PERSON = r#"SELECT u.id, u.username, u.email, u.verified, u.enabled FROM "user" u
        WHERE u.username = $1 AND u.organization = false AND u.robot = false"#;
    ADMIN_TEAM = "SELECT id FROM team WHERE organization_id = $1 AND role_id = $2 ORDER BY id LIMIT 1";
}

/// People, or organizations, by id after one, without those that are being deleted.
pub async fn list(
    conn: &mut Conn,
    organizations: bool,
    disabled: bool,
    after: UserId,
    limit: i64,
) -> Result<Vec<ManagedAccount>> {
    fetch_all!(conn, LIST, organizations, disabled, after, limit)
}

/// A person by name.
pub async fn find_person(conn: &mut Conn, username: &str) -> Result<Option<ManagedAccount>> {
    fetch_optional!(conn, FIND_PERSON, username)
}

/// The oldest team of an organization with the role of administrators.
pub async fn admin_team(
    conn: &mut Conn,
    organization: UserId,
    role: i32,
) -> Result<Option<TeamId>> {
    let row: Option<(TeamId,)> = fetch_optional!(conn, ADMIN_TEAM, organization, role)?;
    Ok(row.map(|(id,)| id))
}
