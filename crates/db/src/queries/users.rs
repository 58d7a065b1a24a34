//! `user`: people, organizations and robots as accounts, and the names they may not take.

use chrono::NaiveDateTime;

use crate::statement::{execute, fetch_all, fetch_one, fetch_optional, statements};
use crate::{Conn, Result, UserId};

/// A row to insert into `user`. What is not here is NULL, zero or false (database.md §1.9).
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// A new uuid4: the public id, and what sessions hang on.
    pub uuid: String,
    /// Unique among people, organizations and robots.
    pub username: String,
    /// bcrypt; NULL for organizations, robots and people known elsewhere.
    pub password_hash: Option<String>,
    /// An address, or a uuid4 where there is none.
    pub email: String,
    /// Whether the address was confirmed.
    pub verified: bool,
    /// It is an organization.
    pub organization: bool,
    /// It is a robot.
    pub robot: bool,
    /// How long deleted tags can be brought back, in seconds.
    pub removed_tag_expiration_s: i64,
    /// How many builds of the namespace may wait; any number if `None`.
    pub maximum_queued_builds: Option<i32>,
    /// Now, in UTC.
    pub now: NaiveDateTime,
}

/// An account as administration sees it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Account {
    /// `user.id`.
    pub id: UserId,
    /// The name.
    pub username: String,
    /// An address, or a uuid4 where there is none.
    pub email: String,
    /// Whether the address was confirmed.
    pub verified: bool,
    /// It is an organization.
    pub organization: bool,
    /// It is a robot.
    pub robot: bool,
    /// It may log in.
    pub enabled: bool,
    /// When it was made, in UTC; unknown for old ones.
    pub creation_date: Option<NaiveDateTime>,
    /// When it was last used, in UTC, as far as that is recorded.
    pub last_accessed: Option<NaiveDateTime>,
}

macro_rules! account_columns {
    () => {
        "id, username, email, verified, organization, robot, enabled, creation_date, last_accessed"
    };
}

statements! {
    HAS_PASSWORD = r#"SELECT EXISTS (SELECT 1 FROM "user" WHERE id = $1 AND password_hash IS NOT NULL)"#;
    INSERT = r#"INSERT INTO "user" (uuid, username, password_hash, email, verified, organization, robot, invoice_email,
            invalid_login_attempts, last_invalid_login, removed_tag_expiration_s, enabled, creation_date,
            maximum_queued_builds_count)
        VALUES ($1, $2, $3, $4, $5, $6, $7, false, 0, $8, $9, true, $8, $10)
        ON CONFLICT DO NOTHING RETURNING id"#;
    FIND = concat!("SELECT ", account_columns!(), r#" FROM "user" WHERE username = $1"#);
    FIND_BY_ID = concat!("SELECT ", account_columns!(), r#" FROM "user" WHERE id = $1"#);
    FIND_BY_EMAIL = concat!("SELECT ", account_columns!(),
        r#" FROM "user" WHERE email = $1 ORDER BY organization, id LIMIT 1"#);
    LIST = concat!("SELECT ", account_columns!(), r#" FROM "user"
        WHERE organization = $1 AND robot = false AND username > $2
            AND NOT EXISTS (SELECT 1 FROM deletednamespace WHERE namespace_id = "user".id)
        ORDER BY username LIMIT $3"#);
    OLDEST = r#"SELECT MIN(id) FROM "user""#;
    EXISTS_ANY = r#"SELECT EXISTS (SELECT 1 FROM "user")"#;
    NAME_IS_BEING_DELETED = "SELECT EXISTS (SELECT 1 FROM deletednamespace WHERE original_username = $1)";
    SET_PASSWORD = r#"UPDATE "user" SET password_hash = $2, uuid = $3, invalid_login_attempts = 0 WHERE id = $1"#;
    SET_ENABLED = r#"UPDATE "user" SET enabled = $2, uuid = COALESCE($3, uuid) WHERE id = $1"#;
}

/// PostgreSQL only, so not among the statements that are prepared on both engines.
const LOCK: &str = "SELECT pg_advisory_xact_lock($1)";

/// Inserts an account; `None` when its name or address is taken.
pub async fn insert(conn: &mut Conn, new: &NewAccount) -> Result<Option<UserId>> {
    let row: Option<(UserId,)> = fetch_optional!(
        conn,
        INSERT,
        &new.uuid,
        &new.username,
        new.password_hash.as_deref(),
        &new.email,
        new.verified,
        new.organization,
        new.robot,
        new.now,
        new.removed_tag_expiration_s,
        new.maximum_queued_builds,
    )?;
    Ok(row.map(|(id,)| id))
}

/// The account of that name: a person, an organization or a robot.
pub async fn find(conn: &mut Conn, username: &str) -> Result<Option<Account>> {
    fetch_optional!(conn, FIND, username)
}

/// The account with that id.
pub async fn find_by_id(conn: &mut Conn, id: UserId) -> Result<Option<Account>> {
    fetch_optional!(conn, FIND_BY_ID, id)
}

/// An account with that address, people first: several organizations may share one.
pub async fn find_by_email(conn: &mut Conn, email: &str) -> Result<Option<Account>> {
    fetch_optional!(conn, FIND_BY_EMAIL, email)
}

/// People, or organizations, in the order of their names, after a name, without those that are being deleted.
pub async fn list(
    conn: &mut Conn,
    organizations: bool,
    after: &str,
    limit: i64,
) -> Result<Vec<Account>> {
    fetch_all!(conn, LIST, organizations, after, limit)
}

/// The account that was made first.
pub async fn oldest(conn: &mut Conn) -> Result<Option<UserId>> {
    let (id,): (Option<UserId>,) = fetch_one!(conn, OLDEST)?;
    Ok(id)
}

/// Whether there is any account at all.
pub async fn exists_any(conn: &mut Conn) -> Result<bool> {
    let (exists,): (bool,) = fetch_one!(conn, EXISTS_ANY)?;
    Ok(exists)
}

/// Whether a namespace of that name is still being deleted.
pub async fn name_is_being_deleted(conn: &mut Conn, username: &str) -> Result<bool> {
    let (exists,): (bool,) = fetch_one!(conn, NAME_IS_BEING_DELETED, username)?;
    Ok(exists)
}

/// Stores a bcrypt hash with a new uuid (which ends every session) and forgets failed logins.
pub async fn set_password(conn: &mut Conn, user: UserId, hash: &str, uuid: &str) -> Result<u64> {
    execute!(conn, SET_PASSWORD, user, hash, uuid)
}

/// Allows or forbids logins; a new uuid ends every session.
pub async fn set_enabled(
    conn: &mut Conn,
    user: UserId,
    enabled: bool,
    uuid: Option<&str>,
) -> Result<u64> {
    execute!(conn, SET_ENABLED, user, enabled, uuid)
}

/// Waits for an advisory lock that ends with the transaction. SQLite has one writer and needs none.
pub async fn lock(conn: &mut Conn, key: i64) -> Result<()> {
    if conn.is_postgres() {
        execute!(conn, LOCK, key)?;
    }
    Ok(())
}

/// Whether there is a password hash in that row.
pub async fn has_password(conn: &mut Conn, user: UserId) -> Result<bool> {
    let (has,): (bool,) = fetch_one!(conn, HAS_PASSWORD, user)?;
    Ok(has)
}
