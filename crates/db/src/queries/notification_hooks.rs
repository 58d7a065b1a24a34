//! `repositorynotification` and `namespacenotification`: what people want to be told about, and how (api-v1.md §5.12).

use crate::conn::Conn;
use crate::error::Result;
use crate::statement::{execute, fetch_all, fetch_optional, statements};
use crate::{RepositoryId, UserId};

/// A hook of a repository or a namespace.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Hook {
    /// The row.
    pub id: i32,
    /// Its public id.
    pub uuid: String,
    /// For people.
    pub title: Option<String>,
    /// `externalnotificationevent.id`.
    pub event: i32,
    /// `externalnotificationmethod.id`.
    pub method: i32,
    /// Settings of the method, a JSON object.
    pub config_json: String,
    /// Settings of the event, a JSON object.
    pub event_config_json: String,
    /// Failed deliveries in a row; from three on nothing is delivered.
    pub number_of_failures: i32,
}

/// A hook to insert. It has not failed yet.
#[derive(Clone, Debug)]
pub struct NewHook {
    /// A new uuid4.
    pub uuid: String,
    /// For people.
    pub title: Option<String>,
    /// `externalnotificationevent.id`.
    pub event: i32,
    /// `externalnotificationmethod.id`.
    pub method: i32,
    /// Settings of the method, a JSON object.
    pub config_json: String,
    /// Settings of the event, a JSON object.
    pub event_config_json: String,
}

macro_rules! select_hooks {
    ($table:literal, $rest:literal) => {
        concat!(
            "SELECT id, uuid, title, event_id AS event, method_id AS method, config_json, event_config_json, \
                 number_of_failures FROM ", $table, " ", $rest
        )
    };
}

statements! {
    LIST_OF_REPOSITORY = select_hooks!("repositorynotification", "WHERE repository_id = $1 ORDER BY id");
    LIST_OF_NAMESPACE = select_hooks!("namespacenotification", "WHERE namespace_id = $1 ORDER BY id");
    LIST_OF_REPOSITORY_FOR_EVENT =
        select_hooks!("repositorynotification", "WHERE repository_id = $1 AND event_id = $2 ORDER BY id");
    FIND_OF_REPOSITORY = select_hooks!("repositorynotification", "WHERE uuid = $1 AND repository_id = $2");
    FIND_OF_NAMESPACE = select_hooks!("namespacenotification", "WHERE uuid = $1 AND namespace_id = $2");
    INSERT_OF_REPOSITORY = "INSERT INTO repositorynotification (repository_id, uuid, title, event_id, method_id, config_json,
            event_config_json, number_of_failures)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 0)";
    INSERT_OF_NAMESPACE = "INSERT INTO namespacenotification (namespace_id, uuid, title, event_id, method_id, config_json,
            event_config_json, number_of_failures)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 0)";
    DELETE_REPORTED_TAGS = "DELETE FROM tagnotificationsuccess WHERE notification_id = $1";
    DELETE_OF_REPOSITORY = "DELETE FROM repositorynotification WHERE id = $1";
    DELETE_OF_NAMESPACE = "DELETE FROM namespacenotification WHERE id = $1";
    RESET_OF_REPOSITORY = "UPDATE repositorynotification SET number_of_failures = 0 WHERE id = $1";
    RESET_OF_NAMESPACE = "UPDATE namespacenotification SET number_of_failures = 0 WHERE id = $1";
    EMAIL_IS_CONFIRMED = "SELECT confirmed FROM repositoryauthorizedemail WHERE email = $1 AND repository_id = $2";
}

/// Whose hook it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookOwner {
    /// A repository.
    Repository(RepositoryId),
    /// A person or organization.
    Namespace(UserId),
}

/// Every hook of an owner, oldest first.
pub async fn list(conn: &mut Conn, owner: HookOwner) -> Result<Vec<Hook>> {
    match owner {
        HookOwner::Repository(id) => fetch_all!(conn, LIST_OF_REPOSITORY, id),
        HookOwner::Namespace(id) => fetch_all!(conn, LIST_OF_NAMESPACE, id),
    }
}

/// The hooks of a repository for one event (`externalnotificationevent.id`), oldest first.
pub async fn list_for_event(
    conn: &mut Conn,
    repository: RepositoryId,
    event: i32,
) -> Result<Vec<Hook>> {
    fetch_all!(conn, LIST_OF_REPOSITORY_FOR_EVENT, repository, event)
}

/// The hook of an owner with that public id.
pub async fn find(conn: &mut Conn, owner: HookOwner, uuid: &str) -> Result<Option<Hook>> {
    match owner {
        HookOwner::Repository(id) => fetch_optional!(conn, FIND_OF_REPOSITORY, uuid, id),
        HookOwner::Namespace(id) => fetch_optional!(conn, FIND_OF_NAMESPACE, uuid, id),
    }
}

/// Inserts a hook.
pub async fn insert(conn: &mut Conn, owner: HookOwner, new: &NewHook) -> Result<u64> {
    let (sql, owner) = match owner {
        HookOwner::Repository(id) => (INSERT_OF_REPOSITORY, id.0),
        HookOwner::Namespace(id) => (INSERT_OF_NAMESPACE, id.0),
    };
    execute!(
        conn,
        sql,
        owner,
        &new.uuid,
        new.title.as_deref(),
        new.event,
        new.method,
        &new.config_json,
        &new.event_config_json,
    )
}

/// Forgets which tags a repository's hook has reported; to be done before the hook is deleted. Hooks of namespaces report none.
pub async fn delete_reported_tags(conn: &mut Conn, owner: HookOwner, hook: i32) -> Result<u64> {
    match owner {
        HookOwner::Repository(_) => execute!(conn, DELETE_REPORTED_TAGS, hook),
        HookOwner::Namespace(_) => Ok(0),
    }
}

/// Removes a hook.
pub async fn delete(conn: &mut Conn, owner: HookOwner, hook: i32) -> Result<u64> {
    match owner {
        HookOwner::Repository(_) => execute!(conn, DELETE_OF_REPOSITORY, hook),
        HookOwner::Namespace(_) => execute!(conn, DELETE_OF_NAMESPACE, hook),
    }
}

/// Forgets the failures of a hook, so that it is delivered again.
pub async fn reset_failures(conn: &mut Conn, owner: HookOwner, hook: i32) -> Result<u64> {
    match owner {
        HookOwner::Repository(_) => execute!(conn, RESET_OF_REPOSITORY, hook),
        HookOwner::Namespace(_) => execute!(conn, RESET_OF_NAMESPACE, hook),
    }
}

/// Whether a repository's owner lets it send mail to that address, and the address was confirmed; `None` when it was never
/// asked.
pub async fn email_is_confirmed(
    conn: &mut Conn,
    repository: RepositoryId,
    email: &str,
) -> Result<Option<bool>> {
    let row: Option<(bool,)> = fetch_optional!(conn, EMAIL_IS_CONFIRMED, email, repository)?;
    Ok(row.map(|(confirmed,)| confirmed))
}
