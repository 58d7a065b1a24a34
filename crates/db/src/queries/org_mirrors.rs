//! `orgmirrorconfig` with `orgmirrorrepository`: organizations that repeat a namespace of another registry.

use chrono::NaiveDateTime;

use crate::statement::{execute, fetch_all, fetch_one, fetch_optional, statements};
use crate::{Conn, OrgMirrorId, Result, UserId};

/// The mirror of an organization.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct OrgMirror {
    /// `orgmirrorconfig.id`.
    pub id: OrgMirrorId,
    /// When it was made, in UTC.
    pub creation_date: NaiveDateTime,
    /// Whether it is synchronized by itself.
    pub is_enabled: bool,
    /// 1 Harbor, 2 Quay.
    pub external_registry_type: i32,
    /// `http` or `https` URL.
    pub external_registry_url: String,
    /// The namespace or project there.
    pub external_namespace: String,
    /// Encrypted.
    pub external_registry_username: Option<String>,
    /// Encrypted.
    pub external_registry_password: Option<String>,
    /// JSON object.
    pub external_registry_config: String,
    /// The robot that writes.
    pub internal_robot_id: UserId,
    /// The robot's name.
    pub robot: String,
    /// JSON list of globs; an empty one selects every repository.
    pub repository_filters: String,
    /// `visibility.id` of repositories that are made.
    pub visibility_id: i32,
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
    /// Seconds that the copy of a repository may take.
    pub skopeo_timeout: i64,
}

/// The columns of an organization's mirror that people set.
#[derive(Clone, Debug)]
pub struct OrgMirrorSettings<'a> {
    /// Whether it is synchronized by itself.
    pub is_enabled: bool,
    /// `http` or `https` URL.
    pub external_registry_url: &'a str,
    /// The namespace or project there.
    pub external_namespace: &'a str,
    /// Encrypted.
    pub username: Option<&'a str>,
    /// Encrypted.
    pub password: Option<&'a str>,
    /// JSON object.
    pub external_registry_config: &'a str,
    /// The robot that writes.
    pub internal_robot: UserId,
    /// JSON list of globs.
    pub repository_filters: &'a str,
    /// `visibility.id`.
    pub visibility: i32,
    /// Seconds.
    pub sync_interval: i32,
    /// When it is next synchronized, in UTC.
    pub sync_start_date: Option<NaiveDateTime>,
    /// Seconds that the copy of a repository may take.
    pub skopeo_timeout: i64,
}

/// A repository that was found at the other registry.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct FoundRepository {
    /// Without the namespace.
    pub repository_name: String,
    /// -2 to 4.
    pub sync_status: i32,
    /// When it was found, in UTC.
    pub discovery_date: NaiveDateTime,
    /// When it was last synchronized, in UTC.
    pub last_sync_date: Option<NaiveDateTime>,
    /// Why it failed or was left out.
    pub status_message: Option<String>,
    /// Whether it was made here.
    pub made: bool,
}

macro_rules! found {
    ($select:literal, $rest:literal) => {
        concat!(
            $select,
            " FROM orgmirrorrepository f LEFT JOIN repository ON repository.id = f.repository_id
            WHERE f.org_mirror_config_id = $1 AND (f.repository_id IS NULL OR repository.state <> 3) ",
            $rest
        )
    };
}

