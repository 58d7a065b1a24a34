//! `repository` with the rows that come and go with it.

use chrono::{NaiveDate, NaiveDateTime};

use crate::statement::{execute, fetch_all, fetch_one, fetch_optional, statements};
use crate::{Conn, NamespaceId, RepositoryId, Result};

/// `repository.state` of a repository that anybody with the right may write to.
pub const STATE_NORMAL: i32 = 0;
/// `repository.state` of a repository that nobody may write to.
pub const STATE_READ_ONLY: i32 = 1;
/// `repository.state` of a repository that only its mirror writes to.
pub const STATE_MIRROR: i32 = 2;
/// `repository.state` of a repository that waits for its removal under another name.
pub const STATE_MARKED_FOR_DELETION: i32 = 3;
/// `repository.state` of a repository that an organization mirror writes to.
pub const STATE_ORG_MIRROR: i32 = 4;

/// A repository to insert. Its state is normal.
#[derive(Clone, Debug)]
pub struct NewRepository<'a> {
    /// The owner.
    pub namespace: NamespaceId,
    /// Without the namespace.
    pub name: &'a str,
    /// `visibility.id`.
    pub visibility: i32,
    /// `repositorykind.id`.
    pub kind: i32,
    /// Markdown.
    pub description: Option<&'a str>,
    /// A new uuid4.
    pub badge_token: &'a str,
}

/// A repository with the names that its numbers mean.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Repository {
    /// `repository.id`.
    pub id: RepositoryId,
    /// The owner.
    pub namespace_id: NamespaceId,
    /// The owner's name.
    pub namespace: String,
    /// Without the namespace.
    pub name: String,
    /// `visibility.name`: `public` or `private`.
    pub visibility: String,
    /// `repositorykind.name`: `image`, or `application` from old releases.
    pub kind: String,
    /// One of the `STATE_` constants.
    pub state: i32,
    /// Markdown.
    pub description: Option<String>,
}

macro_rules! select_repository {
    ($rest:literal) => {
        concat!(
            r#"SELECT repository.id, repository.namespace_user_id AS namespace_id, "user".username AS namespace,
                repository.name, visibility.name AS visibility, repositorykind.name AS kind, repository.state,
                repository.description
            FROM repository
            JOIN "user" ON "user".id = repository.namespace_user_id
            JOIN visibility ON visibility.id = repository.visibility_id
            JOIN repositorykind ON repositorykind.id = repository.kind_id "#,
            $rest
        )
    };
}

