//! PostgreSQL 15 for tests: one server for a whole test run, or one of the test's own.
//!
//! [`Postgres::shared`] gives the server of this test run: nextest starts every test as a process, so the
//! first process that needs the server starts it and the others find it through a locked file
//! (`postgres/shared.rs`). Each test takes a fresh [`Database`] there. A test that stops or cuts off its
//! database starts a server of its own with [`Postgres::start`].
//!
//! The default collation is ICU's `en-US`, as on a real installation: tests then show that an order
//! promised as byte order does not depend on the collation.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::process::{Process, as_service_user, give_to_service_user, run};
use crate::{Error, Port, Result};

mod shared;

const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
const INSTALL: &str = "run scripts/install-tools (Debian: apt-get install postgresql-15)";

/// The superuser that owns everything in a test server; there is no password.
const ROLE: &str = "quay";

/// In the data folder of a server that speaks TLS, where PostgreSQL looks for it.
const TLS_KEY: &str = "server.key";

/// Whether what the server committed survives a crash of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// `fsync` off: for every test that does not kill the server.
    Off,
    /// As in production.
    On,
}

/// A PostgreSQL server.
#[derive(Debug)]
pub struct Postgres {
    port: u16,
    /// Where templates are locked and, for a server of its own, where it lives.
    folder: PathBuf,
    own: Option<Own>,
}

/// What a server that only this test uses consists of; dropped in this order.
#[derive(Debug)]
struct Own {
    process: Option<Process>,
    durability: Durability,
    _port: Port,
    _folder: TempDir,
}

/// A database in a [`Postgres`] server.
#[derive(Debug, Clone)]
pub struct Database {
    port: u16,
    name: String,
}

impl Postgres {
    /// The server of this test run, started if this is the first test that asks.
    pub async fn shared() -> Result<Self> {
        let (port, folder) = shared::find_or_start().await?;
        Ok(Self {
            port,
            folder,
            own: None,
        })
    }

    /// A server that only this test uses, ended when this value is dropped.
    pub async fn start(durability: Durability) -> Result<Self> {
        Self::start_prepared(durability, |_| Ok(())).await
    }

