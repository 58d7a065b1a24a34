//! A migrated SQLite database and a storage folder.

use std::path::PathBuf;
use std::sync::Arc;

use pierhead_db::enums::Enums;
use pierhead_db::{Database, SqliteOptions, migrate};
use pierhead_storage::{LocalDriver, Location, Storage};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};
use tempfile::TempDir;

/// The name of the only storage location.
pub(crate) const LOCATION: &str = "local_us";

pub(crate) struct Site {
    pub(crate) db: Database,
    pub(crate) enums: Enums,
    pub(crate) storage: Storage,
    folder: TempDir,
}

impl Site {
    pub(crate) async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let options = SqliteOptions::new(folder.path().join("quay.db"));
        let db = Database::sqlite(&options).await.unwrap();
        migrate::migrate(&db).await.unwrap();
        let enums = Enums::load_with_locations(&db, &[LOCATION.to_owned()])
            .await
            .unwrap();
        let location = Location {
            id: LOCATION.to_owned(),
            driver: Arc::new(LocalDriver::open(LOCATION, &folder.path().join("storage")).unwrap()),
        };
        let storage = Storage::new(vec![location], vec![LOCATION.to_owned()]).unwrap();
        Self {
            db,
            enums,
            storage,
            folder,
        }
    }

    /// A path inside the storage folder.
    pub(crate) fn stored(&self, path: &str) -> PathBuf {
        self.folder.path().join("storage").join(path)
    }

    /// A connection behind the back of what is tested.
    pub(crate) async fn connect(&self) -> SqliteConnection {
        SqliteConnectOptions::new()
            .filename(self.folder.path().join("quay.db"))
            .foreign_keys(false)
            .connect()
            .await
            .unwrap()
    }

    pub(crate) async fn execute(&self, sql: &str) {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        sqlx::query(sql)
            .execute(&mut self.connect().await)
            .await
            .unwrap();
    }

    /// The texts that a statement selects, a line each.
    pub(crate) async fn rows(&self, sql: &str) -> String {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        let rows: Vec<(String,)> = sqlx::query_as(sql)
            .fetch_all(&mut self.connect().await)
            .await
            .unwrap();
        let rows: Vec<String> = rows.into_iter().map(|(text,)| text).collect();
        rows.join("\n")
    }

    pub(crate) async fn count(&self, table: &str) -> i64 {
        let sql = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        let (count,): (i64,) = sqlx::query_as(sql)
            .fetch_one(&mut self.connect().await)
            .await
            .unwrap();
        count
    }
}
