//! `repositorybuild`: builds of images from Dockerfiles.

use chrono::NaiveDateTime;

use crate::conn::Conn;
use crate::error::Result;
use crate::statement::{execute, fetch_all, fetch_one, fetch_optional, statements};
use crate::{RepositoryId, UserId};

/// `repositorybuild.phase` of a build that waits in the queue.
pub const PHASE_WAITING: &str = "waiting";
/// `repositorybuild.phase` of a build that somebody called off.
pub const PHASE_CANCELLED: &str = "cancelled";

/// A build with its trigger and the names that its numbers mean.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Build {
    /// `repositorybuild.id`.
    pub id: i32,
    /// Its public id.
    pub uuid: String,
    /// What is built.
    pub repository_id: RepositoryId,
    /// The repository's namespace.
    pub namespace: String,
    /// The repository's name.
    pub name: String,
    /// The id of an uploaded build context.
    pub resource_key: Option<String>,
    /// What the builder is told, a JSON object.
    pub job_config: String,
    /// How far it is.
    pub phase: String,
    /// When it was asked for, in UTC.
    pub started: NaiveDateTime,
    /// For people.
    pub display_name: String,
    /// Whether its log lies in the log archive.
    pub logs_archived: bool,
    /// `queueitem.id`, as text.
    pub queue_id: Option<String>,
    /// The robot that pulls base images.
    pub pull_robot: Option<String>,
    /// [`super::build_triggers::Trigger::uuid`] of what asked for it.
    pub trigger_uuid: Option<String>,
    /// The trigger's `buildtriggerservice.name`.
    pub trigger_service: Option<String>,
    /// The trigger's settings, a JSON object.
    pub trigger_config: Option<String>,
    /// Whether the trigger is switched on.
    pub trigger_enabled: Option<bool>,
    /// The trigger's `disablereason.name`.
    pub trigger_disabled_reason: Option<String>,
}

/// A robot that pulls base images.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct PullRobot {
    /// `user.id`.
    pub id: UserId,
    /// `<namespace>+<name>`.
    pub username: String,
    /// Its token, encrypted.
    pub token: Option<String>,
}

/// A build to insert. It waits.
#[derive(Clone, Debug)]
pub struct NewBuild<'a> {
    /// A new uuid4.
    pub uuid: &'a str,
    /// What is built.
    pub repository: RepositoryId,
    /// `accesstoken.id` of the builder's token.
    pub access_token: i32,
    /// The id of an uploaded build context.
    pub resource_key: Option<&'a str>,
    /// What the builder is told, a JSON object.
    pub job_config: &'a str,
    /// Now, in UTC.
    pub started: NaiveDateTime,
    /// For people.
    pub display_name: &'a str,
    /// `repositorybuildtrigger.id`.
    pub trigger: Option<i32>,
    /// The robot that pulls base images.
    pub pull_robot: Option<UserId>,
    /// `queueitem.id`, as text.
    pub queue_id: &'a str,
}

macro_rules! select_builds {
    ($rest:literal) => {
        concat!(
            r#"SELECT b.id, b.uuid, b.repository_id, n.username AS namespace, r.name, b.resource_key, b.job_config, b.phase,
                b.started, b.display_name, b.logs_archived, b.queue_id, p.username AS pull_robot, t.uuid AS trigger_uuid,
                s.name AS trigger_service, t.config AS trigger_config, t.enabled AS trigger_enabled,
                d.name AS trigger_disabled_reason
            FROM repositorybuild b
            JOIN repository r ON r.id = b.repository_id
            JOIN "user" n ON n.id = r.namespace_user_id
            LEFT JOIN "user" p ON p.id = b.pull_robot_id
            LEFT JOIN repositorybuildtrigger t ON t.id = b.trigger_id
            LEFT JOIN buildtriggerservice s ON s.id = t.service_id
            LEFT JOIN disablereason d ON d.id = t.disabled_reason_id "#,
            $rest
        )
    };
}

