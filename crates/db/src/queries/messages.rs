//! `messages`: the banners that superusers show to everybody.

use crate::conn::Conn;
use crate::error::Result;
use crate::statement::{execute, fetch_all, statements};

/// A banner.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Message {
    /// Its public id.
    pub uuid: String,
    /// Text in its media type.
    pub content: String,
    /// `info`, `warning` or `error`.
    pub severity: String,
    /// `mediatype.name`.
    pub media_type: String,
}

statements! {
    LIST = "SELECT messages.uuid, messages.content, messages.severity, mediatype.name AS media_type
        FROM messages JOIN mediatype ON mediatype.id = messages.media_type_id ORDER BY messages.id LIMIT $1";
    INSERT = "INSERT INTO messages (content, uuid, media_type_id, severity) VALUES ($1, $2, $3, $4)";
    DELETE = "DELETE FROM messages WHERE uuid = $1";
}

/// The oldest banners, in the order they were made.
pub async fn list(conn: &mut Conn, limit: i64) -> Result<Vec<Message>> {
    fetch_all!(conn, LIST, limit)
}

/// Inserts a banner with a `mediatype.id`.
pub async fn insert(
    conn: &mut Conn,
    uuid: &str,
    content: &str,
    media_type: i32,
    severity: &str,
) -> Result<u64> {
    execute!(conn, INSERT, content, uuid, media_type, severity)
}

/// Removes a banner; 0 when there is none.
pub async fn delete(conn: &mut Conn, uuid: &str) -> Result<u64> {
    execute!(conn, DELETE, uuid)
}
