//! `repositorybuildtrigger`: what starts builds by itself, mostly pushes to a git server.

use chrono::NaiveDateTime;

use crate::conn::Conn;
use crate::error::Result;
use crate::statement::{execute, fetch_all, fetch_optional, statements};
use crate::{RepositoryId, UserId};

/// A trigger with the names that its numbers mean.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Trigger {
    /// `repositorybuildtrigger.id`.
    pub id: i32,
    /// Its public id.
    pub uuid: String,
    /// `buildtriggerservice.name`.
    pub service: String,
    /// What it builds.
    pub repository_id: RepositoryId,
    /// The repository's namespace.
    pub namespace: String,
    /// The repository's name.
    pub name: String,
    /// Who set it up.
    pub connected_user_id: UserId,
    /// That person's name.
    pub connected_user: String,
    /// Settings, a JSON object.
    pub config: String,
    /// `accesstoken.id` of the token in its webhook's address.
    pub write_token: Option<i32>,
    /// The robot that pulls base images.
    pub pull_robot_id: Option<UserId>,
    /// That robot's name.
    pub pull_robot: Option<String>,
    /// `disablereason.name`.
    pub disabled_reason: Option<String>,
    /// Whether it starts builds.
    pub enabled: bool,
}

/// A trigger to insert.
#[derive(Clone, Debug)]
pub struct NewTrigger<'a> {
    /// A new uuid4.
    pub uuid: &'a str,
    /// `buildtriggerservice.id`.
    pub service: i32,
    /// What it builds.
    pub repository: RepositoryId,
    /// Who sets it up.
    pub user: UserId,
    /// Settings, a JSON object.
    pub config: &'a str,
    /// That person's token at the service, encrypted.
    pub auth_token: Option<&'a str>,
    /// Now, in UTC.
    pub now: NaiveDateTime,
}

/// What activation stores.
#[derive(Clone, Debug)]
pub struct Activation<'a> {
    /// Settings, a JSON object.
    pub config: &'a str,
    /// `accesstoken.id` of the token in its webhook's address.
    pub write_token: i32,
    /// The robot that pulls base images.
    pub pull_robot: Option<UserId>,
    /// The key with which the builder reads the sources, encrypted.
    pub private_key: Option<&'a str>,
}

macro_rules! select_triggers {
    ($rest:literal) => {
        concat!(
            r#"SELECT t.id, t.uuid, s.name AS service, t.repository_id, n.username AS namespace, r.name,
                t.connected_user_id, u.username AS connected_user, t.config, t.write_token_id AS write_token,
                t.pull_robot_id, p.username AS pull_robot, d.name AS disabled_reason, t.enabled
            FROM repositorybuildtrigger t
            JOIN buildtriggerservice s ON s.id = t.service_id
            JOIN repository r ON r.id = t.repository_id
            JOIN "user" n ON n.id = r.namespace_user_id
            JOIN "user" u ON u.id = t.connected_user_id
            LEFT JOIN "user" p ON p.id = t.pull_robot_id
            LEFT JOIN disablereason d ON d.id = t.disabled_reason_id "#,
            $rest
        )
    };
}

statements! {
    LIST = select_triggers!("WHERE t.repository_id = $1 ORDER BY t.id");
    FIND = select_triggers!("WHERE t.uuid = $1");
    AUTH_TOKEN = "SELECT secure_auth_token FROM repositorybuildtrigger WHERE id = $1";
    INSERT = "INSERT INTO repositorybuildtrigger (uuid, service_id, repository_id, connected_user_id, config, enabled,
            successive_failure_count, successive_internal_error_count, disabled_datetime, secure_auth_token, fully_migrated)
        VALUES ($1, $2, $3, $4, $6, true, 0, 0, $5, $7, false)";
    AUTHORIZE = "UPDATE repositorybuildtrigger SET config = $2, secure_auth_token = $3 WHERE id = $1 AND config = $4";
    ENABLE = "UPDATE repositorybuildtrigger SET enabled = true WHERE id = $1";
    DISABLE = "UPDATE repositorybuildtrigger SET enabled = false, disabled_reason_id = $2, disabled_datetime = $3
        WHERE id = $1";
    ACTIVATE = "UPDATE repositorybuildtrigger SET config = $2, write_token_id = $3,
            pull_robot_id = COALESCE($4, pull_robot_id), secure_private_key = COALESCE($5, secure_private_key)
        WHERE id = $1 AND config = $6";
    DELETE = "DELETE FROM repositorybuildtrigger WHERE id = $1 AND config = $2";
}

/// Every trigger of a repository, oldest first.
pub async fn list(conn: &mut Conn, repository: RepositoryId) -> Result<Vec<Trigger>> {
    fetch_all!(conn, LIST, repository)
}

/// The trigger with that public id.
pub async fn find(conn: &mut Conn, uuid: &str) -> Result<Option<Trigger>> {
    fetch_optional!(conn, FIND, uuid)
}

/// The encrypted token with which a trigger speaks to its service. Apart from [`find`], so that it is only read to be used.
pub async fn auth_token(conn: &mut Conn, trigger: i32) -> Result<Option<String>> {
    let row: Option<(Option<String>,)> = fetch_optional!(conn, AUTH_TOKEN, trigger)?;
    Ok(row.and_then(|(token,)| token))
}

/// Inserts a trigger.
pub async fn insert(conn: &mut Conn, new: &NewTrigger<'_>) -> Result<u64> {
    execute!(
        conn,
        INSERT,
        new.uuid,
        new.service,
        new.repository,
        new.user,
        new.now,
        new.config,
        new.auth_token,
    )
}

/// Stores an encrypted token, and settings in place of `from`; 0 when they are no longer `from`.
pub async fn authorize(
    conn: &mut Conn,
    trigger: i32,
    from: &str,
    config: &str,
    auth_token: &str,
) -> Result<u64> {
    execute!(conn, AUTHORIZE, trigger, config, auth_token, from)
}

/// Switches a trigger on. Like Quay it keeps the reason for which it was off.
pub async fn enable(conn: &mut Conn, trigger: i32) -> Result<u64> {
    execute!(conn, ENABLE, trigger)
}

/// Switches a trigger off for a `disablereason.id`.
pub async fn disable(
    conn: &mut Conn,
    trigger: i32,
    reason: Option<i32>,
    now: NaiveDateTime,
) -> Result<u64> {
    execute!(conn, DISABLE, trigger, reason, now)
}

/// Stores what activation made; 0 when the settings are no longer `from`, because somebody else was faster.
pub async fn activate(
    conn: &mut Conn,
    trigger: i32,
    from: &str,
    activation: &Activation<'_>,
) -> Result<u64> {
    execute!(
        conn,
        ACTIVATE,
        trigger,
        activation.config,
        activation.write_token,
        activation.pull_robot,
        activation.private_key,
        from,
    )
}

/// Removes a trigger whose settings are `from`; 0 when they are not, because somebody else was faster. Its builds are detached
/// before, its token is removed after.
pub async fn delete(conn: &mut Conn, trigger: i32, from: &str) -> Result<u64> {
    execute!(conn, DELETE, trigger, from)
}
