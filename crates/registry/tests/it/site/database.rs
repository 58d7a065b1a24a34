//! An empty, migrated database of either engine, and a way behind the registry's back to its rows.

use std::path::Path;

use pierhead_db::{Database, PostgresOptions, SqliteOptions, migrate};
use pierhead_testkit::Postgres;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Row as _};

/// The database engine of a site.
#[derive(Clone, Debug)]
pub(crate) enum Engine {
    /// A file in the site's folder.
    Sqlite,
    /// A database on the server of this test run.
    PostgreSql(pierhead_testkit::Database),
}

impl Engine {
    /// A new database on the server of this test run.
    pub(crate) async fn postgresql() -> Self {
        let server = Postgres::shared().await.unwrap();
        Self::PostgreSql(server.empty_database().unwrap())
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite)
    }

    /// Opens the database; makes its tables if it has none.
    pub(crate) async fn connect(&self, folder: &Path) -> Database {
        let db = match self {
            Self::Sqlite => Database::sqlite(&SqliteOptions::new(folder.join("quay.db"))).await,
            Self::PostgreSql(database) => {
                let mut options = PostgresOptions::from_url(&database.uri()).unwrap();
                options.max_connections = 4;
                Database::postgres(options).await
            }
        };
        let db = db.unwrap();
        migrate::migrate(&db).await.unwrap();
        db
    }

    pub(crate) async fn sql(&self, folder: &Path, text: &str) -> String {
        match self {
            Self::PostgreSql(database) => database.sql(text).unwrap(),
            Self::Sqlite => {
                let mut conn = SqliteConnectOptions::new()
                    .filename(folder.join("quay.db"))
                    .connect()
                    .await
                    .unwrap();
                let rows = sqlx::query(sqlx::AssertSqlSafe(text.to_owned()))
                    .fetch_all(&mut conn)
                    .await
                    .unwrap();
                let lines = rows.iter().map(|row| {
                    let columns = (0..row.len()).map(|at| {
                        row.try_get_unchecked::<Option<String>, _>(at)
                            .unwrap()
                            .unwrap_or_default()
                    });
                    columns.collect::<Vec<_>>().join("|")
                });
                lines.collect::<Vec<_>>().join("\n")
            }
        }
    }
}
