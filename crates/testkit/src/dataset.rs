//! An installation that Quay 3.18 populated (`data/quay-3.18`), for tests that take one over: its rows in a database with our
//! tables, its storage, its configuration and its service key. Quay ran on PostgreSQL; on SQLite the same rows are written as
//! Quay would have written them there.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value};

use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use crate::process::run;
use crate::{Builder, Database, Engine, Error, Result};

/// A few hours after Quay's last answer: what it gave for a few hours has ended, what it gave for days has not.
const CLOCK: &str = "@2026-11-23 03:00:00";

/// The installation, and what it answered.
#[derive(Debug)]
pub struct Dataset {
    folder: PathBuf,
}

impl Dataset {
    /// What Quay 3.18 wrote.
    pub fn of_quay() -> Self {
        Self {
            folder: Path::new(env!("CARGO_MANIFEST_DIR")).join("data/quay-3.18"),
        }
    }

    /// What the installation answered, and what its secrets are.
    pub fn expected(&self) -> Result<Value> {
        self.json("expected.json")
    }

    /// A server that takes the installation over on 2026-11-23 at 03:00 UTC, on a copy of its storage in `place`.
    pub fn builder(&self, engine: Engine, place: &Path) -> Result<Builder> {
        run(Command::new("tar")
            .arg("-xzf")
            .arg(self.folder.join("storage.tar.gz"))
            .arg("-C")
            .arg(place))?;
        let storage = place.join("storage").display().to_string();
        let text = self.text("config.yaml")?.replace("STORAGE_DIR", &storage);
        let mut config: Map<String, Value> = serde_saphyr::from_str(&text)
            .map_err(|error| Error::unexpected(format!("config.yaml: {error}")))?;
        // Where things are on this machine.
        for key in [
            "DB_URI",
            "BUILDLOGS_REDIS",
            "USER_EVENTS_REDIS",
            "PULL_METRICS_REDIS",
            "SERVER_HOSTNAME",
            "DATA_MODEL_CACHE_CONFIG",
        ] {
            config.shift_remove(key);
        }
        let sql = match engine {
            Engine::Sqlite => self.sql_of_sqlite()?,
            Engine::PostgreSql => self.sql()?,
        };
        let builder = Builder::default()
            .engine(engine)
            .config(Value::Object(config))
            .clock(CLOCK)
            .filled("quay 3.18", sql);
        ["quay.kid", "quay.pem"]
            .into_iter()
            .try_fold(builder, |builder, name| {
                Ok(builder.file(name, self.text(name)?))
            })
    }

    /// SQL that puts the rows in place of everything that migrating has put there.
    fn sql(&self) -> Result<String> {
        let mut sql = String::from(
            "SET session_replication_role = replica;\n\
             DO $$ DECLARE t text; BEGIN \
               FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP \
                 EXECUTE format('DELETE FROM %I', t); END LOOP; END $$;\n",
        );
        for table in self.tables()? {
            let rows = self.text(&format!("tables/{table}.json"))?;
            // Writing to a string cannot fail.
            let _ = writeln!(
                sql,
                "INSERT INTO \"{table}\" SELECT * FROM json_populate_recordset(null::\"{table}\", $rows${rows}$rows$);"
            );
        }
        let sequences = self.json("sequences.json")?;
        for (sequence, value) in sequences.as_object().into_iter().flatten() {
            let _ = writeln!(sql, "SELECT setval('\"{sequence}\"', {value});");
        }
        Ok(sql)
    }

    /// The same for SQLite, where migrating fills no table that Quay left empty.
    fn sql_of_sqlite(&self) -> Result<String> {
        let mut sql = String::from("PRAGMA foreign_keys = OFF;\nBEGIN;\n");
        for table in self.tables()? {
            let _ = writeln!(sql, "DELETE FROM \"{table}\";");
            let rows = self.json(&format!("tables/{table}.json"))?;
            for row in rows.as_array().into_iter().flatten() {
                let fields = row.as_object().into_iter().flatten();
                let columns: Vec<_> = fields
                    .clone()
                    .map(|(name, _)| format!("\"{name}\""))
                    .collect();
                let values: Vec<_> = fields.map(|(_, value)| literal(value)).collect();
                let _ = writeln!(
                    sql,
                    "INSERT INTO \"{table}\" ({}) VALUES ({});",
                    columns.join(", "),
                    values.join(", ")
                );
            }
        }
        sql.push_str("COMMIT;\n");
        Ok(sql)
    }

    /// The tables that have rows.
    fn tables(&self) -> Result<Vec<String>> {
        let folder = self.folder.join("tables");
        let mut tables: Vec<String> = fs::read_dir(&folder)
            .map_err(Error::io("read", &folder))?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter_map(|file| Some(file.strip_suffix(".json")?.to_owned()))
            .collect();
        tables.sort();
        Ok(tables)
    }

    fn text(&self, name: &str) -> Result<String> {
        let path = self.folder.join(name);
        fs::read_to_string(&path).map_err(Error::io("read", &path))
    }

    fn json(&self, name: &str) -> Result<Value> {
        serde_json::from_str(&self.text(name)?)
            .map_err(|error| Error::unexpected(format!("{name}: {error}")))
    }
}

/// Runs a long SQL text.
pub(crate) fn fill(database: &Database, sql: &str) -> Result<()> {
    let file = tempfile::NamedTempFile::new()
        .map_err(Error::io("create a file in", std::env::temp_dir()))?;
    fs::write(file.path(), sql).map_err(Error::io("write", file.path()))?;
    database.run_file(file.path())
}

/// The same for a SQLite file.
pub(crate) async fn fill_file(file: &Path, sql: String) -> Result<()> {
    let filled = async {
        let mut conn = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await?;
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await?;
        conn.close().await
    };
    filled
        .await
        .map_err(|error| Error::unexpected(format!("{}: {error}", file.display())))
}

/// A value as SQLite's columns have it: booleans are numbers, and a space separates date and time.
fn literal(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Bool(value) => u8::from(*value).to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if is_timestamp(text) => quoted(&text.replacen('T', " ", 1)),
        Value::String(text) => quoted(text),
        nested => quoted(&nested.to_string()),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// `2026-11-22T23:03:46`, with fractions of the second or without.
fn is_timestamp(text: &str) -> bool {
    let form = b"0000-00-00T00:00:00";
    let begins = text.bytes().zip(form).all(|(byte, form)| match form {
        b'0' => byte.is_ascii_digit(),
        separator => byte == *separator,
    });
    let rest = text.bytes().skip(form.len());
    begins && text.len() >= form.len() && rest.clone().all(|b| b == b'.' || b.is_ascii_digit())
}
