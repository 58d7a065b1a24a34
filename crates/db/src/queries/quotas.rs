//! `userorganizationquota` with `quotalimits`, and the totals that are counted against them.

use sqlx::AssertSqlSafe;

use crate::statement::{
    execute, fetch_all, fetch_all_of, fetch_optional, padded, placeholders, statements,
};
use crate::{Conn, QuotaId, QuotaLimitId, RepositoryId, Result, UserId};

/// How much a namespace may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Quota {
    /// `userorganizationquota.id`.
    pub id: QuotaId,
    /// Bytes.
    pub limit_bytes: i64,
}

/// What happens at a part of a quota.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct QuotaLimit {
    /// `quotalimits.id`.
    pub id: QuotaLimitId,
    /// The quota.
    pub quota_id: QuotaId,
    /// `quotatype.name`: `Warning` or `Reject`.
    pub kind: String,
    /// 1 to 100.
    pub percent: i32,
}

/// A namespace with its quota and its total, as far as it has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct NamespaceUsage {
    /// The person or organization.
    pub namespace_id: UserId,
    /// Its quota.
    pub quota_id: Option<QuotaId>,
    /// Bytes of its quota.
    pub limit_bytes: Option<i64>,
    /// Bytes that it holds; NULL when nobody has counted.
    pub size_bytes: Option<i64>,
    /// When counting what was there before began, in epoch milliseconds.
    pub backfill_start_ms: Option<i64>,
    /// Whether all of that is counted; NULL when there is no total.
    pub backfill_complete: Option<bool>,
}

statements! {
    FIND = "SELECT id, limit_bytes FROM userorganizationquota WHERE namespace_id = $1";
    INSERT = "INSERT INTO userorganizationquota (namespace_id, limit_bytes) VALUES ($1, $2)
        ON CONFLICT DO NOTHING RETURNING id, limit_bytes";
    SET_LIMIT_BYTES = "UPDATE userorganizationquota SET limit_bytes = $2 WHERE id = $1";
    DELETE = "DELETE FROM userorganizationquota WHERE id = $1";
    LIST_LIMITS = "SELECT quotalimits.id, quotalimits.quota_id, quotatype.name AS kind,
            quotalimits.percent_of_limit AS percent
        FROM quotalimits JOIN quotatype ON quotatype.id = quotalimits.quota_type_id
        WHERE quotalimits.quota_id = $1 ORDER BY quotalimits.id";
    INSERT_LIMIT = "INSERT INTO quotalimits (quota_id, quota_type_id, percent_of_limit) VALUES ($1, $2, $3)";
    SET_LIMIT = "UPDATE quotalimits SET quota_type_id = $2, percent_of_limit = $3 WHERE id = $1";
    DELETE_LIMIT = "DELETE FROM quotalimits WHERE id = $1";
    DELETE_LIMITS = "DELETE FROM quotalimits WHERE quota_id = $1";
    FORGET_NOTICES = "DELETE FROM quotanotificationstate WHERE namespace_id = $1";
    FORGET_NOTICE = "DELETE FROM quotanotificationstate WHERE namespace_id = $1 AND threshold_percent = $2";
    DELETE_NOTIFICATIONS = "DELETE FROM namespacenotification WHERE namespace_id = $1
        AND event_id IN (SELECT id FROM externalnotificationevent WHERE name IN ('quota_warning', 'quota_error'))";
}

/// The quota of a namespace.
pub async fn find(conn: &mut Conn, namespace: UserId) -> Result<Option<Quota>> {
    fetch_optional!(conn, FIND, namespace)
}

/// Gives a namespace a quota; `None` when it has one.
pub async fn insert(conn: &mut Conn, namespace: UserId, limit_bytes: i64) -> Result<Option<Quota>> {
    fetch_optional!(conn, INSERT, namespace, limit_bytes)
}

/// Changes the bytes of a quota.
pub async fn set_limit_bytes(conn: &mut Conn, quota: QuotaId, limit_bytes: i64) -> Result<u64> {
    execute!(conn, SET_LIMIT_BYTES, quota, limit_bytes)
}

/// Deletes a quota that has no limits left.
pub async fn delete(conn: &mut Conn, quota: QuotaId) -> Result<u64> {
    execute!(conn, DELETE, quota)
}

