//! Databases to test with, empty, as the server opens them.

use std::path::Path;

use pierhead_db::{Database, PostgresOptions, SqliteOptions};
use sqlx::postgres::PgConnectOptions;

use crate::postgres_server::empty_database;

/// An empty PostgreSQL database, with the options to connect to it again.
pub(crate) async fn postgres() -> (Database, PgConnectOptions) {
    let options = empty_database().await;
    (connect(options.clone()).await, options)
}

/// A PostgreSQL database, as another instance opens it.
pub(crate) async fn connect(connect: PgConnectOptions) -> Database {
    Database::postgres(PostgresOptions {
        connect,
        max_connections: 2,
    })
    .await
    .unwrap()
}

/// The SQLite database in this folder.
pub(crate) async fn sqlite(folder: &Path) -> Database {
    Database::sqlite(&SqliteOptions::new(folder.join("registry.db")))
        .await
        .unwrap()
}
