//! An installation that Quay 3.18 populated (`data/quay-3.18`), for tests that take one over: its rows in a PostgreSQL
//! database with our tables, its storage, its configuration and its service key.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value};

use crate::process::run;
use crate::{Builder, Database, Error, Result};

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

    /// A server that takes the installation over, on a copy of its storage in `place`.
    pub fn builder(&self, place: &Path) -> Result<Builder> {
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
        let builder = Builder::default()
            .config(Value::Object(config))
            .filled("quay 3.18", self.sql()?);
        ["quay.kid", "quay.pem"]
            .into_iter()
            .try_fold(builder, |builder, name| {
                Ok(builder.file(name, self.text(name)?))
            })
    }

    /// SQL that puts the rows in place of everything that migrating has put there.
    fn sql(&self) -> Result<String> {
        let folder = self.folder.join("tables");
        let mut tables: Vec<String> = fs::read_dir(&folder)
            .map_err(Error::io("read", &folder))?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        tables.sort();
        let mut sql = String::from(
            "SET session_replication_role = replica;\n\
             DO $$ DECLARE t text; BEGIN \
               FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP \
                 EXECUTE format('DELETE FROM %I', t); END LOOP; END $$;\n",
        );
        for file in tables {
            let table = file.trim_end_matches(".json");
            let rows = self.text(&format!("tables/{file}"))?;
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
