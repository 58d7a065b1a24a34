//! What a robot has beside its row in `user`: token, owner link, description; and how a robot is removed.

use chrono::NaiveDateTime;

use crate::statement::{execute, fetch_all, fetch_one, statements};
use crate::{Conn, Result, UserId};

/// A robot in a list.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Robot {
    /// `user.id`.
    pub id: UserId,
    /// `namespace+short`.
    pub username: String,
    /// For people; robots of old releases have none.
    pub description: Option<String>,
    /// When it was made, in UTC; unknown for old ones.
    pub creation_date: Option<NaiveDateTime>,
    /// When it last logged in, in UTC.
    pub last_accessed: Option<NaiveDateTime>,
}

statements! {
    INSERT_TOKEN = "INSERT INTO robotaccounttoken (robot_account_id, token, fully_migrated) VALUES ($1, $2, true)
        ON CONFLICT (robot_account_id) DO UPDATE SET token = excluded.token, fully_migrated = true";
    INSERT_OWNER_LINK = "INSERT INTO federatedlogin (user_id, service_id, service_ident, metadata_json)
        VALUES ($1, $2, $3, '{}')
        ON CONFLICT (service_id, user_id) DO UPDATE SET service_ident = excluded.service_ident";
    INSERT_METADATA = "INSERT INTO robotaccountmetadata (robot_account_id, description, unstructured_json)
        VALUES ($1, $2, $3)";
    RENEW_IDENTITY = r#"UPDATE "user" SET uuid = $2, email = $3 WHERE id = $1 AND robot = true"#;
    // Not ILIKE as in Quay, where `_` in a namespace would match the robots of others.
    LIST = r#"SELECT "user".id, "user".username, robotaccountmetadata.description, "user".creation_date,
            "user".last_accessed
        FROM "user" LEFT JOIN robotaccountmetadata ON robotaccountmetadata.robot_account_id = "user".id
        WHERE "user".robot = true AND substr("user".username, 1, $2) = $1 AND "user".username > $3
        ORDER BY "user".username LIMIT $4"#;
    IS_USED_BY_MIRROR = "SELECT EXISTS (SELECT 1 FROM repomirrorconfig WHERE internal_robot_id = $1)
        OR EXISTS (SELECT 1 FROM orgmirrorconfig WHERE internal_robot_id = $1)";
    DELETE_METADATA = "DELETE FROM robotaccountmetadata WHERE robot_account_id = $1";
    DELETE_TOKEN = "DELETE FROM robotaccounttoken WHERE robot_account_id = $1";
    DELETE_MEMBERSHIPS = "DELETE FROM teammember WHERE user_id = $1";
    DELETE_OWNER_LINK = "DELETE FROM federatedlogin WHERE user_id = $1";
    DELETE_PERMISSIONS = "DELETE FROM repositorypermission WHERE user_id = $1";
    DELETE_PROTOTYPES = "DELETE FROM permissionprototype WHERE activating_user_id = $1 OR delegate_user_id = $1";
    DELETE_NOTIFICATIONS = "DELETE FROM notification WHERE target_id = $1";
    FORGET_IN_TRIGGERS = "UPDATE repositorybuildtrigger SET pull_robot_id = NULL WHERE pull_robot_id = $1";
    FORGET_IN_BUILDS = "UPDATE repositorybuild SET pull_robot_id = NULL WHERE pull_robot_id = $1";
    DELETE = r#"DELETE FROM "user" WHERE id = $1 AND robot = true"#;
}

/// Stores a robot's encrypted token in place of the one it has.
pub async fn put_token(conn: &mut Conn, robot: UserId, encrypted: &str) -> Result<u64> {
    execute!(conn, INSERT_TOKEN, robot, encrypted)
}

/// Links a robot to the login service of robots (`loginservice.id`), keeping the federation it may have.
pub async fn put_owner_link(conn: &mut Conn, robot: UserId, service: i32) -> Result<u64> {
    let ident = format!("robot:{robot}");
    execute!(conn, INSERT_OWNER_LINK, robot, service, ident)
}

/// Inserts a robot's description and free JSON.
pub async fn insert_metadata(
    conn: &mut Conn,
    robot: UserId,
    description: &str,
    unstructured_json: &str,
) -> Result<u64> {
    execute!(conn, INSERT_METADATA, robot, description, unstructured_json)
}

/// Gives a robot a new uuid and a new address (a uuid4), as Quay does with a new token.
pub async fn renew_identity(
    conn: &mut Conn,
    robot: UserId,
    uuid: &str,
    email: &str,
) -> Result<u64> {
    execute!(conn, RENEW_IDENTITY, robot, uuid, email)
}

/// The robots whose name starts with exactly `prefix` (`namespace+`), by name, after a name.
pub async fn list(conn: &mut Conn, prefix: &str, after: &str, limit: i64) -> Result<Vec<Robot>> {
    let length = prefix.chars().count() as i32;
    fetch_all!(conn, LIST, prefix, length, after, limit)
}

/// Whether a repository or organization mirror works as this robot.
pub async fn is_used_by_mirror(conn: &mut Conn, robot: UserId) -> Result<bool> {
    let (used,): (bool,) = fetch_one!(conn, IS_USED_BY_MIRROR, robot)?;
    Ok(used)
}

/// Deletes a robot's description.
pub async fn delete_metadata(conn: &mut Conn, robot: UserId) -> Result<u64> {
    execute!(conn, DELETE_METADATA, robot)
}

/// Deletes a robot's token.
pub async fn delete_token(conn: &mut Conn, robot: UserId) -> Result<u64> {
    execute!(conn, DELETE_TOKEN, robot)
}

/// Takes a robot out of every team.
pub async fn delete_memberships(conn: &mut Conn, robot: UserId) -> Result<u64> {
    execute!(conn, DELETE_MEMBERSHIPS, robot)
}

/// Deletes a robot's owner link and federation.
pub async fn delete_owner_link(conn: &mut Conn, robot: UserId) -> Result<u64> {
    execute!(conn, DELETE_OWNER_LINK, robot)
}

/// Takes back every permission of a robot.
pub async fn delete_permissions(conn: &mut Conn, robot: UserId) -> Result<u64> {
    execute!(conn, DELETE_PERMISSIONS, robot)
}

/// Deletes the default permissions that name a robot.
pub async fn delete_prototypes(conn: &mut Conn, robot: UserId) -> Result<u64> {
    execute!(conn, DELETE_PROTOTYPES, robot)
}

/// Deletes the notifications sent to a robot.
pub async fn delete_notifications(conn: &mut Conn, robot: UserId) -> Result<u64> {
    execute!(conn, DELETE_NOTIFICATIONS, robot)
}

/// Takes a robot out of build triggers.
pub async fn forget_in_triggers(conn: &mut Conn, robot: UserId) -> Result<u64> {
    execute!(conn, FORGET_IN_TRIGGERS, robot)
}

/// Takes a robot out of past builds.
pub async fn forget_in_builds(conn: &mut Conn, robot: UserId) -> Result<u64> {
    execute!(conn, FORGET_IN_BUILDS, robot)
}

/// Deletes a robot's row, to which nothing may point any more.
pub async fn delete(conn: &mut Conn, robot: UserId) -> Result<u64> {
    execute!(conn, DELETE, robot)
}
