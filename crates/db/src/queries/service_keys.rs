//! Public keys of Quay's processes and of other services (`servicekey`, `servicekeyapproval`).

use chrono::NaiveDateTime;

use crate::conn::Conn;
use crate::error::Result;
use crate::ids::UserId;
use crate::queries::managed_accounts::ManagedAccount;
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

/// A service key with everything that superusers are told about it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ServiceKeyDetails {
    /// Display name.
    pub name: String,
    /// Key id.
    pub kid: String,
    /// The service it belongs to.
    pub service: String,
    /// The public key as a JSON web key.
    pub jwk: String,
    /// JSON object about its origin.
    pub metadata: String,
    /// When it was made, UTC.
    pub created_date: NaiveDateTime,
    /// When it ends, UTC; never when absent.
    pub expiration_date: Option<NaiveDateTime>,
    /// After how many seconds its owner replaces it.
    pub rotation_duration: Option<i32>,
    /// Its approval; without one it verifies nothing.
    pub approval_id: Option<i32>,
    /// How it was approved, see [`crate::encoding::approval`].
    pub approval_type: Option<String>,
    /// When it was approved, UTC.
    pub approved_date: Option<NaiveDateTime>,
    /// What the approver wrote.
    pub notes: Option<String>,
    /// The name of who approved it, if that account is still there.
    pub approver: Option<String>,
    /// `user.id` of who approved it.
    pub approver_id: Option<UserId>,
    /// The address of who approved it.
    pub approver_email: Option<String>,
    /// Whether that address was confirmed.
    pub approver_verified: Option<bool>,
    /// Whether who approved it may log in.
    pub approver_enabled: Option<bool>,
}

impl ServiceKeyDetails {
    /// Who approved it, if that account is still there.
    pub fn approver(&self) -> Option<ManagedAccount> {
        Some(ManagedAccount {
            id: self.approver_id?,
            username: self.approver.clone()?,
            email: self.approver_email.clone()?,
            verified: self.approver_verified?,
            enabled: self.approver_enabled?,
        })
    }
}

/// A key to insert.
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
    pub expires: Option<NaiveDateTime>,
    /// After how many seconds its owner replaces it.
    pub rotation_duration: Option<i32>,
    /// The row of its approval; without one it waits for a superuser.
    pub approval: Option<i32>,
}

macro_rules! select_details {
    ($condition:literal) => {
        concat!(
            "SELECT k.name, k.kid, k.service, k.jwk, k.metadata, k.created_date, k.expiration_date, k.rotation_duration,
                k.approval_id, approval.approval_type, approval.approved_date, approval.notes,
                approver.username AS approver, approver.id AS approver_id, approver.email AS approver_email,
                approver.verified AS approver_verified, approver.enabled AS approver_enabled
            FROM servicekey k LEFT JOIN servicekeyapproval approval ON approval.id = k.approval_id
                LEFT JOIN \"user\" approver ON approver.id = approval.approver_id
            WHERE (k.expiration_date IS NULL OR k.expiration_date > $1)",
            $condition
        )
    };
}

statements! {
    /// Every key that superusers see.
    LIST = select_details!(" ORDER BY k.id");
    /// One of them.
    FIND = select_details!(" AND k.kid = $2");
    /// What superusers may change of a key.
    UPDATE = "UPDATE servicekey SET name = $2, metadata = $3, expiration_date = $4 WHERE kid = $1";
    /// Approves a key that waits for it.
    SET_APPROVAL = "UPDATE servicekey SET approval_id = $2 WHERE kid = $1 AND approval_id IS NULL";
    /// How many keys wait for approval.
    COUNT_WAITING = "SELECT COUNT(*) FROM servicekey WHERE approval_id IS NULL";
    /// Keys that waited for too long.
    DELETE_WAITING = "DELETE FROM servicekey WHERE approval_id IS NULL AND created_date <= $1";
    /// A key.
    DELETE = "DELETE FROM servicekey WHERE kid = $1";
    /// What superusers were told about a key.
    /// The oldest account.
    FIRST_ACCOUNT = "SELECT MIN(id) FROM \"user\"";
    /// Every approved key of a service that has not expired.
    ALIVE = "SELECT kid, service, jwk, expiration_date, approval_id FROM servicekey \
             WHERE service = $1 AND approval_id IS NOT NULL AND (expiration_date IS NULL OR expiration_date > $2)";
    /// One key.
    BY_KID = "SELECT kid, service, jwk, expiration_date, approval_id FROM servicekey WHERE kid = $1";
    /// An approval.
    APPROVE = "INSERT INTO servicekeyapproval (approver_id, approval_type, approved_date, notes) \
               VALUES ($3, $1, $2, $4) RETURNING id";
    /// A key.
    INSERT = "INSERT INTO servicekey \
              (name, kid, service, jwk, metadata, created_date, expiration_date, rotation_duration, approval_id) \
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
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

/// Records an approval, by a superuser or by the installation itself, and returns its row.
pub async fn approve(
    conn: &mut Conn,
    approval_type: &str,
    now: NaiveDateTime,
    approver: Option<UserId>,
    notes: &str,
) -> Result<i32> {
    let (id,): (i32,) = fetch_one!(conn, APPROVE, approval_type, now, approver, notes)?;
    Ok(id)
}

/// Every key of every service that did not end before `expired_before`, oldest first.
pub async fn list(
    conn: &mut Conn,
    expired_before: NaiveDateTime,
) -> Result<Vec<ServiceKeyDetails>> {
    fetch_all!(conn, LIST, expired_before)
}

/// One key, unless it ended before `expired_before`.
pub async fn find(
    conn: &mut Conn,
    kid: &str,
    expired_before: NaiveDateTime,
) -> Result<Option<ServiceKeyDetails>> {
    fetch_optional!(conn, FIND, expired_before, kid)
}

/// Changes a key's name, metadata and end.
pub async fn update(
    conn: &mut Conn,
    kid: &str,
    name: &str,
    metadata: &str,
    expires: Option<NaiveDateTime>,
) -> Result<u64> {
    execute!(conn, UPDATE, kid, name, metadata, expires)
}

/// Gives an unapproved key its approval; 0 when it has one or is gone.
pub async fn set_approval(conn: &mut Conn, kid: &str, approval: i32) -> Result<u64> {
    execute!(conn, SET_APPROVAL, kid, approval)
}

/// How many keys wait for approval, of all services.
pub async fn count_waiting(conn: &mut Conn) -> Result<i64> {
    let (count,): (i64,) = fetch_one!(conn, COUNT_WAITING)?;
    Ok(count)
}

/// Deletes keys of all services that were made before that time and never approved.
pub async fn delete_waiting(conn: &mut Conn, made_before: NaiveDateTime) -> Result<u64> {
    execute!(conn, DELETE_WAITING, made_before)
}

/// Deletes a key.
pub async fn delete(conn: &mut Conn, kid: &str) -> Result<u64> {
    execute!(conn, DELETE, kid)
}

/// The account with the lowest id, to which audit rows of the installation itself belong.
pub async fn first_account(conn: &mut Conn) -> Result<Option<UserId>> {
    let (first,): (Option<UserId>,) = fetch_one!(conn, FIRST_ACCOUNT)?;
    Ok(first)
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
        key.rotation_duration,
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
