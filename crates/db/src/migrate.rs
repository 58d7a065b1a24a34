//! Bringing a database to the schema that this version serves, or refusing it with a reason.
//!
//! The rule (database.md §0.10, §3): an empty database gets everything in one transaction; a database that Quay 3.18
//! made, or that was made here, is served as it is and gets at most the missing tables of our own; everything else is
//! refused without a change, naming what was found and what to do. Quay runs `alembic upgrade head` on the same
//! database when it comes back, so `alembic_version` always tells the truth.
//!
//! Instances that start together migrate once: the decision is made again under a lock (an advisory lock that ends
//! with the transaction on PostgreSQL, the write lock of the writer's transaction on SQLite), and whoever comes second
//! finds the work done. A database that needs nothing is only read, so a role without write access can start.
//!
//! Statements here go by the simple protocol (`raw_sql`): nothing is prepared, so nothing depends on which server
//! connection pgBouncer lends, and the whole DDL is one round trip. They are not counted as statements of an operation.

use std::collections::HashSet;

use sqlx::{AssertSqlSafe, Row};

use crate::conn::{Conn, EngineConn};
use crate::database::{Database, Durability};
use crate::schema::{self, HEAD_REVISION, OWN_PREFIX};

mod error;
mod revisions;

pub use error::MigrateError;

/// What a migration did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The database was empty and has everything now.
    Created,
    /// The database had Quay's schema and got missing tables of our own.
    OwnTablesAdded,
    /// Nothing was to be done, and nothing was written.
    Current,
}

/// What a database that can be served was found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Without tables.
    Empty,
    /// At the head revision, but without some table of our own.
    WithoutOwnTables,
    /// At the head revision with everything.
    Current,
}

/// The table in which Quay's migrations keep the revision.
const REVISION_TABLE: &str = "alembic_version";