statements! {
    FIND = r#"SELECT m.id, m.creation_date, m.is_enabled, m.external_registry_type, m.external_registry_url,
            m.external_namespace, m.external_registry_username, m.external_registry_password,
            m.external_registry_config, m.internal_robot_id, "user".username AS robot, m.repository_filters,
            m.visibility_id, m.sync_interval, m.sync_start_date, m.sync_expiration_date, m.sync_retries_remaining,
            m.sync_status, m.skopeo_timeout
        FROM orgmirrorconfig m JOIN "user" ON "user".id = m.internal_robot_id
        WHERE m.organization_id = $1"#;
    EXISTS = "SELECT EXISTS (SELECT 1 FROM orgmirrorconfig WHERE organization_id = $1)";
    HAS_REPOSITORIES = "SELECT EXISTS (SELECT 1 FROM repository WHERE namespace_user_id = $1 AND state <> 3)";
    INSERT = "INSERT INTO orgmirrorconfig (organization_id, creation_date, mirror_type, external_registry_type,
            sync_retries_remaining, sync_status, sync_transaction_id, delete_stale_repos, architecture_filter, is_enabled,
            external_registry_url, external_namespace, external_registry_username, external_registry_password,
            external_registry_config, internal_robot_id, repository_filters, visibility_id, sync_interval,
            sync_start_date, skopeo_timeout)
        VALUES ($1, $2, 1, $3, 3, 0, $4, false, '[]', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        ON CONFLICT DO NOTHING";
    LOCK = "UPDATE orgmirrorconfig SET mirror_type = mirror_type WHERE organization_id = $1";
    UPDATE = "UPDATE orgmirrorconfig SET is_enabled = $2, external_registry_url = $3, external_namespace = $4,
            external_registry_username = $5, external_registry_password = $6, external_registry_config = $7,
            internal_robot_id = $8, repository_filters = $9, visibility_id = $10, sync_interval = $11,
            sync_start_date = $12, skopeo_timeout = $13
        WHERE id = $1";
    DELETE = "DELETE FROM orgmirrorconfig WHERE id = $1";
    DELETE_FOUND = "DELETE FROM orgmirrorrepository WHERE org_mirror_config_id = $1";
    RELEASE_REPOSITORIES = "UPDATE repository SET state = 0 WHERE state = 4 AND id IN
        (SELECT repository_id FROM orgmirrorrepository WHERE org_mirror_config_id = $1 AND repository_id IS NOT NULL)";
    COUNT_BY_STATUS = found!("SELECT f.sync_status, COUNT(*)", "GROUP BY f.sync_status");
    COUNT_ACTIVE = found!("SELECT COUNT(*)",
        "AND (f.sync_status IN (2, 3, 0) OR (f.sync_status = -1 AND f.sync_retries_remaining > 0))");
    COUNT = found!("SELECT COUNT(*)", "AND f.sync_status = COALESCE($2, f.sync_status)");
    PAGE = found!("SELECT f.repository_name, f.sync_status, f.discovery_date, f.last_sync_date, f.status_message,
            CASE WHEN f.repository_id IS NULL THEN false ELSE true END AS made",
        "AND f.sync_status = COALESCE($2, f.sync_status) ORDER BY f.repository_name LIMIT $3 OFFSET $4");
    SET_SYNC_NOW = "UPDATE orgmirrorconfig SET sync_transaction_id = $2, sync_status = 3, sync_start_date = $3,
            sync_expiration_date = NULL,
            sync_retries_remaining = CASE WHEN sync_retries_remaining < 1 THEN 1 ELSE sync_retries_remaining END
        WHERE id = $1 AND sync_status <> 2";
    SET_CANCELLED = "UPDATE orgmirrorconfig SET sync_transaction_id = $2, sync_status = -2, sync_expiration_date = $3,
            sync_retries_remaining = 0
        WHERE id = $1 AND sync_status <> -2";
}

/// The mirror of an organization.
pub async fn find(conn: &mut Conn, organization: UserId) -> Result<Option<OrgMirror>> {
    fetch_optional!(conn, FIND, organization)
}

/// Whether an organization is a mirror.
pub async fn exists(conn: &mut Conn, organization: UserId) -> Result<bool> {
    let (exists,) = fetch_one!(conn, EXISTS, organization)?;
    Ok(exists)
}

/// Whether a namespace has a repository.
pub async fn has_repositories(conn: &mut Conn, organization: UserId) -> Result<bool> {
    let (has,) = fetch_one!(conn, HAS_REPOSITORIES, organization)?;
    Ok(has)
}

