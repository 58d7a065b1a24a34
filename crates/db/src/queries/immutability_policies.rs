//! `namespaceimmutabilitypolicy` and `repositoryimmutabilitypolicy`: which tags may be neither moved nor deleted; and the
//! statements that make what is there already immutable.

use sqlx::AssertSqlSafe;

use crate::statement::{
    execute, execute_of, fetch_all, fetch_all_of, fetch_one, fetch_optional, padded, placeholders,
    statements,
};
use crate::{Conn, RepositoryId, Result, TagId, UserId};

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct PolicyRow {
    /// Its public id.
    pub uuid: String,
    /// JSON: `{"tag_pattern": …, "tag_pattern_matches": …}`.
    pub policy: String,
}

/// A visible, living tag that may still be moved.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Candidate {
    /// `tag.id`.
    pub id: TagId,
    /// Its name.
    pub name: String,
}

statements! {
    LIST_OF_NAMESPACE = "SELECT uuid, policy FROM namespaceimmutabilitypolicy WHERE namespace_id = $1 ORDER BY id";
    LIST_OF_REPOSITORY = "SELECT uuid, policy FROM repositoryimmutabilitypolicy WHERE repository_id = $1 ORDER BY id";
    FIND_OF_NAMESPACE = "SELECT uuid, policy FROM namespaceimmutabilitypolicy WHERE uuid = $1 AND namespace_id = $2";
    FIND_OF_REPOSITORY = "SELECT uuid, policy FROM repositoryimmutabilitypolicy WHERE uuid = $1 AND repository_id = $2";
    INSERT_OF_NAMESPACE = "INSERT INTO namespaceimmutabilitypolicy (uuid, namespace_id, policy) VALUES ($1, $2, $3)";
    INSERT_OF_REPOSITORY = "INSERT INTO repositoryimmutabilitypolicy (uuid, namespace_id, policy, repository_id)
        VALUES ($1, $2, $3, $4)";
    UPDATE_OF_NAMESPACE = "UPDATE namespaceimmutabilitypolicy SET policy = $3 WHERE uuid = $1 AND namespace_id = $2";
    UPDATE_OF_REPOSITORY = "UPDATE repositoryimmutabilitypolicy SET policy = $3 WHERE uuid = $1 AND repository_id = $2";
    DELETE_OF_NAMESPACE = "DELETE FROM namespaceimmutabilitypolicy WHERE uuid = $1 AND namespace_id = $2";
    DELETE_OF_REPOSITORY = "DELETE FROM repositoryimmutabilitypolicy WHERE uuid = $1 AND repository_id = $2";
    NAMESPACE_HAS_ANY = "SELECT EXISTS (SELECT 1 FROM namespaceimmutabilitypolicy WHERE namespace_id = $1)";
    /// `$1` namespace, `$2` now.
    NAMESPACE_HAS_IMMUTABLE_TAGS = "SELECT EXISTS (
        SELECT 1 FROM repository JOIN tag ON tag.repository_id = repository.id
        WHERE repository.namespace_user_id = $1 AND tag.immutable = true AND tag.hidden = false
            AND (tag.lifetime_end_ms IS NULL OR tag.lifetime_end_ms > $2))";
    REPOSITORIES_AFTER = "SELECT id FROM repository WHERE namespace_user_id = $1 AND id > $2 ORDER BY id LIMIT $3";
}

/// The policies of a namespace itself, oldest first.
pub async fn list_of_namespace(conn: &mut Conn, namespace: UserId) -> Result<Vec<PolicyRow>> {
    fetch_all!(conn, LIST_OF_NAMESPACE, namespace)
}

/// The policies of a repository itself, oldest first.
pub async fn list_of_repository(
    conn: &mut Conn,
    repository: RepositoryId,
) -> Result<Vec<PolicyRow>> {
    fetch_all!(conn, LIST_OF_REPOSITORY, repository)
}

/// A policy of a namespace.
pub async fn find_of_namespace(
    conn: &mut Conn,
    uuid: &str,
    namespace: UserId,
) -> Result<Option<PolicyRow>> {
    fetch_optional!(conn, FIND_OF_NAMESPACE, uuid, namespace)
}

/// A policy of a repository.
pub async fn find_of_repository(
    conn: &mut Conn,
    uuid: &str,
    repository: RepositoryId,
) -> Result<Option<PolicyRow>> {
    fetch_optional!(conn, FIND_OF_REPOSITORY, uuid, repository)
}

