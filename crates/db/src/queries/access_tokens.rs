//! `accesstoken`: secrets of one repository, for builds and their triggers (`$token`).

use chrono::NaiveDateTime;

use crate::RepositoryId;
use crate::conn::Conn;
use crate::error::Result;
use crate::statement::{execute, fetch_one, statements};

/// A token to insert.
#[derive(Clone, Debug)]
pub struct NewAccessToken<'a> {
    /// What it gives access to.
    pub repository: RepositoryId,
    /// `role.id`.
    pub role: i32,
    /// `accesstokenkind.id`.
    pub kind: Option<i32>,
    /// For people.
    pub friendly_name: &'a str,
    /// Whether it ends with what it was made for.
    pub temporary: bool,
    /// First part, as it is.
    pub token_name: &'a str,
    /// Second part, encrypted.
    pub token_code: &'a str,
    /// Now, in UTC.
    pub created: NaiveDateTime,
}

statements! {
    INSERT = "INSERT INTO accesstoken (friendly_name, repository_id, created, role_id, temporary, kind_id, token_code,
            token_name)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id";
    DELETE = "DELETE FROM accesstoken WHERE id = $1";
}

/// Inserts a token; returns its id.
pub async fn insert(conn: &mut Conn, new: &NewAccessToken<'_>) -> Result<i32> {
    let (id,): (i32,) = fetch_one!(
        conn,
        INSERT,
        new.friendly_name,
        new.repository,
        new.created,
        new.role,
        new.temporary,
        new.kind,
        new.token_code,
        new.token_name,
    )?;
    Ok(id)
}

/// Removes a token.
pub async fn delete(conn: &mut Conn, id: i32) -> Result<u64> {
    execute!(conn, DELETE, id)
}
