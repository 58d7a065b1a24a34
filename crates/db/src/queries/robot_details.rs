//! Robots with everything that administration shows of them: token, description, free JSON, teams, repositories,
//! federation.

use chrono::NaiveDateTime;

use crate::queries::account_refs::end_of;
use crate::statement::{execute, fetch_all, fetch_optional, statements};
use crate::{Conn, Result, UserId};

/// A robot with its encrypted token.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct RobotDetails {
    /// `user.id`.
    pub id: UserId,
    /// `namespace+short`.
    pub username: String,
    /// When it was made, in UTC; unknown for old ones.
    pub creation_date: Option<NaiveDateTime>,
    /// When it last logged in, in UTC.
    pub last_accessed: Option<NaiveDateTime>,
    /// The column of `robotaccounttoken`, encrypted; NULL when it has none.
    pub token: Option<String>,
    /// For people; robots of old releases have none.
    pub description: Option<String>,
    /// A JSON object for automation.
    pub unstructured_json: Option<String>,
}

macro_rules! select_robots {
    ($rest:expr) => {
        concat!(
            r#"SELECT "user".id, "user".username, "user".creation_date, "user".last_accessed, robotaccounttoken.token,
                robotaccountmetadata.description, robotaccountmetadata.unstructured_json
            FROM "user"
            LEFT JOIN robotaccounttoken ON robotaccounttoken.robot_account_id = "user".id
            LEFT JOIN robotaccountmetadata ON robotaccountmetadata.robot_account_id = "user".id
            WHERE "user".robot AND "#,
            $rest
        )
    };
}

/// A page of robots whose name lies in the range `$1` to `$2` in the order of bytes, those used last first.
macro_rules! page {
    ($name:expr) => {
        concat!(
            $name,
            " >= $1 AND ",
            $name,
            r#" < $2 ORDER BY "user".last_accessed DESC NULLS FIRST, "user".username LIMIT $3"#
        )
    };
}

/// Names that belong to the robots of the same page.
macro_rules! of_page {
    ($name:expr, $joins:literal) => {
        concat!(
            r#"SELECT robot.id, named.name FROM (SELECT "user".id FROM "user" WHERE "user".robot AND "#,
            page!($name),
            ") robot ",
            $joins
        )
    };
}

macro_rules! repositories_of_page {
    ($name:expr) => {
        of_page!(
            $name,
            "JOIN repositorypermission ON repositorypermission.user_id = robot.id
            JOIN repository named ON named.id = repositorypermission.repository_id AND named.state <> 3
            ORDER BY repositorypermission.id"
        )
    };
}

macro_rules! teams_of_page {
    ($name:expr) => {
        of_page!(
            $name,
            "JOIN teammember ON teammember.user_id = robot.id JOIN team named ON named.id = teammember.team_id
            ORDER BY teammember.id"
        )
    };
}

statements! {
    FIND = select_robots!(r#""user".username = $1"#);
    LIST_POSTGRES = select_robots!(page!(r#""user".username COLLATE "C""#));
    LIST_SQLITE = select_robots!(page!(r#""user".username"#));
    REPOSITORIES_POSTGRES = repositories_of_page!(r#""user".username COLLATE "C""#);
    REPOSITORIES_SQLITE = repositories_of_page!(r#""user".username"#);
    TEAMS_POSTGRES = teams_of_page!(r#""user".username COLLATE "C""#);
    TEAMS_SQLITE = teams_of_page!(r#""user".username"#);
    FIND_LINK_METADATA = "SELECT metadata_json FROM federatedlogin WHERE user_id = $1 AND service_id = $2";
    SET_LINK_METADATA = "UPDATE federatedlogin SET metadata_json = $3 WHERE user_id = $1 AND service_id = $2";
}

/// A robot by its full name.
pub async fn find(conn: &mut Conn, username: &str) -> Result<Option<RobotDetails>> {
    fetch_optional!(conn, FIND, username)
}

/// At most `limit` robots whose name starts with exactly `prefix` (`namespace+`), those used last first.
pub async fn list(conn: &mut Conn, prefix: &str, limit: i64) -> Result<Vec<RobotDetails>> {
    let sql = if conn.is_postgres() {
        LIST_POSTGRES
    } else {
        LIST_SQLITE
    };
    fetch_all!(conn, sql, prefix, end_of(prefix), limit)
}

/// The repositories on which the robots of [`list`] have a permission.
pub async fn list_repositories(
    conn: &mut Conn,
    prefix: &str,
    limit: i64,
) -> Result<Vec<(UserId, String)>> {
    let sql = if conn.is_postgres() {
        REPOSITORIES_POSTGRES
    } else {
        REPOSITORIES_SQLITE
    };
    fetch_all!(conn, sql, prefix, end_of(prefix), limit)
}

/// The teams that the robots of [`list`] are in.
pub async fn list_teams(
    conn: &mut Conn,
    prefix: &str,
    limit: i64,
) -> Result<Vec<(UserId, String)>> {
    let sql = if conn.is_postgres() {
        TEAMS_POSTGRES
    } else {
        TEAMS_SQLITE
    };
    fetch_all!(conn, sql, prefix, end_of(prefix), limit)
}

/// The JSON of a robot's link to the login service of robots (`loginservice.id`), which holds its federation.
pub async fn find_link_metadata(
    conn: &mut Conn,
    robot: UserId,
    service: i32,
) -> Result<Option<String>> {
    let row: Option<(String,)> = fetch_optional!(conn, FIND_LINK_METADATA, robot, service)?;
    Ok(row.map(|(metadata,)| metadata))
}

/// Replaces that JSON.
pub async fn set_link_metadata(
    conn: &mut Conn,
    robot: UserId,
    service: i32,
    metadata_json: &str,
) -> Result<u64> {
    execute!(conn, SET_LINK_METADATA, robot, service, metadata_json)
}