/// Makes an organization a mirror that never ran, of a registry of that type; 0 when it is one.
pub async fn insert(
    conn: &mut Conn,
    organization: UserId,
    now: NaiveDateTime,
    registry_type: i32,
    transaction: &str,
    settings: &OrgMirrorSettings<'_>,
) -> Result<u64> {
    execute!(
        conn,
        INSERT,
        organization,
        now,
        registry_type,
        transaction,
        settings.is_enabled,
        settings.external_registry_url,
        settings.external_namespace,
        settings.username,
        settings.password,
        settings.external_registry_config,
        settings.internal_robot,
        settings.repository_filters,
        settings.visibility,
        settings.sync_interval,
        settings.sync_start_date,
        settings.skopeo_timeout
    )
}

/// Keeps others from changing the mirror of an organization until the transaction ends; 0 when it has none.
pub async fn lock(conn: &mut Conn, organization: UserId) -> Result<u64> {
    execute!(conn, LOCK, organization)
}

/// Changes the settings of a mirror.
pub async fn update(
    conn: &mut Conn,
    mirror: OrgMirrorId,
    settings: &OrgMirrorSettings<'_>,
) -> Result<u64> {
    execute!(
        conn,
        UPDATE,
        mirror,
        settings.is_enabled,
        settings.external_registry_url,
        settings.external_namespace,
        settings.username,
        settings.password,
        settings.external_registry_config,
        settings.internal_robot,
        settings.repository_filters,
        settings.visibility,
        settings.sync_interval,
        settings.sync_start_date,
        settings.skopeo_timeout
    )
}

/// Deletes a mirror whose found repositories are forgotten.
pub async fn delete(conn: &mut Conn, mirror: OrgMirrorId) -> Result<u64> {
    execute!(conn, DELETE, mirror)
}

/// Forgets what was found at the other registry.
pub async fn delete_found(conn: &mut Conn, mirror: OrgMirrorId) -> Result<u64> {
    execute!(conn, DELETE_FOUND, mirror)
}

/// Lets everybody with the right write to the repositories of a mirror again.
pub async fn release_repositories(conn: &mut Conn, mirror: OrgMirrorId) -> Result<u64> {
    execute!(conn, RELEASE_REPOSITORIES, mirror)
}

/// How many found repositories are in which state, for the states that any is in.
pub async fn count_by_status(conn: &mut Conn, mirror: OrgMirrorId) -> Result<Vec<(i32, i64)>> {
    fetch_all!(conn, COUNT_BY_STATUS, mirror)
}

/// How many found repositories are being synchronized or wait for it.
pub async fn count_active(conn: &mut Conn, mirror: OrgMirrorId) -> Result<i64> {
    let (count,) = fetch_one!(conn, COUNT_ACTIVE, mirror)?;
    Ok(count)
}

/// How many repositories were found, in one state or in any.
pub async fn count(conn: &mut Conn, mirror: OrgMirrorId, status: Option<i32>) -> Result<i64> {
    let (count,) = fetch_one!(conn, COUNT, mirror, status)?;
    Ok(count)
}

/// At most `limit` found repositories by name, in one state or in any, after as many as `offset`.
pub async fn page(
    conn: &mut Conn,
    mirror: OrgMirrorId,
    status: Option<i32>,
    limit: i64,
    offset: i64,
) -> Result<Vec<FoundRepository>> {
    fetch_all!(conn, PAGE, mirror, status, limit, offset)
}

/// Asks for a run at once; 0 when one is under way.
pub async fn set_sync_now(
    conn: &mut Conn,
    mirror: OrgMirrorId,
    transaction: &str,
    now: NaiveDateTime,
) -> Result<u64> {
    execute!(conn, SET_SYNC_NOW, mirror, transaction, now)
}

/// Cancels a run; 0 when it is cancelled already.
pub async fn set_cancelled(
    conn: &mut Conn,
    mirror: OrgMirrorId,
    transaction: &str,
    now: NaiveDateTime,
) -> Result<u64> {
    execute!(conn, SET_CANCELLED, mirror, transaction, now)
}
