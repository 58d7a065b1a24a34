//! Migration on SQLite.

use std::collections::HashSet;

use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};

use super::{Found, MigrateError, Outcome, judge};
use crate::schema;

/// The tables of the database, without SQLite's own.
const TABLES: &str =
    "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'";

/// Brings the database to the head revision. The connection must not be inside a transaction; another process that
/// migrates at the same time is waited for as long as the connection's busy timeout allows.
///
/// # Errors
/// When the database is refused (see [`MigrateError`]) or fails; it is unchanged then.
pub async fn migrate(conn: &mut SqliteConnection) -> Result<Outcome, MigrateError> {
    if inspect(conn).await? == Found::Current {
        return Ok(Outcome::Current);
    }
    // IMMEDIATE takes the write lock before the second look: whoever waits here sees the other's work.
    let mut tx = conn
        .begin_with("BEGIN IMMEDIATE")
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
async fn migrate_inside(tx: &mut SqliteConnection) -> Result<Outcome, MigrateError> {
    match inspect(tx).await? {
        Found::Current => Ok(Outcome::Current),
        Found::WithoutOwnTables => {
            run(
                tx,
                schema::sqlite_own_tables(),
                "adding Pierhead's own tables",
            )
            .await?;
            Ok(Outcome::OwnTablesAdded)
        }
        Found::Empty => {
            run(tx, schema::sqlite_schema(), "creating the schema").await?;
            Ok(Outcome::Created)
        }
    }
}

/// Says what the database is without changing it.
///
/// # Errors
/// When the database would be refused, or fails.
pub async fn inspect(conn: &mut SqliteConnection) -> Result<Found, MigrateError> {
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
    conn: &mut SqliteConnection,
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
    let mut tx = conn
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(MigrateError::sql(DOING))?;
    for name in missing {
        let done = sqlx::query(
            "INSERT INTO imagestoragelocation (name) VALUES ($1) ON CONFLICT (name) DO NOTHING",
        )
        .bind(name)
        .execute(&mut *tx)
        .await
        .map_err(MigrateError::sql(DOING))?;
        added += done.rows_affected();
    }
    tx.commit().await.map_err(MigrateError::sql(DOING))?;
    Ok(added)
}

async fn run(
    conn: &mut SqliteConnection,
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
    conn: &mut SqliteConnection,
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
