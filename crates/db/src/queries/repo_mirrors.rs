//! `repomirrorconfig` with `repomirrorrule`: repositories that repeat another registry's, and how they fare.

use chrono::NaiveDateTime;

use crate::statement::{execute, fetch_all, fetch_one, fetch_optional, statements};
use crate::{Conn, RepoMirrorId, RepoMirrorRuleId, RepositoryId, Result, UserId};

/// The mirror of a repository.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct RepoMirror {
    /// `repomirrorconfig.id`.
    pub id: RepoMirrorId,
    /// Whether it is synchronized by itself.
    pub is_enabled: bool,
    /// The robot that writes.
    pub internal_robot_id: UserId,
    /// The robot's name.
    pub robot: String,
    /// `host/path`.
    pub external_reference: String,
    /// Encrypted.
    pub external_registry_username: Option<String>,
    /// Encrypted.
    pub external_registry_password: Option<String>,
    /// JSON object.
    pub external_registry_config: String,
    /// Seconds.
    pub sync_interval: i32,
    /// When it is next synchronized, in UTC.
    pub sync_start_date: Option<NaiveDateTime>,
    /// When the run under way counts as lost, in UTC.
    pub sync_expiration_date: Option<NaiveDateTime>,
    /// Runs left before the next interval is waited for.
    pub sync_retries_remaining: i32,
    /// -2 to 3.
    pub sync_status: i32,
    /// The rule that selects tags.
    pub root_rule_id: RepoMirrorRuleId,
    /// JSON list of globs.
    pub rule_value: String,
    /// Seconds that a run may take.
    pub skopeo_timeout: i64,
    /// JSON list; NULL is all.
    pub architecture_filter: Option<String>,
}

/// A mirror to insert: never run, three retries left.
#[derive(Clone, Debug)]
pub struct NewRepoMirror<'a> {
    /// The repository.
    pub repository: RepositoryId,
    /// Now, in UTC.
    pub now: NaiveDateTime,
    /// A new uuid4.
    pub transaction: &'a str,
    /// What can be changed later.
    pub settings: RepoMirrorSettings<'a>,
    /// `repomirrorrule.id`.
    pub root_rule: RepoMirrorRuleId,
}

/// The columns of a mirror that people change.
#[derive(Clone, Debug)]
pub struct RepoMirrorSettings<'a> {
    /// Whether it is synchronized by itself.
    pub is_enabled: bool,
    /// The robot that writes.
    pub internal_robot: UserId,
    /// `host/path`.
    pub external_reference: &'a str,
    /// Encrypted.
    pub username: Option<&'a str>,
    /// Encrypted.
    pub password: Option<&'a str>,
    /// JSON object.
    pub external_registry_config: &'a str,
    /// Seconds.
    pub sync_interval: i32,
    /// When it is next synchronized, in UTC.
    pub sync_start_date: Option<NaiveDateTime>,
    /// Seconds that a run may take.
    pub skopeo_timeout: i64,
    /// JSON list; NULL is all.
    pub architecture_filter: Option<&'a str>,
}

/// How many enabled mirrors are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct MirrorCounts {
    /// All.
    pub total: i64,
    /// Under way.
    pub syncing: i64,
    /// The last run succeeded.
    pub completed: i64,
    /// The last run failed.
    pub failed: i64,
    /// No run yet.
    pub never_run: i64,
}

/// An enabled mirror, for the health report.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct MirrorState {
    /// The owner's name.
    pub namespace: String,
    /// Without the namespace.
    pub repository: String,
    /// -2 to 3.
    pub sync_status: i32,
    /// Runs left before the next interval is waited for.
    pub sync_retries_remaining: i32,
}

macro_rules! select_states {
    ($rest:literal) => {
        concat!(
            r#"SELECT "user".username AS namespace, repository.name AS repository, m.sync_status,
                m.sync_retries_remaining
            FROM repomirrorconfig m
            JOIN repository ON repository.id = m.repository_id AND repository.state = 2
            JOIN "user" ON "user".id = repository.namespace_user_id
            WHERE m.is_enabled = true AND repository.namespace_user_id = COALESCE($1, repository.namespace_user_id) "#,
            $rest
        )
    };
}