/// The tables of the current schema, without those that extensions bring.
const POSTGRES_TABLES: &str = "
    SELECT c.relname::text
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')
      AND NOT EXISTS (SELECT 1 FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')";

/// The tables of the database, without SQLite's own.
const SQLITE_TABLES: &str = "
    SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'";

/// Begins a migration on PostgreSQL. Under a stricter isolation level, which a database may have as its default, the
/// second of two instances would not see the first one's work. The key of the lock is the first eight bytes of the
/// SHA-256 of `pierhead migrate`, so it stands beside Quay's lock keys.
const POSTGRES_LOCK: &str = "
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    SELECT pg_advisory_xact_lock(-1437737221671140392)";

/// Brings the database to the head revision.
///
/// # Errors
/// When the database is refused (see [`MigrateError`]) or fails; it is unchanged then.
pub async fn migrate(db: &Database) -> Result<Outcome, MigrateError> {
    if inspect(&mut db.read().await?).await? == Found::Current {
        return Ok(Outcome::Current);
    }
    db.write(Durability::Full, |conn| Box::pin(migrate_inside(conn)))
        .await
}

/// Says what the database is without changing it.
///
/// # Errors
/// When the database would be refused, or fails.
pub async fn inspect(conn: &mut Conn) -> Result<Found, MigrateError> {
    let tables = if conn.is_postgres() {
        POSTGRES_TABLES
    } else {
        SQLITE_TABLES
    };
    let tables: HashSet<String> = column(conn, tables, "listing its tables")
        .await?
        .into_iter()
        .collect();
    let revisions = if tables.contains(REVISION_TABLE) {
        column(
            conn,
            "SELECT version_num FROM alembic_version",
            "reading alembic_version",
        )
        .await?
    } else {
        Vec::new()
    };
    judge(&tables, &revisions)
}

/// Decides and works inside the transaction. On SQLite the transaction holds the write lock from its beginning.
async fn migrate_inside(conn: &mut Conn) -> Result<Outcome, MigrateError> {
    let postgres = conn.is_postgres();
    if postgres {
        run(
            conn,
            POSTGRES_LOCK.to_owned(),
            "waiting for the migration lock",
        )
        .await?;
    }
    match inspect(conn).await? {
        Found::Current => Ok(Outcome::Current),
        Found::WithoutOwnTables => {
            let sql = if postgres {
                schema::postgres_own_tables()
            } else {
                schema::sqlite_own_tables()
            };
            run(conn, sql, "adding Pierhead's own tables").await?;
            Ok(Outcome::OwnTablesAdded)
        }
        Found::Empty => {
            if postgres {
                ensure_trigrams(conn).await?;
            }
            let sql = if postgres {
                schema::postgres_schema()
            } else {
                schema::sqlite_schema()
            };
            run(conn, sql, "creating the schema").await?;
            Ok(Outcome::Created)
        }
    }
}

/// `pg_trgm` is needed for the indexes of name search. A role that may create objects in the database may create it
/// (it is a trusted extension since PostgreSQL 13); otherwise an administrator does it once.
async fn ensure_trigrams(conn: &mut Conn) -> Result<(), MigrateError> {
    const FIND: &str = "SELECT extname::text FROM pg_extension WHERE extname = 'pg_trgm'";
    if column(conn, FIND, "looking for the extension pg_trgm")
        .await?
        .is_empty()
        && let EngineConn::Postgres(conn) = conn.engine()
    {
        let created = sqlx::raw_sql("CREATE EXTENSION pg_trgm")
            .execute(conn)
            .await;
        created.map_err(|source| MigrateError::Trigrams { source })?;
    }
    Ok(())
}

/// Runs statements that are made from constants of this crate alone.
async fn run(conn: &mut Conn, sql: String, doing: &'static str) -> Result<(), MigrateError> {
    let statements = sqlx::raw_sql(AssertSqlSafe(sql));
    match conn.engine() {
        EngineConn::Postgres(conn) => statements.execute(conn).await.map(drop),
        EngineConn::Sqlite(conn) => statements.execute(conn).await.map(drop),
    }
    .map_err(MigrateError::failed(doing))
}

/// The first column of the statement's rows.
async fn column(
    conn: &mut Conn,
    sql: &'static str,
    doing: &'static str,
) -> Result<Vec<String>, MigrateError> {
    let statement = sqlx::raw_sql(sql);
    let names: Result<Vec<String>, sqlx::Error> = match conn.engine() {
        EngineConn::Postgres(conn) => {
            let rows = statement.fetch_all(conn).await;
            rows.and_then(|rows| rows.iter().map(|row| row.try_get(0)).collect())
        }
        EngineConn::Sqlite(conn) => {
            let rows = statement.fetch_all(conn).await;
            rows.and_then(|rows| rows.iter().map(|row| row.try_get(0)).collect())
        }
    };
    names.map_err(MigrateError::failed(doing))
}

/// The rule: what a database with these tables and these rows of `alembic_version` is.
fn judge(tables: &HashSet<String>, revisions: &[String]) -> Result<Found, MigrateError> {
    if !tables.contains(REVISION_TABLE) {
        let foreign = sorted(tables.iter().filter(|name| !name.starts_with(OWN_PREFIX)));
        return if foreign.is_empty() {
            Ok(Found::Empty)
        } else {
            Err(MigrateError::Foreign { tables: foreign })
        };
    }
    let [revision] = revisions else {
        return Err(MigrateError::RevisionRows {
            found: revisions.len(),
        });
    };
    if revision != HEAD_REVISION {
        return Err(match revisions::release_of(revision) {
            Some(release) => MigrateError::Older {
                revision: revision.clone(),
                release,
            },
            None => MigrateError::Unknown {
                revision: revision.clone(),
            },
        });
    }
    let missing = sorted(
        schema::tables()
            .map(|table| table.name)
            .filter(|name| !tables.contains(*name)),
    );
    if !missing.is_empty() {
        return Err(MigrateError::Incomplete { tables: missing });
    }
    if schema::own_tables().all(|table| tables.contains(table.name)) {
        Ok(Found::Current)
    } else {
        Ok(Found::WithoutOwnTables)
    }
}

fn sorted(names: impl Iterator<Item = impl Into<String>>) -> Vec<String> {
    let mut names: Vec<String> = names.map(Into::into).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn quay_tables() -> HashSet<String> {
        schema::tables()
            .map(|table| table.name.to_owned())
            .collect()
    }

    #[test]
    fn tables_without_a_revision_are_refused_and_named() {
        let tables = HashSet::from(["invoices".to_owned(), "customers".to_owned()]);
        let error = judge(&tables, &[]).unwrap_err();
        assert!(
            error.to_string().contains("(customers, invoices)"),
            "{error}"
        );
    }

    #[test]
    fn a_database_with_only_our_own_tables_counts_as_empty() {
        let tables = HashSet::from(["pierhead_deleted_blob".to_owned()]);
        assert_eq!(judge(&tables, &[]).unwrap(), Found::Empty);
    }

    #[test]
    fn a_revision_table_without_rows_is_refused() {
        let tables = HashSet::from(["alembic_version".to_owned()]);
        assert!(matches!(
            judge(&tables, &[]),
            Err(MigrateError::RevisionRows { found: 0 })
        ));
    }

    #[test]
    fn an_older_revision_is_refused_with_its_release() {
        let error = judge(&quay_tables(), &["7078c84d14e8".to_owned()]).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("revision 7078c84d14e8, which belongs to Quay 3.16;"),
            "{error}"
        );
    }

    #[test]
    fn a_revision_of_the_future_is_refused_as_unknown() {
        let error = judge(&quay_tables(), &["0123456789ab".to_owned()]).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("revision 0123456789ab, which no Quay release"),
            "{error}"
        );
    }

    #[test]
    fn a_database_at_head_that_lacks_a_table_is_refused() {
        let mut tables = quay_tables();
        tables.remove("manifestblob");
        let error = judge(&tables, &[HEAD_REVISION.to_owned()]).unwrap_err();
        assert!(
            error.to_string().contains("lacks tables (manifestblob)"),
            "{error}"
        );
    }

    #[test]
    fn quays_tables_at_head_only_lack_our_own() {
        let tables = quay_tables();
        assert_eq!(
            judge(&tables, &[HEAD_REVISION.to_owned()]).unwrap(),
            Found::WithoutOwnTables
        );
    }
}
