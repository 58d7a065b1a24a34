//! Our one index on a table of Quay's: tags of a repository in the order of the bytes of their names.
//!
//! The protocol lists tags in that order, and Quay's indexes are in the order of the database's collation, so without it
//! each page would read and sort every tag of its repository. It is only needed on PostgreSQL, can be dropped at any time,
//! and is built without locking the table while the registry serves.
//!
//! An index that is built without a lock is built outside transactions, so these statements go by the simple protocol, which
//! needs none behind a pooler either.

use sqlx::Row as _;

use crate::conn::EngineConn;
use crate::database::Database;
use crate::error::Result;

/// Whether the index is usable, and whether somebody builds it now.
const STATE: &str = "SELECT i.indisvalid, \
    EXISTS (SELECT 1 FROM pg_stat_progress_create_index p WHERE p.index_relid = c.oid) \
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
    WHERE c.relname = 'pierhead_tag_name' AND pg_table_is_visible(c.oid)";
const DROP: &str = "DROP INDEX CONCURRENTLY IF EXISTS pierhead_tag_name";
const CREATE: &str = "CREATE INDEX CONCURRENTLY IF NOT EXISTS pierhead_tag_name \
    ON tag (repository_id, name COLLATE \"C\") WHERE hidden = false";

/// What was done about the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagNameIndex {
    /// The engine needs none, or it is there.
    Present,
    /// Another instance builds it now.
    BeingBuilt,
    /// It was built now.
    Built,
}

/// Builds the index if PostgreSQL lacks it, or if an earlier attempt was interrupted. Takes time that grows with the number
/// of tags.
pub async fn ensure_tag_name_index(db: &Database) -> Result<TagNameIndex> {
    let mut conn = db.outside_transactions().await?;
    let EngineConn::Postgres(conn) = conn.engine() else {
        return Ok(TagNameIndex::Present);
    };
    let state = sqlx::raw_sql(STATE).fetch_optional(&mut *conn).await?;
    let state = state
        .map(|row| Ok::<(bool, bool), sqlx::Error>((row.try_get(0)?, row.try_get(1)?)))
        .transpose()?;
    match state {
        Some((true, _)) => return Ok(TagNameIndex::Present),
        Some((false, true)) => return Ok(TagNameIndex::BeingBuilt),
        Some((false, false)) => {
            sqlx::raw_sql(DROP).execute(&mut *conn).await?;
        }
        None => {}
    }
    sqlx::raw_sql(CREATE).execute(conn).await?;
    Ok(TagNameIndex::Built)
}