statements! {
    INSERT = "INSERT INTO repository (namespace_user_id, name, visibility_id, description, badge_token, kind_id,
            trust_enabled, state)
        VALUES ($1, $2, $3, $4, $5, $6, false, 0) ON CONFLICT DO NOTHING RETURNING id";
    INSERT_ACTION_COUNT = "INSERT INTO repositoryactioncount (repository_id, count, date) VALUES ($1, 0, $2)";
    INSERT_SEARCH_SCORE = "INSERT INTO repositorysearchscore (repository_id, score) VALUES ($1, 0)";
    FIND = select_repository!(r#"WHERE "user".username = $1 AND repository.name = $2 AND repository.state <> 3"#);
    FIND_IN_NAMESPACE = "SELECT id FROM repository WHERE namespace_user_id = $1 AND name = $2 AND state <> 3";
    LIST_NAMESPACE = select_repository!("WHERE repository.namespace_user_id = $1 AND repository.name > $2
        AND repository.state <> 3 ORDER BY repository.name LIMIT $3");
    LIST_ALL = select_repository!("WHERE repository.id > $1 AND repository.state <> 3 ORDER BY repository.id LIMIT $2");
    SET_VISIBILITY = "UPDATE repository SET visibility_id = $2 WHERE id = $1";
    NAMESPACE_IS_MIRRORED = "SELECT EXISTS (SELECT 1 FROM orgmirrorconfig WHERE organization_id = $1)";
    SET_STATE = "UPDATE repository SET state = $2 WHERE id = $1 AND state <> 3";
    SET_TRUST = "UPDATE repository SET trust_enabled = $2 WHERE id = $1 AND state <> 3";
    DELETE_STARS = "DELETE FROM star WHERE repository_id = $1";
    MARK_DELETED = "UPDATE repository SET name = $2, state = 3 WHERE id = $1 AND state <> 3";
    INSERT_DELETED_MARKER = "INSERT INTO deletedrepository (repository_id, marked, original_name) VALUES ($1, $2, $3)
        RETURNING id";
    SET_MARKER_QUEUE_ID = "UPDATE deletedrepository SET queue_id = $2 WHERE id = $1";
    INSERT_QUEUE_ITEM = "INSERT INTO queueitem (queue_name, body, available_after, available, retries_remaining, state_id)
        VALUES ($1, $2, $3, true, $4, $5) RETURNING id";
}

/// Inserts a repository; `None` when the namespace has one of that name.
pub async fn insert(conn: &mut Conn, new: &NewRepository<'_>) -> Result<Option<RepositoryId>> {
    let row: Option<(RepositoryId,)> = fetch_optional!(
        conn,
        INSERT,
        new.namespace,
        new.name,
        new.visibility,
        new.description,
        new.badge_token,
        new.kind,
    )?;
    Ok(row.map(|(id,)| id))
}

/// Inserts the empty day from which Quay's search ranking starts.
pub async fn insert_action_count(
    conn: &mut Conn,
    repository: RepositoryId,
    date: NaiveDate,
) -> Result<u64> {
    execute!(conn, INSERT_ACTION_COUNT, repository, date)
}

/// Inserts the search rank zero.
pub async fn insert_search_score(conn: &mut Conn, repository: RepositoryId) -> Result<u64> {
    execute!(conn, INSERT_SEARCH_SCORE, repository)
}

/// A repository by its two names, unless it is marked for deletion.
pub async fn find(conn: &mut Conn, namespace: &str, name: &str) -> Result<Option<Repository>> {
    fetch_optional!(conn, FIND, namespace, name)
}

/// The id of a repository in a namespace, unless it is marked for deletion.
pub async fn find_in_namespace(
    conn: &mut Conn,
    namespace: NamespaceId,
    name: &str,
) -> Result<Option<RepositoryId>> {
    let row: Option<(RepositoryId,)> = fetch_optional!(conn, FIND_IN_NAMESPACE, namespace, name)?;
    Ok(row.map(|(id,)| id))
}

/// Repositories of a namespace, by name, after a name.
pub async fn list_namespace(
    conn: &mut Conn,
    namespace: NamespaceId,
    after: &str,
    limit: i64,
) -> Result<Vec<Repository>> {
    fetch_all!(conn, LIST_NAMESPACE, namespace, after, limit)
}

/// Repositories of every namespace, in the order they were made, after an id.
pub async fn list_all(conn: &mut Conn, after: RepositoryId, limit: i64) -> Result<Vec<Repository>> {
    fetch_all!(conn, LIST_ALL, after, limit)
}

/// Sets who may read a repository (`visibility.id`).
pub async fn set_visibility(
    conn: &mut Conn,
    repository: RepositoryId,
    visibility: i32,
) -> Result<u64> {
    execute!(conn, SET_VISIBILITY, repository, visibility)
}

/// Whether an organization mirror manages the repositories of a namespace.
pub async fn namespace_is_mirrored(conn: &mut Conn, namespace: NamespaceId) -> Result<bool> {
    let (mirrored,): (bool,) = fetch_one!(conn, NAMESPACE_IS_MIRRORED, namespace)?;
    Ok(mirrored)
}

/// Sets the state of a repository that is not marked for deletion.
pub async fn set_state(conn: &mut Conn, repository: RepositoryId, state: i32) -> Result<u64> {
    execute!(conn, SET_STATE, repository, state)
}

/// Switches content trust of a repository on or off.
pub async fn set_trust(conn: &mut Conn, repository: RepositoryId, enabled: bool) -> Result<u64> {
    execute!(conn, SET_TRUST, repository, enabled)
}

/// Takes a repository out of everybody's favourites.
pub async fn delete_stars(conn: &mut Conn, repository: RepositoryId) -> Result<u64> {
    execute!(conn, DELETE_STARS, repository)
}

/// Hides a repository under another name until a worker removes it; 0 when somebody did so before.
pub async fn mark_deleted(
    conn: &mut Conn,
    repository: RepositoryId,
    new_name: &str,
) -> Result<u64> {
    execute!(conn, MARK_DELETED, repository, new_name)
}

/// Records what a marked repository was called; returns the marker's id.
pub async fn insert_deleted_marker(
    conn: &mut Conn,
    repository: RepositoryId,
    marked: NaiveDateTime,
    original_name: &str,
) -> Result<i32> {
    let (id,): (i32,) = fetch_one!(
        conn,
        INSERT_DELETED_MARKER,
        repository,
        marked,
        original_name
    )?;
    Ok(id)
}

/// Records which queue item will remove the repository.
pub async fn set_marker_queue_id(conn: &mut Conn, marker: i32, queue_id: &str) -> Result<u64> {
    execute!(conn, SET_MARKER_QUEUE_ID, marker, queue_id)
}

/// Queues work; returns the item's id.
pub async fn insert_queue_item(
    conn: &mut Conn,
    queue_name: &str,
    body: &str,
    available_after: NaiveDateTime,
    retries: i32,
    state_id: &str,
) -> Result<i32> {
    let (id,): (i32,) = fetch_one!(
        conn,
        INSERT_QUEUE_ITEM,
        queue_name,
        body,
        available_after,
        retries,
        state_id
    )?;
    Ok(id)
}
