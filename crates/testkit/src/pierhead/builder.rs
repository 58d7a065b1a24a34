//! Describes a server before it is started.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{Launch, Pierhead, binary, faketime, quay_config};
use crate::process::run;
use crate::{Database, Error, Port, Postgres, Redis, Result};

/// The database engine of the server under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Engine {
    /// SQLite in the data folder: the embedded default.
    #[default]
    Sqlite,
    /// PostgreSQL and Redis, named in a Quay `config.yaml`.
    PostgreSql,
}

/// What `--listen` says.
#[derive(Debug, Default)]
enum Listen {
    #[default]
    FreePort,
    On(String),
    Unsaid,
}

/// A server to start.
#[derive(Debug, Default)]
pub struct Builder {
    engine: Engine,
    overrides: Map<String, Value>,
    removed: Vec<String>,
    files: Vec<(String, Vec<u8>)>,
    environment: Vec<(String, String)>,
    wrapper: Vec<String>,
    listen: Listen,
    data: Option<PathBuf>,
    database: Option<Database>,
    database_port: Option<u16>,
    /// A name, and the SQL that fills a migrated database.
    filling: Option<(String, String)>,
    clock: Option<String>,
    hostname: Option<String>,
}

impl Builder {
    /// Chooses the engine.
    #[must_use]
    pub fn engine(mut self, engine: Engine) -> Self {
        self.engine = engine;
        self
    }

    /// Merges these top-level keys into `config.yaml`.
    ///
    /// # Panics
    ///
    /// When `overrides` is not an object.
    #[must_use]
    #[expect(clippy::panic, reason = "a mistake in the test itself")]
    pub fn config(mut self, overrides: Value) -> Self {
        match overrides {
            Value::Object(fields) => self.overrides.extend(fields),
            other => panic!("config overrides are an object, not {other}"),
        }
        self
    }