statements! {
    FIND = r#"SELECT m.id, m.is_enabled, m.internal_robot_id, "user".username AS robot, m.external_reference,
            m.external_registry_username, m.external_registry_password, m.external_registry_config, m.sync_interval,
            m.sync_start_date, m.sync_expiration_date, m.sync_retries_remaining, m.sync_status, m.root_rule_id,
            repomirrorrule.rule_value, m.skopeo_timeout, m.architecture_filter
        FROM repomirrorconfig m
        JOIN "user" ON "user".id = m.internal_robot_id
        JOIN repomirrorrule ON repomirrorrule.id = m.root_rule_id
        WHERE m.repository_id = $1"#;
    INSERT_RULE = "INSERT INTO repomirrorrule (uuid, repository_id, creation_date, rule_type, rule_value)
        VALUES ($1, $2, $3, 1, $4) RETURNING id";
    UPDATE_RULE = "UPDATE repomirrorrule SET rule_value = $2 WHERE id = $1";
    INSERT = "INSERT INTO repomirrorconfig (repository_id, creation_date, mirror_type, sync_status,
            sync_retries_remaining, sync_transaction_id, root_rule_id, is_enabled, internal_robot_id, external_reference,
            external_registry_username, external_registry_password, external_registry_config, sync_interval,
            sync_start_date, skopeo_timeout, architecture_filter)
        VALUES ($1, $2, 1, 0, 3, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING";
    RENEW_TRANSACTION = "UPDATE repomirrorconfig SET sync_transaction_id = $2 WHERE repository_id = $1";
    UPDATE = "UPDATE repomirrorconfig SET is_enabled = $2, internal_robot_id = $3, external_reference = $4,
            external_registry_username = $5, external_registry_password = $6, external_registry_config = $7,
            sync_interval = $8, sync_start_date = $9, skopeo_timeout = $10, architecture_filter = $11
        WHERE id = $1";
    SET_SYNC_NOW = "UPDATE repomirrorconfig SET sync_status = 3, sync_expiration_date = NULL,
            sync_retries_remaining = CASE WHEN sync_retries_remaining < 1 THEN 1 ELSE sync_retries_remaining END
        WHERE id = $1 AND sync_status <> 2";
    SET_CANCELLED = "UPDATE repomirrorconfig SET sync_status = -2, sync_expiration_date = NULL,
            sync_retries_remaining = 0
        WHERE id = $1 AND sync_status IN (2, 3)";
    COUNTS = "SELECT COUNT(*) AS total,
            COALESCE(SUM(CASE WHEN m.sync_status = 2 THEN 1 ELSE 0 END), 0) AS syncing,
            COALESCE(SUM(CASE WHEN m.sync_status = 1 THEN 1 ELSE 0 END), 0) AS completed,
            COALESCE(SUM(CASE WHEN m.sync_status = -1 THEN 1 ELSE 0 END), 0) AS failed,
            COALESCE(SUM(CASE WHEN m.sync_status = 0 THEN 1 ELSE 0 END), 0) AS never_run
        FROM repomirrorconfig m JOIN repository ON repository.id = m.repository_id AND repository.state = 2
        WHERE m.is_enabled = true AND repository.namespace_user_id = COALESCE($1, repository.namespace_user_id)";
    EXHAUSTED = select_states!("AND m.sync_status = -1 AND m.sync_retries_remaining = 0
        ORDER BY repository.namespace_user_id, repository.name LIMIT $2");
    NEVER_RUN = select_states!("AND m.sync_status = 0
        ORDER BY repository.namespace_user_id, repository.name LIMIT $2");
    PAGE = select_states!("ORDER BY repository.namespace_user_id, repository.name LIMIT $2 OFFSET $3");
    ROBOT_ROLE = "SELECT role.name FROM repositorypermission JOIN role ON role.id = repositorypermission.role_id
        WHERE repositorypermission.repository_id = $1 AND (repositorypermission.user_id = $2
            OR repositorypermission.team_id IN (SELECT team_id FROM teammember WHERE user_id = $2))
        ORDER BY CASE role.name WHEN 'admin' THEN 0 WHEN 'write' THEN 1 ELSE 2 END LIMIT 1";
}

/// The mirror of a repository.
pub async fn find(conn: &mut Conn, repository: RepositoryId) -> Result<Option<RepoMirror>> {
    fetch_optional!(conn, FIND, repository)
}

/// Adds a rule that selects tags by globs (a JSON list).
pub async fn insert_rule(
    conn: &mut Conn,
    uuid: &str,
    repository: RepositoryId,
    now: NaiveDateTime,
    globs: &str,
) -> Result<RepoMirrorRuleId> {
    let (id,) = fetch_one!(conn, INSERT_RULE, uuid, repository, now, globs)?;
    Ok(id)
}

/// Changes the globs (a JSON list) of a rule.
pub async fn update_rule(conn: &mut Conn, rule: RepoMirrorRuleId, globs: &str) -> Result<u64> {
    execute!(conn, UPDATE_RULE, rule, globs)
}

/// Adds a mirror; 0 when the repository has one.
pub async fn insert(conn: &mut Conn, new: &NewRepoMirror<'_>) -> Result<u64> {
    execute!(
        conn,
        INSERT,
        new.repository,
        new.now,
        new.transaction,
        new.root_rule,
        new.settings.is_enabled,
        new.settings.internal_robot,
        new.settings.external_reference,
        new.settings.username,
        new.settings.password,
        new.settings.external_registry_config,
        new.settings.sync_interval,
        new.settings.sync_start_date,
        new.settings.skopeo_timeout,
        new.settings.architecture_filter
    )
}

/// Takes the mirror of a repository away from everybody who has read it, with a new uuid4; 0 when there is none. Until the
/// transaction ends nobody else changes it.
pub async fn renew_transaction(
    conn: &mut Conn,
    repository: RepositoryId,
    uuid: &str,
) -> Result<u64> {
    execute!(conn, RENEW_TRANSACTION, repository, uuid)
}

/// Changes the settings of a mirror.
pub async fn update(
    conn: &mut Conn,
    mirror: RepoMirrorId,
    settings: &RepoMirrorSettings<'_>,
) -> Result<u64> {
    execute!(
        conn,
        UPDATE,
        mirror,
        settings.is_enabled,
        settings.internal_robot,
        settings.external_reference,
        settings.username,
        settings.password,
        settings.external_registry_config,
        settings.sync_interval,
        settings.sync_start_date,
        settings.skopeo_timeout,
        settings.architecture_filter
    )
}

/// Asks for a run at once; 0 when one is under way.
pub async fn set_sync_now(conn: &mut Conn, mirror: RepoMirrorId) -> Result<u64> {
    execute!(conn, SET_SYNC_NOW, mirror)
}

/// Cancels a run that is under way or asked for; 0 when there is none.
pub async fn set_cancelled(conn: &mut Conn, mirror: RepoMirrorId) -> Result<u64> {
    execute!(conn, SET_CANCELLED, mirror)
}

/// How the enabled mirrors of a namespace, or of all, fare.
pub async fn counts(conn: &mut Conn, namespace: Option<UserId>) -> Result<MirrorCounts> {
    fetch_one!(conn, COUNTS, namespace)
}

/// At most `limit` enabled mirrors that failed for the last time.
pub async fn exhausted(
    conn: &mut Conn,
    namespace: Option<UserId>,
    limit: i64,
) -> Result<Vec<MirrorState>> {
    fetch_all!(conn, EXHAUSTED, namespace, limit)
}

/// At most `limit` enabled mirrors that never ran.
pub async fn never_run(
    conn: &mut Conn,
    namespace: Option<UserId>,
    limit: i64,
) -> Result<Vec<MirrorState>> {
    fetch_all!(conn, NEVER_RUN, namespace, limit)
}

/// At most `limit` enabled mirrors after as many as `offset`.
pub async fn page(
    conn: &mut Conn,
    namespace: Option<UserId>,
    limit: i64,
    offset: i64,
) -> Result<Vec<MirrorState>> {
    fetch_all!(conn, PAGE, namespace, limit, offset)
}

/// The best role that a robot has been given on a repository, itself or through a team.
pub async fn robot_role(
    conn: &mut Conn,
    repository: RepositoryId,
    robot: UserId,
) -> Result<Option<String>> {
    let row: Option<(String,)> = fetch_optional!(conn, ROBOT_ROLE, repository, robot)?;
    Ok(row.map(|(role,)| role))
}
