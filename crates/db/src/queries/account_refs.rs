//! `user` as others see it: the little that a member, a collaborator or the receiver of a permission shows.

use crate::statement::{fetch_all, fetch_optional, statements};
use crate::{Conn, Result, TeamId, UserId};

/// What the picture and the line of an account in a list are made of.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct AccountRef {
    /// `user.id`.
    pub id: UserId,
    /// The name; a robot's full one.
    pub username: String,
    /// An address, or a uuid4 where there is none.
    pub email: String,
    /// It is a robot.
    pub robot: bool,
}

/// An account that a search found.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Match {
    /// Who it is.
    #[sqlx(flatten)]
    pub account: AccountRef,
    /// They are in a team of the organization that was asked about.
    pub member: bool,
}

macro_rules! account_ref_columns {
    () => {
        r#""user".id, "user".username, "user".email, "user".robot"#
    };
}
pub(crate) use account_ref_columns;

/// Accounts whose name lies in the range `$1` to `$2` in the order of bytes, which every prefix is.
///
/// PostgreSQL has to be told that order; its index for it is one of ours. SQLite would take an index of `robot` or
/// `organization` if they were compared with a value.
macro_rules! matches {
    ($kind:literal, $name:expr) => {
        concat!(
            "SELECT ",
            account_ref_columns!(),
            r#", EXISTS (SELECT 1 FROM teammember JOIN team ON team.id = teammember.team_id
                WHERE teammember.user_id = "user".id AND team.organization_id = $4) AS member
            FROM "user" WHERE "#,
            $name,
            " >= $1 AND ",
            $name,
            " < $2 AND ",
            $kind,
            r#" AND NOT EXISTS (SELECT 1 FROM deletednamespace WHERE deletednamespace.namespace_id = "user".id) ORDER BY "#,
            $name,
            " LIMIT $3"
        )
    };
}

statements! {
    FIND = concat!("SELECT ", account_ref_columns!(),
        r#" FROM "user" WHERE "user".username = $1 AND "user".organization = false"#);
    LIST_TEAM = concat!("SELECT ", account_ref_columns!(), r#" FROM teammember
        JOIN "user" ON "user".id = teammember.user_id WHERE teammember.team_id = $1 ORDER BY teammember.id"#);
    PEOPLE_POSTGRES = matches!(r#"NOT "user".robot AND NOT "user".organization"#,
        r#""user".username COLLATE "C""#);
    PEOPLE_SQLITE = matches!(r#"NOT "user".robot AND NOT "user".organization"#, r#""user".username"#);
    ROBOTS_POSTGRES = matches!(r#""user".robot"#, r#""user".username COLLATE "C""#);
    ROBOTS_SQLITE = matches!(r#""user".robot"#, r#""user".username"#);
}

/// The person or robot of that name.
pub async fn find(conn: &mut Conn, username: &str) -> Result<Option<AccountRef>> {
    fetch_optional!(conn, FIND, username)
}

/// The people and robots of a team, in the order they joined.
pub async fn list_team(conn: &mut Conn, team: TeamId) -> Result<Vec<AccountRef>> {
    fetch_all!(conn, LIST_TEAM, team)
}

/// At most `limit` people whose name starts with `prefix`, by name, and whether they are in a team of `organization`.
pub async fn people_matching(
    conn: &mut Conn,
    prefix: &str,
    organization: Option<UserId>,
    limit: i64,
) -> Result<Vec<Match>> {
    let sql = if conn.is_postgres() {
        PEOPLE_POSTGRES
    } else {
        PEOPLE_SQLITE
    };
    fetch_all!(conn, sql, prefix, end_of(prefix), limit, organization)
}

/// The same for robots, by their full names.
pub async fn robots_matching(
    conn: &mut Conn,
    prefix: &str,
    organization: Option<UserId>,
    limit: i64,
) -> Result<Vec<Match>> {
    let sql = if conn.is_postgres() {
        ROBOTS_POSTGRES
    } else {
        ROBOTS_SQLITE
    };
    fetch_all!(conn, sql, prefix, end_of(prefix), limit, organization)
}

/// What comes after every text that starts with `prefix`.
pub(crate) fn end_of(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}
