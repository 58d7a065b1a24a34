//! Migration on PostgreSQL 12 and newer.

use std::collections::HashSet;

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use super::{Found, MigrateError, Outcome, judge};
use crate::schema;

/// Key of the advisory lock under which a database is migrated: the first eight bytes of SHA-256 of
/// `pierhead migrate`, a namespace of its own beside Quay's lock keys.
const LOCK: &str = "SELECT pg_advisory_xact_lock(-1437737221671140392)";

/// The tables of the current schema, without those that extensions bring.
const TABLES: &str = "
    SELECT c.relname::text
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')
      AND NOT EXISTS (SELECT 1 FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')";

/// Brings the database to the head revision. The connection must not be inside a transaction.
///
/// # Errors
/// When the database is refused (see [`MigrateError`]) or fails; it is unchanged then.
pub async fn migrate(conn: &mut PgConnection) -> Result<Outcome, MigrateError> {
    if inspect(conn).await? == Found::Current {
        return Ok(Outcome::Current);
    }
    // Said explicitly: under a stricter default the second of two instances would not see the first one's work.
    let mut tx = conn
        .begin_with("BEGIN ISOLATION LEVEL READ COMMITTED")
        .await
        .map_err(MigrateError::sql("beginning the migration"))?;
    let outcome = migrate_inside(&mut tx).await;
    let ended = match outcome {
        Ok(Outcome::Created | Outcome::OwnTablesAdded) => tx.commit().await,
        // Not left to dropping the transaction, which would keep the lock until the connection is used again.
        Ok(Outcome::Current) | Err(_) => tx.rollback().await,
    };
    // What failed first is what is told.
    let outcome = outcome?;
    ended.map_err(MigrateError::sql("ending the migration"))?;
    Ok(outcome)
}

/// Decides and works inside the transaction, under the lock.
async fn migrate_inside(tx: &mut PgConnection) -> Result<Outcome, MigrateError> {
    sqlx::raw_sql(LOCK)
        .execute(&mut *tx)
        .await
        .map_err(MigrateError::sql("waiting for the migration lock"))?;
    match inspect(tx).await? {
        Found::Current => Ok(Outcome::Current),
        Found::WithoutOwnTables => {
            run(
                tx,
                schema::postgres_own_tables(),
                "adding Pierhead's own tables",
            )
            .await?;
            Ok(Outcome::OwnTablesAdded)
        }
        Found::Empty => {
            ensure_trigrams(tx).await?;
            run(tx, schema::postgres_schema(), "creating the schema").await?;
            Ok(Outcome::Created)
        }
    }
}

/// Says what the database is without changing it.
///
/// # Errors
/// When the database would be refused, or fails.
pub async fn inspect(conn: &mut PgConnection) -> Result<Found, MigrateError> {
    let tables: HashSet<String> = column(conn, TABLES, "listing its tables")
        .await?
        .into_iter()
        .collect();
    let revisions = if tables.contains("alembic_version") {
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

/// Adds the storage locations that `imagestoragelocation` does not know yet and returns how many were added. Quay
/// does the same at start for every key of `DISTRIBUTED_STORAGE_CONFIG`. Enumerations must be loaded after it.
///
/// # Errors
/// When the database fails.
pub async fn add_storage_locations(
    conn: &mut PgConnection,
    names: &[&str],
) -> Result<u64, MigrateError> {
    const DOING: &str = "adding storage locations";
    let known = column(
        conn,
        "SELECT name FROM imagestoragelocation",
        "reading the storage locations",
    )
    .await?;
    let missing: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| !known.iter().any(|known| known == name))
        .collect();
    if missing.is_empty() {
        return Ok(0);
    }
    let mut added = 0;
    let mut tx = conn.begin().await.map_err(MigrateError::sql(DOING))?;
    for name in missing {
        let done = sqlx::query(
            "INSERT INTO imagestoragelocation (name) VALUES ($1) ON CONFLICT (name) DO NOTHING",
        )
        .persistent(false)
        .bind(name)
        .execute(&mut *tx)
        .await
        .map_err(MigrateError::sql(DOING))?;
        added += done.rows_affected();
    }
    tx.commit().await.map_err(MigrateError::sql(DOING))?;
    Ok(added)
}

/// `pg_trgm` is needed for the indexes of name search. A role that may create objects in the database may create it
/// (it is a trusted extension since PostgreSQL 13); otherwise an administrator does it once.
async fn ensure_trigrams(conn: &mut PgConnection) -> Result<(), MigrateError> {
    let found = column(
        conn,
        "SELECT extname::text FROM pg_extension WHERE extname = 'pg_trgm'",
        "looking for the extension pg_trgm",
    )
    .await?;
    if found.is_empty() {
        sqlx::raw_sql("CREATE EXTENSION pg_trgm")
            .execute(&mut *conn)
            .await
            .map_err(|source| MigrateError::Trigrams { source })?;
    }
    Ok(())
}

async fn run(
    conn: &mut PgConnection,
    sql: String,
    doing: &'static str,
) -> Result<(), MigrateError> {
    // Safe: made from constants of `schema` alone.
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(conn)
        .await
        .map(drop)
        .map_err(MigrateError::sql(doing))
}

async fn column(
    conn: &mut PgConnection,
    sql: &'static str,
    doing: &'static str,
) -> Result<Vec<String>, MigrateError> {
    let rows = sqlx::raw_sql(sql)
        .fetch_all(conn)
        .await
        .map_err(MigrateError::sql(doing))?;
    rows.iter()
        .map(|row| row.try_get(0).map_err(MigrateError::sql(doing)))
        .collect()
}
