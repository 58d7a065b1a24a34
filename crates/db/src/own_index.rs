//! Our indexes on tables of Quay's, each for a list that would otherwise read and sort everything it chooses from.
//!
//! * Tags of a repository in the order of the bytes of their names: the protocol lists them so, and Quay's indexes are in
//!   the order of the database's collation.
//! * Repositories of a namespace in the order they were made: the management API lists them so. SQLite has it, as its
//!   indexes end with the row's id.
//! * Accounts in the order of the bytes of their names: the robots of a namespace, and every name that completes a prefix,
//!   are a range in it.
//!
//! They are only needed on PostgreSQL, can be dropped at any time, and are built without locking the table while the registry
//! serves.
//!
//! An index that is built without a lock is built outside transactions, so these statements go by the simple protocol, which
//! needs none behind a pooler either.

use sqlx::{AssertSqlSafe, Row as _};

use crate::conn::EngineConn;
use crate::database::Database;
use crate::error::Result;

/// An index of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnIndex {
    /// Its name.
    pub name: &'static str,
    definition: &'static str,
}

/// Every index of ours.
pub const OWN_INDEXES: &[OwnIndex] = &[
    OwnIndex {
        name: "pierhead_tag_name",
        definition: "tag (repository_id, name COLLATE \"C\") WHERE hidden = false",
    },
    OwnIndex {
        name: "pierhead_repository_namespace",
        definition: "repository (namespace_user_id, id)",
    },
    OwnIndex {
        name: "pierhead_user_username",
        definition: "\"user\" (username COLLATE \"C\")",
    },
];

/// What was done about an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnIndexState {
    /// The engine needs none, or it is there.
    Present,
    /// Another instance builds it now.
    BeingBuilt,
    /// It was built now.
    Built,
}

/// Builds an index if PostgreSQL lacks it, or if an earlier attempt was interrupted. Takes time that grows with the number of
/// rows.
pub async fn ensure_own_index(db: &Database, index: OwnIndex) -> Result<OwnIndexState> {
    let OwnIndex { name, definition } = index;
    let mut conn = db.outside_transactions().await?;
    let EngineConn::Postgres(conn) = conn.engine() else {
        return Ok(OwnIndexState::Present);
    };
    // Whether it is usable, and whether somebody builds it now. Names and definitions are ours.
    let state = format!(
        "SELECT i.indisvalid, \
            EXISTS (SELECT 1 FROM pg_stat_progress_create_index p WHERE p.index_relid = c.oid) \
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
        WHERE c.relname = '{name}' AND pg_table_is_visible(c.oid)"
    );
    let state = sqlx::raw_sql(AssertSqlSafe(state))
        .fetch_optional(&mut *conn)
        .await?;
    let state = state
        .map(|row| Ok::<(bool, bool), sqlx::Error>((row.try_get(0)?, row.try_get(1)?)))
        .transpose()?;
    match state {
        Some((true, _)) => return Ok(OwnIndexState::Present),
        Some((false, true)) => return Ok(OwnIndexState::BeingBuilt),
        Some((false, false)) => {
            let drop = format!("DROP INDEX CONCURRENTLY IF EXISTS {name}");
            sqlx::raw_sql(AssertSqlSafe(drop))
                .execute(&mut *conn)
                .await?;
        }
        None => {}
    }
    let create = format!("CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {definition}");
    sqlx::raw_sql(AssertSqlSafe(create)).execute(conn).await?;
    Ok(OwnIndexState::Built)
}
