//! Public keys of Quay's processes and of other services (`servicekey`, `servicekeyapproval`).

use chrono::NaiveDateTime;

use crate::conn::Conn;
use crate::error::Result;
use crate::statement::{execute, fetch_all, fetch_one, fetch_optional, statements};

/// A service key.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ServiceKeyRow {
    /// Key id: the RFC 7638 thumbprint, as a rule.
    pub kid: String,
    /// The service it belongs to.
    pub service: String,
    /// The public key as a JSON web key.
    pub jwk: String,
    /// When it ends, UTC; never when absent.
    pub expiration_date: Option<NaiveDateTime>,
    /// Its approval; without one it verifies nothing.
    pub approval_id: Option<i32>,
}

/// A key to insert, approved.
#[derive(Clone, Copy, Debug)]
pub struct NewServiceKey<'a> {
    /// Display name.
    pub name: &'a str,
    /// Key id.
    pub kid: &'a str,
    /// The service.
    pub service: &'a str,
    /// Public JSON web key.
    pub jwk: &'a str,
    /// JSON object about its origin.
    pub metadata: &'a str,
    /// Now, UTC.
    pub created: NaiveDateTime,
    /// When it ends, UTC.
    pub expires: NaiveDateTime,
    /// The row of its approval.
    pub approval: i32,
}

statements! {
    /// Every approved key of a service that has not expired.
    ALIVE = "SELECT kid, service, jwk, expiration_date, approval_id FROM servicekey \
             WHERE service = $1 AND approval_id IS NOT NULL AND (expiration_date IS NULL OR expiration_date > $2)";
    /// One key.
    BY_KID = "SELECT kid, service, jwk, expiration_date, approval_id FROM servicekey WHERE kid = $1";
    /// An approval.
    APPROVE = "INSERT INTO servicekeyapproval (approver_id, approval_type, approved_date, notes) \
               VALUES (NULL, $1, $2, '') RETURNING id";
    /// A key.
    INSERT = "INSERT INTO servicekey \
              (name, kid, service, jwk, metadata, created_date, expiration_date, rotation_duration, approval_id) \
              VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, $8)";
    /// Moves a key's end.
    EXTEND = "UPDATE servicekey SET expiration_date = $2 WHERE kid = $1 AND approval_id IS NOT NULL";
    /// Keys of a service that ended, or were never approved, long ago.
    DELETE_STALE = "DELETE FROM servicekey WHERE service = $1 \
                    AND (expiration_date <= $2 OR (approval_id IS NULL AND created_date <= $3))";
}

/// Every approved key of a service that has not expired at `now`.
pub async fn alive(
    conn: &mut Conn,
    service: &str,
    now: NaiveDateTime,
) -> Result<Vec<ServiceKeyRow>> {
    fetch_all!(conn, ALIVE, service, now)
}

/// One key, whatever its state.
pub async fn by_kid(conn: &mut Conn, kid: &str) -> Result<Option<ServiceKeyRow>> {
    fetch_optional!(conn, BY_KID, kid)
}

/// Records an approval without approver and returns its row.
pub async fn approve(conn: &mut Conn, approval_type: &str, now: NaiveDateTime) -> Result<i32> {
    let (id,): (i32,) = fetch_one!(conn, APPROVE, approval_type, now)?;
    Ok(id)
}

/// Inserts a key.
pub async fn insert(conn: &mut Conn, key: &NewServiceKey<'_>) -> Result<u64> {
    execute!(
        conn,
        INSERT,
        key.name,
        key.kid,
        key.service,
        key.jwk,
        key.metadata,
        key.created,
        key.expires,
        key.approval
    )
}

/// Moves the end of an approved key. 0 when there is no such key.
pub async fn extend(conn: &mut Conn, kid: &str, expires: NaiveDateTime) -> Result<u64> {
    execute!(conn, EXTEND, kid, expires)
}

/// Deletes the keys of a service that ended before `expired_before`, or that were made before `unapproved_before` and never
/// approved.
pub async fn delete_stale(
    conn: &mut Conn,
    service: &str,
    expired_before: NaiveDateTime,
    unapproved_before: NaiveDateTime,
) -> Result<u64> {
    execute!(
        conn,
        DELETE_STALE,
        service,
        expired_before,
        unapproved_before
    )
}
