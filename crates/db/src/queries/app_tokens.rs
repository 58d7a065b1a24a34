//! `appspecificauthtoken`: the tokens that people give to their tools instead of a password (`$app`).

use chrono::NaiveDateTime;

use crate::statement::{execute, fetch_all, fetch_optional, statements};
use crate::{Conn, Result, UserId};

/// A token to insert.
#[derive(Clone, Debug)]
pub struct NewAppToken<'a> {
    /// The owner.
    pub user: UserId,
    /// A new uuid4.
    pub uuid: &'a str,
    /// For the owner.
    pub title: &'a str,
    /// Now, in UTC.
    pub created: NaiveDateTime,
    /// When it ends, in UTC.
    pub expiration: Option<NaiveDateTime>,
    /// The first 60 characters.
    pub token_name: &'a str,
    /// The other 60 characters, encrypted.
    pub token_secret: &'a str,
}

/// A token in a list, without the secret.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct AppToken {
    /// How the owner names it to revoke it.
    pub uuid: String,
    /// For the owner.
    pub title: String,
    /// When it was made, in UTC.
    pub created: NaiveDateTime,
    /// When it ends, in UTC.
    pub expiration: Option<NaiveDateTime>,
    /// When it was last used, in UTC.
    pub last_accessed: Option<NaiveDateTime>,
}

/// A token with its secret.
#[derive(Clone, sqlx::FromRow)]
pub struct WholeAppToken {
    /// What lists show of it.
    #[sqlx(flatten)]
    pub token: AppToken,
    /// The first 60 characters.
    pub token_name: String,
    /// The other 60 characters, encrypted.
    pub token_secret: String,
}

statements! {
    INSERT = "INSERT INTO appspecificauthtoken (user_id, uuid, title, created, expiration, token_name, token_secret)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    LIST = "SELECT uuid, title, created, expiration, last_accessed FROM appspecificauthtoken
        WHERE user_id = $1 ORDER BY created, id";
    EXPIRING = "SELECT uuid, title, created, expiration, last_accessed FROM appspecificauthtoken
        WHERE user_id = $1 AND expiration > $2 AND expiration <= $3 ORDER BY created, id";
    LIST_ALL = "SELECT uuid, title, created, expiration, last_accessed FROM appspecificauthtoken ORDER BY id";
    ALL_EXPIRING = "SELECT uuid, title, created, expiration, last_accessed FROM appspecificauthtoken
        WHERE expiration > $1 AND expiration <= $2 ORDER BY id";
    FIND = "SELECT uuid, title, created, expiration, last_accessed, token_name, token_secret FROM appspecificauthtoken
        WHERE user_id = $1 AND uuid = $2 AND (expiration IS NULL OR expiration > $3)";
    DELETE = "DELETE FROM appspecificauthtoken WHERE user_id = $1 AND uuid = $2 RETURNING title";
}

/// Inserts a token.
pub async fn insert(conn: &mut Conn, new: &NewAppToken<'_>) -> Result<u64> {
    execute!(
        conn,
        INSERT,
        new.user,
        new.uuid,
        new.title,
        new.created,
        new.expiration,
        new.token_name,
        new.token_secret,
    )
}

/// Every token of a person, the oldest first.
pub async fn list(conn: &mut Conn, user: UserId) -> Result<Vec<AppToken>> {
    fetch_all!(conn, LIST, user)
}

/// The tokens of a person that end between two moments (UTC), the oldest first.
pub async fn list_expiring(
    conn: &mut Conn,
    user: UserId,
    now: NaiveDateTime,
    soon: NaiveDateTime,
) -> Result<Vec<AppToken>> {
    fetch_all!(conn, EXPIRING, user, now, soon)
}

/// Every token, the oldest first.
pub async fn list_all(conn: &mut Conn) -> Result<Vec<AppToken>> {
    fetch_all!(conn, LIST_ALL)
}

/// Every token that ends between two moments (UTC), the oldest first.
pub async fn list_all_expiring(
    conn: &mut Conn,
    now: NaiveDateTime,
    soon: NaiveDateTime,
) -> Result<Vec<AppToken>> {
    fetch_all!(conn, ALL_EXPIRING, now, soon)
}

/// A token of a person that has not ended by `now` (UTC).
pub async fn find(
    conn: &mut Conn,
    user: UserId,
    uuid: &str,
    now: NaiveDateTime,
) -> Result<Option<WholeAppToken>> {
    fetch_optional!(conn, FIND, user, uuid, now)
}

/// Deletes a token of a person and returns its title; `None` when there is none.
pub async fn delete(conn: &mut Conn, user: UserId, uuid: &str) -> Result<Option<String>> {
    let row: Option<(String,)> = fetch_optional!(conn, DELETE, user, uuid)?;
    Ok(row.map(|(title,)| title))
}