statements! {
    LIST = select_builds!("WHERE b.repository_id = $1 AND b.started >= $2 ORDER BY b.started DESC, b.id DESC LIMIT $3");
    LIST_OF_TRIGGER = select_builds!("WHERE b.repository_id = $1 AND b.trigger_id = $2
        ORDER BY b.started DESC, b.id DESC LIMIT $3");
    FIND = select_builds!("WHERE b.uuid = $1");
    REPOSITORY_OF_RESOURCE = r#"SELECT n.username, r.name FROM repositorybuild b
        JOIN repository r ON r.id = b.repository_id
        JOIN "user" n ON n.id = r.namespace_user_id
        WHERE b.resource_key = $1 ORDER BY b.id LIMIT 1"#;
    PULL_ROBOT = r#"SELECT u.id, u.username, t.token FROM "user" u
        LEFT JOIN robotaccounttoken t ON t.robot_account_id = u.id
        WHERE u.username = $1 AND u.robot = true"#;
    INSERT = "INSERT INTO repositorybuild (uuid, repository_id, access_token_id, resource_key, job_config, phase, started,
            display_name, trigger_id, pull_robot_id, logs_archived, queue_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, false, $11) RETURNING id";
    CHANGE_PHASE = "UPDATE repositorybuild SET phase = $3 WHERE id = $1 AND phase = $2";
    DETACH_TRIGGER = "UPDATE repositorybuild SET trigger_id = NULL WHERE trigger_id = $1";
    MAXIMUM_QUEUED = r#"SELECT maximum_queued_builds_count FROM "user" WHERE id = $1"#;
}

/// A repository's builds since a time, newest first.
pub async fn list(
    conn: &mut Conn,
    repository: RepositoryId,
    since: NaiveDateTime,
    limit: i64,
) -> Result<Vec<Build>> {
    fetch_all!(conn, LIST, repository, since, limit)
}

/// The builds that a trigger (`repositorybuildtrigger.id`) asked for, newest first.
pub async fn list_of_trigger(
    conn: &mut Conn,
    repository: RepositoryId,
    trigger: i32,
    limit: i64,
) -> Result<Vec<Build>> {
    fetch_all!(conn, LIST_OF_TRIGGER, repository, trigger, limit)
}

/// The build with that public id.
pub async fn find(conn: &mut Conn, uuid: &str) -> Result<Option<Build>> {
    fetch_optional!(conn, FIND, uuid)
}

/// For which repository an uploaded build context was used first: its namespace and name.
pub async fn repository_of_resource(
    conn: &mut Conn,
    resource_key: &str,
) -> Result<Option<(String, String)>> {
    fetch_optional!(conn, REPOSITORY_OF_RESOURCE, resource_key)
}

/// The robot of that name with its token.
pub async fn pull_robot(conn: &mut Conn, username: &str) -> Result<Option<PullRobot>> {
    fetch_optional!(conn, PULL_ROBOT, username)
}

/// Inserts a waiting build; returns its id.
pub async fn insert(conn: &mut Conn, new: &NewBuild<'_>) -> Result<i32> {
    let (id,): (i32,) = fetch_one!(
        conn,
        INSERT,
        new.uuid,
        new.repository,
        new.access_token,
        new.resource_key,
        new.job_config,
        PHASE_WAITING,
        new.started,
        new.display_name,
        new.trigger,
        new.pull_robot,
        new.queue_id,
    )?;
    Ok(id)
}

/// Takes a build from one phase to another; 0 when it is in another phase by now.
pub async fn change_phase(conn: &mut Conn, build: i32, from: &str, to: &str) -> Result<u64> {
    execute!(conn, CHANGE_PHASE, build, from, to)
}

/// Lets the builds that a trigger asked for outlive it; to be done before the trigger is deleted.
pub async fn detach_trigger(conn: &mut Conn, trigger: i32) -> Result<u64> {
    execute!(conn, DETACH_TRIGGER, trigger)
}

/// How many builds of a namespace may wait or run; `None` when there is no limit.
pub async fn maximum_queued(conn: &mut Conn, namespace: UserId) -> Result<Option<i32>> {
    let row: Option<(Option<i32>,)> = fetch_optional!(conn, MAXIMUM_QUEUED, namespace)?;
    Ok(row.and_then(|(maximum,)| maximum))
}
