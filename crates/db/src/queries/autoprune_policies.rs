//! `namespaceautoprunepolicy` and `repositoryautoprunepolicy`: which tags are pruned; and `autoprunetaskstatus`, by which
//! a worker finds the namespaces that have policies.

use crate::statement::{execute, fetch_all, fetch_optional, statements};
use crate::{Conn, RepositoryId, Result, UserId};

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct PolicyRow {
    /// Its public id.
    pub uuid: String,
    /// JSON, encoded twice ([`crate::encoding::json_text`]).
    pub policy: String,
}

statements! {
    LIST_OF_NAMESPACE = "SELECT uuid, policy FROM namespaceautoprunepolicy WHERE namespace_id = $1 ORDER BY id";
    LIST_OF_REPOSITORY = "SELECT uuid, policy FROM repositoryautoprunepolicy WHERE repository_id = $1 ORDER BY id";
    FIND_OF_NAMESPACE = "SELECT uuid, policy FROM namespaceautoprunepolicy WHERE uuid = $1 AND namespace_id = $2";
    FIND_OF_REPOSITORY = "SELECT uuid, policy FROM repositoryautoprunepolicy WHERE uuid = $1 AND repository_id = $2";
    INSERT_OF_NAMESPACE = "INSERT INTO namespaceautoprunepolicy (uuid, namespace_id, policy) VALUES ($1, $2, $3)";
    INSERT_OF_REPOSITORY = "INSERT INTO repositoryautoprunepolicy (uuid, namespace_id, policy, repository_id)
        VALUES ($1, $2, $3, $4)";
    UPDATE_OF_NAMESPACE = "UPDATE namespaceautoprunepolicy SET policy = $3 WHERE uuid = $1 AND namespace_id = $2";
    UPDATE_OF_REPOSITORY = "UPDATE repositoryautoprunepolicy SET policy = $3 WHERE uuid = $1 AND repository_id = $2";
    DELETE_OF_NAMESPACE = "DELETE FROM namespaceautoprunepolicy WHERE uuid = $1 AND namespace_id = $2";
    DELETE_OF_REPOSITORY = "DELETE FROM repositoryautoprunepolicy WHERE uuid = $1 AND repository_id = $2";
    QUEUE_TASK = "INSERT INTO autoprunetaskstatus (namespace_id, last_ran_ms, status) VALUES ($1, NULL, 'queued')
        ON CONFLICT DO NOTHING";
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

/// Makes the pruning worker look at a namespace; 0 when it does so already.
pub async fn queue_task(conn: &mut Conn, namespace: UserId) -> Result<u64> {
    execute!(conn, QUEUE_TASK, namespace)
}
