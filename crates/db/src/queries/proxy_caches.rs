//! `proxycacheconfig`: the registry that an organization passes on. One row for an organization, though no index says so.

use chrono::NaiveDateTime;

use crate::statement::{execute, fetch_optional, statements};
use crate::{Conn, Result, UserId};

/// What an organization is a cache of.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ProxyCache {
    /// `host`, or `host/namespace`.
    pub upstream_registry: String,
    /// How long a tag is believed, in seconds.
    pub expiration_s: Option<i32>,
    /// Whether the registry is reached by plain HTTP.
    pub insecure: bool,
}

/// A row to insert.
#[derive(Clone, Debug)]
pub struct NewProxyCache<'a> {
    /// The organization.
    pub organization: UserId,
    /// Now, in UTC.
    pub now: NaiveDateTime,
    /// `host`, or `host/namespace`.
    pub upstream_registry: &'a str,
    /// Encrypted.
    pub username: Option<&'a str>,
    /// Encrypted.
    pub password: Option<&'a str>,
    /// How long a tag is believed, in seconds.
    pub expiration_s: i32,
    /// Whether the registry is reached by plain HTTP.
    pub insecure: bool,
}

statements! {
    FIND = "SELECT upstream_registry, expiration_s, insecure FROM proxycacheconfig WHERE organization_id = $1
        ORDER BY id LIMIT 1";
    INSERT = "INSERT INTO proxycacheconfig (organization_id, creation_date, upstream_registry,
            upstream_registry_username, upstream_registry_password, expiration_s, insecure)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    DELETE = "DELETE FROM proxycacheconfig WHERE organization_id = $1";
    LOCK_ORGANIZATION = r#"UPDATE "user" SET organization = organization WHERE id = $1"#;
}

/// What an organization is a cache of.
pub async fn find(conn: &mut Conn, organization: UserId) -> Result<Option<ProxyCache>> {
    fetch_optional!(conn, FIND, organization)
}

/// Makes an organization a cache.
pub async fn insert(conn: &mut Conn, new: &NewProxyCache<'_>) -> Result<u64> {
    execute!(
        conn,
        INSERT,
        new.organization,
        new.now,
        new.upstream_registry,
        new.username,
        new.password,
        new.expiration_s,
        new.insecure
    )
}

/// Makes an organization an ordinary one; 0 when it is one.
pub async fn delete(conn: &mut Conn, organization: UserId) -> Result<u64> {
    execute!(conn, DELETE, organization)
}

/// Keeps others from changing what kind of organization it is until the transaction ends.
pub async fn lock_organization(conn: &mut Conn, organization: UserId) -> Result<u64> {
    execute!(conn, LOCK_ORGANIZATION, organization)
}