/// The limits of a quota, oldest first.
pub async fn list_limits(conn: &mut Conn, quota: QuotaId) -> Result<Vec<QuotaLimit>> {
    fetch_all!(conn, LIST_LIMITS, quota)
}

/// Adds a limit with a `quotatype.id`.
pub async fn insert_limit(conn: &mut Conn, quota: QuotaId, kind: i32, percent: i32) -> Result<u64> {
    execute!(conn, INSERT_LIMIT, quota, kind, percent)
}

/// Changes a limit's `quotatype.id` and percent.
pub async fn set_limit(
    conn: &mut Conn,
    limit: QuotaLimitId,
    kind: i32,
    percent: i32,
) -> Result<u64> {
    execute!(conn, SET_LIMIT, limit, kind, percent)
}

/// Deletes a limit.
pub async fn delete_limit(conn: &mut Conn, limit: QuotaLimitId) -> Result<u64> {
    execute!(conn, DELETE_LIMIT, limit)
}

/// Deletes every limit of a quota.
pub async fn delete_limits(conn: &mut Conn, quota: QuotaId) -> Result<u64> {
    execute!(conn, DELETE_LIMITS, quota)
}

/// Forgets every threshold that a namespace was told of.
pub async fn forget_notices(conn: &mut Conn, namespace: UserId) -> Result<u64> {
    execute!(conn, FORGET_NOTICES, namespace)
}

/// Forgets that a namespace was told of one threshold.
pub async fn forget_notice(conn: &mut Conn, namespace: UserId, percent: i32) -> Result<u64> {
    execute!(conn, FORGET_NOTICE, namespace, percent)
}

/// Deletes the notifications about the quota of a namespace.
pub async fn delete_notifications(conn: &mut Conn, namespace: UserId) -> Result<u64> {
    execute!(conn, DELETE_NOTIFICATIONS, namespace)
}

/// Quota and total of each namespace.
pub async fn usage(conn: &mut Conn, namespaces: &[UserId]) -> Result<Vec<NamespaceUsage>> {
    let Some(values) = repeated(namespaces) else {
        return Ok(Vec::new());
    };
    let sql = AssertSqlSafe(format!(
        r#"SELECT "user".id AS namespace_id, q.id AS quota_id, q.limit_bytes, s.size_bytes, s.backfill_start_ms,
            s.backfill_complete
        FROM "user"
        LEFT JOIN userorganizationquota q ON q.namespace_id = "user".id
        LEFT JOIN quotanamespacesize s ON s.namespace_user_id = "user".id
        WHERE "user".id IN {}"#,
        placeholders(1, namespaces.len())
    ));
    fetch_all_of!(conn, sql, [], values)
}

/// The limits of each quota, oldest first.
pub async fn limits_of(conn: &mut Conn, quotas: &[QuotaId]) -> Result<Vec<QuotaLimit>> {
    let Some(values) = repeated(quotas) else {
        return Ok(Vec::new());
    };
    let sql = AssertSqlSafe(format!(
        "SELECT quotalimits.id, quotalimits.quota_id, quotatype.name AS kind, quotalimits.percent_of_limit AS percent
        FROM quotalimits JOIN quotatype ON quotatype.id = quotalimits.quota_type_id
        WHERE quotalimits.quota_id IN {} ORDER BY quotalimits.id",
        placeholders(1, quotas.len())
    ));
    fetch_all_of!(conn, sql, [], values)
}

/// The total of each repository that has one, in bytes.
pub async fn repository_sizes(
    conn: &mut Conn,
    repositories: &[RepositoryId],
) -> Result<Vec<(RepositoryId, i64)>> {
    let Some(values) = repeated(repositories) else {
        return Ok(Vec::new());
    };
    let sql = AssertSqlSafe(format!(
        "SELECT repository_id, size_bytes FROM quotarepositorysize WHERE repository_id IN {}",
        placeholders(1, repositories.len())
    ));
    fetch_all_of!(conn, sql, [], values)
}

/// The values of an `IN` list with the last one repeated; `None` for none.
fn repeated<T: Copy>(values: &[T]) -> Option<impl Iterator<Item = T>> {
    let last = *values.last()?;
    let places = padded(values.len());
    Some(
        values
            .iter()
            .copied()
            .chain(std::iter::repeat(last))
            .take(places),
    )
}
