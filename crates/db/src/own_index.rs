//! Our one index on a table of Quay's: tags of a repository in the order of the bytes of their names.
//!
//! The protocol lists tags in that order, and Quay's indexes are in the order of the database's collation, so without it
//! each page would read and sort every tag of its repository. It is only needed on PostgreSQL, can be dropped at any time,
//! and is built without locking the table while the registry serves.

use crate::conn::Conn;
use crate::database::Database;
use crate::error::Result;
use crate::statement::{execute, fetch_optional};

const STATE: &str = "SELECT i.indisvalid, EXISTS (SELECT 1 FROM pg_stat_progress_create_index p \
        WHERE p.index_relid = c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
    WHERE c.relname = 'pierhead_tag_name' AND pg_table_is_visible(c.oid)";
const DROP: &str = "DROP INDEX CONCURRENTLY IF EXISTS pierhead_tag_name";
const CREATE: &str = "CREATE INDEX CONCURRENTLY IF NOT EXISTS pierhead_tag_name \
    ON tag (repository_id, name COLLATE \"C\") WHERE hidden = false";

/// What was done about the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagNameIndex {
    /// The engine needs none, or it is there, or another instance builds it.
    Present,
    /// It was built now.
    Built,
}

/// Builds the index if PostgreSQL lacks it, or if an earlier attempt was interrupted. Takes time that grows with the number
/// of tags.
pub async fn ensure_tag_name_index(db: &Database) -> Result<TagNameIndex> {
    if !db.is_shared() {
        return Ok(TagNameIndex::Present);
    }
    let mut conn: Conn = db.read().await?;
    let state: Option<(bool, bool)> = fetch_optional!(conn, STATE)?;
    match state {
        Some((true, _) | (false, true)) => return Ok(TagNameIndex::Present),
        Some((false, false)) => {
            execute!(conn, DROP)?;
        }
        None => {}
    }
    execute!(conn, CREATE)?;
    Ok(TagNameIndex::Built)
}