/// Adds a policy to a namespace.
pub async fn insert_of_namespace(
    conn: &mut Conn,
    uuid: &str,
    namespace: UserId,
    policy: &str,
) -> Result<u64> {
    execute!(conn, INSERT_OF_NAMESPACE, uuid, namespace, policy)
}

/// Adds a policy to a repository of a namespace.
pub async fn insert_of_repository(
    conn: &mut Conn,
    uuid: &str,
    namespace: UserId,
    policy: &str,
    repository: RepositoryId,
) -> Result<u64> {
    execute!(
        conn,
        INSERT_OF_REPOSITORY,
        uuid,
        namespace,
        policy,
        repository
    )
}

/// Changes a policy of a namespace; 0 when there is none.
pub async fn update_of_namespace(
    conn: &mut Conn,
    uuid: &str,
    namespace: UserId,
    policy: &str,
) -> Result<u64> {
    execute!(conn, UPDATE_OF_NAMESPACE, uuid, namespace, policy)
}

/// Changes a policy of a repository; 0 when there is none.
pub async fn update_of_repository(
    conn: &mut Conn,
    uuid: &str,
    repository: RepositoryId,
    policy: &str,
) -> Result<u64> {
    execute!(conn, UPDATE_OF_REPOSITORY, uuid, repository, policy)
}

/// Deletes a policy of a namespace; 0 when there is none.
pub async fn delete_of_namespace(conn: &mut Conn, uuid: &str, namespace: UserId) -> Result<u64> {
    execute!(conn, DELETE_OF_NAMESPACE, uuid, namespace)
}

/// Deletes a policy of a repository; 0 when there is none.
pub async fn delete_of_repository(
    conn: &mut Conn,
    uuid: &str,
    repository: RepositoryId,
) -> Result<u64> {
    execute!(conn, DELETE_OF_REPOSITORY, uuid, repository)
}

/// Whether a namespace itself has a policy.
pub async fn namespace_has_any(conn: &mut Conn, namespace: UserId) -> Result<bool> {
    let (any,) = fetch_one!(conn, NAMESPACE_HAS_ANY, namespace)?;
    Ok(any)
}

/// Whether a visible, living tag of a namespace is immutable.
pub async fn namespace_has_immutable_tags(
    conn: &mut Conn,
    namespace: UserId,
    now_ms: i64,
) -> Result<bool> {
    let (any,) = fetch_one!(conn, NAMESPACE_HAS_IMMUTABLE_TAGS, namespace, now_ms)?;
    Ok(any)
}

/// At most `limit` repositories of a namespace in the order they were made, after one of them.
pub async fn repositories_after(
    conn: &mut Conn,
    namespace: UserId,
    after: RepositoryId,
    limit: i64,
) -> Result<Vec<RepositoryId>> {
    let rows: Vec<(RepositoryId,)> = fetch_all!(conn, REPOSITORIES_AFTER, namespace, after, limit)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// At most `limit` visible, living tags of some repositories that may still be moved, after one of them.
pub async fn candidates(
    conn: &mut Conn,
    repositories: &[RepositoryId],
    now_ms: i64,
    after: TagId,
    limit: i64,
) -> Result<Vec<Candidate>> {
    let Some(last) = repositories.last() else {
        return Ok(Vec::new());
    };
    let sql = AssertSqlSafe(format!(
        "SELECT id, name FROM tag
        WHERE repository_id IN {} AND immutable = false AND hidden = false
            AND (lifetime_end_ms IS NULL OR lifetime_end_ms > $1) AND id > $2
        ORDER BY id LIMIT $3",
        placeholders(4, repositories.len())
    ));
    let filler = std::iter::repeat_n(last, padded(repositories.len()) - repositories.len());
    let values = repositories.iter().chain(filler);
    fetch_all_of!(conn, sql, [now_ms, after, limit], values)
}

/// Makes tags immutable and returns how many were not; `keep_expiry` says whether they may still expire.
pub async fn make_immutable(conn: &mut Conn, tags: &[TagId], keep_expiry: bool) -> Result<u64> {
    let Some(last) = tags.last() else {
        return Ok(0);
    };
    let expiry = if keep_expiry {
        ""
    } else {
        ", lifetime_end_ms = NULL"
    };
    let sql = AssertSqlSafe(format!(
        "UPDATE tag SET immutable = true{expiry} WHERE immutable = false AND id IN {}",
        placeholders(1, tags.len())
    ));
    let filler = std::iter::repeat_n(last, padded(tags.len()) - tags.len());
    execute_of!(conn, sql, [], tags.iter().chain(filler))
}
