//! What health checks ask the database.

use crate::conn::Conn;
use crate::error::Result;
use crate::statement::{fetch_one, statements};

statements! {
    /// A row of a table that every Quay database has. A constant would also be answered by an empty database, such as the one
    /// SQLite makes where the file was taken away.
    HAS_SCHEMA = "SELECT EXISTS (SELECT 1 FROM teamrole)";
}

/// Whether the database answers and holds what migrations put into it (Quay asks for the same table).
pub async fn has_schema(conn: &mut Conn) -> Result<bool> {
    let (exists,): (bool,) = fetch_one!(conn, HAS_SCHEMA)?;
    Ok(exists)
}