    /// The same, for connections with TLS too: the server shows this certificate, whose key it has (both PEM).
    pub async fn start_with_tls(certificate: &str, key: &str) -> Result<Self> {
        Self::start_prepared(Durability::Off, |data| {
            for (name, pem) in [("server.crt", certificate), (TLS_KEY, key)] {
                let path = data.join(name);
                fs::write(&path, pem).map_err(Error::io("write", &path))?;
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600))
                    .map_err(Error::io("chmod", &path))?;
                give_to_service_user(&path)?;
            }
            Ok(())
        })
        .await
    }

    /// Starts a server after `prepare_data` has worked on its data folder.
    async fn start_prepared(
        durability: Durability,
        prepare_data: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("pierhead-postgres-")
            .tempdir()
            .map_err(Error::io("create a folder in", std::env::temp_dir()))?;
        let port = Port::reserve()?;
        prepare(folder.path())?;
        prepare_data(&folder.path().join("data"))?;
        let mut postgres = Self {
            port: port.number(),
            folder: folder.path().to_owned(),
            own: Some(Own {
                process: None,
                durability,
                _port: port,
                _folder: folder,
            }),
        };
        postgres.start_again().await?;
        Ok(postgres)
    }

    /// Starts a server of one's own again on the same port after [`Postgres::stop`].
    pub async fn start_again(&mut self) -> Result<()> {
        let own = self.own.as_mut().ok_or_else(shared_is_shared)?;
        let mut command = server(&self.folder, self.port, own.durability);
        let mut process = Process::spawn("postgres", &mut command, &self.folder.join("log"))?;
        let port = self.port;
        process
            .ready("accepting connections", |_| async move {
                Ok(accepts(port).then_some(()))
            })
            .await?;
        own.process = Some(process);
        Ok(())
    }

    /// Ends a server of one's own: connections are cut, what was committed is kept.
    pub async fn stop(&mut self) -> Result<()> {
        let own = self.own.as_mut().ok_or_else(shared_is_shared)?;
        if let Some(mut process) = own.process.take() {
            // SIGINT is PostgreSQL's "fast shutdown".
            process.signal(Signal::INT)?;
            process.exit().await?;
        }
        Ok(())
    }

    /// Ends a server of one's own without a checkpoint; the next start recovers from its log.
    pub async fn crash(&mut self) -> Result<()> {
        let own = self.own.as_mut().ok_or_else(shared_is_shared)?;
        if let Some(mut process) = own.process.take() {
            // SIGQUIT is PostgreSQL's "immediate shutdown", which also ends its children.
            process.signal(Signal::QUIT)?;
            process.exit().await?;
        }
        Ok(())
    }

    /// An empty database.
    pub fn empty_database(&self) -> Result<Database> {
        let database = self.named(unique("empty"));
        self.create(&database.name, "template0")?;
        Ok(database)
    }

    /// A copy of a template database, which `fill` makes the first time that `key` is asked for.
    ///
    /// `fill` leaves no connection open: PostgreSQL does not copy a database that is in use.
    pub async fn database<F>(&self, key: &str, fill: impl FnOnce(Database) -> F) -> Result<Database>
    where
        F: Future<Output = Result<()>>,
    {
        let template = self.named(format!("template_{}", identifier(key)));
        let made = self.folder.join(format!("{}.made", template.name));
        if !made.exists() {
            let lock = self.folder.join(format!("{}.lock", template.name));
            let _lock = shared::lock(&lock).await?;
            if !made.exists() {
                run(&mut program(
                    "dropdb",
                    self.port,
                    &["--if-exists", "--force", &template.name],
                ))?;
                self.create(&template.name, "template0")?;
                fill(template.clone()).await?;
                fs::write(&made, "").map_err(Error::io("write", &made))?;
            }
        }
        let database = self.named(unique("test"));
        self.create(&database.name, &template.name)?;
        Ok(database)
    }

    fn create(&self, name: &str, template: &str) -> Result<()> {
        run(&mut program(
            "createdb",
            self.port,
            &["--template", template, name],
        ))
        .map(drop)
    }

    fn named(&self, name: String) -> Database {
        Database {
            port: self.port,
            name,
        }
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Database {
    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What `DB_URI` names it.
    pub fn uri(&self) -> String {
        format!("postgresql://{ROLE}@127.0.0.1:{}/{}", self.port, self.name)
    }

    /// The same database through a proxy or a pooler on this loopback port.
    #[must_use]
    pub fn through(&self, port: u16) -> Self {
        Self {
            port,
            name: self.name.clone(),
        }
    }

    /// Runs the SQL text of a file.
    pub(crate) fn run_file(&self, file: &Path) -> Result<()> {
        let file = file.display().to_string();
        let arguments = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", &file, &self.name];
        run(&mut program("psql", self.port, &arguments)).map(drop)
    }

    /// Runs one SQL text and gives the rows: fields joined by `|`, one row a line.
    pub fn sql(&self, text: &str) -> Result<String> {
        let arguments = [
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            text,
            &self.name,
        ];
        run(&mut program("psql", self.port, &arguments)).map(|rows| rows.trim_end().to_owned())
    }
}

fn shared_is_shared() -> Error {
    Error::unexpected(
        "the server of the test run is shared: start one with Postgres::start to stop it",
    )
}

/// Makes the data folder of a new server inside `folder`.
fn prepare(folder: &Path) -> Result<()> {
    let initdb = Path::new(PROGRAMS).join("initdb");
    if !initdb.exists() {
        return Err(Error::Missing {
            program: "PostgreSQL 15".to_owned(),
            install: INSTALL,
        });
    }
    give_to_service_user(folder)?;
    run(as_service_user(initdb)
        .current_dir(folder)
        .args([
            "--username",
            ROLE,
            "--auth=trust",
            "--encoding=UTF8",
            "--no-sync",
            "--no-instructions",
        ])
        .args([
            "--locale=C.UTF-8",
            "--locale-provider=icu",
            "--icu-locale=en-US",
            "--pgdata",
        ])
        .arg(folder.join("data")))
    .map(drop)
}

/// The command that runs a server in the foreground.
fn server(folder: &Path, port: u16, durability: Durability) -> Command {
    let mut command = as_service_user(Path::new(PROGRAMS).join("postgres"));
    command
        .current_dir(folder)
        .arg("-D")
        .arg(folder.join("data"))
        .arg("-p")
        .arg(port.to_string());
    let mut settings = vec![
        "listen_addresses=127.0.0.1".to_owned(),
        format!("unix_socket_directories={}", folder.display()),
        "max_connections=400".to_owned(),
        "shared_buffers=64MB".to_owned(),
        "log_min_messages=warning".to_owned(),
        // Plans and statistics are those that a test made.
        "autovacuum=off".to_owned(),
    ];
    if durability == Durability::Off {
        settings.extend(
            [
                "fsync=off",
                "synchronous_commit=off",
                "full_page_writes=off",
            ]
            .map(str::to_owned),
        );
    }
    if folder.join("data").join(TLS_KEY).exists() {
        settings.push("ssl=on".to_owned());
    }
    for setting in settings {
        command.arg("-c").arg(setting);
    }
    command
}

fn accepts(port: u16) -> bool {
    run(&mut program("pg_isready", port, &["--quiet"])).is_ok()
}

fn program(name: &str, port: u16, arguments: &[&str]) -> Command {
    let mut command = Command::new(Path::new(PROGRAMS).join(name));
    command
        .args([
            "--host=127.0.0.1",
            &format!("--port={port}"),
            &format!("--username={ROLE}"),
        ])
        .args(arguments);
    command
}

/// A database name that no other test has.
fn unique(prefix: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!(
        "{prefix}_{}_{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// `key` with everything replaced that a database name should not have.
fn identifier(key: &str) -> String {
    key.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[tokio::test]
    async fn a_database_is_a_copy_of_its_template_and_the_template_is_filled_once() {
        let postgres = Postgres::shared().await.unwrap();
        let key = format!("kit {}", std::process::id());
        let fill = async |database: Database| {
            database
                .sql("create table t (id int); insert into t values (7)")
                .map(drop)
        };
        let first = postgres.database(&key, fill).await.unwrap();
        first.sql("update t set id = 8").unwrap();
        let second = postgres
            .database(&key, async |_: Database| {
                Err(Error::unexpected("filled twice"))
            })
            .await
            .unwrap();
        assert_eq!(second.sql("select id from t").unwrap(), "7");
    }

    #[tokio::test]
    async fn a_server_of_ones_own_keeps_its_data_over_a_stop() {
        let mut postgres = Postgres::start(Durability::On).await.unwrap();
        let database = postgres.empty_database().unwrap();
        database
            .sql("create table t (id int); insert into t values (7)")
            .unwrap();
        postgres.stop().await.unwrap();
        assert!(database.sql("select 1").is_err());
        postgres.start_again().await.unwrap();
        assert_eq!(database.sql("select id from t").unwrap(), "7");
    }
}
