//! `quotaregistrysize`: one row, how much the registry stores.

use crate::statement::{execute, fetch_optional, statements};
use crate::{Conn, Result};

/// The row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct RegistrySize {
    /// What was calculated last.
    pub size_bytes: i64,
    /// A calculation runs.
    pub running: bool,
    /// A calculation was asked for.
    pub queued: bool,
    /// When the last one ended, in milliseconds since 1970.
    pub completed_ms: Option<i64>,
}

statements! {
    LAST = "SELECT size_bytes, running, queued, completed_ms FROM quotaregistrysize ORDER BY id LIMIT 1";
    INSERT_QUEUED = "INSERT INTO quotaregistrysize (size_bytes, running, queued) VALUES (0, false, true)";
    QUEUE = "UPDATE quotaregistrysize SET queued = true WHERE queued = false AND running = false";
}

/// The row, if a calculation was ever asked for.
pub async fn last(conn: &mut Conn) -> Result<Option<RegistrySize>> {
    fetch_optional!(conn, LAST)
}

/// Makes the row, asking for a calculation.
pub async fn insert_queued(conn: &mut Conn) -> Result<u64> {
    execute!(conn, INSERT_QUEUED)
}

/// Asks for a calculation; 0 if one was asked for or runs already.
pub async fn queue(conn: &mut Conn) -> Result<u64> {
    execute!(conn, QUEUE)
}