    /// Leaves a key out of `config.yaml`.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.removed.push(key.to_owned());
        self
    }

    /// Puts a further file into the configuration folder.
    #[must_use]
    pub fn file(mut self, name: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((name.to_owned(), content.into()));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts `serve` through another program that ends by executing its last arguments.
    #[must_use]
    pub fn wrapper(mut self, command: &[&str]) -> Self {
        self.wrapper = command.iter().map(|&part| part.to_owned()).collect();
        self
    }

    /// Passes `--listen ADDRESS`, or nothing with `None`; otherwise a free port on 127.0.0.1.
    #[must_use]
    pub fn listen(mut self, address: Option<&str>) -> Self {
        self.listen = address.map_or(Listen::Unsaid, |address| Listen::On(address.to_owned()));
        self
    }

    /// Stores everything in this folder, which outlives the server.
    #[must_use]
    pub fn data(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data = Some(folder.into());
        self
    }

    /// Sets the server's clock; `clock` is libfaketime's, such as `+3d` or `@2026-11-23 03:00:00`. Times of files and the
    /// monotonic clock stay as they are.
    #[must_use]
    pub fn clock(mut self, clock: &str) -> Self {
        self.clock = Some(clock.to_owned());
        self
    }

    /// Fills a migrated database with this SQL; on PostgreSQL once per test run and name.
    #[must_use]
    pub(crate) fn filled(mut self, name: &str, sql: String) -> Self {
        self.filling = Some((name.to_owned(), sql));
        self
    }

    /// Uses this database of another server than the shared one (and PostgreSQL).
    #[must_use]
    pub fn database(mut self, database: &Database) -> Self {
        self.engine = Engine::PostgreSql;
        self.database = Some(database.clone());
        self
    }

    /// Reaches the database through a proxy or pooler on this loopback port.
    #[must_use]
    pub fn database_port(mut self, port: u16) -> Self {
        self.engine = Engine::PostgreSql;
        self.database_port = Some(port);
        self
    }

    /// What other instances of the same installation call themselves (`SERVER_HOSTNAME`).
    #[must_use]
    pub fn hostname(mut self, hostname: &str) -> Self {
        self.hostname = Some(hostname.to_owned());
        self
    }

    /// Starts the server and waits until it says that it listens.
    pub async fn start(self) -> Result<Pierhead> {
        let folder = tempfile::Builder::new()
            .prefix("pierhead-")
            .tempdir()
            .map_err(Error::io("create a folder in", std::env::temp_dir()))?;
        let binary = binary()?;
        let port = Port::reserve()?;
        let storage = self
            .data
            .clone()
            .unwrap_or_else(|| folder.path().join("storage"));
        fs::create_dir_all(&storage).map_err(Error::io("create", &storage))?;

        let embedded =
            self.engine == Engine::Sqlite && self.overrides.is_empty() && self.files.is_empty();
        let mut redis = None;
        let mut database = None;
        let (config, data) = if embedded {
            (None, Some(storage))
        } else {
            let stack = folder.path().join("stack");
            fs::create_dir(&stack).map_err(Error::io("create", &stack))?;
            let mut fields = quay_config::fields(&storage);
            let hostname = self.hostname.clone().unwrap_or_else(|| port.address());
            fields.insert("SERVER_HOSTNAME".to_owned(), hostname.into());
            let started = Redis::start().await?;
            quay_config::redis(&mut fields, started.port());
            redis = Some(started);
            match self.engine {
                Engine::Sqlite => {
                    quay_config::sqlite(&mut fields, &folder.path().join("quay.db"));
                }
                Engine::PostgreSql => {
                    let named = match self.database.clone() {
                        Some(database) => database,
                        None => migrated(&binary, fields.clone(), self.filling.clone()).await?,
                    };
                    let reached = self
                        .database_port
                        .map_or_else(|| named.clone(), |port| named.through(port));
                    fields.insert("DB_URI".to_owned(), reached.uri().into());
                    database = Some(named);
                }
            }
            fields.extend(self.overrides);
            for key in &self.removed {
                fields.shift_remove(key);
            }
            quay_config::write(&stack, &fields)?;
            for (name, content) in &self.files {
                let path = stack.join(name);
                fs::write(&path, content).map_err(Error::io("write", &path))?;
            }
            if let Some((_, sql)) = self.filling.filter(|_| self.engine == Engine::Sqlite) {
                migrate(&binary, &stack)?;
                crate::dataset::fill_file(&folder.path().join("quay.db"), sql).await?;
            }
            (Some(stack), None)
        };
        let mut environment = self.environment;
        if let Some(clock) = &self.clock {
            environment.extend(faketime(clock)?);
        }
        let launch = Launch {
            binary,
            wrapper: self.wrapper,
            listen: match self.listen {
                Listen::FreePort => Some(port.address()),
                Listen::On(address) => Some(address),
                Listen::Unsaid => None,
            },
            config,
            data,
            environment,
            log: folder.path().join("log"),
        };
        let mut server = Pierhead {
            process: None,
            launch,
            base_url: String::new(),
            database,
            _redis: redis,
            _port: port,
            folder,
        };
        server.serve().await?;
        Ok(server)
    }
}

/// Makes the tables of the database that a configuration names.
fn migrate(binary: &Path, stack: &Path) -> Result<()> {
    let mut command = std::process::Command::new(binary);
    run(command.args(["migrate", "--config"]).arg(stack)).map(drop)
}

/// A copy of a database of the test run's server that `pierhead migrate` has made once per binary.
async fn migrated(
    binary: &Path,
    mut fields: Map<String, Value>,
    filling: Option<(String, String)>,
) -> Result<Database> {
    let built = fs::metadata(binary)
        .and_then(|file| file.modified())
        .map_err(Error::io("look at", binary))?
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos();
    let postgres = Postgres::shared().await?;
    let (name, sql) = filling.unwrap_or_default();
    postgres
        .database(
            &format!("migrated {built} {name}"),
            async move |template: Database| {
                let stack = tempfile::tempdir()
                    .map_err(Error::io("create a folder in", std::env::temp_dir()))?;
                fields.insert("DB_URI".to_owned(), template.uri().into());
                quay_config::write(stack.path(), &fields)?;
                migrate(binary, stack.path())?;
                if sql.is_empty() {
                    return Ok(());
                }
                crate::dataset::fill(&template, &sql)
            },
        )
        .await
}
